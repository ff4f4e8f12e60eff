// Planned workers as they wait for the guard: what is to be stored of each is text already and may wait in a file, what the plan
// itself knows of them is nearly always the same as of somebody else and is then kept once for all.
import { assert } from '../base/assert.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import type { TransitionName } from '../lifecycle/operation.ts';
import type { ChangeText, FingerprintChange, OperationKind, PackedChanges } from '../planning/changeset.ts';
import type { Harm } from '../planning/harm.ts';
import type { Refusal, WorkerPlan } from '../planning/plan-worker.ts';
import type { ReplayOrder } from '../planning/replay.ts';
import { Shelf } from '../runtime/shelf.ts';
import { Spool } from '../runtime/spool.ts';
import { changeOf, changeText, fingerprintsIn } from '../store/store.ts';
import type { Employment } from '../worker/worker.ts';

/** What was seen of one worker. Without employments the facts on file are judged again. */
export interface Observed {
  readonly key: string;
  readonly employments: readonly Employment[];
  readonly fingerprints: readonly FingerprintChange[];
  readonly orders?: readonly LifecycleEvent[];
  readonly replay?: ReplayOrder;
}

export interface Planned {
  readonly plan: WorkerPlan;
  readonly observed: Observed;
}

/** What is stored of one worker, and what the summary counts. */
export interface Storable {
  readonly key: string;
  readonly change: ChangeText | null;
  /** Only without a change: else they stand in its text. */
  readonly fingerprints: readonly FingerprintChange[];
  /** As the guard judged them. */
  readonly harms: readonly Harm[];
  readonly transitions: readonly TransitionName[];
  readonly refusals: readonly Refusal[];
  readonly operations: readonly OperationKind[];
}

/** What is known of a planned worker beside the change. */
export interface Head {
  readonly plan: Omit<WorkerPlan, 'key' | 'change'>;
  readonly observed: Omit<Observed, 'key' | 'employments' | 'fingerprints'>;
  /** Without a change there is no text in which they stand. */
  readonly fingerprints?: readonly FingerprintChange[];
  /** Undefined where the change stores exactly what was observed. */
  readonly employments?: readonly Employment[];
  readonly operations: readonly OperationKind[];
}

/** A first load has one or two; where everybody differs each waits in the file. */
const SHARED_HEADS_MAX = 1_000;

export class PlannedSpool implements Disposable {
  readonly #changes: Spool;
  readonly #heads: Spool;
  readonly #shelf = new Shelf();
  /** By slot: a shared head, or the place of its own one. */
  readonly #headOf: (Head | number)[] = [];
  readonly #shared = new Map<string, Head>();

  constructor(folder: string) {
    this.#changes = new Spool(folder);
    this.#heads = new Spool(folder);
  }

  /** Returns the slot. */
  add({ plan: { key: _, change, ...plan }, observed }: Planned): number {
    const { key: __, employments, fingerprints, ...seen } = observed;
    const stored = change?.employments ?? [];
    const same =
      stored.length === employments.length && stored.every((employment, index) => employment === employments[index]);
    const head: Head = {
      plan,
      observed: seen,
      ...(change === null ? { fingerprints } : {}),
      ...(same ? {} : { employments }),
      operations: change?.operations.map(({ kind }) => kind) ?? [],
    };
    this.#headOf.push(this.#kept(JSON.stringify(head), head));
    const slot = this.#changes.add(change === null ? '' : changeText(change, fingerprints));
    assert(slot === this.#headOf.length - 1, 'every planned worker has a head and a place for the change');
    return slot;
  }

  head(slot: number): Head {
    const kept = this.#headOf[slot];
    assert(kept !== undefined, 'a slot of a plan was given by it');
    return typeof kept === 'number' ? (JSON.parse(this.#heads.get(kept)) as Head) : kept;
  }

  get(key: string, slot: number): Planned {
    const head = this.head(slot);
    const text = this.#change(slot);
    const change = text === null ? null : changeOf(text);
    const employments = head.employments ?? change?.employments ?? [];
    const fingerprints = head.fingerprints ?? (text === null ? [] : fingerprintsIn(text));
    return { plan: { key, ...head.plan, change }, observed: { key, ...head.observed, employments, fingerprints } };
  }

  storable(key: string, slot: number): Storable {
    const { plan, fingerprints = [], operations } = this.head(slot);
    const { harms, transitions, refusals } = plan;
    return { key, change: this.#change(slot), fingerprints, harms, transitions, refusals, operations };
  }

  /** Slots that were given so far. */
  get size(): number {
    return this.#headOf.length;
  }

  /** Whether there is a change to store. */
  hasChange(slot: number): boolean {
    return this.#changes.lengthOf(slot) > 0;
  }

  /** The changes of these slots, as the store takes them. */
  packed(slots: readonly number[]): PackedChanges {
    return this.#changes.packed(slots, this.#shelf);
  }

  /** The store is done with them. */
  giveBack({ bytes }: PackedChanges): void {
    this.#shelf.giveBack(bytes);
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
    this.#heads[Symbol.dispose]();
    this.#shared.clear();
  }

  #change(slot: number): ChangeText | null {
    const text = this.#changes.get(slot);
    return text === '' ? null : (text as ChangeText);
  }

  #kept(text: string, head: Head): Head | number {
    const known = this.#shared.get(text);
    if (known !== undefined) return known;
    if (this.#shared.size >= SHARED_HEADS_MAX) return this.#heads.add(text);
    this.#shared.set(text, head);
    return head;
  }
}
