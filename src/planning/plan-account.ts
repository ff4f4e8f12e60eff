// One worker's account at one target: what is there or under way, what shall be, and the operations between the two.
// Level-triggered: it compares states and never asks what happened, except that entering `left` always disables.
import type { Instant } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Lane, TransitionName } from '../lifecycle/operation.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { type Stage, WITH_ACCOUNT } from '../lifecycle/standing.ts';
import type { DesiredAccount, ListedAccount, TargetMapping } from '../mapping/bound-mapping.ts';
import { type Change, changesBetween, projected } from './account-changes.ts';
import { notAdoptable } from './adoptable.ts';
import type {
  AccountPayload,
  AccountState,
  MembershipPayload,
  NewOperation,
  OpenOperation,
  OperationKind,
} from './changeset.ts';
import type { Harm, HarmKind } from './harm.ts';

/** What the planner had to look up for one target before it could decide. */
export interface TargetAnswers {
  /** A free name out of the candidates; null when none was asked for, or none is free. */
  readonly userName: string | null;
  /** Existing accounts that correlate, without those that this worker owns already. */
  readonly matches: readonly ListedAccount[];
  /** The path by which they were found; null without a match. */
  readonly foundBy: string | null;
  /** Remote ids among the matches that belong to another worker of ours, or that another worker claims in the same plan. */
  readonly ownedElsewhere: ReadonlySet<string>;
  /** Whether the desired manager's account exists at the target. */
  readonly managerReady: boolean;
  /** Whether the name that HR's record asks for instead of the account's was given to another worker, once and for ever. */
  readonly nameHeld: boolean;
  /** Remote ids of accounts that a person took from this worker: they are no matches. */
  readonly unpaired?: readonly string[];
}

export interface AccountInput {
  readonly workerKey: string;
  readonly target: TargetMapping;
  readonly account: AccountState | null;
  /** Open operations of this worker at this target, oldest first. */
  readonly open: readonly OpenOperation[];
  /** Failed ones that are asked for again. They are not among the open ones, and end with this decision. */
  readonly replayed: readonly OpenOperation[];
  readonly stage: Stage;
  /** Whether an existing account shall be active at this stage. */
  readonly shallBeActive: boolean;
  /** Whether groups are given at this stage. */
  readonly shallHaveGroups: boolean;
  /** True when this very decision takes access away: the target is asked whatever we believe. */
  readonly leaving: boolean;
  readonly purging: boolean;
  /** Whether the sessions of somebody who has left are ended at this target by a call of ours. */
  readonly endsSessions: boolean;
  /** Null at stages without attributes to keep (left, purged, expected). */
  readonly desired: DesiredAccount | null;
  readonly answers: TargetAnswers;
  readonly lane: Lane;
  readonly transition: TransitionName | null;
  readonly now: Instant;
}

export interface AccountPlan {
  /** The account row to store; null leaves it as it is. */
  readonly account: AccountState | null;
  readonly operations: readonly NewOperation[];
  readonly supersedes: readonly number[];
  readonly harms: readonly Harm[];
  readonly changes: readonly Change[];
}

const NOTHING: AccountPlan = { account: null, operations: [], supersedes: [], harms: [], changes: [] };

export function planAccount(input: AccountInput): AccountPlan {
  const protectedMatch = input.answers.matches.some((match) => input.target.isProtected(match));
  if (input.account === null) {
    if (protectedMatch)
      return WITH_ACCOUNT.has(input.stage)
        ? refusal(input, 'protected-account', 'the matching account is protected')
        : NOTHING;
    if (WITH_ACCOUNT.has(input.stage)) return newOrAdopted(input);
    return input.stage === 'left' ? leftOnFirstSight(input) : NOTHING;
  }
  if (input.target.isProtected(asListed(input.account))) return protectedNow(input, input.account);
  const purging = input.purging || (input.stage === 'purged' && isReplayed(input, 'delete'));
  if (purging && input.target.deletes) return purged(input, input.account);
  return WITH_ACCOUNT.has(input.stage) ? kept(input, input.account) : withdrawn(input, input.account);
}

const isReplayed = ({ replayed }: AccountInput, kind: OperationKind): boolean =>
  replayed.some((one) => one.kind === kind);

// ── no account of ours yet ──────────────────────────────────────────────────────────────────────────────────────────

