// HR exports dropped into a folder. Looks for the file to judge now, leaves alone what is not finished, and opens the rest.
import { basename, dirname, posix } from 'node:path';
import { HOUR_MS, type Instant, instantOfMs, msOf } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import type { Look, Source } from '../source.ts';
import { archive, localMover } from './archive.ts';
import {
  type Candidate,
  candidatesOf,
  newestOf,
  nextDelta,
  olderThan,
  openRegular,
  passedDeltas,
  splitPattern,
} from './candidates.ts';
import { keepsPromises, promisedChecksums } from './checksum.ts';
import { COLUMNS_MAX } from './csv-row.ts';
import { SEPARATOR_BYTES_MAX } from './csv-splitter.ts';
import { SharedCopy } from './local-copy.ts';
import { openDelivery, type ReadSettings } from './open-delivery.ts';
import type { PgpKeys } from './pgp.ts';
import { byMarker, isCompanion, Stillness } from './readiness.ts';
import { changedFeed } from './rows.ts';
import { localShelf, type Seen, seenOf } from './shelf.ts';
import { type Unwrapped, unwrapped } from './unwrap.ts';
import { CHUNK_BYTES, type OpenFile } from './walk.ts';
import { watchFolder } from './watch.ts';

/** What every place where files lie needs to know. */
export interface DropSettings extends ReadSettings {
  /** IANA zone of dates in file names. */
  readonly timeZone: string;
  /** Without a marker: how long size and times must have stood still. */
  readonly stableMs: number;
  /** Folder, relative to a file's own, into which it is moved when it is done with; null leaves it where it is. */
  readonly archive?: string | null;
  readonly pgp?: PgpKeys | null;
  /** For deltas: name of the last file that was done; null before the first. */
  readonly lastDelta?: () => string | null;
}

export interface FileSourceSettings extends DropSettings {
  /** Glob, absolute or relative to `baseDir`. */
  readonly path: string;
  readonly baseDir: string;
}

export interface FileSourceDeps {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Where copies of what is wrapped lie; the feed's own folder without it. */
  readonly stateDir?: string;
  /** Bytes read at once; tests read a few at a time. */
  readonly chunkBytes?: number;
}

/** Further ahead than any time zone or clock explains: such a name would outrank every later delivery. */
const AHEAD_MS_MAX = 48 * HOUR_MS;

/** The last file that had to be taken out of its wrapping: looking at it again costs nothing. */
interface Kept {
  readonly mark: string;
  readonly file: OpenFile;
  readonly proofs: readonly string[];
}

/** @throws Problem when the settings contradict each other. */
export function fileSource(settings: FileSourceSettings, deps: FileSourceDeps): Source {
  checkSettings(settings);
  const { dir, rest } = splitPattern(settings.path, settings.baseDir);
  const stillness = new Stillness();
  const { marker } = settings.complete;
  const unwrapping = { pgp: settings.pgp ?? null, stateDir: deps.stateDir ?? dir, now: deps.now };
  let kept: SharedCopy<Kept> | null = null;

  const candidates = async (): Promise<readonly Candidate[]> => {
    const found = await candidatesOf(dir, rest, settings.timeZone, (name) => isCompanion(name, marker));
    const { archive: folder } = settings;
    // Wildcards in folders may reach into the archive.
    if (folder === undefined || folder === null || !rest.includes('/')) return found;
    const last = posix.basename(posix.normalize(folder));
    return found.filter(({ path }) => basename(dirname(path)) !== last);
  };

  async function pick(): Promise<Candidate | null> {
    const found = await candidates();
    if (settings.content === 'snapshot') return newestOf(found);
    return nextDelta(found, settings.lastDelta?.() ?? null, settings.timeZone);
  }

  async function look(now: Instant, signal: AbortSignal): Promise<Look> {
    const candidate = await pick();
    if (candidate === null) return { kind: 'nothing', reason: `no new file matches ${rest}` };
    const { handle, stats } = await openRegular(candidate.path);
    let open: (() => Promise<void>) | null = () => handle.close();
    try {
      const seen = seenOf(stats);
      const ready =
        marker === undefined
          ? stillness.look(candidate.path, seen, deps.now(), settings.stableMs)
          : await byMarker(candidate.path, seen, marker, localShelf);
      if (!ready.ready) return { kind: 'notYet', reason: ready.reason, retryAfterMs: ready.retryAfterMs };
      const asOf = asOfOf(candidate, now);
      const id = deliveryId(candidate.name, seen);
      const doneBefore = settings.lastDelta?.() ?? null;
      const raw = { handle, name: candidate.name, size: stats.size, chunkBytes: deps.chunkBytes ?? CHUNK_BYTES };
      const promised = await promisedChecksums(candidate.path, localShelf);
      const copy = await unwrappedOnce(raw, seen, signal);
      if (copy !== null) open = () => Promise.all([handle.close(), copy.release()]).then(() => undefined);
      const close = open;
      const delivery = await openDelivery(
        {
          file: copy?.content.file ?? raw,
          settings,
          id,
          asOf,
          ...writtenAtOf(candidate, seen),
          readyProof: ready.proof,
          proofs: copy === null ? [] : [...copy.content.proofs, ...(await keepsPromises(raw, promised, signal))],
          promised: copy === null ? promised : [],
          unchanged: async () => {
            if (deliveryId(candidate.name, await handle.stat()) !== id) throw changedFeed(candidate.name);
          },
          close,
          ...(settings.archive === undefined || settings.archive === null
            ? {}
            : { accepted: () => moveAway(candidate, seen, doneBefore) }),
        },
        signal,
      );
      open = null;
      return { kind: 'delivery', delivery };
    } finally {
      await open?.();
    }
  }

  /** Null where the file is not wrapped. */
  async function unwrappedOnce(raw: OpenFile, seen: Seen, signal: AbortSignal): Promise<SharedCopy<Kept> | null> {
    if (kept !== null && kept.content.mark === seen.mark) return kept.use();
    const out: Unwrapped = await unwrapped(raw, unwrapping, signal);
    const { copy } = out;
    if (copy === null) return null;
    const fresh = new SharedCopy({ mark: seen.mark, file: out.file, proofs: out.proofs }, () => copy.close());
    await kept?.release();
    kept = fresh;
    return fresh.use();
  }

  /** Older snapshots first: they would be the newest without this one. Of deltas, what a crash left behind goes along. */
  async function moveAway(candidate: Candidate, seen: Seen, doneBefore: string | null): Promise<void> {
    const found = await candidates();
    const older =
      settings.content === 'snapshot'
        ? await olderThan(candidate, found)
        : found.filter(({ name }) => name === doneBefore && name !== candidate.name);
    const now = await localShelf.look(candidate.path);
    // Whatever took its place has not been read.
    const own = now !== null && now.mark === seen.mark ? [candidate] : [];
    const paths = [...older, ...own].map(({ path }) => path);
    await archive(paths, { folder: settings.archive ?? '', marker, stamp: stampOf(deps.now()) }, localMover);
  }

  const passed = async (): Promise<readonly string[]> =>
    passedDeltas(await candidates(), settings.lastDelta?.() ?? null, settings.timeZone);

  return {
    look,
    ...(settings.content === 'delta' ? { passed } : {}),
    watch: (changed, signal) => watchFolder(dir, rest.includes('/'), deps.wait, changed, signal),
    close: async () => {
      await kept?.release();
      kept = null;
    },
  };
}

