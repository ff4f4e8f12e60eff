// Since when a connection's feed says what it says, and when anything new came at all: the very same file looked at again is no
// delivery, and the very same content delivered again is no news.
import type { Instant } from '../base/instant.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import type { Delivery } from '../sources/source.ts';
import type { Store } from '../store/store.ts';

const sinceKey = (connection: string): string => `feed-since:${connection}`;
const deliveredKey = (connection: string): string => `feed-delivered:${connection}`;
const hiredKey = (connection: string): string => `feed-hired:${connection}`;

/** The last delivery that was new when it was accepted. */
export interface Delivered {
  readonly id: string;
  readonly name: string;
  /** Of what moment it speaks, and when it was accepted for the first time. */
  readonly asOf: Instant;
  readonly at: Instant;
  /** When its place says it was written; null where it does not tell, or the delivery claims no date of its own. */
  readonly writtenAt: Instant | null;
}

/** To be stored with the checkpoint after `before`; nothing where the content is the same. */
export const feedSince = (
  connection: string,
  before: Checkpoint | null,
  after: Pick<Checkpoint, 'contentDigest' | 'asOf'>,
): Readonly<Record<string, JsonValue>> =>
  before?.contentDigest === after.contentDigest ? {} : { [sinceKey(connection)]: after.asOf };

/**
 * To be stored with the checkpoint after `before`; nothing where it is the same delivery. An interface that answers is alive, also
 * where it says that nothing has changed: its answers always count.
 */
export function feedDelivered(
  { name: connection, source }: Pick<Connection, 'name' | 'source'>,
  before: Checkpoint | null,
  { id, name, asOf, writtenAt }: Pick<Delivery, 'id' | 'name' | 'asOf' | 'writtenAt'>,
  at: Instant,
): Readonly<Record<string, JsonValue>> {
  if (before?.deliveryId === id && source.kind !== 'http') return {};
  const delivered: Delivered = { id, name, asOf, at, writtenAt: writtenAt ?? null };
  return { [deliveredKey(connection)]: delivered as unknown as JsonObject };
}

/** To be stored with what a cycle did: that somebody joined. */
export const feedHired = (
  connection: string,
  tally: Readonly<Record<string, number>>,
  at: Instant,
): Readonly<Record<string, JsonValue>> =>
  (tally.joiner ?? 0) + (tally.rehire ?? 0) > 0 ? { [hiredKey(connection)]: at } : {};

/** Of what moment the first delivery with the present content speaks; null before any was accepted. */
export async function readFeedSince(store: Pick<Store, 'setting'>, connection: string): Promise<Instant | null> {
  const since = await store.setting(sinceKey(connection));
  return typeof since === 'string' ? (since as Instant) : null;
}

/** Null before any was accepted. */
export async function readDelivered(store: Pick<Store, 'setting'>, connection: string): Promise<Delivered | null> {
  const delivered = await store.setting(deliveredKey(connection));
  return delivered === null ? null : (delivered as unknown as Delivered);
}

/** When somebody joined last; null where that was never seen. */
export async function readHired(store: Pick<Store, 'setting'>, connection: string): Promise<Instant | null> {
  const at = await store.setting(hiredKey(connection));
  return typeof at === 'string' ? (at as Instant) : null;
}
