// The body of one upload. https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-post-bulkupload
import type { Sendable } from '../target.ts';
import type { UploadRecord } from './record.ts';

/** Operations in one call. */
export const OPERATIONS_MAX = 50;
const BULK_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

interface Loaded {
  readonly operation: Sendable;
  readonly record: UploadRecord;
}

/** Method is always POST, for whatever change: the service compares and decides; an operation DELETE is dropped without a word. */
const operationOf = ({ operation, record }: Loaded) => ({
  method: 'POST',
  // Any text that is unique in the request; nothing says that it comes back anywhere.
  bulkId: `op-${operation.id}`,
  path: '/Users',
  data: record.data,
});

export const bulkBody = (load: readonly Loaded[]): string =>
  JSON.stringify({ schemas: [BULK_SCHEMA], Operations: load.map(operationOf), failOnErrors: null });

/** JSON text of one operation, as it stands in the body. */
export const shownOperation = (one: Loaded): string => JSON.stringify(operationOf(one));

/** Leavers first; then whoever leads somebody in the same call comes before them, so that the reference finds an account. */
export function inOrderOfManagers<T extends Loaded & { readonly urgent: boolean }>(load: readonly T[]): readonly T[] {
  const byMatching = new Map(load.map((one) => [one.record.matching, one]));
  const placed = new Set<T>();
  const place = (one: T, above: ReadonlySet<T>): void => {
    if (placed.has(one) || above.has(one)) return;
    const { managerRemoteId } = one.operation;
    const manager = managerRemoteId === null ? undefined : byMatching.get(managerRemoteId);
    if (manager !== undefined && manager.urgent === one.urgent) place(manager, new Set([...above, one]));
    placed.add(one);
  };
  for (const one of load.toSorted((a, b) => Number(b.urgent) - Number(a.urgent))) place(one, new Set());
  return [...placed];
}