export const deliveryId = (name: string, { size, mtimeMs }: Pick<Seen, 'size' | 'mtimeMs'>): string =>
  `${name} ${size} ${mtimeMs}`;

/** Where the name claims a date. */
export const writtenAtOf = ({ moment }: Candidate, { mtimeMs }: Seen): { readonly writtenAt?: Instant } =>
  moment === null ? {} : { writtenAt: instantOfMs(mtimeMs) };

/** For a name in the archive that is taken: 20261123T110000Z. */
export const stampOf = (nowMs: number): string => instantOfMs(nowMs).replace(/[-:]|\.\d+/g, '');

/** Never after the moment the read began: a name that is ahead of the clock must not outrank what comes next. */
export function asOfOf({ moment, name }: Candidate, now: Instant): Instant {
  if (moment === null) return now;
  const ahead = moment.ms - msOf(now);
  if (ahead > AHEAD_MS_MAX) {
    throw new Problem({
      code: 'feed.future-name',
      message: 'The date in the name of the file lies more than two days ahead.',
      hint: 'rename the file; until then it stands before every other',
      place: { file: name },
    });
  }
  return instantOfMs(Math.min(moment.ms, msOf(now)));
}

export function checkSettings({ format, quote, separator, complete }: ReadSettings): void {
  const wrong = (message: string, key: string): never => {
    throw new Problem({ code: 'source.settings', message, place: { key } });
  };
  if (quote.length > 1 || quote > '~' || quote === '\n' || quote === '\r')
    wrong('The quote must be one ASCII character or empty.', 'source.quote');
  if (separator !== null) {
    const bytes = Buffer.byteLength(separator);
    if (bytes === 0 || bytes > SEPARATOR_BYTES_MAX)
      wrong(`The separator must have 1 to ${SEPARATOR_BYTES_MAX} bytes.`, 'source.separator');
    if (/[\r\n]/.test(separator) || (quote !== '' && separator.includes(quote))) {
      wrong('The separator must hold neither line ends nor the quote.', 'source.separator');
    }
  }
  const { trailer } = complete;
  if (trailer === undefined) return;
  if (format !== 'csv') wrong('Only csv feeds have trailers.', 'source.complete.trailer');
  if (trailer.pattern === '') wrong('The trailer must begin with something.', 'source.complete.trailer.pattern');
  if (!Number.isInteger(trailer.countField) || trailer.countField < 1 || trailer.countField > COLUMNS_MAX) {
    wrong('The field of the count is a number from 1.', 'source.complete.trailer.countField');
  }
}
