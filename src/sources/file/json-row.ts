// From the text of one JSON record to a record. Stricter than JSON.parse where that would lose something silently: a member that
// occurs twice, an integer beyond 2^53; and bounded where it is not: nesting and number of members.

import type { JsonValue } from '../../base/json.ts';
import type { Fault } from '../../base/problem.ts';
import type { RowResult } from './csv-row.ts';
import { COLUMNS_MAX } from './csv-row.ts';

/** HR answers nest three to six levels; a deeper record is a fault, not data. */
const JSON_DEPTH_MAX = 20;

/** Fewer digits always fit a double exactly. */
const LONG_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;
/** Only a number written like this can be beyond what a double holds. */
const HUGE = /[eE]\+?\d{3}|\d{300}/;

export function readJsonRow(text: string): RowResult {
  const outline = outlineOf(text);
  if (outline.depth > JSON_DEPTH_MAX) {
    return faulty('row.too-deep', `This record is nested deeper than ${JSON_DEPTH_MAX} levels.`, 'flatten the export');
  }
  let value: unknown;
  try {
    value = LONG_DIGITS.test(text) ? JSON.parse(text, keepLongIntegers) : JSON.parse(text);
  } catch {
    const nul = text.includes('\0');
    return faulty(
      nul ? 'row.nul' : 'row.not-json',
      nul ? 'This record holds a NUL byte.' : 'This record is not JSON.',
      'correct the export',
    );
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return faulty('row.not-object', 'This record is no JSON object.', 'the array of records must hold objects only');
  }
  if (HUGE.test(text) && !hasFiniteNumbers(value as JsonValue)) {
    return faulty('row.number', 'This record holds a number that is too large to be one.', 'correct it in the source');
  }
  const names = Object.keys(value);
  if (names.length > COLUMNS_MAX) {
    return faulty(
      'row.too-many-columns',
      `This record has ${names.length} members, more than the ${COLUMNS_MAX} allowed.`,
      'export fewer members',
    );
  }
  if (names.includes('')) return faulty('row.empty-key', 'This record has a member with an empty name.', 'name it');
  const { copy, members } = withoutPrototypes(value as JsonValue);
  if (members !== outline.members) {
    const key = firstDuplicate(text);
    const fault: Fault = {
      code: 'row.duplicate-key',
      message: 'A member occurs twice in one object of this record.',
      hint: 'write each member once',
      ...(key === null ? {} : { place: { key } }),
    };
    return { record: null, fault };
  }
  return { record: copy as Record<string, JsonValue>, fault: null };
}

const faulty = (code: string, message: string, hint: string): RowResult => ({
  record: null,
  fault: { code, message, hint },
});

/** `1e400` becomes Infinity, which is written as null again and read as blank. */
function hasFiniteNumbers(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value !== 'object') return true;
  return Object.values(value).every(hasFiniteNumbers);
}

/** Ids are text: an integer that a double cannot hold keeps its digits. */
function keepLongIntegers(_name: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && INTEGER.test(source)
    ? source
    : value;
}

/** Deepest nesting, and how many members are written: a colon outside strings is one member. */
function outlineOf(text: string): { depth: number; members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 34) i = endOfString(text, i);
    else if (unit === 58) members++;
    else if (unit === 123 || unit === 91) deepest = Math.max(deepest, ++depth);
    else if (unit === 125 || unit === 93) depth--;
  }
  return { depth: deepest, members };
}

function endOfString(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 92) i++;
    else if (unit === 34) return i;
  }
  return text.length;
}

/** A copy whose objects inherit nothing, so that `constructor` or `__proto__` is a member only where the feed wrote one. */
function withoutPrototypes(value: JsonValue): { copy: JsonValue; members: number } {
  if (value === null || typeof value !== 'object') return { copy: value, members: 0 };
  let members = 0;
  const inner = (item: JsonValue): JsonValue => {
    const part = withoutPrototypes(item);
    members += part.members;
    return part.copy;
  };
  if (Array.isArray(value)) return { copy: value.map(inner), members };
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [name, item] of Object.entries(value)) {
    members++;
    copy[name] = inner(item);
  }
  return { copy, members };
}

/** The name of the first member that repeats in its object. The text is known to be JSON. */
function firstDuplicate(text: string): string | null {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 123 || unit === 91) open.push(new Set());
    else if (unit === 125 || unit === 93) open.pop();
    else if (unit === 34) {
      const end = endOfString(text, i);
      const literal = text.slice(i, end + 1);
      i = end;
      if (!/^\s*:/.test(text.slice(end + 1, end + 1 + NAME_GAP_MAX))) continue;
      const name = JSON.parse(literal) as string;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return null;
}

/** White space between a name and its colon that is looked through when a repeated name is to be named in the fault. */
const NAME_GAP_MAX = 1_000;
