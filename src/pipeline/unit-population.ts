// How many work in each unit of the house, where limits hold per unit. Counting walks over everybody, so it is done at most once an
// hour and only for a plan that harms somebody. As for the whole house, shares are taken of the fewest of the last day: people who
// do not exist must not widen the limits of the feed after next.
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { PlanRules } from '../planning/plan-worker.ts';
import type { Candidate, UnitLimits } from '../planning/tally.ts';
import { unitName, workplace } from '../planning/unit.ts';
import type { House } from './house.ts';

/** Units that are counted; further and smaller ones count as one person each. */
const UNITS_MAX = 2_000;
const COUNTED_FOR_MS = HOUR_MS;

/** What is to be known of a plan: the rules it follows, and whom it harms. */
interface Planned {
  readonly rules: PlanRules;
  readonly candidates: ReadonlyMap<string, Candidate>;
}

type Counts = Readonly<Record<string, number>>;

/** What is kept of one connection's units. */
interface Counted {
  readonly attribute: string;
  readonly at: Instant;
  readonly present: Counts;
  /** The fewest since `since`, which is at most a day ago, and the fewest of the day before that. */
  readonly since: Instant;
  readonly least: Counts;
  readonly before: Counts | null;
}

const key = (connection: string): string => `units:${connection}`;

/** Counts where that is due and keeps what was counted: for plans that will be stored, before the guard's word. */
export async function countUnits(house: House, plan: Planned): Promise<void> {
  if (!harmsAnyUnit(plan)) return;
  const known = await storedCount(house, plan);
  if (!isDue(plan, known)) return;
  const counted = await count(house, plan, known);
  await house.store.saveSetting(key(plan.rules.mapping.connection), counted as unknown as JsonValue);
}

/** The first count, once a delivery is accepted: whoever is invented later must not be in it. */
export async function countUnitsOnce(house: House, plan: Planned): Promise<void> {
  const { limitsPer, mapping } = plan.rules;
  if (limitsPer === undefined || (await storedCount(house, plan)) !== null) return;
  const counted = await count(house, plan, null);
  await house.store.saveSetting(key(mapping.connection), counted as unknown as JsonValue);
}

/** Null where limits hold for the whole house alone, or nobody is harmed whose unit is known. */
export async function unitLimits(house: House, plan: Planned): Promise<UnitLimits | null> {
  const { limitsPer } = plan.rules;
  if (limitsPer === undefined || !harmsAnyUnit(plan)) return null;
  const known = await storedCount(house, plan);
  const { present, least, before } = known === null || isDue(plan, known) ? await count(house, plan, known) : known;
  const active = new Map<string, number>();
  for (const unit of Object.keys(present)) active.set(unit, fewest(unit, [present, least, before]));
  return { only: limitsPer.only, active };
}

const fewest = (unit: string, counts: readonly (Counts | null)[]): number =>
  Math.min(...counts.flatMap((one) => (one === null ? [] : [one[unit] ?? 0])));

const harmsAnyUnit = (plan: Planned): boolean => {
  for (const { unit } of plan.candidates.values()) if (unit !== undefined) return true;
  return false;
};

async function storedCount(house: House, plan: Planned): Promise<Counted | null> {
  const { limitsPer, mapping } = plan.rules;
  const known = (await house.store.setting(key(mapping.connection))) as unknown as Counted | null;
  return known?.attribute === limitsPer?.attribute ? known : null;
}

function isDue(plan: Planned, known: Counted | null): boolean {
  const { now } = plan.rules;
  // A clock that was set back counts anew.
  return known === null || known.at > now || known.at <= plusMs(now, -COUNTED_FOR_MS);
}

async function count(house: House, plan: Planned, known: Counted | null): Promise<Counted> {
  const { now, mapping, policy, limitsPer } = plan.rules;
  const attribute = limitsPer?.attribute ?? '';
  const units = new Map<string, number>();
  for await (const workers of house.store.working(mapping.connection)) {
    for (const { standing, employments } of workers) {
      const unit = unitName(attribute, workplace(standing, employments, now, policy));
      if (unit !== null) units.set(unit, (units.get(unit) ?? 0) + 1);
    }
  }
  const present = largest(units);
  if (known === null) return { attribute, at: now, present, since: now, least: present, before: null };
  const rolls = known.since <= plusMs(now, -DAY_MS) || known.since > now;
  return {
    attribute,
    at: now,
    present,
    since: rolls ? now : known.since,
    least: rolls ? present : leastOf(known.least, present),
    before: rolls ? known.least : known.before,
  };
}

const largest = (units: ReadonlyMap<string, number>): Counts =>
  Object.fromEntries([...units].sort(([, a], [, b]) => b - a).slice(0, UNITS_MAX));

const leastOf = (a: Counts, b: Counts): Counts =>
  Object.fromEntries(
    Object.entries(a).flatMap(([unit, active]) => (b[unit] === undefined ? [] : [[unit, Math.min(active, b[unit])]])),
  );
