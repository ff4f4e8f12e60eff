// What a plan comes to: how many change, how many lose access, and which changes many share.
import type { JsonValue } from '../base/json.ts';
import type { OperationKind } from '../planning/changeset.ts';
import { CAUSES, type Cause } from './plan-causes.ts';
import type { GuardWord } from './plan-sent.ts';

export interface PlanCounts {
  /** Workers for whom a target would be written to. */
  readonly change: number;
  /** Of those: who gets a new account or back into one, and who loses access or the account. */
  readonly gainAccess: number;
  readonly loseAccess: number;
  /** Of those who change: nothing, or only the disable, would be sent until somebody has approved. */
  readonly held: number;
  /** Of those who change, by cause; causes without anybody are left out. */
  readonly causes: Readonly<Partial<Record<Cause, CauseCount>>>;
}

export interface CauseCount {
  readonly change: number;
  readonly loseAccess: number;
}

/** As much of a worker's plan as is counted. */
export interface Counted {
  readonly cause: Cause;
  readonly guard: GuardWord;
  readonly operations: readonly {
    readonly target: string;
    readonly kind: OperationKind;
    readonly refused: string;
    readonly changes: readonly Pick<SharedChange, 'path' | 'before' | 'after'>[];
  }[];
}

/** One change of one attribute that several workers share. */
export interface SharedChange {
  readonly target: string;
  readonly path: string;
  readonly before: JsonValue | null;
  readonly after: JsonValue | null;
  readonly workers: number;
}

/** Different changes counted at once; what comes later and was not met before is not counted. */
const KINDS_MAX = 20_000;
const SHARED_MIN = 2;
/** Shared changes that are told, the most frequent first. */
const SHARED_SHOWN = 200;

const ENDS: ReadonlySet<OperationKind> = new Set<OperationKind>(['disable', 'delete']);
const BEGINS: ReadonlySet<OperationKind> = new Set<OperationKind>(['create', 'enable']);

export class PlanCounter {
  #change = 0;
  #gain = 0;
  #lose = 0;
  #held = 0;
  readonly #causes = new Map<Cause, { change: number; loseAccess: number }>();
  readonly #shared = new Map<string, SharedChange & { workers: number }>();

  take(worker: Counted): void {
    const operations = worker.operations.filter(({ refused }) => refused === '');
    if (operations.length === 0) return;
    this.#change += 1;
    const loses = operations.some(({ kind }) => ENDS.has(kind));
    if (loses) this.#lose += 1;
    else if (operations.some(({ kind }) => BEGINS.has(kind))) this.#gain += 1;
    if (worker.guard !== 'passes') this.#held += 1;
    const cause = this.#causes.get(worker.cause) ?? { change: 0, loseAccess: 0 };
    cause.change += 1;
    if (loses) cause.loseAccess += 1;
    this.#causes.set(worker.cause, cause);
    for (const { target, kind, changes } of operations) {
      if (kind !== 'create') for (const change of changes) this.#share(target, change);
    }
  }

  #share(target: string, { path, before, after }: Pick<SharedChange, 'path' | 'before' | 'after'>): void {
    if (path === 'active') return;
    const name = JSON.stringify([target, path, before, after]);
    const known = this.#shared.get(name);
    if (known !== undefined) known.workers += 1;
    else if (this.#shared.size < KINDS_MAX) this.#shared.set(name, { target, path, before, after, workers: 1 });
  }

  counts(): PlanCounts {
    const causes = CAUSES.flatMap((cause) => {
      const count = this.#causes.get(cause);
      return count === undefined ? [] : [[cause, count] as const];
    });
    return {
      change: this.#change,
      gainAccess: this.#gain,
      loseAccess: this.#lose,
      held: this.#held,
      causes: Object.fromEntries(causes),
    };
  }

  /** The most frequent first, those of one frequency by their names. */
  shared(): readonly SharedChange[] {
    return [...this.#shared]
      .filter(([, { workers }]) => workers >= SHARED_MIN)
      .sort(([a, one], [b, other]) => other.workers - one.workers || (a < b ? -1 : 1))
      .slice(0, SHARED_SHOWN)
      .map(([, change]) => change);
  }
}
