// The state of everything in one look, the worst first. Reads the store only: it answers while connection files are broken.
import { Command } from 'commander';
import { type Instant, msOf } from '../base/instant.ts';
import { EXIT } from '../base/problem.ts';
import { STAGES } from '../lifecycle/standing.ts';
import type { Delivered } from '../pipeline/feed-age.ts';
import { ALL_TARGETS } from '../pipeline/stop-writes.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import { lockHolder, type Overview, type Store } from '../store/store.ts';
import { readRejections, readStatus, rejectionsJson, type Status, statusJson } from '../views/status.ts';
import { ago, grouped, span } from './ago.ts';
import { alarmLines, furtherLines } from './alarm-text.ts';
import { clockLines } from './clock-text.ts';
import { type Paper, type Session, sessionOf } from './desk.ts';
import { dispatchLines, leaverLines, unmetLines } from './dispatch-text.ts';
import { harmless } from './display-width.ts';
import { hookLines } from './hook-text.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { holdLines, leaverHints, operationLines, refusedHint, rejectionTable } from './sync-report.ts';
import { type Cell, table } from './table.ts';
import { toned } from './tone.ts';

interface Options {
  readonly rejections?: boolean;
  readonly check?: boolean;
  readonly limit: number;
}

const REJECTIONS_MAX = 1_000;
export const statusCommand = (): Command =>
  new Command('status')
    .description('stages, queues, holds, last cycles; what needs a person comes first')
    .option('--rejections', 'list every rejected row of the last deliveries with its reason')
    .option('--limit <count>', 'rejections listed for each connection', positive, REJECTIONS_MAX)
    .option(
      '--check',
      'exit 1 when something failed, a leaver is unconfirmed or still has sessions, 3 when something is held',
    )
    .action(async (options: Options, command: Command) => {
      const session = sessionOf(command);
      await using store = await openState(session, 'read');
      if (options.rejections === true) await listRejections(session, store, options.limit);
      else await showStatus(session, store, options.check === true);
    });

async function showStatus(session: Session, store: Store, check: boolean): Promise<void> {
  const { desk, config } = session;
  const status = await readStatus(store, await lockHolder(config.stateDir), desk.clock);
  if (check) desk.exitCode = checkedCode(status);
  await answer(session, statusJson(status), () => statusLines(desk.out, status));
}

function checkedCode({ failed, unconfirmedLeavers, openSessions, holds }: Status) {
  if (failed.length + unconfirmedLeavers.length + openSessions.length > 0) return EXIT.failed;
  return holds.some(({ discardedBy }) => discardedBy === null) ? EXIT.held : EXIT.fine;
}

function statusLines(paper: Paper, status: Status): readonly string[] {
  const { at, holder, overview } = status;
  const running =
    holder === null
      ? 'no daemon runs on this state folder'
      : `${holder.command} runs since ${ago(holder.since, at)} (process ${holder.pid} on ${holder.host})`;
  return fromFirst([
    ...stopLines(paper, status),
    ...clockLines(paper, status.clockDoubt),
    ...unmetLines(paper, status.unmet),
    ...alarmLines(paper, status.alarms, at),
    ...dispatchLines(paper, status.dispatch, at),
    ...operationLines(paper, 'LEAVERS NOT CONFIRMED', status.unconfirmedLeavers),
    ...leaverLines(status.unconfirmedLeavers, at),
    ...leaverHints(status.unconfirmedLeavers),
    ...operationLines(paper, 'SESSIONS OF LEAVERS NOT ENDED', status.openSessions),
    ...operationLines(paper, 'Failed operations', status.failed),
    ...(status.failed.length > 0 ? ['by cause, and how to deliver them again: rollcall failed'] : []),
    ...holdLines(paper, status.holds),
    '',
    harmless(running),
    '',
    ...connectionLines(paper, status),
    ...refusedLines(paper, status),
    ...rejectedLines(paper, overview),
    ...furtherLines(paper, status.further, at),
    ...hookLines(paper, status.hooks, at),
    ...actLines(paper, status),
    ...queueLines(paper, overview),
    ...suspectedLines(paper, status),
    '',
    `${grouped(overview.entries)} audit entries`,
  ]);
}

/** Sections begin with an empty line; a page does not. */
const fromFirst = (lines: readonly string[]): readonly string[] => lines.slice(lines.findIndex((line) => line !== ''));

function stopLines(paper: Paper, { stops, at }: Status): readonly string[] {
  return Object.entries(stops).flatMap(([target, { by, reason, at: since, exceptLeavers }]) => {
    const what = target === ALL_TARGETS ? 'every target' : target;
    const who = `by ${by} ${ago(since as Instant, at)}: ${reason}`;
    const stopped = `WRITES STOPPED to ${what}${exceptLeavers ? ' (leavers excepted)' : ', leavers too'} ${who}`;
    return [
      toned(paper, 'bad', harmless(stopped)),
      `  to take it back: rollcall resume-writes ${target === ALL_TARGETS ? '' : `--target ${harmless(target)} `}--reason "…"`,
    ];
  });
}

/** Acts are taken up within a second: one that is older waits for a process that is not there, or is a long one. */
function actLines(paper: Paper, { acts: { count, since }, holder, at }: Status): readonly string[] {
  if (since === null) return [];
  const whom =
    holder === null ? 'nobody is there to do them' : `process ${holder.pid} (${holder.command}) is to do them`;
  return [
    '',
    toned(paper, 'warning', `${grouped(count)} act(s) not done yet, the oldest asked for ${ago(since, at)}: ${whom}`),
  ];
}

