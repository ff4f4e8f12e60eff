// The one way from observations to stored decisions: plan everybody, let the guard judge the whole, then commit in slices.
// Feeds, the calendar, operators' acts and debts all come through here; they differ only in what they observed.
import { assert } from '../base/assert.ts';
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import { UNKNOWN } from '../lifecycle/standing.ts';
import type { BoundMapping } from '../mapping/bound-mapping.ts';
import type {
  AccountState,
  ChangeText,
  GuardUse,
  HoldChange,
  HoldItem,
  LaidOut,
  MembershipPayload,
  NewOperation,
  PackedChanges,
  Situation,
} from '../planning/changeset.ts';
import { type Candidate, judge as judgeGuard, type Verdict } from '../planning/guard.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import type { Limits } from '../planning/limits.ts';
import { complete, type PlanRules, prepare } from '../planning/plan-worker.ts';
import { endsAnew, samePerson } from '../planning/same-person.ts';
import { sha256 } from '../runtime/hash.ts';
import { changeOf, changeText, foldName, type Hold } from '../store/store.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import { type Acquaintance, acquaintanceOf } from './acquaintance.ts';
import { answersFor, type ClaimedAccounts, type GivenNames, noClaims } from './answers.ts';
import { heldBack, readAnew } from './erased.ts';
import { withFacts } from './facts-met.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import { metOnly } from './first-contact.ts';
import { heldLeaverEntries } from './held-leavers.ts';
import { breathe, count, type House, type LiveConnection, type Tally } from './house.ts';
import type { LaidSlice, LayingOut } from './laying-out.ts';
import { isOvertaken } from './overtaken-rows.ts';
import { type Head, type Observed, type Planned, PlannedSpool, type Storable } from './planned-spool.ts';
import type { Berth, PlansUnderWay } from './plans-under-way.ts';
import { establishedPopulation } from './population.ts';
import type { Turn } from './turn.ts';
import { countUnits, unitLimits } from './unit-population.ts';

export type { Observed, Planned } from './planned-spool.ts';

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

/** Workers planned in one go: few enough to keep the event loop free, and to be gone before the collector would keep them. */
const SLICE = 25;
/** Workers in one commit. Those under way together share a transaction, so that a page which many of them touch is written once. */
const COMMIT_SLICE = 600;
/** Slices whose commits are under way at once: while they are stored the next are read from the spool. About 6 MB of bytes. */
const COMMITS_AHEAD = 3;
/** The same of slices that were laid out: they take no memory here. */
const LAID_OUT_AHEAD = 6;
/** A commit that meets somebody else's change is planned again; more often than this means a bug. */
const CONFLICT_ROUNDS_MAX = 5;

/** A whole plan before anything of it is stored. */
export class Plan implements Disposable {
  readonly #spool: PlannedSpool;
  readonly #index = new Map<string, number>();
  readonly candidates = new Map<string, Candidate>();
  readonly given: GivenNames = new Map();
  readonly claimed: ClaimedAccounts = noClaims();
  /** Has the store lay out what it will be asked to store, while the rest is still being planned. */
  layingOut: LayingOut | null = null;
  /** Workers who lose access: committed before anybody else. */
  readonly #urgent = new Set<string>();
  /** Workers whose facts and standing differ for a reason: the very same file must be judged again. */
  readonly blocked = new Set<string>();
  /** Workers left out because a target did not tell whether they have an account there, with what was seen of them: they come again. */
  readonly unanswered = new Map<string, Observed>();
  /** Known employments whose row speaks of somebody else, or gives a last day of its own accord (same-person.ts). */
  readonly strangers = new Set<string>();
  /** Whether what the feed says next may be an export from before what was told beside it. */
  feedLags = false;
  /** What further sources have just said, where that is not stored. */
  overlay: FactsOverlay | null = null;
  /** Made with the first workers that are planned. */
  acquaintance?: Acquaintance;
  readonly rules: PlanRules;
  readonly signal: AbortSignal;
  /** Its place among the plans of this connection that are under way. */
  readonly berth: Berth;
  /** One guard's word at a time. */
  readonly turn: Turn;

  constructor(stateDir: string, rules: PlanRules, signal: AbortSignal, underWay: PlansUnderWay) {
    this.#spool = new PlannedSpool(stateDir);
    this.rules = rules;
    this.signal = signal;
    this.berth = underWay.open();
    this.turn = underWay.turn;
  }

