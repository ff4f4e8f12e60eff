import type { Phase, Verdict } from './phase.ts';

const RANK: Record<Phase, number> = { running: 0, onLeave: 0, waiting: 1, window: 1, future: 1, ended: 2 };

/**
 * In order of precedence, the first decides the attributes: those that run (inside the scope before outside, not on leave before
 * on leave), the next to start, the last that ended; ties by the latest start, then by id.
 */
export function inOrder(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.length < 2 ? verdicts : verdicts.toSorted(compare);
}

function compare(a: Verdict, b: Verdict): number {
  const rank = RANK[a.phase] - RANK[b.phase];
  if (rank !== 0) return rank;
  if (a.employment.inScope !== b.employment.inScope) return a.employment.inScope ? -1 : 1;
  if ((a.phase === 'onLeave') !== (b.phase === 'onLeave')) return a.phase === 'onLeave' ? 1 : -1;
  const startA = a.employment.startDate ?? '';
  const startB = b.employment.startDate ?? '';
  if (RANK[a.phase] === 1) return text(startA, startB) || text(a.employment.id, b.employment.id);
  if (a.phase === 'ended') {
    const byEnd = text(endOf(b), endOf(a));
    if (byEnd !== 0) return byEnd;
  }
  return text(startB, startA) || text(a.employment.id, b.employment.id);
}

/** Without a date an end counts from when HR said so. */
const endOf = ({ employment, until }: Verdict): string => until ?? employment.asOf.slice(0, 10);

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
