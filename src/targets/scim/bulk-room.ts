// How much one bulk request of this target may hold now: what the endpoint allows, and what it proved to get through.
import type { BulkLimits } from './profiles.ts';

export interface BulkRoom {
  /** Null: no bulk requests now. */
  readonly limits: () => BulkLimits | null;
  /** A request of so many was answered after so long. */
  readonly answered: (operations: number, ms: number) => void;
  /** No answer came: each of them has to be looked up. */
  readonly lost: () => void;
  /** Refused as too large or too many, whatever the endpoint says of its limits. */
  readonly tooMuch: (operations: number, nowMs: number) => void;
  /** The endpoint has no /Bulk, or none for us. */
  readonly close: (nowMs: number) => void;
}

/**
 * Most operations in one request, whatever the endpoint allows: what is in flight can no longer be replaced by newer work, and
 * a lost answer costs a look-up for each. The gain of sharing a request is nearly all made with a few dozens.
 */
const OPERATIONS_MAX = 100;
/** Fewer are not worth a request of another kind. */
const OPERATIONS_MIN = 2;
/** Slower answers make the next request smaller: the time limit of a request is the same however much it holds. */
const SLOW_MS = 10_000;
/** What proved too much, and an endpoint without /Bulk, are tried again after this long. */
const FORGOTTEN_AFTER_MS = 60 * 60 * 1000;

export function bulkRoom(allowed: () => BulkLimits | null, now: () => number): BulkRoom {
  let most = OPERATIONS_MAX;
  let proven: { readonly maxOps: number; readonly untilMs: number } | null = null;
  let closedUntilMs = Number.NEGATIVE_INFINITY;
  const smaller = (): void => {
    most = Math.max(OPERATIONS_MIN, Math.floor(Math.min(most, allowed()?.maxOps ?? most) / 2));
  };
  return {
    limits: () => {
      const limits = allowed();
      if (limits === null || now() < closedUntilMs) return null;
      if (proven !== null && now() >= proven.untilMs) proven = null;
      const maxOps = Math.min(limits.maxOps, most, proven?.maxOps ?? OPERATIONS_MAX);
      return maxOps < OPERATIONS_MIN ? null : { ...limits, maxOps };
    },
    answered: (operations, ms) => {
      // One record may have been what was too large: what got through is not too much.
      if (proven !== null && operations > proven.maxOps) proven = { ...proven, maxOps: operations };
      if (ms > SLOW_MS) smaller();
      else if (operations >= most) most = Math.min(OPERATIONS_MAX, most * 2);
    },
    lost: smaller,
    tooMuch: (operations, nowMs) => {
      proven = { maxOps: Math.floor(operations / 2), untilMs: nowMs + FORGOTTEN_AFTER_MS };
    },
    close: (nowMs) => {
      closedUntilMs = nowMs + FORGOTTEN_AFTER_MS;
    },
  };
}
