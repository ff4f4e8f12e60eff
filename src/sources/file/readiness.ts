// Whether a file is finished: its marker is there, or it has not changed for long enough. Also reads the checksum beside it.
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join, matchesGlob } from 'node:path';
import { Problem } from '../../base/problem.ts';

export type Readiness =
  | { readonly ready: true; readonly proof: string }
  | { readonly ready: false; readonly reason: string; readonly retryAfterMs: number };

/** Between two looks for a marker; the watch usually sees it first. */
const MARKER_RETRY_MS = 10_000;

/** Names of the marker that may belong to this file: `*` stands for the file's name with or without its extension. */
function markerNames(marker: string, name: string): readonly string[] {
  if (!marker.includes('*')) return [marker];
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return [marker.replaceAll('*', name), marker.replaceAll('*', stem)];
}

/** A file that only speaks of another: it is never a delivery itself. */
export const isCompanion = (name: string, marker: string | undefined): boolean =>
  name.endsWith('.sha256') || (marker !== undefined && (name === marker || matchesGlob(name, marker)));

/** A marker counts when it is not older than the file: yesterday's marker says nothing of a file written over today. */
export async function byMarker(path: string, stats: Stats, marker: string): Promise<Readiness> {
  const name = basename(path);
  let stale = false;
  for (const candidate of markerNames(marker, name)) {
    const found = await statsOf(join(dirname(path), candidate));
    if (found === null || !found.isFile()) continue;
    if (found.mtimeMs >= stats.mtimeMs) return { ready: true, proof: `marker ${candidate}` };
    stale = true;
  }
  const reason = stale ? `the marker of ${name} is older than the file` : `${name} waits for its marker ${marker}`;
  return { ready: false, reason, retryAfterMs: MARKER_RETRY_MS };
}

/** Remembers the last look at one file and tells how long its size and times have stood still. */
export class Stillness {
  #path = '';
  #mark = '';
  #sinceMs = 0;

  /**
   * A change time that lies this far back is proof at once: every write moves it. Otherwise two looks must agree, so that a file
   * server whose clock runs ahead does not count.
   */
  look(path: string, stats: Stats, nowMs: number, stableMs: number): Readiness {
    const mark = `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
    if (path !== this.#path || mark !== this.#mark || nowMs < this.#sinceMs) {
      this.#path = path;
      this.#mark = mark;
      this.#sinceMs = nowMs;
    }
    const changedMs = Math.max(stats.mtimeMs, stats.ctimeMs);
    const stillMs = Math.max(nowMs - this.#sinceMs, changedMs <= nowMs ? nowMs - changedMs : 0);
    if (stillMs >= stableMs) return { ready: true, proof: `size stable for ${stableMs / 1_000} s` };
    const reason = `${basename(path)} may still be being written`;
    return { ready: false, reason, retryAfterMs: Math.max(1, Math.ceil(stableMs - stillMs)) };
  }
}

/** The digest that `NAME.sha256` beside the file promises; null without such a file. @throws Problem when it is unreadable. */
export async function promisedDigest(path: string): Promise<string | null> {
  const sidecar = `${path}.sha256`;
  const found = await statsOf(sidecar);
  if (found === null) return null;
  const place = { file: basename(sidecar) };
  if (!found.isFile())
    throw new Problem({ code: 'feed.checksum', message: 'The checksum file is not a regular file.', place });
  const handle = await open(sidecar);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIDECAR_BYTES_MAX), 0, SIDECAR_BYTES_MAX, 0);
    const digest = /^\\?([0-9a-f]{64})(?![0-9a-f])/i.exec(buffer.toString('latin1', 0, bytesRead).trimStart())?.[1];
    if (digest !== undefined) return digest.toLowerCase();
  } finally {
    await handle.close();
  }
  throw new Problem({
    code: 'feed.checksum',
    message: 'The checksum file does not begin with a SHA-256 in hexadecimal.',
    hint: 'write it with sha256sum, or remove it',
    place,
  });
}

/** A digest, two blanks and a name fit well within. */
const SIDECAR_BYTES_MAX = 4_096;

async function statsOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return null;
    throw cause;
  }
}
