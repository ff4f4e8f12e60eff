// Creating one account, so that repeating it never makes a second one (design section 6).
import type { JsonObject } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import type { Delivered, Sendable } from '../target.ts';
import { change } from './change-account.ts';
import { correlate, type Found } from './correlate.ts';
import { differences, fromResource } from './differences.ts';
import {
  holderUnproven,
  isProtected,
  nameTaken,
  newsFrom,
  newsOf,
  notVisibleYet,
  payloadOf,
  severalMatch,
  stillInDoubt,
  type Ways,
} from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { readById } from './read-account.ts';
import { createUser } from './requests.ts';
import { activeOf, idFromLocation, versionOf } from './responses.ts';
import { writeUser } from './write-account.ts';

export async function deliverCreate(operation: Sendable, ways: Ways): Promise<Delivered> {
  // The account is there already: an earlier try created it, and what is left is to make it as wanted.
  if (operation.account.remoteId !== null) return change(operation, ways, 'ifDifferent', true);
  if (operation.ambiguous || ways.profile.lookBeforeCreate) {
    const found = await correlate(operation, ways.exchange, ways.profile, operation.ambiguous);
    // Nothing was sent: what the look-up met is all that there is to say.
    if (found.kind === 'unknown' && !operation.ambiguous) return { outcome: found.outcome };
    if (found.kind === 'nobody' && operation.mayAppear === true) return { outcome: notVisibleYet() };
    if (found.kind !== 'nobody')
      return stillInDoubt(operation, await settled(operation, ways, found, NOTHING_SENT, operation.ambiguous));
  }
  const answer = await ways.exchange(createUser(operation, ways.profile));
  const { outcome } = answer;
  if (outcome.class === 'done') {
    const id = textOf(answer.body, 'id') ?? idFromLocation(answer.location);
    if (id !== null) {
      const account = newsOf(operation, answer, id, payloadOf(operation).active);
      return ways.capabilities().confirmCreates ? confirmed(ways, id, { outcome, account }) : { outcome, account };
    }
  } else if (outcome.class !== 'ambiguous' && outcome.class !== 'conflict' && outcome.class !== 'accepted') {
    return stillInDoubt(operation, { outcome });
  }
  // The reply was lost, says nothing, or says that something stands in the way: often our own earlier success.
  const sentBefore = operation.ambiguous || outcome.class !== 'conflict';
  const found = await correlate(operation, ways.exchange, ways.profile, sentBefore);
  return settled(operation, ways, found, outcome, sentBefore);
}

/** A 201 may have created nothing: only an account that can be read is one. */
async function confirmed(ways: Ways, id: string, created: Delivered): Promise<Delivered> {
  const there = await readById(ways, id);
  if (there.outcome.class === 'done') return created;
  // Not to be seen (yet): the next try looks for it before it creates again.
  const { code, countsAsAttempt } = there.outcome;
  const missing = there.outcome.class === 'gone';
  return {
    outcome: concluded(created.outcome, {
      class: 'ambiguous',
      code: missing ? 'not-created' : code,
      countsAsAttempt: missing || countsAsAttempt,
    }),
  };
}

/** What a look-up means for a create whose own answer was `outcome`; `sentBefore`: an earlier one may have had its effect. */
async function settled(
  operation: Sendable,
  ways: Ways,
  found: Found,
  outcome: Outcome,
  sentBefore: boolean,
): Promise<Delivered> {
  switch (found.kind) {
    case 'ours':
      return adopted(operation, ways, found.id, found.resource);
    case 'taken':
      // Perhaps made by an earlier try: beside another account of the same person it would be looked after by nobody.
      // The doubt stays: whatever replaces this operation knows of it, and it fails once it has been tried often enough.
      return { outcome: sentBefore && !found.proven ? inDoubt(outcome) : nameTaken(outcome) };
    case 'protected':
      return { outcome: isProtected(outcome) };
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
  const answer = await writeUser(id, missing, ways, { etag: versionOf(resource), resource });
  const account = newsOf(operation, answer, id, standing.active ?? payloadOf(operation).active);
  const { outcome } = answer;
  if (outcome.class !== 'done') {
    // Taken in is not applied: the next try looks.
    const doubt = outcome.class === 'accepted' ? concluded(outcome, { class: 'ambiguous' }) : outcome;
    return { outcome: doubt, account: newsFrom(operation, resource, id) };
  }
  return {
    outcome: answer.outcome,
    account: { ...account, active: activeOf(answer.body) ?? payloadOf(operation).active },
  };
}

const inDoubt = (outcome: Outcome): Outcome =>
  concluded(holderUnproven(outcome, OF_AN_EARLIER_TRY), { class: 'ambiguous' });
const OF_AN_EARLIER_TRY =
  'an account of unknown origin has the userName, perhaps made by an earlier try; pair it, or remove it there';

const found = (): Outcome => concluded(NOTHING_SENT, { code: 'found' });
