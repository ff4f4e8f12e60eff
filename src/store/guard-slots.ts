// How many workers used each limit within a window that moves on with time. Counting anew at every event would cost more with every
// event of the day: the count goes on from the last look instead, by the uses that have come and those that have become too old.
import { type Instant, msOf } from '../base/instant.ts';
import type { HarmKind } from '../planning/harm.ts';
import type { UsedWindow } from '../planning/tally.ts';
import type { Usage } from './door.ts';

const GUARD_SLOTS = ['hour', 'day', 'week'] as const satisfies readonly UsedWindow[];

export interface GuardUseRow {
  readonly id: number;
  readonly at: Instant;
  readonly kind: HarmKind;
  readonly attribute: string | null;
  readonly unit: string | null;
  readonly worker_key: string;
}

/** Two plans side by side may ask for moments that lie so far apart in the wrong order; further back everything is counted anew. */
const BACK_MAX_MS = 60_000;
/** Uses that newer ones of the same worker have replaced are dropped once there are as many as workers, and so many more. */
const STALE_MIN = 1_000;

/** A window's oldest use that still counts, by its place in the queue, and how many workers it holds from there on. */
interface Front {
  place: number;
  workers: number;
}

/** One kind, one attribute, the whole house or one unit of it. Of each worker only the last use counts. */
class Group {
  readonly kind: HarmKind;
  readonly attribute: string | null;
  readonly unit: string | null;
  #queue: { readonly worker: string; readonly at: Instant }[] = [];
  #last = new Map<string, number>();
  readonly #fronts: Readonly<Record<UsedWindow, Front>> = {
    hour: { place: 0, workers: 0 },
    day: { place: 0, workers: 0 },
    week: { place: 0, workers: 0 },
  };

  constructor({ kind, attribute }: Pick<GuardUseRow, 'kind' | 'attribute'>, unit: string | null) {
    this.kind = kind;
    this.attribute = attribute;
    this.unit = unit;
  }

  add(worker: string, at: Instant): void {
    const before = this.#last.get(worker);
    const earlier = before === undefined ? undefined : this.#queue[before]?.at;
    for (const slot of GUARD_SLOTS) {
      const front = this.#fronts[slot];
      if (before === undefined || before < front.place) front.workers += 1;
    }
    this.#last.set(worker, this.#queue.length);
    this.#queue.push({ worker, at: earlier !== undefined && earlier > at ? earlier : at });
    if (this.#queue.length > 2 * this.#last.size + STALE_MIN) this.#compact();
  }

  workersSince(slot: UsedWindow, since: Instant): number {
    const front = this.#fronts[slot];
    for (let use = this.#queue[front.place]; use !== undefined && use.at < since; use = this.#queue[front.place]) {
      if (this.#last.get(use.worker) === front.place) front.workers -= 1;
      front.place += 1;
    }
    return front.workers;
  }

  #compact(): void {
    const oldest = Math.min(...GUARD_SLOTS.map((slot) => this.#fronts[slot].place));
    const queue: { readonly worker: string; readonly at: Instant }[] = [];
    const last = new Map<string, number>();
    const places = { hour: 0, day: 0, week: 0 };
    this.#queue.forEach((use, place) => {
      if (place < oldest || this.#last.get(use.worker) !== place) return;
      for (const slot of GUARD_SLOTS) if (place < this.#fronts[slot].place) places[slot] += 1;
      last.set(use.worker, queue.length);
      queue.push(use);
    });
    this.#queue = queue;
    this.#last = last;
    for (const slot of GUARD_SLOTS) this.#fronts[slot].place = places[slot];
  }
}

/** The windows of one connection. */
export class GuardSlots {
  readonly #newer: (after: number) => Iterable<GuardUseRow>;
  readonly #newest: () => number;
  #groups = new Map<string, Group>();
  #seenId = 0;
  readonly #since: Partial<Record<UsedWindow, Instant>> = {};

  /** @param newer unapproved uses behind this number, oldest first. @param newest the highest number of any use; 0 without one. */
  constructor(newer: (after: number) => Iterable<GuardUseRow>, newest: () => number) {
    this.#newer = newer;
    this.#newest = newest;
  }

  used(slot: UsedWindow, asked: Instant, units: boolean): readonly Usage[] {
    const last = this.#since[slot];
    const isBack = last !== undefined && asked < last;
    const newest = this.#newest();
    // Numbers begin anew once every use was swept.
    if (newest < this.#seenId || (isBack && msOf(last) - msOf(asked) > BACK_MAX_MS)) this.#forget();
    const since = isBack && this.#since[slot] !== undefined ? last : asked;
    this.#since[slot] = since;
    for (const use of this.#newer(this.#seenId)) this.#add(use);
    this.#seenId = newest;
    const lines = [...this.#groups.values()]
      .filter(({ unit }) => units || unit === null)
      .map((group) => ({ group, workers: group.workersSince(slot, since) }))
      .filter(({ workers }) => workers > 0)
      .sort((a, b) => inOrder(a.group, b.group));
    return lines.map(({ group: { kind, attribute, unit }, workers }) => ({
      kind,
      attribute,
      ...(unit === null ? {} : { unit }),
      workers,
    }));
  }

  #forget(): void {
    this.#groups = new Map();
    this.#seenId = 0;
    for (const slot of GUARD_SLOTS) delete this.#since[slot];
  }

  #add(use: GuardUseRow): void {
    this.#group(use, null).add(use.worker_key, use.at);
    if (use.unit !== null) this.#group(use, use.unit).add(use.worker_key, use.at);
  }

  #group(use: GuardUseRow, unit: string | null): Group {
    const key = JSON.stringify([use.kind, use.attribute, unit]);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = new Group(use, unit);
    this.#groups.set(key, group);
    return group;
  }
}

/** The whole house first, then by kind, attribute and unit. */
function inOrder(a: Group, b: Group): number {
  if ((a.unit === null) !== (b.unit === null)) return a.unit === null ? -1 : 1;
  const text = ({ kind, attribute, unit }: Group): string => `${kind}\n${attribute ?? ''}\n${unit ?? ''}`;
  return text(a) < text(b) ? -1 : 1;
}
