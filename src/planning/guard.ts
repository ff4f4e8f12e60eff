// May this plan pass? Judged as a whole, before anything reaches the outbox (design section 5).
//
// - A trip holds every unapproved item of its kind in this plan, not only what exceeds the limit; other kinds flow.
// - A worker's change passes only when each of its harms passes. The one exception is a leaver's disable, which may go
//   on alone (`disableOnly`) where something else of that worker is held: a guard must not keep access open.
// - Approved items pass and never count. Discarded items stay held, count nothing, and win over an approval: what one
//   person set aside is not released by another one's approval of the rest (a caller that lifts a discard leaves it out).
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { GuardUse, HoldChange, HoldItem } from './changeset.ts';
import type { Harm } from './harm.ts';
import {
  type Covers,
  carriedItems,
  type HoldKind,
  holdChanges,
  itemDigest,
  type OpenHolds,
  type Sha256,
  sortedItems,
} from './hold-items.ts';
import { firstLoadTrips, isDisable, leaversOnBudget } from './leaver-watch.ts';
import {
  allowed,
  isAlwaysHeld,
  LEAVERS_PER_HOUR_WHILE_TRIPPED_MAX,
  LIMITS,
  type Limits,
  SUSPICIOUS_KINDS,
} from './limits.ts';
import {
  type Candidate,
  groupKey,
  groupOf,
  type Trip,
  tally,
  trips,
  type UnitLimits,
  type Used,
  unitGroupOf,
} from './tally.ts';

export type { HoldKind } from './hold-items.ts';
export type { Candidate, Trip, UnitLimits, Usage, UsedLine } from './tally.ts';

export interface GuardInput {
  readonly connection: string;
  readonly now: Instant;
  /** Before the cycle. */
  readonly population: { readonly workers: number; readonly active: number };
  readonly candidates: readonly Candidate[];
  /** Unapproved uses of the last hour, 24 hours and 7 days. */
  readonly used: Used;
  /** Item digests that an unexpired approval released. */
  readonly approvals: ReadonlySet<string>;
  /** Item digests that somebody set aside. */
  readonly discards: ReadonlySet<string>;
  readonly limits: Limits;
  /** Where limits hold within each unit of the house too; null or left out: they hold for the whole alone. */
  readonly units?: UnitLimits | null;
  readonly mappingDigest: string;
  readonly sha256: Sha256;
  /**
   * Counts of the delivery, where the plan comes from one. `newlyRejected`: rows rejected now that were not rejected in the
   * last delivery that passed this limit – compared with one that did not pass, a bad feed would pass at its second reading.
   */
  readonly rows?: { readonly total: number; readonly rejected: number; readonly newlyRejected: number };
  readonly firstLoad: boolean;
  /** A guard outside this plan is tripped: a broken feed seal, another plan's hold. */
  readonly otherGuardTripped?: boolean;
  /** What the connection's open holds hold now. */
  readonly open?: OpenHolds;
  /** The workers this plan looked at: open items of all others are kept. A snapshot looks at everyone (the default). */
  readonly covers?: Covers;
  /** Workers whom other plans held while this one was made, and whom it has not looked at since. */
  readonly beside?: ReadonlySet<string>;
  /** Part of a plan, chosen by a person: what the whole plan tripped over stays held until a whole plan or an approval lets it go. */
  readonly pilot?: boolean;
}

export interface Verdict {
  /** Workers whose whole change may go on. Workers without harm are not judged and flow. */
  readonly passes: ReadonlySet<string>;
  /** Disjoint from `passes`: of their change only the disable of accounts that are already ours may go on now. */
  readonly disableOnly: ReadonlySet<string>;
  readonly held: ReadonlyMap<HoldKind, readonly HoldItem[]>;
  /** To store: each kind that holds something, and with no items each kind whose open hold holds nothing any more. */
  readonly holds: readonly HoldChange[];
  readonly uses: readonly GuardUse[];
  readonly tripped: readonly Trip[];
}

type Status = 'unapproved' | 'approved' | 'discarded';
type StatusOf = (candidate: Candidate, harm: Harm) => Status;
/** The digest of a harm that an approval released. */
type Released = (harm: Harm) => readonly string[];

const isOrdered = (candidate: Candidate, harm: Harm): boolean =>
  harm.kind === 'emergencyLeaver' && candidate.orderedBy === 'operator';

/**
 * An account that waits elsewhere to be adopted keeps nobody's access from ending: the one that is theirs is not in doubt. Whatever takes
 * the access must have passed itself, on HR's own word or an order; a last day that was granted when it was first seen takes nothing more.
 */
