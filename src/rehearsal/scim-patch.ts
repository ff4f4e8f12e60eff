// PATCH as RFC 7644 section 3.5.2 has it, over plain objects and strict: what the section does not allow is refused, so that a
// rehearsal never shows an end state that no endpoint would have come to.
import { ScimRefusal } from './scim-refusal.ts';

/** A resource, or a part of one, as parsed from JSON and ours to change. */
export type Mutable = Record<string, unknown>;

type Op = 'add' | 'replace' | 'remove';

export interface PatchStep {
  readonly op: Op;
  readonly path: string | null;
  readonly value: unknown;
}

interface Path {
  /** URN of the extension; '' for the core. */
  readonly schema: string;
  readonly attribute: string;
  readonly filter: { readonly attribute: string; readonly value: unknown } | null;
  readonly sub: string | null;
}

const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const READ_ONLY: ReadonlySet<string> = new Set(['id', 'meta', 'schemas', 'groups']);

const refuse = (scimType: string, detail: string): never => {
  throw new ScimRefusal(400, scimType, detail);
};

export const isObject = (value: unknown): value is Mutable =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The operations of a PATCH in their order. @throws ScimRefusal */
export function patchSteps(body: unknown): readonly PatchStep[] {
  if (!isObject(body) || !Array.isArray(body.schemas) || !body.schemas.includes(PATCH_SCHEMA))
    return refuse('invalidSyntax', 'schemas must hold PatchOp');
  if (!Array.isArray(body.Operations) || body.Operations.length === 0)
    return refuse('invalidSyntax', 'Operations is missing or empty');
  return body.Operations.map((operation: unknown): PatchStep => {
    if (!isObject(operation)) return refuse('invalidSyntax', 'an operation is an object');
    const { op, path, value } = operation;
    if (op !== 'add' && op !== 'replace' && op !== 'remove')
      return refuse('invalidSyntax', 'op is add, replace or remove');
    if (path !== undefined && typeof path !== 'string') return refuse('invalidPath', 'path is text');
    if (op === 'remove' && path === undefined) return refuse('noTarget', 'remove needs a path');
    if (op !== 'remove' && value === undefined) return refuse('invalidValue', 'value is missing');
    return { op, path: path ?? null, value };
  });
}

