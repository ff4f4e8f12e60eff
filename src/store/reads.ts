// What the store answers from one connection to the database: a read transaction for each question, nothing kept in between.
import type { Instant } from '../base/instant.ts';
import type { Suspicion } from '../lifecycle/suspicion.ts';
import type { Situation } from '../planning/changeset.ts';
import { verifyChain } from './audit-verify.ts';
import type { Audit, EntryFilter, KnownFingerprints, NameHolder, Store } from './door.ts';
import { foldName } from './fold-name.ts';
import type { Rooms } from './rooms.ts';
import type { Sql } from './sql.ts';
import { statusOf } from './status.ts';
import { standingOf, type WorkerRow } from './workers.ts';
import type { Writes } from './writes.ts';

const HOLD_ITEMS_SHOWN = 1_000;
const EMPLOYMENTS_BATCH = 5_000;

export interface Reads extends Omit<Store, keyof Writes | 'replaceInventory' | 'close' | typeof Symbol.asyncDispose> {
  readonly anyActWaiting: () => Promise<boolean>;
}

interface ReadParts {
  readonly sql: Sql;
  readonly rooms: Rooms;
  readonly now: () => Instant;
  /** Throws where nothing may be read: the store is closed, or nobody can say what it holds. */
  readonly check: () => void;
}

export function readsOf({ sql, rooms, now, check }: ReadParts): Reads {
  const { connections, targets } = rooms;
  const status = statusOf(sql, rooms);

  // One read transaction for a batch: without it every statement takes and returns SQLite's locks by itself.
  const atOnce = sql.transaction((job: () => unknown) => job());
  const read = async <T>(job: () => T): Promise<T> => {
    check();
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

  const situations: Store['situations'] = (connection, keys, { employments = true } = {}) =>
    readOf(connection, new Map<string, Situation>(), (id) => {
      const found = new Map<string, Situation>();
      for (const key of keys) {
        const row = rooms.workers.find(id, key);
        if (row !== undefined) found.set(key, situationOf(rooms, key, row, employments));
      }
      return found;
    });

  const knownRows: Store['knownRows'] = async (connection, context) => {
    check();
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
      check();
      return verifyChain(sql, rooms.entries, onProgress);
    },
    export: exported,
  };

  return {
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
    employmentCount: (connection) => readOf(connection, 0, rooms.fingerprints.employmentCount),
    pendingKeys: (connection) => readOf(connection, [], rooms.pending.keys),
    pendingFacts: (connection, keys) =>
      readOf(connection, [], (id) => keys.map((key) => ({ key, employments: rooms.pending.find(id, key) }))),
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
      readAt(target, new Map<string, NameHolder>(), (id) => {
        const found = new Map<string, NameHolder>();
        for (const remoteId of remoteIds) {
          const worker = rooms.accounts.ownerOf(id, remoteId);
          if (worker === null) continue;
          const { connection_id, key } = rooms.workers.identityOf(worker);
          found.set(remoteId, { connection: connections.nameOf(connection_id), workerKey: key });
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
        ? read(() => rooms.holds.open(null, itemsMax, now()))
        : readOf(connection, [], (id) => rooms.holds.open(id, itemsMax, now())),
    queueDepths: () => read(rooms.queue.depths),
    nextAttempt: (target, now, lanes) => read(() => rooms.claims.nextAttempt(target, now, lanes)),
    overtaken: (ids) => read(() => rooms.claims.overtaken(ids)),
    operations: (filter) => read(() => rooms.queue.operations(filter)),
    unconfirmedLeavers: (limit) => read(() => rooms.queue.unconfirmedLeavers(limit)),
    openSessions: (limit) => read(() => rooms.queue.openSessions(limit)),

    group: (target, name) => readAt(target, null, (id) => rooms.groups.find(id, name)),
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
    anyActWaiting: () => read(rooms.acts.anyWaiting),
    act: (id) => read(() => rooms.acts.find(id)),
    audit,
    mapping: (digest) => read(() => rooms.settings.mapping(digest)),
    setting: (key) => read(() => rooms.settings.find(key)),
    overview: () => read(status.overview),
  };
}

function situationOf(rooms: Rooms, key: string, row: WorkerRow, employments: boolean): Situation {
  return {
    key,
    revision: row.revision,
    standing: standingOf(row),
    employments: employments ? rooms.workers.employmentsOf(row.id) : [],
    accounts: rooms.accounts.of(row.id),
    operations: rooms.outbox.openOf(row.id),
    suspicion: row.suspicion === null ? null : (JSON.parse(row.suspicion) as Suspicion),
    dueAt: row.due_at,
  };
}
