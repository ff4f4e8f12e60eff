// What is laid out beforehand must end as the very same rows as what is committed at once, and must not exist before.

import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { FingerprintChange, LaidOut, WorkerChange } from '../../src/planning/changeset.ts';
import { Shelf } from '../../src/runtime/shelf.ts';
import { Spool } from '../../src/runtime/spool.ts';
import { laidOutOf } from '../../src/store/laid-out.ts';
import { changeText } from '../../src/store/store.ts';
import { openWriting } from '../../src/store/writing.ts';
import {
  aChange,
  aDecision,
  aLaterChange,
  anAccount,
  anEmployment,
  anOperation,
  countingBytes,
  type HeldStore,
  heldStore,
  minutesAfterNoon,
  NOON,
  tempFolder,
  WAYS,
} from '../support/store.ts';

/** Everything but the salts and what they lead to: a thread draws its own. */
const ROWS = [
  ...[
    'workers',
    'employments',
    'accounts',
    'operations',
    'fingerprints',
    'fingerprint_generations',
    'reserved_names',
    'connection_targets',
    'tallies',
  ].map((table) => `* FROM ${table}`),
  "seq, worker, json_remove(body, '$.personal') FROM entries",
  'seq, body FROM personal',
];

function rowsIn(dir: string): unknown {
  const database = new BetterSqlite3(join(dir, 'rollcall.db'), { readonly: true });
  try {
    return ROWS.map((from) => database.prepare(`SELECT ${from} ORDER BY 1, 2`).all());
  } finally {
    database.close();
  }
}

interface Planned {
  readonly change: WorkerChange;
  readonly fingerprints: readonly FingerprintChange[];
}

const digestOf = (index: number): string => index.toString(16).padStart(32, '0');

/** Joiners as plans have them: some with a membership, some with two employments, with rows, personal values and scripts of all kinds. */
const PLANS: readonly Planned[] = Array.from({ length: 40 }, (_, index) => {
  const key = `w${index}`;
  const employments = [
    anEmployment(key, { attributes: { familyName: index % 3 === 0 ? 'Łukasz "李" \n' : 'Kim' } }),
    ...(index % 5 === 0 ? [anEmployment(`${key}b`)] : []),
  ];
  const group = { group: 'All', create: true, computed: false, authority: 'full' as const };
  const told = employments as unknown as readonly JsonObject[];
  const change = aChange(key, {
    employments,
    accounts: [anAccount(key, { managerOwed: index % 2 === 0 ? 'w1' : '' })],
    operations: [
      anOperation(key, index % 7 === 0 ? { notBefore: minutesAfterNoon(60) } : {}),
      ...(index % 4 === 0 ? [anOperation(key, { kind: 'addMember' as const, payload: group })] : []),
    ],
    entries: [index % 6 === 0 ? aDecision(key) : aDecision(key, { personal: { employments: told } })],
    dueAt: index % 9 === 0 ? minutesAfterNoon(600) : null,
  });
  const fingerprints = employments.map(({ id }, which) => ({
    employmentId: id,
    digests: [digestOf(2 * index + which)],
    marks: [index],
  }));
  return { change, fingerprints };
});

function packed(dir: string, plans: readonly Planned[]) {
  using spool = new Spool(dir);
  const slots = plans.map(({ change, fingerprints }) => spool.add(changeText(change, fingerprints)));
  return spool.packed(slots, new Shelf());
}

const CONTEXT = { connection: 'acme', at: NOON, fingerprintContext: 'context' };
const somebody = { connection: 'acme', at: NOON, workers: [aChange('somebody')] };

async function laidOut({ dir, store }: HeldStore, plans: readonly Planned[]): Promise<LaidOut> {
  const laid = await store.layOut(NOON, packed(dir, plans));
  if (laid === null) throw new Error('these workers are plain');
  return laid;
}

