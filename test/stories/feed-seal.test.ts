import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/base/instant.ts';
import { SEAL_BROKEN } from '../../src/pipeline/broken-seal.ts';
import { sayBroken } from '../../src/pipeline/seal-watch.ts';
import { openLog } from '../../src/runtime/log.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const DEPARTMENTS = ['Sales', 'Plant', 'Legal', 'Finance'];
const company = (count: number, change: (index: number) => Partial<Person> = () => ({})): readonly Person[] =>
  crowd(count, (index) => ({ dept: DEPARTMENTS[index % DEPARTMENTS.length] ?? '', ...change(index) }));

const feedHold = async ({ house }: TestHouse) =>
  (await house.store.holds('acme', 1_000)).find(({ kind }) => kind === 'feed');
const reasons = async (test: TestHouse) => (await feedHold(test))?.items.map(({ harm }) => harm.operation) ?? [];
const writesAfter = ({ idp }: TestHouse, count: number) => idp.writes().slice(count);

describe('the seal of a feed', () => {
  it('breaks for a feed that is cut short: nothing of it has an effect, and the numbers can be disputed', async () => {
    const test = await openTestHouse();
    const people = company(100);
    await test.sync(feed(people));
    const before = test.idp.writes().length;
    const promoted = people.slice(0, 60).map((person) => ({ ...person, title: 'Head' }));
    const report = await test.sync(feed([...promoted, { id: '5000' }]));
    expect(report.kind).toBe('held');
    expect(writesAfter(test, before)).toEqual([]);
    expect(await reasons(test)).toEqual(
      expect.arrayContaining([
        '61 rows, and 100 in the last good delivery: more than 10 % fewer',
        '60 of 100 keys of the last good delivery are in this one: fewer than 90 %',
      ]),
    );
    expect(await test.stage('5000')).toBe('unknown');
    expect(await test.house.store.suspected('acme', 10)).toEqual([]);
    const [worker] = (await test.house.store.situations('acme', ['1001'])).get('1001')?.employments ?? [];
    expect(worker?.attributes.title).toBe('Clerk');
  });

  it('counts recognised rows exactly: a change of a few rows moves the shape by those alone', async () => {
    const test = await openTestHouse();
    const people = company(100);
    await test.sync(feed(people));
    // Twenty of twenty-five leave a department, five at a time: each step is within the seal, all recognised rows counted.
    let moved = people;
    for (let step = 1; step <= 4; step += 1) {
      moved = moved.map((person, index) =>
        index % 4 === 1 && index < step * 20 ? { ...person, dept: 'Sales' } : person,
      );
      const report = await test.sync(feed(moved));
      expect(report, `step ${step}`).toMatchObject({ kind: 'done' });
      expect(report.recognised).toBe(95);
    }
    const report = await test.sync(
      feed(moved.map((person) => ({ ...person, dept: person.dept === 'Legal' ? 'Law' : (person.dept ?? '') }))),
    );
    expect(report.recognised).toBe(75);
    expect(await reasons(test)).toEqual([
      '0 people with department "Legal", and 25 in the last good delivery: more than 20 % and 5 people fewer',
      '25 people with department "Law", and 0 in the last good delivery: more than 20 % and 5 people more',
    ]);
  });

  it('takes ids without their leading zeros for other people, and nobody joins', async () => {
    const test = await openTestHouse();
    const people = company(40).map((person, index) => ({ ...person, id: String(index).padStart(6, '0') }));
    await test.sync(feed(people));
    const before = test.idp.writes().length;
    const report = await test.sync(feed(people.map((person) => ({ ...person, id: String(Number(person.id)) }))));
    expect(report.kind).toBe('held');
    expect(writesAfter(test, before)).toEqual([]);
    expect(test.idp.users.size).toBe(40);
    expect(await reasons(test)).toEqual(['0 of 40 keys of the last good delivery are in this one: fewer than 90 %']);
  });

  it('lets explicit leavers go on, disable only, and takes nothing else from their rows', async () => {
    const test = await openTestHouse();
    const people = company(200);
    await test.sync(feed(people));
    const broken = people.slice(0, 100).map((person, index) => ({
      ...person,
      title: 'Wrong',
      ...(index < 3 ? { status: 'T', end: '2026-11-20' } : {}),
      // Neither is the person on file: another name, another start.
      ...(index === 3 ? { status: 'T', end: '2026-11-20', last: 'Somebody' } : {}),
      ...(index === 4 ? { status: 'T', end: '2026-11-20', start: '2024-01-01' } : {}),
      // Cannot be read from end to end.
      ...(index === 5 ? { status: 'T', end: '2026-11-20', start: 'soon' } : {}),
    }));
    const report = await test.sync(feed(broken));
    expect(report.kind).toBe('held');
    const inactive = [...test.idp.users.values()].filter(({ active }) => active === false);
    expect(inactive.map(({ externalId }) => externalId).sort()).toEqual(['1000', '1001', '1002']);
    expect(inactive.every(({ title }) => title === 'Clerk')).toBe(true);
    expect(await test.stage('1000')).toBe('left/settled');
    expect(await test.stage('1003')).toBe('active/settled');
    const [row] = (await test.house.store.situations('acme', ['1000'])).get('1000')?.employments ?? [];
    expect(row).toMatchObject({ status: 'terminated', endDate: '2026-11-20', attributes: { title: 'Clerk' } });
    // Disabled, and no membership taken: that waits for a good feed.
    expect(test.idp.groups.size).toBe(1);
    expect([...test.idp.groups.values()][0]?.members).toHaveLength(200);
    const good = people.map((person, index) => (index < 3 ? { ...person, status: 'T', end: '2026-11-20' } : person));
    expect((await test.sync(feed(good))).kind).toBe('done');
    expect([...test.idp.groups.values()][0]?.members).toHaveLength(197);
    expect(await feedHold(test)).toBeUndefined();
  });

  it('believes no more than ten leavers an hour and the standard number a day, whatever the mapping raised', async () => {
    const mapping = mappingText({ 'targets:': 'guards: { explicitLeaver: 100% }\ntargets:' });
    const test = await openTestHouse({ mapping });
    const people = company(600);
    await test.sync(feed(people));
    await test.act('approve', { digest: test.live.connection.digest });
    const gone = (count: number) =>
      feed(people.slice(0, 500).map((person, index) => (index < count ? { ...person, status: 'T' } : person)));
    const inactive = () => [...test.idp.users.values()].filter(({ active }) => active === false).length;
    await test.sync(gone(12));
    expect(inactive()).toBe(10);
    test.clock.advance(HOUR_MS);
    await test.sync();
    expect(inactive()).toBe(12);
    test.clock.advance(DAY_MS);
    await test.sync(gone(500));
    expect(inactive()).toBe(12);
  });

  it('is released by a person for this content alone, which becomes what the next one is compared with', async () => {
    const test = await openTestHouse();
    const people = company(60);
    await test.sync(feed(people));
    const grown = [...people, ...company(20).map((person) => ({ ...person, id: `9${person.id}` }))];
    expect(await test.sync(feed(grown))).toMatchObject({ kind: 'held', holds: [{ kind: 'feed' }] });
    expect(test.idp.users.size).toBe(60);
    const hold = await feedHold(test);
    expect(await test.act('approve', { digest: hold?.digest ?? '' })).toMatchObject({ ok: true });
    // Another content falls out of the approval.
    const other = [...grown.slice(1), { id: '7777', dept: 'Sales' }];
    expect((await test.sync(feed(other))).kind).toBe('held');
    expect(test.idp.users.size).toBe(60);
    expect((await test.sync(feed(grown))).kind).toBe('done');
    expect(test.idp.users.size).toBe(80);
    expect(await feedHold(test)).toBeUndefined();
    expect(
      (await test.sync(feed(grown.map((person) => ({ ...person, title: person.id === '1000' ? 'Head' : 'Clerk' })))))
        .kind,
    ).toBe('done');
    expect((await test.sync(feed(people))).kind).toBe('held');
  });

  it('stays broken across restarts, readings and readings by a pilot, and is closed by a good delivery', async () => {
    const test = await openTestHouse();
    const people = company(60);
    await test.sync(feed(people));
    const before = test.idp.writes().length;
    const bad = people.map((person) => ({ ...person, title: 'Head', dept: '' }));
    test.deliver(feed(bad));
    for (const options of [{}, { onlyWorker: '1003' }, { limit: 1 }, { mode: 'plan' as const }, {}]) {
      const report = await test.cycle(options);
      expect(report, JSON.stringify(options)).toMatchObject({ kind: 'held' });
      expect(report.reason).toContain('column Dept is blank in 60 of 60 rows, and was in 0 of 60');
      await test.settle();
    }
    await test.restart();
    expect((await test.sync()).kind).toBe('held');
    expect(writesAfter(test, before)).toEqual([]);
    const opened = await feedHold(test);
    expect((await test.sync(feed(people))).kind).toBe('done');
    expect(await feedHold(test)).toBeUndefined();
    expect(opened?.openedAt).toBeDefined();
    expect(writesAfter(test, before)).toEqual([]);
  });

  it('is said aloud when it breaks and every day after, until it is released', async () => {
    const said: string[] = [];
    const log = openLog('error', { write: (line) => void said.push(line) });
    const test = await openTestHouse({ log });
    const people = company(60);
    await test.sync(feed(people));
    await test.sync(feed(people.slice(0, 30)));
    await test.sync();
    const lines = () => said.map((line) => JSON.parse(line)).filter(({ code }) => code === SEAL_BROKEN);
    expect(lines()).toMatchObject([{ connection: 'acme', reason: expect.stringContaining('30 rows, and 60') }]);
    const saidAt = new Map<string, number>();
    for (let hour = 0; hour < 73; hour += 1) {
      await sayBroken(test.house, saidAt);
      test.clock.advance(HOUR_MS);
    }
    expect(lines().map(({ days }) => days)).toEqual([undefined, 1, 2, 3]);
    await test.sync(feed(people));
    test.clock.advance(2 * DAY_MS);
    await sayBroken(test.house, saidAt);
    expect(lines()).toHaveLength(4);
  });

  it('does not keep dates that are already stored from running', async () => {
    const test = await openTestHouse();
    const people = company(60, (index) => (index === 7 ? { end: '2026-11-25' } : {}));
    await test.sync(feed(people));
    await test.sync(feed(people.slice(0, 30)));
    expect((await feedHold(test))?.items.length).toBeGreaterThan(0);
    test.clock.advance(4 * DAY_MS);
    await test.settle();
    expect(test.idp.user('1007')?.active).toBe(false);
    expect([...test.idp.users.values()].filter(({ active }) => active === false)).toHaveLength(1);
  });
});

