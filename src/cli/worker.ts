// One worker: where they stand, their accounts, what happened and what comes next, in their own local time.
import { Command } from 'commander';
import { HOUR_MS, type Instant, msOf, plusMs } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { loadConnections } from '../connections.ts';
import { dayStart, END_HORIZON_DAYS } from '../lifecycle/phase.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../lifecycle/policy.ts';
import { type Truth, truthOf } from '../lifecycle/truth.ts';
import type { Situation } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Entry, ShownOperation, Store } from '../store/store.ts';
import { ago, grouped, localTime } from './ago.ts';
import { type Paper, type Session, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { entrySentence } from './entry-text.ts';
import { reasonOf } from './operation-text.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { operationJson } from './sync-report.ts';
import { table } from './table.ts';
import { toned } from './tone.ts';

interface Options {
  readonly connection?: string;
  readonly limit: number;
}

/** Entries of the timeline: about a screen and a half. */
const ENTRIES_SHOWN = 40;
const OPERATIONS_MAX = 200;
const DAY_HOURS = 24;

interface Moment {
  readonly at: Instant;
  readonly what: string;
}

interface WorkerView {
  readonly connection: string;
  readonly situation: Situation;
  readonly truth: Truth;
  readonly operations: readonly ShownOperation[];
  readonly entries: readonly Entry[];
  readonly coming: readonly Moment[];
  readonly timeZone: string;
  readonly at: Instant;
}

export const workerCommand = (): Command =>
  new Command('worker')
    .description('standing, employments, accounts, operations, and the timeline past and to come')
    .argument('<id>', 'the worker’s key, or the id of one of their employments')
    .option('--connection <name>', 'where several connections know the key')
    .option('--limit <count>', 'entries of the timeline', positive, ENTRIES_SHOWN)
    .action(async (id: string, options: Options, command: Command) => {
      const session = sessionOf(command);
      await using store = await openState(session, 'read');
      const view = await viewOf(session, store, id, options);
      await answer(session, workerJson(view), () => workerLines(session.desk.out, view, options.limit));
    });

async function viewOf(
  session: Session,
  store: Store,
  id: string,
  { connection: wanted }: Options,
): Promise<WorkerView> {
  const { connection, situation } = await find(store, id, wanted);
  const at = nowOf(session.desk.clock);
  const policy = policyOf(session, connection);
  const truth = truthOf(situation.standing, situation.employments, at, policy);
  const [operations, entries] = await Promise.all([
    store.operations({ connection, workerKey: situation.key, limit: OPERATIONS_MAX }),
    store.audit.entriesOf(connection, situation.key),
  ]);
  const timeZone = truth.primary?.timeZone ?? 'UTC';
  return { connection, situation, truth, operations, entries, coming: comingOf(situation, at, policy), timeZone, at };
}

async function find(store: Store, id: string, wanted: string | undefined) {
  const { connections } = await store.overview();
  const names = connections.map((one) => one.connection).filter((name) => wanted === undefined || name === wanted);
  const found: { connection: string; situation: Situation }[] = [];
  for (const connection of names) {
    const key = (await store.workerKeysOf(connection, [id])).get(id) ?? id;
    const situation = (await store.situations(connection, [key])).get(key);
    if (situation !== undefined) found.push({ connection, situation });
  }
  const [only, other] = found;
  if (only === undefined) {
    throw new Problem({
      code: 'worker.unknown',
      message: `no worker ${id}${wanted === undefined ? '' : ` in ${wanted}`}`,
      hint: 'the key is HR’s, byte for byte; leading zeros count',
    });
  }
  if (other !== undefined) {
    throw new Problem({
      code: 'worker.ambiguous',
      message: `several connections know a worker ${id}: ${found.map((one) => one.connection).join(', ')}`,
      hint: 'say which one with --connection',
    });
  }
  return only;
}

/** The connection's own rules; the defaults where its file cannot be read now. */
function policyOf({ config }: Session, name: string): LifecyclePolicy {
  try {
    return loadConnections(config).find((connection) => connection.name === name)?.policy ?? DEFAULT_POLICY;
  } catch (error) {
    if (error instanceof Problem) return DEFAULT_POLICY;
    throw error;
  }
}

/** Moments to come that the facts on file speak of, earliest first. */
function comingOf({ employments, standing }: Situation, now: Instant, policy: LifecyclePolicy): readonly Moment[] {
  const moments: Moment[] = [];
  const add = (at: Instant, what: string): void => {
    if (at > now) moments.push({ at, what });
  };
  for (const { id, startDate, endDate, timeZone, status } of employments) {
    const which = employments.length > 1 ? ` (employment ${id})` : '';
    if (startDate !== null && status !== 'terminated') {
      add(
        dayStart(startDate, -policy.preboardDays, timeZone),
        `the account is made, inactive: ${policy.preboardDays} days before the start${which}`,
      );
      add(dayStart(startDate, 0, timeZone), `first day ${startDate}: access begins${which}`);
    }
    if (endDate !== null) {
      add(
        dayStart(endDate, -END_HORIZON_DAYS, timeZone),
        `the last day ${endDate} comes in sight of the guards${which}`,
      );
      add(dayStart(endDate, 1, timeZone), `the last day ${endDate} is over: access ends${which}`);
    }
  }
  const { leaveSeenAt } = standing.facts;
  if (standing.stage === 'left' && leaveSeenAt !== null && policy.deleteAfterDays !== null) {
    add(
      plusMs(leaveSeenAt, policy.deleteAfterDays * DAY_HOURS * HOUR_MS),
      `retention of ${policy.deleteAfterDays} days is over: the account is deleted`,
    );
  }
  return moments.sort((a, b) => msOf(a.at) - msOf(b.at));
}

const workerJson = (view: WorkerView): object => {
  const { connection, situation, truth, operations, entries, coming, timeZone } = view;
  const { key, standing, employments, accounts, suspectedSince, dueAt } = situation;
  return {
    connection,
    worker: key,
    stage: standing.stage,
    delivery: standing.delivery,
    facts: standing.facts,
    suspectedSince,
    dueAt,
    timeZone,
    alerts: truth.alerts,
    employments,
    accounts: accounts.map(({ known: _, ...account }) => account),
    operations: operations.map(operationJson),
    timeline: entries.map(({ seq, at, kind, actor, body }) => ({ seq, at, kind, actor, body })),
    coming,
  };
};

function workerLines(paper: Paper, view: WorkerView, limit: number): readonly string[] {
  const { connection, situation, truth, at } = view;
  const { key, standing, suspectedSince } = situation;
  const delivery = standing.delivery === 'failed' ? toned(paper, 'bad', 'failed') : standing.delivery;
  return [
    `${toned(paper, 'bold', harmless(`worker ${key}`))} of ${connection}: ${toned(paper, 'bold', standing.stage)}, delivery ${delivery}`,
    ...(standing.facts.sticky
      ? [toned(paper, 'bad', 'an emergency leave stands until somebody lifts it: rollcall lift')]
      : []),
    ...(suspectedSince === null
      ? []
      : [toned(paper, 'warning', `suspected: absent from snapshots since ${ago(suspectedSince, at)}`)]),
    ...truth.alerts.map((alert) => toned(paper, 'warning', harmless(alert))),
    ...employmentLines(paper, view),
    ...accountLines(paper, view),
    ...openLines(paper, view),
    ...timelineLines(paper, view, limit),
    ...comingLines(paper, view),
  ];
}

function employmentLines(paper: Paper, { situation }: WorkerView): readonly string[] {
  const rows = situation.employments.map(({ id, status, startDate, endDate, timeZone, managerId, inScope }) => [
    id,
    status,
    startDate ?? '–',
    endDate ?? 'open',
    timeZone,
    managerId === '' ? '–' : managerId,
    inScope ? '' : 'out of scope',
  ]);
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
