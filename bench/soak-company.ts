// The people of the soak, as HR has them at any moment: movers over and over, now and then somebody who joins or leaves, never more
// than the guards let through unasked. Pure but for the numbers it counts: `random` decides who.
export interface Person {
  readonly id: string;
  status: 'A' | 'T';
  end: string;
  title: string;
  /** UTC, ISO 8601: when HR changed the record last. */
  changed: string;
}

export const COLUMNS = ['ID', 'First', 'Last', 'Status', 'Start', 'End', 'Dept', 'Title', 'Changed'] as const;
export type Kind = 'mover' | 'joiner' | 'leaver';

/** Of those at work, so many ever change their title: a fifth would be more than one cycle may change. */
const MOVING_SHARE = 0.15;
/** One event in this many is a joiner, and one a leaver: 450 of 90,000 each, and two in a hundred of 30,000 may leave in a day. */
const JOINS_EVERY = 200;

/** Of those whom HR knows, so many have left long ago: more leavers then change no seal of the feed. */
const GONE_SHARE = 0.1;

export class Company {
  readonly #random: () => number;
  readonly #people: Person[] = [];
  readonly #moving: number;
  readonly #first: number;
  #left = 0;
  #events = 0;

  constructor(size: number, at: string, random: () => number) {
    this.#random = random;
    this.#first = size;
    this.#moving = Math.floor(size * MOVING_SHARE);
    for (let number = 0; number < size; number += 1) this.#people.push(newcomer(number, at));
    for (let count = Math.floor(size * GONE_SHARE); count > 0; count -= 1)
      this.#people.push({ ...newcomer(this.#people.length, at), status: 'T', end: '2024-12-31' });
  }

  get people(): readonly Person[] {
    return this.#people;
  }

  /** The next thing that happens. */
  next(at: string): { readonly kind: Kind; readonly person: Person } {
    this.#events += 1;
    if (this.#events % JOINS_EVERY === 0) {
      const person = newcomer(this.#people.length, at);
      this.#people.push(person);
      return { kind: 'joiner', person };
    }
    if (this.#events % JOINS_EVERY === JOINS_EVERY / 2) {
      // Those who leave never move: from the other end of the company.
      this.#left += 1;
      const person = this.#people[this.#first - this.#left];
      if (person === undefined || this.#first - this.#left < this.#moving) throw new Error('nobody is left to leave');
      Object.assign(person, { status: 'T', end: dayBefore(at), changed: at });
      return { kind: 'leaver', person };
    }
    const person = this.#people[Math.floor(this.#random() * this.#moving)];
    if (person === undefined) throw new Error('bug: the company has nobody');
    Object.assign(person, { title: `Clerk ${this.#events}`, changed: at });
    return { kind: 'mover', person };
  }
}

const newcomer = (number: number, at: string): Person => ({
  id: String(1_000_000 + number),
  status: 'A',
  end: '',
  title: 'Clerk',
  changed: at,
});

const dayBefore = (at: string): string => new Date(Date.parse(at) - 2 * 86_400_000).toISOString().slice(0, 10);

export const recordOf = ({ id, status, end, title, changed }: Person): Readonly<Record<string, string>> => ({
  ID: id,
  First: `Given${id}`,
  Last: `Family${id}`,
  Status: status,
  Start: '2020-01-01',
  End: end,
  Dept: `Department ${Number(id) % 40}`,
  Title: title,
  Changed: changed,
});

export const feedOf = (people: readonly Person[]): string =>
  `${COLUMNS.join(',')}\n${people.map((person) => `${Object.values(recordOf(person)).join(',')}\n`).join('')}`;
