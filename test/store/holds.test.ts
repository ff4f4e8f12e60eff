import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, plusMs } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import type { HoldItem } from '../../src/planning/changeset.ts';
import type { Store } from '../../src/store/store.ts';
import { heldStore, minutesAfterNoon, NOON } from '../support/store.ts';

const item = (worker: string): HoldItem => ({
  digest: hash('sha256', worker, 'hex'),
  harm: {
    kind: 'inferredLeaver',
    workerKey: worker,
    target: 'idp',
    operation: 'disable',
    attribute: null,
    before: 'active',
    after: 'inactive',
  },
});
const digestOf = (items: readonly HoldItem[]) =>
  hash(
    'sha256',
    items
      .map(({ digest }) => digest)
      .sort()
      .join('\n'),
    'hex',
  );

function hold(store: Store, workers: readonly string[], minutes = 0, connection = 'acme') {
  const change = { kind: 'inferredLeaver', reason: `${workers.length} of 20`, items: workers.map(item) } as const;
  return store.commit({ connection, at: minutesAfterNoon(minutes), holds: [change] });
}

const release = (digest: string, minutes = 0) => ({
  digest,
  reason: 'checked with HR',
  by: 'kim',
  osUser: 'root',
  channel: 'cli',
  at: minutesAfterNoon(minutes),
});

