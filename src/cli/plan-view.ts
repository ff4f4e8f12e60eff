// A plan as people and scripts read it: who changes, how, whether a guard would hold it, and the requests it would send.
import type { JsonValue } from '../base/json.ts';
import type { Lane, TransitionName } from '../lifecycle/operation.ts';
import type { Stage } from '../lifecycle/standing.ts';
import type { House, LiveConnection } from '../pipeline/house.ts';
import type { CycleReport, Inspected } from '../pipeline/intake.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { Planned } from '../pipeline/planned-spool.ts';
import { type Change, flatten } from '../planning/account-changes.ts';
import type {
  AccountPayload,
  AccountState,
  MembershipPayload,
  NewOperation,
  OperationKind,
} from '../planning/changeset.ts';
import type { HoldKind, Verdict } from '../planning/guard.ts';
import type { WorkerPlan } from '../planning/plan-worker.ts';
import { type Cause, causesIn } from './plan-causes.ts';
import { PlanCounter, type PlanCounts, type SharedChange } from './plan-counts.ts';
import { type Following, followingOf } from './plan-follow.ts';
import { type PlannedMoment, plannedMoments } from './plan-moments.ts';
import { accountOf, type RequestView, requestsOf } from './plan-requests.ts';
import { type GuardWord, guardWord, isSent } from './plan-sent.ts';

export interface AttributeView {
  readonly path: string;
  /** Null where there is nothing. */
  readonly before: JsonValue | null;
  readonly after: JsonValue | null;
}

export interface OperationView {
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly group: string | null;
  /** Why planning itself refuses; '' where it does not. */
  readonly refused: string;
  /** Whether a cycle would send it now: false where a guard holds it, or planning refuses. */
  readonly sent: boolean;
  /** The manager whose account must exist first: it is sent once the target has issued that id. '' for all else. */
  readonly follows: string;
  readonly changes: readonly AttributeView[];
  readonly requests?: readonly RequestView[];
}

export interface WorkerPlanView {
  readonly worker: string;
  readonly transitions: readonly TransitionName[];
  readonly from: Stage;
  readonly to: Stage;
  readonly cause: Cause;
  /** The dates and words that decided. */
  readonly why: string;
  readonly guard: GuardWord;
  readonly heldBy: readonly HoldKind[];
  readonly alerts: readonly string[];
  readonly refusals: readonly string[];
  /** When access begins or ends by the clock alone, where this plan makes a difference to that. */
  readonly moments: readonly PlannedMoment[];
  readonly operations: readonly OperationView[];
}

export interface PlanDetails {
  readonly workers: readonly WorkerPlanView[];
  /** Workers that change beyond the ones that are listed. */
  readonly omitted: number;
  readonly counts: PlanCounts;
  /** Changes that several workers share. */
  readonly shared: readonly SharedChange[];
  /** What earlier cycles decided and is not over: it is sent as well. */
  readonly queuedEarlier: QueuedEarlier;
}

export interface QueuedEarlier {
  /** By kind. */
  readonly operations: Readonly<Record<string, number>>;
  /** Of these, those that this plan takes the place of. */
  readonly replaced: number;
}

export const NO_DETAILS: PlanDetails = {
  workers: [],
  omitted: 0,
  counts: new PlanCounter().counts(),
  shared: [],
  queuedEarlier: { operations: {}, replaced: 0 },
};

export interface PlannedConnection {
  readonly report: CycleReport;
  readonly details: PlanDetails;
}

/** Kept in memory for printing; a first load of more is counted. */
const WORKERS_MAX = 10_000;

/** Reads the plan while it is open. */
export async function planDetails(
  house: House,
  live: LiveConnection,
  plan: Plan,
  verdict: Verdict,
  inspected: Inspected,
  withRequests: boolean,
): Promise<PlanDetails> {
  const heldBy = new Map<string, HoldKind[]>();
  for (const [kind, items] of verdict.held) {
    for (const key of new Set(items.map(({ harm }) => harm.workerKey)))
      heldBy.set(key, [...(heldBy.get(key) ?? []), kind]);
  }
  const causeOf = await causesIn(house, live, inspected);
  const following = new Map(await followingOf(house, live, plan, verdict));
  const counter = new PlanCounter();
  const workers: WorkerPlanView[] = [];
  let omitted = 0;
  let replaced = 0;
  const list = (worker: WorkerPlanView): void => {
    counter.take(worker);
    if (workers.length < WORKERS_MAX) workers.push(worker);
    else omitted += 1;
  };
  const followed = (key: string): readonly OperationView[] =>
    (following.get(key) ?? []).map((one) => followingView(live, one, withRequests));
  for (const key of plan.keys()) {
    const planned = plan.get(key);
    if (planned === null || (isNothing(planned.plan) && !following.has(key))) continue;
    const asked = withRequests && workers.length < WORKERS_MAX;
    const operations: OperationView[] = [];
    for (const operation of planned.plan.change?.operations ?? []) {
      const requests = asked ? { requests: await requestsOf(house, live, planned.plan, operation) } : {};
      const target = planned.plan.targets.find((one) => one.target === operation.target);
      const before = await accountOf(house, live, planned.plan, operation.target);
      const sent = isSent(plan, verdict, planned.plan, operation);
      operations.push({ ...operationView(operation, target?.changes ?? [], before), sent, ...requests });
    }
    const { transitions, from, to, alerts, refusals } = planned.plan;
    const guard = guardWord(plan, verdict, key);
    if (guard !== 'held') replaced += planned.plan.change?.supersedes.length ?? 0;
    const moments = workers.length < WORKERS_MAX ? await plannedMoments(house, live, planned, plan.rules) : [];
    list({
      worker: key,
      transitions,
      from,
      to,
      cause: causeOf(planned),
      why: whyOf(planned),
      guard,
      heldBy: heldBy.get(key) ?? [],
      alerts,
      refusals: refusals.map(({ reason }) => reason),
      moments,
      operations: [...operations, ...followed(key)],
    });
    following.delete(key);
  }
  for (const key of following.keys()) {
    const situation = (await house.store.situations(live.connection.name, [key])).get(key);
    if (situation === undefined) continue;
    const { stage } = situation.standing;
    list({
      worker: key,
      transitions: [],
      from: stage,
      to: stage,
      cause: 'feed',
      why: 'the manager gets an account',
      guard: 'passes',
      heldBy: [],
      alerts: [],
      refusals: [],
      moments: [],
      operations: followed(key),
    });
  }
  const operations = { ...(await house.store.queuedKinds(live.connection.name)) };
  return {
    workers,
    omitted,
    counts: counter.counts(),
    shared: counter.shared(),
    queuedEarlier: { operations, replaced },
  };
}

