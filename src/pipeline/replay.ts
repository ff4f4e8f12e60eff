// Failed transitions are delivered again: planned anew on the facts on file, judged by the same guard, stored by the same door. So a
// replay sends what is right now, never what was right then; where newer facts leave nothing to do, the failure ends instead.
import { HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { EXIT, Problem } from '../base/problem.ts';
import type { OperationKind, Skip } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import type { ReplayOrder } from '../planning/replay.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Entry, NewAct } from '../store/store.ts';
import type { ActResult } from './act-result.ts';
import { clockDoubt, withholdByDate } from './clock-watch.ts';
import { commitPlan } from './commit-plan.ts';
import {
  type Failure,
  factsDigest,
  readFailures,
  SKIP_HOURS,
  SKIP_HOURS_MAX,
  SKIP_LEAVER_HOURS_MAX,
} from './failures.ts';
import { breathe, type House, type LiveConnection } from './house.ts';
import { grantPlan, guardPlan, type JudgeOptions } from './judge.ts';
import { acceptedMapping, limitsOf } from './limits-in-force.ts';
import { openPlan, type Plan, planWorkers } from './plan.ts';

/** Operations in one act: a larger replay is several, so that each is judged, stored and answered for by itself. */
export const REPLAYED_TOGETHER_MAX = 1_000;
/** Workers whose history is read for a sentence of their own. */
const SENTENCES_MAX = 20;

/** What a replay of one worker's failed operations comes to. */
export interface ReplayedWorker {
  readonly worker: string;
  readonly connection: string;
  readonly failed: readonly number[];
  /**
   * `ordered`: goes out again; `refused`: planning itself refuses it again; `overtaken`: nothing is to be done any more; `held`: a
   * guard holds it, or it cannot be planned now.
   */
  readonly word: 'ordered' | 'refused' | 'overtaken' | 'held';
  readonly operations: readonly { readonly target: string; readonly kind: OperationKind }[];
  /** Why nothing goes out; '' where something does, and where nobody was asked. */
  readonly because: string;
}

export interface PlannedReplay extends Disposable {
  readonly live: LiveConnection;
  readonly plan: Plan;
  readonly options: JudgeOptions;
  readonly ids: ReadonlyMap<string, readonly number[]>;
}

/** Plans without storing anything. Dispose it when done. */
export async function planReplay(
  house: House,
  live: LiveConnection,
  failures: readonly Failure[],
  actor: string,
): Promise<PlannedReplay> {
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Problem(bound.faults);
  const now = nowOf(house.clock);
  const plan = openPlan(house, bound.mapping, live, now, actor);
  const met = new Set(plan.rules.mapping.targets.map(({ name }) => name));
  const ids = new Map<string, readonly number[]>();
  const orders = new Map<string, ReplayOrder>();
  for (const [worker, ours] of Map.groupBy(failures, ({ operation }) => operation.workerKey)) {
    const operations = ours.filter(({ operation }) => met.has(operation.target)).map(({ operation }) => operation.id);
    if (operations.length === 0) continue;
    ids.set(worker, operations);
    orders.set(worker, { operations, transition: ours[0]?.operation.transition ?? null });
  }
  await planWorkers(
    house,
    plan,
    [...orders].map(([key, replay]) => ({ key, employments: [], fingerprints: [], replay })),
  );
  const doubt = await clockDoubt(house);
  if (doubt !== null) await withholdByDate(house, plan, live.connection.policy, doubt);
  const options: JudgeOptions = {
    now,
    actor,
    limits: await limitsOf(house, live, false),
    covers: 'harmful',
    firstLoad: false,
  };
  return { live, plan, options, ids, [Symbol.dispose]: () => plan[Symbol.dispose]() };
}

/** What each replay would send now, or has been ordered to. */
export async function replayedWorkers(
  house: House,
  { live, plan, ids }: PlannedReplay,
  verdict: Verdict,
): Promise<readonly ReplayedWorker[]> {
  const { name } = live.connection;
  const said: ReplayedWorker[] = [];
  let sentences = 0;
  for (const [worker, failed] of ids) {
    const planned = plan.get(worker);
    const operations = planned?.plan.change?.operations ?? [];
    const unanswered = plan.unanswered.has(worker);
    const held =
      unanswered || (plan.candidates.has(worker) && !verdict.passes.has(worker) && !verdict.disableOnly.has(worker));
    const refusal = operations.find(({ refused }) => refused !== undefined)?.refused;
    const word = held ? 'held' : operations.length === 0 ? 'overtaken' : refusal !== undefined ? 'refused' : 'ordered';
    let because = word === 'refused' ? (refusal?.detail ?? '') : unanswered ? UNANSWERED : '';
    if (word === 'overtaken') {
      because = OVERTAKEN;
      if (sentences < SENTENCES_MAX) because = await overtakenBy(house, name, worker, failed);
      sentences += 1;
    }
    said.push({
      worker,
      connection: name,
      failed,
      word,
      operations: operations.map(({ target, kind }) => ({ target, kind })),
      because,
    });
    if (said.length % SENTENCES_MAX === 0) await breathe();
  }
  return said;
}

const UNANSWERED = 'a target does not say who is there, or the clock is in doubt: replay it again later';
const OVERTAKEN = 'nothing is to be done any more: the account is as the facts on file want it';

/** The newest decision that came after what failed, in words. */
async function overtakenBy(
  house: House,
  connection: string,
  worker: string,
  failed: readonly number[],
): Promise<string> {
  const entries = await house.store.audit.entriesOf(connection, worker);
  const failedAt = entries.findLastIndex(
    ({ body }) => failed.includes(Number(body.operation)) && body.state === 'failed',
  );
  const later = entries.slice(failedAt + 1).findLast((entry) => transitionOf(entry) !== null);
  return later === undefined ? OVERTAKEN : `superseded by the ${transitionOf(later)} of ${later.at.slice(0, 10)}`;
}

function transitionOf({ kind, body }: Entry): string | null {
  if (kind !== 'decision' || !Array.isArray(body.transitions)) return null;
  const [last] = (body.transitions as readonly unknown[]).slice(-1);
  return typeof last === 'string' ? last : null;
}

// ── acts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const idsOf = ({ args }: NewAct): readonly number[] =>
  Array.isArray(args.operations) ? args.operations.filter((one): one is number => typeof one === 'number') : [];

/** The failures that an act names, by connection; Problem where it names none or too many. */
async function namedFailures(house: House, act: NewAct) {
  const ids = idsOf(act);
  if (ids.length === 0 || ids.length > REPLAYED_TOGETHER_MAX) {
    throw new Problem({
      code: 'act.operations',
      message: `${act.kind} names ${ids.length} operation(s); it takes 1 to ${REPLAYED_TOGETHER_MAX}`,
    });
  }
  const failures = await readFailures(house.store, { operations: ids }, nowOf(house.clock));
  return { ids, byConnection: Map.groupBy(failures, ({ operation }) => operation.connection) };
}

/** Args: `operations`, ids of failed operations. Those that have not failed (any more) are reported and left alone. */
export async function replayAct(house: House, act: NewAct): Promise<ActResult> {
  const { ids, byConnection } = await namedFailures(house, act);
  const workers: ReplayedWorker[] = [];
  const ordered: number[] = [];
  for (const [name, failures] of byConnection) {
    const live = house.connections.get(name);
    if (live === undefined) continue;
    using replay = await planReplay(house, live, failures, `operator:${act.by}`);
    const verdict = await grantPlan(house, replay.plan, replay.options);
    const said = await replayedWorkers(house, replay, verdict);
    const { postponed } = await commitPlan(house, replay.plan, verdict, replay.options);
    const late = new Set(postponed);
    workers.push(...said.filter(({ worker }) => !late.has(worker)));
    ordered.push(
      ...(await orderedFor(
        house,
        said.filter(({ worker, word }) => word === 'ordered' && !late.has(worker)),
      )),
    );
    await noteReplay(house, act, name, said);
  }
  house.outboxFilled.ring();
  const count = (word: ReplayedWorker['word']): number => workers.filter((one) => one.word === word).length;
  const replayed = new Set(workers.flatMap(({ failed }) => failed));
  const left = ids.filter((id) => !replayed.has(id));
  const details: JsonObject = {
    ordered,
    workers: workers.map(({ worker, connection, word, failed, because }) => ({
      worker,
      connection,
      word,
      failed,
      because,
    })),
    notFailed: left,
  };
  const parts = [
    `${ordered.length} operation(s) of ${count('ordered')} worker(s) go out again`,
    ...(count('overtaken') > 0 ? [`${count('overtaken')} overtaken by newer facts`] : []),
    ...(count('refused') > 0 ? [`${count('refused')} refused again before anything is sent`] : []),
    ...(count('held') > 0
      ? [`${count('held')} held by a guard or a doubt: see rollcall holds and rollcall status`]
      : []),
    ...(left.length > 0 ? [`${left.length} not failed any more, left alone`] : []),
  ];
  return { ok: true, message: parts.join('; '), exitCode: count('held') > 0 ? EXIT.held : EXIT.fine, details };
}

/** Ids of what was put in the place of the failed operations. */
async function orderedFor(house: House, said: readonly ReplayedWorker[]): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const [connection, ours] of Map.groupBy(said, (one) => one.connection)) {
    const situations = await house.store.situations(
      connection,
      ours.map(({ worker }) => worker),
      { employments: false },
    );
    for (const { worker, failed, operations } of ours) {
      const targets = new Set(operations.map(({ target }) => target));
      const newest = Math.max(...failed);
      for (const one of situations.get(worker)?.operations ?? [])
        if (one.id > newest && targets.has(one.target) && one.state !== 'failed') ids.push(one.id);
    }
  }
  return ids;
}

