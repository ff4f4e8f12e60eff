// The bench makes its own feeds: every row is a pure function of (seed, number, edition), so any order of any size can be
// written without holding it, and a changed copy differs in exactly the rows it says.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export const FEED_COLUMNS = [
  'Employee_ID',
  'First_Name',
  'Last_Name',
  'Preferred_Name',
  'Worker_Type',
  'Status',
  'Hire_Date',
  'Last_Day',
  'Manager_ID',
  'Department',
  'Division',
  'Cost_Center',
  'Company',
  'Job_Title',
  'Job_Level',
  'Site',
  'Street',
  'City',
  'Postal_Code',
  'Country',
  'Office_Phone',
  'Mobile_Phone',
  'Work_Schedule',
  'Pay_Group',
  'Last_Changed',
] as const;

/** One row in this many is changed in the second edition: the 0.1 % of the promise. */
export const CHANGED_EVERY = 1_000;

export interface FeedRequest {
  readonly file: string;
  readonly rows: number;
  readonly seed: number;
  /** `first`: rows in the order of their ids. `changed`: one row in CHANGED_EVERY has another department and title, all in another order. */
  readonly edition: 'first' | 'changed';
}

/** How many rows differ between the two editions. */
export const changedRows = (rows: number): number => Math.ceil(rows / CHANGED_EVERY);

/** Rows that are joined before one write. */
const WRITE_BATCH = 2_000;

/** Writes the feed and returns its size in bytes. */
export async function writeFeed({ file, rows, seed, edition }: FeedRequest): Promise<number> {
  const out = createWriteStream(file);
  const stride = edition === 'first' ? 1 : strideFor(rows);
  let batch = `${FEED_COLUMNS.join(',')}\n`;
  for (let position = 0; position < rows; position += 1) {
    const number = (position * stride) % rows;
    batch += feedRow(seed, number, edition === 'changed' && number % CHANGED_EVERY === 0);
    if (position % WRITE_BATCH === WRITE_BATCH - 1 || position === rows - 1) {
      if (!out.write(batch)) await once(out, 'drain');
      batch = '';
    }
  }
  out.end();
  await finished(out);
  return out.bytesWritten;
}

