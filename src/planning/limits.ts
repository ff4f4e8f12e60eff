// The limits of design section 5 as data, row by row, and the only arithmetic that turns a row into a number of workers.
// A limit counts distinct workers. A mapping may lower a row; raising one counts only after its digest was approved.
import { assert } from '../base/assert.ts';
import type { Fault } from '../base/problem.ts';
import { HARM_KINDS, type HarmKind } from './harm.ts';

/** `newlyRejected` counts rows of a delivery, `accountsGone` known accounts of a target; every other kind counts workers. */
export type LimitKind = HarmKind | 'newlyRejected' | 'accountsGone';

export const LIMIT_WINDOWS = ['cycle', 'hour', 'day', 'week'] as const;
export type LimitWindow = (typeof LIMIT_WINDOWS)[number];

/** `times × min(atMost, max(atLeast, percent of the population, rounded up))`. */
export interface Bound {
  readonly percent: number;
  readonly atLeast: number;
  /** Null where nothing but the share bounds it. */
  readonly atMost: number | null;
  readonly times: number;
}

/** What a connection file says under `guards:`; of two values the smaller one counts. */
export interface LimitValue {
  readonly count?: number | undefined;
  readonly percent?: number | undefined;
}
export interface GuardSetting {
  /** For the first window that the kind has; the wider windows follow in the proportion of the standard row. */
  readonly perCycle?: LimitValue | undefined;
}

export interface Limit {
  readonly kind: LimitKind;
  /** Null where the row has no limit for this window. */
  readonly cycle: Bound | null;
  readonly hour: Bound | null;
  readonly day: Bound | null;
  readonly week: Bound | null;
  /** Counted for each attribute by itself. */
  readonly perAttribute: boolean;
  /** Never passes without an approval of the very item; no setting changes that. */
  readonly alwaysHeld: boolean;
  /** Whether the first cycle of a changed mapping runs on half of it. */
  readonly halves: boolean;
  readonly halved: boolean;
  readonly setting: (LimitValue & { readonly raises: boolean }) | null;
  /** The row of the design's table, for people. */
  readonly source: string;
}
export type Limits = Readonly<Record<LimitKind, Limit>>;

/** With this many active workers or fewer, never more than one inferred leaver in a cycle or a day, whatever was approved. */
const SMALL_HOUSE_WORKERS = 20;
const SMALL_HOUSE_LEAVERS_MAX = 1;

const share = (percent: number): Bound => ({ percent, atLeast: 0, atMost: null, times: 1 });
const floor = (atLeast: number, percent: number): Bound => ({ percent, atLeast, atMost: null, times: 1 });
const between = (atMost: number, atLeast: number, percent: number): Bound => ({ percent, atLeast, atMost, times: 1 });
const twice = (bound: Bound): Bound => ({ ...bound, times: bound.times * 2 });

const row = (kind: LimitKind, source: string, limit: Partial<Limit>): Limit => ({
  kind,
  cycle: null,
  hour: null,
  day: null,
  week: null,
  perAttribute: false,
  alwaysHeld: false,
  halves: true,
  halved: false,
  setting: null,
  source,
  ...limit,
});
const held = (kind: LimitKind, source: string): Limit =>
  row(kind, source, { cycle: between(0, 0, 0), alwaysHeld: true });

const INFERRED = between(50, 1, 5);
const DELETE = between(10, 1, 0.5);

