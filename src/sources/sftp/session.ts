// One connection to an SFTP server for one piece of work: lists, looks, fetches, moves, with every answer bounded in time.
import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import ssh2, { type SFTPWrapper, type Stats } from 'ssh2';
import { assert } from '../../base/assert.ts';
import { Problem } from '../../base/problem.ts';
import type { Mover } from '../file/archive.ts';
import { writeAt } from '../file/local-copy.ts';
import type { Shelf } from '../file/shelf.ts';
import { Line, type SessionDeps, type SftpAccess, statusOf } from './line.ts';

/** A name as a folder lists it. */
export interface RemoteEntry {
  readonly name: string;
  readonly mtimeMs: number;
}

export interface SftpSession extends AsyncDisposable {
  /** Names that can be files; at most `ENTRIES_MAX`. @throws Problem */
  readonly list: (folder: string) => Promise<readonly RemoteEntry[]>;
  readonly shelf: Shelf;
  readonly mover: Mover;
  /** Copies exactly so many bytes to the beginning of a file of ours. @throws Problem when fewer come. */
  readonly fetch: (path: string, size: number, into: FileHandle) => Promise<void>;
}

/** A folder with more names than this wants clearing out before it is searched every few minutes. */
const ENTRIES_MAX = 100_000;
/** File systems of servers know no longer names; such a one is an attack or a fault. */
const NAME_BYTES_MAX = 255;
/** Every server takes reads of this size (draft-ietf-secsh-filexfer-02 section 3). */
const READ_BYTES = 32_768;
/** Reads under way at once: hides the time that each takes over a long line. */
const READS_AHEAD = 16;
/** One file, or one list of a folder, takes no longer, however it drips. */
const FETCH_MS_MAX = 60 * 60_000;
// Status codes of draft-ietf-secsh-filexfer-02 section 7.
const EOF = 1;
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;

/** Connects, proves who the server is, and logs in. @throws Problem */
export async function openSession(access: SftpAccess, deps: SessionDeps, signal: AbortSignal): Promise<SftpSession> {
  const client = new ssh2.Client();
  const line = new Line(client, access, deps, signal);
  try {
    await line.ready();
    return sessionOver(line, await line.ask<SFTPWrapper>('open SFTP', (done) => client.sftp(done)), deps);
  } catch (cause) {
    line.cut();
    throw cause;
  }
}

