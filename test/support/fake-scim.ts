// The rules of SCIM as a strict service provider reads them (RFC 7643, RFC 7644): validation, filters and PATCH over plain
// objects. It forgives nothing that the RFCs do not ask it to forgive, so that a sloppy client is found out here.

export type Resource = Record<string, unknown>;

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE_SCHEMA = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** An answer that refuses (RFC 7644 section 3.12). */
export class ScimRefusal extends Error {
  readonly status: number;
  readonly scimType: string | null;

  constructor(status: number, scimType: string | null, detail: string) {
    super(detail);
    this.status = status;
    this.scimType = scimType;
  }
}

const refuse = (scimType: string, detail: string): never => {
  throw new ScimRefusal(400, scimType, detail);
};

type Kind = 'text' | 'boolean' | 'complex' | 'multi' | 'readOnly';
const USER_ATTRIBUTES: Readonly<Record<string, Kind>> = {
  userName: 'text',
  externalId: 'text',
  displayName: 'text',
  nickName: 'text',
  profileUrl: 'text',
  title: 'text',
  userType: 'text',
  preferredLanguage: 'text',
  locale: 'text',
  timezone: 'text',
  password: 'text',
  active: 'boolean',
  name: 'complex',
  emails: 'multi',
  phoneNumbers: 'multi',
  ims: 'multi',
  photos: 'multi',
  addresses: 'multi',
  entitlements: 'multi',
  roles: 'multi',
  x509Certificates: 'multi',
  groups: 'readOnly',
  id: 'readOnly',
  meta: 'readOnly',
};
const ENTERPRISE_ATTRIBUTES: Readonly<Record<string, Kind>> = {
  employeeNumber: 'text',
  costCenter: 'text',
  organization: 'text',
  division: 'text',
  department: 'text',
  manager: 'complex',
};
const GROUP_ATTRIBUTES: Readonly<Record<string, Kind>> = {
  displayName: 'text',
  externalId: 'text',
  members: 'multi',
  id: 'readOnly',
  meta: 'readOnly',
};

export type ResourceType = 'User' | 'Group';
const attributesOf = (type: ResourceType) => (type === 'User' ? USER_ATTRIBUTES : GROUP_ATTRIBUTES);

const isObject = (value: unknown): value is Resource =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The attribute's own spelling and kind; names are case-insensitive (RFC 7643 section 2.1). */
function attributeNamed(attributes: Readonly<Record<string, Kind>>, name: string): [string, Kind] | null {
  const found = Object.keys(attributes).find((known) => known.toLowerCase() === name.toLowerCase());
  return found === undefined ? null : [found, attributes[found] as Kind];
}

function checkedValue(name: string, kind: Kind, value: unknown): unknown {
  if (kind === 'boolean' && typeof value !== 'boolean') return refuse('invalidValue', `${name} must be a boolean`);
  if (kind === 'text') {
    if (typeof value !== 'string') return refuse('invalidValue', `${name} must be text`);
    if (value === '') return refuse('invalidValue', `${name} must not be empty text`);
  }
  if (kind === 'complex') {
    if (!isObject(value)) return refuse('invalidValue', `${name} must be an object`);
    for (const [key, part] of Object.entries(value)) {
      if (part === '' || typeof part !== 'string')
        refuse('invalidValue', `${name}.${key} must be text that is not empty`);
    }
  }
  if (kind === 'multi') {
    if (!Array.isArray(value)) return refuse('invalidValue', `${name} must be an array`);
    for (const element of value) {
      if (!isObject(element)) return refuse('invalidValue', `${name} holds objects`);
      if ('primary' in element && typeof element.primary !== 'boolean') refuse('invalidValue', 'primary is a boolean');
      for (const part of Object.values(element)) if (part === '') refuse('invalidValue', `${name} holds empty text`);
    }
    if (value.filter((element) => (element as Resource).primary === true).length > 1) {
      refuse('invalidValue', `${name} has more than one primary value`);
    }
  }
  return structuredClone(value);
}

