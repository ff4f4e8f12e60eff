// Who names a manager that no account stands behind, and why, in words for HR.
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { Situation } from '../planning/changeset.ts';
import type { Store } from '../store/store.ts';

export interface DanglingManager {
  readonly worker: string;
  /** As HR wrote it. */
  readonly manager: string;
  readonly reason: string;
}

/** At the end of a rehearsal: references that never could be sent. In the order of the workers' keys. */
export async function danglingManagers(
  store: Store,
  connection: string,
  rejections: readonly Rejection[],
): Promise<readonly DanglingManager[]> {
  const rejected = new Map<string, string>();
  for (const { key, reason } of rejections) if (key !== null && !rejected.has(key)) rejected.set(key, reason);
  const found: DanglingManager[] = [];
  for await (const ids of store.allEmploymentIds(connection)) {
    const keys = [...new Set((await store.workerKeysOf(connection, ids)).values())];
    const owing = [...(await store.situations(connection, keys, { employments: false })).values()].flatMap(
      ({ key, accounts }) => {
        const owed = accounts.find(({ managerOwed }) => managerOwed !== '')?.managerOwed;
        return owed === undefined ? [] : [{ worker: key, manager: owed }];
      },
    );
    const managers = await store.situations(connection, [...new Set(owing.map(({ manager }) => manager))]);
    for (const { worker, manager } of owing) {
      found.push({ worker, manager, reason: reasonFor(manager, managers.get(manager), rejected.get(manager)) });
    }
  }
  const unique = new Map(found.map((one) => [one.worker, one]));
  return [...unique.values()].sort((a, b) => (a.worker < b.worker ? -1 : 1));
}

function reasonFor(manager: string, known: Situation | undefined, rejected: string | undefined): string {
  if (known === undefined) {
    return rejected === undefined
      ? `no row of the feed has the id ${manager}`
      : `the row of manager ${manager} was rejected: ${rejected}`;
  }
  const { stage } = known.standing;
  if (stage === 'left' || stage === 'purged') return `manager ${manager} has left`;
  if (stage === 'expected') return `manager ${manager} has no account yet`;
  return `manager ${manager} has no account that could be referred to`;
}
