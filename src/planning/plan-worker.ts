// One worker's part of a plan: facts → events → decisions → operations for each target, with the harm they may do.
// In two halves, because names and existing accounts must be looked up in between: prepare() says what is needed,
// complete() takes the answers. Both are pure.
import { assert } from '../base/assert.ts';
import type { CalendarDate } from '../base/calendar-date.ts';
import { DAY_MS, type Instant } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { type Decision, decide } from '../lifecycle/decide.ts';
import { detect } from '../lifecycle/detect.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import type { Lane, OperationName, TransitionName } from '../lifecycle/operation.ts';
import { endsAt } from '../lifecycle/phase.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import { AT_WORK, type Stage, type Standing, WITH_ACCOUNT } from '../lifecycle/standing.ts';
import { type JudgedBefore, type Truth, truthOf } from '../lifecycle/truth.ts';
import type { BoundMapping, CorrelationValue, DesiredAccount, TargetMapping } from '../mapping/bound-mapping.ts';
import type { NameList } from '../mapping/user-name.ts';
import { withGiven } from '../worker/given.ts';
import { type Absence, type Employment, withObservation } from '../worker/worker.ts';
import type { Change } from './account-changes.ts';
import type { AccountState, EntryDraft, NewOperation, OpenOperation, Situation, WorkerChange } from './changeset.ts';
import type { Harm } from './harm.ts';
import { planAccount, type TargetAnswers } from './plan-account.ts';
import { newHarms, type ReplayOrder, withoutReplayed } from './replay.ts';
import { type LimitsPer, unitName, workplace } from './unit.ts';

export interface PlanRules {
  readonly mapping: BoundMapping;
  readonly policy: LifecyclePolicy;
  readonly now: Instant;
  /** `feed`, `calendar`, `operator:NAME`: who causes this plan, for the audit. */
  readonly actor: string;
  /** Targets at which sessions are ended by a call of ours; none unless given. */
  readonly sessionTargets?: ReadonlySet<string>;
  /** Where limits hold within each unit of the house too. */
  readonly limitsPer?: LimitsPer;
  /** Of what moment the snapshot speaks that is being judged: whoever it holds is there. Left out for everything else. */
  readonly presence?: Instant;
}

export interface PreparedTarget {
  readonly mapping: TargetMapping;
  readonly account: AccountState | null;
  readonly desired: DesiredAccount | null;
  /** Values by which an existing account may be found; empty when this worker has an account already. */
  readonly correlation: readonly CorrelationValue[];
  /** Candidates in order when a new account needs a name, else empty. */
  readonly names: NameList;
  /** Manager whose account must exist before the reference can be sent; '' when nothing is to be looked up. */
  readonly managerKey: string;
}

export interface Prepared {
  /** Without the failed operations that are replayed. */
  readonly situation: Situation;
  readonly replayed: readonly OpenOperation[];
  readonly replayOf: TransitionName | null;
  readonly employments: readonly Employment[];
  readonly employmentsChanged: boolean;
  readonly worker: { readonly key: string; readonly employments: readonly Employment[] };
  readonly primary: Employment | null;
  readonly after: Standing;
  readonly truth: Truth;
  readonly accepted: readonly { readonly event: LifecycleEvent; readonly transition: TransitionName | null }[];
  readonly operations: ReadonlySet<OperationName>;
  readonly refusals: readonly Refusal[];
  readonly rescindsProtectedLeave: boolean;
  readonly reappears: boolean;
  /** A last day that came with somebody who has no access yet: it meets the guard once they have, at the next look. */
  readonly endUnseen: boolean;
  readonly targets: readonly PreparedTarget[];
}

export interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/** What differs at one target; the operations stand in the change. */
export interface TargetPlan {
  readonly target: string;
  readonly changes: readonly Change[];
}

export interface WorkerPlan {
  readonly key: string;
  /** Null when there is nothing to store. */
  readonly change: WorkerChange | null;
  readonly harms: readonly Harm[];
  /** Of whom harm is planned: where they work as it stands on file. */
  readonly unit?: string;
  readonly transitions: readonly TransitionName[];
  readonly refusals: readonly Refusal[];
  readonly alerts: readonly string[];
  /** Something stands between the facts and the standing (an older record, a sticky leave, an approval): judged again at every read. */
  readonly blocked: boolean;
  readonly from: Stage;
  readonly to: Stage;
  readonly targets: readonly TargetPlan[];
}

