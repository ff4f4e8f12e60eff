// Memberships of many workers in one group: as few requests as the profile allows, and a refused batch is halved until the
// culprit stands alone.
import { assert } from '../../base/assert.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { MembershipPayload } from '../../planning/changeset.ts';
import { textOf } from '../../runtime/access/json-body.ts';
import type { Delivered, Sendable } from '../target.ts';
import { sameName, unreadable } from './correlate.ts';
import { changeMembers, type MemberChange, standing } from './group-members.ts';
import { inBatches, inHalves, isOfTheTarget, isRefusal, unsentBecause } from './halving.ts';
import { notVisibleYet, type Ways } from './news.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { createGroup, ownGroupId, searchGroups } from './requests.ts';
import { idFromLocation, listOf } from './responses.ts';

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
  // Asking for groups where there are none looks like a base URL that is wrong.
  if (known === null && !ways.capabilities().groups) {
    return all(refused('groups-unsupported', 'the endpoint has no groups; remove groups from the mapping'));
  }
  const resolved: Resolved =
    known === null ? await resolve(first, ways) : { group: { name: payload.group, remoteId: known, created: false } };
  if ('outcome' in resolved) return all(resolved.outcome);
  let { group } = resolved;

  const outcomes = new Map<Sendable, Outcome>();
  const left = await withoutStanding(operations, group.remoteId, ways, outcomes);
  if ('outcome' in left) return all(left.outcome, group);
  const { addMax, removeMax } = ways.profile.members;
  const max = first.kind === 'addMember' ? addMax : removeMax;
  let looked = known === null;
  let stoppedBy = NOTHING_SENT;
  const unsent = await inHalves(inBatches(left.operations, max), async (batch) => {
    const outcome = await send(batch, group.remoteId, ways);
    if (!looked && (outcome.class === 'gone' || ways.profile.unknownId.includes(outcome.status ?? 0))) {
      // The group's id is outdated, or a member is gone: only a fresh look-up tells which.
      looked = true;
      const again = await resolve(first, ways);
      if (!('outcome' in again)) {
        group = again.group;
        return 'again';
      }
      stoppedBy = again.outcome;
      for (const operation of batch) outcomes.set(operation, again.outcome);
      return 'stop';
    }
    if (batch.length > 1 && isRefusal(outcome)) return 'refused';
    for (const operation of batch) outcomes.set(operation, outcome);
    stoppedBy = outcome;
    return isOfTheTarget(outcome) ? 'stop' : 'taken';
  });
  for (const operation of unsent) outcomes.set(operation, unsentBecause(stoppedBy));
  return operations.map((operation) => {
    const outcome = outcomes.get(operation);
    assert(outcome !== undefined, 'every membership operation has its outcome');
    return { outcome, group };
  });
}

async function send(batch: readonly Sendable[], groupId: string, ways: Ways): Promise<Outcome> {
  const kind = changeOf(batch);
  const ids = batch.map(({ account }) => {
    assert(account.remoteId !== null, 'a membership waits for its account');
    return account.remoteId;
  });
  const outcome = await changeMembers(groupId, kind, ids, ways);
  if (outcome.class === 'accepted') return concluded(outcome, { class: 'ambiguous' });
  const absent = kind === 'removeMember' && batch.length === 1 && outcome.code.toLowerCase() === 'notarget';
  return absent ? concluded(outcome, { class: 'done', code: 'no-member' }) : outcome;
}

const changeOf = (operations: readonly Sendable[]): MemberChange =>
  operations[0]?.kind === 'addMember' ? 'addMember' : 'removeMember';

/** Where an earlier try may have taken effect, it is asked who is in the group, and what stands is not written again. */
async function withoutStanding(
  operations: readonly Sendable[],
  groupId: string,
  ways: Ways,
  outcomes: Map<Sendable, Outcome>,
): Promise<{ readonly operations: readonly Sendable[] } | { readonly outcome: Outcome }> {
  const doubtful = operations.filter((operation) => operation.ambiguous);
  if (doubtful.length === 0) return { operations };
  const ids = doubtful.map(({ account }) => account.remoteId ?? '');
  const there = await standing(groupId, changeOf(operations), ids, ways);
  if ('outcome' in there) return { outcome: concluded(there.outcome, { class: 'ambiguous' }) };
  const { members } = there;
  if (members === null) return { operations };
  const left = operations.filter((operation) => {
    const stands = members.has(operation.account.remoteId ?? '') === (operation.kind === 'addMember');
    if (stands && operation.ambiguous) outcomes.set(operation, concluded(NOTHING_SENT, { code: 'found' }));
    return !(stands && operation.ambiguous);
  });
  return { operations: left };
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
  if (operation.mayAppear === true) return { outcome: notVisibleYet() };
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
