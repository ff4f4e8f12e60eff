import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES } from '../../src/lifecycle/operation.ts';
import type { NewOperation, OperationKind } from '../../src/planning/changeset.ts';
import { DATABASE_FILE, openDatabase } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { CaseMix } from '../support/case-mix.ts';
import {
  aChange,
  aLaterChange,
  anAccount,
  anOperation,
  aResult,
  DONE,
  heldStore,
  minutesAfterNoon,
  NOON,
  tempFolder,
  WAYS,
} from '../support/store.ts';

const leaver = (kind: OperationKind, more: Partial<NewOperation> = {}): NewOperation =>
  anOperation('1', {
    kind,
    lane: 'leaver',
    transition: 'leaver',
    ...(kind === 'removeMember'
      ? { payload: { group: 'All', create: false, computed: false, authority: 'full' as const } }
      : {}),
    ...more,
  });

/** Worker 1 has an account and these operations; the ids come back in their order. */
async function leaving(store: Store, operations: readonly NewOperation[]): Promise<readonly number[]> {
  const result = await store.commit({
    connection: 'acme',
    at: NOON,
    workers: [aChange('1', { accounts: [anAccount('1', { remoteId: 'r1' })], operations })],
  });
  if (result.kind !== 'applied') throw new Error('a conflict');
  return result.operationIds;
}

const claimed = async (store: Store, minute = 0, sessions?: 'only' | 'without') =>
  (
    await store.claim('idp', {
      lanes: LANES,
      limit: 10,
      now: minutesAfterNoon(minute),
      ...(sessions === undefined ? {} : { sessions }),
    })
  ).map(({ id }) => id);
const answered = (store: Store, id: number, more: Parameters<typeof aResult>[1] = {}, minute = 0) =>
  store.commit({ connection: 'acme', at: minutesAfterNoon(minute), results: [aResult(id, more)] });

