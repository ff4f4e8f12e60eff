// Compiles all expressions of a connection against the columns of a feed and puts the mapping together.
import type { Fault } from '../base/problem.ts';
import {
  alsoJoin,
  alsoName,
  alsoRecordPaths,
  type CompiledAlso,
  compiledAlso,
  factMapper,
  overlaid,
  precedenceOf,
} from './bind-also.ts';
import type { Binder } from './binder.ts';
import type { AlsoMapping, BoundMapping } from './bound-mapping.ts';
import { celEnvironment, type Tables } from './cel-environment.ts';
import type { ExpressionFault, Vocabulary } from './examination.ts';
import { type Dialect, type Expression, parsed, type ValueType } from './expression.ts';
import { Meter } from './meter.ts';
import {
  ACCOUNT_MEMBERS,
  AccountView,
  AttributesView,
  type AttributeTypes,
  RecordView,
  WORKER_MEMBERS,
  WorkerView,
} from './record-view.ts';
import { nearest, shortList } from './suggestion.ts';
import { type CompiledTarget, compiledTarget, mayRefuse, targetMapping, tryAccount } from './to-account.ts';
import { employmentMapper, STATUS_WORDS, type WorkerMapping } from './to-employment.ts';
import type { YamlPath } from './yaml-tree.ts';

export interface BindSettings {
  readonly connection: string;
  readonly digest: string;
  readonly timeZone: string;
  /** CSV cells are text; JSON members may have a shape. */
  readonly nested: boolean;
  readonly lastDayInclusive: boolean;
  readonly leaveCounts: 'lastDay' | 'endDate';
  readonly toInclusive: boolean;
}

const TEXT: readonly ValueType[] = ['text', 'int'];
const BOOL: readonly ValueType[] = ['bool'];
const ATTRIBUTE: readonly ValueType[] = ['text', 'bool', 'int', 'double', 'texts'];

/** CEL's name for what an attribute holds, from what its expression gives. */
const CEL_TYPES: Readonly<Record<ValueType, string>> = {
  text: 'string',
  bool: 'bool',
  int: 'int',
  double: 'double',
  texts: 'list<string>',
  any: 'dyn',
  unique: 'string',
};

