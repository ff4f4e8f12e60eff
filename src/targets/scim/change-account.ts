// Changing and enabling one account: one PATCH of what differs.
import type { AccountNews, Outcome } from '../../lifecycle/outcome.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import type { Delivered, Sendable } from '../target.ts';
import { correlate, sameName } from './correlate.ts';
import { type Activation, differences, fromAccount, fromResource, type Standing } from './differences.ts';
import {
  isProtected,
  nameTaken,
  newsFrom,
  newsOf,
  payloadOf,
  read,
  severalMatch,
  stillInDoubt,
  type There,
} from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { readById } from './read-account.ts';
import { searchUsers } from './requests.ts';
import { listOf } from './responses.ts';
import type { Ways } from './ways.ts';
import { type WriteBase, writeUser } from './write-account.ts';

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
  let base: WriteBase = { etag: operation.account.etag, resource: null };
  let seen: AccountNews = {};
  if (id === null) {
    const whose = await correlate(operation, ways.exchange, ways.profile, operation.ambiguous);
    if (whose.kind === 'unknown') return stillInDoubt(operation, { outcome: whose.outcome });
    if (whose.kind === 'protected') return { outcome: isProtected(NOTHING_SENT) };
    if (whose.kind === 'several') return { outcome: severalMatch(NOTHING_SENT, whose.count) };
    if (whose.kind !== 'ours') return { outcome: noAccount() };
    id = whose.id;
    standing = fromResource(operation, whose.resource, ways.profile);
    seen = newsFrom(operation, whose.resource, id);
    base = { etag: seen.etag ?? null, resource: whose.resource };
  } else if (readFirst || readsFirst(ways)) {
    // No change sends nothing, a look included.
    if (!readFirst && differences(operation, standing, ways.profile, activation).length === 0)
      return { outcome: NOTHING_SENT, account: seen };
    const there = await read(operation, ways, id);
    if ('outcome' in there) return stillInDoubt(operation, there);
    ({ standing, seen } = there);
    base = there;
  }
  for (let tries = 1; ; tries += 1) {
    const operations = differences(operation, standing, ways.profile, activation);
    if (operations.length === 0) return { outcome: NOTHING_SENT, account: seen };
    const answer = await writeUser(id, operations, ways, base);
    const { outcome } = answer;
    const written = outcome.class === 'done';
    const active = activation === 'leave' ? null : payloadOf(operation).active;
    if (written && !readsBack(ways, base)) return { outcome, account: newsOf(operation, answer, id, active) };
    if (written || (tries < CHANGE_TRIES && isOutdated(outcome))) {
      const there = await read(operation, ways, id);
      if ('outcome' in there) return written ? unseen(there) : stillInDoubt(operation, there);
      const stands = written && standsAsAsked(operation, there, ways, activation);
      if (stands) return { outcome, account: there.seen };
      // What is not there after the second time was not lost to somebody else: the endpoint does not keep it.
      if (written && tries >= CHANGE_TRIES) return { outcome, account: newsOf(operation, answer, id, active) };
      ({ standing, seen } = there);
      base = there;
      continue;
    }
    if (outcome.class === 'accepted') return applied(operation, ways, id, activation, outcome);
    if (outcome.class === 'conflict' && operations.some(({ path }) => path === 'userName')) {
      return renameRefused(operation, ways, id, outcome);
    }
    if (await isGone(ways, id, outcome)) return { outcome: concluded(outcome, { class: 'gone', code: 'no-such-id' }) };
    return stillInDoubt(operation, { outcome });
  }
}

/** A PUT is laid over what stands, and without tags only a fresh look tells what that is. */
const readsFirst = ({ profile, capabilities }: Ways): boolean => profile.readAround || capabilities().update === 'put';

/** Where no tag guards the write, reading back shows whether somebody wrote at the same time. */
function readsBack({ profile, capabilities }: Ways, { etag }: WriteBase): boolean {
  const { update, ifMatch } = capabilities();
  return profile.readAround || (update === 'put' && (!ifMatch || etag === null));
}

/** The endpoint may answer a write to an id that it does not know with something else than 404. */
async function isGone(ways: Ways, id: string, { class: kind, status }: Outcome): Promise<boolean> {
  if (kind !== 'permanent' || status === null || !ways.profile.unknownId.includes(status)) return false;
  return (await readById(ways, id)).outcome.class === 'gone';
}

const standsAsAsked = (operation: Sendable, { standing }: There, ways: Ways, activation: Activation): boolean =>
  differences(operation, standing, ways.profile, activation === 'leave' ? 'leave' : 'ifDifferent').length === 0;

/** Written, but what stands now is not known: the next try looks. */
const unseen = ({ outcome }: Delivered): Delivered => ({ outcome: concluded(outcome, { class: 'ambiguous' }) });

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
  if ('outcome' in there) return unseen(there);
  if (standsAsAsked(operation, there, ways, activation)) {
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
