// Operations that failed by what was the target's fault after all are put back into the queue.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { decide } from '../lifecycle/decide.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { Situation } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { ClaimedOperation } from '../store/store.ts';
import type { House } from './house.ts';

/** An answer that says something of the target and nothing of the operation. */
export const ofTheTarget = (outcome: Outcome): Outcome => ({
  ...outcome,
  class: 'targetDown',
  countsAsAttempt: false,
});

const CONFLICT_ROUNDS_MAX = 20;

/** Does nothing where newer work has taken the operation's place meanwhile. */
export async function excuse(
  house: House,
  operation: ClaimedOperation,
  outcome: Outcome,
  notBefore: Instant,
): Promise<void> {
  const { connection, workerKey } = operation;
  const now = nowOf(house.clock);
  for (let round = 0; ; round += 1) {
    const situations = await house.store.situations(connection, [workerKey], { employments: false });
    const situation = situations.get(workerKey);
    const open = situation?.operations.find(({ id }) => id === operation.id);
    if (situation === undefined || open === undefined || (open.state !== 'failed' && open.state !== 'queued')) return;
    const stored = await house.store.commit({
      connection,
      at: now,
      workers: [
        {
          key: situation.key,
          revision: situation.revision,
          standing: underWay(situation, operation.id, now),
          dueAt: situation.dueAt,
          accounts: [],
          operations: [],
          supersedes: [],
          entries: [
            {
              kind: 'result',
              connection,
              workerKey,
              actor: 'target',
              body: {
                operation: operation.id,
                target: operation.target,
                what: operation.kind,
                state: 'queued',
                class: 'targetDown',
                status: outcome.status,
                code: outcome.code,
              },
            },
          ],
        },
      ],
      results: [
        {
          id: operation.id,
          state: 'queued',
          notBefore,
          attempts: operation.attempts,
          ambiguous: operation.ambiguous,
          outcome: ofTheTarget(outcome),
        },
      ],
    });
    if (stored.kind === 'applied') return;
    assert(round < CONFLICT_ROUNDS_MAX, 'an excuse meets conflicts without end');
  }
}

function underWay({ standing, operations }: Situation, id: number, now: Instant): Situation['standing'] {
  if (standing.delivery !== 'failed') return standing;
  if (operations.some((one) => one.id !== id && one.state === 'failed')) return standing;
  const decision = decide(standing, { type: 'deliveryOrdered', now });
  return decision.kind === 'accepted' ? decision.to : standing;
}
