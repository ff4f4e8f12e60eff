// Waits until everybody whom the first reading brought has arrived: every operation answered, every manager's reference that
// can be sent sent.
import { EXIT, Problem } from '../base/problem.ts';
import type { RunningDaemon } from '../daemon.ts';
import type { House } from '../pipeline/house.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import { DEMO_CONNECTION, DEMO_TARGET } from './demo-house.ts';

/** Sixty people on loopback take a few seconds; beyond this something is wrong. */
const ARRIVAL_MAX_MS = 60_000;
/** The counter moves at every answer; this is for the moments between. */
const LOOK_AGAIN_MS = 200;

/** The first cycle that found a finished file. */
export function firstCycle(daemon: RunningDaemon): Promise<CycleReport> {
  return new Promise((resolve) => {
    daemon.onCycle((report) => {
      if (report.kind !== 'notYet') resolve(report);
    });
  });
}

/** @throws Problem when the house has not come to rest in time. */
export async function everybodyArrived(
  house: House,
  daemon: RunningDaemon,
  counted: () => void,
  signal: AbortSignal,
): Promise<void> {
  const deadline = house.clock.nowMs() + ARRIVAL_MAX_MS;
  while (!signal.aborted) {
    const known = daemon.dispatch.progress.rings;
    counted();
    if (await isAtRest(house)) return;
    if (house.clock.nowMs() > deadline) {
      throw new Problem(
        {
          code: 'demo.stuck',
          message: `not everybody had arrived after ${ARRIVAL_MAX_MS / 1_000} s`,
          hint: 'run the demo with --keep and read rollcall.log in its folder',
        },
        EXIT.failed,
      );
    }
    await daemon.dispatch.progress.after(known, house.clock, LOOK_AGAIN_MS, signal);
  }
}

/** Nothing is open, no debt can be paid, and no decision fell while we looked. */
async function isAtRest({ store }: House): Promise<boolean> {
  const before = await store.overview();
  const open = before.queue.some(({ state }) => state === 'queued' || state === 'sending' || state === 'accepted');
  if (open || (await store.payableDebts(DEMO_CONNECTION, DEMO_TARGET, 1)).length > 0) return false;
  const after = await store.overview();
  return after.entries === before.entries;
}
