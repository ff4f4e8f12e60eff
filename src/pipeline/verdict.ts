// What one answer means for the operation it was given to: done, tried again and when, or failed. Pure.
import { HOUR_MS, type Instant, MINUTE_MS, plusMs } from '../base/instant.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { OperationState } from '../planning/changeset.ts';
import { backoffMs, LEAVER_BACKOFF, REFUSED_LEAVER_MS, RETRY_AFTER_MAX_MS, WORK_BACKOFF } from '../runtime/backoff.ts';
import type { ClaimedOperation } from '../store/store.ts';
import { NOBODY } from '../targets/target.ts';

/** A failed transition is visible and waits for a person; a leaver is never given up. */
const ATTEMPTS_MAX = 8;
/** So long nothing but answers about the operation itself: it has failed, however few they were. */
const OWN_ANSWERS_MAX_MS = 24 * HOUR_MS;
/** Nothing left for the target: no answer, no attempt. */
const NOT_SENT = 'not-sent';

export const isLeaver = ({ lane, kind }: Pick<ClaimedOperation, 'lane' | 'kind'>): boolean =>
  lane === 'emergency' || lane === 'leaver' || kind === 'disable';

/** What this process has seen of an operation, for the back-off and for the clock of its own answers. */
export interface Tries {
  /** Requests that left, whatever became of them. */
  readonly count: number;
  /** Time between answers about the operation itself that followed each other. What the target says of itself stops the clock. */
  readonly ownMs: number;
  readonly ownAtMs: number | null;
}

export const NO_TRIES: Tries = { count: 0, ownMs: 0, ownAtMs: null };

export function triesAfter(before: Tries, outcome: Outcome, nowMs: number): Tries {
  if (outcome.code === NOT_SENT && outcome.class !== 'ambiguous') return before;
  const count = before.count + 1;
  if (!outcome.countsAsAttempt) return { ...before, count, ownAtMs: null };
  const passedMs = before.ownAtMs === null ? 0 : Math.max(0, nowMs - before.ownAtMs);
  return { count, ownMs: before.ownMs + passedMs, ownAtMs: nowMs };
}

export interface VerdictOnOperation {
  readonly state: Extract<OperationState, 'done' | 'accepted' | 'queued' | 'failed' | 'superseded'>;
  readonly notBefore: Instant;
  /** A leaver that was refused for good: shown as failed, still tried. */
  readonly refused: boolean;
}

/** `tries` as they are after this answer. */
export function verdictOn(
  operation: ClaimedOperation,
  outcome: Outcome,
  now: Instant,
  tries: Tries,
  random: number,
): VerdictOnOperation {
  const leaver = isLeaver(operation);
  const attempts = operation.attempts + (outcome.countsAsAttempt ? 1 : 0);
  const again = (afterMs: number): VerdictOnOperation => ({
    state: 'queued',
    notBefore: plusMs(now, afterMs),
    refused: false,
  });
  const waitMs = (): number => {
    const rule = leaver ? LEAVER_BACKOFF : WORK_BACKOFF;
    const askedMs = Math.min(outcome.retryAfterMs ?? 0, leaver ? LEAVER_BACKOFF.capMs : RETRY_AFTER_MAX_MS);
    return Math.max(askedMs, backoffMs(Math.max(tries.count, attempts, 1), rule, random));
  };
  switch (outcome.class) {
    case 'done':
      if (mayStillAppear(operation, outcome, now)) return again(waitMs());
      return { state: 'done', notBefore: now, refused: false };
    case 'accepted':
      return { state: 'accepted', notBefore: now, refused: false };
    case 'permanent':
    case 'gone':
    case 'conflict':
      if (!leaver) return { state: 'failed', notBefore: now, refused: false };
      // A conflict passes; what was refused for good is asked again for all that, only less often.
      return { ...again(outcome.class === 'conflict' ? waitMs() : REFUSED_LEAVER_MS), refused: true };
    default:
      // Whoever kept it from leaving says when it may: the gate, a stop, or newer work.
      if (outcome.code === NOT_SENT) return again(0);
      if (!leaver && outcome.countsAsAttempt && (attempts >= ATTEMPTS_MAX || tries.ownMs >= OWN_ANSWERS_MAX_MS)) {
        return { state: 'failed', notBefore: now, refused: false };
      }
      return again(waitMs());
  }
}

/** A create whose answer was lost may become visible this long after the disable was decided. */
const APPEARS_WITHIN_MS = 15 * MINUTE_MS;

/** Until then nobody is not yet nobody: whoever is to be disabled is looked for again. */
export const mayStillAppear = (operation: ClaimedOperation, outcome: Outcome, now: Instant): boolean =>
  operation.kind === 'disable' &&
  operation.ambiguous &&
  outcome.code === NOBODY &&
  now < plusMs(operation.createdAt, APPEARS_WITHIN_MS);
