// The list of resources as a vendor gives it: filter, page, projection.
import { ScimRefusal } from '../../support/fake-scim.ts';
import { against, fitsFilter, readFilter } from './filter.ts';
import type { Call, Kind, Resource, Traits } from './quirk.ts';

const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** @throws ScimRefusal for what the vendor does not list. */
export function listed(call: Call, kind: Kind, all: readonly Resource[], traits: Traits): Resource {
  const { paging } = traits;
  const found = filtered(call, kind, all, traits);
  const size = sizeOf(call, traits);
  const from = fromOf(call, size, found.length, traits);
  const page = found.slice(from, from + size);
  const next = from + page.length;
  const total = paging.by === 'none' && paging.total !== 'all' ? page.length : found.length;
  return {
    schemas: [LIST_SCHEMA],
    ...(paging.total === 'none' ? {} : { totalResults: total }),
    ...(paging.by === 'index' ? { startIndex: from + 1 } : {}),
    itemsPerPage: page.length,
    ...(paging.by === 'cursor' && next < found.length ? { nextCursor: cursorOf(call, next) } : {}),
    [traits.listKey]: page,
  };
}

function filtered(call: Call, kind: Kind, all: readonly Resource[], traits: Traits): readonly Resource[] {
  const text = call.query.get('filter');
  if (text === null) return all;
  const filter = readFilter(text);
  const why = against(filter, traits.filters[kind], traits.attributeCase === 'exact');
  if (why === null) return all.filter((resource) => fitsFilter(resource, filter));
  if (traits.badFilter === 'empty') return [];
  throw new ScimRefusal(400, 'invalidFilter', why);
}

function sizeOf(call: Call, { paging }: Traits): number {
  const text = call.query.get('count');
  if (text === null || paging.ignoresCount || paging.by === 'none')
    return paging.by === 'none' ? paging.max : paging.usual;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new ScimRefusal(400, 'invalidValue', 'count is a whole number');
  if (count > paging.max && paging.above === 'refused')
    throw new ScimRefusal(400, 'invalidValue', `count is at most ${paging.max}`);
  return Math.min(count, paging.max);
}

function fromOf(call: Call, size: number, total: number, { paging }: Traits): number {
  if (paging.by === 'none') return 0;
  if (paging.by === 'cursor') return indexOfCursor(call, total);
  const startIndex = Math.max(1, Number(call.query.get('startIndex') ?? 1));
  if (!Number.isInteger(startIndex)) throw new ScimRefusal(400, 'invalidValue', 'startIndex is a whole number');
  if (paging.repeatsFrom > 0) return Math.min(startIndex, paging.repeatsFrom) - 1;
  if (!paging.truncates) return startIndex - 1;
  return (Math.max(1, Math.trunc(startIndex / size)) - 1) * size;
}

/** RFC 9865 section 2: everything but the cursor stays the same from page to page. */
function sameQuestion(call: Call): string {
  const query = new URLSearchParams(call.query);
  query.delete('cursor');
  query.sort();
  return query.toString();
}
const cursorOf = (call: Call, next: number) =>
  Buffer.from(JSON.stringify([next, sameQuestion(call)])).toString('base64url');

function indexOfCursor(call: Call, total: number): number {
  const cursor = call.query.get('cursor') ?? '';
  if (cursor === '') return 0;
  const [next, question] = parsedCursor(cursor);
  if (question !== sameQuestion(call) || next > total)
    throw new ScimRefusal(400, 'invalidCursor', 'not a cursor of this list');
  return next;
}

function parsedCursor(cursor: string): readonly [number, string] {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [number, string];
  } catch {
    throw new ScimRefusal(400, 'invalidCursor', 'not a cursor of this list');
  }
}

const ALWAYS = ['schemas', 'id', 'meta'];

/** `attributes` and `excludedAttributes` (RFC 7644 section 3.9), by the name before the first dot. */
export function projection(query: URLSearchParams): (resource: Resource) => Resource {
  const names = (key: string) => query.get(key)?.split(',').map(rootOf) ?? null;
  const only = names('attributes');
  const without = names('excludedAttributes');
  return (resource) =>
    Object.fromEntries(
      Object.entries(resource).filter(([key]) => {
        if (ALWAYS.includes(key)) return true;
        const name = key.toLowerCase();
        return only === null ? !(without?.includes(name) ?? false) : only.some((one) => one === name);
      }),
    );
}

/** `urn:…:User:department` and `urn:…:User` are both about the whole extension here. */
function rootOf(path: string): string {
  const text = path.trim().toLowerCase();
  if (text.startsWith('urn:')) return text.replace(/^(urn:.*:(?:user|group)):.*$/, '$1');
  return text.split('.')[0] as string;
}
