// Deletes what nothing refers to any more, in slices between commits: rows of old contexts, old hold items, old listings.
import { DAY_MS, type Instant, plusMs } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { StoreUnknown, type Writer } from './group-commit.ts';
import type { Rooms } from './rooms.ts';

/** Rows deleted in one transaction: a few milliseconds. */
const SLICE = 500;
const SLICE_WEIGHT = 100;
/** The longest window of the guard is 7 days; a day more keeps its edge out of doubt. */
const GUARD_USES_KEPT_DAYS = 8;
/** Longer than any sender tries again (3 days is the longest that one promises). */
const EVENTS_KEPT_DAYS = 7;

type Staged = 'hold' | 'inventory';

export interface Sweeper {
  /** Sweeps until nothing is left; returns at once. */
  readonly start: () => void;
  /** Resolves when no slice is under way; none begins after it. */
  readonly stop: () => Promise<void>;
  /** What is being written and not referred to yet. */
  readonly keep: (what: Staged, version: number) => void;
  readonly release: (what: Staged, version: number) => void;
}

export function sweeperOf(rooms: Rooms, writer: Writer, now: () => Instant): Sweeper {
  const kept: Record<Staged, Set<number>> = { hold: new Set(), inventory: new Set() };
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const slice = (): boolean =>
    rooms.fingerprints.sweep(SLICE) ||
    rooms.holds.sweep(SLICE, now(), kept.hold) ||
    rooms.inventory.sweep(SLICE, kept.inventory) ||
    rooms.hookEvents.sweep(SLICE, plusMs(now(), -EVENTS_KEPT_DAYS * DAY_MS)) ||
    rooms.guardWindow.sweep(SLICE, plusMs(now(), -GUARD_USES_KEPT_DAYS * DAY_MS)) ||
    rooms.retention.sweep(SLICE, now());

  const run = async (): Promise<void> => {
    do {
      again = false;
      while (!stopped && (await writer.write(SLICE_WEIGHT, slice)));
    } while (again && !stopped);
  };

  return {
    start: () => {
      again = true;
      if (running !== null || stopped) return;
      running = run()
        .catch((error: unknown) => {
          // An unknown store already refuses every other call, which stops the house; a busy one is swept another time.
          if (!(error instanceof StoreUnknown || error instanceof Problem)) throw error;
        })
        .finally(() => {
          running = null;
        });
    },
    stop: async () => {
      stopped = true;
      await running;
    },
    keep: (what, version) => kept[what].add(version),
    release: (what, version) => kept[what].delete(version),
  };
}