/** At most this many events are missing at once: an end seen, a stage, a correction. More is a bug in detection. */
const EVENTS_MAX = 8;

export function prepare(
  onFile: Situation,
  observed: readonly Employment[],
  rules: PlanRules,
  orders: readonly LifecycleEvent[] = [],
  replay?: ReplayOrder,
): Prepared {
  const { situation, replayed } = withoutReplayed(onFile, replay);
  const seen = withObservation(situation.employments, present(situation.employments, observed, rules.presence));
  const employments = withGiven(situation.employments, seen, situation.given);
  const factsChanged = employments !== situation.employments && !sameFacts(employments, situation.employments);

  let standing = situation.standing;
  const accepted: { event: LifecycleEvent; transition: TransitionName | null }[] = [];
  const operations = new Set<OperationName>();
  const refusals: Refusal[] = [];
  let rescindsProtectedLeave = false;

  const take = (event: LifecycleEvent): void => {
    let decision: Decision = decide(standing, event);
    if (decision.kind === 'refused' && decision.code === 'protected-leave') {
      decision = decide(standing, { ...event, approved: true } as LifecycleEvent);
      rescindsProtectedLeave = decision.kind === 'accepted';
    }
    if (decision.kind === 'refused') {
      refusals.push({ code: decision.code, reason: decision.reason });
      return;
    }
    if (!decision.changed && decision.operations.length === 0) return;
    standing = decision.to;
    accepted.push({ event, transition: decision.transition });
    for (const name of decision.operations) operations.add(name);
  };
  for (const event of orders) take(event);
  const judged: JudgedBefore = new Map();
  const detection = detect(standing, employments, rules.now, rules.policy, judged);
  assert(detection.events.length <= EVENTS_MAX, 'detection names few events at once');
  const arrives = !hasAccess(situation);
  const endUnseen = arrives && detection.events.some((event) => isEndSeen(event));
  for (const event of detection.events) if (!(endUnseen && isEndSeen(event))) take(event);

  // Facts that only became newer are stored when they decided something; else every read would rewrite everybody.
  const employmentsChanged = factsChanged || (accepted.length > 0 && employments !== situation.employments);
  const unseen = endUnseen && WITH_ACCOUNT.has(standing.stage);
  const truth =
    accepted.length === 0 ? detection.truth : truthOf(standing, employments, rules.now, rules.policy, judged);
  const worker = { key: situation.key, employments };
  const primary = truth.primary;
  return {
    situation,
    replayed,
    replayOf: replay?.transition ?? null,
    employments,
    employmentsChanged,
    worker,
    primary,
    after: standing,
    truth,
    accepted,
    operations,
    refusals,
    rescindsProtectedLeave,
    reappears: situation.suspicion !== null && observed.length > 0,
    endUnseen: unseen,
    targets: rules.mapping.targets.map((target) => preparedTarget(target, situation, standing, worker, primary)),
  };
}

/** A record that a snapshot holds again is there as of that snapshot, however old its content is. */
function present(
  known: readonly Employment[],
  observed: readonly Employment[],
  presence: Instant | undefined,
): readonly Employment[] {
  if (presence === undefined || !known.some(({ absent }) => absent !== undefined)) return observed;
  const missed = new Set(known.filter(({ absent }) => absent !== undefined).map(({ id }) => id));
  return observed.map((one) =>
    missed.has(one.id) && one.absent === undefined ? { ...one, seenAgain: presence } : one,
  );
}

/** The date is stored as seen only where it is counted: unseen, an end that nobody's limit met would pass when it comes. */
const isEndSeen = (event: LifecycleEvent): boolean => event.type === 'endDateSeen' && event.endDate !== null;

function preparedTarget(
  mapping: TargetMapping,
  situation: Situation,
  after: Standing,
  worker: Prepared['worker'],
  primary: Employment | null,
): PreparedTarget {
  const account = situation.accounts.find((candidate) => candidate.target === mapping.name) ?? null;
  const sought = account === null && after.stage === 'left';
  if (primary === null || !(WITH_ACCOUNT.has(after.stage) || sought)) {
    return { mapping, account, desired: null, correlation: [], names: [], managerKey: '' };
  }
  const desired = mapping.desired(worker, primary, account?.userName ?? null);
  return {
    mapping,
    account,
    desired,
    correlation: account === null ? mapping.correlation(worker, primary, desired) : [],
    names: account === null && !sought ? desired.userNames : [],
    managerKey: desired.managerKey === (account?.managerKnown ?? '') ? '' : desired.managerKey,
  };
}

