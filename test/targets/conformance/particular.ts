// Stories that belong to one endpoint, or to one of its moods.
import { expect } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import { noAccount } from '../../support/scim-desk.ts';
import { AUDIENCE, type Quirk, type Resource, type Vendor } from './quirk.ts';
import { changed, type Meeting, type Story } from './scene.ts';
import { faultOf, listing, settles, stands, update } from './story-acts.ts';
import { AUTH0 } from './vendors/auth0.ts';
import { AUTHENTIK } from './vendors/authentik.ts';
import { AWS } from './vendors/aws.ts';
import { ENTRA } from './vendors/entra-scim.ts';
import { GENERIC_VENDOR } from './vendors/generic.ts';
import { KEYCLOAK } from './vendors/keycloak.ts';
import { ZITADEL } from './vendors/zitadel.ts';

export interface Particular {
  readonly name: string;
  readonly meeting: Meeting;
  readonly play: Story;
  readonly refusals?: true;
}

/** The vendor in the moods of these quirks. */
const at = (vendor: Vendor, ...ids: readonly string[]): Meeting => ({
  name: vendor.name,
  vendor,
  also: ids.map((id) => vendor.quirks.find((quirk) => quirk.id === id) as Quirk),
});
const tokenFor = (aud: string) =>
  [{ alg: 'none' }, { aud }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
    .concat('.e30');

const thousandMembers: Story = async (scene) => {
  const ids = scene.seedUsers(1_000);
  const [first] = await scene.memberships('addMember', 'Staff', ids.slice(0, 1), { create: true });
  await scene.memberships('removeMember', 'Staff', ids.slice(0, 1), { groupRemoteId: first?.group?.remoteId ?? null });
  scene.mark();
  await scene.memberships('addMember', 'Staff', ids, { groupRemoteId: first?.group?.remoteId ?? null });
  expect(scene.asked().length).toBeLessThanOrEqual(10);
  expect(new Set(scene.members('Staff'))).toEqual(new Set(ids));
};

/** A refused look-up is no answer that the group is missing. */
const foreignLetters: Story = async (scene) => {
  const ids = scene.seedUsers(3);
  for (const delivered of await scene.memberships('addMember', 'Ομάδα', ids, { create: true }))
    expect(delivered.outcome).toMatchObject({ class: 'permanent', status: 400 });
  expect(scene.fake.idp.groups.size).toBe(0);
};

const outdatedTag: Story = async (scene) => {
  const account = await scene.join(1);
  expect(account.etag).toBeTruthy();
  const user = scene.user(scene.person(1)) as Resource;
  user.locale = 'de-DE';
  (user.meta as Resource).version = 'W/"by-somebody-else"';
  scene.mark();
  await update(scene, changed(scene.person(1), { title: 'Lead' }), account);
  expect(scene.user(scene.person(1))).toMatchObject({ title: 'Lead', locale: 'de-DE' });
  const writes = scene.asked().filter(({ method }) => method !== 'GET');
  expect(writes.map(({ status }) => status)).toEqual([412, 200]);
  expect(writes.map(({ headers }) => headers['if-match'])).toEqual([account.etag, 'W/"by-somebody-else"']);
};

const disableWithoutTag: Story = async (scene) => {
  const account = await scene.join(1);
  (scene.user(scene.person(1))?.meta as Resource).version = 'W/"by-somebody-else"';
  scene.mark();
  const inactive = { ...scene.person(1), active: false };
  expect((await scene.send('disable', inactive, account)).outcome.class).toBe('done');
  expect(scene.user(inactive)?.active).toBe(false);
  expect(scene.asked().some(({ headers }) => headers['if-match'] !== undefined)).toBe(false);
};

const refusedToken: Story = async (scene) => {
  const { outcome } = await scene.send('create', scene.person(1));
  expect(outcome).toMatchObject({ class: 'refreshCredentials', status: 401, countsAsAttempt: false });
  expect(scene.fake.idp.users.size).toBe(0);
};
const takenToken: Story = async (scene) => {
  await scene.join(1);
};

const switchedOff: Story = async (scene) => {
  const { outcome } = await scene.send('create', scene.person(1));
  expect(outcome).toMatchObject({ class: 'targetDown', countsAsAttempt: false });
  expect(await listing(scene)).toBeInstanceOf(Problem);
};

const lockedUser: Story = async (scene) => {
  const account = await scene.join(1);
  (scene.user(scene.person(1)) as Resource).state = 'locked';
  const inactive = { ...scene.person(1), active: false };
  const { outcome } = await scene.send('disable', inactive, account);
  expect(outcome).toMatchObject({ class: 'permanent', status: 400 });
  expect(scene.user(inactive)?.active).toBe(true);
};

/** The externalId that another service user wrote is not shown, so nothing proves whose account it is. */
const anothersAccount: Story = async (scene) => {
  const [id] = scene.seedUsers(1) as [string];
  const { userName, externalId } = scene.person(1);
  const user = scene.fake.idp.users.get(id) as Resource;
  Object.assign(user, { userName, externalId, madeByOther: true });
  const before = JSON.stringify(user);
  expect((await scene.send('create', scene.person(1))).outcome).toMatchObject({
    class: 'conflict',
    code: 'name-taken',
  });
  expect(JSON.stringify(scene.fake.idp.users.get(id))).toBe(before);
};

const notEnabled: Story = async (scene) => {
  const { outcome } = await scene.send('create', scene.person(1));
  expect(outcome.class).not.toBe('done');
  expect(outcome.detail).toContain('scimapiconsumptions');
  expect(await listing(scene)).toBeInstanceOf(Problem);
};

const lateGateway: Story = async (scene) => {
  const payload = scene.person(1);
  await settles(scene, payload);
  const account = scene.after(payload, { outcome: (await scene.send('create', payload)).outcome }, noAccount(payload));
  const known = { ...account, remoteId: [...scene.fake.idp.users.keys()][0] as string };
  const moved = changed(payload, { title: 'Lead' });
  const first = await scene.send('update', moved, known);
  expect(['ambiguous', 'done']).toContain(first.outcome.class);
  expect((await scene.send('update', moved, known, { ambiguous: true })).outcome.class).toBe('done');
  stands(scene, moved);
  const inactive = { ...moved, active: false };
  expect((await scene.send('disable', inactive, known)).outcome.class).toBe('done');
  expect(scene.user(inactive)?.active).toBe(false);
  expect(['retry', 'ambiguous']).toContain((await scene.send('delete', inactive, known)).outcome.class);
  expect((await scene.send('delete', inactive, known, { ambiguous: true })).outcome.class).toBe('done');
  expect(scene.fake.idp.users.size).toBe(0);
};

const endsSessions: Story = async (scene) => {
  const account = await scene.join(1);
  await update(scene, changed(scene.person(1), { title: 'Lead' }), account);
  expect([...scene.fake.sessionsEnded]).toEqual([]);
  expect((await scene.send('disable', { ...scene.person(1), active: false }, account)).outcome.class).toBe('done');
  expect([...scene.fake.sessionsEnded]).toEqual([account.remoteId]);
  expect(scene.profile.revokeSessions).toBe('implicit');
  expect(scene.desk.target.endsSessions).toBe(false);
};

const createsNothing: Story = async (scene) => {
  const { outcome } = await scene.send('create', scene.person(1));
  expect(outcome.class).not.toBe('done');
  expect(scene.fake.idp.users.size).toBe(0);
};

const takenInOnly: Story = async (scene) => {
  const payload = scene.person(1);
  expect((await scene.send('create', payload)).outcome.class).not.toBe('done');
  const [id] = scene.seedUsers(1) as [string];
  const user = scene.fake.idp.users.get(id) as Resource;
  Object.assign(user, { userName: payload.userName, externalId: payload.externalId });
  const account = { ...noAccount(payload), remoteId: id, active: true, known: payload.attributes };
  for (const kind of ['update', 'disable', 'delete'] as const) {
    const wanted = kind === 'update' ? changed(payload, { title: 'Lead' }) : { ...payload, active: false };
    expect((await scene.send(kind, wanted, account)).outcome.class, kind).not.toBe('done');
  }
  expect(scene.fake.idp.users.get(id)?.active).toBe(true);
};

const repeatedPage: Story = async (scene) => {
  scene.seedUsers(230);
  const found = await listing(scene);
  expect(faultOf(found)).toBe('target.listing-incomplete');
};

/** Without having asked, the first refusal of PATCH is enough, and it is remembered. */
const noPatch: Story = async (scene) => {
  let account = await scene.join(1);
  for (const title of ['Lead', 'Chief']) account = await update(scene, changed(scene.person(1), { title }), account);
  expect(scene.user(scene.person(1))?.title).toBe('Chief');
  expect(scene.asked('PATCH')).toHaveLength(1);
};

/** 50 results at most: whether there is a second page, and what the total then counts, is not said. */
const fiftyOnly: Story = async (scene) => {
  for (const size of [0, 1, 49]) {
    scene.fake.idp.users.clear();
    scene.seedUsers(size);
    expect(await listing(scene), `of ${size}`).toHaveLength(size);
  }
  for (const size of [51, 100, 230]) {
    scene.fake.idp.users.clear();
    scene.seedUsers(size);
    expect(await listing(scene), `of ${size}`).toBeInstanceOf(Problem);
  }
};

const GENERIC = (...ids: readonly string[]) => at(GENERIC_VENDOR, ...ids);
const withSettings = (meeting: Meeting, settings: Meeting['settings']): Meeting => ({
  ...meeting,
  ...(settings === undefined ? {} : { settings }),
});

export const PARTICULARS: readonly Particular[] = [
  { name: 'a thousand new members of one group cost ten requests', meeting: at(AWS), play: thousandMembers },
  {
    name: 'fifty people are not taken for everybody',
    meeting: { ...at(AWS), change: { paging: { by: 'none', total: 'page' } } },
    play: fiftyOnly,
  },
  { name: 'a group that cannot be looked up is not made', meeting: at(AWS), play: foreignLetters, refusals: true },
  {
    name: 'an outdated tag makes us read and write again',
    meeting: withSettings(GENERIC(), { capabilities: { etag: true } }),
    play: outdatedTag,
  },
  {
    name: 'an outdated tag makes us read and replace again',
    meeting: withSettings(GENERIC(), { capabilities: { etag: true, update: 'put' } }),
    play: async (scene) => {
      const account = await scene.join(1);
      // Between the read and the PUT, so that the tag just read is outdated.
      scene.fake.idp.behaviours.add({ method: 'PUT', times: 1, act: { kind: 'answer', status: 412 } });
      await update(scene, changed(scene.person(1), { title: 'Lead' }), account);
      expect(scene.user(scene.person(1))?.title).toBe('Lead');
      expect(scene.asked('PUT').map(({ status }) => status)).toEqual([412, 200]);
    },
  },
  {
    name: 'a disable wins over whatever happened meanwhile',
    meeting: withSettings(GENERIC(), { capabilities: { etag: true } }),
    play: disableWithoutTag,
  },
  {
    name: 'a disable by PUT wins as well',
    meeting: withSettings(GENERIC(), { capabilities: { etag: true, update: 'put' } }),
    play: disableWithoutTag,
  },
  {
    name: 'a search that shows others proves nobody gone',
    meeting: at(ENTRA),
    play: async (scene) => {
      const account = { ...(await scene.join(1)), remoteId: 'no-such-id' };
      const body = JSON.stringify({ resources: [{ id: 'another', userName: 'another' }] });
      const headers = { 'content-type': 'application/json' };
      scene.fake.idp.behaviours.add({ path: '?filter=id', act: { kind: 'answer', status: 200, headers, body } });
      const { outcome } = await scene.send('disable', { ...scene.person(7), active: false }, account);
      expect(outcome).toMatchObject({ class: 'permanent', status: 400 });
    },
  },
  {
    name: 'a token for another audience is a matter of credentials',
    meeting: { ...at(KEYCLOAK, 'keycloak-audience'), token: tokenFor('https://idp.example.com') },
    play: refusedToken,
  },
  {
    name: 'a token for the base URL is taken',
    meeting: { ...at(KEYCLOAK, 'keycloak-audience'), token: tokenFor(AUDIENCE) },
    play: takenToken,
  },
  {
    name: 'an endpoint that is switched off is the target’s matter',
    meeting: at(KEYCLOAK, 'keycloak-off'),
    play: switchedOff,
    refusals: true,
  },
  { name: 'a disable of a locked user is not taken for done', meeting: at(ZITADEL), play: lockedUser, refusals: true },
  { name: 'an account that another service user made is not taken', meeting: at(ZITADEL), play: anothersAccount },
  {
    name: 'a tenant without the API says so to people',
    meeting: at(ENTRA, 'entra-not-enabled'),
    play: notEnabled,
    refusals: true,
  },
  { name: 'a 504 after the write doubles nothing', meeting: at(ENTRA, 'entra-late-gateway'), play: lateGateway },
  {
    name: 'a 504 after the write doubles nothing anywhere',
    meeting: GENERIC('deviation-504-applied'),
    play: lateGateway,
  },
  { name: 'a disable ends the sessions and needs no call for it', meeting: at(AUTH0), play: endsSessions },
  {
    name: 'a 201 that created nothing is found out where creates are read back',
    meeting: withSettings(GENERIC('deviation-201-nothing'), { capabilities: { confirmCreates: true } }),
    play: createsNothing,
  },
  { name: 'a 202 that nothing follows is not done', meeting: GENERIC('deviation-202-silence'), play: takenInOnly },
  {
    name: 'a page that repeats ends the list as incomplete',
    meeting: GENERIC('deviation-repeated-page'),
    play: repeatedPage,
  },
  {
    name: 'a version without PATCH is met with PUT after its first refusal',
    meeting: at(AUTHENTIK, 'authentik-older'),
    play: noPatch,
    refusals: true,
  },
];