async function noteReplay(
  house: House,
  act: NewAct,
  connection: string,
  said: readonly ReplayedWorker[],
): Promise<void> {
  await house.store.commit({
    connection,
    at: nowOf(house.clock),
    entries: said.map(({ worker, word, failed }) => ({
      kind: 'act',
      connection,
      workerKey: worker,
      actor: `operator:${act.by}`,
      body: {
        act: 'replay',
        reason: act.reason,
        osUser: act.osUser,
        channel: act.channel,
        operations: [...failed],
        came: word,
      },
    })),
  });
}

/** Args: `operations`, `hours`. */
export async function skipAct(house: House, act: NewAct): Promise<ActResult> {
  const { byConnection } = await namedFailures(house, act);
  const hours = Number(act.args.hours ?? SKIP_HOURS);
  const failures = [...byConnection.values()].flat();
  const leavers = failures.filter(({ leaver }) => leaver).length;
  const most = leavers > 0 ? SKIP_LEAVER_HOURS_MAX : SKIP_HOURS_MAX;
  if (!(hours > 0 && hours <= most)) {
    throw new Problem({
      code: 'act.hours',
      message: `a failure is set aside for more than 0 and at most ${most} hours${leavers > 0 ? ' where a leaver is among them' : ''}`,
    });
  }
  if (failures.length === 0) {
    throw new Problem({
      code: 'act.not-failed',
      message: 'none of these operations has failed',
      hint: 'see rollcall failed',
    });
  }
  const now = nowOf(house.clock);
  const until: Instant = plusMs(now, hours * HOUR_MS);
  for (const [connection, ours] of byConnection) {
    const mapping = await acceptedMapping(house.store, connection);
    const situations = await house.store.situations(connection, [
      ...new Set(ours.map(({ operation }) => operation.workerKey)),
    ]);
    const skips: Skip[] = ours.flatMap(({ operation }) => {
      const situation = situations.get(operation.workerKey);
      if (situation === undefined) return [];
      const { id } = operation;
      return [
        { operation: id, by: act.by, reason: act.reason, at: now, until, facts: factsDigest(situation), mapping },
      ];
    });
    await house.store.commit({
      connection,
      at: now,
      skips,
      entries: ours.map(({ operation }) => ({
        kind: 'act',
        connection,
        workerKey: operation.workerKey,
        actor: `operator:${act.by}`,
        body: {
          act: 'skip',
          reason: act.reason,
          osUser: act.osUser,
          channel: act.channel,
          operation: operation.id,
          target: operation.target,
          what: operation.kind,
          until,
        },
      })),
    });
  }
  return {
    ok: true,
    message: `set aside ${failures.length} failure(s) until ${until}, or until the record or the mapping changes${
      leavers > 0 ? `; ${leavers} of them of people who left, which is still tried` : ''
    }`,
    exitCode: EXIT.fine,
    details: { operations: failures.map(({ operation }) => operation.id), until },
  };
}

/** Verdict of a guard that only looks. */
export const judgeReplay = (house: House, { plan, options }: PlannedReplay): Promise<Verdict> =>
  guardPlan(house, plan, options);
