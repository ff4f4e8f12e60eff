// Random companies over a few deliveries, from a seed: who joins, moves, leaves, comes back, loses a value, has a manager who
// comes later, is unreadable, is missing, and which accounts were there before us.
import { instantOf } from '../../src/base/instant.ts';
import { feed, mappingText, type Person } from './house.ts';

export type Incident =
  | 'joiner'
  | 'preboarding'
  | 'mover'
  | 'rename'
  | 'leaver'
  | 'future leaver'
  | 'rehire'
  | 'manager change'
  | 'manager blanked'
  | 'value blanked'
  | 'leave of absence'
  | 'unreadable row'
  | 'missing row'
  | 'crowd leaves'
  | 'same file';

export interface Step {
  readonly content: string;
  readonly name: string;
  /** Hours that pass before it is delivered. */
  readonly hours: number;
  /** Whether a person then approves what is held. */
  readonly approves: boolean;
  readonly incidents: readonly Incident[];
}

export interface World {
  readonly mapping: string;
  readonly profile: string;
  readonly delta: boolean;
  /** Accounts that are there before the first contact. */
  readonly users: readonly Readonly<Record<string, unknown>>[];
  readonly steps: readonly Step[];
}

export interface Dice {
  readonly below: (count: number) => number;
  readonly chance: (percent: number) => boolean;
  readonly of: <T>(list: readonly T[]) => T;
}