/** A step that visits every number below `rows` once, in an order that looks shuffled. */
function strideFor(rows: number): number {
  let stride = Math.floor(rows * 0.618) | 1;
  while (gcd(stride, rows) !== 1) stride += 2;
  return stride;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

function feedRow(seed: number, number: number, changed: boolean): string {
  const pick = picker(seed ^ Math.imul(number + 1, 0x9e3779b1));
  const first = pick(FIRST);
  const last = `${pick(ONSET)}${pick(MIDDLE)}${pick(MIDDLE)}${pick(ENDING)}`;
  const preferred = pick(TEN) === 0 ? pick(FIRST) : '';
  const department = pick(DEPARTMENTS);
  const title = pick(TITLES);
  const [city, site, country] = pick(CITIES);
  const hired = `${2004 + pick(TWENTY)}-${two(1 + pick(TWELVE))}-${two(1 + pick(TWENTY_EIGHT))}`;
  const onLeave = pick(TWENTY) === 0 && pick(TWO) === 0;
  return `${[
    String(10_000_000 + number).slice(1),
    first,
    last,
    preferred,
    pick(TYPES),
    onLeave ? 'L' : 'A',
    hired,
    '',
    number === 0 ? '' : String(10_000_000 + Math.floor((number - 1) / 8)).slice(1),
    department,
    pick(DIVISIONS),
    `CC${1000 + pick(HUNDRED) * 37}`,
    pick(COMPANIES),
    changed ? `Interim ${title}` : title,
    `L${1 + pick(TWELVE)}`,
    site,
    pick(TEN) < 3
      ? `"${1 + pick(HUNDRED)} ${pick(STREETS)}, Building ${1 + pick(TEN)}"`
      : `${1 + pick(HUNDRED)} ${pick(STREETS)}`,
    city,
    String(10_000 + pick(HUNDRED) * 899),
    country,
    `+49 30 555 ${1000 + pick(HUNDRED) * 89}`,
    `+49 151 555 ${1000 + pick(HUNDRED) * 89}`,
    pick(SCHEDULES),
    `PG-${two(1 + pick(TWENTY))}`,
    `2026-${two(1 + pick(TEN))}-${two(1 + pick(TWENTY_EIGHT))}T0${pick(TEN)}:15:00Z`,
  ].join(',')}\n`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** A small seeded generator (mulberry32): an item of the list, the same ones for the same seed. */
function picker(seed: number): <T>(items: readonly T[]) => T {
  let state = seed >>> 0;
  return (items) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const index = ((mixed ^ (mixed >>> 14)) >>> 0) % items.length;
    return items[index] as (typeof items)[number];
  };
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const TWO = upTo(2);
const TEN = upTo(10);
const TWELVE = upTo(12);
const TWENTY = upTo(20);
const TWENTY_EIGHT = upTo(28);
const HUNDRED = upTo(100);

// About 200 first names and 10,000 last names: a few userNames in a hundred collide, as in a real company of this size.
const FIRST_STARTS = [
  'Ma',
  'Jo',
  'Al',
  'Kat',
  'Chris',
  'An',
  'Zo',
  'Ste',
  'Ra',
  'Lu',
  'Em',
  'Da',
  'Jür',
  'Sö',
  'Be',
  'Vi',
  'Ol',
  'Hé',
];
const FIRST_ENDS = ['ria', 'hannes', 'exander', 'arina', 'toph', 'neke', 'ë', 'phan', 'fael', 'cía', 'ilia'];
const FIRST = FIRST_STARTS.flatMap((start) => FIRST_ENDS.map((end) => start + end));
const ONSET = ['Van', 'Mül', 'Sch', 'Kow', 'Fer', 'Nak', 'Okon', 'Sør', 'Gar', 'Pet', 'Dub', 'Tan'];
const MIDDLE = ['a', 'ler', 'mi', 'al', 'nan', 'am', 'kwo', 'en', 'cí', 'ro'];
const ENDING = ['dt', 'stein', 'czyk', 'dez', 'ra', 'sen', 'witz', 'ić'];
const TYPES = ['Employee', 'Employee', 'Employee', 'Employee', 'Contractor', 'Intern'];
const DEPARTMENTS = [
  'Finance',
  'Sales',
  'Manufacturing',
  'Human Resources',
  'Product Engineering',
  'Product Marketing',
  'Quality Assurance',
  'Logistics',
  'Customer Support',
  'Information Technology',
  'Legal and Compliance',
  'Research and Development',
];
const DIVISIONS = ['Optics', 'Medical Devices', 'Semiconductors', 'Industrial Metrology', 'Corporate Functions'];
const COMPANIES = ['Example Instruments GmbH', 'Example Instruments Inc.', 'Example Instruments KK'];
const TITLES = [
  'Accountant',
  'Account Executive',
  'Production Technician',
  'Senior Software Engineer',
  'Quality Engineer',
  'Program Manager',
  'Support Engineer',
  'HR Business Partner',
  'Warehouse Specialist',
  'Data Analyst',
];
const CITIES = [
  ['Berlin', 'BER', 'DE'],
  ['München', 'MUC', 'DE'],
  ['New York', 'NYC', 'US'],
  ['Osaka', 'OSA', 'JP'],
  ['São Paulo', 'SAO', 'BR'],
  ['London', 'LON', 'GB'],
] as const;
const STREETS = [
  'Lindenstraße',
  'Hauptstraße',
  'Menlo Road',
  'Great America Parkway',
  'Rua das Flores',
  'Mansion Court',
];
const SCHEDULES = ['Full time 40 h', 'Full time 38.5 h', 'Part time 20 h', 'Shift A', 'Shift B'];
