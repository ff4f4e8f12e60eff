// Emergencies by webhook that a person has set aside: what came before that moment is over and never carried out once the hour's limit
// has room again, whatever becomes of the connection file meanwhile. What comes later is judged like any other.
import { DAY_MS, type Instant, msOf, plusMs } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import type { Hold, Store } from '../store/store.ts';

interface Aside {
  readonly at: Instant;
  readonly by: string;
}

/** An event that waits longer is rejected for its age. */
const KEPT_MS = 4 * DAY_MS;
const keyOf = (connection: string): string => `emergencies.aside:${connection}`;

/** Called when a person has set these holds of a connection aside. */
export async function setAside(
  store: Pick<Store, 'setting' | 'saveSetting'>,
  holds: readonly Hold[],
  connection: string,
  by: string,
  now: Instant,
): Promise<void> {
  const workers = heldWorkers(holds.filter(({ kind }) => kind === 'emergencyLeaver'));
  if (workers.size === 0) return;
  const since = plusMs(now, -KEPT_MS);
  const before = Object.entries(await asideOf(store, connection)).filter(([, { at }]) => at >= since);
  const ours = [...workers].map((worker) => [worker, { at: now, by }] as const);
  await store.saveSetting(keyOf(connection), Object.fromEntries([...before, ...ours]));
}

/** Who has set this worker's emergency aside after it came; null where nobody has. */
export async function asideBy(
  store: Pick<Store, 'setting'>,
  connection: string,
  worker: string,
  receivedAt: Instant,
): Promise<string | null> {
  const aside = (await asideOf(store, connection))[worker];
  return aside !== undefined && msOf(receivedAt) <= msOf(aside.at) ? aside.by : null;
}

const asideOf = async (store: Pick<Store, 'setting'>, connection: string): Promise<Readonly<Record<string, Aside>>> =>
  ((await store.setting(keyOf(connection))) ?? {}) as JsonValue as unknown as Readonly<Record<string, Aside>>;
