// One bulk request as text (RFC 7644 section 3.7). Pure.

import { newPassword, withPasswords } from './password.ts';
import type { BulkLimits } from './profiles/profile.ts';
import type { ScimRequest } from './requests.ts';

/** One write of one worker. */
export interface BulkItem {
  /** Unique within the request. Only a POST carries it: everything else is known by its own path. */
  readonly bulkId: string;
  readonly request: ScimRequest;
  /** The same create with a reference to the manager whom item `by` creates; used where both travel in one request. */
  readonly led?: { readonly by: string; readonly request: ScimRequest };
}

export interface BulkMessage {
  /** In the order in which they stand in the body. */
  readonly items: readonly BulkItem[];
  /** Those that were written with their `led` request. */
  readonly referring: ReadonlySet<BulkItem>;
  /** JSON text that may hold password markers. */
  readonly body: string;
}

/** `failOnErrors` is left out: services differ in what a number there means, and every result is read anyway. */
const HEAD = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[';
const TAIL = ']}';
const COMMA_BYTES = 1;
/** Member names, quotes, the method and a comma. */
const ITEM_FRAME_BYTES = 128;
const BYTES_PER_UNIT = 3;
/** JSON writes one unit as up to six (`\\u0000`). */
const ESCAPED = 6;
const FRAME_BYTES = Buffer.byteLength(HEAD) + Buffer.byteLength(TAIL);

function textOfItem({ bulkId, request }: BulkItem, written: ScimRequest): string {
  const id = request.method === 'POST' ? `"bulkId":${JSON.stringify(bulkId)},` : '';
  const version = request.ifMatch === undefined ? '' : `"version":${JSON.stringify(request.ifMatch)},`;
  return `{"method":"${request.method}",${id}${version}"path":${JSON.stringify(request.path)},"data":${written.body}}`;
}

/** UTF-8 bytes on the wire. Passwords are all of one length, so that any will do for measuring. */
const bytesOf = (text: string): number => Buffer.byteLength(withPasswords(text, newPassword));

/** In its longest form: a reference may be left out later. */
const bytesOfItem = (item: BulkItem): number =>
  Math.max(
    bytesOf(textOfItem(item, item.request)),
    item.led === undefined ? 0 : bytesOf(textOfItem(item, item.led.request)),
  );

/** Never less than the bytes of an item, and cheap: no character of a text takes more than three bytes for each of its units. */
const bytesAtMost = ({ bulkId, request, led }: BulkItem): number =>
  ITEM_FRAME_BYTES +
  BYTES_PER_UNIT *
    (bulkId.length +
      ESCAPED * (request.path.length + (request.ifMatch?.length ?? 0)) +
      Math.max(request.body.length, led?.request.body.length ?? 0));

/** In order, each within both limits. An item that is too large for any request stands alone. */
export function bulkBatches(
  items: readonly BulkItem[],
  { maxOps, maxBytes }: BulkLimits,
): readonly (readonly BulkItem[])[] {
  // Most batches are far below the limit: nothing need be measured then.
  const surelyFits = items.reduce((sum, item) => sum + bytesAtMost(item), FRAME_BYTES) <= maxBytes;
  if (surelyFits && items.length > 0 && items.length <= maxOps) return [items];
  const batches: BulkItem[][] = [];
  let batch: BulkItem[] = [];
  let bytes = FRAME_BYTES;
  for (const item of items) {
    const own = bytesOfItem(item);
    if (batch.length > 0 && (batch.length >= maxOps || bytes + COMMA_BYTES + own > maxBytes)) {
      batches.push(batch);
      batch = [];
      bytes = FRAME_BYTES;
    }
    bytes += own + (batch.length === 0 ? 0 : COMMA_BYTES);
    batch.push(item);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** Managers stand before those who refer to them; of a cycle one reference is left out, and stays a debt. */
export function bulkMessage(batch: readonly BulkItem[]): BulkMessage {
  const byId = new Map(batch.map((item) => [item.bulkId, item]));
  const items: BulkItem[] = [];
  const referring = new Set<BulkItem>();
  const placed = new Set<BulkItem>();
  for (const first of batch) {
    // The line of managers above this one, up to somebody who is placed, not in this batch, or in the line already.
    const line: BulkItem[] = [];
    for (let item: BulkItem | undefined = first; item !== undefined && !placed.has(item); ) {
      if (line.includes(item)) break;
      line.push(item);
      item = item.led === undefined ? undefined : byId.get(item.led.by);
    }
    for (const item of line.reverse()) {
      const manager = item.led === undefined ? undefined : byId.get(item.led.by);
      if (manager !== undefined && placed.has(manager)) referring.add(item);
      placed.add(item);
      items.push(item);
    }
  }
  const texts = items.map((item) =>
    textOfItem(item, item.led !== undefined && referring.has(item) ? item.led.request : item.request),
  );
  return { items, referring, body: `${HEAD}${texts.join(',')}${TAIL}` };
}

export const bulkBytes = ({ body }: BulkMessage): number => bytesOf(body);
