// What a hold holds: the identity of each harmful item – what a person approves is this text and nothing else – and how
// one open hold of each kind is amended by later plans.
import { canonicalJson } from '../base/json.ts';
import type { HoldChange, HoldItem } from './changeset.ts';
import type { Harm } from './harm.ts';

export type HoldKind = HoldChange['kind'];
export type OpenHolds = ReadonlyMap<HoldKind, readonly HoldItem[]>;
/** The workers a plan looked at. */
export type Covers = 'everyone' | ReadonlySet<string>;
export type Sha256 = (text: string) => string;

/**
 * Digest of one item over worker, target, operation, before, after and mapping, and over kind and attribute, so that an
 * approval of one harm never releases another one that reads alike. Any changed character needs a new approval.
 */
export function itemDigest(harm: Harm, mappingDigest: string, sha256: Sha256): string {
  return sha256(
    canonicalJson({
      kind: harm.kind,
      worker: harm.workerKey,
      target: harm.target,
      operation: harm.operation,
      attribute: harm.attribute,
      before: harm.before,
      after: harm.after,
      mapping: mappingDigest,
    }),
  );
}

/** Items in the order of their digests, each once: equal sets of harm make equal holds, whatever order they came in. */
export function sortedItems(items: Iterable<HoldItem>): readonly HoldItem[] {
  const byDigest = new Map<string, HoldItem>();
  for (const item of items) byDigest.set(item.digest, item);
  return [...byDigest.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** Orders stand in no feed: a delivery that has looked at everyone says nothing of them. */
const ORDERED: ReadonlySet<HoldKind> = new Set<HoldKind>(['emergencyLeaver']);

/**
 * What stays held by open holds whatever this plan says: the items of workers that it did not look at, and of those whom another plan
 * held while this one looked at everyone (`beside`).
 */
export function carriedItems(open: OpenHolds, covers: Covers, beside: ReadonlySet<string> = NOBODY): OpenHolds {
  const outside = (kind: HoldKind, { harm: { workerKey } }: HoldItem): boolean =>
    covers === 'everyone' ? ORDERED.has(kind) || beside.has(workerKey) : !covers.has(workerKey);
  return new Map([...open].map(([kind, items]) => [kind, items.filter((item) => outside(kind, item))] as const));
}
const NOBODY: ReadonlySet<string> = new Set();

/**
 * The changes to the open holds: each kind that holds something, amended, and each open one that holds nothing any more,
 * closed. A plan that leaves a hold as it is does not mention it, unless it looked at everyone: then the numbers in the
 * reason are newer. The feed's own hold belongs to the seal, one of keys to the act that asked for it: neither is touched.
 */
export function holdChanges(
  open: OpenHolds,
  covers: Covers,
  held: OpenHolds,
  reason: (kind: HoldKind, items: readonly HoldItem[]) => string,
  beside: ReadonlySet<string> = NOBODY,
): readonly HoldChange[] {
  const carried = carriedItems(open, covers, beside);
  const changes: HoldChange[] = [];
  for (const kind of [...new Set([...open.keys(), ...held.keys()])].sort()) {
    if (kind === 'feed' || kind === 'rekey') continue;
    const before = open.get(kind) ?? [];
    const items = sortedItems([...(carried.get(kind) ?? []), ...(held.get(kind) ?? [])]);
    if (items.length === 0) changes.push({ kind, reason: 'nothing is held any more', items });
    else if ((covers === 'everyone' && !ORDERED.has(kind)) || !sameItems(before, items))
      changes.push({ kind, reason: reason(kind, items), items });
  }
  return changes;
}

/** The workers of whom something is held; what is odd about a whole feed is nobody's. */
export function heldWorkers(holds: Iterable<{ readonly items: readonly HoldItem[] }>): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { items } of holds) {
    for (const { harm } of items) if (harm.kind !== 'feed' && harm.kind !== 'rekey') keys.add(harm.workerKey);
  }
  return keys;
}

function sameItems(before: readonly HoldItem[], after: readonly HoldItem[]): boolean {
  const known = new Set(before.map((item) => item.digest));
  return known.size === after.length && after.every((item) => known.has(item.digest));
}
