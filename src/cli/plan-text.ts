// A plan on paper: counts first, then each worker under the transition they go through, then requests.

import type { JsonValue } from '../base/json.ts';
import { faultLine } from '../base/problem.ts';
import { grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import type { AttributeView, OperationView, PlannedConnection, RequestView, WorkerPlanView } from './plan-view.ts';
import { rejectionTable } from './sync-report.ts';
import { countsOf, countsText } from './tally.ts';
import { toned } from './tone.ts';

/** Workers named under each transition; the rest is counted. */
const SHOWN_OF_EACH = 10;
const REJECTIONS_SHOWN = 10;
/** A value longer than this says no more to a reader. */
const VALUE_MAX = 120;

export function planLines(
  paper: Paper,
  planned: readonly PlannedConnection[],
  { all }: { readonly all: boolean },
): readonly string[] {
  return planned.flatMap((one, at) => [...(at === 0 ? [] : ['']), ...connectionLines(paper, one, all)]);
}

function connectionLines(paper: Paper, { report, details }: PlannedConnection, all: boolean): readonly string[] {
  const { connection, delivery, kind } = report;
  const title = toned(paper, 'bold', harmless(connection));
  if (kind === 'nothing' || kind === 'notYet') return [`${title}: nothing to plan – ${harmless(report.reason)}`];
  if (kind === 'refused') {
    const lines = report.faults.map((fault) => `  ${harmless(faultLine(fault))}`);
    return [
      `${title}: ${toned(paper, 'bad', 'the delivery would be refused')}, nothing of it would have any effect`,
      ...lines,
    ];
  }
  const counts = countsOf(report.tally);
  return [
    `${title}: ${harmless(delivery ?? '')}, ${grouped(report.rows)} rows, ${grouped(report.recognised)} unchanged (${harmless(report.reason)})`,
    `  would decide   ${countsText(counts.transitions) || 'nothing'}`,
    `  would send     ${countsText(counts.operations) || 'nothing'}`,
    ...(counts.held > 0 ? [`  would hold     ${grouped(counts.held)} worker(s)`] : []),
    ...(Object.keys(counts.refused).length > 0
      ? [
          `  not possible   ${Object.entries(counts.refused)
            .map(([code, times]) => `${times} × ${code}`)
            .join(', ')}`,
        ]
      : []),
    ...(report.suspected > 0
      ? [`  suspected      ${grouped(report.suspected)} not in this snapshot; nothing is done about it`]
      : []),
    ...report.holds.map(
      (hold) =>
        `  ${toned(paper, 'warning', 'HELD')}           ${grouped(hold.items)} × ${hold.kind} – ${harmless(hold.reason)}`,
    ),
    ...rejectionLines(paper, report),
    ...workerLines(paper, details.workers, all),
    ...(details.omitted > 0 ? ['', `and ${grouped(details.omitted)} more workers`] : []),
  ];
}

function rejectionLines(paper: Paper, { rejections, connection }: PlannedConnection['report']): readonly string[] {
  if (rejections.length === 0) return [];
  const shown = rejections.slice(0, REJECTIONS_SHOWN).map((rejection) => ({ connection, rejection }));
  return [
    '',
    `  ${toned(paper, 'warning', `${grouped(rejections.length)} rejected`)}`,
    ...rejectionTable(paper, shown).map((line) => `  ${line}`),
    ...(rejections.length > shown.length
      ? [`  and ${grouped(rejections.length - shown.length)} more (--json lists them all)`]
      : []),
  ];
}

function workerLines(paper: Paper, workers: readonly WorkerPlanView[], all: boolean): readonly string[] {
  const groups = Map.groupBy(workers, ({ transitions }) => transitions[0] ?? 'other');
  return [...groups].flatMap(([transition, members]) => {
    const shown = all ? members : members.slice(0, SHOWN_OF_EACH);
    const left = members.length - shown.length;
    return [
      '',
      toned(paper, 'bold', `${transition} (${grouped(members.length)})`),
      ...shown.flatMap((worker) => oneWorker(paper, worker)),
      ...(left > 0 ? [`  and ${grouped(left)} more: --all lists them`] : []),
    ];
  });
}

const GUARD_WORDS = { passes: '', disableOnly: 'only the disable passes', held: 'held' } as const;

function oneWorker(paper: Paper, worker: WorkerPlanView): readonly string[] {
  const stages = worker.from === worker.to ? worker.to : `${worker.from} → ${worker.to}`;
  const word = GUARD_WORDS[worker.guard];
  const verdict = word === '' ? '' : `  ${toned(paper, 'warning', `${word}: ${worker.heldBy.join(', ')}`)}`;
  return [
    `  ${harmless(worker.worker)}  ${toned(paper, 'dim', stages)}${verdict}`,
    ...worker.alerts.map((alert) => `    ${toned(paper, 'warning', '!')} ${harmless(alert)}`),
    ...worker.refusals.map((reason) => `    ${toned(paper, 'dim', `not possible: ${harmless(reason)}`)}`),
    ...worker.operations.flatMap((operation) => operationLines(paper, operation)),
  ];
}

const VERBS = {
  create: 'create the account',
  update: 'change the account',
  enable: 'enable the account',
  disable: 'disable the account',
  delete: 'delete the account',
  addMember: 'join group',
  removeMember: 'leave group',
} as const;

function operationLines(paper: Paper, operation: OperationView): readonly string[] {
  const what = `${VERBS[operation.kind]}${operation.group === null ? '' : ` "${harmless(operation.group)}"`}`;
  if (operation.refused !== '')
    return [`    ${operation.target}: ${toned(paper, 'bad', 'cannot')} ${what}: ${harmless(operation.refused)}`];
  return [
    `    ${operation.target}: ${what}`,
    ...operation.changes.map((change) => `      ${attributeLine(paper, change)}`),
    ...(operation.requests ?? []).flatMap((request) => requestLines(paper, request)),
  ];
}

function attributeLine(paper: Paper, { path, before, after }: AttributeView): string {
  if (before === null) return `${toned(paper, 'good', '+')} ${path}: ${valueText(after)}`;
  if (after === null) return `${toned(paper, 'bad', '−')} ${path}: ${valueText(before)}`;
  return `${toned(paper, 'warning', '~')} ${path}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: JsonValue | null): string {
  const text = harmless(typeof value === 'string' ? value : JSON.stringify(value));
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
}

function requestLines(paper: Paper, { method, path, body, note }: RequestView): readonly string[] {
  const said = note === '' ? '' : `  ${toned(paper, 'dim', `# ${note}`)}`;
  return [`      > ${method} ${harmless(path)}${said}`, ...(body === '' ? [] : [`        ${harmless(body)}`])];
}