function connectionLines(
  paper: Paper,
  { overview: { connections }, feedSince, delivered, at }: Status,
): readonly string[] {
  if (connections.length === 0) return ['no connection has run yet: rollcall plan shows what a first sync would do'];
  const stages = STAGES.filter(
    (stage) => stage !== 'purged' || connections.some(({ stages: counts }) => (counts.purged ?? 0) > 0),
  );
  const right = 'right' as const;
  const rows = connections.map((one): readonly Cell[] => [
    one.connection,
    ...stages.map((stage) => zeroDim(one.stages[stage] ?? 0)),
    warned(one.rejections),
    warned(one.suspected),
    feedCell(one.checkpoint, feedSince.get(one.connection), delivered.get(one.connection), at),
    one.lastCycle === null
      ? '–'
      : `${one.lastCycle.state} ${ago(one.lastCycle.finishedAt ?? one.lastCycle.startedAt, at)}`,
    one.nextDue === null ? '–' : ago(one.nextDue, at),
  ]);
  const titles = [
    ...stages.map((stage) => (stage === 'onLeave' ? 'ON LEAVE' : stage.toUpperCase())),
    'REJECTED',
    'SUSPECTED',
  ];
  return table(
    paper,
    [
      { title: 'CONNECTION' },
      ...titles.map((title) => ({ title, align: right })),
      { title: 'FEED OF' },
      { title: 'LAST CYCLE' },
      { title: 'NEXT MOMENT' },
    ],
    rows,
  );
}

/**
 * The same content delivered again is told as such: a feed that stands still looks alive otherwise. The very same file that is
 * merely looked at again is no delivery.
 */
function feedCell(
  checkpoint: Checkpoint | null,
  since: Instant | undefined,
  delivered: Delivered | undefined,
  at: Instant,
): Cell {
  if (checkpoint === null || since === undefined) return { text: 'never', tone: 'warning' };
  const again = delivered?.asOf ?? checkpoint.asOf;
  return again <= since ? ago(since, at) : `${ago(since, at)}, the same again ${ago(again, at)}`;
}

/** Why the last cycle took nothing in. */
function refusedLines(paper: Paper, { overview }: Status): readonly string[] {
  return overview.connections.flatMap(({ connection, lastCycle }) => {
    if (lastCycle === null || lastCycle.state !== 'refused') return [];
    const { reason, delivery } = lastCycle.summary;
    const what = typeof delivery === 'string' ? ` of ${delivery}` : '';
    const line = `the last cycle${what} was refused: ${typeof reason === 'string' ? reason : ''}`;
    return ['', toned(paper, 'bad', harmless(`${connection}: ${line}`)), harmless(refusedHint(connection))];
  });
}

function rejectedLines(paper: Paper, { connections }: Overview): readonly string[] {
  const rejected = connections.reduce((sum, { rejections }) => sum + rejections, 0);
  if (rejected === 0) return [];
  const words = `${grouped(rejected)} row(s) were rejected; their workers stay as they were until HR mends them`;
  return ['', toned(paper, 'warning', words), '  which, and why: rollcall status --rejections'];
}

const zeroDim = (value: number): Cell => (value === 0 ? { text: '0', tone: 'dim' } : grouped(value));
const warned = (value: number): Cell =>
  value === 0 ? { text: '0', tone: 'dim' } : { text: grouped(value), tone: 'warning' };

const OPEN_STATES = ['queued', 'sending', 'accepted', 'failed'];

function queueLines(paper: Paper, { queue }: Overview): readonly string[] {
  const open = queue.filter(({ state }) => OPEN_STATES.includes(state));
  if (open.length === 0) return ['', 'the queue is empty'];
  const rows = open.map(({ target, lane, state, operations }): readonly Cell[] => [
    target,
    lane,
    state === 'failed' ? { text: state, tone: 'bad' } : state,
    grouped(operations),
  ]);
  return [
    '',
    ...table(
      paper,
      [{ title: 'TARGET' }, { title: 'LANE' }, { title: 'STATE' }, { title: 'OPERATIONS', align: 'right' }],
      rows,
    ),
  ];
}

function suspectedLines(paper: Paper, { suspected, at, overview }: Status): readonly string[] {
  if (suspected.length === 0) return [];
  const total = overview.connections.reduce((sum, one) => sum + one.suspected, 0);
  const rows = suspected.map(({ connection, worker, since }): readonly Cell[] => [
    connection,
    worker,
    `for ${span(Math.max(0, msOf(at) - msOf(since)))}`,
  ]);
  return [
    '',
    toned(
      paper,
      'warning',
      `${grouped(total)} suspected: absent from snapshots; nothing is done until two complete ones a day apart, or a person, say so`,
    ),
    ...table(paper, [{ title: 'CONNECTION' }, { title: 'WORKER' }, { title: 'ABSENT' }], rows),
    ...(total > rows.length ? [`and ${grouped(total - rows.length)} more`] : []),
  ];
}

async function listRejections(session: Session, store: Store, limit: number): Promise<void> {
  const read = await readRejections(store, limit);
  const { total, rejections: all } = read;
  await answer(session, rejectionsJson(read), () =>
    all.length === 0
      ? ['no row of the last deliveries was rejected']
      : [
          ...rejectionTable(session.desk.out, all),
          ...(total > all.length ? [`and ${grouped(total - all.length)} more: --limit ${total}`] : []),
        ],
  );
}
