// Access ends at once and outside of all sessions, and is over only when Okta itself says so. A session that is not over may still
// apply an older upload of the same person: as long as there is one the end is not believed, and is looked at again behind it.
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import type { Delivered, Journal, Sendable } from '../target.ts';
import { ended, isEnded, nobody, refusedHere } from './judge.ts';
import { lifecyclePath } from './paths.ts';
import { oktaIdOf, type Read, readPerson, type There } from './reading.ts';
import type { Room } from './room.ts';
import type { SessionDesk } from './session-desk.ts';
import { personOf, waiting } from './single.ts';

/** Not this operation's: nothing can be concluded from it, and nothing more is asked now. */
const stops = ({ outcome }: Delivered): boolean =>
  outcome.class === 'retry' || outcome.class === 'refreshCredentials' || outcome.class === 'targetDown';

export async function deliverDisable(
  operation: Sendable,
  journal: Journal,
  { room, desk }: { readonly room: Room; readonly desk: SessionDesk },
  signal: AbortSignal,
): Promise<Delivered> {
  const { settings } = room;
  await desk.recall();
  const exchange = room.exchange(journal, true, signal);
  const person = personOf(operation);
  const read = (remoteId = person.remoteId): Promise<Read> => readPerson(room, { ...person, remoteId }, true, signal);
  const lifecycle = async (id: string): Promise<Delivered> => {
    const verb = settings.leavers === 'suspend' ? 'suspend' : 'deactivate';
    // What refuses because it is so already says it in the look that follows.
    return {
      outcome: (await exchange({ kind: 'write', method: 'POST', path: lifecyclePath(id, verb), body: '' })).outcome,
    };
  };

  // Where no attribute of users carries the external id, only the source tells whose a login is, and it is about to forget that.
  const forgets =
    settings.leavers === 'singleEntity' && settings.reads === 'users' && settings.externalIdAttribute === '';
  const before = forgets && oktaIdOf(person.remoteId) === null ? await read() : null;
  const seen = before?.kind === 'there' && (await isFree(operation, before)) ? before.id : null;

  const held = ({ outcome }: Delivered): Delivered => ({
    ...waiting(outcome, room, {}, settings.leaversWithinMs, desk.mayHold(person.externalId) ?? ''),
    ...(seen === null ? {} : { account: { remoteId: seen } }),
  });

  if (settings.leavers !== 'singleEntity') {
    const known = oktaIdOf(person.remoteId);
    const found = known === null ? await read() : null;
    const id = known ?? (found?.kind === 'there' ? oktaIdOf(found.id) : null);
    if (found?.kind === 'there' && !(await isFree(operation, found))) return { outcome: notOurs() };
    if (id !== null) {
      const answer = await lifecycle(id);
      if (stops(answer)) return answer;
      // Deleting them at the source would deactivate them, and that is what suspending is there to avoid.
      if (settings.leavers === 'suspend' && answer.outcome.class === 'done') {
        const there = await read(id);
        if (there.kind === 'there' && isEnded(there))
          return desk.mayHold(person.externalId) === null ? ended(there) : held(answer);
        if (there.kind !== 'nobody') return held(answer);
      }
    }
  }
  // Also behind a deactivation by the Users API: what still stands in the source could be given back by it.
  const deleted = {
    outcome: (await exchange({ kind: 'delete', method: 'DELETE', path: room.paths.user(person.externalId), body: '' }))
      .outcome,
  };
  if (stops(deleted)) return deleted;
  const refused = deleted.outcome.class !== 'done' && deleted.outcome.class !== 'accepted';

  let there = await read(seen ?? person.remoteId);
  // The source never knew them, and ignores whom it does not know: the user is one of those that were adopted.
  if (
    there.kind === 'there' &&
    there.account.active &&
    !there.settling &&
    deleted.outcome.status === 404 &&
    oktaIdOf(there.id) !== null
  ) {
    if (oktaIdOf(person.remoteId) !== there.id && !(await isFree(operation, there))) return { outcome: notOurs() };
    const answer = await lifecycle(there.id);
    if (answer.outcome.class !== 'done') return answer;
    there = await read(there.id);
  }
  const later = (): Delivered => held(deleted);
  if (there.kind === 'unknown') return refused ? deleted : stops(there) ? later() : { outcome: there.outcome };
  if (there.kind === 'there' && !isEnded(there)) return refused ? deleted : later();
  if (desk.mayHold(person.externalId) !== null) return later();
  if (there.kind === 'there') return ended(there);
  // Gone from the source is all that can be learnt where nothing else may be asked.
  if (settings.reads === 'source' && person.remoteId !== null)
    return { outcome: concluded(NOTHING_SENT, { code: 'gone-from-source' }), account: { active: false } };
  return nobody();
}

/** Whom a look-up found may be another worker's, or protected: such are not written to. */
const isFree = async ({ whose }: Sendable, { account }: There): Promise<boolean> =>
  whose === undefined || (await whose(account)) === 'free';

const notOurs = () =>
  refusedHere(
    'protected-account',
    'the user that was found is protected, or another worker’s: what is needed is to be done by hand',
  );
