// What the room shows outside: a handful of asynchronous functions that speak in batches and changesets.
// `store.ts` opens what is described here.
import type { Instant } from '../base/instant.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { KnownRows } from '../base/known-rows.ts';
import type { Lane, TransitionName } from '../lifecycle/operation.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { Delivery, Stage, Standing } from '../lifecycle/standing.ts';
import type { CorrelationValue, ListedAccount, Rejection } from '../mapping/bound-mapping.ts';
import type {
  Accepted,
  AccountState,
  Changeset,
  Checkpoint,
  CycleRecord,
  EntryDraft,
  FurtherRead,
  GivenValues,
  HoldChange,
  HoldItem,
  LaidOut,
  OperationKind,
  OperationPayload,
  OperationState,
  PackedChanges,
  PendingFacts,
  Situation,
  Skip,
} from '../planning/changeset.ts';
import type { HarmKind } from '../planning/harm.ts';
import type { UsedWindow } from '../planning/tally.ts';
import type { FormerKeys } from '../worker/keys.ts';
import type { Employment } from '../worker/worker.ts';
import type { KnownTable } from './known-rows.ts';

export type CommitResult =
  | {
      readonly kind: 'applied';
      /** Ids of `workers[].operations`, in the order of the changeset. */
      readonly operationIds: readonly number[];
      /** Sequence number of the first audit entry that this changeset wrote (the next free one when it wrote none). */
      readonly firstEntry: number;
    }
  | {
      readonly kind: 'conflict';
      /** Workers whose revision is no longer the one that was read, or whose operation has meanwhile ended. Read them again. */
      readonly workers: readonly string[];
      /** Names that another worker has at this target, as they were asked for. */
      readonly names: readonly { readonly target: string; readonly userName: string }[];
    };

/** Who has a userName, or an account, at a target. Connection and key are '' where it is withheld from everybody. */
export interface NameHolder {
  readonly connection: string;
  readonly workerKey: string;
}

/** The rows that need no second look, as one flat table in memory: about 40 bytes a row. */
export interface KnownFingerprints extends KnownRows {
  /** The table itself, for the store. */
  readonly table: KnownTable;
  /** The employment that the row of this index led to. */
  readonly employmentIdAt: (index: number) => string;
  /** Indexes of all rows that led to this employment: together they form one unit. Empty when there is none. */
  readonly indexesOf: (employmentId: string) => readonly number[];
}

export interface Usage {
  readonly kind: HarmKind;
  readonly attribute: string | null;
  /** Set on lines that count one unit of the house alone. */
  readonly unit?: string;
  /** Distinct workers, unapproved uses only. */
  readonly workers: number;
}

export interface Hold {
  readonly connection: string;
  readonly kind: HoldChange['kind'];
  /** SHA-256 over the sorted item digests, lower-case hex: what a person approves. */
  readonly digest: string;
  readonly reason: string;
  readonly openedAt: Instant;
  readonly amendedAt: Instant;
  /** All items: see `items`. */
  readonly itemCount: number;
  /** In the order of their digests; at most `itemsMax` of them. */
  readonly items: readonly HoldItem[];
  /** Set while a person's unexpired approval of exactly these items stands. */
  readonly approvedBy: string | null;
  readonly discardedBy: string | null;
}

/** A person's word on a hold. */
export interface Release {
  /** The whole digest, or at least its first 8 characters. */
  readonly digest: string;
  readonly reason: string;
  readonly by: string;
  readonly osUser: string;
  /** `cli`, `act`, `console`. */
  readonly channel: string;
  readonly at: Instant;
}

