// A leaver passes whatever hangs, fails or waits; and one bad record keeps nobody else waiting.
import { describe, expect, it } from 'vitest';
import { openLog } from '../../src/runtime/log.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import { comes, crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, ...change } : person));
const countOf = async ({ house }: Pick<TestHouse, 'house'>, ...states: readonly string[]): Promise<number> =>
  (await house.store.queueDepths())
    .filter(({ state }) => states.includes(state))
    .reduce((sum, { operations }) => sum + operations, 0);
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Twenty people at work, sixty joiners of whom as many hang at the target as it has connections for them. */
async function withHungJoiners() {
  const test = await openTestHouse();
  const { idp, deliver, cycle, settle } = test;
  const people = crowd(80);
  deliver(feed(people.slice(0, 20)));
  await cycle();
  await settle();
  const release = Promise.withResolvers<void>();
  idp.behaviours.add({ method: 'POST', path: '/Users', act: { kind: 'hold', until: release.promise } });
  await comes(test, feed(people));
  const before = idp.log.length;
  const shift = await test.shift();
  // Eight connections, of which one is kept for leavers.
  await idp.arrival(({ n }) => n === before + 7);
  await turns(50);
  expect(idp.log.length).toBe(before + 7);
  return { ...test, people, shift, release, before };
}

describe('a pool full of joiners that hang', () => {
  it('delays nobody who leaves: the disable is the very next request', async () => {
    const { idp, act, shift, release, before, stage } = await withHungJoiners();
    await using _ = shift;
    const { id } = idp.user('1004') ?? {};
    expect((await act('leave', { worker: '1004' })).ok).toBe(true);
    const next = await idp.arrival(({ n }) => n === before + 8);
    expect(next).toMatchObject({ method: 'PATCH', path: `/Users/${String(id)}` });
    expect(next.body).toContain('"active"');
    await idp.arrival(({ n, method }) => n > next.n && method === 'GET');
    release.resolve();
    await shift.pass(MINUTE);
    expect(await stage('1004')).toBe('left/settled');
    expect(idp.users.size).toBe(80);
  });

  it('delays nobody whose own account is among those that wait for a connection: it is never made', async () => {
    const test = await withHungJoiners();
    const { idp, act, shift, release, before, stage, house } = test;
    await using _ = shift;
    const claimed = await house.store.operations({ states: ['sending'], limit: 100 });
    const hung = new Set(idp.log.slice(before).map(({ body }) => /"externalId":"(\d+)"/.exec(body)?.[1]));
    const ahead = claimed.find(({ kind, workerKey }) => kind === 'create' && !hung.has(workerKey));
    expect(ahead).toBeDefined();
    const worker = ahead?.workerKey ?? '';
    expect((await act('leave', { worker })).ok).toBe(true);
    // The look-up of the disable, which finds nobody, while the seven still hang.
    const lookUp = await idp.arrival(({ n, method }) => n > before + 7 && method === 'GET');
    expect(lookUp.path).toContain(worker);
    await turns(50);
    expect(await stage(worker)).toBe('left/settled');
    release.resolve();
    await shift.pass(MINUTE);
    expect(idp.user(worker)).toBeUndefined();
    expect(idp.users.size).toBe(79);
    expect(await countOf(test, 'queued', 'sending', 'failed')).toBe(0);
    const entries = await house.store.audit.entriesOf('acme', worker);
    expect(entries.some(({ body }) => body.what === 'create' && body.state === 'superseded')).toBe(true);
  });

  it('lets a leaver whose own account is being made wait for that one answer and for nothing after it', async () => {
    const { idp, act, shift, release, before, stage } = await withHungJoiners();
    await using _ = shift;
    const worker = /"externalId":"(\d+)"/.exec(idp.log[before]?.body ?? '')?.[1] ?? '';
    expect((await act('leave', { worker })).ok).toBe(true);
    await turns(50);
    release.resolve();
    await shift.pass(20 * MINUTE);
    expect(idp.user(worker)?.active).toBe(false);
    expect(await stage(worker)).toBe('left/settled');
    expect(idp.members('All staff')).not.toContain(idp.user(worker)?.id);
  });
});

