// Names of laid-out workers are reserved some thousands at once. Until then whoever writes sees them all the same, and a process that
// dies before loses none of them.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { LaidOut } from '../../src/planning/changeset.ts';
import { Shelf } from '../../src/runtime/shelf.ts';
import { Spool } from '../../src/runtime/spool.ts';
import { lateNamesOf } from '../../src/store/late-names.ts';
import { changeText } from '../../src/store/store.ts';
import { openWriting } from '../../src/store/writing.ts';
import {
  aChange,
  aLaterChange,
  anAccount,
  anEmployment,
  anOperation,
  countingBytes,
  type HeldStore,
  heldStore,
  NOON,
  tempFolder,
  WAYS,
} from '../support/store.ts';

const joiner = (key: string, userName = `${key}@example.com`) =>
  aChange(key, {
    employments: [anEmployment(key)],
    accounts: [anAccount(key, { userName })],
    operations: [anOperation(key)],
  });

function packed(dir: string, changes: readonly ReturnType<typeof joiner>[]) {
  using spool = new Spool(dir);
  const slots = changes.map((change) => spool.add(changeText(change)));
  return spool.packed(slots, new Shelf());
}

const CONTEXT = { connection: 'acme', at: NOON };
const somebody = { ...CONTEXT, workers: [aChange('somebody')] };
const NAMES = ['zoe@example.com', 'Łukasz@example.com', 'ada@example.com'];
const THREE = NAMES.map((name, index) => joiner(`w${index}`, name));

/** Three who are laid out and stored; nothing has been put away. */
async function placed(held: HeldStore): Promise<LaidOut> {
  await held.store.commit(somebody);
  const laid = await held.store.layOut(NOON, packed(held.dir, THREE));
  if (laid === null) throw new Error('these workers are plain');
  expect(await held.store.commit({ ...CONTEXT, laidOut: laid })).toMatchObject({ kind: 'applied' });
  return laid;
}

function reservedIn(dir: string): readonly string[] {
  const database = new BetterSqlite3(join(dir, 'rollcall.db'), { readonly: true });
  try {
    return database.prepare('SELECT folded FROM reserved_names ORDER BY folded').pluck().all() as string[];
  } finally {
    database.close();
  }
}
const FOLDED = ['ada@example.com', 'zoe@example.com', 'łukasz@example.com'];
const all = (...more: string[]) => [...FOLDED, 'somebody@example.com', ...more].sort();

describe.each(WAYS)('names of workers who were laid out, %s', (_, way) => {
  it('are reserved once the load is put away', async () => {
    const held = await heldStore(undefined, way);
    const laid = await placed(held);
    expect(reservedIn(held.dir)).toEqual(['somebody@example.com']);
    await held.store.putAway([laid]);
    expect(reservedIn(held.dir).toSorted()).toEqual(all());
  });

  it('are nobody else’s from the moment on in which their workers are stored', async () => {
    const held = await heldStore(undefined, way);
    await placed(held);
    const other = joiner('other', 'ŁUKASZ@example.com');
    expect(await held.store.commit({ ...CONTEXT, workers: [other] })).toEqual({
      kind: 'conflict',
      workers: [],
      names: [{ target: 'idp', userName: 'ŁUKASZ@example.com' }],
    });
    const elsewhere = await held.store.layOut(NOON, packed(held.dir, [joiner('9', 'zoe@example.com')]));
    expect(await held.store.commit({ connection: 'globex', at: NOON, laidOut: elsewhere as LaidOut })).toMatchObject({
      kind: 'conflict',
      names: [{ target: 'idp', userName: 'zoe@example.com' }],
    });
  });

  it('are reserved before anybody else is given a name, so that a new name takes the place of none', async () => {
    const held = await heldStore(undefined, way);
    await placed(held);
    const accounts = [anAccount('w0', { userName: 'new@example.com' })];
    const renamed = aLaterChange('w0', 1, { accounts });
    expect(await held.store.commit({ ...CONTEXT, workers: [renamed] })).toMatchObject({ kind: 'applied' });
    expect(reservedIn(held.dir).toSorted()).toEqual(all('new@example.com'));
  });

  it('are reserved when the store is closed', async () => {
    const held = await heldStore(undefined, way);
    await placed(held);
    await held.store.close();
    expect(reservedIn(held.dir).toSorted()).toEqual(all());
  });

  it('are made up for by the next start when the process died', async () => {
    const held = await heldStore(undefined, way);
    await placed(held);
    const copy = tempFolder();
    // What a dead process leaves: the database and its log.
    for (const file of ['rollcall.db', 'rollcall.db-wal']) cpSync(join(held.dir, file), join(copy, file));
    const again = await heldStore(copy, way);
    expect(reservedIn(copy).toSorted()).toEqual(all());
    await again.store.close();
    const third = await heldStore(copy, way);
    expect(await third.store.setting('names.lateFrom')).toBeNull();
  });
});

it('names are reserved as soon as so many wait, and wait again when what stored them is undone', () => {
  const dir = tempFolder();
  const { sql, rooms } = openWriting({ dir, mode: 'write', now: () => NOON, randomBytes: countingBytes() });
  sql.pragma('foreign_keys = OFF');
  sql.exec('DROP TABLE temp.late_names');
  const late = lateNamesOf(sql, rooms.settings, 3);
  const put = (...names: readonly string[]): void =>
    late.take(() => {
      for (const name of names) sql.prepare('INSERT INTO temp.late_names VALUES (1, ?, 7)').run(name);
      return names.length;
    });
  sql.transaction(() => put('b', 'a'))();
  expect(late.holderOf(1, 'a')).toBe(7);
  expect(reservedIn(dir)).toEqual([]);
  const undone = sql.transaction(() => {
    put('c');
    expect(late.any()).toBe(false);
    throw new Error('undone');
  });
  expect(undone).toThrow('undone');
  late.afterRollback();
  expect([late.any(), late.holderOf(1, 'a'), late.holderOf(1, 'c')]).toEqual([true, 7, null]);
  expect(reservedIn(dir)).toEqual([]);
  sql.transaction(() => put('d'))();
  expect(late.any()).toBe(false);
  expect(reservedIn(dir)).toEqual(['a', 'b', 'd']);
  expect(rooms.settings.find('names.lateFrom')).toBeNull();
  sql.close();
});
