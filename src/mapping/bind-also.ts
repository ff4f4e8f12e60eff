// Compiles what further sources give, and says which of several values of an attribute counts.
import type { Place } from '../base/problem.ts';
import type { AttributeValue, Employment } from '../worker/worker.ts';
import { FIRST_SOURCE } from './also-schema.ts';
import type { Binder } from './binder.ts';
import type { AlsoJoin, MappedFact, RawRecord } from './bound-mapping.ts';
import type { Dialect, Expression, Value, ValueType } from './expression.ts';
import { tidied } from './mapped-text.ts';
import { TEXT_MAX } from './meter.ts';
import type { RecordView, WorkerView } from './record-view.ts';
import { Refusal } from './refusal.ts';
import { UniqueName } from './user-name.ts';
import type { YamlPath } from './yaml-tree.ts';

const TEXT: readonly ValueType[] = ['text', 'int'];
/** Longest key: as that of a worker. */
const KEY_LENGTH_MAX = 256;

export const alsoName = (binder: Binder, index: number): string => String(binder.at(['also', index, 'name']) ?? '');

/** Every place of an expression over the record of a further source. */
export const alsoRecordPaths = (binder: Binder, index: number): readonly YamlPath[] => [
  ['also', index, 'key'],
  ...binder.names(['also', index, 'attributes']).map((name) => ['also', index, 'attributes', name]),
];

export interface CompiledAlso {
  readonly key: Expression | null;
  readonly attributes: readonly (readonly [name: string, expression: Expression])[];
}

const ATTRIBUTE: readonly ValueType[] = ['text', 'bool', 'int', 'double', 'texts'];

/** @param faulty places whose column is missing: they are not blamed twice. */
export function compiledAlso(
  binder: Binder,
  index: number,
  dialect: Dialect,
  faulty: ReadonlySet<string>,
): CompiledAlso {
  const read = (path: YamlPath, wanted: readonly ValueType[]): Expression | null =>
    faulty.has(JSON.stringify(path)) ? null : binder.expression(path, dialect, wanted);
  const attributes: (readonly [string, Expression])[] = [];
  for (const name of binder.names(['also', index, 'attributes'])) {
    const expression = read(['also', index, 'attributes', name], ATTRIBUTE);
    if (expression !== null) attributes.push([name, expression]);
  }
  return { key: read(['also', index, 'key'], TEXT), attributes: attributes.toSorted(([a], [b]) => (a < b ? -1 : 1)) };
}

/** One record becomes a fact, or a rejection with its reason; values never stand in it. */
export function factMapper(
  { attributes }: CompiledAlso,
  key: Expression,
  view: RecordView,
): (record: RawRecord, place: Place) => MappedFact {
  const variables = { record: view };
  return (record, place) => {
    view.raw = record;
    let found: string | null = null;
    let at: Expression = key;
    try {
      found = keyOf(key.run(variables));
      const values: Record<string, AttributeValue> = {};
      for (const [name, expression] of attributes) {
        at = expression;
        const value = attributeOf(expression.run(variables));
        if (value !== null) values[name] = value;
      }
      return { kind: 'fact', key: found, attributes: values };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const column = at.findings.columns[0] ?? at.findings.optionalColumns[0] ?? null;
      const where = column === null ? '' : `column ${column}: `;
      return {
        kind: 'rejected',
        rejection: {
          key: found,
          code: error.code,
          reason: `${where}${error.reason}`,
          column,
          place: column === null ? place : { ...place, key: column },
          saysTerminated: false,
        },
      };
    }
  };
}

/** Byte for byte, as ids are; nothing but blanks is none. @throws Refusal */
function keyOf(value: Value): string {
  const key = typeof value === 'string' ? value : String(value);
  if (key.trim() === '') throw new Refusal('no-key', 'has no key');
  if (key.length > KEY_LENGTH_MAX) throw new Refusal('bad-key', `a key is longer than ${KEY_LENGTH_MAX} characters`);
  return key;
}

/** Null where nothing is left: blank values are absent. @throws Refusal */
function attributeOf(value: Value): AttributeValue | null {
  if (typeof value === 'string') {
    if (value.length > TEXT_MAX) throw new Refusal('too-long', `a value is longer than ${TEXT_MAX} characters`);
    const text = tidied(value);
    return text === '' ? null : text;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof UniqueName) throw new Refusal('not-text', 'a value is no text');
  const texts = value.map(tidied).filter((one) => one !== '');
  return texts.length === 0 ? null : texts;
}

export function alsoJoin(name: string, expression: Expression, view: WorkerView): AlsoJoin {
  return {
    name,
    byId: /^\s*worker\.id\s*$/.test(expression.text),
    joinKey: (employment) => {
      try {
        const value = expression.run({ worker: view.show(employment, employment.personId) });
        const key = typeof value === 'string' ? value : String(value);
        return key.trim() === '' || key.length > KEY_LENGTH_MAX ? '' : key;
      } catch (error) {
        if (error instanceof Refusal) return '';
        throw error;
      }
    },
  };
}

/** Attribute → the sources that may give it, the first that is not blank counts. */
export type Precedence = ReadonlyMap<string, readonly string[]>;

/** What the file says of precedence; an attribute that only one source gives needs none. Faults are noted. */
export function precedenceOf(binder: Binder): Precedence {
  const givers = new Map<string, string[]>();
  const add = (attribute: string, source: string): void => {
    givers.set(attribute, [...(givers.get(attribute) ?? []), source]);
  };
  for (const name of binder.names(['worker', 'attributes'])) add(name, FIRST_SOURCE);
  for (let index = 0; index < binder.count(['also']); index++) {
    for (const name of binder.names(['also', index, 'attributes'])) add(name, alsoName(binder, index));
  }
  const result = new Map<string, readonly string[]>();
  for (const [attribute, sources] of givers) {
    if (sources.length === 1 && sources[0] === FIRST_SOURCE) continue;
    const path = ['precedence', attribute];
    const said = binder.at(path);
    if (sources.length === 1) result.set(attribute, sources);
    else if (!Array.isArray(said)) {
      const hint = `write precedence: { ${attribute}: [${sources.join(', ')}] }, the one that counts first`;
      const at = binder.tree.has(['precedence']) ? ['precedence'] : ['also'];
      binder.faultAtKey(
        at,
        'mapping.precedence',
        `several sources give "${attribute}", and nothing says whose counts`,
        hint,
      );
    } else if (said.length !== sources.length || !sources.every((source) => said.includes(source))) {
      const message = `"${attribute}" is given by ${sources.join(' and ')}: each stands here once, and nothing else`;
      binder.fault(path, 'mapping.precedence', message);
    } else result.set(attribute, said.map(String));
  }
  for (const attribute of binder.names(['precedence'])) {
    if ((givers.get(attribute)?.length ?? 0) > 1) continue;
    binder.faultAtKey(
      ['precedence', attribute],
      'mapping.precedence',
      `"${attribute}" is not given by several sources`,
    );
  }
  return result;
}

/** The employment as expressions of accounts see it: with what further sources have given. */
export function overlaid(employment: Employment, precedence: Precedence): Employment {
  if (precedence.size === 0) return employment;
  const attributes: Record<string, AttributeValue> = { ...employment.attributes };
  for (const [attribute, sources] of precedence) {
    delete attributes[attribute];
    for (const source of sources) {
      const value =
        source === FIRST_SOURCE ? employment.attributes[attribute] : employment.given?.[source]?.[attribute];
      if (value === undefined) continue;
      attributes[attribute] = value;
      break;
    }
  }
  return { ...employment, attributes };
}
