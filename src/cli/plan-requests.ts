// The requests that an operation of a plan would send, with what nobody can tell before the target has answered.
import type { House, LiveConnection } from '../pipeline/house.ts';
import type { AccountPayload, AccountState, MembershipPayload, NewOperation } from '../planning/changeset.ts';
import type { WorkerPlan } from '../planning/plan-worker.ts';
import type { Sendable, ShownRequest } from '../targets/target.ts';

export interface RequestView extends ShownRequest {
  /** What cannot be told before the target has answered; '' where everything can. */
  readonly note: string;
}

/** The account as it will stand when the operation is sent: as planned, else as it is on file. */
export async function accountOf(
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

export async function requestsOf(
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
  const stands = membership || manager !== null ? '' : account.managerKnown;
  const sendable: Sendable = {
    id: 0,
    workerKey: planned.key,
    kind,
    payload,
    account,
    managerRemoteId: manager === null || manager === '' ? null : await idOf(house, live, operation.target, manager),
    ...(stands === '' ? {} : { managerStandsRemoteId: await idOf(house, live, operation.target, stands) }),
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
  if (method === 'POST' && following.length > 0 && path.endsWith('/Groups'))
    return 'only where the search finds no group';
  return `${path}${body}`.includes('<id:') ? 'the target issues <id:…>' : '';
}
