// Calls for one entity of the identity source, and what the Users API is asked of one user: at once, outside of all sessions.
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import type { Exchange } from '../scim/exchange.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import type { Delivered, Journal, Sendable } from '../target.ts';
import type { Entity } from './entity.ts';
import { type Cargo, keyOf } from './gathering.ts';
import { done } from './judge.ts';
import { lifecyclePath, userPath, userSessionsPath } from './paths.ts';
import { oktaIdOf, readPerson } from './reading.ts';
import type { Room } from './room.ts';
import { ticketText } from './ticket.ts';

export const personOf = ({ account, payload }: Sendable) => ({
  externalId: account.externalId || ((payload as Partial<AccountPayload>).externalId ?? ''),
  userName: account.userName || ((payload as Partial<AccountPayload>).userName ?? ''),
  remoteId: account.remoteId,
});

/** Whether it stands is not known beforehand: the one way says 404, the other 409. */
async function write(
  { externalId, profile }: Entity,
  stands: boolean,
  exchange: Exchange,
  room: Room,
): Promise<Outcome> {
  const change = () =>
    exchange({ kind: 'write', method: 'PUT', path: room.paths.user(externalId), body: JSON.stringify({ profile }) });
  const make = () =>
    exchange({ kind: 'write', method: 'POST', path: room.paths.users, body: JSON.stringify({ externalId, profile }) });
  const first = (await (stands ? change() : make())).outcome;
  if (stands && first.class === 'gone') return (await make()).outcome;
  if (!stands && first.class === 'conflict') return (await change()).outcome;
  return first;
}

const isTaken = ({ class: kind }: Outcome): boolean => kind === 'done' || kind === 'accepted';

/** Uploads one record; done where a look proves it at once, else to be confirmed. */
export async function uploadOne(
  { operation, journal, cargo }: { readonly operation: Sendable; readonly journal: Journal; readonly cargo: Cargo },
  room: Room,
  signal: AbortSignal,
): Promise<Delivered> {
  if (cargo.kind !== 'upsert') throw new Error(`bug: ${keyOf(cargo)} is no account`);
  const { entity } = cargo;
  const outcome = await write(entity, operation.account.remoteId !== null, room.exchange(journal, false, signal), room);
  if (!isTaken(outcome)) return { outcome };
  const there = await readPerson(room, personOf(operation), false, signal);
  if (there.kind === 'there' && there.account.active && !there.settling)
    return { ...done(there), outcome: concluded(outcome, { class: 'done' }) };
  return waiting(outcome, room, entity.profile);
}

export const waiting = (
  outcome: Outcome,
  room: Room,
  profile: Entity['profile'] = {},
  withinMs = room.settings.withinMs,
  session = '',
): Delivered => ({
  outcome: { ...outcome, class: 'accepted' },
  accepted: { ticket: ticketText(session, room.now(), profile), withinMs },
});

/** A rehire whom the Users API activates, or who was suspended by us. What does not stand in the source is uploaded first. */
export async function reactivate(
  operation: Sendable,
  entity: Entity,
  journal: Journal,
  room: Room,
  signal: AbortSignal,
): Promise<Delivered> {
  const exchange = room.exchange(journal, false, signal);
  const written = await write(entity, operation.account.remoteId !== null, exchange, room);
  if (!isTaken(written)) return { outcome: written };
  const there = await readPerson(room, personOf(operation), false, signal);
  if (there.kind !== 'there' || there.settling) return waiting(written, room, entity.profile);
  if (there.account.active) return { ...done(there), outcome: concluded(written, { class: 'done' }) };
  const verb = there.status === 'SUSPENDED' ? 'unsuspend' : 'activate';
  const { outcome } = await exchange({ kind: 'write', method: 'POST', path: lifecyclePath(there.id, verb), body: '' });
  if (!isTaken(outcome)) return { outcome };
  const after = await readPerson(room, { ...personOf(operation), remoteId: there.id }, false, signal);
  if (after.kind === 'there' && after.account.active && !after.settling)
    return { ...done(after), outcome: concluded(outcome, { class: 'done' }) };
  return waiting(outcome, room, entity.profile);
}

export async function endSessions(
  operation: Sendable,
  journal: Journal,
  room: Room,
  signal: AbortSignal,
): Promise<Delivered> {
  const exchange = room.exchange(journal, true, signal);
  let id = oktaIdOf(operation.account.remoteId);
  if (id === null) {
    const there = await readPerson(room, personOf(operation), true, signal);
    if (there.kind === 'unknown') return { outcome: there.outcome };
    id = there.kind === 'there' ? oktaIdOf(there.id) : null;
  }
  if (id === null) return { outcome: concluded(NOTHING_SENT, { class: 'gone', code: 'no-user' }) };
  return {
    outcome: (await exchange({ kind: 'revoke', method: 'DELETE', path: userSessionsPath(id), body: '' })).outcome,
  };
}

/** The first call deactivates, another deletes (GK); done is what is not there any more. */
export async function deleteUser(
  operation: Sendable,
  journal: Journal,
  room: Room,
  signal: AbortSignal,
): Promise<Delivered> {
  const exchange = room.exchange(journal, false, signal);
  const there = await readPerson(room, personOf(operation), false, signal);
  if (there.kind === 'unknown') return { outcome: there.outcome };
  const id = there.kind === 'there' ? oktaIdOf(there.id) : null;
  if (id === null) return { outcome: concluded(NOTHING_SENT, { code: 'nobody' }) };
  for (let call = 1; call <= DELETE_CALLS; call += 1) {
    const { outcome } = await exchange({ kind: 'delete', method: 'DELETE', path: userPath(id), body: '' });
    if (!isTaken(outcome)) return { outcome };
    const after = await readPerson(room, { ...personOf(operation), remoteId: id }, false, signal);
    if (after.kind === 'nobody') return { outcome: concluded(outcome, { class: 'done' }) };
    if (after.kind === 'unknown') return { outcome: after.outcome };
  }
  return { outcome: concluded(NOTHING_SENT, { class: 'retry', code: 'not-deleted' }) };
}

const DELETE_CALLS = 2;
