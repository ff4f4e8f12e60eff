// Hands out the parts: each column plays one, and what the header does not say the values may.
import { bySight, type Candidate, type Cast, castOf, languageOf, overlap } from './candidates.ts';
import type { Language, Role } from './column-words.ts';
import { nameOf, type SampleColumn } from './sample-columns.ts';

export interface Chosen {
  readonly column: SampleColumn;
  /** Found by the values alone. */
  readonly bySight: boolean;
}

/** What a person is told of a column that was found by its values. */
export const seen = (column: SampleColumn): string =>
  `"${nameOf(column)}" was found by its values: its name says nothing`;

/** Parts in the order in which they choose. */
export class Choice {
  readonly columns: readonly SampleColumn[];
  readonly language: Language;
  readonly taken = new Set<SampleColumn>();
  readonly #cast: Cast;

  constructor(columns: readonly SampleColumn[]) {
    this.columns = columns;
    this.#cast = castOf(columns);
    this.language = languageOf(this.#cast);
    // What is known to be something else plays no part.
    for (const { column, strength } of this.#cast.get('aside') ?? []) {
      if (!this.#saysMore(column, 'aside', strength)) this.taken.add(column);
    }
  }

  candidates(role: Role): readonly Candidate[] {
    return (this.#cast.get(role) ?? []).filter(({ column }) => !this.taken.has(column));
  }

  /** The best column for the part, or null; taken from then on. */
  take(role: Role): Chosen | null {
    // A column goes to the part that it fits best: `Manager ID` is no id.
    const best = this.candidates(role).find(({ column, strength }) => !this.#saysMore(column, role, strength));
    if (best !== undefined) return this.use(best.column, false);
    const found = bySight(this.columns, this.#spokenFor(), role);
    return found === null ? null : this.use(found, true);
  }

  use(column: SampleColumn, sight: boolean): Chosen {
    this.taken.add(column);
    return { column, bySight: sight };
  }

  /** The column that holds the keys of managers: of several the one whose values are keys. */
  takeManager(id: SampleColumn): Chosen | null {
    const named = [...this.candidates('managerId'), ...this.candidates('managerOther')];
    const byKeys = named.toSorted((a, b) => overlap(b.column, id) - overlap(a.column, id));
    const [best] = byKeys;
    if (best !== undefined && (overlap(best.column, id) > 0 || this.candidates('managerId').includes(best)))
      return this.use(best.column, false);
    if (named.length > 0) return null;
    const found = this.columns.find(
      (column) =>
        !this.taken.has(column) &&
        column.dates === null &&
        column.distinct.size > 1 &&
        column.distinct.size < column.filled &&
        overlap(column, id) >= KEYS_SHARE_MIN,
    );
    return found === undefined ? null : this.use(found, true);
  }

  /** Columns that play no part and look like none. */
  unused(): readonly string[] {
    return this.columns.filter((column) => !this.taken.has(column)).map(nameOf);
  }

  /** Whether the column's name says another part more plainly than this one. */
  #saysMore(column: SampleColumn, role: Role, strength: number): boolean {
    return [...this.#cast].some(
      ([other, candidates]) =>
        other !== role && candidates.some((one) => one.column === column && one.strength > strength),
    );
  }

  /** Columns that the header gives to some part, and those that are taken. */
  #spokenFor(): ReadonlySet<SampleColumn> {
    const spoken = new Set(this.taken);
    for (const [, candidates] of this.#cast) for (const { column } of candidates) spoken.add(column);
    return spoken;
  }
}

/** Without a word in the header nearly all values have to be keys of workers. */
const KEYS_SHARE_MIN = 0.8;
