// A real store in a temporary folder under a held clock.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Instant } from '../../src/base/instant.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { countingBytes, NOON } from './changes.ts';

export * from './changes.ts';

export function tempFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface HeldStore {
  readonly dir: string;
  readonly store: Store;
  /** The store's clock stands at noon until a test moves it. */
  readonly clock: { now: Instant };
}

/** `threaded`: a store that writes on a thread of its own. */
export type HeldMode = 'write' | 'threaded' | 'read' | 'memory';

/** The two ways of writing, for tests that must hold for both. */
export const WAYS = [
  ['in the same thread', 'write'],
  ['in a thread of its own', 'threaded'],
] as const satisfies readonly (readonly [string, HeldMode])[];

export async function heldStore(dir = tempFolder(), held: HeldMode = 'write'): Promise<HeldStore> {
  const clock = { now: NOON };
  const thread = held === 'threaded';
  const mode = held === 'threaded' ? 'write' : held;
  const store = await openStore({ dir, mode, thread, now: () => clock.now, randomBytes: countingBytes() });
  onTestFinished(() => store.close());
  return { dir, store, clock };
}
