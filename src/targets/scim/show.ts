// The requests that an operation sends when nothing goes wrong, without sending them.
import type { MembershipPayload } from '../../planning/changeset.ts';
import type { Sendable, ShownRequest } from '../target.ts';
import { DISABLE, differences, fromAccount, idShown } from './differences.ts';
import type { Profile } from './profiles.ts';
import {
  createUser,
  deleteUser,
  patchMembers,
  patchUser,
  readMembers,
  readUser,
  type ScimRequest,
  searchGroups,
  searchUsers,
  shownRequest,
} from './requests.ts';

/** Pure. What depends on an answer is shown as though nothing unexpected were found. */
export const shown = (operation: Sendable, profile: Profile): readonly ShownRequest[] =>
  requestsOf(operation, profile).map(shownRequest);

function requestsOf(operation: Sendable, profile: Profile): readonly ScimRequest[] {
  const { kind, account, payload, ambiguous } = operation;
  const id = idShown(account, operation.workerKey);
  if (kind === 'addMember' || kind === 'removeMember')
    return membership(operation, payload as MembershipPayload, id, profile);
  const lookUps = () =>
    profile.lookup
      .map((attribute) => [attribute, (payload as { readonly [name in typeof attribute]: string })[attribute]] as const)
      .filter(([, value]) => value !== '')
      .map(([attribute, value]) => searchUsers(attribute, value));
  if (kind === 'create' && account.remoteId === null) {
    return [...(ambiguous ? lookUps() : []), createUser(operation, profile)];
  }
  if (kind === 'disable') {
    const readBack = profile.echoIsTruth ? [] : [readUser(id)];
    return [...(account.remoteId === null ? lookUps() : []), patchUser(id, DISABLE), ...readBack];
  }
  if (kind === 'delete') return [...(account.remoteId === null ? lookUps() : []), deleteUser(id)];
  const activation = kind === 'enable' ? 'send' : kind === 'create' ? 'ifDifferent' : 'leave';
  const operations = differences(operation, fromAccount(operation), profile, activation);
  const first = account.remoteId === null ? lookUps() : ambiguous || kind === 'create' ? [readUser(id)] : [];
  if (operations.length === 0) return first;
  return [...first, patchUser(id, operations, profile.ifMatch ? account.etag : null)];
}

function membership(
  operation: Sendable,
  { group }: MembershipPayload,
  id: string,
  profile: Profile,
): readonly ScimRequest[] {
  const groupId = operation.groupRemoteId ?? `<id:${group}>`;
  const kind = operation.kind === 'addMember' ? 'addMember' : 'removeMember';
  return [
    ...(operation.groupRemoteId === null ? [searchGroups(group, profile)] : []),
    ...(operation.ambiguous ? [readMembers(groupId)] : []),
    patchMembers(groupId, kind, [id]),
  ];
}
