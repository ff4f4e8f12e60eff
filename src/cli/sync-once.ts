// One cycle now, then delivery until everything is settled, failed, held or not due soon: the engine behind `sync`, and
// behind acts that are carried out without a daemon.
import { type Instant, msOf } from '../base/instant.ts';
import { EXIT, type ExitCode } from '../base/problem.ts';
import { LANES, type Lane } from '../lifecycle/operation.ts';
import { actsLoop } from '../pipeline/acts-loop.ts';
import { tickCalendar } from '../pipeline/calendar.ts';
import { payDebts } from '../pipeline/debts.ts';
import { type Dispatch, startDispatch } from '../pipeline/dispatch.ts';
import { count, type House, type LiveConnection, type Tally } from '../pipeline/house.ts';
import { type CycleReport, runCycle } from '../pipeline/intake.ts';
import { connections, judgeHeld } from '../pipeline/operator.ts';
import { readStops, stopsWrite } from '../pipeline/stop-writes.ts';
import { nowOf } from '../runtime/clock.ts';
import type { QueueDepth } from '../store/store.ts';
import { type Aftermath, aftermathOf, exitCodeOf } from '../views/aftermath.ts';

export interface SyncOptions {
  /** Only this connection; '' means all. */
  readonly connection: string;
  /** The pilot: one worker, or at most so many. The calendar and debts of everybody else then wait. */
  readonly worker?: string;
  readonly limit?: number;
  /** Without progress for so long nothing is waited for any more; what is due later than that is left. */
  readonly waitMs: number;
  readonly actor: string;
  readonly onProgress?: (phase: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Operations of one target. */
export interface Delivered {
  readonly target: string;
  /** Confirmed by this sync. */
  readonly done: number;
  /** Failed, now or earlier, and waiting for a person. */
  readonly failed: number;
  /** Not sent, or sent and not confirmed. */
  readonly waiting: number;
}

export interface SyncResult extends Aftermath {
  readonly cycles: readonly CycleReport[];
  /** What the calendar decided, by connection. */
  readonly calendar: Readonly<Record<string, Tally>>;
  readonly delivered: readonly Delivered[];
  /** The signal aborted before it was over. */
  readonly interrupted: boolean;
  readonly exitCode: ExitCode;
}

/** The queue is looked at at least this often. */
const LOOK_EVERY_MS = 250;
export async function syncOnce(house: House, options: SyncOptions): Promise<SyncResult> {
  const chosen = connections(house, options.connection);
  const pilot = options.worker !== undefined || options.limit !== undefined;
  const before = await house.store.queueDepths();
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const dispatch = startDispatch(house, signal);
  // Whoever needs somebody out now need not wait for a long sync to end.
  const acts = actsLoop(house, signal);
  // A failure of either ends the work below instead of being found after it.
  const broken = Promise.race([dispatch.stopped, acts]).then(() => {
    if (!signal.aborted) throw new Error('bug: delivery ended by itself');
  });
  broken.catch(() => undefined);
  const cycles: CycleReport[] = [];
  const calendar: Record<string, Tally> = {};
  const inner: SyncOptions = { ...options, signal };
  const work = async (): Promise<void> => {
    for (const live of chosen) {
      if (!pilot) calendar[live.connection.name] = await tickAll(house, live);
      cycles.push(await cycleOf(house, live, inner));
    }
    await settle(house, pilot ? [] : chosen, dispatch, inner);
  };
  const working = work();
  working.catch(() => undefined);
  try {
    await Promise.race([working, broken.then(() => working)]);
  } catch (error) {
    // Whoever stops a sync wants to know how far it came: what was committed stands, the rest was never begun.
    if (!options.signal.aborted) throw error;
  } finally {
    ending.abort();
    await Promise.allSettled([working]);
    await Promise.all([dispatch.stopped, acts]);
  }
  const aftermath = await aftermathOf(house, options.connection);
  return {
    cycles,
    calendar,
    delivered: deliveredSince(before, await house.store.queueDepths()),
    ...aftermath,
    interrupted: options.signal.aborted,
    exitCode: options.signal.aborted ? EXIT.failed : exitCodeOf(cycles, aftermath),
  };
}

async function tickAll(house: House, live: LiveConnection): Promise<Tally> {
  const tally: Tally = {};
  for (let more = true; more; ) {
    const tick = await live.turn.take(() => tickCalendar(house, live));
    for (const [name, times] of Object.entries(tick.tally)) count(tally, name, times);
    more = tick.more;
  }
  return tally;
}

/** One cycle; a delivery that is still being written is waited for as long as may be. */
async function cycleOf(house: House, live: LiveConnection, options: SyncOptions): Promise<CycleReport> {
  const { clock } = house;
  const pilot = options.worker !== undefined || options.limit !== undefined;
  const lastLookMs = clock.nowMs() + options.waitMs;
  for (;;) {
    const report = await live.turn.take(async () => {
      const cycle = await runCycle(house, live, {
        actor: options.actor,
        mode: 'commit',
        signal: options.signal,
        ...(options.worker === undefined ? {} : { onlyWorker: options.worker }),
        ...(options.limit === undefined ? {} : { limit: options.limit }),
        ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      });
      // Holds that no delivery speaks of are judged on the facts on file when somebody has released them.
      if (
        !pilot &&
        cycle.kind !== 'held' &&
        (await house.store.approvals(live.connection.name, nowOf(clock))).size > 0
      ) {
        await judgeHeld(house, live);
      }
      return cycle;
    });
    const unfinished = report.kind === 'notYet' || report.further?.some(({ kind }) => kind === 'notYet') === true;
    if (!unfinished || report.retryAfterMs === null) return report;
    if (clock.nowMs() + report.retryAfterMs > lastLookMs) return report;
    await clock.wait(report.retryAfterMs, options.signal);
    if (options.signal.aborted) return report;
  }
}

/** Delivers until nothing is in flight, nothing is due within the waiting time, and no debt can be paid. */
async function settle(
  house: House,
  indebted: readonly LiveConnection[],
  dispatch: Dispatch,
  options: SyncOptions,
): Promise<void> {
  const { clock } = house;
  let best = 0;
  let total = 0;
  let progressMs = clock.nowMs();
  const start = endedIn(await house.store.queueDepths());
  while (!options.signal.aborted) {
    const known = dispatch.progress.rings;
    for (const live of indebted) while (await live.turn.take(() => payDebts(house, live)));
    const depths = await house.store.queueDepths();
    const ended = endedIn(depths) - start;
    if (ended > best) {
      best = ended;
      progressMs = clock.nowMs();
    }
    total = Math.max(total, best + openIn(depths));
    options.onProgress?.('deliver', best, total);
    const giveUpMs = progressMs + options.waitMs;
    if (clock.nowMs() >= giveUpMs) return;
    if (dispatch.inFlight() === 0 && !(await anythingDue(house, depths, giveUpMs))) return;
    await dispatch.progress.after(known, clock, Math.min(LOOK_EVERY_MS, giveUpMs - clock.nowMs()), options.signal);
  }
}

const OPEN: ReadonlySet<string> = new Set(['queued', 'sending', 'accepted']);
const sum = (depths: readonly QueueDepth[]): number => depths.reduce((all, { operations }) => all + operations, 0);
const openIn = (depths: readonly QueueDepth[]): number => sum(depths.filter(({ state }) => OPEN.has(state)));
const endedIn = (depths: readonly QueueDepth[]): number => sum(depths.filter(({ state }) => !OPEN.has(state)));

const isUrgent = (lane: Lane): boolean => LANES.indexOf(lane) <= LANES.indexOf('leaver');

/** Whether anything that no stop holds back is being sent, or can be sent before this moment. */
async function anythingDue(house: House, depths: readonly QueueDepth[], untilMs: number): Promise<boolean> {
  const stops = await readStops(house.store);
  const targets = new Set([...house.connections.values()].flatMap((live) => [...live.targets.keys()]));
  const now = nowOf(house.clock);
  for (const target of targets) {
    const open = depths.filter((depth) => depth.target === target && OPEN.has(depth.state));
    // What a target only took in is waited for as well: whether it is done is asked meanwhile.
    if (open.some(({ state }) => state === 'sending' || state === 'accepted')) return true;
    if (!open.some(({ lane }) => !stopsWrite(stops, target, isUrgent(lane)))) continue;
    const next: Instant | null = await house.store.nextAttempt(target, now);
    if (next !== null && msOf(next) <= untilMs) return true;
  }
  return false;
}

function deliveredSince(before: readonly QueueDepth[], after: readonly QueueDepth[]): readonly Delivered[] {
  const counted = (depths: readonly QueueDepth[], target: string, states: ReadonlySet<string>): number =>
    sum(depths.filter((depth) => depth.target === target && states.has(depth.state)));
  const done = new Set(['done']);
  return [...new Set(after.map(({ target }) => target))].sort().map((target) => ({
    target,
    done: counted(after, target, done) - counted(before, target, done),
    failed: counted(after, target, new Set(['failed'])),
    waiting: counted(after, target, OPEN),
  }));
}
