import { Temporal } from 'temporal-polyfill';
import { DAY_MS, type Instant, instantOfMs, MINUTE_MS } from './instant.ts';

declare const calendarDateBrand: unique symbol;

/** A day in somebody's calendar, `YYYY-MM-DD`: no time, no zone. Text order is time order. */
export type CalendarDate = string & { readonly [calendarDateBrand]: true };

/** @throws RangeError when the text is no real day. */
export function calendarDate(text: string): CalendarDate {
  return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString() as CalendarDate;
}

/** Length of `YYYY-MM-DD`: years beyond 9999 are written longer. */
const PLAIN_LENGTH = 10;

export function plusDays(date: CalendarDate, days: number): CalendarDate {
  const text = date.length === PLAIN_LENGTH ? instantOfMs(Date.parse(date) + days * DAY_MS) : '';
  if (text.charAt(PLAIN_LENGTH) === 'T') return text.slice(0, PLAIN_LENGTH) as CalendarDate;
  return Temporal.PlainDate.from(date).add({ days }).toString() as CalendarDate;
}

/** Around a month nothing else is looked at: no zone has ever been two days away from UTC. */
const AROUND_MS = 2 * DAY_MS;
const LONGEST_MONTH_MS = 31 * DAY_MS;
/** A thousand years in one zone; the bound only guards against a feed that makes dates up. */
const MONTHS_KNOWN_MAX = 12_000;
/** By zone and month: milliseconds ahead of UTC where they are the same from before the month until after it, else null. */
const offsets = new Map<string, Map<string, number | null>>();
let monthsKnown = 0;

function steadyOffset(date: CalendarDate, timeZone: string): number | null {
  const month = date.slice(0, 7);
  let inZone = offsets.get(timeZone);
  const known = inZone?.get(month);
  if (known !== undefined) return known;
  if (monthsKnown >= MONTHS_KNOWN_MAX) {
    offsets.clear();
    monthsKnown = 0;
    inZone = undefined;
  }
  if (inZone === undefined) {
    inZone = new Map();
    offsets.set(timeZone, inZone);
  }
  const first = Date.parse(`${month}-01T00:00:00Z`);
  const before = Temporal.Instant.fromEpochMilliseconds(first - AROUND_MS).toZonedDateTimeISO(timeZone);
  const after = first + LONGEST_MONTH_MS + AROUND_MS;
  const change = before.getTimeZoneTransition('next');
  const steady = change === null || change.epochMilliseconds > after;
  const offset = steady ? before.offsetNanoseconds / 1e6 : null;
  inZone.set(month, offset);
  monthsKnown += 1;
  return offset;
}

/** A workforce of 300,000 starts on some ten thousand days in a few zones, and each of those days is asked for many times. */
const STARTS_KNOWN_MAX = 50_000;
/** By zone and day. */
const starts = new Map<string, Map<CalendarDate, Instant>>();
let startsKnown = 0;

/** The instant at which this day begins in this IANA zone; where midnight does not exist or exists twice, the earlier instant. */
export function startOfDay(date: CalendarDate, timeZone: string): Instant {
  const known = starts.get(timeZone)?.get(date);
  if (known !== undefined) return known;
  if (startsKnown >= STARTS_KNOWN_MAX) {
    starts.clear();
    startsKnown = 0;
  }
  const start = computedStart(date, timeZone);
  const inZone = starts.get(timeZone);
  if (inZone === undefined) starts.set(timeZone, new Map([[date, start]]));
  else inZone.set(date, start);
  startsKnown += 1;
  return start;
}

function computedStart(date: CalendarDate, timeZone: string): Instant {
  const offset = date.length === PLAIN_LENGTH ? steadyOffset(date, timeZone) : null;
  if (offset !== null) return instantOfMs(Date.parse(date) - offset);
  const start = Temporal.PlainDate.from(date).toZonedDateTime({ timeZone }).startOfDay();
  return instantOfMs(start.epochMilliseconds);
}

/**
 * The instant at which the wall clock of this zone shows so many minutes after midnight; shown twice, it is the first of the two.
 * One that is skipped is for `earlier` what it is by the offset after the jump, an hour too soon as a rule, and for `later` the jump
 * itself: then the clock is past it for the first time.
 */
export function localMoment(
  date: CalendarDate,
  minutes: number,
  timeZone: string,
  skipped: 'earlier' | 'later',
): Instant {
  const offset = date.length === PLAIN_LENGTH ? steadyOffset(date, timeZone) : null;
  if (offset !== null) return instantOfMs(Date.parse(date) + minutes * MINUTE_MS - offset);
  const wall = Temporal.PlainDate.from(date).toPlainDateTime().add({ minutes });
  const first = wall.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  const jump =
    skipped === 'earlier' || first.toPlainDateTime().equals(wall) ? null : first.getTimeZoneTransition('next');
  return instantOfMs((jump ?? first).epochMilliseconds);
}

/** The calendar day that it is in this zone at this instant. */
export function dayIn(instant: Instant, timeZone: string): CalendarDate {
  return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone).toPlainDate().toString() as CalendarDate;
}

export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}
