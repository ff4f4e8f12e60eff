// Why nothing happened: each case through the real house, then explained from a copy of the database alone.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Because, explain, explainUnknown } from '../../src/pipeline/explain.ts';
import { performAct } from '../../src/pipeline/operator.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { openStore } from '../../src/store/store.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SCOPED = mappingText({ 'tables:': 'scope: worker.department != "Board"\ntables:' });
const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((one) => (one.id === id ? { ...one, ...change } : one));

/** Explained by somebody who has nothing but the file of the database. */
async function explained(test: TestHouse, id: string) {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-copy-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const sql = new BetterSqlite3(join(test.stateDir, 'rollcall.db'), { readonly: true });
  sql.exec(`VACUUM INTO '${join(dir, 'rollcall.db')}'`);
  sql.close();
  const now = nowOf(test.clock);
  await using store = await openStore({
    dir,
    mode: 'read',
    now: () => now,
    randomBytes: (length) => new Uint8Array(length),
  });
  const situation = (await store.situations('acme', [id])).get(id);
  if (situation === undefined) return { because: (await explainUnknown(store, id, ['acme'], now)).because };
  return await explain(store, 'acme', situation, now);
}

const codes = ({ because }: { readonly because: readonly Because[] }): readonly string[] =>
  because.map(({ code }) => code);
async function reason(test: TestHouse, id: string, code: string): Promise<Because> {
  const told = await explained(test, id);
  const one = told.because.find((because) => because.code === code);
  expect(codes(told)).toContain(code);
  return one as Because;
}

async function at(people: readonly Person[], mapping = SCOPED): Promise<TestHouse> {
  const test = await openTestHouse({ mapping });
  await test.sync(feed(people));
  return test;
}

describe('rollcall explain answers why nothing happened', () => {
  it('to somebody whose record was never there, and says what was read', async () => {
    const test = await at(crowd(3));
    expect((await reason(test, '0042', 'unknown')).sentence).toContain('leading zeros count');
  });

  it('to somebody whose record was rejected, whether or not they were known before', async () => {
    const people = crowd(30);
    const test = await at(people);
    await test.sync(feed([...changed(people, '1001', { start: 'soon' }), { id: 'new', status: 'X' }]));
    expect((await reason(test, '1001', 'rejected')).sentence).toContain('What was known before stays');
    expect((await reason(test, 'new', 'rejected')).sentence).toContain('line 32');
  });

  it('to somebody out of scope', async () => {
    const test = await at([...crowd(3), { id: 'chair', dept: 'Board' }]);
    await reason(test, 'chair', 'out-of-scope');
  });

  it('to somebody whose first day, and somebody whose last day, lies ahead', async () => {
    const test = await at([
      ...crowd(30),
      { id: 'later', start: '2027-03-01', status: 'P' },
      { id: 'goes', end: '2027-01-31' },
    ]);
    expect((await reason(test, 'later', 'waits-for-start')).sentence).toContain('expected → preboarding');
    expect((await reason(test, 'goes', 'waits-for-date')).sentence).toContain('active → ');
  });

  it('to somebody whom a guard holds, and after that was set aside', async () => {
    const people = crowd(30);
    const test = await at(people);
    test.deliver(feed(people.map((one) => ({ ...one, title: 'Duke' }))));
    expect((await test.cycle()).kind).toBe('held');
    const held = await reason(test, '1004', 'held');
    expect(held.sentence).toContain('change title');
    expect(held.command).toMatch(/^rollcall approve [0-9a-f]{12} --reason/);
    const [hold] = await test.house.store.holds('acme');
    await test.act('discard', { digest: hold?.digest ?? '' });
    await reason(test, '1004', 'discarded');
  });

  it('to somebody whom deliveries do not hold any more', async () => {
    const people = crowd(30);
    const test = await at(people);
    await test.sync(feed(people.filter(({ id }) => id !== '1004')));
    expect((await reason(test, '1004', 'absent')).sentence).toContain('absent from deliveries since');
  });

  it('to somebody whom an emergency leave keeps out', async () => {
    const test = await at(crowd(3));
    await test.act('leave', { worker: '1001' });
    await test.settle(MINUTE);
    expect((await reason(test, '1001', 'blocked-sticky')).command).toBe('rollcall lift 1001 --reason "…"');
  });

  it('to somebody whose manager has no account yet', async () => {
    const test = await at([...crowd(3), { id: 'report', manager: 'boss' }]);
    expect((await reason(test, 'report', 'waits-for-manager')).command).toBe('rollcall explain boss');
  });

  it('to somebody whom the target refuses, and after that was set aside', async () => {
    const people = crowd(30);
    const test = await at(people);
    test.idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 400, body: '{"detail":"too long"}' } });
    await test.sync(feed(changed(people, '1004', { title: 'Duke' })));
    const failed = await reason(test, '1004', 'failed');
    expect(failed.sentence).toContain('too long');
    expect(failed.command).toMatch(/^rollcall replay --cause [0-9a-f]{8} --connection acme/);
    const [operation] = await test.house.store.operations({ workerKey: '1004', states: ['failed'], limit: 1 });
    const args = { operations: [operation?.id ?? 0] };
    await performAct(test.house, {
      kind: 'skip',
      args,
      reason: 'tomorrow',
      by: 'oncall',
      osUser: 'x',
      channel: 'test',
    });
    expect((await reason(test, '1004', 'skipped')).sentence).toContain('set aside by oncall');
  });

  it('to somebody whose target is stopped, or down', async () => {
    const people = crowd(30);
    const test = await at(people);
    await test.act('stop-writes', { target: 'idp' });
    await test.sync(feed(people.map((one, index) => (index < 5 ? { ...one, title: 'Duke' } : one))));
    expect((await reason(test, '1004', 'stopped')).command).toBe('rollcall resume-writes --target idp --reason "…"');
    await test.act('resume-writes', { target: 'idp' });
    test.idp.behaviours.add({ act: { kind: 'answer', status: 503 } });
    await using shift = await test.shift();
    await shift.pass(5 * MINUTE);
    await reason(test, '1004', 'target-down');
  });

  it('where the last delivery was refused, or nothing was read for a day', async () => {
    const test = await at(crowd(30));
    test.deliver('Nonsense\n1\n');
    await test.cycle();
    await reason(test, '1004', 'feed-refused');
    test.clock.advance(50 * HOUR);
    expect((await reason(test, '1004', 'unread')).sentence).toContain('2 day(s) ago');
  });

  it('where the whole delivery is held', async () => {
    const people = crowd(60);
    const test = await at(people);
    test.deliver(feed(people.slice(0, 20)));
    await test.cycle();
    await reason(test, '1050', 'feed-held');
  });

  it('to somebody on leave of absence, and to somebody of whom nothing is to be done', async () => {
    const test = await at([...crowd(30), { id: 'away', status: 'L' }]);
    await reason(test, 'away', 'on-leave');
    expect(codes(await explained(test, '1004'))).toEqual(['as-it-shall-be']);
  });
});

