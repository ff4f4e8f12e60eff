import { describe, expect, it } from 'vitest';
import { crowd, feed, HEADER, mappingText, openTestHouse } from '../support/house.ts';

describe('deliveries that must have no effect', () => {
  it('refuses a file that holds nothing but its header', async () => {
    const { idp, sync } = await openTestHouse();
    await sync(feed(crowd(20)));
    const before = idp.writes().length;
    const report = await sync(`${HEADER}\n`);
    expect(report.kind).toBe('refused');
    expect(report.faults[0]?.message).toMatch(/header|empty|no row/i);
    expect(idp.writes().length).toBe(before);
  });

  it('refuses a file of another system and names the columns that are missing', async () => {
    const { idp, sync } = await openTestHouse();
    await sync(feed(crowd(20)));
    const before = idp.writes().length;
    const report = await sync('Invoice,Amount,Due\n1,20.00,2026-12-01\n');
    expect(report.kind).toBe('refused');
    expect(report.faults.map(({ message }) => message).join(' ')).toMatch(/Status/);
    expect(idp.writes().length).toBe(before);
  });

  it('disables nobody when a file is cut at any byte', async () => {
    const { idp, sync, cycle, deliver } = await openTestHouse();
    const whole = feed(crowd(25, (index) => ({ title: index % 3 === 0 ? '"Clerk, ""senior"""' : 'Clerk' })));
    await sync(whole);
    const before = idp.writes().length;
    const kinds = new Map<string, number>();
    for (let cut = 0; cut < whole.length; cut += 3) {
      deliver(whole.slice(0, cut));
      const report = await cycle();
      kinds.set(report.kind, (kinds.get(report.kind) ?? 0) + 1);
    }
    await sync();
    const disables = idp
      .writes()
      .slice(before)
      .filter(({ body }) => body.includes('"active"') || body.includes('"remove"'));
    expect(disables).toHaveLength(0);
    expect([...idp.users.values()].every(({ active }) => active === true)).toBe(true);
    expect(kinds.get('refused') ?? 0).toBeGreaterThan(10);
  });

  it('refuses an export that is older than the one it accepted', async () => {
    const { idp, sync, deliver, cycle } = await openTestHouse({
      mapping: mappingText({ 'path: workers.csv': 'path: workers-*.csv' }),
    });
    const people = crowd(20);
    deliver(feed(people), 'workers-2026-11-23.csv');
    await cycle();
    await sync();
    deliver(feed(people.map((person) => ({ ...person, title: 'Old' }))), 'workers-2026-11-20.csv');
    expect(await cycle()).toMatchObject({ delivery: 'workers-2026-11-23.csv' });
    expect(idp.user('1000')?.title).toBe('Clerk');
  });
});

describe('deltas', () => {
  it('are taken one after the other, each once, and what they do not name stays as it is', async () => {
    const { idp, deliver, cycle, settle, restart } = await openTestHouse({
      mapping: mappingText({ 'path: workers.csv, ': 'path: change-*.csv, content: delta, ' }),
    });
    const people = crowd(12);
    deliver(feed(people), 'change-2026-11-20.csv');
    deliver(feed([{ id: '1003', title: 'Second' }]), 'change-2026-11-21.csv');
    deliver(feed([{ id: '1003', title: 'Third' }, { id: '2000' }]), 'change-2026-11-22.csv');
    expect(await cycle()).toMatchObject({ delivery: 'change-2026-11-20.csv', kind: 'done' });
    await settle();
    await restart();
    expect(await cycle()).toMatchObject({ delivery: 'change-2026-11-21.csv', tally: { mover: 1 } });
    expect(await cycle()).toMatchObject({ delivery: 'change-2026-11-22.csv' });
    expect(await cycle()).toMatchObject({ kind: 'nothing' });
    await settle();
    expect(idp.user('1003')?.title).toBe('Third');
    expect(idp.users.size).toBe(13);
  });
});
