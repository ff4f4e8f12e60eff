// A file that holds room on the disk and nothing else: given away when the disk is nearly full, so that whoever leaves is not kept by
// a database that cannot write.
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MEBIBYTE } from './disk-room.ts';

const FILE = 'ballast';
/** A log of the database before it is written back (16 MiB), and as much again for a thousand leavers and their audit. */
export const BALLAST_BYTES = 32 * MEBIBYTE;

const unfinished = (dir: string): string => join(dir, `${FILE}.new`);

export const hasBallast = (dir: string): Promise<boolean> =>
  stat(join(dir, FILE)).then(
    () => true,
    () => false,
  );

/** Null once it is there; else what the system said, and nothing is left behind. */
export async function makeBallast(dir: string): Promise<string | null> {
  try {
    await using file = await open(unfinished(dir), 'w', 0o600);
    const block = noise(MEBIBYTE);
    for (let written = 0; written < BALLAST_BYTES; written += block.length) await file.write(block);
    await file.sync();
    await rename(unfinished(dir), join(dir, FILE));
    return null;
  } catch (error) {
    await releaseBallast(dir);
    return (error as { code?: string }).code ?? 'unknown';
  }
}

export async function releaseBallast(dir: string): Promise<void> {
  for (const path of [join(dir, FILE), unfinished(dir)]) await rm(path, { force: true, recursive: true });
}

/** What a file system that compresses cannot make smaller: zeros would hold no room. */
function noise(length: number): Buffer {
  const block = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    block.writeUInt32LE(state, at);
  }
  return block;
}