export const LIMITS: Limits = {
  inferredLeaver: row(
    'inferredLeaver',
    'one cycle and 24 h: min(50, max(1, 5 %)), with 20 workers or fewer never more than 1; 7 d: twice that',
    { cycle: INFERRED, day: INFERRED, week: twice(INFERRED) },
  ),
  explicitLeaver: row('explicitLeaver', '24 h: max(3, 2 %); 7 d: max(6, 5 %)', {
    day: floor(3, 2),
    week: floor(6, 5),
    halves: false,
  }),
  emergencyLeaver: row('emergencyLeaver', 'by webhook, one hour: max(3, 0.5 %)', {
    hour: floor(3, 0.5),
    halves: false,
  }),
  delete: row('delete', 'one cycle and 24 h: min(10, max(1, 0.5 %)); 7 d: twice that', {
    cycle: DELETE,
    day: DELETE,
    week: twice(DELETE),
  }),
  membershipRemoved: row('membershipRemoved', 'one cycle 5 %; 24 h 10 %; 7 d 15 %', {
    cycle: share(5),
    day: share(10),
    week: share(15),
  }),
  valueBlanked: row('valueBlanked', 'each attribute: one cycle 2 %; 24 h 4 %; 7 d 6 %', {
    cycle: share(2),
    day: share(4),
    week: share(6),
    perAttribute: true,
  }),
  rename: row('rename', 'userName or mail: one cycle 1 %; 24 h 2 %; 7 d 3 %', {
    cycle: share(1),
    day: share(2),
    week: share(3),
  }),
  attributeChanged: row('attributeChanged', 'each attribute: one cycle 20 %; 24 h 30 %; 7 d 40 %', {
    cycle: share(20),
    day: share(30),
    week: share(40),
    perAttribute: true,
  }),
  erased: held('erased', 'every worker who was erased and comes back is held'),
  adoption: held('adoption', 'every adoption of an existing account is held'),
  protectedRescind: held(
    'protectedRescind',
    'a leave by endsNow, webhook or operator is never taken back without approval',
  ),
  merge: held('merge', 'rows that would join two workers who each own an account are held'),
  absence: held(
    'absence',
    'who is missing from snapshots that nothing proves complete keeps access until a person approves',
  ),
  newlyRejected: row('newlyRejected', 'one cycle: 5 % of the rows', { cycle: share(5) }),
  accountsGone: row('accountsGone', 'known accounts gone at the target, 24 h: max(3, 0.5 %), then the target stops', {
    day: floor(3, 0.5),
    halves: false,
  }),
};

/** Of the explicit leavers that pass while another guard is tripped, at most this many in an hour (design section 5). */
export const LEAVERS_PER_HOUR_WHILE_TRIPPED_MAX = 10;

/** Already gone when first seen: on a first load at most this many of them are disabled unasked (design section 4). */
export const FIRST_LOAD_LEAVERS_MAX = 1;

/** Percentages are exact to this many parts of a percent, so that 7 % of 100 is 7 and not, by binary fractions, 8. */
const PARTS_PER_PERCENT = 10_000;

/** `percent` of `population`, rounded up. */
function shareOf(percent: number, population: number): number {
  return Math.ceil((Math.round(percent * PARTS_PER_PERCENT) * population) / (100 * PARTS_PER_PERCENT));
}

function atBound(bound: Bound, population: number): number {
  const atLeast = Math.max(bound.atLeast, shareOf(bound.percent, population));
  return bound.times * (bound.atMost === null ? atLeast : Math.min(bound.atMost, atLeast));
}

function atValue(value: LimitValue, population: number): number {
  const share = value.percent === undefined ? Number.POSITIVE_INFINITY : shareOf(value.percent, population);
  return Math.min(share, value.count ?? Number.POSITIVE_INFINITY);
}

/** The narrowest window a kind is limited in: the one a setting speaks of. */
function firstBound(limit: Limit): Bound {
  const first = limit.cycle ?? limit.hour ?? limit.day;
  assert(first !== null, `limit ${limit.kind} has no window`);
  return first;
}

/**
 * How many may pass in this window; null where the kind has no limit in it.
 * `population`: active workers before the cycle; rows of the delivery for `newlyRejected`; known accounts for `accountsGone`.
 */
export function allowed(limits: Limits, kind: LimitKind, window: LimitWindow, population: number): number | null {
  const limit = limits[kind];
  const bound = limit[window];
  if (bound === null) return null;
  if (limit.alwaysHeld) return 0;
  let result = atBound(bound, population);
  if (limit.setting !== null) {
    const first = firstBound(limit);
    const proportion = (bound.percent * bound.times) / (first.percent * first.times);
    const set = Math.ceil(proportion * atValue(limit.setting, population));
    if (!limit.setting.raises) result = Math.min(result, set);
    else result = limit.setting.count === undefined ? Math.max(result, set) : set;
  }
  if (kind === 'inferredLeaver' && population <= SMALL_HOUSE_WORKERS) {
    result = Math.min(result, SMALL_HOUSE_LEAVERS_MAX * bound.times);
  }
  if (limit.halved && window === 'cycle') result = Math.min(result, Math.max(1, Math.ceil(result / 2)));
  return result;
}

