// Who is to be planned again because a further source says something new.
import type { Instant } from '../base/instant.ts';
import type { AlsoJoin } from '../mapping/bound-mapping.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import { nowOf } from '../runtime/clock.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import { commitPlan } from './commit-plan.ts';
import { type CycleReport, EMPTY_REPORT } from './cycle-report.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import { meetTargets } from './first-contact.ts';
import type { House, LiveConnection } from './house.ts';
import { grantPlan, type JudgeOptions } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';
import { openPlan, type Plan, planWorkers } from './plan.ts';

/** What a further source may lead to; every other hold is about what the first one says. */
const GIVEN: ReadonlySet<string> = new Set(['attributeChanged', 'valueBlanked', 'rename', 'membershipRemoved']);
/** Keys looked up, or settled, at once. */
const BATCH = 1_000;

/** Keys that say something new, by source, and the workers whom they join. */
export interface Joined {
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  readonly workers: ReadonlyMap<string, readonly { readonly source: string; readonly key: string }[]>;
}

/** Who is to be judged because a further source says something that they were not judged with. */
export async function joinedWorkers(
  house: House,
  { name }: { readonly name: string },
  also: readonly AlsoJoin[],
  overlay: FactsOverlay | null,
): Promise<Joined> {
  const now = nowOf(house.clock);
  const keys = new Map<string, Set<string>>();
  const workers = new Map<string, { source: string; key: string }[]>();
  const meet = (worker: string, source: string, key: string): void => {
    workers.set(worker, [...(workers.get(worker) ?? []), { source, key }]);
  };
  for (const join of also) {
    const due = new Set(overlay?.keys(join.name) ?? []);
    for await (const page of house.store.dueFacts(name, join.name)) for (const key of page) due.add(key);
    if (due.size > 0) keys.set(join.name, due);
  }
  for (const join of also.filter(({ byId }) => byId)) {
    const due = [...(keys.get(join.name) ?? [])];
    for (let from = 0; from < due.length; from += BATCH) {
      const owners = await house.store.workerKeysOf(name, due.slice(from, from + BATCH));
      for (const [key, worker] of owners) meet(worker, join.name, key);
    }
  }
  const others = also.filter(({ byId, name: source }) => !byId && keys.has(source));
  if (others.length > 0) await meetAll(house, name, { others, keys, now, meet });
  return { keys, workers };
}

/** What somebody is found by is computed from their facts: nothing but a look at everybody tells who has it. */
async function meetAll(
  house: House,
  connection: string,
  {
    others,
    keys,
    now,
    meet,
  }: {
    readonly others: readonly AlsoJoin[];
    readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
    readonly now: Instant;
    readonly meet: (worker: string, source: string, key: string) => void;
  },
): Promise<void> {
  for await (const page of house.store.allEmployments(connection)) {
    for (const { worker, employment } of page) {
      for (const join of others) {
        const key = join.joinKey(inForceAt(employment, now));
        if (key !== '' && keys.get(join.name)?.has(key) === true) meet(worker, join.name, key);
      }
    }
  }
}

/** Plans those who are not planned already on the facts on file; whoever is planned has met their facts there. */
export async function planJoined(
  house: House,
  plan: Plan,
  joined: Joined,
  wanted: (worker: string) => boolean,
): Promise<void> {
  const keys = [...joined.workers.keys()].filter((key) => !plan.has(key) && wanted(key));
  await planWorkers(
    house,
    plan,
    keys.map((key) => ({ key, employments: [], fingerprints: [] })),
  );
}

/** Once the plan is stored: all but what joins somebody who has to come again. What is held has its hold to be judged by. */
export async function settleJoined(
  house: House,
  plan: Plan,
  joined: Joined,
  postponed: readonly string[],
): Promise<void> {
  const { connection } = plan.rules.mapping;
  const late = new Set([...plan.unanswered.keys(), ...postponed]);
  const open = new Set(
    [...late].flatMap((worker) => joined.workers.get(worker) ?? []).map(({ source, key }) => `${source} ${key}`),
  );
  for (const [source, keys] of joined.keys) {
    const judged = [...keys].filter((key) => !open.has(`${source} ${key}`));
    for (let from = 0; from < judged.length; from += BATCH) {
      const slice = judged.slice(from, from + BATCH);
      await house.store.commit({ connection, at: plan.rules.now, facts: { source, judged: slice } });
    }
  }
}

/** A cycle in which the first source has nothing new, but a further one has. Null when nobody is to be judged. */
export async function judgeJoined(
  house: House,
  live: LiveConnection,
  actor: string,
  signal: AbortSignal,
): Promise<CycleReport | null> {
  const { name } = live.connection;
  if (live.also.length === 0 || !(await house.store.anyDueFacts(name))) return null;
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Error(`bug: connection ${name} does not bind without a feed`);
  await meetTargets(house, live, { actor, signal, all: true });
  const now = nowOf(house.clock);
  using plan = openPlan(house, bound.mapping, live, now, actor, signal);
  const joined = await joinedWorkers(house, live.connection, bound.mapping.also, null);
  // What a row of the first source would do to somebody is not on file: judged without it, it would fall out of its hold.
  const waiting = heldWorkers(
    (await house.store.holds(name, Number.MAX_SAFE_INTEGER)).filter(({ kind }) => !GIVEN.has(kind)),
  );
  await planJoined(house, plan, joined, (worker) => !waiting.has(worker));
  const options: JudgeOptions = {
    now,
    actor,
    limits: await limitsOf(house, live, false),
    covers: 'judged',
    firstLoad: false,
  };
  const verdict = await grantPlan(house, plan, options);
  const committed = await commitPlan(house, plan, verdict, options);
  await settleJoined(house, plan, joined, [...committed.postponed, ...waiting]);
  const holds = await house.store.holds(name, 0);
  return {
    ...EMPTY_REPORT,
    connection: name,
    kind: holds.length > 0 ? 'held' : 'done',
    reason: 'what further sources say',
    tally: committed.tally,
    holds: holds.map(({ kind, reason, itemCount }) => ({ kind, reason, items: itemCount })),
  };
}
