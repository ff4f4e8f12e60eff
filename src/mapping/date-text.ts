// Days and moments as HR writes them. A day is what is written, not what it is in some other zone; nothing is guessed.
import { type CalendarDate, startOfDay } from '../base/calendar-date.ts';
import { type Instant, instantOf } from '../base/instant.ts';

/** A day; '' for "none" or "open"; null when the text is no such day. */
export type WrittenDay = CalendarDate | '' | null;
export type DayReader = (text: string) => WrittenDay;

/** Years outside are slips of the keyboard: `0203` for `2023` has been seen in real feeds. */
const YEAR_MIN = 1900;
const YEAR_MAX = 2100;

/** How HR systems write "no date" and "open end". */
const OPEN = new Set(['0000-00-00', '9999-12-31', '9999-01-01', '2999-12-31']);

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const LONG_MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

interface Token {
  readonly pattern: string;
  readonly part: 'year' | 'month' | 'monthName' | 'day' | 'hour' | 'minute' | 'second' | 'fraction' | 'half' | 'zone';
}
const TOKENS: Readonly<Record<string, Token>> = {
  yyyy: { pattern: '(?<year>\\d{4})', part: 'year' },
  MMMM: { pattern: `(?<monthName>${LONG_MONTHS.join('|')})`, part: 'monthName' },
  MMM: { pattern: `(?<monthName>${MONTHS.join('|')})`, part: 'monthName' },
  MM: { pattern: '(?<month>\\d{2})', part: 'month' },
  M: { pattern: '(?<month>\\d{1,2})', part: 'month' },
  dd: { pattern: '(?<day>\\d{2})', part: 'day' },
  d: { pattern: '(?<day>\\d{1,2})', part: 'day' },
  HH: { pattern: '(?<hh>\\d{2})', part: 'hour' },
  H: { pattern: '(?<hh>\\d{1,2})', part: 'hour' },
  hh: { pattern: '(?<hh>\\d{2})', part: 'hour' },
  h: { pattern: '(?<hh>\\d{1,2})', part: 'hour' },
  mm: { pattern: '(?<mi>\\d{2})', part: 'minute' },
  ss: { pattern: '(?<ss>\\d{2})', part: 'second' },
  SSS: { pattern: '(?<fr>\\d{3})', part: 'fraction' },
  a: { pattern: '(?<ap>[ap]m)', part: 'half' },
  XXX: { pattern: '(?<zone>z|[+-]\\d{2}:\\d{2})', part: 'zone' },
};

/**
 * What may follow the day although the format does not speak of it: a time of day and a zone. The day stays as written,
 * except for a time other than midnight in UTC, which is somebody's midnight: which day is meant cannot be told.
 */
const TAIL =
  '(?:[t ](?<hh>\\d{1,2}):(?<mi>\\d{2})(?::(?<ss>\\d{2})(?:[.,](?<fr>\\d{1,9}))?)?(?: ?(?<ap>[ap]m))?)?(?: ?(?<zone>z|utc|[+-]\\d{2}:?\\d{2}))?';

/** Longest text that is looked at. */
const DATE_TEXT_MAX = 64;

/** Reads texts of this form (`MM/dd/yyyy`, `d.M.yyyy`, `yyyyMMdd`, `dd MMM yyyy HH:mm`), or says what is wrong with the form. */
export function dayReader(format: string): { readonly reader: DayReader } | { readonly problem: string } {
  const built = patternOf(format);
  if ('problem' in built) return built;
  const pattern = new RegExp(`^${built.pattern}${built.hasTime ? '' : TAIL}$`, 'i');
  return { reader: remembering((text) => writtenDay(text.trim(), pattern)) };
}

/** A workforce has a few thousand different days, each of them many times. */
const DAYS_KNOWN_MAX = 10_000;

function remembering(read: DayReader): DayReader {
  const known = new Map<string, WrittenDay>();
  return (text) => {
    let day = known.get(text);
    if (day === undefined) {
      day = read(text);
      if (known.size >= DAYS_KNOWN_MAX) known.clear();
      if (text.length <= DATE_TEXT_MAX) known.set(text, day);
    }
    return day;
  };
}

