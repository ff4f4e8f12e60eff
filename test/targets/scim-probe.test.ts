import { expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../src/base/finding.ts';
import { Problem } from '../../src/base/problem.ts';
import { PROFILES } from '../../src/targets/scim/profiles.ts';
import { type FakeIdp, type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import { openDesk, TOKEN } from '../support/scim-desk.ts';

async function probed(
  idp: FakeIdp,
  options: Parameters<typeof openDesk>[1] = {},
): Promise<ReadonlyMap<string, Finding>> {
  await using desk = openDesk(idp.url, options);
  const findings = (await desk.target.probe?.(new AbortController().signal)) ?? [];
  expect(desk.intents).toEqual([]);
  expect(idp.writes()).toEqual([]);
  for (const { message } of findings) expect(message).not.toContain(TOKEN);
  return new Map(findings.map((finding) => [finding.code, finding]));
}

async function endpoint(options: FakeIdpOptions = {}): Promise<FakeIdp> {
  const idp = await startFakeIdp({ token: TOKEN, ...options });
  onTestFinished(() => idp.close());
  return idp;
}

const serviceProviderConfig = (more: object) => ({
  method: 'GET',
  path: '/ServiceProviderConfig',
  act: { kind: 'answer' as const, status: 200, body: JSON.stringify({ schemas: [], ...more }) },
});

test('an endpoint in order is told as such, with the number of its users, by reads alone', async () => {
  const idp = await endpoint({ users: [{ userName: 'ada@example.com', active: true }] });
  const found = await probed(idp);
  for (const code of ['reachable', 'users', 'look-up', 'groups'])
    expect(found.get(`target.${code}`)?.verdict).toBe('good');
  expect(found.get('target.users')?.message).toContain('there are 1');
  expect(found.get('target.write')).toMatchObject({ verdict: 'note', hint: expect.stringContaining('sync --worker') });
  expect([...idp.log, ...idp.discoveryLog].every(({ method }) => method === 'GET')).toBe(true);
});

test('a refused token ends the look with one finding that says so', async () => {
  const found = await probed(await endpoint(), { token: () => 'stale' });
  expect(found.get('target.credentials')).toMatchObject({ verdict: 'failed', message: expect.stringContaining('401') });
  expect(found.has('target.users')).toBe(false);
});

test('a secret that is not there is a matter of configuration, and nothing is sent', async () => {
  const idp = await endpoint();
  const missing = () => {
    throw new Problem({ code: 'secret.missing', message: 'environment variable IDP_TOKEN is not set' });
  };
  const found = await probed(idp, { token: missing });
  expect(found.get('target.credentials')).toMatchObject({
    verdict: 'configuration',
    message: expect.stringContaining('IDP_TOKEN is not set'),
  });
  expect([...idp.log, ...idp.discoveryLog]).toEqual([]);
});

test('an address where nobody listens is not reached', async () => {
  const idp = await endpoint();
  await idp.close();
  expect((await probed(idp)).get('target.unreachable')).toMatchObject({ verdict: 'failed' });
});

test('users that may not be listed, and groups that may, are told apart', async () => {
  const idp = await endpoint();
  idp.behaviours.add({
    method: 'GET',
    path: /^\/Users/,
    act: { kind: 'answer', status: 403, body: '{"detail":"no scope"}' },
  });
  const found = await probed(idp);
  expect(found.get('target.users')).toMatchObject({
    verdict: 'failed',
    message: 'users cannot be listed: it answers 403, no scope',
    hint: expect.stringContaining('grant'),
  });
  expect(found.get('target.groups')?.verdict).toBe('good');
});

test('groups that may not be listed deserve a look', async () => {
  const idp = await endpoint();
  idp.behaviours.add({ path: /^\/Groups/, act: { kind: 'answer', status: 403, body: '{}' } });
  expect((await probed(idp)).get('target.groups')).toMatchObject({ verdict: 'warning' });
});

test('a page that answers in place of the endpoint is not taken for a list', async () => {
  const idp = await endpoint();
  idp.behaviours.add({ path: /^\/Users/, act: { kind: 'answer', status: 200, body: '<html>sign in</html>' } });
  expect((await probed(idp)).get('target.users')).toMatchObject({
    verdict: 'failed',
    hint: expect.stringContaining('sign-in'),
  });
});

test('an endpoint that ignores filters is found out', async () => {
  const idp = await endpoint();
  const users = JSON.stringify({ schemas: [], totalResults: 1, Resources: [{ id: 'u1', userName: 'x' }] });
  idp.behaviours.add({ path: /^\/Users\?/, act: { kind: 'answer', status: 200, body: users } });
  expect((await probed(idp)).get('target.look-up')).toMatchObject({
    verdict: 'failed',
    message: expect.stringContaining('ignored'),
  });
});

test.each([
  [{ patch: { supported: false } }, PROFILES.generic, null],
  [{ patch: { supported: true } }, PROFILES.generic, null],
  [{ filter: { supported: false } }, PROFILES.generic, 'does not filter'],
  [{ filter: { supported: true, maxResults: 20 } }, PROFILES.generic, '20 users at most'],
  [{ patch: { supported: false } }, { ...PROFILES.generic, update: 'patch' as const }, 'no PATCH'],
])('what it says of itself (%j) is held against the profile', async (config, like, expected) => {
  const idp = await endpoint();
  idp.behaviours.add(serviceProviderConfig(config));
  const found = await probed(idp, { like: { ...like, discovery: true } });
  const profile = found.get('target.profile');
  if (expected === null) expect(profile?.verdict).toBe('good');
  else expect(profile).toMatchObject({ verdict: 'warning', message: expect.stringContaining(expected) });
});

test('a clock that is half an hour off is told', async () => {
  const idp = await endpoint({ time: () => Date.parse('2026-11-22T12:00:00Z') });
  const found = await probed(idp, { now: () => Date.parse('2026-11-22T12:30:00Z') });
  expect(found.get('target.clock')).toMatchObject({
    verdict: 'warning',
    message: expect.stringContaining('30 minutes'),
  });
  expect((await probed(idp, { now: () => Date.parse('2026-11-22T12:01:00Z') })).has('target.clock')).toBe(false);
});
