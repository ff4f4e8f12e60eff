// Stories of the endpoint as a whole: its lists, its look-ups, its rate, and what it says of itself.
import { expect } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import type { ListedAccount } from '../../../src/mapping/bound-mapping.ts';
import type { Delivered } from '../../../src/targets/target.ts';
import { noAccount } from '../../support/scim-desk.ts';
import type { Resource } from './quirk.ts';
import { changed, type Story } from './scene.ts';
import { faultOf, listing, stands, update, writesOf } from './story-acts.ts';

/** Sizes at and around full pages. */
const SIZES = [0, 1, 50, 100, 101, 200, 230];

export const listed: Story = async (scene) => {
  for (const size of SIZES) {
    scene.fake.idp.users.clear();
    const ids = scene.seedUsers(size);
    const found = await listing(scene);
    expect(found, `of ${size}`).not.toBeInstanceOf(Problem);
    expect((found as ListedAccount[]).map(({ remoteId }) => remoteId).sort()).toEqual([...ids].sort());
  }
  for (let index = 0; index < 230; index += 7) {
    const user = scene.fake.idp.users.get(`seed-${index}`) as Resource;
    Object.assign(user, { active: false });
  }
  const found = (await listing(scene)) as ListedAccount[];
  expect(found.filter(({ active }) => !active)).toHaveLength(33);
};

/** Where an answer holds as many as it ever does, nothing is concluded: a Problem, never a part that looks like the whole. */
export const listedInPart: Story = async (scene) => {
  for (const size of [0, 1, 199]) {
    scene.fake.idp.users.clear();
    scene.seedUsers(size);
    expect(await listing(scene), `of ${size}`).toHaveLength(size);
  }
  for (const size of [200, 230, 400]) {
    scene.fake.idp.users.clear();
    scene.seedUsers(size);
    expect(faultOf(await listing(scene)), `of ${size}`).toBe('target.no-listing');
  }
};

export const unlistable: Story = async (scene) => {
  scene.seedUsers(3);
  expect(faultOf(await listing(scene))).toBe('target.no-listing');
  expect(scene.asked()).toEqual([]);
};

export const lookedUp: Story = async (scene) => {
  const account = await scene.join(1);
  await scene.join(2);
  const { userName, externalId } = scene.person(1);
  const signal = new AbortController().signal;
  const questions = [
    { attribute: 'userName', value: userName.toUpperCase() },
    { attribute: 'externalId', value: externalId },
    { attribute: 'userName', value: 'quoted "name" \\ with & signs=and Ümlaut' },
  ] as const;
  const found = await scene.desk.target.find(questions, signal);
  expect(found).toMatchObject([{ remoteId: account.remoteId, externalId, userName, active: true }]);
};

export const throttled: Story = async (scene) => {
  const account = await scene.join(1);
  const payload = changed(scene.person(1), { title: 'Lead' });
  scene.fake.throttleNext(1);
  const refused = await scene.send('update', payload, account);
  expect(refused.outcome).toMatchObject({ class: 'retry', status: 429, countsAsAttempt: false });
  await update(scene, payload, account);
  stands(scene, payload);
  if (!scene.profile.listing) return;
  scene.fake.throttleNext(2);
  expect(await listing(scene)).toHaveLength(1);
};

/** Nobody waits for a throttle that the profile knows: requests leave at the vendor's rate. */
export const inHaste: Story = async (scene) => {
  const people = Array.from({ length: 60 }, (_, n) => scene.person(n));
  const delivered = await Promise.all(people.map((payload) => scene.send('create', payload)));
  expect(new Set(delivered.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  expect(scene.asked().filter(({ status }) => status === 429)).toEqual([]);
};

/** Many at once, in as few requests as the endpoint takes. */
export const together: Story = async (scene) => {
  const most = scene.fake.traits.bulk?.maxOperations ?? 1;
  const people = Array.from({ length: 30 }, (_, n) => scene.person(n));
  const joined = await Promise.all(scene.many('create', people, people.map(noAccount)));
  expect(new Set(joined.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  for (const payload of people) stands(scene, payload);
  expect(scene.fake.idp.users.size).toBe(30);
  expect(scene.asked('POST')).toHaveLength(Math.ceil(30 / most));
  scene.mark();
  const accounts = people.map((payload, index) => scene.after(payload, joined[index] as Delivered, noAccount(payload)));
  const moved = people.map((payload) => changed(payload, { title: 'Lead' }));
  const delivered = await Promise.all(scene.many('update', moved, accounts));
  expect(new Set(delivered.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  for (const payload of moved) stands(scene, payload);
  expect(writesOf(scene)).toHaveLength(Math.ceil(30 / most));
};

export const asksOnce: Story = async (scene) => {
  await scene.acquainted();
  await scene.join(1);
  const { paths } = scene.profile;
  const all = [paths.serviceProviderConfig, paths.resourceTypes, paths.schemas];
  // One that is documented to have no discovery is not asked.
  const none = scene.meeting.vendor.quirks.some(
    ({ occasional, does }) =>
      occasional !== true && does.discovery !== undefined && Object.keys(does.discovery).length === 0,
  );
  expect([...scene.discoveries()].sort()).toEqual(none ? [] : [...all].sort());
};
