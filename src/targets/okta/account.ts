// Making, changing and enabling one account: which way the record goes, and what is not sent at all.

import type { AccountPayload } from '../../planning/changeset.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import type { Delivered, Journal, Sendable } from '../target.ts';
import { type Entity, entityOf } from './entity.ts';
import type { Gathering } from './gathering.ts';
import { isEnded, refusedHere } from './judge.ts';
import { deliverDisable } from './leave.ts';
import { readPerson } from './reading.ts';
import type { Room } from './room.ts';
import type { SessionDesk } from './session-desk.ts';
import { personOf, reactivate, uploadOne } from './single.ts';

export interface AccountParts {
  readonly room: Room;
  readonly desk: SessionDesk;
  readonly gathering: Gathering;
}

export async function deliverAccount(
  operation: Sendable,
  journal: Journal,
  parts: AccountParts,
  signal: AbortSignal,
): Promise<Delivered> {
  const { room, gathering } = parts;
  const { settings } = room;
  const shallBeActive = operation.kind === 'enable' || (operation.payload as AccountPayload).active;
  // An upload may give access: whoever shall have none is not uploaded, and the whole record follows with the access.
  if (!shallBeActive && (settings.preboarding === 'later' || operation.kind !== 'create')) return { outcome: LATER };
  const entity = entityOf(operation, settings);
  if ('refused' in entity) return { outcome: refusedHere('invalid-value', entity.refused) };
  if (!shallBeActive) return madeInactive(operation, entity, journal, parts, signal);
  const rehired = operation.account.active === false && operation.account.remoteId !== null;
  if (rehired && (settings.reactivate === 'activate' || (await isSuspended(operation, room, signal))))
    return reactivate(operation, entity, journal, room, signal);
  return gathering.add({ operation, journal, cargo: { kind: 'upsert', entity } }, signal);
}

const LATER = concluded(NOTHING_SENT, { code: 'uploaded-when-active' });

/** What was suspended is given back by its opposite, whatever an upload may do. */
async function isSuspended(operation: Sendable, { settings, ...room }: Room, signal: AbortSignal): Promise<boolean> {
  if (settings.leavers !== 'suspend' || settings.reads !== 'users') return false;
  const there = await readPerson({ settings, ...room }, personOf(operation), false, signal);
  return there.kind === 'there' && there.status === 'SUSPENDED';
}

/** Uploaded and deactivated in one go: active for that moment. */
async function madeInactive(
  operation: Sendable,
  entity: Entity,
  journal: Journal,
  parts: AccountParts,
  signal: AbortSignal,
): Promise<Delivered> {
  const { room } = parts;
  const there = await readPerson(room, personOf(operation), false, signal);
  if (there.kind === 'unknown') return { outcome: there.outcome };
  if (there.kind === 'nobody') {
    const made = await uploadOne({ operation, journal, cargo: { kind: 'upsert', entity } }, room, signal);
    if (made.outcome.class !== 'done' && made.outcome.class !== 'accepted') return made;
  } else if (isEnded(there)) return { outcome: LATER, account: { remoteId: there.id, active: false } };
  const disabled = await deliverDisable(operation, journal, parts, signal);
  // It is the creation that is answered: what is not inactive yet is asked again.
  return disabled.outcome.class === 'accepted'
    ? { outcome: concluded(disabled.outcome, { class: 'retry', code: 'not-inactive-yet', countsAsAttempt: true }) }
    : disabled;
}