function newOrAdopted(input: AccountInput): AccountPlan {
  const { desired, answers } = input;
  if (desired === null) return NOTHING;
  const [match, second] = answers.matches;
  if (match === undefined) return created(input, desired);
  if (second !== undefined) {
    return refusal(
      input,
      'ambiguous-match',
      `${answers.matches.length} existing accounts match: ${namesOf(answers.matches)}; a person has to say which is theirs`,
    );
  }
  const reason = notAdoptable(input.answers, desired, match);
  return reason === null ? adopted(input, desired, match) : refusal(input, reason.code, reason.detail);
}

function created(input: AccountInput, desired: DesiredAccount): AccountPlan {
  const { userName } = input.answers;
  if (userName === null)
    return refusal(input, 'name-taken', 'every candidate for the userName belongs to somebody else');
  const manager = managerPlan(desired.managerKey, '', input.answers.managerReady);
  const payload = payloadOf(desired, userName, input.shallBeActive, manager.send);
  const account: AccountState = {
    target: input.target.name,
    remoteId: null,
    etag: null,
    userName,
    externalId: desired.externalId,
    active: null,
    origin: 'created',
    known: {},
    managerKnown: '',
    managerOwed: manager.owed,
    groups: [],
  };
  // Whoever was unpaired is mostly about to be paired: a second account beside the one that was taken waits for a person.
  const beside = input.answers.unpaired?.join(', ') ?? '';
  return {
    account,
    operations: [operation(input, 'create', payload), ...joining(input, desired, new Set(openGroups(input.open)))],
    supersedes: [],
    harms: beside === '' ? [] : [harm(input, 'adoption', 'create another account', null, beside, userName)],
    changes: [],
  };
}

/** What the target holds at adoption becomes what is known of the account; the difference is sent after approval. */
function adopted(input: AccountInput, desired: DesiredAccount, match: ListedAccount): AccountPlan {
  const account = adoptedAccount(input, match, desired.attributes);
  const plan = kept(input, account, true);
  // What is approved are these values: a record that says something else by then falls out of the approval.
  const changed = plan.changes.map(({ path, after }) => `${path}=${textOf(after)}`).sort();
  const manager = desired.managerKey === '' ? [] : [`manager=${desired.managerKey}`];
  const switches = plan.operations.flatMap(({ kind }) => (kind === 'disable' || kind === 'enable' ? [kind] : []));
  const harms = [adoptionHarm(input, match, [...switches, ...changed, ...manager].join(', '))];
  if (switches.includes('disable')) harms.push(switchedOff(input));
  return { ...plan, account: plan.account ?? account, harms };
}

function adoptedAccount(input: AccountInput, match: ListedAccount, attributes: JsonObject): AccountState {
  return {
    target: input.target.name,
    remoteId: match.remoteId,
    etag: null,
    userName: match.userName ?? '',
    externalId: match.externalId ?? '',
    active: match.active,
    origin: 'adopted',
    known: projected(match.resource, attributes),
    managerKnown: '',
    managerOwed: '',
    groups: [],
  };
}

/** Somebody who left before we ever saw them: touched only where an active account of theirs is found. */
function leftOnFirstSight(input: AccountInput): AccountPlan {
  const { matches, ownedElsewhere } = input.answers;
  const [match, second] = matches;
  const active = matches.filter((one) => one.active && !ownedElsewhere.has(one.remoteId));
  if (match === undefined || active.length === 0 || input.desired === null) return NOTHING;
  if (second !== undefined) {
    const detail = `${matches.length} existing accounts match somebody who has left: ${namesOf(matches)}; disable them, or a person says which is theirs`;
    return refusal(input, 'ambiguous-match', detail, 'disable');
  }
  if (notAdoptable(input.answers, input.desired, match) !== null) return NOTHING;
  const account = adoptedAccount(input, match, {});
  return {
    ...withdrawn({ ...input, leaving: true }, account),
    account,
    harms: [adoptionHarm(input, match, 'disable')],
  };
}

const adoptionHarm = (input: AccountInput, match: ListedAccount, after: string): Harm =>
  harm(input, 'adoption', `adopt ${match.remoteId}`, null, match.userName ?? '', after);

// ── an account of ours ──────────────────────────────────────────────────────────────────────────────────────────────

interface Expectation {
  readonly userName: string;
  readonly externalId: string;
  readonly active: boolean | null;
  readonly attributes: JsonObject;
  readonly manager: string;
}

