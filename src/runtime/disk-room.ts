// Whether the disk under a folder still takes something. SQLite that runs into a full disk cannot say what it stored: whoever
// brings more is sent away before that.
import { statfs } from 'node:fs/promises';

/** A disk does not fill up faster than a look in so long. */
const LOOK_EVERY_MS = 2_000;

/** Free bytes for us under the folder, at most two seconds old; 0 where nobody can say. */
export function diskRoom(folder: string, nowMs: () => number): () => Promise<number> {
  let seen: { readonly atMs: number; readonly bytes: Promise<number> } | null = null;
  return () => {
    const atMs = nowMs();
    if (seen === null || Math.abs(atMs - seen.atMs) >= LOOK_EVERY_MS) {
      const bytes = statfs(folder).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => 0,
      );
      seen = { atMs, bytes };
    }
    return seen.bytes;
  };
}
