// How many upload calls may still leave: 40 in 5 seconds, and the tenant's calls of any 24 hours, of which a share is kept for
// leavers. Every call is counted durably before it leaves, so that no restart forgets one. Figures:
// https://learn.microsoft.com/entra/identity/app-provisioning/inbound-provisioning-api-concepts

import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../base/instant.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { isObject } from '../../runtime/access/json-body.ts';
import type { TargetMemory } from '../target.ts';

export interface BudgetSettings {
  /** Calls in 24 hours, and how many of them only leavers use. */
  readonly dailyCalls: number;
  readonly reservedCalls: number;
}

export interface Budget {
  /** Milliseconds until one call of this kind may leave; 0: now. */
  readonly waitMs: (urgent: boolean) => number;
  /** Counts one call that leaves now. Resolves when that is durable; false: another one was faster, wait again. */
  readonly spend: (urgent: boolean) => Promise<boolean>;
  /** A 429: nothing leaves for so long. */
  readonly pause: (ms: number) => void;
  /** Calls of the last 24 hours. */
  readonly spent: () => number;
  /** Whether nobody but leavers gets a call now because the day's are spent. */
  readonly isSpent: () => boolean;
}

export const SHORT_CALLS = 40;
/** Microsoft counts 5 s; calls that leave evenly need not arrive so. */
const SHORT_MS = 6 * SECOND_MS;
/** Calls are counted by the slot, and forgotten when the whole slot is a day old: never too early. */
const SLOT_MS = 5 * MINUTE_MS;
/** A clock that was set back further than this makes counters of the future: they count until it has caught up, a day at most. */
const AHEAD_MAX_MS = DAY_MS;

interface Counted {
  /** Calls by the number of their slot. */
  readonly slots: Map<number, number>;
  /** Moments of the last calls, at most SHORT_CALLS. */
  recent: readonly number[];
}

export async function openBudget(
  { dailyCalls, reservedCalls }: BudgetSettings,
  deps: { readonly now: () => number; readonly memory: TargetMemory },
): Promise<Budget> {
  const counted = countedFrom(await deps.memory.read());
  let pause = { untilMs: 0, ms: 0 };

  const forget = (nowMs: number): void => {
    for (const slot of counted.slots.keys()) {
      const overMs = (slot + 1) * SLOT_MS + DAY_MS;
      if (overMs <= nowMs || slot * SLOT_MS > nowMs + AHEAD_MAX_MS) counted.slots.delete(slot);
    }
    counted.recent = counted.recent.filter((at) => at > nowMs - SHORT_MS && at <= nowMs);
  };
  const spent = (): number => [...counted.slots.values()].reduce((sum, calls) => sum + calls, 0);
  const most = (urgent: boolean): number => (urgent ? dailyCalls : dailyCalls - reservedCalls);

  /** When so many calls will have been forgotten that one more is allowed. */
  const untilForgotten = (urgent: boolean, nowMs: number): number => {
    let left = spent() - most(urgent) + 1;
    if (left <= 0) return 0;
    for (const slot of [...counted.slots.keys()].sort((a, b) => a - b)) {
      left -= counted.slots.get(slot) ?? 0;
      if (left <= 0) return Math.max(1, (slot + 1) * SLOT_MS + DAY_MS - nowMs);
    }
    return SLOT_MS;
  };

  const waitMs = (urgent: boolean): number => {
    const nowMs = deps.now();
    forget(nowMs);
    const [oldest] = counted.recent;
    const short = counted.recent.length < SHORT_CALLS || oldest === undefined ? 0 : oldest + SHORT_MS - nowMs;
    const pausedMs = pause.untilMs - nowMs;
    // More than was asked for is left only where the clock was set back.
    return Math.max(0, short, pausedMs > pause.ms ? 0 : pausedMs, untilForgotten(urgent, nowMs));
  };

  return {
    waitMs,
    spend: async (urgent) => {
      if (waitMs(urgent) > 0) return false;
      const nowMs = deps.now();
      const slot = Math.floor(nowMs / SLOT_MS);
      counted.slots.set(slot, (counted.slots.get(slot) ?? 0) + 1);
      counted.recent = [...counted.recent, nowMs];
      await deps.memory.write(written(counted));
      return true;
    },
    pause: (ms) => {
      const nowMs = deps.now();
      const leftMs = pause.untilMs - nowMs;
      if (leftMs < ms || leftMs > pause.ms) pause = { untilMs: nowMs + ms, ms };
    },
    spent: () => {
      forget(deps.now());
      return spent();
    },
    isSpent: () => {
      const nowMs = deps.now();
      forget(nowMs);
      return untilForgotten(false, nowMs) > 0;
    },
  };
}

const written = ({ slots, recent }: Counted): JsonObject => ({
  slots: Object.fromEntries([...slots].map(([slot, calls]) => [String(slot), calls])),
  recent: [...recent],
});

function countedFrom(value: JsonValue | null): Counted {
  const stored = value !== null && isObject(value) ? value : {};
  const slots = new Map<number, number>();
  if (isObject(stored.slots)) {
    for (const [slot, calls] of Object.entries(stored.slots)) {
      if (typeof calls === 'number' && Number.isInteger(Number(slot))) slots.set(Number(slot), calls);
    }
  }
  const recent = Array.isArray(stored.recent) ? stored.recent.filter((at) => typeof at === 'number') : [];
  return { slots, recent };
}
