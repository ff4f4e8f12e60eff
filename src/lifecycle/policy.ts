import type { DayTime } from '../base/day-time.ts';

/** What a connection file says about the lifecycle (`lifecycle:`), with its defaults applied. */
export interface LifecyclePolicy {
  /** Days before the start date at which the account is made, inactive. */
  readonly preboardDays: number;
  /** Whether a leave of absence keeps the account active. */
  readonly onLeave: 'keep' | 'suspend';
  /** What leaving the scope does to a worker who has an account. */
  readonly scopeExit: 'keep' | 'disable';
  /** Days after the leave at which the account is deleted; null means never. */
  readonly deleteAfterDays: number | null;
  /** The stage from which birthright groups are given. */
  readonly joinGroupsAt: 'preboarding' | 'active';
  /** When access begins, counted from the start date, in the worker's zone; the start of that day without it. */
  readonly enableAt?: DayTime;
  /** When access ends, counted from the last day, in the worker's zone; the start of the day after without it. */
  readonly disableAt?: DayTime;
}

export const DEFAULT_POLICY: LifecyclePolicy = {
  preboardDays: 7,
  onLeave: 'keep',
  scopeExit: 'keep',
  deleteAfterDays: null,
  joinGroupsAt: 'active',
};