describe('after an edit of the connection file', () => {
  const RENAMED = mappingText({
    '    department: record.Dept': '    department: lookup("unit", record.Dept, record.Dept)',
    'tables:': 'tables:\n  unit: { Sales: Revenue, Plant: Works, Legal: Law }',
  });

  it('the seal compares like with like: departments that the edit renames break nothing', async () => {
    const test = await openTestHouse();
    const people = company(100);
    await test.sync(feed(people));
    await test.restart(RENAMED);
    await test.sync(feed(people));
    expect(await feedHold(test)).toBeUndefined();
    // What the edit does to people is for the guard to judge.
    expect((await test.house.store.holds('acme')).map(({ kind }) => kind)).toEqual(['attributeChanged']);
    await test.approveAll();
    await test.sync();
    expect(test.idp.user('1000')).toMatchObject({
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Revenue' },
    });
    // From then on the new words count.
    await test.sync(feed(people.map((one) => ({ ...one, dept: one.dept === 'Sales' ? 'Legal' : (one.dept ?? '') }))));
    expect((await reasons(test)).toSorted()).toEqual([
      '0 people with department "Revenue", and 25 in the last good delivery: more than 20 % and 5 people fewer',
      '50 people with department "Law", and 25 in the last good delivery: more than 20 % and 5 people more',
    ]);
  });

  it('a feed that goes wrong with the very same delivery is noticed all the same, in the words of before', async () => {
    const test = await openTestHouse();
    const people = company(100);
    await test.sync(feed(people));
    await test.restart(RENAMED);
    await test.sync(feed(people.map((one) => ({ ...one, dept: one.dept === 'Sales' ? 'Legal' : (one.dept ?? '') }))));
    expect((await reasons(test)).toSorted()).toEqual([
      '0 people with department "Sales", and 25 in the last good delivery: more than 20 % and 5 people fewer',
      '50 people with department "Legal", and 25 in the last good delivery: more than 20 % and 5 people more',
    ]);
  });
});
