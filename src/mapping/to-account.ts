// What one worker's account at one target shall look like.
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Employment, Worker } from '../worker/worker.ts';
import { checkDemands } from './account-demands.ts';
import { type AccountTemplate, accountTemplate, filled, type Leaf } from './account-template.ts';
import type { Binder } from './binder.ts';
import type { CorrelationValue, DesiredAccount, ListedAccount, TargetMapping } from './bound-mapping.ts';
import { type GroupRule, groupRules, memberships } from './entitlements.ts';
import type { Dialect, Expression, Value } from './expression.ts';
import { checkOktaUser } from './okta-rules.ts';
import type { AccountView, WorkerView } from './record-view.ts';
import { Refusal } from './refusal.ts';
import { suggestion } from './suggestion.ts';
import { traced } from './trace.ts';
import { type NameList, UniqueName, userNameCandidates } from './user-name.ts';
import type { YamlPath } from './yaml-tree.ts';

/** The dialects in which a target's expressions are written. */
export interface AccountDialects {
  /** `worker` only, with unique(). */
  readonly userName: Dialect;
  /** `worker` and `userName`. */
  readonly account: Dialect;
}

export interface CompiledTarget {
  readonly name: string;
  readonly userName: Expression;
  readonly externalId: Expression | null;
  readonly template: AccountTemplate;
  readonly groups: readonly GroupRule[];
  readonly correlate: readonly string[];
  readonly deletes: boolean;
}

/** Null where a fault was noted. */
export function compiledTarget(binder: Binder, path: YamlPath, dialects: AccountDialects): CompiledTarget | null {
  const user = [...path, 'user'];
  const userName = binder.expression([...user, 'userName'], dialects.userName, ['text', 'unique']);
  if (binder.tree.has(user) && binder.textAt([...user, 'userName']) === null) {
    binder.fault(
      user,
      'mapping.missing',
      'user.userName is missing',
      `such as 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'`,
    );
  }
  const externalId = binder.expression([...user, 'externalId'], dialects.userName, ['text']);
  const template = accountTemplate(binder, user, dialects.account);
  checkDemands(binder, path, template.paths);
  checkOktaUser(binder, path, template);
  const groups = groupRules(binder, [...path, 'groups'], dialects.account);
  const correlate = correlationPaths(binder, [...path, 'correlate'], template);
  const name = binder.at([...path, 'name']);
  if (userName === null || typeof name !== 'string') return null;
  const deletes = binder.at([...path, 'deletes']) === true;
  return { name, userName, externalId, template, groups, correlate, deletes };
}

function correlationPaths(binder: Binder, path: YamlPath, template: AccountTemplate): readonly string[] {
  const known = ['externalId', 'userName', ...template.paths];
  const listed = binder.at(path);
  if (!Array.isArray(listed)) return ['externalId'];
  return listed.map((one, index) => {
    const found = known.find((candidate) => candidate.toLowerCase() === String(one).toLowerCase());
    if (found === undefined && typeof one === 'string') {
      binder.fault([...path, index], 'mapping.correlate', `"${one}" is not mapped under user`, suggestion(one, known));
    }
    return found ?? '';
  });
}

/** Whether making this account may refuse a worker whose record was otherwise fine: such are tried with the record. */
export const mayRefuse = (target: CompiledTarget, given: ReadonlySet<string>): boolean =>
  expressionsOf(target).some((one) => isTried(one, given));

/** What further sources give must never be the reason for which a record is refused. */
const isTried = ({ findings, text }: Expression, given: ReadonlySet<string>): boolean =>
  findings.fallible && !(given.size > 0 && [...text.matchAll(/[A-Za-z_]\w*/g)].some(([word]) => given.has(word)));

const expressionsOf = (target: CompiledTarget): readonly Expression[] => [
  target.userName,
  ...(target.externalId === null ? [] : [target.externalId]),
  ...target.template.leaves.map((leaf) => leaf.expression),
  ...target.groups.flatMap((rule) => (rule.when === null ? [rule.name] : [rule.name, rule.when])),
];

/** Runs every expression that may refuse. @throws Refusal */
export function tryAccount(
  target: CompiledTarget,
  view: WorkerView,
  employment: Employment,
  given: ReadonlySet<string>,
): void {
  const worker = view.show(employment, employment.personId);
  const value = target.userName.run({ worker });
  const userName = value instanceof UniqueName ? (userNameCandidates(value, employment.id).at(0) ?? '') : String(value);
  const variables = { worker, userName };
  for (const one of expressionsOf(target)) if (isTried(one, given)) one.run(variables);
}

