import { Temporal } from 'temporal-polyfill';
import { type Instant, instantOfMs } from './instant.ts';

declare const calendarDateBrand: unique symbol;

/** A day in somebody's calendar, `YYYY-MM-DD`: no time, no zone. Text order is time order. */
export type CalendarDate = string & { readonly [calendarDateBrand]: true };

/** @throws RangeError when the text is no real day. */
export function calendarDate(text: string): CalendarDate {
  return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString() as CalendarDate;
}

export function plusDays(date: CalendarDate, days: number): CalendarDate {
  return Temporal.PlainDate.from(date).add({ days }).toString() as CalendarDate;
}

const startsKnown = new Map<string, Instant>();
const STARTS_KNOWN_MAX = 20_000;

/** The instant at which this day begins in this IANA zone; where midnight does not exist or exists twice, the earlier instant. */
export function startOfDay(date: CalendarDate, timeZone: string): Instant {
  const key = `${date} ${timeZone}`;
  const known = startsKnown.get(key);
  if (known !== undefined) return known;
  const start = Temporal.PlainDate.from(date).toZonedDateTime({ timeZone }).startOfDay();
  const instant = instantOfMs(start.epochMilliseconds);
  if (startsKnown.size >= STARTS_KNOWN_MAX) startsKnown.clear();
  startsKnown.set(key, instant);
  return instant;
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