/** Desired state once the name is chosen, since expressions may use `userName`. */
function withName(target: PreparedTarget, prepared: Prepared, userName: string | null): DesiredAccount | null {
  const { desired } = target;
  if (desired === null || prepared.primary === null || userName === null) return desired;
  return userName === desired.userNames.at(0)
    ? desired
    : target.mapping.desired(prepared.worker, prepared.primary, userName);
}

export function complete(
  prepared: Prepared,
  answers: ReadonlyMap<string, TargetAnswers>,
  rules: PlanRules,
): WorkerPlan {
  const { situation } = prepared;
  const leaving = prepared.operations.has('disableAccount');
  const stage = prepared.after.stage;
  const stageTransition = prepared.accepted.find((one) => one.transition !== null)?.transition ?? null;
  const shallBeActive = stage === 'active' || (stage === 'onLeave' && rules.policy.onLeave === 'keep');
  const groupStages = rules.policy.joinGroupsAt === 'preboarding' ? WITH_ACCOUNT : AT_WORK;

  const accounts: AccountState[] = [];
  const operations: NewOperation[] = [];
  const supersedes: number[] = [];
  const harms: Harm[] = [...lifecycleHarms(prepared, rules)];
  const targets: TargetPlan[] = [];
  let moved = false;
  for (const target of prepared.targets) {
    const answer = answers.get(target.mapping.name) ?? NO_ANSWERS;
    const transition = stageTransition ?? prepared.replayOf ?? (situation.revision === 0 ? 'joiner' : 'mover');
    const replayed = prepared.replayed.filter((one) => one.target === target.mapping.name);
    const plan = planAccount({
      workerKey: situation.key,
      target: target.mapping,
      account: target.account,
      open: situation.operations.filter((one) => one.target === target.mapping.name),
      replayed,
      stage,
      shallBeActive,
      shallHaveGroups: groupStages.has(stage),
      leaving,
      purging: prepared.operations.has('deleteAccount'),
      endsSessions: rules.sessionTargets?.has(target.mapping.name) === true,
      desired: withName(target, prepared, answer.userName),
      answers: answer,
      lane: laneOf(prepared, transition, rules.now),
      transition,
      now: rules.now,
    });
    if (plan.account !== null) accounts.push(plan.account);
    operations.push(...plan.operations);
    supersedes.push(...plan.supersedes, ...replayed.map(({ id }) => id));
    harms.push(...newHarms(plan.harms, plan.operations, replayed));
    targets.push({ target: target.mapping.name, changes: plan.changes });
    moved ||= plan.operations.length + plan.changes.length > 0;
  }
  // What is still to be done about somebody who has left is no change of theirs.
  const mover =
    stageTransition === null && prepared.replayed.length === 0 && situation.revision > 0 && moved && stage !== 'left';
  const standing = delivered(prepared, operations, supersedes, mover, rules);
  const transitions = prepared.accepted.flatMap(({ transition }) => (transition === null ? [] : [transition]));
  if (mover && operations.length > 0) transitions.push('mover');

  const employments = prepared.employmentsChanged ? changedEmployments(prepared) : undefined;
  const dueAt = prepared.endUnseen ? rules.now : prepared.truth.dueAt;
  const nothing =
    situation.revision > 0 &&
    prepared.accepted.length === 0 &&
    !prepared.employmentsChanged &&
    !prepared.reappears &&
    accounts.length + operations.length + supersedes.length === 0 &&
    standing === situation.standing &&
    dueAt === situation.dueAt;
  return {
    key: situation.key,
    change: nothing
      ? null
      : {
          key: situation.key,
          revision: situation.revision,
          standing,
          dueAt,
          ...(employments === undefined ? {} : { employments }),
          accounts,
          operations,
          supersedes,
          ...(prepared.reappears ? { suspicion: null } : {}),
          entries: [decisionEntry(prepared, { standing, employments, transitions, targets, operations }, rules)],
        },
    harms,
    ...unitOf(situation, harms, rules),
    transitions,
    refusals: prepared.refusals,
    alerts: prepared.truth.alerts,
    blocked: prepared.truth.blocked !== null || prepared.refusals.length > 0,
    from: situation.standing.stage,
    to: standing.stage,
    targets,
  };
}

const NO_ANSWERS: TargetAnswers = {
  userName: null,
  matches: [],
  foundBy: null,
  ownedElsewhere: new Set(),
  managerReady: false,
  nameHeld: false,
};

