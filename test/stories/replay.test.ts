// On call: what failed is listed by cause, delivered again once the cause is gone, and never against newer facts.
import { describe, expect, it } from 'vitest';
import { type FailureFilter, groupFailures, readFailures } from '../../src/pipeline/failures.ts';
import { performAct } from '../../src/pipeline/operator.ts';
import { judgeReplay, planReplay, replayedWorkers } from '../../src/pipeline/replay.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { comes, crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const HOUR = 3_600_000;
const TOO_LONG = JSON.stringify({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
  status: '400',
  scimType: 'invalidValue',
  detail: 'title of "somebody" is too long',
});

const failuresOf = ({ house }: TestHouse) => readFailures(house.store, {}, nowOf(house.clock));
const causesOf = async (test: TestHouse) => groupFailures(await failuresOf(test));

async function act(test: TestHouse, kind: 'replay' | 'skip', operations: readonly number[], more = {}) {
  const args = { operations: [...operations], ...more };
  return performAct(test.house, { kind, args, reason: 'mended', by: 'oncall', osUser: 'oncall', channel: 'test' });
}

async function replayAll(test: TestHouse) {
  const ids = (await failuresOf(test)).map(({ operation }) => operation.id);
  const results = [];
  for (let from = 0; from < ids.length; from += 1_000) {
    results.push(await act(test, 'replay', ids.slice(from, from + 1_000)));
    await test.settle();
  }
  return results;
}

const refuseTitles = ({ idp }: TestHouse) =>
  idp.behaviours.add({
    body: /"(?:value|title)":"Vice President/,
    act: { kind: 'answer', status: 400, body: TOO_LONG },
  });

const promoted = (people: readonly Person[], ids: readonly string[]): readonly Person[] =>
  people.map((person) => (ids.includes(person.id) ? { ...person, title: `Vice President ${person.id}` } : person));

async function withAccounts(people: readonly Person[], mapping?: string): Promise<TestHouse> {
  const test = await openTestHouse(mapping === undefined ? {} : { mapping });
  await test.sync(feed(people));
  expect(test.idp.users.size).toBe(people.length);
  return test;
}

