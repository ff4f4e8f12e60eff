// HR gives people other keys: nobody leaves and nobody joins by it, whichever comes first, the list or the feed.
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/base/instant.ts';
import type { Resource } from '../support/fake-scim.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const people = crowd(40, (index) => (index === 1 ? { manager: '1000' } : {}));
/** The first `count` people under keys that begin with N. */
const under = (count: number, change: (person: Person) => Partial<Person> = () => ({})): readonly Person[] =>
  people.map((one, index) => {
    const boss = one.manager !== undefined && Number(one.manager) < 1000 + count ? { manager: `N${one.manager}` } : {};
    return {
      ...one,
      ...boss,
      ...(index < count ? { id: `N${one.id}`, first: `First${one.id}`, last: `Last${one.id}` } : {}),
      ...change(one),
    };
  });
const changes = (count: number) =>
  people.slice(0, count).map(({ id }, index) => ({ line: index + 2, from: id, to: `N${id}` }));

/** Numbers of people are told by the employee number, which would follow the key: what is asked here is whose account it is. */
const STILL = mappingText({ 'employeeNumber: worker.id': 'employeeNumber: worker.givenName' });

const ask = (test: TestHouse, list: readonly object[]) =>
  test.act('rekey', { changes: list } as unknown as Record<string, string>);
async function rekeyed(test: TestHouse, list: readonly object[]) {
  const asked = await ask(test, list);
  expect(asked).toMatchObject({ ok: true, exitCode: 3 });
  const done = await test.act('approve', { digest: String(asked.details?.digest) });
  await test.settle();
  return done;
}
const codes = (result: { faults?: readonly { code: string; place?: { line?: number } }[] }) =>
  result.faults?.map(({ code, place }) => [code, place?.line]);
const accountOf = async ({ house }: TestHouse, key: string) =>
  (await house.store.situations('acme', [key])).get(key)?.accounts[0]?.remoteId;
const held = async ({ house }: TestHouse) => (await house.store.holds('acme')).map(({ kind }) => kind);

async function staffed(mapping = STILL): Promise<TestHouse> {
  const test = await openTestHouse({ mapping });
  await test.sync(feed(people));
  return test;
}

