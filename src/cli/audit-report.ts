// `audit report`: who left, or was to start, in a period, and when every target had confirmed it. For auditors: the same period
// gives the same bytes.
import { Command, Option } from 'commander';
import { type Instant, instantOf, plusMs } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { type LatenessReport, OBJECTIVE_MS } from '../pipeline/lateness-report.ts';
import type { LedgerLine, LedgerSubject } from '../pipeline/ledger.ts';
import { nowOf } from '../runtime/clock.ts';
import { readReport, sinceMoment } from '../views/report.ts';
import { grouped, span } from './ago.ts';
import { csvLine } from './csv.ts';
import { type Paper, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { seconds } from './options.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { type Cell, table } from './table.ts';
import { toned } from './tone.ts';

interface Options {
  readonly from: string;
  readonly to: string;
  readonly connection?: string;
  readonly objective: number;
  readonly csv?: boolean;
  readonly limit: number;
}

const LINES_SHOWN = 50;
const UNFINISHED: ReadonlySet<LedgerLine['end']> = new Set(['open', 'held', 'discarded']);

export const auditReportCommand = (): Command =>
  new Command('report')
    .description(
      'leavers or joiners of a period: every stage’s time, who was late, what was excepted; the same bytes again',
    )
    .argument('<about>', 'leavers or joiners', (text): LedgerSubject => {
      if (text === 'leavers' || text === 'joiners') return text;
      throw new Problem({
        code: 'usage.report',
        message: `there is no report about ${text}`,
        hint: 'leavers or joiners',
      });
    })
    .requiredOption('--from <date>', 'first day (UTC) or instant, inclusive')
    .requiredOption('--to <date>', 'day (UTC) or instant at which the period ends, exclusive')
    .option('--connection <name>', 'only of this connection')
    .option('--objective <seconds>', 'later than this is a breach', seconds, OBJECTIVE_MS / 1_000)
    .addOption(new Option('--csv', 'one line for each person, for spreadsheets'))
    .option('--limit <count>', 'people in the table; --csv and --json hold all', Number, LINES_SHOWN)
    .action(report);

async function report(about: LedgerSubject, options: Options, command: Command): Promise<void> {
  const session = sessionOf(command);
  await using store = await openState(session, 'read');
  const { isOver, ...made } = await readReport(
    store,
    about,
    { from: sinceMoment(options.from), to: sinceMoment(options.to) },
    {
      objectiveMs: options.objective * 1_000,
      ...(options.connection === undefined ? {} : { connection: options.connection }),
    },
    nowOf(session.desk.clock),
  );
  if (options.csv === true) {
    const { out } = session.desk;
    await out.write(csvLine(CSV_COLUMNS));
    for (const line of made.lines) await out.write(csvLine(csvCells(line)));
    return;
  }
  await answer(session, { ...made, isOver }, () => [
    ...reportLines(session.desk.out, made, options.limit),
    ...(isOver ? [] : ['the period is not over: this report ends now, and will read otherwise later']),
  ]);
}

const CSV_COLUMNS = [
  'connection',
  'worker',
  'entry',
  'decided by',
  'effective',
  'said',
  'seen',
  'decided',
  'sent',
  'confirmed',
  'sessions ended',
  'end',
  'carried',
  'lateness s',
  'late',
  'breach',
];

function csvCells(line: LedgerLine): readonly string[] {
  const times = (pick: (target: LedgerLine['targets'][number]) => Instant | null): string =>
    line.targets.map((target) => `${target.target} ${pick(target) ?? '-'}`).join('; ');
  return [
    line.connection,
    line.worker,
    String(line.entry),
    line.by,
    line.effectiveAt ?? '',
    line.saidAt ?? '',
    line.seenAt,
    line.decidedAt ?? '',
    times(({ sentAt }) => sentAt),
    times(({ confirmedAt }) => confirmedAt),
    times(({ sessionsEndedAt }) => sessionsEndedAt),
    line.end,
    line.carried ? 'yes' : 'no',
    line.latenessMs === null ? '' : (line.latenessMs / 1_000).toFixed(3),
    line.late,
    line.breach ? 'yes' : 'no',
  ];
}

const HEADINGS: Readonly<Record<LedgerSubject, string>> = {
  leavers: 'Everyone HR says left',
  joiners: 'Everyone HR says was to start',
};

function reportLines(paper: Paper, made: LatenessReport, limit: number): readonly string[] {
  const { period, totals, lateness, objectiveMs } = made;
  const ends = Object.entries(totals.ends)
    .filter(([, count]) => count > 0)
    .map(([end, count]) => `${grouped(count)} ${end}`);
  const last = plusMs(instantOf(period.to), -1);
  return [
    toned(paper, 'bold', `${HEADINGS[made.about]}, ${period.from} to ${last}`),
    `${grouped(totals.people)} in all: ${grouped(totals.decided)} decided in the period, ${grouped(totals.undecided)} held and undecided, ${grouped(totals.carried)} carried over from before it`,
    `  ${ends.join(' + ') || 'nobody'} = ${grouped(totals.people)}`,
    lateness === null
      ? 'nobody was confirmed'
      : `confirmed after: half within ${exact(lateness.p50Ms)}, 95 % within ${exact(lateness.p95Ms)}, the last after ${exact(lateness.worstMs)}`,
    totals.breaches === 0
      ? `no breach of the objective of ${exact(objectiveMs)}`
      : toned(paper, 'bad', `${grouped(totals.breaches)} breach(es) of the objective of ${exact(objectiveMs)}`),
    ...(totals.rejectedRows > 0
      ? [
          `${grouped(totals.rejectedRows)} row(s) of the last readings were rejected: nobody can say whether they tell of a leave`,
        ]
      : []),
    ...(totals.lateByHr > 0 ? [`${grouped(totals.lateByHr)} known too late: HR said it after it had come true`] : []),
    ...peopleLines(paper, made.lines, limit),
    ...exceptionLines(paper, made),
    ...readingLines(paper, made),
    '',
    ...made.mappings.map(
      ({ digest, at, entry, approvedBy }) =>
        `mapping ${digest.slice(0, 12)} decided from ${at} on (entry ${entry})${approvedBy === null ? '' : harmless(`, approved by ${approvedBy}`)}`,
    ),
    made.head === null
      ? 'the audit has no entry before the end of the period'
      : `stands on the audit up to entry ${grouped(made.head.seq)}, hash ${made.head.hash}`,
  ];
}

const exact = (ms: number): string => (ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : span(ms));

/** Breaches first, then who is still open, then in the order of their decisions. */
function peopleLines(paper: Paper, lines: readonly LedgerLine[], limit: number): readonly string[] {
  if (lines.length === 0) return [];
  const rank = ({ breach, end }: LedgerLine): number => (breach ? 0 : UNFINISHED.has(end) ? 1 : 2);
  const shown = lines.toSorted((a, b) => rank(a) - rank(b) || a.entry - b.entry).slice(0, limit);
  const rows = shown.map((line): readonly Cell[] => [
    line.worker,
    line.effectiveAt ?? '–',
    line.seenAt,
    line.decidedAt ?? '–',
    line.confirmedAt ?? '–',
    line.latenessMs === null ? '' : exact(line.latenessMs),
    line.breach || UNFINISHED.has(line.end) ? { text: line.end, tone: 'bad' } : line.end,
    line.late === 'nobody' ? '' : line.late,
  ]);
  return [
    '',
    ...table(
      paper,
      [
        { title: 'WORKER' },
        { title: 'EFFECTIVE' },
        { title: 'SEEN' },
        { title: 'DECIDED' },
        { title: 'CONFIRMED' },
        { title: 'AFTER', align: 'right' },
        { title: 'END' },
        { title: 'LATE' },
      ],
      rows,
    ),
    ...(lines.length > shown.length ? [`and ${grouped(lines.length - shown.length)} more (--limit, --csv)`] : []),
  ];
}

function exceptionLines(paper: Paper, { exceptions }: LatenessReport): readonly string[] {
  if (exceptions.length === 0) return ['', 'no exceptions: nothing was released, set aside, stopped or lifted'];
  return [
    '',
    'Exceptions',
    ...table(
      paper,
      [{ title: 'AT' }, { title: 'WHAT' }, { title: 'OF' }, { title: 'BY' }, { title: 'WHY', flexible: true }],
      exceptions.map(({ at, kind, what, by, reason }) => [at, kind, what, by, reason]),
    ),
  ];
}

function readingLines(paper: Paper, { reading }: LatenessReport): readonly string[] {
  if (reading.length === 0) return ['', toned(paper, 'warning', 'no feed was read in the period')];
  return [
    '',
    ...reading.flatMap(({ connection, cycles, refused, held, rejectedRows, gaps }) => [
      harmless(
        `${connection}: read ${grouped(cycles)} time(s), ${grouped(refused)} refused, ${grouped(held)} held, ${grouped(rejectedRows)} row(s) rejected`,
      ),
      ...gaps.map(({ from, to }) => toned(paper, 'warning', `  not read from ${from} to ${to}`)),
    ]),
  ];
}
