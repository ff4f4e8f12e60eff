// The company of the crash campaign: what HR exports on its first day and on its second, and what must be true at the
// endpoint afterwards. Pure; the seed decides everything.
import { calendarDate, plusDays } from '../../src/base/calendar-date.ts';

export interface CrashWorker {
  readonly id: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly department: string;
  /** Empty while employed. */
  readonly lastDay: string;
}

export interface CrashDay {
  readonly workers: readonly CrashWorker[];
  readonly csv: string;
}

export interface CrashCompany {
  readonly first: CrashDay;
  readonly second: CrashDay;
  readonly movers: ReadonlySet<string>;
  readonly leavers: ReadonlySet<string>;
}

export const JOINERS = 2_000;
/** Few enough for the guard: it lets 2 % explicit leavers and 5 % removed memberships pass in one cycle. */
const LEAVERS = 30;
const MOVERS = 35;
/** Joiners of the second day, so that creating and disabling are interrupted together. */
const LATE_JOINERS = 100;

/** People who left long ago stay in the export, as they do in real ones: thirty more of their status break no seal. */
const LEFT_BEFORE = 200;

const DEPARTMENTS = ['Finance', 'Sales', 'Production', 'Engineering', 'Support', 'People'] as const;
const GIVEN = ['Ana', 'Zoë', 'Jürgen', 'Mei', 'Olu', 'Siân', 'Łukasz', 'Ines', 'Ravi', 'Søren', 'Юлия', '健一'];
const SYLLABLES = ['ka', 'mo', 'rin', 'sel', 'tov', 'bre', 'dal', 'fen', 'gor', 'hul'];

/** A stream of numbers in [0, 1) that the seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `today` is the day of the run: leavers of the second day had their last day yesterday. */
export function crashCompany(seed: number, today: string): CrashCompany {
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const person = (number: number): CrashWorker => ({
    id: String(number).padStart(6, '0'),
    givenName: pick(GIVEN),
    // About one name in ten is met twice: the campaign wants userName candidates to be contested.
    familyName: `${pick(['Ad', 'Be', 'Co', 'Du'])}${pick(SYLLABLES)}${pick(SYLLABLES)}`,
    department: pick(DEPARTMENTS),
    lastDay: '',
  });
  const workers = Array.from({ length: JOINERS }, (_, index) => person(index + 1));
  const shuffled = workers.map((worker) => ({ worker, at: random() })).sort((a, b) => a.at - b.at);
  const leavers = new Set(shuffled.slice(0, LEAVERS).map(({ worker }) => worker.id));
  const movers = new Set(shuffled.slice(LEAVERS, LEAVERS + MOVERS).map(({ worker }) => worker.id));
  const yesterday = plusDays(calendarDate(today), -1);
  const later = workers.map((worker) => {
    if (leavers.has(worker.id)) return { ...worker, lastDay: yesterday };
    if (!movers.has(worker.id)) return worker;
    return { ...worker, department: pick(DEPARTMENTS.filter((name) => name !== worker.department)) };
  });
  const joiners = Array.from({ length: LATE_JOINERS }, (_, index) => person(JOINERS + index + 1));
  return { first: day(workers), second: day([...later, ...joiners]), movers, leavers };
}

function day(workers: readonly CrashWorker[]): CrashDay {
  const rows = workers.map(({ id, givenName, familyName, department, lastDay }) =>
    [id, givenName, familyName, lastDay === '' ? 'A' : 'T', '2020-03-01', lastDay, department].join(','),
  );
  const left = Array.from(
    { length: LEFT_BEFORE },
    (_, index) => `9${index},Old,Hand${index},T,2010-01-01,2019-12-31,Sales`,
  );
  const header = 'Employee_ID,First_Name,Last_Name,Status,Hire_Date,Last_Day,Department';
  return { workers, csv: `${[header, ...rows, ...left].join('\n')}\n` };
}

/** The connection file; feed, base URL and token come from the environment. */
export const CRASH_CONNECTION = `
connection: crash
timeZone: UTC
source:
  kind: file
  path: "\${env:CRASH_FEED}"
  stableMs: 0
  format: csv
  content: snapshot
worker:
  id: record.Employee_ID
  status: 'lookup("status", record.Status)'
  startDate: 'date(record.Hire_Date, "yyyy-MM-dd")'
  endDate: 'date(record.Last_Day, "yyyy-MM-dd")'
  attributes:
    givenName: record.First_Name
    familyName: record.Last_Name
    department: record.Department
tables:
  status: { A: active, T: terminated }
targets:
  - name: idp
    kind: scim
    profile: generic
    baseUrl: "\${env:CRASH_URL}"
    auth: { kind: bearer, token: "\${env:CRASH_TOKEN}" }
    limits: { concurrency: 16, perSecond: 5000 }
    capabilities: { visibleAfterSeconds: 1 }
    correlate: [externalId]
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      name: { givenName: worker.givenName, familyName: worker.familyName }
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
        employeeNumber: worker.id
        department: worker.department
    groups:
      - { name: '"All staff"', when: 'true', authority: full, create: true }
      - { name: '"Dept " + worker.department', create: true }
`;
