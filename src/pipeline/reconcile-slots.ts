// Reconciliations by schedule. A slot that nobody served – the daemon was down, the target did not answer, the clocks jumped over it – stays due until a
// comparison succeeds, also over a restart: an account that somebody enabled behind our back would stand for weeks otherwise.
import { DAY_MS, HOUR_MS, type Instant, instantOfMs, MINUTE_MS, msOf } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { Repair } from '../mapping/connection-schema.ts';
import { systemClock } from '../runtime/clock.ts';
import { type CronJob, type CronOptions, openSchedule } from '../runtime/schedule.ts';
import type { Target } from '../targets/target.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import { Bell, type House, type LiveConnection } from './house.ts';
import { reconcile } from './reconcile.ts';

/** What the start brings goes first: the feed, leavers that wait, the rest of the outbox. */
const AFTER_START_MS = 10 * MINUTE_MS;
/** A comparison that failed, or whose slot was slept through, is tried so often. */
const AGAIN_AFTER_MS = HOUR_MS;
/** From then on a person should know that nobody compares. */
const OVERDUE_MS = DAY_MS;

const NOT_COMPARED = 'target.not-compared';

/** Calls back at each moment of the cron expression. */
type Scheduler = (cron: string, come: () => void, options: CronOptions) => CronJob;

export interface ReconcileDeps {
  readonly at: Scheduler;
  /** Milliseconds since 1970, by the clock that the schedule goes by. */
  readonly nowMs: () => number;
}

export interface ReconcileSlots {
  readonly stop: () => void | Promise<void>;
  /** Resolves once the signal has aborted; rejects on a bug, which ends the daemon as it does everywhere else. */
  readonly stopped: Promise<void>;
}

/** Where the earliest slot stands that no comparison has served. */
const dueKey = (connection: string, target: string): string => `reconcile-due:${connection}/${target}`;

/** One for each target of the connection that has a schedule. */
export function reconcileBySchedule(
  house: House,
  live: LiveConnection,
  signal: AbortSignal,
  { at, nowMs }: ReconcileDeps = { at: openSchedule, nowMs: systemClock.nowMs },
): readonly ReconcileSlots[] {
  const { connection } = live;
  return connection.targets.flatMap(({ name, reconcile: { schedule: cron, repair } }) => {
    const target = live.targets.get(name);
    if (target === undefined || cron === 'never') return [];
    const slot = new Bell();
    const job = at(cron, () => slot.ring(), { timezone: connection.timeZone, noOverlap: true });
    return [{ stop: () => job.stop(), stopped: serve(house, live, { target, repair, slot, job, nowMs }, signal) }];
  });
}

interface Served {
  readonly target: Target;
  readonly repair: readonly Repair[];
  readonly slot: Bell;
  readonly job: CronJob;
  readonly nowMs: () => number;
}

async function serve(
  house: House,
  live: LiveConnection,
  { target, repair, slot, job, nowMs }: Served,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = house;
  const key = dueKey(live.connection.name, target.name);
  const nextSlot = (): Instant | null => {
    const next = job.getNextRun();
    return next === null ? null : instantOfMs(next.getTime());
  };
  let dueAt = (await store.setting(key)) as Instant | null;
  const setDue = async (at: Instant | null): Promise<void> => {
    if (at === dueAt) return;
    dueAt = at;
    await store.saveSetting(key, at);
  };
  if (dueAt === null) await setDue(nextSlot());
  let heard = 0;
  let waitMs = AFTER_START_MS;
  while (!signal.aborted) {
    await slot.after(heard, clock, waitMs, signal);
    if (signal.aborted) return;
    waitMs = AGAIN_AFTER_MS;
    const now = instantOfMs(nowMs());
    if (slot.rings > heard && (dueAt === null || dueAt > now)) await setDue(now);
    heard = slot.rings;
    if (dueAt === null || dueAt > now) continue;
    if (await compared(house, live, target, { repair, dueAt, now, signal })) await setDue(nextSlot());
  }
}

/** False where the target could not be compared. */
async function compared(
  house: House,
  live: LiveConnection,
  target: Target,
  {
    repair,
    dueAt,
    now,
    signal,
  }: {
    readonly repair: readonly Repair[];
    readonly dueAt: Instant;
    readonly now: Instant;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  const { name } = live.connection;
  try {
    await reconcile(house, live, target, { repair, actor: 'daemon', signal });
    house.outboxFilled.ring();
    await clearAlarm(house, name, NOT_COMPARED, target.name);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    if (!(error instanceof Problem)) throw error;
    const code = error.faults[0]?.code;
    house.log.warn({ target: target.name, code }, 'the target could not be compared; it is tried again in an hour');
    if (msOf(now) - msOf(dueAt) >= OVERDUE_MS) {
      await raiseAlarm(house, name, {
        code: NOT_COMPARED,
        subject: target.name,
        message: `${target.name} should have been compared with what is believed of it at ${dueAt.slice(0, 16).replace('T', ' ')} UTC, and could not be since (${code})`,
        hint: `rollcall reconcile ${target.name} says what is in the way`,
      });
    }
    return false;
  }
}
