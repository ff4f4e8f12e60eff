// Memberships in groups of the identity source. Its groups are its own: nobody else's group can be met there by its name.
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { MembershipPayload } from '../../planning/changeset.ts';
import type { Exchange } from '../scim/exchange.ts';
import { inBatches, inHalves, isOfTheTarget, isRefusal, unsentBecause } from '../scim/halving.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import type { Delivered, Journal, Sendable } from '../target.ts';
import { MEMBER_ID_MAX } from './entity.ts';
import { ENTITIES_MAX, type Gathering, memberKey } from './gathering.ts';
import { refusedHere } from './judge.ts';
import type { Room } from './room.ts';
import type { SessionDesk } from './session-desk.ts';
import { waiting } from './single.ts';

export interface MembersParts {
  readonly room: Room;
  readonly desk: SessionDesk;
  readonly gathering: Gathering;
}

/** The external id of a group is its name. */
export const groupIdOf = (name: string): string => name;

/** One result for each operation, in order. All are of one kind and name one group. */
export async function deliverMembers(
  operations: readonly Sendable[],
  journal: Journal,
  urgent: boolean,
  parts: MembersParts,
  signal: AbortSignal,
): Promise<readonly Delivered[]> {
  const [first] = operations;
  if (first === undefined) return [];
  const payload = first.payload as MembershipPayload;
  const group = groupIdOf(payload.group);
  const tooLong = [group, ...operations.map(({ account }) => account.externalId)].some(
    (id) => id === '' || id.length > MEMBER_ID_MAX,
  );
  if (tooLong) {
    const outcome = refusedHere(
      'group-id',
      `the external id of a group or a member is blank, or longer than ${MEMBER_ID_MAX} characters`,
    );
    return operations.map(() => ({ outcome }));
  }
  await parts.desk.recall();
  const exchange = parts.room.exchange(journal, urgent, signal);
  if (first.kind === 'removeMember') return removed(operations, group, exchange, parts);
  const { groups, singleEntityMax } = parts.room.settings;
  const told = { name: payload.group, remoteId: group, created: false };
  if (groups === 'session' && operations.length > singleEntityMax) {
    const named = payload.create ? payload.group : null;
    return Promise.all(
      operations.map(async (operation) => ({
        ...(await parts.gathering.add(
          { operation, journal, cargo: { kind: 'members', group, member: operation.account.externalId, named } },
          signal,
        )),
        group: told,
      })),
    );
  }
  const ready = first.groupRemoteId !== null ? { group: told } : await groupReady(payload, group, exchange, parts.room);
  if ('outcome' in ready) return operations.map(() => ready);
  return (await added(operations, group, exchange, parts.room)).map((outcome) => ({ outcome, group: ready.group }));
}

type GroupReady = { readonly group: NonNullable<Delivered['group']> } | { readonly outcome: Outcome };

/** An upsert that is repeated makes no second group: its external id is its key. */
async function groupReady(
  payload: MembershipPayload,
  group: string,
  exchange: Exchange,
  room: Room,
): Promise<GroupReady> {
  const named = (created: boolean) => ({ group: { name: payload.group, remoteId: group, created } });
  const there = await exchange({ kind: 'read', method: 'GET', path: room.paths.group(group), body: '' });
  if (there.outcome.class === 'done') return named(false);
  if (there.outcome.class !== 'gone') return { outcome: there.outcome };
  if (!payload.create)
    return { outcome: refusedHere('group-missing', 'no group of this name in the identity source; set create: true') };
  const body = JSON.stringify({ externalId: group, profile: { displayName: payload.group } });
  const made = await exchange({ kind: 'write', method: 'POST', path: room.paths.groups, body });
  return made.outcome.class === 'done' || made.outcome.class === 'accepted' ? named(true) : { outcome: made.outcome };
}

async function added(
  operations: readonly Sendable[],
  group: string,
  exchange: Exchange,
  room: Room,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<Sendable, Outcome>();
  let stoppedBy = NOTHING_SENT;
  const unsent = await inHalves(inBatches(operations, ENTITIES_MAX), async (batch) => {
    const body = JSON.stringify({ memberExternalIds: batch.map(({ account }) => account.externalId) });
    const answer = await exchange({ kind: 'write', method: 'POST', path: room.paths.membership(group), body });
    const outcome = answer.outcome.class === 'accepted' ? concluded(answer.outcome, { class: 'done' }) : answer.outcome;
    if (batch.length > 1 && isRefusal(outcome)) return 'refused';
    for (const operation of batch) outcomes.set(operation, outcome);
    stoppedBy = outcome;
    return isOfTheTarget(outcome) ? 'stop' : 'taken';
  });
  for (const operation of unsent) outcomes.set(operation, unsentBecause(stoppedBy));
  return operations.map((operation) => outcomes.get(operation) ?? unsentBecause(stoppedBy));
}

/** One by one and at once. What a session may still add is removed again behind it. */
async function removed(
  operations: readonly Sendable[],
  group: string,
  exchange: Exchange,
  { room, desk }: MembersParts,
): Promise<readonly Delivered[]> {
  const delivered: Delivered[] = [];
  let stoppedBy: Outcome | null = null;
  for (const { account } of operations) {
    if (stoppedBy !== null) {
      delivered.push({ outcome: unsentBecause(stoppedBy) });
      continue;
    }
    const { outcome } = await exchange({
      kind: 'delete',
      method: 'DELETE',
      path: room.paths.member(group, account.externalId),
      body: '',
    });
    if (isOfTheTarget(outcome)) stoppedBy = outcome;
    const held = desk.mayHold(memberKey(group, account.externalId));
    delivered.push(
      outcome.class === 'done' && held !== null
        ? waiting(outcome, room, {}, room.settings.withinMs, held)
        : { outcome },
    );
  }
  return delivered;
}
