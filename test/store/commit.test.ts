import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { UNKNOWN } from '../../src/lifecycle/standing.ts';
import type { Changeset } from '../../src/planning/changeset.ts';
import type { CommitResult, Store } from '../../src/store/store.ts';
import {
  aChange,
  aDecision,
  aLaterChange,
  anAccount,
  anEmployment,
  anOperation,
  aResult,
  DONE,
  heldStore,
  minutesAfterNoon,
  NOON,
  WAYS,
} from '../support/store.ts';

const acme = (more: Partial<Changeset>): Changeset => ({ connection: 'acme', at: NOON, ...more });

async function situation(store: Store, key: string) {
  return (await store.situations('acme', [key])).get(key);
}

const applied = (result: CommitResult) => {
  if (result.kind !== 'applied') throw new Error(`not applied: ${JSON.stringify(result)}`);
  return result;
};

describe.each(WAYS)('a commit %s', (_, mode) => {
  it('stores standing, employments, account, operation, due time and entries, and reads them back as they were', async () => {
    const { store } = await heldStore(undefined, mode);
    const facts = { ...UNKNOWN.facts, sticky: true, leaveBy: 'operator', leaveSeenAt: NOON } as const;
    const account = anAccount('007', {
      etag: 'W/"1"',
      known: { title: 'Dr' },
      managerOwed: '001',
      groups: ['All staff'],
    });
    const sighting = { delivery: 'workers.csv 1', asOf: NOON, at: NOON, strong: false };
    const suspicion = { since: NOON, first: sighting, latest: sighting, firstStrong: null, latestStrong: null };
    const change = aChange('007', {
      standing: { stage: 'left', delivery: 'delivering', facts },
      dueAt: minutesAfterNoon(5),
      accounts: [account],
      suspicion,
    });
    const result = applied(await store.commit(acme({ workers: [change] })));
    expect(await situation(store, '007')).toEqual({
      key: '007',
      revision: 1,
      standing: change.standing,
      employments: change.employments,
      accounts: [account],
      operations: [
        {
          id: result.operationIds[0],
          target: 'idp',
          kind: 'create',
          lane: 'joiner',
          state: 'queued',
          ambiguous: false,
          payload: anOperation('007').payload,
        },
      ],
      suspicion,
      dueAt: minutesAfterNoon(5),
    });
    expect(await store.due('acme', minutesAfterNoon(5), 10)).toEqual(['007']);
    expect(await store.due('acme', minutesAfterNoon(4), 10)).toEqual([]);
    expect(await store.nextDue(null)).toBe(minutesAfterNoon(5));
    expect(await store.nextDue('acme')).toBe(minutesAfterNoon(5));
    expect(await store.nextDue('other')).toBeNull();
    expect(await store.suspected('acme', 10)).toEqual([{ key: '007', since: NOON }]);
    expect(await store.workerKeysOf('acme', ['007', '008'])).toEqual(new Map([['007', '007']]));
    expect(await store.audit.entriesOf('acme', '007')).toMatchObject([
      { seq: result.firstEntry, at: NOON, kind: 'decision', actor: 'feed', personal: { name: 'Name of 007' } },
    ]);
    expect(await store.targetsOf('acme')).toEqual(['idp']);
  });

  it('knows nothing of workers of another connection, nor of one nobody has written about', async () => {
    const { store } = await heldStore(undefined, mode);
    await store.commit(acme({ workers: [aChange('1')] }));
    await store.commit({ connection: 'other', at: NOON, workers: [] });
    expect((await store.situations('other', ['1'])).size).toBe(0);
    expect((await store.situations('never', ['1'])).size).toBe(0);
    expect(await store.population('never')).toEqual({ workers: 0, active: 0 });
  });

  it('refuses a worker whose revision is another one, and writes nothing of that changeset', async () => {
    const { store } = await heldStore(undefined, mode);
    await store.commit(acme({ workers: [aChange('1'), aChange('2')] }));
    await store.commit(acme({ workers: [aLaterChange('1', 1)] }));
    const entries = (await store.overview()).entries;
    const stale = acme({
      workers: [aLaterChange('2', 1, { entries: [aDecision('2')] }), aLaterChange('1', 1), aChange('3')],
      settings: { touched: true },
      cycle: { id: 1, connection: 'acme', startedAt: NOON, finishedAt: null, state: 'running', summary: {} },
    });
    expect(await store.commit(stale)).toEqual({ kind: 'conflict', workers: ['1'], names: [] });
    expect((await situation(store, '2'))?.revision).toBe(1);
    expect(await situation(store, '3')).toBeUndefined();
    expect(await store.setting('touched')).toBeNull();
    expect(await store.cycles(null, 5)).toEqual([]);
    expect((await store.overview()).entries).toBe(entries);
  });

  it('refuses somebody new who is known already, and somebody known who is not there', async () => {
    const { store } = await heldStore(undefined, mode);
    await store.commit(acme({ workers: [aChange('1')] }));
    expect(await store.commit(acme({ workers: [aChange('1')] }))).toMatchObject({ kind: 'conflict', workers: ['1'] });
    expect(await store.commit(acme({ workers: [aLaterChange('9', 3)] }))).toMatchObject({ workers: ['9'] });
  });

  it('gives one userName to one worker at a target, whatever its case or composition, and for ever', async () => {
    const { store } = await heldStore(undefined, mode);
    const named = (userName: string, target = 'idp') => [anAccount('x', { userName, target })];
    await store.commit(acme({ workers: [aChange('1', { accounts: named('Zoë@example.com') })] }));
    const composed = 'ZOË@EXAMPLE.COM'.normalize('NFD');
    expect(await store.commit(acme({ workers: [aChange('2', { accounts: named(composed) })] }))).toEqual({
      kind: 'conflict',
      workers: [],
      names: [{ target: 'idp', userName: composed }],
    });
    // The first renames; the old name stays theirs, and they may go back to it.
    applied(await store.commit(acme({ workers: [aLaterChange('1', 1, { accounts: named('zoe@example.com') })] })));
    expect((await store.commit(acme({ workers: [aChange('2', { accounts: named('zoë@example.com') })] }))).kind).toBe(
      'conflict',
    );
    applied(await store.commit(acme({ workers: [aLaterChange('1', 2, { accounts: named('zoë@example.com') })] })));
    const elsewhere = aChange('2', { accounts: named('zoë@example.com', 'other'), operations: [] });
    applied(await store.commit(acme({ workers: [elsewhere] })));
    expect(await store.takenNames('idp', ['ZOE@example.com', composed, 'free@example.com'])).toEqual(
      new Map([
        ['zoe@example.com', { connection: 'acme', workerKey: '1' }],
        ['zoë@example.com', { connection: 'acme', workerKey: '1' }],
      ]),
    );
  });

  it('finds two workers of one changeset who want the same name', async () => {
    const { store } = await heldStore(undefined, mode);
    const both = ['1', '2'].map((key) =>
      aChange(key, { accounts: [anAccount(key, { userName: 'same@example.com' })] }),
    );
    expect(await store.commit(acme({ workers: both }))).toEqual({
      kind: 'conflict',
      workers: [],
      names: [{ target: 'idp', userName: 'same@example.com' }],
    });
    expect(await situation(store, '1')).toBeUndefined();
  });

  it('moves an employment to the worker it belongs to now', async () => {
    const { store } = await heldStore(undefined, mode);
    await store.commit(acme({ workers: [aChange('1'), aChange('2')] }));
    await store.commit(
      acme({
        workers: [
          aLaterChange('1', 1, { employments: [anEmployment('1'), anEmployment('2', { personId: '1' })] }),
          aLaterChange('2', 1),
        ],
      }),
    );
    expect((await situation(store, '1'))?.employments.map(({ id }) => id)).toEqual(['1', '2']);
    expect((await situation(store, '2'))?.employments).toEqual([]);
    expect(await store.workerKeysOf('acme', ['2'])).toEqual(new Map([['2', '1']]));
  });

  it('supersedes what was not sent yet with an entry each, and refuses to supersede what was claimed meanwhile', async () => {
    const { store } = await heldStore(undefined, mode);
    const first = applied(
      await store.commit(
        acme({
          workers: [
            aChange('1', { operations: [anOperation('1'), anOperation('1', { kind: 'update', lane: 'mover' })] }),
          ],
        }),
      ),
    );
    const [create = 0, update = 0] = first.operationIds;
    expect((await store.claim('idp', { lanes: ['joiner'], limit: 5, now: NOON })).map(({ id }) => id)).toEqual([
      create,
    ]);
    const newer = anOperation('1', { kind: 'disable', lane: 'leaver', transition: 'leaver' });
    // Whoever planned this believed that the create had not left: what it orders may not fit any more.
    const outdated = aLaterChange('1', 1, { supersedes: [create, update], operations: [newer] });
    expect(await store.commit(acme({ workers: [outdated] }))).toEqual({ kind: 'conflict', workers: ['1'], names: [] });
    expect(await store.audit.tail(5, { kinds: ['superseded'] })).toEqual([]);
    const second = applied(
      await store.commit(acme({ workers: [aLaterChange('1', 1, { supersedes: [update], operations: [newer] })] })),
    );
    const open = (await situation(store, '1'))?.operations;
    expect(open?.map(({ id, state }) => ({ id, state }))).toEqual([
      { id: create, state: 'sending' },
      { id: second.operationIds[0], state: 'queued' },
    ]);
    expect(await store.audit.tail(5, { kinds: ['superseded'] })).toMatchObject([
      { workerKey: '1', actor: 'daemon', body: { operation: update, target: 'idp', kind: 'update', state: 'queued' } },
    ]);
    const everything = await store.operations({ workerKey: '1', states: ['superseded'], limit: 5 });
    expect(everything.map(({ id }) => id)).toEqual([update]);
  });

  it('refuses the result of an operation that has ended meanwhile', async () => {
    const { store } = await heldStore(undefined, mode);
    const { operationIds } = applied(await store.commit(acme({ workers: [aChange('1')] })));
    const [id = 0] = operationIds;
    await store.commit(acme({ workers: [aLaterChange('1', 1, { supersedes: [id] })] }));
    expect(await store.commit(acme({ results: [aResult(id)] }))).toEqual({
      kind: 'conflict',
      workers: ['1'],
      names: [],
    });
  });

  it('keeps an operation that planning refused as failed, with its outcome, and never sends it', async () => {
    const { store } = await heldStore(undefined, mode);
    const refused = { ...DONE, class: 'permanent', status: null, code: 'two-matches' } as const;
    await store.commit(
      acme({
        workers: [aChange('1', { operations: [anOperation('1', { refused }), anOperation('1', { kind: 'update' })] })],
      }),
    );
    const claimed = await store.claim('idp', { lanes: ['joiner'], limit: 5, now: NOON });
    expect(claimed.map(({ kind }) => kind)).toEqual(['update']);
    expect(await store.operations({ states: ['failed'], limit: 5 })).toMatchObject([{ lastOutcome: refused }]);
  });

  it('replaces rejections, keeps checkpoint, cycles and settings', async () => {
    const { store } = await heldStore(undefined, mode);
    const rejection = (key: string) => ({
      key,
      code: 'no-id',
      reason: 'no id',
      column: null,
      place: { record: 3 },
      saysTerminated: false,
    });
    const checkpoint = {
      deliveryId: 'a',
      name: 'a.csv',
      contentDigest: 'c',
      contextDigest: 'x',
      asOf: NOON,
      readAt: NOON,
      rows: 2,
      complete: false,
      columns: ['id', 'name'],
    };
    const first = await store.newCycleId();
    const second = await store.newCycleId();
    expect(second).not.toBe(first);
    const cycle = {
      id: first,
      connection: 'acme',
      startedAt: NOON,
      finishedAt: null,
      state: 'running',
      summary: {},
    } as const;
    await store.commit(acme({ rejections: [rejection('1'), rejection('2')], checkpoint, cycle }));
    const done = { ...cycle, finishedAt: NOON, state: 'done', summary: { rows: 2 } } as const;
    await store.commit(acme({ rejections: [rejection('3')], cycle: done, settings: { a: [1, 'x'] } }));
    expect(await store.rejections('acme', 10)).toEqual([rejection('3')]);
    expect(await store.checkpoint('acme')).toEqual(checkpoint);
    expect(await store.lastGoodColumns('acme')).toEqual(['id', 'name']);
    expect(await store.cycles('acme', 10)).toEqual([done]);
    expect(await store.setting('a')).toEqual([1, 'x']);
  });
});

