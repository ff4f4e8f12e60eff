// What became of what was only taken in. A session reports of no record [O1]: who was in it is read, leavers always and first. What
// counts of a leaver is what stands there, never that a session was completed.
import type { JsonValue } from '../../base/json.ts';
import type { Accepted } from '../../planning/changeset.ts';
import { sha256 } from '../../runtime/hash.ts';
import type { Confirmation, ConfirmationWay, Confirmed, Delivered } from '../target.ts';
import { type Gathering, memberKey } from './gathering.ts';
import {
  believed,
  done,
  ended,
  isEnded,
  nobody,
  notEnded,
  notImported,
  notReactivated,
  sessionFailed,
} from './judge.ts';
import { groupIdOf } from './members.ts';
import { bySource, type Read, readPerson, readSource } from './reading.ts';
import type { Room } from './room.ts';
import { LOADS_MAX, type SessionDesk, type SessionEnd } from './session-desk.ts';
import { agrees, type Ticket, ticketOf } from './ticket.ts';

/** People read in one go; the others follow at the next. */
const READS_MAX = 500;
const AT_ONCE = 8;
/** What was applied may be shown only later. */
const SHOWN_WITHIN_MS = 2 * 60_000;
/** One in so many is read where a sample is enough. */
const SAMPLED_ONE_IN = 20;

export interface ConfirmParts {
  readonly room: Room;
  readonly desk: SessionDesk;
  readonly gathering: Gathering;
}

interface Asked {
  readonly one: Accepted;
  readonly ticket: Ticket;
  readonly end: SessionEnd;
}