describe('failed transitions', () => {
  it('are one cause with the words of the target, however many people they are of', async () => {
    const people = crowd(60);
    const test = await withAccounts(people);
    refuseTitles(test);
    await comes(
      test,
      feed(
        promoted(
          people,
          people.map(({ id }) => id),
        ),
      ),
    );
    await test.settle();
    const [cause, ...others] = await causesOf(test);
    expect(others).toEqual([]);
    expect(cause).toMatchObject({
      workers: 60,
      leaver: false,
      what: [['mover update', 60]],
      cause: { target: 'idp', status: 400, code: 'invalidValue', words: 'title of … is too long' },
    });
  });

  it('of 3,000 people are replayed with one request each, and a second replay sends nothing', async () => {
    const people = crowd(3_000);
    const test = await openTestHouse();
    const lift = test.idp.behaviours.add({
      method: 'POST',
      path: '/Users',
      act: { kind: 'answer', status: 400, body: TOO_LONG },
    });
    await test.sync(feed(people));
    const failures = await failuresOf(test);
    expect(failures).toHaveLength(3_000);
    expect(await causesOf(test)).toHaveLength(1);
    lift();
    const before = test.idp.log.length;
    await replayAll(test);
    const sent = test.idp.log.slice(before).filter(({ path }) => path.startsWith('/Users'));
    expect(sent).toHaveLength(3_000);
    expect(new Set(sent.map(({ body }) => JSON.parse(body).externalId)).size).toBe(3_000);
    expect(await failuresOf(test)).toEqual([]);
    expect(await test.stage('1000')).toBe('active/settled');
    const after = test.idp.log.length;
    const again = await act(
      test,
      'replay',
      failures.slice(0, 1_000).map(({ operation }) => operation.id),
    );
    await test.settle();
    expect(again).toMatchObject({ ok: true, details: { ordered: [], workers: [] } });
    expect(test.idp.log).toHaveLength(after);
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });

  it('of 3,000 people do not take a leaver along who was rehired meanwhile', { timeout: 120_000 }, async () => {
    const people = crowd(3_000);
    const test = await withAccounts(people);
    const titles = refuseTitles(test);
    const disables = test.idp.behaviours.add({
      method: 'PATCH',
      body: /"active":false|"value":false/,
      act: { kind: 'answer', status: 400, body: TOO_LONG },
    });
    const ids = people.map(({ id }) => id).filter((id) => id !== '1003');
    const all = promoted(people, ids);
    await comes(test, feed(all.map((one) => (one.id === '1003' ? { ...one, status: 'T' } : one))));
    await test.settle(60_000);
    const failures = await failuresOf(test);
    expect(failures).toHaveLength(3_000);
    expect(failures.filter(({ leaver }) => leaver).map(({ operation }) => operation.workerKey)).toEqual(['1003']);
    test.clock.advance(HOUR);
    await comes(test, feed(all));
    await test.settle(60_000);
    titles();
    disables();
    const before = test.idp.log.length;
    const ordered = failures.map(({ operation }) => operation.id);
    for (let from = 0; from < ordered.length; from += 1_000)
      await act(test, 'replay', ordered.slice(from, from + 1_000));
    await test.settle(60_000);
    const sent = test.idp.log.slice(before).filter(({ method, path }) => method !== 'GET' && path.startsWith('/Users'));
    expect(sent).toHaveLength(2_999);
    expect(new Set(sent.map(({ path }) => path)).size).toBe(2_999);
    expect(test.idp.user('1003')?.active).toBe(true);
    expect(await test.stage('1003')).toBe('active/settled');
    expect(await failuresOf(test)).toEqual([]);
  });

  it('are found by connection, target, transition, cause, worker and age', async () => {
    const people = crowd(30);
    const test = await withAccounts(people);
    refuseTitles(test);
    test.idp.behaviours.add({
      method: 'POST',
      path: '/Users',
      act: { kind: 'answer', status: 403, body: TOO_LONG.replace('title', 'name') },
    });
    await comes(test, feed(promoted(people, ['1001', '1002'])));
    await test.settle();
    test.clock.advance(2 * HOUR);
    await comes(test, feed([...promoted(people, ['1001', '1002']), { id: '2000' }]));
    await test.settle();
    const found = async (filter: FailureFilter): Promise<readonly string[]> =>
      (await readFailures(test.house.store, filter, nowOf(test.clock))).map(({ operation }) => operation.workerKey);
    const causes = new Map((await failuresOf(test)).map(({ operation, cause }) => [operation.workerKey, cause.id]));
    expect(await found({})).toEqual(['1001', '1002', '2000']);
    expect(await found({ connection: 'acme' })).toHaveLength(3);
    expect(await found({ connection: 'other' })).toEqual([]);
    expect(await found({ target: 'idp' })).toHaveLength(3);
    expect(await found({ target: 'other' })).toEqual([]);
    expect(await found({ transition: 'mover' })).toEqual(['1001', '1002']);
    expect(await found({ transition: 'joiner' })).toEqual(['2000']);
    expect(await found({ cause: causes.get('1001') ?? '' })).toEqual(['1001', '1002']);
    expect(await found({ cause: (causes.get('2000') ?? '').slice(0, 4) })).toEqual(['2000']);
    expect(await found({ worker: '1002' })).toEqual(['1002']);
    expect(await found({ olderThanMs: HOUR })).toEqual(['1001', '1002']);
    expect(await found({ olderThanMs: 0 })).toHaveLength(3);
  });

  it('that newer facts have overtaken say which, and of which day', async () => {
    const people = crowd(30);
    const test = await withAccounts(people);
    test.idp.behaviours.add({
      method: 'PATCH',
      body: /"active":false|"value":false/,
      act: { kind: 'answer', status: 400, body: TOO_LONG },
    });
    await comes(test, feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'T' } : one))));
    await test.settle(60_000);
    const [failure] = await failuresOf(test);
    if (failure === undefined) throw new Error('the disable was refused');
    test.clock.advance(24 * HOUR);
    // Told before the rehire was delivered: the failure on file still is the disable.
    await comes(test, feed(people));
    using planned = await planReplay(test.house, test.live, [failure], 'operator');
    const [shown] = await replayedWorkers(test.house, planned, await judgeReplay(test.house, planned));
    expect(shown).toMatchObject({ worker: '1003', word: 'overtaken' });
    expect(shown?.because).toMatch(/^superseded by the \w+ of 2026-11-24$/);
  });

  it('that are replayed start with attempts of their own and keep the reason in the audit', async () => {
    const people = crowd(3);
    const test = await withAccounts(people);
    const lift = refuseTitles(test);
    await comes(test, feed(promoted(people, ['1001'])));
    await test.settle();
    const [failure] = await failuresOf(test);
    const first = await act(test, 'replay', [failure?.operation.id ?? 0]);
    await test.settle();
    const [again, ...others] = await failuresOf(test);
    expect(others).toEqual([]);
    expect(again?.operation.id).not.toBe(failure?.operation.id);
    expect(again?.operation).toMatchObject({ state: 'failed', attempts: 1, lane: 'replay', transition: 'mover' });
    expect(first).toMatchObject({ details: { ordered: [again?.operation.id] } });
    lift();
    await replayAll(test);
    expect(await test.stage('1001')).toBe('active/settled');
    const entries = await test.house.store.audit.entriesOf('acme', '1001');
    const acts = entries.filter(({ kind }) => kind === 'act');
    expect(acts.map(({ body, actor }) => [body.act, body.reason, body.came, actor])).toEqual([
      ['replay', 'mended', 'ordered', 'operator:oncall'],
      ['replay', 'mended', 'ordered', 'operator:oncall'],
    ]);
  });
});

