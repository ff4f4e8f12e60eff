// What every target promises. The rooms behind it know SCIM and its relatives; nothing outside does.
import type { Finding } from '../base/finding.ts';
import type { JsonValue } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import type { Lane } from '../lifecycle/operation.ts';
import type { AccountNews, Outcome } from '../lifecycle/outcome.ts';
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { Accepted, AccountState, OperationKind, OperationPayload } from '../planning/changeset.ts';

/** One HTTP request as the audit and `plan --requests` show it. */
export interface ShownRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the base URL with its query; ids not issued yet print as `<id:WORKER>`. */
  readonly path: string;
  /** JSON text of the body, '' without one. */
  readonly body: string;
  /** Set where it travels inside another request: that one's path. */
  readonly via?: string;
}

/** What an operation needs to be sent; references are already resolved. */
export interface Sendable {
  readonly id: number;
  readonly workerKey: string;
  readonly kind: OperationKind;
  readonly payload: OperationPayload;
  readonly account: AccountState;
  /** Remote id of the manager named in the payload; null when there is none (yet). */
  readonly managerRemoteId: string | null;
  /** Remote id of the manager whose reference stands already, where the payload leaves it alone: for targets that take whole records. */
  readonly managerStandsRemoteId?: string | null;
  /** True when an earlier try of this operation may have taken effect: look before writing. */
  readonly ambiguous: boolean;
  /** Remote id of the group, where it is already known. */
  readonly groupRemoteId: string | null;
  /** The queue it comes from: `emergency` and `leaver` use what is reserved for leavers, as every disable does without it. */
  readonly lane?: Lane;
  /** What an earlier try may have made, the account or the group, may still be invisible: nothing is made in its place yet. */
  readonly mayAppear?: boolean;
  /**
   * Whose an account is that a look-up found, asked before it is taken for the worker's own: `others` belongs to another worker of
   * ours, whatever its externalId says. Without this member nobody else has accounts here.
   */
  readonly whose?: (found: ListedAccount) => Promise<Whose>;
}

export const TICKET_MAX = 500;

/** `protected` gets no write (design section 4). */
export type Whose = 'free' | 'others' | 'protected';

/** Code of the outcome of a creation that waits because an earlier try may have made it already. */
export const NOT_VISIBLE_YET = 'not-visible-yet';

/** Code of the outcome of a disable that found no account. */
export const NOBODY = 'nobody';

export interface Delivered {
  readonly outcome: Outcome;
  /** What was learnt about the account, to be stored with the outcome. */
  readonly account?: AccountNews;
  /** Set where a request that several shared was lost: their faults are one, under this name. */
  readonly sharedFault?: string;
  /**
   * Beside an outcome of class `accepted`. `ticket`: what the room needs to know it again, at most TICKET_MAX characters and nothing
   * personal. After `withinMs` it counts as unconfirmed: an alarm, and it is sent again.
   */
  readonly accepted?: { readonly ticket: string; readonly withinMs: number };
  /** Set when the group's remote id was learnt or the group was created. */
  readonly group?: { readonly name: string; readonly remoteId: string; readonly created: boolean };
}

export interface Confirmed {
  readonly id: number;
  readonly delivered: Delivered;
}

export interface Confirmation {
  /** Only those of which something is known. */
  readonly answers: readonly Confirmed[];
  /** Set where the target takes work in and does not do it, or takes none in. */
  readonly stalled: Stalled | null;
}

export interface Stalled {
  readonly code: string;
  readonly detail: string;
  /** Whether leavers wait for it, too. */
  readonly leavers: boolean;
}

/**
 * How it is learnt what became of accepted operations. What is said of an earlier one of a worker must never confirm a later one:
 * a leave is confirmed by what the target says of the account, or by an answer that is certainly about this very request.
 */
export interface ConfirmationWay {
  /** Milliseconds between two questions. */
  readonly everyMs: number;
  /**
   * Oldest first; none where work is only queued yet.
   * @throws Problem when the target does not answer.
   */
  readonly confirm: (waiting: readonly Accepted[], signal: AbortSignal) => Promise<Confirmation>;
}

/** Intent before and outcome after every request. `intent` resolves when the intent is durable. */
export interface Journal {
  readonly intent: (request: ShownRequest) => Promise<void>;
  /**
   * Called when the request has its connection, right before it leaves. False: it must not leave any more (writes were
   * stopped while it waited). Without this member every request leaves.
   */
  readonly leaves?: () => boolean;
  /**
   * Whether the operation is still to be sent: asked while a request waits for its turn, again at `reconsider`. False: it comes
   * back as not sent. Changes nothing, unlike `leaves`.
   */
  readonly wanted?: () => boolean;
  readonly answer: (request: ShownRequest, outcome: Outcome) => void;
}