/**
 * As `allowed`, within one unit of the house such as a department. Whoever changes works there, so it is never empty. A number of
 * workers that a person raised for the whole house says nothing about one unit: there the standard row stands.
 */
export function allowedInUnit(limits: Limits, kind: LimitKind, window: LimitWindow, active: number): number | null {
  const { setting } = limits[kind];
  const raised = setting?.raises === true && setting.count !== undefined;
  const own = raised ? { ...limits, [kind]: { ...limits[kind], setting: null } } : limits;
  return allowed(own, kind, window, Math.max(1, active));
}

/** True when the value lets more pass than the standard row at some population. */
function raises(limit: Limit, value: LimitValue): boolean {
  const first = firstBound(limit);
  const percentRaises = value.percent === undefined || value.percent > first.percent;
  // Without a ceiling in the row a count above its floor is a raise wherever the share is smaller than the count.
  const countRaises = value.count === undefined || value.count > (first.atMost ?? first.atLeast);
  return percentRaises && countRaises;
}

/**
 * The limits under a mapping's `guards:`. What lowers a limit counts at once; what raises one counts only where this
 * mapping's digest was approved – until then the smaller of both stands, and a note says so.
 */
export function lowered(
  limits: Limits,
  guards: Readonly<Record<string, GuardSetting>>,
  digestApproved: boolean,
): { readonly limits: Limits; readonly notes: readonly Fault[] } {
  const result: Record<LimitKind, Limit> = { ...limits };
  const notes: Fault[] = [];
  const note = (kind: string, code: string, message: string, hint: string) =>
    notes.push({ code, message, hint, place: { key: `guards.${kind}` } });
  for (const [kind, setting] of Object.entries(guards)) {
    const value = setting.perCycle;
    if (value === undefined || (value.count === undefined && value.percent === undefined)) continue;
    if (!Object.hasOwn(limits, kind)) {
      note(
        kind,
        'guard.unknown-kind',
        `there is no guard named ${kind}`,
        `guards are ${Object.keys(limits).join(', ')}`,
      );
      continue;
    }
    const limit = limits[kind as LimitKind];
    for (const number of [value.count ?? 0, value.percent ?? 0]) {
      assert(Number.isFinite(number) && number >= 0, `guard ${kind} is set to ${number}`);
    }
    if (limit.alwaysHeld) {
      note(kind, 'guard.always-held', `ignored: ${limit.source}`, 'approve the hold instead');
      continue;
    }
    const raising = raises(limit, value);
    if (raising && !digestApproved) {
      note(
        kind,
        'guard.raise-ignored',
        `ignored: raising needs approval (standard: ${limit.source})`,
        'approve this mapping',
      );
    }
    result[kind as LimitKind] = { ...limit, setting: { ...value, raises: raising && digestApproved } };
  }
  return { limits: result, notes };
}

/**
 * Limits for the first cycle of a changed mapping or version: half of the cycle's, rounded up, at least 1. Explicit and
 * emergency leavers are never halved. Not for a first load: the caller leaves it out there.
 */
export function halfLimits(limits: Limits): Limits {
  const entries = Object.values(limits).map((limit) => [limit.kind, limit.halves ? { ...limit, halved: true } : limit]);
  return Object.fromEntries(entries) as Limits;
}

/** Kinds that never pass without an approval of the very item. */
export const isAlwaysHeld = (kind: HarmKind): boolean => LIMITS[kind].alwaysHeld;

/** Kinds whose trip says that the plan as a whole is suspicious; explicit leavers then run on the hourly budget. */
export const SUSPICIOUS_KINDS: readonly HarmKind[] = HARM_KINDS.filter(
  (kind) => !isAlwaysHeld(kind) && kind !== 'explicitLeaver' && kind !== 'emergencyLeaver',
);
