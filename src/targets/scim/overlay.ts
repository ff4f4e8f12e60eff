// PUT replaces a whole resource (RFC 7644 section 3.5.1), so what others wrote is carried along: the resource as it was just
// read, with our changes laid over it. Elements of lists that are not ours stay as they are.
import { assert } from '../../base/assert.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { isObject } from '../../runtime/access/json-body.ts';
import type { PatchOperation } from './patch.ts';

interface Place {
  readonly names: readonly string[];
  /** `[type eq "work"]`, or `[value eq "id"]`. */
  readonly element: { readonly member: string; readonly value: string } | null;
  readonly part: string | null;
}

const PATH =
  /^(?<urn>urn:[^"[\]]+:)?(?<attribute>[^:[.]+)(?:\[(?<member>\w+) eq (?<value>"(?:[^"\\]|\\.)*")\])?(?:\.(?<part>.+))?$/i;

function placeOf(path: string): Place {
  const groups = PATH.exec(path)?.groups;
  assert(groups !== undefined, 'paths of our own changes are of the forms that SCIM knows');
  const { urn, attribute, member, value, part } = groups;
  const names = [...(urn === undefined ? [] : [urn.slice(0, -1)]), attribute as string];
  const element = member === undefined || value === undefined ? null : { member, value: JSON.parse(value) as string };
  return { names, element, part: part ?? null };
}

/** The member's own spelling there, or ours where there is none. */
const spelled = (object: JsonObject, name: string): string =>
  Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;

/** `merges`: the endpoint keeps what is left out, so that what shall go is set to null. */
export function overlaid(resource: JsonObject, operations: readonly PatchOperation[], merges: boolean): JsonObject {
  return operations.reduce((result, operation) => applied(result, operation, merges), resource);
}

/** The same changes with each list that they touch written whole, for endpoints that keep one value of it. */
export function wholeLists(operations: readonly PatchOperation[], known: JsonObject): readonly PatchOperation[] {
  const inLists = operations.filter((operation) => touchesList(operation));
  if (inLists.length === 0) return operations;
  const after = overlaid(known, inLists, false);
  const attributes = new Set(inLists.map(({ path }) => path.replace(/\[.*$/s, '')));
  const lists = [...attributes].map((path): PatchOperation => {
    const value = placeOf(path).names.reduce<JsonValue | undefined>(
      (inside, name) => (isObject(inside) ? inside[spelled(inside, name)] : undefined),
      after,
    );
    return value === undefined ? { op: 'remove', path } : { op: 'replace', path, value };
  });
  return [...operations.filter((operation) => !touchesList(operation)), ...lists];
}

const touchesList = ({ op, path, value }: PatchOperation): boolean =>
  path.includes('[') || (op === 'add' && Array.isArray(value));

function applied(resource: JsonObject, { op, path, value }: PatchOperation, merges: boolean): JsonObject {
  const { names, element, part } = placeOf(path);
  const change = (old: JsonValue | undefined): JsonValue | undefined => {
    if (element !== null) return inList(old, element, part, op === 'remove' ? undefined : value, merges);
    if (part !== null) return inObject(old, part, op === 'remove' ? undefined : value, merges);
    if (op === 'remove') return merges && old !== undefined ? null : undefined;
    return op === 'add' && Array.isArray(old) && Array.isArray(value) ? joined(old, value) : value;
  };
  return changedAt(resource, names, change);
}

function changedAt(
  object: JsonObject,
  names: readonly string[],
  change: (old: JsonValue | undefined) => JsonValue | undefined,
): JsonObject {
  const [first, ...rest] = names;
  assert(first !== undefined, 'a path names something');
  const name = spelled(object, first);
  const old = object[name];
  const next = rest.length === 0 ? change(old) : changedAt(isObject(old) ? old : {}, rest, change);
  const { [name]: _, ...others } = object;
  // An extension that nothing is left of is not sent at all.
  const empty = rest.length > 0 && isObject(next) && Object.keys(next).length === 0;
  return next === undefined || empty ? others : { ...object, [name]: next };
}

function inObject(old: JsonValue | undefined, part: string, value: JsonValue | undefined, merges: boolean): JsonValue {
  const object = isObject(old) ? old : {};
  const name = spelled(object, part);
  const { [name]: _, ...others } = object;
  if (value === undefined) return merges && object[name] !== undefined ? { ...others, [name]: null } : others;
  return { ...object, [name]: value };
}

function inList(
  old: JsonValue | undefined,
  { member, value: wanted }: NonNullable<Place['element']>,
  part: string | null,
  value: JsonValue | undefined,
  merges: boolean,
): JsonValue | undefined {
  const list = Array.isArray(old) ? (old as readonly JsonValue[]) : [];
  const fits = (element: JsonValue) =>
    isObject(element) && String(element[spelled(element, member)]).toLowerCase() === wanted.toLowerCase();
  if (part === null && value === undefined) {
    const left = list.filter((element) => !fits(element));
    return left.length > 0 ? left : merges && list.length > 0 ? null : undefined;
  }
  const changed = (element: JsonValue): JsonValue =>
    part === null ? (value as JsonValue) : inObject(element, part, value, false);
  if (list.some(fits)) return list.map((element) => (fits(element) ? changed(element) : element));
  return value === undefined ? list : [...list, changed({ [member]: wanted })];
}

/** New elements take the place of those of the same type; without types they join where they are not there yet. */
function joined(old: readonly JsonValue[], added: readonly JsonValue[]): readonly JsonValue[] {
  const typeOf = (element: JsonValue) => (isObject(element) ? element[spelled(element, 'type')] : undefined);
  const same = (a: JsonValue, b: JsonValue) =>
    typeOf(a) === undefined ? JSON.stringify(a) === JSON.stringify(b) : typeOf(a) === typeOf(b);
  return [...old.filter((one) => !added.some((other) => same(one, other))), ...added];
}
