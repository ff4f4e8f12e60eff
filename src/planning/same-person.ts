// Whether a row under a known key still speaks of the person on file. Columns move, ids shift, and a whole feed may get a last
// day; the key alone shows nothing of that.

import { dayIn } from '../base/calendar-date.ts';
import { DAY_MS, type Instant, plusMs } from '../base/instant.ts';
import type { Employment } from '../worker/worker.ts';

/** Attributes by which a person is called; where a mapping has none, all must be as they were. */
const NAMES = /name/i;
/** A last day that lies further ahead can be taken back in time. */
const SOON_MS = 30 * DAY_MS;

/** Same start, same person id, same names. Pure. */
export function samePerson(known: Employment, row: Employment): boolean {
  if (known.startDate !== row.startDate || known.personId !== row.personId) return false;
  const all = [...new Set([...Object.keys(known.attributes), ...Object.keys(row.attributes)])];
  const names = all.filter((name) => NAMES.test(name));
  return (names.length > 0 ? names : all).every(
    (name) => JSON.stringify(known.attributes[name]) === JSON.stringify(row.attributes[name]),
  );
}

/** Somebody who does not leave by their own record has a last day now, and it is past or near. Pure. */
export function endsAnew(known: Employment, row: Employment, asOf: Instant): boolean {
  if (row.status === 'terminated' || row.endDate === null || row.endDate === known.endDate) return false;
  if (row.startDate !== null && row.endDate < row.startDate) return false;
  return row.endDate <= dayIn(plusMs(asOf, SOON_MS), row.timeZone);
}
