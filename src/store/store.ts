// Opens the house's memory and puts its parts behind one door.

import { assert } from '../base/assert.ts';
import { DAY_MS, type Instant, plusMs } from '../base/instant.ts';
import type { Situation } from '../planning/changeset.ts';
import { verifyChain } from './audit-verify.ts';
import { applyChangeset } from './commit.ts';
import type { Audit, EntryFilter, Hold, KnownFingerprints, NameHolder, Release, Store } from './door.ts';
import { foldName } from './fold-name.ts';
import { type Writer, writerOf } from './group-commit.ts';
import type { Verdict } from './holds.ts';
import { openDatabase, type StoreMode } from './open.ts';
import { type Rooms, roomsOf } from './rooms.ts';
import type { Sql } from './sql.ts';
import { stagingOf } from './staging.ts';
import { statusOf } from './status.ts';
import { sweeperOf } from './sweeper.ts';
import { leavesRemains, weightOf } from './weight.ts';
import { standingOf, type WorkerRow } from './workers.ts';

export type * from './door.ts';
export { foldName } from './fold-name.ts';
export { StoreUnknown } from './group-commit.ts';
export { acquireLock, type Lock, type LockHolder, lockHolder } from './lock.ts';

export interface StoreOptions {
  /** Folder of the database. */
  readonly dir: string;
  readonly mode: StoreMode;
  readonly now: () => Instant;
  readonly randomBytes: (length: number) => Uint8Array;
}

const DISCARD_DAYS = 30;
const HOLD_ITEMS_SHOWN = 1_000;
const EMPLOYMENTS_BATCH = 5_000;
/** A job whose work does not grow with its input. */
const SMALL = 1;

