// Does a delivery still look like the last good one? Judged from counts alone, before anything of it has an effect: a feed
// that is short, blank or somebody else's is noticed although each of its rows may parse (design section 5). A delta has no
// seal: it holds whoever changed, and neither its length nor its shares follow from the last one's; the guard's limits stay.
import { canonicalJson } from '../base/json.ts';
import type { HoldItem } from './changeset.ts';
import type { Sha256 } from './hold-items.ts';
import { LIMITS, type Limits } from './limits.ts';

/** What a delivery looks like, counted over every row that has a key. */
export interface FeedShape {
  readonly rows: number;
  /** Rows in which a mapped column is blank, by column; every mapped column stands here. */
  readonly blanks: Readonly<Record<string, number>>;
  /** Rows by status word. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Rows by department, where the mapping has one. */
  readonly departments: Readonly<Record<string, number>>;
}

export const SEAL_PARTS = ['rows', 'keys', 'blanks', 'status', 'department'] as const;
export type SealPart = (typeof SEAL_PARTS)[number];

export interface SealBreak {
  readonly part: SealPart;
  /** Which column, status word or department; '' for rows and keys. */
  readonly name: string;
  readonly before: number;
  readonly now: number;
  /** With the numbers, so that a colleague can dispute it. */
  readonly reason: string;
}

/** Shares are of the last good delivery; people are rows. Not settings: a mapping cannot change them. */
const ROWS_PERCENT = 10;
const KEYS_KEPT_PERCENT = 90;
const BLANK_POINTS = 5;
const GROUP_PERCENT = 20;
/** So many people more or less say nothing: a share of a small number is chance. */
const PEOPLE = 5;

/** Keys of the last good delivery. */
export interface Keys {
  readonly before: number;
  /** Of these, not in this delivery. */
  readonly missing: number;
  /** Of these, in rows that speak of somebody else or end soon for no reason of their own (same-person.ts). */
  readonly strangers: number;
}

/**
 * The seal is broken where the result is not empty. Pure. Rows and keys have the same floor of people as the groups: in a
 * house of eight, one joiner is more than ten per cent.
 */
export function sealBreaks(before: FeedShape, now: FeedShape, keys: Keys): readonly SealBreak[] {
  const breaks: SealBreak[] = [];
  if (moved(before.rows, now.rows, ROWS_PERCENT)) {
    breaks.push({
      part: 'rows',
      name: '',
      before: before.rows,
      now: now.rows,
      reason: `${now.rows} rows, and ${before.rows} in the last good delivery: more than ${ROWS_PERCENT} % ${now.rows < before.rows ? 'fewer' : 'more'}`,
    });
  }
  const lost = Math.max(0, keys.missing) + keys.strangers;
  const kept = keys.before - lost;
  if (kept * 100 < keys.before * KEYS_KEPT_PERCENT && lost > PEOPLE) {
    breaks.push({
      part: 'keys',
      name: '',
      before: keys.before,
      now: kept,
      reason: `${kept} of ${keys.before} keys of the last good delivery are in this one${keys.strangers === 0 ? '' : ` as they were (${keys.strangers} have another name, another start or a new last day)`}: fewer than ${KEYS_KEPT_PERCENT} %`,
    });
  }
  // A column that was not mapped then says nothing now.
  for (const name of names(before.blanks, now.blanks).filter(
    (one) => Object.hasOwn(before.blanks, one) && Object.hasOwn(now.blanks, one),
  )) {
    const was = countOf(before.blanks, name);
    const is = countOf(now.blanks, name);
    // Compared without division: is/now.rows - was/before.rows > 5 %.
    const wider = (is * before.rows - was * now.rows) * 100 > BLANK_POINTS * before.rows * now.rows;
    if (wider && is - was > PEOPLE) {
      breaks.push({
        part: 'blanks',
        name,
        before: was,
        now: is,
        reason: `column ${name} is blank in ${is} of ${now.rows} rows, and was in ${was} of ${before.rows}: more than ${BLANK_POINTS} points`,
      });
    }
  }
  breaks.push(...groupBreaks('status', before.statuses, now.statuses));
  breaks.push(...groupBreaks('department', before.departments, now.departments));
  return breaks;
}

function groupBreaks(
  part: 'status' | 'department',
  before: FeedShape['statuses'],
  now: FeedShape['statuses'],
): readonly SealBreak[] {
  return names(before, now).flatMap((name) => {
    const was = countOf(before, name);
    const is = countOf(now, name);
    if (!moved(was, is, GROUP_PERCENT)) return [];
    const reason = `${is} people with ${part} "${name}", and ${was} in the last good delivery: more than ${GROUP_PERCENT} % and ${PEOPLE} people ${is < was ? 'fewer' : 'more'}`;
    return [{ part, name, before: was, now: is, reason }];
  });
}

/** Further apart than the share of what was, and by more people than say nothing. */
function moved(was: number, is: number, percent: number): boolean {
  const apart = Math.abs(is - was);
  return apart * 100 > was * percent && apart > PEOPLE;
}

/** Names come from a feed, where one may be called like a member that every object has. */
const countOf = (counts: Readonly<Record<string, number>>, name: string): number =>
  Object.hasOwn(counts, name) ? (counts[name] as number) : 0;

/** In order, so that the same shapes always read the same. */
function names(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

/**
 * What a person releases: these breaks of this very content under this mapping. Any other content, and the same content
 * against another baseline, needs a new approval.
 */
export function sealItems(
  breaks: readonly SealBreak[],
  bound: { readonly content: string; readonly mapping: string; readonly sha256: Sha256 },
): readonly HoldItem[] {
  return breaks.map(({ part, name, before, now, reason }) => ({
    digest: bound.sha256(
      canonicalJson({ kind: 'feed', part, name, before, now, content: bound.content, mapping: bound.mapping }),
    ),
    harm: {
      kind: 'feed',
      workerKey: '',
      target: null,
      operation: reason,
      attribute: name === '' ? null : name,
      before: String(before),
      after: String(now),
    },
  }));
}

/** Of a feed that looks wrong no more leavers are believed than the standard row believes, whatever a mapping raised. */
export function limitsUnderSeal(limits: Limits): Limits {
  const raised = limits.explicitLeaver.setting?.raises === true;
  return raised ? { ...limits, explicitLeaver: LIMITS.explicitLeaver } : limits;
}
