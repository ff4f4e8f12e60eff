// The one way from observations to stored decisions: plan everybody, let the guard judge the whole, then commit in slices.
// Feeds, the calendar, operators' acts and debts all come through here; they differ only in what they observed.
import { assert } from '../base/assert.ts';
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import type { TransitionName } from '../lifecycle/operation.ts';
import { UNKNOWN } from '../lifecycle/standing.ts';
import type { BoundMapping } from '../mapping/bound-mapping.ts';
import type {
  ChangeText,
  FingerprintChange,
  GuardUse,
  HoldChange,
  HoldItem,
  OperationKind,
  Situation,
} from '../planning/changeset.ts';
import { type Candidate, judge as judgeGuard, type Verdict } from '../planning/guard.ts';
import type { Harm } from '../planning/harm.ts';
import type { Limits } from '../planning/limits.ts';
import { complete, type PlanRules, prepare, type Refusal, type WorkerPlan } from '../planning/plan-worker.ts';
import { endsAnew, samePerson } from '../planning/same-person.ts';
import { sha256 } from '../runtime/hash.ts';
import { Spool } from '../runtime/spool.ts';
import { changeOf, changeText, foldName } from '../store/store.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import { type Acquaintance, acquaintanceOf } from './acquaintance.ts';
import { answersFor, type ClaimedAccounts, type GivenNames, noClaims } from './answers.ts';
import { metOnly } from './first-contact.ts';
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
  /** Of the delivery that was judged. Left out where none was: then an open hold of the feed counts as a tripped guard. */
  readonly seal?: 'whole' | 'broken';
  /** Only some of a delivery is judged. */
  readonly pilot?: boolean;
  /** Called after each slice with how many of how many are done. */
  readonly onProgress?: (phase: 'plan' | 'commit', done: number, total: number) => void;
}

/** Workers planned in one go: short enough to keep the event loop free. */
const SLICE = 100;
/** Workers in one commit. Those under way together share a transaction, so that a page which many of them touch is written once. */
const COMMIT_SLICE = 200;
/** Slices whose commits are under way at once: while they are stored the next are read from the spool. */
const COMMITS_AHEAD = 3;
/** A commit that meets somebody else's change is planned again; more often than this means a bug. */
const CONFLICT_ROUNDS_MAX = 5;

/** What is stored of one worker, and what the summary counts. */
interface Storable {
  readonly key: string;
  readonly change: ChangeText | null;
  readonly fingerprints: readonly FingerprintChange[];
  /** As the guard judged them. */
  readonly harms: readonly Harm[];
  readonly transitions: readonly TransitionName[];
  readonly refusals: readonly Refusal[];
  readonly operations: readonly OperationKind[];
}

/** A planned worker as the first line of a text; the change follows as it will be stored. */
interface Head {
  readonly plan: Omit<WorkerPlan, 'change'>;
  readonly observed: Omit<Observed, 'employments'>;
  /** Undefined where the change stores exactly what was observed. */
  readonly employments?: readonly Employment[];
  readonly operations: readonly OperationKind[];
}

function plannedText({ plan: { change, ...plan }, observed: { employments, ...observed } }: Planned): string {
  const stored = change?.employments ?? [];
  const same =
    stored.length === employments.length && stored.every((employment, index) => employment === employments[index]);
  const operations = change?.operations.map(({ kind }) => kind) ?? [];
  const head: Head = same ? { plan, observed, operations } : { plan, observed, operations, employments };
  return change === null ? JSON.stringify(head) : `${JSON.stringify(head)}\n${changeText(change)}`;
}

function readPlanned(text: string): { readonly head: Head; readonly change: ChangeText | null } {
  const end = text.indexOf('\n');
  return end < 0
    ? { head: JSON.parse(text) as Head, change: null }
    : { head: JSON.parse(text.slice(0, end)) as Head, change: text.slice(end + 1) as ChangeText };
}

/** A whole plan before anything of it is stored. */
export class Plan implements Disposable {
  readonly #spool: Spool;
  readonly #index = new Map<string, number>();
  readonly candidates = new Map<string, Candidate>();
  readonly given: GivenNames = new Map();
  readonly claimed: ClaimedAccounts = noClaims();
  /** Workers who lose access: committed before anybody else. */
  readonly #urgent = new Set<string>();
  /** Workers whose facts and standing differ for a reason: the very same file must be judged again. */
  readonly blocked = new Set<string>();
  /** Workers left out because a target did not tell whether they have an account there, with what was seen of them: they come again. */
  readonly unanswered = new Map<string, Observed>();
  /** Known employments whose row speaks of somebody else, or gives a last day of its own accord (same-person.ts). */
  readonly strangers = new Set<string>();
  /** Made with the first workers that are planned. */
  acquaintance?: Acquaintance;
  readonly rules: PlanRules;
  readonly signal: AbortSignal;

