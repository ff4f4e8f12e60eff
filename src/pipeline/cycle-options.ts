// What a cycle is asked for, and what may be seen of it on the way.
import type { Instant } from '../base/instant.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import type { Plan } from './plan.ts';

export interface CycleOptions {
  readonly actor: string;
  /** `plan`: everything up to the guard, nothing stored. */
  readonly mode: 'commit' | 'plan';
  /** Judges as if it were this moment (plan --as-of). */
  readonly asIf?: Instant;
  /** Pilot: only this worker, or at most so many workers whose standing or account would change. */
  readonly onlyWorker?: string;
  readonly limit?: number;
  readonly onProgress?: (phase: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
  /** Sees the whole plan before it is disposed: `plan` prints from it. */
  readonly inspect?: (plan: Plan, verdict: Verdict, inspected: Inspected) => Promise<void> | void;
}

/** What else there is to know of a plan. */
export interface Inspected {
  /** Digest of all that rows are read by; the one of the delivery before is in its checkpoint. */
  readonly context: string;
  readonly before: Checkpoint | null;
  /** In a plan: for whom a moment has come. A cycle leaves them to the calendar. */
  readonly due: ReadonlySet<string>;
}

/** Only some of a delivery is judged: nothing is accepted by it. */
export const isPilot = ({ onlyWorker, limit }: CycleOptions): boolean =>
  onlyWorker !== undefined || limit !== undefined;
