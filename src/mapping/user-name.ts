// Names made by `unique([stems…], suffix)`: candidates in order of preference. The planner picks the first that is free.
import { slug } from './slug.ts';

/** Longest userName, suffix included. */
export const USER_NAME_MAX = 64;
/** Longest suffix that leaves room for a readable stem and a number. */
export const SUFFIX_MAX = 40;
/** Candidates before the last resort, which is made of the worker's id. */
export const CANDIDATES_MAX = 50;
/** Most stems that are taken from the list. */
const STEMS_MAX = 10;

/** Names in order of preference. An array is one; those with numbers are only made when they are asked for, since few ever are. */
export interface NameList {
  readonly length: number;
  readonly at: (index: number) => string | undefined;
  readonly slice: (from?: number, to?: number) => readonly string[];
}

/** What `unique(...)` evaluates to. */
export class UniqueName {
  readonly stems: readonly string[];
  readonly suffix: string;

  constructor(stems: readonly string[], suffix: string) {
    this.stems = stems;
    this.suffix = suffix;
  }
}

/**
 * Distinct names: each stem as it is, then the stems with 2, 3, 4 … until there are 50, and last the one made of the id.
 * A stem is transliterated and cut to `[a-z0-9.-]`; `w` and the id stand in where nothing is left of any.
 */
export function userNameCandidates(name: UniqueName, id: string): NameList {
  const slugged = name.stems
    .slice(0, STEMS_MAX)
    .map(slug)
    .filter((stem) => stem !== '');
  const fallback = `w${slug(id)}`;
  const stems = slugged.length === 0 ? [fallback] : [...new Set(slugged)];
  return cannotMeet(stems, fallback, name.suffix)
    ? new Numbered(stems, fallback, name.suffix)
    : apart(stems, fallback, name.suffix);
}

/** True for nearly everybody: nothing is cut, and no number can make one stem look like another (this is 20 µs cheaper). */
function cannotMeet(stems: readonly string[], fallback: string, suffix: string): boolean {
  const room = USER_NAME_MAX - suffix.length - String(CANDIDATES_MAX).length;
  if (fallback.length > room) return false;
  return stems.every(
    (stem) => stem.length <= room && (stems.length === 1 || !/\d$/.test(stem)) && !fallback.startsWith(stem),
  );
}

class Numbered implements NameList {
  readonly length = CANDIDATES_MAX + 1;
  readonly #stems: readonly string[];
  readonly #fallback: string;
  readonly #suffix: string;

  constructor(stems: readonly string[], fallback: string, suffix: string) {
    this.#stems = stems;
    this.#fallback = fallback;
    this.#suffix = suffix;
  }

  at(index: number): string | undefined {
    if (index < 0 || index >= this.length) return undefined;
    if (index === CANDIDATES_MAX) return this.#fallback + this.#suffix;
    const number = Math.floor(index / this.#stems.length) + 1;
    return `${this.#stems[index % this.#stems.length]}${number === 1 ? '' : number}${this.#suffix}`;
  }

  slice(from = 0, to = this.length): readonly string[] {
    const names: string[] = [];
    for (let index = from; index < Math.min(to, this.length); index++) names.push(this.at(index) as string);
    return names;
  }
}

function apart(stems: readonly string[], fallback: string, suffix: string): readonly string[] {
  const names = new Set<string>();
  for (let number = 1; names.size < CANDIDATES_MAX; number++) {
    for (const stem of stems) {
      if (names.size < CANDIDATES_MAX) names.add(fitted(stem, number === 1 ? '' : String(number), suffix));
    }
  }
  names.add(fitted(fallback, '', suffix));
  return [...names];
}

/** Cuts the stem so that the whole fits; a cut never leaves a dot or hyphen before the number or the suffix. */
function fitted(stem: string, number: string, suffix: string): string {
  const room = USER_NAME_MAX - suffix.length - number.length;
  const cut = stem.length > room ? stem.slice(0, room).replace(/[.-]+$/, '') : stem;
  return `${cut}${number}${suffix}`;
}
