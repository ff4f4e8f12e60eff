import { describe, expect, test } from 'vitest';
import { capabilitiesOf, NOTHING_DISCOVERED } from '../../src/targets/scim/capabilities.ts';
import { discoveredFrom, discoveryOf } from '../../src/targets/scim/discovery.ts';
import type { Exchange } from '../../src/targets/scim/exchange.ts';
import { outcomeOf } from '../../src/targets/scim/outcome-table.ts';
import { PROFILES } from '../../src/targets/scim/profiles.ts';
import { type Doorman, startFakeIdp } from '../support/fake-idp.ts';
import { ALICE, accountOf, openDesk, operation, resourceOf, TOKEN } from '../support/scim-desk.ts';

const CONFIG = {
  patch: { supported: false },
  bulk: { supported: true, maxOperations: 50, maxPayloadSize: 500_000 },
  filter: { supported: true, maxResults: 40 },
  etag: { supported: true },
  pagination: { cursor: true, index: false, maxPageSize: 30 },
};
const listing = (resources: readonly object[]) => ({ totalResults: resources.length, Resources: resources as never });
const SAID = discoveredFrom(CONFIG, listing([{ name: 'User', endpoint: '/Users' }]), null);

describe('what an endpoint can do', () => {
  test('is what RFC 7644 has where nobody says anything', () => {
    expect(capabilitiesOf(PROFILES.generic, null)).toEqual({
      update: 'patch',
      patchForm: 'path',
      bulk: null,
      ifMatch: false,
      paging: 'index',
      pageSize: 100,
      confirmCreates: false,
      groups: true,
      readOnly: [],
    });
  });

  test('is what the endpoint says where the profile leaves it open', () => {
    expect(capabilitiesOf(PROFILES.generic, SAID)).toMatchObject({
      update: 'put',
      bulk: { maxOps: 50, maxBytes: 500_000 },
      ifMatch: true,
      paging: 'cursor',
      pageSize: 30,
      groups: false,
    });
  });

  test('is what the profile says where both speak, and the smaller of two limits', () => {
    expect(capabilitiesOf(PROFILES.aws, SAID)).toMatchObject({
      update: 'patch',
      bulk: null,
      paging: 'index',
      pageSize: 30,
    });
    expect(capabilitiesOf(PROFILES.wso2, SAID)).toMatchObject({
      bulk: { maxOps: 50, maxBytes: 500_000 },
      ifMatch: false,
    });
    expect(capabilitiesOf(PROFILES.wso2, { ...NOTHING_DISCOVERED, bulk: false }).bulk).toEqual({
      maxOps: 1000,
      maxBytes: 1_048_576,
    });
    const roomy = { ...NOTHING_DISCOVERED, bulk: { maxOps: 5_000, maxBytes: 9_000_000 } };
    expect(capabilitiesOf(PROFILES.zitadel, roomy).bulk).toEqual({ maxOps: 100, maxBytes: 1_000_000 });
    expect(capabilitiesOf(PROFILES.zitadel, { ...NOTHING_DISCOVERED, groups: true }).groups).toBe(false);
  });

  test('is what the connection file says, whatever the others say', () => {
    const configured = {
      update: 'patch',
      patchForm: 'pathless',
      etag: false,
      paging: 'none',
      pageSize: 500,
      bulk: false,
      confirmCreates: true,
    } as const;
    expect(capabilitiesOf(PROFILES.generic, SAID, configured)).toMatchObject({
      update: 'patch',
      patchForm: 'pathless',
      ifMatch: false,
      paging: 'none',
      pageSize: 500,
      bulk: null,
      confirmCreates: true,
    });
    expect(
      capabilitiesOf(PROFILES.pingfederate, null, { update: 'patch', bulk: { maxOps: 7, maxBytes: 9_000 } }),
    ).toMatchObject({
      update: 'patch',
      bulk: { maxOps: 7, maxBytes: 9_000 },
    });
  });
});

