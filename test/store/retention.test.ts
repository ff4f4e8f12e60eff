import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/base/instant.ts';
import { crowd, feed, openTestHouse, type TestHouse } from '../support/house.ts';

const people = crowd(20);
const bad = { id: 'bad', start: 'Quillfeather' };

function rowsOf({ stateDir }: TestHouse) {
  const sql = new BetterSqlite3(join(stateDir, 'rollcall.db'), { readonly: true });
  try {
    return {
      told: sql.prepare(`SELECT count(*) AS count FROM operations WHERE payload <> '{}'`).pluck().get(),
      all: sql.prepare('SELECT count(*) AS count FROM operations').pluck().get(),
      rejections: sql.prepare('SELECT count(*) AS count FROM rejections').pluck().get(),
    };
  } finally {
    sql.close();
  }
}
/** A start sweeps, and its close waits for it. */
async function days(test: TestHouse, count: number): Promise<void> {
  test.clock.advance(count * DAY_MS);
  await test.restart();
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await test.restart();
}

describe('what is kept for a time only', () => {
  it('are the payloads of operations that are over, for 30 days', async () => {
    const test = await openTestHouse();
    await test.sync(feed(people));
    expect(rowsOf(test).told).toBe(rowsOf(test).all);
    await days(test, 29);
    expect(rowsOf(test).told).toBe(rowsOf(test).all);
    await days(test, 2);
    expect(rowsOf(test)).toMatchObject({ told: 0 });
    expect(Number(rowsOf(test).all)).toBeGreaterThan(0);
    await test.sync(feed(people.map((one) => (one.id === '1001' ? { ...one, title: 'Boss' } : one))));
    expect(rowsOf(test).told).toBe(1);
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });

  it('are rejected rows, for 90 days after the delivery that had them was read last', async () => {
    const test = await openTestHouse();
    await test.sync(feed([...people, bad]));
    expect(rowsOf(test).rejections).toBe(1);
    await days(test, 89);
    expect(rowsOf(test).rejections).toBe(1);
    await days(test, 2);
    expect(rowsOf(test).rejections).toBe(0);
  });
});
