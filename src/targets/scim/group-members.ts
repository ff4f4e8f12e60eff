// Who is in a group, and putting people in and out of it, in the way the endpoint knows.
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import { memberOf } from '../../planning/account-changes.ts';
import { isObject, textOf } from '../../runtime/access/json-body.ts';
import { unreadable } from './correlate.ts';
import { concluded, NOTHING_SENT } from './outcome-table.ts';
import { inGroupAndIs, patchMembers, putGroup, readGroup, readMembers, searchWhere } from './requests.ts';
import { listOf } from './responses.ts';
import type { Ways } from './ways.ts';

export type MemberChange = 'addMember' | 'removeMember';

/** Code of the transport for an answer that is longer than any that we read. */
const TOO_LONG = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';

/**
 * Which of these users are in the group; null where the endpoint does not tell. Adding and removing may be repeated
 * (RFC 7644 section 3.5.2), so that not knowing is no reason to wait.
 */
export async function standing(
  groupId: string,
  change: MemberChange,
  userIds: readonly string[],
  ways: Ways,
): Promise<{ readonly members: ReadonlySet<string> | null } | { readonly outcome: Outcome }> {
  if (ways.profile.members.read === 'users') return standingOfUsers(groupId, change, userIds, ways);
  const answer = await ways.exchange(readMembers(groupId));
  if (answer.outcome.code === TOO_LONG || answer.outcome.class === 'gone') return { members: null };
  if (answer.outcome.class !== 'done') return { outcome: answer.outcome };
  const members = membersOf(answer.body);
  return { members: members === null ? null : idsOf(members) };
}

async function standingOfUsers(groupId: string, change: MemberChange, userIds: readonly string[], ways: Ways) {
  // Repeating an addition costs one request for many, asking costs one for each.
  if (change === 'addMember' || !ways.profile.filterAnd) return { members: null };
  const members = new Set<string>();
  for (const id of userIds) {
    const answer = await ways.exchange(searchWhere(inGroupAndIs(groupId, id)));
    if (answer.outcome.class !== 'done') return { outcome: answer.outcome };
    const list = listOf(answer.body);
    if (list === null) return { members: null };
    if (list.resources.some((resource) => textOf(resource, 'id') === id)) members.add(id);
  }
  return { members };
}

/** One change of many members. */
export async function changeMembers(
  groupId: string,
  change: MemberChange,
  userIds: readonly string[],
  ways: Ways,
): Promise<Outcome> {
  const put = () => ways.groupTurns.take(groupId, () => putMembers(groupId, change, userIds, ways));
  if (ways.capabilities().update === 'put') return put();
  const { outcome } = await ways.exchange(patchMembers(groupId, change, userIds));
  if (ways.profile.update !== 'discovered' || (outcome.status !== 405 && outcome.status !== 501)) return outcome;
  ways.cannotPatch();
  return put();
}

/** The group as it stands with our members laid over it (design section 4). */
async function putMembers(
  groupId: string,
  change: MemberChange,
  userIds: readonly string[],
  ways: Ways,
): Promise<Outcome> {
  const there = await ways.exchange(readGroup(groupId));
  if (there.outcome.code === TOO_LONG) {
    const detail = 'the group has too many members to be written whole, and the endpoint has no PATCH';
    return concluded(there.outcome, { class: 'permanent', code: 'group-too-large', detail, countsAsAttempt: true });
  }
  if (there.outcome.class !== 'done') return there.outcome;
  const present = membersOf(there.body);
  if (there.body === null || present === null) return unreadable(there.outcome);
  const ids = idsOf(present);
  const wanted =
    change === 'addMember'
      ? [...present, ...userIds.filter((id) => !ids.has(id)).map((value): JsonObject => ({ value }))]
      : present.filter((member) => !userIds.includes(textOf(member, 'value') ?? ''));
  if (wanted.length === present.length) return concluded(NOTHING_SENT, { code: 'found' });
  const others = Object.entries(there.body).filter(([name]) => !['meta', 'members'].includes(name.toLowerCase()));
  const members: JsonValue = wanted.length === 0 && ways.profile.putMerges ? null : wanted;
  const tag = ways.capabilities().ifMatch ? there.etag : null;
  const { outcome } = await ways.exchange(putGroup(groupId, { ...Object.fromEntries(others), members }, tag));
  if (outcome.class !== 'done' || tag !== null) return outcome;
  // Somebody may have written the group at the same time: only reading it back tells whose list stands.
  const after = await standing(groupId, change, userIds, ways);
  if ('outcome' in after || after.members === null) return outcome;
  const stands = userIds.every((id) => after.members?.has(id) === (change === 'addMember'));
  return stands ? outcome : concluded(outcome, { class: 'ambiguous' });
}

/** Null where the answer does not list members at all. */
function membersOf(group: JsonObject | null): readonly JsonObject[] | null {
  if (group === null) return null;
  const members = memberOf(group, 'members') ?? [];
  return Array.isArray(members) ? (members as readonly JsonValue[]).filter(isObject) : null;
}

const idsOf = (members: readonly JsonObject[]): ReadonlySet<string> =>
  new Set(members.map((member) => textOf(member, 'value') ?? ''));
