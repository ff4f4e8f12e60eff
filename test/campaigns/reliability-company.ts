// The company of the reliability campaign: who works there, what HR exports over some days, what already exists at the
// endpoint, and what must be true of everybody after each step. Pure; the seed decides everything.
import { type CalendarDate, calendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, type Resource, USER_SCHEMA } from '../support/fake-scim.ts';
import { seeded } from './crash-company.ts';

export interface Person {
  readonly id: string;
  readonly given: string;
  readonly family: string;
  readonly start: CalendarDate;
  /** The last day; '' while it is open. */
  readonly end: CalendarDate | '';
  readonly department: string;
  readonly title: string;
  /** Id of the manager; '' without one. */
  readonly manager: string;
}

/** By id; who is missing was left out of this export. */
export type Feed = ReadonlyMap<string, Person>;

export type Step =
  | { readonly kind: 'feed'; readonly feed: Feed }
  /** The clock is set forward to a morning so many days later. */
  | { readonly kind: 'night'; readonly days: number }
  /** An operator orders somebody out at once. */
  | { readonly kind: 'leave'; readonly worker: string }
  /** Another administrator makes an account of this name, of somebody whom HR does not know. */
  | { readonly kind: 'stranger'; readonly userName: string };

export type Stage = 'none' | 'preboarding' | 'active' | 'left';

/** What must be true of one worker once everything has settled. */
export interface Wanted {
  readonly stage: Stage;
  readonly person: Person;
  /** Left out of the last export: what was exported before counts, as far as a daemon has read it. */
  readonly missing?: boolean;
}
/** By worker, after one step. */
export type Version = ReadonlyMap<string, Wanted>;

export interface Outcome {
  readonly wanted: Version;
  /** The same exports judged by the day before the last night: a daemon may begin to read at night and end in the morning. */
  readonly wantedAtNight: Version;
}

export interface ReliabilityCompany {
  readonly firstDay: CalendarDate;
  readonly steps: readonly Step[];
  /** What must be true after each step. */
  readonly versions: readonly Outcome[];
  /** Accounts and groups that exist before the first day. */
  readonly users: readonly Resource[];
  readonly groups: readonly Resource[];
  /** Ids of planted accounts that nobody may ever write to. */
  readonly untouchable: readonly string[];
  /** Workers whose only matching account is protected: they never get one. */
  readonly shutOut: ReadonlySet<string>;
}

export const FIRST_DAY = calendarDate('2026-11-23');
export const ALL_STAFF = 'All staff';
export const departmentGroup = (department: string): string => `Dept ${department}`;
/** A person hired further away than this has no account yet; the default of `lifecycle.preboardDays`. */
const PREBOARD_DAYS = 7;

const DEPARTMENTS = ['Finance', 'Sales', 'Production', 'Engineering', 'People'] as const;
const TITLES = ['Clerk', 'Analyst', 'Lead', 'Engineer', 'Buyer', 'Writer'] as const;
const GIVEN = ['Ana', 'Zoë', 'Jürgen', 'Mei', 'Olu', 'Siân', 'Łukasz', 'Ines', 'Ravi', 'Юлия'] as const;
const FAMILY = ['Adka', 'Bemo', 'Corin', 'Dusel', 'Eltov', 'Fabre', 'Gordal', 'Hufen'] as const;

const PEOPLE_MIN = 15;
const PEOPLE_MAX = 40;
const DAYS_MIN = 2;
const DAYS_MAX = 5;

