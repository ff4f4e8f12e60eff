// From what differs to SCIM PATCH operations (RFC 7644 section 3.5.2): one operation for each attribute, with a path, and
// nothing that does not differ.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { type Change, flatten } from '../../planning/account-changes.ts';

export interface PatchOperation {
  /** Lower case, as the RFC writes it. */
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: JsonValue;
}

const ELEMENT = /^(.+)\[([^[\]]+)\]\.(.+)$/;

/**
 * `known` and `desired` are the two sides that the changes were taken from. Elements of multi-valued attributes are addressed by
 * their type; one that the target does not hold yet is added whole, one that loses all its parts is removed whole.
 */
export function patchOperations(
  changes: readonly Change[],
  known: JsonObject,
  desired: JsonObject,
): readonly PatchOperation[] {
  if (changes.length === 0) return [];
  const before = flatten(known);
  const after = flatten(desired);
  const operations: PatchOperation[] = [];
  const settled: string[] = [];

  // An attribute that is one value on one side and has parts on the other is written whole.
  const paths = new Set(changes.map((change) => change.path));
  for (const path of paths) {
    if (![...before.keys(), ...after.keys()].some((other) => isPartOf(other, path))) continue;
    const value = valueAt(desired, path);
    operations.push(value === undefined ? { op: 'remove', path } : { op: 'replace', path, value });
    settled.push(path);
  }

  const elements = new Set<string>();
  for (const change of changes) {
    if (settled.some((path) => change.path === path || isPartOf(change.path, path))) continue;
    const element = ELEMENT.exec(change.path);
    if (element === null) {
      operations.push(single(change));
      continue;
    }
    const [, attribute, type, part] = element as unknown as [string, string, string, string];
    const prefix = `${attribute}[${type}].`;
    const target = `${attribute}[type eq ${JSON.stringify(type)}]`;
    const stood = hasPrefix(before, prefix);
    // A part that a rule keeps stays at the target without being among the changes.
    const remains =
      hasPrefix(after, prefix) || [...before.keys()].some((path) => path.startsWith(prefix) && !paths.has(path));
    if (stood && remains) {
      const path = `${target}.${part}`;
      operations.push(
        change.after === undefined ? { op: 'remove', path } : { op: 'replace', path, value: change.after },
      );
    } else if (!elements.has(prefix)) {
      elements.add(prefix);
      operations.push(
        remains
          ? { op: 'add', path: attribute, value: [elementOf(changes, prefix, type)] }
          : { op: 'remove', path: target },
      );
    }
  }
  return operations;
}

/** `add` where nothing stands: some servers do not let `replace` make the parent (`name`, `manager`) of what it writes. */
function single({ path, before, after }: Change): PatchOperation {
  if (after === undefined) return { op: 'remove', path };
  return { op: before === undefined && !Array.isArray(after) ? 'add' : 'replace', path, value: after };
}

const isPartOf = (path: string, whole: string): boolean =>
  path.length > whole.length && path.startsWith(whole) && '.['.includes(path.charAt(whole.length));

const hasPrefix = (paths: ReadonlyMap<string, JsonValue>, prefix: string): boolean =>
  [...paths.keys()].some((path) => path.startsWith(prefix));

/** A new element from its changed parts: all of them, as the target holds none. */
function elementOf(changes: readonly Change[], prefix: string, type: string): JsonObject {
  const element: Record<string, JsonValue> = { type };
  for (const { path, after } of changes) {
    if (path.startsWith(prefix) && after !== undefined) element[path.slice(prefix.length)] = after;
  }
  return element;
}

function valueAt(attributes: JsonObject, path: string): JsonValue | undefined {
  const direct = attributes[path];
  if (direct !== undefined) return direct;
  for (const key in attributes) {
    if (!path.startsWith(`${key}:`)) continue;
    const extension = attributes[key] as JsonObject;
    const value = extension[path.slice(key.length + 1)];
    if (value !== undefined) return value;
  }
  return undefined;
}
