import { describe, expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** 300 accounts made by somebody else, 20 of them of people who are called like our joiners. */
const strangers = () =>
  Array.from({ length: 300 }, (_, index) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: index < 20 ? `first${1000 + index}.last${1000 + index}@example.com` : `somebody.${index}@example.com`,
    active: true,
    name: index < 20 ? { givenName: `First${1000 + index}`, familyName: `Last${1000 + index}` } : {},
  }));

describe('the first contact with a populated target', () => {
  it('adopts nobody by a generated name and changes nothing that exists', async () => {
    const { idp, sync, house } = await openTestHouse({ idp: { users: strangers() } });
    const before = new Map([...idp.users].map(([id, user]) => [id, JSON.stringify(user)]));
    await sync(feed(crowd(50)));
    for (const [id, text] of before) expect(JSON.stringify(idp.users.get(id))).toBe(text);
    expect(idp.users.size).toBe(350);
    expect(idp.user('1004')?.userName).toBe('first1004.last10042@example.com');
    expect(await house.store.holds('acme')).toHaveLength(0);
  });

  it('holds every account it could take over until a person approves, and then sends only what differs', async () => {
    const existing = strangers().map((user, index) =>
      index < 3 ? { ...user, [ENTERPRISE]: { employeeNumber: String(1000 + index), department: 'Sales' } } : user,
    );
    const { idp, sync, house, approveAll, stage } = await openTestHouse({ idp: { users: existing } });
    await sync(feed(crowd(50)));
    expect((await house.store.holds('acme'))[0]).toMatchObject({ kind: 'adoption', itemCount: 3 });
    expect(idp.users.size).toBe(347);
    expect(idp.writes().filter(({ path }) => path.startsWith('/Users/'))).toHaveLength(0);
    await approveAll();
    await sync();
    expect(await house.store.holds('acme')).toHaveLength(0);
    expect(await stage('1001')).toBe('active/settled');
    expect(idp.users.size).toBe(347);
    const adopted = [...idp.users.values()].find((user) => user.externalId === '1001');
    expect(adopted?.userName).toBe('first1001.last1001@example.com');
  });

  it('writes to neither of two accounts that match one worker, and says so', async () => {
    const twins = [0, 1].map((index) => ({
      userName: `twin.${index}@example.com`,
      active: true,
      [ENTERPRISE]: { employeeNumber: '1000' },
    }));
    const { idp, sync, stage, house } = await openTestHouse({ idp: { users: twins } });
    await sync(feed(crowd(3)));
    expect(await stage('1000')).toBe('active/failed');
    expect(idp.users.size).toBe(4);
    const [failed] = await house.store.operations({ workerKey: '1000', limit: 10 });
    expect(failed).toMatchObject({ state: 'failed', lastOutcome: { code: 'ambiguous-match' } });
  });
});

describe('groups', () => {
  const grouped = mappingText({
    '- { name: \'"All staff"\', authority: full, create: true }':
      '- { name: \'"All staff"\', authority: full, create: true }\n      - { name: \'"Dept " + worker.department\', create: true }',
  });

  it('of a computed name are never taken over from somebody else; literal ones may be', async () => {
    const groups = ['Dept Sales', 'All staff'].map((displayName) => ({ displayName, members: [] }));
    const { idp, sync, house } = await openTestHouse({ mapping: grouped, idp: { groups } });
    await sync(feed([{ id: '1' }, { id: '2', dept: 'Research' }]));
    expect(idp.members('Dept Sales')).toHaveLength(0);
    expect(idp.members('Dept Research')).toHaveLength(1);
    expect(idp.members('All staff')).toHaveLength(2);
    expect(await house.store.operations({ workerKey: '1', limit: 10 })).toMatchObject([
      { kind: 'addMember', state: 'failed', lastOutcome: { code: 'group-foreign' } },
    ]);
  });

  it('are made once although the reply to their creation is lost', async () => {
    const { idp, sync, stage } = await openTestHouse({ mapping: grouped });
    idp.behaviours.add({ method: 'POST', path: '/Groups', times: 2, act: { kind: 'loseReply' } });
    await sync(feed(crowd(6)));
    expect([...idp.groups.values()].map(({ displayName }) => displayName).sort()).toEqual(['All staff', 'Dept Sales']);
    expect(idp.members('Dept Sales')).toHaveLength(6);
    expect(await stage('1003')).toBe('active/settled');
  });
});
