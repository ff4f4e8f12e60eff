// One changeset, whole or not at all. First everything that could refuse it is read, then it is written: a refused
// changeset has written nothing, so that its neighbours in the same transaction need no undoing.
import { assert } from '../base/assert.ts';
import type { FingerprintChange } from '../planning/changeset.ts';
import type { AccountOwner } from './accounts.ts';
import { unpacked, writtenWorker } from './change-text.ts';
import type { CommitResult } from './door.ts';
import { foldName } from './fold-name.ts';
import type { Placed } from './laid-out-copy.ts';
import { changesAccount, type HeldOperation, hasEnded, isReplaceable } from './outbox.ts';
import type { Rooms } from './rooms.ts';
import { NOBODY } from './withheld-names.ts';
import type { WorkerRow } from './workers.ts';
import { type WrittenChangeset, type WrittenEntry, type WrittenWorker, writtenEntry } from './written.ts';

/** Versions of hold items that were written beforehand, by kind of hold. */
export type StagedHolds = ReadonlyMap<string, number>;

/** The name is withheld because this very account, which bears it, was taken from somebody. */
function isTakenBack(rooms: Rooms, { paired }: WrittenChangeset, target: string, remoteId: string | null): boolean {
  const id = rooms.targets.id(target);
  return (
    id !== null &&
    remoteId !== null &&
    paired?.target === target &&
    paired.remoteId === remoteId &&
    rooms.unpaired.has(id, remoteId)
  );
}

interface Reservation {
  readonly target: string;
  readonly folded: string;
  readonly workerKey: string;
}

/** What was read while looking for conflicts and is needed for writing. */
interface Findings {
  readonly before: ReadonlyMap<string, WorkerRow | undefined>;
  readonly reservations: ReadonlyMap<string, Reservation>;
  readonly settled: readonly HeldOperation[];
}

/** Only inside a transaction. */
export function applyChangeset(rooms: Rooms, changeset: WrittenChangeset, staged: StagedHolds): CommitResult {
  const { packed } = changeset;
  const workers = [...changeset.workers.map(writtenWorker), ...(packed === undefined ? [] : unpacked(packed))];
  const found = conflictsOf(rooms, changeset, workers);
  if ('kind' in found) return found;
  const { laidOut } = changeset;
  assert(laidOut === undefined || workers.length === 0, 'what was laid out is stored by itself');
  if (laidOut !== undefined) {
    const inTheWay = rooms.laidOut.inTheWay(rooms.connections.idForWriting(changeset.connection), laidOut);
    if (inTheWay === null) return { kind: 'conflict', workers: [], names: [] };
    if (inTheWay.workers.length > 0 || inTheWay.names.length > 0) return { kind: 'conflict', ...inTheWay };
  }
  const connection = rooms.connections.idForWriting(changeset.connection);
  const firstEntry = rooms.appender.nextSeq();
  const turns = new Turns(rooms, changeset);

  changeset.results?.forEach((result, index) => {
    const operation = found.settled[index];
    assert(operation !== undefined, 'every result has its operation');
    rooms.outbox.settle(operation, result);
    turns.touch(operation.worker_id, operation.target_id);
  });
  const ids = new Map<string, number>();
  const operationIds: number[] = [];
  for (const change of workers) {
    const before = found.before.get(change.key);
    const worker = rooms.workers.save(connection, change, before);
    ids.set(change.key, worker);
    const owner = { worker, connection, key: change.key, isNew: before === undefined };
    // What HR says of somebody who was erased was held; a person has let it pass.
    if (before !== undefined && change.employments.length > 0) rooms.erasure.takeUp(worker);
    operationIds.push(...applyWorker(rooms, changeset, change, owner, turns));
  }
  const placed = laidOut === undefined ? null : rooms.laidOut.place(connection, changeset.at, laidOut);
  if (placed !== null) operationIds.push(...placed.operationIds);
  for (const { target, folded, workerKey } of found.reservations.values()) {
    const worker = ids.get(workerKey);
    assert(worker !== undefined, 'a name is reserved for a worker of the changeset');
    const targetId = rooms.targets.idForWriting(target);
    if (changeset.paired !== undefined) rooms.withheld.free(targetId, folded);
    rooms.accounts.reserve(targetId, folded, worker);
  }
  const { paired, unpaired } = changeset;
  if (paired !== undefined) rooms.unpaired.take(rooms.targets.idForWriting(paired.target), paired.remoteId);
  if (unpaired !== undefined) {
    const worker = ids.get(unpaired.workerKey);
    assert(worker !== undefined, 'an account is taken from a worker of the changeset');
    rooms.unpaired.add(connection, worker, unpaired, changeset.at);
  }
  letGoOfPurged(rooms, changeset, found.settled, connection);
  turns.take();
  for (const entry of changeset.entries) rooms.appender.append(entry, changeset.at, workerOf(rooms, entry));
  const fingerprints = workers.flatMap((change) => change.fingerprints ?? []);
  fingerprints.push(...(changeset.fingerprints ?? []));
  applyFeed(rooms, connection, changeset, { fingerprints, placed, staged });
  return { kind: 'applied', operationIds, firstEntry };
}

