import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MARKED = mappingText({
  'source: { kind: file, path: workers.csv, stableMs: 0 }':
    'source: { kind: file, path: workers.csv, complete: { marker: workers.done } }',
});

/** A delivery whose marker says that it is whole. */
async function delivered(test: TestHouse, people: readonly Person[]): Promise<void> {
  test.deliver(feed(people));
  test.deliver('', 'workers.done');
  await test.sync();
}

const activeAt = ({ idp }: TestHouse, id: string): unknown =>
  [...idp.users.values()].find(({ externalId }) => externalId === id)?.active;

const suspects = async ({ house }: TestHouse): Promise<readonly string[]> =>
  (await house.store.suspected('acme', 100)).map(({ key }) => key);

describe('a worker who is missing from snapshots', () => {
  it('leaves once two complete deliveries twenty hours apart say so, and comes back with the row', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    await delivered(test, people);
    test.clock.advance(DAY_MS);
    await delivered(test, people.slice(1));
    expect(await suspects(test)).toEqual(['1000']);
    expect(activeAt(test, '1000')).toBe(true);
    test.clock.advance(DAY_MS);
    await delivered(test, people.slice(1));
    expect(await test.stage('1000')).toBe('left/settled');
    expect(activeAt(test, '1000')).toBe(false);
    expect(await suspects(test)).toEqual([]);
    const entries = await test.house.store.audit.entriesOf('acme', '1000');
    expect(entries.findLast(({ kind }) => kind === 'decision')?.body).toMatchObject({ leave: 'inferred', to: 'left' });

    test.clock.advance(DAY_MS);
    await delivered(test, people);
    expect(await test.stage('1000')).toBe('active/settled');
    expect(activeAt(test, '1000')).toBe(true);
    expect(test.idp.users.size).toBe(60);
  });

  it('is never acted on for one delivery, however often it is read, nor for two that lie close together', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    await delivered(test, people);
    test.clock.advance(DAY_MS);
    await delivered(test, people.slice(1));
    for (let day = 0; day < 5; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync();
    }
    expect(activeAt(test, '1000')).toBe(true);
    await delivered(test, people);
    expect(await suspects(test)).toEqual([]);
    await delivered(test, people.slice(1));
    test.clock.advance(19 * HOUR_MS);
    await delivered(test, people.slice(1));
    expect(activeAt(test, '1000')).toBe(true);
    expect(await suspects(test)).toEqual(['1000']);
  });

  it('counts anew after a delivery that held the worker, even where the row was rejected', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    const rejected = people.map((person, index) => (index === 0 ? { ...person, start: 'soon' } : person));
    await delivered(test, people);
    for (const content of [people.slice(1), rejected, people.slice(1), people, people.slice(1)]) {
      test.clock.advance(DAY_MS);
      await delivered(test, content);
      expect(activeAt(test, '1000')).toBe(true);
    }
    test.clock.advance(DAY_MS);
    await delivered(test, people.slice(1));
    expect(activeAt(test, '1000')).toBe(false);
  });

  it('is only suspected while a row of the delivery names nobody: it may be theirs', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    const torn = `${feed(people.slice(1))}1000,First\n`;
    await delivered(test, people);
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      test.deliver(torn);
      test.deliver('', 'workers.done');
      await test.sync();
    }
    expect(activeAt(test, '1000')).toBe(true);
    expect(await suspects(test)).toEqual(['1000']);
  });

  it('keeps access without strong proof until a person approves, and a suspicion outlives a restart', async () => {
    const test = await openTestHouse();
    const people = crowd(60);
    await test.sync(feed(people));
    for (let day = 0; day < 4; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync(feed(people.slice(2)));
      await test.restart();
    }
    expect(await suspects(test)).toEqual(['1000', '1001']);
    const [hold] = await test.house.store.holds('acme');
    expect(hold).toMatchObject({ kind: 'absence', itemCount: 2 });
    expect(hold?.items[0]?.harm.after).toBe('left, absent since 2026-11-24');
    expect([activeAt(test, '1000'), activeAt(test, '1001')]).toEqual([true, true]);
    await test.approveAll();
    // One of both is back before the approval is acted on: only the other one leaves.
    await test.sync(feed(people.slice(1)));
    expect([activeAt(test, '1000'), activeAt(test, '1001')]).toEqual([false, true]);
    expect(await test.house.store.holds('acme')).toEqual([]);
    test.clock.advance(HOUR_MS);
    await test.sync(feed(people));
    expect(activeAt(test, '1000')).toBe(true);
  });

  it('meets the limit of inferred leavers, one by one as well as all at once', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    await delivered(test, people);
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      await delivered(test, people.slice(5));
    }
    // 60 workers: at most 5 %, which is 3, in 24 hours.
    expect((await test.house.store.holds('acme'))[0]).toMatchObject({ kind: 'inferredLeaver', itemCount: 5 });
    expect(await suspects(test)).toHaveLength(5);
    expect([...test.idp.users.values()].every(({ active }) => active === true)).toBe(true);
    await test.approveAll();
    await test.sync();
    expect([...test.idp.users.values()].filter(({ active }) => active === false)).toHaveLength(5);
    expect(await suspects(test)).toEqual([]);
  });

  it('loses no access to a date on file while it is suspected, and leaves by that date', async () => {
    const test = await openTestHouse();
    const people = crowd(60, (index) => (index === 0 ? { end: '2026-11-26', status: 'T' } : {}));
    await test.sync(feed(people));
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync(feed(people.slice(1)));
      expect(activeAt(test, '1000')).toBe(true);
    }
    test.clock.advance(DAY_MS);
    await test.settle();
    expect(activeAt(test, '1000')).toBe(false);
    const decision = (await test.house.store.audit.entriesOf('acme', '1000')).findLast(
      ({ kind }) => kind === 'decision',
    );
    expect(decision?.body).toMatchObject({ leave: 'explicit', to: 'left' });
    await test.sync();
    expect(await test.house.store.holds('acme')).toEqual([]);
  });

  it('never begins to work when it vanishes before its first day, unless it is back', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60, (index) => (index < 2 ? { start: '2026-12-14' } : {}));
    await delivered(test, people);
    for (let day = 0; day < 2; day += 1) {
      test.clock.advance(DAY_MS);
      await delivered(test, people.slice(2));
    }
    expect([await test.stage('1000'), await test.stage('1001')]).toEqual(['left/settled', 'left/settled']);
    test.clock.advance(DAY_MS);
    await delivered(test, people.slice(1));
    test.clock.advance(30 * DAY_MS);
    await test.settle();
    expect(await test.stage('1000')).toBe('left/settled');
    expect(test.idp.users.size).toBe(59);
    expect(activeAt(test, '1001')).toBe(true);
  });

  it('comes back with a record that is as old as it was', async () => {
    const test = await openTestHouse({
      mapping: mappingText({
        'source: { kind: file, path: workers.csv, stableMs: 0 }':
          "source: { kind: file, path: workers.csv, complete: { marker: workers.done }, asOf: 'instant(record.Title)' }",
        '    title: record.Title\n': '',
        '      title: worker.title\n': '',
      }),
    });
    const people = crowd(60, () => ({ title: '2026-01-02T03:04:05Z' }));
    await delivered(test, people);
    for (const content of [people.slice(1), people.slice(1)]) {
      test.clock.advance(DAY_MS);
      await delivered(test, content);
    }
    expect(activeAt(test, '1000')).toBe(false);
    test.clock.advance(DAY_MS);
    await delivered(test, people);
    expect(activeAt(test, '1000')).toBe(true);
  });

  it('is somebody of whom no pilot speaks', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    await delivered(test, people);
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      test.deliver(feed(people.slice(1)));
      test.deliver('', 'workers.done');
      await test.cycle(day === 0 ? { onlyWorker: '1000' } : { limit: 5 });
    }
    expect(await suspects(test)).toEqual([]);
    expect(activeAt(test, '1000')).toBe(true);
  });

  it('is shown leaving by a plan before the cycle that does it', async () => {
    const test = await openTestHouse({ mapping: MARKED });
    const people = crowd(60);
    await delivered(test, people);
    test.clock.advance(DAY_MS);
    await delivered(test, people.slice(1));
    test.clock.advance(DAY_MS);
    test.deliver(feed(people.slice(1)));
    test.deliver('', 'workers.done');
    const plan = await test.cycle({ mode: 'plan' });
    expect(plan.tally).toMatchObject({ leaver: 1, 'operation:disable': 1 });
    expect(activeAt(test, '1000')).toBe(true);
    const cycle = await test.sync();
    expect(cycle.tally).toMatchObject({ leaver: 1, 'operation:disable': 1 });
  });
});

