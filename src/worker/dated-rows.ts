// Several dated rows under one key are one employment: how rows become one, and which of them counts at a moment.
import { type CalendarDate, plusDays, startOfDay } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { Employment, LaterRow, RowFacts } from './worker.ts';

/** The days on which a row counts; `to` is its last day, null where it is open. */
export interface Period {
  readonly from: CalendarDate;
  readonly to: CalendarDate | null;
}

export interface DatedRow {
  readonly employment: Employment;
  readonly period: Period;
}

/** More rows under one key than any history has: a constant in the key column. */
export const ROWS_OF_ONE_KEY_MAX = 500;

export type Joined =
  | { readonly employment: Employment }
  /** `between`: positions of two rows that cannot both be true. */
  | { readonly reason: string; readonly between: readonly [number, number] | null };

/**
 * One employment out of the rows of one key, which differ. The row in force at `now` is what it says today, those to come are
 * kept with their days, those that are over are dropped.
 *
 * - Two rows that both claim a day are refused.
 * - A gap is nobody's word: the row before it counts until the next one begins, and the first row also before it begins. What
 *   ends a term is `endDate` or the status, never the end of a row alone.
 * - A row's `endDate` that is only the row's own last day, with the next row on the day after, ends nothing.
 * - A row that says terminated without a last day ends the term on the day before its own first.
 * - A row's start date that is only the row's own first day starts nothing while the term of the row before goes on.
 * - A row after the end of a term begins a new term, on its own first day where it repeats the old start date.
 */
export function joined(rows: readonly DatedRow[], now: Instant): Joined {
  if (rows.length > ROWS_OF_ONE_KEY_MAX) {
    return { reason: `more than ${ROWS_OF_ONE_KEY_MAX} dated rows share this key`, between: null };
  }
  const order = rows.map((_, index) => index).sort((a, b) => (from(rows, a) < from(rows, b) ? -1 : 1));
  for (const [place, index] of order.entries()) {
    const next = order[place + 1];
    if (next === undefined) continue;
    const to = rows[index]?.period.to ?? null;
    // An open row ends where the next one begins: many systems write the new row and leave the old one open.
    const overlaps = from(rows, next) === from(rows, index) || (to !== null && to >= from(rows, next));
    if (overlaps) {
      return { reason: `two rows of this key both count on ${from(rows, next)}`, between: [index, next] };
    }
  }
  const sorted = order.flatMap((index) => rows[index] ?? []);
  const terms: DatedRow[] = [];
  for (const [place, row] of sorted.entries()) {
    terms.push(inSequence(withoutRowEnd(row, sorted[place + 1]), terms[place - 1]));
  }
  const inForce = Math.max(
    0,
    terms.findLastIndex(({ employment, period }) => startOfDay(period.from, employment.timeZone) <= now),
  );
  const base = terms[inForce]?.employment;
  if (base === undefined) return { reason: 'no row has this key', between: null };
  const later: readonly LaterRow[] = terms
    .slice(inForce + 1)
    .map(({ employment, period }) => ({ facts: factsOf(employment), from: period.from }));
  const asOf = terms.reduce((max, { employment }) => (employment.asOf > max ? employment.asOf : max), base.asOf);
  return { employment: withLater({ ...base, asOf }, later) };
}

const from = (rows: readonly DatedRow[], index: number): CalendarDate => rows[index]?.period.from as CalendarDate;

function withoutRowEnd(row: DatedRow, next: DatedRow | undefined): DatedRow {
  const { employment, period } = row;
  const follows = next !== undefined && period.to !== null && plusDays(period.to, 1) === next.period.from;
  if (!follows || employment.status === 'terminated' || employment.endDate !== period.to) return row;
  return { period, employment: { ...employment, endDate: null } };
}

