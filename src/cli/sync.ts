// One cycle now, then delivery. With a daemon running, the daemon is asked and watched.
import { Command } from 'commander';
import { instantOfMs } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { EXIT, Problem } from '../base/problem.ts';
import { openHouse } from '../daemon.ts';
import type { Tally } from '../pipeline/house.ts';
import type { ActResult } from '../pipeline/operator.ts';
import type { CycleRecord } from '../planning/changeset.ts';
import type { LockHolder, Store } from '../store/store.ts';
import { aftermathOf, exitCodeOf } from '../views/aftermath.ts';
import { besideOrHere, openBeside } from './beside.ts';
import { type Session, sessionOf } from './desk.ts';
import { positive, seconds } from './options.ts';
import { answer } from './output.ts';
import { progressOn } from './progress.ts';
import { syncOnce } from './sync-once.ts';
import { type CycleView, type SyncView, syncJson, syncLines, viewOf } from './sync-report.ts';
import { countsOf } from './tally.ts';

interface Options {
  readonly worker?: string;
  readonly limit?: number;
  readonly wait: number;
}

const WAIT_SECONDS = 60;
/** Commands that run until they are told to stop; they take up acts and deliver. */
const DAEMONS = ['run', 'demo'];
/** A daemon looks within a second of being asked; a look that finds no new delivery leaves no record. */
const LOOKED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 200;
const REJECTIONS_MAX = 100;

export const syncCommand = (): Command =>
  new Command('sync')
    .description('one cycle now, then deliver until all is settled, failed, held or not due soon')
    .argument('[connection]', 'only this connection (default: all)')
    .option('--worker <id>', 'the pilot: only this worker')
    .option('--limit <count>', 'the pilot: at most so many workers', positive)
    .option('--wait <seconds>', 'stop waiting after so long without progress', seconds, WAIT_SECONDS)
    .action(async (connection: string | undefined, options: Options, command: Command) => {
      const session = sessionOf(command);
      const view = await besideOrHere(session, {
        here: () => here(session, connection ?? '', options),
        // Any other command is over soon and takes up no readings: the lock says who it is.
        beside: (holder) =>
          DAEMONS.includes(holder.command)
            ? throughDaemon(session, holder, connection ?? '', options)
            : here(session, connection ?? '', options),
      });
      session.desk.exitCode = view.exitCode;
      await answer(session, syncJson(view), () => syncLines(session.desk.out, view));
    });

