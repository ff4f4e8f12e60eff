// A cron schedule in a time zone. What node-cron leaves out is added here: where the clocks jump from 2:00 to 3:00 a schedule of 2:30 has
// no moment, and its next run is a day, or a week, later. Such a slot comes when the clocks have jumped.
import { createTask, schedule } from 'node-cron';
import { dateOfMs, type Instant, instantOfMs, MINUTE_MS, msOf, SECOND_MS } from '../base/instant.ts';
import { type Jump, nextJump } from '../base/jump.ts';
import { systemClock } from './clock.ts';

export interface CronJob {
  /** The next moment of the schedule, heard of or jumped over. */
  readonly getNextRun: () => Date | null;
  readonly stop: () => void | Promise<void>;
}

export interface CronOptions {
  readonly timezone: string;
  readonly noOverlap?: boolean;
}

/** Looked through for one run: a schedule of the 29th of February passes sixteen. */
const JUMPS_MAX = 20;

/** Calls back at each moment of the schedule that the clocks show; one that they jump over is only told by `getNextRun`. */
export function openSchedule(cron: string, come: () => void, options: CronOptions): CronJob {
  const job = schedule(cron, come, options);
  return {
    getNextRun: () => {
      const next = job.getNextRun();
      if (next === null) return null;
      const now = instantOfMs(systemClock.nowMs());
      const skipped = jumpedOver(cron, options.timezone, now, instantOfMs(next.getTime()));
      return skipped === null ? next : dateOfMs(msOf(skipped));
    },
    stop: () => job.stop(),
  };
}

/** When the clocks jump over a moment of the schedule for the first time within this span; null where they do not. */
export function jumpedOver(cron: string, timeZone: string, from: Instant, until: Instant): Instant | null {
  let jump = nextJump(from, timeZone);
  for (let looked = 0; jump !== null && jump.at < until && looked < JUMPS_MAX; looked += 1) {
    if (hasMomentIn(cron, jump)) return jump.at;
    jump = nextJump(jump.at, timeZone);
  }
  return null;
}

function hasMomentIn(cron: string, { wallFromMs, wallToMs }: Jump): boolean {
  // A time on the wall that never was is one of UTC all the same.
  const wall = createTask(cron, () => undefined, { timezone: 'UTC' });
  try {
    const stepMs = cron.trim().split(/\s+/).length > 5 ? SECOND_MS : MINUTE_MS;
    for (let at = wallFromMs; at < wallToMs; at += stepMs) if (wall.match(dateOfMs(at))) return true;
    return false;
  } finally {
    void wall.destroy();
  }
}
