// Whom a command is about: by the worker's key, or by the id of one of their employments.
import { Problem } from '../base/problem.ts';
import type { Situation } from '../planning/changeset.ts';
import type { Store } from '../store/store.ts';

export interface FoundWorker {
  readonly connection: string;
  readonly situation: Situation;
}

/** Everybody of that name, in the order of the connections; with `wanted` only of this one. */
export async function workersNamed(
  store: Store,
  id: string,
  wanted: string | undefined,
): Promise<readonly FoundWorker[]> {
  const { connections } = await store.overview();
  const names = connections.map((one) => one.connection).filter((name) => wanted === undefined || name === wanted);
  const found: FoundWorker[] = [];
  for (const connection of names) {
    const today = (await store.formerKeys(connection)).get(id) ?? id;
    const key = (await store.workerKeysOf(connection, [today])).get(today) ?? today;
    const situation = (await store.situations(connection, [key])).get(key);
    if (situation !== undefined) found.push({ connection, situation });
  }
  return found;
}

/** @throws Problem where nobody, or several connections, know the worker. */
export async function findWorker(store: Store, id: string, wanted: string | undefined): Promise<FoundWorker> {
  const [only, ...others] = await workersNamed(store, id, wanted);
  if (only === undefined) {
    throw new Problem({
      code: 'worker.unknown',
      message: `no worker ${id}${wanted === undefined ? '' : ` in ${wanted}`}`,
      hint: `the key is HR’s, byte for byte; leading zeros count; reasons: rollcall explain ${id}`,
    });
  }
  if (others.length > 0) throw ambiguous(id, [only, ...others]);
  return only;
}

export const ambiguous = (id: string, found: readonly FoundWorker[]): Problem =>
  new Problem({
    code: 'worker.ambiguous',
    message: `several connections know a worker ${id}: ${found.map((one) => one.connection).join(', ')}`,
    hint: 'say which one with --connection',
  });
