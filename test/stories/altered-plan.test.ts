import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const ROUNDS = 40;
const inactive = ({ idp }: TestHouse): readonly string[] =>
  [...idp.users.values()].filter(({ active }) => active === false).map(({ externalId }) => String(externalId));

/** Repeatable, and printed where an assertion fails. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

describe('a plan that was altered after somebody approved it', () => {
  it('has no effect that was not approved', { timeout: 120_000 }, async () => {
    const test = await openTestHouse({ mapping: `${mappingText()}guards: { explicitLeaver: 0 }\n` });
    const people = crowd(24);
    await test.sync(feed(people));
    const throws = dice(20_261_123);
    const leaving = (among: number, most: number): ReadonlySet<number> =>
      new Set(Array.from({ length: 1 + throws(most) }, () => throws(among)));
    const said = (ids: ReadonlySet<number>): readonly Person[] =>
      people.map((person, index) => (ids.has(index) ? { ...person, status: 'T', end: '2026-11-20' } : person));
    const met = { approved: 0, unapproved: 0, untouched: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const approved = leaving(12, 3);
      expect((await test.sync(feed(said(approved)))).kind).toBe('held');
      expect(inactive(test)).toEqual([]);
      await test.approveAll();
      const altered = leaving(12, 4);
      const rows = said(altered).map((person) =>
        throws(6) === 0 ? { ...person, title: `Title ${throws(9)}` } : person,
      );
      await test.sync(feed(rows));
      const gone = inactive(test);
      for (const id of gone) {
        expect(approved.has(Number(id) - 1000) && altered.has(Number(id) - 1000), `round ${round}: ${id}`).toBe(true);
      }
      met.approved += gone.length;
      met.unapproved += [...altered].filter((one) => !approved.has(one)).length;
      met.untouched += gone.length === 0 ? 1 : 0;
      // The approval ends, and HR takes everything back.
      test.clock.advance(5 * HOUR_MS);
      await test.sync(feed(people));
      expect(inactive(test)).toEqual([]);
    }
    for (const count of Object.values(met)) expect(count).toBeGreaterThanOrEqual(5);
  });
});

describe('leavers of whom no record says that they leave', () => {
  it('trip the guard at the same total when they come one a cycle as when they come at once', async () => {
    const people = crowd(60);
    // Active by status, over by date: a contradiction.
    const over = (count: number) =>
      feed(people.map((person, index) => (index < count ? { ...person, end: '2026-11-01' } : person)));
    const burst = async (count: number): Promise<number> => {
      const test = await openTestHouse();
      await test.sync(feed(people));
      await test.sync(over(count));
      return inactive(test).length;
    };
    // 60 workers: five per cent are three.
    expect([await burst(3), await burst(4)]).toEqual([3, 0]);
    const test = await openTestHouse();
    await test.sync(feed(people));
    for (const [count, gone] of [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 3],
      [5, 3],
    ] as const) {
      const report = await test.sync(over(count));
      expect([report.kind, inactive(test).length], `${count} in all`).toEqual([count > 3 ? 'held' : 'done', gone]);
      test.clock.advance(HOUR_MS);
    }
  });
});
