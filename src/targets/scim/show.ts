// The requests that an operation sends when nothing goes wrong, without sending them.
import type { MembershipPayload } from '../../planning/changeset.ts';
import type { Sendable, ShownRequest } from '../target.ts';
import type { Capabilities } from './capabilities.ts';
import { DISABLE, differences, fromAccount, idShown } from './differences.ts';
import { inBatches } from './halving.ts';
import { overlaid } from './overlay.ts';
import type { PatchOperation } from './patch.ts';
import type { Profile } from './profiles.ts';
import {
  createGroup,
  createUser,
  deleteUser,
  patchMembers,
  patchUser,
  placed,
  putUser,
  readMembers,
  readUser,
  type ScimRequest,
  searchGroups,
  searchUsers,
  shownRequest,
} from './requests.ts';

/** Pure. What depends on an answer is shown as though nothing unexpected were found. */
export const shown = (operation: Sendable, profile: Profile, capabilities: Capabilities): readonly ShownRequest[] =>
  requestsOf(operation, profile, capabilities).map((request) => shownRequest(placed(request, profile)));

function requestsOf(operation: Sendable, profile: Profile, capabilities: Capabilities): readonly ScimRequest[] {
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
    const looks = ambiguous || profile.lookBeforeCreate ? lookUps() : [];
    return [...looks, createUser(operation, profile), ...(capabilities.confirmCreates ? [readUser(id)] : [])];
  }
  if (kind === 'disable') {
    const readBack = profile.echoIsTruth ? [] : [readUser(id)];
    const write = writes(operation, id, DISABLE, profile, capabilities, false);
    const first = account.remoteId === null ? lookUps() : [];
    return [...first, ...(capabilities.update === 'put' ? [readUser(id)] : []), ...write, ...readBack];
  }
  if (kind === 'delete') return [...(account.remoteId === null ? lookUps() : []), deleteUser(id)];
  const activation = kind === 'enable' ? 'send' : kind === 'create' ? 'ifDifferent' : 'leave';
  const operations = differences(operation, fromAccount(operation), profile, activation);
  const reads = ambiguous || kind === 'create' || profile.readAround || capabilities.update === 'put';
  const first = account.remoteId === null ? lookUps() : reads ? [readUser(id)] : [];
  if (operations.length === 0) return first;
  const unguarded = capabilities.update === 'put' && !(capabilities.ifMatch && account.etag !== null);
  const after = profile.readAround || unguarded ? [readUser(id)] : [];
  return [...first, ...writes(operation, id, operations, profile, capabilities, true), ...after];
}

/** A PUT is shown over what is known of the account; what else stands there is carried along. */
function writes(
  { account }: Sendable,
  id: string,
  operations: readonly PatchOperation[],
  profile: Profile,
  { update, patchForm, ifMatch }: Capabilities,
  tags: boolean,
): readonly ScimRequest[] {
  const etag = tags && ifMatch ? account.etag : null;
  if (update === 'put') {
    const { userName, externalId, active, known } = account;
    const base = { id, externalId, userName, ...(active === null ? {} : { active }), ...known };
    return [putUser(id, overlaid(base, operations, profile.putMerges), etag)];
  }
  const most = profile.patch.maxOperations ?? operations.length;
  return inBatches(operations, most).map((part, index) => patchUser(id, part, index === 0 ? etag : null, patchForm));
}

function membership(
  operation: Sendable,
  { group, create }: MembershipPayload,
  id: string,
  profile: Profile,
): readonly ScimRequest[] {
  const groupId = operation.groupRemoteId ?? `<id:${group}>`;
  const kind = operation.kind === 'addMember' ? 'addMember' : 'removeMember';
  return [
    ...(operation.groupRemoteId === null ? [searchGroups(group, profile)] : []),
    ...(operation.groupRemoteId === null && create && kind === 'addMember' ? [createGroup(group)] : []),
    ...(operation.ambiguous ? [readMembers(groupId)] : []),
    patchMembers(groupId, kind, [id]),
  ];
}
