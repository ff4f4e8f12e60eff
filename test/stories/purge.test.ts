import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const RETENTION = { 'targets:\n': 'lifecycle: { retention: { deleteAfterDays: 30 } }\ntargets:\n' };
const DELETES = mappingText({ ...RETENTION, '  - name: idp\n': '  - name: idp\n    deletes: true\n' });

const people = crowd(40);
const leaving = (change: Partial<Person>): string =>
  feed(people.map((one, index) => (index === 0 ? { ...one, ...change } : one)));
const account = ({ idp }: TestHouse, id: string) => [...idp.users.values()].find(({ externalId }) => externalId === id);
const deletes = ({ idp }: TestHouse) => idp.log.filter(({ method }) => method === 'DELETE');

/** Worker 1000 has left, and so many days have passed. */
async function left(mapping: string, days: number, more: Parameters<typeof openTestHouse>[0] = {}): Promise<TestHouse> {
  const test = await openTestHouse({ mapping, ...more });
  await test.sync(feed(people));
  await test.sync(leaving({ status: 'T' }));
  expect(account(test, '1000')?.active).toBe(false);
  test.clock.advance(days * DAY_MS);
  await test.settle();
  return test;
}

describe('the account of somebody who left', () => {
  it('is deleted once retention is over, once and for all', async () => {
    const test = await left(DELETES, 29);
    expect(account(test, '1000')?.active).toBe(false);
    test.clock.advance(2 * DAY_MS);
    await test.settle();
    expect(await test.stage('1000')).toBe('purged/settled');
    expect(account(test, '1000')).toBeUndefined();
    expect(deletes(test)).toHaveLength(1);
    // The row may stay in the feed for ever: it changes nothing any more.
    await test.sync(leaving({ status: 'T', title: 'Former' }));
    expect(test.idp.users.size).toBe(39);
  });

  it('leaves no name in clear behind, and its name to nobody else', async () => {
    const test = await left(DELETES, 31);
    const situation = (await test.house.store.situations('acme', ['1000'])).get('1000');
    expect(situation?.accounts).toEqual([]);
    const name = 'first1000.last1000@example.com';
    expect((await test.house.store.takenNames('idp', [name])).get(name)).toEqual({
      connection: 'acme',
      workerKey: '1000',
    });
    const namesake = { id: 'namesake', first: 'First1000', last: 'Last1000' };
    await test.sync(feed([...people.slice(1), { id: '1000', status: 'T' }, namesake]));
    expect(account(test, 'namesake')?.userName).toBe('first1000.last10002@example.com');
  });

  it('waits for a known rehire however long retention is over', async () => {
    const test = await openTestHouse({ mapping: DELETES });
    await test.sync(feed(people));
    await test.sync(leaving({ status: 'T' }));
    await test.sync(leaving({ status: 'P', start: '2027-03-01' }));
    test.clock.advance(60 * DAY_MS);
    await test.settle();
    expect(await test.stage('1000')).toBe('left/settled');
    expect(deletes(test)).toEqual([]);
  });

  it('goes one by one in a small house; more of them wait for an approval', async () => {
    const test = await openTestHouse({ mapping: DELETES });
    await test.sync(feed(people));
    await test.sync(feed(people.map((one, index) => (index < 3 ? { ...one, status: 'T' } : one))));
    test.clock.advance(31 * DAY_MS);
    await test.settle();
    expect(deletes(test)).toEqual([]);
    expect((await test.house.store.holds('acme'))[0]).toMatchObject({ kind: 'delete', itemCount: 3 });
    await test.approveAll();
    test.clock.advance(11 * 60_000);
    await test.settle();
    expect(deletes(test)).toHaveLength(3);
  });

  it('is made anew under the old name when the person is hired again', async () => {
    const test = await left(DELETES, 31);
    const name = 'first1000.last1000@example.com';
    expect(account(test, '1000')).toBeUndefined();
    await test.sync(
      feed([
        ...people.slice(1),
        { ...people[0], id: '1000', start: '2026-12-20' },
        { id: '9000', first: 'First1000', last: 'Last1000' },
      ]),
    );
    expect(await test.stage('1000')).toBe('active/settled');
    expect(account(test, '1000')).toMatchObject({ userName: name, active: true });
    // Reserved all the while: whoever is called the same gets another name.
    expect(account(test, '9000')?.userName).not.toBe(name);
  });

  it('is deleted with a credential that shows itself for nothing else', async () => {
    const mapping = DELETES.replace(
      '    deletes: true\n',
      '    deletes: true\n    deleteAuth: { kind: bearer, token: "${env:IDP_DELETER}" }\n',
    );
    const test = await left(mapping, 31, {
      environment: { IDP_DELETER: 'may-delete' },
      idp: {
        token: undefined,
        doorman: (asked, ask) =>
          asked.headers.authorization === (asked.method === 'DELETE' ? 'Bearer may-delete' : 'Bearer let-me-in')
            ? ask(asked)
            : { status: 401 },
      },
    });
    expect(account(test, '1000')).toBeUndefined();
    expect(deletes(test)).toHaveLength(1);
    expect(test.idp.users.size).toBe(39);
  });

  it('is deleted by no one once the switch is off, even where the deletion was decided before', async () => {
    const test = await left(DELETES, 29);
    const unreachable = test.idp.behaviours.add({ method: 'DELETE', act: { kind: 'answer', status: 503 } });
    test.clock.advance(2 * DAY_MS);
    await test.settle(60_000);
    const tried = deletes(test).length;
    expect(tried).toBeGreaterThan(0);
    unreachable();
    await test.restart(mappingText());
    test.clock.advance(DAY_MS);
    await test.settle();
    expect(deletes(test)).toHaveLength(tried);
    expect(account(test, '1000')?.active).toBe(false);
    expect(await test.house.store.operations({ workerKey: '1000', limit: 50 })).toContainEqual(
      expect.objectContaining({
        kind: 'delete',
        state: 'failed',
        lastOutcome: expect.objectContaining({ code: 'deletes-off' }),
      }),
    );
  });
});