  constructor(stateDir: string, rules: PlanRules, signal: AbortSignal) {
    this.#spool = new Spool(stateDir);
    this.rules = rules;
    this.signal = signal;
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
    const { head, change: text } = readPlanned(this.#spool.get(at));
    const change = text === null ? null : changeOf(text);
    const employments = head.employments ?? change?.employments ?? [];
    return { plan: { ...head.plan, change }, observed: { ...head.observed, employments } };
  }

  /** As `get`, with the change in the words in which it is stored. */
  storable(key: string): Storable | null {
    const at = this.#index.get(key);
    if (at === undefined) return null;
    const { head, change } = readPlanned(this.#spool.get(at));
    const { plan, observed, operations } = head;
    const { harms, transitions, refusals } = plan;
    return { key, change, fingerprints: observed.fingerprints, harms, transitions, refusals, operations };
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
    if (this.has(plan.key)) this.drop(plan.key);
    this.#index.set(plan.key, this.#spool.add(plannedText(planned)));
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
  signal: AbortSignal = new AbortController().signal,
  presence?: Instant,
): Plan =>
  new Plan(
    house.stateDir,
    {
      mapping: metOnly(mapping, live),
      policy: live.connection.policy,
      now,
      actor,
      ...(presence === undefined ? {} : { presence }),
      sessionTargets: new Set([...live.targets.values()].filter((one) => one.endsSessions).map(({ name }) => name)),
    },
    signal,
  );

/** Plans these workers into the plan; an earlier plan for the same worker is replaced. */
export async function planWorkers(house: House, plan: Plan, observed: readonly Observed[]): Promise<void> {
  const { connection } = plan.rules.mapping;
  plan.acquaintance ??= acquaintanceOf(house, connection, plan.signal);
  for (let from = 0; from < observed.length; from += SLICE) {
    const slice = observed.slice(from, from + SLICE);
    const situations = await house.store.situations(
      connection,
      slice.map(({ key }) => key),
    );
    for (const one of slice) noteStrangers(plan, situations.get(one.key), one.employments);
    const prepared = slice.map((one) =>
      prepare(situations.get(one.key) ?? nobody(one.key), one.employments, plan.rules, one.orders),
    );
    const unanswered = new Set<string>();
    const { given, claimed, acquaintance } = plan;
    const answers = await answersFor(house.store, connection, prepared, given, claimed, acquaintance, unanswered);
    for (const [index, one] of slice.entries()) {
      const half = prepared[index];
      assert(half !== undefined, 'a worker of the slice was not prepared');
      const workerPlan = complete(half, answers[index] ?? new Map(), plan.rules);
      // Who may have an account there already waits for the next plan; a leave waits for nothing.
      const leaves = workerPlan.change?.operations.some(({ kind }) => kind === 'disable') === true;
      if (unanswered.has(one.key) && !leaves) {
        plan.unanswered.set(one.key, one);
        continue;
      }
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

function noteStrangers(plan: Plan, situation: Situation | undefined, rows: readonly Employment[]): void {
  if (situation === undefined) return;
  const { now } = plan.rules;
  for (const row of rows) {
    const onFile = situation.employments.find(({ id }) => id === row.id);
    if (onFile === undefined) continue;
    const [known, said] = [inForceAt(onFile, now), inForceAt(row, now)];
    if (!samePerson(known, said) || endsAnew(known, said, row.asOf)) plan.strangers.add(row.id);
    else plan.strangers.delete(row.id);
  }
}

const nobody = (key: string): Situation => ({
  key,
  revision: 0,
  standing: UNKNOWN,
  employments: [],
  accounts: [],
  operations: [],
  suspicion: null,
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
  // The hold of a feed that is whole again, looked at by a plan that stores nothing.
  if (options.seal === 'whole') open.delete('feed');
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
    otherGuardTripped: options.seal === 'broken',
    pilot: options.pilot === true,
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
  let slice: Storable[] = [];
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
    // Leavers are stored before anybody else is, and on their way while the others still are.
    if (index === urgent && urgent > 0) {
      await flush(0);
      house.outboxFilled.ring();
    }
    const candidate = plan.candidates.has(key);
    const whole = !candidate || verdict.passes.has(key);
    const disableOnly = candidate && verdict.disableOnly.has(key);
    if (!whole && !disableOnly) {
      count(tally, 'held');
      continue;
    }
    const storable = disableOnly ? onlyDisable(plan, key) : plan.storable(key);
    assert(storable !== null, 'a planned worker is not in the spool');
    for (const transition of storable.transitions) count(tally, transition);
    for (const refusal of storable.refusals) count(tally, `refused:${refusal.code}`);
    if (storable.change === null && storable.fingerprints.length === 0) {
      count(tally, 'unchanged');
      continue;
    }
    if (storable.change === null || storable.transitions.length === 0) count(tally, 'unchanged');
    for (const kind of storable.operations) count(tally, `operation:${kind}`);
    slice.push(storable);
    if (slice.length >= COMMIT_SLICE) await flush(index < urgent ? 0 : COMMITS_AHEAD - 1);
  }
  await flush(0);
  if (done > 0) house.outboxFilled.ring();
  return { tally, held: verdict.holds.filter(({ items }) => items.length > 0), postponed };
}

/** A leaver of whom something else is held: access ends now, the rest is judged again at the next look. */
function onlyDisable(plan: Plan, key: string): Storable | null {
  const planned = plan.get(key);
  const storable = plan.storable(key);
  if (planned === null || storable === null || planned.plan.change === null) return storable;
  const { change, harms } = planned.plan;
  const adopting = new Set(harms.filter(({ kind }) => kind === 'adoption').map(({ target }) => target));
  const operations = change.operations.filter(
    ({ kind, target, undoes }) =>
      (kind === 'disable' || kind === 'revokeSessions' || undoes === true) && !adopting.has(target),
  );
  const accounts = change.accounts.filter(({ target }) => !adopting.has(target));
  return {
    ...storable,
    change: changeText({ ...change, operations, accounts }),
    fingerprints: storable.fingerprints.map(({ employmentId }) => ({ employmentId, digests: [] })),
    operations: operations.map(({ kind }) => kind),
  };
}

/** Commits a slice; where another change came first, those workers alone are planned again. Returns whom it gave up on. */
async function commitSlice(
  house: House,
  plan: Plan,
  slice: readonly Storable[],
  allowed: { readonly uses: ReadonlyMap<string, readonly GuardUse[]>; readonly partial: ReadonlySet<string> },
  options: JudgeOptions,
  round: number,
): Promise<readonly string[]> {
  const { connection } = plan.rules.mapping;
  const result = await house.store.commit({
    connection,
    at: options.now,
    workers: slice.flatMap(({ change }) => (change === null ? [] : [change])),
    fingerprints: slice.flatMap(({ fingerprints }) => fingerprints),
    ...(options.fingerprintContext === undefined ? {} : { fingerprintContext: options.fingerprintContext }),
    guardUses: slice.flatMap(({ key }) => allowed.uses.get(key) ?? []),
  });
  if (result.kind === 'applied') return [];
  if (round >= CONFLICT_ROUNDS_MAX) return slice.map(({ key }) => key);
  for (const { target, userName } of result.names) plan.given.get(target)?.delete(foldName(userName));
  const stale = new Set(result.workers);
  const named = new Set(result.names.map(({ userName }) => foldName(userName)));
  const hasName = (change: ChangeText | null): boolean =>
    change !== null && changeOf(change).accounts.some(({ userName }) => named.has(foldName(userName)));
  const again = slice.filter(({ key, change }) => stale.has(key) || hasName(change));
  const rest = slice.filter((one) => !again.includes(one));
  await planWorkers(
    house,
    plan,
    again.flatMap(({ key }) => plan.get(key)?.observed ?? []),
  );
  const replanned = again.flatMap((judged) => {
    const planned = allowed.partial.has(judged.key) ? onlyDisable(plan, judged.key) : plan.storable(judged.key);
    // What was not judged by the guard waits for the next look.
    return planned === null || JSON.stringify(planned.harms) !== JSON.stringify(judged.harms) ? [] : [planned];
  });
  const dropped = again.map(({ key }) => key).filter((key) => !replanned.some((one) => one.key === key));
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
