// A whole plan before anything of it is stored: who was observed, and what is to become of them. Feeds, the calendar, operators' acts and
// debts all come through here; they differ only in what they observed.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { UNKNOWN } from '../lifecycle/standing.ts';
import type { BoundMapping } from '../mapping/bound-mapping.ts';
import type { FingerprintChange, PackedChanges, Situation } from '../planning/changeset.ts';
import type { Candidate } from '../planning/guard.ts';
import { complete, type PlanRules, prepare } from '../planning/plan-worker.ts';
import { endsAnew, samePerson } from '../planning/same-person.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import { type Acquaintance, acquaintanceOf } from './acquaintance.ts';
import { answersFor, type ClaimedAccounts, type GivenNames, noClaims } from './answers.ts';
import { heldBack, readAnew } from './erased.ts';
import { withFacts } from './facts-met.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import { metOnly } from './first-contact.ts';
import { breathe, type House, type LiveConnection } from './house.ts';
import type { LaidSlice, LayingOut } from './laying-out.ts';
import { isOvertaken, overtakenLeave } from './overtaken-rows.ts';
import { type Head, type Observed, type Planned, PlannedSpool, type Storable } from './planned-spool.ts';
import type { Berth, PlansUnderWay } from './plans-under-way.ts';
import type { Turn } from './turn.ts';

/** Workers planned in one go: few enough to keep the event loop free, and to be gone before the collector would keep them. */
const SLICE = 25;

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
  /** Workers whose standing differs from the facts for a reason, or whose facts from their row: the very same file must be judged again. */
  readonly blocked = new Set<string>();
  /** Workers of whom a leave was said that a later word keeps from counting, and of what moment it is. */
  readonly overtakenLeaves = new Map<string, Instant>();
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
    this.overtakenLeaves.delete(key);
  }

  put(planned: Planned): void {
    const { plan } = planned;
    if (this.has(plan.key)) this.drop(plan.key);
    this.#index.set(plan.key, this.#spool.add(planned));
    const { harms, unit } = plan;
    if (harms.length > 0)
      this.candidates.set(plan.key, {
        workerKey: plan.key,
        harms,
        ...(unit === undefined ? {} : { unit }),
        ...(endsAccess(plan) ? { endsAccess: true as const } : {}),
      });
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

/** Whether they leave, and an account that is theirs already is disabled. */
function endsAccess({ to, change, harms }: Planned['plan']): boolean {
  if (to !== 'left' || change === null) return false;
  const adopting = new Set(harms.filter(({ kind }) => kind === 'adoption').map(({ target }) => target));
  return change.operations.some(({ kind, target }) => kind === 'disable' && !adopting.has(target));
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
      const mayBeKept = ({ employmentId }: FingerprintChange): boolean =>
        !workerPlan.blocked && !isOvertaken(one.employments, before, employmentId, plan.feedLags);
      const fingerprints = one.fingerprints.map((fingerprint) =>
        mayBeKept(fingerprint) ? fingerprint : { employmentId: fingerprint.employmentId, digests: [] },
      );
      plan.put({ plan: workerPlan, observed: { ...one, fingerprints } });
      const leave = overtakenLeave(one.employments, before, plan.rules);
      if (leave !== null && workerPlan.to !== 'left') plan.overtakenLeaves.set(one.key, leave.asOf);
      // What was told beside the feed is newer than this row, today: the same row may be the newest word tomorrow.
      if (fingerprints.some((kept, index) => kept !== one.fingerprints[index])) plan.blocked.add(one.key);
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