describe.each(WAYS)('the end of sessions %s', (_, mode) => {
  it('waits for the disable, however long that takes', async () => {
    const { store } = await heldStore(undefined, mode);
    const [disable = 0, sessions = 0] = await leaving(store, [leaver('disable'), leaver('revokeSessions')]);
    expect(await claimed(store)).toEqual([disable]);
    await answered(store, disable, { state: 'queued', notBefore: minutesAfterNoon(60) });
    expect(await claimed(store, 59)).toEqual([]);
    expect(await claimed(store, 60)).toEqual([disable]);
    await answered(store, disable, {}, 60);
    expect(await claimed(store, 60)).toEqual([sessions]);
  });

  it('waits for a disable that is refused for good, although memberships do not', async () => {
    const { store } = await heldStore(undefined, mode);
    const [disable = 0, sessions = 0, member = 0] = await leaving(store, [
      leaver('disable'),
      leaver('revokeSessions'),
      leaver('removeMember'),
    ]);
    expect(await claimed(store)).toEqual([disable]);
    const outcome = { ...DONE, class: 'permanent' as const, status: 403 };
    await answered(store, disable, { state: 'queued', notBefore: minutesAfterNoon(15), outcome });
    expect(await claimed(store)).toEqual([member]);
    await answered(store, member);
    expect(await claimed(store, 14)).toEqual([]);
    expect(await claimed(store, 15)).toEqual([disable]);
    await answered(store, disable, {}, 15);
    expect(await claimed(store, 15)).toEqual([sessions]);
  });

  it('goes before memberships, and while it is refused they go on without it', async () => {
    const { store } = await heldStore(undefined, mode);
    const [sessions = 0, member = 0, other = 0] = await leaving(store, [
      leaver('revokeSessions'),
      leaver('removeMember'),
      leaver('removeMember'),
    ]);
    expect(await claimed(store)).toEqual([sessions]);
    await answered(store, sessions, { state: 'queued', notBefore: minutesAfterNoon(15) });
    expect(await claimed(store)).toEqual([member]);
    await answered(store, member);
    expect(await claimed(store)).toEqual([other]);
    await answered(store, other);
    expect(await claimed(store, 14)).toEqual([]);
    expect(await claimed(store, 15)).toEqual([sessions]);
  });

  it('does not wait for a membership that is refused', async () => {
    const { store } = await heldStore(undefined, mode);
    const [sessions = 0, member = 0] = await leaving(store, [
      leaver('revokeSessions', { notBefore: minutesAfterNoon(2) }),
      leaver('removeMember'),
    ]);
    expect(await claimed(store)).toEqual([member]);
    await answered(store, member, { state: 'queued', notBefore: minutesAfterNoon(15) });
    expect(await claimed(store, 2)).toEqual([sessions]);
  });

  it('lets a disable that was decided later go first', async () => {
    const { store } = await heldStore(undefined, mode);
    const [sessions = 0] = await leaving(store, [leaver('revokeSessions')]);
    const again = await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aLaterChange('1', 1, { operations: [leaver('disable')] })],
    });
    const [disable = 0] = again.kind === 'applied' ? again.operationIds : [];
    expect(await claimed(store)).toEqual([disable]);
    await answered(store, disable);
    expect(await claimed(store)).toEqual([sessions]);
  });

  it('is claimed by whoever asks for it alone, and left by whoever asks for the rest', async () => {
    const { store } = await heldStore(undefined, mode);
    const [sessions = 0] = await leaving(store, [leaver('revokeSessions')]);
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aChange('2', { operations: [anOperation('2', { kind: 'disable', lane: 'leaver' })] })],
    });
    expect(await claimed(store, 0, 'without')).toHaveLength(1);
    expect(await claimed(store, 0, 'without')).toEqual([]);
    expect(await claimed(store, 0, 'only')).toEqual([sessions]);
  });

  it('is listed until it is done', async () => {
    const { store } = await heldStore(undefined, mode);
    const [disable = 0, sessions = 0] = await leaving(store, [leaver('disable'), leaver('revokeSessions')]);
    expect(await store.openSessions(10)).toMatchObject([{ workerKey: '1', kind: 'revokeSessions', state: 'queued' }]);
    await claimed(store);
    await answered(store, disable);
    await claimed(store);
    await answered(store, sessions);
    expect(await store.openSessions(10)).toEqual([]);
    expect(await store.unconfirmedLeavers(10)).toEqual([]);
  });
});

const step = fc.oneof(
  fc.record({
    type: fc.constant('order' as const),
    kind: fc.constantFrom<OperationKind[]>(
      'disable',
      'removeMember',
      'removeMember',
      'revokeSessions',
      'revokeSessions',
    ),
    delay: fc.constantFrom(0, 0, 3, 7),
  }),
  fc.record({ type: fc.constant('answer' as const), delay: fc.constantFrom(-1, -1, 2, 9) }),
  fc.record({ type: fc.constant('wait' as const), minutes: fc.constantFrom(1, 4) }),
);

