// A userName that follows HR's records: what one worker was given is given to nobody else, and whoever asks for it stops nobody.
import { expect, it } from 'vitest';
import type { Doorman } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse, type Person } from '../support/house.ts';

const MAPPED = mappingText({
  '\'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")\'':
    '\'worker.department + "@example.com"\'',
});
const people = crowd(40, (index) => ({ dept: `n${index}` }));
const changed = (all: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  all.map((person) => (person.id === id ? { ...person, ...change } : person));

/** Any number of accounts under one name. */
const careless: Doorman = (asked, ask, { users }) => {
  const [, id] = /^\/Users\/(.+)$/.exec(asked.path) ?? [];
  const name = /"path":"userName","value":"([^"]+)"/.exec(asked.body)?.[1];
  const present = id === undefined ? undefined : users.get(id);
  if (asked.method === 'PATCH' && name !== undefined && present !== undefined) present.userName = name;
  return asked.method === 'PATCH' && name !== undefined ? { status: 204 } : ask(asked);
};

async function house(doorman?: Doorman) {
  const test = await openTestHouse({ mapping: MAPPED, ...(doorman === undefined ? {} : { idp: { doorman } }) });
  await test.sync(feed(people));
  /** Delivers until nothing of it is held any more. */
  const hears = async (all: readonly Person[]): Promise<void> => {
    await test.sync(feed(all));
    if ((await test.approveAll()) > 0) await test.sync();
  };
  return { ...test, hears };
}

it('the name of somebody who left is not given to another person, even once the account is gone', async () => {
  const { idp, hears, stage } = await house();
  const left = changed(people, '1003', { status: 'T' });
  await hears(left);
  idp.users.delete(String(idp.user('1003')?.id));
  const asking = changed(left, '1004', { dept: 'n3', title: 'Chief' });
  await hears(asking);
  expect(await stage('1004')).toBe('active/failed');
  expect(idp.user('1004')).toMatchObject({ userName: 'n4@example.com', title: 'Chief' });
  // It is a failure of one, which nobody else waits for, and which a corrected record ends.
  await hears(changed(asking, '1005', { status: 'T' }));
  expect(idp.user('1005')?.active).toBe(false);
  await hears(changed(changed(asking, '1005', { status: 'T' }), '1004', { dept: 'n4', title: 'Head' }));
  expect(await stage('1004')).toBe('active/settled');
  expect(idp.user('1004')).toMatchObject({ userName: 'n4@example.com', title: 'Head' });
});

it('whoever asks for a taken name loses access all the same when they leave', async () => {
  const { idp, hears, stage } = await house();
  const asking = changed(people, '1004', { dept: 'n3' });
  await hears(asking);
  expect(await stage('1004')).toBe('active/failed');
  await hears(changed(asking, '1004', { dept: 'n3', status: 'T' }));
  expect(idp.user('1004')?.active).toBe(false);
  expect(await stage('1004')).toBe('left/settled');
});

it('of two who ask for one new name at once one is given it, and the other waits visibly, even where the target would take both', async () => {
  const { idp, hears, stage } = await house(careless);
  const asking = changed(changed(people, '1003', { dept: 'fresh' }), '1004', { dept: 'fresh', title: 'Chief' });
  await hears(asking);
  expect(idp.user('1003')?.userName).toBe('fresh@example.com');
  expect(idp.user('1004')).toMatchObject({ userName: 'n4@example.com', title: 'Chief' });
  expect(await stage('1004')).toBe('active/failed');
  await hears(changed(asking, '1005', { status: 'T' }));
  expect(idp.user('1005')?.active).toBe(false);
  expect(await stage('1005')).toBe('left/settled');
});

// Sixty rows lie between the two, so that they are not planned together.
it.each([
  ['beside', 0],
  ['before', -60],
  ['behind', 60],
])(
  'a name that somebody new asks for %s whoever is renamed to it is given once, and never asked of the target twice',
  async (_, distance) => {
    const { idp, hears, stage } = await house();
    const others = (from: number) =>
      crowd(Math.abs(distance), (index) => ({ id: String(from + index), dept: `m${index}` }));
    const renamed = changed(people, '1003', { dept: 'fresh' });
    const news: Person = { id: '5000', dept: 'fresh' };
    await hears(distance < 0 ? [news, ...others(6000), ...renamed] : [...renamed, ...others(6000), news]);
    const named = [...idp.users.values()].filter(({ userName }) => userName === 'fresh@example.com');
    expect(named).toHaveLength(1);
    const stages = [await stage('1003'), await stage('5000')];
    expect(stages.filter((one) => one === 'active/settled')).toHaveLength(1);
    expect(stages.filter((one) => one.endsWith('/failed'))).toHaveLength(1);
    const asked = idp.log.filter(({ method, body }) => method !== 'GET' && body.includes('fresh@example.com'));
    expect(asked).toHaveLength(1);
  },
);
