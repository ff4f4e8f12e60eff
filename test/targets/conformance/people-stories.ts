// Stories of people who join and change.
import { expect } from 'vitest';
import { noAccount } from '../../support/scim-desk.ts';
import type { Resource } from './quirk.ts';
import { changed, type Scene, type Story } from './scene.ts';
import { enterpriseOf, settles, stands, update, withDepartment } from './story-acts.ts';
import { ENTERPRISE } from './vendors/person.ts';

const USERS = /\/users$/i;

export const joins: Story = async (scene) => {
  const account = await scene.join(1);
  stands(scene, scene.person(1));
  expect(scene.user(scene.person(1))?.id).toBe(account.remoteId);
  expect(scene.asked('POST')).toHaveLength(1);
};

export const lostReply: Story = async (scene) => {
  scene.fake.idp.behaviours.add({ method: 'POST', path: USERS, times: 1, act: { kind: 'loseReply' } });
  await settles(scene, scene.person(1));
  expect(scene.asked('POST')).toHaveLength(1);
};

export const repeatedCreate: Story = async (scene) => {
  const { remoteId } = await scene.join(1);
  const again = await scene.send('create', scene.person(1), noAccount(scene.person(1)), { ambiguous: true });
  expect(again).toMatchObject({ outcome: { class: 'done' }, account: { remoteId } });
  expect(scene.fake.idp.users.size).toBe(1);
};

/** Somebody else has the userName; nothing of theirs may change. */
async function takenName(scene: Scene, change: Resource): Promise<void> {
  const [id] = scene.seedUsers(1) as [string];
  Object.assign(scene.fake.idp.users.get(id) as Resource, { userName: scene.person(1).userName, ...change });
  const before = JSON.stringify(scene.fake.idp.users.get(id));
  const { outcome } = await scene.send('create', scene.person(1));
  expect(outcome).toMatchObject({ class: 'conflict', code: 'name-taken' });
  expect(JSON.stringify(scene.fake.idp.users.get(id))).toBe(before);
  expect(scene.fake.idp.users.size).toBe(1);
}

export const nameTaken: Story = (scene) => takenName(scene, { externalId: 'somebody-else' });

/** All that we would write stands there already, and yet nothing says that it is ours. */
export const nameTakenByNobodyKnown: Story = (scene) => {
  const { password: _, ...attributes } = scene.person(1).attributes;
  return takenName(scene, { ...structuredClone(attributes), externalId: undefined });
};

export const renamedToTaken: Story = async (scene) => {
  const account = await scene.join(1);
  await scene.join(2);
  const before = JSON.stringify(scene.user(scene.person(2)));
  const payload = { ...scene.person(1), userName: scene.person(2).userName };
  const { outcome } = await scene.send('update', payload, account);
  expect(outcome).toMatchObject({ class: 'conflict', code: 'name-taken' });
  expect(scene.user(payload)?.userName).toBe(scene.person(1).userName);
  expect(JSON.stringify(scene.user(scene.person(2)))).toBe(before);
};

export const mover: Story = async (scene) => {
  const account = await scene.join(1);
  scene.mark();
  const payload = withDepartment(changed(scene.person(1), { title: 'Lead' }), 'Sales');
  const moved = await update(scene, payload, account);
  stands(scene, payload);
  const told = scene.meeting.settings?.capabilities?.update;
  const patches = told === undefined ? scene.fake.traits.patch : told === 'patch';
  const [write] = scene.asked(patches ? 'PATCH' : 'PUT');
  expect(write).toBeDefined();
  // What is replaced whole is read first (RFC 7644 section 3.5.1), and read back where no tag guards it; else it is one request.
  const unguarded = patches ? scene.profile.readAround : write?.headers['if-match'] === undefined;
  expect(scene.asked()).toHaveLength(unguarded ? 3 : patches ? 1 : 2);
  scene.mark();
  await update(scene, payload, moved);
  expect(scene.asked()).toEqual([]);
};

export const cleared: Story = async (scene) => {
  const account = await scene.join(1);
  const { department: _, ...enterprise } = scene.person(1).attributes[ENTERPRISE] as Record<string, string>;
  await update(scene, changed(scene.person(1), { title: undefined, [ENTERPRISE]: enterprise }), account);
  const user = scene.user(scene.person(1));
  expect(user?.title).toBeUndefined();
  expect(enterpriseOf(user).department).toBeUndefined();
  expect(enterpriseOf(user).employeeNumber).toBe(enterprise.employeeNumber);
  expect(user?.displayName).toBe(scene.person(1).attributes.displayName);
};

export const renamed: Story = async (scene) => {
  const account = await scene.join(1);
  const userName = 'mira.stone@example.com';
  const emails = [{ value: userName, type: 'work', primary: true }];
  const name = { givenName: 'Mira', familyName: 'Stone' };
  const payload = { ...changed(scene.person(1), { name, displayName: 'Mira Stone', emails }), userName };
  await update(scene, payload, account);
  stands(scene, payload);
  expect(scene.user(payload)?.emails).toEqual(emails);
};

export const addressOfAnotherType: Story = async (scene) => {
  const account = await scene.join(1);
  const emails = [{ value: 'mira@example.org', type: 'home', primary: true }];
  const payload = changed(scene.person(1), { emails });
  await update(scene, payload, account);
  expect(scene.user(payload)?.emails).toEqual(emails);
};

