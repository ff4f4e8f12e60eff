// Where things are at Okta, below the organization's address. [O2] of docs/okta.md.

const USERS = '/api/v1/users';
const segment = encodeURIComponent;

export const sourcePath = (identitySourceId: string): string => `/api/v1/identity-sources/${segment(identitySourceId)}`;

export const LOADS = {
  upsert: 'bulk-upsert',
  groups: 'bulk-groups-upsert',
  members: 'bulk-group-memberships-upsert',
} as const;
export type LoadKind = keyof typeof LOADS;

export interface SourcePaths {
  readonly sessions: string;
  readonly session: (id: string) => string;
  readonly load: (id: string, kind: LoadKind) => string;
  readonly start: (id: string) => string;
  readonly users: string;
  readonly user: (externalId: string) => string;
  readonly groups: string;
  readonly group: (externalId: string) => string;
  readonly membership: (group: string) => string;
  readonly member: (group: string, member: string) => string;
}

export function sourcePaths(identitySourceId: string): SourcePaths {
  const root = sourcePath(identitySourceId);
  const session = (id: string): string => `${root}/sessions/${segment(id)}`;
  const group = (id: string): string => `${root}/groups/${segment(id)}`;
  return {
    sessions: `${root}/sessions`,
    session,
    load: (id, kind) => `${session(id)}/${LOADS[kind]}`,
    start: (id) => `${session(id)}/start-import`,
    users: `${root}/users`,
    user: (externalId) => `${root}/users/${segment(externalId)}`,
    groups: `${root}/groups`,
    group,
    membership: (id) => `${group(id)}/membership`,
    member: (id, member) => `${group(id)}/membership/${segment(member)}`,
  };
}

/** By id, or by login. */
export const userPath = (idOrLogin: string): string => `${USERS}/${segment(idOrLogin)}`;
export const lifecyclePath = (id: string, verb: 'deactivate' | 'suspend' | 'unsuspend' | 'activate'): string =>
  `${userPath(id)}/lifecycle/${verb}${verb === 'deactivate' || verb === 'activate' ? '?sendEmail=false' : ''}`;
export const userSessionsPath = (id: string): string => `${userPath(id)}/sessions?oauthTokens=true&forgetDevices=true`;
/** How search and paging work is general knowledge (GK). */
export const searchPath = (attribute: string, value: string): string =>
  `${USERS}?limit=2&search=${segment(`profile.${attribute} eq ${JSON.stringify(value)}`)}`;
export const listPath = (page: {
  readonly status: string | null;
  readonly after: string | null;
  readonly limit: number;
}): string => {
  const filter = page.status === null ? '' : `&filter=${segment(`status eq "${page.status}"`)}`;
  return `${USERS}?limit=${page.limit}${filter}${page.after === null ? '' : `&after=${segment(page.after)}`}`;
};