/** @throws Problem `state.missing`, `state.newer`, `state.older`, `state.not-durable` or `state.unknown-standing`. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const sql = openDatabase(options.dir, options.mode, options.now());
  const rooms = roomsOf(sql, options.randomBytes);
  const writer = writerOf(sql, [
    { beforeCommit: rooms.tallies.write, afterRollback: rooms.tallies.forget },
    { beforeCommit: rooms.appender.beforeCommit, afterRollback: rooms.appender.afterRollback },
    {
      beforeCommit: () => {},
      afterRollback: () => {
        rooms.connections.forget();
        rooms.targets.forget();
        rooms.accounts.forget();
      },
    },
  ]);
  return storeOver({ sql, rooms, writer, options });
}

interface Parts {
  readonly sql: Sql;
  readonly rooms: Rooms;
  readonly writer: Writer;
  readonly options: StoreOptions;
}

function storeOver({ sql, rooms, writer, options }: Parts): Store {
  const { connections, targets } = rooms;
  const status = statusOf(sql, rooms);
  const sweeper = sweeperOf(rooms, writer, options.now);
  let closing: Promise<void> | null = null;

  const writeAlsoAsGuest = <T>(weight: number, job: () => T): Promise<T> => {
    assert(options.mode !== 'read', 'a store opened for reading is not written to');
    assert(closing === null, 'the store is open');
    return writer.write(weight, job);
  };
  const write = <T>(weight: number, job: () => T): Promise<T> => {
    assert(options.mode !== 'guest', 'a guest only adds acts');
    return writeAlsoAsGuest(weight, job);
  };
  // One read transaction for a batch: without it every statement takes and returns SQLite's locks by itself.
  const atOnce = sql.transaction((job: () => unknown) => job());
  const read = async <T>(job: () => T): Promise<T> => {
    writer.throwIfUnknown();
    assert(closing === null, 'the store is open');
    return atOnce(job) as T;
  };
  /** For questions about one connection: `nothing` when nobody has written about it. */
  const readOf = <T>(connection: string, nothing: T, job: (id: number) => T): Promise<T> =>
    read(() => {
      const id = connections.id(connection);
      return id === null ? nothing : job(id);
    });
  const readAt = <T>(target: string, nothing: T, job: (id: number) => T): Promise<T> =>
    read(() => {
      const id = targets.id(target);
      return id === null ? nothing : job(id);
    });

  const staging = stagingOf(rooms, { write, sweeper });
  const commit: Store['commit'] = async (changeset) => {
    const staged = await staging.holds(changeset);
    try {
      return await write(weightOf(changeset), () => applyChangeset(rooms, changeset, staged));
    } finally {
      for (const version of staged.values()) sweeper.release('hold', version);
      if (leavesRemains(changeset)) sweeper.start();
    }
  };

  const situations: Store['situations'] = (connection, keys) =>
    readOf(connection, new Map<string, Situation>(), (id) => {
      const found = new Map<string, Situation>();
      for (const key of keys) {
        const row = rooms.workers.find(id, key);
        if (row !== undefined) found.set(key, situationOf(rooms, key, row));
      }
      return found;
    });

  const knownRows: Store['knownRows'] = async (connection, context) => {
    writer.throwIfUnknown();
    const id = connections.id(connection);
    const table = await rooms.fingerprints.load(id ?? 0, context);
    return {
      table,
      size: table.size,
      indexOf: table.indexOf,
      employmentIdAt: (index) => rooms.workers.employmentIdOf(table.employmentAt(index)),
      indexesOf: (employmentId) => {
        const employment = id === null || table.size === 0 ? null : rooms.workers.employmentNumber(id, employmentId);
        if (employment === null) return [];
        const [first, end] = table.rangeOf(employment);
        return Array.from({ length: end - first }, (_, offset) => first + offset);
      },
    };
  };

  async function* unseenEmployments(
    connection: string,
    known: KnownFingerprints,
    seen: Uint8Array,
  ): AsyncGenerator<readonly string[]> {
    const id = connections.id(connection);
    if (id === null) return;
    for (const numbers of known.table.unseenEmployments(seen, EMPLOYMENTS_BATCH)) {
      yield await read(() => numbers.map(rooms.workers.employmentIdOf));
    }
    // Every fingerprint belongs to an employment: as many of the one as of the other leaves none without.
    if ((await read(() => rooms.fingerprints.employmentCount(id))) === known.table.employmentCount) return;
    let after = '';
    for (;;) {
      const page = await read(() => rooms.fingerprints.without(id, known.table, after, EMPLOYMENTS_BATCH));
      if (page.ids.length > 0) yield page.ids;
      if (page.last === null) return;
      after = page.last;
      await new Promise(setImmediate);
    }
  }

  async function* allEmploymentIds(connection: string): AsyncGenerator<readonly string[]> {
    const id = connections.id(connection);
    let after = '';
    while (id !== null) {
      const ids = await read(() => rooms.workers.employmentIdsAfter(id, after, EMPLOYMENTS_BATCH));
      if (ids.length === 0) return;
      yield ids;
      after = ids.at(-1) ?? after;
    }
  }

  const release = (verdict: Verdict, asked: Release, until: Instant): Promise<Hold> =>
    write(SMALL, () => {
      const hold = rooms.holds.release(verdict, asked, until);
      rooms.appender.append(
        {
          kind: verdict === 'approved' ? 'approval' : 'discard',
          connection: hold.connection,
          workerKey: null,
          actor: `operator:${asked.by}`,
          body: {
            hold: hold.kind,
            digest: hold.digest,
            items: hold.itemCount,
            reason: asked.reason,
            osUser: asked.osUser,
            channel: asked.channel,
            until,
          },
        },
        asked.at,
        null,
      );
      return hold;
    });

  async function* exported(filter: EntryFilter = {}) {
    let after = 0;
    for (;;) {
      const entries = await read(() => rooms.entries.after(after, filter));
      if (entries.length === 0) return;
      yield entries;
      after = entries.at(-1)?.seq ?? after;
      await new Promise(setImmediate);
    }
  }
  const audit: Audit = {
    tail: (limit, filter = {}) => read(() => rooms.entries.tail(limit, filter)),
    entriesOf: (connection, workerKey) => read(() => rooms.entries.entriesOf(connection, workerKey)),
    verify: async (onProgress = () => {}) => {
      writer.throwIfUnknown();
      return verifyChain(sql, rooms.entries, onProgress);
    },
    export: exported,
  };

  const close = async (): Promise<void> => {
    await sweeper.stop();
    await writer.idle();
    // After a disk fault the log is the only witness: it is left for the next start.
    if (options.mode === 'write' && !writer.isUnknown()) sql.pragma('wal_checkpoint(TRUNCATE)');
    sql.close();
  };

  const store: Store = {
    commit,
    situations,
    workerKeysOf: (connection, employmentIds) =>
      readOf(connection, new Map<string, string>(), (id) => {
        const found = new Map<string, string>();
        for (const employmentId of employmentIds) {
          const key = rooms.workers.ownerOf(id, employmentId);
          if (key !== null) found.set(employmentId, key);
        }
        return found;
      }),
    due: (connection, now, limit) => readOf(connection, [], (id) => rooms.workers.due(id, now, limit)),
    nextDue: (connection) =>
      connection === null
        ? read(() => rooms.workers.nextDue(null))
        : readOf(connection, null, (id) => rooms.workers.nextDue(id)),
    targetsOf: (connection) => readOf(connection, [], rooms.accounts.targetsOf),
    unsettled: (connection) => readOf(connection, 0, status.unsettled),
    population: (connection) => readOf(connection, { workers: 0, active: 0 }, status.population),
    suspected: (connection, limit) => readOf(connection, [], (id) => rooms.workers.suspected(id, limit)),

    takenNames: (target, names) =>
      readAt(target, new Map<string, NameHolder>(), (id) => {
        const taken = new Map<string, NameHolder>();
        for (const folded of names.map(foldName)) {
          const worker = rooms.accounts.holderOf(id, folded);
          if (worker === null) continue;
          const { connection_id, key } = rooms.workers.identityOf(worker);
          taken.set(folded, { connection: connections.nameOf(connection_id), workerKey: key });
        }
        return taken;
      }),
    debtors: (connection, target, managerKey, limit) =>
      readOf(connection, [], (id) => {
        const targetId = targets.id(target);
        return targetId === null ? [] : rooms.accounts.debtors(id, targetId, managerKey, limit);
      }),
    remoteIds: (connection, target, workerKeys) =>
      readOf(connection, new Map<string, string>(), (id) => {
        const targetId = targets.id(target);
        const found = new Map<string, string>();
        for (const key of targetId === null ? [] : workerKeys) {
          const remoteId = rooms.accounts.remoteIdOf(id, targetId ?? 0, key);
          if (remoteId !== null) found.set(key, remoteId);
        }
        return found;
      }),

    owners: (target, remoteIds) =>
      readAt(target, new Map<string, string>(), (id) => {
        const found = new Map<string, string>();
        for (const remoteId of remoteIds) {
          const worker = rooms.accounts.ownerOf(id, remoteId);
          if (worker !== null) found.set(remoteId, rooms.workers.keyOf(worker));
        }
        return found;
      }),
    payableDebts: (connection, target, limit) =>
      readOf(connection, [], (id) => {
        const targetId = targets.id(target);
        return targetId === null ? [] : rooms.accounts.payableDebts(id, targetId, limit);
      }),

    knownRows,
    unseenEmployments,
    allEmploymentIds,
    checkpoint: (connection) => readOf(connection, null, rooms.checkpoints.find),
    lastGoodColumns: (connection) => readOf(connection, null, (id) => rooms.checkpoints.find(id)?.columns ?? null),
    rejections: (connection, limit) => readOf(connection, [], (id) => rooms.checkpoints.rejections(id, limit)),
    cycles: (connection, limit) =>
      connection === null
        ? read(() => rooms.checkpoints.cycles(null, limit))
        : readOf(connection, [], (id) => rooms.checkpoints.cycles(id, limit)),
    newCycleId: () => read(rooms.checkpoints.newCycleId),

    guardWindow: (connection, since) => readOf(connection, [], (id) => rooms.guardWindow.since(id, since)),
    approvals: (connection, now) =>
      readOf(connection, new Set<string>(), (id) => rooms.holds.releasedItems(id, 'approved', now)),
    discards: (connection, now) =>
      readOf(connection, new Set<string>(), (id) => rooms.holds.releasedItems(id, 'discarded', now)),
    holds: (connection, itemsMax = HOLD_ITEMS_SHOWN) =>
      connection === null
        ? read(() => rooms.holds.open(null, itemsMax, options.now()))
        : readOf(connection, [], (id) => rooms.holds.open(id, itemsMax, options.now())),
    approve: (asked) => release('approved', asked, asked.expiresAt),
    discard: (asked) => release('discarded', asked, plusMs(asked.at, DISCARD_DAYS * DAY_MS)),

    claim: (target, claim) => write(Math.max(claim.limit / 4, SMALL), () => rooms.claims.claim(target, claim)),
    recoverSending: async () => {
      const count = await write(SMALL, rooms.outbox.recoverSending);
      // What the last process left half-staged is nobody's now.
      sweeper.start();
      return count;
    },
    queueDepths: () => read(rooms.queue.depths),
    nextAttempt: (target, now) => read(() => rooms.claims.nextAttempt(target, now)),
    operations: (filter) => read(() => rooms.queue.operations(filter)),
    unconfirmedLeavers: (limit) => read(() => rooms.queue.unconfirmedLeavers(limit)),

    group: (target, name) => readAt(target, null, (id) => rooms.groups.find(id, name)),
    saveGroup: (target, group) => write(SMALL, () => rooms.groups.save(targets.idForWriting(target), group)),
    replaceInventory: staging.inventory,
    inventoryByValues: (target, values) =>
      readAt(
        target,
        values.map(() => []),
        (id) => {
          if (rooms.inventory.isEmpty(id)) return values.map(() => []);
          return values.map((value) => rooms.inventory.byValue(id, value));
        },
      ),
    inventoryNames: (target, names) =>
      readAt(target, new Set<string>(), (id) => {
        if (rooms.inventory.isEmpty(id)) return new Set<string>();
        return new Set(names.map(foldName).filter((folded) => rooms.inventory.hasName(id, folded)));
      }),
    contact: (target) => readAt(target, null, rooms.groups.contact),
    saveContact: (target, contact) =>
      write(SMALL, () => rooms.groups.saveContact(targets.idForWriting(target), contact)),

    addAct: (act) => writeAlsoAsGuest(SMALL, () => rooms.acts.add(act, options.now())),
    takeActs: async (limit) => {
      // The daemon asks every second: without acts nothing is locked.
      if (!(await read(rooms.acts.anyWaiting))) return [];
      return write(SMALL, () => rooms.acts.take(limit, options.now()));
    },
    finishAct: (id, result) => write(SMALL, () => rooms.acts.finish(id, result, options.now())),
    act: (id) => read(() => rooms.acts.find(id)),
    recoverActs: () => write(SMALL, rooms.acts.recover),

    audit,
    saveMapping: (digest, connection, text) =>
      write(SMALL, () => rooms.settings.saveMapping(digest, connections.idForWriting(connection), options.now(), text)),
    mapping: (digest) => read(() => rooms.settings.mapping(digest)),
    setting: (key) => read(() => rooms.settings.find(key)),
    saveSetting: (key, value) => write(SMALL, () => rooms.settings.save(key, value)),
    overview: () => read(status.overview),

    close: () => {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return store;
}

function situationOf(rooms: Rooms, key: string, row: WorkerRow): Situation {
  return {
    key,
    revision: row.revision,
    standing: standingOf(row),
    employments: rooms.workers.employmentsOf(row.id),
    accounts: rooms.accounts.of(row.id),
    operations: rooms.outbox.openOf(row.id),
    suspectedSince: row.suspected_since,
    dueAt: row.due_at,
  };
}
