// Memberships of many workers in one group: as few requests as the profile allows, and a refused batch is halved until the
// culprit stands alone.
import { assert } from '../../base/assert.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { memberOf } from '../../planning/account-changes.ts';
import type { MembershipPayload } from '../../planning/changeset.ts';
import type { Delivered, Sendable } from '../target.ts';
import { sameName, unreadable } from './correlate.ts';
import type { Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { createGroup, ownGroupId, patchMembers, readMembers, searchGroups } from './requests.ts';
import { idFromLocation, isObject, listOf, textOf } from './responses.ts';

type Group = NonNullable<Delivered['group']>;
type Resolved = { readonly group: Group } | { readonly outcome: Outcome };

/** One result for each operation, in order. All are of one kind and name one group. */
export async function deliverMemberships(operations: readonly Sendable[], ways: Ways): Promise<readonly Delivered[]> {
  const [first] = operations;
  if (first === undefined) return [];
  const payload = first.payload as MembershipPayload;
  const all = (outcome: Outcome, group?: Group): readonly Delivered[] =>
    operations.map(() => ({ outcome, ...(group === undefined ? {} : { group }) }));

  const known = operations.find((operation) => operation.groupRemoteId !== null)?.groupRemoteId ?? null;
  let resolved: Resolved =
    known === null ? await resolve(first, ways) : { group: { name: payload.group, remoteId: known, created: false } };
  if ('outcome' in resolved) return all(resolved.outcome);

  const outcomes = new Map<Sendable, Outcome>();
  const left = await withoutStanding(operations, resolved.group.remoteId, ways, outcomes);
  if ('outcome' in left) return all(left.outcome, resolved.group);
  const { addMax, removeMax } = ways.profile.members;
  const max = first.kind === 'addMember' ? addMax : removeMax;
  let looked = known === null;
  /** Batches still to be sent. Halving ends because every half is smaller. */
  const batches: (readonly Sendable[])[] = [];
  for (let from = 0; from < left.operations.length; from += max) batches.push(left.operations.slice(from, from + max));
  for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
    const outcome = await send(batch, resolved.group.remoteId, ways);
    if (outcome.class === 'gone' && !looked) {
      // The group's id is outdated, or a member is gone: only a fresh look-up tells which.
      looked = true;
      const again: Resolved = await resolve(first, ways);
      if ('outcome' in again) {
        for (const operation of [...batch, ...batches.flat()]) outcomes.set(operation, again.outcome);
        break;
      }
      resolved = again;
      batches.unshift(batch);
      continue;
    }
    if (batch.length > 1 && isRefusal(outcome)) {
      const middle = Math.ceil(batch.length / 2);
      batches.unshift(batch.slice(0, middle), batch.slice(middle));
      continue;
    }
    for (const operation of batch) outcomes.set(operation, outcome);
    if (isOfTheTarget(outcome)) {
      // What the target says of itself holds for the rest as well; those were not sent.
      for (const operation of batches.flat()) outcomes.set(operation, unsentBecause(outcome));
      break;
    }
  }
  const { group } = resolved;
  return operations.map((operation) => {
    const outcome = outcomes.get(operation);
    assert(outcome !== undefined, 'every membership operation has its outcome');
    return { outcome, group };
  });
}

/** The target refuses what the request says: one of its members may be the reason. */
const isRefusal = ({ class: kind, code }: Outcome): boolean =>
  (kind === 'permanent' && code !== 'redirect') || kind === 'conflict' || kind === 'gone';

const isOfTheTarget = ({ class: kind, countsAsAttempt }: Outcome): boolean => !countsAsAttempt && kind !== 'done';

const unsentBecause = (outcome: Outcome): Outcome =>
  outcome.class === 'ambiguous' ? concluded(outcome, { class: 'retry' }) : outcome;

async function send(batch: readonly Sendable[], groupId: string, ways: Ways): Promise<Outcome> {
  const kind = batch[0]?.kind === 'addMember' ? 'addMember' : 'removeMember';
  const ids = batch.map(({ account }) => {
    assert(account.remoteId !== null, 'a membership waits for its account');
    return account.remoteId;
  });
  const { outcome } = await ways.exchange(patchMembers(groupId, kind, ids));
  if (outcome.class === 'accepted') return concluded(outcome, { class: 'ambiguous' });
  const absent = kind === 'removeMember' && batch.length === 1 && outcome.code.toLowerCase() === 'notarget';
  return absent ? concluded(outcome, { class: 'done', code: 'no-member' }) : outcome;
}

