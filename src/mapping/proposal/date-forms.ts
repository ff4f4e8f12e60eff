// Which form the dates of a column have. Day and month are told apart by what the data proves, never by taste: a day above
// twelve somewhere in the column, or in another column of the same export that is written alike.
import { type DayReader, dayReader } from '../date-text.ts';

export type DayOrder = 'day' | 'month';

/** The dates of one column. */
export interface DateFinding {
  /** As `date(…, form)` takes it. */
  readonly form: string;
  /** Filled values, and those of them that fit the form. */
  readonly filled: number;
  readonly fits: number;
  /** Which comes first; null where the form leaves no choice. */
  readonly order: DayOrder | null;
  /** Values that can only be read with the day first, and only with the month first. */
  readonly dayFirst: number;
  readonly monthFirst: number;
  /** Between day and month; '' where the form leaves no choice. */
  readonly joint: string;
}

/** Dates that cannot be read as they are, with what they look like. */
export interface UnreadableDates {
  readonly looksLike:
    | 'two-digit years'
    | 'day numbers of a spreadsheet'
    | 'milliseconds'
    | 'month names in another language';
}

/** A column is one of dates when at least this share of its filled values is. */
const SHARE_MIN = 0.8;

const YEAR_FIRST = /^\d{4}([-./])\d{1,2}\1\d{1,2}(?!\d)/;
const YEAR_LAST = /^(\d{1,2})([-./ ])(\d{1,2})\2\d{4}(?!\d)/;
const COMPACT = /^\d{8}$/;
const NAMED_AFTER = /^\d{1,2}([-. /]{0,2})[A-Za-z]{3,9}([-. /]{0,2})\d{4}/;
const NAMED_BEFORE = /^[A-Za-z]{3,9} \d{1,2}(,?) \d{4}/;

const SHORT_YEAR = /^\d{1,2}([-./])\d{1,2}\1\d{2}(?!\d)/;
const SERIAL = /^[34]\d{4}(?:\.\d+)?$/;
const MILLISECONDS = /^(?:\/Date\(-?\d+(?:[+-]\d{4})?\)\/|1\d{12})$/;
const FOREIGN_MONTH = /^\d{1,2}\.? (?:de )?[\p{L}.]{3,10} (?:de )?\d{4}$/u;

const readers = new Map<string, DayReader | null>();
function readerOf(form: string): DayReader | null {
  let reader = readers.get(form);
  if (reader === undefined) {
    const built = dayReader(form);
    reader = 'reader' in built ? built.reader : null;
    readers.set(form, reader);
  }
  return reader;
}

/** The best form for these values, all of them filled; null where they are no dates. */
export function dateFinding(values: readonly string[]): DateFinding | null {
  if (values.length === 0) return null;
  const texts = values.map((value) => value.trim());
  let best: DateFinding | null = null;
  for (const { form, order, joint } of candidates(texts)) {
    const read = readerOf(form);
    if (read === null) continue;
    const fits = texts.reduce((count, text) => count + (read(text) === null ? 0 : 1), 0);
    if (best !== null && fits <= best.fits) continue;
    best = { form, order, joint, filled: texts.length, fits, ...orderProof(texts, joint) };
  }
  if (best === null || best.fits < SHARE_MIN * texts.length) return null;
  // What only says "no date" (0000-00-00, 9999-12-31) is read by every form and proves none.
  return texts.some((text) => /^(?!0000|9999|2999)[^\n]*\d/.test(text)) ? best : null;
}

/** The form with the other order, where there is one. */
export function reordered(finding: DateFinding, order: DayOrder): DateFinding {
  if (finding.order === null || finding.order === order) return finding;
  const [first, second, ...rest] = finding.form.split(finding.joint);
  return { ...finding, form: [second, first, ...rest].join(finding.joint), order };
}

/** What dates look like that no form reads; null where they look like none. */
export function unreadableDates(values: readonly string[]): UnreadableDates | null {
  const share = (pattern: RegExp) =>
    values.filter((value) => pattern.test(value.trim())).length >= SHARE_MIN * values.length;
  if (values.length === 0) return null;
  if (share(SHORT_YEAR)) return { looksLike: 'two-digit years' };
  if (share(MILLISECONDS)) return { looksLike: 'milliseconds' };
  if (share(SERIAL)) return { looksLike: 'day numbers of a spreadsheet' };
  return share(FOREIGN_MONTH) ? { looksLike: 'month names in another language' } : null;
}

interface Candidate {
  readonly form: string;
  readonly order: DayOrder | null;
  readonly joint: string;
}

function candidates(texts: readonly string[]): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  const add = (form: string, order: DayOrder | null = null, joint = ''): void => {
    if (!found.has(form)) found.set(form, { form, order, joint });
  };
  const shapes = new Set<string>();
  for (const text of texts) {
    const shape = text.replace(/\d/g, '0').replace(/[A-Za-z]+/g, (word) => (word.length === 3 ? 'Aaa' : 'A'));
    if (shapes.has(shape)) continue;
    shapes.add(shape);
    if (shapes.size > SHAPES_MAX) break;
    const yearFirst = YEAR_FIRST.exec(text);
    if (yearFirst !== null) {
      const joint = yearFirst[1] ?? '-';
      add(`yyyy${joint}MM${joint}dd`);
      add(`yyyy${joint}M${joint}d`);
    }
    const yearLast = YEAR_LAST.exec(text);
    if (yearLast !== null) {
      const joint = yearLast[2] ?? '/';
      // A form with two digits refuses one, so it is tried first: it says more.
      add(`dd${joint}MM${joint}yyyy`, 'day', joint);
      add(`MM${joint}dd${joint}yyyy`, 'month', joint);
      add(`d${joint}M${joint}yyyy`, 'day', joint);
      add(`M${joint}d${joint}yyyy`, 'month', joint);
    }
    if (COMPACT.test(text)) for (const form of ['yyyyMMdd', 'ddMMyyyy', 'MMddyyyy']) add(form);
    const after = NAMED_AFTER.exec(text);
    if (after !== null) {
      for (const month of ['MMM', 'MMMM']) add(`d${after[1] ?? ''}${month}${after[2] ?? ''}yyyy`);
    }
    const before = NAMED_BEFORE.exec(text);
    if (before !== null) for (const month of ['MMM', 'MMMM']) add(`${month} d${before[1] ?? ''} yyyy`);
  }
  return [...found.values()];
}

/** Forms of one column: beyond this it is no column of dates. */
const SHAPES_MAX = 20;

function orderProof(texts: readonly string[], joint: string): { dayFirst: number; monthFirst: number } {
  let dayFirst = 0;
  let monthFirst = 0;
  if (joint === '') return { dayFirst, monthFirst };
  for (const text of texts) {
    const parts = YEAR_LAST.exec(text);
    if (parts === null || parts[2] !== joint) continue;
    const [one, two] = [Number(parts[1]), Number(parts[3])];
    if (one > 12 && two <= 12) dayFirst += 1;
    if (two > 12 && one <= 12) monthFirst += 1;
  }
  return { dayFirst, monthFirst };
}
