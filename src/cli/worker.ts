// One worker: where they stand, their accounts, what happened and what comes next, in their own local time.
import { Command } from 'commander';
import { Problem } from '../base/problem.ts';
import { loadConnections } from '../connections.ts';
import { dayStart } from '../lifecycle/phase.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../lifecycle/policy.ts';
import { nowOf } from '../runtime/clock.ts';
import { findWorker } from '../views/find-worker.ts';
import { localTime } from '../views/local-time.ts';
import { type WorkerView, workerJson, workerView } from '../views/worker.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { RowFacts } from '../worker/worker.ts';
import { ago, grouped } from './ago.ts';
import { type Paper, type Session, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { entrySentence } from './entry-text.ts';
import { reasonOf } from './operation-text.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { type Cell, table } from './table.ts';
import { toned } from './tone.ts';

interface Options {
  readonly connection?: string;
  readonly limit: number;
}

/** Entries of the timeline: about a screen and a half. */
const ENTRIES_SHOWN = 40;

export const workerCommand = (): Command =>
  new Command('worker')
    .description('standing, employments, accounts, operations, and the timeline past and to come')
    .argument('<id>', 'the worker’s key, or the id of one of their employments')
    .option('--connection <name>', 'where several connections know the key')
    .option('--limit <count>', 'entries of the timeline', positive, ENTRIES_SHOWN)
    .action(async (id: string, options: Options, command: Command) => {
      const session = sessionOf(command);
      await using store = await openState(session, 'read');
      const found = await findWorker(store, id, options.connection);
      const view = await workerView(store, found, policyOf(session, found.connection), nowOf(session.desk.clock));
      await answer(session, workerJson(view), () => workerLines(session.desk.out, view, options.limit));
    });

/** The connection's own rules; the defaults where its file cannot be read now. */
function policyOf({ config }: Session, name: string): LifecyclePolicy {
  try {
    return loadConnections(config).find((connection) => connection.name === name)?.policy ?? DEFAULT_POLICY;
  } catch (error) {
    if (error instanceof Problem) return DEFAULT_POLICY;
    throw error;
  }
}

const liftLine = (key: string, connection: string): string =>
  harmless(`rollcall lift ${key} --connection ${connection} --reason "…"`);

function workerLines(paper: Paper, view: WorkerView, limit: number): readonly string[] {
  const { connection, situation, truth, at } = view;
  const { key, standing, suspicion } = situation;
  const delivery = standing.delivery === 'failed' ? toned(paper, 'bad', 'failed') : standing.delivery;
  return [
    `${toned(paper, 'bold', harmless(`worker ${key}`))} of ${connection}: ${toned(paper, 'bold', standing.stage)}, delivery ${delivery}`,
    ...(standing.facts.sticky
      ? [toned(paper, 'bad', `an emergency leave stands until somebody lifts it: ${liftLine(key, connection)}`)]
      : []),
    ...(suspicion === null
      ? []
      : [toned(paper, 'warning', `suspected: absent from snapshots since ${ago(suspicion.since, at)}`)]),
    ...truth.alerts.map((alert) => toned(paper, 'warning', harmless(alert))),
    ...employmentLines(paper, view),
    ...accountLines(paper, view),
    ...openLines(paper, view),
    ...timelineLines(paper, view, limit),
    ...comingLines(paper, view),
  ];
}

function employmentLines(paper: Paper, { situation, at }: WorkerView): readonly string[] {
  const rowOf = (
    { status, startDate, endDate, timeZone, managerId, inScope }: RowFacts,
    id: string,
    note: string,
  ): readonly Cell[] => [
    id,
    status,
    startDate ?? '–',
    endDate ?? 'open',
    timeZone,
    managerId === '' ? '–' : managerId,
    [note, inScope ? '' : 'out of scope'].filter((part) => part !== '').join(', '),
  ];
  const rows = situation.employments.flatMap((employment) => {
    const current = inForceAt(employment, at);
    const coming = (employment.later ?? []).filter(({ from, facts }) => dayStart(from, 0, facts.timeZone) > at);
    return [
      rowOf(current, current.id, coming.length > 0 ? 'counts today' : ''),
      ...coming.map(({ facts, from }) => rowOf(facts, '', `from ${from}`)),
    ];
  });
  if (rows.length === 0) return [];
  const columns = ['EMPLOYMENT', 'STATUS', 'START', 'LAST DAY', 'ZONE', 'MANAGER', ''].map((title) => ({ title }));
  return ['', ...table(paper, columns, rows)];
}

function accountLines(paper: Paper, { situation }: WorkerView): readonly string[] {
  if (situation.accounts.length === 0) return ['', 'no account at any target'];
  const rows = situation.accounts.map((account) => [
    account.target,
    account.userName,
    account.remoteId ?? 'none yet',
    account.active === null ? '–' : account.active ? 'active' : 'inactive',
    account.origin,
    account.managerOwed === ''
      ? account.managerKnown || '–'
      : { text: `waits for ${account.managerOwed}`, tone: 'warning' as const },
    account.groups.join(', '),
  ]);
  const titles = ['TARGET', 'USER NAME', 'REMOTE ID', 'ACCOUNT', 'ORIGIN', 'MANAGER'];
  return ['', ...table(paper, [...titles.map((title) => ({ title })), { title: 'GROUPS', flexible: true }], rows)];
}

function openLines(paper: Paper, { operations, at }: WorkerView): readonly string[] {
  if (operations.length === 0) return [];
  const rows = operations.map((one) => [
    one.target,
    one.transition ?? '',
    one.lane,
    one.state === 'queued' && one.notBefore > at ? ago(one.notBefore, at) : 'now',
    reasonOf(one),
  ]);
  const columns = [
    { title: 'TARGET' },
    { title: 'TRANSITION' },
    { title: 'LANE' },
    { title: 'DUE' },
    { title: 'OPEN OPERATION', flexible: true },
  ];
  return ['', ...table(paper, columns, rows)];
}

function timelineLines(paper: Paper, { entries, timeZone }: WorkerView, limit: number): readonly string[] {
  if (entries.length === 0) return [];
  const shown = entries.slice(-limit);
  const rows = shown.map((entry) => [
    { text: localTime(entry.at, timeZone), tone: 'dim' as const },
    entry.kind,
    entry.actor,
    entrySentence(entry),
  ]);
  const earlier = entries.length - shown.length;
  return [
    '',
    ...(earlier > 0 ? [toned(paper, 'dim', `${grouped(earlier)} earlier entries: --limit ${entries.length}`)] : []),
    ...table(
      paper,
      [{ title: 'WHAT HAPPENED' }, { title: 'KIND' }, { title: 'BY' }, { title: '', flexible: true }],
      rows,
    ),
  ];
}

function comingLines(paper: Paper, { coming, timeZone, situation, at }: WorkerView): readonly string[] {
  if (coming.length === 0) return ['', 'the clock alone changes nothing any more'];
  const rows = coming.map((moment) => [
    { text: localTime(moment.at, timeZone), tone: 'dim' as const },
    ago(moment.at, at),
    moment.at === situation.dueAt ? `${moment.what} ←` : moment.what,
  ]);
  return ['', ...table(paper, [{ title: 'WHAT COMES NEXT' }, { title: '' }, { title: '', flexible: true }], rows)];
}
