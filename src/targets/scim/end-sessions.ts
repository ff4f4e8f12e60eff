// Ending the sessions of somebody who has left, at an endpoint of its own. Repeating it does no harm: whatever went wrong, it is
// asked again.
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { SessionEnder } from '../sessions/session-ender.ts';
import { type Delivered, type Journal, NOBODY, type Sendable } from '../target.ts';
import type { Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { readUser } from './requests.ts';

/** `sessions` null: it was ordered before the connection file stopped asking for it. */
export async function deliverEndOfSessions(
  operation: Sendable,
  ways: Ways,
  sessions: SessionEnder | null,
  journal: Journal,
  signal: AbortSignal,
): Promise<Delivered> {
  const { remoteId } = operation.account;
  if (sessions === null) return { outcome: concluded(NOTHING_SENT, { code: 'sessions-not-ended-here' }) };
  if (remoteId === null) return { outcome: concluded(NOTHING_SENT, { code: NOBODY }) };
  const outcome = await sessions.end(operation, journal, signal);
  if (outcome.class !== 'gone') return { outcome };
  // Done for somebody whose account is gone as well. An account that stands is known there under another name.
  const after = await ways.exchange(readUser(remoteId));
  if (after.outcome.class === 'gone') return { outcome: concluded(outcome, { class: 'done', code: NOBODY }) };
  return { outcome: after.outcome.class === 'done' ? strange(outcome) : after.outcome };
}

const strange = (outcome: Outcome): Outcome =>
  concluded(outcome, {
    class: 'permanent',
    code: 'sessions-unknown-user',
    detail: 'the endpoint that ends sessions does not know this user, whose account exists; see revokeSessions.user',
    countsAsAttempt: true,
  });
