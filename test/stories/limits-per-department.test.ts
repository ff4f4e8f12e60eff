// Limits that hold within each department too, asked for in the connection file and counted over the people on file.
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const PER_DEPARTMENT = mappingText({ 'targets:': 'guards: { per: department }\ntargets:' });
/** Ten in Ops, ninety in Sales. */
const PEOPLE = crowd(100, (index) => ({ dept: index < 10 ? 'Ops' : 'Sales' }));

const retitled = (ids: readonly string[], title = 'Chief', people: readonly Person[] = PEOPLE): readonly Person[] =>
  people.map((person) => (ids.includes(person.id) ? { ...person, title } : person));
const titled = ({ idp }: TestHouse, title: string): readonly string[] =>
  [...idp.users.values()]
    .filter((user) => user.title === title)
    .map((user) => String(user.externalId))
    .sort();
const reasons = async (test: TestHouse): Promise<readonly string[]> =>
  (await test.house.store.holds('acme')).map(({ reason }) => reason);

async function established(mapping: string): Promise<TestHouse> {
  const test = await openTestHouse({ mapping });
  await test.sync(feed(PEOPLE));
  test.clock.advance(2 * DAY_MS);
  return test;
}

describe('with guards: { per: department }', () => {
  it('a change of many people of one department is held there and named, and goes on elsewhere', async () => {
    const test = await established(PER_DEPARTMENT);
    const report = await test.sync(feed(retitled(['1000', '1001', '1002', '1050', '1051', '1052'])));
    expect(report.holds).toMatchObject([{ kind: 'attributeChanged', items: 3 }]);
    expect(await reasons(test)).toEqual([
      '3 workers of department Ops would change in one attribute (title) in one cycle; 2 may, of 10 active workers there',
    ]);
    expect(titled(test, 'Chief')).toEqual(['1050', '1051', '1052']);
    await test.approveAll();
    await test.sync();
    expect(titled(test, 'Chief')).toHaveLength(6);
  });

  it('a drip within one department trips as a burst does, over a restart', async () => {
    const test = await established(PER_DEPARTMENT);
    const changed: string[] = [];
    for (const id of ['1000', '1001', '1002']) {
      changed.push(id);
      expect((await test.sync(feed(retitled(changed)))).holds).toEqual([]);
      await test.restart();
      test.clock.advance(HOUR_MS);
    }
    changed.push('1003');
    expect((await test.sync(feed(retitled(changed)))).holds).toMatchObject([{ kind: 'attributeChanged', items: 1 }]);
    expect((await reasons(test))[0]).toContain('of department Ops');
    expect(titled(test, 'Chief')).toEqual(['1000', '1001', '1002']);
  });

  it('people who were invented today widen no limit of their department', async () => {
    const test = await established(PER_DEPARTMENT);
    await test.sync(feed(retitled(['1000'])));
    const invented = crowd(5, (index) => ({ id: `9${index}`, dept: 'Ops' }));
    test.clock.advance(2 * HOUR_MS);
    await test.sync(feed([...retitled(['1000']), ...invented]));
    test.clock.advance(2 * HOUR_MS);
    const more = retitled(['1001', '1002', '1003'], 'Chief', [...retitled(['1000']), ...invented]);
    expect((await test.sync(feed(more))).holds).toMatchObject([{ kind: 'attributeChanged', items: 3 }]);
    expect((await reasons(test))[0]).toContain('of 10 active workers there');
  });

  it('nor do people who were invented before anybody was harmed', async () => {
    const test = await established(PER_DEPARTMENT);
    const invented = crowd(5, (index) => ({ id: `9${index}`, dept: 'Ops' }));
    await test.sync(feed([...PEOPLE, ...invented]));
    test.clock.advance(2 * HOUR_MS);
    const more = retitled(['1000', '1001', '1002'], 'Chief', [...PEOPLE, ...invented]);
    expect((await test.sync(feed(more))).holds).toMatchObject([{ kind: 'attributeChanged', items: 3 }]);
    expect((await reasons(test))[0]).toContain('of 10 active workers there');
  });

  it('who is moved out of a department counts in the one they were in', async () => {
    const test = await established(PER_DEPARTMENT);
    const gone = new Set(['1000', '1001', '1002', '1003']);
    const report = await test.sync(feed(PEOPLE.map((one) => (gone.has(one.id) ? { ...one, dept: 'Sales' } : one))));
    expect(report.holds).toMatchObject([{ kind: 'attributeChanged', items: 4 }]);
    expect((await reasons(test))[0]).toContain('4 workers of department Ops would change');
  });
});

it('only the kinds that are named are limited within a department', async () => {
  const guards = 'guards: { per: { attribute: department, only: [inferredLeaver] } }';
  const test = await established(mappingText({ 'targets:': `${guards}\ntargets:` }));
  expect((await test.sync(feed(retitled(['1000', '1001', '1002'])))).holds).toEqual([]);
  expect(titled(test, 'Chief')).toHaveLength(3);
});

it('without it limits hold for the whole house alone', async () => {
  const test = await established(mappingText());
  expect((await test.sync(feed(retitled(['1000', '1001', '1002'])))).holds).toEqual([]);
  expect(titled(test, 'Chief')).toHaveLength(3);
});