export function targetMapping(
  target: CompiledTarget,
  view: WorkerView,
  account: AccountView,
  {
    protectedRules,
    seen,
  }: {
    readonly protectedRules: readonly Expression[];
    /** An employment as expressions of accounts see it. */
    readonly seen: (employment: Employment) => Employment;
  },
): TargetMapping {
  const { template } = target;
  const pathsWhere = (wanted: (leaf: Leaf) => boolean): readonly string[] => [
    ...new Set(template.leaves.filter(wanted).map((leaf) => leaf.path)),
  ];
  const onCreateOnly = pathsWhere((leaf) => leaf.options.apply === 'onCreate');
  const keepWhenBlank = pathsWhere((leaf) => leaf.options.blank === 'keep');
  const generated = target.userName.type === 'unique';
  const carried = new Set(pathsWhere((leaf) => !(generated && leaf.expression.findings.variables.has('userName'))));

  const desired = (person: Worker, primary: Employment, chosen: string | null): DesiredAccount => {
    const worker = view.show(seen(primary), person.key);
    const notes: string[] = [];
    const undecided: string[] = [];
    const note = (text: string): void => void notes.push(text);
    const kept = generated && chosen !== null;
    const userNames = kept ? [] : namesOf(userNameOf(target.userName, worker, note), primary.id);
    const variables = { worker, userName: chosen ?? userNames.at(0) ?? '' };
    const attributes = filled(template.root, (leaf) => {
      try {
        return leaf.expression.run(variables);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // What cannot be computed is not blank: the account keeps what it has.
        undecided.push(leaf.path);
        note(`${leaf.path}: ${error.reason}`);
        return undefined;
      }
    });
    const given = memberships(target.groups, variables, note);
    return {
      externalId: externalIdOf(target.externalId, worker, note) || person.key,
      userNames,
      userNameGenerated: generated,
      attributes,
      onCreateOnly,
      keepWhenBlank: undecided.length === 0 ? keepWhenBlank : [...keepWhenBlank, ...undecided],
      memberships: given,
      managerKey: primary.managerId === person.key ? '' : primary.managerId,
      ...(notes.length === 0 ? {} : { notes }),
    };
  };

  return {
    name: target.name,
    desired,
    trace: (person, primary, userName) =>
      traced(target.userName, template.leaves, target.groups, {
        worker: view.show(seen(primary), person.key),
        userName,
      }),
    correlation: (_worker, _primary, account) => correlationOf(target.correlate, carried, account),
    fullGroups: target.groups.flatMap((rule) =>
      rule.authority === 'full' && rule.name.literal !== null ? [rule.name.literal.trim()] : [],
    ),
    isProtected: (candidate) => isProtected(protectedRules, account, candidate),
    deletes: target.deletes,
  };
}

function userNameOf(expression: Expression, worker: WorkerView, note: (text: string) => void): Value {
  try {
    return expression.run({ worker });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    note(`userName: ${error.reason}`);
    return '';
  }
}

function namesOf(named: Value, id: string): NameList {
  if (named instanceof UniqueName) return userNameCandidates(named, id);
  const name = String(named).trim();
  return name === '' ? [] : [name];
}

function externalIdOf(expression: Expression | null, worker: WorkerView, note: (text: string) => void): string {
  if (expression === null) return '';
  try {
    return String(expression.run({ worker })).trim();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    note(`externalId: ${error.reason}`);
    return '';
  }
}

function correlationOf(
  correlate: readonly string[],
  carried: ReadonlySet<string>,
  desired: DesiredAccount,
): readonly CorrelationValue[] {
  const values: CorrelationValue[] = [];
  for (const path of correlate) {
    if (path === 'externalId') values.push({ path, value: desired.externalId });
    else if (path === 'userName') {
      const name = desired.userNameGenerated ? undefined : desired.userNames.at(0);
      if (name !== undefined) values.push({ path, value: name });
    } else if (carried.has(path)) {
      const value = valueAtPath(desired.attributes, path);
      if (value !== '') values.push({ path, value });
    }
  }
  return values;
}

/** The value at a flattened path of our own attributes as text, '' when there is none or it is no single value. */
function valueAtPath(attributes: JsonObject, path: string): string {
  const extension = Object.keys(attributes).find((key) => key.startsWith('urn:') && path.startsWith(`${key}:`));
  const start: JsonValue | undefined = extension === undefined ? attributes : attributes[extension];
  const rest = extension === undefined ? path : path.slice(extension.length + 1);
  let value: JsonValue | undefined = start;
  for (const step of rest.split('.')) {
    const [, name, type] = /^([^[]*)(?:\[(.*)\])?$/.exec(step) ?? [];
    value = name === undefined ? undefined : (value as JsonObject | undefined)?.[name];
    if (type !== undefined) {
      value = Array.isArray(value) ? value.find((element) => (element as JsonObject | null)?.type === type) : undefined;
    }
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** A rule that cannot be decided protects: a write that should not have been is worse than one that waits for a person. */
function isProtected(rules: readonly Expression[], view: AccountView, candidate: ListedAccount): boolean {
  view.account = candidate;
  return rules.some((rule) => {
    try {
      return rule.run({ account: view }) === true;
    } catch (error) {
      if (error instanceof Refusal) return true;
      throw error;
    }
  });
}