describe('what an endpoint says of itself', () => {
  test('is read in any case, and with its read-only attributes', () => {
    const schemas = listing([
      { id: 'urn:ietf:params:scim:schemas:core:2.0:Group', attributes: [{ name: 'other', mutability: 'readOnly' }] },
      {
        id: 'urn:ietf:params:scim:schemas:core:2.0:User',
        attributes: [
          { name: 'lastSeen', mutability: 'readOnly' },
          { name: 'title', mutability: 'readWrite' },
        ],
      },
    ]);
    expect(
      discoveredFrom(
        { Patch: { Supported: true }, BULK: { supported: false } },
        { resources: [{ name: 'user' }, { name: 'group' }] },
        schemas,
      ),
    ).toMatchObject({ patch: true, bulk: false, groups: true, readOnly: ['lastseen'] });
  });

  test.each([
    [
      'filter.supported is a number',
      { ...CONFIG, filter: { supported: 200, maxResults: 200 } },
      { filterMax: null, patch: false },
    ],
    [
      'a limit is negative',
      { ...CONFIG, filter: { supported: true, maxResults: -1 } },
      { filterMax: null, etag: true },
    ],
    [
      'a limit is no number',
      { ...CONFIG, pagination: { cursor: true, maxPageSize: 'lots' } },
      { pageMax: null, paging: 'cursor' },
    ],
    ['bulk has no limits', { ...CONFIG, bulk: { supported: true } }, { bulk: null, patch: false }],
    ['patch is a word', { ...CONFIG, patch: 'yes' }, { patch: null, etag: true }],
    ['nothing is there', null, NOTHING_DISCOVERED],
  ])('says nothing where %s, and everything else still counts', (_name, config, expected) => {
    expect(discoveredFrom(config as never, null, null)).toMatchObject(expected);
  });

  test('says nothing of groups when it names no users either', () => {
    expect(discoveredFrom(null, listing([{ endpoint: '/Devices' }]), null).groups).toBeNull();
  });
});

const HOUR = 60 * 60 * 1000;

/** A discovery whose endpoint answers what `config` holds at the time, and counts its looks. */
function observed(profile = PROFILES.generic) {
  const scene = { now: 0, looks: 0, status: 200, config: CONFIG as object, exchanges: 0 };
  const exchange: Exchange = async (request) => {
    scene.exchanges += 1;
    const there = request.path === '/ServiceProviderConfig' && scene.status === 200;
    const status = scene.status === 200 ? (there ? 200 : 404) : scene.status;
    return {
      outcome: outcomeOf('read', { status, scimType: null }, { detail: '', retryAfterMs: null }),
      body: there ? (scene.config as never) : null,
      etag: null,
      location: null,
    };
  };
  const discovery = discoveryOf({
    profile,
    configured: {},
    now: () => scene.now,
    ask: async (look) => {
      scene.looks += 1;
      await look(exchange);
    },
  });
  return { scene, discovery };
}

