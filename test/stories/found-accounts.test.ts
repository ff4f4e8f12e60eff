// What a look-up finds after a lost reply: it is taken for the worker's own only as far as that is certain, and only once.
import { expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse, type Person } from '../support/house.ts';

const MINUTE = 60_000;
const NAME = 'first1003.last1003@example.com';
const gone = (people: readonly Person[], id: string): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, status: 'T' } : person));

/** The account of 1003 was made, and nobody here knows it yet. */
async function lostCreate(mapping?: string) {
  const test = await openTestHouse(mapping === undefined ? {} : { mapping });
  const { idp, deliver, cycle, settle } = test;
  idp.behaviours.add({ method: 'POST', body: 'Last1003', times: 1, act: { kind: 'loseReply' } });
  idp.behaviours.add({
    method: 'GET',
    path: '1003',
    times: 1,
    act: { kind: 'answer', status: 503, headers: { 'retry-after': '30' } },
  });
  deliver(feed(crowd(10)));
  await cycle();
  await settle(0);
  const account = idp.user('1003');
  if (account === undefined) throw new Error('the account was made');
  return { ...test, account };
}
const ofWorker = (users: ReadonlyMap<string, { readonly externalId?: unknown }>) =>
  [...users.values()].filter(({ externalId }) => externalId === '1003');

it('an account that the target only promises to correct is looked at again, and keeps no leaver waiting', async () => {
  const { idp, account, settle, deliver, cycle, stage } = await lostCreate();
  account.title = 'somebody else wrote this';
  idp.behaviours.add({ method: 'PATCH', path: '/Users', times: 1, act: { kind: 'answer', status: 202 } });
  await settle();
  expect(idp.user('1003')?.title).toBe('Clerk');
  deliver(feed(gone(crowd(10), '1003')));
  await cycle();
  await settle();
  expect(idp.user('1003')?.active).toBe(false);
  expect(await stage('1003')).toBe('left/settled');
});

it('a worker whose account stands under another name gets no second one when their name has been taken', async () => {
  const { idp, account, settle, deliver, cycle, stage } = await lostCreate();
  idp.users.set('x-1', { ...account, id: 'x-1', externalId: 'somebody else' });
  account.userName = 'renamed@example.com';
  idp.behaviours.add({ method: 'PATCH', path: '/Users', times: 1, act: { kind: 'answer', status: 500 } });
  await settle();
  expect(await stage('1003')).toBe('active/failed');
  expect(ofWorker(idp.users)).toHaveLength(1);
  deliver(feed(gone(crowd(10), '1003')));
  await cycle();
  await settle();
  expect(ofWorker(idp.users)).toMatchObject([{ active: false }]);
  expect(idp.users.get('x-1')?.active).toBe(true);
});

it('an account that a rule protects gets no write, although it was found in place of a lost create', async () => {
  const mapping = mappingText({
    'targets:\n': 'protected:\n  - account.userName.startsWith("root")\ntargets:\n',
  });
  const { idp, account, settle, deliver, cycle, stage } = await lostCreate(mapping);
  idp.users.delete(String(account.id));
  idp.users.set('root-1', { ...account, id: 'root-1', userName: 'root@example.com', title: 'Break glass' });
  await settle();
  expect(await stage('1003')).toBe('active/failed');
  deliver(feed(gone(crowd(10), '1003')));
  await cycle();
  await settle();
  expect(idp.users.get('root-1')).toMatchObject({ userName: 'root@example.com', title: 'Break glass', active: true });
  expect(await stage('1003')).toBe('left/failed');
  expect(idp.writes().filter(({ path }) => path.includes('root-1'))).toHaveLength(0);
});

const NOT_SHOWN = JSON.stringify({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: 0,
  Resources: [],
});

it.each([
  { what: 'an account', posted: '/Users', body: 'Last1003', asked: /^\/Users\?.*1003/ },
  { what: 'a group', posted: '/Groups', body: 'All staff', asked: /^\/Groups\?/ },
])(
  '$what whose creation was lost is not made again while the target may not show it yet, nor know its name',
  async ({ posted, body, asked }) => {
    let made = 0;
    const { idp, deliver, cycle, settle } = await openTestHouse({
      idp: {
        doorman: (request, ask, { users, groups }) => {
          if (request.method !== 'POST' || request.path !== posted || !request.body.includes(body)) return ask(request);
          made += 1;
          const resource = { ...JSON.parse(request.body), id: `made-${made}`, meta: { version: 'W/"0"' } };
          (posted === '/Users' ? users : groups).set(resource.id, resource);
          return { status: 201, body: JSON.stringify(resource) };
        },
      },
    });
    const shownNow = idp.behaviours.add({
      method: 'GET',
      path: asked,
      act: { kind: 'answer', status: 200, body: NOT_SHOWN },
    });
    idp.behaviours.add({ method: 'POST', path: posted, body, times: 1, act: { kind: 'loseReply' } });
    deliver(feed(crowd(10)));
    await cycle();
    await settle(MINUTE / 2);
    shownNow();
    await settle();
    expect(made).toBe(1);
    expect(idp.members('All staff')).toContain(idp.user(NAME)?.id);
    expect(idp.members('All staff')).toHaveLength(10);
  },
);