/** `attribute eq "value"`: one comparison. @throws ScimRefusal */
export function readFilter(text: string): { readonly attribute: string; readonly value: unknown } {
  const match = /^\s*([A-Za-z$][\w$.:-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*$/i.exec(text);
  const [, attribute, value] = match ?? [];
  if (attribute === undefined || value === undefined) return refuse('invalidFilter', 'the filter cannot be read');
  try {
    return { attribute, value: JSON.parse(value.startsWith('"') ? value : value.toLowerCase()) };
  } catch {
    return refuse('invalidFilter', 'the value of the filter is no JSON');
  }
}

/** The resource after all steps; the one that was given stays as it is. @throws ScimRefusal */
export function patched(resource: Mutable, steps: readonly PatchStep[]): Mutable {
  const result = structuredClone(resource);
  for (const { op, path, value } of steps) {
    if (path !== null) {
      apply(result, op, readPath(path), value);
      continue;
    }
    if (!isObject(value)) return refuse('invalidValue', 'without a path the value is an object');
    for (const [name, part] of Object.entries(value)) {
      if (!name.startsWith('urn:') || !isObject(part)) apply(result, op, readPath(name), part);
      else for (const [inner, deep] of Object.entries(part)) apply(result, op, readPath(`${name}:${inner}`), deep);
    }
  }
  return result;
}

function readPath(text: string): Path {
  const match = /^([^[\]]+?)(?:\[(.*)\])?(?:\.([A-Za-z$][\w$-]*))?$/s.exec(text);
  if (match === null) return refuse('invalidPath', 'the path cannot be read');
  const [, whole = '', filter] = match;
  let [name, sub, schema] = [whole, match[3] ?? null, ''];
  if (name.startsWith('urn:')) {
    const colon = name.lastIndexOf(':');
    schema = name.slice(0, colon);
    name = name.slice(colon + 1);
  }
  const dot = name.indexOf('.');
  if (dot !== -1 && filter === undefined && sub === null) {
    sub = name.slice(dot + 1);
    name = name.slice(0, dot);
  }
  if (name === '__proto__' || sub === '__proto__' || schema === '__proto__')
    return refuse('invalidPath', 'no such attribute');
  if (schema === '' && READ_ONLY.has(name)) throw new ScimRefusal(400, 'mutability', `${name} is read-only`);
  return { schema, attribute: name, filter: filter === undefined ? null : readFilter(filter), sub };
}

function apply(resource: Mutable, op: Op, path: Path, value: unknown): void {
  const holder = holderOf(resource, op, path);
  if (holder === null) return;
  if (path.filter !== null) toElements(holder, op, path, value);
  else if (op === 'remove') remove(holder, path);
  else write(holder, op, path, value);
  for (const name of [path.attribute, path.schema]) {
    const left = name === path.schema ? resource[name] : holder[name];
    // What lost its last part is gone (RFC 7643 section 2.5).
    if ((isObject(left) || Array.isArray(left)) && Object.keys(left).length === 0)
      delete (name === path.schema ? resource : holder)[name];
  }
}

function holderOf(resource: Mutable, op: Op, { schema }: Path): Mutable | null {
  if (schema === '') return resource;
  const there = resource[schema];
  if (isObject(there)) return there;
  if (op === 'remove') return null;
  const made: Mutable = {};
  resource[schema] = made;
  const schemas = Array.isArray(resource.schemas) ? resource.schemas : [];
  if (!schemas.includes(schema)) resource.schemas = [...schemas, schema];
  return made;
}

function toElements(holder: Mutable, op: Op, { attribute, filter, sub }: Path, value: unknown): void {
  const elements: Mutable[] = Array.isArray(holder[attribute]) ? (holder[attribute] as Mutable[]) : [];
  const chosen = elements.filter((element) => filter !== null && sameValue(element[filter.attribute], filter.value));
  if (chosen.length === 0) refuse('noTarget', `nothing matches ${attribute}[…]`);
  if (op === 'remove') {
    if (sub === null) holder[attribute] = elements.filter((element) => !chosen.includes(element));
    else for (const element of chosen) delete element[sub];
    return;
  }
  for (const element of chosen) {
    if (sub !== null) element[sub] = structuredClone(value);
    else if (isObject(value)) Object.assign(element, structuredClone(value));
    else refuse('invalidValue', 'an element is an object');
  }
  onePrimary(elements, chosen);
}

const sameValue = (a: unknown, b: unknown): boolean =>
  typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : a === b;

function remove(holder: Mutable, { attribute, sub }: Path): void {
  if (sub === null) delete holder[attribute];
  else if (isObject(holder[attribute])) delete holder[attribute][sub];
}

function write(holder: Mutable, op: Op, { attribute, sub }: Path, value: unknown): void {
  const there = holder[attribute];
  if (sub !== null) {
    if (Array.isArray(there)) refuse('invalidPath', `${attribute} has several values: say which`);
    holder[attribute] = { ...(isObject(there) ? there : {}), [sub]: structuredClone(value) };
    return;
  }
  if (op === 'add' && Array.isArray(there)) {
    const given: unknown[] = Array.isArray(value) ? value : [value];
    const known = new Set(there.map((element) => JSON.stringify(element)));
    const fresh = given.filter((element) => !known.has(JSON.stringify(element))).map((one) => structuredClone(one));
    const elements = [...there, ...fresh];
    onePrimary(elements.filter(isObject), fresh.filter(isObject));
    holder[attribute] = elements;
    return;
  }
  holder[attribute] =
    isObject(value) && isObject(there) ? { ...there, ...structuredClone(value) } : structuredClone(value);
}

/** A new primary value takes the place of the old one (RFC 7644 section 3.5.2). */
function onePrimary(elements: readonly Mutable[], latest: readonly Mutable[]): void {
  const winner = latest.findLast((element) => element.primary === true);
  if (winner === undefined) return;
  for (const element of elements) if (element !== winner && element.primary === true) element.primary = false;
}
