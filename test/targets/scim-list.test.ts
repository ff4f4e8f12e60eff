import { expect, test } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import type { ListedAccount } from '../../src/mapping/bound-mapping.ts';
import type { Target } from '../../src/targets/target.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import { openDesk, TOKEN } from '../support/scim-desk.ts';

const people = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    id: `u${index}`,
    userName: `n${index}`,
    externalId: String(index),
    active: index % 2 === 0,
  }));
async function all(target: Target, signal = new AbortController().signal): Promise<readonly ListedAccount[]> {
  const accounts: ListedAccount[] = [];
  for await (const page of target.list(signal)) accounts.push(...page);
  return accounts;
}
const page = (total: number | undefined, ids: readonly unknown[]) =>
  JSON.stringify({ totalResults: total, Resources: ids.map((id) => ({ id, userName: String(id) })) });

test('every user is listed once, page by page, advancing by what was returned', async () => {
  await using idp = await startFakeIdp({ token: TOKEN, users: people(257), pageMax: 60 });
  await using desk = openDesk(idp.url);
  const accounts = await all(desk.target);
  expect(accounts.map(({ remoteId }) => remoteId)).toEqual(people(257).map(({ id }) => id));
  expect(accounts[1]).toMatchObject({ externalId: '1', userName: 'n1', active: false, resource: { userName: 'n1' } });
  expect(idp.log.map(({ path }) => path)).toEqual(
    [1, 61, 121, 181, 241].map((start) => `/Users?startIndex=${start}&count=100`),
  );
});

test('an empty target is an empty list', async () => {
  await using idp = await startFakeIdp({ token: TOKEN });
  await using desk = openDesk(idp.url);
  expect(await all(desk.target)).toEqual([]);
});

test('people who move between two pages are seen once, and one whose state is not told counts as active', async () => {
  await using idp = await startFakeIdp({ token: TOKEN });
  await using desk = openDesk(idp.url);
  idp.behaviours.add({ path: 'startIndex=1&', act: { kind: 'answer', status: 200, body: page(3, ['a', 'b']) } });
  idp.behaviours.add({ path: 'startIndex=3&', act: { kind: 'answer', status: 200, body: page(3, ['b', 'c']) } });
  const accounts = await all(desk.target);
  expect(accounts.map(({ remoteId, active }) => [remoteId, active])).toEqual([
    ['a', true],
    ['b', true],
    ['c', true],
  ]);
});

test.each([
  ['a page repeats', page(4, ['a', 'b']), /a page repeated after 2 of 4/],
  ['the target does not count', page(undefined, ['a']), /does not say how many/],
  ['a user has no id', page(2, ['a', '']), /without an id/],
  ['the answer is no list', '{"hello":1}', /no list of users/],
  ['the answer is a sign-in page', '<html></html>', /no list of users/],
])('no list at all when %s', async (_name, body, why) => {
  await using idp = await startFakeIdp({ token: TOKEN });
  await using desk = openDesk(idp.url);
  idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 200, body } });
  const failed = await all(desk.target).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(Problem);
  expect((failed as Problem).faults[0]).toMatchObject({
    code: 'target.listing-incomplete',
    message: expect.stringMatching(why),
  });
});

test('no list when the pages end early', async () => {
  await using idp = await startFakeIdp({ token: TOKEN });
  await using desk = openDesk(idp.url);
  idp.behaviours.add({ path: 'startIndex=1&', act: { kind: 'answer', status: 200, body: page(5, ['a']) } });
  idp.behaviours.add({ path: 'startIndex=2&', act: { kind: 'answer', status: 200, body: page(5, []) } });
  await expect(all(desk.target)).rejects.toThrow(/pages ended after 1 of 5/);
});

test('trouble in between is waited out, with the patience the target asks for', async () => {
  let now = Date.parse('2026-11-23T11:00:00Z');
  await using idp = await startFakeIdp({ token: TOKEN, users: people(3) });
  await using desk = openDesk(idp.url, {
    now: () => now,
    wait: async (ms) => {
      now += ms;
    },
  });
  idp.behaviours.add({
    method: 'GET',
    times: 1,
    act: { kind: 'answer', status: 429, headers: { 'retry-after': '30' } },
  });
  idp.behaviours.add({ method: 'GET', times: 2, act: { kind: 'reset' } });
  expect(await all(desk.target)).toHaveLength(3);
  expect(desk.waits).toEqual([30_000, 1_500, 3_000]);
});

test('trouble that does not end gives up, and refused credentials do so at once', async () => {
  await using idp = await startFakeIdp({ token: TOKEN, users: people(3) });
  await using desk = openDesk(idp.url);
  idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 503 } });
  await expect(all(desk.target)).rejects.toThrow(/HTTP 503/);
  expect(idp.log).toHaveLength(8);
  await using stranger = openDesk(idp.url, { token: () => 'wrong' });
  idp.behaviours.clear();
  await expect(all(stranger.target)).rejects.toThrow(/HTTP 401/);
  expect(idp.log).toHaveLength(9);
});

test('a stop ends the listing', async () => {
  await using idp = await startFakeIdp({ token: TOKEN, users: people(3) });
  await using desk = openDesk(idp.url);
  const stop = new AbortController();
  idp.behaviours.add({ method: 'GET', act: { kind: 'hold', until: new Promise(() => {}) } });
  const listing = all(desk.target, stop.signal);
  await idp.arrival(() => true);
  stop.abort(new Error('stopping'));
  await expect(listing).rejects.toThrow('stopping');
});
