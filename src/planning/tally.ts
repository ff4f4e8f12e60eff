// Counts what a plan would do, by kind (and attribute), against the limits of each window. Compact: a plan may hold a
// million candidates, so only numbers are kept here.
import { assert } from '../base/assert.ts';
import type { Harm, HarmKind } from './harm.ts';
import { allowed, allowedInUnit, LIMITS, type LimitKind, type Limits, type LimitWindow } from './limits.ts';

/** One worker's planned change; only workers with at least one harm are candidates, each worker once. */
export interface Candidate {
  readonly workerKey: string;
  readonly harms: readonly Harm[];
  /** Who ordered an emergency leave; not said counts as a webhook. An operator's own order is never held. */
  readonly orderedBy?: 'operator' | 'webhook';
  /** Where they work as it stands on file, such as `department Sales`; left out where limits hold for the whole house alone. */
  readonly unit?: string;
  /** They leave, and the plan disables an account that is theirs already. */
  readonly endsAccess?: true;
}

/** Limits that hold within each unit of the house as well. */
export interface UnitLimits {
  /** Null: of every kind. */
  readonly only: ReadonlySet<HarmKind> | null;
  /** Active workers by unit, before the cycle. */
  readonly active: ReadonlyMap<string, number>;
}

/** Distinct workers that used a limit inside a window without approval. */
export interface UsedLine {
  readonly kind: HarmKind;
  /** Set for kinds that are counted per attribute. */
  readonly attribute: string | null;
  /** Set on lines that count one unit alone; lines without it count the whole house. */
  readonly unit?: string;
  readonly workers: number;
  /** Those of this plan's workers who are among them: they do not count twice. Left out, all of the plan's count as new. */
  readonly counted?: ReadonlySet<string>;
}
export type Usage = readonly UsedLine[];
export type UsedWindow = Exclude<LimitWindow, 'cycle'>;
export type Used = Readonly<Record<UsedWindow, Usage>>;

export interface Trip {
  readonly kind: LimitKind;
  readonly attribute: string | null;
  /** Set where the limit of one unit is exceeded. */
  readonly unit?: string;
  readonly count: number;
  readonly limit: number;
  readonly window: LimitWindow;
  /** One sentence with the numbers, no personal values. */
  readonly reason: string;
}

/** What a limit counts together: the kind, for some kinds one attribute of it, and where asked one unit. */
export interface Group {
  readonly kind: HarmKind;
  readonly attribute: string | null;
  /** Null: the whole house. */
  readonly unit: string | null;
}
export const groupOf = (harm: Harm): Group => ({
  kind: harm.kind,
  attribute: LIMITS[harm.kind].perAttribute ? harm.attribute : null,
  unit: null,
});
/** Null where no limit of a unit holds for this harm. */
export function unitGroupOf(candidate: Candidate, harm: Harm, units: UnitLimits | null): Group | null {
  if (units === null || candidate.unit === undefined || units.only?.has(harm.kind) === false) return null;
  return { ...groupOf(harm), unit: candidate.unit };
}
/** JSON, because an attribute is a path of somebody else's and may hold any character. */
export const groupKey = ({ kind, attribute, unit }: Group): string => {
  if (unit !== null) return JSON.stringify([kind, attribute, unit]);
  return attribute === null ? kind : JSON.stringify([kind, attribute]);
};

interface Count extends Group {
  /** Distinct workers of this plan. */
  workers: number;
  /** Of those, workers that the window has not counted yet. */
  readonly fresh: Record<UsedWindow, number>;
}
export type Tally = ReadonlyMap<string, Count>;

interface UsedGroup {
  readonly workers: number;
  readonly isCounted: (workerKey: string) => boolean;
}
const NOT_USED: UsedGroup = { workers: 0, isCounted: () => false };

export function usedIn(usage: Usage, group: Group): UsedGroup {
  const lines = usage.filter(
    (line) =>
      line.kind === group.kind &&
      (!LIMITS[group.kind].perAttribute || line.attribute === group.attribute) &&
      (line.unit ?? null) === group.unit,
  );
  if (lines.length === 0) return NOT_USED;
  return {
    workers: lines.reduce((sum, line) => sum + line.workers, 0),
    isCounted: (workerKey) => lines.some((line) => line.counted?.has(workerKey) ?? false),
  };
}

