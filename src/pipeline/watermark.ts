// Up to when a source has told its changes: saved in the commit of what they led to, so that a crash asks for them again.
import type { JsonValue } from '../base/json.ts';
import type { Delivery } from '../sources/source.ts';
import type { Store } from '../store/store.ts';
import type { LiveConnection } from './house.ts';

const key = (connection: string): string => `watermark:${connection}`;

export async function watermarkOf(store: Pick<Store, 'setting'>, connection: string): Promise<string | null> {
  const known = await store.setting(key(connection));
  return typeof known === 'string' ? known : null;
}

/** Settings to be committed with what the delivery led to. */
export const watermarkSettings = (connection: string, { watermark }: Delivery): Record<string, JsonValue> =>
  watermark === undefined ? {} : { [key(connection)]: watermark };

/** What the next look goes on from, once that is committed. */
export function acceptDelivery({ accepted }: LiveConnection, { name, watermark }: Delivery): void {
  accepted.name = name;
  if (watermark !== undefined) accepted.watermark = watermark;
}
