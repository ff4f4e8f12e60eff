// The seal of a connection's feed: judged once for each reading of a snapshot, before anything of it has an effect.
import type { JsonValue } from '../base/json.ts';
import type { HoldItem } from '../planning/changeset.ts';
import { FeedMarks, type MarkWords } from '../planning/feed-marks.ts';
import { sortedItems } from '../planning/hold-items.ts';
import { samePerson } from '../planning/same-person.ts';
import { type FeedShape, sealBreaks, sealItems } from '../planning/seal.ts';
import { sha256 } from '../runtime/hash.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import type { House, LiveConnection } from './house.ts';
import { openPlan, type Plan, planWorkers } from './plan.ts';
import type { Observed } from './planned-spool.ts';
import type { Reading } from './reading.ts';

/** Raised whenever the same row could get another mark: fingerprints with older ones are forgotten. */
export const MARKS_VERSION = 1;

const marksKey = (connection: string): string => `feed-marks:${connection}`;
export const sealKey = (connection: string): string => `feed-seal:${connection}`;

/** What is kept of the last good delivery. */
export interface SealedFeed {
  readonly shape: FeedShape;
  /** Employments on file that it did not hold. */
  readonly absent: number;
  /** Under which its rows were read (mapping, format, versions). */
  readonly context: string;
  /** Digest of the mapping by which its rows were read; its text is in the archive. */
  readonly mapping?: string;
}

/** Of which delivery the open hold of the feed is, where a look at all of it was taken: its content and mapping. */
export const sealHeldKey = (connection: string): string => `feed-held:${connection}`;

export const sealedFeed = async (house: House, connection: string): Promise<SealedFeed | null> =>
  (await house.store.setting(sealKey(connection))) as unknown as SealedFeed | null;

export const marksOnFile = async (house: House, connection: string): Promise<FeedMarks> =>
  new FeedMarks(((await house.store.setting(marksKey(connection))) ?? []) as unknown as readonly MarkWords[]);

/** Before any fingerprint with one of its numbers is. */
export async function saveMarks(house: House, connection: string, marks: FeedMarks): Promise<void> {
  if (marks.grown) await house.store.saveSetting(marksKey(connection), marks.words as unknown as JsonValue);
}

export interface SealVerdict {
  /** To be stored when this delivery is accepted. */
  readonly sealed: SealedFeed;
  /** Sentences with the numbers; '' where the seal holds. */
  readonly reason: string;
  /** What the hold holds: one item for each break. */
  readonly items: readonly HoldItem[];
  /** What the hold is of (`sealHeldKey`); null where it is of more than this delivery. */
  readonly of: string | null;
  /** A person looked at these very breaks and lets the delivery pass. */
  readonly released: boolean;
}

export interface Found {
  readonly plan: Plan;
  readonly contentDigest: string;
  readonly context: string;
  /** Only some of the rows under new content were judged. */
  readonly pilot: boolean;
}

export async function judgeSeal(house: House, reading: Reading, found: Found): Promise<SealVerdict> {
  const { store } = house;
  const { mapping, now } = found.plan.rules;
  const { connection } = mapping;
  const absent = (await reading.absent()).length;
  const shape = reading.shape();
  const sealed: SealedFeed = { shape, absent, context: found.context, mapping: mapping.digest };
  const whole: SealVerdict = { sealed, reason: '', items: [], of: null, released: false };
  const before = await sealedFeed(house, connection);
  if (before === null) return whole;
  const onFile = await store.employmentCount(connection);
  // Under another mapping the same row may give other names: then presence alone counts.
  const strangers = before.context === found.context ? found.plan.strangers.size : 0;
  const breaks = sealBreaks(before.shape, reading.earlierShape() ?? shape, {
    before: onFile - before.absent,
    missing: absent - before.absent,
    strangers,
  });
  let reason = breaks.map((one) => one.reason).join('; ');
  let items = sealItems(breaks, { content: found.contentDigest, mapping: mapping.digest, sha256 });
  let of: string | null = `${found.contentDigest} ${mapping.digest}`;
  const open = (await store.holds(connection, Number.MAX_SAFE_INTEGER)).find(({ kind }) => kind === 'feed');
  if (found.pilot && open !== undefined) {
    // A pilot has not looked at everybody: it never passes what a whole cycle has held. What was held and released of another
    // delivery says nothing of this one.
    const same = (await store.setting(sealHeldKey(connection))) === of;
    if (!same && items.length > 0) {
      reason = [...new Set([reason, open.reason])].join('; ');
      items = sortedItems([...items, ...open.items]);
      of = null;
    } else ({ reason, items } = open);
  }
  if (items.length === 0) return whole;
  const [approved, discarded] = await Promise.all([store.approvals(connection, now), store.discards(connection, now)]);
  const released = items.every(({ digest }) => approved.has(digest) && !discarded.has(digest));
  return { sealed, reason, items, of, released };
}

/** Employments looked up at once. */
const BATCH = 100;

/**
 * All that a delivery with a broken seal may do: end the access of workers of whom it says so in a row that can be read and that
 * names the very person on file. Nothing else that the row says is taken over.
 */
export async function leaversOnly(house: House, live: LiveConnection, whole: Plan, reading: Reading): Promise<Plan> {
  const { mapping, now, actor } = whole.rules;
  const plan = openPlan(house, mapping, live, now, actor, whole.signal);
  const keys = [...whole.candidates.values()].filter(({ harms }) => harms.some(isExplicit)).map((one) => one.workerKey);
  for (let from = 0; from < keys.length; from += BATCH) {
    const slice = keys.slice(from, from + BATCH);
    const situations = await house.store.situations(mapping.connection, slice);
    const observed: Observed[] = [];
    for (const key of slice) {
      const onFile = new Map(situations.get(key)?.employments.map((one) => [one.id, inForceAt(one, now)]));
      const leaves = (whole.get(key)?.observed.employments ?? []).flatMap((row): readonly Employment[] => {
        const known = onFile.get(row.id);
        if (known === undefined || row.status !== 'terminated') return [];
        if (!reading.parsed(row.id) || !samePerson(known, row)) return [];
        const { status, endDate, endsNow, asOf } = row;
        return [{ ...known, status, endDate, endsNow, asOf }];
      });
      const fingerprints = leaves.map(({ id }) => ({ employmentId: id, digests: [] }));
      if (leaves.length > 0) observed.push({ key, employments: leaves, fingerprints });
    }
    await planWorkers(house, plan, observed);
  }
  for (const key of [...plan.keys()]) {
    if (!(plan.candidates.get(key)?.harms.some(isExplicit) ?? false)) plan.drop(key);
  }
  return plan;
}

const isExplicit = ({ kind }: { readonly kind: string }): boolean => kind === 'explicitLeaver';
