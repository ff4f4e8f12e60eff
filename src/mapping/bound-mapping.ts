// What planning needs of a connection file once it is bound to the columns of a feed. Pure functions over values.

import type { CalendarDate } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Place } from '../base/problem.ts';
import type { Period } from '../worker/dated-rows.ts';
import type { AttributeValue, Employment, Worker } from '../worker/worker.ts';
import type { NameList } from './user-name.ts';

/** Raised whenever the same record under the same file could map to something else: fingerprints of older code are forgotten. */
export const MAPPING_CODE_VERSION = 1;

/** A raw record: CSV cells are text, JSON members may be anything JSON holds. Made with a null prototype. */
export type RawRecord = Readonly<Record<string, JsonValue>>;

/** A record that could not become an employment: kept with its reason, never dropped silently. */
export interface Rejection {
  /** The worker id where it could be read, else null. */
  readonly key: string | null;
  readonly code: string;
  /** One sentence for HR; may name columns and the words found in them, never other personal values. */
  readonly reason: string;
  readonly column: string | null;
  readonly place: Place;
  /**
   * True where id and termination are readable although the record as a whole is not acceptable:
   * the leave is still acted on as explicit (design section 4).
   */
  readonly saysTerminated: boolean;
}

export type MappedRecord =
  | {
      readonly kind: 'employment';
      readonly employment: Employment;
      /** The days on which the row counts; only where rows are dated. */
      readonly period?: Period;
    }
  | {
      readonly kind: 'rejected';
      readonly rejection: Rejection;
      /** The last day that the record says, null when it says none; undefined where it could not be read. */
      readonly endDate?: CalendarDate | null;
      /** It says terminated, as of a day that has not passed. */
      readonly leavesLater?: true;
      /** The days on which the row counts, where rows are dated and these could be read. */
      readonly period?: Period;
      /** The zone of the dates, as far as it could be read. */
      readonly timeZone: string;
    };

export interface DesiredMembership {
  /** The group's display name, already computed. */
  readonly group: string;
  /** `full`: we own every membership of a literally named group. `additive`: only those we wrote. */
  readonly authority: 'full' | 'additive';
  readonly create: boolean;
  /** The name was put together from values: it never takes over a group that somebody else made. */
  readonly computed: boolean;
}

/** What one worker's account at one target shall look like. */
export interface DesiredAccount {
  readonly externalId: string;
  /** Candidates in order of preference when the name is generated, none where one was chosen already; a single entry when it is mapped. */
  readonly userNames: NameList;
  /** True when the name came from `unique(...)`: it never correlates, and a taken one moves on to the next. */
  readonly userNameGenerated: boolean;
  /**
   * SCIM members without userName, externalId, active, groups and manager: `{ name: {...}, title, emails: [...], "urn:…:User": {...} }`.
   * Blank values are absent.
   */
  readonly attributes: JsonObject;
  /** Flattened paths (see planning/account-changes.ts) that are sent on create only. */
  readonly onCreateOnly: readonly string[];
  /** Flattened paths whose blank result keeps what the target has. */
  readonly keepWhenBlank: readonly string[];
  readonly memberships: readonly DesiredMembership[];
  /** Worker key of the manager, '' when there is none. */
  readonly managerKey: string;
  /** What could not be computed and was left alone, and groups that were not granted for a blank part: one sentence each, for people. */
  readonly notes?: readonly string[];
}

/** An existing account at a target as correlation sees it. */
export interface ListedAccount {
  readonly remoteId: string;
  readonly externalId: string | null;
  readonly userName: string | null;
  readonly active: boolean;
  /** The whole resource as the target gave it. */
  readonly resource: JsonObject;
}

/** One value that the record carries and by which an existing account may be found. */
export interface CorrelationValue {
  /** `externalId`, `userName`, or a flattened attribute path. */
  readonly path: string;
  readonly value: string;
}

/** How an account came about: for people. */
export interface TracedValue {
  /** `userName`, or a flattened path. */
  readonly path: string;
  readonly expression: string;
  /** Null where it gave nothing. */
  readonly value: string | null;
  /** Why it gave nothing; '' where it gave something, or a blank. */
  readonly because: string;
}

export interface TracedGroup {
  readonly name: string;
  /** The condition as it is written; null where there is none. */
  readonly when: string | null;
  readonly applies: boolean;
  /** The group's name for this worker; '' where the rule does not apply, or gave no name. */
  readonly group: string;
  readonly because: string;
}

export interface Trace {
  readonly values: readonly TracedValue[];
  readonly groups: readonly TracedGroup[];
}

export interface TargetMapping {
  readonly name: string;
  /** The account for this worker; `userName` is the chosen one, so that expressions may use it. `primary` decides the attributes. */
  readonly desired: (worker: Worker, primary: Employment, userName: string | null) => DesiredAccount;
  /** How each value and each group of it came about. */
  readonly trace: (worker: Worker, primary: Employment, userName: string) => Trace;
  /** Only values the record carries; a generated userName never correlates. In the order of `correlate`. */
  readonly correlation: (worker: Worker, primary: Employment, desired: DesiredAccount) => readonly CorrelationValue[];
  /** Groups named literally with `authority: full`: movers and leavers lose what no rule grants there. */
  readonly fullGroups: readonly string[];
  /** Whether a write to this account is forbidden, whatever the input. */
  readonly isProtected: (account: ListedAccount) => boolean;
  /** Whether accounts of purged workers are deleted there; elsewhere they stay, inactive. */
  readonly deletes: boolean;
}

/** Attributes that a further source gives; blank ones are absent. */
export type GivenAttributes = Readonly<Record<string, AttributeValue>>;

/** What one record of a further source becomes. */
export type MappedFact =
  | { readonly kind: 'fact'; readonly key: string; readonly attributes: GivenAttributes }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** How a further source is bound to the columns of a delivery of its own. */
export interface AlsoMapping {
  /** Columns that its expressions read. */
  readonly readColumns: readonly string[];
  readonly toFact: (record: RawRecord, place: Place) => MappedFact;
}

/** How workers meet a further source. */
export interface AlsoJoin {
  readonly name: string;
  /** Set where workers are found by the key of their employment alone. */
  readonly byId: boolean;
  /** What this employment is found by there; '' where it is found by nothing. Looks at what the first source says only. */
  readonly joinKey: (employment: Employment) => string;
}

export interface BoundMapping {
  readonly connection: string;
  /** SHA-256 over the connection file's canonical content. */
  readonly digest: string;
  /** Columns of the feed that expressions read; one that is missing would have refused the binding. */
  readonly referencedColumns: readonly string[];
  /** These and those that may be missing. */
  readonly readColumns: readonly string[];
  /** Whether several rows under one key are one employment (`source.effective`). */
  readonly datedRows: boolean;
  readonly toEmployment: (record: RawRecord, place: Place, asOf: Instant) => MappedRecord;
  readonly targets: readonly TargetMapping[];
  /** How workers meet further sources; none without `also`. */
  readonly also: readonly AlsoJoin[];
}
