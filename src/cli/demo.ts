// `rollcall demo`: the real daemon on a bundled company and an embedded endpoint, in a folder of its own.
import { Command } from 'commander';
import { type Fault, Problem } from '../base/problem.ts';
import { type RunningDaemon, runDaemon } from '../daemon.ts';
import { everybodyArrived, firstCycle } from '../demo/arrival.ts';
import { type DemoHouse, openDemo } from '../demo/demo-house.ts';
import {
  absentLines,
  accountLines,
  arrivalLines,
  closedHoldLine,
  cycleLines,
  feedLines,
  happeningLine,
  openingLines,
  tryLines,
} from '../demo/demo-text.ts';
import { lastEntry, tellLater } from '../demo/later.ts';
import { type RosterEntry, rosterOf } from '../demo/roster.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import { nowOf } from '../runtime/clock.ts';
import { type Desk, deskOf } from './desk.ts';
import { printJson, printLines } from './output.ts';
import { progressOn } from './progress.ts';
import { toned } from './tone.ts';

interface Options {
  readonly once?: boolean;
  readonly port?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('run the daemon on a bundled sample feed and an embedded SCIM endpoint, in a temporary folder')
    .option('--once', 'stop after everybody has arrived')
    .option('--port <port>', 'where health answers (default: 8080, or any free port when that is taken)')
    .option('--keep', 'leave the temporary folder behind')
    .action(async (_options: Options, command: Command) =>
      runDemo(deskOf(command), command.optsWithGlobals<Options>()),
    );
}

async function runDemo(desk: Desk, options: Options): Promise<void> {
  const json = options.json === true;
  if (json && options.once !== true) {
    throw new Problem({
      code: 'usage.json',
      message: 'demo --json needs --once',
      hint: 'without --once the demo has no end to report',
    });
  }
  const keep = options.keep === true;
  await using demo = await openDemo({ port: options.port, keep, clock: desk.clock, operator: desk.osUser });
  const ended = new AbortController();
  const signal = AbortSignal.any([desk.stop, ended.signal]);
  const daemon = await startedDaemon(demo, options.port === undefined, signal);
  const telling = tell(desk, demo, daemon, options, signal);
  try {
    await Promise.race([daemon.stopped, telling]);
  } finally {
    ended.abort();
    await Promise.allSettled([telling, daemon.stopped]);
  }
  if (keep && !json) await printLines(desk, [`kept: ${demo.folder}`]);
}

/** The usual port may be taken by another demo: any other is as good, unless somebody named it. */
async function startedDaemon(demo: DemoHouse, anyPort: boolean, signal: AbortSignal): Promise<RunningDaemon> {
  const { house, config } = demo;
  try {
    return await runDaemon(house, config, signal);
  } catch (error) {
    const taken = error instanceof Problem && error.faults.some(({ code }: Fault) => code === 'http.listen');
    if (!taken || !anyPort) throw error;
    return runDaemon(house, { ...config, http: { ...config.http, port: 0 } }, signal);
  }
}

async function tell(
  desk: Desk,
  demo: DemoHouse,
  daemon: RunningDaemon,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const { house, endpoint } = demo;
  const json = options.json === true;
  const say = async (lines: readonly string[]): Promise<void> => (json ? undefined : printLines(desk, lines));
  const cycle = firstCycle(daemon);
  await say(openingLines(desk.out, demo, daemon.url));
  const report = await Promise.race([cycle, aborted(signal)]);
  if (report === null) return;
  if (report.kind === 'refused') throw new Problem(report.faults);
  await say(feedLines(desk.out, report));

  const startedMs = desk.clock.nowMs();
  const wanted = report.tally['operation:create'] ?? 0;
  {
    using progress = progressOn(desk.err, desk.clock, !json);
    await everybodyArrived(house, daemon, () => progress.show('accounts', endpoint.users().length, wanted), signal);
  }
  if (signal.aborted) return;
  const tookMs = desk.clock.nowMs() - startedMs;
  const roster = await rosterOf(house.store, endpoint, nowOf(desk.clock));
  if (json) await printJson(desk, summary(demo, report, roster));
  await say([
    ...arrivalLines(desk.out, roster, tookMs),
    ...accountLines(desk.out, roster),
    ...absentLines(desk.out, roster),
  ]);
  if (options.once === true) return;

  await say(tryLines(desk.out, demo));
  const stamped = (lines: readonly string[]): Promise<void> =>
    say(lines.map((line) => `${toned(desk.out, 'dim', timeOfDay(desk))}  ${line}`));
  const told = await lastEntry(house);
  await tellLater(
    house,
    daemon,
    told,
    {
      cycle: (later) => stamped(cycleLines(desk.out, later)),
      happening: (happening, name) => stamped([happeningLine(desk.out, happening, name)]),
      holdClosed: (kind) => stamped([closedHoldLine(desk.out, kind)]),
    },
    signal,
  );
}

/** `10:34:05`, in the zone of this machine: the person at the screen compares it with their own clock. */
const clockFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const timeOfDay = ({ clock }: Desk): string => clockFormat.format(clock.nowMs());

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });

/** For scripts; stable. */
function summary(demo: DemoHouse, report: CycleReport, roster: readonly RosterEntry[]) {
  return {
    folder: demo.folder,
    rows: report.rows,
    rejections: report.rejections.map(({ key, code, place }) => ({ worker: key, code, line: place.line ?? null })),
    workers: roster.map(({ key, stage, account }) => ({ worker: key, stage, account })),
    groups: demo.endpoint.groups().length,
  };
}