describe('a hold', () => {
  it('is open once for each connection and kind; later cycles amend it, and its digest covers the sorted items', async () => {
    const { store } = await heldStore();
    await hold(store, ['b', 'a', 'a']);
    await hold(store, ['x'], 1, 'other');
    await hold(store, ['c', 'a', 'b'], 2);
    const items = ['a', 'b', 'c'].map(item);
    expect(await store.holds('acme')).toEqual([
      {
        connection: 'acme',
        kind: 'inferredLeaver',
        digest: digestOf(items),
        reason: '3 of 20',
        openedAt: NOON,
        amendedAt: minutesAfterNoon(2),
        itemCount: 3,
        items: [...items].sort((one, two) => (one.digest < two.digest ? -1 : 1)),
        approvedBy: null,
        discardedBy: null,
      },
    ]);
    expect((await store.holds(null)).map(({ connection }) => connection)).toEqual(['acme', 'other']);
    expect((await store.holds(null, 1)).map((one) => [one.items.length, one.itemCount])).toEqual([
      [1, 3],
      [1, 1],
    ]);
    expect(await store.holds('nobody')).toEqual([]);
  });

  it('closes when nothing is held any more, and a later one is a new hold', async () => {
    const { store } = await heldStore();
    await hold(store, ['a']);
    await hold(store, [], 1);
    expect(await store.holds('acme')).toEqual([]);
    await hold(store, ['a'], 2);
    expect(await store.holds('acme')).toMatchObject([{ openedAt: minutesAfterNoon(2) }]);
  });

  it('releases exactly the approved items until the approval expires, even after later cycles amended it', async () => {
    const { store, clock } = await heldStore();
    await hold(store, ['a', 'b']);
    const expiresAt = plusMs(NOON, 4 * HOUR_MS);
    const approved = await store.approve({ ...release(digestOf(['a', 'b'].map(item))), expiresAt });
    expect(approved).toMatchObject({ connection: 'acme', kind: 'inferredLeaver', itemCount: 2, approvedBy: 'kim' });
    await hold(store, ['b', 'c'], 1);
    expect(await store.holds('acme')).toMatchObject([{ approvedBy: null }]);
    await hold(store, [], 2);
    const before = plusMs(expiresAt, -1);
    expect(await store.approvals('acme', before)).toEqual(new Set([item('a').digest, item('b').digest]));
    expect(await store.approvals('acme', expiresAt)).toEqual(new Set());
    expect(await store.approvals('other', NOON)).toEqual(new Set());
    expect(await store.discards('acme', before)).toEqual(new Set());
    // Sweeping expired approvals takes nothing from those that stand.
    clock.now = before;
    await hold(store, ['d'], 3);
    await store.close();
    const { store: reopened } = await heldStore();
    expect(await reopened.approvals('acme', before)).toEqual(new Set());
  });

  it('lets each released item pass once', async () => {
    const { store } = await heldStore();
    await hold(store, ['a', 'b']);
    await store.approve({ ...release(digestOf(['a', 'b'].map(item))), expiresAt: minutesAfterNoon(240) });
    const use = {
      kind: 'inferredLeaver',
      workerKey: 'a',
      attribute: null,
      approved: true,
      items: [item('a').digest],
    } as const;
    await store.commit({ connection: 'acme', at: minutesAfterNoon(1), guardUses: [use] });
    expect(await store.approvals('acme', minutesAfterNoon(2))).toEqual(new Set([item('b').digest]));
    // The very same again is another question.
    await hold(store, [], 2);
    await hold(store, ['a', 'b'], 3);
    expect(await store.approvals('acme', minutesAfterNoon(4))).toEqual(new Set([item('b').digest]));
    const again = { ...release(digestOf(['a', 'b'].map(item)), 5), expiresAt: minutesAfterNoon(240) };
    await store.approve(again);
    expect(await store.approvals('acme', minutesAfterNoon(6))).toEqual(new Set([item('a').digest, item('b').digest]));
  });

  it('outlives its approval: expiry ends the approval only', async () => {
    const { store, clock } = await heldStore();
    await hold(store, ['a']);
    await store.approve({ ...release(digestOf([item('a')])), expiresAt: minutesAfterNoon(10) });
    expect(await store.holds('acme')).toMatchObject([{ approvedBy: 'kim' }]);
    clock.now = minutesAfterNoon(10);
    expect(await store.holds('acme')).toMatchObject([{ approvedBy: null, itemCount: 1 }]);
  });

  it('can be set aside for 30 days and stays visible', async () => {
    const { store } = await heldStore();
    await hold(store, ['a']);
    const digest = digestOf([item('a')]);
    await store.discard(release(digest.slice(0, 12)));
    expect(await store.holds('acme')).toMatchObject([{ discardedBy: 'kim', approvedBy: null }]);
    const end = plusMs(NOON, 30 * DAY_MS);
    expect(await store.discards('acme', plusMs(end, -1))).toEqual(new Set([item('a').digest]));
    expect(await store.discards('acme', end)).toEqual(new Set());
  });

  it('goes by the last word of a person: what was set aside and then approved is released, and the other way round', async () => {
    const { store } = await heldStore();
    await hold(store, ['a', 'b']);
    const whole = digestOf([item('a'), item('b')]);
    await store.discard(release(whole));
    await store.approve({ ...release(whole, 1), expiresAt: minutesAfterNoon(240) });
    expect(await store.holds('acme')).toMatchObject([{ approvedBy: 'kim', discardedBy: null }]);
    const both = new Set([item('a').digest, item('b').digest]);
    expect(await store.approvals('acme', minutesAfterNoon(2))).toEqual(both);
    expect(await store.discards('acme', minutesAfterNoon(2))).toEqual(new Set());
    // Another version of the hold, of which a person speaks anew: only its items are set aside.
    await hold(store, ['a'], 3);
    await store.discard(release(digestOf([item('a')]), 4));
    expect(await store.approvals('acme', minutesAfterNoon(5))).toEqual(new Set([item('b').digest]));
    expect(await store.discards('acme', minutesAfterNoon(5))).toEqual(new Set([item('a').digest]));
  });

  it('is only released by its present digest: an old one, a short one or a wrong one names the holds that are open', async () => {
    const { store } = await heldStore();
    await hold(store, ['a']);
    await hold(store, ['a', 'b'], 1);
    const present = digestOf(['a', 'b'].map(item));
    for (const digest of [digestOf([item('a')]), present.slice(0, 7), 'f'.repeat(64), '']) {
      const refused = store.approve({ ...release(digest), expiresAt: minutesAfterNoon(10) });
      await expect(refused).rejects.toBeInstanceOf(Problem);
      await expect(refused).rejects.toMatchObject({
        faults: [
          { code: 'hold.not-present', hint: expect.stringContaining(`acme inferredLeaver ${present.slice(0, 12)}`) },
        ],
      });
    }
    expect(await store.approvals('acme', NOON)).toEqual(new Set());
    expect((await store.overview()).entries).toBe(0);
  });

  it('writes an entry for every release: who, why, what and until when', async () => {
    const { store } = await heldStore();
    await hold(store, ['a']);
    const digest = digestOf([item('a')]);
    await store.approve({ ...release(digest, 1), expiresAt: minutesAfterNoon(10) });
    await store.discard(release(digest, 2));
    const common = {
      hold: 'inferredLeaver',
      digest,
      items: 1,
      reason: 'checked with HR',
      osUser: 'root',
      channel: 'cli',
    };
    expect(await store.audit.tail(5)).toMatchObject([
      {
        kind: 'approval',
        at: minutesAfterNoon(1),
        actor: 'operator:kim',
        body: { ...common, until: minutesAfterNoon(10) },
      },
      { kind: 'discard', actor: 'operator:kim', body: common },
    ]);
  });

  it('of thousands of items is stored in slices before the commit that opens it, and swept when it is closed', async () => {
    const { dir, store } = await heldStore();
    const many = Array.from({ length: 3_000 }, (_, index) => `w${index}`);
    await hold(store, many);
    expect(await store.holds('acme', Number.MAX_SAFE_INTEGER)).toMatchObject([
      { itemCount: 3_000, digest: digestOf(many.map(item)) },
    ]);
    await hold(store, many, 1);
    expect(await store.holds('acme', 0)).toMatchObject([{ amendedAt: NOON }]);
    await hold(store, many.slice(1), 2);
    expect(await store.holds('acme', 0)).toMatchObject([{ itemCount: 2_999, amendedAt: minutesAfterNoon(2) }]);
    await hold(store, [], 3);
    await store.close();
    const { store: reopened } = await heldStore(dir);
    expect(await reopened.holds('acme')).toEqual([]);
    await swept(reopened, dir);
  });
});

