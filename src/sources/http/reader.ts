// What every look of one source works with: how it asks, from where, and by which requests its rows are read.
import type { Instant } from '../../base/instant.ts';
import { canonicalJson } from '../../base/json.ts';
import type { HttpSourceSettings } from '../../mapping/source-settings.ts';
import { sha256 } from '../../runtime/hash.ts';
import { ByteBudget } from './answer-bytes.ts';
import type { Asking } from './asking.ts';
import { RowSpool } from './row-spool.ts';
import type { LookParts } from './whole-answers.ts';

export interface ReaderOptions extends HttpSourceSettings {
  /** Of the connection. */
  readonly name: string;
  /** IANA zone of `{today}`. */
  readonly timeZone: string;
  /** Rows lie here while they are read. */
  readonly stateDir: string;
  /** Up to when changes have been taken in; null before the first whole list. */
  readonly watermark: () => string | null;
}

export interface Reader {
  readonly options: ReaderOptions;
  /** All that decides what a row means: with other requests the same row may mean something else. */
  readonly format: string;
  readonly partsAt: (now: Instant) => LookParts & { readonly origin: string };
  /** For people: which system said what, and when. */
  readonly nameAt: (what: string, now: Instant) => string;
  /** Runs `fill` with a new spool, which is closed again where it throws or gives nothing. */
  readonly spooled: <T>(fill: (spool: RowSpool) => Promise<T | null>) => Promise<T | null>;
}

export function readerOf(
  options: ReaderOptions,
  address: URL,
  asking: Asking,
  today: (now: Instant) => string,
): Reader {
  const {
    list,
    one,
    joins,
    omit,
    keep,
    firstOf,
    dates,
    flatten,
    explode,
    values,
    id,
    changes,
    limits,
    preset,
    stateDir,
  } = options;
  const records = changes?.records === true ? changes : null;
  return {
    options,
    format: `http ${sha256(canonicalJson({ list, one, joins, omit, keep, firstOf, dates, flatten, explode, values, id, records }))}`,
    partsAt: (now) => ({
      asking,
      base: address.pathname,
      origin: address.origin,
      budget: new ByteBudget(limits.megabytes),
      values: { today: today(now) },
    }),
    nameAt: (what, now) => `${preset} ${what} ${now}`,
    spooled: async (fill) => {
      const spool = await RowSpool.open(stateDir);
      let kept = false;
      try {
        const result = await fill(spool);
        kept = result !== null;
        return result;
      } finally {
        if (!kept) await spool[Symbol.asyncDispose]();
      }
    },
  };
}