/** A validated copy of what a client sent with POST or PUT: attributes in their own spelling, read-only ones dropped. */
export function validated(type: ResourceType, body: unknown): Resource {
  if (!isObject(body)) return refuse('invalidSyntax', 'the body is no object');
  const schemas = body.schemas;
  const core = type === 'User' ? USER_SCHEMA : GROUP_SCHEMA;
  if (!Array.isArray(schemas) || !schemas.includes(core)) return refuse('invalidSyntax', `schemas must hold ${core}`);
  const result: Resource = { schemas: [...schemas] };
  for (const [key, value] of Object.entries(body)) {
    if (key.toLowerCase() === 'schemas') continue;
    if (key.toLowerCase().startsWith('urn:')) {
      if (!schemas.includes(key)) refuse('invalidSyntax', `schemas does not hold ${key}`);
      if (!isObject(value)) refuse('invalidValue', `${key} must be an object`);
      const extension: Resource = {};
      for (const [name, part] of Object.entries(value as Resource)) {
        const known = key === ENTERPRISE_SCHEMA ? attributeNamed(ENTERPRISE_ATTRIBUTES, name) : ([name, null] as const);
        if (known === null || name === '__proto__') return refuse('invalidSyntax', `unknown attribute ${name}`);
        extension[known[0]] = known[1] === null ? structuredClone(part) : checkedValue(name, known[1], part);
      }
      result[key] = extension;
      continue;
    }
    const known = attributeNamed(attributesOf(type), key);
    if (known === null) return refuse('invalidSyntax', `unknown attribute ${key}`);
    if (known[1] === 'readOnly') continue;
    result[known[0]] = checkedValue(key, known[1], value);
  }
  const required = type === 'User' ? 'userName' : 'displayName';
  if (typeof result[required] !== 'string') refuse('invalidValue', `${required} is required`);
  return result;
}

