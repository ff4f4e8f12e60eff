// Pages for every leaver whose access has not ended in time, whatever the reason: a target that is down, a refusal, a stop of
// writes. Once when the time is up, and again while it stays so.
import { apartMs, DAY_MS, type Instant, MINUTE_MS, msOf } from '../base/instant.ts';
import { nowOf } from '../runtime/clock.ts';
import type { ShownOperation } from '../store/store.ts';
import type { House } from './house.ts';

/** Design section 6: alert at 5 minutes, page every 15. */
export const UNCONFIRMED_AFTER_MS = 5 * MINUTE_MS;
const AGAIN_AFTER_MS = 15 * MINUTE_MS;
const LOOK_EVERY_MS = 30_000;
/** The most that a connection file may give a target to confirm a leaver: what is to be confirmed later than that never will be. */
const CONFIRMED_WITHIN_MAX_MS = DAY_MS;
/** Leavers looked at in one go, the oldest first: beyond so many nobody reads the lines one by one. */
const WATCHED_MAX = 1_000;

/** A target that does its work later has the time that it is known to need; after that somebody is told at once. */
export const isInTime = ({ state, notBefore, createdAt }: ShownOperation, now: Instant): boolean =>
  state === 'accepted' &&
  notBefore > now &&
  !isAhead(createdAt, now) &&
  apartMs(notBefore, now) <= CONFIRMED_WITHIN_MAX_MS;

/** Decided before the clock was set back, so that nobody can tell how long ago. */
export const isAhead = (createdAt: Instant, now: Instant): boolean =>
  createdAt > now && apartMs(createdAt, now) >= UNCONFIRMED_AFTER_MS;

/** Until the signal aborts. Log lines carry the code `leaver.unconfirmed`. */
export async function watchLeavers(house: House, signal: AbortSignal): Promise<void> {
  const pagedAt = new Map<number, number>();
  while (!signal.aborted) {
    await pageFor(house, pagedAt);
    await house.clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** One look. `pagedAt` remembers when each operation was paged for. */
export async function pageFor(house: House, pagedAt: Map<number, number>): Promise<void> {
  const now = nowOf(house.clock);
  const nowMs = msOf(now);
  const unconfirmed = await house.store.unconfirmedLeavers(WATCHED_MAX);
  const open = new Set(unconfirmed.map(({ id }) => id));
  for (const id of pagedAt.keys()) if (!open.has(id)) pagedAt.delete(id);
  for (const one of unconfirmed) {
    const ageMs = apartMs(one.createdAt, now);
    if (ageMs < UNCONFIRMED_AFTER_MS || isInTime(one, now)) continue;
    const last = pagedAt.get(one.id);
    if (last !== undefined && Math.abs(nowMs - last) < AGAIN_AFTER_MS) continue;
    pagedAt.set(one.id, nowMs);
    house.log.error(
      {
        code: 'leaver.unconfirmed',
        connection: one.connection,
        worker: one.workerKey,
        target: one.target,
        operation: one.id,
        state: one.state,
        minutes: isAhead(one.createdAt, now) ? null : Math.floor(ageMs / MINUTE_MS),
        attempts: one.attempts,
        last: one.lastOutcome?.code ?? null,
      },
      'a leaver still has access',
    );
  }
}