describe('rollcall rekey', () => {
  it('holds the list and changes nothing until somebody approves it', async () => {
    const test = await staffed();
    const writes = test.idp.writes().length;
    const asked = await ask(test, changes(3));
    expect(asked).toMatchObject({ ok: true, exitCode: 3 });
    await test.sync(feed(people));
    const [hold] = await test.house.store.holds('acme');
    expect(hold).toMatchObject({ kind: 'rekey', itemCount: 3 });
    expect(hold?.items.map(({ harm }) => [harm.before, harm.after]).sort()).toEqual([
      ['1000', 'N1000'],
      ['1001', 'N1001'],
      ['1002', 'N1002'],
    ]);
    expect(await test.stage('1000')).toBe('active/settled');
    expect(await test.stage('N1000')).toBe('unknown');
    expect(test.idp.writes()).toHaveLength(writes);
    expect(codes(await ask(test, changes(2)))).toEqual([['rekey.held-already', undefined]]);
    await test.act('discard', { digest: String(hold?.digest) });
    expect(await held(test)).toEqual([]);
    expect(await test.stage('N1000')).toBe('unknown');
  });

  it('gives accounts, managers and references the new keys without a request, and the feed that follows finds everybody', async () => {
    const test = await staffed();
    const account = await accountOf(test, '1000');
    const before = test.idp.writes().length;
    expect((await rekeyed(test, changes(40))).message).toBe('40 key(s) of acme are changed');
    expect(await accountOf(test, 'N1000')).toBe(account);
    expect(await test.stage('1000')).toBe('unknown');
    await test.sync(feed(under(40)));
    await test.approveAll();
    await test.sync(feed(under(40)));
    test.clock.advance(DAY_MS);
    await test.sync(feed(under(40)));
    expect(test.idp.writes()).toHaveLength(before);
    expect(await test.house.store.suspected('acme', 10)).toEqual([]);
    expect(await test.house.store.population('acme')).toEqual({ workers: 40, active: 40 });
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true, faults: [] });
    // The externalId is the account's for life.
    expect(test.idp.users.get(String(account))?.externalId).toBe('1000');
    await test.sync(feed(under(40, ({ id }) => (id === '1000' ? { status: 'T', end: '2026-11-20' } : {}))));
    expect(test.idp.users.get(String(account))?.active).toBe(false);
    expect(test.idp.users.size).toBe(40);
  });

  it('takes records under the old keys for the same people as long as HR sends them, leavers too', async () => {
    const test = await staffed();
    const account = String(await accountOf(test, '1003'));
    const before = test.idp.writes().length;
    await rekeyed(test, changes(5));
    await test.sync(feed(people));
    expect(test.idp.writes()).toHaveLength(before);
    expect(await test.stage('1003')).toBe('unknown');
    await test.sync(feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'T', end: '2026-11-20' } : one))));
    expect(test.idp.users.get(account)?.active).toBe(false);
    expect(await test.stage('N1003')).toBe('left/settled');
    expect(test.idp.users.size).toBe(40);
  });

  it('takes nobody for somebody else to whom HR gives an old key', async () => {
    const test = await staffed();
    await rekeyed(test, changes(1));
    const before = test.idp.writes().length;
    const stranger = { id: '1000', first: 'Someone', last: 'Else', status: 'T', end: '2026-11-20' };
    const report = await test.sync(feed([...under(1), stranger]));
    expect(report.rejections.map(({ key, code }) => [key, code])).toEqual([['N1000', 'former-key']]);
    expect(test.idp.writes()).toHaveLength(before);
    expect(await test.stage('N1000')).toBe('active/settled');
  });

  it('joins whoever came under the new key before the list, instead of making a second account', async () => {
    const account = (id: string): Resource =>
      ({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        id: `a-${id}`,
        userName: `${id}@example.com`,
        title: `Title ${id}`,
        active: true,
      }) as Resource;
    const titled = (list: readonly Person[]) =>
      list.map((one) => ({ ...one, title: `Title ${one.id.replace('N', '')}` }));
    const test = await openTestHouse({
      mapping: mappingText({
        'employeeNumber: worker.id': 'employeeNumber: worker.givenName',
        "correlate: [externalId, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber']":
          'correlate: [externalId, title]',
      }),
      idp: { users: people.map(({ id }) => account(id)) },
    });
    await test.sync(feed(titled(people)));
    await test.approveAll();
    await test.sync(feed(titled(people)));
    expect(await accountOf(test, '1000')).toBe('a-1000');
    // The feed comes first: the new keys find accounts that belong to somebody, and the old ones are suspected.
    await test.sync(feed(titled(under(2))));
    expect(await test.stage('N1000')).toBe('active/failed');
    expect((await test.house.store.suspected('acme', 10)).map(({ key }) => key)).toEqual(['1000', '1001']);
    const before = test.idp.writes().length;
    const done = await rekeyed(test, changes(2));
    expect(done.message).toBe('2 key(s) of acme are changed, 2 of whom were on file under the new key already');
    expect(await accountOf(test, 'N1000')).toBe('a-1000');
    expect(await test.stage('N1000')).toBe('active/settled');
    expect(await test.house.store.suspected('acme', 10)).toEqual([]);
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync(feed(titled(under(2))));
    }
    expect(test.idp.writes()).toHaveLength(before);
    expect(test.idp.users.size).toBe(40);
    expect(await test.house.store.population('acme')).toEqual({ workers: 40, active: 40 });
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true, faults: [] });
  });

  it('refuses a list that cannot be true, whole and line by line', async () => {
    const test = await staffed();
    await test.sync(feed([...people, { id: 'N1007', first: 'Someone', last: 'Else' }]));
    const wrong = [
      { line: 2, from: 'nobody', to: 'N1' },
      { line: 3, from: '1000', to: '1001' },
      { line: 4, from: '1001', to: 'N1001' },
      { line: 5, from: '1002', to: 'N1001' },
      { line: 6, from: '1003', to: '1003' },
      { line: 7, from: '1004', to: ' ' },
      { line: 8, from: '1007', to: 'N1007' },
    ];
    const result = await ask(test, wrong);
    expect(codes(result)).toEqual([
      ['rekey.unknown', 2],
      ['rekey.chain', 3],
      ['rekey.has-account', 3],
      ['rekey.twice', 5],
      ['rekey.same', 6],
      ['rekey.blank', 7],
      ['rekey.has-account', 8],
    ]);
    expect(await held(test)).toEqual([]);
    expect(codes(await ask(test, []))).toEqual([['rekey.size', undefined]]);
  });

  it('refuses a pair who are called otherwise, and checks again when it is approved', async () => {
    const test = await staffed();
    const asked = await ask(test, changes(1));
    // Meanwhile somebody else starts next year under the new key.
    await test.sync(
      feed([...people, { id: 'N1000', first: 'Someone', last: 'Else', start: '2027-06-01', status: 'P' }]),
    );
    const result = await test.act('approve', { digest: String(asked.details?.digest) });
    expect(codes(result)).toEqual([['rekey.other-person', 2 - 1]]);
    expect(await test.stage('1000')).toBe('active/settled');
    expect(await test.stage('N1000')).toBe('expected/settled');
    expect(await held(test)).toEqual(['rekey']);
  });

  it('brings a wrong list to light in the renames that it would lead to, and can be taken back', async () => {
    const test = await staffed(`${STILL}guards: { attributeChanged: 0, rename: 0 }\n`);
    const swapped = [
      { line: 2, from: '1010', to: 'N1011' },
      { line: 3, from: '1011', to: 'N1010' },
    ];
    const before = test.idp.writes().length;
    await rekeyed(test, swapped);
    const after = people.map((one) =>
      one.id === '1010' || one.id === '1011'
        ? { ...one, id: `N${one.id}`, first: `First${one.id}`, last: `Last${one.id}` }
        : one,
    );
    expect((await test.sync(feed(after))).kind).toBe('held');
    expect(test.idp.writes()).toHaveLength(before);
    await rekeyed(test, [{ line: 2, from: 'N1011', to: 'tmp' }]);
    await rekeyed(test, [{ line: 2, from: 'N1010', to: 'N1011' }]);
    await rekeyed(test, [{ line: 2, from: 'tmp', to: 'N1010' }]);
    await test.sync(feed(after));
    expect(await held(test)).toEqual([]);
    expect(test.idp.writes()).toHaveLength(before);
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true, faults: [] });
  });

  it('tells who asks for an old key what the new one is', async () => {
    const test = await staffed();
    await rekeyed(test, changes(1));
    expect(await test.act('leave', { worker: '1000' })).toMatchObject({
      ok: false,
      faults: [{ code: 'worker.re-keyed', hint: 'give the order again for N1000' }],
    });
    expect((await test.act('leave', { worker: 'N1000' })).ok).toBe(true);
    await test.settle();
    expect(test.idp.user('1000')?.active).toBe(false);
  });
});
