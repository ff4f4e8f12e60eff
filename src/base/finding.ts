// What a look at something outside the house found: values, because several things may be wrong at once and all are told.
import { type Fault, faultLine, type Problem } from './problem.ts';

/**
 * `good` works · `note` is for people to know and nothing is wrong · `warning` works and deserves a look · `failed` does not work now ·
 * `configuration` cannot work before a file or a secret is corrected.
 */
export type Verdict = 'good' | 'note' | 'warning' | 'failed' | 'configuration';

export interface Finding {
  /** Stable, for scripts: `source.reachable`, `target.token` … */
  readonly code: string;
  readonly verdict: Verdict;
  /** One plain sentence; no personal values, no secrets. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Problems with these codes are cured in a file or a secret and by nothing else. */
const CONFIGURATION = /^(?:mapping|secret|config|source\.settings|source\.encoding|usage)\b/;

/** The faults of a Problem as findings. */
export const findingsOf = (problem: Problem): readonly Finding[] =>
  problem.faults.map(({ hint, ...fault }: Fault) => ({
    code: fault.code,
    verdict: CONFIGURATION.test(fault.code) ? 'configuration' : 'failed',
    message: faultLine(fault),
    ...(hint === undefined ? {} : { hint }),
  }));