const endsBesideAdoption = ({ endsAccess, harms }: Candidate, passing: readonly Harm[]): boolean =>
  endsAccess === true &&
  harms.every((harm) =>
    passing.includes(harm)
      ? !isDisable(harm) || harm.kind === 'explicitLeaver' || harm.kind === 'emergencyLeaver'
      : harm.kind === 'adoption',
  );

/** The verdict over one plan. Pure: the same input in any order of candidates gives the same verdict. */
export function judge(input: GuardInput): Verdict {
  const { covers = 'everyone' } = input;
  const open: OpenHolds = input.open ?? new Map();
  const digestOf = digests(input);
  const status = statuses(input, digestOf);
  const released: Released = (harm) =>
    input.approvals.size > 0 && input.approvals.has(digestOf(harm)) ? [digestOf(harm)] : [];
  const unapproved = (candidate: Candidate, harm: Harm) => status(candidate, harm) === 'unapproved';
  const units = input.units ?? null;
  const counts = tally(input.candidates, input.used, unapproved, units);
  const tripped = new Map(trips(counts, input.used, input.limits, input.population.active, units));
  /** What one unit has too much of is held there; the others are judged by themselves. */
  const isTrippedInUnit = (candidate: Candidate, harm: Harm): boolean => {
    const group = unitGroupOf(candidate, harm, units);
    return group !== null && tripped.has(groupKey(group));
  };
  const rejected = rejectedTrip(input);
  if (input.firstLoad) for (const trip of firstLoadTrips(input.candidates, unapproved)) tripped.set(trip.kind, trip);

  const suspicious =
    rejected !== null ||
    input.otherGuardTripped === true ||
    [...tripped.values()].some((trip) => (SUSPICIOUS_KINDS as readonly string[]).includes(trip.kind)) ||
    staysTripped(input, carriedItems(open, covers, input.beside));
  const budget =
    suspicious && !tripped.has('explicitLeaver')
      ? leaversOnBudget(
          input.candidates,
          input.used.hour,
          (candidate, harm) => unapproved(candidate, harm) && !isTrippedInUnit(candidate, harm),
        )
      : null;
  if (budget?.trip) tripped.set(budget.trip.kind, budget.trip);

  const keptHeld =
    input.pilot === true
      ? new Map<string, HoldKind>([...open].flatMap(([kind, items]) => items.map((item) => [item.digest, kind])))
      : null;
  /** The hold that keeps this harm, or null when it passes. */
  const holdOf = (candidate: Candidate, harm: Harm): HoldKind | null => {
    const state = status(candidate, harm);
    if (state === 'discarded') return harm.kind;
    if (state === 'approved') return null;
    const kept = keptHeld?.get(digestOf(harm));
    if (kept !== undefined) return kept;
    if (isAlwaysHeld(harm.kind) || isTrippedInUnit(candidate, harm)) return harm.kind;
    if (harm.kind === 'explicitLeaver' && budget !== null) {
      return isDisable(harm) && budget.chosen.has(candidate.workerKey) ? null : harm.kind;
    }
    if (tripped.has(groupKey(groupOf(harm)))) return harm.kind;
    if (harm.kind === 'explicitLeaver' || harm.kind === 'emergencyLeaver') return null;
    return rejected === null ? null : 'newlyRejected';
  };

  const passes = new Set<string>();
  const disableOnly = new Set<string>();
  const held = new Map<HoldKind, HoldItem[]>();
  const uses: GuardUse[] = [];
  for (const candidate of input.candidates) {
    const { workerKey, harms } = candidate;
    const passing: Harm[] = [];
    let blocked = false;
    for (const harm of harms) {
      const kind = holdOf(candidate, harm);
      if (kind === null) {
        passing.push(harm);
        continue;
      }
      blocked ||= isAlwaysHeld(harm.kind);
      const items = held.get(kind) ?? [];
      if (items.length === 0) held.set(kind, items);
      items.push({ digest: digestOf(harm), harm });
    }
    const all = passing.length === harms.length;
    const onBudget = budget !== null && harms.some((h) => h.kind === 'explicitLeaver' && unapproved(candidate, h));
    if (all && !onBudget) {
      passes.add(workerKey);
      uses.push(...usesOf(candidate, passing, status, released));
      continue;
    }
    const disables = passing.filter(
      (h) => (h.kind === 'explicitLeaver' || h.kind === 'emergencyLeaver') && isDisable(h),
    );
    const ordered = disables.some((harm) => isOrdered(candidate, harm));
    const mayEnd = disables.length > 0 && (!blocked || ordered);
    if (!mayEnd && !endsBesideAdoption(candidate, passing)) continue;
    disableOnly.add(workerKey);
    uses.push(...usesOf(candidate, disables, status, released));
  }
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const allTrips = [...tripped.values(), ...(rejected === null ? [] : [rejected])].sort(
    (a, b) => order(a.kind, b.kind) || order(a.attribute ?? '', b.attribute ?? '') || order(a.unit ?? '', b.unit ?? ''),
  );
  const sortedHeld = new Map([...held].map(([kind, items]) => [kind, sortedItems(items)] as const));
  return {
    passes,
    disableOnly,
    held: sortedHeld,
    holds: holdChanges(
      open,
      covers,
      sortedHeld,
      (kind, items) => reasonOf(kind, items, allTrips, input.discards),
      input.beside,
    ),
    uses,
    tripped: allTrips,
  };
}

