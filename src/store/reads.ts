// What the store answers from one connection to the database: a read transaction for each question, nothing kept in between.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { LANES } from '../lifecycle/operation.ts';
import type { Suspicion } from '../lifecycle/suspicion.ts';
import type { GivenValues, Situation } from '../planning/changeset.ts';
import { verifyChain } from './audit-verify.ts';
import { claimedOf } from './claim.ts';
import type { AcceptedOperation, Audit, Entry, EntryFilter, KnownFingerprints, NameHolder, Store } from './door.ts';
import { foldName } from './fold-name.ts';
import type { Rooms } from './rooms.ts';
import type { Sql } from './sql.ts';
import { statusOf } from './status.ts';
import { NOBODY } from './withheld-names.ts';
import { standingOf, type WorkerRow } from './workers.ts';
import type { Writes } from './writes.ts';

const HOLD_ITEMS_SHOWN = 1_000;
const EMPLOYMENTS_BATCH = 5_000;
/** Employments read with all they say in one go. */
const WORKERS_AT_ONCE = 200;
const NOTHING_KNOWN = { size: 0, indexOf: () => -1 };
/** Entries of one look: about 20 ms. */
const ENTRIES_LOOKED_AT_MAX = 2_000;
/** Each is read with all that HR says of it: about 10 ms. */
const WORKING_BATCH = 1_000;
const ACCEPTED_BATCH = 1_000;

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

  async function* working(connection: string) {
    const id = connections.id(connection);
    let after: number | null = id === null ? null : 0;
    while (id !== null && after !== null) {
      const from: number = after;
      const page = await read(() => rooms.workers.working(id, from, WORKING_BATCH));
      if (page.workers.length > 0) yield page.workers;
      after = page.last;
      await new Promise(setImmediate);
    }
  }

  async function* dueFacts(connection: string, source: string): AsyncGenerator<readonly string[]> {
    const id = connections.id(connection);
    let after = '';
    while (id !== null) {
      const keys = await read(() => rooms.facts.due(id, source, after, EMPLOYMENTS_BATCH));
      if (keys.length === 0) return;
      yield keys;
      after = keys.at(-1) ?? after;
    }
  }

  async function* accepted(target: string) {
    for (const lane of LANES.keys()) {
      for (let after = 0; ; ) {
        const page = await readAt(target, [] as readonly AcceptedOperation[], (id) =>
          rooms.claims.accepted(id, lane, after, ACCEPTED_BATCH),
        );
        if (page.length > 0) yield page;
        if (page.length < ACCEPTED_BATCH) break;
        after = page.at(-1)?.id ?? after;
        await new Promise(setImmediate);
      }
    }
  }

  async function* allEmployments(connection: string) {
    for await (const ids of allEmploymentIds(connection)) {
      const id = connections.id(connection);
      for (let from = 0; id !== null && from < ids.length; from += WORKERS_AT_ONCE) {
        yield await read(() => employmentsOf(rooms, id, ids.slice(from, from + WORKERS_AT_ONCE)));
        await new Promise(setImmediate);
      }
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
  const entryFits = (entry: Entry, { connection, workerKey, kinds, since }: EntryFilter): boolean =>
    (connection === undefined || entry.connection === connection) &&
    (workerKey === undefined || entry.workerKey === workerKey) &&
    (kinds === undefined || kinds.includes(entry.kind)) &&
    (since === undefined || entry.at >= since);
  const entryPage: Audit['page'] = (after, limit, filter = {}) =>
    read(() => {
      const items: Entry[] = [];
      let last = after;
      // Read unfiltered and a bounded part at a time: a filter that fits nothing must not walk over the whole log in one go.
      const looked = rooms.entries.after(after, {}, ENTRIES_LOOKED_AT_MAX);
      for (const entry of looked) {
        last = entry.seq;
        if (entryFits(entry, filter)) items.push(entry);
        if (items.length === limit) break;
      }
      const more = items.length === limit || looked.length === ENTRIES_LOOKED_AT_MAX;
      return { items, next: more ? last : null };
    });
  const audit: Audit = {
    page: entryPage,
    head: () => read(rooms.entries.head),
    tail: (limit, filter = {}) => read(() => rooms.entries.tail(limit, filter)),
    entriesOf: (connection, workerKey) => read(() => rooms.entries.entriesOf(connection, workerKey)),
    verify: async (onProgress = () => {}, signed = new Map()) => {
      check();
      return verifyChain(sql, rooms.entries, onProgress, signed, {
        segments: rooms.segments.all(),
        formerNames: rooms.rekeying.namesOf(),
      });
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
    listWorkers: (after, limit, { connection, ...filter }) =>
      read(() => {
        const id = connection === undefined ? null : connections.id(connection);
        if (connection !== undefined && id === null) return { items: [], next: null };
        const { items, next } = rooms.workers.list(after, limit, { ...filter, connection: id });
        return {
          items: items.map((row) => ({
            id: row.id,
            connection: connections.nameOf(row.connection_id),
            key: row.key,
            stage: row.stage,
            delivery: row.delivery,
            suspectedSince: row.suspected_since,
            dueAt: row.due_at,
          })),
          next,
        };
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
    facts: (connection, source, keys) =>
      readOf(connection, new Map<string, GivenValues>(), (id) => {
        const found = new Map<string, GivenValues>();
        for (const key of keys) {
          const values = rooms.facts.find(id, source, key);
          if (values !== null) found.set(key, values);
        }
        return found;
      }),
    factDigest: (connection, source, key) => readOf(connection, null, (id) => rooms.facts.digestOf(id, source, key)),
    dueFacts,
    anyDueFacts: (connection) => readOf(connection, false, rooms.facts.anyDue),
    knownFacts: async (connection, source, context) => {
      check();
      const id = connections.id(connection);
      const last = id === null ? null : rooms.facts.read(id, source);
      return last?.context === context && id !== null ? rooms.facts.table(id, source) : NOTHING_KNOWN;
    },
    furtherRead: (connection, source) => readOf(connection, null, (id) => rooms.facts.read(id, source)),
    furtherSources: (connection) => readOf(connection, [], rooms.facts.all),
    allEmployments,
    alarms: (connection) =>
      connection === null ? read(() => rooms.alarms.open(null)) : readOf(connection, [], rooms.alarms.open),
    waitingEvents: (connection, kind, at, limit) =>
      readOf(connection, [], (id) => rooms.hookEvents.waiting(id, kind, at, limit)),
    nextEvent: (connection, kind) => readOf(connection, null, (id) => rooms.hookEvents.nextAt(id, kind)),
    hooks: (connection) =>
      connection === null ? read(() => rooms.hookEvents.states(null)) : readOf(connection, [], rooms.hookEvents.states),
    suspected: (connection, limit) => readOf(connection, [], (id) => rooms.workers.suspected(id, limit)),

    takenNames: (target, names) =>
      readAt(target, new Map<string, NameHolder>(), (id) => {
        const taken = new Map<string, NameHolder>();
        for (const folded of names.map(foldName)) {
          const worker = rooms.accounts.holderOf(id, folded);
          if (worker !== null) taken.set(folded, holderOf(rooms, worker));
        }
        return taken;
      }),
    debtors: (connection, target, managerKey, limit) =>
      readOf(connection, [], (id) => {
        const targetId = targets.id(target);
        return targetId === null ? [] : rooms.accounts.debtors(id, targetId, managerKey, limit);
      }),
    accountsAt: (connection, target, after, limit) =>
      readOf(connection, [], (id) => {
        const targetId = targets.id(target);
        return targetId === null ? [] : rooms.accounts.existing(id, targetId, after, limit);
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
          const worker = rooms.accounts.ownerOf(id, remoteId) ?? (rooms.unpaired.has(id, remoteId) ? NOBODY : null);
          if (worker !== null) found.set(remoteId, holderOf(rooms, worker));
        }
        return found;
      }),
    segments: () => read(rooms.segments.all),
    chain: (seq, limit) => read(() => rooms.segments.rowsAfter(seq, limit)),
    formerKeys: (connection) => readOf(connection, new Map<string, string>(), rooms.rekeying.former),
    erased: (connection, keys) => readOf(connection, new Set<string>(), (id) => rooms.erasure.among(id, keys)),
    erasable: (connection, key, facts) =>
      readOf(connection, null, (id) => {
        const worker = rooms.workers.numberOf(id, key);
        if (worker === null) return null;
        return rooms.erasure.counts({ connection: id, connectionName: connection, worker, key, facts });
      }),
    unpaired: (connection, target) =>
      readOf(connection, new Map<string, readonly string[]>(), (id) => {
        const targetId = targets.id(target);
        return targetId === null ? new Map() : rooms.unpaired.at(id, targetId);
      }),
    payableDebts: (connection, target, limit) =>
      readOf(connection, [], (id) => {
        const targetId = targets.id(target);
        return targetId === null ? [] : rooms.accounts.payableDebts(id, targetId, limit);
      }),

    left: (connection, after, limit) =>
      readOf(connection, { workers: [], more: 0 }, (id) => rooms.workers.left(id, after, limit)),
    knownRows,
    unseenEmployments,
    allEmploymentIds,
    working,
    checkpoint: (connection) => readOf(connection, null, rooms.checkpoints.find),
    lastGoodColumns: (connection) => readOf(connection, null, (id) => rooms.checkpoints.find(id)?.columns ?? null),
    rejections: (connection, limit, after = 0) =>
      readOf(connection, [], (id) => rooms.checkpoints.rejections(id, limit, after)),
    cycles: (connection, limit, before) =>
      connection === null
        ? read(() => rooms.checkpoints.cycles(null, limit, before))
        : readOf(connection, [], (id) => rooms.checkpoints.cycles(id, limit, before)),
    newCycleId: () => read(rooms.checkpoints.newCycleId),

    guardWindow: (connection, since, units = false) =>
      readOf(connection, [], (id) => rooms.guardWindow.since(id, since, units)),
    guardSlot: (connection, slot, since, units = false) =>
      readOf(connection, [], (id) => rooms.guardWindow.within(id, slot, since, units)),
    approvals: (connection, now) =>
      readOf(connection, new Set<string>(), (id) => rooms.holds.releasedItems(id, 'approved', now)),
    discards: (connection, now) =>
      readOf(connection, new Set<string>(), (id) => rooms.holds.releasedItems(id, 'discarded', now)),
    holds: (connection, itemsMax = HOLD_ITEMS_SHOWN) =>
      connection === null
        ? read(() => rooms.holds.open(null, itemsMax, now()))
        : readOf(connection, [], (id) => rooms.holds.open(id, itemsMax, now())),
    hold: (digest, after, limit) => read(() => rooms.holds.find(digest, after, limit, now())),
    queuedKinds: (connection) => readOf(connection, {}, rooms.queue.queuedKinds),
    queueDepths: () => read(rooms.queue.depths),
    queueAges: () => read(rooms.queue.ages),
    nextAttempt: (target, now, lanes) => read(() => rooms.claims.nextAttempt(target, now, lanes)),
    overtaken: (ids) => read(() => rooms.claims.overtaken(ids)),
    accepted,
    acceptedClaims: (target, ids) => {
      assert(ids.length <= ACCEPTED_BATCH, `at most ${ACCEPTED_BATCH} operations are asked for at once`);
      return read(() => rooms.claims.acceptedClaims(target, ids, now()).map(claimedOf));
    },
    operations: (filter) => read(() => rooms.queue.operations(filter)),
    unconfirmedLeavers: (limit) => read(() => rooms.queue.unconfirmedLeavers(limit)),
    openSessions: (limit) => read(() => rooms.queue.openSessions(limit)),
    operationsOf: (ids) => read(() => rooms.queue.byIds(ids)),
    skips: () => read(rooms.skips.all),

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
    openActs: () => read(rooms.acts.open),
    act: (id) => read(() => rooms.acts.find(id)),
    audit,
    mapping: (digest) => read(() => rooms.settings.mapping(digest)),
    setting: (key) => read(() => rooms.settings.find(key)),
    overview: () => read(status.overview),
  };
}

function holderOf(rooms: Rooms, worker: number): NameHolder {
  if (worker === NOBODY) return NO_HOLDER;
  const { connection_id, key } = rooms.workers.identityOf(worker);
  return { connection: rooms.connections.nameOf(connection_id), workerKey: key };
}

const NO_HOLDER: NameHolder = { connection: '', workerKey: '' };

function employmentsOf(rooms: Rooms, connection: number, ids: readonly string[]) {
  return ids.flatMap((employmentId) => {
    const worker = rooms.workers.ownerOf(connection, employmentId);
    const row = worker === null ? undefined : rooms.workers.find(connection, worker);
    if (worker === null || row === undefined) return [];
    const employment = rooms.workers.employmentsOf(row.id).find(({ id }) => id === employmentId);
    return employment === undefined ? [] : [{ worker, employment }];
  });
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