/** Transactions in the write-ahead log: frames that carry the database's size (SQLite file format, section 4.1). */
function commitsInLog(dir: string): number {
  const log = readFileSync(join(dir, 'rollcall.db-wal'));
  const frame = 24 + log.readUInt32BE(8);
  const salts = log.subarray(16, 24);
  let commits = 0;
  for (let at = 32; at + frame <= log.length; at += frame) {
    if (!log.subarray(at + 8, at + 16).equals(salts)) break;
    if (log.readUInt32BE(at + 4) !== 0) commits += 1;
  }
  return commits;
}

describe.each(WAYS)('commits of one tick %s', (_, mode) => {
  it('share one transaction, and each has its own result', async () => {
    const { dir, store } = await heldStore(undefined, mode);
    await store.commit(acme({ workers: [aChange('0')] }));
    const before = commitsInLog(dir);
    const results = await Promise.all([
      store.commit(acme({ workers: [aChange('1')] })),
      store.commit(acme({ workers: [aLaterChange('0', 9)] })),
      store.commit(acme({ workers: [aChange('2')] })),
    ]);
    expect(commitsInLog(dir) - before).toBe(1);
    expect(results.map(({ kind }) => kind)).toEqual(['applied', 'conflict', 'applied']);
    expect([...(await store.situations('acme', ['1', '2'])).keys()]).toEqual(['1', '2']);
  });

  it('see each other in the order in which they were asked for', async () => {
    const { store } = await heldStore(undefined, mode);
    const results = await Promise.all([
      store.commit(acme({ workers: [aChange('1')] })),
      store.commit(acme({ workers: [aLaterChange('1', 1)] })),
      store.commit(acme({ workers: [aLaterChange('1', 1)] })),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(['applied', 'applied', 'conflict']);
  });

  it('are spared when one of them is a bug: only that one is refused', async () => {
    const { store } = await heldStore(undefined, mode);
    const twice = acme({ workers: [aChange('9'), aChange('9')] });
    const [good, bad, alsoGood] = await Promise.allSettled([
      store.commit(acme({ workers: [aChange('1')] })),
      store.commit(twice),
      store.commit(acme({ workers: [aChange('2')] })),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled', value: { kind: 'applied' } });
    expect(alsoGood).toMatchObject({ status: 'fulfilled', value: { kind: 'applied' } });
    expect(bad.status).toBe('rejected');
    expect((await store.situations('acme', ['1', '2', '9'])).size).toBe(2);
    expect((await store.audit.verify()).ok).toBe(true);
    // A new connection and target named in the undone transaction are given their numbers anew.
    expect(await store.population('acme')).toEqual({ workers: 2, active: 2 });
  });

  it('of many workers are cut into several transactions, so that the event loop runs in between', async () => {
    const { dir, store } = await heldStore(undefined, mode);
    const before = commitsInLog(dir);
    await Promise.all(
      Array.from({ length: 1_500 }, (_, index) => store.commit(acme({ workers: [aChange(`w${index}`)] }))),
    );
    const commits = commitsInLog(dir) - before;
    expect(commits).toBeGreaterThan(2);
    expect(commits).toBeLessThan(20);
  });
});

describe.each(WAYS)('a reader of the same file %s', (_, mode) => {
  it('never sees half a changeset', async () => {
    const { dir, store } = await heldStore(undefined, mode);
    const reader = new BetterSqlite3(join(dir, 'rollcall.db'), { readonly: true });
    const writing = store.commit(acme({ workers: Array.from({ length: 150 }, (_, index) => aChange(`w${index}`)) }));
    const seen = new Set<string>();
    const look = () => {
      const row = reader
        .prepare('SELECT (SELECT count(*) FROM workers) AS w, (SELECT count(*) FROM operations) AS o')
        .get();
      seen.add(JSON.stringify(row));
    };
    look();
    await writing;
    look();
    reader.close();
    expect([...seen]).toEqual(['{"w":0,"o":0}', '{"w":150,"o":150}']);
  });
});
