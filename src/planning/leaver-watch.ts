// Leavers under special watch: on the hourly budget while another guard is tripped, and on a first load.
import type { Harm } from './harm.ts';
import { FIRST_LOAD_LEAVERS_MAX, isAlwaysHeld, LEAVERS_PER_HOUR_WHILE_TRIPPED_MAX } from './limits.ts';
import { type Candidate, type Trip, type Usage, usedIn, workersWould } from './tally.ts';

type Asks = (candidate: Candidate, harm: Harm) => boolean;

/** What a leaver's harm says when it is the disable itself; a last day that was merely seen says something else. */
const DISABLE = 'disable';
export const isDisable = (harm: Harm): boolean => harm.kind === 'emergencyLeaver' || harm.operation.startsWith(DISABLE);
const EXPLICIT = { kind: 'explicitLeaver', attribute: null, unit: null } as const;

/** Somebody who had left before we first saw them may still have an active account: one is disabled, more are held. */
export function firstLoadTrips(candidates: readonly Candidate[], unapproved: Asks): readonly Trip[] {
  const kinds = new Set<'inferredLeaver' | 'explicitLeaver'>();
  let count = 0;
  for (const candidate of candidates) {
    let leaves = false;
    for (const harm of candidate.harms) {
      if (harm.kind !== 'inferredLeaver' && harm.kind !== 'explicitLeaver') continue;
      if (!isDisable(harm) || !unapproved(candidate, harm)) continue;
      leaves = true;
      kinds.add(harm.kind);
    }
    if (leaves) count += 1;
  }
  if (count <= FIRST_LOAD_LEAVERS_MAX) return [];
  const reason = `${count} accounts of workers who have already left were found active on a first load; ${FIRST_LOAD_LEAVERS_MAX} may be disabled unasked`;
  const limit = FIRST_LOAD_LEAVERS_MAX;
  return [...kinds].map((kind) => ({ kind, attribute: null, count, limit, window: 'cycle', reason }));
}

/**
 * The explicit leavers that go on while another guard is tripped: by worker key as far as the hour allows, the rest in
 * later hours. Workers who also wait for a decision of a person come last, so that they never keep others waiting.
 */
export function leaversOnBudget(
  candidates: readonly Candidate[],
  usedInHour: Usage,
  unapproved: Asks,
): { readonly chosen: ReadonlySet<string>; readonly trip: Trip | null } {
  const used = usedIn(usedInHour, EXPLICIT);
  const chosen = new Set<string>();
  const waiting: string[] = [];
  const last: string[] = [];
  for (const candidate of candidates) {
    const { workerKey, harms } = candidate;
    if (!harms.some((h) => h.kind === 'explicitLeaver' && isDisable(h) && unapproved(candidate, h))) continue;
    if (used.isCounted(workerKey)) chosen.add(workerKey);
    else (harms.some((harm) => isAlwaysHeld(harm.kind)) ? last : waiting).push(workerKey);
  }
  const queue = [...waiting.sort(), ...last.sort()];
  const limit = LEAVERS_PER_HOUR_WHILE_TRIPPED_MAX;
  const room = Math.max(0, limit - used.workers);
  for (const workerKey of queue.slice(0, room)) chosen.add(workerKey);
  if (queue.length <= room) return { chosen, trip: null };
  const count = used.workers + queue.length;
  const reason = `${workersWould(count, EXPLICIT)} within one hour; ${limit} may while another guard is tripped`;
  return { chosen, trip: { kind: 'explicitLeaver', attribute: null, count, limit, window: 'hour', reason } };
}
