// What a target says of one account, held against what is believed of it: whether it may be used, and whether it still is ours.
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { AccountState } from '../planning/changeset.ts';
import type { LookUp, Target } from '../targets/target.ts';
import type { House, LiveConnection } from './house.ts';
import { whoseIs } from './whose.ts';

export type Checked =
  /** There, and nobody can use it. */
  | { readonly kind: 'inactive' }
  /** Somebody can use it, and it is this worker's. */
  | { readonly kind: 'active'; readonly account: ListedAccount }
  /** Somebody can use it, but it is another worker's, of unknown origin, or protected: it gets no write from us. */
  | { readonly kind: 'foreign' | 'protected'; readonly account: ListedAccount }
  /** Nobody has this id, this externalId or this userName there. */
  | { readonly kind: 'gone' };

/** Reads only. @throws Problem when the target does not answer. */
export async function checkAccount(
  house: House,
  live: LiveConnection,
  target: Target,
  workerKey: string,
  believed: AccountState,
  signal: AbortSignal,
): Promise<Checked> {
  const found = await present(target, believed, signal);
  const usable = found.filter(({ active }) => active);
  if (found.length === 0) return { kind: 'gone' };
  const [account] = usable;
  if (account === undefined) return { kind: 'inactive' };
  const name = { connection: live.connection.name, workerKey, target: target.name };
  const whose = await whoseIs(house.store, live, name, account);
  if (whose === 'protected') return { kind: 'protected', account };
  return { kind: whose === 'free' && isOurs(account, believed) ? 'active' : 'foreign', account };
}

/** By its id, and where that is gone by what would lead to it if somebody made it anew. */
async function present(
  target: Target,
  { remoteId, externalId, userName }: AccountState,
  signal: AbortSignal,
): Promise<readonly ListedAccount[]> {
  const looked = remoteId === null ? { kind: 'gone' as const } : await target.look(remoteId, signal);
  if (looked.kind === 'there') return [looked.account];
  const asked: readonly LookUp[] = [
    { attribute: 'externalId', value: externalId },
    { attribute: 'userName', value: userName },
  ];
  return target.find(asked, signal);
}

/** An id that was given to somebody else carries another externalId; another id is ours only by the externalId. */
const isOurs = (found: ListedAccount, { remoteId, externalId }: AccountState): boolean =>
  found.remoteId === remoteId
    ? found.externalId === null || found.externalId === '' || externalId === '' || found.externalId === externalId
    : externalId !== '' && found.externalId === externalId;
