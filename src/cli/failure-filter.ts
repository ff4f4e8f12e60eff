// Which failures a command is about: the same flags for looking, replaying and setting aside.
import type { Command } from 'commander';
import { Problem } from '../base/problem.ts';
import { TRANSITIONS } from '../lifecycle/operation.ts';
import type { FailureFilter } from '../pipeline/failures.ts';
import { timeSpan } from './options.ts';

export interface FilterOptions {
  readonly connection?: string;
  readonly target?: string;
  readonly transition?: string;
  readonly cause?: string;
  readonly worker?: string;
  readonly olderThan?: number;
}

/** Shorter beginnings are too easily mistyped. */
const CAUSE_BEGINNING = /^[0-9a-f]{4,8}$/;

export const withFilter = (command: Command): Command =>
  command
    .option('--cause <id>', 'only failures of this cause, as rollcall failed names it')
    .option('--worker <key>', 'only of this worker')
    .option('--connection <name>', 'only of this connection')
    .option('--target <name>', 'only at this target')
    .option('--transition <name>', `only of this transition: ${TRANSITIONS.join(', ')}`)
    .option('--older-than <span>', 'only what failed at least so long ago, such as 90m, 2h or 3d', timeSpan);

/** @throws Problem for words that can fit nothing. */
export function filterOf(options: FilterOptions, operations: readonly number[] = []): FailureFilter {
  const { connection, target, transition, cause, worker, olderThan } = options;
  if (transition !== undefined && !(TRANSITIONS as readonly string[]).includes(transition)) {
    throw new Problem({
      code: 'usage.transition',
      message: `${transition} is no transition`,
      hint: `one of ${TRANSITIONS.join(', ')}`,
    });
  }
  if (cause !== undefined && !CAUSE_BEGINNING.test(cause)) {
    throw new Problem({
      code: 'usage.cause',
      message: `${cause} is no cause`,
      hint: 'eight hex digits, or at least the first four: see rollcall failed',
    });
  }
  return {
    ...(connection === undefined ? {} : { connection }),
    ...(target === undefined ? {} : { target }),
    ...(transition === undefined ? {} : { transition }),
    ...(cause === undefined ? {} : { cause }),
    ...(worker === undefined ? {} : { worker }),
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
    ...(operations.length === 0 ? {} : { operations }),
  };
}

/** Whether anything was said at all: replaying or setting aside everything has to be asked for by name. */
export const saysWhich = (filter: FailureFilter): boolean => Object.keys(filter).length > 0;
