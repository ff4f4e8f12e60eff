// Leaves come by date, so a clock that jumps ahead would end the access of people who still work there. The last moment that
// was believed is stored; a clock more than a day ahead of it is believed again when a target's own clock says the same.
import { DAY_MS, type Instant, instantOfMs, MINUTE_MS, msOf, SECOND_MS } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import { UNKNOWN } from '../lifecycle/standing.ts';
import { truthOf } from '../lifecycle/truth.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import type { Target } from '../targets/target.ts';
import { withObservation } from '../worker/worker.ts';
import type { House } from './house.ts';
import type { Plan } from './plan.ts';

/** A step ahead larger than this needs a witness. */
export const STEP_MAX_MS = DAY_MS;
/** How close the clock of a witness has to be. */
export const AGREES_MS = 5 * MINUTE_MS;
/** The moment is stored this often: as exact as a bound of a day needs it. */
const NOTED_EVERY_MS = 10 * MINUTE_MS;
/** While nobody agrees the targets are asked again this often. */
export const ASKED_EVERY_MS = MINUTE_MS;
/** A target that does not answer in this time is no witness now. */
const ANSWER_MS = 5 * SECOND_MS;

const SEEN_KEY = 'clock.seen';
const DOUBT_KEY = 'clock.doubt';

/** What a target's clock said when ours was in doubt; null where it did not answer or named no time. */
export interface Witness {
  readonly target: string;
  readonly says: Instant | null;
}

/** A step of the clock that no target has confirmed yet. */
export interface ClockDoubt {
  /** The last moment that was believed. */
  readonly lastSeen: Instant;
  /** What our clock said when it was last compared. */
  readonly now: Instant;
  readonly witnesses: readonly Witness[];
}

/** When this process asked last, so that a loop that wakes often does not ask as often. */
const asked = new WeakMap<House, Instant>();

/**
 * Null where the clock is believed; otherwise the doubt, by which nothing may happen that the clock alone decides. Asks the
 * targets when it has to, at most once a minute.
 */
export async function clockDoubt(house: House, signal?: AbortSignal): Promise<ClockDoubt | null> {
  if (house.watchesClock !== true) return null;
  const { store, log } = house;
  const now = nowOf(house.clock);
  const seen = (await store.setting(SEEN_KEY)) as Instant | null;
  const step = seen === null ? 0 : msOf(now) - msOf(seen);
  const before = await readClockDoubt(store);
  if (seen === null || step <= STEP_MAX_MS) {
    if (seen === null || Math.abs(step) >= NOTED_EVERY_MS) await store.saveSetting(SEEN_KEY, now);
    if (before !== null) {
      await store.saveSetting(DOUBT_KEY, null);
      log.info({ lastSeen: before.lastSeen, now }, 'the clock is back within a day of the last moment seen');
    }
    return null;
  }
  const last = asked.get(house);
  if (before !== null && last !== undefined && Math.abs(msOf(now) - msOf(last)) < ASKED_EVERY_MS) return before;
  const witnesses = await ask(house, signal);
  asked.set(house, now);
  const agreeing = witnesses.find(
    ({ says }) => says !== null && Math.abs(msOf(says) - house.clock.nowMs()) <= AGREES_MS,
  );
  if (agreeing !== undefined) {
    await believe(house);
    log.info(
      { lastSeen: seen, now, target: agreeing.target },
      'the clock is ahead of the last moment seen, and a target agrees',
    );
    return null;
  }
  const doubt: ClockDoubt = { lastSeen: seen, now, witnesses };
  await store.saveSetting(DOUBT_KEY, doubt as unknown as JsonValue);
  log.warn(
    { lastSeen: seen, now, targets: witnesses.map(({ target, says }) => `${target}: ${says ?? 'no answer'}`) },
    'the clock jumped ahead and no target agrees: nothing ends or begins by date until one does',
  );
  return doubt;
}

/** From now on the present moment is believed: a target or a person has confirmed it. */
export async function believe(house: House): Promise<void> {
  await house.store.saveSetting(SEEN_KEY, nowOf(house.clock));
  await house.store.saveSetting(DOUBT_KEY, null);
}

/** The doubt as it was noted last, for `status`. */
export async function readClockDoubt(store: Pick<Store, 'setting'>): Promise<ClockDoubt | null> {
  return (await store.setting(DOUBT_KEY)) as unknown as ClockDoubt | null;
}

async function ask(house: House, signal?: AbortSignal): Promise<readonly Witness[]> {
  // One target may serve several connections: its clock is one.
  const targets = new Map<string, Target>();
  for (const live of house.connections.values()) {
    for (const target of live.targets.values()) targets.set(target.baseUrl, target);
  }
  const enough = new AbortController();
  const stop = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  void house.clock.wait(ANSWER_MS, stop).then(() => enough.abort());
  const witnesses = await Promise.all(
    [...targets.values()].map(async (target) => {
      const says = await target.time(stop);
      return { target: target.name, says: says === null ? null : instantOfMs(says) };
    }),
  );
  enough.abort();
  return witnesses;
}

/** The latest time that a delivery may speak of while the clock is in doubt: its own may be a reading of that clock. */
export const believedAsOf = (asOf: Instant, { lastSeen }: ClockDoubt, accepted: Instant | null): Instant => {
  const latest = accepted !== null && accepted > lastSeen ? accepted : lastSeen;
  return asOf > latest ? latest : asOf;
};

/**
 * Takes everybody out of the plan about whom the last moment that was believed would decide otherwise. They come again with the
 * next reading. Returns how many.
 */
export async function withholdByDate(
  house: House,
  plan: Plan,
  policy: LifecyclePolicy,
  { lastSeen }: ClockDoubt,
): Promise<number> {
  const { connection } = plan.rules.mapping;
  let withheld = 0;
  for (const key of [...plan.keys()]) {
    const planned = plan.get(key);
    if (planned === null || planned.plan.change === null) continue;
    const situation = (await house.store.situations(connection, [key])).get(key);
    const { observed } = planned;
    const employments = withObservation(situation?.employments ?? [], observed.employments);
    const standing = situation?.standing ?? UNKNOWN;
    const then = truthOf(standing, employments, lastSeen, policy);
    const now = truthOf(standing, employments, plan.rules.now, policy);
    if (then.stage === now.stage && JSON.stringify(then.primary) === JSON.stringify(now.primary)) continue;
    plan.drop(key);
    plan.unanswered.set(key, observed);
    withheld += 1;
  }
  return withheld;
}