describe('the look at what an endpoint says', () => {
  test('is taken in the background, once a day', async () => {
    const { scene, discovery } = observed();
    discovery.keepUp();
    expect(discovery.capabilities().update).toBe('patch');
    await discovery.settled();
    expect(discovery.capabilities().update).toBe('put');
    scene.config = {};
    scene.now = 23 * HOUR;
    discovery.keepUp();
    expect(scene.looks).toBe(1);
    scene.now = 24 * HOUR;
    discovery.keepUp();
    await discovery.settled();
    expect(scene.looks).toBe(2);
    expect(discovery.capabilities().update).toBe('patch');
  });

  test('is repeated after an answer that does not fit, at most every ten minutes', async () => {
    const { scene, discovery } = observed();
    discovery.keepUp();
    await discovery.settled();
    for (const minutes of [1, 9, 10, 11, 19, 20]) {
      scene.now = minutes * 60_000;
      discovery.doubt();
      await discovery.settled();
    }
    expect(scene.looks).toBe(3);
  });

  test('that is not answered leaves what was known as it is; a refusal says that there is no such document', async () => {
    const { scene, discovery } = observed();
    discovery.keepUp();
    await discovery.settled();
    scene.status = 503;
    scene.now = 24 * HOUR;
    discovery.keepUp();
    await discovery.settled();
    expect(discovery.capabilities()).toMatchObject({ update: 'put', ifMatch: true });
    expect(scene.looks).toBe(2);
    for (const minutes of [9, 10]) {
      scene.now = 24 * HOUR + minutes * 60_000;
      discovery.keepUp();
      await discovery.settled();
    }
    expect(scene.looks).toBe(3);
    scene.status = 404;
    scene.now = 48 * HOUR;
    discovery.keepUp();
    await discovery.settled();
    expect(discovery.capabilities()).toMatchObject({ update: 'patch', ifMatch: false });
  });

  test('a clock that was set back does not put it off', async () => {
    const { scene, discovery } = observed();
    scene.now = 100 * HOUR;
    discovery.keepUp();
    await discovery.settled();
    scene.now = 1 * HOUR;
    discovery.keepUp();
    await discovery.settled();
    expect(scene.looks).toBe(2);
  });

  test('is never taken where the profile knows that there is nothing to see', async () => {
    const { scene, discovery } = observed(PROFILES.zitadel);
    discovery.keepUp();
    discovery.doubt();
    await discovery.settled();
    expect(scene.looks).toBe(0);
  });

  test('an endpoint that refuses PATCH is believed more than its description', async () => {
    const { scene, discovery } = observed();
    scene.config = { patch: { supported: true } };
    discovery.cannotPatch();
    discovery.keepUp();
    await discovery.settled();
    expect(discovery.capabilities().update).toBe('put');
  });

  test('an endpoint that denies PATCH and refuses PUT is patched from then on, and disabled at once', async () => {
    const patchOnly: Doorman = (asked, ask) => (asked.method === 'PUT' ? { status: 405 } : ask(asked));
    await using idp = await startFakeIdp({
      token: TOKEN,
      users: [{ id: 'u1', ...resourceOf(ALICE) }],
      doorman: patchOnly,
    });
    const body = JSON.stringify({ ...CONFIG, patch: { supported: false } });
    idp.behaviours.add({ path: '/ServiceProviderConfig', act: { kind: 'answer', status: 200, body } });
    await using desk = openDesk(idp.url, { discover: true });
    await desk.deliver(operation('update', ALICE, accountOf(ALICE, 'u1')));
    await expect.poll(() => desk.target.batchMax()).toBe(50);
    const disable = operation('disable', ALICE, accountOf(ALICE, 'u1'));
    expect((await desk.deliver(disable)).outcome.class).toBe('done');
    expect(idp.user('007')?.active).toBe(false);
    const from = idp.log.length;
    await desk.deliver(disable);
    expect(idp.log.slice(from).map(({ method }) => method)).toEqual(['PATCH', 'GET']);
  });

  test('an endpoint that knows neither PATCH nor PUT is said to be one', async () => {
    const neither: Doorman = (asked, ask) => (asked.method === 'GET' ? ask(asked) : { status: 405 });
    await using idp = await startFakeIdp({
      token: TOKEN,
      users: [{ id: 'u1', ...resourceOf(ALICE) }],
      doorman: neither,
    });
    await using desk = openDesk(idp.url);
    const { outcome } = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')));
    expect(outcome).toMatchObject({ class: 'permanent', code: 'no-way-to-write' });
    expect(outcome.detail).toContain('neither PATCH nor PUT');
  });
});

describe('discovery over the wire', () => {
  test('uses the paths of the profile, no rate, and a connection of its own: a hung one delays nobody', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [{ id: 'u1', ...resourceOf(ALICE) }] });
    const hung = Promise.withResolvers<void>();
    idp.behaviours.add({ path: /serviceproviderconfig/i, act: { kind: 'hold', until: hung.promise } });
    const desk = openDesk(idp.url, { discover: true, concurrency: 1, like: PROFILES['entra-scim'] });
    const done = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')));
    expect(done.outcome.class).not.toBe('retry');
    expect(idp.discoveryLog.map(({ path }) => path)).toEqual(['/serviceproviderconfig']);
    // Closing does not wait for the answer either.
    await desk[Symbol.asyncDispose]();
    hung.resolve();
  });

  test('tags are used once the endpoint said that it has them, and never with a disable', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [{ id: 'u1', ...resourceOf(ALICE) }] });
    const config = { ...CONFIG, patch: { supported: true } };
    const body = JSON.stringify(config);
    idp.behaviours.add({ path: '/ServiceProviderConfig', act: { kind: 'answer', status: 200, body } });
    await using desk = openDesk(idp.url, { discover: true });
    const account = accountOf(ALICE, 'u1', { etag: 'W/"stale"' });
    await desk.deliver(operation('update', ALICE, account));
    await expect.poll(() => desk.target.batchMax()).toBe(50);
    const renamed = { ...ALICE, attributes: { ...ALICE.attributes, title: 'Lead' } };
    const { outcome } = await desk.deliver(operation('update', renamed, account));
    expect(outcome.class).toBe('done');
    const patches = idp.log.filter(({ method }) => method === 'PATCH');
    expect(patches.map(({ status }) => status)).toEqual([412, 200]);
    expect(patches[1]?.headers['if-match']).not.toBe('W/"stale"');
    await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1', { etag: 'W/"stale"' })));
    expect(idp.log.filter(({ method }) => method === 'PATCH').at(-1)).toMatchObject({ status: 200 });
    expect(idp.log.filter(({ method }) => method === 'PATCH').at(-1)?.headers['if-match']).toBeUndefined();
  });
});