export function reliabilityCompany(seed: number): ReliabilityCompany {
  const random = seeded(seed);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const chance = (share: number): boolean => random() < share;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const other = <T>(items: readonly T[], than: T): T => pick(items.filter((item) => item !== than));

  let today: CalendarDate = FIRST_DAY;
  let yesterday: CalendarDate = FIRST_DAY;
  let hired = 0;
  const hire = (managers: readonly string[], start: CalendarDate): Person => {
    hired += 1;
    return {
      id: String(1000 + hired),
      given: pick(GIVEN),
      family: pick(FAMILY),
      start,
      end: '',
      department: pick(DEPARTMENTS),
      title: pick(TITLES),
      manager: managers.length > 0 && chance(0.7) ? pick(managers) : '',
    };
  };

  // ── the first day ─────────────────────────────────────────────────────────────────────────────────────────────────
  const size = PEOPLE_MIN + upTo(PEOPLE_MAX - PEOPLE_MIN);
  const ids = Array.from({ length: size }, (_, index) => String(1001 + index));
  // Managers are drawn from everybody: chains, cycles, people who come later, and people who manage themselves.
  const people = ids.map(() => hire(ids, calendarDate('2020-01-01')));
  const soon = people.map((person) => (chance(0.08) ? { ...person, start: plusDays(today, 1 + upTo(8)) } : person));
  let feed: Map<string, Person> = new Map(soon.map((person) => [person.id, person]));
  let exported: Feed = new Map();

  const planted = plant(soon, chance, pick);
  const out = new Set<string>();
  let version: Version = new Map();
  const steps: Step[] = [];
  const versions: Outcome[] = [];
  const take = (step: Step): void => {
    steps.push(step);
    if (step.kind === 'feed') exported = step.feed;
    const wantedAtNight = after(version, exported, yesterday, out, planted.shutOut);
    version = after(version, exported, today, out, planted.shutOut);
    versions.push({ wanted: version, wantedAtNight });
  };
  take({ kind: 'feed', feed });

  // ── the days after ────────────────────────────────────────────────────────────────────────────────────────────────
  const days = DAYS_MIN + upTo(DAYS_MAX - DAYS_MIN);
  for (let day = 0; day < days; day += 1) {
    if (day > 0) {
      const nights = 1 + upTo(2);
      yesterday = today;
      today = plusDays(today, nights);
      take({ kind: 'night', days: nights });
    }
    for (let exports = upTo(2); exports >= 0; exports -= 1) {
      feed = new Map(feed);
      changeFeed();
      take({ kind: 'feed', feed });
    }
    if (chance(0.15)) {
      const worker = pick(working());
      if (worker !== undefined) {
        out.add(worker.id);
        take({ kind: 'leave', worker: worker.id });
      }
    }
  }
  return {
    firstDay: FIRST_DAY,
    steps,
    versions,
    users: planted.users,
    groups: planted.groups,
    untouchable: planted.untouchable,
    shutOut: planted.shutOut,
  };

  function working(): readonly Person[] {
    return [...version.values()]
      .filter(({ stage, person }) => stage === 'active' && feed.has(person.id) && person.start < today)
      .map(({ person }) => feed.get(person.id) as Person);
  }

  function changeFeed(): void {
    const change = (person: Person | undefined, values: Partial<Person>): void => {
      if (person !== undefined) feed.set(person.id, { ...(feed.get(person.id) as Person), ...values });
    };
    const here = working();
    for (let count = upTo(2); count > 0; count -= 1) {
      const start = chance(0.6) ? today : plusDays(today, upTo(9));
      const person = hire([...feed.keys()], start);
      feed.set(person.id, person);
      // Somebody else takes the name that the newcomer would get, before or while the account is made.
      if (chance(0.15)) take({ kind: 'stranger', userName: userNameOf(person) });
    }
    const mover = pick(here);
    if (chance(0.7)) change(mover, { department: other(DEPARTMENTS, mover?.department as never) });
    if (chance(0.5)) change(pick(here), { title: pick(TITLES) });
    if (chance(0.4)) change(pick(here), { manager: chance(0.25) ? '' : pick([...feed.keys()]) });
    if (chance(0.3)) change(pick(here), { family: pick(FAMILY) });
    if (chance(0.5)) change(pick(here), { end: plusDays(today, -1) });
    if (chance(0.2)) change(pick(here), { end: plusDays(today, upTo(2)) });
    const gone = [...feed.values()].filter(({ end, id }) => end !== '' && end < today && !out.has(id));
    if (gone.length > 0 && chance(0.5)) {
      // A new term, at once or soon; or HR takes the leave back.
      change(pick(gone), chance(0.6) ? { start: plusDays(today, pick([0, 0, 3])), end: '' } : { end: '' });
    }
    if (chance(0.1)) feed.delete((pick(here) ?? { id: '' }).id);
    const missing = [...version.values()].filter(({ person }) => !feed.has(person.id));
    if (missing.length > 0 && chance(0.6)) {
      const { person } = pick(missing);
      feed.set(person.id, person);
    }
  }
}

/** What the mapping makes of a name at first. */
export const userNameOf = ({ given, family }: Person): string => `${slug(given)}.${slug(family)}@example.com`;
const SLUGS: Readonly<Record<string, string>> = {
  Zoë: 'zoe',
  Jürgen: 'jurgen',
  Siân: 'sian',
  Łukasz: 'lukasz',
  Юлия: 'yuliya',
};
const slug = (text: string): string => SLUGS[text] ?? text.toLowerCase();

/** From what was true before to what is true now, by the last export and the day. */
function after(
  before: Version,
  feed: Feed,
  today: CalendarDate,
  out: ReadonlySet<string>,
  shutOut: ReadonlySet<string>,
): Version {
  const next = new Map<string, Wanted>();
  for (const id of new Set([...before.keys(), ...feed.keys()])) {
    const known = before.get(id);
    // Who is missing from an export is suspected, and nothing else.
    const person = feed.get(id) ?? known?.person;
    if (person === undefined) continue;
    const stage = shutOut.has(id) ? 'none' : stageOf(person, known?.stage ?? 'none', today, out.has(id));
    next.set(id, { stage, person, ...(feed.has(id) ? {} : { missing: true }) });
  }
  return next;
}

