// A target's answer is an event and passes the same door as HR's: decide, gather a changeset, commit. Answers that arrive
// together share one changeset.
import { assert } from '../base/assert.ts';
import { HOUR_MS, type Instant, msOf, plusMs } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { decide } from '../lifecycle/decide.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { Standing } from '../lifecycle/standing.ts';
import type {
  AccountPayload,
  AccountState,
  EntryDraft,
  MembershipPayload,
  OpenOperation,
  OperationResult,
  Situation,
  WorkerChange,
} from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import { type ClaimedOperation, foldName } from '../store/store.ts';
import { type Delivered, NOBODY } from '../targets/target.ts';
import { GoneWatch } from './gone-watch.ts';
import { breathe, type House } from './house.ts';
import { worthProof } from './proof.ts';
import { isLeaver, type Tries, type VerdictOnOperation, verdictOn } from './verdict.ts';

export interface Finished {
  readonly operation: ClaimedOperation;
  readonly delivered: Delivered;
  /** Answers to the requests that were made, in order. */
  readonly entries: readonly EntryDraft[];
  readonly tries: Tries;
  /** What became of an operation that was only accepted: of one that newer work has replaced meanwhile nobody asks any more. */
  readonly confirms?: true;
}

/** Without another word from the target's room, what was accepted is confirmed within this time. */
const CONFIRMED_WITHIN_MS = HOUR_MS;
/** Outcomes in one changeset. */
const TOGETHER_MAX = 128;
const CONFLICT_ROUNDS_MAX = 20;
/** Under load the door waits for at most so many turns of the event loop until so many outcomes are together. */
const GATHER_TURNS_MAX = 3;
const GATHER_MIN = 48;
/** As many in one changeset mean load. */
const LOAD_MIN = 8;

interface Waiting {
  readonly finished: Finished;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Takes outcomes from everywhere and stores them in order of arrival, many at a time. */
export class OutcomeDoor {
  readonly #house: House;
  readonly #gone = new GoneWatch();
  #waiting: Waiting[] = [];
  #busy: Promise<void> | null = null;

  constructor(house: House) {
    this.#house = house;
  }

  /** Resolves when the outcome is durable. */
  take(finished: Finished): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ finished, done, failed });
      this.#busy ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    await breathe();
    let load = false;
    while (this.#waiting.length > 0) {
      if (load) await this.#gather();
      const together: Waiting[] = [];
      const later: Waiting[] = [];
      const workers = new Set<string>();
      for (const one of this.#waiting) {
        const key = `${one.finished.operation.connection} ${one.finished.operation.workerKey}`;
        const connection = together[0]?.finished.operation.connection ?? one.finished.operation.connection;
        const fits =
          together.length < TOGETHER_MAX && !workers.has(key) && connection === one.finished.operation.connection;
        workers.add(key);
        (fits ? together : later).push(one);
      }
      this.#waiting = later;
      load = together.length >= LOAD_MIN;
      try {
        await storeOutcomes(
          this.#house,
          together.map(({ finished }) => finished),
        );
        await this.#watchGone(together);
        for (const { done } of together) done();
      } catch (error) {
        for (const { failed } of together) failed(error);
      }
    }
    this.#busy = null;
  }

  async #watchGone(together: readonly Waiting[]): Promise<void> {
    const gone = together.flatMap(({ finished: { operation, delivered } }) =>
      operation.account.remoteId !== null && isGone(delivered) ? [operation] : [],
    );
    for (const [target, operations] of Map.groupBy(gone, (one) => one.target)) {
      const connection = operations[0]?.connection ?? '';
      const workers = operations.map(({ workerKey }) => workerKey);
      await this.#gone.heard(this.#house, connection, target, workers);
    }
  }

  /** A leaver waits for nobody. */
  async #gather(): Promise<void> {
    for (let turn = 0; turn < GATHER_TURNS_MAX; turn += 1) {
      if (this.#waiting.length >= GATHER_MIN || this.#waiting.some(({ finished }) => isLeaver(finished.operation)))
        return;
      await breathe();
    }
  }
}

