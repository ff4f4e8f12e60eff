import { describe, expect, it } from 'vitest';
import { crowd, feed, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const people = crowd(60);
const withRows = (...rows: readonly Partial<Person>[]) =>
  feed([...rows.map((one) => ({ ...people[0], id: '1000', ...one })), ...people.slice(1)]);

const activeAt = ({ idp }: TestHouse, id: string): unknown =>
  [...idp.users.values()].find(({ externalId }) => externalId === id)?.active;

describe('rows that differ under one key', () => {
  it('end the access when all of them say terminated, by the latest of their last days', async () => {
    const test = await openTestHouse();
    await test.sync(feed(people));
    const report = await test.sync(
      withRows(
        { status: 'T', end: '2026-11-19' },
        { status: 'T', end: '2026-11-20' },
        { status: 'T', end: '2026-11-18' },
      ),
    );
    expect(report.rejections.map(({ code, saysTerminated }) => [code, saysTerminated])).toEqual(
      Array.from({ length: 3 }, () => ['duplicate-key', true]),
    );
    expect(await test.stage('1000')).toBe('left/settled');
    expect(activeAt(test, '1000')).toBe(false);
    const situation = (await test.house.store.situations('acme', ['1000'])).get('1000');
    expect(situation?.standing.facts).toMatchObject({ leaveKind: 'explicit', endedEnd: '2026-11-20' });
  });

  it('wait for the last day that lies ahead', async () => {
    const test = await openTestHouse();
    await test.sync(feed(people));
    await test.sync(withRows({ status: 'T', end: '2026-11-19' }, { status: 'T', end: '2026-12-04' }));
    expect(activeAt(test, '1000')).toBe(true);
    test.clock.advance(12 * 86_400_000);
    await test.settle();
    expect(activeAt(test, '1000')).toBe(false);
  });

  it.each([
    ['the first', [{}, { status: 'T' }, { status: 'T', end: '2026-11-20' }]],
    ['the second', [{ status: 'T' }, { title: 'Chief' }]],
    ['the last', [{ status: 'T' }, { status: 'T', end: '2026-11-20' }, { status: 'L' }]],
  ])('change nothing while %s says otherwise', async (_, rows) => {
    const test = await openTestHouse();
    await test.sync(feed(people));
    for (let read = 0; read < 2; read += 1) {
      await test.sync(withRows(...rows));
      expect(await test.stage('1000')).toBe('active/settled');
      expect(activeAt(test, '1000')).toBe(true);
    }
  });

  it('agree with the row on file where that one is among them', async () => {
    const test = await openTestHouse();
    const leaving = { status: 'T', end: '2026-12-04' };
    await test.sync(withRows(leaving));
    expect(activeAt(test, '1000')).toBe(true);
    await test.sync(withRows(leaving, { status: 'T', end: '2026-11-20' }));
    expect(await test.stage('1000')).toBe('active/settled');
    test.clock.advance(12 * 86_400_000);
    await test.settle();
    expect(await test.stage('1000')).toBe('left/settled');
  });
});
