// A place where deliveries lie: a folder of this machine, or one on a server. What decides which file is the delivery, and whether
// it is finished, looks through this.
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Problem } from '../../base/problem.ts';

/** What a look at one file shows. */
export interface Seen {
  /** A regular file, or a link to one. */
  readonly isFile: boolean;
  readonly size: number;
  readonly mtimeMs: number;
  /** Changes whenever the file does, as far as the place can tell. */
  readonly mark: string;
  /** When the file was last written by our own clock; null where the place has another clock, or does not tell. */
  readonly changedMs: number | null;
}

export interface Shelf {
  /** Null where nothing has this path. */
  readonly look: (path: string) => Promise<Seen | null>;
  /** At most so many bytes from the beginning of a regular file. */
  readonly head: (path: string, bytesMax: number) => Promise<Buffer>;
}

export const seenOf = (stats: Stats): Seen => ({
  isFile: stats.isFile(),
  size: stats.size,
  mtimeMs: stats.mtimeMs,
  mark: `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`,
  changedMs: Math.max(stats.mtimeMs, stats.ctimeMs),
});

/** No file can have a name that is too long for its folder. */
const NOT_THERE = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'];

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';

/** What the system says of a path is for a person to mend; anything else is a bug and stays what it is. */
function unreadable(path: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === '') return cause;
  return new Problem({
    code: 'feed.unreadable',
    message: `The file cannot be looked at (${code}).`,
    hint: 'check that it is no broken link and that this user may read it',
    place: { file: basename(path) },
  });
}

export const localShelf: Shelf = {
  look: async (path) => {
    try {
      return seenOf(await stat(path));
    } catch (cause) {
      if (NOT_THERE.includes(codeOf(cause))) return null;
      throw unreadable(path, cause);
    }
  },
  head: async (path, bytesMax) => {
    const handle = await open(path).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  },
};