/** The account after everything that is open will have been done: the state to compare with. */
function expectation(account: AccountState, open: readonly OpenOperation[]): Expectation {
  let state: Expectation = {
    userName: account.userName,
    externalId: account.externalId,
    active: account.active,
    attributes: account.known,
    manager: account.managerKnown,
  };
  for (const { kind, payload } of open) {
    if (isMembership(kind) || kind === 'delete' || kind === 'revokeSessions') continue;
    const next = payload as AccountPayload;
    if (kind === 'disable') state = { ...state, active: false };
    else
      state = {
        userName: next.userName,
        externalId: next.externalId,
        active: next.active,
        attributes: next.attributes,
        manager: next.managerKey ?? state.manager,
      };
  }
  return state;
}

function kept(input: AccountInput, account: AccountState, adopting = false): AccountPlan {
  const { desired, open, shallBeActive } = input;
  if (desired === null) return NOTHING;
  const expected = expectation(account, open);
  // A generated name is kept for life; a mapped one follows HR.
  const wanted = desired.userNameGenerated ? account.userName : (desired.userNames.at(0) ?? account.userName);
  // But what somebody else was given is given to nobody again: the name waits for a person, all else is sent.
  const withheld = input.answers.nameHeld && wanted.toLowerCase() !== account.userName.toLowerCase();
  const userName = withheld ? account.userName : wanted;
  const manager = managerPlan(desired.managerKey, expected.manager, input.answers.managerReady);
  const changes: Change[] = [...changesBetween(expected.attributes, desired.attributes, desired)];
  if (wanted.toLowerCase() !== expected.userName.toLowerCase()) {
    changes.push({ path: 'userName', before: expected.userName, after: wanted });
  }
  // Stable once it is ours; an adopted account without one gets it.
  if ((adopting || account.origin === 'adopted') && expected.externalId === '' && desired.externalId !== '') {
    changes.push({ path: 'externalId', before: expected.externalId, after: desired.externalId });
  }
  const switching = expected.active !== shallBeActive;
  const sends = changes.length > 0 || switching || manager.send !== null;

  const operations: NewOperation[] = [];
  const supersedes: number[] = [];
  if (sends) {
    const sent = open.filter((one) => !isReplaceable(one));
    const stands = expectation(account, sent);
    const reference = manager.send ?? (manager.owed === '' ? keptManager(stands, open, desired) : null);
    const payload = payloadOf(lasting(account, desired), userName, shallBeActive, reference);
    // Whoever works here again keeps the sessions that are left; as long as the account stays inactive they still end.
    const replaced = (one: OpenOperation) =>
      !isMembership(one.kind) && (shallBeActive || one.kind !== 'revokeSessions');
    supersedes.push(...open.filter((one) => isReplaceable(one) && replaced(one)).map((one) => one.id));
    // What is replaced may have been the operation that was to switch the account: then this one has to.
    const switches = switching || stands.active !== shallBeActive;
    const kind = kindOf(account, open, switches, shallBeActive);
    const other = changes.some(({ path }) => path !== 'userName') || switches || manager.send !== null;
    if (!withheld || other || supersedes.length > 0) operations.push(operation(input, kind, payload));
    // A disable touches nothing but the access: what else there is to change follows it. Where the account is only being made,
    // the disable may come to find none.
    const more = changes.length > 0 || manager.send !== null || supersedes.length > 0;
    if (kind === 'disable' && more)
      operations.push(operation(input, account.remoteId === null ? 'create' : 'update', payload));
    if (withheld)
      operations.push({ ...operation(input, 'update', { ...payload, userName: wanted }), refused: NAME_HELD });
  }
  const groups = groupPlan(input, account, desired);
  operations.push(...groups.operations);
  supersedes.push(...groups.supersedes);

  const harms =
    adopting || account.active === null
      ? []
      : [...changeHarms(input, changes), ...managerHarms(input, account, desired, expected), ...groups.harms];
  // No event of this worker says so (those count by themselves): the rules have changed, and nobody's record ends the access.
  if (!adopting && !input.leaving && switching && !shallBeActive && expected.active === true)
    harms.push(switchedOff(input));
  const changed = manager.owed !== account.managerOwed;
  return {
    account: changed ? { ...account, managerOwed: manager.owed } : null,
    operations,
    supersedes,
    harms,
    changes,
  };
}

/** The externalId of an account that has one stays: a new key of HR's is no reason to make the target's join anew. */
const lasting = ({ externalId }: AccountState, desired: DesiredAccount): DesiredAccount =>
  externalId === '' ? desired : { ...desired, externalId };