/** Compiles with every fault noted in the binder; null when there was one. `columns` null: the feed is not known yet. */
export function bindConnection(
  binder: Binder,
  settings: BindSettings,
  columns: readonly string[] | null,
): BoundMapping | null {
  const before = binder.faults.length;
  const tables = tablesOf(binder);
  const meter = new Meter();
  const base = celEnvironment(tables, settings.timeZone, meter);
  const vocabulary = (variables: Vocabulary['variables'], more: Partial<Vocabulary> = {}): Vocabulary => ({
    variables,
    tables,
    uniqueAllowed: false,
    randomPasswordAllowed: false,
    ...more,
  });

  const recordWords = vocabulary(new Map([['record', null]]));
  const use = columnsInUse(binder, recordPaths(binder), { environment: base, vocabulary: recordWords });
  const missing = columns === null ? [] : noteMissing(binder, use, columns);
  const recordDialect: Dialect = {
    environment: recordEnvironment(base, use, settings.nested),
    vocabulary: recordWords,
    meter,
  };
  const worker = workerSection(binder, recordDialect, new Set(missing.map((column) => column.where)));

  const types: AttributeTypes = new Map(
    binder.names(['worker', 'attributes']).map((name) => {
      const expression = worker.attributes.find(([one]) => one === name)?.[1];
      // A faulty attribute is taken as anything, so that its users are not blamed for it.
      return [name, CEL_TYPES[expression?.type ?? 'any']];
    }),
  );
  const wordsOf = (known: AttributeTypes) =>
    new Map([['worker', [...Object.keys(WORKER_MEMBERS), 'attributes', ...known.keys()]]]);
  // Who is managed, and whom a further source speaks of, is the first source's to say alone.
  const scopeDialect: Dialect = { environment: withWorker(base, types), vocabulary: vocabulary(wordsOf(types)), meter };
  const furthers = Array.from({ length: binder.count(['also']) }, (_, index) =>
    compiledFurther(binder, index, base, vocabulary, meter),
  );
  const allTypes = withFurther(types, furthers, binder);
  const precedence = precedenceOf(binder);
  const workerWords = wordsOf(allTypes);
  const workerEnvironment = withWorker(base, allTypes);
  const joins = furthers.map((_, index) => binder.expression(['also', index, 'joins'], scopeDialect, TEXT));
  const accountDialects = {
    userName: { environment: workerEnvironment, vocabulary: vocabulary(workerWords, { uniqueAllowed: true }), meter },
    account: {
      environment: workerEnvironment.clone().registerVariable('userName', 'string'),
      vocabulary: vocabulary(new Map([...workerWords, ['userName', []]]), { randomPasswordAllowed: true }),
      meter,
    },
  };

  const scope = binder.expression(['scope'], scopeDialect, BOOL);
  const targets: CompiledTarget[] = [];
  for (let index = 0; index < binder.count(['targets']); index++) {
    const target = compiledTarget(binder, ['targets', index], accountDialects);
    if (target !== null) targets.push(target);
  }
  const protectedRules = protectedSection(binder, base, vocabulary, meter);
  const { id, status, startDate } = worker;
  if (binder.faults.length > before || id === null || status === null || startDate === null) return null;

  const view = new WorkerView(meter, allTypes);
  const given = new Set(furthers.flatMap(({ attributes }) => attributes.map(([name]) => name)));
  const account = new AccountView();
  const tried = targets.filter((target) => mayRefuse(target, given));
  const known = columns === null ? null : new Set(columns);
  const mapping: WorkerMapping = {
    ...worker,
    id,
    status,
    startDate,
    scope,
    tryAccounts:
      tried.length === 0
        ? null
        : (employment) => {
            for (const target of tried) tryAccount(target, view, employment, given);
          },
    lastDayInclusive: settings.lastDayInclusive,
    leaveCounts: settings.leaveCounts,
    toInclusive: settings.toInclusive,
    timeZoneDefault: settings.timeZone,
  };
  return {
    connection: settings.connection,
    digest: settings.digest,
    datedRows: worker.effectiveFrom !== null,
    referencedColumns: [...use.needed.keys()].sort(),
    readColumns: [...new Set([...use.needed.keys(), ...use.optional])].sort(),
    toEmployment: employmentMapper(mapping, new RecordView(meter, known), view),
    targets: targets.map((target) =>
      targetMapping(target, view, account, { protectedRules, seen: (employment) => overlaid(employment, precedence) }),
    ),
    also: joins.flatMap((expression, index) =>
      expression === null ? [] : [alsoJoin(alsoName(binder, index), expression, new WorkerView(meter, types))],
    ),
  };
}

/** A further source against the columns of its own delivery; faults are noted, null when there was one. */
export function bindAlso(
  binder: Binder,
  index: number,
  settings: Pick<BindSettings, 'timeZone'>,
  columns: readonly string[] | null,
): AlsoMapping | null {
  const before = binder.faults.length;
  const tables = tablesOf(binder);
  const meter = new Meter();
  const base = celEnvironment(tables, settings.timeZone, meter);
  const words: Vocabulary = {
    variables: new Map([['record', null]]),
    tables,
    uniqueAllowed: false,
    randomPasswordAllowed: false,
  };
  const use = columnsInUse(binder, alsoRecordPaths(binder, index), { environment: base, vocabulary: words });
  const missing = columns === null ? [] : noteMissing(binder, use, columns);
  const environment = recordEnvironment(base, use, isNested(binder, ['also', index, 'source']));
  const compiled = compiledAlso(
    binder,
    index,
    { environment, vocabulary: words, meter },
    new Set(missing.map(({ where }) => where)),
  );
  if (compiled.key === null || binder.faults.length > before) return null;
  const view = new RecordView(meter, columns === null ? null : new Set(columns));
  return {
    readColumns: [...new Set([...use.needed.keys(), ...use.optional])].sort(),
    toFact: factMapper(compiled, compiled.key, view),
  };
}

/** JSON members may have a shape; CSV cells are text. */
export function isNested(binder: Binder, source: YamlPath): boolean {
  if (binder.at([...source, 'kind']) === 'http') return binder.at([...source, 'list', 'format']) !== 'csv';
  const format = binder.at([...source, 'format']);
  return format === 'json' || format === 'jsonl';
}