/** The delivery region follows the work: something was ordered, or there was nothing left to do. */
function delivered(
  prepared: Prepared,
  operations: readonly NewOperation[],
  supersedes: readonly number[],
  mover: boolean,
  rules: PlanRules,
): Standing {
  let standing = prepared.after;
  const left = prepared.situation.operations.filter(({ id }) => !supersedes.includes(id));
  const apply = (event: LifecycleEvent): void => {
    const decision = decide(standing, event);
    if (decision.kind === 'accepted' && decision.changed) standing = decision.to;
  };
  const refused = operations.filter((one) => one.refused !== undefined).length;
  if (refused > 0) apply({ type: 'deliveryFailed', now: rules.now });
  else if (operations.length > 0) {
    if (mover) apply({ type: 'attributesChanged', now: rules.now, asOf: prepared.truth.asOf });
    if (standing.delivery !== 'delivering') apply({ type: 'deliveryOrdered', now: rules.now });
  } else if (standing.delivery !== 'settled' && left.every((one) => one.state === 'failed')) {
    // What had failed is not to be done any more.
    if (standing.delivery === 'failed' && prepared.replayed.length > 0 && left.length === 0)
      apply({ type: 'deliveryOrdered', now: rules.now });
    if (standing.delivery === 'delivering')
      apply({ type: left.length > 0 ? 'deliveryFailed' : 'deliverySettled', now: rules.now });
  }
  return standing;
}

function changedEmployments({ employments, situation }: Prepared): readonly Employment[] {
  return employments.filter((employment) => !situation.employments.includes(employment));
}

/** Equal apart from the moment of reading. */
function sameFacts(a: readonly Employment[], b: readonly Employment[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((employment, index) => {
    const other = b[index];
    if (employment === other) return true;
    return other !== undefined && canonicalJson({ ...employment, asOf: '' }) === canonicalJson({ ...other, asOf: '' });
  });
}

// ── harm ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the decided events take away from somebody who has, or is about to have, access. */
function lifecycleHarms(prepared: Prepared, rules: PlanRules): readonly Harm[] {
  const { situation } = prepared;
  const harms: Harm[] = [];
  const add = (kind: Harm['kind'], operation: string, after: string): void => {
    if (harms.some((known) => known.kind === kind)) return;
    const { stage } = situation.standing;
    harms.push({ kind, workerKey: situation.key, target: null, operation, attribute: null, before: stage, after });
  };
  if (prepared.rescindsProtectedLeave) add('protectedRescind', 'undo an ordered leave', prepared.after.stage);
  const absence = newAbsence(prepared);
  const absentSince = absence === null ? '' : `, absent since ${absence.since.slice(0, 10)}`;
  // Whoever only waits for their first day loses it as well: without strong proof that takes a person, too.
  if (absence?.strong === false) add('absence', 'disable', `${prepared.after.stage}${absentSince}`);
  if (!hasAccess(situation)) return harms;
  for (const { event } of prepared.accepted) {
    if (event.type === 'employmentEnded') {
      const lastDay = event.endDate;
      const guarded = lastDay !== null && situation.standing.facts.guardedEnd === lastDay;
      const kind = event.kind === 'explicit' ? 'explicitLeaver' : 'inferredLeaver';
      // An absence that a person has to approve is one item, not two.
      const asked = event.kind === 'inferred' && absence?.strong === false;
      if (!guarded && !asked)
        add(kind, 'disable', lastDay === null ? `left${absentSince}` : `left, last day ${lastDay}`);
    }
    if (event.type === 'endDateSeen' && event.endDate !== null)
      add('explicitLeaver', 'last day', `last day ${event.endDate}`);
    // An operator's own order is never held; anybody who has the secret of a webhook may send one.
    if (event.type === 'emergencyLeaveOrdered' && event.by === 'webhook')
      add('emergencyLeaver', 'disable', prepared.after.stage);
    if (event.type === 'hireWithdrawn') add('inferredLeaver', 'disable', prepared.after.stage);
    if (event.type === 'leaveOfAbsenceBegan' && rules.policy.onLeave === 'suspend')
      add('inferredLeaver', 'suspend', 'onLeave');
  }
  return harms;
}

/** The absence that this plan would store. */
function newAbsence({ employments, situation }: Prepared): Absence | null {
  for (const { id, absent } of employments) {
    if (absent === undefined) continue;
    if (situation.employments.find((known) => known.id === id)?.absent === undefined) return absent;
  }
  return null;
}

/** By the facts on file, as the active workers of a unit are counted: a feed that moves people moves them out of no limit. */
function unitOf({ standing, employments }: Situation, harms: readonly Harm[], rules: PlanRules): { unit?: string } {
  if (rules.limitsPer === undefined || harms.length === 0) return {};
  const unit = unitName(rules.limitsPer.attribute, workplace(standing, employments, rules.now, rules.policy));
  return unit === null ? {} : { unit };
}

/** Nobody is harmed who never had an account and has none on the way. */
function hasAccess({ standing, accounts }: Situation): boolean {
  return WITH_ACCOUNT.has(standing.stage) || accounts.some((account) => account.active === true);
}

// ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A joiner counts as due when the start lies within a week of now: everybody else on a first load is backfill. */
const DUE_DAYS = 7;
/** Somebody is to work today and cannot. */
const GIVES_ACCESS: ReadonlySet<TransitionName> = new Set(['start', 'return', 'rehire', 'rescind']);

function laneOf(prepared: Prepared, transition: TransitionName, now: Instant): Lane {
  if (prepared.accepted.some(({ event }) => event.type === 'emergencyLeaveOrdered')) return 'emergency';
  if (prepared.after.stage === 'left' || prepared.operations.has('disableAccount')) return 'leaver';
  if (prepared.replayed.length > 0 && prepared.accepted.length === 0)
    return WITH_ACCOUNT.has(prepared.after.stage) ? 'replay' : 'leaver';
  if (transition === 'mover' || transition === 'leave') return 'mover';
  if (GIVES_ACCESS.has(transition)) return 'joiner';
  const start = prepared.primary?.startDate ?? null;
  const distance = start === null ? Number.POSITIVE_INFINITY : Math.abs(Date.parse(start) - Date.parse(now));
  return distance <= DUE_DAYS * DAY_MS ? 'joiner' : 'backfill';
}

// ── audit ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Decided {
  readonly standing: Standing;
  /** The facts it was decided on, where they are new. */
  readonly employments: readonly Employment[] | undefined;
  readonly transitions: readonly TransitionName[];
  readonly targets: readonly TargetPlan[];
  readonly operations: readonly NewOperation[];
}

