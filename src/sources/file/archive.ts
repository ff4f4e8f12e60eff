// Deliveries that are done with are moved into a folder beside them, never deleted. What lies there is never a delivery again.
import { mkdir, rename, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { Problem } from '../../base/problem.ts';
import { checksumPaths } from './checksum.ts';
import { markerNames } from './readiness.ts';

/** What moving takes, on this machine or on a server. */
export interface Mover {
  readonly exists: (path: string) => Promise<boolean>;
  /** Nothing happens where the folder is there. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** Called only where nothing has the new path. */
  readonly rename: (from: string, to: string) => Promise<void>;
}

/** Deliveries of one name and one minute beyond which something is wrong. */
const NAMESAKES_MAX = 100;

/**
 * Moves files into `folder` (relative to each file's own folder) in the order given, each before its checksums and the marker of
 * its name: a crash in between leaves companions behind, which are no delivery. Nothing in the archive is ever overwritten: where
 * the name is taken, `stamp` is put behind it. @throws Problem `source.archive` naming what could not be moved.
 */
export async function archive(
  paths: readonly string[],
  { folder, marker, stamp }: { readonly folder: string; readonly marker: string | undefined; readonly stamp: string },
  mover: Mover,
): Promise<void> {
  for (const path of paths) {
    const into = posix.join(posix.dirname(path), folder);
    try {
      await mover.makeFolder(into);
      await moved(path, into, stamp, mover);
      for (const companion of companionsOf(path, marker)) {
        if (await mover.exists(companion)) await moved(companion, into, stamp, mover);
      }
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
      throw new Problem({
        code: 'source.archive',
        message: `A delivery that is done with cannot be moved into ${folder}${code}.`,
        hint: 'let this user create and rename there; until then the file stays and is recognised at every look',
        place: { file: posix.basename(path) },
      });
    }
  }
}

/** A marker of a fixed name speaks of whatever comes: it stays. */
function companionsOf(path: string, marker: string | undefined): readonly string[] {
  const markers = marker?.includes('*') ? markerNames(marker, posix.basename(path)) : [];
  return [...markers.map((name) => posix.join(posix.dirname(path), name)), ...checksumPaths(path)];
}

async function moved(path: string, into: string, stamp: string, mover: Mover): Promise<void> {
  const name = posix.basename(path);
  for (let turn = 0; turn < NAMESAKES_MAX; turn++) {
    const to = posix.join(into, turn === 0 ? name : turn === 1 ? `${name}.${stamp}` : `${name}.${stamp}-${turn}`);
    if (await mover.exists(to)) continue;
    await mover.rename(path, to);
    return;
  }
  throw new Error('too many deliveries of one name in the archive');
}

export const localMover: Mover = {
  exists: async (path) => {
    try {
      await stat(path);
      return true;
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
      throw cause;
    }
  },
  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  rename,
};
