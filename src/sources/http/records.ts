// From an element of an answer to the line that stands for it in the spool: canonical JSON, so that the same record has the same digest
// however its members are ordered and through whichever request it came; or a fault, so that the worker counts as present and
// nothing is read from what is missing.
import { DAY_MS, instantOfMs } from '../../base/instant.ts';
import { canonicalJson, type JsonValue } from '../../base/json.ts';
import type { Fault } from '../../base/problem.ts';
import type { RowResult } from '../file/csv-row.ts';
import { COLUMNS_MAX } from '../file/csv-row.ts';
import { readJsonRow } from '../file/json-row.ts';
import { omit, textAt, unmet, valueAt } from './body-path.ts';

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

/** What happens to a record before it is written. */
export interface RecordShape {
  readonly omit: readonly string[];
  readonly keep: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly firstOf: readonly string[];
  readonly dates: 'asWritten' | 'odata';
  readonly flatten: boolean;
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
  const parts = explode === undefined ? undefined : valueAt(inner, explode);
  if (explode === undefined || !Array.isArray(parts) || parts.length === 0) return [{ record: inner, fault: null }];
  return parts.map((part: JsonValue, index) => ({
    record: replaced(inner, explode.split('.'), part),
    fault: null,
    ...(index === 0 ? {} : { more: true }),
  }));
}

const isObject = (value: JsonValue | undefined): value is Record<string, JsonValue> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

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
export function lineOf(element: Element, { omit: omitted, keep, firstOf, dates, flatten }: RecordShape): string {
  if (element.fault === null) {
    omit(element.record, omitted);
    for (const [path, wanted] of Object.entries(keep)) keepOnly(element.record, path, wanted);
    for (const path of firstOf) takeFirst(element.record, path);
    if (dates === 'odata') element.record = withDays(element.record) as Record<string, JsonValue>;
    if (flatten) flattened(element);
  }
  return element.fault === null ? canonicalJson(element.record) : `${FAULT_MARK}${canonicalJson(element.fault)}`;
}

function keepOnly(record: Record<string, JsonValue>, path: string, wanted: Readonly<Record<string, string>>): void {
  changeList(record, path, (list) => list.filter((one) => unmet(one, wanted) === null));
}

function takeFirst(record: Record<string, JsonValue>, path: string): void {
  changeList(record, path, (list) => list[0] ?? null);
}

function changeList(
  record: Record<string, JsonValue>,
  path: string,
  change: (list: readonly JsonValue[]) => JsonValue,
): void {
  const at = path.lastIndexOf('.');
  const around = at < 0 ? record : valueAt(record, path.slice(0, at));
  if (!isObject(around as JsonValue | undefined)) return;
  const members = around as Record<string, JsonValue>;
  const list = members[path.slice(at + 1)];
  if (Array.isArray(list)) members[path.slice(at + 1)] = change(list);
}

/** Dates of OData version 2 in JSON: milliseconds since 1970, with minutes of an offset that changes nothing about the moment. */
const ODATA_DATE = /^\/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\/$/;

function withDays(value: JsonValue): JsonValue {
  if (typeof value === 'string') {
    const ms = ODATA_DATE.exec(value)?.[1];
    return ms === undefined ? value : (dayOrMoment(Number(ms)) ?? value);
  }
  if (Array.isArray(value)) return value.map(withDays);
  if (!isObject(value)) return value;
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [name, inner] of Object.entries(value)) copy[name] = withDays(inner);
  return copy;
}

/** Null beyond the years that have four digits. */
function dayOrMoment(ms: number): string | null {
  if (Math.abs(ms) > YEARS_MAX_MS) return null;
  const text = instantOfMs(ms);
  return ms % DAY_MS === 0 ? text.slice(0, 10) : text;
}

const YEARS_MAX_MS = Date.parse('9999-12-31T23:59:59Z');

function flattened(element: Element): void {
  const flat: Record<string, JsonValue> = Object.create(null);
  const clash = flattenInto(flat, element.record, '');
  element.record = flat;
  if (clash === null) return;
  element.fault = {
    code: 'row.two-members',
    message: `Two members of this record are called ${clash} once it is flat.`,
    hint: 'leave one of them out with omit, or set flatten: false',
  };
}

/** Objects become members whose names are joined by `_`; lists stay. @returns a name that is there twice, or null. */
function flattenInto(
  flat: Record<string, JsonValue>,
  value: Readonly<Record<string, JsonValue>>,
  prefix: string,
): string | null {
  let clash: string | null = null;
  for (const [member, inner] of Object.entries(value)) {
    const name = prefix === '' ? member : `${prefix}_${member}`;
    if (isObject(inner)) clash = flattenInto(flat, inner, name) ?? clash;
    else if (Object.hasOwn(flat, name)) clash = name;
    else flat[name] = inner;
  }
  return clash;
}

export function readLine(text: string): RowResult {
  if (!text.startsWith(FAULT_MARK)) return readJsonRow(text);
  return { record: null, fault: JSON.parse(text.slice(FAULT_MARK.length)) as Fault };
}

/** Which members the records of a look have: any of them, and each of them. */
export class Members {
  readonly #counts = new Map<string, number>();
  #records = 0;

  take({ record, fault }: Element): void {
    if (fault !== null) return;
    this.#records++;
    for (const name of Object.keys(record)) {
      const count = this.#counts.get(name);
      if (count !== undefined || this.#counts.size < COLUMNS_MAX) this.#counts.set(name, (count ?? 0) + 1);
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