/** Of an account that was deleted for good the name stays reserved for this worker, and is not told any more. */
function letGoOfPurged(
  rooms: Rooms,
  { results = [] }: WrittenChangeset,
  settled: readonly HeldOperation[],
  connection: number,
): void {
  for (const [index, { worker_id: worker, target_id: target, kind }] of settled.entries()) {
    if (kind !== 'delete' || results[index]?.state !== 'done') continue;
    const key = rooms.workers.keyOf(worker);
    const open = rooms.outbox.openOf(worker).some((one) => one.target === rooms.targets.nameOf(target));
    if (open || rooms.workers.find(connection, key)?.stage !== 'purged') continue;
    for (const folded of rooms.accounts.namesOf(worker, target)) {
      rooms.accounts.release(target, folded);
      rooms.withheld.withhold(target, folded, worker);
    }
    rooms.accounts.drop(worker, target);
  }
}

/** What was claimed since it was read is not as the change believed: an effect to come that it does not reckon with. */
function mayBeReplaced(rooms: Rooms, id: number): boolean {
  const operation = rooms.outbox.held(id);
  return operation !== null && isReplaceable(operation.state);
}

function conflictsOf(
  rooms: Rooms,
  changeset: WrittenChangeset,
  changes: readonly WrittenWorker[],
): Findings | Extract<CommitResult, { kind: 'conflict' }> {
  const connection = rooms.connections.id(changeset.connection);
  const workers: string[] = [];
  const names: { target: string; userName: string }[] = [];
  const before = new Map<string, WorkerRow | undefined>();
  const reservations = new Map<string, Reservation>();

  for (const change of changes) {
    assert(!before.has(change.key), `worker ${change.key} is once in a changeset`);
    const row = connection === null ? undefined : rooms.workers.find(connection, change.key);
    before.set(change.key, row);
    if ((row?.revision ?? 0) !== change.revision || !change.supersedes.every((id) => mayBeReplaced(rooms, id)))
      workers.push(change.key);
    for (const { target, userName, remoteId } of change.accounts) {
      const folded = foldName(userName);
      // The account of somebody who was erased bears a name that is not told here.
      if (folded === '') continue;
      const targetId = rooms.targets.id(target);
      const held = targetId === null ? null : rooms.accounts.holderOf(targetId, folded);
      const holder = held === NOBODY && isTakenBack(rooms, changeset, target, remoteId) ? null : held;
      const slot = `${target}\n${folded}`;
      const rival = reservations.get(slot);
      if (holder !== null ? holder !== row?.id : rival !== undefined && rival.workerKey !== change.key) {
        names.push({ target, userName });
      } else if (holder === null) {
        reservations.set(slot, { target, folded, workerKey: change.key });
      }
    }
  }
  const settled = (changeset.results ?? []).map((result) => {
    const operation = rooms.outbox.held(result.id);
    assert(operation !== null, `there is an operation ${result.id}`);
    if (hasEnded(operation.state)) workers.push(rooms.workers.keyOf(operation.worker_id));
    return operation;
  });
  if (workers.length > 0 || names.length > 0) return { kind: 'conflict', workers, names };
  return { before, reservations, settled };
}

/** Accounts before operations (an operation belongs to an account), entries before operations (they name the decision). */
function applyWorker(
  rooms: Rooms,
  changeset: WrittenChangeset,
  change: WrittenWorker,
  owner: AccountOwner,
  turns: Turns,
): readonly number[] {
  const { worker, isNew } = owner;
  for (const account of change.accounts) {
    const target = rooms.targets.idForWriting(account.target);
    rooms.accounts.save(owner, target, account);
    if (!isNew) turns.touch(worker, target);
  }
  let decided: number | null = null;
  let first: number | null = null;
  for (const entry of change.entries) {
    const seq = rooms.appender.append(
      entry,
      changeset.at,
      entry.workerKey === change.key ? worker : workerOf(rooms, entry),
    );
    first ??= seq;
    if (entry.kind === 'decision') decided ??= seq;
  }
  /** Targets at which what is replaced may have taken effect. */
  const inDoubt = new Set<number>();
  for (const id of change.supersedes) {
    const operation = rooms.outbox.held(id);
    assert(operation !== null && operation.worker_id === worker, `operation ${id} belongs to worker ${change.key}`);
    rooms.outbox.supersede(operation);
    if (operation.ambiguous === 1 && changesAccount(operation.kind)) inDoubt.add(operation.target_id);
    rooms.appender.append(superseded(rooms, changeset, change.key, operation), changeset.at, worker);
    turns.touch(worker, operation.target_id);
  }
  const headed = new Set<number>();
  return change.operations.map((operation) => {
    const target = rooms.targets.idForWriting(operation.target);
    const alone = isNew && !headed.has(target) && operation.refused === null && changesAccount(operation.kind);
    if (alone) headed.add(target);
    else if (!headed.has(target)) turns.touch(worker, target);
    const ambiguous = inDoubt.has(target) && changesAccount(operation.kind);
    const context = { at: changeset.at, decided: decided ?? first, alone, ambiguous };
    return rooms.outbox.add(worker, target, operation, context);
  });
}

