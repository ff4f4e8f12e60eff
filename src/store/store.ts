// Opens the house's memory and puts its parts behind one door.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { writtenChangeset } from './change-text.ts';
import { claimedOf } from './claim.ts';
import type { Store } from './door.ts';
import { openDatabase, type StoreMode } from './open.ts';
import { type Reads, readsOf } from './reads.ts';
import { roomsOf } from './rooms.ts';
import { startThread } from './thread.ts';
import type { Writes } from './writes.ts';
import { closeWriting, openWriting } from './writing.ts';

export { type Backup, backUp, type Restored, restore } from './backup.ts';
export { changeOf, changeText, fingerprintsIn } from './change-text.ts';
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
  /**
   * With mode `write`: a thread of its own writes, and this one only reads. `now` is asked here for every message to it; salts
   * are drawn there, from the system, and not with `randomBytes`.
   */
  readonly thread?: boolean;
}

/** @throws Problem `state.missing`, `state.newer`, `state.older`, `state.not-durable` or `state.unknown-standing`. */
export async function openStore(options: StoreOptions): Promise<Store> {
  return options.thread === true && options.mode === 'write' ? openThreaded(options) : openHere(options);
}

function openHere(options: StoreOptions): Store {
  const writing = openWriting(options);
  const { sql, rooms, writes } = writing;
  const { mode, now } = options;
  return putTogether((check) => ({
    reads: readsOf({ sql, rooms, now, check }),
    writes,
    mode,
    throwIfUnknown: writes.writer.throwIfUnknown,
    close: () => closeWriting(writing),
  }));
}

async function openThreaded({ dir, now, randomBytes }: StoreOptions): Promise<Store> {
  const thread = await startThread(dir, now);
  try {
    const sql = openDatabase(dir, 'read', now());
    const rooms = roomsOf(sql, randomBytes);
    return putTogether((check) => ({
      reads: readsOf({ sql, rooms, now, check }),
      writes: thread.writes,
      mode: 'write',
      throwIfUnknown: thread.throwIfUnknown,
      close: async () => {
        // Readers first: the last connection that closes folds the log away.
        sql.close();
        await thread.close();
      },
    }));
  } catch (error) {
    await thread.close();
    throw error;
  }
}

interface Parts {
  readonly reads: Reads;
  readonly writes: Writes;
  readonly mode: StoreMode;
  readonly throwIfUnknown: () => void;
  readonly close: () => Promise<void>;
}

function putTogether(partsOver: (check: () => void) => Parts): Store {
  let closing: Promise<void> | null = null;
  const open = (): void => assert(closing === null, 'the store is open');
  const { mode, reads, writes, throwIfUnknown, close } = partsOver(() => {
    open();
    throwIfUnknown();
  });
  const { anyActWaiting, ...answers } = reads;

  const guarded = <A extends readonly unknown[], R>(write: (...args: A) => Promise<R>, alsoAsGuest = false) => {
    return async (...args: A): Promise<R> => {
      assert(mode !== 'read', 'a store opened for reading is not written to');
      assert(mode !== 'guest' || alsoAsGuest, 'a guest only adds acts');
      open();
      return write(...args);
    };
  };
  const commit = guarded(writes.commit);
  const claim = guarded(writes.claim);
  const begin = guarded(writes.beginListing);
  const take = guarded(writes.takeActs);

  const store: Store = {
    ...answers,
    commit: async (changeset) => commit(writtenChangeset(changeset)),
    layOut: guarded(writes.layOut),
    putAway: guarded(writes.putAway),
    approve: guarded(writes.approve),
    discard: guarded(writes.discard),
    claim: async (target, asked) => (await claim(target, asked)).map(claimedOf),
    recoverSending: guarded(writes.recoverSending),
    saveGroup: guarded(writes.saveGroup),
    saveContact: guarded(writes.saveContact),
    replaceInventory: async (target, pages, valuesOf) => {
      const listing = await begin(target);
      try {
        for await (const page of pages) {
          await writes.addToListing(
            listing,
            page.map((account) => ({ account, values: valuesOf(account) })),
          );
        }
        return await writes.showListing(listing);
      } finally {
        await writes.endListing(listing);
      }
    },
    receiveEvent: guarded(writes.receiveEvent),
    endEvents: guarded(writes.endEvents),
    addAct: guarded(writes.addAct, true),
    // The daemon asks every second: without acts nothing is locked.
    takeActs: async (limit) => ((await anyActWaiting()) ? take(limit) : []),
    finishAct: guarded(writes.finishAct),
    recoverActs: guarded(writes.recoverActs),
    saveMapping: guarded(writes.saveMapping),
    saveSetting: guarded(writes.saveSetting),
    erase: guarded(writes.erase),
    rekey: guarded(writes.rekey),
    seal: guarded(writes.seal),
    rewrite: guarded(writes.rewrite),
    close: () => {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return store;
}
