// Carries out what other processes ask of the one that holds the lock. Acts that ask a target, or look at very much, may take minutes:
// they go one after the other beside the rest, so that a leave or a stop never waits for a listing.
import type { Act } from '../store/store.ts';
import type { House } from './house.ts';
import { type ActKind, performAct } from './operator.ts';
import { Turn } from './turn.ts';

/** Acts of other processes are looked for this often: a command is taken up within a second. */
const ACTS_EVERY_MS = 250;
const ACTS_TOGETHER = 20;
const LONG: ReadonlySet<string> = new Set<ActKind>(['pair', 'unpair', 'erase', 'seal', 'reconcile', 'replay']);

/** Until the signal aborts: then what has begun is cut off and says so, and what has not is left for whoever holds the lock next. */
export async function actsLoop(house: House, signal: AbortSignal): Promise<void> {
  const turn = new Turn();
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  while (!signal.aborted && failures.length === 0) {
    for (const act of await house.store.takeActs(ACTS_TOGETHER)) {
      if (!LONG.has(act.kind)) {
        await carryOutAct(house, act, signal);
        continue;
      }
      const done = turn
        .take(() => carryOutAct(house, act, signal))
        .catch((error: unknown) => void failures.push(error))
        .finally(() => underWay.delete(done));
      underWay.add(done);
    }
    await house.clock.wait(ACTS_EVERY_MS, signal);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
}

async function carryOutAct(house: House, act: Act, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const result = await performAct(house, act, signal);
  await house.store.finishAct(act.id, JSON.parse(JSON.stringify(result)));
  house.log.info({ act: act.id, what: act.kind, ok: result.ok }, 'act done');
}
