// Everything that writes, over the one writing connection. Plain values in, plain values out: the thread of the store offers
// the same functions across its border.
import { DAY_MS, type Instant, plusMs } from '../base/instant.ts';
import type { ClaimOptions, WrittenClaim } from './claim.ts';
import { applyChangeset } from './commit.ts';
import type { CommitResult, Erased, EraseOrder, Hold, Rekeyed, RekeyOrder, Release, Store } from './door.ts';
import { type Writer, writerOf } from './group-commit.ts';
import type { Verdict } from './holds.ts';
import type { Rooms } from './rooms.ts';
import type { Sql } from './sql.ts';
import { type FoundAccount, type StagedListing, stagingOf } from './staging.ts';
import { sweeperOf } from './sweeper.ts';
import { leavesRemains, weightOf } from './weight.ts';
import { type WrittenChangeset, writtenEntry } from './written.ts';

/** Acts are all that a guest may write. */
export type GuestCalls = Pick<Store, 'addAct'>;

export interface Writes
  extends GuestCalls,
    Pick<
      Store,
      | 'approve'
      | 'discard'
      | 'recoverSending'
      | 'saveGroup'
      | 'saveContact'
      | 'receiveEvent'
      | 'endEvents'
      | 'takeActs'
      | 'finishAct'
      | 'recoverActs'
      | 'saveMapping'
      | 'saveSetting'
      | 'erase'
      | 'rekey'
      | 'seal'
      | 'rewrite'
    > {
  readonly commit: (changeset: WrittenChangeset) => Promise<CommitResult>;
  readonly claim: (target: string, claim: ClaimOptions) => Promise<readonly WrittenClaim[]>;
  readonly layOut: Store['layOut'];
  readonly putAway: Store['putAway'];
  /** A new listing of a target that nobody sees yet. */
  readonly beginListing: (target: string) => Promise<StagedListing>;
  readonly addToListing: (listing: StagedListing, accounts: readonly FoundAccount[]) => Promise<void>;
  /** Readers see it from now on; returns its number of accounts. */
  readonly showListing: (listing: StagedListing) => Promise<number>;
  /** Shown or given up: what it replaced, or what nobody will see, is swept. */
  readonly endListing: (listing: StagedListing) => Promise<void>;
}

export interface LocalWrites extends Writes {
  readonly writer: Writer;
  /** Waits for what is under way; nothing is swept after it. */
  readonly settle: () => Promise<void>;
}

const DISCARD_DAYS = 30;
/** A job whose work does not grow with its input. */
const SMALL = 1;

/** The one writer over this connection, with everything that keeps values in memory during a transaction. */
export function roomsWriter(sql: Sql, rooms: Rooms): Writer {
  return writerOf(sql, [
    { beforeCommit: rooms.tallies.write, afterRollback: rooms.tallies.forget },
    { beforeCommit: rooms.appender.beforeCommit, afterRollback: rooms.appender.afterRollback },
    {
      beforeCommit: () => {},
      afterRollback: () => {
        rooms.connections.forget();
        rooms.targets.forget();
        rooms.accounts.forget();
        rooms.hookEvents.recount();
      },
    },
  ]);
}