/** Counts the harms for which `counts` is true; every worker once in each group. */
export function tally(
  candidates: readonly Candidate[],
  used: Used,
  counts: (candidate: Candidate, harm: Harm) => boolean,
  units: UnitLimits | null = null,
): Tally {
  const groups = new Map<string, { count: Count; used: Record<UsedWindow, UsedGroup>; last: Candidate | null }>();
  const add = (candidate: Candidate, group: Group): void => {
    const key = groupKey(group);
    let entry = groups.get(key);
    if (entry === undefined) {
      const count: Count = { ...group, workers: 0, fresh: { hour: 0, day: 0, week: 0 } };
      const windows = {
        hour: usedIn(used.hour, group),
        day: usedIn(used.day, group),
        week: usedIn(used.week, group),
      };
      entry = { count, used: windows, last: null };
      groups.set(key, entry);
    }
    if (entry.last === candidate) return;
    entry.last = candidate;
    entry.count.workers += 1;
    for (const window of ['hour', 'day', 'week'] as const) {
      if (!entry.used[window].isCounted(candidate.workerKey)) entry.count.fresh[window] += 1;
    }
  };
  for (const candidate of candidates) {
    for (const harm of candidate.harms) {
      assert(harm.workerKey === candidate.workerKey, 'a harm stands in the plan of another worker');
      if (!counts(candidate, harm)) continue;
      add(candidate, groupOf(harm));
      const within = unitGroupOf(candidate, harm, units);
      if (within !== null) add(candidate, within);
    }
  }
  return new Map([...groups].map(([key, entry]) => [key, entry.count]));
}

const WINDOW_WORDS: Record<LimitWindow, string> = {
  cycle: 'in one cycle',
  hour: 'within one hour',
  day: 'within 24 hours',
  week: 'within 7 days',
};
const KIND_WORDS: Record<HarmKind, string> = {
  inferredLeaver: 'would lose access although no record says that they leave',
  explicitLeaver: 'leave by their record',
  emergencyLeaver: 'would be locked out by webhook',
  delete: 'would lose their account for good',
  membershipRemoved: 'would lose a group membership',
  valueBlanked: 'would lose the value of one attribute',
  rename: 'would change their userName or mail',
  attributeChanged: 'would change in one attribute',
  adoption: 'would have an existing account taken over',
  erased: 'would come back although their personal values were erased',
  protectedRescind: 'would regain access that was ended by order',
  merge: 'would be joined although each owns an account',
  absence: 'would lose access because snapshots that nothing proves complete miss them',
};

/** `6 workers would …`, `6 workers of department Sales would …` */
export const workersWould = (count: number, group: Group): string =>
  `${count} ${count === 1 ? 'worker' : 'workers'}${group.unit === null ? '' : ` of ${group.unit}`} ${KIND_WORDS[group.kind]}${group.attribute === null ? '' : ` (${group.attribute})`}`;

/** The groups whose limit is exceeded, by group key, each at the narrowest window that says so. */
export function trips(
  counts: Tally,
  used: Used,
  limits: Limits,
  active: number,
  units: UnitLimits | null = null,
): ReadonlyMap<string, Trip> {
  const result = new Map<string, Trip>();
  for (const [key, group] of counts) {
    if (LIMITS[group.kind].alwaysHeld) continue;
    const { unit } = group;
    const there = unit === null ? active : (units?.active.get(unit) ?? 0);
    const most = unit === null ? allowed : allowedInUnit;
    for (const window of ['cycle', 'hour', 'day', 'week'] as const) {
      const limit = most(limits, group.kind, window, there);
      if (limit === null) continue;
      const count = window === 'cycle' ? group.workers : usedIn(used[window], group).workers + group.fresh[window];
      if (count <= limit) continue;
      const { kind, attribute } = group;
      const reason = `${workersWould(count, group)} ${WINDOW_WORDS[window]}; ${limit} may, of ${there} active workers${unit === null ? '' : ' there'}`;
      result.set(key, { kind, attribute, ...(unit === null ? {} : { unit }), count, limit, window, reason });
      break;
    }
  }
  return result;
}
