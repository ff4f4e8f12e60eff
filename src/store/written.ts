// A changeset as it is written: whatever becomes JSON in a column is text already. It is made once, by whoever asks for the
// commit, and crosses to the thread of the store as lines of text, which cost a fraction of objects on both sides.

import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { type Delivery, NO_FACTS, type Stage } from '../lifecycle/standing.ts';
import type { AccountState, Changeset, EntryDraft, NewOperation, WorkerChange } from '../planning/changeset.ts';

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
  readonly suspectedSince?: Instant | null;
  /** `body` is JSON. */
  readonly employments: readonly { readonly id: string; readonly body: string }[];
  readonly accounts: readonly WrittenAccount[];
  readonly operations: readonly WrittenOperation[];
  readonly entries: readonly WrittenEntry[];
}

export interface WrittenChangeset extends Omit<Changeset, 'workers' | 'entries'> {
  readonly workers: readonly WrittenWorker[];
  readonly entries: readonly WrittenEntry[];
}

export const NO_FACTS_TEXT = JSON.stringify(NO_FACTS);

export function writtenChangeset(changeset: Changeset): WrittenChangeset {
  return {
    ...changeset,
    workers: changeset.workers?.map(writtenWorker) ?? [],
    entries: changeset.entries?.map(writtenEntry) ?? [],
  };
}

function writtenWorker(change: WorkerChange): WrittenWorker {
  const { key, revision, dueAt, supersedes, standing } = change;
  return {
    key,
    revision,
    stage: standing.stage,
    delivery: standing.delivery,
    facts: standing.facts === NO_FACTS ? NO_FACTS_TEXT : JSON.stringify(standing.facts),
    dueAt,
    ...(change.suspectedSince === undefined ? {} : { suspectedSince: change.suspectedSince }),
    employments: change.employments?.map((one) => ({ id: one.id, body: JSON.stringify(one) })) ?? [],
    accounts: change.accounts.map(writtenAccount),
    operations: change.operations.map((operation) => ({
      target: operation.target,
      kind: operation.kind,
      lane: operation.lane,
      transition: operation.transition,
      notBefore: operation.notBefore,
      payload: JSON.stringify(operation.payload),
      refused: operation.refused === undefined ? null : JSON.stringify(operation.refused),
    })),
    supersedes,
    entries: change.entries.map(writtenEntry),
  };
}

/** Field by field: copying with `...` costs several times as much, and this is done for every worker of a first load. */
const writtenAccount = (account: AccountState): WrittenAccount => ({
  target: account.target,
  remoteId: account.remoteId,
  etag: account.etag,
  userName: account.userName,
  externalId: account.externalId,
  active: account.active,
  origin: account.origin,
  known: JSON.stringify(account.known),
  managerKnown: account.managerKnown,
  managerOwed: account.managerOwed,
  groups: account.groups.length === 0 ? '[]' : JSON.stringify(account.groups),
});

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
  known: JSON.parse(account.known) as JsonObject,
  groups: account.groups === '[]' ? [] : (JSON.parse(account.groups) as readonly string[]),
});

// ── as lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A worker is a text of small values, then one text after the other in the order of its fields. */
function addLines(lines: string[], worker: WrittenWorker): void {
  const { facts, employments, accounts, operations, entries } = worker;
  lines.push(
    JSON.stringify({
      ...worker,
      facts: '',
      employments: employments.map(({ id }) => ({ id, body: '' })),
      accounts: accounts.map((account) => ({ ...account, known: '', groups: '' })),
      operations: operations.map((operation) => ({ ...operation, payload: '' })),
      entries: entries.map((entry) => ({ ...entry, body: '', personal: entry.personal === null ? null : '' })),
    }),
    facts,
  );
  for (const { body } of employments) lines.push(body);
  for (const { known, groups } of accounts) lines.push(known, groups);
  for (const { payload } of operations) lines.push(payload);
  for (const { body, personal } of entries) {
    lines.push(body);
    if (personal !== null) lines.push(personal);
  }
}

export function linesOf(workers: readonly WrittenWorker[]): readonly string[] {
  const lines: string[] = [];
  for (const worker of workers) addLines(lines, worker);
  return lines;
}

type Filling<T> = { -readonly [K in keyof T]: T[K] };

export function workersOfLines(lines: readonly string[]): readonly WrittenWorker[] {
  let at = 0;
  const next = (): string => {
    const line = lines[at];
    assert(line !== undefined, 'a changeset ends with a whole worker');
    at += 1;
    return line;
  };
  const workers: WrittenWorker[] = [];
  while (at < lines.length) {
    const worker = JSON.parse(next()) as Filling<WrittenWorker>;
    worker.facts = next();
    for (const employment of worker.employments) (employment as Filling<typeof employment>).body = next();
    for (const account of worker.accounts as readonly Filling<WrittenAccount>[]) {
      account.known = next();
      account.groups = next();
    }
    for (const operation of worker.operations as readonly Filling<WrittenOperation>[]) operation.payload = next();
    for (const entry of worker.entries as readonly Filling<WrittenEntry>[]) {
      entry.body = next();
      if (entry.personal !== null) entry.personal = next();
    }
    workers.push(worker);
  }
  return workers;
}
