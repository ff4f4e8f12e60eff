// The answer to a bulk request: which result belongs to which operation (RFC 7644 section 3.7.3). Servers write statuses as text,
// numbers and objects, leave out bulkIds and change the order. A result whose owner is not certain is no result: taking one
// worker's account for another's would end the access of the wrong person one day.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { memberOf } from '../../planning/account-changes.ts';
import { isObject, parsedBody, textOf } from '../../runtime/access/json-body.ts';
import type { BulkItem } from './bulk-message.ts';
import { errorOf, idFromLocation } from './responses.ts';

export interface BulkResult {
  readonly status: number;
  readonly scimType: string | null;
  readonly detail: string;
  /** The resource as it stands now, where the server shows it. */
  readonly body: JsonObject | null;
  readonly location: string | null;
  readonly etag: string | null;
}

interface ReadResult extends BulkResult {
  readonly bulkId: string | null;
  readonly method: string | null;
  /** Id of the resource that the result names. */
  readonly id: string | null;
}

/** `sent` in the order of the request. Operations without a certain result are absent: whether they took effect is unknown. */
export function bulkResults(answer: JsonObject | null, sent: readonly BulkItem[]): ReadonlyMap<BulkItem, BulkResult> {
  const listed = answer === null ? undefined : memberOf(answer, 'Operations');
  const results = Array.isArray(listed) ? (listed as readonly JsonValue[]).map(readResult) : [];
  const named = namedResults(results, sent);
  const byOrder = orderedResults(results, sent, named);
  const found = new Map<BulkItem, ReadResult>();
  for (const [item, index] of [...named, ...byOrder]) {
    const result = results[index];
    if (result != null) found.set(item, result);
  }
  return withoutSharedIds(found);
}

/** Item → index of the one result that names it: by bulkId, else by the address of the resource. */
function namedResults(
  results: readonly (ReadResult | null)[],
  sent: readonly BulkItem[],
): ReadonlyMap<BulkItem, number> {
  const indexes = new Map<string, number[]>();
  for (const [index, result] of results.entries()) {
    if (result === null) continue;
    const name = result.bulkId === null ? (result.id === null ? null : `id ${result.id}`) : `bulkId ${result.bulkId}`;
    if (name !== null) indexes.set(name, [...(indexes.get(name) ?? []), index]);
  }
  const found = new Map<BulkItem, number>();
  for (const item of sent) {
    const ofItem = indexes.get(item.request.method === 'POST' ? `bulkId ${item.bulkId}` : `id ${idOf(item)}`) ?? [];
    const [index] = ofItem;
    if (ofItem.length === 1 && index !== undefined && fitsMethod(results[index], item)) found.set(item, index);
  }
  return found;
}

/** What names nobody belongs to the operation in the same place, as far as it would make no difference if it did not. */
function orderedResults(
  results: readonly (ReadResult | null)[],
  sent: readonly BulkItem[],
  named: ReadonlyMap<BulkItem, number>,
): ReadonlyMap<BulkItem, number> {
  const found = new Map<BulkItem, number>();
  if (results.length !== sent.length || sent.some((item, index) => (named.get(item) ?? index) !== index)) return found;
  const rest = sent.flatMap((item, index) => (named.has(item) ? [] : [{ item, index, result: results[index] }]));
  const changes = rest.filter(({ item }) => item.request.method !== 'POST');
  const alike = new Set(changes.map(({ result }) => result?.status)).size <= 1;
  for (const { item, index, result } of rest) {
    if (result == null || result.bulkId !== null || !fitsMethod(result, item)) continue;
    const certain = item.request.method === 'POST' ? isOf(result, item) : alike && result.id === null;
    if (certain) found.set(item, index);
  }
  return found;
}

const fitsMethod = (result: ReadResult | null | undefined, { request }: BulkItem): boolean =>
  result != null && (result.method === null || result.method.toUpperCase() === request.method);

/** The resource that the result shows is the one that was to be created. */
function isOf({ body }: ReadResult, { request }: BulkItem): boolean {
  const wanted = parsedBody(request.body);
  const externalId = textOf(wanted, 'externalId');
  if (externalId !== null) return textOf(body, 'externalId') === externalId;
  const userName = textOf(wanted, 'userName')?.toLowerCase();
  return userName !== undefined && textOf(body, 'userName')?.toLowerCase() === userName;
}

/** Two people never have one account: a server that says so has mixed something up. */
function withoutSharedIds(found: ReadonlyMap<BulkItem, ReadResult>): ReadonlyMap<BulkItem, BulkResult> {
  const owners = new Map<string, number>();
  for (const { id } of found.values()) if (id !== null) owners.set(id, (owners.get(id) ?? 0) + 1);
  return new Map([...found].filter(([, { id }]) => id === null || owners.get(id) === 1));
}

/** The id at the end of an operation's own path. */
const idOf = ({ request }: BulkItem): string | null => idFromLocation(request.path);

/** Null where there is nothing that could be a result. */
function readResult(value: JsonValue): ReadResult | null {
  if (!isObject(value)) return null;
  const status = statusOf(memberOf(value, 'status'));
  if (status === null) return null;
  const response = memberOf(value, 'response');
  const body = isObject(response) ? response : typeof response === 'string' ? parsedBody(response) : null;
  const refused = status >= 400;
  const location = textOf(value, 'location');
  const { scimType, detail } = refused ? errorOf(body) : { scimType: null, detail: '' };
  return {
    status,
    scimType,
    detail,
    body: refused ? null : body,
    location,
    etag: textOf(value, 'version'),
    bulkId: textOf(value, 'bulkId'),
    method: textOf(value, 'method'),
    id: idFromLocation(location) ?? (refused ? null : textOf(body, 'id')),
  };
}

/** RFC 7644 writes a text of three digits; others write a number, or an object that holds one of them. */
function statusOf(value: JsonValue | undefined, nested = false): number | null {
  if (isObject(value)) {
    return nested
      ? null
      : statusOf(memberOf(value, 'code') ?? memberOf(value, 'status') ?? memberOf(value, 'value'), true);
  }
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
  const [, digits] = /^([1-5]\d\d)(?!\d)/.exec(text.trim()) ?? [];
  return digits === undefined ? null : Number(digits);
}
