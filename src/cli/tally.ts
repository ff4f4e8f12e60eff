// The counts of a cycle, sorted by what they count.
import { TRANSITIONS } from '../lifecycle/operation.ts';
import type { Tally } from '../pipeline/house.ts';

export interface Counts {
  readonly transitions: Readonly<Record<string, number>>;
  readonly operations: Readonly<Record<string, number>>;
  /** Events that the lifecycle refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly held: number;
  readonly unchanged: number;
}

export function countsOf(...tallies: readonly Tally[]): Counts {
  const transitions: Record<string, number> = {};
  const operations: Record<string, number> = {};
  const refused: Record<string, number> = {};
  let held = 0;
  let unchanged = 0;
  for (const [name, times] of tallies.flatMap((tally) => Object.entries(tally))) {
    const [prefix, rest] = name.split(':', 2);
    if (prefix === 'operation' && rest !== undefined) operations[rest] = (operations[rest] ?? 0) + times;
    else if (prefix === 'refused' && rest !== undefined) refused[rest] = (refused[rest] ?? 0) + times;
    else if ((TRANSITIONS as readonly string[]).includes(name)) transitions[name] = (transitions[name] ?? 0) + times;
    else if (name === 'held') held += times;
    else if (name === 'unchanged') unchanged += times;
  }
  return { transitions, operations, refused, held, unchanged };
}

const PLURALS: Readonly<Record<string, string>> = {
  leave: 'leaves of absence',
  purge: 'purges',
  revokeSessions: 'revokeSessions',
};
/** `12 joiners, 3 movers`; '' when nothing was counted. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, times]) => times > 0)
    .map(([name, times]) => `${times} ${times === 1 ? name : (PLURALS[name] ?? `${name}s`)}`)
    .join(', ');
}
