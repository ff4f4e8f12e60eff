// Everything one decision wants to store, as a value. `store.commit(changeset)` applies it in one transaction or not at all.
import type { Instant } from '../base/instant.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Lane, TransitionName } from '../lifecycle/operation.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { Standing } from '../lifecycle/standing.ts';
import type { Suspicion } from '../lifecycle/suspicion.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { Given } from '../worker/given.ts';
import type { Employment } from '../worker/worker.ts';
import type { HarmKind, HeldHarm } from './harm.ts';

export const OPERATION_KINDS = [
  'create',
  'update',
  'enable',
  'disable',
  'delete',
  'addMember',
  'removeMember',
  'revokeSessions',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/**
 * queued → sending → done | failed | queued again; sending → accepted → done | failed | queued again. `superseded`: newer desired
 * state took its place before it was sent, or before it was confirmed. `skipped`: an operator set it aside.
 */
export const OPERATION_STATES = ['queued', 'sending', 'accepted', 'done', 'failed', 'superseded', 'skipped'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** What an account shall hold; the request is the difference to what is known when it is sent. */
export interface AccountPayload {
  readonly userName: string;
  readonly externalId: string;
  readonly active: boolean;
  readonly attributes: JsonObject;
  readonly onCreateOnly: readonly string[];
  readonly keepWhenBlank: readonly string[];
  /** Worker key of a manager whose account exists, resolved to its remote id at send time; '' clears; null leaves it alone. */
  readonly managerKey: string | null;
}
export interface MembershipPayload {
  readonly group: string;
  readonly create: boolean;
  /** A computed name never takes over a group that somebody else made. */
  readonly computed: boolean;
  readonly authority: 'full' | 'additive';
}
export type OperationPayload = AccountPayload | MembershipPayload;

export interface NewOperation {
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly payload: OperationPayload;
  readonly transition: TransitionName | null;
  readonly notBefore: Instant;
  /** Set when planning itself refuses (two accounts match, an account is somebody else's): stored as failed, never sent. */
  readonly refused?: Outcome;
  /** Takes back what a try that is replaced may have done. Nobody would ask for it again: it goes wherever the replacing goes. */
  readonly undoes?: true;
}

/** The worker's resource at one target. */
export interface AccountState {
  readonly target: string;
  readonly remoteId: string | null;
  readonly etag: string | null;
  /** The name reserved for this worker at this target, for ever. */
  readonly userName: string;
  readonly externalId: string;
  /** Null while nobody has asked the target. */
  readonly active: boolean | null;
  readonly origin: 'created' | 'adopted';
  /** Attributes as they stand at the target as far as we know: what was confirmed, or what adoption found. */
  readonly known: JsonObject;
  /** Manager whose reference stands at the target. */
  readonly managerKnown: string;
  /** Manager whose account does not exist yet: a debt, paid when it does. '' when there is none. */
  readonly managerOwed: string;
  /** Groups in which this account has a membership that we wrote or adopted. */
  readonly groups: readonly string[];
}

export interface OpenOperation {
  readonly id: number;
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly state: OperationState;
  readonly payload: OperationPayload;
  /** True when an earlier try may have taken effect. */
  readonly ambiguous?: boolean;
}

/** What an operation is that was only taken in: `accepted`, and not confirmed yet. */
export interface Accepted {
  readonly id: number;
  readonly connection: string;
  readonly workerKey: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly externalId: string;
  readonly userName: string;
  /** As far as it is known. */
  readonly remoteId: string | null;
  /** What was asked for. Of a membership it says nothing. */
  readonly active: boolean;
  /** The group of a membership; null for everything else. */
  readonly group: string | null;
  /** What the target's room said of it when it was taken in; '' where it said nothing. */
  readonly ticket: string;
  /** After it, it counts as unconfirmed. */
  readonly deadline: Instant;
}

/** All that the store knows of one worker, read in one go. `revision` 0 and `UNKNOWN` for somebody new. */
export interface Situation {
  readonly key: string;
  readonly revision: number;
  readonly standing: Standing;
  readonly employments: readonly Employment[];
  readonly accounts: readonly AccountState[];
  /** Queued, sending, accepted and failed operations, oldest first. */
  readonly operations: readonly OpenOperation[];
  /** Set while snapshots miss the worker. */
  readonly suspicion: Suspicion | null;
  readonly dueAt: Instant | null;
  /** What further sources say now, by employment; one that says nothing of it is absent. Not read with the rest. */
  readonly given?: ReadonlyMap<string, Given>;
}

export interface EntryDraft {
  /** `decision`, `intent`, `outcome`, `hold`, `held`, `freed`, `approval`, `act`, `cycle`, `mapping`, `rejection`, `refusal`, `superseded` … */
  readonly kind: string;
  readonly connection: string | null;
  readonly workerKey: string | null;
  /** `feed`, `calendar`, `target`, `operator:NAME`, `daemon`. */
  readonly actor: string;
  /** No personal values: ids, rules, digests, states, counts. */
  readonly body: JsonObject;
  /** Personal values (before, after, names). Kept in the side table; the chain covers their salted hash. */
  readonly personal?: JsonObject;
}

export interface WorkerChange {
  readonly key: string;
  /** The revision that was read; a commit that meets another one is refused whole. */
  readonly revision: number;
  readonly standing: Standing;
  /** The next moment at which the clock alone changes something; null when nothing will. */
  readonly dueAt: Instant | null;
  /** All employments of the worker that changed, or undefined when none did. */
  readonly employments?: readonly Employment[];
  /** Accounts to insert or replace, by target. */
  readonly accounts: readonly AccountState[];
  readonly operations: readonly NewOperation[];
  /** Ids of unsent operations that newer desired state replaces. */
  readonly supersedes: readonly number[];
  /** Undefined leaves it alone; null clears the suspicion. */
  readonly suspicion?: Suspicion | null;
  readonly entries: readonly EntryDraft[];
}

declare const changeTextBrand: unique symbol;
/** A WorkerChange in the words in which it is stored (`changeText` of the store): a large plan is put into words once. */
export type ChangeText = string & { readonly [changeTextBrand]: true };

/** Changes as ChangeText in UTF-8, one after the other: a large plan reaches the store as it waited in its file. */
export interface PackedChanges {
  readonly bytes: Uint8Array;
  /** Bytes of each change. */
  readonly lengths: Uint32Array;
}

/** The digests (16 bytes each, as lower-case hex, sorted) of the rows that an employment was made from. Empty: judge again at every read. */
export interface FingerprintChange {
  readonly employmentId: string;
  readonly digests: readonly string[];
  /** What each of these rows adds to the shape of its delivery: numbers of feed-marks.ts, below 65,536. Left out, 0 for each. */
  readonly marks?: readonly number[];
}

export interface OperationResult {
  readonly id: number;
  readonly state: OperationState;
  readonly notBefore: Instant;
  /** Attempts of its own so far. */
  readonly attempts: number;
  /** True when this try may have taken effect: the next one looks before it writes. */
  readonly ambiguous: boolean;
  readonly outcome: Outcome | null;
}

export interface HoldItem {
  readonly digest: string;
  readonly harm: HeldHarm;
}
export interface HoldChange {
  readonly kind: HarmKind | 'newlyRejected' | 'feed' | 'rekey';
  /** Why the guard stopped it, in a sentence with the numbers. */
  readonly reason: string;
  /** The items as they stand now: replaces what the hold held. No items closes it. */
  readonly items: readonly HoldItem[];
}

export interface GuardUse {
  readonly kind: HarmKind;
  readonly workerKey: string;
  readonly attribute: string | null;
  /** Where the worker works, where limits hold per unit. */
  readonly unit?: string;
  readonly approved: boolean;
  /** Digests of the released items that this takes: a release lets each of them pass once. */
  readonly items?: readonly string[];
}

export interface CycleRecord {
  readonly id: number;
  readonly connection: string;
  readonly startedAt: Instant;
  readonly finishedAt: Instant | null;
  readonly state: 'running' | 'done' | 'held' | 'refused' | 'failed';
  /** Counts and the delivery's name; for `status`. */
  readonly summary: JsonObject;
}

export interface Checkpoint {
  /** Name, size and modification time or ETag of the delivery. */
  readonly deliveryId: string;
  readonly name: string;
  readonly contentDigest: string;
  readonly contextDigest: string;
  readonly asOf: Instant;
  readonly readAt: Instant;
  readonly rows: number;
  /** True when every row was judged and nobody is held, blocked, postponed or suspected: the same bytes, rejections and all, need no second look. */
  readonly complete: boolean;
  /** Header of the feed. */
  readonly columns: readonly string[];
}

/** What deltas said of a worker who waits; no employments: nothing waits any more. */
export interface PendingFacts {
  readonly key: string;
  readonly employments: readonly Employment[];
}

/** What one record of a further source gives. */
export type GivenValues = Given[string];

/** The last delivery of a further source. */
export interface FurtherRead {
  readonly deliveryId: string;
  readonly name: string;
  readonly contentDigest: string;
  /** Digest of all that its rows are read by: under another one every row is read again. */
  readonly context: string;
  readonly asOf: Instant;
  readonly readAt: Instant;
  readonly rows: number;
  /** How many rows were rejected, and the first of them. */
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
}

/** Of one further source. */
export interface FactsChange {
  readonly source: string;
  /** Rows that are new or differ; `digest` is that of the row. */
  readonly changed?: readonly { readonly key: string; readonly digest: string; readonly attributes: GivenValues }[];
  /** Keys with which everybody whom they join has been judged. */
  readonly judged?: readonly string[];
  readonly read?: FurtherRead;
}

/** What a person should look at. Raising one that is open already says it again. */
export type AlarmChange =
  | {
      readonly set: 'raised';
      /** What is wrong, in a word for machines, such as `feed.stale`. */
      readonly code: string;
      /** What it is about: a source, a target, a worker. At most one is open for each connection, code and subject. */
      readonly subject: string;
      /** One sentence for people; no personal values but worker keys. */
      readonly message: string;
      readonly hint?: string;
      readonly worker?: string;
    }
  | { readonly set: 'cleared'; readonly code: string; readonly subject: string };

/** A failed operation is set aside: nobody is asked for it until then, or until the record or the mapping is another one. */
export interface Skip {
  readonly operation: number;
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
  readonly until: Instant;
  /** Digest of the worker's employments as they were: see failures.ts of the pipeline. */
  readonly facts: string;
  /** The mapping that was accepted then; '' for none. */
  readonly mapping: string;
}

/** A person takes an account from a worker: nothing is written to it, it is nobody's until somebody is paired with it. */
export interface Unpairing {
  readonly target: string;
  readonly workerKey: string;
  readonly remoteId: string;
}

/** New workers whom the store has laid out beforehand, by a number of its own. Nobody sees them before they are committed. */
export interface LaidOut {
  readonly id: number;
  readonly workers: number;
}

export interface Changeset {
  readonly connection: string;
  readonly at: Instant;
  readonly workers?: readonly (WorkerChange | ChangeText)[];
  /** More of the same; nobody stands in both. */
  readonly packed?: PackedChanges;
  /** More of the same, with nothing else than fingerprints beside them: what the store has laid out beforehand for this moment. */
  readonly laidOut?: LaidOut;
  readonly fingerprints?: readonly FingerprintChange[];
  /** Context digest under which `fingerprints` were taken; without it the checkpoint's, else the connection's present one. A new one makes all older fingerprints unusable. */
  readonly fingerprintContext?: string;
  readonly results?: readonly OperationResult[];
  readonly entries?: readonly EntryDraft[];
  readonly checkpoint?: Checkpoint;
  /** Replaces all rejections of the connection's last delivery. */
  readonly rejections?: readonly Rejection[];
  readonly holds?: readonly HoldChange[];
  readonly guardUses?: readonly GuardUse[];
  readonly cycle?: CycleRecord;
  readonly settings?: Readonly<Record<string, JsonValue>>;
  readonly pending?: readonly PendingFacts[];
  readonly alarms?: readonly AlarmChange[];
  readonly facts?: FactsChange;
  readonly skips?: readonly Skip[];
  /** Of a worker of `workers`. */
  readonly unpaired?: Unpairing;
  /** An account that a person gives to a worker of `workers`, from whomever it was taken before. */
  readonly paired?: Pick<Unpairing, 'target' | 'remoteId'>;
}