describe('a replay', () => {
  it('does not disable a leaver who was rehired while the disable was refused', async () => {
    const people = crowd(30);
    const test = await withAccounts(people);
    const lift = test.idp.behaviours.add({
      method: 'PATCH',
      body: /"active":false|"value":false/,
      act: { kind: 'answer', status: 400, body: TOO_LONG },
    });
    await comes(test, feed(people.map((one) => (['1003', '1004'].includes(one.id) ? { ...one, status: 'T' } : one))));
    await test.settle(60_000);
    const failures = await failuresOf(test);
    expect(failures.map(({ operation, leaver }) => [operation.workerKey, operation.kind, leaver])).toEqual([
      ['1003', 'disable', true],
      ['1004', 'disable', true],
    ]);
    test.clock.advance(HOUR);
    await comes(test, feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'T' } : one))));
    await test.settle(60_000);
    lift();
    await act(
      test,
      'replay',
      failures.map(({ operation }) => operation.id),
    );
    await test.settle(60_000);
    expect(test.idp.user('1003')?.active).toBe(false);
    expect(test.idp.user('1004')?.active).toBe(true);
    expect([await test.stage('1003'), await test.stage('1004')]).toEqual(['left/settled', 'active/settled']);
  });

  it('makes no account for a joiner who has left meanwhile, and says what has overtaken it', async () => {
    const people = crowd(12);
    const test = await withAccounts(people.slice(0, 11));
    const lift = test.idp.behaviours.add({
      method: 'POST',
      path: '/Users',
      act: { kind: 'answer', status: 400, body: TOO_LONG },
    });
    await test.sync(feed(people));
    const failures = await failuresOf(test);
    expect(failures.map(({ operation }) => [operation.workerKey, operation.kind])).toEqual([['1011', 'create']]);
    test.clock.advance(HOUR);
    await comes(test, feed(people.map((one) => (one.id === '1011' ? { ...one, status: 'T' } : one))));
    await test.settle();
    lift();
    const result = await act(
      test,
      'replay',
      failures.map(({ operation }) => operation.id),
    );
    await test.settle();
    expect(result.ok).toBe(true);
    expect(test.idp.users.size).toBe(11);
    expect(await test.stage('1011')).toBe('left/settled');
  });

  it('sends what the mapping and the facts say now, not what was refused', async () => {
    const people = crowd(5);
    const test = await withAccounts(people);
    refuseTitles(test);
    await comes(test, feed(promoted(people, ['1002'])));
    await test.settle();
    const ids = (await failuresOf(test)).map(({ operation }) => operation.id);
    await test.restart(mappingText({ 'title: worker.title': 'title: \'"VP " + worker.id\'' }));
    const before = test.idp.log.length;
    await act(test, 'replay', ids);
    await test.settle();
    expect(test.idp.log.slice(before).filter(({ method }) => method === 'PATCH')).toHaveLength(1);
    expect(test.idp.user('1002')).toMatchObject({ title: 'VP 1002' });
  });

  it('is shown before it happens, and the showing stores and sends nothing', async () => {
    const people = crowd(5);
    const test = await withAccounts(people);
    refuseTitles(test);
    await comes(test, feed(promoted(people, ['1002'])));
    await test.settle();
    const failures = await failuresOf(test);
    const entries = (await test.house.store.audit.verify()).entries;
    const before = test.idp.log.length;
    using planned = await planReplay(test.house, test.live, failures, 'operator');
    const shown = await replayedWorkers(test.house, planned, await judgeReplay(test.house, planned));
    expect(shown).toMatchObject([{ worker: '1002', word: 'ordered', operations: [{ target: 'idp', kind: 'update' }] }]);
    expect((await test.house.store.audit.verify()).entries).toBe(entries);
    expect(test.idp.log).toHaveLength(before);
    expect(await failuresOf(test)).toHaveLength(1);
  });

  it('of something else than what had passed the guard meets the guard', async () => {
    const people = crowd(40);
    const test = await withAccounts(people);
    refuseTitles(test);
    await comes(
      test,
      feed(
        promoted(
          people,
          people.slice(0, 20).map(({ id }) => id),
        ),
      ),
    );
    await test.settle();
    const ids = (await failuresOf(test)).map(({ operation }) => operation.id);
    expect(ids).toHaveLength(20);
    await test.restart(mappingText({ 'title: worker.title': 'title: \'"Chief " + worker.title\'' }));
    const before = test.idp.writes().length;
    const result = await act(test, 'replay', ids);
    await test.settle();
    expect(result.message).toContain('held by a guard');
    expect(test.idp.writes()).toHaveLength(before);
    expect(await failuresOf(test)).toHaveLength(20);
  });

  it('of a disable that a rule forbids looks whether it was done by hand, and writes nothing', async () => {
    const people = crowd(30);
    const rule = { 'targets:': `protected: ['account.userName.startsWith("first1003.")']\ntargets:` };
    const test = await withAccounts(people, mappingText(rule));
    await comes(test, feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'T' } : one))));
    const again = async () => {
      const [failure] = await failuresOf(test);
      await act(test, 'replay', [failure?.operation.id ?? 0]);
      await test.settle();
    };
    const before = test.idp.writes().length;
    await again();
    expect(await causesOf(test)).toMatchObject([{ leaver: true, cause: { code: 'protected-account' } }]);
    const account = test.idp.user('1003');
    test.idp.users.set(String(account?.id), { ...account, active: false });
    await again();
    expect(await failuresOf(test)).toEqual([]);
    expect(await test.stage('1003')).toBe('left/settled');
    expect(test.idp.writes()).toHaveLength(before);
  });

  it('refuses what names nothing, too much, or nobody who answers for it', async () => {
    const test = await withAccounts(crowd(2));
    expect(await act(test, 'replay', [])).toMatchObject({ ok: false });
    expect(
      await act(
        test,
        'replay',
        Array.from({ length: 1_001 }, (_, at) => at + 1),
      ),
    ).toMatchObject({ ok: false });
    expect(await act(test, 'replay', [999])).toMatchObject({ ok: true, details: { ordered: [], notFailed: [999] } });
    const unsigned = { kind: 'replay', args: { operations: [1] }, reason: '', by: 'x', osUser: 'x', channel: 'test' };
    expect(await performAct(test.house, unsigned)).toMatchObject({ ok: false });
  });
});