/** The dates of the record that counts, in HR's own words; '' where only attributes differ. */
function whyOf({ plan, observed }: Planned): string {
  const facts = observed.employments.length > 0 ? observed.employments : (plan.change?.employments ?? []);
  if (plan.from === plan.to || facts.length === 0) return '';
  const words = facts.map(({ id, status, startDate, endDate, absent }) =>
    [
      facts.length > 1 ? id : '',
      absent === undefined ? status : 'no longer in the feed',
      startDate === null ? '' : `from ${startDate}`,
      endDate === null ? '' : `to ${endDate}`,
    ]
      .filter((word) => word !== '')
      .join(' '),
  );
  return words.join('; ');
}

const isNothing = ({ transitions, change, refusals, harms }: WorkerPlan): boolean =>
  transitions.length + refusals.length + harms.length === 0 && (change?.operations.length ?? 0) === 0;

function operationView(
  operation: NewOperation,
  changes: readonly Change[],
  before: AccountState | null,
): Omit<OperationView, 'sent'> {
  const { target, kind, lane, refused, payload } = operation;
  const membership = kind === 'addMember' || kind === 'removeMember';
  return {
    target,
    kind,
    lane,
    group: membership ? (payload as MembershipPayload).group : null,
    refused: refused === undefined ? '' : refused.detail,
    follows: '',
    changes: membership || refused !== undefined ? [] : changesOf(kind, payload as AccountPayload, changes, before),
  };
}

function followingView(live: LiveConnection, following: Following, withRequests: boolean): OperationView {
  const { worker, managerKey, managerRemoteId, account, payload } = following;
  const view: OperationView = {
    target: account.target,
    kind: 'update',
    lane: 'mover',
    group: null,
    refused: '',
    sent: true,
    follows: managerKey,
    changes: managerChange(payload, account),
  };
  const target = live.targets.get(account.target);
  if (!withRequests || target === undefined) return view;
  const requests = target.show({
    id: 0,
    workerKey: worker,
    kind: 'update',
    payload,
    account,
    managerRemoteId,
    ambiguous: false,
    groupRemoteId: null,
    lane: 'mover',
  });
  const note = `once the account of ${managerKey} is there; part of the create where that has not left by then`;
  return { ...view, requests: requests.map((request) => ({ ...request, note })) };
}

/** A reference is told where it differs: an operation that takes another's place carries it along as it is. */
function managerChange({ managerKey }: AccountPayload, account: AccountState | null): readonly AttributeView[] {
  const before = account?.managerKnown ?? '';
  if (managerKey === null || managerKey === before) return [];
  return [{ path: 'manager', before: before === '' ? null : before, after: managerKey === '' ? null : managerKey }];
}

function changesOf(
  kind: OperationKind,
  payload: AccountPayload,
  planned: readonly Change[],
  account: AccountState | null,
): readonly AttributeView[] {
  if (kind === 'disable') return [{ path: 'active', before: true, after: false }];
  if (kind === 'delete' || kind === 'revokeSessions') return [];
  const manager = managerChange(payload, account);
  if (kind === 'create') {
    const given = [...flatten(payload.attributes)].map(([path, after]) => ({ path, before: null, after }));
    const own = { userName: payload.userName, externalId: payload.externalId, active: payload.active };
    return [...Object.entries(own).map(([path, after]) => ({ path, before: null, after })), ...given, ...manager];
  }
  const changes = planned.map(({ path, before, after }) => ({
    path,
    before: before ?? null,
    after: after ?? null,
  }));
  return [...(kind === 'enable' ? [{ path: 'active', before: false, after: true }] : []), ...changes, ...manager];
}
