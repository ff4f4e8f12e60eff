// A changed mapping, or a version that maps otherwise: who changes because of it and not because of HR, on half of the limits.
import { describe, expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse, type Person } from '../support/house.ts';
import { atDesk } from '../support/plan-desk.ts';

const PEOPLE = crowd(100, (index) => ({
  ...(index < 15 ? { title: 'Packer' } : {}),
  ...(index >= 15 && index < 18 ? { status: 'L' } : {}),
}));
const with_ = (change: (index: number) => Partial<Person>): string =>
  feed(PEOPLE.map((person, index) => ({ ...person, ...change(index) })));
const OTHERWISE = {
  'title: record.Title': `title: 'record.Title == "Packer" ? "Handler" : record.Title'`,
  'L: leave': 'L: terminated',
};
const attributeHolds = (holds: readonly { readonly kind: string; readonly items: number }[]): readonly number[] =>
  holds.filter(({ kind }) => kind === 'attributeChanged').map(({ items }) => items);

describe('a changed mapping', () => {
  it('is shown as a people-diff: who changes because of it, who loses access, and who changes because of HR', async () => {
    const test = await openTestHouse();
    await test.sync(feed(PEOPLE));
    await test.restart(mappingText(OTHERWISE));
    test.clock.advance(3_600_000);
    test.deliver(with_((index) => (index === 60 || index === 61 ? { title: 'Chief' } : {})));
    const { json, stdout } = await atDesk(test, ['plan', '--json']);
    expect(stdout).not.toBe('');
    const [plan] = json.connections;
    expect(plan.counts).toMatchObject({
      change: 20,
      loseAccess: 3,
      causes: { feed: { change: 2, loseAccess: 0 }, mapping: { change: 18, loseAccess: 3 } },
    });
    expect(plan.shared).toEqual([
      { target: 'idp', path: 'title', before: 'Packer', after: 'Handler', workers: 15 },
      { target: 'idp', path: 'title', before: 'Clerk', after: 'Chief', workers: 2 },
    ]);
    const page = (await atDesk(test, ['plan'])).stdout;
    expect(page).toContain('  20 people change, 3 lose access\n');
    expect(page).toContain('    18: the mapping or the version changed, not their records (3 lose access)\n');
    expect(page).toContain('    2: their records changed\n');
    expect(page).toContain('  ~ title: Packer → Handler, 15 people\n');
    // What takes something away is read first.
    expect(page.indexOf('\nloses access (3)\n')).toBeGreaterThan(0);
    expect(page.indexOf('\nloses access (3)\n')).toBeLessThan(page.indexOf('\nmover (17)\n'));
  });

  it('runs on half limits until a whole cycle of it has passed, and on whole ones from then on', async () => {
    const test = await openTestHouse();
    await test.sync(feed(PEOPLE));
    await test.restart(mappingText({ 'title: record.Title': OTHERWISE['title: record.Title'] }));
    expect(attributeHolds((await test.sync(with_(() => ({})))).holds)).toEqual([15]);
    expect(await test.approveAll()).toBe(1);
    expect((await test.sync()).holds).toEqual([]);
    test.clock.advance(25 * 3_600_000);
    const report = await test.sync(with_((index) => (index >= 40 && index < 55 ? { title: 'Chief' } : {})));
    expect(report).toMatchObject({ kind: 'done', holds: [] });
  });

  it('cannot be told from new records after a pilot of it, and the plan says so', async () => {
    const test = await openTestHouse();
    await test.sync(feed(PEOPLE));
    await test.restart(mappingText({ 'title: record.Title': OTHERWISE['title: record.Title'] }));
    test.deliver(with_(() => ({})));
    await test.cycle({ onlyWorker: '1003' });
    await test.settle();
    const [plan] = (await atDesk(test, ['plan', '--json'])).json.connections;
    expect(plan.counts.causes).toEqual({ unknown: { change: 14, loseAccess: 0 } });
  });
});

describe('a version whose mapping code differs', () => {
  it('runs on half limits as a changed mapping does', async () => {
    const moved = with_((index) => (index >= 40 && index < 55 ? { title: 'Chief' } : {}));
    const same = await openTestHouse();
    await same.sync(feed(PEOPLE));
    expect(attributeHolds((await same.sync(moved)).holds)).toEqual([]);

    const upgraded = await openTestHouse();
    await upgraded.sync(feed(PEOPLE));
    // As a version with other mapping code left it.
    await upgraded.house.store.saveSetting('mapping-accepted:acme', `${upgraded.live.connection.digest}@0`);
    expect(attributeHolds((await upgraded.sync(moved)).holds)).toEqual([15]);
    expect(await upgraded.approveAll()).toBe(1);
    expect((await upgraded.sync()).holds).toEqual([]);
    expect(upgraded.idp.user('1041')).toMatchObject({ title: 'Chief' });
  });
});
