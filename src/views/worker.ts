// One worker: where they stand, their accounts, what happened and what comes next, in their own local time.
import type { Instant } from '../base/instant.ts';
import { forecast } from '../lifecycle/forecast.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import type { Stage } from '../lifecycle/standing.ts';
import { type Truth, truthOf } from '../lifecycle/truth.ts';
import type { Situation } from '../planning/changeset.ts';
import type { Entry, ShownOperation, Store } from '../store/store.ts';
import { comingSentence } from './coming-text.ts';
import type { FoundWorker } from './find-worker.ts';
import { localTime } from './local-time.ts';
import { operationJson } from './shapes.ts';

const OPERATIONS_MAX = 200;

export interface Moment {
  readonly at: Instant;
  readonly what: string;
  readonly from: Stage;
  readonly to: Stage;
}

export interface WorkerView {
  readonly connection: string;
  readonly situation: Situation;
  readonly truth: Truth;
  readonly operations: readonly ShownOperation[];
  readonly entries: readonly Entry[];
  readonly coming: readonly Moment[];
  readonly timeZone: string;
  readonly at: Instant;
}

export async function workerView(
  store: Store,
  { connection, situation }: FoundWorker,
  policy: LifecyclePolicy,
  at: Instant,
): Promise<WorkerView> {
  const truth = truthOf(situation.standing, situation.employments, at, policy);
  const [operations, entries] = await Promise.all([
    store.operations({ connection, workerKey: situation.key, limit: OPERATIONS_MAX }),
    store.audit.entriesOf(connection, situation.key),
  ]);
  const timeZone = truth.primary?.timeZone ?? 'UTC';
  return { connection, situation, truth, operations, entries, coming: comingOf(situation, at, policy), timeZone, at };
}

/** Moments to come, as the facts on file and the chart have them, earliest first. */
const comingOf = ({ employments, standing }: Situation, now: Instant, policy: LifecyclePolicy): readonly Moment[] =>
  forecast(standing, employments, now, policy).map((moment) => ({
    at: moment.at,
    what: comingSentence(moment, policy),
    from: moment.from,
    to: moment.to,
  }));

export const workerJson = (view: WorkerView): object => {
  const { connection, situation, truth, operations, entries, coming, timeZone } = view;
  const { key, standing, employments, accounts, suspicion, dueAt } = situation;
  return {
    connection,
    worker: key,
    stage: standing.stage,
    delivery: standing.delivery,
    facts: standing.facts,
    suspectedSince: suspicion?.since ?? null,
    dueAt,
    timeZone,
    alerts: truth.alerts,
    employments,
    accounts: accounts.map(({ known: _, ...account }) => account),
    operations: operations.map(operationJson),
    timeline: entries.map(({ seq, at, kind, actor, body }) => ({
      seq,
      at,
      local: localTime(at, timeZone),
      kind,
      actor,
      body,
    })),
    coming: coming.map((moment) => ({ ...moment, local: localTime(moment.at, timeZone) })),
  };
};
