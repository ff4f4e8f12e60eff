// Changing and enabling one account: one PATCH of what differs.
import type { AccountNews, Outcome } from '../../lifecycle/outcome.ts';
import type { Delivered, Sendable } from '../target.ts';
import { correlate, sameName } from './correlate.ts';
import { type Activation, differences, fromAccount, fromResource, type Standing } from './differences.ts';
import { nameTaken, newsFrom, newsOf, payloadOf, read, severalMatch, stillInDoubt, type Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { patchUser, searchUsers } from './requests.ts';
import { listOf, textOf } from './responses.ts';

export async function deliverChange(operation: Sendable, ways: Ways): Promise<Delivered> {
  return change(operation, ways, operation.kind === 'enable' ? 'send' : 'leave', operation.ambiguous);
}

/** One repetition after the account was read anew; a second refusal is an answer. */
const CHANGE_TRIES = 2;

/** `readFirst`: compare with what the target says now instead of what we believe. */
export async function change(
  operation: Sendable,
  ways: Ways,
  activation: Activation,
  readFirst: boolean,
): Promise<Delivered> {
  let id = operation.account.remoteId;
  let standing: Standing = fromAccount(operation);
  let etag = operation.account.etag;
  let seen: AccountNews = {};
  if (id === null) {
    const whose = await correlate(operation, ways.exchange, ways.profile, operation.ambiguous);
    if (whose.kind === 'unknown') return stillInDoubt(operation, { outcome: whose.outcome });
    if (whose.kind === 'several') return { outcome: severalMatch(NOTHING_SENT, whose.count) };
    if (whose.kind !== 'ours') return { outcome: noAccount() };
    id = whose.id;
    standing = fromResource(operation, whose.resource, ways.profile);
    seen = newsFrom(operation, whose.resource, id);
    etag = seen.etag ?? null;
  } else if (readFirst) {
    const there = await read(operation, ways, id);
    if ('outcome' in there) return stillInDoubt(operation, there);
    ({ standing, etag, seen } = there);
  }
  for (let tries = 1; ; tries += 1) {
    const operations = differences(operation, standing, ways.profile, activation);
    if (operations.length === 0) return { outcome: NOTHING_SENT, account: seen };
    const answer = await ways.exchange(patchUser(id, operations, ways.profile.ifMatch ? etag : null));
    const { outcome } = answer;
    if (outcome.class === 'done') {
      const active = activation === 'leave' ? null : payloadOf(operation).active;
      return { outcome, account: newsOf(operation, answer, id, active) };
    }
    if (tries < CHANGE_TRIES && isOutdated(outcome)) {
      const there = await read(operation, ways, id);
      if ('outcome' in there) return stillInDoubt(operation, there);
      ({ standing, etag, seen } = there);
      continue;
    }
    if (outcome.class === 'accepted') return applied(operation, ways, id, activation, outcome);
    if (outcome.class === 'conflict' && operations.some(({ path }) => path === 'userName')) {
      return renameRefused(operation, ways, id, outcome);
    }
    return stillInDoubt(operation, { outcome });
  }
}

const noAccount = (): Outcome => concluded(NOTHING_SENT, { class: 'gone', code: 'no-account', countsAsAttempt: true });

/** What we believed of the account is not so: the tag is old, or the element to change is not there. */
const isOutdated = ({ status, code }: Outcome): boolean =>
  status === 412 || (status === 400 && ['notarget', 'invalidvers'].includes(code.toLowerCase()));

/** Taken in is not applied: only the target's own list of attributes ends the doubt. */
async function applied(
  operation: Sendable,
  ways: Ways,
  id: string,
  activation: Activation,
  outcome: Outcome,
): Promise<Delivered> {
  const there = await read(operation, ways, id);
  if ('outcome' in there) return { outcome: concluded(there.outcome, { class: 'ambiguous' }) };
  const wanted: Activation = activation === 'leave' ? 'leave' : 'ifDifferent';
  if (differences(operation, there.standing, ways.profile, wanted).length === 0) {
    return { outcome: concluded(outcome, { class: 'done' }), account: there.seen };
  }
  return { outcome: concluded(outcome, { class: 'ambiguous' }) };
}

/** A refused name is ours after all when an earlier try gave it to this very account. */
async function renameRefused(operation: Sendable, ways: Ways, id: string, outcome: Outcome): Promise<Delivered> {
  const { userName } = payloadOf(operation);
  const answer = await ways.exchange(searchUsers('userName', userName));
  const holders = answer.outcome.class === 'done' ? listOf(answer.body)?.resources : undefined;
  const holder = holders?.find((resource) => sameName(textOf(resource, 'userName'), userName));
  if (holder !== undefined && textOf(holder, 'id') !== id) return { outcome: nameTaken(outcome) };
  return { outcome: concluded(outcome, { class: 'ambiguous' }) };
}
