// What of a plan would leave now.
import type { Plan } from '../pipeline/plan.ts';
import type { NewOperation } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import type { WorkerPlan } from '../planning/plan-worker.ts';

/** `disableOnly`: access ends now, the rest waits for a person. */
export type GuardWord = 'passes' | 'disableOnly' | 'held';

export function guardWord(plan: Plan, verdict: Verdict, key: string): GuardWord {
  if (!plan.candidates.has(key) || verdict.passes.has(key)) return 'passes';
  return verdict.disableOnly.has(key) ? 'disableOnly' : 'held';
}

/** Whether a cycle would send this operation. */
export function isSent(plan: Plan, verdict: Verdict, planned: WorkerPlan, operation: NewOperation): boolean {
  if (operation.refused !== undefined) return false;
  const word = guardWord(plan, verdict, planned.key);
  if (word !== 'disableOnly') return word === 'passes';
  const adopting = planned.harms.some(({ kind, target }) => kind === 'adoption' && target === operation.target);
  return !adopting && (operation.kind === 'disable' || operation.kind === 'revokeSessions');
}
