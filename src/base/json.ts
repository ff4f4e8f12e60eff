export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * JSON with object keys in code-point order and no white space, so that equal values have equal texts.
 * Digests and the audit chain are taken over this form. `undefined` members are left out, as JSON.stringify does.
 */
export function canonicalJson(value: unknown): string {
  // What is made in this order in the first place is written several times as fast.
  if (isInOrder(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  const source = value as Record<string, unknown>;
  let text = '';
  for (const key of Object.keys(source).sort()) {
    const member = source[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

function isInOrder(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  const source = value as Record<string, unknown>;
  let before = '';
  for (const key in source) {
    if (key < before || !isInOrder(source[key])) return false;
    before = key;
  }
  return true;
}