/** What a further source gives, checked against its declared columns. */
function compiledFurther(
  binder: Binder,
  index: number,
  base: Dialect['environment'],
  vocabulary: (variables: Vocabulary['variables']) => Vocabulary,
  meter: Meter,
): CompiledAlso {
  const words = vocabulary(new Map([['record', null]]));
  const use = columnsInUse(binder, alsoRecordPaths(binder, index), { environment: base, vocabulary: words });
  const declared = binder.at(['also', index, 'source', 'columns']);
  const columns = Array.isArray(declared) && declared.length > 0 ? declared.map(String) : null;
  const missing = columns === null ? [] : noteMissing(binder, use, columns);
  const environment = recordEnvironment(base, use, isNested(binder, ['also', index, 'source']));
  return compiledAlso(
    binder,
    index,
    { environment, vocabulary: words, meter },
    new Set(missing.map(({ where }) => where)),
  );
}

/** All attributes that accounts may use. Several sources of one attribute have to agree on what it is. */
function withFurther(types: AttributeTypes, furthers: readonly CompiledAlso[], binder: Binder): AttributeTypes {
  if (furthers.length === 0) return types;
  const all = new Map(types);
  for (const [index, { attributes }] of furthers.entries()) {
    for (const [name, expression] of attributes) {
      const type = CEL_TYPES[expression.type];
      const known = all.get(name);
      if (known !== undefined && known !== type) {
        const message = `"${name}" is ${known} elsewhere and ${type} here`;
        binder.fault(
          ['also', index, 'attributes', name],
          'mapping.type',
          message,
          'make both a text, or give it another name',
        );
      }
      all.set(name, type);
    }
  }
  return all;
}

export function tablesOf(binder: Binder): Tables {
  return new Map(
    binder
      .names(['tables'])
      .map((table) => [
        table,
        new Map(
          binder.names(['tables', table]).map((word) => [word, String(binder.at(['tables', table, word]) ?? '')]),
        ),
      ]),
  );
}

/** Every place of an expression over `record`. */
function recordPaths(binder: Binder): readonly YamlPath[] {
  const members = binder.names(['worker']).filter((name) => name !== 'attributes');
  return [
    ['source', 'asOf'],
    ['source', 'effective', 'from'],
    ['source', 'effective', 'to'],
    ...members.map((name) => ['worker', name]),
    ...binder.names(['worker', 'attributes']).map((name) => ['worker', 'attributes', name]),
  ];
}

interface ColumnsInUse {
  /** Column → places that cannot do without it. */
  readonly needed: ReadonlyMap<string, readonly YamlPath[]>;
  readonly optional: ReadonlySet<string>;
  readonly nested: ReadonlySet<string>;
}

function columnsInUse(
  binder: Binder,
  paths: readonly YamlPath[],
  dialect: Pick<Dialect, 'environment' | 'vocabulary'>,
): ColumnsInUse {
  const needed = new Map<string, YamlPath[]>();
  const optional = new Set<string>();
  const nested = new Set<string>();
  for (const path of paths) {
    const text = binder.textAt(path);
    const read = text === null ? null : parsed(text, dialect);
    if (read === null || 'faults' in read) continue;
    for (const column of read.findings.columns) needed.set(column, [...(needed.get(column) ?? []), path]);
    for (const column of read.findings.optionalColumns) optional.add(column);
    for (const column of read.findings.nestedColumns) nested.add(column);
  }
  return { needed, optional, nested };
}

interface MissingColumn {
  readonly where: string;
}

/** One fault for each place that reads a column which the feed does not have. */
function noteMissing(binder: Binder, use: ColumnsInUse, columns: readonly string[]): readonly MissingColumn[] {
  const there = new Set(columns);
  const missing: MissingColumn[] = [];
  for (const [column, paths] of use.needed) {
    if (there.has(column)) continue;
    const near = nearest(column, columns);
    const hint =
      near === null
        ? `it has: ${shortList(columns)}`
        : `did you mean "${near}"? (a column that may be absent: record.?${column}.orValue(""))`;
    for (const path of paths) {
      const fault: ExpressionFault = {
        code: 'mapping.column',
        message: `the feed has no column "${column}"`,
        hint,
        offset: Math.max(0, (binder.textAt(path) ?? '').indexOf(column)),
      };
      binder.within(path, fault);
      missing.push({ where: JSON.stringify(path) });
    }
  }
  return missing;
}

