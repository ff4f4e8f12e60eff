// The days of a rehearsal: which files HR delivered when, or one file that is looked at every day.
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type CalendarDate, calendarDate, dayIn, plusDays, startOfDay } from '../base/calendar-date.ts';
import { type DayTime, momentOf } from '../base/day-time.ts';
import { instantOfMs, MINUTE_MS, msOf } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { Connection } from '../mapping/connection-file.ts';
import { candidatesOf, splitPattern } from '../sources/file/candidates.ts';
import { compareNames, momentInName } from '../sources/file/file-name.ts';
import { isCompanion } from '../sources/file/readiness.ts';
import { filesOf } from './rehearsed-connection.ts';

/** One look at what HR delivered. */
export interface Step {
  readonly atMs: number;
  /** Path of the file that lies in the inbox from then on. */
  readonly path: string;
  /** Its name there. */
  readonly name: string;
}

export interface Days {
  readonly first: CalendarDate;
  readonly last: CalendarDate;
  /** In order of time. */
  readonly steps: readonly Step[];
}

export interface DaysAsked {
  /** A folder of dated exports, or one file for every day; null: the file that the connection reads. */
  readonly exports: string | null;
  readonly from: CalendarDate | null;
  readonly to: CalendarDate | null;
  /** When a file arrives whose name tells only the day, and when one file is looked at. */
  readonly at: DayTime;
}

/** Ten years of days; longer than anybody keeps exports, short enough to end. */
const DAYS_MAX = 3_660;
/** Exports of one moment come one after the other. */
const APART_MS = MINUTE_MS;

/** @throws Problem where nothing can be rehearsed, and says why. */
export async function daysOf(connection: Connection, asked: DaysAsked, ownPath: () => string): Promise<Days> {
  const path = asked.exports ?? ownPath();
  const days = (await isFolder(path)) ? await folderDays(connection, path, asked) : rangeDays(connection, path, asked);
  const length = Math.round((Date.parse(days.last) - Date.parse(days.first)) / 86_400_000) + 1;
  if (length > DAYS_MAX) {
    throw new Problem({
      code: 'rehearse.too-long',
      message: `${days.first} to ${days.last} are ${length} days, more than ${DAYS_MAX}`,
      hint: 'say --from and --to',
    });
  }
  return days;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    throw new Problem({
      code: 'rehearse.no-exports',
      message: `${path} is neither a folder nor a file that can be read`,
      hint: 'name a folder of dated exports with --exports, or one file',
    });
  }
}

async function folderDays(connection: Connection, dir: string, { from, to, at }: DaysAsked): Promise<Days> {
  const { timeZone } = connection;
  const source = filesOf(connection);
  const { marker } = source.complete;
  const every = await candidatesOf(dir, '*', timeZone, (name) => isCompanion(name, marker));
  const dated = every.flatMap(({ path, name, moment }) => (moment === null ? [] : [{ path, name, moment }]));
  // A folder may hold exports of several connections: the pattern of this one tells them apart where it can.
  const pattern =
    source.path.kind === 'literal' ? splitPattern(source.path.text, '/').rest.split('/').at(-1) : undefined;
  const named = pattern === undefined ? [] : await candidatesOf(dir, pattern, timeZone, () => false);
  const names = new Set(named.map(({ name }) => name));
  const ours = dated.some(({ name }) => names.has(name)) ? dated.filter(({ name }) => names.has(name)) : dated;
  const steps: Step[] = [];
  for (const { path, name, moment } of ours.toSorted(
    (a, b) => a.moment.ms - b.moment.ms || compareNames(a.name, b.name),
  )) {
    const day = dayIn(instantOfMs(moment.ms), timeZone);
    if ((from !== null && day < from) || (to !== null && day > to)) continue;
    const atMs = moment.hasTime ? moment.ms : msOf(momentOf(day, at, timeZone, 'later'));
    steps.push({ path, name, atMs: Math.max(atMs, (steps.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) + APART_MS) });
  }
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) {
    const range = from === null && to === null ? '' : ` between ${from ?? 'the first'} and ${to ?? 'the last'}`;
    throw new Problem({
      code: 'rehearse.no-exports',
      message: `no file in ${dir} has a date in its name${range}`,
      hint: 'dates stand in names as 2026-01-05, 20260105 or 2026_01_05, alone or with a time',
    });
  }
  const firstDay = dayIn(instantOfMs(first.atMs), timeZone);
  const lastDay = dayIn(instantOfMs(last.atMs), timeZone);
  return { first: firstDay, last: to ?? lastDay, steps };
}

function rangeDays({ timeZone }: Connection, path: string, { from, to, at }: DaysAsked): Days {
  if (from === null || to === null) {
    throw new Problem({
      code: 'usage.range',
      message: 'one file needs the days on which it is looked at',
      hint: 'give --from and --to, or a folder of dated exports with --exports',
    });
  }
  if (to < from) throw new Problem({ code: 'usage.range', message: `--to ${to} is before --from ${from}` });
  // A date in the name would make the file one day's: here it is every day's.
  const name = momentInName(basename(path), timeZone) === null ? basename(path) : `every-day${extname(path)}`;
  const steps: Step[] = [];
  for (let day = from; day <= to && steps.length <= DAYS_MAX; day = plusDays(day, 1)) {
    steps.push({ path, name, atMs: msOf(momentOf(day, at, timeZone, 'later')) });
  }
  return { first: from, last: to, steps };
}

/** @throws Problem when the text is no day. */
export function dayAsked(text: string, flag: string): CalendarDate {
  try {
    return calendarDate(text);
  } catch {
    throw new Problem({ code: 'usage.date', message: `${flag} ${text} is no day`, hint: 'write YYYY-MM-DD' });
  }
}

/** The last moment of a day. */
export const endOfDay = (day: CalendarDate, timeZone: string): number =>
  msOf(startOfDay(plusDays(day, 1), timeZone)) - 1;
