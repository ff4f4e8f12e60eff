import { createHash } from 'node:crypto';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { DAY_MS, plusMs } from '../../src/base/instant.ts';
import { WAITING_MAX } from '../../src/store/hook-events.ts';
import { DATABASE_FILE } from '../../src/store/open.ts';
import type { NewHookEvent } from '../../src/store/store.ts';
import { heldStore, NOON, tempFolder } from '../support/store.ts';

const event = (name: string, more: Partial<NewHookEvent> = {}): NewHookEvent => ({
  connection: 'acme',
  hook: '/hooks/acme',
  kind: 'hint',
  identity: createHash('sha256').update(name).digest(),
  keyed: true,
  body: Buffer.from(JSON.stringify({ name })),
  form: 'json',
  receivedAt: NOON,
  ...more,
});

describe('the inbox of webhooks', () => {
  it('keeps an event once, waiting or done, where it is known by a name of its own', async () => {
    const { store } = await heldStore();
    expect(await store.receiveEvent(event('a'))).toBe('stored');
    expect(await store.receiveEvent(event('a'))).toBe('duplicate');
    expect(await store.receiveEvent(event('a', { hook: '/hooks/other' }))).toBe('stored');
    const [one] = await store.waitingEvents('acme', 'hint', NOON, 10);
    expect(JSON.parse(String(one?.body))).toEqual({ name: 'a' });
    await store.endEvents([{ id: one?.id ?? 0, state: 'done', reason: 'asked' }]);
    expect(await store.receiveEvent(event('a'))).toBe('duplicate');
  });

  it('takes the same content again once the first is done, where nothing else tells them apart', async () => {
    const { store } = await heldStore();
    const plain = { keyed: false };
    expect(await store.receiveEvent(event('a', plain))).toBe('stored');
    expect(await store.receiveEvent(event('a', plain))).toBe('duplicate');
    const [one] = await store.waitingEvents('acme', 'hint', NOON, 10);
    await store.endEvents([{ id: one?.id ?? 0, state: 'rejected', reason: 'nobody' }]);
    expect(await store.receiveEvent(event('a', plain))).toBe('stored');
  });

  it('takes an event again that was rejected: whoever has mended the cause sends the very same one', async () => {
    const { store } = await heldStore();
    expect(await store.receiveEvent(event('a', { kind: 'emergency' }))).toBe('stored');
    const [one] = await store.waitingEvents('acme', 'emergency', NOON, 10);
    await store.endEvents([{ id: one?.id ?? 0, state: 'rejected', reason: 'nobody is known by this id' }]);
    expect(await store.receiveEvent(event('a', { kind: 'emergency' }))).toBe('stored');
    const [again] = await store.waitingEvents('acme', 'emergency', NOON, 10);
    await store.endEvents([{ id: again?.id ?? 0, state: 'done', reason: 'left' }]);
    expect(await store.receiveEvent(event('a', { kind: 'emergency' }))).toBe('duplicate');
  });

  it('gives out what was told to wait longer than anything ever is: the clock that told it has been put right', async () => {
    const { store } = await heldStore();
    for (const kind of ['hint', 'emergency'] as const)
      await store.receiveEvent(event(kind, { kind, receivedAt: plusMs(NOON, 20 * 60_000) }));
    expect(await store.waitingEvents('acme', 'emergency', NOON, 10)).toHaveLength(1);
    expect(await store.waitingEvents('acme', 'hint', NOON, 10)).toHaveLength(0);
    expect(await store.waitingEvents('acme', 'hint', plusMs(NOON, -DAY_MS), 10)).toHaveLength(1);
  });

  it('gives out what may be looked at now, oldest first, and says when the next one may', async () => {
    const { store } = await heldStore();
    for (const name of ['a', 'b', 'c']) await store.receiveEvent(event(name));
    await store.receiveEvent(event('now', { kind: 'emergency' }));
    const [first] = await store.waitingEvents('acme', 'hint', NOON, 10);
    const later = plusMs(NOON, 5_000);
    await store.endEvents([{ id: first?.id ?? 0, state: 'waiting', reason: 'the source is down', notBefore: later }]);
    const names = async (at = NOON) =>
      (await store.waitingEvents('acme', 'hint', at, 10)).map(({ body }) => JSON.parse(String(body)).name);
    expect(await names()).toEqual(['b', 'c']);
    expect(await names(later)).toEqual(['a', 'b', 'c']);
    expect(await store.nextEvent('acme', 'emergency')).toBe(NOON);
    expect(await store.nextEvent('acme', 'record')).toBeNull();
    expect(await store.hooks('acme')).toMatchObject([{ waiting: 4, waitingFor: 'the source is down', rejected: 0 }]);
    expect(await store.hooks(null)).toHaveLength(1);
  });

  it('is full at its bound, but for emergencies', async () => {
    const dir = tempFolder();
    const before = await heldStore(dir);
    await before.store.receiveEvent(event('e7'));
    await before.store.close();
    const sql = new BetterSqlite3(join(dir, DATABASE_FILE));
    sql
      .prepare(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO hook_events (connection_id, hook, kind, identity, keyed, state, body, form, received_at, not_before)
         SELECT connection_id, hook, kind, randomblob(32), 1, state, body, form, received_at, not_before FROM hook_events, n`,
      )
      .run(WAITING_MAX - 2);
    sql.close();
    const { store } = await heldStore(dir);
    expect(await store.receiveEvent(event('last'))).toBe('stored');
    expect(await store.receiveEvent(event('more'))).toBe('full');
    expect(await store.receiveEvent(event('e7'))).toBe('duplicate');
    expect(await store.receiveEvent(event('now', { kind: 'emergency' }))).toBe('stored');
    expect(await store.receiveEvent(event('other', { connection: 'globex' }))).toBe('stored');
  });

  it('forgets what ended more than a week ago, never what waits', async () => {
    const { store, clock } = await heldStore();
    for (const name of ['a', 'b']) await store.receiveEvent(event(name));
    const [one] = await store.waitingEvents('acme', 'hint', NOON, 10);
    await store.endEvents([{ id: one?.id ?? 0, state: 'done', reason: '' }]);
    clock.now = plusMs(NOON, 7 * DAY_MS + 1_000);
    await store.recoverSending();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(await store.receiveEvent(event('a'))).toBe('stored');
    expect(await store.receiveEvent(event('b'))).toBe('duplicate');
  });
});
