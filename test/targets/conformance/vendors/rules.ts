// Small words in which the vendors' refusals are said.
import type { Call, Kind, ProbeAnswer, ProbeTools, Refused, Resource } from '../quirk.ts';
import { ENTERPRISE } from './person.ts';

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';

export const patchOf = (...operations: readonly Resource[]): Resource => ({
  schemas: [PATCH_SCHEMA],
  Operations: operations,
});

export const badRequest = (detail: string, scimType?: string): Refused => ({
  status: 400,
  detail,
  ...(scimType === undefined ? {} : { scimType }),
});

export const isPatchOf = (call: Call, kind: Kind): boolean => call.method === 'PATCH' && call.on === kind;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const pathOf = (operation: Resource): string => textOf(operation.path);
export const opOf = (operation: Resource): string => textOf(operation.op);
export const isAboutMembers = (operation: Resource): boolean => /^members\b/i.test(pathOf(operation));
/** Members that one operation adds or removes. */
export const sizeOf = ({ value }: Resource): number => (Array.isArray(value) ? value.length : 1);

/** The value under a path such as `name.givenName` or `urn:…:User:department`. */
export function at(resource: Resource | null, path: string): unknown {
  const enterprise = path.startsWith(`${ENTERPRISE}:`);
  let found: unknown = enterprise ? resource?.[ENTERPRISE] : resource;
  for (const part of (enterprise ? path.slice(ENTERPRISE.length + 1) : path).split('.')) {
    found = typeof found === 'object' && found !== null ? (found as Resource)[part] : undefined;
  }
  return found;
}
export const missing = (resource: Resource | null, paths: readonly string[]): readonly string[] =>
  paths.filter((path) => at(resource, path) === undefined || at(resource, path) === '');

export const MULTI_VALUED = [
  'emails',
  'phoneNumbers',
  'addresses',
  'ims',
  'photos',
  'roles',
  'entitlements',
  'x509Certificates',
];
export const elementsOf = (resource: Resource, attribute: string): readonly Resource[] =>
  Array.isArray(resource[attribute]) ? (resource[attribute] as Resource[]) : [];

export const filtered = (filter: string): string => `?filter=${encodeURIComponent(filter)}`;
/** Resources of a list answer, whatever its key is called. */
export const listIn = ({ body }: ProbeAnswer): readonly Resource[] =>
  (body.Resources ?? body.resources ?? []) as Resource[];

/** Creates a person and hands back the id; '' when that was refused. */
export async function created(
  { send, person }: ProbeTools,
  n: number,
  change: Resource = {},
  path = '/Users',
): Promise<string> {
  return String((await send('POST', path, person(n, change))).body.id ?? '');
}

/** Puts people into the store past all rules. */
export function seeded(tools: ProbeTools, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `seed-${index}`;
    tools.users.set(id, {
      ...tools.person(10_000 + index),
      id,
      meta: { resourceType: 'User', version: 'W/"0"', location: `/Users/${id}` },
    });
    return id;
  });
}
export function seededGroup(tools: ProbeTools, displayName: string, members: readonly string[] = []): string {
  const id = `group-of-${members.length}`;
  tools.groups.set(id, {
    schemas: [GROUP_SCHEMA],
    id,
    displayName,
    members: members.map((value) => ({ value })),
    meta: { resourceType: 'Group', version: 'W/"0"', location: `/Groups/${id}` },
  });
  return id;
}
export const membersIn = (tools: ProbeTools, group: string): number =>
  ((tools.groups.get(group)?.members ?? []) as Resource[]).length;
export const addOf = (ids: readonly string[]): Resource => ({
  op: 'add',
  path: 'members',
  value: ids.map((value) => ({ value })),
});
export const removeOf = (id: string): Resource => ({ op: 'remove', path: `members[value eq ${JSON.stringify(id)}]` });

/** A bulk request that creates these people. */
export const bulkOf = (people: readonly Resource[]): Resource => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
  Operations: people.map((data, n) => ({ method: 'POST', path: '/Users', bulkId: `b${n}`, data })),
});
