// What is particular about one vendor, as data: each quirk with the words of its source, what the endpoint does because of it,
// and a request that tells an endpoint with the quirk from one without.
import type { AccountPayload } from '../../../src/planning/changeset.ts';
import type { ProfileName } from '../../../src/targets/scim/profiles.ts';
import type { BulkManners } from '../../support/fake-bulk.ts';
import { COMPARISONS, type FilterRules } from './filter.ts';

export type Resource = Record<string, unknown>;
export type Kind = 'User' | 'Group';

/** A request as a vendor's rules see it. */
export interface Call {
  readonly method: string;
  readonly on: Kind | 'discovery' | 'other';
  readonly id: string | null;
  readonly query: URLSearchParams;
  /** As it was sent. */
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Resource | null;
  /** Of a PATCH; empty otherwise. */
  readonly operations: readonly Resource[];
}

export interface Refused {
  readonly status: number;
  readonly scimType?: string;
  readonly detail: string;
}
export interface Refusal extends Refused {
  readonly when: (call: Call) => boolean;
}

export interface Paging {
  readonly by: 'index' | 'cursor' | 'none';
  /** Resources on a page when `count` is not given, and at most. */
  readonly usual: number;
  readonly max: number;
  /** A `count` above the most is cut, or refused. */
  readonly above: 'cut' | 'refused';
  readonly ignoresCount: boolean;
  /** The page is `startIndex / page size`, truncated. */
  readonly truncates: boolean;
  /** Every page after this one is the same again; 0 for never. */
  readonly repeatsFrom: number;
  /** `totalResults` counts everybody, only what is on the page, or is left out. */
  readonly total: 'all' | 'page' | 'none';
}

export interface Traits {
  readonly paths: { readonly User: string; readonly Group: string | null };
  /** Paths and answers of discovery; an empty record has none. */
  readonly discovery: Readonly<Record<string, Resource>>;
  readonly put: 'replaces' | 'merges' | 'none';
  readonly patch: boolean;
  /** How a PATCH that worked answers: the resource, 204 without a body, or 200 with `{}`. */
  readonly patchAnswer: 'resource' | 'none' | 'braces';
  readonly etag: boolean;
  readonly listKey: 'Resources' | 'resources';
  readonly lowerCaseType: boolean;
  readonly contentType: string;
  readonly paging: Paging;
  readonly filters: Readonly<Record<Kind, FilterRules>>;
  /** A filter that is not supported is refused, or finds nobody. */
  readonly badFilter: 'refused' | 'empty';
  readonly attributeCase: 'any' | 'exact';
  readonly unknownId: Refused;
  /** How a name that is taken is refused; null for 409 `uniqueness`. */
  readonly taken: Refused | null;
  /** How an error is written down. */
  readonly error: (status: number, scimType: string | null, detail: string) => Resource | null;
  readonly throttle: { readonly calls: number; readonly perMs: number } | null;
  /** What becomes of a resource on its way into the store. */
  readonly keeps: readonly ((resource: Resource, kind: Kind) => Resource)[];
  /** What becomes of a stored resource on its way out. */
  readonly shows: readonly ((resource: Resource, kind: Kind) => Resource)[];
  readonly refuses: readonly Refusal[];
  /** What a resource must not become; null when all is well. */
  readonly holds: readonly ((resource: Resource, kind: Kind) => Refused | null)[];
  /** A PATCH is applied one operation after the other, and each result is kept and judged. */
  readonly stepwise: boolean;
  /** A POST with a userName that exists changes that user. */
  readonly takesOver: boolean;
  /** A POST answers 201 and keeps nothing. */
  readonly createsNothing: boolean;
  /** A write answers 202 and does nothing. */
  readonly takesInOnly: boolean;
  /** The write is applied, and 504 is answered. */
  readonly lateGateway: boolean;
  readonly endsSessions: boolean;
  /** How /Bulk behaves; null where there is none. */
  readonly bulk: BulkManners | null;
  /** Users marked `madeByOther` show no externalId. */
  readonly scopesExternalId: boolean;
  /** The client's token must name this audience; '' for no matter. */
  readonly audience: string;
}

/** What a quirk changes; lists are added to, `paging` and `filters` are merged, the rest is replaced. */
export type TraitChange = Partial<Omit<Traits, 'paging' | 'filters'>> & {
  readonly paging?: Partial<Paging>;
  readonly filters?: Partial<Traits['filters']>;
};