/** One operation, marked `sending` in the store, with what its request needs. */
export interface ClaimedOperation {
  readonly id: number;
  readonly workerKey: string;
  readonly connection: string;
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly payload: OperationPayload;
  readonly attempts: number;
  readonly ambiguous: boolean;
  readonly account: AccountState;
  /** Remote id of `payload.managerKey` at this target; null without one. */
  readonly managerRemoteId: string | null;
  /** Of the manager whose reference stands already, where the payload leaves it alone. */
  readonly managerStandsRemoteId?: string | null;
  /** Remote id of `payload.group`; null where it is not known yet. */
  readonly groupRemoteId: string | null;
  readonly transition: TransitionName | null;
  /** When it was claimed for the first time; this claim's `now` at the first. */
  readonly firstSentAt: Instant;
  readonly createdAt: Instant;
  /** The worker, where nothing else is open for them: all of it holds as long as the revision does. Without it they have to be read. */
  readonly worker?: Pick<Situation, 'revision' | 'standing' | 'dueAt'> | null;
}

export interface AcceptedOperation extends Accepted {
  readonly attempts: number;
}

/** Memberships of one kind, group and lane are claimed together, because they travel in one request. */
export interface MembersClaim {
  /** Most of one batch. */
  readonly max: number;
  /**
   * `none`: no batch. `full`: only batches of `max`, the others wait for more. `idle`: the others as well, unless there are
   * operations on accounts to be claimed, which may bring more. `any`: every batch. Of leavers every batch is claimed whatever is
   * said here, after what ends their access.
   */
  readonly which: 'none' | 'full' | 'idle' | 'any';
  /** Groups of which nothing is claimed but for leavers: a batch of theirs is under way. */
  readonly busy: readonly string[];
}

/** An operation as `status`, `worker` and the end of `sync` show it. */
export interface ShownOperation {
  readonly id: number;
  readonly connection: string;
  readonly workerKey: string;
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  readonly state: OperationState;
  readonly transition: TransitionName | null;
  readonly attempts: number;
  readonly notBefore: Instant;
  readonly createdAt: Instant;
  readonly firstSentAt: Instant | null;
  readonly lastOutcome: Outcome | null;
}

export interface OperationFilter {
  readonly connection?: string;
  readonly target?: string;
  readonly workerKey?: string;
  /** Default: queued, sending, accepted and failed. Only these four can be asked for unless `workerKey` is given. */
  readonly states?: readonly OperationState[];
  readonly limit: number;
}

export interface QueueDepth {
  readonly target: string;
  readonly lane: Lane;
  readonly state: OperationState;
  readonly operations: number;
}

/** The oldest operation of one lane that has not ended and has not failed. */
export interface QueueAge {
  readonly target: string;
  readonly lane: Lane;
  readonly oldestAt: Instant;
}

/** A worker as a list shows them. */
export interface ListedWorker {
  /** The number of the worker here: where a list goes on. */
  readonly id: number;
  readonly connection: string;
  readonly key: string;
  readonly stage: Stage;
  readonly delivery: Delivery;
  readonly suspectedSince: Instant | null;
  readonly dueAt: Instant | null;
}

export interface WorkerFilter {
  readonly connection?: string;
  readonly stage?: Stage;
  readonly delivery?: Delivery;
}

/** A page of a list that is looked through a bounded part at a time: it may hold few, or none, and still go on. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null where nothing follows. */
  readonly next: number | null;
}

/** An entry of the audit as it is read back. */
export interface Entry {
  readonly seq: number;
  readonly at: Instant;
  readonly kind: string;
  readonly connection: string | null;
  readonly workerKey: string | null;
  readonly actor: string;
  readonly body: JsonObject;
  /** Null where the entry has none, or where it was erased. */
  readonly personal: JsonObject | null;
  /** Lower-case hex. */
  readonly hash: string;
  readonly previousHash: string;
}

export interface EntryFilter {
  readonly connection?: string;
  readonly workerKey?: string;
  readonly kinds?: readonly string[];
  readonly since?: Instant;
}

export interface AuditFault {
  readonly seq: number;
  readonly reason: string;
}

