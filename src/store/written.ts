// A changeset as it is written: whatever becomes JSON in a column is text already.
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { type Delivery, NO_FACTS, type Stage } from '../lifecycle/standing.ts';
import type { Suspicion } from '../lifecycle/suspicion.ts';
import type {
  AccountState,
  Changeset,
  ChangeText,
  EntryDraft,
  FingerprintChange,
  NewOperation,
  WorkerChange,
} from '../planning/changeset.ts';

export interface WrittenAccount extends Omit<AccountState, 'known' | 'groups'> {
  /** JSON. */
  readonly known: string;
  /** JSON. */
  readonly groups: string;
}

export interface WrittenOperation extends Omit<NewOperation, 'payload' | 'refused'> {
  /** JSON. */
  readonly payload: string;
  /** JSON of an outcome; null for an operation that may be sent. */
  readonly refused: string | null;
}

export interface WrittenEntry extends Omit<EntryDraft, 'body' | 'personal'> {
  /** Canonical JSON. */
  readonly body: string;
  /** Canonical JSON. */
  readonly personal: string | null;
}

export interface WrittenWorker extends Pick<WorkerChange, 'key' | 'revision' | 'dueAt' | 'supersedes'> {
  readonly stage: Stage;
  readonly delivery: Delivery;
  /** JSON. */
  readonly facts: string;
  /** Undefined leaves it alone. */
  readonly suspicion?: Suspicion | null;
  /** `body` is canonical JSON. */
  readonly employments: readonly { readonly id: string; readonly body: string }[];
  readonly accounts: readonly WrittenAccount[];
  readonly operations: readonly WrittenOperation[];
  readonly entries: readonly WrittenEntry[];
  /** Of the rows that this change was decided on; left out where there are none. */
  readonly fingerprints?: readonly FingerprintChange[];
}

export interface WrittenChangeset extends Omit<Changeset, 'workers' | 'entries'> {
  readonly workers: readonly ChangeText[];
  readonly entries: readonly WrittenEntry[];
}

export const NO_FACTS_TEXT = JSON.stringify(NO_FACTS);

export const writtenEntry = ({ kind, connection, workerKey, actor, body, personal }: EntryDraft): WrittenEntry => ({
  kind,
  connection,
  workerKey,
  actor,
  body: canonicalJson(body),
  personal: personal === undefined ? null : canonicalJson(personal),
});

/** As it was before it was written. */
export const accountOf = (account: WrittenAccount): AccountState => ({
  ...account,
  known: account.known === '{}' ? {} : (JSON.parse(account.known) as JsonObject),
  groups: account.groups === '[]' ? [] : (JSON.parse(account.groups) as readonly string[]),
});
