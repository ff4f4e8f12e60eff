// The one way from observations to stored decisions: plan everybody, let the guard judge the whole, then commit in slices.
// Feeds, the calendar, operators' acts and debts all come through here; they differ only in what they observed.
import { assert } from '../base/assert.ts';
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import { UNKNOWN } from '../lifecycle/standing.ts';
import type { BoundMapping } from '../mapping/bound-mapping.ts';
import type {
  FingerprintChange,
  GuardUse,
  HoldChange,
  HoldItem,
  Situation,
  WorkerChange,
} from '../planning/changeset.ts';
import { type Candidate, judge as judgeGuard, type Verdict } from '../planning/guard.ts';
import type { Limits } from '../planning/limits.ts';
import { audited, complete, type PlanRules, prepare, type WorkerPlan } from '../planning/plan-worker.ts';
import { sha256 } from '../runtime/hash.ts';
import { Spool } from '../runtime/spool.ts';
import { foldName } from '../store/store.ts';
import type { Employment } from '../worker/worker.ts';
import { answersFor, type ClaimedAccounts, type GivenNames, noClaims } from './answers.ts';
import { breathe, count, type House, type LiveConnection, type Tally } from './house.ts';
import { establishedPopulation } from './population.ts';

/** What was seen of one worker. Without employments the facts on file are judged again. */
export interface Observed {
  readonly key: string;
  readonly employments: readonly Employment[];
  readonly fingerprints: readonly FingerprintChange[];
  readonly orders?: readonly LifecycleEvent[];
}

export interface Planned {
  readonly plan: WorkerPlan;
  readonly observed: Observed;
}

export interface JudgeOptions {
  readonly now: Instant;
  readonly actor: string;
  readonly limits: Limits;
  readonly fingerprintContext?: string;
  /** `all`: a snapshot was judged, holds keep nothing else. Otherwise only the judged workers' hold items are replaced. */
  /** `harmful`: the facts on file were judged; what they do not show may stand in a record that only the feed has, and stays held. */
  readonly covers: 'everyone' | 'judged' | 'harmful';
  readonly rows?: { readonly total: number; readonly rejected: number; readonly newlyRejected: number };
  readonly firstLoad: boolean;
  /** Called after each slice with how many of how many are done. */
  readonly onProgress?: (phase: 'plan' | 'commit', done: number, total: number) => void;
}

/** Workers in one slice of planning and of one commit: short enough to keep the event loop free. */
const SLICE = 100;
/** Slices whose commits are under way at once: while one is stored the next are read from the spool. */
const COMMITS_AHEAD = 4;
/** A commit that meets somebody else's change is planned again; more often than this means a bug. */
const CONFLICT_ROUNDS_MAX = 5;

/** What was observed is mostly what the change stores: it is written once. */
interface Spooled {
  readonly plan: WorkerPlan;
  readonly observed: Omit<Observed, 'employments'>;
  /** Undefined where the change stores exactly what was observed. */
  readonly employments?: readonly Employment[];
}

function spooled({ plan, observed }: Planned): Spooled {
  const { employments, ...rest } = observed;
  const stored = plan.change?.employments ?? [];
  const same =
    stored.length === employments.length && stored.every((employment, index) => employment === employments[index]);
  return same ? { plan, observed: rest } : { plan, observed: rest, employments };
}

/** A whole plan before anything of it is stored. */
export class Plan implements Disposable {
  readonly #spool: Spool<Spooled>;
  readonly #index = new Map<string, number>();
  readonly candidates = new Map<string, Candidate>();
  readonly given: GivenNames = new Map();
  readonly claimed: ClaimedAccounts = noClaims();
  /** Workers who lose access: committed before anybody else. */
  readonly #urgent = new Set<string>();
  /** Workers whose facts and standing differ for a reason: the very same file must be judged again. */
  readonly blocked = new Set<string>();
  readonly rules: PlanRules;

  constructor(stateDir: string, rules: PlanRules) {
    this.#spool = new Spool<Spooled>(stateDir);
    this.rules = rules;
  }

