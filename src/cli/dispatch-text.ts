// Which targets deliver nothing now, and why, and how long leavers have waited.
import { type Instant, msOf } from '../base/instant.ts';
import type { DispatchState, DispatchStates } from '../pipeline/dispatch-state.ts';
import type { Unmet } from '../pipeline/first-contact.ts';
import type { ShownOperation } from '../store/store.ts';
import { oldestOf } from '../views/status.ts';
import { ago, grouped, span } from './ago.ts';
import type { Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { toned } from './tone.ts';

/** The daemon writes when something changes: a pause that has passed by itself is still on file. */
export const isOver = ({ state, nextTryAt }: DispatchState, at: Instant): boolean =>
  state === 'closed' || (state === 'paused' && (nextTryAt === null || nextTryAt <= at));

const DOWN_HINT =
  'its work waits and goes out by itself, leavers first; the target, or our credentials: rollcall validate --probe';

export function dispatchLines(paper: Paper, states: DispatchStates, at: Instant): readonly string[] {
  return Object.entries(states)
    .filter(([, state]) => !isOver(state, at))
    .flatMap(([target, { state, since, why, nextTryAt }]) => {
      const left = nextTryAt === null ? 0 : msOf(nextTryAt) - msOf(at);
      const next = left > 0 ? `next try in ${span(left)}` : 'the next try is due';
      return state === 'paused'
        ? [
            toned(paper, 'warning', harmless(`target ${target} asked for patience (${why}): ${next}`)),
            '  nothing is lost; where it asks often: a lower limits.perSecond in the connection file',
          ]
        : [
            toned(paper, 'bad', harmless(`TARGET ${target} IS DOWN since ${ago(since, at)} (${why}): ${next}`)),
            `  ${DOWN_HINT}`,
          ];
    });
}

/** Targets that were never listed: nobody gets an account there, and nobody loses one, until they are. */
export const unmetLines = (paper: Paper, unmet: readonly Unmet[]): readonly string[] =>
  unmet.flatMap(({ target, reason }) => {
    const why = reason === '' ? 'it is being listed' : reason;
    return [
      toned(paper, 'bad', harmless(`TARGET ${target} WAS NEVER REACHED, its work waits: ${why}`)),
      `  ${DOWN_HINT}`,
    ];
  });

/** How many leavers still have access, and since when the one who has waited longest. */
export function leaverLines(leavers: readonly ShownOperation[], at: Instant): readonly string[] {
  const oldest = oldestOf(leavers);
  if (oldest === null) return [];
  return [`${grouped(leavers.length)} not confirmed, the oldest decided ${ago(oldest, at)}`];
}