function digests(input: GuardInput): (harm: Harm) => string {
  const known = new Map<Harm, string>();
  return (harm) => {
    const digest = known.get(harm) ?? itemDigest(harm, input.mappingDigest, input.sha256);
    known.set(harm, digest);
    return digest;
  };
}

function statuses(input: GuardInput, digestOf: (harm: Harm) => string): StatusOf {
  const released = input.approvals.size + input.discards.size > 0;
  return (candidate, harm) => {
    if (isOrdered(candidate, harm)) return 'approved';
    // Digests are what costs in a plan of a million items: without an approval or discard nothing asks for them.
    if (!released) return 'unapproved';
    const digest = digestOf(harm);
    if (input.discards.has(digest)) return 'discarded';
    return input.approvals.has(digest) ? 'approved' : 'unapproved';
  };
}

/**
 * Too many new rejections say that the delivery is not what the mapping was written for: rows that still parse may be
 * wrong too. Nothing harmful of it passes but explicit leavers on the hourly budget and emergency leaves; joiners and
 * movers without harm flow. On a first load there is nothing that "newly" could be compared with.
 */
function rejectedTrip(input: GuardInput): Trip | null {
  const { rows } = input;
  if (rows === undefined || input.firstLoad) return null;
  const limit = allowed(input.limits, 'newlyRejected', 'cycle', rows.total);
  assert(limit !== null, 'rejected rows are limited in every cycle');
  if (rows.newlyRejected <= limit) return null;
  const reason = `${rows.newlyRejected} of ${rows.total} rows were rejected that were not rejected before; ${limit} may in one cycle`;
  return { kind: 'newlyRejected', attribute: null, count: rows.newlyRejected, limit, window: 'cycle', reason };
}

/** A hold that this plan does not amend still says that something is wrong, unless somebody has decided about all of it. */
function staysTripped(input: GuardInput, carried: OpenHolds): boolean {
  if (input.open?.has('feed')) return true;
  const decided = (item: HoldItem) => input.discards.has(item.digest) || input.approvals.has(item.digest);
  return ['newlyRejected' as const, ...SUSPICIOUS_KINDS].some((kind) =>
    (carried.get(kind) ?? []).some((item) => !decided(item)),
  );
}

/** One line for each kind and attribute; where one of them was not approved, the use counts against the limit. */
function usesOf(
  candidate: Candidate,
  harms: readonly Harm[],
  status: StatusOf,
  released: Released,
): readonly GuardUse[] {
  const uses = new Map<string, GuardUse>();
  for (const harm of harms) {
    const group = groupOf(harm);
    const { kind, attribute } = group;
    const before = uses.get(groupKey(group));
    const isApproved = status(candidate, harm) === 'approved';
    const approved = isApproved && (before?.approved ?? true);
    const unit = candidate.unit === undefined ? {} : { unit: candidate.unit };
    const taken = [...(before?.items ?? []), ...(isApproved ? released(harm) : [])];
    const items = taken.length === 0 ? {} : { items: taken };
    uses.set(groupKey(group), { kind, attribute, ...unit, workerKey: candidate.workerKey, approved, ...items });
  }
  return [...uses.values()];
}

function reasonOf(
  kind: HoldKind,
  items: readonly HoldItem[],
  tripped: readonly Trip[],
  discards: ReadonlySet<string>,
): string {
  const sentences = tripped.filter((trip) => trip.kind === kind).map((trip) => trip.reason);
  if (kind !== 'newlyRejected' && kind !== 'feed' && kind !== 'rekey' && isAlwaysHeld(kind))
    sentences.push(LIMITS[kind].source);
  const setAside = items.filter((item) => discards.has(item.digest)).length;
  if (sentences.length === 0 && setAside < items.length) {
    sentences.push(
      kind === 'explicitLeaver'
        ? `another guard is tripped: only disables pass, at most ${LEAVERS_PER_HOUR_WHILE_TRIPPED_MAX} in an hour`
        : `${items.length - setAside} held by an earlier plan`,
    );
  }
  if (setAside > 0) sentences.push(`${setAside} set aside by a person, still open`);
  return sentences.join('; ');
}