const isBeingCreated = (open: readonly OpenOperation[]): boolean =>
  open.some(({ kind, state }) => kind === 'create' && state === 'sending');

/**
 * Sends the manager again with an operation that replaces an unsent one; otherwise leaves the reference alone. `stands` is what
 * there is without the unsent ones: one of them may have been to take the reference away, or may have written one after all.
 */
function keptManager(stands: Expectation, open: readonly OpenOperation[], desired: DesiredAccount): string | null {
  const doubtful = open.some(
    (one) => one.ambiguous === true && changesAccount(one.kind) && (one.payload as AccountPayload).managerKey !== null,
  );
  return desired.managerKey !== '' || stands.manager !== '' || doubtful ? desired.managerKey : null;
}

function kindOf(
  account: AccountState,
  open: readonly OpenOperation[],
  switching: boolean,
  shallBeActive: boolean,
): OperationKind {
  if (account.remoteId === null && !isBeingCreated(open)) return 'create';
  if (!switching) return 'update';
  return shallBeActive ? 'enable' : 'disable';
}

/**
 * Access ends: the disable is never optimised away when this decision is a leave, and heals whenever the account is not known
 * to be inactive. Whoever has left also loses the sessions that are open, after the disable: before it they could sign in anew.
 */
function withdrawn(input: AccountInput, account: AccountState): AccountPlan {
  const operations: NewOperation[] = [];
  const supersedes: number[] = [];
  const disabling = input.open.some((one) => one.kind === 'disable' && one.state !== 'failed');
  const later = input.open.some((one) => one.kind !== 'disable' && changesAccount(one.kind) && one.state !== 'failed');
  const leaving = input.leaving || isReplayed(input, 'disable');
  const harms: Harm[] = [];
  if (leaving || ((account.active !== false || later) && !(disabling && !later))) {
    const revokes = input.endsSessions && input.stage === 'left';
    const replaced = (one: OpenOperation) =>
      isReplaceable(one) && (changesAccount(one.kind) || (revokes && one.kind === 'revokeSessions'));
    supersedes.push(...input.open.filter(replaced).map((one) => one.id));
    // What is under way may have made the account, or changed it: whoever takes only whole records is told all of it.
    const { attributes } = expectation(account, input.open.filter(isUnderWay));
    operations.push(operation(input, 'disable', { ...endedPayload(account), attributes }));
    if (revokes) operations.push(operation(input, 'revokeSessions', endedPayload(account)));
    // Somebody else gave the access: it was found so, and whoever it is who uses it now loses it.
    if (!leaving && !later && account.active === true && account.remoteId !== null)
      harms.push(OUT.has(input.stage) ? disabledAgain(input) : switchedOff(input));
  } else if (isReplayed(input, 'revokeSessions'))
    operations.push(operation(input, 'revokeSessions', endedPayload(account)));
  const groups = groupPlan(input, account, null);
  operations.push(...groups.operations);
  supersedes.push(...groups.supersedes);
  // Where only the disable goes on, the row remembers from which groups of ours somebody else's memberships have to go.
  const told = account.managerOwed !== '' || groups.operations.some((one) => isForeign(one, account));
  return {
    account: told ? { ...account, managerOwed: '' } : null,
    operations,
    supersedes,
    harms,
    changes: [],
  };
}

/** The end of a membership that is not known to be ours, in a group that we own in full. */
const isForeign = ({ kind, payload }: NewOperation, account: AccountState): boolean =>
  kind === 'removeMember' && !account.groups.includes((payload as MembershipPayload).group);

/** An account of ours as the rules of protection see it. */
const asListed = (account: AccountState): ListedAccount => ({
  remoteId: account.remoteId ?? '',
  externalId: account.externalId,
  userName: account.userName,
  active: account.active === true,
  resource: account.known,
});

/** A rule that came later protects an account of ours: nothing is sent any more, and a leaver who keeps it is a visible failure. */
function protectedNow(input: AccountInput, account: AccountState): AccountPlan {
  const unsent = input.open.filter(({ state }) => state === 'queued');
  const last = unsent.at(-1) ?? input.replayed.at(-1);
  const wanted = input.leaving ? { kind: 'disable' as const, payload: endedPayload(account) } : last;
  if (wanted === undefined) return NOTHING;
  const refused = permanent('protected-account', 'the account is protected: what it needs is to be done by hand');
  const again = operation(input, wanted.kind, wanted.payload);
  // Asked for again it goes out, as a look at the account and nothing else: whoever ended the access by hand is done.
  const visible = wanted.kind === 'disable' && isReplayed(input, 'disable') ? again : { ...again, refused };
  return { ...NOTHING, supersedes: unsent.map(({ id }) => id), operations: [visible] };
}

