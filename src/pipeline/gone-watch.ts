// An account that is not at the target any more is nobody's access: what was to end it is done. Many of them in a day are another
// matter: the target may be another one, or may hide them, and then those who left keep their access.
import { DAY_MS } from '../base/instant.ts';
import { raiseAlarm } from './alarms.ts';
import type { House } from './house.ts';

/** The same alarm as a reconciliation's, which ends it. */
export const GONE = 'account.gone';

/** Known accounts that may be gone at one target in a day (design section 5), of how many people work here. */
const GONE_MIN = 3;
const GONE_SHARE = 0.005;
export const goneMost = (people: number): number => Math.max(GONE_MIN, Math.ceil(people * GONE_SHARE));

/** What the answers of the last day said; a process that has just begun counts anew. */
export class GoneWatch {
  /** By target: workers, and when their account was found to be gone. */
  readonly #gone = new Map<string, Map<string, number>>();

  async heard(house: House, connection: string, target: string, workers: readonly string[]): Promise<void> {
    const nowMs = house.clock.nowMs();
    const known = this.#gone.get(target) ?? new Map<string, number>();
    this.#gone.set(target, known);
    for (const worker of workers) known.set(worker, nowMs);
    for (const [worker, atMs] of known) if (Math.abs(nowMs - atMs) > DAY_MS) known.delete(worker);
    const { active } = await house.store.population(connection);
    const most = goneMost(active);
    if (known.size <= most) return;
    await raiseAlarm(house, connection, {
      code: GONE,
      subject: target,
      message: `more than ${most} known accounts were not found at ${target} within a day`,
      hint: `is it the right tenant, and does it show everybody? Then: rollcall reconcile ${target}`,
    });
  }
}
