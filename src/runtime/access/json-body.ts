// Lenient reading of small JSON answers: attribute names in any case (RFC 7643 section 2.1), numbers where text was meant.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { memberOf } from '../../planning/account-changes.ts';

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The body as an object, or null: an empty body and a body that is no JSON object say nothing. */
export function parsedBody(text: string): JsonObject | null {
  if (text === '') return null;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** A non-empty text member, or null; numbers become text, because some servers issue numeric ids. */
export function textOf(resource: JsonObject | null, name: string): string | null {
  const value = resource === null ? undefined : memberOf(resource, name);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