function sessionOver(line: Line, sftp: SFTPWrapper, deps: SessionDeps): SftpSession {
  // An SFTP channel that breaks also breaks its connection, which is where that is told.
  sftp.on('error', () => {});
  const ask = line.ask.bind(line);

  const look: Shelf['look'] = async (path) => {
    try {
      const stats = await ask<Stats>('look at a file', (done) => sftp.stat(path, done));
      const [size, mtimeMs] = [stats.size, stats.mtime * 1_000];
      return { isFile: stats.isFile(), size, mtimeMs, mark: `${size} ${mtimeMs}`, changedMs: null };
    } catch (cause) {
      if (statusOf(cause) === NO_SUCH_FILE) return null;
      throw told(cause, path);
    }
  };

  async function withFile<T>(path: string, work: (handle: Buffer) => Promise<T>): Promise<T> {
    const handle = await ask<Buffer>('open a file', (done) => sftp.open(path, 'r', done)).catch((cause: unknown) => {
      throw told(cause, path);
    });
    try {
      return await work(handle);
    } finally {
      sftp.close(handle, () => {});
    }
  }

  /** Fewer bytes than asked for are no end: a server may give what it has. Zero are. */
  const readInto = async (path: string, handle: Buffer, buffer: Buffer, position: number, until: number) => {
    let filled = 0;
    while (filled < buffer.length) {
      if (deps.now() > until) throw slow(path);
      const read = await ask<number>('read a file', (done) =>
        sftp.read(handle, buffer, filled, buffer.length - filled, position + filled, (error, bytes) =>
          done(error, bytes),
        ),
      );
      assert(
        Number.isSafeInteger(read) && read >= 0 && filled + read <= buffer.length,
        'a read fills what it was given',
      );
      if (read === 0) break;
      filled += read;
    }
    return filled;
  };

  return {
    list: async (folder) => {
      const entries: RemoteEntry[] = [];
      const handle = await ask<Buffer>('open a folder', (done) => sftp.opendir(folder, done)).catch(
        (cause: unknown) => {
          throw told(cause, folder);
        },
      );
      try {
        const until = deps.now() + FETCH_MS_MAX;
        for (let seen = 0; ; ) {
          if (deps.now() > until) throw slow(folder);
          const page = await ask<readonly { filename: string; attrs: Stats }[]>('list a folder', (done) =>
            sftp.readdir(handle, done),
          ).catch((cause: unknown) => {
            if (statusOf(cause) === EOF) return null;
            throw told(cause, folder);
          });
          if (page === null) return entries;
          seen += Math.max(1, page.length);
          if (seen > ENTRIES_MAX) {
            throw new Problem({
              code: 'source.too-many-files',
              message: `The folder of the feed holds more than ${ENTRIES_MAX} names.`,
              hint: 'move old deliveries to another folder',
            });
          }
          for (const { filename, attrs } of page) {
            if (isPlainName(filename)) entries.push({ name: filename, mtimeMs: attrs.mtime * 1_000 });
          }
        }
      } finally {
        sftp.close(handle, () => {});
      }
    },
    shelf: {
      look,
      head: (path, bytesMax) =>
        withFile(path, async (handle) => {
          const buffer = Buffer.alloc(bytesMax);
          return buffer.subarray(0, await readInto(path, handle, buffer, 0, deps.now() + FETCH_MS_MAX));
        }),
    },
    mover: {
      exists: async (path) => (await look(path)) !== null,
      makeFolder: async (path) => {
        if ((await look(path)) !== null) return;
        await ask<void>('make a folder', (done) => sftp.mkdir(path, done));
      },
      rename: (from, to) => ask<void>('move a file', (done) => sftp.rename(from, to, done)),
    },
    fetch: (path, size, into) =>
      withFile(path, async (handle) => {
        const until = deps.now() + FETCH_MS_MAX;
        let next = 0;
        const readOn = async (): Promise<void> => {
          const buffer = Buffer.allocUnsafe(READ_BYTES);
          while (next < size) {
            const position = next;
            const wanted = buffer.subarray(0, Math.min(READ_BYTES, size - position));
            next += wanted.length;
            if ((await readInto(path, handle, wanted, position, until)) < wanted.length) throw short(path);
            await writeAt(into, wanted, position);
          }
        };
        const readers = Array.from({ length: Math.min(READS_AHEAD, Math.ceil(size / READ_BYTES)) }, readOn);
        const ends = await Promise.allSettled(readers);
        for (const end of ends) if (end.status === 'rejected') throw told(end.reason, path);
      }),
    [Symbol.asyncDispose]: () => line.close(),
  };
}

/** A name that a server made up must not lead out of its folder, into a log, or into a terminal. */
const isPlainName = (name: string): boolean =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  Buffer.byteLength(name) <= NAME_BYTES_MAX &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  !/[/\\\u0000-\u001f\u007f-\u009f]/.test(name);

function told(cause: unknown, path: string): unknown {
  const status = statusOf(cause);
  if (status === undefined) return cause;
  const why =
    status === NO_SUCH_FILE
      ? 'there is none of this name'
      : status === PERMISSION_DENIED
        ? 'this user may not'
        : `status ${status}`;
  return new Problem({
    code: 'source.unreadable',
    message: `The server does not let us read the folder or file (${why}).`,
    hint: 'check source.path and what this user may read',
    place: { file: posix.basename(path) },
  });
}

const short = (path: string): Problem =>
  new Problem({
    code: 'feed.truncated',
    message: 'The server ended the file before its size was reached, so nothing of it counts.',
    hint: 'it is fetched again at the next look; write feeds under another name and rename them',
    place: { file: posix.basename(path) },
  });

const slow = (path: string): Problem =>
  new Problem({
    code: 'source.timeout',
    message: `It was not read after ${FETCH_MS_MAX / 60_000} minutes.`,
    hint: 'it is read again at the next look; check the line to the server',
    place: { file: posix.basename(path) },
  });
