// One cycle of a connection: what its sources bring is looked at, judged (judge-delivery.ts) and written down.
import { type Fault, Problem } from '../base/problem.ts';
import { nowOf } from '../runtime/clock.ts';
import { type CycleOptions, isPilot } from './cycle-options.ts';
import { type CycleReport, EMPTY_REPORT, recordCycle } from './cycle-report.ts';
import { DISK_AGAIN_MS, DISK_REASON } from './disk-watch.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import { watchFeed } from './feed-watch.ts';
import { type FurtherReport, readFurther } from './further.ts';
import { count, type House, type LiveConnection } from './house.ts';
import { judgeJoined } from './joined.ts';
import { judgeDelivery } from './judge-delivery.ts';
import { judgePending } from './pending.ts';

export type { CycleOptions, Inspected } from './cycle-options.ts';
export type { CycleReport } from './cycle-report.ts';

/** Cycles that planned nobody: whom further sources join is judged by itself then. */
const PLANNED_NOBODY: ReadonlySet<CycleReport['kind']> = new Set(['nothing', 'notYet', 'unchanged', 'refused']);

/** Further sources first: whoever is planned meets what they say now. */
export async function runCycle(house: House, live: LiveConnection, asked: CycleOptions): Promise<CycleReport> {
  if (asked.mode === 'commit' && house.disk.isTight) {
    const { name } = live.connection;
    return { ...EMPTY_REPORT, connection: name, kind: 'notYet', reason: DISK_REASON, retryAfterMs: DISK_AGAIN_MS };
  }
  const report =
    live.also.length === 0 ? await firstSource(house, live, asked, null, []) : await allSources(house, live, asked);
  if (asked.mode === 'commit') await watchFeed(house, live);
  return report;
}

async function allSources(house: House, live: LiveConnection, asked: CycleOptions): Promise<CycleReport> {
  const { reports, overlay } = await readFurther(house, live, asked);
  using _ = overlay;
  // Nobody is on file yet, so nobody waits: better one load with everything than accounts that lack it and a hold over all of them.
  const unfinished = reports.find(({ kind }) => kind === 'notYet');
  if (unfinished !== undefined && (await house.store.checkpoint(live.connection.name)) === null) {
    return {
      ...EMPTY_REPORT,
      connection: live.connection.name,
      kind: 'notYet',
      reason: `further source ${unfinished.name}: ${unfinished.reason}`,
      retryAfterMs: unfinished.retryAfterMs,
      further: reports,
    };
  }
  const report = await firstSource(house, live, asked, overlay, reports);
  const waits = reports.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
  const retryAfterMs =
    waits.length === 0 ? report.retryAfterMs : Math.min(...waits, report.retryAfterMs ?? waits[0] ?? 0);
  const told = { ...report, further: reports, retryAfterMs };
  if (asked.mode === 'plan' || isPilot(asked) || !PLANNED_NOBODY.has(report.kind)) return told;
  const startedAt = nowOf(house.clock);
  const joined = await judgeJoined(house, live, asked.actor, asked.signal).catch(refusedToo);
  if (joined === null) return told;
  await recordCycle(house, { ...joined, further: reports }, startedAt, asked.actor);
  const { tally, holds } = joined;
  if (report.kind === 'refused') return { ...told, tally, holds };
  return { ...told, kind: joined.kind, reason: joined.reason, tally, holds };
}

async function firstSource(
  house: House,
  live: LiveConnection,
  options: CycleOptions,
  overlay: FactsOverlay | null,
  further: readonly FurtherReport[],
): Promise<CycleReport> {
  const { connection } = live;
  const startedAt = nowOf(house.clock);
  const now = options.asIf ?? startedAt;
  const refused = (delivery: string | null, faults: readonly Fault[]): CycleReport => ({
    ...EMPTY_REPORT,
    connection: connection.name,
    kind: 'refused',
    delivery,
    reason: faults.map(({ message }) => message).join('; '),
    faults,
  });
  let name: string | null = null;
  let report: CycleReport;
  try {
    const look = await live.source.look(startedAt, options.signal);
    if (look.kind !== 'delivery') {
      const retryAfterMs = look.kind === 'notYet' ? look.retryAfterMs : null;
      const none = { ...EMPTY_REPORT, connection: connection.name, kind: look.kind, reason: look.reason, retryAfterMs };
      const waiting = await judgeWaiting(house, live, options);
      if (waiting === null) return none;
      await recordCycle(house, waiting, startedAt, options.actor);
      return look.kind === 'nothing' ? waiting : { ...none, tally: waiting.tally, holds: waiting.holds };
    }
    await using delivery = look.delivery;
    name = delivery.name;
    report = await judgeDelivery(house, live, delivery, now, options, overlay);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    report = refused(name, error.faults);
  }
  if (options.mode === 'commit') {
    if (isFeedHeldUp(report)) report = besides(report, await judgeWaiting(house, live, options).catch(refusedToo));
    await recordCycle(house, further.length === 0 ? report : { ...report, further }, startedAt, options.actor);
  }
  return report;
}

/** Nothing that this cycle read has had an effect, but for leavers. */
const isFeedHeldUp = ({ kind, holds }: CycleReport): boolean =>
  kind === 'refused' || holds.some((hold) => hold.kind === 'feed');

/** What deltas and webhooks said goes on, whatever becomes of the feed. Null where nobody waits. */
async function judgeWaiting(house: House, live: LiveConnection, options: CycleOptions): Promise<CycleReport | null> {
  if (options.mode === 'plan' || isPilot(options)) return null;
  return judgePending(house, live, options.actor, options.signal);
}

/** Whatever a person can put right about a target is what the feed was refused for, or will be. */
function refusedToo(error: unknown): null {
  if (error instanceof Problem) return null;
  throw error;
}

function besides(report: CycleReport, waiting: CycleReport | null): CycleReport {
  if (waiting === null) return report;
  const tally = { ...report.tally };
  for (const [name, by] of Object.entries(waiting.tally)) count(tally, name, by);
  return { ...report, tally, holds: waiting.holds };
}
