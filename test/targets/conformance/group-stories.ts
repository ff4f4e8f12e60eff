// Stories of groups and their members.
import { expect } from 'vitest';
import type { Resource } from './quirk.ts';
import type { Story } from './scene.ts';
import { writesOf } from './story-acts.ts';

export const groups: Story = async (scene) => {
  const ids = scene.seedUsers(250);
  const { addMax, removeMax } = scene.profile.members;
  const added = await scene.memberships('addMember', 'Field Ops', ids, { create: true });
  expect(new Set(added.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect([...scene.members('Field Ops')].sort()).toEqual([...ids].sort());
  expect(writesOf(scene).length).toBe(Math.ceil(250 / addMax) + 1);
  const groupRemoteId = added[0]?.group?.remoteId ?? null;
  scene.mark();
  const removed = await scene.memberships('removeMember', 'Field Ops', ids.slice(0, 30), { groupRemoteId });
  expect(new Set(removed.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect([...scene.members('Field Ops')].sort()).toEqual([...ids.slice(30)].sort());
  expect(writesOf(scene).length).toBe(Math.ceil(30 / removeMax));
  if (scene.asked('PUT').length === 0) expect(scene.asked('GET')).toEqual([]);
  expect(scene.fake.idp.groups.size).toBe(1);
};

/** What a filter has to quote, and a query to encode. */
const ODD_NAME = 'R&D "Süd" = 50 % + \\ more';

export const groupFoundAgain: Story = async (scene) => {
  const ids = scene.seedUsers(5);
  await scene.memberships('addMember', ODD_NAME, ids, { create: true });
  const again = await scene.memberships('addMember', ODD_NAME, ids, { create: true });
  expect(new Set(again.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect(scene.members(ODD_NAME)).toHaveLength(5);
  expect(scene.fake.idp.groups.size).toBe(1);
};

/** The id that we know is of a group that somebody deleted and made again. */
export const groupMadeAnew: Story = async (scene) => {
  const ids = scene.seedUsers(5);
  const [first] = await scene.memberships('addMember', 'Field Ops', ids.slice(0, 1), { create: true });
  const groupRemoteId = first?.group?.remoteId as string;
  const group = scene.fake.idp.groups.get(groupRemoteId) as Resource;
  scene.fake.idp.groups.delete(groupRemoteId);
  scene.fake.idp.groups.set('made-anew', { ...group, id: 'made-anew', members: [] });
  const added = await scene.memberships('addMember', 'Field Ops', ids, { groupRemoteId });
  expect(new Set(added.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect([...scene.members('Field Ops')].sort()).toEqual([...ids].sort());
  const removed = await scene.memberships('removeMember', 'Field Ops', ids.slice(2), { groupRemoteId });
  expect(new Set(removed.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect([...scene.members('Field Ops')].sort()).toEqual(ids.slice(0, 2).sort());
  expect(scene.fake.idp.groups.size).toBe(1);
};

export const poisonedMembership: Story = async (scene) => {
  const ids = scene.seedUsers(45);
  const [first] = await scene.memberships('addMember', 'Field Ops', ids.slice(0, 1), { create: true });
  const groupRemoteId = first?.group?.remoteId ?? null;
  const batch = ids.with(30, 'nobody');
  const added = await scene.memberships('addMember', 'Field Ops', batch, { groupRemoteId });
  expect(added.map(({ outcome }) => outcome.class === 'done')).toEqual(batch.map((id) => id !== 'nobody'));
  expect([...scene.members('Field Ops')].sort()).toEqual(ids.filter((_, index) => index !== 30).sort());
};

/** Removing somebody who is not in the group is done, and keeps nobody else there. */
export const absentMembers: Story = async (scene) => {
  const ids = scene.seedUsers(6);
  const [first] = await scene.memberships('addMember', 'Field Ops', ids.slice(0, 3), { create: true });
  const groupRemoteId = first?.group?.remoteId ?? null;
  const removed = await scene.memberships('removeMember', 'Field Ops', ids.slice(1), { groupRemoteId });
  expect(new Set(removed.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect(scene.members('Field Ops')).toEqual(ids.slice(0, 1));
};

export const lostMemberships: Story = async (scene) => {
  const ids = scene.seedUsers(12);
  const [first] = await scene.memberships('addMember', 'Field Ops', ids.slice(0, 2), { create: true });
  const groupRemoteId = first?.group?.remoteId ?? null;
  for (const act of ['loseReply', 'reset'] as const) {
    scene.fake.idp.behaviours.add({ method: 'PATCH', path: /groups/i, times: 1, act: { kind: act } });
    await scene.memberships('addMember', 'Field Ops', ids, { groupRemoteId });
    const again = await scene.memberships('addMember', 'Field Ops', ids, { groupRemoteId, ambiguous: true });
    expect(new Set(again.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
    expect([...scene.members('Field Ops')].sort()).toEqual([...ids].sort());
    scene.fake.idp.behaviours.add({ method: 'PATCH', path: /groups/i, times: 1, act: { kind: act } });
    await scene.memberships('removeMember', 'Field Ops', ids.slice(2), { groupRemoteId });
    const out = await scene.memberships('removeMember', 'Field Ops', ids.slice(2), { groupRemoteId, ambiguous: true });
    expect(new Set(out.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
    expect([...scene.members('Field Ops')].sort()).toEqual([...ids.slice(0, 2)].sort());
  }
};

export const noGroups: Story = async (scene) => {
  const [id] = scene.seedUsers(1) as [string];
  const [delivered] = await scene.memberships('addMember', 'Field Ops', [id], { create: true });
  expect(delivered?.outcome.class).toBe('permanent');
  expect(scene.asked()).toEqual([]);
};
