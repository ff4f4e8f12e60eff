// What a target's answer means for one operation: the classes of design section 6, decided in one table per protocol.
import type { JsonObject } from '../base/json.ts';

export const OUTCOME_CLASSES = [
  /** The effect stands at the target. */
  'done',
  /** Taken in, not yet applied: must be confirmed. */
  'accepted',
  /** May work later; the answer says nothing about this operation. */
  'retry',
  /** The answer was lost, or says nothing about whether the write took place: look up before writing again. */
  'ambiguous',
  /** The target does not accept our credentials. */
  'refreshCredentials',
  /** Another resource stands in the way. */
  'conflict',
  /** The resource does not exist (any more). */
  'gone',
  /** Refused for what it says; repeating it changes nothing. */
  'permanent',
  /** The target as a whole cannot be used now. */
  'targetDown',
] as const;
export type OutcomeClass = (typeof OUTCOME_CLASSES)[number];

export interface Outcome {
  readonly class: OutcomeClass;
  /** HTTP status, or null where no answer came. */
  readonly status: number | null;
  /** Short and stable: an scimType, a transport code, or `http-503`. */
  readonly code: string;
  /** The target's own words, cut to 500 characters; shown to people, never logged. */
  readonly detail: string;
  /** What Retry-After asked for, in milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;
  /** Of what was accepted: what the target's room needs to know it again. */
  readonly ticket?: string;
  /** Whether the answer is about this operation and counts as one of its attempts. */
  readonly countsAsAttempt: boolean;
}

/** What delivery learnt about the account while doing an operation. */
export interface AccountNews {
  readonly remoteId?: string;
  readonly etag?: string | null;
  readonly active?: boolean;
  /** The userName under which the account really stands. */
  readonly userName?: string;
  /** The target's own resource as last read, projected to what we map. */
  readonly seen?: JsonObject;
  /** A manager who was owed and whose reference stands now beside what the operation was asked to write. */
  readonly managerKey?: string;
}
