import { describe, expect, test } from 'vitest';
import { type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import { membership, openDesk, TOKEN } from '../support/scim-desk.ts';

const PEOPLE = Array.from({ length: 250 }, (_, index) => `u${index}`);
const open = async (options: FakeIdpOptions = {}) => {
  const idp = await startFakeIdp({
    token: TOKEN,
    users: PEOPLE.map((id) => ({ id, userName: id })),
    groups: [{ id: 'g1', displayName: 'Staff' }],
    ...options,
  });
  return { idp, desk: openDesk(idp.url) };
};
const joining = (ids: readonly string[], change: Parameters<typeof membership>[3] = {}) =>
  ids.map((id) => membership('addMember', 'Staff', id, change));
const leaving = (ids: readonly string[], change: Parameters<typeof membership>[3] = {}) =>
  ids.map((id) => membership('removeMember', 'Staff', id, change));
const classes = (delivered: readonly { outcome: { class: string } }[]) => [
  ...new Set(delivered.map(({ outcome }) => outcome.class)),
];

describe('memberships', () => {
  test('of 250 people travel in three requests of at most 100', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const delivered = await desk.memberships(joining(PEOPLE));
    expect(delivered).toHaveLength(250);
    expect(classes(delivered)).toEqual(['done']);
    expect(new Set(idp.members('Staff'))).toEqual(new Set(PEOPLE));
    expect(idp.writes()).toHaveLength(3);
    expect(delivered[7]?.group).toEqual({ name: 'Staff', remoteId: 'g1', created: false });
  });

  test('are removed one by one inside one request', async () => {
    const { idp, desk } = await open({
      groups: [{ id: 'g1', displayName: 'Staff', members: PEOPLE.map((value) => ({ value })) }],
    });
    await using _ = idp;
    await using __ = desk;
    expect(classes(await desk.memberships(leaving(PEOPLE.slice(0, 40), { groupRemoteId: 'g1' })))).toEqual(['done']);
    expect(idp.log).toHaveLength(1);
    expect(JSON.parse(idp.log[0]?.body ?? '').Operations[0]).toEqual({ op: 'remove', path: 'members[value eq "u0"]' });
    expect(idp.members('Staff')).toEqual(PEOPLE.slice(40));
  });

  test('a refused batch is halved until the culprit stands alone', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const ids = PEOPLE.slice(0, 64).with(37, 'ghost');
    const delivered = await desk.memberships(joining(ids));
    expect(delivered.map(({ outcome }) => outcome.class === 'done')).toEqual(ids.map((id) => id !== 'ghost'));
    expect(delivered[37]?.outcome).toMatchObject({ class: 'permanent', status: 400, code: 'invalidValue' });
    expect(idp.members('Staff')).toHaveLength(63);
    expect(idp.writes().length).toBeLessThanOrEqual(1 + 2 * 6);
  });

  test('removing somebody who is no member is done', async () => {
    const { idp, desk } = await open({ groups: [{ id: 'g1', displayName: 'Staff', members: [{ value: 'u1' }] }] });
    await using _ = idp;
    await using __ = desk;
    expect(classes(await desk.memberships(leaving(['u1', 'u2', 'u3'])))).toEqual(['done']);
    expect(idp.members('Staff')).toEqual([]);
  });

  test('what the target says of itself ends the rest unsent', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 429, headers: { 'retry-after': '3' } } });
    const delivered = await desk.memberships(joining(PEOPLE));
    expect(classes(delivered)).toEqual(['retry']);
    expect(delivered.at(-1)?.outcome).toMatchObject({ retryAfterMs: 3_000, countsAsAttempt: false });
    expect(idp.writes()).toHaveLength(1);
  });

  test('a lost reply is in doubt only for its own batch, and is read before it is written again', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'loseReply' }, times: 1 });
    const first = await desk.memberships(joining(PEOPLE));
    expect(first.map(({ outcome }) => outcome.class)).toEqual(
      PEOPLE.map((_person, index) => (index < 100 ? 'ambiguous' : 'retry')),
    );
    const again = await desk.memberships(joining(PEOPLE.slice(0, 100), { ambiguous: true, groupRemoteId: 'g1' }));
    expect(classes(again)).toEqual(['done']);
    expect(idp.writes()).toHaveLength(1);
    expect(idp.members('Staff')).toHaveLength(100);
  });

  test('one at a time works as well', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(membership('addMember', 'Staff', 'u5'))).outcome.class).toBe('done');
    expect((await desk.deliver(membership('removeMember', 'Staff', 'u5'))).outcome.class).toBe('done');
    expect(await desk.memberships([])).toEqual([]);
  });
});

describe('a group', () => {
  test('is created where the mapping allows it, once, also when the answer is lost', async () => {
    const { idp, desk } = await open({ groups: [] });
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'POST', act: { kind: 'loseReply' }, times: 1 });
    const delivered = await desk.memberships(joining(['u1', 'u2'], { create: true }));
    expect(classes(delivered)).toEqual(['done']);
    expect(delivered[0]?.group).toMatchObject({ name: 'Staff', created: true });
    expect(idp.groups.size).toBe(1);
    expect(idp.members('Staff')).toEqual(['u1', 'u2']);
  });

  test('that somebody else created in between is not called ours', async () => {
    const { idp, desk } = await open({ groups: [] });
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'POST', act: { kind: 'answerAfter', status: 409 }, times: 1 });
    const [delivered] = await desk.memberships(joining(['u1'], { create: true }));
    expect(delivered).toMatchObject({ outcome: { class: 'done' }, group: { created: false } });
  });

  test('that is missing and may not be created refuses joiners and has nothing to take from leavers', async () => {
    const { idp, desk } = await open({ groups: [] });
    await using _ = idp;
    await using __ = desk;
    const [joiner] = await desk.memberships(joining(['u1']));
    expect(joiner?.outcome).toMatchObject({ class: 'permanent', code: 'group-missing' });
    const [leaver] = await desk.memberships(leaving(['u1']));
    expect(leaver?.outcome).toMatchObject({ class: 'done', code: 'group-missing' });
    expect(idp.writes()).toEqual([]);
  });

  test('of which there are two by the same name gets no write', async () => {
    const { idp, desk } = await open({ groups: [{ displayName: 'Staff' }, { displayName: 'Staff' }] });
    await using _ = idp;
    await using __ = desk;
    const delivered = await desk.memberships(joining(['u1', 'u2'], { create: true }));
    expect(delivered.map(({ outcome }) => outcome.code)).toEqual(['group-ambiguous', 'group-ambiguous']);
    expect(idp.writes()).toEqual([]);
  });

  test('whose id is outdated is found again by its name', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const delivered = await desk.memberships(joining(['u1', 'u2'], { groupRemoteId: 'old' }));
    expect(classes(delivered)).toEqual(['done']);
    expect(delivered[0]?.group?.remoteId).toBe('g1');
  });
});