/** From when on HR says what was decided: what lateness is measured from. Left out where no moment is named. */
function effectiveOf({ accepted, employments, primary, truth }: Prepared, policy: LifecyclePolicy): JsonObject {
  let effective: Instant | null = null;
  for (const { event } of accepted) {
    if (event.type === 'employmentEnded' || (event.type === 'endDateSeen' && event.endDate !== null)) {
      const id = event.type === 'employmentEnded' ? event.employmentId : null;
      const zone = (employments.find((one) => one.id === id) ?? primary)?.timeZone;
      const known = event.endDate !== null && zone !== undefined;
      effective = known ? endsAt(event.endDate as CalendarDate, zone, policy.disableAt) : truth.asOf;
    } else if (event.type === 'emergencyLeaveOrdered') effective = event.now;
    else if ('startsAt' in event) effective = event.startsAt;
  }
  return effective === null ? {} : { effective };
}

function decisionEntry(prepared: Prepared, decided: Decided, rules: PlanRules): EntryDraft {
  const { situation } = prepared;
  const { standing, employments, transitions, targets, operations } = decided;
  // Members in the order of canonical JSON.
  const body: JsonObject = {
    asOf: prepared.truth.asOf,
    ...effectiveOf(prepared, rules.policy),
    events: prepared.accepted.map(({ event }) => event.type),
    from: situation.standing.stage,
    leave: standing.facts.leaveKind,
    mapping: rules.mapping.digest,
    operations: operations.map(({ target, kind }) => `${target}:${kind}`),
    ...(prepared.replayed.length === 0 ? {} : { replays: prepared.replayed.map(({ id }) => id) }),
    to: standing.stage,
    transitions,
  };
  const changes = targets.flatMap(({ target, changes: list }) =>
    list.map(({ path, before, after }) => ({ target, path, before: before ?? null, after: after ?? null })),
  );
  const draft: EntryDraft = {
    kind: 'decision',
    connection: rules.mapping.connection,
    workerKey: situation.key,
    actor: rules.actor,
    body,
  };
  const personal = {
    ...(changes.length === 0 ? {} : { changes }),
    ...(employments === undefined ? {} : { employments: employments as unknown as readonly JsonObject[] }),
  };
  return changes.length + (employments?.length ?? 0) === 0 ? draft : { ...draft, personal };
}
