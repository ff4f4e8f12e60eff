// The base of every share in the guard: how many worked here a day ago, if that is fewer than now. A feed full of people who
// do not exist must not widen the limits for the next one.
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import type { House } from './house.ts';

interface Count {
  readonly at: Instant;
  readonly active: number;
}

const key = (connection: string): string => `population:${connection}`;

const history = async (house: House, connection: string): Promise<readonly Count[]> =>
  ((await house.store.setting(key(connection))) ?? []) as unknown as readonly Count[];

/** Active workers now, or at any time in the last 24 hours that a whole delivery ended, whichever is least. */
export async function establishedPopulation(
  house: House,
  connection: string,
  now: Instant,
): Promise<{ readonly workers: number; readonly active: number }> {
  const present = await house.store.population(connection);
  const since = plusMs(now, -DAY_MS);
  const counts = (await history(house, connection)).filter(({ at }) => at >= since).map(({ active }) => active);
  return { workers: present.workers, active: Math.min(present.active, ...counts) };
}

/** Called when a whole delivery was judged; a pilot says nothing about how many work here. At most one count an hour is kept. */
export async function recordPopulation(house: House, connection: string, now: Instant): Promise<void> {
  const { active } = await house.store.population(connection);
  const known = await history(house, connection);
  const last = known.at(-1);
  if (last !== undefined && last.active === active && last.at > plusMs(now, -HOUR_MS)) return;
  const recent = known.filter(({ at }) => at > plusMs(now, -DAY_MS));
  // Within the hour the lowest count stands for all of it.
  const sameHour = last !== undefined && last.at > plusMs(now, -HOUR_MS) ? last : null;
  const next =
    sameHour === null
      ? [...recent, { at: now, active }]
      : recent.with(-1, { at: sameHour.at, active: Math.min(sameHour.active, active) });
  await house.store.saveSetting(key(connection), next as unknown as readonly { at: string; active: number }[]);
}
