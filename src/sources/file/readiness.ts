// Whether a file is finished: its marker is there, or it has not changed for long enough.
import { basename, dirname, join, matchesGlob } from 'node:path';
import { isChecksumName } from './checksum.ts';
import type { Seen, Shelf } from './shelf.ts';

export type Readiness =
  | { readonly ready: true; readonly proof: string }
  | { readonly ready: false; readonly reason: string; readonly retryAfterMs: number };

/** Between two looks for a marker; the watch usually sees it first. */
const MARKER_RETRY_MS = 10_000;

/** Names of the marker that may belong to this file: `*` stands for the file's name with or without its extension. */
export function markerNames(marker: string, name: string): readonly string[] {
  if (!marker.includes('*')) return [marker];
  const stems = [name];
  for (let stem = name; ; ) {
    const wrapped = WRAPPING.test(stem);
    const dot = stem.lastIndexOf('.');
    if (dot > 0) stems.push(stem.slice(0, dot));
    if (!wrapped || dot <= 0) break;
    stem = stem.slice(0, dot);
  }
  return stems.map((stem) => marker.replaceAll('*', stem));
}

/** Endings that tell how a file is wrapped: the marker may be named after what is inside. */
const WRAPPING = /\.(?:gz|pgp|gpg|asc)$/i;

/** A file that only speaks of another: it is never a delivery itself. */
export const isCompanion = (name: string, marker: string | undefined): boolean =>
  isChecksumName(name) || (marker !== undefined && (name === marker || matchesGlob(name, marker)));

/** A marker counts when it is not older than the file: yesterday's marker says nothing of a file written over today. */
export async function byMarker(path: string, seen: Seen, marker: string, shelf: Shelf): Promise<Readiness> {
  const name = basename(path);
  let stale = false;
  for (const candidate of markerNames(marker, name)) {
    const found = await shelf.look(join(dirname(path), candidate));
    if (found === null || !found.isFile) continue;
    if (found.mtimeMs >= seen.mtimeMs) return { ready: true, proof: `marker ${candidate}` };
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
   * A change time by our own clock that lies this far back is proof at once: every write moves it. Otherwise two looks must agree,
   * so that a file server whose clock runs ahead does not count.
   */
  look(path: string, { mark, changedMs }: Seen, nowMs: number, stableMs: number): Readiness {
    const stillMs = this.stillMs(path, mark, nowMs);
    const longMs = Math.max(stillMs, changedMs !== null && changedMs <= nowMs ? nowMs - changedMs : 0);
    if (longMs >= stableMs) return { ready: true, proof: `size stable for ${stableMs / 1_000} s` };
    const reason = `${basename(path)} may still be being written`;
    return { ready: false, reason, retryAfterMs: Math.max(1, Math.ceil(stableMs - longMs)) };
  }

  /** For how long looks have found the same file unchanged. */
  stillMs(path: string, mark: string, nowMs: number): number {
    if (path !== this.#path || mark !== this.#mark || nowMs < this.#sinceMs) {
      this.#path = path;
      this.#mark = mark;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs;
  }
}