  get size(): number {
    return this.#index.size;
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  get(key: string): Planned | null {
    const at = this.#index.get(key);
    if (at === undefined) return null;
    const { plan, observed, employments } = this.#spool.get(at);
    return { plan, observed: { ...observed, employments: employments ?? plan.change?.employments ?? [] } };
  }

  /** Takes a worker out again: their rows turned out to contradict each other. */
  drop(key: string): void {
    this.#index.delete(key);
    this.candidates.delete(key);
    this.#urgent.delete(key);
    this.blocked.delete(key);
  }

  put(planned: Planned): void {
    const { plan } = planned;
    this.drop(plan.key);
    this.#index.set(plan.key, this.#spool.add(spooled(planned)));
    if (plan.harms.length > 0) this.candidates.set(plan.key, { workerKey: plan.key, harms: plan.harms });
    if (plan.blocked) this.blocked.add(plan.key);
    if (plan.change?.operations.some(({ kind }) => kind === 'disable') === true) this.#urgent.add(plan.key);
  }

  /** The leavers among `keys()`: so many of them come first. */
  get urgentSize(): number {
    return this.#urgent.size;
  }

  /** Leavers first, then everybody in the order they were planned. */
  *keys(): Iterable<string> {
    yield* this.#urgent;
    for (const key of this.#index.keys()) if (!this.#urgent.has(key)) yield key;
  }

  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }
}

export const openPlan = (
  house: House,
  mapping: BoundMapping,
  live: LiveConnection,
  now: Instant,
  actor: string,
): Plan => new Plan(house.stateDir, { mapping, policy: live.connection.policy, now, actor });

/** Plans these workers into the plan; an earlier plan for the same worker is replaced. */
export async function planWorkers(house: House, plan: Plan, observed: readonly Observed[]): Promise<void> {
  const { connection } = plan.rules.mapping;
  for (let from = 0; from < observed.length; from += SLICE) {
    const slice = observed.slice(from, from + SLICE);
    const situations = await house.store.situations(
      connection,
      slice.map(({ key }) => key),
    );
    const prepared = slice.map((one) =>
      prepare(situations.get(one.key) ?? nobody(one.key), one.employments, plan.rules, one.orders),
    );
    const answers = await answersFor(house.store, connection, prepared, plan.given, plan.claimed);
    for (const [index, one] of slice.entries()) {
      const half = prepared[index];
      assert(half !== undefined, 'a worker of the slice was not prepared');
      const workerPlan = complete(half, answers[index] ?? new Map(), plan.rules);
      const fingerprints = workerPlan.blocked
        ? one.fingerprints.map(({ employmentId }) => ({ employmentId, digests: [] }))
        : one.fingerprints;
      plan.put({ plan: workerPlan, observed: { ...one, fingerprints } });
    }
    await breathe();
  }
  // Somebody planned before claims an account that turned out to be claimed twice: they are planned again, knowing that.
  const contested = [...plan.claimed.contested].flatMap((key) => plan.get(key)?.observed ?? []);
  plan.claimed.contested.clear();
  if (contested.length > 0) await planWorkers(house, plan, contested);
}

const nobody = (key: string): Situation => ({
  key,
  revision: 0,
  standing: UNKNOWN,
  employments: [],
  accounts: [],
  operations: [],
  suspectedSince: null,
  dueAt: null,
});

/** The guard's word on the whole plan. Reads windows, approvals and open holds; changes nothing. */
export async function guardPlan(house: House, plan: Plan, options: JudgeOptions): Promise<Verdict> {
  const { connection, digest } = plan.rules.mapping;
  const { store } = house;
  const { now } = options;
  const [population, hour, day, week, approvals, discards, holds] = await Promise.all([
    establishedPopulation(house, connection, now),
    store.guardWindow(connection, plusMs(now, -HOUR_MS)),
    store.guardWindow(connection, plusMs(now, -DAY_MS)),
    store.guardWindow(connection, plusMs(now, -7 * DAY_MS)),
    store.approvals(connection, now),
    store.discards(connection, now),
    store.holds(connection, Number.MAX_SAFE_INTEGER),
  ]);
  const open = new Map<HoldChange['kind'], readonly HoldItem[]>(holds.map((hold) => [hold.kind, hold.items]));
  const judged =
    options.covers === 'everyone'
      ? ('everyone' as const)
      : new Set(options.covers === 'judged' ? plan.keys() : plan.candidates.keys());
  return judgeGuard({
    connection,
    now,
    population,
    candidates: [...plan.candidates.values()],
    used: { hour, day, week },
    approvals,
    discards,
    limits: options.limits,
    mappingDigest: digest,
    sha256,
    ...(options.rows === undefined ? {} : { rows: options.rows }),
    firstLoad: options.firstLoad,
    open,
    covers: judged,
  });
}

export interface Committed {
  readonly tally: Tally;
  readonly held: readonly HoldChange[];
  /** Workers left for the next look because somebody else kept changing them. */
  readonly postponed: readonly string[];
}

/** Stores what passed, in slices that are each whole; held workers keep their old standing and no fingerprint. */
export async function commitPlan(
  house: House,
  plan: Plan,
  verdict: Verdict,
  options: JudgeOptions,
): Promise<Committed> {
  const { connection } = plan.rules.mapping;
  const tally: Tally = {};
  const postponed: string[] = [];
  const usesByKey = Map.groupBy(verdict.uses, (use) => use.workerKey);
  let slice: Planned[] = [];
  let done = 0;

  // Holds first: what is withheld must be visible from the moment anything else of the plan is.
  if (verdict.holds.length > 0) {
    const before = await house.store.holds(connection, Number.MAX_SAFE_INTEGER);
    const news = verdict.holds.filter(
      (hold) => !sameItems(hold.items, before.find(({ kind }) => kind === hold.kind)?.items ?? []),
    );
    await house.store.commit({
      connection,
      at: options.now,
      holds: verdict.holds,
      entries: holdEntries(plan, news, options),
    });
  }
  const allowed = { uses: usesByKey, partial: verdict.disableOnly };
  const underWay = new Set<Promise<void>>();
  let broken: { readonly error: unknown } | null = null;
  const flush = async (most: number): Promise<void> => {
    const storing = slice;
    slice = [];
    if (storing.length > 0) {
      const stored = commitSlice(house, plan, storing, allowed, options, 0)
        .then((dropped) => {
          postponed.push(...dropped);
          done += storing.length;
          options.onProgress?.('commit', done, plan.size);
        })
        .catch((error: unknown) => {
          broken ??= { error };
        })
        .finally(() => underWay.delete(stored));
      underWay.add(stored);
      await breathe();
    }
    while (underWay.size > most) await Promise.race(underWay);
    if (broken !== null) {
      await Promise.all(underWay);
      throw (broken as { readonly error: unknown }).error;
    }
  };
  const urgent = plan.urgentSize;
  // Who is planned again on the way is stored with the slice they stood in.
  for (const [index, key] of [...plan.keys()].entries()) {
    // Leavers are stored before anybody else is.
    if (index === urgent) await flush(0);
    const candidate = plan.candidates.has(key);
    const whole = !candidate || verdict.passes.has(key);
    const disableOnly = candidate && verdict.disableOnly.has(key);
    const planned = plan.get(key);
    assert(planned !== null, 'a planned worker is not in the spool');
    if (!whole && !disableOnly) {
      count(tally, 'held');
      continue;
    }
    const storable = disableOnly ? onlyDisable(planned) : planned;
    for (const transition of storable.plan.transitions) count(tally, transition);
    for (const refusal of storable.plan.refusals) count(tally, `refused:${refusal.code}`);
    if (storable.plan.change === null && storable.observed.fingerprints.length === 0) {
      count(tally, 'unchanged');
      continue;
    }
    if (storable.plan.change === null || storable.plan.transitions.length === 0) count(tally, 'unchanged');
    for (const { kind } of storable.plan.change?.operations ?? []) count(tally, `operation:${kind}`);
    slice.push(storable);
    if (slice.length >= SLICE) await flush(index < urgent ? 0 : COMMITS_AHEAD - 1);
  }
  await flush(0);
  if (done > 0) house.outboxFilled.ring();
  return { tally, held: verdict.holds.filter(({ items }) => items.length > 0), postponed };
}

/** A leaver of whom something else is held: access ends now, the rest is judged again at the next look. */
function onlyDisable(planned: Planned): Planned {
  const { change } = planned.plan;
  if (change === null) return planned;
  const adopting = new Set(planned.plan.harms.filter(({ kind }) => kind === 'adoption').map(({ target }) => target));
  const operations = change.operations.filter((one) => one.kind === 'disable' && !adopting.has(one.target));
  const kept: WorkerChange = {
    ...change,
    operations,
    accounts: change.accounts.filter(({ target }) => !adopting.has(target)),
  };
  const fingerprints = planned.observed.fingerprints.map(({ employmentId }) => ({ employmentId, digests: [] }));
  return { plan: { ...planned.plan, change: kept }, observed: { ...planned.observed, fingerprints } };
}

/** Commits a slice; where another change came first, those workers alone are planned again. Returns whom it gave up on. */
async function commitSlice(
  house: House,
  plan: Plan,
  slice: readonly Planned[],
  allowed: { readonly uses: ReadonlyMap<string, readonly GuardUse[]>; readonly partial: ReadonlySet<string> },
  options: JudgeOptions,
  round: number,
): Promise<readonly string[]> {
  const { connection } = plan.rules.mapping;
  const changes = slice.flatMap(({ plan: { change } }) => (change === null ? [] : [audited(change)]));
  const fingerprints = slice.flatMap(({ observed }) => observed.fingerprints);
  const result = await house.store.commit({
    connection,
    at: options.now,
    workers: changes,
    fingerprints,
    ...(options.fingerprintContext === undefined ? {} : { fingerprintContext: options.fingerprintContext }),
    guardUses: slice.flatMap(({ plan: { key } }) => allowed.uses.get(key) ?? []),
  });
  if (result.kind === 'applied') return [];
  if (round >= CONFLICT_ROUNDS_MAX) return slice.map(({ plan: { key } }) => key);
  for (const { target, userName } of result.names) plan.given.get(target)?.delete(foldName(userName));
  const stale = new Set(result.workers);
  const named = new Set(result.names.map(({ userName }) => foldName(userName)));
  const again = slice.filter(
    ({ plan: { key, change } }) =>
      stale.has(key) || change?.accounts.some(({ userName }) => named.has(foldName(userName))) === true,
  );
  const rest = slice.filter((one) => !again.includes(one));
  const before = new Map(again.map(({ plan: { key, harms } }) => [key, JSON.stringify(harms)]));
  await planWorkers(
    house,
    plan,
    again.map(({ observed }) => observed),
  );
  const replanned = again.flatMap(({ plan: { key } }) => {
    const planned = plan.get(key);
    // What was not judged by the guard waits for the next look.
    if (planned === null || JSON.stringify(planned.plan.harms) !== before.get(key)) return [];
    return [allowed.partial.has(key) ? onlyDisable(planned) : planned];
  });
  const dropped = again.map(({ plan: { key } }) => key).filter((key) => !replanned.some((one) => one.plan.key === key));
  return [...dropped, ...(await commitSlice(house, plan, [...rest, ...replanned], allowed, options, round + 1))];
}

const sameItems = (a: readonly HoldItem[], b: readonly HoldItem[]): boolean =>
  a.length === b.length && new Set([...a, ...b].map(({ digest }) => digest)).size === a.length;

/** A hold is written down when it opens, changes or empties, not at every look. */
function holdEntries(plan: Plan, news: readonly HoldChange[], options: JudgeOptions) {
  return news.map((hold) => ({
    kind: 'hold',
    connection: plan.rules.mapping.connection,
    workerKey: null,
    actor: options.actor,
    body: { hold: hold.kind, reason: hold.reason, items: hold.items.length, mapping: plan.rules.mapping.digest },
  }));
}
