// What is particular about one kind of endpoint, as data. Code asks the profile and never the provider's name.
// `discovered` in a field leaves the answer to what the endpoint says of itself (see discovery.ts), and to RFC 7644 without it.
import type { AccountRules } from '../../../mapping/account-rules.ts';

export type LookupAttribute = 'externalId' | 'userName';
export type Paging = 'index' | 'cursor' | 'none';

/** Limits of one bulk request (RFC 7644 section 3.7). */
export interface BulkLimits {
  readonly maxOps: number;
  /** UTF-8 bytes of the body. */
  readonly maxBytes: number;
  /** Whether `bulkId:` may stand for an account that the same request creates (RFC 7644 section 3.7.2); else managers wait. */
  readonly references?: boolean;
}

export interface Profile {
  readonly name: string;
  /** What a connection file must and must not say; checked when the file is read. */
  readonly account: AccountRules;
  /** Below the base URL. */
  readonly paths: {
    readonly users: string;
    readonly groups: string;
    readonly serviceProviderConfig: string;
    readonly resourceTypes: string;
    readonly schemas: string;
  };
  /** Whether the endpoint describes itself; where it does not, nobody asks. */
  readonly discovery: boolean;

  /**
   * Equality filters that work, in the order in which an account is looked up. Whatever was found by, an account is ours only
   * when its own externalId says so.
   */
  readonly lookup: readonly LookupAttribute[];
  /** Whether two conditions may be joined with `and` (never with externalId). */
  readonly filterAnd: boolean;
  /** Whether users can be listed without a filter. Where they cannot, people are looked up one by one. */
  readonly listing: boolean;
  /** `none`: one answer of at most `pageSize` users is all there is. */
  readonly paging: Paging | 'discovered';
  /** `count` of one page of users, and the most that one answer holds. */
  readonly pageSize: number;
  /** Where the next page starts: as many further as were returned, or, where the endpoint cuts `startIndex` to whole pages, at the next whole page. */
  readonly nextPage: 'returned' | 'wholePages';
  /** Whether `totalResults` proves that a full page was the last one. Where it does not, a page that is not full does. */
  readonly totalIsTruth: boolean;

  readonly update: 'patch' | 'put' | 'discovered';
  /** True where PUT keeps what is left out: what shall go is sent as null. */
  readonly putMerges: boolean;
  readonly patch: {
    /** `path`: one operation for each attribute. `pathless`: one operation whose value is an object; removals keep their path. */
    readonly form: 'path' | 'pathless';
    /** Most operations in one PATCH of a user; null where no limit is known. */
    readonly maxOperations: number | null;
    /** Lists are written element by element, addressed by type, or whole (where one value is all that is kept). */
    readonly lists: 'byType' | 'whole';
  };
  /** True where the answer to a PATCH proves the effect, so that a disable needs no read-back. */
  readonly echoIsTruth: boolean;
  /** Send `If-Match` with the last tag seen. Never with a disable: that one must win. */
  readonly ifMatch: boolean | 'discovered';
  /** True where a concurrent change is not noticed by tags: read right before a change, compare, write, read back. */
  readonly readAround: boolean;

  /** True where a POST takes over an account of the same userName: nobody is created without a look-up before. */
  readonly lookBeforeCreate: boolean;
  /** True where a 201 may have created nothing: it is read back. */
  readonly confirmCreates: boolean;
  /** Statuses beside 404 and 410 with which a GET by id may say that there is no such user; believed when a search by id finds nobody. */
  readonly unknownId: readonly number[];

  /** Whether a search for groups may leave out the members (`excludedAttributes`, RFC 7644 section 3.9). */
  readonly excludeMembers: boolean;
  /** Most members added or removed by one PATCH of a group; no PATCH does both. */
  readonly members: {
    readonly addMax: number;
    readonly removeMax: number;
    /** Who is in a group is asked of the group, or of the users (`groups.value eq`). */
    readonly read: 'group' | 'users';
  };
  /** The attribute that holds the manager's reference; a PATCH writes it as an object (`{ value }`), or its `.value` alone. */
  readonly manager: { readonly path: string; readonly patch: 'object' | 'valuePath' };
  /** `acceptOnDelete` null: a DELETE carries no Accept. */
  readonly headers: { readonly contentType: string; readonly accept: string; readonly acceptOnDelete: string | null };

  /** Several operations in one request; null where the endpoint has no /Bulk. */
  readonly bulk: BulkLimits | 'discovered' | null;
  /** How sessions end when an account is disabled: by a call of its own, by the disable itself, or not by us. */
  readonly revokeSessions: 'graph' | 'okta' | 'implicit' | 'none';

  /** Every difference from `generic`, with its source; docs/profiles.md is made of these. */
  readonly quirks: readonly Quirk[];
}

export interface Quirk {
  /** The fields that express it; empty where it is a note that no field needs. */
  readonly fields: readonly string[];
  readonly they: string;
  readonly we: string;
  /** Keys of the list of sources; `(obs)` seen by a community, `(GK)` general knowledge. */
  readonly source: string;
}
