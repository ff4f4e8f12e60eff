// Stories of people who leave and return.
import { expect } from 'vitest';
import { noAccount } from '../../support/scim-desk.ts';
import type { Story } from './scene.ts';
import { stands, withDepartment } from './story-acts.ts';

export const leaves: Story = async (scene) => {
  const account = await scene.join(1);
  scene.mark();
  const { outcome, account: news } = await scene.send('disable', { ...scene.person(1), active: false }, account);
  expect(outcome.class).toBe('done');
  expect(news?.active).toBe(false);
  expect(scene.user(scene.person(1))?.active).toBe(false);
  // No source says of any endpoint that its answer proves the effect: the account is read afterwards.
  expect(scene.asked().at(-1)?.method).toBe('GET');
  expect(scene.asked()).toHaveLength(scene.asked('PUT').length > 0 ? 3 : 2);
};

export const unappliedDisable: Story = async (scene) => {
  const account = await scene.join(1);
  const drop = scene.fake.idp.behaviours.add({ method: 'PATCH', act: { kind: 'pretend' } });
  const dropPut = scene.fake.idp.behaviours.add({ method: 'PUT', act: { kind: 'pretend' } });
  const inactive = { ...scene.person(1), active: false };
  const first = await scene.send('disable', inactive, account);
  expect(first.outcome.class).not.toBe('done');
  expect(scene.user(inactive)?.active).toBe(true);
  drop();
  dropPut();
  expect((await scene.send('disable', inactive, account, { ambiguous: true })).outcome.class).toBe('done');
  expect(scene.user(inactive)?.active).toBe(false);
};

export const lostDisable: Story = async (scene) => {
  const account = await scene.join(1);
  for (const method of ['PATCH', 'PUT'])
    scene.fake.idp.behaviours.add({ method, times: 1, act: { kind: 'loseReply' } });
  const inactive = { ...scene.person(1), active: false };
  let delivered = await scene.send('disable', inactive, account);
  if (delivered.outcome.class !== 'done')
    delivered = await scene.send('disable', inactive, account, { ambiguous: true });
  expect(delivered.outcome.class).toBe('done');
  expect(scene.user(inactive)?.active).toBe(false);
};

export const nobodyLeaves: Story = async (scene) => {
  const account = { ...(await scene.join(1)), remoteId: 'no-such-id' };
  const stranger = { ...scene.person(7), active: false };
  const gone = await scene.send('disable', stranger, { ...account, externalId: stranger.externalId });
  expect(gone.outcome).toMatchObject({ class: 'done', code: 'nobody' });
  expect(scene.user(scene.person(1))?.active).toBe(true);
};

export const madeAnew: Story = async (scene) => {
  await scene.join(1);
  const inactive = { ...scene.person(1), active: false };
  const account = { ...noAccount(inactive), remoteId: 'id-of-the-former-account', active: true };
  expect((await scene.send('disable', inactive, account)).outcome.class).toBe('done');
  expect(scene.user(inactive)?.active).toBe(false);
};

export const returns: Story = async (scene) => {
  const account = await scene.join(1);
  const inactive = { ...scene.person(1), active: false };
  const left = scene.after(inactive, await scene.send('disable', inactive, account), account);
  const back = withDepartment(scene.person(1), 'Sales');
  expect((await scene.send('enable', back, left)).outcome.class).toBe('done');
  stands(scene, back);
};

export const deleted: Story = async (scene) => {
  const account = await scene.join(1);
  expect((await scene.send('delete', scene.person(1), account)).outcome.class).toBe('done');
  expect(scene.fake.idp.users.size).toBe(0);
  expect((await scene.send('delete', scene.person(1), account)).outcome.class).toBe('done');
};
