// Changesets that are easy to read in a test, and a generator for salts. Free of the test runner: child processes use it too.
import { type Instant, instantOf, plusMs } from '../../src/base/instant.ts';
import type { Outcome } from '../../src/lifecycle/outcome.ts';
import { UNKNOWN } from '../../src/lifecycle/standing.ts';
import type {
  AccountPayload,
  AccountState,
  EntryDraft,
  NewOperation,
  OperationResult,
  WorkerChange,
} from '../../src/planning/changeset.ts';
import type { Employment } from '../../src/worker/worker.ts';

export const NOON = instantOf('2026-11-22T12:00:00Z');
export const minutesAfterNoon = (minutes: number): Instant => plusMs(NOON, minutes * 60_000);

/** Bytes that are no secret and no two alike: salts in tests need nothing more. */
export function countingBytes(): (length: number) => Uint8Array {
  let drawn = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index += 1) bytes[index] = (drawn * 31 + index * 17 + (index >> 8)) & 255;
    drawn += 1;
    return bytes;
  };
}

export function anEmployment(id: string, more: Partial<Employment> = {}): Employment {
  return {
    id,
    personId: id,
    status: 'active',
    startDate: null,
    endDate: null,
    endsNow: false,
    timeZone: 'Europe/Berlin',
    managerId: '',
    inScope: true,
    attributes: { givenName: 'Ada', familyName: id },
    asOf: NOON,
    ...more,
  };
}

export function anAccount(key: string, more: Partial<AccountState> = {}): AccountState {
  return {
    target: 'idp',
    remoteId: null,
    etag: null,
    userName: `${key}@example.com`,
    externalId: key,
    active: null,
    origin: 'created',
    known: {},
    managerKnown: '',
    managerOwed: '',
    groups: [],
    ...more,
  };
}

export function aPayload(key: string, more: Partial<AccountPayload> = {}): AccountPayload {
  return {
    userName: `${key}@example.com`,
    externalId: key,
    active: true,
    attributes: { title: 'Engineer' },
    onCreateOnly: [],
    keepWhenBlank: [],
    managerKey: null,
    ...more,
  };
}

export function anOperation(key: string, more: Partial<NewOperation> = {}): NewOperation {
  return {
    target: 'idp',
    kind: 'create',
    lane: 'joiner',
    payload: aPayload(key),
    transition: 'joiner',
    notBefore: NOON,
    ...more,
  };
}

export function aDecision(key: string, more: Partial<EntryDraft> = {}): EntryDraft {
  return {
    kind: 'decision',
    connection: 'acme',
    workerKey: key,
    actor: 'feed',
    body: { rule: 'first' },
    personal: { name: `Name of ${key}` },
    ...more,
  };
}

/** Somebody new with one employment, one account, one create and one entry; override what matters. */
export function aChange(key: string, more: Partial<WorkerChange> = {}): WorkerChange {
  return {
    key,
    revision: 0,
    standing: { ...UNKNOWN, stage: 'active', delivery: 'delivering' },
    dueAt: null,
    employments: [anEmployment(key)],
    accounts: [anAccount(key)],
    operations: [anOperation(key)],
    supersedes: [],
    entries: [aDecision(key)],
    ...more,
  };
}

/** A later change of somebody known, that changes nothing by itself. */
export function aLaterChange(key: string, revision: number, more: Partial<WorkerChange> = {}): WorkerChange {
  const quiet = { employments: [], accounts: [], operations: [], entries: [] };
  return { ...aChange(key), ...quiet, revision, ...more };
}

export const DONE: Outcome = {
  class: 'done',
  status: 201,
  code: 'http-201',
  detail: '',
  retryAfterMs: null,
  countsAsAttempt: true,
};

export function aResult(id: number, more: Partial<OperationResult> = {}): OperationResult {
  return { id, state: 'done', notBefore: NOON, attempts: 1, ambiguous: false, outcome: DONE, ...more };
}