/**
 * Where an earlier try may have taken effect, the group is asked who is in it, and what stands is not written again. A list
 * too long to be read is no reason to wait: adding and removing members may be repeated (RFC 7644 section 3.5.2.1).
 */
async function withoutStanding(
  operations: readonly Sendable[],
  groupId: string,
  ways: Ways,
  outcomes: Map<Sendable, Outcome>,
): Promise<{ readonly operations: readonly Sendable[] } | { readonly outcome: Outcome }> {
  if (!operations.some((operation) => operation.ambiguous)) return { operations };
  const answer = await ways.exchange(readMembers(groupId));
  if (answer.outcome.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || answer.outcome.class === 'gone') return { operations };
  if (answer.outcome.class !== 'done') return { outcome: concluded(answer.outcome, { class: 'ambiguous' }) };
  const members = memberIds(answer.body);
  if (members === null) return { operations };
  const left = operations.filter((operation) => {
    const stands = members.has(operation.account.remoteId ?? '') === (operation.kind === 'addMember');
    if (stands && operation.ambiguous) outcomes.set(operation, concluded(NOTHING_SENT, { code: 'found' }));
    return !(stands && operation.ambiguous);
  });
  return { operations: left };
}

/** Null where the answer does not list members at all. */
function memberIds(group: JsonObject | null): ReadonlySet<string> | null {
  if (group === null) return null;
  const members = memberOf(group, 'members') ?? [];
  if (!Array.isArray(members)) return null;
  return new Set(members.filter(isObject).map((member) => textOf(member, 'value') ?? ''));
}

/** The group of this name; created where the mapping allows it. Two of one name: no write. */
async function resolve(operation: Sendable, ways: Ways): Promise<Resolved> {
  const { group: name, create, computed } = operation.payload as MembershipPayload;
  const found = await search(name, computed && operation.kind === 'addMember', ways);
  if (found !== null) return found;
  if (operation.kind === 'removeMember') return { outcome: concluded(NOTHING_SENT, { code: 'group-missing' }) };
  if (!create) {
    return { outcome: refused('group-missing', 'no group of this name; create it there, or set create: true') };
  }
  const answer = await ways.exchange(createGroup(name));
  const id = textOf(answer.body, 'id') ?? idFromLocation(answer.location);
  if (answer.outcome.class === 'done' && id !== null) return { group: { name, remoteId: id, created: true } };
  if (!['done', 'ambiguous', 'conflict', 'accepted'].includes(answer.outcome.class)) return { outcome: answer.outcome };
  // Lost, or somebody was faster: look once more; whether it was we who created it cannot be told after a conflict.
  const again = await search(name, computed, ways);
  if (again === null) return { outcome: concluded(answer.outcome, { class: 'ambiguous' }) };
  if ('outcome' in again || answer.outcome.class === 'conflict') return again;
  return { group: { ...again.group, created: true } };
}

/** `onlyOurs`: a computed name must not take over a group that somebody else made (design section 4). */
async function search(name: string, onlyOurs: boolean, ways: Ways): Promise<Resolved | null> {
  const answer = await ways.exchange(searchGroups(name, ways.profile));
  if (answer.outcome.class !== 'done') return { outcome: answer.outcome };
  const list = listOf(answer.body);
  if (list === null) return { outcome: unreadable(answer.outcome) };
  const named = list.resources.filter(
    (group) => sameName(textOf(group, 'displayName'), name) && textOf(group, 'id') !== null,
  );
  const exact = named.filter((group) => textOf(group, 'displayName') === name);
  const candidates = exact.length > 0 ? exact : named;
  if (candidates.length > 1)
    return { outcome: refused('group-ambiguous', `${candidates.length} groups have this name`) };
  const [one] = candidates;
  if (one !== undefined && onlyOurs && textOf(one, 'externalId') !== ownGroupId(name)) {
    return {
      outcome: refused(
        'group-foreign',
        'a group of this name exists and was not made by Rollcall; name it literally to use it',
      ),
    };
  }
  return one === undefined ? null : { group: { name, remoteId: textOf(one, 'id') as string, created: false } };
}

const refused = (code: string, detail: string): Outcome =>
  concluded(NOTHING_SENT, { class: 'permanent', code, detail, countsAsAttempt: true });