describe.each(WAYS)('workers laid out beforehand, %s', (_, way) => {
  it('are stored as the very rows that they become when they are committed at once', async () => {
    const [one, other] = [await heldStore(tempFolder(), way), await heldStore(tempFolder(), way)];
    for (const { store } of [one, other]) await store.commit(somebody);
    const slices = [PLANS.slice(0, 25), PLANS.slice(25)];
    const laid = [];
    for (const plans of slices) laid.push(await laidOut(one, plans));
    const ids = [];
    for (const slice of laid) ids.push(await one.store.commit({ ...CONTEXT, laidOut: slice }));
    const expected = [];
    for (const plans of slices)
      expected.push(await other.store.commit({ ...CONTEXT, packed: packed(other.dir, plans) }));
    expect(ids).toEqual(expected);
    expect(rowsIn(one.dir)).toEqual(rowsIn(other.dir));
    expect(await one.store.audit.verify()).toMatchObject({ ok: true, entries: 41 });
    expect((await one.store.knownRows('acme', 'context')).indexesOf('w7')).toHaveLength(1);
    await one.store.putAway(laid);
  });

  it('have their names from the moment on in which they are stored, for whoever only reads as well', async () => {
    const held = await heldStore(undefined, way);
    await held.store.commit(somebody);
    const laid = await laidOut(held, PLANS);
    const { userName } = anAccount('w4');
    expect((await held.store.takenNames('idp', [userName])).size).toBe(0);
    await held.store.commit({ ...CONTEXT, laidOut: laid });
    expect((await held.store.takenNames('idp', [userName])).get(userName)).toMatchObject({ workerKey: 'w4' });
  });

  it('are seen by nobody, hold up nobody, and leave nothing when they are put away', async () => {
    const held = await heldStore(undefined, way);
    const { dir, store } = held;
    await store.commit(somebody);
    const before = rowsIn(dir);
    const laid = await laidOut(held, PLANS);
    expect(rowsIn(dir)).toEqual(before);
    expect(readdirSync(dir).filter((name) => name.startsWith('.plan-'))).toEqual([]);
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('other')] });
    await store.putAway([laid]);
    expect((await store.situations('acme', ['w0', 'w39'])).size).toBe(0);
    // What was put away cannot come back: its workers are to be stored in the ordinary way.
    expect(await store.commit({ ...CONTEXT, laidOut: laid })).toEqual({ kind: 'conflict', workers: [], names: [] });
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 2 });
    const again = await laidOut(held, PLANS);
    expect(await store.commit({ ...CONTEXT, laidOut: again })).toMatchObject({ kind: 'applied' });
  });

  it('follow what others stored meanwhile in the chain of the audit and in their numbers', async () => {
    const held = await heldStore(undefined, way);
    const { store } = held;
    await store.commit(somebody);
    const laid = await laidOut(held, PLANS);
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('other')] });
    expect(await store.commit({ ...CONTEXT, laidOut: laid })).toMatchObject({ kind: 'applied', firstEntry: 3 });
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 42 });
    const [entry] = await store.audit.entriesOf('acme', 'w3');
    const [operation] = await store.operations({ connection: 'acme', workerKey: 'w3', limit: 10 });
    expect(entry).toMatchObject({ seq: 6, workerKey: 'w3' });
    expect(operation).toMatchObject({ workerKey: 'w3', kind: 'create', state: 'queued' });
    expect((await store.situations('acme', ['w5'])).get('w5')?.employments.map(({ id }) => id)).toEqual(['w5', 'w5b']);
  });

  it.each([
    ['a worker', aChange('w3', { employments: [], accounts: [], operations: [] }), { workers: ['w3'], names: [] }],
    [
      'an employment',
      aChange('x', { employments: [anEmployment('w5b')], accounts: [], operations: [] }),
      { workers: ['w5'], names: [] },
    ],
    [
      'a name',
      aChange('x', { accounts: [anAccount('x', { userName: anAccount('w4').userName.toUpperCase() })] }),
      { workers: [], names: [{ target: 'idp', userName: anAccount('w4').userName }] },
    ],
  ])('are refused whole when %s of theirs came meanwhile, and write nothing', async (_what, change, inTheWay) => {
    const held = await heldStore(undefined, way);
    const { dir, store } = held;
    await store.commit(somebody);
    const laid = await laidOut(held, PLANS);
    await store.commit({ connection: 'acme', at: NOON, workers: [change] });
    const before = rowsIn(dir);
    expect(await store.commit({ ...CONTEXT, laidOut: laid })).toEqual({ kind: 'conflict', ...inTheWay });
    expect(rowsIn(dir)).toEqual(before);
  });

  it('do not take a name that is withheld from everybody', async () => {
    const held = await heldStore(undefined, way);
    const { dir, store } = held;
    await store.commit(somebody);
    const laid = await laidOut(held, PLANS);
    const { userName } = anAccount('w4');
    const taken = anAccount('x', { userName, remoteId: 'r1' });
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aChange('x', { accounts: [taken], operations: [] })],
    });
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aLaterChange('x', 1)],
      unpaired: { target: 'idp', workerKey: 'x', remoteId: 'r1' },
    });
    const before = rowsIn(dir);
    expect(await store.commit({ ...CONTEXT, laidOut: laid })).toEqual({
      kind: 'conflict',
      workers: [],
      names: [{ target: 'idp', userName }],
    });
    expect(rowsIn(dir)).toEqual(before);
  });

  it('are committed at once where there is no room for the file, and laid out again when there is', async () => {
    const held = await heldStore(undefined, way);
    const { dir, store } = held;
    await store.commit(somebody);
    const bytes = packed(dir, PLANS);
    renameSync(dir, `${dir}-away`);
    try {
      expect(await store.layOut(NOON, bytes)).toBeNull();
    } finally {
      renameSync(`${dir}-away`, dir);
    }
    // Of one plan nothing more is tried.
    expect(await store.layOut(NOON, bytes)).toBeNull();
    await store.putAway([]);
    const laid = await laidOut(held, PLANS);
    expect(await store.commit({ ...CONTEXT, laidOut: laid })).toMatchObject({ kind: 'applied' });
  });

  it.each([
    ['is on file', aLaterChange('w', 1)],
    ['has an account already', aChange('w', { accounts: [anAccount('w', { remoteId: 'r1' })] })],
    ['replaces an operation', aChange('w', { supersedes: [1] })],
    ['goes to a target that nobody has met', aChange('w', { accounts: [anAccount('w', { target: 'new' })] })],
  ])('are only those who are simply new: not one who %s', async (_what, change) => {
    const { dir, store } = await heldStore(undefined, way);
    await store.commit(somebody);
    const plans = [...PLANS.slice(0, 3), { change, fingerprints: [] }];
    expect(await store.layOut(NOON, packed(dir, plans))).toBeNull();
  });

  it('are not those whose row is to be judged again, nor two who share a name', async () => {
    const { dir, store } = await heldStore(undefined, way);
    await store.commit(somebody);
    const unsaid = { change: aChange('w'), fingerprints: [{ employmentId: 'w', digests: [] }] };
    expect(await store.layOut(NOON, packed(dir, [unsaid]))).toBeNull();
    const twins = ['a', 'b'].map((key) => ({
      change: aChange(key, { accounts: [anAccount(key, { userName: 'kim@example.com' })] }),
      fingerprints: [],
    }));
    expect(await store.layOut(NOON, packed(dir, twins))).toBeNull();
  });
});

it('what was laid out is given up as soon as storing it would leave too little room on the disk', () => {
  const dir = tempFolder();
  const { sql, rooms, writes } = openWriting({ dir, mode: 'write', now: () => NOON, randomBytes: countingBytes() });
  let free = 1e9;
  const rows = laidOutOf(sql, rooms, () => free);
  rooms.targets.idForWriting('idp');
  const first = rows.layOut(NOON, packed(dir, PLANS));
  if (first === null) throw new Error('there is room');
  expect(rows.inTheWay(1, first)).toEqual({ workers: [], names: [] });
  free = 128 * 1024 * 1024;
  expect(rows.layOut(NOON, packed(dir, PLANS))).toBeNull();
  // The room it took is free again, and its workers are stored in the ordinary way.
  expect(rows.inTheWay(1, first)).toBeNull();
  expect(sql.prepare("SELECT name FROM pragma_database_list WHERE name = 'laid'").all()).toEqual([]);
  expect(writes.writer.isUnknown()).toBe(false);
  sql.close();
});