async function storeOutcomes(house: House, finished: readonly Finished[]): Promise<void> {
  const connection = finished[0]?.operation.connection;
  assert(connection !== undefined, 'no outcomes to store');
  const now = nowOf(house.clock);
  const held = new Set<string>();
  for (let round = 0; ; round += 1) {
    const situations = await situationsOf(house, connection, finished, round === 0);
    const workers: WorkerChange[] = [];
    const results: OperationResult[] = [];
    for (const one of finished) {
      const situation = situations.get(one.operation.workerKey);
      assert(situation !== undefined, 'an operation has no worker');
      if (one.confirms === true && !isAccepted(situation, one.operation.id)) continue;
      const { change, results: result } = outcomeChange(situation, one, now, house.random());
      const accounts = change.accounts.map((account) =>
        held.has(nameKey(account)) ? { ...account, userName: nameBefore(situation, one.operation) } : account,
      );
      workers.push({ ...change, accounts, entries: toldOnce(one.entries, change.entries) });
      results.push(...result);
    }
    if (workers.length === 0) return;
    const stored = await house.store.commit({ connection, at: now, workers, results });
    if (stored.kind === 'applied') {
      proveEnded(house, finished, results);
      measure(house, finished, results, now);
      return;
    }
    assert(round < CONFLICT_ROUNDS_MAX, 'outcomes meet conflicts without end');
    // The target took a name that another worker here was given meanwhile: it stays theirs, and this one keeps the old one here.
    for (const name of stored.names) {
      held.add(nameKey(name));
      house.log.error({ code: 'name.held', connection, target: name.target }, 'a name was given to two people');
    }
  }
}

function measure(
  { meter }: House,
  finished: readonly Finished[],
  results: readonly OperationResult[],
  now: Instant,
): void {
  const done = new Set(results.filter(({ state }) => state === 'done').map(({ id }) => id));
  for (const { operation, delivered } of finished) {
    meter.outcome(operation.target, delivered.outcome.class);
    if (operation.kind === 'disable' && done.has(operation.id))
      meter.leaverConfirmed(operation.target, (msOf(now) - msOf(operation.createdAt)) / 1_000);
  }
}

/** An auditor asks for the moment at which access ended, and for what was deleted. */
function proveEnded(house: House, finished: readonly Finished[], results: readonly OperationResult[]): void {
  const done = new Set(results.filter(({ state }) => state === 'done').map(({ id }) => id));
  const kinds = finished.filter(({ operation }) => done.has(operation.id)).map(({ operation }) => operation.kind);
  if (kinds.includes('delete')) worthProof(house, 'deletion');
  else if (kinds.includes('disable')) worthProof(house, 'leaver');
}

/** What was claimed tells of its worker, where nothing else is open for them; a revision that is no longer theirs is a conflict. */
async function situationsOf(
  house: House,
  connection: string,
  finished: readonly Finished[],
  asClaimed: boolean,
): Promise<ReadonlyMap<string, Situation>> {
  const known = new Map<string, Situation>();
  const unknown: string[] = [];
  for (const { operation } of finished) {
    const { workerKey: key, worker, account } = operation;
    if (!asClaimed || worker == null) unknown.push(key);
    else {
      const { revision, standing, dueAt } = worker;
      const operations: readonly OpenOperation[] = [{ ...operation, state: 'sending' }];
      known.set(key, {
        key,
        revision,
        standing,
        employments: [],
        accounts: [account],
        operations,
        suspicion: null,
        dueAt,
      });
    }
  }
  // An answer says nothing about dates.
  const read = unknown.length === 0 ? [] : await house.store.situations(connection, unknown, { employments: false });
  for (const [key, situation] of read) known.set(key, situation);
  return known;
}

const isAccepted = ({ operations }: Situation, id: number): boolean =>
  operations.some((one) => one.id === id && (one.state === 'accepted' || one.state === 'sending'));

const nameKey = ({ target, userName }: Pick<AccountState, 'target' | 'userName'>): string =>
  `${target} ${foldName(userName)}`;

const nameBefore = ({ accounts }: Situation, { target, account }: ClaimedOperation): string =>
  accounts.find((one) => one.target === target)?.userName ?? account.userName;

/**
 * The log reads as it happened: the answers, then what they came to. Where the last answer says all of it, one entry holds
 * both: what was asked, what came back, and what became of the operation.
 */
function toldOnce(answers: readonly EntryDraft[], results: readonly EntryDraft[]): readonly EntryDraft[] {
  const last = answers.at(-1);
  const [result] = results;
  if (last === undefined || result === undefined) return [...answers, ...results];
  const same = last.workerKey === result.workerKey && last.body.operation === result.body.operation;
  const told = (['class', 'status', 'code'] as const).every((name) => last.body[name] === result.body[name]);
  if (!same || !told) return [...answers, ...results];
  return [...answers.slice(0, -1), { ...last, actor: result.actor, body: inOrder({ ...last.body, ...result.body }) }];
}