describe('a failure that was set aside', () => {
  async function aside(hours = 24) {
    const people = crowd(5);
    const test = await withAccounts(people);
    refuseTitles(test);
    await comes(test, feed(promoted(people, ['1002'])));
    await test.settle();
    const [failure] = await failuresOf(test);
    const result = await act(test, 'skip', [failure?.operation.id ?? 0], { hours });
    expect(result.ok).toBe(true);
    return { test, people };
  }
  const isAside = async (test: TestHouse) => (await failuresOf(test)).map(({ skip }) => skip?.by ?? null);

  it('names its owner until its time is over', async () => {
    const { test } = await aside(24);
    expect(await isAside(test)).toEqual(['oncall']);
    test.clock.advance(25 * HOUR);
    expect(await isAside(test)).toEqual([null]);
  });

  it('comes back when HR’s record changes, even in something that is not sent', async () => {
    const { test, people } = await aside();
    const changed = promoted(people, ['1002']).map((one) => (one.id === '1002' ? { ...one, end: '2030-12-31' } : one));
    await comes(test, feed(changed));
    await test.settle();
    expect(await isAside(test)).toEqual([null]);
  });

  it('comes back when another mapping has been accepted', async () => {
    const { test, people } = await aside();
    await test.restart(mappingText({ 'department: worker.department': 'department: \'worker.department + ""\'' }));
    await comes(test, feed(promoted(people, ['1002'])));
    await test.settle();
    expect(await isAside(test)).toEqual([null]);
  });

  it('is gone once it is replayed', async () => {
    const { test } = await aside();
    test.idp.behaviours.clear();
    await replayAll(test);
    expect(await failuresOf(test)).toEqual([]);
    expect(await test.house.store.skips()).toEqual([]);
  });

  it('of a leaver is set aside for a week at most, and still tried', async () => {
    const people = crowd(30);
    const test = await withAccounts(people);
    test.idp.behaviours.add({
      method: 'PATCH',
      body: /"value":false|"active":false/,
      act: { kind: 'answer', status: 400, body: TOO_LONG },
    });
    await comes(test, feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'T' } : one))));
    await test.settle(60_000);
    const [failure] = await failuresOf(test);
    const id = failure?.operation.id ?? 0;
    expect(await act(test, 'skip', [id], { hours: 169 })).toMatchObject({ ok: false });
    expect(await act(test, 'skip', [id], { hours: 168 })).toMatchObject({ ok: true });
    test.idp.behaviours.clear();
    test.clock.advance(HOUR);
    await test.settle();
    expect(test.idp.user('1003')?.active).toBe(false);
  });
});
