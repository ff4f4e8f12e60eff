import { describe, expect, it } from 'vitest';
import { crowd, feed, openTestHouse } from '../support/house.ts';

describe('joiners, movers and leavers', () => {
  it('makes an account for everybody who works here, and nothing for a second look at the same feed', async () => {
    const { idp, sync, stage } = await openTestHouse();
    const people = crowd(12, (index) => (index === 0 ? {} : { manager: '1000' }));
    const first = await sync(feed(people));
    expect(first).toMatchObject({ kind: 'done', rows: 12, tally: { joiner: 12 } });
    expect(idp.users.size).toBe(12);
    expect(await stage('1003')).toBe('active/settled');
    expect(idp.members('All staff')).toHaveLength(12);
    const manager = idp.user('1000')?.id;
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    expect(idp.user('1005')?.[enterprise]).toMatchObject({ department: 'Sales', manager: { value: manager } });

    const requests = idp.log.length;
    const second = await sync();
    expect(second).toMatchObject({ kind: 'unchanged', recognised: 12 });
    expect(idp.log.length).toBe(requests);
  });

  it('sends exactly one PATCH for a worker who changes department', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(12);
    await sync(feed(people));
    const before = idp.log.length;
    await sync(feed(people.map((person) => (person.id === '1004' ? { ...person, dept: 'Research' } : person))));
    const requests = idp.log.slice(before);
    expect(requests.map(({ method }) => method)).toEqual(['PATCH']);
    expect(JSON.parse(requests[0]?.body ?? '{}').Operations).toEqual([
      {
        op: 'replace',
        path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
        value: 'Research',
      },
    ]);
  });
});
