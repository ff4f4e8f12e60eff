// Failed transitions by cause, worst first: three thousand equal failures are one line with the one command that replays them.
import { Command } from 'commander';
import type { Instant } from '../base/instant.ts';
import { type Failure, type FailureGroup, groupFailures, readFailures } from '../pipeline/failures.ts';
import { nowOf } from '../runtime/clock.ts';
import { failedJson, isOpenLeaver, replayLine } from '../views/failed.ts';
import { ago, grouped } from './ago.ts';
import { type Paper, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { type FilterOptions, filterOf, withFilter } from './failure-filter.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { table } from './table.ts';
import { toned } from './tone.ts';

interface Options extends FilterOptions {
  readonly list?: boolean;
  readonly limit: number;
}

/** Failures that --list and --json name one by one. */
const LISTED = 200;
/** The target's own words: longer ones say no more to a reader. */
const WORDS_MAX = 300;

export const failedCommand = (): Command =>
  withFilter(new Command('failed'))
    .description('failed transitions by cause, with the command that replays them')
    .option('--list', 'every failure by itself, with its operation id')
    .option('--limit <count>', 'failures listed one by one', positive, LISTED)
    .action(async (options: Options, command: Command) => {
      const session = sessionOf(command);
      const filter = filterOf(options);
      await using store = await openState(session, 'read');
      const now = nowOf(session.desk.clock);
      const failures = await readFailures(store, filter, now);
      const groups = groupFailures(failures);
      const json = failedJson(failures, groups, options.list === true ? options.limit : null);
      await answer(session, json, () =>
        options.list === true
          ? listLines(session.desk.out, failures, options.limit, now)
          : groupLines(session.desk.out, groups, now),
      );
    });

export function groupLines(paper: Paper, groups: readonly FailureGroup[], now: Instant): readonly string[] {
  if (groups.length === 0) return ['nothing has failed'];
  const leavers = groups.filter(isOpenLeaver);
  const people = leavers.reduce((sum, { workers }) => sum + workers, 0);
  return [
    ...(people === 0
      ? []
      : [
          toned(paper, 'bad', `${grouped(people)} leaver(s) STILL HAVE ACCESS that is not ended.`),
          'Take the access away at the target by hand, and then replay: the account is read, and the matter is settled.',
          'What the target refuses is tried again by itself for ever; a protected account never gets a write.',
          '',
        ]),
    ...groups.flatMap((group, at) => [...(at === 0 ? [] : ['']), ...groupPage(paper, group, now)]),
  ];
}

function groupPage(paper: Paper, group: FailureGroup, now: Instant): readonly string[] {
  const { cause, connection, failures, workers, firstAt, lastAt, what, sample, leaver, skipped } = group;
  const tone = skipped ? 'dim' : leaver ? 'bad' : 'warning';
  const status = cause.status === null ? '' : `${cause.status} `;
  const heading = `${cause.id}  ${cause.target}  ${status}${cause.code}  ${grouped(failures.length)} × ${workers === failures.length ? '' : `(${grouped(workers)} workers) `}`;
  const detail = sample.operation.lastOutcome?.detail ?? '';
  // Without an answer and without an attempt it was planning that refused.
  const unsent = cause.status === null && sample.operation.attempts === 0;
  const whoSays = unsent ? 'refused before anything was sent' : 'the target says';
  const said = detail === '' ? 'the target gave no reason' : `${whoSays}: ${cut(harmless(detail))}`;
  return [
    toned(paper, tone, harmless(heading).trimEnd()),
    `  ${what.map(([name, times]) => `${grouped(times)} ${name}`).join(', ')} of ${harmless(connection)}`,
    failures.length === 1 ? `  failed ${ago(firstAt, now)}` : `  first ${ago(firstAt, now)}, last ${ago(lastAt, now)}`,
    `  ${said}`,
    `  for example: rollcall explain ${harmless(sample.operation.workerKey)} --connection ${harmless(connection)}`,
    ...(sample.skip === null
      ? []
      : [`  set aside by ${harmless(sample.skip.by)} until ${sample.skip.until}: ${harmless(sample.skip.reason)}`]),
    `  replay: ${replayLine(group)}`,
  ];
}

const cut = (text: string): string => (text.length > WORDS_MAX ? `${text.slice(0, WORDS_MAX)}…` : text);

function listLines(paper: Paper, failures: readonly Failure[], limit: number, now: Instant): readonly string[] {
  if (failures.length === 0) return ['nothing has failed'];
  const rows = failures
    .slice(0, limit)
    .map(({ operation, cause, at, skip }) => [
      String(operation.id),
      cause.id,
      operation.workerKey,
      operation.target,
      operation.kind,
      skip === null ? ago(at, now) : 'set aside',
      operation.lastOutcome?.detail ?? cause.code,
    ]);
  return [
    ...table(
      paper,
      [
        { title: 'ID', align: 'right' },
        { title: 'CAUSE' },
        { title: 'WORKER' },
        { title: 'TARGET' },
        { title: 'WHAT' },
        { title: 'FAILED' },
        { title: 'WHY', flexible: true },
      ],
      rows,
    ),
    ...(failures.length > limit ? [`and ${grouped(failures.length - limit)} more (--limit)`] : []),
  ];
}