/** Numerical Recipes' linear congruential generator, its high bits. */
export function diceOf(seed: number): Dice {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  const below = (count: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  // Neighbouring seeds begin alike.
  for (let turn = 0; turn < 16; turn += 1) below(2);
  return {
    below,
    chance: (percent) => below(100) < percent,
    of: <T>(list: readonly T[]): T => list[below(list.length)] as T,
  };
}

const START = '2026-11-23';
const dayAfter = (hours: number, days: number): string =>
  instantOf(new Date(Date.parse(`${START}T11:00:00Z`) + hours * 3_600_000 + days * 86_400_000).toISOString()).slice(
    0,
    10,
  );

const DEPARTMENTS = ['Sales', 'Marketing', 'Finance', 'Research', 'Depot'];
const NAMES = ['Ada', 'Zoë', 'Łuk', 'Grace', 'Jørn', 'Mary Ann', "D'Arcy"];
const GROUPS = `    groups:
      - { name: '"All staff"', authority: full, create: true }
`;
const MORE_GROUPS = `    groups:
      - { name: '"All staff"', authority: full, create: true }
      - { name: '"Sellers"', when: 'worker.department == "Sales"', authority: additive, create: true }
      - { name: '"Dept " + worker.department', authority: additive, create: true }
`;
const NO_GROUPS = '';
/** Profiles that a strict server without manners of its own can stand in for. */
const PROFILES = ['generic', 'generic', 'generic', 'okta-inbound', 'authentik', 'keycloak'];

export function worldOf(seed: number): World {
  const dice = diceOf(seed);
  const delta = dice.chance(20);
  const profile = dice.of(PROFILES);
  const mapping = mappingText({
    ...(delta ? { 'path: workers.csv, stableMs: 0': "path: '*.csv', content: delta, stableMs: 0" } : {}),
    ...(profile === 'generic' ? {} : { 'kind: scim\n': `kind: scim\n    profile: ${profile}\n` }),
    [GROUPS]: dice.of([GROUPS, MORE_GROUPS, MORE_GROUPS, NO_GROUPS]),
  });
  const people = new Map<string, Person>();
  let next = 100;
  const hire = (more: Partial<Person> = {}): Person => {
    next += 1;
    const person: Person = {
      id: String(next),
      first: dice.of(NAMES),
      last: dice.chance(20) ? 'Lee' : `Family${next}`,
      dept: dice.of(DEPARTMENTS),
      title: dice.of(['Clerk', 'Chief', '']),
      ...more,
    };
    people.set(person.id, person);
    return person;
  };
  const anyone = (): string => dice.of([...people.keys()]);
  const size = 8 + dice.below(18);
  for (let count = 0; count < size; count += 1) hire();
  for (const [id, person] of people) if (dice.chance(50)) people.set(id, { ...person, manager: anyone() });
  const users = dice.chance(35)
    ? [anyone(), 'stranger'].map((id, index) => ({
        userName: `old${index}@example.com`,
        externalId: id,
        active: dice.chance(70),
        name: { givenName: 'Old', familyName: 'Account' },
      }))
    : [];

  const steps: Step[] = [];
  let hours = 0;
  const changed = new Set<string>(people.keys());
  const write = (incidents: readonly Incident[], wait: number, gone: ReadonlySet<string> = new Set()): void => {
    const rows = [...people.values()].filter(({ id }) => !gone.has(id) && (!delta || changed.has(id)));
    const broken = incidents.includes('unreadable row') ? `${next + 5000},No,Date,A,not-a-date,,,Sales,Clerk\n` : '';
    const same = incidents.includes('same file') && steps.length > 0 && !delta;
    steps.push({
      content: same ? (steps.at(-1)?.content ?? '') : `${feed(rows)}${broken}`,
      name: delta ? `workers-${String(steps.length).padStart(3, '0')}.csv` : 'workers.csv',
      hours: wait,
      approves: dice.chance(30),
      incidents,
    });
    changed.clear();
  };
  write(dice.chance(20) ? ['unreadable row'] : [], 0);
  const later = 2 + dice.below(2);
  for (let step = 0; step < later; step += 1) {
    const wait = 2 + dice.below(100);
    hours += wait;
    const incidents = new Set<Incident>();
    const gone = new Set<string>();
    const change = (id: string, more: Partial<Person>): void => {
      const person = people.get(id);
      if (person !== undefined) people.set(id, { ...person, ...more });
      changed.add(id);
    };
    const count = 1 + dice.below(6);
    for (let at = 0; at < count; at += 1) happen(change, gone, incidents);
    if (dice.chance(8)) {
      incidents.add('crowd leaves');
      for (const id of people.keys()) change(id, { status: 'T', end: dayAfter(hours, -1) });
    }
    if (dice.chance(15)) incidents.add('unreadable row');
    if (dice.chance(12)) incidents.add('same file');
    write([...incidents], wait, gone);
  }
  return { mapping, profile, delta, users, steps };

  function happen(
    change: (id: string, more: Partial<Person>) => void,
    gone: Set<string>,
    incidents: Set<Incident>,
  ): void {
    const id = anyone();
    const person = people.get(id) as Person;
    const incident = dice.of<Incident>([
      'joiner',
      'joiner',
      'preboarding',
      'mover',
      'mover',
      'rename',
      'leaver',
      'future leaver',
      'rehire',
      'manager change',
      'manager blanked',
      'value blanked',
      'leave of absence',
      'missing row',
    ]);
    incidents.add(incident);
    switch (incident) {
      case 'joiner': {
        // Sometimes their manager is on the way too, and those of before get the new one.
        const joined = hire(dice.chance(50) ? { manager: dice.chance(50) ? String(next + 2) : anyone() } : {});
        change(joined.id, {});
        if (dice.chance(40)) change(id, { manager: joined.id });
        return;
      }
      case 'preboarding':
        change(hire({ status: 'P', start: dayAfter(hours, 1 + dice.below(20)) }).id, {});
        return;
      case 'mover':
        change(id, { dept: dice.of(DEPARTMENTS), title: dice.of(['Clerk', 'Chief', 'Boss']) });
        return;
      case 'rename':
        change(id, { last: `Married${dice.below(50)}` });
        return;
      case 'leaver':
        change(id, { status: 'T', end: dayAfter(hours, -1 - dice.below(2)) });
        return;
      case 'future leaver':
        change(id, { end: dayAfter(hours, dice.below(6)) });
        return;
      case 'rehire': {
        const left = [...people.values()].find(({ status }) => status === 'T') ?? person;
        change(left.id, { status: 'A', end: '', start: dayAfter(hours, -dice.below(3)) });
        return;
      }
      case 'manager change':
        change(id, { manager: anyone() });
        return;
      case 'manager blanked':
        change(id, { manager: '' });
        return;
      case 'value blanked':
        change(id, { title: '', dept: person.dept ?? '' });
        return;
      case 'leave of absence':
        change(id, { status: person.status === 'L' ? 'A' : 'L' });
        return;
      case 'missing row':
        gone.add(id);
        return;
      default:
    }
  }
}