const endedPayload = (account: AccountState): AccountPayload => ({
  userName: account.userName,
  externalId: account.externalId,
  active: false,
  attributes: {},
  onCreateOnly: [],
  keepWhenBlank: [],
  managerKey: null,
});

function purged(input: AccountInput, account: AccountState): AccountPlan {
  return {
    account: null,
    operations: account.remoteId === null ? [] : [operation(input, 'delete', endedPayload(account))],
    supersedes: input.open.filter(isReplaceable).map((one) => one.id),
    harms: account.remoteId === null ? [] : [harm(input, 'delete', 'delete', null, account.userName, 'deleted')],
    changes: [],
  };
}

// ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A manager without an account is a debt; a known reference that is right is left alone (`send` null). */
function managerPlan(wanted: string, known: string, ready: boolean): { send: string | null; owed: string } {
  if (wanted === known) return { send: null, owed: '' };
  if (wanted === '') return { send: '', owed: '' };
  return ready ? { send: wanted, owed: '' } : { send: null, owed: wanted };
}

const isMembership = (kind: OperationKind): boolean => kind === 'addMember' || kind === 'removeMember';
const changesAccount = (kind: OperationKind): boolean => !isMembership(kind) && kind !== 'revokeSessions';

const openGroups = (open: readonly OpenOperation[]): readonly string[] =>
  open.filter(({ kind }) => kind === 'addMember').map(({ payload }) => (payload as MembershipPayload).group);

function joining(input: AccountInput, desired: DesiredAccount, present: ReadonlySet<string>): readonly NewOperation[] {
  if (!input.shallHaveGroups) return [];
  return desired.memberships
    .filter(({ group }) => !present.has(group))
    .map((membership) => operation(input, 'addMember', membership));
}

/** Memberships that stand or are under way against those the rules grant. Only what we wrote is taken back, and all of a group we own in full. */
function groupPlan(input: AccountInput, account: AccountState, desired: DesiredAccount | null) {
  const open = input.open.filter((one) => isMembership(one.kind));
  const granted = desired !== null && input.shallHaveGroups ? desired.memberships : [];
  const wanted = new Set(granted.map(({ group }) => group));
  // Whoever is only suspended keeps the groups.
  const leaves = input.leaving && desired === null;
  // A leaver's removals are not left in the queue of an earlier change: they travel as a leaver's.
  const outdated = open.filter((one) => isOutdated(one, wanted) || (leaves && isReplaceable(one)));
  const present = new Set(account.groups);
  for (const one of open) {
    if (outdated.includes(one)) continue;
    const { group } = one.payload as MembershipPayload;
    if (one.kind === 'addMember') present.add(group);
    else present.delete(group);
  }
  const goes = new Set([...present].filter((group) => !wanted.has(group)));
  const doubtful = new Set<string>();
  const again = input.replayed.filter((one) => isMembership(one.kind));
  for (const { kind, payload, ambiguous } of [...outdated, ...again]) {
    const { group } = payload as MembershipPayload;
    if (kind === 'removeMember' && !wanted.has(group)) goes.add(group);
    // It may have taken effect all the same: then only its opposite undoes it.
    if (ambiguous === true && kind === 'addMember' && !wanted.has(group)) doubtful.add(group);
    if (ambiguous === true && kind === 'removeMember') present.delete(group);
  }
  for (const group of doubtful) goes.add(group);
  // In a group that we own in full somebody else may have added the leaver.
  const exists = account.remoteId !== null || input.open.some((one) => one.kind === 'create' && isUnderWay(one));
  if (leaves && exists) for (const group of input.target.fullGroups) goes.add(group);
  const operations: NewOperation[] = [...(desired === null ? [] : joining(input, desired, present))];
  const harms: Harm[] = [];
  for (const group of goes) {
    const authority = input.target.fullGroups.includes(group) ? 'full' : 'additive';
    const removal = operation(input, 'removeMember', { group, create: false, computed: false, authority });
    operations.push(doubtful.has(group) ? { ...removal, undoes: true } : removal);
    if (desired !== null) harms.push(harm(input, 'membershipRemoved', `leave group ${group}`, group, group, ''));
  }
  return { operations, supersedes: outdated.map((one) => one.id), harms };
}

