// New workers laid out beforehand. While a large plan is still being made, what it will store is written into a database file of
// its own, in the very rows of the tables: numbers, salts and the texts of the audit are done. Nobody reads that file, it has no
// name any more and ends with the process; once the whole plan has been judged, a commit only copies rows out of it.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { LaidOut, PackedChanges } from '../planning/changeset.ts';
import { unpacked } from './change-text.ts';
import { foldName } from './fold-name.ts';
import { type Copying, copyingFrom, type InTheWay, type Placed } from './laid-out-copy.ts';
import { openFile, type RoomsNeeded, type Slice, writingInto } from './laid-out-file.ts';
import { changesAccount } from './outbox.ts';
import type { Sql } from './sql.ts';
import type { WrittenWorker } from './written.ts';

export interface LaidOutRows {
  /** Null where one of them is not simply new, or the file cannot be written: they are stored in the ordinary way. */
  readonly layOut: (at: Instant, packed: PackedChanges) => LaidOut | null;
  /** Null where the slice is gone: the file broke, and its workers are stored in the ordinary way. */
  readonly inTheWay: (connection: number, laid: LaidOut) => InTheWay | null;
  /** Only inside a transaction, and only where nothing is in the way. */
  readonly place: (connection: number, at: Instant, laid: LaidOut) => Placed;
  /** Nothing more of these is stored. */
  readonly putAway: (laid: readonly LaidOut[]) => void;
}

interface LaidOutFile extends Copying {
  readonly write: (at: Instant, workers: readonly WrittenWorker[]) => Slice;
}

/** What is laid out is written once more when it is stored, with indexes and a log: so many times its size must still be free. */
const FREE_TIMES = 2;
/** Left for everything else that is written meanwhile, a leaver before all. */
const FREE_BYTES_MIN = 128 * 1024 * 1024;

/** @param freeBytes of the disk on which this folder lies. */
export function laidOutOf(
  sql: Sql,
  rooms: RoomsNeeded,
  freeBytes: (folder: string) => number = freeOnDisk,
): LaidOutRows {
  /** Between two files numbers go on: an answer that comes late is never taken for another one. */
  let lastId = 0;
  let file: LaidOutFile | null = null;
  let broken = false;
  const slices = new Map<number, Slice>();

  const found = ({ id }: LaidOut): { readonly file: LaidOutFile; readonly slice: Slice } | null => {
    const slice = slices.get(id);
    return file === null || slice === undefined ? null : { file, slice };
  };
  const close = (): void => {
    file = null;
    slices.clear();
    sql.exec('DETACH laid');
  };

  const giveUp = (): null => {
    broken = true;
    if (file !== null) close();
    return null;
  };
  const hasRoom = (): boolean =>
    freeBytes(dirname(sql.name)) >= FREE_BYTES_MIN + FREE_TIMES * (file === null ? 0 : bytesIn(sql));

  return {
    layOut: (at, packed) => {
      if (broken || sql.memory) return null;
      const workers = unpacked(packed);
      if (
        !workers.every(isPlain) ||
        hasTwins(workers) ||
        !workers.every(({ accounts, operations }) =>
          [...accounts, ...operations].every(({ target }) => rooms.targets.id(target) !== null),
        )
      )
        return null;
      try {
        if (!hasRoom()) return giveUp();
        file ??= opened(sql, rooms);
        lastId += 1;
        slices.set(lastId, file.write(at, workers));
        return { id: lastId, workers: workers.length };
      } catch (error) {
        // A full disk, most likely: nothing that counts has been written, and nobody waits for this file.
        if (!(error instanceof Error && 'code' in error)) throw error;
        return giveUp();
      }
    },
    inTheWay: (connection, laid) => {
      const one = found(laid);
      return one === null ? null : one.file.inTheWay(connection, one.slice);
    },
    place: (connection, at, laid) => {
      const one = found(laid);
      assert(one !== null && one.slice.at === at, 'a slice is stored at the moment for which it was laid out');
      return one.file.place(connection, one.slice);
    },
    putAway: (laid) => {
      for (const { id } of laid) slices.delete(id);
      if (slices.size > 0) return;
      broken = false;
      if (file !== null) close();
    },
  };
}

const freeOnDisk = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

const bytesIn = (sql: Sql): number =>
  Number(sql.pragma('laid.page_count', { simple: true })) * Number(sql.pragma('laid.page_size', { simple: true }));

/** Somebody nobody has heard of, with an account that is to be made: what a commit writes of them depends on nothing else on file. */
function isPlain({
  key,
  revision,
  suspicion,
  employments,
  accounts,
  operations,
  supersedes,
  entries,
  fingerprints,
}: WrittenWorker): boolean {
  const headed = new Set<string>();
  const inOrder = operations.every(({ target, kind, refused }) => {
    if (refused !== null) return false;
    if (headed.has(target)) return true;
    headed.add(target);
    return changesAccount(kind);
  });
  return (
    inOrder &&
    revision === 0 &&
    (suspicion === undefined || suspicion === null) &&
    supersedes.length === 0 &&
    accounts.every(({ remoteId, userName }) => remoteId === null && foldName(userName) !== '') &&
    entries.every(({ workerKey, connection }) => workerKey === key && connection !== null) &&
    (fingerprints ?? []).every(
      ({ employmentId, digests }) => digests.length > 0 && employments.some(({ id }) => id === employmentId),
    )
  );
}

/** Whether two of them share what is unique. */
function hasTwins(workers: readonly WrittenWorker[]): boolean {
  const keys = new Set(workers.map(({ key }) => key));
  const ids = workers.flatMap(({ employments }) => employments.map(({ id }) => id));
  const names = workers.flatMap(({ accounts }) =>
    accounts.map(({ target, userName }) => `${target}\n${foldName(userName)}`),
  );
  return keys.size < workers.length || new Set(ids).size < ids.length || new Set(names).size < names.length;
}

function opened(sql: Sql, rooms: RoomsNeeded): LaidOutFile {
  openFile(sql);
  return { write: writingInto(sql, rooms), ...copyingFrom(sql, rooms) };
}
