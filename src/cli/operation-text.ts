import type { ShownOperation } from '../store/store.ts';

/** `disable queued after 3 attempt(s): 503 http-503 …`: what was asked, how far it came, and the target's last word. */
export function reasonOf({ kind, state, lastOutcome, attempts, notBefore }: ShownOperation): string {
  const tries = attempts === 0 ? '' : ` after ${attempts} attempt(s)`;
  const why =
    lastOutcome === null
      ? ''
      : `: ${[lastOutcome.status, lastOutcome.code, lastOutcome.detail].filter((part) => part !== null && part !== '').join(' ')}`;
  const until = state === 'accepted' ? `, to be confirmed by ${notBefore}` : '';
  return `${kind} ${state}${until}${tries}${why}`;
}
