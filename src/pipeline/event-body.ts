// The body of an event as a value. Whole numbers that JSON's own numbers cannot hold stay the text they were: an id that lost its
// last digit would be somebody else's.
import type { JsonValue } from '../base/json.ts';
import type { WaitingEvent } from '../store/store.ts';

const WHOLE = /^-?\d+$/;
/** JavaScript's own decoder: bytes that are no UTF-8 are refused instead of replaced. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Null where the body is not what its content type says. */
export function bodyOf({ body, form }: Pick<WaitingEvent, 'body' | 'form'>): JsonValue | null {
  try {
    const text = utf8.decode(body);
    return form === 'json' ? (JSON.parse(text, exact) as JsonValue) : formFields(text);
  } catch {
    return null;
  }
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const { source } = context ?? {};
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && WHOLE.test(source)
    ? source
    : value;
}

/** `application/x-www-form-urlencoded`: the first of several fields of one name counts. */
function formFields(text: string): JsonValue {
  const fields: Record<string, JsonValue> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) if (!Object.hasOwn(fields, name)) fields[name] = value;
  return fields;
}