export function confirmationOf({ room, desk, gathering }: ConfirmParts): ConfirmationWay {
  const { settings, now } = room;
  /** When each was first looked at behind its session, and when last. */
  let looks = new Map<number, { readonly firstMs: number; lastMs: number }>();

  async function confirm(waiting: readonly Accepted[], signal: AbortSignal): Promise<Confirmation> {
    await desk.resume(signal);
    const current = desk.current();
    const isFull = current !== null && current.loads >= LOADS_MAX;
    if (current !== null && (isFull || !gathering.isWaiting()) && now() - current.lastLoadMs >= settings.lingerMs)
      await desk.start(signal);
    const asked = await withEnds(waiting, signal);
    const answers: Confirmed[] = asked.flatMap(({ one, end }) =>
      end === 'failed' && one.kind !== 'disable' ? [{ id: one.id, delivered: { outcome: sessionFailed() } }] : [],
    );
    answers.push(...(await looked(asked.filter(isDue), signal)));
    return { answers, stalled: desk.blocked() };
  }

  async function withEnds(waiting: readonly Accepted[], signal: AbortSignal): Promise<readonly Asked[]> {
    const ends = new Map<string, SessionEnd>([['', 'completed']]);
    const asked: Asked[] = [];
    for (const one of waiting) {
      const ticket = ticketOf(one.ticket) ?? { session: '', atMs: 0, values: new Map() };
      let end = ends.get(ticket.session);
      if (end === undefined) {
        end = ticket.session === desk.current()?.id ? 'live' : await desk.endOf(ticket.session, signal);
        ends.set(ticket.session, end);
      }
      asked.push({ one, ticket, end });
    }
    return asked;
  }

  /** A session that was replaced by a later one for the same person may not say anything any more: then that one is waited for. */
  const isDue = ({ one, end }: Asked): boolean =>
    (end === 'completed' || (end === 'failed' && one.kind === 'disable')) &&
    !(one.kind === 'disable' && desk.mayHold(one.externalId) !== null);

  async function looked(due: readonly Asked[], signal: AbortSignal): Promise<readonly Confirmed[]> {
    const nowMs = now();
    const before = looks;
    looks = new Map(due.map(({ one: { id } }) => [id, before.get(id) ?? { firstMs: nowMs, lastMs: 0 }]));
    const lastMs = ({ one }: Asked): number => looks.get(one.id)?.lastMs ?? 0;
    const answers: Confirmed[] = [];
    const people = due
      .toSorted((a, b) => rank(a.one) - rank(b.one) || lastMs(a) - lastMs(b) || a.one.id - b.one.id)
      .filter((asked) => {
        const said = unread(asked);
        if (said !== null) answers.push({ id: asked.one.id, delivered: said });
        return said === null;
      })
      .slice(0, READS_MAX);
    const members = new Map<string, Promise<ReadonlySet<string> | null>>();
    const waiting = people.values();
    let silent = false;
    const ask = async (): Promise<void> => {
      for (const asked of waiting) {
        // Who does not answer one does not answer the next.
        if (silent || signal.aborted) return;
        const look = looks.get(asked.one.id);
        if (look !== undefined) look.lastMs = nowMs;
        const said =
          asked.one.group === null ? await personSaid(asked, signal) : await memberSaid(asked, members, signal);
        if (said === 'silent') silent = true;
        else if (said !== null) answers.push({ id: asked.one.id, delivered: said });
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, people.length) }, ask));
    return answers;
  }

  /** Who is not in the sample is believed to have been imported. */
  function unread({ one }: Asked): Delivered | null {
    if (settings.joiners === 'all' || one.kind === 'disable' || one.group !== null || one.kind === 'enable')
      return null;
    const drawn = Number.parseInt(sha256(one.externalId).slice(0, 8), 16) % SAMPLED_ONE_IN === 0;
    return drawn ? null : believed(one.remoteId ?? bySource(one.externalId), true);
  }

  /** Nothing that stands there yet is refused before it had time to be shown. */
  const isLate = ({ one, ticket }: Asked): boolean =>
    now() - Math.max(looks.get(one.id)?.firstMs ?? now(), ticket.atMs) >= SHOWN_WITHIN_MS;

  async function personSaid(asked: Asked, signal: AbortSignal): Promise<Delivered | 'silent' | null> {
    const { one } = asked;
    const urgent = one.kind === 'disable';
    const { externalId, userName, remoteId } = one;
    if (one.kind === 'update') {
      const said = await updateSaid(asked, signal);
      // Its creation was replaced before it was confirmed: then this is what tells who it is at Okta.
      if (one.remoteId !== null || said === null || said === 'silent' || said.outcome.class !== 'done') return said;
    }
    const there = await readPerson(room, { externalId, userName, remoteId }, urgent, signal);
    if (there.kind === 'unknown') return there.outcome.countsAsAttempt ? { outcome: there.outcome } : 'silent';
    if (one.kind === 'disable') return endSaid(asked, there);
    if (there.kind === 'nobody')
      return isLate(asked) ? { outcome: notImported('nobody of this external id is there') } : null;
    if (there.settling) return null;
    if (!there.account.active) return isLate(asked) ? { outcome: notReactivated(there.status) } : null;
    if (settings.reads === 'source' && !agrees(asked.ticket, shownBy(there))) return differs(asked);
    return done(there);
  }

  const differs = (asked: Asked): Delivered | null =>
    isLate(asked) ? { outcome: notImported('the identity source does not show what was uploaded') } : null;

  /** What the source holds is what it was told, under the names that it was told. */
  async function updateSaid(asked: Asked, signal: AbortSignal): Promise<Delivered | 'silent' | null> {
    const there = await readSource(room, asked.one.externalId, false, signal);
    if (there.kind === 'unknown') return there.outcome.countsAsAttempt ? { outcome: there.outcome } : 'silent';
    if (there.kind === 'nobody')
      return isLate(asked) ? { outcome: notImported('the identity source holds nobody of this external id') } : null;
    if (!agrees(asked.ticket, there.profile)) return differs(asked);
    return { outcome: believed('', true).outcome };
  }

  function endSaid(asked: Asked, there: Exclude<Read, { kind: 'unknown' }>): Delivered | null {
    if (there.kind === 'nobody')
      return settings.reads === 'source' ? { outcome: nobody().outcome, account: { active: false } } : nobody();
    if (isEnded(there)) return ended(there);
    if (there.settling) return null;
    // An older upload that a session applied behind it gave the access back: it is taken again at once.
    const given = asked.ticket.session !== '' && asked.end === 'completed';
    return given || isLate(asked) ? { outcome: notEnded() } : null;
  }

  async function memberSaid(
    asked: Asked,
    known: Map<string, Promise<ReadonlySet<string> | null>>,
    signal: AbortSignal,
  ): Promise<Delivered | 'silent' | null> {
    const { one } = asked;
    const group = groupIdOf(one.group ?? '');
    if (one.kind === 'removeMember' && desk.mayHold(memberKey(group, one.externalId)) !== null) return null;
    const asking = known.get(group) ?? membersOf(group, signal);
    known.set(group, asking);
    const members = await asking;
    if (members === null) return 'silent';
    if (members.has(one.externalId) === (one.kind === 'addMember')) return { outcome: believed('', true).outcome };
    if (one.kind === 'removeMember') return { outcome: notEnded() };
    return isLate(asked) ? { outcome: notImported('the group does not show this member') } : null;
  }

  /** Null where Okta does not answer; a group that is gone has none. */
  async function membersOf(group: string, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
    const { outcome, body } = await room.exchange(
      null,
      false,
      signal,
    )({ kind: 'read', method: 'GET', path: room.paths.membership(group), body: '' });
    if (outcome.class === 'gone') return new Set();
    const listed = outcome.class === 'done' ? body?.memberExternalIds : undefined;
    if (!Array.isArray(listed)) return null;
    return new Set((listed as readonly JsonValue[]).filter((one) => typeof one === 'string'));
  }

  return { everyMs: settings.pollMs, confirm };
}

const rank = ({ kind, lane }: Accepted): number =>
  kind === 'disable' ? 0 : lane === 'leaver' || lane === 'emergency' ? 1 : 2;

const shownBy = ({ account }: Extract<Read, { kind: 'there' }>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(account.resource).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
