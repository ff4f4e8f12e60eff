// What each row adds to the shape of its delivery, as one small number that is stored beside its fingerprint: the shape of a
// delivery is then known exactly although most of its rows are recognised and none of those is parsed.
import { assert } from '../base/assert.ts';
import type { FeedShape } from './seal.ts';

/** Status word, department, then the mapped columns that are blank. '' where there is none. */
export type MarkWords = readonly [status: string, department: string, ...blank: string[]];

/** A number is stored in two bytes. */
const MARKS_MAX = 65_536;
/** Of so many departments none says anything of a feed: further ones are counted as one. */
const DEPARTMENTS_MAX = 2_000;
/** So many different rows leave room for the coarser ones that stand for all further rows. */
const FINE_MARKS_MAX = 60_000;
const OTHER_DEPARTMENTS = '(others)';
/** What a row is that nobody could read: number 0 in every dictionary. */
const UNREAD: MarkWords = ['', ''];

/** The dictionary of one connection under one context. It only grows. */
export class FeedMarks {
  readonly #words: MarkWords[];
  readonly #numbers = new Map<string, number>();
  readonly #departments = new Set<string>();
  readonly #stored: number;

  constructor(stored: readonly MarkWords[]) {
    this.#words = stored.length === 0 ? [UNREAD] : [...stored];
    this.#stored = stored.length;
    for (const [number, words] of this.#words.entries()) {
      this.#numbers.set(JSON.stringify(words), number);
      this.#departments.add(words[1]);
    }
  }

  /** The dictionary as it is to be stored. */
  get words(): readonly MarkWords[] {
    return this.#words;
  }

  get grown(): boolean {
    return this.#words.length > this.#stored;
  }

  /** `blank` in the order of the columns, so that equal rows have equal numbers. */
  numberOf(status: string, department: string, blank: readonly string[]): number {
    const known = this.#departments.has(department) || this.#departments.size < DEPARTMENTS_MAX;
    const one = known ? department : OTHER_DEPARTMENTS;
    return this.#number([status, one, ...blank], FINE_MARKS_MAX) ?? this.#number([status, ''], MARKS_MAX) ?? 0;
  }

  #number(words: MarkWords, max: number): number | null {
    const text = JSON.stringify(words);
    const present = this.#numbers.get(text);
    if (present !== undefined) return present;
    if (this.#words.length >= max) return null;
    this.#words.push(words);
    this.#numbers.set(text, this.#words.length - 1);
    this.#departments.add(words[1]);
    return this.#words.length - 1;
  }

  /** @param counts rows by number. @param columns every mapped column. */
  shape(rows: number, counts: ReadonlyMap<number, number>, columns: readonly string[]): FeedShape {
    const blanks = new Map<string, number>(columns.map((column) => [column, 0]));
    const statuses = new Map<string, number>();
    const departments = new Map<string, number>();
    const add = (to: Map<string, number>, name: string, count: number) => to.set(name, (to.get(name) ?? 0) + count);
    for (const [number, count] of counts) {
      const words = this.#words[number];
      assert(words !== undefined, `the mark ${number} is in the dictionary`);
      const [status, department, ...blank] = words;
      if (status !== '') add(statuses, status, count);
      if (department !== '') add(departments, department, count);
      for (const column of blank) if (blanks.has(column)) add(blanks, column, count);
    }
    // Names come from a feed: none of them may be a member that every object has.
    const record = (of: Map<string, number>) => Object.assign(Object.create(null), Object.fromEntries(of));
    return { rows, blanks: record(blanks), statuses: record(statuses), departments: record(departments) };
  }
}
