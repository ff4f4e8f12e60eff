// Since when a connection's feed says what it says: the very same content delivered again is no news.
import type { Instant } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import type { Store } from '../store/store.ts';

const key = (connection: string): string => `feed-since:${connection}`;

/** To be stored with the checkpoint after `before`; nothing where the content is the same. */
export const feedSince = (
  connection: string,
  before: Checkpoint | null,
  after: Pick<Checkpoint, 'contentDigest' | 'asOf'>,
): Readonly<Record<string, JsonValue>> =>
  before?.contentDigest === after.contentDigest ? {} : { [key(connection)]: after.asOf };

/** Of what moment the first delivery with the present content speaks; null before any was accepted. */
export async function readFeedSince(store: Pick<Store, 'setting'>, connection: string): Promise<Instant | null> {
  const since = await store.setting(key(connection));
  return typeof since === 'string' ? (since as Instant) : null;
}
