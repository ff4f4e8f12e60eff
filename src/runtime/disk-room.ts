// Whether the disk under a folder still takes something. SQLite that runs into a full disk cannot say what it stored: whoever
// brings more is sent away before that.
import { statfs } from 'node:fs/promises';

export const MEBIBYTE = 1024 * 1024;
/** A disk does not fill up faster than a look in so long. */
const LOOK_EVERY_MS = 2_000;

/** Free bytes for us under the folder, at most two seconds old; null where nobody can say. */
export function diskRoom(folder: string, nowMs: () => number): () => Promise<number | null> {
  let seen: { readonly atMs: number; readonly bytes: Promise<number | null> } | null = null;
  return () => {
    const atMs = nowMs();
    if (seen === null || Math.abs(atMs - seen.atMs) >= LOOK_EVERY_MS) {
      const bytes = statfs(folder).then(
        ({ blocks, bavail, bsize }) => (blocks === 0 ? null : bavail * bsize),
        () => null,
      );
      seen = { atMs, bytes };
    }
    return seen.bytes;
  };
}