export interface Verification {
  readonly ok: boolean;
  /** Entries found good before the first fault. */
  readonly entries: number;
  /** Where something is not as it was written, in order; at most 10,000. */
  readonly faults: readonly AuditFault[];
  /** Entries whose personal values were erased. */
  readonly erased: number;
  /** The last entry that is in a segment instead of the database; left out without segments. */
  readonly sealed?: number;
  /** Hash of the last entry, lower-case hex. */
  readonly head: string;
  /** The first fault. */
  readonly brokenAt?: number;
  readonly reason?: string;
}

export interface Audit {
  /** The last entry and its hash; 0 and the start of the chain before there is any. */
  readonly head: () => Promise<{ readonly seq: number; readonly hash: string }>;
  /** The last entries that match, oldest first. */
  readonly tail: (limit: number, filter?: EntryFilter) => Promise<readonly Entry[]>;
  /** Entries after this number that match, oldest first; looks through at most 2,000 of them. */
  readonly page: (after: number, limit: number, filter?: EntryFilter) => Promise<Page<Entry>>;
  /** All entries of one worker, oldest first. */
  readonly entriesOf: (connection: string, workerKey: string) => Promise<readonly Entry[]>;
  /**
   * Recomputes the whole chain and compares it with what `signed` says of it: number of an entry → its hash. Calls back about every
   * 10,000 entries and lets the event loop run.
   */
  readonly verify: (
    onProgress?: (done: number, total: number) => void,
    signed?: ReadonlyMap<number, string>,
  ) => Promise<Verification>;
  /** All entries that match, oldest first, in batches of at most 1,000. */
  readonly export: (filter?: EntryFilter) => AsyncIterable<readonly Entry[]>;
}

export interface NewAct {
  readonly kind: string;
  readonly args: JsonObject;
  readonly reason: string;
  readonly by: string;
  readonly osUser: string;
  readonly channel: string;
}
export interface Act extends NewAct {
  readonly id: number;
  readonly createdAt: Instant;
  readonly takenAt: Instant | null;
  readonly finishedAt: Instant | null;
  readonly result: JsonObject | null;
}

/** When and where we last met a target. */
export interface Contact {
  readonly baseUrl: string;
  readonly listedAt: Instant;
}

export interface Group {
  readonly name: string;
  readonly remoteId: string;
  /** Whether Rollcall created it. */
  readonly created: boolean;
}

/** An event that a webhook brought, as it was received. */
export interface NewHookEvent {
  readonly connection: string;
  /** The path it was posted to. */
  readonly hook: string;
  readonly kind: 'hint' | 'record' | 'emergency';
  /** SHA-256 (32 bytes) of what the event is known by. */
  readonly identity: Uint8Array;
  /** Whether that stays true once the event has ended; else the same content may come again and mean something new. */
  readonly keyed: boolean;
  readonly body: Uint8Array;
  readonly form: 'json' | 'form';
  readonly receivedAt: Instant;
}
/** `full`: nothing was stored, there is no room for more events now. */
export type Received = 'stored' | 'duplicate' | 'full';

export interface WaitingEvent {
  readonly id: number;
  readonly hook: string;
  readonly kind: NewHookEvent['kind'];
  readonly form: NewHookEvent['form'];
  readonly body: Buffer;
  readonly receivedAt: Instant;
  /** Looks at it so far that ended with `waiting`. */
  readonly tries: number;
}

export interface EventEnd {
  readonly id: number;
  /** `waiting`: not yet, look again at `notBefore`. */
  readonly state: 'done' | 'rejected' | 'waiting';
  /** For people; names no personal value. */
  readonly reason: string;
  readonly notBefore?: Instant;
}

/** What `status` shows of a webhook that ever brought anything. */
export interface HookState {
  readonly connection: string;
  readonly hook: string;
  readonly kind: NewHookEvent['kind'];
  readonly lastAt: Instant;
  readonly waiting: number;
  readonly waitingSince: Instant | null;
  /** Why, where a look at one of them was in vain. */
  readonly waitingFor: string | null;
  /** In the last days. */
  readonly rejected: number;
  readonly rejectedAt: Instant | null;
  readonly rejectedFor: string | null;
}

