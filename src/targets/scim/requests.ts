// Every request we send, as a value. Pure: what `plan --requests` shows is built here too.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { AccountPayload } from '../../planning/changeset.ts';
import type { Sendable, ShownRequest } from '../target.ts';
import type { RequestKind } from './outcome-table.ts';
import { overlaid } from './overlay.ts';
import { withPasswords } from './password.ts';
import type { PatchOperation } from './patch.ts';
import type { LookupAttribute, Profile } from './profiles.ts';

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const BULK_PATH = '/Bulk';

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

/** Requests are built with the paths of RFC 7644; here the endpoint's own take their place. */
export function placed<T extends { readonly path: string }>(request: T, { paths }: Profile): T {
  const [, kind, rest] = /^\/(Users|Groups)(?=[/?]|$)(.*)$/s.exec(request.path) ?? [];
  if (kind === undefined) return request;
  return { ...request, path: `${kind === 'Users' ? paths.users : paths.groups}${rest}` };
}

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

export const searchUsers = (attribute: LookupAttribute | 'id', value: string): ScimRequest => ({
  kind: 'search',
  method: 'GET',
  path: `/Users?${equals(attribute, value)}`,
  body: '',
});

/** One page of all users. */
export const listUsers = (page: PageQuery): ScimRequest => ({
  kind: 'search',
  method: 'GET',
  path: `/Users?${queryOf(page)}`,
  body: '',
});

/**
 * By index, `startIndex` counts from 1 (RFC 7644 section 3.4.2.4). By cursor, the first page has none, and all others the one
 * that the page before gave (RFC 9865 section 2). Without paging there is one answer.
 */
export type PageQuery =
  | { readonly by: 'index'; readonly startIndex: number; readonly count: number }
  | { readonly by: 'cursor'; readonly cursor: string | null; readonly count: number }
  | { readonly by: 'none'; readonly count: number };

function queryOf(page: PageQuery): string {
  if (page.by === 'index') return `startIndex=${page.startIndex}&count=${page.count}`;
  if (page.by === 'none') return `count=${page.count}`;
  // An empty cursor asks for paging by cursor.
  return `cursor=${encodeURIComponent(page.cursor ?? '')}&count=${page.count}`;
}

/** Whether one user is in a group, asked of the users. */
export const inGroupAndIs = (groupId: string, userId: string): string =>
  `groups.value eq ${JSON.stringify(groupId)} and id eq ${JSON.stringify(userId)}`;

export const searchWhere = (filter: string): ScimRequest => ({
  kind: 'search',
  method: 'GET',
  path: `/Users?filter=${encodeURIComponent(filter)}`,
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
  form: 'path' | 'pathless' = 'path',
): ScimRequest => ({
  kind: 'write',
  method: 'PATCH',
  path: `/Users/${inPath(id)}`,
  body: patchBody(form === 'path' ? operations : pathless(operations)),
  ...(ifMatch === null ? {} : { ifMatch }),
});

/** The whole resource (RFC 7644 section 3.5.1), with every schema that it has attributes of. */
export function putUser(id: string, resource: JsonObject, ifMatch: string | null): ScimRequest {
  return { ...putResource(`/Users/${inPath(id)}`, USER_SCHEMA, resource), ...(ifMatch === null ? {} : { ifMatch }) };
}

export const putGroup = (id: string, resource: JsonObject, ifMatch: string | null): ScimRequest => ({
  ...putResource(`/Groups/${inPath(id)}`, GROUP_SCHEMA, resource),
  ...(ifMatch === null ? {} : { ifMatch }),
});

function putResource(path: string, core: string, resource: JsonObject): ScimRequest {
  const { schemas, ...attributes } = resource;
  const given = Array.isArray(schemas) ? (schemas as readonly JsonValue[]) : [core];
  const extensions = Object.keys(attributes).filter((key) => key.toLowerCase().startsWith('urn:'));
  const body = { schemas: [...new Set([...given, ...extensions])], ...attributes };
  return { kind: 'write', method: 'PUT', path, body: JSON.stringify(body) };
}

const patchBody = (operations: readonly JsonObject[] | readonly PatchOperation[]) =>
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

/**
 * One `replace` and, where elements join a list, one `add`, whose values are objects (RFC 7644 sections 3.5.2.1 and 3.5.2.3).
 * What needs a path keeps it: removals, and elements addressed by their type.
 */
function pathless(operations: readonly PatchOperation[]): readonly JsonObject[] {
  const replaced: PatchOperation[] = [];
  const added: PatchOperation[] = [];
  const others: JsonObject[] = [];
  for (const operation of operations) {
    const { op, path, value } = operation;
    if (op === 'remove' || path.includes('[')) others.push({ ...operation });
    else (op === 'add' && Array.isArray(value) ? added : replaced).push({ ...operation, op: 'replace' });
  }
  const whole = (op: 'add' | 'replace', parts: readonly PatchOperation[]): readonly JsonObject[] =>
    parts.length === 0 ? [] : [{ op, value: overlaid({}, parts, false) }];
  return [...whole('replace', replaced), ...whole('add', added), ...others];
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

/** The whole group, members and all. */
export const readGroup = (groupId: string): ScimRequest => ({
  kind: 'read',
  method: 'GET',
  path: `/Groups/${inPath(groupId)}`,
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
