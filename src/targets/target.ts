// What every target promises. The rooms behind it know SCIM and its relatives; nothing outside does.
import type { Lane } from '../lifecycle/operation.ts';
import type { AccountNews, Outcome } from '../lifecycle/outcome.ts';
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { AccountState, OperationKind, OperationPayload } from '../planning/changeset.ts';

/** One HTTP request as the audit and `plan --requests` show it. */
export interface ShownRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the base URL with its query; ids not issued yet print as `<id:WORKER>`. */
  readonly path: string;
  /** JSON text of the body, '' without one. */
  readonly body: string;
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
  /** True when an earlier try of this operation may have taken effect: look before writing. */
  readonly ambiguous: boolean;
  /** Remote id of the group, where it is already known. */
  readonly groupRemoteId: string | null;
  /** The queue it comes from: `emergency` and `leaver` use what is reserved for leavers, as every disable does without it. */
  readonly lane?: Lane;
}

/** Code of the outcome of a disable that found no account. */
export const NOBODY = 'nobody';

export interface Delivered {
  readonly outcome: Outcome;
  /** What was learnt about the account, to be stored with the outcome. */
  readonly account?: AccountNews;
  /** Set when the group's remote id was learnt or the group was created. */
  readonly group?: { readonly name: string; readonly remoteId: string; readonly created: boolean };
}

/** Intent before and outcome after every request. `intent` resolves when the intent is durable. */
export interface Journal {
  readonly intent: (request: ShownRequest) => Promise<void>;
  /**
   * Called when the request has its connection, right before it leaves. False: it must not leave any more (writes were
   * stopped while it waited). Without this member every request leaves.
   */
  readonly leaves?: () => boolean;
  readonly answer: (request: ShownRequest, outcome: Outcome) => void;
}

/** What else this connection's accounts say about a name: used when a 409 must be told apart from our own lost reply. */
export interface Target {
  readonly name: string;
  readonly baseUrl: string;
  /** Requests in flight at once, at most. */
  readonly concurrency: number;
  /** Of those, kept free for leavers. */
  readonly reserved: number;
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
  /** Pages through all users. @throws Problem when the listing is not complete. */
  readonly list: (signal: AbortSignal) => AsyncIterable<readonly ListedAccount[]>;
  /** The requests that delivering this operation would send, as far as they can be told beforehand. Pure. */
  readonly show: (operation: Sendable) => readonly ShownRequest[];
  readonly close: () => Promise<void>;
}