/** Resolves when no hold item is left on disk. */
async function swept(store: Store, dir: string): Promise<void> {
  const { default: BetterSqlite3 } = await import('better-sqlite3');
  const { join } = await import('node:path');
  const sql = new BetterSqlite3(join(dir, 'rollcall.db'), { readonly: true });
  const left = () => sql.prepare<[], { left: number }>('SELECT count(*) AS left FROM hold_items').get()?.left;
  await store.recoverSending();
  // Every commit lets one slice of the sweep pass; thirty are far more than 6,000 items need.
  for (let turn = 0; turn < 30 && left() !== 0; turn += 1) await store.saveSetting('turn', turn);
  const remaining = left();
  sql.close();
  expect(remaining).toBe(0);
}

describe('the guard window', () => {
  it('counts distinct workers by kind and attribute, without what a person approved', async () => {
    const { store } = await heldStore();
    const use = (workerKey: string, attribute: string | null = null, approved = false) =>
      ({ kind: attribute === null ? 'explicitLeaver' : 'attributeChanged', workerKey, attribute, approved }) as const;
    await store.commit({ connection: 'acme', at: minutesAfterNoon(-60), guardUses: [use('0')] });
    await store.commit({
      connection: 'acme',
      at: NOON,
      guardUses: [use('1'), use('2', null, true), use('1', 'title'), use('2', 'title'), use('2', 'mail')],
    });
    await store.commit({ connection: 'acme', at: minutesAfterNoon(5), guardUses: [use('1'), use('3')] });
    await store.commit({ connection: 'other', at: NOON, guardUses: [use('9')] });
    expect(await store.guardWindow('acme', NOON)).toEqual([
      { kind: 'attributeChanged', attribute: 'mail', workers: 1 },
      { kind: 'attributeChanged', attribute: 'title', workers: 2 },
      { kind: 'explicitLeaver', attribute: null, workers: 2 },
    ]);
    expect((await store.guardWindow('acme', minutesAfterNoon(-60))).at(-1)?.workers).toBe(3);
  });

  it('counts distinct workers of each unit of the house beside the whole, where it is asked for', async () => {
    const { store } = await heldStore();
    const use = (workerKey: string, unit: string) =>
      ({ kind: 'explicitLeaver', workerKey, attribute: null, unit, approved: false }) as const;
    const [sales, plant] = ['department Sales', 'department Plant'];
    const guardUses = [use('4', sales), use('5', sales), use('4', sales), use('6', plant)];
    await store.commit({ connection: 'acme', at: NOON, guardUses });
    const whole = { kind: 'explicitLeaver', attribute: null, workers: 3 };
    expect(await store.guardWindow('acme', NOON)).toEqual([whole]);
    expect(await store.guardWindow('acme', NOON, true)).toEqual([
      whole,
      { ...whole, unit: plant, workers: 1 },
      { ...whole, unit: sales, workers: 2 },
    ]);
  });

  it('forgets what no window reaches any more, and nothing else', async () => {
    const { dir, store, clock } = await heldStore();
    const uses = [{ kind: 'explicitLeaver', workerKey: '1', attribute: null, approved: false }] as const;
    await store.commit({ connection: 'acme', at: plusMs(NOON, -9 * DAY_MS), guardUses: uses });
    await store.commit({ connection: 'acme', at: plusMs(NOON, -7 * DAY_MS), guardUses: uses });
    clock.now = NOON;
    await store.commit({ connection: 'acme', at: NOON, holds: [{ kind: 'delete', reason: '', items: [] }] });
    await store.close();
    const { store: reopened } = await heldStore(dir);
    const long = await reopened.guardWindow('acme', plusMs(NOON, -30 * DAY_MS));
    expect(long).toEqual([{ kind: 'explicitLeaver', attribute: null, workers: 1 }]);
  });
});