export interface ProbeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, {} where it is no JSON object. */
  readonly body: Resource;
}
export interface ProbeTools {
  /** Sends as a plain client that accepts JSON; `headers` replace, '' removes. */
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<ProbeAnswer>;
  /** A complete person of this vendor as it takes one. */
  readonly person: (n: number, change?: Resource) => Resource;
  readonly users: Map<string, Resource>;
  readonly groups: Map<string, Resource>;
  readonly sessionsEnded: ReadonlySet<string>;
  /** The next so many requests are too many. */
  readonly throttleNext: (times: number) => void;
}

export interface Quirk {
  readonly id: string;
  /** What is documented, as it was noted from the source. */
  readonly says: string;
  /** Keys of the sources in docs/profiles.md; `(obs)` seen by others than the vendor, `(GK)` general knowledge. */
  readonly source: string;
  readonly does: TraitChange;
  /** True for what the endpoint does only at times; a story switches it on. */
  readonly occasional?: true;
  /** True when the endpoint does what is documented. False without the quirk. */
  readonly probe: (tools: ProbeTools) => Promise<boolean>;
}

export interface Vendor {
  readonly name: ProfileName;
  /** What is neither a quirk nor said by the RFC: paths, discovery answers. */
  readonly base?: TraitChange;
  readonly quirks: readonly Quirk[];
  /** A complete person as a mapping for this vendor makes them. */
  readonly person: (n: number) => AccountPayload;
}

/** Every vendor's endpoint in the tests has this address in its tokens. */
export const AUDIENCE = 'https://idp.example.com/scim/v2';

const SCIM_ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const scimError: Traits['error'] = (status, scimType, detail) => ({
  schemas: [SCIM_ERROR],
  status: String(status),
  ...(scimType === null ? {} : { scimType }),
  detail,
});

export const SERVICE_PROVIDER_CONFIG: Resource = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 1_000 },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [{ type: 'oauthbearertoken', name: 'Bearer', description: 'A bearer token' }],
};
export const resourceTypes = (paths: Traits['paths']): Resource => {
  const list = (['User', 'Group'] as const)
    .filter((kind) => paths[kind] !== null)
    .map((kind) => ({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
      id: kind,
      name: kind,
      endpoint: paths[kind],
      schema: `urn:ietf:params:scim:schemas:core:2.0:${kind}`,
    }));
  return listOf(list);
};
const SCHEMAS = ['core:2.0:User', 'core:2.0:Group', 'extension:enterprise:2.0:User'].map((name) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
  id: `urn:ietf:params:scim:schemas:${name}`,
  name,
  attributes: [],
}));
function listOf(list: readonly Resource[]): Resource {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: list.length,
    Resources: list,
  };
}

export const discoveryOf = (config: Resource, paths: Traits['paths'] = PATHS): Traits['discovery'] => ({
  '/ServiceProviderConfig': { ...SERVICE_PROVIDER_CONFIG, ...config },
  '/ResourceTypes': resourceTypes(paths),
  '/Schemas': listOf(SCHEMAS),
});

const PATHS = { User: '/Users', Group: '/Groups' } as const;

/** A service provider as the RFCs describe one, every optional part of them present. */
export const RFC_TRAITS: Traits = {
  paths: PATHS,
  discovery: discoveryOf({}),
  put: 'replaces',
  patch: true,
  patchAnswer: 'resource',
  etag: true,
  listKey: 'Resources',
  lowerCaseType: false,
  contentType: 'application/scim+json',
  paging: {
    by: 'index',
    usual: 1_000,
    max: 1_000,
    above: 'cut',
    ignoresCount: false,
    truncates: false,
    repeatsFrom: 0,
    total: 'all',
  },
  filters: {
    User: { attributes: { '*': [...COMPARISONS, 'pr'] }, joins: ['and', 'or', 'not'] },
    Group: { attributes: { '*': [...COMPARISONS, 'pr'] }, joins: ['and', 'or', 'not'] },
  },
  badFilter: 'refused',
  attributeCase: 'any',
  unknownId: { status: 404, detail: 'no such resource' },
  taken: null,
  error: scimError,
  throttle: null,
  keeps: [],
  shows: [],
  refuses: [],
  holds: [],
  stepwise: false,
  takesOver: false,
  createsNothing: false,
  takesInOnly: false,
  lateGateway: false,
  endsSessions: false,
  bulk: null,
  scopesExternalId: false,
  audience: '',
};

export function withChange(traits: Traits, change: TraitChange): Traits {
  return {
    ...traits,
    ...change,
    paging: { ...traits.paging, ...change.paging },
    filters: { ...traits.filters, ...change.filters },
    keeps: [...traits.keeps, ...(change.keeps ?? [])],
    shows: [...traits.shows, ...(change.shows ?? [])],
    refuses: [...traits.refuses, ...(change.refuses ?? [])],
    holds: [...traits.holds, ...(change.holds ?? [])],
  };
}
