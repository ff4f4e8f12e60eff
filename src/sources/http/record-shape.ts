// What is made of a record before it is written: what does not count is left out, what is nested becomes flat, days become days.
import { DAY_MS, instantOfMs } from '../../base/instant.ts';
import type { JsonValue } from '../../base/json.ts';
import { omit, unmet, valueAt } from './body-path.ts';

export interface RecordShape {
  readonly omit: readonly string[];
  readonly keep: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly firstOf: readonly string[];
  readonly dates: 'asWritten' | 'odata';
  readonly flatten: boolean;
}

export const isObject = (value: JsonValue | undefined): value is Record<string, JsonValue> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * The record as it is written; the one that was given may change.
 * @returns `clash`: a name that two members have once the record is flat, or null.
 */
export function shaped(
  record: Record<string, JsonValue>,
  { omit: omitted, keep, firstOf, dates, flatten }: RecordShape,
): { readonly record: Record<string, JsonValue>; readonly clash: string | null } {
  omit(record, omitted);
  for (const [path, wanted] of Object.entries(keep)) keepOnly(record, path, wanted);
  for (const path of firstOf) takeFirst(record, path);
  const dated = dates === 'odata' ? (withDays(record) as Record<string, JsonValue>) : record;
  if (!flatten) return { record: dated, clash: null };
  const flat: Record<string, JsonValue> = Object.create(null);
  return { record: flat, clash: flattenInto(flat, dated, '') };
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