/** Members in the order in which the chain wants them: a body that is made so is written several times as fast. */
function inOrder({
  class: answer,
  code,
  delivery,
  method,
  operation,
  path,
  state,
  status,
  target,
  via,
  what,
}: JsonObject): JsonObject {
  const known = { class: answer, code, delivery, method, operation, path, state, status, target };
  return { ...known, ...(via === undefined ? {} : { via }), what } as JsonObject;
}

/** What one answer means for the worker. Pure. */
export function outcomeChange(
  situation: Situation,
  { operation, delivered, tries }: Finished,
  now: Instant,
  random: number,
): { readonly change: WorkerChange; readonly results: readonly OperationResult[] } {
  const { outcome } = delivered;
  const known = situation.accounts.find(({ target }) => target === operation.target) ?? operation.account;
  const answered = verdictOn(operation, outcome, now, tries, random);
  const accepted = answered.state === 'accepted';
  // What newer work undoes is not tried again: whoever leaves does not wait for a change that the target keeps refusing.
  const undoing = situation.operations.find((one) => undoes(one, operation) || (accepted && follows(one, operation)));
  const within = delivered.accepted?.withinMs ?? CONFIRMED_WITHIN_MS;
  const verdict: VerdictOnOperation =
    undoing !== undefined && answered.state !== 'done'
      ? { state: 'superseded', notBefore: now, refused: false }
      : accepted
        ? { ...answered, notBefore: plusMs(now, within) }
        : answered;
  const inDoubt = accepted || outcome.class === 'ambiguous' || operation.ambiguous;
  const account = accountAfter(known, operation, delivered, verdict.state === 'done');
  // A rehire decided meanwhile makes an account, and that one joins its groups.
  const recreated = situation.operations.some(
    ({ id, kind, target }) => id > operation.id && kind === 'create' && target === operation.target,
  );
  // Without an account there is no membership to take and no session to end: such operations would wait for ever.
  const pointless = (one: OpenOperation): boolean =>
    verdict.state === 'done' &&
    operation.kind === 'disable' &&
    account.remoteId === null &&
    one.target === operation.target &&
    one.state === 'queued' &&
    ((one.kind === 'addMember' && !recreated) || one.kind === 'removeMember' || one.kind === 'revokeSessions');
  const supersedes = situation.operations.filter(pointless).map(({ id }) => id);
  const others = situation.operations.filter((one) => one.id !== operation.id && !pointless(one));
  const standing = standingAfter(situation.standing, verdict, others, now);
  return {
    change: {
      key: situation.key,
      revision: situation.revision,
      standing,
      dueAt: situation.dueAt,
      accounts: account === known ? [] : [account],
      operations: [],
      supersedes,
      entries:
        verdict.state === 'queued' && !verdict.refused
          ? []
          : [outcomeEntry(operation, outcome, verdict.state, standing)],
    },
    results: [
      {
        id: operation.id,
        state: verdict.state,
        notBefore: verdict.notBefore,
        attempts: operation.attempts + (outcome.countsAsAttempt ? 1 : 0),
        // Until it is confirmed it may have taken effect, and may not: whatever replaces it knows.
        ambiguous:
          outcome.class === 'ambiguous' ||
          verdict.state === 'accepted' ||
          (operation.ambiguous && (verdict.state === 'queued' || verdict.state === 'failed')),
        outcome: delivered.accepted === undefined ? outcome : { ...outcome, ticket: delivered.accepted.ticket },
      },
      // Never sent yet, since it waited behind this one: from now on it knows that an account may appear.
      ...(verdict.state === 'superseded' && undoing !== undefined && inDoubt && looksFirst(undoing, accepted)
        ? [doubted(undoing.id, now)]
        : []),
    ],
  };
}

/** A disable is done where there is no account any more; any other change then has none to go to. */
const isGone = ({ outcome }: Delivered): boolean => outcome.class === 'gone' || outcome.code === NOBODY;

const doubted = (id: number, now: Instant): OperationResult => ({
  id,
  state: 'queued',
  notBefore: now,
  attempts: 0,
  ambiguous: true,
  outcome: null,
});

const CHANGES_ACCOUNT: ReadonlySet<string> = new Set(['create', 'update', 'enable']);

/** Decided later for the same account, and repeating the older one before it would only delay the end of access. */
function undoes(newer: OpenOperation, older: ClaimedOperation): boolean {
  if (newer.id <= older.id || newer.target !== older.target || newer.state !== 'queued') return false;
  // Whoever works here again, or is asked for anew, does not wait for sessions that cannot be ended.
  if (older.kind === 'revokeSessions') return newer.kind === 'revokeSessions' || newer.kind === 'enable';
  if (newer.kind === 'disable') return CHANGES_ACCOUNT.has(older.kind);
  const sameGroup = () => (newer.payload as MembershipPayload).group === (older.payload as MembershipPayload).group;
  return newer.kind === 'removeMember' && older.kind === 'addMember' && sameGroup();
}