const isUnderWay = ({ state }: OpenOperation): boolean => state === 'sending' || state === 'accepted';

/** What is being sent takes effect before anything newer; all else may be replaced, also what a target only took in. */
const isReplaceable = ({ state }: OpenOperation): boolean => state !== 'sending';

function isOutdated(one: OpenOperation, wanted: ReadonlySet<string>): boolean {
  if (!isReplaceable(one)) return false;
  return wanted.has((one.payload as MembershipPayload).group) === (one.kind === 'removeMember');
}

const RENAMES = /^(userName|emails(\[.*)?)$/;

function changeHarms(input: AccountInput, changes: readonly Change[]): readonly Harm[] {
  return changes.map((change) => {
    const before = textOf(change.before);
    const after = textOf(change.after);
    if (change.after === undefined) return harm(input, 'valueBlanked', `blank ${change.path}`, change.path, before, '');
    if (RENAMES.test(change.path) && change.before !== undefined) {
      return harm(input, 'rename', `change ${change.path}`, null, before, after);
    }
    return harm(input, 'attributeChanged', `change ${change.path}`, change.path, before, after);
  });
}

/** A reference that is taken away or replaced; a debt was judged when it arose. */
function managerHarms(
  input: AccountInput,
  account: AccountState,
  { managerKey }: DesiredAccount,
  { manager }: Expectation,
): readonly Harm[] {
  if (manager === '' || managerKey === manager) return [];
  if (managerKey === '') return [harm(input, 'valueBlanked', 'blank manager', 'manager', manager, '')];
  return account.managerOwed === managerKey
    ? []
    : [harm(input, 'attributeChanged', 'change manager', 'manager', manager, managerKey)];
}

/** HR has said of them that they left; of anybody else without access nobody has. */
const OUT: ReadonlySet<Stage> = new Set(['left', 'purged']);
const disabledAgain = (input: AccountInput): Harm =>
  harm(input, 'explicitLeaver', 'disable again', null, 'active', input.stage);
const switchedOff = (input: AccountInput): Harm =>
  harm(input, 'inferredLeaver', 'disable', null, 'active', input.stage);

const textOf = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

function harm(
  input: AccountInput,
  kind: HarmKind,
  operationText: string,
  attribute: string | null,
  before: string,
  after: string,
): Harm {
  const { workerKey, target } = input;
  return { kind, workerKey, target: target.name, operation: operationText, attribute, before, after };
}

function payloadOf(
  desired: DesiredAccount,
  userName: string,
  active: boolean,
  managerKey: string | null,
): AccountPayload {
  const { externalId, attributes, onCreateOnly, keepWhenBlank } = desired;
  return { userName, externalId, active, attributes, onCreateOnly, keepWhenBlank, managerKey };
}

function operation(
  input: AccountInput,
  kind: OperationKind,
  payload: AccountPayload | MembershipPayload,
): NewOperation {
  return {
    target: input.target.name,
    kind,
    lane: input.lane,
    payload,
    transition: input.transition,
    notBefore: input.now,
  };
}

function refusal(
  input: AccountInput,
  code: string,
  detail: string,
  kind: 'create' | 'disable' = 'create',
): AccountPlan {
  const already = input.open.some((one) => one.state === 'failed' && one.kind === kind);
  if (already || input.desired === null) return NOTHING;
  const payload = payloadOf(input.desired, '', input.shallBeActive, null);
  return { ...NOTHING, operations: [{ ...operation(input, kind, payload), refused: permanent(code, detail) }] };
}

/** Accounts named in one failure; `reconcile` lists all. */
const NAMED_MAX = 5;

/** In quotes, so that failures of several people for the same reason stay one cause. */
const namesOf = (matches: readonly ListedAccount[]): string =>
  matches
    .slice(0, NAMED_MAX)
    .map(({ remoteId }) => `"${remoteId}"`)
    .join(', ');

const permanent = (code: string, detail: string): Outcome => ({
  class: 'permanent',
  status: null,
  code,
  detail,
  retryAfterMs: null,
  countsAsAttempt: true,
});

const NAME_HELD = permanent(
  'name-taken',
  'the userName was given to somebody else before; no name is given to two people',
);
