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

/** Active workers now, or at any time in the last 24 hours that a plan was about to be stored, whichever is least. */
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

/**
 * Called before the guard's word on any plan that will be stored: what is there before anybody is invented has to be known. Until a
 * whole delivery was accepted, pilots and webhooks say nothing about how many work here.
 */
export async function recordBefore(house: House, connection: string, now: Instant): Promise<void> {
  if ((await house.store.checkpoint(connection)) !== null) await recordPopulation(house, connection, now);
}

/** Called when a whole delivery was judged. Of an hour the lowest count is kept. */
export async function recordPopulation(house: House, connection: string, now: Instant): Promise<void> {
  const { active } = await house.store.population(connection);
  const known = await history(house, connection);
  const last = known.at(-1);
  const sameHour = last !== undefined && last.at > plusMs(now, -HOUR_MS) ? last : null;
  if (sameHour !== null && active >= sameHour.active) return;
  const recent = known.filter(({ at }) => at > plusMs(now, -DAY_MS));
  const next =
    sameHour === null ? [...recent, { at: now, active }] : [...recent.slice(0, -1), { at: sameHour.at, active }];
  await house.store.saveSetting(key(connection), next as unknown as readonly { at: string; active: number }[]);
}
