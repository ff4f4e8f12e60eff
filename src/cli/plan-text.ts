// A plan on paper: counts first, then each worker under the transition they go through, then requests.

import type { JsonValue } from '../base/json.ts';
import { faultLine } from '../base/problem.ts';
import { grouped } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { CAUSES, type Cause } from './plan-causes.ts';
import type { PlanCounts, SharedChange } from './plan-counts.ts';
import type { RequestView } from './plan-requests.ts';
import type { AttributeView, OperationView, PlanDetails, PlannedConnection, WorkerPlanView } from './plan-view.ts';
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
    ...changeLines(paper, details.counts),
    `  would decide   ${countsText(counts.transitions) || 'nothing'}`,
    `  would send     ${countsText(counts.operations) || 'nothing'}`,
    ...queuedLines(details.queuedEarlier),
    ...(counts.held > 0 ? [`  would hold     ${grouped(counts.held)} worker(s)`] : []),
    ...(Object.keys(counts.refused).length > 0
      ? [
          `  not possible   ${Object.entries(counts.refused)
            .map(([code, times]) => `${times} × ${code}`)
            .join(', ')}`,
        ]
      : []),
    ...(report.suspected > 0
      ? [
          `  suspected      ${grouped(report.suspected)} not in this snapshot; nothing is done until two complete ones a day apart say so`,
        ]
      : []),
    ...report.holds.map(
      (hold) =>
        `  ${toned(paper, 'warning', 'HELD')}           ${grouped(hold.items)} × ${hold.kind} – ${harmless(hold.reason)}`,
    ),
    ...rejectionLines(paper, report),
    ...sharedLines(paper, details.shared),
    ...workerLines(paper, details, all),
    ...(details.omitted > 0 ? ['', `and ${grouped(details.omitted)} more workers`] : []),
  ];
}

/** What goes out with this plan although nothing of it stands below. */
function queuedLines({ operations, replaced }: PlanDetails['queuedEarlier']): readonly string[] {
  const waiting = countsText(operations);
  if (waiting === '') return [];
  const less = replaced === 0 ? '' : `, but ${grouped(replaced)} that this plan takes the place of`;
  return [`  queued earlier ${waiting}: decided before and sent as well${less}`];
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

const people = (count: number): string => (count === 1 ? '1 person' : `${grouped(count)} people`);
const changing = (count: number): string => `${people(count)} ${count === 1 ? 'changes' : 'change'}`;
const losing = (paper: Paper, count: number): string =>
  count === 0
    ? 'nobody loses access'
    : toned(paper, 'bad', `${grouped(count)} ${count === 1 ? 'loses' : 'lose'} access`);

const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  feed: 'their records changed',
  mapping: 'the mapping or the version changed, not their records',
  absence: 'the feed proves that they are gone',
  date: 'a date has come',
  released: 'judged again: something of them was held or released',
  unknown: 'which records are new cannot be told',
};

/** How many, who is harmed, and why: without more than one reason there is nothing to tell apart, but for a changed mapping. */
function changeLines(paper: Paper, { change, gainAccess, loseAccess, causes }: PlanCounts): readonly string[] {
  if (change === 0) return ['  nobody changes'];
  const gains = gainAccess === 0 ? '' : `, ${grouped(gainAccess)} ${gainAccess === 1 ? 'gets' : 'get'} access`;
  const listed = CAUSES.flatMap((cause) => {
    const count = causes[cause];
    return count === undefined ? [] : [{ cause, ...count }];
  });
  const told = listed.length > 1 || listed.some(({ cause }) => cause !== 'feed');
  return [
    `  ${toned(paper, 'bold', changing(change))}, ${losing(paper, loseAccess)}${gains}`,
    ...(told
      ? listed.map(
          ({ cause, change: count, loseAccess: lose }) =>
            `    ${grouped(count)}: ${CAUSE_WORDS[cause]}${lose === 0 ? '' : ` (${losing(paper, lose)})`}`,
        )
      : []),
  ];
}

const SHARED_SHOWN = 10;