function stageOf(person: Person, before: Stage, today: CalendarDate, ordered: boolean): Stage {
  const gone: Stage = before === 'none' ? 'none' : 'left';
  if (ordered) return 'left';
  if (person.end !== '' && person.end < today) return gone;
  if (person.start <= today) return 'active';
  if (person.start <= plusDays(today, PREBOARD_DAYS)) return 'preboarding';
  return gone;
}

/** What was at the endpoint before us: strangers, protected accounts, and some who work here and have an account already. */
function plant(
  people: readonly Person[],
  chance: (share: number) => boolean,
  pick: <T>(items: readonly T[]) => T,
): Pick<ReliabilityCompany, 'users' | 'groups' | 'untouchable' | 'shutOut'> {
  const users: Resource[] = [];
  const untouchable: string[] = [];
  const shutOut = new Set<string>();
  const add = (id: string, user: Resource, touch = false): void => {
    users.push({ id, schemas: [USER_SCHEMA, ENTERPRISE_SCHEMA], active: true, ...user });
    if (!touch) untouchable.push(id);
  };
  add('break-glass', { userName: 'svc-break-glass', displayName: 'Break glass' });
  add('svc-backup', { userName: 'svc-backup', externalId: 'backup' });
  add('stranger', { userName: userNameOf(pick(people)), name: { givenName: 'Someone', familyName: 'Else' } });
  if (chance(0.3)) {
    const { id } = pick(people);
    add('svc-twin', { userName: `svc-${id}`, externalId: id });
    shutOut.add(id);
  }
  if (chance(0.4)) {
    const owner = pick(people.filter(({ id, start }) => !shutOut.has(id) && start < FIRST_DAY));
    const { id, given, department } = owner;
    const user: Resource = {
      externalId: id,
      userName: `old.${id}@example.com`,
      name: { givenName: given, familyName: 'Before' },
      [ENTERPRISE_SCHEMA]: { employeeNumber: id, department },
    };
    add('adopted', user, true);
  }
  const members = [{ value: 'break-glass' }, { value: 'stranger' }];
  const groups = [{ id: 'all-staff', schemas: [GROUP_SCHEMA], displayName: ALL_STAFF, members }];
  return { users, groups: chance(0.5) ? groups : [], untouchable, shutOut };
}

const HEADER = 'ID,First,Last,Status,Start,End,Manager,Dept,Title';

export function csvOf(feed: Feed): string {
  const rows = [...feed.values()].map(({ id, given, family, start, end, manager, department, title }) =>
    [id, given, family, end === '' ? 'A' : 'T', start, end, manager, department, title].join(','),
  );
  return `${[HEADER, ...rows].join('\n')}\n`;
}

export interface TargetText {
  readonly name: string;
  readonly concurrency: number;
  readonly perSecond: number | null;
}

/** The shortest that a connection file may say: a hung request costs real time. */
export const TIMEOUT_MS = 1_000;

/** The connection file; feed, base URLs and tokens come from the environment. */
export function connectionText(targets: readonly TargetText[]): string {
  return `connection: acme
timeZone: UTC
source:
  kind: file
  path: "\${env:CAMPAIGN_FEED}"
  stableMs: 0
  schedule: "0 0 1 1 *"
worker:
  id: record.ID
  status: 'lookup("status", record.Status)'
  startDate: date(record.Start, "yyyy-MM-dd")
  endDate: date(record.End, "yyyy-MM-dd")
  managerId: record.Manager
  attributes:
    givenName: record.First
    familyName: record.Last
    department: record.Dept
    title: record.Title
tables:
  status: { A: active, T: terminated }
protected: ['account.userName.startsWith("svc-")']
targets:
${targets.map(targetText).join('')}`;
}

const targetText = ({ name, concurrency, perSecond }: TargetText): string => `  - name: ${name}
    kind: scim
    baseUrl: "\${env:CAMPAIGN_URL_${name.toUpperCase()}}"
    auth: { kind: bearer, token: "\${env:CAMPAIGN_TOKEN}" }
    limits: { concurrency: ${concurrency}, perSecond: ${perSecond} }
    timeoutMs: ${TIMEOUT_MS}
    correlate: [externalId]
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      name: { givenName: worker.givenName, familyName: worker.familyName }
      title: worker.title
      "${ENTERPRISE_SCHEMA}":
        employeeNumber: worker.id
        department: worker.department
    groups:
      - { name: '"${ALL_STAFF}"', authority: full, create: true }
      - { name: '"Dept " + worker.department', create: true }
`;
