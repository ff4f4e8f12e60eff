// Which claimed operations travel in one request.
import type { MembershipPayload } from '../planning/changeset.ts';
import type { ClaimedOperation } from '../store/store.ts';

/** Membership changes of one kind and group travel together, everything else alone. */
export function together(claimed: readonly ClaimedOperation[]): readonly (readonly ClaimedOperation[])[] {
  const groups = new Map<string, ClaimedOperation[]>();
  for (const operation of claimed) {
    const membership = operation.kind === 'addMember' || operation.kind === 'removeMember';
    const key = membership
      ? `${operation.kind} ${(operation.payload as MembershipPayload).group}`
      : `one ${operation.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [operation]);
    else group.push(operation);
  }
  return [...groups.values()];
}