/** `department: Sales → Marketing, 14 people`, the most frequent first. */
function sharedLines(paper: Paper, shared: readonly SharedChange[]): readonly string[] {
  if (shared.length === 0) return [];
  const several = new Set(shared.map(({ target }) => target)).size > 1;
  return [
    '',
    toned(paper, 'bold', 'The same for several'),
    ...shared
      .slice(0, SHARED_SHOWN)
      .map(
        ({ target, workers, ...change }) =>
          `  ${several ? `${harmless(target)}: ` : ''}${attributeLine(paper, { ...change, path: shortPath(change.path) })}, ${people(workers)}`,
      ),
    ...(shared.length > SHARED_SHOWN
      ? [`  and ${grouped(shared.length - SHARED_SHOWN)} more kinds (--json lists them)`]
      : []),
  ];
}

/** Without the name of its schema. */
const shortPath = (path: string): string => (path.startsWith('urn:') ? path.slice(path.lastIndexOf(':') + 1) : path);

/** What takes something away comes first. */
const ORDER = ['purge', 'leaver', 'withdraw', 'leave', 'return', 'rescind', 'rehire', 'joiner', 'start', 'mover'];
const rankOf = (transition: string): number => {
  const at = ORDER.indexOf(transition);
  return at < 0 ? ORDER.length : at;
};
const losesAccess = ({ operations }: WorkerPlanView): boolean =>
  operations.some(({ kind }) => kind === 'disable' || kind === 'delete');

function workerLines(paper: Paper, { workers, omitted }: PlanDetails, all: boolean): readonly string[] {
  const groups = Map.groupBy(workers, (worker) =>
    losesAccess(worker) ? 'loses access' : (worker.transitions[0] ?? 'other changes'),
  );
  const sorted = [...groups].sort(
    ([a], [b]) => Number(b === 'loses access') - Number(a === 'loses access') || rankOf(a) - rankOf(b),
  );
  return sorted.flatMap(([title, members]) => {
    // Whoever a person has to decide about is not below the fold.
    const ordered = members.toSorted((a, b) => Number(b.guard !== 'passes') - Number(a.guard !== 'passes'));
    const shown = all ? ordered : ordered.slice(0, SHOWN_OF_EACH);
    const left = members.length - shown.length;
    return [
      '',
      toned(paper, 'bold', `${title} (${omitted > 0 ? 'at least ' : ''}${grouped(members.length)})`),
      ...shown.flatMap((worker) => oneWorker(paper, worker)),
      ...(left > 0 ? [`  and ${grouped(left)} more: --all lists them`] : []),
    ];
  });
}

const GUARD_WORDS = { passes: '', disableOnly: 'only the disable passes', held: 'held' } as const;

function oneWorker(paper: Paper, worker: WorkerPlanView): readonly string[] {
  const stages = worker.from === worker.to ? worker.to : `${worker.from} → ${worker.to}`;
  const why = [worker.why, worker.cause === 'feed' ? '' : CAUSE_WORDS[worker.cause]].filter((text) => text !== '');
  const word = GUARD_WORDS[worker.guard];
  const verdict = word === '' ? '' : `  ${toned(paper, 'warning', `${word}: ${worker.heldBy.join(', ')}`)}`;
  return [
    `  ${harmless(worker.worker)}  ${toned(paper, 'dim', [stages, ...why].map(harmless).join(' – '))}${verdict}`,
    ...worker.alerts.map((alert) => `    ${toned(paper, 'warning', '!')} ${harmless(alert)}`),
    ...worker.refusals.map((reason) => `    ${toned(paper, 'dim', `not possible: ${harmless(reason)}`)}`),
    ...worker.moments.map(({ at, local, what }) => `    ${what} ${local} (${at})`),
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
  revokeSessions: 'end the sessions',
} as const;

function operationLines(paper: Paper, operation: OperationView): readonly string[] {
  const what = `${VERBS[operation.kind]}${operation.group === null ? '' : ` "${harmless(operation.group)}"`}`;
  if (operation.refused !== '')
    return [`    ${operation.target}: ${toned(paper, 'bad', 'cannot')} ${what}: ${harmless(operation.refused)}`];
  return [
    `    ${operation.target}: ${what}${operation.follows === '' ? '' : `, once ${harmless(operation.follows)} has an account`}`,
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
