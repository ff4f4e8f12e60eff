// What a file's name tells: the moment it speaks of, its place in a series, and whether it is still being written.
import { Temporal } from 'temporal-polyfill';

// 2026-01-05, 20260105, 2026_01_05, each alone or followed by a time: T093000, _09-30-00, -0930, and Z for UTC.
const DATE = /(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)/g;
const TIME = /^[T_ .-]?([01]\d|2[0-3])[-:_.h]?([0-5]\d)(?:[-:_.m]?([0-5]\d)(?:[.,]\d{3,9})?)?(Z?)(?!\d)/;

export interface NamedMoment {
  /** Milliseconds since 1970: the start of the day, or the exact time. */
  readonly ms: number;
  readonly hasTime: boolean;
}

/** The first real date in a file's name, in this zone unless the name says UTC; null when there is none. */
export function momentInName(name: string, timeZone: string): NamedMoment | null {
  for (const found of name.matchAll(DATE)) {
    const [whole, year, , month, day] = found;
    const date = realDay(`${year}-${month}-${day}`);
    if (date === null) continue;
    const rest = name.slice(found.index + whole.length);
    const time = TIME.exec(rest);
    if (time === null) {
      if (/^\d/.test(rest)) continue; // More digits that are no time: a number, not a day.
      return { ms: date.toZonedDateTime({ timeZone }).startOfDay().epochMilliseconds, hasTime: false };
    }
    const plainTime = Temporal.PlainTime.from({
      hour: Number(time[1]),
      minute: Number(time[2]),
      second: Number(time[3] ?? 0),
    });
    const zone = time[4] === 'Z' ? 'UTC' : timeZone;
    return { ms: date.toZonedDateTime({ timeZone: zone, plainTime }).epochMilliseconds, hasTime: true };
  }
  return null;
}

function realDay(text: string): Temporal.PlainDate | null {
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' });
  } catch {
    return null;
  }
}

const UNFINISHED = /\.(?:tmp|temp|filepart|part|partial|crdownload)$/i;

/** Names that upload programs give to what they have not finished, and hidden files. */
export const isUnfinishedName = (name: string): boolean => name.startsWith('.') || UNFINISHED.test(name);

const collator = new Intl.Collator('en', { numeric: true });

/** `part-2` before `part-10`; a total order, so that equal-looking names never swap. */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
