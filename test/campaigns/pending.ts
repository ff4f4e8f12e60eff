// Whether a daemon has come to rest: what its store says is still to be done.
import type { Instant } from '../../src/base/instant.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import type { Store } from '../../src/store/store.ts';

export interface Rest {
  readonly connection: string;
  readonly targets: readonly string[];
  /** The export that must have been judged. */
  readonly csv: string;
  readonly now: Instant;
  /** The export must have been looked at after this moment. */
  readonly lookedAfterMs: number;
}

const OPEN: ReadonlySet<string> = new Set(['queued', 'sending', 'accepted']);
/** Of whom a cycle says so, the next look decides. */
const WAITS_FOR_CLOCK = 'until the clock is believed';

/** What keeps it from resting; null when nothing does. What has failed waits for a person, and is no work. */
export async function pendingIn(
  store: Store,
  { connection, targets, csv, now, lookedAfterMs }: Rest,
): Promise<string | null> {
  if ((await store.holds(null)).length > 0) return 'held';
  const checkpoint = await store.checkpoint(connection);
  if (checkpoint?.contentDigest !== sha256(csv) || Date.parse(checkpoint.readAt) < lookedAfterMs)
    return 'the last export was not judged';
  const tally = (await store.cycles(connection, 1))[0]?.summary.tally ?? {};
  const doubted = Object.keys(tally).find((what) => what.includes(WAITS_FOR_CLOCK));
  if (doubted !== undefined) return doubted;
  const open = (await store.queueDepths()).filter(({ state }) => OPEN.has(state));
  if (open.length > 0) return JSON.stringify(open);
  if ((await store.due(connection, now, 1)).length > 0) return 'moments that have come';
  for (const target of targets)
    if ((await store.payableDebts(connection, target, 1)).length > 0) return `debts at ${target}`;
  return null;
}
