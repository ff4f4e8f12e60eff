// Two connections deliver to one target, and HR numbered different people alike: nobody gets, changes or loses another one's account.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LiveConnection } from '../../src/pipeline/house.ts';
import { runCycle } from '../../src/pipeline/intake.ts';
import type { FakeIdpOptions } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse, type Person } from '../support/house.ts';

const MINUTE = 60_000;
const OTHER: Person = { id: '1003', first: 'Other', last: 'Person' };
const OTHER_NAME = 'other.person@example.com';
const FIRST_NAME = 'first1003.last1003@example.com';

/** Ten people of `acme` have accounts; `beta` has said nothing yet, and `hears` delivers and judges a feed of it. */
async function twoConnections(replace: Readonly<Record<string, string>> = {}, idp: FakeIdpOptions = {}) {
  const test = await openTestHouse({ mapping: mappingText(replace), idp });
  const beta = mappingText({ ...replace, 'connection: acme': 'connection: beta', 'workers.csv': 'beta.csv' });
  writeFileSync(join(test.mappingsDir, 'beta.yaml'), beta);
  await test.restart();
  const liveBeta = (): LiveConnection => {
    const live = test.house.connections.get('beta');
    if (live === undefined) throw new Error('there is no beta');
    return live;
  };
  const hears = async (...people: readonly Person[]): Promise<string> => {
    test.deliver(feed(people), 'beta.csv');
    test.clock.advance(1_000);
    const signal = new AbortController().signal;
    return (await runCycle(test.house, liveBeta(), { actor: 'feed', mode: 'commit', signal })).kind;
  };
  const { store } = test.house;
  return { ...test, store, hears, holds: () => store.holds(null) };
}

it('an account of one connection is not taken for a create of the other that may have been lost', async () => {
  const { idp, sync, settle, hears } = await twoConnections();
  await sync(feed(crowd(10)));
  idp.behaviours.add({ method: 'POST', body: 'Other', times: 1, act: { kind: 'answer', status: 503 } });
  await hears(OTHER);
  await settle();
  expect(idp.user(FIRST_NAME)).toMatchObject({ active: true, name: { givenName: 'First1003' } });
  expect(idp.user(OTHER_NAME)).toMatchObject({ externalId: '1003', active: true });
  await hears({ ...OTHER, status: 'T' });
  await settle();
  expect(idp.user(OTHER_NAME)?.active).toBe(false);
  expect(idp.user(FIRST_NAME)?.active).toBe(true);
  expect(idp.members('All staff')).toContain(idp.user(FIRST_NAME)?.id);
});

it('somebody who leaves before they have an account takes nobody else’s access', async () => {
  const { idp, sync, settle, hears, store } = await twoConnections();
  await sync(feed(crowd(10)));
  idp.behaviours.add({ method: 'POST', body: 'Other', act: { kind: 'answer', status: 503 } });
  await hears(OTHER);
  await settle(MINUTE);
  await hears({ ...OTHER, status: 'T' });
  await settle(40 * MINUTE);
  expect(idp.user(FIRST_NAME)?.active).toBe(true);
  const left = (await store.situations('beta', ['1003'])).get('1003');
  expect(left?.standing).toMatchObject({ stage: 'left', delivery: 'settled' });
});

it('two creates that were both lost lead each to its own account', async () => {
  const { idp, cycle, deliver, settle, hears, store } = await twoConnections();
  deliver(feed(crowd(10)));
  await cycle();
  await hears(OTHER);
  idp.behaviours.add({ method: 'POST', body: 'Last1003', times: 1, act: { kind: 'loseReply' } });
  idp.behaviours.add({ method: 'POST', body: 'Other', times: 1, act: { kind: 'loseReply' } });
  idp.behaviours.add({ method: 'GET', path: '1003', times: 3, act: { kind: 'answer', status: 503 } });
  await settle();
  const [first] = (await store.situations('acme', ['1003'])).get('1003')?.accounts ?? [];
  const [other] = (await store.situations('beta', ['1003'])).get('1003')?.accounts ?? [];
  expect(first?.remoteId).toBe(idp.user(FIRST_NAME)?.id);
  expect(other?.remoteId).toBe(idp.user(OTHER_NAME)?.id);
  expect([...idp.users.values()].filter(({ externalId }) => externalId === '1003')).toHaveLength(2);
});

it('an account that the other connection has is not even offered for adoption where people are looked up one by one', async () => {
  const users = Array.from({ length: 6 }, (_, index) => ({ userName: `admin${index}@example.com`, active: true }));
  const oneByOne = { '    kind: scim\n': '    kind: scim\n    capabilities: { paging: none, pageSize: 5 }\n' };
  const { idp, sync, settle, hears, holds, store } = await twoConnections(oneByOne, { users });
  await sync(feed(crowd(10)));
  await hears(OTHER);
  await settle();
  expect(await holds()).toHaveLength(0);
  const other = (await store.situations('beta', ['1003'])).get('1003');
  expect(other?.accounts).toHaveLength(0);
  const [refused] = await store.operations({ connection: 'beta', states: ['failed'], limit: 5 });
  expect(refused?.lastOutcome?.code).toBe('already-owned');
  expect(idp.user(FIRST_NAME)?.name).toMatchObject({ givenName: 'First1003' });
});
