import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

/** Each is one way of altering a plan; `npm run campaign:altered` takes 500. */
const ROUNDS = Number(process.env.ROLLCALL_ALTERED_ROUNDS ?? 30);
const SEED = Number(process.env.ROLLCALL_ALTERED_SEED ?? 20_261_123);
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

const PEOPLE = crowd(24);
/** By index: whose row says what of an end. */
type Leaves = ReadonlyMap<number, { readonly status: string; readonly end: string }>;
const said = (leaves: Leaves): readonly Person[] =>
  PEOPLE.map((person, index) => ({ ...person, ...leaves.get(index) }));
const EXPLICIT = { status: 'T', end: '2026-11-20' };
const MAPPING = `${mappingText()}guards: { explicitLeaver: 0, inferredLeaver: 0 }\n`;

/** What happens to a plan between the approval and the next look. Gives the feed; whatever else it does is done when it returns. */
const WAYS: Readonly<
  Record<string, (test: TestHouse, leaves: Leaves, throws: (below: number) => number) => Promise<readonly Person[]>>
> = {
  'others leave': async (_, leaves, throws) =>
    said(new Map([...leaves, ...Array.from({ length: 1 + throws(3) }, () => [throws(12), EXPLICIT] as const)])),
  'others leave instead': async (_, __, throws) => said(new Map([[throws(12), EXPLICIT]])),
  'some stay': async (_, leaves) => said(new Map([...leaves].slice(1))),
  'another last day': async (_, leaves, throws) =>
    said(new Map([...leaves.keys()].map((one) => [one, { status: 'T', end: `2026-11-1${throws(9)}` }]))),
  'inferred instead of said': async (_, leaves) =>
    said(new Map([...leaves.keys()].map((one) => [one, { status: 'A', end: '2026-11-20' }]))),
  'a last day ahead instead': async (_, leaves) =>
    said(new Map([...leaves.keys()].map((one) => [one, { status: 'A', end: '2026-12-05' }]))),
  'titles as well': async (_, leaves, throws) =>
    said(leaves).map((person) => (throws(6) === 0 ? { ...person, title: `Title ${throws(9)}` } : person)),
  'other names in their rows': async (_, leaves) =>
    said(leaves).map((person, index) => (leaves.has(index) ? { ...person, last: 'Else' } : person)),
  'their rows twice, and different': async (_, leaves) => [
    ...said(leaves),
    ...said(leaves)
      .filter((__, index) => leaves.has(index))
      .map((person) => ({ ...person, title: 'Twice' })),
  ],
  'their rows are missing': async (_, leaves) => said(leaves).filter((__, index) => !leaves.has(index)),
  'rows in another order': async (_, leaves) => said(leaves).toReversed(),
  'the approval ends first': async ({ clock }, leaves) => {
    clock.advance(5 * HOUR_MS);
    return said(leaves);
  },
  'the connection file changes': async ({ restart }, leaves, throws) => {
    await restart(`${MAPPING}scope: worker.title != "Nobody ${throws(1_000_000)}"\n`);
    return said(leaves);
  },
  'somebody sets it aside': async (test, leaves) => {
    for (const { digest } of await test.house.store.holds('acme')) await test.act('discard', { digest });
    return said(leaves);
  },
  nothing: async (_, leaves) => said(leaves),
};
/** What was approved stands in the plan as it was approved, whatever else has changed: it has to go on. */
const STANDS = new Set(['others leave', 'titles as well', 'rows in another order', 'nothing']);
/** Here it may: some of it is gone, or the rows say the very leave that was approved beside other things. */
const MAY_STAND = new Set([
  ...STANDS,
  'some stay',
  'others leave instead',
  'other names in their rows',
  'their rows twice, and different',
]);

describe('a plan that was altered after somebody approved it', () => {
  it('has no effect that was not approved', { timeout: 600_000 }, async () => {
    const test = await openTestHouse({ mapping: MAPPING });
    await test.sync(feed(PEOPLE));
    const throws = dice(SEED);
    const ways = Object.keys(WAYS);
    const met: Record<string, number> = {};
    const count = (name: string, by = 1): void => {
      met[name] = (met[name] ?? 0) + by;
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const way = ways[round % ways.length] as keyof typeof WAYS;
      const note = `seed ${SEED}, round ${round}: ${way}`;
      const approved: Leaves = new Map(Array.from({ length: 1 + throws(3) }, () => [throws(12), EXPLICIT]));
      await test.sync(feed(said(approved)));
      expect(inactive(test), note).toEqual([]);
      await test.approveAll();
      const people = (await WAYS[way]?.(test, approved, throws)) ?? [];
      await test.sync(feed(people));
      const gone = inactive(test);
      const stands = MAY_STAND.has(way) ? approved : new Map();
      for (const id of gone) {
        const says = people.find((person) => person.id === id);
        const asApproved = says?.status === EXPLICIT.status && says.end === EXPLICIT.end;
        expect(stands.has(Number(id) - 1000) && asApproved, `${note}, ${id}`).toBe(true);
      }
      count(gone.length === 0 ? 'rounds without effect' : 'rounds with effect');
      count('disabled as approved', gone.length);
      if (STANDS.has(way)) expect(gone, note).not.toEqual([]);
      // The approval ends, what was set aside comes back, and HR takes everything back.
      test.clock.advance(way === 'somebody sets it aside' ? 31 * 24 * HOUR_MS : 5 * HOUR_MS);
      if (way === 'the connection file changes') await test.restart(MAPPING);
      await test.sync(feed(PEOPLE));
      // So many take their leave back that the feed looks wrong: a person says that it is right.
      for (const { kind, digest } of await test.house.store.holds('acme'))
        if (kind === 'feed') await test.act('approve', { digest });
      await test.sync(feed(PEOPLE));
      expect(inactive(test), note).toEqual([]);
    }
    if (ROUNDS > 30) console.log(JSON.stringify({ seed: SEED, rounds: ROUNDS, ...met }));
    for (const name of ['rounds without effect', 'rounds with effect', 'disabled as approved'])
      expect(met[name] ?? 0, name).toBeGreaterThanOrEqual(5);
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