/** Code of the Problem of an endpoint that cannot list its users: people are looked up with `find` instead. */
export const NO_LISTING = 'target.no-listing';
/** Code of the Problem of a question that the target refuses for what it says: asked again it is refused again, others are not. */
export const LOOK_UP_REFUSED = 'target.look-up-refused';

export const lookUpRefused = ({ code, status }: Pick<Outcome, 'code' | 'status'>): Problem =>
  new Problem(
    {
      code: LOOK_UP_REFUSED,
      message: `somebody could not be looked up: the target answered ${code}${status === null ? '' : ` (HTTP ${status})`}`,
      hint: 'see what the userName and externalId of whoever waits look like',
    },
    1,
  );

/** One value by which an account may be found. */
export interface LookUp {
  readonly attribute: 'externalId' | 'userName';
  readonly value: string;
}

/** `gone`: it is certain that there is no account of this id. */
export type Looked = { readonly kind: 'there'; readonly account: ListedAccount } | { readonly kind: 'gone' };

/** One of several operations that travel together; each is accounted for by itself. */
export interface Passenger {
  readonly operation: Sendable;
  readonly journal: Journal;
}

/** What a target's room remembers over restarts: counters of its limits, what it has under way. Small, and nothing personal. */
export interface TargetMemory {
  /** Null before the first write. */
  readonly read: () => Promise<JsonValue | null>;
  /** Durable when it resolves. */
  readonly write: (value: JsonValue) => Promise<void>;
}

/** What else this connection's accounts say about a name: used when a 409 must be told apart from our own lost reply. */
export interface Target {
  readonly name: string;
  readonly baseUrl: string;
  /** Requests in flight at once, at most. */
  readonly concurrency: number;
  /** Of those, kept free for leavers. */
  readonly reserved: number;
  /** Whether `revokeSessions` is an operation of this target: sessions are ended by a call of ours after the disable. */
  readonly endsSessions: boolean;
  /** Carries out one operation with all its requests (look-up, write, read-back). Never throws for what the target says. */
  readonly deliver: (operation: Sendable, journal: Journal, signal: AbortSignal) => Promise<Delivered>;
  /**
   * Adds or removes many workers of one group in as few requests as the profile allows. One result for each operation, in order.
   * All operations are of one kind and name one group; every account has a remote id.
   */
  readonly deliverMemberships: (
    operations: readonly Sendable[],
    journal: Journal,
    signal: AbortSignal,
  ) => Promise<readonly Delivered[]>;
  /** Milliseconds for which searches may not find what was just created. */
  readonly visibleAfterMs: number;
  /** Most operations of different workers in one request at this moment; null where each needs a request of its own. */
  readonly batchMax: () => number | null;
  /**
   * As `deliver`, for creates, updates and enables of different workers: what they write first travels in as few requests as the
   * target allows. One promise for each, in order; what one of them needs beyond that keeps no other waiting.
   */
  readonly deliverMany: (passengers: readonly Passenger[], signal: AbortSignal) => readonly Promise<Delivered>[];
  /**
   * The accounts that carry one of these values; what the target cannot be asked by finds nobody. userNames compare without regard
   * to case. @throws Problem when the target does not answer; with LOOK_UP_REFUSED where it refuses one of the questions for what
   * it says.
   */
  readonly find: (asked: readonly LookUp[], signal: AbortSignal) => Promise<readonly ListedAccount[]>;
  /** What the target says of this one account now. Changes nothing. @throws Problem when it does not answer. */
  readonly look: (remoteId: string, signal: AbortSignal) => Promise<Looked>;
  /**
   * What the target's clock says, in milliseconds since the epoch: the `Date` of its answer (RFC 9110 section 6.6.1). Null where it
   * does not answer, or names no time. Changes nothing; never throws.
   */
  readonly time: (signal: AbortSignal) => Promise<number | null>;
  /** Pages through all users. @throws Problem when the listing is not complete; with NO_LISTING where it never can be. */
  readonly list: (signal: AbortSignal) => AsyncIterable<readonly ListedAccount[]>;
  /** Flattened paths of which its accounts, as they are listed, say anything; without it of all that is written. */
  readonly shows?: readonly string[];
  /** The requests that delivering this operation would send, as far as they can be told beforehand. Pure. */
  readonly show: (operation: Sendable) => readonly ShownRequest[];
  /** Asks every request that waits for a connection or for the rate whether it is still wanted. */
  readonly reconsider: () => void;
  /** Set where an operation is not done when it is answered: what is accepted is asked for until it is confirmed. */
  readonly confirmation?: ConfirmationWay;
  /** What works here and what does not, for `validate --probe`: reads only. Writing cannot be tried without writing. Never throws. */
  readonly probe?: (signal: AbortSignal) => Promise<readonly Finding[]>;
  /** Requests per second as they are allowed now; null: without limit. */
  readonly perSecond: () => number | null;
  readonly close: () => Promise<void>;
}
