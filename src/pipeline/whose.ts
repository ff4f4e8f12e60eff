// Whose an account is that a look-up found after its plan was made: by then it may belong to another worker, or be protected.
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { ClaimedOperation } from '../store/store.ts';
import { foldName, type Store } from '../store/store.ts';
import type { Whose } from '../targets/target.ts';
import type { LiveConnection } from './house.ts';

/**
 * `live` is absent for work of a connection whose file is gone: nobody knows what it protected. An account that a person took from
 * somebody is nobody's, and as little ours as another worker's, unless `evenUnpaired` says that a person gives it away.
 */
export async function whoseIs(
  store: Pick<Store, 'owners' | 'takenNames'>,
  live: LiveConnection | undefined,
  { connection, workerKey, target }: Pick<ClaimedOperation, 'connection' | 'workerKey' | 'target'>,
  found: ListedAccount,
  asked: { readonly evenUnpaired?: boolean } = {},
): Promise<Whose> {
  const { remoteId, userName } = found;
  const owner = (await store.owners(target, [remoteId])).get(remoteId);
  // It bears a name that is withheld from everybody but whoever it is given to.
  const unpaired = owner?.connection === '';
  // An account that another worker's create is still in doubt about has no owner yet, but their name.
  const named =
    owner !== undefined || userName === null
      ? undefined
      : (await store.takenNames(target, [userName])).get(foldName(userName));
  const holder = owner ?? named;
  if (unpaired && asked.evenUnpaired !== true) return 'others';
  if (!unpaired && holder !== undefined && (holder.connection !== connection || holder.workerKey !== workerKey))
    return 'others';
  const bound = live?.connection.bind(null);
  if (bound === undefined) return 'free';
  // What cannot be decided protects.
  if ('faults' in bound) return 'protected';
  const mapping = bound.mapping.targets.find(({ name }) => name === target);
  return mapping?.isProtected(found) === true ? 'protected' : 'free';
}
