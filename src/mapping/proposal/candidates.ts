// Which column plays which part: the words of the header propose, the values decide.
import { isTimeZone } from '../../base/calendar-date.ts';
import { type Language, type NameFit, nameFits, type Role } from './column-words.ts';
import type { SampleColumn } from './sample-columns.ts';
import { meaningOf, truthOf } from './status-words.ts';

export interface Candidate {
  readonly column: SampleColumn;
  readonly language: Language;
  /** How well the header's words fit. */
  readonly strength: NameFit['strength'];
  /** With what the values say. */
  readonly score: number;
}

export type Cast = ReadonlyMap<Role, readonly Candidate[]>;

const MAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
/** A status has few words; more are names. */
export const STATUS_WORDS_MAX = 40;
/** Words of which none is known may be a company's own; many of them are somebody's remarks. */
const UNKNOWN_WORDS_MAX = 10;
/** What the values say counts as much as one step of the header's words. */
const SHARE_WEIGHT = 2;

const DATE_ROLES: ReadonlySet<Role> = new Set([
  'startDate',
  'firstStart',
  'endDate',
  'lastDay',
  'contractEnd',
  'rowFrom',
  'rowTo',
]);
const NO_DATES: ReadonlySet<Role> = new Set([
  'id',
  'personId',
  'status',
  'givenName',
  'preferredName',
  'middleName',
  'familyName',
  'fullName',
  'mail',
  'managerId',
  'department',
  'title',
  'location',
  'country',
  'timeZone',
  'company',
  'division',
  'type',
]);

/** Every part with the columns that may play it, best first. A column may stand under several parts. */
export function castOf(columns: readonly SampleColumn[]): Cast {
  const cast = new Map<Role, Candidate[]>();
  for (const column of columns) {
    for (const fit of nameFits(column.path)) {
      const score = scoreOf(column, fit);
      if (score === null) continue;
      const { language, strength } = fit;
      cast.set(fit.role, [...(cast.get(fit.role) ?? []), { column, language, strength, score }]);
    }
  }
  for (const [role, candidates] of cast)
    cast.set(
      role,
      candidates.toSorted((a, b) => b.score - a.score),
    );
  return cast;
}

/** The language in which most columns are named. */
export function languageOf(cast: Cast): Language {
  const counts = new Map<Language, number>();
  for (const [first] of cast.values()) {
    if (first !== undefined) counts.set(first.language, (counts.get(first.language) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 'en';
}

/** Null where the values speak against the part. */
function scoreOf(column: SampleColumn, { role, strength }: NameFit): number | null {
  const { filled, distinct, dates, unreadable, values } = column;
  const share = values.length === 0 ? 0 : filled / values.length;
  if (DATE_ROLES.has(role)) {
    if (filled > 0 && dates === null && unreadable === null) return null;
    return strength + (role === 'startDate' ? share : 0) + (dates === null ? 0 : SHARE_WEIGHT);
  }
  if (NO_DATES.has(role) && dates !== null && dates.form !== 'yyyyMMdd') return null;
  const words = [...distinct];
  const all = (fits: (word: string) => boolean) => words.length > 0 && words.every(fits);
  const most = (fits: (word: string) => boolean) => (words.length === 0 ? 0 : words.filter(fits).length / words.length);
  switch (role) {
    case 'id':
    case 'personId':
      if (filled === 0) return null;
      return strength + share + SHARE_WEIGHT * (distinct.size / filled);
    case 'status': {
      if (words.length === 0 || words.length > STATUS_WORDS_MAX) return null;
      const known = most((word) => meaningOf(word) !== null || truthOf(word) !== null);
      // "Married" and "California" are known to nobody.
      return known === 0 && (strength < 3 || words.length > UNKNOWN_WORDS_MAX)
        ? null
        : strength + share + SHARE_WEIGHT * known;
    }
    case 'activeFlag':
    case 'leftFlag':
    case 'leaveFlag':
      return all((word) => truthOf(word) !== null) ? strength + share : null;
    case 'mail':
      return filled > 0 && most((word) => MAIL.test(word.trim())) < 0.8 ? null : strength + share;
    case 'timeZone':
      return all((word) => isTimeZone(word.trim())) ? strength + share : null;
    case 'managerId':
    case 'department':
      return words.length > 0 && most((word) => MAIL.test(word.trim())) > 0.5 ? null : strength + share;
    case 'title':
      return all((word) => HONORIFIC.test(word.trim())) ? null : strength + share;
    default:
      return strength + share;
  }
}

const HONORIFIC = /^(?:mrs?|ms|miss|mx|dr|prof|herr|frau|m|mme|mlle|sra?|srta|don|doña|sir)\.?$/i;

/** What the values alone say, for headers in words that nobody knows. `taken` play a part already. */
export function bySight(
  columns: readonly SampleColumn[],
  taken: ReadonlySet<SampleColumn>,
  role: Role,
): SampleColumn | null {
  const free = columns.filter((column) => !taken.has(column) && column.filled > 0);
  const full = free.filter(({ filled, values }) => filled === values.length);
  switch (role) {
    case 'id':
      return (
        full.find(
          ({ distinct, filled, dates, values }) =>
            distinct.size === filled &&
            dates === null &&
            values.every((value) => /^[\w.-]{1,40}$/.test(value) && /\d/.test(value)),
        ) ?? null
      );
    case 'status':
      return (
        free
          .filter(({ distinct }) => distinct.size <= STATUS_WORDS_MAX)
          .map((column) => ({
            column,
            known: [...column.distinct].filter((word) => /\w{3}/.test(word) && meaningOf(word) !== null).length,
          }))
          .filter(({ column, known }) => known > 0 && known >= column.distinct.size / 2)
          .toSorted((a, b) => b.known - a.known)[0]?.column ?? null
      );
    case 'startDate':
      return only(full.filter(({ dates }) => dates !== null));
    case 'endDate':
      return only(free.filter(({ dates, filled, values }) => dates !== null && filled < values.length));
    case 'mail':
      return only(free.filter(({ distinct }) => [...distinct].every((value) => MAIL.test(value.trim()))));
    default:
      return null;
  }
}

/** Of two that look alike nobody can tell which is meant. */
const only = (columns: readonly SampleColumn[]): SampleColumn | null =>
  columns.length === 1 ? (columns[0] ?? null) : null;

/** Share of the filled values of `column` that are values of `keys`. */
export function overlap(column: SampleColumn, keys: SampleColumn): number {
  const words = [...column.distinct];
  return words.length === 0 ? 0 : words.filter((word) => keys.distinct.has(word)).length / words.length;
}