describe('a person with several employments', () => {
  const PERSONS = mappingText({
    'source: { kind: file, path: workers.csv, stableMs: 0 }':
      'source: { kind: file, path: workers.csv, complete: { marker: workers.done } }',
    '  id: record.ID\n': '  id: record.ID\n  personId: record.Title\n',
    '    title: record.Title\n': '',
    '      title: worker.title\n': '',
  });
  const others = crowd(40, (index) => ({ title: `P-${index}` }));
  const job = (id: string, more: Partial<Person> = {}): Person => ({ id, title: 'P-X', ...more });

  it('keeps access while one of them is still there, and is not even suspected', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await delivered(test, [...others, job('7'), job('8')]);
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      await delivered(test, [...others, job('8')]);
    }
    expect(await test.stage('P-X')).toBe('active/settled');
    expect(await suspects(test)).toEqual([]);
  });

  it('leaves when one has ended and the other has vanished, counted from the day on which that was so', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await delivered(test, [...others, job('7'), job('8')]);
    test.clock.advance(DAY_MS);
    await delivered(test, [...others, job('8', { status: 'T', end: '2026-11-23' })]);
    expect(await suspects(test)).toEqual(['P-X']);
    test.clock.advance(DAY_MS);
    await delivered(test, [...others, job('8', { status: 'T', end: '2026-11-23' })]);
    expect(await test.stage('P-X')).toBe('left/settled');
  });

  it('does not come back by a second job that had been announced and vanished with the first', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await delivered(test, [...others, job('7'), job('8', { start: '2026-12-20' })]);
    for (let day = 0; day < 2; day += 1) {
      test.clock.advance(DAY_MS);
      await delivered(test, others);
    }
    expect(await test.stage('P-X')).toBe('left/settled');
    test.clock.advance(40 * DAY_MS);
    await test.settle();
    expect(await test.stage('P-X')).toBe('left/settled');
  });
});