export function writesOf(sql: Sql, rooms: Rooms, writer: Writer, now: () => Instant): LocalWrites {
  const { connections, targets } = rooms;
  const { write } = writer;
  const sweeper = sweeperOf(rooms, writer, now);
  const staging = stagingOf(rooms, { write, sweeper });

  const release = (verdict: Verdict, asked: Release, until: Instant): Promise<Hold> =>
    write(SMALL, () => {
      const hold = rooms.holds.release(verdict, asked, until);
      rooms.appender.append(
        writtenEntry({
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
        }),
        asked.at,
        null,
      );
      return hold;
    });

  return {
    writer,
    settle: async () => {
      await sweeper.stop();
      await writer.idle();
    },
    commit: async (changeset) => {
      const staged = await staging.holds(changeset);
      try {
        return await write(weightOf(changeset), () => applyChangeset(rooms, changeset, staged));
      } finally {
        for (const version of staged.values()) sweeper.release('hold', version);
        if (leavesRemains(changeset)) sweeper.start();
      }
    },
    // Outside of any transaction of the database: what happens to that file says nothing of the store.
    layOut: async (at, packed) => rooms.laidOut.layOut(at, packed),
    putAway: async (laid) => rooms.laidOut.putAway(laid),
    approve: (asked) => release('approved', asked, asked.expiresAt),
    discard: (asked) => release('discarded', asked, plusMs(asked.at, DISCARD_DAYS * DAY_MS)),

    claim: (target, claim) => write(Math.max(claim.limit / 4, SMALL), () => rooms.claims.claim(target, claim)),
    recoverSending: async () => {
      const count = await write(SMALL, () => {
        const { outbox, accounts } = rooms;
        const queued = outbox.recoverSending();
        for (const { worker_id: worker, target_id: target } of queued)
          outbox.takeTurns(worker, target, now(), () => accounts.hasRemoteId(worker, target));
        return queued.length;
      });
      // What the last process left half-staged is nobody's now.
      sweeper.start();
      return count;
    },
    saveGroup: (target, group) => write(SMALL, () => rooms.groups.save(targets.idForWriting(target), group)),
    saveContact: (target, contact) =>
      write(SMALL, () => rooms.groups.saveContact(targets.idForWriting(target), contact)),
    beginListing: staging.beginListing,
    addToListing: staging.addToListing,
    showListing: staging.showListing,
    endListing: async (listing) => staging.endListing(listing),

    receiveEvent: (event) =>
      write(SMALL, () => rooms.hookEvents.receive(connections.idForWriting(event.connection), event)),
    endEvents: (events) =>
      write(Math.max(events.length / 4, SMALL), () => {
        for (const event of events) rooms.hookEvents.end(event, now());
      }),

    addAct: (act) => write(SMALL, () => rooms.acts.add(act, now())),
    takeActs: (limit) => write(SMALL, () => rooms.acts.take(limit, now())),
    finishAct: (id, result) => write(SMALL, () => rooms.acts.finish(id, result, now())),
    recoverActs: () => write(SMALL, rooms.acts.recover),
    saveMapping: (digest, connection, text) =>
      write(SMALL, () => rooms.settings.saveMapping(digest, connections.idForWriting(connection), now(), text)),
    saveSetting: (key, value) => write(SMALL, () => rooms.settings.save(key, value)),
    erase: (order) => write(SMALL, () => erasedIn(rooms, order)),
    rekey: (order) => write(order.pairs.length, () => rekeyedIn(rooms, order)),
    seal: (order) =>
      write(Math.ceil((order.last - order.first) / 50) + SMALL, () => {
        rooms.segments.seal(order, rooms.appender.nextSeq());
        rooms.appender.append(writtenEntry(order.entry), order.at, null);
      }),
    rewrite: async () => {
      await writer.idle();
      writer.throwIfUnknown();
      // No transaction is open between two turns of the event loop. VACUUM is whole or not at all, as a commit is.
      return rewritten(sql);
    },
  };
}

/** Only inside a transaction. */
function erasedIn(rooms: Rooms, order: EraseOrder): Erased {
  const { connection: name, workerKey: key, facts, at } = order;
  const connection = rooms.connections.idForWriting(name);
  const row = rooms.workers.find(connection, key);
  if (row?.revision !== order.revision) return { kind: 'conflict' };
  const erasable = { connection, connectionName: name, worker: row.id, key, facts };
  if (rooms.erasure.eventWaits(erasable)) return { kind: 'event-waits' };
  for (const id of order.supersedes) {
    const operation = rooms.outbox.held(id);
    if (operation?.worker_id !== row.id || operation.state !== 'failed') return { kind: 'conflict' };
    rooms.outbox.supersede(operation);
  }
  const rows = rooms.erasure.erase(erasable, at);
  const { entry } = order;
  rooms.appender.append(writtenEntry({ ...entry, body: { ...entry.body, rows } }), at, row.id);
  return { kind: 'erased', rows };
}

/** Only inside a transaction. */
function rekeyedIn(rooms: Rooms, order: RekeyOrder): Rekeyed {
  const connection = rooms.connections.idForWriting(order.connection);
  const rekeyed = rooms.rekeying.apply(connection, order);
  if (rekeyed.kind !== 'rekeyed') return rekeyed;
  for (const entry of order.entries) {
    const worker = entry.workerKey === null ? null : rooms.workers.numberOf(connection, entry.workerKey);
    rooms.appender.append(writtenEntry(entry), order.at, worker);
  }
  rooms.holds.amend(connection, { kind: 'rekey', reason: 'carried out', items: [] }, order.at, null);
  rooms.checkpoints.lookAgain(connection);
  return rekeyed;
}

/** What was deleted lingers in free pages and in the log until both are written anew. */
function rewritten(sql: Sql): boolean {
  sql.exec('VACUUM');
  const [said] = sql.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  return said?.busy === 0;
}
