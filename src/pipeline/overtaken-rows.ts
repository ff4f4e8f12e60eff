// A row that says something else than a newer word on the same employment changes nothing now. It must not be recognised either:
// the next delivery that still has it says it anew, and later than that word.
import { DAY_MS, type Instant, msOf } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import type { Employment } from '../worker/worker.ts';

/**
 * Whether the row of this employment, the last of those observed, is older than what is on file or waits, and differs from it. But a
 * row that has said since before a leave that the worker is here is no news where exports lag behind: it must not give access back.
 */
export function isOvertaken(
  observed: readonly Employment[],
  onFile: readonly Employment[],
  employmentId: string,
  feedLags: boolean,
): boolean {
  const row = observed.findLast(({ id }) => id === employmentId);
  if (row === undefined) return false;
  const newer = [...onFile, ...observed].filter(({ id, asOf }) => id === employmentId && asOf > row.asOf);
  if (newer.length === 0) return false;
  const newest = newer.reduce((a, b) => (b.asOf > a.asOf ? b : a));
  if (feedLags && newest.status === 'terminated' && row.status !== 'terminated') return false;
  return wordsOf(newest) !== wordsOf(row);
}

/** What the source itself says of it, apart from when. */
function wordsOf({ asOf: _, given: __, absent: ___, seenAgain: ____, ...said }: Employment): string {
  return canonicalJson(said);
}

/** Exports and events lag by no more than this. */
export const LAG_MS = DAY_MS;

/** The leave among these rows that a later word on the same employment keeps from counting, where either may be the one that lags. */
export function overtakenLeave(
  rows: readonly Employment[],
  onFile: readonly Employment[],
  { now, presence }: { readonly now: Instant; readonly presence?: Instant },
): Employment | null {
  const leave = rows.find(({ id, status, asOf }) => {
    const known = onFile.find((one) => one.id === id);
    if (status !== 'terminated' || known === undefined || known.status === 'terminated' || known.asOf <= asOf)
      return false;
    // What stands in a snapshot is said again by the next one, unless its own dates keep it older for ever.
    return presence === undefined ? msOf(known.asOf) - msOf(asOf) <= LAG_MS : msOf(now) - msOf(known.asOf) > LAG_MS;
  });
  return leave ?? null;
}
