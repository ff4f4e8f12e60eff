// Absence from a snapshot is a suspicion to show, never a departure.
import type { Instant } from '../base/instant.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import type { Stage } from '../lifecycle/standing.ts';
import { truthOf } from '../lifecycle/truth.ts';
import type { Situation, WorkerChange } from '../planning/changeset.ts';
import { breathe, type House } from './house.ts';

/** Employments looked up at once. */
const BATCH = 500;

const AT_WORK: ReadonlySet<Stage> = new Set(['active', 'onLeave']);

/** Whether the employments that the snapshot does hold keep the worker where they stand; the others only vanished. */
function stays({ standing, employments }: Situation, gone: ReadonlySet<string>, now: Instant, policy: LifecyclePolicy) {
  const there = employments.filter(({ id }) => !gone.has(id));
  if (there.length === 0) return false;
  const { stage } = truthOf(standing, there, now, policy);
  return AT_WORK.has(standing.stage) ? AT_WORK.has(stage) : stage !== 'left';
}

/** Marks workers whom only absent employments keep where they stand as suspected, with the moment it was first noticed. */
export async function suspect(
  house: House,
  connection: string,
  policy: LifecyclePolicy,
  absent: readonly string[],
  now: Instant,
  actor: string,
): Promise<void> {
  const gone = new Set(absent);
  for (let from = 0; from < absent.length; from += BATCH) {
    const slice = absent.slice(from, from + BATCH);
    const keys = await house.store.workerKeysOf(connection, slice);
    const situations = await house.store.situations(connection, [...new Set(keys.values())]);
    const changes: WorkerChange[] = [];
    for (const situation of situations.values()) {
      if (
        situation.suspectedSince !== null ||
        situation.standing.stage === 'left' ||
        situation.standing.stage === 'purged'
      )
        continue;
      if (stays(situation, gone, now, policy)) continue;
      changes.push({
        key: situation.key,
        revision: situation.revision,
        standing: situation.standing,
        dueAt: situation.dueAt,
        accounts: [],
        operations: [],
        supersedes: [],
        suspectedSince: now,
        entries: [
          {
            kind: 'suspected',
            connection: connection,
            workerKey: situation.key,
            actor,
            body: { reason: 'absent from a complete snapshot' },
          },
        ],
      });
    }
    // Their rows are judged again at the next read: that is how the suspicion heals when they reappear.
    const marked = new Set(changes.map(({ key }) => key));
    const fingerprints = [...keys].flatMap(([employmentId, key]) =>
      marked.has(key) ? [{ employmentId, digests: [] }] : [],
    );
    if (changes.length > 0)
      await house.store.commit({ connection: connection, at: now, workers: changes, fingerprints });
    await breathe();
  }
}
