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
export function userNameCandidates(name: UniqueName, id: string): readonly string[] {
  const slugged = name.stems
    .slice(0, STEMS_MAX)
    .map(slug)
    .filter((stem) => stem !== '');
  const fallback = `w${slug(id)}`;
  const stems = slugged.length === 0 ? [fallback] : [...new Set(slugged)];
  return cannotMeet(stems, fallback, name.suffix)
    ? [...numbered(stems, name.suffix, CANDIDATES_MAX), `${fallback}${name.suffix}`]
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

function numbered(stems: readonly string[], suffix: string, count: number): string[] {
  const [only] = stems;
  if (stems.length === 1) return tailsOf(suffix).map((tail) => only + tail);
  const names: string[] = [];
  for (const tail of tailsOf(suffix)) {
    for (const stem of stems) if (names.length < count) names.push(stem + tail);
  }
  return names;
}

/** Suffixes that are kept with their numbers; a mapping has one or a few. */
const SUFFIXES_KNOWN_MAX = 100;
const tailsKnown = new Map<string, readonly string[]>();

/** The suffix alone, then with 2, 3, 4 … in front. */
function tailsOf(suffix: string): readonly string[] {
  const known = tailsKnown.get(suffix);
  if (known !== undefined) return known;
  const tails = Array.from({ length: CANDIDATES_MAX }, (_, index) => `${index === 0 ? '' : index + 1}${suffix}`);
  if (tailsKnown.size >= SUFFIXES_KNOWN_MAX) tailsKnown.clear();
  tailsKnown.set(suffix, tails);
  return tails;
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
