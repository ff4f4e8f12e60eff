// From an element of an answer to the line that stands for it in the spool: canonical JSON, so that the same record has the same digest
// however its members are ordered and through whichever request it came; or a fault, so that the worker counts as present and
// nothing is read from what is missing.
import { canonicalJson, type JsonValue } from '../../base/json.ts';
import type { Fault } from '../../base/problem.ts';
import type { RowResult } from '../file/csv-row.ts';
import { COLUMNS_MAX } from '../file/csv-row.ts';
import { readJsonRow } from '../file/json-row.ts';
import { omit, textAt, valueAt } from './body-path.ts';

/** A record on its way into the spool; `fault` replaces it as soon as something about it cannot be known. */
export interface Element {
  record: Record<string, JsonValue>;
  fault: Fault | null;
}

export interface ElementShape {
  readonly unwrap?: string | undefined;
  readonly omit: readonly string[];
  readonly id: string;
}

/** @param text one element, as it stands in the answer. */
export function elementOf(text: string, shape: ElementShape): Element {
  const { record, fault } = readJsonRow(text);
  return fault === null && record !== null
    ? unwrapped(record as Record<string, JsonValue>, shape)
    : faulty(fault ?? NO_OBJECT);
}

/** @param value one element, parsed by `readJsonRow` or made of XML. */
export function unwrapped(value: JsonValue, { unwrap }: ElementShape): Element {
  const inner = unwrap === undefined ? value : valueAt(value, unwrap);
  if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return faulty(NO_OBJECT);
  const record = inner as Record<string, JsonValue>;
  return hasFiniteNumbers(record) ? { record, fault: null } : faulty(NO_NUMBER);
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

function hasFiniteNumbers(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value !== 'object') return true;
  return Object.values(value).every(hasFiniteNumbers);
}

export const idOf = ({ record, fault }: Element, path: string): string =>
  fault === null ? (textAt(record, path) ?? '') : '';

/** Begins a line that holds a fault: no JSON begins so. */
const FAULT_MARK = '!';

/** The line, and nothing of what `omit` names in it. */
export function lineOf(element: Element, { omit: omitted }: Pick<ElementShape, 'omit'>): string {
  if (element.fault !== null) return `${FAULT_MARK}${canonicalJson(element.fault)}`;
  omit(element.record, omitted);
  return canonicalJson(element.record);
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