/** An open alarm. */
export interface RaisedAlarm {
  readonly connection: string;
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  readonly hint: string | null;
  readonly worker: string | null;
  readonly raisedAt: Instant;
  /** When it was said last. */
  readonly saidAt: Instant;
}

/** A row of a further source. */
export interface JoinedFacts {
  readonly source: string;
  readonly key: string;
}

/** An entry as the chain holds it. */
export interface ChainRow {
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
  readonly body: string;
}

export interface SegmentRow {
  readonly first: number;
  readonly last: number;
  readonly firstPrev: string;
  readonly lastHash: string;
  /** What was signed. */
  readonly manifest: JsonObject;
  /** Base64. */
  readonly sig: string;
  /** The entry that says so. */
  readonly entrySeq: number;
}

/** Its file has been written, signed and read back. */
export interface SealOrder extends Pick<SegmentRow, 'first' | 'last' | 'firstPrev' | 'lastHash' | 'sig'> {
  /** Canonical JSON. */
  readonly manifest: string;
  readonly at: Instant;
  readonly entry: EntryDraft;
}

export interface EraseOrder {
  readonly connection: string;
  readonly workerKey: string;
  /** As it was read; under another one nothing is erased. */
  readonly revision: number;
  /** What further sources say of the worker. */
  readonly facts: readonly JoinedFacts[];
  /** Failed operations that end with it. */
  readonly supersedes: readonly number[];
  readonly at: Instant;
  /** Stored in the same transaction, with the counts as member `rows`. */
  readonly entry: EntryDraft;
}

export interface RekeyOrder {
  readonly connection: string;
  /** Keys of workers, or ids of employments; nobody stands on both sides. */
  readonly pairs: readonly { readonly from: string; readonly to: string }[];
  /** Further sources whose keys are ids of employments. */
  readonly sources: readonly string[];
  readonly at: Instant;
  /** Stored in the same transaction. */
  readonly entries: readonly EntryDraft[];
}

export type Rekeyed =
  /** `joined`: so many were on file under the new key already. */
  | { readonly kind: 'rekeyed'; readonly joined: number }
  /** Something of these is being sent. */
  | { readonly kind: 'under-way'; readonly workers: readonly string[] }
  /** These are not on file any more, or the new key has an account by now. */
  | { readonly kind: 'conflict'; readonly keys: readonly string[] };

export type Erased =
  | { readonly kind: 'erased'; readonly rows: Readonly<Record<string, number>> }
  /** The worker was changed meanwhile. */
  | { readonly kind: 'conflict' }
  /** A webhook brought something about the worker that is not worked off. */
  | { readonly kind: 'event-waits' };

/** Counts for `status`. */
export interface Overview {
  readonly connections: readonly {
    readonly connection: string;
    readonly workers: number;
    readonly stages: Readonly<Partial<Record<Stage, number>>>;
    readonly deliveries: Readonly<Partial<Record<Delivery, number>>>;
    readonly suspected: number;
    readonly rejections: number;
    readonly openHolds: number;
    readonly lastCycle: CycleRecord | null;
    readonly checkpoint: Checkpoint | null;
    readonly nextDue: Instant | null;
  }[];
  readonly queue: readonly QueueDepth[];
  readonly entries: number;
}

export interface Store extends AsyncDisposable {
  /**
   * Applies the changeset whole or not at all; resolves once it is durable. Commits of one tick share a transaction.
   * @throws StoreUnknown when nobody can say whether it was stored: every later call then throws it too.
   */
  readonly commit: (changeset: Changeset) => Promise<CommitResult>;
  /**
   * Lays new workers out for a commit at this moment, where nobody sees them and from where nothing survives the process: such a
   * commit is half the work. Null where one of them is not simply new, or there is no room: they are committed as they are.
   */
  readonly layOut: (at: Instant, packed: PackedChanges) => Promise<LaidOut | null>;
  /** What was laid out and is committed by now, or never will be. */
  readonly putAway: (laid: readonly LaidOut[]) => Promise<void>;

