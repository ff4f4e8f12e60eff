// A pilot: `sync --worker`, `sync --limit`. Nobody else is touched, nothing is taken as read, and the guards count it.
import { describe, expect, it } from 'vitest';
import { plusMs } from '../../src/base/instant.ts';
import { crowd, feed, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const PEOPLE = crowd(60);
/** Three move, one is not there any more, one leaves, one joins. */
const NEXT: readonly Person[] = [
  ...PEOPLE.filter(({ id }) => id !== '1010').map((person) => {
    if (['1001', '1002', '1003'].includes(person.id)) return { ...person, dept: 'Marketing' };
    return person.id === '1020' ? { ...person, status: 'T', end: '2026-11-20' } : person;
  }),
  { id: '2000' },
];

async function readyForPilot(): Promise<{ readonly test: TestHouse; readonly written: () => readonly string[] }> {
  const test = await openTestHouse();
  await test.sync(feed(PEOPLE));
  test.clock.advance(26 * 3_600_000);
  const before = test.idp.writes().length;
  test.deliver(feed(NEXT));
  return {
    test,
    written: () =>
      test.idp
        .writes()
        .slice(before)
        .map(({ method, path }) => `${method} ${path}`),
  };
}

async function untouched(test: TestHouse, pilot: Parameters<TestHouse['cycle']>[0]): Promise<void> {
  const { store } = test.house;
  const checkpoint = await store.checkpoint('acme');
  const rejections = await store.rejections('acme', 10);
  await test.cycle(pilot);
  await test.settle();
  expect(await store.checkpoint('acme')).toEqual(checkpoint);
  expect(await store.rejections('acme', 10)).toEqual(rejections);
  expect(await store.suspected('acme', 10)).toEqual([]);
}

describe('a pilot', () => {
  it('of one worker touches that worker alone, moves no checkpoint and infers no absence', async () => {
    const { test, written } = await readyForPilot();
    await untouched(test, { onlyWorker: '1002' });
    expect(written()).toEqual([`PATCH /Users/${String(test.idp.user('1002')?.id)}`]);
    await untouched(test, { onlyWorker: '1020' });
    expect(test.idp.user('1020')).toMatchObject({ active: false });
    // Somebody who is not there is nobody's leave.
    await untouched(test, { onlyWorker: '1010' });
    expect(test.idp.user('1010')).toMatchObject({ active: true });
  });

  it('of so many touches no more of them, and what it left comes with the whole cycle', async () => {
    const { test } = await readyForPilot();
    await untouched(test, { limit: 2 });
    const moved = (): number =>
      ['1001', '1002', '1003'].filter((id) => JSON.stringify(test.idp.user(id)).includes('Marketing')).length;
    const gone = (): number => (test.idp.user('1020')?.active === false ? 1 : 0);
    const joined = (): number => (test.idp.user('2000') === undefined ? 0 : 1);
    expect(moved() + gone() + joined()).toBe(2);
    const report = await test.sync();
    expect(report).toMatchObject({ kind: 'done', suspected: 1 });
    expect([moved(), gone(), joined()]).toEqual([3, 1, 1]);
  });

  it('counts towards the limits of the guards, so that no row of pilots passes what one cycle may not', async () => {
    const { test } = await readyForPilot();
    const since = plusMs(test.clock.now(), -1_000);
    await untouched(test, { onlyWorker: '1001' });
    await untouched(test, { onlyWorker: '1020' });
    const uses = await test.house.store.guardWindow('acme', since);
    expect(uses.map(({ kind, workers }) => `${kind} ${workers}`).sort()).toEqual([
      'attributeChanged 1',
      'explicitLeaver 1',
    ]);
  });
});
