// One worker's change as one text: a line of small values, then a line for each text that goes into a column as it is. It is
// made once, and stays a text in the file where a large plan waits and on the way to the thread of the store: there texts
// cost a fraction of objects on both sides.
import { assert } from '../base/assert.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { type Facts, NO_FACTS } from '../lifecycle/standing.ts';
import type {
  Changeset,
  ChangeText,
  FingerprintChange,
  OperationPayload,
  PackedChanges,
  WorkerChange,
} from '../planning/changeset.ts';
import type { Employment } from '../worker/worker.ts';
import {
  accountOf,
  NO_FACTS_TEXT,
  type WrittenAccount,
  type WrittenChangeset,
  type WrittenEntry,
  type WrittenWorker,
  writtenEntry,
} from './written.ts';

export const writtenChangeset = (changeset: Changeset): WrittenChangeset => ({
  ...changeset,
  workers: changeset.workers?.map((one) => (typeof one === 'string' ? one : changeText(one))) ?? [],
  entries: changeset.entries?.map(writtenEntry) ?? [],
});

/**
 * Field by field: copying with `...` costs several times as much, and this is done for every worker of a first load.
 * `fingerprints` are stored with the change.
 */
export function changeText(change: WorkerChange, fingerprints: readonly FingerprintChange[] = []): ChangeText {
  const { standing } = change;
  let lines = '';
  /** Goes to the next line; the place where it belongs stays empty. */
  const below = (text: string): '' => {
    lines += `\n${text}`;
    return '';
  };
  const small: WrittenWorker = {
    key: change.key,
    revision: change.revision,
    stage: standing.stage,
    delivery: standing.delivery,
    facts: below(standing.facts === NO_FACTS ? NO_FACTS_TEXT : JSON.stringify(standing.facts)),
    dueAt: change.dueAt,
    ...(change.suspicion === undefined ? {} : { suspicion: change.suspicion }),
    employments: change.employments?.map((one) => ({ id: one.id, body: below(canonicalJson(one)) })) ?? [],
    accounts: change.accounts.map((account) => ({
      target: account.target,
      remoteId: account.remoteId,
      etag: account.etag,
      userName: account.userName,
      externalId: account.externalId,
      active: account.active,
      origin: account.origin,
      known: below(JSON.stringify(account.known)),
      managerKnown: account.managerKnown,
      managerOwed: account.managerOwed,
      groups: below(JSON.stringify(account.groups)),
    })),
    operations: change.operations.map((operation) => ({
      target: operation.target,
      kind: operation.kind,
      lane: operation.lane,
      transition: operation.transition,
      notBefore: operation.notBefore,
      payload: below(JSON.stringify(operation.payload)),
      refused: operation.refused === undefined ? null : JSON.stringify(operation.refused),
      ...(operation.undoes === undefined ? {} : { undoes: operation.undoes }),
    })),
    supersedes: change.supersedes,
    entries: change.entries.map((entry) => ({
      kind: entry.kind,
      connection: entry.connection,
      workerKey: entry.workerKey,
      actor: entry.actor,
      body: below(canonicalJson(entry.body)),
      personal: entry.personal === undefined ? null : below(personalText(entry.personal, change)),
    })),
    ...(fingerprints.length === 0 ? {} : { fingerprints }),
  };
  return (JSON.stringify(small) + lines) as ChangeText;
}

/** Stands for the employments of the change and nothing else, as most decisions on new facts have it: no JSON begins like this. */
const SAME_EMPLOYMENTS = '=';

function personalText(personal: JsonObject, { employments }: WorkerChange): string {
  const same = employments !== undefined && personal.employments === (employments as unknown);
  return same && Object.keys(personal).length === 1 ? SAME_EMPLOYMENTS : canonicalJson(personal);
}

type Filling<T> = { -readonly [K in keyof T]: T[K] };

export function writtenWorker(text: ChangeText): WrittenWorker {
  const lines = text.split('\n');
  let at = 0;
  const next = (): string => {
    const line = lines[at];
    assert(line !== undefined, 'a change has all its lines');
    at += 1;
    return line;
  };
  const worker = JSON.parse(next()) as Filling<WrittenWorker>;
  worker.facts = next();
  for (const employment of worker.employments) (employment as Filling<typeof employment>).body = next();
  for (const account of worker.accounts as readonly Filling<WrittenAccount>[]) {
    account.known = next();
    account.groups = next();
  }
  for (const operation of worker.operations) (operation as Filling<typeof operation>).payload = next();
  for (const entry of worker.entries as readonly Filling<WrittenEntry>[]) {
    entry.body = next();
    if (entry.personal !== null) {
      const personal = next();
      entry.personal = personal === SAME_EMPLOYMENTS ? employmentsText(worker) : personal;
    }
  }
  return worker;
}

/** Canonical JSON: that is what each body is. */
const employmentsText = ({ employments }: Pick<WrittenWorker, 'employments'>): string =>
  `{"employments":[${employments.map(({ body }) => body).join(',')}]}`;

/** Each of them by itself: in one text with somebody whose name needs two bytes a letter all others would cost twice as much. */
export function unpacked({ bytes, lengths }: PackedChanges): readonly WrittenWorker[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = 0;
  return Array.from(lengths, (length) => {
    const start = end;
    end += length;
    return writtenWorker(buffer.toString('utf8', start, end) as ChangeText);
  });
}

/** What was given to `changeText` beside the change. */
export const fingerprintsIn = (text: ChangeText): readonly FingerprintChange[] =>
  writtenWorker(text).fingerprints ?? [];

/** The change that `changeText` made this of. */
export function changeOf(text: ChangeText): WorkerChange {
  const { stage, delivery, facts, employments, accounts, operations, entries, fingerprints, ...rest } =
    writtenWorker(text);
  return {
    ...rest,
    standing: { stage, delivery, facts: facts === NO_FACTS_TEXT ? NO_FACTS : (JSON.parse(facts) as Facts) },
    ...(employments.length === 0 ? {} : { employments: employments.map(({ body }) => JSON.parse(body) as Employment) }),
    accounts: accounts.map(accountOf),
    operations: operations.map(({ payload, refused, ...operation }) => ({
      ...operation,
      payload: JSON.parse(payload) as OperationPayload,
      ...(refused === null ? {} : { refused: JSON.parse(refused) as Outcome }),
    })),
    entries: entries.map(({ body, personal, ...entry }) => ({
      ...entry,
      body: JSON.parse(body) as JsonObject,
      ...(personal === null ? {} : { personal: JSON.parse(personal) as JsonObject }),
    })),
  };
}