  get size(): number {
    return this.#index.size;
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  get(key: string): Planned | null {
    const slot = this.#index.get(key);
    return slot === undefined ? null : this.#spool.get(key, slot);
  }

  /** As `get`, with the change in the words in which it is stored. */
  storable(key: string): Storable | null {
    const slot = this.#index.get(key);
    return slot === undefined ? null : this.#spool.storable(key, slot);
  }

  /** What the plan knows of a worker beside what is to be stored. */
  head(key: string): Head {
    return this.#spool.head(this.#slot(key));
  }

  hasChange(key: string): boolean {
    return this.#spool.hasChange(this.#slot(key));
  }

  /** The changes of workers who have one, as the store takes them. */
  packed(keys: readonly string[]): PackedChanges {
    return this.#spool.packed(keys.map((key) => this.#slot(key)));
  }

  /** The store is done with what `packed` gave. */
  giveBack(packed: PackedChanges): void {
    this.#spool.giveBack(packed);
  }

  /** The slots from `from` on up to the one before `to`, as the store takes them; null unless all of them are new work that harms nobody. */
  packedSlots(from: number, to: number): PackedChanges | null {
    const slots = Array.from({ length: to - from }, (_, index) => from + index);
    return slots.every((slot) => this.#spool.hasChange(slot) && !this.#harms(slot)) ? this.#spool.packed(slots) : null;
  }

  #harms(slot: number): boolean {
    const { plan, operations } = this.#spool.head(slot);
    return plan.harms.length > 0 || operations.includes('disable');
  }

  /** How many slots were given; a worker who is planned again gets another one. */
  get slots(): number {
    return this.#spool.size;
  }

  /** What is laid out of the slice in which this worker stands; null where something of that slice has changed since. */
  laidOut(key: string): LaidSlice | null {
    return this.layingOut?.at(this.#slot(key)) ?? null;
  }

  #slot(key: string): number {
    const slot = this.#index.get(key);
    assert(slot !== undefined, 'a planned worker is in the spool');
    return slot;
  }

  /** Takes a worker out again: their rows turned out to contradict each other. */
  drop(key: string): void {
    const slot = this.#index.get(key);
    if (slot !== undefined) this.layingOut?.spoil(slot);
    this.#index.delete(key);
    this.candidates.delete(key);
    this.#urgent.delete(key);
    this.blocked.delete(key);
  }

  put(planned: Planned): void {
    const { plan } = planned;
    if (this.has(plan.key)) this.drop(plan.key);
    this.#index.set(plan.key, this.#spool.add(planned));
    const { harms, unit } = plan;
    if (harms.length > 0)
      this.candidates.set(plan.key, { workerKey: plan.key, harms, ...(unit === undefined ? {} : { unit }) });
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
    this.berth.leave();
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
): Plan => {
  const plan = new Plan(
    house.stateDir,
    {
      mapping: metOnly(mapping, live),
      policy: live.connection.policy,
      now,
      actor,
      ...(live.connection.limitsPer === null ? {} : { limitsPer: live.connection.limitsPer }),
      ...(presence === undefined ? {} : { presence }),
      sessionTargets: new Set([...live.targets.values()].filter((one) => one.endsSessions).map(({ name }) => name)),
    },
    signal,
    live.plans,
  );
  plan.feedLags = feedLags(live);
  return plan;
};

/** What can be asked about single workers answers with what is so now; a delta is told anew. An export may be from before. */
export const feedLags = ({ source, connection }: LiveConnection): boolean =>
  source.about === undefined && connection.source.content === 'snapshot';

/** Plans these workers into the plan; an earlier plan for the same worker is replaced. */
export async function planWorkers(house: House, plan: Plan, observed: readonly Observed[]): Promise<void> {
  const { connection } = plan.rules.mapping;
  plan.acquaintance ??= acquaintanceOf(house, connection, plan.signal);
  for (let from = 0; from < observed.length; from += SLICE) {
    const slice = observed.slice(from, from + SLICE);
    const keys = slice.map(({ key }) => key);
    const named = slice.flatMap(({ key, employments }) => (employments.length > 0 ? [key] : []));
    const erased = named.length === 0 ? nobodyErased : await house.store.erased(connection, named);
    const onFile = await house.store.situations(connection, keys);
    const again = slice.filter(({ key }) => erased.has(key));
    const { situations, unread } = await readAnew(house, plan.rules, onFile, again);
    const met = await withFacts(house, plan, situations, slice, nobody);
    for (const one of slice) noteStrangers(plan, situations.get(one.key), one.employments);
    const prepared = slice.map((one) =>
      prepare(met.get(one.key) ?? nobody(one.key), one.employments, plan.rules, one.orders, one.replay),
    );
    const unanswered = new Set<string>();
    const { given, claimed, acquaintance } = plan;
    const answers = await answersFor(house.store, connection, prepared, given, claimed, acquaintance, unanswered);
    for (const [index, one] of slice.entries()) {
      const half = prepared[index];
      assert(half !== undefined, 'a worker of the slice was not prepared');
      const completed = complete(half, answers[index] ?? new Map(), plan.rules);
      const workerPlan = erased.has(one.key) ? heldBack(completed, half.situation) : completed;
      if (workerPlan === null || unread.has(one.key)) continue;
      // Who may have an account there already waits for the next plan; a leave waits for nothing, and an ordered one less.
      const leaves =
        workerPlan.change?.operations.some(({ kind }) => kind === 'disable') === true ||
        one.orders?.some(({ type }) => type === 'emergencyLeaveOrdered') === true;
      if (unanswered.has(one.key) && !leaves) {
        plan.unanswered.set(one.key, one);
        continue;
      }
      const before = situations.get(one.key)?.employments ?? [];
      const fingerprints = one.fingerprints.map((fingerprint) =>
        workerPlan.blocked || isOvertaken(one.employments, before, fingerprint.employmentId, plan.feedLags)
          ? { employmentId: fingerprint.employmentId, digests: [] }
          : fingerprint,
      );
      plan.put({ plan: workerPlan, observed: { ...one, fingerprints } });
    }
    await plan.layingOut?.goOn(plan);
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

const nobodyErased: ReadonlySet<string> = new Set();

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

/** Workers planned again in one go before the guard's word is asked for; the last of them while nobody else is given one. */
const STALE_AT_LEISURE = 50;

/**
 * The guard's word on a plan that will be stored: one plan at a time. From here on what it withholds is visible and what it grants
 * counts for every other plan. Reading and planning before it, and storing after it, happen beside other plans.
 */
export async function grantPlan(house: House, plan: Plan, options: JudgeOptions): Promise<Verdict> {
  const verdict = await grantWhere(house, plan, options, () => true);
  assert(verdict !== null, 'every word of the guard is taken');
  return verdict;
}

/** The guard's word where it holds nobody; null, and nothing is granted or stored, where it would hold anybody. */
export const grantUnlessHeld = (house: House, plan: Plan, options: JudgeOptions): Promise<Verdict | null> =>
  grantWhere(house, plan, options, ({ held }) => held.size === 0);

async function grantWhere(
  house: House,
  plan: Plan,
  options: JudgeOptions,
  isTaken: (verdict: Verdict) => boolean,
): Promise<Verdict | null> {
  while (plan.berth.stale.size > STALE_AT_LEISURE) await planStale(house, plan);
  await countUnits(house, plan);
  return plan.turn.take(async () => {
    await planStale(house, plan);
    const verdict = await guardPlan(house, plan, options);
    if (!isTaken(verdict)) return null;
    await storeHolds(house, plan, verdict, options);
    plan.berth.grant(verdict.uses);
    plan.berth.held(heldWorkers([...verdict.held.values()].map((items) => ({ items }))));
    return verdict;
  });
}

/** Whom others have changed since they were planned is planned again, on what is on file now: their leave is newer than this plan. */
async function planStale(house: House, plan: Plan): Promise<void> {
  const keys = [...plan.berth.stale].filter((key) => plan.has(key));
  plan.berth.stale.clear();
  await planWorkers(
    house,
    plan,
    keys.flatMap((key) => plan.get(key)?.observed ?? []),
  );
}

/** The guard's word on the whole plan. Reads windows, approvals and open holds; changes nothing. */
export async function guardPlan(house: House, plan: Plan, options: JudgeOptions): Promise<Verdict> {
  const { connection, digest } = plan.rules.mapping;
  const { store } = house;
  const { now } = options;
  const perUnit = plan.rules.limitsPer !== undefined;
  // Before the windows are read: what is stored while they are would stand in neither. Counted twice it only holds more.
  const elsewhere = plan.berth.elsewhere();
  const [population, units, hour, day, week, approvals, discards, holds] = await Promise.all([
    establishedPopulation(house, connection, now),
    unitLimits(house, plan),
    store.guardSlot(connection, 'hour', plusMs(now, -HOUR_MS), perUnit),
    store.guardSlot(connection, 'day', plusMs(now, -DAY_MS), perUnit),
    store.guardSlot(connection, 'week', plusMs(now, -7 * DAY_MS), perUnit),
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
    used: { hour: [...hour, ...elsewhere], day: [...day, ...elsewhere], week: [...week, ...elsewhere] },
    approvals,
    discards,
    limits: options.limits,
    units,
    mappingDigest: digest,
    sha256,
    ...(options.rows === undefined ? {} : { rows: options.rows }),
    firstLoad: options.firstLoad,
    otherGuardTripped: options.seal === 'broken',
    pilot: options.pilot === true,
    open,
    covers: judged,
    beside: new Set([...plan.berth.heldElsewhere].filter((key) => !plan.has(key))),
  });
}

export interface Committed {
  readonly tally: Tally;
  readonly held: readonly HoldChange[];
  /** Workers left for the next look because somebody else kept changing them. */
  readonly postponed: readonly string[];
}

/** What is withheld must be visible from the moment anything else of the plan is. */
async function storeHolds(house: House, plan: Plan, verdict: Verdict, options: JudgeOptions): Promise<void> {
  if (verdict.holds.length === 0) return;
  const { connection } = plan.rules.mapping;
  const before = await house.store.holds(connection, Number.MAX_SAFE_INTEGER);
  const news = verdict.holds.filter(
    (hold) => !sameItems(hold.items, before.find(({ kind }) => kind === hold.kind)?.items ?? []),
  );
  await house.store.commit({
    connection,
    at: options.now,
    holds: verdict.holds,
    entries: holdEntries(plan, news, before, options),
  });
}

/** Stores what passed of a plan that was granted, in slices that are each whole; held workers keep their old standing and no fingerprint. */
export async function commitPlan(
  house: House,
  plan: Plan,
  verdict: Verdict,
  options: JudgeOptions,
): Promise<Committed> {
  const tally: Tally = {};
  const postponed: string[] = [];
  const usesByKey = Map.groupBy(verdict.uses, (use) => use.workerKey);
  let slice: { readonly keys: string[]; readonly special: Storable[] } = { keys: [], special: [] };
  let done = 0;

  const allowed = { uses: usesByKey, partial: verdict.disableOnly };
  const underWay = new Set<Promise<void>>();
  let broken: { readonly error: unknown } | null = null;
  const flush = (most: number): Promise<void> => {
    const storing = slice;
    slice = { keys: [], special: [] };
    return store(storing, most);
  };
  const store = async (storing: Slice, most: number): Promise<void> => {
    const size = storing.keys.length + storing.special.length;
    if (size > 0) {
      const stored = commitSlice(house, plan, storing, allowed, options, 0)
        .then((dropped) => {
          postponed.push(...dropped);
          done += size;
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
  await plan.layingOut?.settled();
  const begun = new Set<LaidSlice>();
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
    const head = plan.head(key);
    const special = disableOnly ? onlyDisable(plan, key) : plan.hasChange(key) ? null : plan.storable(key);
    for (const transition of head.plan.transitions) count(tally, transition);
    for (const refusal of head.plan.refusals) count(tally, `refused:${refusal.code}`);
    if (special !== null && special.change === null && special.fingerprints.length === 0) {
      count(tally, 'unchanged');
      continue;
    }
    if (special?.change === null || head.plan.transitions.length === 0) count(tally, 'unchanged');
    for (const kind of special?.operations ?? head.operations) count(tally, `operation:${kind}`);
    const laid = special === null ? plan.laidOut(key) : null;
    if (laid !== null) {
      laid.keys.push(key);
      begun.add(laid);
      if (laid.keys.length === laid.laidOut.workers) {
        begun.delete(laid);
        await store({ keys: laid.keys, special: [], laidOut: laid.laidOut }, LAID_OUT_AHEAD - 1);
      }
      continue;
    }
    if (special === null) slice.keys.push(key);
    else slice.special.push(special);
    if (slice.keys.length + slice.special.length >= COMMIT_SLICE) await flush(index < urgent ? 0 : COMMITS_AHEAD - 1);
  }
  // Somebody of their slice was planned anew while others were stored.
  for (const { keys } of begun) await store({ keys, special: [] }, COMMITS_AHEAD - 1);
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
  const accounts = change.accounts
    .filter(({ target }) => !adopting.has(target))
    .map((account) => ({ ...account, groups: groupsToLeave(account, change.operations) }));
  return {
    ...storable,
    change: changeText({ ...change, operations, accounts }),
    fingerprints: planned.observed.fingerprints.map(({ employmentId }) => ({ employmentId, digests: [] })),
    operations: operations.map(({ kind }) => kind),
  };
}

/** Those that the account is known to be in, and those that were to be left: what waits is asked for again at the next look. */
function groupsToLeave(account: AccountState, operations: readonly NewOperation[]): readonly string[] {
  const left = operations.flatMap(({ kind, target, payload }) =>
    kind === 'removeMember' && target === account.target ? [(payload as MembershipPayload).group] : [],
  );
  return [...new Set([...account.groups, ...left])];
}

/** Workers of one commit: those that are stored as they were planned, and all others. */
interface Slice {
  readonly keys: readonly string[];
  readonly special: readonly Storable[];
  /** All of `keys`, where the store has them laid out. */
  readonly laidOut?: LaidOut;
}

/** Commits a slice; where another change came first, those workers alone are planned again. Returns whom it gave up on. */
async function commitSlice(
  house: House,
  plan: Plan,
  { keys, special, laidOut }: Slice,
  allowed: { readonly uses: ReadonlyMap<string, readonly GuardUse[]>; readonly partial: ReadonlySet<string> },
  options: JudgeOptions,
  round: number,
): Promise<readonly string[]> {
  const { connection } = plan.rules.mapping;
  const everybody = [...special.map(({ key }) => key), ...keys];
  const packed = keys.length === 0 || laidOut !== undefined ? null : plan.packed(keys);
  const result = await house.store.commit({
    connection,
    at: options.now,
    workers: special.flatMap(({ change }) => (change === null ? [] : [change])),
    ...(packed === null ? {} : { packed }),
    ...(laidOut === undefined ? {} : { laidOut }),
    fingerprints: special.flatMap(({ fingerprints }) => fingerprints),
    ...(options.fingerprintContext === undefined ? {} : { fingerprintContext: options.fingerprintContext }),
    guardUses: everybody.flatMap((key) => allowed.uses.get(key) ?? []),
  });
  if (packed !== null) plan.giveBack(packed);
  if (result.kind === 'applied') {
    plan.berth.stored(everybody);
    await forgetOvertaken(house, plan, special, options);
    return [];
  }
  const slice = [...special, ...keys.flatMap((key) => plan.storable(key) ?? [])];
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
  return [
    ...dropped,
    ...(await commitSlice(house, plan, { keys: [], special: [...rest, ...replanned] }, allowed, options, round + 1)),
  ];
}

/** A fingerprint alone meets no revision: rows of whom somebody else stored a newer word meanwhile are judged at the next read. */
async function forgetOvertaken(
  house: House,
  plan: Plan,
  special: readonly Storable[],
  { now }: JudgeOptions,
): Promise<void> {
  const late = special.filter(({ key, change }) => change === null && plan.berth.stale.has(key));
  if (late.length === 0) return;
  const { connection } = plan.rules.mapping;
  const situations = await house.store.situations(
    connection,
    late.map(({ key }) => key),
  );
  const fingerprints = late.flatMap(({ key, fingerprints: stored }) => {
    const observed = plan.get(key)?.observed.employments ?? [];
    const onFile = situations.get(key)?.employments ?? [];
    return stored.flatMap(({ employmentId }) =>
      isOvertaken(observed, onFile, employmentId, plan.feedLags) ? [{ employmentId, digests: [] }] : [],
    );
  });
  if (fingerprints.length > 0) await house.store.commit({ connection, at: now, fingerprints });
}

const sameItems = (a: readonly HoldItem[], b: readonly HoldItem[]): boolean =>
  a.length === b.length && new Set([...a, ...b].map(({ digest }) => digest)).size === a.length;

/** A hold is written down when it opens, changes or empties, not at every look; and whose leave it is that waits. */
function holdEntries(plan: Plan, news: readonly HoldChange[], before: readonly Hold[], { actor }: JudgeOptions) {
  const { connection, digest } = plan.rules.mapping;
  return news.flatMap((hold) => [
    {
      kind: 'hold',
      connection,
      workerKey: null,
      actor,
      body: { hold: hold.kind, reason: hold.reason, items: hold.items.length, mapping: digest },
    },
    ...heldLeaverEntries(connection, actor, hold, before.find(({ kind }) => kind === hold.kind)?.items ?? []),
  ]);
}