/** `attribute eq "value"`, one comparison: all that this provider filters by. */
export function parsedFilter(text: string): { readonly attribute: string; readonly value: unknown } {
  const match = /^\s*([A-Za-z$][\w$.:-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*$/i.exec(text);
  if (match === null) return refuse('invalidFilter', `cannot read the filter ${text}`);
  try {
    return {
      attribute: match[1] as string,
      value: JSON.parse((match[2] as string).replace(/^(true|false)$/i, (word) => word.toLowerCase())),
    };
  } catch {
    return refuse('invalidFilter', 'the filter value is no JSON');
  }
}

interface PatchPath {
  /** URN of the extension, or '' for the core. */
  readonly schema: string;
  readonly attribute: string;
  readonly kind: Kind;
  readonly filter: { readonly attribute: string; readonly value: unknown } | null;
  readonly sub: string | null;
}

function parsedPath(type: ResourceType, path: string): PatchPath {
  const match = /^([^[\]]+?)(?:\[(.*)\])?(?:\.([A-Za-z$][\w$-]*))?$/s.exec(path);
  if (match === null) return refuse('invalidPath', `cannot read the path ${path}`);
  let [, name, filter, sub] = match as unknown as [string, string, string | undefined, string | undefined];
  let schema = '';
  if (name.toLowerCase().startsWith('urn:')) {
    const colon = name.lastIndexOf(':');
    schema = name.slice(0, colon);
    name = name.slice(colon + 1);
    if (schema.toLowerCase() === (type === 'User' ? USER_SCHEMA : GROUP_SCHEMA).toLowerCase()) schema = '';
    else if (schema.toLowerCase() === ENTERPRISE_SCHEMA.toLowerCase()) schema = ENTERPRISE_SCHEMA;
  }
  if (filter === undefined && sub === undefined && name.includes('.')) {
    const dot = name.indexOf('.');
    sub = name.slice(dot + 1);
    name = name.slice(0, dot);
  }
  if (name === '__proto__' || sub === '__proto__') return refuse('invalidPath', 'no such attribute');
  const table = schema === '' ? attributesOf(type) : schema === ENTERPRISE_SCHEMA ? ENTERPRISE_ATTRIBUTES : null;
  const known = table === null ? ([name, 'text'] as [string, Kind]) : attributeNamed(table, name);
  if (known === null) return refuse('invalidPath', `unknown attribute ${path}`);
  if (known[1] === 'readOnly') throw new ScimRefusal(400, 'mutability', `${path} is read-only`);
  if (filter !== undefined && known[1] !== 'multi') return refuse('invalidPath', `${path} has no elements`);
  if (sub !== undefined && known[1] !== 'multi' && known[1] !== 'complex')
    return refuse('invalidPath', `${path} has no parts`);
  if (sub !== undefined && known[1] === 'multi' && filter === undefined)
    return refuse('invalidPath', `${path} names no element`);
  return {
    schema,
    attribute: known[0],
    kind: known[1],
    filter: filter === undefined ? null : parsedFilter(filter),
    sub: sub ?? null,
  };
}

const sameText = (a: unknown, b: unknown) =>
  typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : a === b;

function onePrimary(elements: Resource[], latest: readonly Resource[]): void {
  const winner = latest.findLast((element) => element.primary === true);
  if (winner === undefined) return;
  for (const element of elements) if (element !== winner && element.primary === true) element.primary = false;
}

function applyOne(
  type: ResourceType,
  resource: Resource,
  op: 'add' | 'replace' | 'remove',
  path: PatchPath,
  value: unknown,
): void {
  if (path.schema !== '' && !isObject(resource[path.schema])) {
    if (op === 'remove') return;
    resource[path.schema] = {};
    const schemas = resource.schemas as string[];
    if (!schemas.includes(path.schema)) schemas.push(path.schema);
  }
  const holder = path.schema === '' ? resource : (resource[path.schema] as Resource);
  const required = type === 'User' ? 'userName' : 'displayName';

  if (path.kind === 'multi' && path.filter !== null) {
    const wanted = path.filter;
    const elements = (holder[path.attribute] ?? []) as Resource[];
    const chosen = elements.filter((element) => sameText(element[wanted.attribute], wanted.value));
    if (chosen.length === 0) refuse('noTarget', `nothing matches ${path.attribute}[…]`);
    if (op === 'remove') {
      if (path.sub === null) holder[path.attribute] = elements.filter((element) => !chosen.includes(element));
      else for (const element of chosen) delete element[path.sub];
      if ((holder[path.attribute] as unknown[]).length === 0) delete holder[path.attribute];
      return;
    }
    for (const element of chosen) {
      const next =
        path.sub === null
          ? isObject(value)
            ? { ...element, ...value }
            : refuse('invalidValue', 'an object')
          : { ...element, [path.sub]: value };
      checkedValue(path.attribute, 'multi', [next]);
      Object.assign(element, structuredClone(next));
    }
    onePrimary(elements, chosen);
    return;
  }
  if (op === 'remove') {
    if (holder === resource && path.attribute === required)
      throw new ScimRefusal(400, 'mutability', `${required} is required`);
    if (path.sub === null) delete holder[path.attribute];
    else if (isObject(holder[path.attribute])) delete (holder[path.attribute] as Resource)[path.sub];
    const left = holder[path.attribute];
    if (isObject(left) && Object.keys(left).length === 0) delete holder[path.attribute];
    if (path.schema !== '' && Object.keys(holder).length === 0) delete resource[path.schema];
    return;
  }
  if (path.kind === 'complex') {
    const next = path.sub === null ? value : { [path.sub]: value };
    const checked = checkedValue(path.attribute, 'complex', next) as Resource;
    holder[path.attribute] = { ...((holder[path.attribute] as Resource | undefined) ?? {}), ...checked };
    return;
  }
  if (path.kind === 'multi') {
    const given = checkedValue(path.attribute, 'multi', Array.isArray(value) ? value : [value]) as Resource[];
    const present = op === 'replace' ? [] : ((holder[path.attribute] ?? []) as Resource[]);
    const fresh = given.filter(
      (element) =>
        !present.some(
          (other) =>
            JSON.stringify(other) === JSON.stringify(element) ||
            (path.attribute === 'members' && other.value === element.value),
        ),
    );
    const elements = [...present, ...fresh];
    onePrimary(elements, fresh);
    if (elements.length === 0) delete holder[path.attribute];
    else holder[path.attribute] = elements;
    return;
  }
  holder[path.attribute] = checkedValue(path.attribute, path.kind, value);
}

/** The resource after a PATCH (RFC 7644 section 3.5.2): all of it or, with a refusal, nothing. */
export function patched(type: ResourceType, resource: Resource, body: unknown): Resource {
  if (!isObject(body)) return refuse('invalidSyntax', 'the body is no object');
  if (!Array.isArray(body.schemas) || !body.schemas.includes(PATCH_SCHEMA))
    return refuse('invalidSyntax', 'schemas must hold PatchOp');
  const operations = body.Operations;
  if (!Array.isArray(operations) || operations.length === 0)
    return refuse('invalidSyntax', 'Operations is missing or empty');
  const result = structuredClone(resource);
  for (const operation of operations as Resource[]) {
    const { op, path, value } = operation;
    if (op !== 'add' && op !== 'replace' && op !== 'remove')
      return refuse('invalidSyntax', 'op is add, replace or remove');
    if (op !== 'remove' && value === undefined) refuse('invalidValue', 'value is missing');
    if (path === undefined) {
      if (op === 'remove') refuse('noTarget', 'remove needs a path');
      if (!isObject(value)) return refuse('invalidValue', 'without a path the value is an object');
      for (const [name, part] of Object.entries(value)) {
        if (!isObject(part) || !name.toLowerCase().startsWith('urn:'))
          applyOne(type, result, op, parsedPath(type, name), part);
        else
          for (const [inner, deep] of Object.entries(part))
            applyOne(type, result, op, parsedPath(type, `${name}:${inner}`), deep);
      }
      continue;
    }
    if (typeof path !== 'string') return refuse('invalidPath', 'path is text');
    applyOne(type, result, op, parsedPath(type, path), value);
  }
  return result;
}
