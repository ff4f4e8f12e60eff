// Failures that have the same cause: same target, same answer, same words apart from what names one person. Three thousand
// people whose title is too long are one line for whoever is on call.
import type { Outcome } from '../lifecycle/outcome.ts';

export interface FailureCause {
  /** Eight hex digits; stable as long as the target says the same. */
  readonly id: string;
  readonly target: string;
  readonly status: number | null;
  readonly code: string;
  /** The target's own words with what differs from person to person left out as `…`; '' where it gave none. */
  readonly words: string;
}

/** What an operation without any answer failed of. */
const NO_ANSWER = 'no-answer';
/** Quoted text, then any word with a digit, an @ or a dot between letters: names, ids, addresses, times. */
const ONE_PERSONS = /"[^"]*"|'[^']*'|“[^”]*”|`[^`]*`|[^\s,;()[\]{}]*(?:\d|@|[^\s.]\.[^\s.])[^\s,;()[\]{}]*/g;

export function causeOf(target: string, outcome: Outcome | null, sha256: (text: string) => string): FailureCause {
  const status = outcome?.status ?? null;
  const code = outcome?.code ?? NO_ANSWER;
  const words = commonWords(outcome?.detail ?? '');
  return { id: sha256(JSON.stringify([target, status, code, words])).slice(0, 8), target, status, code, words };
}

export const commonWords = (detail: string): string =>
  detail
    .replace(ONE_PERSONS, '…')
    .replace(/(?:…[\s,]*)+…/g, '…')
    .replace(/\s+/g, ' ')
    .trim();