/** Newer work on the same account, and whatever ends somebody's access, is not kept waiting for a confirmation. */
function follows(newer: OpenOperation, accepted: ClaimedOperation): boolean {
  if (newer.id <= accepted.id || newer.target !== accepted.target || newer.state !== 'queued') return false;
  return newer.kind === 'disable' || (CHANGES_ACCOUNT.has(newer.kind) && changesAccess(accepted));
}

const changesAccess = ({ kind }: Pick<ClaimedOperation, 'kind'>): boolean =>
  CHANGES_ACCOUNT.has(kind) || kind === 'disable';

const looksFirst = (one: OpenOperation, accepted: boolean): boolean =>
  one.kind === 'disable' || (accepted && CHANGES_ACCOUNT.has(one.kind));

function accountAfter(
  known: AccountState,
  operation: ClaimedOperation,
  { account: news }: Delivered,
  done: boolean,
): AccountState {
  const learnt: AccountState =
    news === undefined
      ? known
      : {
          ...known,
          remoteId: news.remoteId ?? known.remoteId,
          etag: news.etag === undefined ? known.etag : news.etag,
          active: news.active ?? known.active,
        };
  if (!done) return learnt;
  switch (operation.kind) {
    case 'create':
    case 'update':
    case 'enable': {
      const payload = operation.payload as AccountPayload;
      return {
        ...learnt,
        userName: payload.userName,
        externalId: payload.externalId,
        active: news?.active ?? (operation.kind === 'update' ? learnt.active : payload.active),
        known: payload.attributes,
        managerKnown: news?.managerKey ?? managerAfter(learnt, operation, payload),
        managerOwed: learnt.managerOwed === news?.managerKey ? '' : learnt.managerOwed,
      };
    }
    case 'disable': {
      const nobody = learnt.remoteId === null;
      return { ...learnt, active: nobody ? null : false };
    }
    case 'delete':
      return {
        ...learnt,
        remoteId: null,
        etag: null,
        active: null,
        known: {},
        managerKnown: '',
        managerOwed: '',
        groups: [],
      };
    case 'addMember': {
      const { group } = operation.payload as MembershipPayload;
      return learnt.groups.includes(group) ? learnt : { ...learnt, groups: [...learnt.groups, group] };
    }
    case 'removeMember': {
      const { group } = operation.payload as MembershipPayload;
      return learnt.groups.includes(group)
        ? { ...learnt, groups: learnt.groups.filter((name) => name !== group) }
        : learnt;
    }
    case 'revokeSessions':
      return learnt;
  }
}

/** The reference stands only if it was sent: a manager whose account vanished meanwhile stays a debt. */
function managerAfter(account: AccountState, operation: ClaimedOperation, payload: AccountPayload): string {
  if (payload.managerKey === null) return account.managerKnown;
  if (payload.managerKey === '') return '';
  return operation.managerRemoteId === null ? account.managerKnown : payload.managerKey;
}

function standingAfter(
  before: Standing,
  verdict: VerdictOnOperation,
  others: readonly { readonly state: string }[],
  now: Instant,
): Standing {
  const waiting = others.some(({ state }) => state !== 'failed');
  const failed = others.some(({ state }) => state === 'failed');
  let event: LifecycleEvent | null = null;
  if (verdict.state === 'failed' || verdict.refused) event = { type: 'deliveryFailed', now };
  else if (verdict.state === 'done' && !waiting) event = { type: failed ? 'deliveryFailed' : 'deliverySettled', now };
  if (event === null) return before;
  // What failed and was tried again after all (the leaver rule) is under way until it is settled.
  const underWay =
    event.type === 'deliverySettled' && before.delivery === 'failed'
      ? after(before, { type: 'deliveryOrdered', now })
      : before;
  return after(underWay, event);
}

function after(standing: Standing, event: LifecycleEvent): Standing {
  const decision = decide(standing, event);
  return decision.kind === 'accepted' ? decision.to : standing;
}

function outcomeEntry(operation: ClaimedOperation, outcome: Outcome, state: string, standing: Standing): EntryDraft {
  return {
    kind: 'result',
    connection: operation.connection,
    workerKey: operation.workerKey,
    actor: 'target',
    body: {
      class: outcome.class,
      code: outcome.code,
      delivery: standing.delivery,
      operation: operation.id,
      state,
      status: outcome.status,
      target: operation.target,
      what: operation.kind,
    },
  };
}