export const managed: Story = async (scene) => {
  let account = await scene.join(1);
  const boss = await scene.join(2);
  const other = await scene.join(3);
  const managerOf = () => (enterpriseOf(scene.user(scene.person(1))).manager as Resource | undefined)?.value;
  for (const [managerKey, managerRemoteId] of [
    ['W-100002', boss.remoteId],
    ['W-100003', other.remoteId],
    ['', null],
  ] as const) {
    const payload = { ...scene.person(1), managerKey };
    const delivered = await scene.send('update', payload, account, { managerRemoteId });
    expect(delivered.outcome.class).toBe('done');
    account = scene.after(payload, delivered, account);
    expect(managerOf()).toBe(managerRemoteId ?? undefined);
  }
  stands(scene, scene.person(1));
};

export const joinsWithManager: Story = async (scene) => {
  const boss = await scene.join(2);
  const payload = { ...scene.person(1), managerKey: 'W-100002' };
  const delivered = await scene.send('create', payload, noAccount(payload), { managerRemoteId: boss.remoteId });
  expect(delivered.outcome.class).toBe('done');
  stands(scene, scene.person(1));
  expect(enterpriseOf(scene.user(payload)).manager).toMatchObject({ value: boss.remoteId });
};

/** Somebody else disabled the account, and nobody told us. */
export const moverRevivesNobody: Story = async (scene) => {
  const account = await scene.join(1);
  Object.assign(scene.user(scene.person(1)) as Resource, { active: false });
  await update(scene, changed(scene.person(1), { title: 'Lead' }), account);
  expect(scene.user(scene.person(1))).toMatchObject({ title: 'Lead', active: false });
};

export const changeOfNobody: Story = async (scene) => {
  const account = { ...(await scene.join(1)), remoteId: 'no-such-id' };
  for (const ambiguous of [false, true]) {
    const { outcome } = await scene.send('update', changed(scene.person(1), { title: 'Lead' }), account, { ambiguous });
    expect(outcome.class).toBe('gone');
  }
  stands(scene, scene.person(1));
};

/** Somebody else changes the account between what we know of it and our write. */
export const meanwhile: Story = async (scene) => {
  const account = await scene.join(1);
  const user = scene.user(scene.person(1)) as Resource;
  user.locale = 'de-DE';
  user.displayName = 'Written by somebody else';
  (user.meta as Resource).version = 'W/"changed-meanwhile"';
  await update(scene, changed(scene.person(1), { title: 'Lead' }), account);
  expect(scene.user(scene.person(1))).toMatchObject({ title: 'Lead', locale: 'de-DE' });
};

/** A write that is answered as done and was not applied, or was undone by somebody else at once. */
export const unappliedChange: Story = async (scene) => {
  const account = await scene.join(1);
  for (const method of ['PATCH', 'PUT']) scene.fake.idp.behaviours.add({ method, times: 1, act: { kind: 'pretend' } });
  const payload = changed(scene.person(1), { title: 'Lead' });
  await update(scene, payload, account);
  stands(scene, payload);
};

export const doubted: Story = async (scene) => {
  const account = await scene.join(1);
  const payload = withDepartment(scene.person(1), 'Sales');
  scene.fake.idp.behaviours.add({ method: 'PATCH', times: 1, act: { kind: 'loseReply' } });
  scene.fake.idp.behaviours.add({ method: 'PUT', times: 1, act: { kind: 'loseReply' } });
  const first = await scene.send('update', payload, account);
  if (first.outcome.class !== 'done') {
    const again = await scene.send('update', payload, account, { ambiguous: true });
    expect(again.outcome.class).toBe('done');
  }
  stands(scene, payload);
};

/** More changes than one PATCH may hold at some endpoints. */
export const manyChanges: Story = async (scene) => {
  const account = await scene.join(1);
  const name = {
    givenName: 'Lea',
    familyName: 'Brandt',
    formatted: 'Lea Brandt',
    middleName: 'A',
    honorificPrefix: 'Dr',
    honorificSuffix: 'II',
  };
  const address = {
    formatted: 'a',
    streetAddress: 'b',
    locality: 'c',
    region: 'd',
    postalCode: 'e',
    country: 'DE',
    type: 'work',
  };
  const plain = ['displayName', 'title', 'userType', 'preferredLanguage', 'locale', 'timezone', 'profileUrl'];
  const enterprise = ['employeeNumber', 'organization', 'division', 'department'];
  const payload = {
    ...changed(scene.person(1), {
      name,
      emails: [{ value: 'lea@example.com', type: 'work', primary: true }],
      phoneNumbers: [{ value: '+49 30 1', type: 'work' }],
      addresses: [address],
      roles: [{ value: 'engineer', type: 'work' }],
      ...Object.fromEntries(plain.map((key) => [key, `new ${key}`])),
      [ENTERPRISE]: Object.fromEntries(enterprise.map((key) => [key, `new ${key}`])),
    }),
    userName: 'lea.brandt@example.com',
  };
  await update(scene, payload, account);
  stands(scene, payload);
};

/** A mapping that names what the endpoint ignores ends in no loop and in no doubt. */
export const ignoredAttribute: Story = async (scene) => {
  const account = await scene.join(1);
  const payload = changed(scene.person(1), { nickName: 'Mo', title: 'Lead' });
  const after = await update(scene, payload, account);
  expect(scene.user(payload)).toMatchObject({ title: 'Lead' });
  expect((await scene.send('update', payload, after, { ambiguous: true })).outcome.class).toBe('done');
  scene.mark();
  await update(scene, payload, after);
  expect(scene.asked()).toEqual([]);
};
