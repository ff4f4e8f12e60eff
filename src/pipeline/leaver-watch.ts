// Pages for every leaver whose access has not ended in time, whatever the reason: a target that is down, a refusal, a stop of
// writes. Once when the time is up, and again while it stays so.
import { MINUTE_MS, msOf } from '../base/instant.ts';
import type { ShownOperation } from '../store/store.ts';
import type { House } from './house.ts';

/** Design section 6: alert at 5 minutes, page every 15. */
export const UNCONFIRMED_AFTER_MS = 5 * MINUTE_MS;
const AGAIN_AFTER_MS = 15 * MINUTE_MS;
const LOOK_EVERY_MS = 30_000;
/** Leavers looked at in one go, the oldest first: beyond so many nobody reads the lines one by one. */
const WATCHED_MAX = 1_000;

/** A target that does its work later has the time that it is known to need; after that somebody is told at once. */
export const isInTime = ({ state, notBefore }: ShownOperation, nowMs: number): boolean =>
  state === 'accepted' && msOf(notBefore) > nowMs;

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
  const nowMs = house.clock.nowMs();
  const unconfirmed = await house.store.unconfirmedLeavers(WATCHED_MAX);
  const open = new Set(unconfirmed.map(({ id }) => id));
  for (const id of pagedAt.keys()) if (!open.has(id)) pagedAt.delete(id);
  for (const one of unconfirmed) {
    const ageMs = nowMs - msOf(one.createdAt);
    if (ageMs < UNCONFIRMED_AFTER_MS || isInTime(one, nowMs)) continue;
    const last = pagedAt.get(one.id);
    if (last !== undefined && nowMs - last < AGAIN_AFTER_MS) continue;
    pagedAt.set(one.id, nowMs);
    house.log.error(
      {
        code: 'leaver.unconfirmed',
        connection: one.connection,
        worker: one.workerKey,
        target: one.target,
        operation: one.id,
        state: one.state,
        minutes: Math.floor(ageMs / MINUTE_MS),
        attempts: one.attempts,
        last: one.lastOutcome?.code ?? null,
      },
      'a leaver still has access',
    );
  }
}
