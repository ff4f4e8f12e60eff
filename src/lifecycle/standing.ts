// Where a worker is: the two regions of the chart and what the chart remembers. Stored in columns of our own.
import type { CalendarDate } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';

export const STAGES = ['expected', 'preboarding', 'active', 'onLeave', 'left', 'purged'] as const;
export type Stage = (typeof STAGES)[number];
/** Stages at which an account exists once the target was reached. */
export const WITH_ACCOUNT: ReadonlySet<Stage> = new Set(['preboarding', 'active', 'onLeave']);
export const AT_WORK: ReadonlySet<Stage> = new Set(['active', 'onLeave']);

export const DELIVERIES = ['settled', 'delivering', 'failed'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** Who said that the worker leaves. Leaves by `endsNow`, `webhook` and `operator` are never rescinded by a feed without approval. */
export type LeaveBy = 'feed' | 'endsNow' | 'webhook' | 'operator';

/** Explicit: HR's record says so for this worker. Inferred: everything else that would turn an active account inactive. */
export type LeaveKind = 'explicit' | 'inferred';

export interface Facts {
  /** Our clock when the leave was seen; enabling needs facts that are newer than this. */
  readonly leaveSeenAt: Instant | null;
  readonly leaveKind: LeaveKind | null;
  readonly leaveBy: LeaveBy | null;
  /** An emergency leave stays until a named person lifts it. */
  readonly sticky: boolean;
  /** The employment whose end was acted on, and its start: tells a rehire from a rescinded termination. */
  readonly endedEmployment: string | null;
  readonly endedStart: CalendarDate | null;
  /** The last day that had passed when the worker left; null where the leave was not by date. Tells a moved end from a moved zone. */
  readonly endedEnd: CalendarDate | null;
  /** The last day that has already passed the guard: it does not count against a limit a second time. */
  readonly guardedEnd: CalendarDate | null;
}

export interface Standing {
  readonly stage: Stage;
  readonly delivery: Delivery;
  readonly facts: Facts;
}

/** Raised when stages, events or facts change their meaning; a standing of an unknown version stops the start. */
export const MACHINE_VERSION = 1;

export const NO_FACTS: Facts = {
  leaveSeenAt: null,
  leaveKind: null,
  leaveBy: null,
  sticky: false,
  endedEmployment: null,
  endedStart: null,
  endedEnd: null,
  guardedEnd: null,
};

/** A worker nobody has decided anything about yet. */
export const UNKNOWN: Standing = { stage: 'expected', delivery: 'settled', facts: NO_FACTS };
