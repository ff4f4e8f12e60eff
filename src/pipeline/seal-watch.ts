// Says aloud every day that a feed is held because it does not look like the last good one, until somebody released it or a
// good one came. Nobody need look at the feed for that: its file may be gone by then.
import { DAY_MS, HOUR_MS, msOf } from '../base/instant.ts';
import { SEAL_BROKEN } from './broken-seal.ts';
import type { House } from './house.ts';

const AGAIN_AFTER_MS = DAY_MS;
const LOOK_EVERY_MS = HOUR_MS / 4;

/** Until the signal aborts. Log lines carry the code `feed.seal-broken`. */
export async function watchSeals(house: House, signal: AbortSignal): Promise<void> {
  const saidAt = new Map<string, number>();
  while (!signal.aborted) {
    await sayBroken(house, saidAt);
    await house.clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** One look. `saidAt` remembers when it was last said of each connection; a cycle says it itself when the hold opens. */
export async function sayBroken(house: House, saidAt: Map<string, number>): Promise<void> {
  const nowMs = house.clock.nowMs();
  const holds = (await house.store.holds(null, 0)).filter(({ kind }) => kind === 'feed');
  const open = new Set(holds.map(({ connection }) => connection));
  for (const connection of saidAt.keys()) if (!open.has(connection)) saidAt.delete(connection);
  for (const { connection, reason, openedAt, discardedBy } of holds) {
    const last = saidAt.get(connection) ?? msOf(openedAt);
    if (Math.abs(nowMs - last) < AGAIN_AFTER_MS) continue;
    saidAt.set(connection, nowMs);
    const days = Math.max(0, Math.floor((nowMs - msOf(openedAt)) / DAY_MS));
    house.log.error({ code: SEAL_BROKEN, connection, reason, days, discardedBy }, 'the feed is still held');
  }
}
