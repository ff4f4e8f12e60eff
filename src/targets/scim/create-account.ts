// Creating one account, so that repeating it never makes a second one (design section 6).
import type { JsonObject } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { Delivered, Sendable } from '../target.ts';
import { change } from './change-account.ts';
import { correlate, type Found } from './correlate.ts';
import { differences, fromResource } from './differences.ts';
import { nameTaken, newsFrom, newsOf, payloadOf, severalMatch, stillInDoubt, type Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { createUser, patchUser } from './requests.ts';
import { activeOf, idFromLocation, textOf } from './responses.ts';

export async function deliverCreate(operation: Sendable, ways: Ways): Promise<Delivered> {
  // The account is there already: an earlier try created it, and what is left is to make it as wanted.
  if (operation.account.remoteId !== null) return change(operation, ways, 'ifDifferent', true);
  if (operation.ambiguous) {
    const found = await correlate(operation, ways.exchange, ways.profile, true);
    if (found.kind !== 'nobody') return stillInDoubt(operation, await settled(operation, ways, found, NOTHING_SENT));
  }
  const answer = await ways.exchange(createUser(operation, ways.profile));
  const { outcome } = answer;
  if (outcome.class === 'done') {
    const id = textOf(answer.body, 'id') ?? idFromLocation(answer.location);
    if (id !== null) return { outcome, account: newsOf(operation, answer, id, payloadOf(operation).active) };
  } else if (outcome.class !== 'ambiguous' && outcome.class !== 'conflict' && outcome.class !== 'accepted') {
    return stillInDoubt(operation, { outcome });
  }
  // The reply was lost, says nothing, or says that something stands in the way: often our own earlier success.
  const sentBefore = operation.ambiguous || outcome.class !== 'conflict';
  const found = await correlate(operation, ways.exchange, ways.profile, sentBefore);
  return settled(operation, ways, found, outcome);
}

/** What a look-up means for a create whose own answer was `outcome`. */
async function settled(operation: Sendable, ways: Ways, found: Found, outcome: Outcome): Promise<Delivered> {
  switch (found.kind) {
    case 'ours':
      return adopted(operation, ways, found.id, found.resource);
    case 'taken':
      return { outcome: nameTaken(outcome) };
    case 'several':
      return { outcome: severalMatch(outcome, found.count) };
    case 'unknown': {
      const { retryAfterMs, status, code, countsAsAttempt } = found.outcome;
      return { outcome: concluded(outcome, { class: 'ambiguous', retryAfterMs, status, code, countsAsAttempt }) };
    }
    case 'nobody':
      // It may become visible later; the next try looks again before it writes.
      return { outcome: concluded(outcome, { class: 'ambiguous' }) };
  }
}

/** Our own account, found again: what an earlier try left undone is done now. */
async function adopted(operation: Sendable, ways: Ways, id: string, resource: JsonObject): Promise<Delivered> {
  const standing = fromResource(operation, resource, ways.profile);
  const missing = differences(operation, standing, ways.profile, 'ifDifferent');
  if (missing.length === 0) return { outcome: found(), account: newsFrom(operation, resource, id) };
  const answer = await ways.exchange(patchUser(id, missing));
  const account = newsOf(operation, answer, id, standing.active ?? payloadOf(operation).active);
  if (answer.outcome.class !== 'done') return { outcome: answer.outcome, account: newsFrom(operation, resource, id) };
  return {
    outcome: answer.outcome,
    account: { ...account, active: activeOf(answer.body) ?? payloadOf(operation).active },
  };
}

const found = (): Outcome => concluded(NOTHING_SENT, { code: 'found' });