/** The number of the worker an entry speaks of; null when it speaks of none we know. */
function workerOf(rooms: Rooms, { connection, workerKey }: WrittenEntry): number | null {
  if (connection === null || workerKey === null) return null;
  const id = rooms.connections.id(connection);
  return id === null ? null : rooms.workers.numberOf(id, workerKey);
}

function superseded(
  rooms: Rooms,
  changeset: WrittenChangeset,
  workerKey: string,
  operation: HeldOperation,
): WrittenEntry {
  return writtenEntry({
    kind: 'superseded',
    connection: changeset.connection,
    workerKey,
    actor: 'daemon',
    body: {
      operation: operation.id,
      target: rooms.targets.nameOf(operation.target_id),
      kind: operation.kind,
      state: operation.state,
    },
  });
}

/** Lines (one worker at one target) whose order has to be looked at once everything else is written. */
class Turns {
  readonly #rooms: Rooms;
  readonly #changeset: WrittenChangeset;
  readonly #touched = new Map<string, readonly [number, number]>();

  constructor(rooms: Rooms, changeset: WrittenChangeset) {
    this.#rooms = rooms;
    this.#changeset = changeset;
  }

  touch(worker: number, target: number): void {
    this.#touched.set(`${worker} ${target}`, [worker, target]);
  }

  take(): void {
    for (const [worker, target] of this.#touched.values()) {
      this.#rooms.outbox.takeTurns(worker, target, this.#changeset.at, () =>
        this.#rooms.accounts.hasRemoteId(worker, target),
      );
    }
  }
}

/** What belongs to the connection rather than to one worker. */
function applyFeed(
  rooms: Rooms,
  connection: number,
  changeset: WrittenChangeset,
  {
    fingerprints,
    placed,
    staged,
  }: {
    readonly fingerprints: readonly FingerprintChange[];
    readonly placed: Placed | null;
    readonly staged: StagedHolds;
  },
): void {
  const context = changeset.fingerprintContext ?? changeset.checkpoint?.contextDigest ?? null;
  // Before the first delivery nothing is recognised by anything: there is nothing to forget.
  const taken = placed?.hasFingerprints === true || fingerprints.some(({ digests }) => digests.length > 0);
  const any = taken || fingerprints.length > 0;
  if (context !== null || (any && (taken || rooms.fingerprints.any(connection)))) {
    // Also without fingerprints: what is decided under a new context must end the validity of those from before it.
    const generation = rooms.fingerprints.generationFor(connection, context);
    placed?.saveFingerprints(generation);
    for (const change of fingerprints) {
      const employment = rooms.workers.employmentNumber(connection, change.employmentId);
      assert(employment !== null || change.digests.length === 0, 'a fingerprint belongs to a stored employment');
      if (employment !== null) rooms.fingerprints.save(generation, employment, change);
    }
  }
  // A row that is to be judged at the next read stands in the very same file, too.
  if (fingerprints.some(({ digests }) => digests.length === 0)) rooms.checkpoints.lookAgain(connection);
  if (changeset.checkpoint !== undefined) rooms.checkpoints.save(connection, changeset.checkpoint);
  if (changeset.rejections !== undefined) rooms.checkpoints.replaceRejections(connection, changeset.rejections);
  for (const hold of changeset.holds ?? []) {
    rooms.holds.amend(connection, hold, changeset.at, staged.get(hold.kind) ?? null);
  }
  if (changeset.guardUses !== undefined) {
    rooms.guardWindow.add(connection, changeset.at, changeset.guardUses);
    rooms.holds.use(
      connection,
      changeset.guardUses.flatMap(({ items }) => items ?? []),
    );
  }
  if (changeset.cycle !== undefined) rooms.checkpoints.saveCycle(connection, changeset.cycle);
  for (const [key, value] of Object.entries(changeset.settings ?? {})) rooms.settings.save(key, value);
  for (const facts of changeset.pending ?? []) rooms.pending.save(connection, facts);
  if (changeset.facts !== undefined) rooms.facts.apply(connection, changeset.facts);
  for (const alarm of changeset.alarms ?? []) rooms.alarms.apply(connection, changeset.at, alarm);
  for (const skip of changeset.skips ?? []) rooms.skips.save(connection, skip);
}
