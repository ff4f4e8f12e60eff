// Which file is the delivery to judge now: lists what matches the path, leaves unfinished names out, and orders the rest.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, glob, open, readdir, stat } from 'node:fs/promises';
import { basename, join, matchesGlob, resolve, sep } from 'node:path';
import { Problem } from '../../base/problem.ts';
import { compareNames, isUnfinishedName, momentInName, type NamedMoment } from './file-name.ts';

export interface Candidate {
  readonly path: string;
  readonly name: string;
  readonly moment: NamedMoment | null;
}

/** A folder that holds more matching files than this wants clearing out before it is searched every few minutes. */
export const CANDIDATES_MAX = 20_000;

const GLOB_SIGNS = /[*?[{]/;

/** The part of an absolute pattern without wildcards, and the pattern below it. */
export function splitPattern(path: string, baseDir: string): { readonly dir: string; readonly rest: string } {
  const parts = resolve(baseDir, path).split(sep);
  const first = parts.findIndex((part) => GLOB_SIGNS.test(part));
  const at = first === -1 ? parts.length - 1 : first;
  return { dir: parts.slice(0, at).join(sep) || sep, rest: parts.slice(at).join('/') };
}

/** @throws Problem when the folder cannot be read. */
export async function candidatesOf(
  dir: string,
  rest: string,
  timeZone: string,
  isCompanion: (name: string) => boolean,
): Promise<Candidate[]> {
  return candidatesAmong(matches(dir, rest), { dir, rest, timeZone, isCompanion });
}

/** @param below paths below the folder that match the pattern. @throws Problem when there are too many. */
export async function candidatesAmong(
  below: AsyncIterable<string>,
  {
    dir,
    rest,
    timeZone,
    isCompanion,
  }: {
    readonly dir: string;
    readonly rest: string;
    readonly timeZone: string;
    readonly isCompanion: (name: string) => boolean;
  },
): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for await (const path of below) {
    const name = basename(path);
    if (isUnfinishedName(name) || isCompanion(name)) continue;
    if (found.length === CANDIDATES_MAX) {
      throw new Problem({
        code: 'source.too-many-files',
        message: `More than ${CANDIDATES_MAX} files match ${rest}.`,
        hint: 'move old deliveries to another folder or narrow the path',
      });
    }
    found.push({ path: join(dir, path), name, moment: momentInName(name, timeZone) });
  }
  return found;
}

async function* matches(dir: string, rest: string): AsyncIterable<string> {
  const names = await namesIn(dir);
  if (!rest.includes('/')) {
    for (const name of names) {
      if (name === rest || matchesGlob(name, rest)) yield name;
    }
    return;
  }
  yield* glob(rest, { cwd: dir });
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (cause) {
    throw new Problem({
      code: 'source.unreadable',
      message: `The folder of the feed cannot be read (${codeOf(cause)}).`,
      hint: 'check that it exists, that it is mounted, and that this user may list it',
      place: { file: basename(dir) },
    });
  }
}

/** The newest: by date in the name, else by modification time; of equal dates the one written last, then the greater name. */
export async function newestOf(candidates: readonly Candidate[], modified = modifiedMs): Promise<Candidate | null> {
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    if (best === null || (await isNewer(candidate, best, modified))) best = candidate;
  }
  return best;
}

/** Those that `newestOf` would never choose beside this one. */
export async function olderThan(
  candidate: Candidate,
  candidates: readonly Candidate[],
  modified = modifiedMs,
): Promise<readonly Candidate[]> {
  const older: Candidate[] = [];
  for (const one of candidates) {
    if (one.path !== candidate.path && (await isNewer(candidate, one, modified))) older.push(one);
  }
  return older;
}

type Modified = (candidate: Candidate) => Promise<number>;

async function isNewer(a: Candidate, b: Candidate, modified: Modified): Promise<boolean> {
  const [aMs, bMs] = [a.moment?.ms ?? (await modified(a)), b.moment?.ms ?? (await modified(b))];
  if (aMs !== bMs) return aMs > bMs;
  const [aWritten, bWritten] = [await modified(a), await modified(b)];
  return aWritten === bWritten ? compareNames(a.name, b.name) > 0 : aWritten > bWritten;
}

/** What cannot be looked at is put last; if it is the only one, opening it says why. */
async function modifiedMs({ path }: Candidate): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return Number.NEGATIVE_INFINITY;
  }
}

/**
 * The first file after the last one done. Deltas are ordered by date in the name, then by name, never by modification time:
 * a copy or a restore must not change their order.
 */
export function nextDelta(
  candidates: readonly Candidate[],
  lastDone: string | null,
  timeZone: string,
): Candidate | null {
  const last = lastDone === null ? null : { name: lastDone, moment: momentInName(lastDone, timeZone) };
  const sorted = candidates.toSorted(inSeries);
  return sorted.find((candidate) => last === null || inSeries(candidate, last) > 0) ?? null;
}

/** The others: up to the last one done, in their order. */
export function passedDeltas(
  candidates: readonly Candidate[],
  lastDone: string | null,
  timeZone: string,
): readonly string[] {
  if (lastDone === null) return [];
  const last = { name: lastDone, moment: momentInName(lastDone, timeZone) };
  return candidates
    .filter((candidate) => inSeries(candidate, last) <= 0)
    .toSorted(inSeries)
    .map(({ name }) => name);
}

type Named = Pick<Candidate, 'name' | 'moment'>;
const inSeries = (a: Named, b: Named): number =>
  (a.moment?.ms ?? 0) - (b.moment?.ms ?? 0) || compareNames(a.name, b.name);

/** Opens a regular file for reading; never waits for a writer of a FIFO. @throws Problem for anything else. */
export async function openRegular(path: string): Promise<{ readonly handle: FileHandle; readonly stats: Stats }> {
  const name = basename(path);
  const place = { file: name };
  try {
    // Looked at before it is opened: opening a device or FIFO can have an effect of its own.
    if (!(await stat(path)).isFile()) throw notAFile(name);
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    throw notAFile(name);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem({
      code: 'feed.unreadable',
      message: `The file cannot be opened (${codeOf(cause)}).`,
      hint: 'check that it is no broken link and that this user may read it',
      place,
    });
  }
}

const notAFile = (name: string): Problem =>
  new Problem({
    code: 'feed.not-a-file',
    message: 'This is not a regular file.',
    hint: 'narrow the path so that only files of the feed match',
    place: { file: name },
  });

function codeOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  throw cause;
}
