// From an element of an answer to the line that stands for it in the spool: canonical JSON, so that the same record has the same digest
// however its members are ordered and through whichever request it came; or a fault, so that the worker counts as present and
// nothing is read from what is missing.
import { canonicalJson, type JsonValue } from '../../base/json.ts';
import type { Fault } from '../../base/problem.ts';
import { HIDDEN_CELL } from '../../mapping/record-view.ts';
import type { RowResult } from '../file/csv-row.ts';
import { COLUMNS_MAX } from '../file/csv-row.ts';
import { readJsonRow } from '../file/json-row.ts';
import { textAt, valueAt } from './body-path.ts';
import { isObject, type RecordShape, shaped } from './record-shape.ts';

/** A record on its way into the spool; `fault` replaces it as soon as something about it cannot be known. */
export interface Element {
  record: Record<string, JsonValue>;
  fault: Fault | null;
  /** Made of the same element of the answer as the record before. */
  readonly more?: true;
}

/** How an element of an answer becomes records. */
export interface ElementShape {
  readonly unwrap?: string | undefined;
  readonly explode?: string | undefined;
  /** Members that are objects with this member stand for it: `{ label: …, value: 7 }` for 7. */
  readonly values?: string | undefined;
}

/** @param text one element, as it stands in the answer. */
export function elementsIn(text: string, shape: ElementShape): readonly Element[] {
  const { record, fault } = readJsonRow(text);
  if (fault !== null || record === null) return [faulty(fault ?? NO_OBJECT)];
  return elementsOf(record as Record<string, JsonValue>, shape);
}

/** @param value one element, parsed by `readJsonRow` or made of XML. */
export function elementsOf(value: JsonValue, { unwrap, explode, values }: ElementShape): readonly Element[] {
  const found = unwrap === undefined ? value : (valueAt(value, unwrap) as JsonValue | undefined);
  const inner = values === undefined || found === undefined ? found : withoutWraps(found, values);
  if (!isObject(inner)) return [faulty(NO_OBJECT)];
  if (!hasFiniteNumbers(inner)) return [faulty(NO_NUMBER)];
  const element: Element = { record: inner, fault: null };
  return explode === undefined ? [element] : exploded(element, explode);
}

/** A record for each element of the list at this path; the record itself where there is no such list, or an empty one. */
export function exploded(element: Element, path: string): readonly Element[] {
  const { record, fault, more } = element;
  const parts = fault === null ? valueAt(record, path) : undefined;
  if (!Array.isArray(parts) || parts.length === 0) return [element];
  return parts.map((part: JsonValue, index) => ({
    record: replaced(record, path.split('.'), part),
    fault: null,
    ...(index === 0 && more !== true ? {} : { more: true }),
  }));
}

/** A copy along the path, with another value at its end. */
function replaced(
  value: Record<string, JsonValue>,
  [first = '', ...rest]: readonly string[],
  part: JsonValue,
): Record<string, JsonValue> {
  const copy: Record<string, JsonValue> = Object.assign(Object.create(null), value);
  const below = copy[first];
  copy[first] = rest.length === 0 || !isObject(below) ? part : replaced(below, rest, part);
  return copy;
}

const faulty = (fault: Fault): Element => ({ record: Object.create(null), fault });

const NO_OBJECT: Fault = {
  code: 'row.not-object',
  message: 'This element of the answer is no record.',
  hint: 'look at recordPath and unwrap',
};
/** JSON.stringify writes null for these, and null reads as blank. */
const NO_NUMBER: Fault = {
  code: 'row.number',
  message: 'This record holds a number that is too large to be one.',
  hint: 'correct it in the source',
};

function withoutWraps(value: JsonValue, member: string): JsonValue {
  if (Array.isArray(value)) return value.map((one) => withoutWraps(one, member));
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, member)) return withoutWraps(value[member] ?? null, member);
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [name, inner] of Object.entries(value)) copy[name] = withoutWraps(inner, member);
  return copy;
}

function hasFiniteNumbers(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value !== 'object') return true;
  return Object.values(value).every(hasFiniteNumbers);
}

/** By the path as it is before the record is flat. */
export const idOf = ({ record, fault }: Element, path: string): string =>
  fault === null ? (textAt(record, path) ?? '') : '';

/** Begins a line that holds a fault: no JSON begins so. */
const FAULT_MARK = '!';

/** The line that stands for an element from now on; gives the element the shape that is written. */
export function lineOf(element: Element, shape: RecordShape): string {
  if (element.fault === null) {
    const { record, clash } = shaped(element.record, shape);
    element.record = record;
    if (clash !== null) element.fault = twoMembers(clash);
  }
  return element.fault === null ? canonicalJson(element.record) : `${FAULT_MARK}${canonicalJson(element.fault)}`;
}

const twoMembers = (name: string): Fault => ({
  code: 'row.two-members',
  message: `Two members of this record are called ${name} once it is flat.`,
  hint: 'leave one of them out with omit, or set flatten: false',
});

export interface TrustedLine {
  readonly line: string;
  /** Whether nothing had to be marked as hidden. */
  readonly complete: boolean;
}

/**
 * The line of an element in which a member that every record of the last whole list had, and that this one lacks, is marked as hidden:
 * it looks like a right that was taken away, and must not read as blank. What lies within a member that is null is blank.
 */
export function trustedLine(element: Element, shape: RecordShape, always: readonly string[]): TrustedLine {
  const line = lineOf(element, shape);
  if (element.fault !== null) return { line, complete: true };
  const { record } = element;
  const gone = always.filter((name) => !Object.hasOwn(record, name) && !liesInNull(record, name));
  if (gone.length === 0) return { line, complete: true };
  const marked: Record<string, JsonValue> = Object.assign(Object.create(null), record);
  for (const name of gone) marked[name] = HIDDEN_CELL;
  return { line: canonicalJson(marked), complete: false };
}

/** Whether a flat name (work_manager_id) stands for something within a member that is null (work_manager). */
function liesInNull(record: Readonly<Record<string, JsonValue>>, name: string): boolean {
  for (let at = name.lastIndexOf('_'); at > 0; at = name.lastIndexOf('_', at - 1)) {
    const around = name.slice(0, at);
    if (Object.hasOwn(record, around) && record[around] === null) return true;
  }
  return false;
}

export function readLine(text: string): RowResult {
  if (!text.startsWith(FAULT_MARK)) return readJsonRow(text);
  return { record: null, fault: JSON.parse(text.slice(FAULT_MARK.length)) as Fault };
}

/** Which members the records of a look have: any of them, and each of them. */
export class Members {
  readonly #counts = new Map<string, number>();
  #records = 0;

  /** @param complete else the record lacks what others had: it has its members, but does not say what every record has. */
  take({ record, fault }: Element, complete: boolean): void {
    if (fault !== null) return;
    const weight = complete ? 1 : 0;
    this.#records += weight;
    for (const name of Object.keys(record)) {
      const count = this.#counts.get(name);
      if (count !== undefined || this.#counts.size < COLUMNS_MAX) this.#counts.set(name, (count ?? 0) + weight);
    }
  }

  add(other: Members): void {
    this.#records += other.#records;
    for (const [name, count] of other.#counts) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get any(): readonly string[] {
    return [...this.#counts.keys()];
  }

  get each(): readonly string[] {
    return this.#records === 0
      ? []
      : [...this.#counts].filter(([, count]) => count === this.#records).map(([name]) => name);
  }
}
