// A plan as people and scripts read it: who changes, how, whether a guard would hold it, and the requests it would send.
import type { JsonValue } from '../base/json.ts';
import type { Lane, TransitionName } from '../lifecycle/operation.ts';
import type { Stage } from '../lifecycle/standing.ts';
import type { House, LiveConnection } from '../pipeline/house.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import type { Plan } from '../pipeline/judge.ts';
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
import type { Sendable, ShownRequest } from '../targets/target.ts';

export interface AttributeView {
  readonly path: string;
  /** Null where there is nothing. */
  readonly before: JsonValue | null;
  readonly after: JsonValue | null;
}

export interface RequestView extends ShownRequest {
  /** What cannot be told before the target has answered; '' where everything can. */
  readonly note: string;
}

export interface OperationView {
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly group: string | null;
  /** Why planning itself refuses; '' where it does not. */
  readonly refused: string;
  readonly changes: readonly AttributeView[];
  readonly requests?: readonly RequestView[];
}

export interface WorkerPlanView {
  readonly worker: string;
  readonly transitions: readonly TransitionName[];
  readonly from: Stage;
  readonly to: Stage;
  /** `disableOnly`: access ends now, the rest waits for a person. */
  readonly guard: 'passes' | 'disableOnly' | 'held';
  readonly heldBy: readonly HoldKind[];
  readonly alerts: readonly string[];
  readonly refusals: readonly string[];
  readonly operations: readonly OperationView[];
}

export interface PlanDetails {
  readonly workers: readonly WorkerPlanView[];
  /** Workers that change beyond the ones that are listed. */
  readonly omitted: number;
}

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
  withRequests: boolean,
): Promise<PlanDetails> {
  const heldBy = new Map<string, HoldKind[]>();
  for (const [kind, items] of verdict.held) {
    for (const key of new Set(items.map(({ harm }) => harm.workerKey)))
      heldBy.set(key, [...(heldBy.get(key) ?? []), kind]);
  }
  const workers: WorkerPlanView[] = [];
  let omitted = 0;
  for (const key of plan.keys()) {
    const planned = plan.get(key)?.plan;
    if (planned === undefined || isNothing(planned)) continue;
    if (workers.length >= WORKERS_MAX) {
      omitted += 1;
      continue;
    }
    const passes = !plan.candidates.has(key) || verdict.passes.has(key);
    const operations: OperationView[] = [];
    for (const operation of planned.change?.operations ?? []) {
      const requests = withRequests ? { requests: await requestsOf(house, live, planned, operation) } : {};
      const target = planned.targets.find((one) => one.target === operation.target);
      operations.push({ ...operationView(operation, target?.changes ?? []), ...requests });
    }
    workers.push({
      worker: key,
      transitions: planned.transitions,
      from: planned.from,
      to: planned.to,
      guard: passes ? 'passes' : verdict.disableOnly.has(key) ? 'disableOnly' : 'held',
      heldBy: heldBy.get(key) ?? [],
      alerts: planned.alerts,
      refusals: planned.refusals.map(({ reason }) => reason),
      operations,
    });
  }
  return { workers, omitted };
}

const isNothing = ({ transitions, change, refusals, harms }: WorkerPlan): boolean =>
  transitions.length + refusals.length + harms.length === 0 && (change?.operations.length ?? 0) === 0;

function operationView(operation: NewOperation, changes: readonly Change[]): OperationView {
  const { target, kind, lane, refused, payload } = operation;
  const membership = kind === 'addMember' || kind === 'removeMember';
  return {
    target,
    kind,
    lane,
    group: membership ? (payload as MembershipPayload).group : null,
    refused: refused === undefined ? '' : refused.detail,
    changes: membership || refused !== undefined ? [] : changesOf(kind, payload as AccountPayload, changes),
  };
}

function changesOf(kind: OperationKind, payload: AccountPayload, planned: readonly Change[]): readonly AttributeView[] {
  if (kind === 'disable') return [{ path: 'active', before: true, after: false }];
  if (kind === 'delete') return [];
  const manager: readonly AttributeView[] =
    payload.managerKey === null
      ? []
      : [{ path: 'manager', before: null, after: payload.managerKey === '' ? null : payload.managerKey }];
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

/** The account as it will stand when the operation is sent: as planned, else as it is on file. */
async function accountOf(
  house: House,
  live: LiveConnection,
  planned: WorkerPlan,
  target: string,
): Promise<AccountState | null> {
  const changed = planned.change?.accounts.find((account) => account.target === target);
  if (changed !== undefined) return changed;
  const { name } = live.connection;
  const situation = (await house.store.situations(name, [planned.key])).get(planned.key);
  return situation?.accounts.find((account) => account.target === target) ?? null;
}

async function requestsOf(
  house: House,
  live: LiveConnection,
  planned: WorkerPlan,
  operation: NewOperation,
): Promise<readonly RequestView[]> {
  const account = await accountOf(house, live, planned, operation.target);
  const target = live.targets.get(operation.target);
  if (target === undefined || account === null || operation.refused !== undefined) return [];
  const { kind, payload, lane } = operation;
  const membership = kind === 'addMember' || kind === 'removeMember';
  const manager = membership ? null : (payload as AccountPayload).managerKey;
  const sendable: Sendable = {
    id: 0,
    workerKey: planned.key,
    kind,
    payload,
    account,
    managerRemoteId: manager === null || manager === '' ? null : await idOf(house, live, operation.target, manager),
    ambiguous: false,
    groupRemoteId: membership
      ? ((await house.store.group(operation.target, (payload as MembershipPayload).group))?.remoteId ?? null)
      : null,
    lane,
  };
  const requests = target.show(sendable);
  return requests.map((request, index) => ({ ...request, note: noteOf(request, requests.slice(index + 1)) }));
}

async function idOf(house: House, live: LiveConnection, target: string, key: string): Promise<string> {
  return (await house.store.remoteIds(live.connection.name, target, [key])).get(key) ?? `<id:${key}>`;
}

function noteOf({ method, path, body }: ShownRequest, following: readonly ShownRequest[]): string {
  if (method === 'GET' && following.length > 0) return 'what follows depends on the answer';
  if (method === 'GET') return 'the answer decides whether it is confirmed';
  return `${path}${body}`.includes('<id:') ? 'the target issues <id:…>' : '';
}
