// What a sync has come to, for people and for scripts.
import type { ExitCode, Fault } from '../base/problem.ts';
import { faultLine } from '../base/problem.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { FurtherReport } from '../pipeline/further.ts';
import type { Hold, ShownOperation } from '../store/store.ts';
import type { Aftermath } from '../views/aftermath.ts';
import { holdJson, inFeedOrder, operationJson, rejectionJson } from '../views/shapes.ts';
import { grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { reasonOf } from './operation-text.ts';
import type { Delivered, SyncResult } from './sync-once.ts';
import { type Cell, type Column, table } from './table.ts';
import { type Counts, countsOf } from './tally.ts';
import { toned } from './tone.ts';

/** One connection's cycle, whether this process ran it or the daemon. */
export interface CycleView {
  readonly connection: string;
  readonly result: string;
  readonly delivery: string | null;
  readonly reason: string;
  readonly rows: number;
  readonly recognised: number;
  readonly rejected: number;
  readonly suspected: number;
  readonly counts: Counts;
  readonly faults: readonly Fault[];
  readonly rejections: readonly Rejection[];
  /** Absent where the connection has no further sources. */
  readonly further?: readonly FurtherReport[];
}

export interface SyncView extends Aftermath {
  readonly cycles: readonly CycleView[];
  /** Null where the daemon delivers and nobody counted. */
  readonly delivered: readonly Delivered[] | null;
  readonly exitCode: ExitCode;
}

/** Rejections that the summary names; the rest is in `status --rejections`. */
const REJECTIONS_SHOWN = 10;
const OPERATIONS_SHOWN = 10;
const DIGEST_SHOWN = 12;

export function viewOf(result: SyncResult): SyncView {
  return {
    ...result,
    cycles: result.cycles.map((report) => ({
      connection: report.connection,
      result: report.kind,
      delivery: report.delivery,
      reason: report.reason,
      rows: report.rows,
      recognised: report.recognised,
      rejected: report.rejections.length,
      suspected: report.suspected,
      counts: countsOf(report.tally, result.calendar[report.connection] ?? {}),
      faults: report.faults,
      rejections: inFeedOrder(report.rejections),
      ...(report.further === undefined ? {} : { further: report.further }),
    })),
  };
}

export function syncJson(view: SyncView): object {
  return {
    connections: view.cycles.map(({ counts, rejections, further, ...cycle }) => ({
      ...cycle,
      transitions: counts.transitions,
      operations: counts.operations,
      refused: counts.refused,
      held: counts.held,
      rejections: rejections.map(rejectionJson),
      ...(further === undefined
        ? {}
        : { furtherSources: further.map((one) => ({ ...one, rejections: one.rejections.map(rejectionJson) })) }),
    })),
    targets: view.delivered,
    holds: view.holds.map(holdJson),
    failed: view.failed.map(operationJson),
    unconfirmedLeavers: view.unconfirmedLeavers.map(operationJson),
    openSessions: view.openSessions.map(operationJson),
    exitCode: view.exitCode,
  };
}

/** Reasons come from targets and feeds: nothing of them steers the terminal. */
export function syncLines(paper: Paper, view: SyncView): readonly string[] {
  return [
    ...cycleLines(paper, view.cycles),
    ...furtherCycleLines(paper, view.cycles),
    ...deliveryLines(paper, view.delivered),
    ...faultLines(view.cycles),
    ...rejectionLines(paper, view.cycles),
    ...holdLines(paper, view.holds),
    ...operationLines(paper, 'Failed operations', view.failed),
    ...(view.failed.length > 0 ? ['by cause, and how to deliver them again: rollcall failed'] : []),
    ...operationLines(paper, 'LEAVERS NOT CONFIRMED', view.unconfirmedLeavers),
    ...leaverHints(view.unconfirmedLeavers),
    ...operationLines(paper, 'SESSIONS OF LEAVERS NOT ENDED', view.openSessions),
  ];
}

/** What each further source brought, and why one of them brought nothing. */
function furtherCycleLines(paper: Paper, cycles: readonly CycleView[]): readonly string[] {
  return cycles.flatMap(({ connection, further = [] }) =>
    further.map(({ name, kind, delivery, rows, changed, rejected, reason }) => {
      const counts = `${grouped(rows)} rows, ${grouped(changed)} changed, ${grouped(rejected)} rejected`;
      const said = kind === 'read' ? `${counts} (${delivery ?? ''})` : `${RESULT_WORDS[kind] ?? kind}: ${reason}`;
      const line = harmless(`${connection}, further source ${name}: ${said}`);
      return kind === 'refused' ? toned(paper, 'bad', line) : line;
    }),
  );
}

const RESULT_WORDS: Readonly<Record<string, string>> = {
  done: 'done',
  held: 'held',
  refused: 'refused',
  nothing: 'no delivery',
  notYet: 'not complete yet',
  unchanged: 'the same file',
  interrupted: 'interrupted',
};
const ALWAYS_SHOWN = ['joiner', 'mover', 'leaver'];

function cycleLines(paper: Paper, cycles: readonly CycleView[]): readonly string[] {
  const met = new Set(cycles.flatMap(({ counts }) => Object.keys(counts.transitions)));
  const transitions = [...ALWAYS_SHOWN, ...[...met].filter((name) => !ALWAYS_SHOWN.includes(name)).sort()];
  const columns: readonly Column[] = [
    { title: 'CONNECTION' },
    { title: 'RESULT' },
    { title: 'DELIVERY', flexible: true },
    ...[
      'ROWS',
      'UNCHANGED',
      'REJECTED',
      ...transitions.map((name) => `${name.toUpperCase()}S`),
      'HELD',
      'SUSPECTED',
    ].map((title) => ({
      title: title.replace('PURGES', 'PURGED').replace('LEAVES', 'ON LEAVE'),
      align: 'right' as const,
    })),
  ];
  const number = (value: number, tone?: 'warning' | 'bad'): Cell =>
    value === 0 ? { text: '0', tone: 'dim' } : tone === undefined ? grouped(value) : { text: grouped(value), tone };
  const rows = cycles.map((cycle): readonly Cell[] => [
    cycle.connection,
    resultCell(cycle.result),
    cycle.delivery ?? '–',
    number(cycle.rows),
    number(cycle.recognised),
    number(cycle.rejected, 'warning'),
    ...transitions.map((name) => number(cycle.counts.transitions[name] ?? 0)),
    number(cycle.counts.held, 'warning'),
    number(cycle.suspected, 'warning'),
  ]);
  const reasons = cycles
    .filter(({ result, reason }) => reason !== '' && (result === 'nothing' || result === 'notYet'))
    .map(({ connection, reason }) => `${connection}: ${harmless(reason)}`);
  return [...table(paper, columns, rows), ...reasons];
}

function resultCell(result: string): Cell {
  const text = RESULT_WORDS[result] ?? result;
  if (result === 'held') return { text, tone: 'warning' };
  return result === 'refused' || result === 'interrupted' ? { text, tone: 'bad' } : text;
}

function deliveryLines(paper: Paper, delivered: readonly Delivered[] | null): readonly string[] {
  if (delivered === null || delivered.every(({ done, failed, waiting }) => done + failed + waiting === 0)) return [];
  const rows = delivered.map(({ target, done, failed, waiting }): readonly Cell[] => [
    target,
    grouped(done),
    failed === 0 ? '0' : { text: grouped(failed), tone: 'bad' },
    waiting === 0 ? '0' : { text: grouped(waiting), tone: 'warning' },
  ]);
  const right = 'right' as const;
  return [
    '',
    ...table(
      paper,
      [
        { title: 'TARGET' },
        { title: 'DONE', align: right },
        { title: 'FAILED', align: right },
        { title: 'WAITING', align: right },
      ],
      rows,
    ),
  ];
}

function faultLines(cycles: readonly CycleView[]): readonly string[] {
  return cycles.flatMap(({ connection, result, faults, reason }) => {
    if (result !== 'refused') return [];
    const said = faults.length > 0 ? faults.map(faultLine) : [reason];
    return [
      '',
      `${connection}: the delivery was refused, nothing of it has any effect`,
      ...said.map((line) => `  ${harmless(line)}`),
      `  ${harmless(refusedHint(connection))}`,
    ];
  });
}

function rejectionLines(paper: Paper, cycles: readonly CycleView[]): readonly string[] {
  const all = cycles.flatMap(({ connection, rejections }) =>
    rejections.map((rejection) => ({ connection, rejection })),
  );
  const total = cycles.reduce((sum, { rejected }) => sum + rejected, 0);
  if (total === 0) return [];
  const shown = all.slice(0, REJECTIONS_SHOWN);
  return [
    '',
    toned(paper, 'warning', `${grouped(total)} rejected`),
    ...rejectionTable(paper, shown),
    ...(total > shown.length ? [`and ${grouped(total - shown.length)} more: rollcall status --rejections`] : []),
  ];
}

export function rejectionTable(
  paper: Paper,
  shown: readonly { readonly connection: string; readonly rejection: Rejection }[],
): readonly string[] {
  return table(
    paper,
    [{ title: 'CONNECTION' }, { title: 'LINE', align: 'right' }, { title: 'KEY' }, { title: 'REASON', flexible: true }],
    shown.map(({ connection, rejection: { place, key, reason } }) => [
      connection,
      String(place.line ?? place.record ?? ''),
      key ?? '–',
      reason,
    ]),
  );
}

export function holdLines(paper: Paper, holds: readonly Hold[]): readonly string[] {
  return holds.flatMap((hold) => {
    const digest = hold.digest.slice(0, DIGEST_SHOWN);
    const word =
      hold.approvedBy !== null
        ? `approved by ${hold.approvedBy}`
        : hold.discardedBy !== null
          ? `set aside by ${hold.discardedBy}`
          : null;
    return [
      '',
      `${toned(paper, 'warning', 'HELD')} ${hold.connection}: ${grouped(hold.itemCount)} × ${hold.kind} – ${harmless(hold.reason)}`,
      `  look:    rollcall holds ${digest}`,
      word === null ? `  release: rollcall approve ${digest} --reason "…"` : `  ${harmless(word)}`,
    ];
  });
}

/** A delivery without effect leaves nothing behind; a faulty mapping shows against the very next one. */
export const refusedHint = (connection: string): string =>
  `nothing is to be undone: HR delivers again, or the connection file is corrected; what is found by then: rollcall validate --probe ${connection}`;

/** What to type first about leavers whom no target has confirmed. */
export function leaverHints(leavers: readonly ShownOperation[]): readonly string[] {
  const [first] = leavers;
  if (first === undefined) return [];
  const { workerKey, connection } = first;
  return [
    harmless(`why, and what is known of it: rollcall explain ${workerKey} --connection ${connection}`),
    'what a target refuses, by cause: rollcall failed',
  ];
}

export function operationLines(paper: Paper, title: string, operations: readonly ShownOperation[]): readonly string[] {
  if (operations.length === 0) return [];
  const rows = operations
    .slice(0, OPERATIONS_SHOWN)
    .map((one): readonly Cell[] => [one.workerKey, one.target, one.transition ?? '', reasonOf(one)]);
  return [
    '',
    toned(paper, 'bad', title),
    ...table(
      paper,
      [{ title: 'WORKER' }, { title: 'TARGET' }, { title: 'TRANSITION' }, { title: 'WHAT HAPPENED', flexible: true }],
      rows,
    ),
    ...(operations.length > rows.length ? [`and ${grouped(operations.length - rows.length)} or more`] : []),
  ];
}
