// HR exports dropped into a folder. Looks for the file to judge now, leaves alone what is not finished, and opens the rest.
import { basename } from 'node:path';
import { assert } from '../../base/assert.ts';
import { HOUR_MS, type Instant, instantOfMs, msOf } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import type { Delivery, Look, Source } from '../source.ts';
import { type Candidate, candidatesOf, newestOf, nextDelta, openRegular, splitPattern } from './candidates.ts';
import { contentDigestOf } from './content-digest.ts';
import { COLUMNS_MAX } from './csv-row.ts';
import { SEPARATOR_BYTES_MAX } from './csv-splitter.ts';
import { type FeedShape, type ShapeSettings, shapeOf } from './feed-shape.ts';
import { byMarker, isCompanion, promisedDigest, Stillness } from './readiness.ts';
import { changedFeed, readRows } from './rows.ts';
import { type CompleteSettings, type ScanResult, scanFile } from './scan.ts';
import { CHUNK_BYTES, type OpenFile } from './walk.ts';
import { watchFolder } from './watch.ts';

export interface FileSourceSettings extends ShapeSettings {
  /** Glob, absolute or relative to `baseDir`. */
  readonly path: string;
  readonly baseDir: string;
  readonly complete: CompleteSettings;
  /** IANA zone of dates in file names. */
  readonly timeZone: string;
  /** Without a marker: how long size and times must have stood still. */
  readonly stableMs: number;
  /** False where the feed's files end without a line end. Null and true: a last row without one is taken for cut, unless strong proof says otherwise. */
  readonly finalNewline?: boolean | null;
  /** For deltas: name of the last file that was done; null before the first. */
  readonly lastDelta?: () => string | null;
}

export interface FileSourceDeps {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Bytes read at once; tests read a few at a time. */
  readonly chunkBytes?: number;
}

/** Further ahead than any time zone or clock explains: such a name would outrank every later delivery. */
const AHEAD_MS_MAX = 48 * HOUR_MS;

/** @throws Problem when the settings contradict each other. */
export function fileSource(settings: FileSourceSettings, deps: FileSourceDeps): Source {
  checkSettings(settings);
  const { dir, rest } = splitPattern(settings.path, settings.baseDir);
  const stillness = new Stillness();
  const { marker } = settings.complete;

  async function pick(): Promise<Candidate | null> {
    const candidates = await candidatesOf(dir, rest, settings.timeZone, (name) => isCompanion(name, marker));
    if (settings.content === 'snapshot') return newestOf(candidates);
    return nextDelta(candidates, settings.lastDelta?.() ?? null, settings.timeZone);
  }

  async function look(now: Instant, signal: AbortSignal): Promise<Look> {
    const candidate = await pick();
    if (candidate === null) return { kind: 'nothing', reason: `no new file matches ${rest}` };
    const { handle, stats } = await openRegular(candidate.path);
    let kept = false;
    try {
      const ready =
        marker === undefined
          ? stillness.look(candidate.path, stats, deps.now(), settings.stableMs)
          : await byMarker(candidate.path, stats, marker);
      if (!ready.ready) return { kind: 'notYet', reason: ready.reason, retryAfterMs: ready.retryAfterMs };
      const asOf = asOfOf(candidate, now);
      const file = { handle, name: candidate.name, size: stats.size, chunkBytes: deps.chunkBytes ?? CHUNK_BYTES };
      const shape = await shapeOf(file, settings, signal);
      const id = `${candidate.name} ${stats.size} ${stats.mtimeMs}`;
      const delivery = deliveryOf({
        file,
        path: candidate.path,
        mtimeMs: stats.mtimeMs,
        proof: ready.proof,
        settings,
        shape,
        id,
        asOf,
      });
      kept = true;
      return { kind: 'delivery', delivery };
    } finally {
      if (!kept) await handle.close();
    }
  }

  return {
    look,
    watch: (changed, signal) => watchFolder(dir, rest.includes('/'), deps.wait, changed, signal),
  };
}

interface Opened {
  readonly file: OpenFile;
  readonly path: string;
  readonly mtimeMs: number;
  readonly proof: string;
  readonly settings: FileSourceSettings;
  readonly shape: FeedShape;
  readonly id: string;
  readonly asOf: Instant;
}

function deliveryOf({ file, path, mtimeMs, proof, settings, shape, id, asOf }: Opened): Delivery {
  let scanned: ScanResult | null = null;
  let closed = false;
  const unchanged = async (): Promise<void> => {
    const stats = await file.handle.stat();
    if (stats.size !== file.size || stats.mtimeMs !== mtimeMs) throw changedFeed(file.name);
  };
  return {
    id,
    name: basename(path),
    asOf,
    content: settings.content,
    columns: shape.columns,
    format: shape.format,
    contentDigest: (signal) => contentDigestOf(file, signal),
    scan: async (known, signal) => {
      const ready = { proof, promisedDigest: await promisedDigest(path) };
      scanned = await scanFile(
        file,
        shape,
        { ...settings, finalNewline: settings.finalNewline !== false },
        ready,
        known,
        signal,
      );
      await unchanged();
      return scanned.scan;
    },
    read: (alsoKnown, signal) => {
      assert(scanned !== null, 'a delivery is read before it was scanned');
      return readRows(file, shape, scanned, alsoKnown, signal);
    },
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      await file.handle.close();
    },
  };
}

/** Never after the moment the read began: a name that is ahead of the clock must not outrank what comes next. */
function asOfOf({ moment, name }: Candidate, now: Instant): Instant {
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

function checkSettings({ format, quote, separator, complete }: FileSourceSettings): void {
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