  /** Unknown keys are absent from the map. With `employments: false` these are not read and the list is empty. */
  readonly situations: (
    connection: string,
    keys: readonly string[],
    options?: { readonly employments?: boolean },
  ) => Promise<ReadonlyMap<string, Situation>>;
  /** Employment id → worker key, for those that are known. */
  readonly workerKeysOf: (connection: string, employmentIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Workers behind the one of this number, in the order of their numbers; looks through at most 5,000 of them. */
  readonly listWorkers: (after: number, limit: number, filter: WorkerFilter) => Promise<Page<ListedWorker>>;
  /** Workers whose moment has come, earliest first. */
  readonly due: (connection: string, now: Instant, limit: number) => Promise<readonly string[]>;
  /** The earliest moment at which the clock alone changes something; null = any connection. */
  readonly nextDue: (connection: string | null) => Promise<Instant | null>;
  readonly population: (connection: string) => Promise<{ readonly workers: number; readonly active: number }>;
  /** Employments on file. */
  readonly employmentCount: (connection: string) => Promise<number>;
  /** Names of the targets at which this connection has accounts. */
  readonly targetsOf: (connection: string) => Promise<readonly string[]>;
  /** Workers whose delivery region is not `settled`. */
  readonly unsettled: (connection: string) => Promise<number>;
  /** Workers of whom deltas said what waits to be judged again. */
  readonly pendingKeys: (connection: string) => Promise<readonly string[]>;
  readonly pendingFacts: (connection: string, keys: readonly string[]) => Promise<readonly PendingFacts[]>;
  /** Durable when it resolves. */
  readonly receiveEvent: (event: NewHookEvent) => Promise<Received>;
  /** Events that may be looked at now, oldest first. */
  readonly waitingEvents: (
    connection: string,
    kind: WaitingEvent['kind'],
    now: Instant,
    limit: number,
  ) => Promise<readonly WaitingEvent[]>;
  /** When the next event of this kind may be looked at; null when none waits. */
  readonly nextEvent: (connection: string, kind: WaitingEvent['kind']) => Promise<Instant | null>;
  readonly endEvents: (events: readonly EventEnd[]) => Promise<void>;
  /** null = every connection. */
  readonly hooks: (connection: string | null) => Promise<readonly HookState[]>;
  /** What a further source says, by key; unknown keys are absent. */
  readonly facts: (
    connection: string,
    source: string,
    keys: readonly string[],
  ) => Promise<ReadonlyMap<string, GivenValues>>;
  /** Lower-case hex digest of the row that a key was read from; null where it is not known. */
  readonly factDigest: (connection: string, source: string, key: string) => Promise<string | null>;
  /** Keys of a further source whose workers are to be judged, in order, in batches of at most 5,000. */
  readonly dueFacts: (connection: string, source: string) => AsyncIterable<readonly string[]>;
  readonly anyDueFacts: (connection: string) => Promise<boolean>;
  /** The rows of a further source that are on file; empty under another context than that of its last delivery. */
  readonly knownFacts: (connection: string, source: string, context: string) => Promise<KnownRows>;
  readonly furtherRead: (connection: string, source: string) => Promise<FurtherRead | null>;
  readonly furtherSources: (
    connection: string,
  ) => Promise<readonly { readonly source: string; readonly read: FurtherRead }[]>;
  /** Every employment on file with the key of its worker, in batches. */
  readonly allEmployments: (
    connection: string,
  ) => AsyncIterable<readonly { readonly worker: string; readonly employment: Employment }[]>;
  /** Open alarms, oldest first, at most 1,000; null = every connection. */
  readonly alarms: (connection: string | null) => Promise<readonly RaisedAlarm[]>;
  readonly suspected: (
    connection: string,
    limit: number,
  ) => Promise<readonly { readonly key: string; readonly since: Instant }[]>;

  /** Folded name (see `foldName`) → who has it. Free names are absent. */
  readonly takenNames: (target: string, names: readonly string[]) => Promise<ReadonlyMap<string, NameHolder>>;
  /** Worker keys whose account owes a reference to this manager. */
  readonly debtors: (
    connection: string,
    target: string,
    managerKey: string,
    limit: number,
  ) => Promise<readonly string[]>;
  /** Accounts of this connection that exist at the target, in the order of their numbers, behind `after`. */
  readonly accountsAt: (
    connection: string,
    target: string,
    after: number,
    limit: number,
  ) => Promise<readonly { readonly id: number; readonly workerKey: string; readonly remoteId: string }[]>;
  /** Worker key → remote id, for accounts that have one. */
  readonly remoteIds: (
    connection: string,
    target: string,
    workerKeys: readonly string[],
  ) => Promise<ReadonlyMap<string, string>>;

  /** Remote id → whose it is, for accounts of ours at this target. Workers of several connections may have the same key. */
  readonly owners: (target: string, remoteIds: readonly string[]) => Promise<ReadonlyMap<string, NameHolder>>;
  /** Of these workers, those whose personal values were erased. */
  readonly erased: (connection: string, workerKeys: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Rows by table that an erasure of this worker would blank or delete; null for nobody on file. */
  readonly erasable: (
    connection: string,
    workerKey: string,
    facts: readonly JoinedFacts[],
  ) => Promise<Readonly<Record<string, number>> | null>;
  /** Sealed parts of the audit, oldest first. */
  readonly segments: () => Promise<readonly SegmentRow[]>;
  /** Entries that are in the database, in order, after `seq`. */
  readonly chain: (seq: number, limit: number) => Promise<readonly ChainRow[]>;
  /** Removes the entries of a segment, with their personal values, and remembers where the chain goes on. */
  readonly seal: (order: SealOrder) => Promise<void>;
  /** Former keys of a connection → what stands for them now. */
  readonly formerKeys: (connection: string) => Promise<FormerKeys>;
  /** All of it or nothing; the open hold of kind `rekey` ends with it. */
  readonly rekey: (order: RekeyOrder) => Promise<Rekeyed>;
  /** Takes every personal value of one worker out of every table. */
  readonly erase: (order: EraseOrder) => Promise<Erased>;
  /**
   * Writes the database file anew, so that nothing that was deleted is left in it or in the log beside it. False where somebody who
   * reads kept the log from being emptied.
   */
  readonly rewrite: () => Promise<boolean>;
  /** Worker key → remote ids of accounts that a person took from that worker and gave to nobody since. */
  readonly unpaired: (connection: string, target: string) => Promise<ReadonlyMap<string, readonly string[]>>;
  /** Workers whose account exists and owes a manager reference that can be paid now: the manager's account exists too. */
  readonly payableDebts: (connection: string, target: string, limit: number) => Promise<readonly string[]>;

  /** Empty when `context` is not the one under which the stored fingerprints were written. */
  readonly knownRows: (connection: string, context: string) => Promise<KnownFingerprints>;
  /**
   * Employments on file of which `seen` (one bit per index of `known`) marks no row: those whose rows did not come again, and
   * those that have no fingerprint. Cheap where nearly all were seen.
   */
  readonly unseenEmployments: (
    connection: string,
    known: KnownFingerprints,
    seen: Uint8Array,
  ) => AsyncIterable<readonly string[]>;
  /** Every employment of the connection in the order of its ids, in batches of at most 5,000. */
  readonly allEmploymentIds: (connection: string) => AsyncIterable<readonly string[]>;
  /** Those who have left, in an order that stays, from the one after `after` (0: from the first) on; `more`: how many follow. */
  readonly left: (
    connection: string,
    after: number,
    limit: number,
  ) => Promise<{ readonly workers: readonly { readonly id: number; readonly key: string }[]; readonly more: number }>;
  /** Everybody who works here, in batches of at most 1,000 and not in one read: a walk over all that lets others go on. */
  readonly working: (
    connection: string,
  ) => AsyncIterable<readonly { readonly standing: Standing; readonly employments: readonly Employment[] }[]>;
  readonly checkpoint: (connection: string) => Promise<Checkpoint | null>;
  readonly lastGoodColumns: (connection: string) => Promise<readonly string[] | null>;
  /** In the order in which they were found, without the first `after` of them. */
  readonly rejections: (connection: string, limit: number, after?: number) => Promise<readonly Rejection[]>;
  /** Newest first, those before the cycle of this id; null = every connection. */
  readonly cycles: (connection: string | null, limit: number, before?: number) => Promise<readonly CycleRecord[]>;
  /** An id no cycle has yet. */
  readonly newCycleId: () => Promise<number>;

  /** With `units` (default: without) also lines for each unit of the house. */
  readonly guardWindow: (connection: string, since: Instant, units?: boolean) => Promise<readonly Usage[]>;
  /** The same of a window that is asked for again and again while time goes on: its cost does not grow with what was used. */
  readonly guardSlot: (
    connection: string,
    slot: UsedWindow,
    since: Instant,
    units?: boolean,
  ) => Promise<readonly Usage[]>;
  /** Item digests released by approvals that have not expired. */
  readonly approvals: (connection: string, now: Instant) => Promise<ReadonlySet<string>>;
  readonly discards: (connection: string, now: Instant) => Promise<ReadonlySet<string>>;
  /** Open holds, oldest first, with at most `itemsMax` (default 1,000) items each; null = every connection. */
  readonly holds: (connection: string | null, itemsMax?: number) => Promise<readonly Hold[]>;
  /** The open hold whose digest begins so, with its items behind `after`; null where there is none, or several. */
  readonly hold: (digest: string, after: string, limit: number) => Promise<Hold | null>;
  /** @throws Problem when the digest is not that of an open hold as it stands now (names those that are). */
  readonly approve: (release: Release & { readonly expiresAt: Instant }) => Promise<Hold>;
  /** Sets the items aside for 30 days. @throws Problem as `approve` does. */
  readonly discard: (release: Release) => Promise<Hold>;

  /**
   * Marks operations `sending`, most urgent lane first, oldest first; durable when it resolves. Of one worker at one target
   * only the oldest open operation is ever claimed, and none while another is sending or accepted. Membership changes wait for
   * the account's remote id.
   */
  readonly claim: (
    target: string,
    options: {
      readonly lanes: readonly Lane[];
      readonly limit: number;
      readonly now: Instant;
      /** Whether to take the ends of sessions; both kinds of work are taken unless told. */
      readonly sessions?: 'only' | 'without';
      /** Memberships by the batch; without it they are claimed one by one like everything else. */
      readonly members?: MembersClaim;
    },
  ) => Promise<readonly ClaimedOperation[]>;
  /**
   * At start, by the holder of the lock only: what was being sent when the last process ended is queued again, as ambiguous,
   * and what it left half-written is swept. Returns how many operations were queued.
   */
  readonly recoverSending: () => Promise<number>;
  /** Counts by target, lane and state, in that order; states without operations are absent. */
  /** Operations of this connection that were decided and are not over, failed ones aside, by kind. Walks over them all. */
  readonly queuedKinds: (connection: string) => Promise<Readonly<Partial<Record<OperationKind, number>>>>;
  readonly queueDepths: () => Promise<readonly QueueDepth[]>;
  /** By target and lane; lanes without waiting work are absent. A few look-ups, however long the queue is. */
  readonly queueAges: () => Promise<readonly QueueAge[]>;
  /** `now` when something can be claimed at once, else the earliest moment at which something can; null when nothing waits for the clock. Of these lanes, or of all. */
  readonly nextAttempt: (target: string, now: Instant, lanes?: readonly Lane[]) => Promise<Instant | null>;
  /** Of these operations, those that are being sent while newer work of an urgent lane waits for the same account. */
  readonly overtaken: (ids: readonly number[]) => Promise<readonly number[]>;
  /** Everything that this target took in and has not confirmed, lane by lane, oldest first, in batches of at most 1,000. */
  readonly accepted: (target: string) => AsyncIterable<readonly AcceptedOperation[]>;
  /** Those of these operations that are still accepted, as they were claimed; at most 1,000 at once. */
  readonly acceptedClaims: (target: string, ids: readonly number[]) => Promise<readonly ClaimedOperation[]>;
  /** Oldest first. */
  readonly operations: (filter: OperationFilter) => Promise<readonly ShownOperation[]>;
  /** Disables that are not confirmed, oldest first. */
  readonly unconfirmedLeavers: (limit: number) => Promise<readonly ShownOperation[]>;
  /** These, in whatever state they are, in the order of their ids; at most 1,000 at once. */
  readonly operationsOf: (ids: readonly number[]) => Promise<readonly ShownOperation[]>;
  /** What was set aside of operations that are still open, whether or not it still counts. */
  readonly skips: () => Promise<readonly Skip[]>;
  /** Sessions of leavers that are not ended yet, oldest first. */
  readonly openSessions: (limit: number) => Promise<readonly ShownOperation[]>;

  readonly group: (target: string, name: string) => Promise<Group | null>;
  readonly saveGroup: (target: string, group: Group) => Promise<void>;
  /**
   * Stores a complete listing; readers see the old one until the last page is in. `valuesOf` names the values by which an
   * account may be found. Returns the number of accounts.
   */
  readonly replaceInventory: (
    target: string,
    pages: AsyncIterable<readonly ListedAccount[]>,
    valuesOf: (account: ListedAccount) => readonly CorrelationValue[],
  ) => Promise<number>;
  /** For each value, in order, the accounts that carry it. `userName` and e-mail paths compare folded, all others exactly. */
  readonly inventoryByValues: (
    target: string,
    values: readonly CorrelationValue[],
  ) => Promise<readonly (readonly ListedAccount[])[]>;
  /** Those of the names, folded, that exist at the target. */
  readonly inventoryNames: (target: string, names: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly contact: (target: string) => Promise<Contact | null>;
  readonly saveContact: (target: string, contact: Contact) => Promise<void>;

  readonly addAct: (act: NewAct) => Promise<number>;
  /** Takes acts nobody has taken, oldest first. */
  readonly takeActs: (limit: number) => Promise<readonly Act[]>;
  readonly finishAct: (id: number, result: JsonObject) => Promise<void>;
  readonly act: (id: number) => Promise<Act | null>;
  /** At start: acts that the last process took and did not finish are offered again. Returns how many. */
  readonly recoverActs: () => Promise<number>;
  /** Acts that are not done yet, whether somebody is at them or not; since when the oldest waits, null where none does. */
  readonly openActs: () => Promise<{ readonly count: number; readonly since: Instant | null }>;

  readonly audit: Audit;
  /** Archives the text of an accepted mapping under its digest; once. */
  readonly saveMapping: (digest: string, connection: string, text: string) => Promise<void>;
  readonly mapping: (digest: string) => Promise<string | null>;
  readonly setting: (key: string) => Promise<JsonValue | null>;
  readonly saveSetting: (key: string, value: JsonValue) => Promise<void>;
  readonly overview: () => Promise<Overview>;

  /** Waits for commits under way, folds the write-ahead log into the database and closes it. Works twice. */
  readonly close: () => Promise<void>;
}