function patternOf(format: string): { pattern: string; hasTime: boolean } | { problem: string } {
  const parts = new Set<string>();
  let pattern = '';
  for (const [piece] of format.matchAll(/'[^']*'|([A-Za-z])\1*|[^A-Za-z']|'/g)) {
    if (piece.length > 1 && piece.startsWith("'")) {
      pattern += escaped(piece.slice(1, -1));
      continue;
    }
    if (!/[A-Za-z]/.test(piece)) {
      pattern += escaped(piece);
      continue;
    }
    const token = TOKENS[piece];
    if (token === undefined) {
      if (piece === 'T') pattern += 't';
      else return { problem: unknownLetters(piece) };
      continue;
    }
    const part = token.part === 'monthName' ? 'month' : token.part;
    if (parts.has(part)) return { problem: `the form says the ${part} twice` };
    parts.add(part);
    pattern += token.pattern;
  }
  for (const part of ['year', 'month', 'day']) {
    if (!parts.has(part)) return { problem: `the form has no ${part} (yyyy, MM and dd are needed; mm means minutes)` };
  }
  return { pattern, hasTime: parts.size > 3 };
}

function unknownLetters(letters: string): string {
  if (letters === 'yy') return 'two-digit years are ambiguous: the form needs yyyy';
  const lower = letters.toLowerCase();
  if (lower === 'yyyy' || lower === 'dd') return `"${letters}" is not known; did you mean "${lower}"?`;
  return `"${letters}" is not known in a form (yyyy MM M MMM MMMM dd d HH mm ss, other letters in '…')`;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function writtenDay(text: string, pattern: RegExp): WrittenDay {
  if (text === '') return '';
  if (text.length > DATE_TEXT_MAX) return null;
  const groups = pattern.exec(text)?.groups;
  if (groups === undefined) return OPEN.has(text.slice(0, 10)) ? '' : null;
  const month = groups.monthName === undefined ? (groups.month ?? '') : monthNumber(groups.monthName);
  const day = `${groups.year}-${month.padStart(2, '0')}-${(groups.day ?? '').padStart(2, '0')}`;
  if (OPEN.has(day)) return '';
  if (!isDay(Number(groups.year), Number(month), Number(groups.day))) return null;
  return isSomebodysMidnight(groups) ? null : (day as CalendarDate);
}

const monthNumber = (name: string): string => String(MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1);

function isSomebodysMidnight(groups: Readonly<Record<string, string | undefined>>): boolean {
  const zone = groups.zone?.toLowerCase();
  if (zone === undefined || groups.hh === undefined) return false;
  if (zone !== 'z' && zone !== 'utc' && !/^[+-]00:?00$/.test(zone)) return false;
  const hour = (Number(groups.hh) % (groups.ap === undefined ? 24 : 12)) + (groups.ap?.toLowerCase() === 'pm' ? 12 : 0);
  return hour !== 0 || Number(groups.mi) !== 0 || Number(groups.ss ?? 0) !== 0 || Number(groups.fr ?? 0) !== 0;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDay(year: number, month: number, day: number): boolean {
  if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0));
}

const iso = dayReader('yyyy-MM-dd');
/** Reads `YYYY-MM-DD`, with or without a time and zone behind it. */
export const isoDay: DayReader = 'reader' in iso ? iso.reader : () => null;

const MOMENT = /^(\d{4})-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * A moment: ISO date and time with its offset, or a day, which means its start in the connection's zone.
 * '' for a blank text, null for anything else: a time without an offset could be any of forty moments.
 */
export function writtenInstant(text: string, timeZone: string): Instant | '' | null {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  if (trimmed.length > DATE_TEXT_MAX) return null;
  const match = MOMENT.exec(trimmed);
  if (match === null) {
    const day = trimmed.length === 10 ? isoDay(trimmed) : null;
    return day === null || day === '' ? null : startOfDay(day, timeZone);
  }
  if (isoDay(trimmed.slice(0, 10)) === null) return null;
  const offset = (match[2] ?? '').replace(/^([+-]\d{2})(\d{2})$/, '$1:$2').toUpperCase();
  try {
    return instantOf(`${trimmed.slice(0, trimmed.length - (match[2] ?? '').length).replace(' ', 'T')}${offset}`);
  } catch {
    return null;
  }
}
