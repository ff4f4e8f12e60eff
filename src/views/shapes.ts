// Holds, operations and rejected rows as scripts read them, the same in every answer.
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { Hold, ShownOperation } from '../store/store.ts';

export const inFeedOrder = (rejections: readonly Rejection[]): readonly Rejection[] =>
  rejections.toSorted((a, b) => (a.place.record ?? 0) - (b.place.record ?? 0));

export const rejectionJson = ({ key, code, reason, column, place }: Rejection): object => ({
  key,
  code,
  reason,
  column,
  record: place.record ?? null,
  line: place.line ?? null,
});

export const holdJson = ({ items: _, itemCount, ...hold }: Hold): object => ({ ...hold, items: itemCount });

export const operationJson = (operation: ShownOperation): object => ({ ...operation });

/** Holds with as many of their items as were read. */
export const holdsJson = (holds: readonly Hold[]): object => ({
  holds: holds.map((hold) => ({
    ...holdJson(hold),
    shown: hold.items.map(({ digest: item, harm }) => ({ digest: item, ...harm })),
  })),
});
