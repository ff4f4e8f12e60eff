// Absence from a snapshot is a suspicion to show, never a departure.
import type { Instant } from '../base/instant.ts';
import type { WorkerChange } from '../planning/changeset.ts';
import { breathe, type House } from './house.ts';

/** Employments looked up at once. */
const BATCH = 500;

/** Marks workers none of whose employments the snapshot holds as suspected, with the moment it was first noticed. */
export async function suspect(
  house: House,
  connection: string,
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
      if (!situation.employments.every(({ id }) => gone.has(id))) continue;
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