async function here({ config, desk, json, log }: Session, connection: string, options: Options): Promise<SyncView> {
  await using house = await openHouse({ config, mode: 'write', command: 'sync', clock: desk.clock, log });
  using progress = progressOn(desk.err, desk.clock, !json);
  const result = await syncOnce(house, {
    connection,
    waitMs: options.wait * 1_000,
    actor: 'feed',
    onProgress: progress.show,
    signal: desk.stop,
    ...(options.worker === undefined ? {} : { worker: options.worker }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  });
  progress.clear();
  if (result.interrupted)
    await desk.err.write('rollcall: interrupted; what was decided is kept and goes on with the next sync\n');
  return viewOf(result);
}

async function throughDaemon(
  session: Session,
  holder: LockHolder,
  connection: string,
  options: Options,
): Promise<SyncView> {
  const { desk, config } = session;
  if (options.worker !== undefined || options.limit !== undefined) {
    throw new Problem({
      code: 'usage.pilot',
      message: `process ${holder.pid} on ${holder.host} (${holder.command}) delivers for ${config.stateDir}: a pilot needs it for itself`,
      hint: 'stop that process first, or leave out --worker and --limit',
    });
  }
  await using store = await openBeside(session);
  const names = connection === '' ? (await store.overview()).connections.map((one) => one.connection) : [connection];
  const before = new Map(
    await Promise.all(names.map(async (name) => [name, (await store.cycles(name, 1))[0]?.id ?? 0] as const)),
  );
  const by = config.operator === '' ? desk.osUser : config.operator;
  const id = await store.addAct({
    kind: 'sync',
    args: { connection },
    reason: 'sync',
    by,
    osUser: desk.osUser,
    channel: 'cli',
  });
  const acted = await waitFor(session, LOOKED_WITHIN_MS * 2, async () => (await store.act(id))?.result ?? null);
  if (acted === null) {
    throw new Problem(
      {
        code: 'act.waiting',
        message: `process ${holder.pid} on ${holder.host} has not taken the request up`,
        hint: 'look at that process',
      },
      EXIT.failed,
    );
  }
  const result = acted as unknown as ActResult;
  if (!result.ok) throw new Problem(result.faults ?? { code: 'act.sync', message: result.message }, result.exitCode);
  const waitMs = options.wait * 1_000;
  const cycles: CycleView[] = [];
  for (const name of names) {
    const cycle = await waitFor(session, Math.min(waitMs, LOOKED_WITHIN_MS), async () => {
      const [last] = await store.cycles(name, 1);
      return last !== undefined && last.id > (before.get(name) ?? 0) && last.finishedAt !== null ? last : null;
    });
    cycles.push(cycle === null ? nothingNew(name) : await cycleView(store, cycle));
  }
  await drained(session, store, waitMs);
  const aftermath = await aftermathOf({ store, clock: desk.clock }, connection);
  const kinds = cycles.map(({ result: kind }) => ({ kind: kind as 'done' | 'refused', faults: [] }));
  return { ...aftermath, cycles, delivered: null, exitCode: exitCodeOf(kinds, aftermath) };
}

async function waitFor<T>({ desk }: Session, maxMs: number, look: () => Promise<T | null>): Promise<T | null> {
  const untilMs = desk.clock.nowMs() + maxMs;
  for (;;) {
    const found = await look();
    if (found !== null || desk.clock.nowMs() >= untilMs || desk.stop.aborted) return found;
    await desk.clock.wait(LOOK_EVERY_MS, desk.stop);
  }
}

/** Until nothing waits that is due soon; without progress no longer than `waitMs`. */
async function drained(session: Session, store: Store, waitMs: number): Promise<void> {
  const { clock, stop } = session.desk;
  let least = Number.POSITIVE_INFINITY;
  let progressMs = clock.nowMs();
  while (!stop.aborted && clock.nowMs() < progressMs + waitMs) {
    const soon = instantOfMs(progressMs + waitMs);
    const waiting = await store.operations({ states: ['queued', 'sending', 'accepted'], limit: 1_000 });
    if (waiting.every(({ state, notBefore }) => state === 'queued' && notBefore > soon)) return;
    const depths = await store.queueDepths();
    const open = depths.filter(
      ({ state }) => state !== 'done' && state !== 'failed' && state !== 'superseded' && state !== 'skipped',
    );
    const left = open.reduce((sum, { operations }) => sum + operations, 0);
    if (left < least) {
      least = left;
      progressMs = clock.nowMs();
    }
    await clock.wait(LOOK_EVERY_MS, stop);
  }
}

const nothingNew = (connection: string): CycleView => ({
  connection,
  result: 'nothing',
  delivery: null,
  reason: 'the daemon found no new delivery',
  rows: 0,
  recognised: 0,
  rejected: 0,
  suspected: 0,
  counts: countsOf(),
  faults: [],
  rejections: [],
});

async function cycleView(store: Store, { connection, summary }: CycleRecord): Promise<CycleView> {
  const number = (name: string): number => (typeof summary[name] === 'number' ? (summary[name] as number) : 0);
  const text = (name: string): string => (typeof summary[name] === 'string' ? (summary[name] as string) : '');
  return {
    connection,
    result: text('result'),
    delivery: text('delivery') || null,
    reason: text('reason'),
    rows: number('rows'),
    recognised: number('recognised'),
    rejected: number('rejected'),
    suspected: number('suspected'),
    counts: countsOf((summary.tally ?? {}) as JsonObject as unknown as Tally),
    faults: [],
    rejections: number('rejected') === 0 ? [] : await store.rejections(connection, REJECTIONS_MAX),
  };
}