describe('rollcall explain', () => {
  it('tells which expression gave each value and which rule gave each group, by the archived mapping', async () => {
    const mapping = mappingText({
      '- { name: \'"All staff"\', authority: full, create: true }':
        '- { name: \'"All staff"\', authority: full, create: true }\n      - { name: \'"Dept " + worker.department\', create: true }\n      - { name: \'"Bosses"\', when: worker.title == "Boss", create: true }',
    });
    const test = await at([...crowd(3), { id: 'none', dept: '' }], mapping);
    const told = await explained(test, '1001');
    if (!('targets' in told)) throw new Error('1001 is not known');
    expect(told.attributes).toContainEqual({
      name: 'status',
      expression: 'lookup("status", record.Status)',
      value: 'active',
    });
    expect(told.attributes).toContainEqual({ name: 'department', expression: 'record.Dept', value: 'Sales' });
    const [target] = told.targets;
    expect(target?.trace.values).toContainEqual({
      path: 'title',
      expression: 'worker.title',
      value: 'Clerk',
      because: '',
    });
    expect(target?.trace.groups.map(({ group, because }) => [group, because])).toEqual([
      ['All staff', ''],
      ['Dept Sales', ''],
      ['', 'its condition is false'],
    ]);
    expect(told.entries.some(({ kind }) => kind === 'decision')).toBe(true);
    expect(codes(await explained(test, 'none'))).toContain('group-blank');
  });

  it('has every code of its answers in the docs', () => {
    const docs = readFileSync(new URL('../../docs/why-nothing-happened.md', import.meta.url), 'utf8');
    const source = readFileSync(new URL('../../src/pipeline/explain.ts', import.meta.url), 'utf8');
    const used = [...source.matchAll(/code: '([a-z-]+)'|say\('([a-z-]+)'/g)].map(([, one, two]) => one ?? two ?? '');
    const known = new Set([...docs.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code));
    expect(used.length).toBeGreaterThan(12);
    for (const code of used) expect(known).toContain(code);
  });
});