describe('any history of disables, memberships and ends of sessions', () => {
  it('has one under way at most, ends no session before a disable, and lets nobody wait who could go', async () => {
    const mix = new CaseMix([
      'session due behind a disable',
      'session goes',
      'membership goes past a waiting session',
      'nothing due',
    ]);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
        const { store } = await heldStore(undefined, 'memory');
        const open = new Map<number, { kind: OperationKind; notBefore: number }>();
        let out: number | null = null;
        let minute = 0;
        let revision = 0;
        for (const each of steps) {
          if (each.type === 'wait') minute += each.minutes;
          else if (each.type === 'order') {
            const notBefore = minutesAfterNoon(minute + each.delay);
            const accounts = revision === 0 ? [anAccount('1', { remoteId: 'r1' })] : [];
            const change = aLaterChange('1', revision, { accounts, operations: [leaver(each.kind, { notBefore })] });
            const result = await store.commit({ connection: 'acme', at: minutesAfterNoon(minute), workers: [change] });
            if (result.kind !== 'applied') throw new Error('a conflict');
            revision += 1;
            open.set(result.operationIds[0] ?? 0, { kind: each.kind, notBefore: minute + each.delay });
          } else if (out !== null) {
            const again = each.delay >= 0;
            const kind = open.get(out)?.kind ?? 'disable';
            open.delete(out);
            if (again) open.set(out, { kind, notBefore: minute + each.delay });
            await answered(
              store,
              out,
              again ? { state: 'queued', notBefore: minutesAfterNoon(minute + each.delay) } : {},
              minute,
            );
            out = null;
          }
          const taken = await claimed(store, minute);
          expect(taken.length).toBeLessThanOrEqual(out === null ? 1 : 0);
          const [id] = taken;
          // Memberships keep their order among themselves.
          const members = [...open].filter(([, one]) => one.kind === 'removeMember').sort(([a], [b]) => a - b);
          const due = [...open.values()].filter(
            (one) => one.notBefore <= minute && (one.kind !== 'removeMember' || one === members[0]?.[1]),
          );
          const disabling = [...open.values()].some(({ kind }) => kind === 'disable');
          if (id === undefined) {
            // Nobody is passed over: with nothing under way and no disable ahead, whatever is due goes.
            if (out === null && !disabling) expect(due).toEqual([]);
            mix.count('nothing due', out === null && !disabling && open.size > 0);
          } else {
            const kind = open.get(id)?.kind;
            if (disabling) expect(kind).toBe('disable');
            mix.count('session goes', kind === 'revokeSessions');
            const waits = [...open.values()].some((one) => one.kind === 'revokeSessions' && one.notBefore > minute);
            mix.count('membership goes past a waiting session', kind === 'removeMember' && waits);
            out = id;
          }
          mix.count('session due behind a disable', disabling && due.some(({ kind }) => kind === 'revokeSessions'));
        }
        await store.close();
      }),
      { numRuns: 100 },
    );
    mix.expectEach(20);
  });
});

describe('a store of schema 1', () => {
  it('keeps every operation, its turn and its number when sessions join the kinds of work', async () => {
    const dir = tempFolder();
    const folder = new URL('../../src/store/migrations/', import.meta.url);
    const [first = ''] = readdirSync(folder).sort();
    const old = new BetterSqlite3(join(dir, DATABASE_FILE));
    old.pragma('journal_mode = WAL');
    old.exec(readFileSync(new URL(first, folder), 'utf8'));
    old.pragma('user_version = 1');
    old.exec(`
      INSERT INTO connections (id, name) VALUES (1, 'acme');
      INSERT INTO targets (id, name) VALUES (1, 'idp');
      INSERT INTO workers (id, connection_id, key, revision, machine_version, stage, delivery, facts)
        VALUES (1, 1, '1', 1, 1, 'left', 'delivering', '{}');
      INSERT INTO operations (id, worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, attempts,
        ambiguous, created_at, first_sent_at, last_outcome, entry_seq)
        VALUES (7, 1, 1, 'create', 2, 'joiner', '{"a":1}', 'done', NULL, '2026-01-01T00:00:00.000Z', 1, 0,
          '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z', '{"class":"done"}', 3),
        (9, 1, 1, 'disable', 1, 'leaver', '{"b":2}', 'queued', 'later', '2026-02-01T00:00:00.000Z', 4, 1,
          '2026-01-31T00:00:00.000Z', '2026-01-31T00:00:01.000Z', NULL, NULL);`);
    const before = old.prepare('SELECT * FROM operations ORDER BY id').all();
    old.close();
    const sql = openDatabase(dir, 'write', NOON);
    expect(sql.prepare('SELECT * FROM operations ORDER BY id').all()).toEqual(before);
    const insert = sql.prepare(
      `INSERT INTO operations (worker_id, target_id, kind, lane, payload, state, turn, not_before, created_at)
       VALUES (1, 1, ?, 1, '{}', 'queued', 'behind', ?, ?)`,
    );
    expect(insert.run('revokeSessions', NOON, NOON).lastInsertRowid).toBe(10);
    expect(() => insert.run('forgetEverything', NOON, NOON)).toThrow(/CHECK/);
    expect(sql.pragma('integrity_check', { simple: true })).toBe('ok');
    sql.close();
  });
});
