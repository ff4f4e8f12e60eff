// Many records in one request: a request that is refused is halved until the culprit stands alone, so that one poison record
// costs the others nothing (design section 6).
import type { Outcome } from '../../lifecycle/outcome.ts';
import { concluded } from './outcome-table.ts';

/**
 * What became of a batch: `taken` (every item has its answer), `refused` (halve it; one item cannot be halved and counts as
 * taken), `again` (send it once more), `stop` (nothing more may be sent now).
 */
export type BatchVerdict = 'taken' | 'refused' | 'again' | 'stop';

/**
 * Sends batches one after the other. Returns the items of those that were never sent because an earlier one said `stop`.
 * Ends because every half is smaller, and because `send` says `again` a bounded number of times.
 */
export async function inHalves<T>(
  batches: readonly (readonly T[])[],
  send: (batch: readonly T[]) => Promise<BatchVerdict>,
): Promise<readonly T[]> {
  const waiting = batches.filter((batch) => batch.length > 0);
  for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
    const verdict = await send(batch);
    if (verdict === 'stop') return waiting.flat();
    if (verdict === 'again') waiting.unshift(batch);
    if (verdict === 'refused' && batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      waiting.unshift(batch.slice(0, middle), batch.slice(middle));
    }
  }
  return [];
}

/** Batches of at most `max` items, in order. */
export function inBatches<T>(items: readonly T[], max: number): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += max) batches.push(items.slice(from, from + max));
  return batches;
}

/** The target refuses what the request says: one of its records may be the reason. */
export const isRefusal = ({ class: kind, code }: Outcome): boolean =>
  (kind === 'permanent' && code !== 'redirect') || kind === 'conflict' || kind === 'gone';

/** The answer is about the target and holds for the records that were not sent yet as well. */
export const isOfTheTarget = ({ class: kind, countsAsAttempt }: Outcome): boolean =>
  !countsAsAttempt && kind !== 'done';

/** What was never sent is in no doubt. */
export const unsentBecause = (outcome: Outcome): Outcome =>
  outcome.class === 'ambiguous' ? concluded(outcome, { class: 'retry' }) : outcome;
