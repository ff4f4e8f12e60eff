// Plays HR's dated exports, or one effective-dated file, day by day against an embedded endpoint, and says what would have happened.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { dayTime } from '../base/day-time.ts';
import { EXIT, type ExitCode, Problem } from '../base/problem.ts';
import type { Config } from '../config.ts';
import { loadConnections } from '../connections.ts';
import type { Connection } from '../mapping/connection-file.ts';
import { type Rehearsal, rehearse } from '../rehearsal/rehearsal.ts';
import { filesOf } from '../rehearsal/rehearsed-connection.ts';
import { dayAsked, daysOf } from '../rehearsal/steps.ts';
import { secretReader } from '../runtime/secrets.ts';
import { sessionOf } from './desk.ts';
import { answer } from './output.ts';
import { progressOn } from './progress.ts';
import { type Played, rehearsalJson, rehearsalLines } from './rehearse-report.ts';

interface Options {
  readonly exports?: string;
  readonly from?: string;
  readonly to?: string;
  readonly at: string;
  readonly keepHolds?: boolean;
  readonly out?: string;
}

const ARRIVES_AT = '06:00';

const EXAMPLES = `
Examples:
  rollcall rehearse acme --exports archive/            each file on the day in its name
  rollcall rehearse acme --exports archive/ --to 2027-01-31   … and the calendar runs on until then
  rollcall rehearse acme --from 2026-01-01 --to 2026-12-31    the connection's own file, looked at every day

Nothing is sent to a real target, no secret is read, and the state folder is not touched: the production pipeline
runs on a clock of its own in a temporary folder, against a SCIM endpoint inside this process. Holds are shown and then
released, as though somebody approved each of them at once; --keep-holds stops at the first one (exit code 3).`;

export const rehearseCommand = (): Command =>
  new Command('rehearse')
    .description(
      'play dated exports, or one effective-dated file, day by day through the whole pipeline, against an endpoint of its own: no real target, no state folder and no secret is touched',
    )
    .argument('<connection>', 'the connection whose mapping and rules are rehearsed')
    .option('--exports <path>', 'a folder of exports with dates in their names, or one file for every day')
    .option('--from <date>', 'the first day (default: that of the first export)')
    .option('--to <date>', 'the last day (default: that of the last export)')
    .option(
      '--at <time>',
      'when a file arrives whose name tells only the day, in the zone of the connection',
      ARRIVES_AT,
    )
    .option('--keep-holds', 'stop at the first hold instead of releasing it')
    .option('--out <file>', 'write the whole report as JSON, the end state as SCIM resources among it')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, options: Options, command: Command) => {
      const session = sessionOf(command);
      const { desk, config, json, log } = session;
      const connection = connectionNamed(config, name);
      const at = dayTime(options.at);
      if (at === null || at.days !== 0)
        throw new Problem({ code: 'usage.time', message: `--at ${options.at} is no time of day`, hint: 'write HH:MM' });
      const days = await daysOf(
        connection,
        {
          exports: options.exports === undefined ? null : resolve(options.exports),
          from: options.from === undefined ? null : dayAsked(options.from, '--from'),
          to: options.to === undefined ? null : dayAsked(options.to, '--to'),
          at,
        },
        () => ownPath(connection, config),
      );
      using progress = progressOn(desk.err, desk.clock, !json);
      const startedMs = desk.clock.nowMs();
      const rehearsal = await rehearse({
        connection,
        days,
        keepHolds: options.keepHolds === true,
        log,
        signal: desk.stop,
        onDay: (done, total) => progress.show('rehearse', done, total),
      });
      progress.clear();
      const played: Played = {
        connection,
        days,
        at: options.at,
        rehearsal,
        tookMs: desk.clock.nowMs() - startedMs,
        exitCode: exitCodeOf(rehearsal),
      };
      desk.exitCode = played.exitCode;
      if (options.out !== undefined) writeReport(resolve(options.out), played);
      await answer(session, json ? rehearsalJson(played) : null, () =>
        rehearsalLines(desk.out, played, options.out ?? null),
      );
    });

function connectionNamed(config: Config, name: string): Connection {
  const [connection] = loadConnections(config, name);
  if (connection === undefined) throw new Error('bug: a connection was asked for and none was loaded');
  return connection;
}

/** The path may come from the environment; it is no secret. */
function ownPath(connection: Connection, config: Config): string {
  const source = filesOf(connection);
  const path = source.path.kind === 'literal' ? source.path.text : secretReader(source.path, config.environment)();
  return resolve(config.mappingsDir, path);
}

function exitCodeOf({ ended, days, failed, unconfirmedLeavers }: Rehearsal): ExitCode {
  if (ended === 'held') return EXIT.held;
  const refused = days.some(({ faults, unread }) => faults.length + unread.length > 0);
  return refused || ended === 'interrupted' || failed.length + unconfirmedLeavers.length > 0 ? EXIT.failed : EXIT.fine;
}

function writeReport(file: string, played: Played): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(rehearsalJson(played), null, 2)}\n`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new Problem({ code: 'rehearse.out', message: `${file} cannot be written (${code})` }, EXIT.failed);
  }
}
