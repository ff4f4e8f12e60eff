// What differs between an account as it stands at the target and as it shall be, in flattened paths:
// `title`, `name.givenName`, `urn:…:User:department`, `emails[work].value`; a list whose elements have no type
// is one value under its own name. Paths are ours; the target's room turns them into its protocol's paths.
import { canonicalJson, type JsonObject, type JsonValue } from '../base/json.ts';

export interface Change {
  readonly path: string;
  /** undefined: the target holds nothing there. */
  readonly before: JsonValue | undefined;
  /** undefined: to be removed. */
  readonly after: JsonValue | undefined;
}

export interface ChangeRules {
  readonly onCreateOnly: readonly string[];
  readonly keepWhenBlank: readonly string[];
}

const NO_RULES: ChangeRules = { onCreateOnly: [], keepWhenBlank: [] };

/** Only what differs, in the order of the desired attributes, removals last. Two equal accounts give an empty list. */
export function changesBetween(
  known: JsonObject,
  desired: JsonObject,
  rules: ChangeRules = NO_RULES,
): readonly Change[] {
  if (known === desired) return [];
  const before = flatten(known);
  const after = flatten(desired);
  const changes: Change[] = [];
  for (const [path, value] of after) {
    const old = before.get(path);
    if (old !== undefined && sameValue(old, value)) continue;
    if (covers(rules.onCreateOnly, path)) continue;
    changes.push({ path, before: old, after: value });
  }
  for (const [path, old] of before) {
    if (after.has(path)) continue;
    if (covers(rules.onCreateOnly, path) || covers(rules.keepWhenBlank, path)) continue;
    changes.push({ path, before: old, after: undefined });
  }
  return changes;
}

/** Every path with its value. Empty objects and empty lists have no path: nothing can be said about them. */
export function flatten(attributes: JsonObject): ReadonlyMap<string, JsonValue> {
  const paths = new Map<string, JsonValue>();
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) flattenList(key, value, paths);
    else if (typeof value === 'object')
      flattenObject(key, value as JsonObject, key.startsWith('urn:') ? ':' : '.', paths);
    else paths.set(key, value);
  }
  return paths;
}

function flattenObject(prefix: string, value: JsonObject, joint: ':' | '.', paths: Map<string, JsonValue>): void {
  for (const key in value) {
    const member = value[key];
    if (member === undefined || member === null) continue;
    const path = `${prefix}${joint}${key}`;
    if (joint === ':' && Array.isArray(member)) flattenList(path, member, paths);
    else if (joint === ':' && typeof member === 'object') flattenObject(path, member as JsonObject, '.', paths);
    else paths.set(path, member);
  }
}

function flattenList(path: string, list: readonly JsonValue[], paths: Map<string, JsonValue>): void {
  if (list.length === 0) return;
  const types = list.map(typeOf);
  if (types.includes(null) || new Set(types).size !== types.length) {
    paths.set(path, list);
    return;
  }
  for (const [index, type] of types.entries()) {
    const element = list[index] as JsonObject;
    for (const key in element) {
      const member = element[key];
      if (key !== 'type' && member !== undefined && member !== null) paths.set(`${path}[${type}].${key}`, member);
    }
  }
}

function typeOf(element: JsonValue): string | null {
  if (element === null || typeof element !== 'object' || Array.isArray(element)) return null;
  const type = (element as JsonObject).type;
  return typeof type === 'string' && type !== '' && !/[[\]".]/.test(type) ? type : null;
}

const sameValue = (a: JsonValue, b: JsonValue): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && canonicalJson(a) === canonicalJson(b));

/** A rule for `name` also covers `name.givenName`, one for `emails` also `emails[work].value`. */
const covers = (rules: readonly string[], path: string): boolean =>
  rules.some((rule) => path === rule || (path.startsWith(rule) && '.[:'.includes(path.charAt(rule.length))));

/**
 * The target's own resource cut to what the mapping speaks of: the values that adoption takes as last seen.
 * Attribute names are compared without case (RFC 7643 section 2.1).
 */
export function projected(resource: JsonObject, desired: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const key in desired) {
    const wanted = desired[key];
    const found = memberOf(resource, key);
    if (wanted === undefined || found === undefined || found === null) continue;
    const value = projectedValue(found, wanted);
    if (value !== undefined) result[key] = value;
  }
  return result;
}

function projectedValue(found: JsonValue, wanted: JsonValue): JsonValue | undefined {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found)) return undefined;
    const types = wanted.map(typeOf);
    if (types.includes(null)) return found;
    const elements: JsonValue[] = [];
    for (const [index, type] of types.entries()) {
      const match = found.find((candidate) => typeOf(candidate)?.toLowerCase() === type?.toLowerCase());
      const sketch = wanted[index] as JsonObject;
      if (match !== undefined)
        elements.push({ ...(projected(match as JsonObject, sketch) as object), type: sketch.type as string });
    }
    return elements.length === 0 ? undefined : elements;
  }
  if (wanted !== null && typeof wanted === 'object') {
    return found !== null && typeof found === 'object' && !Array.isArray(found)
      ? projected(found as JsonObject, wanted as JsonObject)
      : undefined;
  }
  return found;
}

/** The member of this name whatever its case. */
export function memberOf(resource: JsonObject, name: string): JsonValue | undefined {
  const exact = resource[name];
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  for (const key in resource) if (key.toLowerCase() === lower) return resource[key];
  return undefined;
}

/** The value at a flattened path of a resource as text, '' when there is none. */
export function textAt(resource: JsonObject, path: string): string {
  const direct = memberOf(resource, path);
  if (typeof direct === 'string') return direct;
  const lower = path.toLowerCase();
  for (const [key, value] of flatten(resource)) {
    if (key.toLowerCase() === lower) return typeof value === 'string' ? value : String(value);
  }
  return '';
}
