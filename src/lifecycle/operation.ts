/**
 * What the chart may ask of a target. The planner turns the name into concrete work for each target, or into none: the chart does
 * not know accounts. To enable or update somebody who never had an account is to make it; to disable one is to look for it.
 */
export const OPERATION_NAMES = [
  'createAccount',
  'updateAccount',
  'enableAccount',
  'disableAccount',
  'deleteAccount',
  'revokeMemberships',
  'revokeSessions',
] as const;
export type OperationName = (typeof OPERATION_NAMES)[number];

/** Named changes of a standing, the words that reports and the audit use. */
export const TRANSITIONS = [
  'joiner',
  'start',
  'mover',
  'leave',
  'return',
  'leaver',
  'rehire',
  'rescind',
  'withdraw',
  'purge',
] as const;
export type TransitionName = (typeof TRANSITIONS)[number];

/** Queues of delivery, most urgent first (design section 6). */
export const LANES = ['emergency', 'leaver', 'joiner', 'mover', 'replay', 'backfill'] as const;
export type Lane = (typeof LANES)[number];