describe('a leaver who is refused', () => {
  it('loses the memberships all the same, while the disable is asked again every quarter of an hour', async () => {
    const test = await openTestHouse();
    const { idp, sync, deliver, cycle, stage } = test;
    const people = crowd(10);
    await sync(feed(people));
    const stop = idp.behaviours.add({ method: 'PATCH', body: '"active"', act: { kind: 'answer', status: 403 } });
    deliver(feed(changed(people, '1003', { status: 'T' })));
    await cycle();
    await using shift = await test.shift();
    await shift.pass(MINUTE);
    expect(await stage('1003')).toBe('left/failed');
    expect(idp.members('All staff')).not.toContain(idp.user('1003')?.id);
    const asked = () => idp.log.filter(({ body }) => body.includes('"active"')).length;
    const before = asked();
    await shift.pass(2 * HOUR);
    expect(asked() - before).toBe(8);
    stop();
    await shift.pass(20 * MINUTE);
    expect(idp.user('1003')?.active).toBe(false);
    expect(await stage('1003')).toBe('left/settled');
    expect(await countOf(test, 'queued', 'sending', 'failed')).toBe(0);
  });

  it('is paged for after five minutes and every quarter of an hour, by key and never by name', async () => {
    const lines: string[] = [];
    const log = openLog('error', { write: (line: string) => void lines.push(line) });
    const test = await openTestHouse({ log });
    const { idp, sync, deliver, cycle, clock } = test;
    const people = crowd(10);
    await sync(feed(people));
    idp.behaviours.add({ method: 'PATCH', body: '"active"', act: { kind: 'answer', status: 403 } });
    deliver(feed(changed(people, '1003', { status: 'T' })));
    await cycle();
    await using shift = await test.shift();
    const pages = () => lines.filter((line) => line.includes('leaver.unconfirmed'));
    const decided = clock.nowMs();
    await shift.pass(5 * MINUTE - SECOND);
    expect(pages()).toEqual([]);
    await shift.pass(MINUTE);
    expect(pages()).toHaveLength(1);
    expect(JSON.parse(pages()[0] ?? '')).toMatchObject({
      code: 'leaver.unconfirmed',
      connection: 'acme',
      worker: '1003',
      target: 'idp',
      state: 'queued',
      minutes: 5,
      last: 'http-403',
    });
    await shift.pass(decided + HOUR + 6 * MINUTE - clock.nowMs());
    expect(pages().length).toBe(5);
    expect(pages().join()).not.toContain('Last1003');
  });
});

describe('one bad record', () => {
  it.each([
    ['resets every connection', { kind: 'reset' } as const],
    ['is answered 500', { kind: 'answer', status: 500 } as const],
    ['loses every answer', { kind: 'loseReply' } as const],
  ])('among two hundred that %s costs the others nothing', async (_, act) => {
    const test = await openTestHouse();
    const { idp, clock, stage } = test;
    idp.behaviours.add({ method: 'POST', path: '/Users', body: 'Last1077', act });
    await comes(test, feed(crowd(200)));
    const from = clock.nowMs();
    await using shift = await test.shift();
    await shift.pass(2 * SECOND);
    expect(clock.nowMs() - from).toBeLessThanOrEqual(2 * SECOND);
    const settled = await Promise.all(crowd(200).map(({ id }) => stage(id)));
    expect(settled.filter((at) => at !== 'active/settled').length).toBeLessThanOrEqual(1);
    expect(shift.dispatch.states()).toMatchObject({ idp: { state: 'closed', why: '' } });
  });

  it('that the target keeps refusing for now fails visibly after eight answers, and is asked no more', async () => {
    const test = await openTestHouse();
    const { idp, sync, deliver, cycle, settle, stage, house } = test;
    const people = crowd(20);
    await sync(feed(people));
    idp.behaviours.add({ method: 'PATCH', body: 'Chief', act: { kind: 'answer', status: 423 } });
    deliver(feed(changed(changed(people, '1003', { title: 'Chief' }), '1004', { title: 'Boss' })));
    await cycle();
    await settle(HOUR);
    expect(idp.log.filter(({ body }) => body.includes('Chief'))).toHaveLength(8);
    expect(await stage('1003')).toBe('active/failed');
    expect(await stage('1004')).toBe('active/settled');
    const [failed] = await house.store.operations({ states: ['failed'], limit: 10 });
    expect(failed).toMatchObject({ workerKey: '1003', attempts: 8, lastOutcome: { status: 423 } });
  });
});

describe('two targets', () => {
  it('have lines of their own: one that is down delays nothing at the other', async () => {
    const other = await startFakeIdp({ token: 'let-me-in', idPrefix: 'other' });
    const text = mappingText();
    const [before, target] = text.split('  - name: idp\n') as [string, string];
    const second = target.replace('{env:IDP_URL}', '{env:OTHER_URL}');
    const test = await openTestHouse({
      mapping: `${before}  - name: idp\n${target}  - name: other\n${second}`,
      environment: { OTHER_URL: other.url },
    });
    const { idp, deliver, cycle, clock, act } = test;
    const people = crowd(40);
    deliver(feed(people.slice(0, 20)));
    await cycle();
    await test.settle();
    expect([idp.users.size, other.users.size]).toEqual([20, 20]);
    other.behaviours.add({ act: { kind: 'answer', status: 503, headers: { 'retry-after': '1800' } } });
    await comes(test, feed(people));
    const from = clock.nowMs();
    await using shift = await test.shift();
    expect((await act('leave', { worker: '1004' })).ok).toBe(true);
    await shift.pass(2 * SECOND);
    expect(clock.nowMs() - from).toBeLessThanOrEqual(2 * SECOND);
    expect(idp.users.size).toBe(40);
    expect(idp.user('1004')?.active).toBe(false);
    expect(other.user('1004')?.active).toBe(true);
    expect(shift.dispatch.states()).toMatchObject({ idp: { state: 'closed' }, other: { why: 'http-503' } });
    other.behaviours.clear();
    await shift.pass(HOUR);
    expect(other.users.size).toBe(40);
    expect(other.user('1004')?.active).toBe(false);
    expect(await countOf(test, 'queued', 'sending', 'failed')).toBe(0);
    await other.close();
  });
});