/** What a row leaves to be read out of its own first day. */
function inSequence(row: DatedRow, before: DatedRow | undefined): DatedRow {
  const { employment, period } = row;
  if (before === undefined) return row;
  if (employment.status === 'terminated') {
    if (employment.endDate !== null || before.employment.status === 'terminated') return row;
    return { period, employment: { ...employment, endDate: plusDays(period.from, -1) } };
  }
  const { status, endDate } = before.employment;
  const lastDay = status === 'terminated' ? (endDate ?? before.period.from) : endDate;
  // A row that says terminated ends the term however soon the next one follows.
  const over = status === 'terminated' || (lastDay !== null && lastDay < period.from);
  if (over) {
    const old = employment.startDate === null || (lastDay !== null && employment.startDate <= lastDay);
    return old ? { period, employment: { ...employment, startDate: period.from } } : row;
  }
  if (employment.startDate !== period.from) return row;
  return { period, employment: { ...employment, startDate: before.employment.startDate } };
}

/** Members in the order of canonical JSON. */
function factsOf(employment: RowFacts): RowFacts {
  const { attributes, endDate, endsNow, inScope, managerId, startDate, status, timeZone } = employment;
  return { attributes, endDate, endsNow, inScope, managerId, startDate, status, timeZone };
}

/** Members in the order of canonical JSON; nothing where nothing follows. */
function withLater(employment: Employment, later: readonly LaterRow[]): Employment {
  const { absent, asOf, given, id, personId, seenAgain } = employment;
  const { attributes, endDate, endsNow, inScope, managerId, startDate, status, timeZone } = employment;
  return {
    ...(absent === undefined ? {} : { absent }),
    asOf,
    attributes,
    endDate,
    endsNow,
    ...(given === undefined ? {} : { given }),
    id,
    inScope,
    ...(later.length === 0 ? {} : { later }),
    managerId,
    personId,
    ...(seenAgain === undefined ? {} : { seenAgain }),
    startDate,
    status,
    timeZone,
  };
}

const beginsAt = ({ facts, from }: LaterRow): Instant => startOfDay(from, facts.timeZone);

/** The row that counts at this moment, as an employment without later rows. */
export function inForceAt(employment: Employment, now: Instant): Employment {
  const { later } = employment;
  if (later === undefined) return employment;
  const row = later.findLast((one) => beginsAt(one) <= now);
  return withLater(row === undefined ? employment : { ...employment, ...row.facts }, []);
}

/**
 * What an employment says at this moment: the row in force, and besides it a term that HR has announced for after its last day.
 * A row to come that says terminated is this one's last day already now: the dates count when they are first seen.
 */
export function termsAt(employment: Employment, now: Instant): readonly Employment[] {
  const { later } = employment;
  if (later === undefined) return [employment];
  const current = inForceAt(employment, now);
  const [next, ...rest] = later.filter((row) => beginsAt(row) > now);
  if (next === undefined) return [current];
  if (next.facts.status === 'terminated' && current.status !== 'terminated') {
    const lastDay = next.facts.endDate;
    const endDate =
      current.endDate === null || (lastDay !== null && lastDay < current.endDate) ? lastDay : current.endDate;
    // On a leave of absence the word stays: it says more than the termination that is to come.
    const status = current.status === 'active' ? 'terminated' : current.status;
    const after = endDate === null ? undefined : rest.find((row) => isNewTerm(row, endDate));
    return [{ ...current, endDate, status }, ...announced(employment, after)];
  }
  const { endDate } = current;
  if (endDate === null) return [current];
  return [
    current,
    ...announced(
      employment,
      [next, ...rest].find((row) => isNewTerm(row, endDate)),
    ),
  ];
}

/** A row that starts a term of its own, not only other facts of the one before. */
const isNewTerm = ({ facts, from }: LaterRow, lastDay: CalendarDate): boolean =>
  facts.status !== 'terminated' && facts.startDate !== null && facts.startDate > lastDay && facts.startDate >= from;

const announced = (employment: Employment, row: LaterRow | undefined): readonly Employment[] =>
  row === undefined ? [] : [withLater({ ...employment, ...row.facts }, [])];

/** The next moment at which another row comes into force; null when none will. */
export function nextRowAt({ later }: Employment, now: Instant): Instant | null {
  for (const row of later ?? []) {
    const at = beginsAt(row);
    if (at > now) return at;
  }
  return null;
}
