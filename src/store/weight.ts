// How much work a changeset is, so that transactions stay short.
import { HOLD_SLICE } from './staging.ts';
import type { WrittenChangeset } from './written.ts';

/** Copying rows is about half the work of making them. */
const LAID_OUT_WEIGHT = 0.5;

/** In units of one new worker with all it brings. */
export function weightOf(changeset: WrittenChangeset): number {
  const holdItems = (changeset.holds ?? []).reduce((sum, hold) => sum + Math.min(hold.items.length, HOLD_SLICE), 0);
  return (
    1 +
    changeset.workers.length +
    (changeset.packed?.lengths.length ?? 0) +
    (changeset.laidOut?.workers ?? 0) * LAID_OUT_WEIGHT +
    ((changeset.results?.length ?? 0) + changeset.entries.length + (changeset.rejections?.length ?? 0)) / 4 +
    ((changeset.fingerprints?.length ?? 0) + (changeset.guardUses?.length ?? 0) + holdItems) / 8
  );
}

/** Whether the end of a cycle or a changed hold may have left something behind that only a sweep deletes. */
export function leavesRemains(changeset: WrittenChangeset): boolean {
  return changeset.checkpoint !== undefined || (changeset.holds?.length ?? 0) > 0;
}
