// Every request we send, as a value. Pure: what `plan --requests` shows is built here too.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import type { Sendable, ShownRequest } from '../target.ts';
import type { RequestKind } from './outcome-table.ts';
import { withPasswords } from './password.ts';
import type { PatchOperation } from './patch.ts';
import type { Profile } from './profiles.ts';

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface ScimRequest {
  readonly kind: RequestKind;
  readonly method: ShownRequest['method'];
  /** Below the base URL, with its query. */
  readonly path: string;
  /** JSON text that may hold password markers; '' without a body. */
  readonly body: string;
  readonly ifMatch?: string;
}

export const shownRequest = ({ method, path, body }: ScimRequest): ShownRequest => ({
  method,
  path,
  body: withPasswords(body, () => '***'),
});

/** A filter value is escaped as in JSON, and the whole filter is encoded once (RFC 7644 section 3.4.2.2). */
const equals = (attribute: string, value: string) =>
  `filter=${encodeURIComponent(`${attribute} eq ${JSON.stringify(value)}`)}`;

/** `<id:KEY>` stands for an id that was not issued yet and is shown as it is; it never reaches the wire. */
const inPath = (id: string) => (id.startsWith('<id:') ? id : encodeURIComponent(id));

export const readUser = (id: string): ScimRequest => ({
  kind: 'read',
  method: 'GET',
  path: `/Users/${inPath(id)}`,
  body: '',
});

export const searchUsers = (attribute: 'externalId' | 'userName', value: string): ScimRequest => ({
  kind: 'search',
  method: 'GET',
  path: `/Users?${equals(attribute, value)}`,
  body: '',
});

/** One page of all users; `startIndex` counts from 1 (RFC 7644 section 3.4.2.4). */
export const listUsers = (startIndex: number, count: number): ScimRequest => ({
  kind: 'search',
  method: 'GET',
  path: `/Users?startIndex=${startIndex}&count=${count}`,
  body: '',
});

export const deleteUser = (id: string): ScimRequest => ({
  kind: 'delete',
  method: 'DELETE',
  path: `/Users/${inPath(id)}`,
  body: '',
});

export const patchUser = (
  id: string,
  operations: readonly PatchOperation[],
  ifMatch: string | null = null,
): ScimRequest => ({
  kind: 'write',
  method: 'PATCH',
  path: `/Users/${inPath(id)}`,
  body: patchBody(operations),
  ...(ifMatch === null ? {} : { ifMatch }),
});

const patchBody = (operations: readonly PatchOperation[]) =>
  JSON.stringify({ schemas: [PATCH_SCHEMA], Operations: operations });

export function createUser(operation: Sendable, profile: Profile): ScimRequest {
  const payload = operation.payload as AccountPayload;
  const attributes = withManager(payload, operation.managerRemoteId, profile);
  const body = {
    schemas: [USER_SCHEMA, ...Object.keys(attributes).filter((key) => key.startsWith('urn:'))],
    ...(payload.externalId === '' ? {} : { externalId: payload.externalId }),
    userName: payload.userName,
    active: payload.active,
    ...attributes,
  };
  return { kind: 'create', method: 'POST', path: '/Users', body: JSON.stringify(body) };
}

function withManager(payload: AccountPayload, managerRemoteId: string | null, profile: Profile): JsonObject {
  if (managerRemoteId === null || payload.managerKey === null || payload.managerKey === '') return payload.attributes;
  const colon = profile.manager.path.lastIndexOf(':');
  const schema = profile.manager.path.slice(0, colon);
  const extension = payload.attributes[schema] as JsonObject | undefined;
  const reference: JsonValue = { value: managerRemoteId };
  return { ...payload.attributes, [schema]: { ...extension, [profile.manager.path.slice(colon + 1)]: reference } };
}

export const searchGroups = (displayName: string, profile: Profile): ScimRequest => ({
  kind: 'search',
  method: 'GET',
  path: `/Groups?${equals('displayName', displayName)}${profile.excludeMembers ? '&excludedAttributes=members' : ''}`,
  body: '',
});

export const readMembers = (groupId: string): ScimRequest => ({
  kind: 'read',
  method: 'GET',
  path: `/Groups/${inPath(groupId)}?attributes=members`,
  body: '',
});

/** Marks the groups that we made, so that one of them is known again when the reply to its creation was lost. */
export const ownGroupId = (displayName: string): string => `rollcall:${displayName}`;

export const createGroup = (displayName: string): ScimRequest => ({
  kind: 'create',
  method: 'POST',
  path: '/Groups',
  body: JSON.stringify({ schemas: [GROUP_SCHEMA], displayName, externalId: ownGroupId(displayName) }),
});

/** One `add` with many values, or one `remove` for each member: the forms every provider we know of takes. */
export function patchMembers(
  groupId: string,
  kind: 'addMember' | 'removeMember',
  memberIds: readonly string[],
): ScimRequest {
  const operations: readonly PatchOperation[] =
    kind === 'addMember'
      ? [{ op: 'add', path: 'members', value: memberIds.map((value) => ({ value })) }]
      : memberIds.map((id) => ({ op: 'remove', path: `members[value eq ${JSON.stringify(id)}]` }));
  return { kind: 'write', method: 'PATCH', path: `/Groups/${inPath(groupId)}`, body: patchBody(operations) };
}