function recordEnvironment(base: Dialect['environment'], use: ColumnsInUse, nested: boolean): Dialect['environment'] {
  const fields: Record<string, string> = Object.create(null);
  for (const column of [...use.needed.keys(), ...use.optional]) {
    fields[column] = nested && use.nested.has(column) ? 'dyn' : 'string';
  }
  return base.clone().registerType('Record', { ctor: RecordView, fields }).registerVariable('record', 'Record');
}

function withWorker(base: Dialect['environment'], types: AttributeTypes): Dialect['environment'] {
  const attributes: Record<string, string> = Object.create(null);
  for (const [name, type] of types) attributes[name] = type;
  const fields = { ...attributes, ...WORKER_MEMBERS, attributes: 'WorkerAttributes' };
  return base
    .clone()
    .registerType('WorkerAttributes', { ctor: AttributesView, fields: attributes })
    .registerType('Worker', { ctor: WorkerView, fields })
    .registerVariable('worker', 'Worker');
}

type WorkerSection = Omit<
  WorkerMapping,
  | 'id'
  | 'status'
  | 'startDate'
  | 'scope'
  | 'tryAccounts'
  | 'lastDayInclusive'
  | 'leaveCounts'
  | 'toInclusive'
  | 'timeZoneDefault'
> & { readonly id: Expression | null; readonly status: Expression | null; readonly startDate: Expression | null };

function workerSection(binder: Binder, dialect: Dialect, faulty: ReadonlySet<string>): WorkerSection {
  const read = (path: YamlPath, wanted: readonly ValueType[]): Expression | null =>
    faulty.has(JSON.stringify(path)) ? null : binder.expression(path, dialect, wanted);
  const member = (name: string, wanted = TEXT): Expression | null => read(['worker', name], wanted);
  const status = member('status');
  if (
    status?.literal !== null &&
    status?.literal !== undefined &&
    !(STATUS_WORDS as readonly string[]).includes(status.literal)
  ) {
    binder.fault(
      ['worker', 'status'],
      'mapping.status',
      `"${status.literal}" is no status`,
      `one of ${STATUS_WORDS.join(', ')}`,
    );
  }
  const attributes: (readonly [string, Expression])[] = [];
  for (const name of binder.names(['worker', 'attributes'])) {
    const expression = read(['worker', 'attributes', name], ATTRIBUTE);
    if (expression !== null) attributes.push([name, expression]);
  }
  return {
    id: member('id'),
    personId: member('personId'),
    status,
    startDate: member('startDate', ['text']),
    endDate: member('endDate', ['text']),
    lastDay: member('lastDay', ['text']),
    endsNow: member('endsNow', BOOL),
    timeZone: member('timeZone', ['text']),
    managerId: member('managerId'),
    asOf: read(['source', 'asOf'], ['text']),
    effectiveFrom: read(['source', 'effective', 'from'], ['text']),
    effectiveTo: read(['source', 'effective', 'to'], ['text']),
    attributes,
  };
}

function protectedSection(
  binder: Binder,
  base: Dialect['environment'],
  vocabulary: (variables: Vocabulary['variables']) => Vocabulary,
  meter: Meter,
): readonly Expression[] {
  const environment = base
    .clone()
    .registerType('Account', { ctor: AccountView, fields: { ...ACCOUNT_MEMBERS } })
    .registerVariable('account', 'Account');
  const dialect = { environment, vocabulary: vocabulary(new Map([['account', Object.keys(ACCOUNT_MEMBERS)]])), meter };
  const rules: Expression[] = [];
  for (let index = 0; index < binder.count(['protected']); index++) {
    const rule = binder.expression(['protected', index], dialect, BOOL);
    if (rule !== null) rules.push(rule);
  }
  return rules;
}

export type Bound = { readonly mapping: BoundMapping } | { readonly faults: readonly Fault[] };
