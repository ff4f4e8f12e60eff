// Users as Microsoft Graph shows them, in the shape that everybody else here knows. Which property a mapped attribute ends in is the
// provisioning app's business; what is compared are those of its default mapping that Graph shows under one name:
// https://github.com/AzureAD/entra-id-inbound-provisioning
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import type { ListedAccount } from '../../mapping/bound-mapping.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import { type PatienceDeps, patient } from '../scim/patient.ts';
import { type Looked, type LookUp, NO_LISTING } from '../target.ts';
import { equals, type Graph, valuesOf } from './graph.ts';
import { ENTERPRISE } from './record.ts';

export interface UserPlaces {
  /** Property that holds the matching value, such as employeeId. */
  readonly property: string;
  /** Whether that value is the externalId. */
  readonly isExternalId: boolean;
  /** False: users are not read at all. */
  readonly reads: boolean;
}

export interface Users {
  /** @throws Problem when Graph does not answer. */
  readonly find: (asked: readonly LookUp[], signal: AbortSignal) => Promise<readonly ListedAccount[]>;
  readonly look: (remoteId: string, signal: AbortSignal) => Promise<Looked>;
  readonly list: (signal: AbortSignal) => AsyncIterable<readonly ListedAccount[]>;
  /** Those who carry this matching value, once each. */
  readonly matching: (value: string, signal: AbortSignal, urgent?: boolean) => Promise<readonly GraphUser[]>;
  readonly named: (userName: string, signal: AbortSignal, urgent?: boolean) => Promise<readonly GraphUser[]>;
  readonly reads: boolean;
}

/** An account with the id of its user in the directory. */
export interface GraphUser extends ListedAccount {
  readonly objectId: string;
}

/** Whoever has no matching value cannot be uploaded to: known, so that names are not given twice, and never adopted. */
export const OBJECT = 'object:';

const SELECTED = [
  'id',
  'userPrincipalName',
  'accountEnabled',
  'displayName',
  'givenName',
  'surname',
  'jobTitle',
  'department',
  'companyName',
  'preferredLanguage',
] as const;
/** https://learn.microsoft.com/graph/api/user-list: at most 999 on a page. */
const PAGE = 999;
const PAGES_MAX = 10_000;
const TRIES = 5;

export function usersOf(graph: Graph, places: UserPlaces, deps: PatienceDeps): Users {
  const { property, reads } = places;
  const select = `$select=${[...new Set([...SELECTED, property])].join(',')}`;
  const ask = async (path: string, signal: AbortSignal, urgent: boolean) => {
    const answer = await patient(
      (request) => graph.ask(request, { journal: null, urgent, signal }),
      { kind: 'search', method: 'GET', path, body: '' },
      deps,
      signal,
      { tries: TRIES, failed: (why) => unread(why) },
    );
    const values = valuesOf(answer.body);
    if (values === null) throw unread('the answer is no list of users');
    return { values, next: textOf(answer.body, '@odata.nextLink') };
  };
  const where = async (filter: string, signal: AbortSignal, urgent = false): Promise<readonly GraphUser[]> => {
    const { values } = await ask(`/v1.0/users?$filter=${filter}&${select}`, signal, urgent);
    return values.flatMap((user) => listed(user, places) ?? []);
  };
  const users: Users = {
    reads,
    matching: (value, signal, urgent) => where(equals(property, value), signal, urgent),
    named: (userName, signal, urgent) => where(equals('userPrincipalName', userName), signal, urgent),
    find: async (asked, signal) => {
      if (!reads) return [];
      const found = new Map<string, ListedAccount>();
      for (const { attribute, value } of asked) {
        if (value === '') continue;
        const some = await (attribute === 'externalId' ? users.matching(value, signal) : users.named(value, signal));
        for (const one of some) found.set(one.objectId, one);
      }
      return [...found.values()];
    },
    look: async (remoteId, signal) => {
      if (!reads) throw unreadable();
      const filter = remoteId.startsWith(OBJECT)
        ? equals('id', remoteId.slice(OBJECT.length))
        : equals(property, remoteId);
      const [first, second] = await where(filter, signal);
      if (second !== undefined) throw unread(`several users carry the same ${property}`);
      return first === undefined ? { kind: 'gone' } : { kind: 'there', account: first };
    },
    list: async function* (signal) {
      if (!reads) throw unreadable();
      const seen = new Set<string>();
      let path: string | null = `/v1.0/users?${select}&$top=${PAGE}`;
      for (let pages = 1; path !== null; pages += 1) {
        if (pages > PAGES_MAX) throw unread('the pages do not end');
        const page: Awaited<ReturnType<typeof ask>> = await ask(path, signal, false);
        const fresh: ListedAccount[] = [];
        for (const user of page.values) {
          const account = listed(user, places);
          if (account === null) throw unread('a user without an id');
          if (seen.has(account.objectId)) continue;
          seen.add(account.objectId);
          fresh.push(account);
        }
        if (fresh.length > 0) yield fresh;
        path = page.next === null ? null : graph.pathOf(page.next);
        if (page.next !== null && path === null) throw unread('the next page is at another host');
      }
    },
  };
  return users;
}

/** Null where the resource has no id. */
function listed(user: JsonObject, { property, isExternalId }: UserPlaces): GraphUser | null {
  const objectId = textOf(user, 'id');
  if (objectId === null) return null;
  const key = textOf(user, property);
  return {
    objectId,
    remoteId: key ?? `${OBJECT}${objectId}`,
    externalId: isExternalId ? key : null,
    userName: textOf(user, 'userPrincipalName'),
    // Whoever does not say is taken for active: nothing may be concluded from silence.
    active: user.accountEnabled !== false,
    resource: asScim(user),
  };
}

/** Flattened paths of which a listing says something. */
export const SHOWN_PATHS: readonly string[] = [
  'displayName',
  'name.givenName',
  'name.familyName',
  'title',
  'preferredLanguage',
  `${ENTERPRISE}:department`,
  `${ENTERPRISE}:organization`,
];

function asScim(user: JsonObject): JsonObject {
  const put = (names: Readonly<Record<string, string>>): JsonObject =>
    Object.fromEntries(
      Object.entries(names).flatMap(([name, property]): (readonly [string, JsonValue])[] => {
        const value = textOf(user, property);
        return value === null ? [] : [[name, value]];
      }),
    );
  const name = put({ givenName: 'givenName', familyName: 'surname' });
  const extension = put({ department: 'department', organization: 'companyName' });
  return {
    id: textOf(user, 'id') ?? '',
    ...put({ displayName: 'displayName', title: 'jobTitle', preferredLanguage: 'preferredLanguage' }),
    ...(Object.keys(name).length === 0 ? {} : { name }),
    ...(Object.keys(extension).length === 0 ? {} : { [ENTERPRISE]: extension }),
  };
}

const unread = (why: string): Problem =>
  new Problem({
    code: 'target.entra-users',
    message: `users cannot be read from Microsoft Graph: ${why}`,
    hint: 'grant the app User.Read.All, or say entra.readUsers: false, with what docs/entra.md says of it',
  });

const unreadable = (): Problem =>
  new Problem({
    code: NO_LISTING,
    message: 'users are not read from Microsoft Graph (entra.readUsers: false)',
    hint: 'grant the app User.Read.All and leave entra.readUsers out',
  });
