import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const writesOf = (idp: { writes: () => readonly { method: string; path: string; body: string }[] }, from: number) =>
  idp.writes().slice(from);

describe('leavers', () => {
  it('disables a worker whose last day has passed in their own zone before it does anything else, and settles only on the read-back', async () => {
    // 23 November, 11:00 UTC: in Auckland the 24th has begun at 11:00, in Berlin it is still the 23rd.
    const mapping = mappingText({
      '  managerId: record.Manager':
        '  managerId: record.Manager\n  timeZone: \'lookup("zone", record.Dept, "Europe/Berlin")\'',
      'tables:': 'tables:\n  zone: { Auckland: Pacific/Auckland }',
    });
    const { idp, sync, stage, clock, settle, cycle, deliver } = await openTestHouse({ mapping });
    const people = crowd(40);
    await sync(feed(people));
    const before = idp.writes().length;
    const changed = people.map((person, index) => {
      if (index === 7) return { ...person, status: 'T', end: '2026-11-22' };
      if (index === 8) return { ...person, status: 'T', end: '2026-11-23', dept: 'Auckland' };
      return index < 5 ? { ...person, title: 'Senior Clerk' } : person;
    });
    deliver(feed(changed));
    await cycle();
    await settle();
    const writes = writesOf(idp, before);
    const first = idp.user('1007')?.id;
    const second = idp.user('1008')?.id;
    expect(new Set(writes.slice(0, 2).map(({ path }) => path))).toEqual(
      new Set([`/Users/${first}`, `/Users/${second}`]),
    );
    for (const { body } of writes.slice(0, 2)) {
      expect(JSON.parse(body).Operations).toEqual([{ op: 'replace', path: 'active', value: false }]);
    }
    expect(idp.user('1007')?.active).toBe(false);
    expect(await stage('1007')).toBe('left/settled');
    const readBack = idp.log.findIndex(({ method, path }) => method === 'GET' && path.startsWith(`/Users/${first}`));
    expect(readBack).toBeGreaterThan(
      idp.log.findIndex(({ body }) => body.includes('"active"') && body.includes('false')),
    );
    // Auckland's day ends when ours is half over: disabled by the calendar alone, with no new feed.
    expect(idp.user('1008')?.active).toBe(false);
    expect(idp.members('All staff')).not.toContain(first);
    clock.set(instantOf('2026-11-24T09:00:00Z'));
    await settle();
    expect(await stage('1008')).toBe('left/settled');
  });

  it('waits for the last day in the zone of the worker and then needs no feed', async () => {
    const { idp, sync, stage, clock, settle } = await openTestHouse();
    const people = crowd(10, (index) => (index === 3 ? { end: '2026-11-24' } : {}));
    await sync(feed(people));
    expect(await stage('1003')).toBe('active/settled');
    clock.set(instantOf('2026-11-24T22:59:59Z'));
    await settle(0);
    expect(idp.user('1003')?.active).toBe(true);
    clock.set(instantOf('2026-11-24T23:00:00Z'));
    await settle();
    expect(idp.user('1003')?.active).toBe(false);
    expect(await stage('1003')).toBe('left/settled');
  });

  it('does not believe an answer of 200 that had no effect, and tries again within the minute', async () => {
    const { idp, sync, stage } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    idp.behaviours.add({ method: 'PATCH', body: '"active"', times: 2, act: { kind: 'pretend' } });
    await sync(feed(people.map((person) => (person.id === '1002' ? { ...person, status: 'T' } : person))));
    expect(idp.user('1002')?.active).toBe(false);
    expect(await stage('1002')).toBe('left/settled');
    expect(idp.writes().filter(({ body }) => body.includes('"active"')).length).toBeGreaterThanOrEqual(3);
  });

  it('disables somebody who is terminated before the account was ever made, without making it', async () => {
    const { idp, deliver, cycle, settle, stage } = await openTestHouse();
    const people = crowd(10);
    deliver(feed(people));
    await cycle();
    deliver(feed(people.map((person) => (person.id === '1004' ? { ...person, status: 'T' } : person))));
    await cycle();
    await settle();
    expect(await stage('1004')).toBe('left/settled');
    expect(idp.user('1004')).toBeUndefined();
    expect(idp.users.size).toBe(9);
  });

  it('acts on a termination whose row is rejected for something else', async () => {
    const { idp, sync, stage } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    const report = await sync(
      feed(people.map((person) => (person.id === '1005' ? { ...person, status: 'T', start: '2026-02-30' } : person))),
    );
    expect(report.rejections).toHaveLength(1);
    expect(await stage('1005')).toBe('left/settled');
    expect(idp.user('1005')?.active).toBe(false);
  });

  it('disables on the word of an operator and stays so whatever the feed says, until a named person lifts it', async () => {
    const { idp, sync, act, settle, stage, clock } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    expect(await act('leave', { worker: '1006' })).toMatchObject({ ok: true });
    await settle();
    expect(idp.user('1006')?.active).toBe(false);
    clock.advance(86_400_000);
    await sync(feed(people.map((person) => (person.id === '1006' ? { ...person, title: 'Chief' } : person))));
    expect(idp.user('1006')?.active).toBe(false);
    expect(await stage('1006')).toBe('left/settled');
    expect(await act('lift', { worker: '1006' })).toMatchObject({ ok: true });
    await sync();
    expect(idp.user('1006')?.active).toBe(true);
    expect(await stage('1006')).toBe('active/settled');
  });

  it('lets a termination that was taken back the same day heal with the next day’s file, although its row is the same', async () => {
    const { idp, deliver, cycle, settle, clock, stage } = await openTestHouse({
      mapping: mappingText({ 'path: workers.csv': 'path: workers-*.csv' }),
    });
    const people = crowd(10);
    deliver(feed(people), 'workers-2026-11-23.csv');
    await cycle();
    await settle();
    deliver(
      feed(people.map((person) => (person.id === '1002' ? { ...person, status: 'T' } : person))),
      'workers-2026-11-23.csv',
    );
    await cycle();
    await settle();
    expect(idp.user('1002')?.active).toBe(false);
    // Of the same date as the leave: not newer than what we saw, so it undoes nothing.
    deliver(feed(people), 'workers-2026-11-23.csv');
    await cycle();
    await settle();
    expect(await stage('1002')).toBe('left/settled');
    clock.advance(86_400_000);
    deliver(feed(people), 'workers-2026-11-24.csv');
    await cycle();
    await settle();
    expect(await stage('1002')).toBe('active/settled');
    expect(idp.user('1002')?.active).toBe(true);
  });

  it('leaves nobody out: a leaver is never given up although the target refuses for hours', async () => {
    const { idp, sync, stage, settle } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    const stop = idp.behaviours.add({ method: 'PATCH', body: '"active"', act: { kind: 'answer', status: 403 } });
    await sync(feed(people.map((person) => (person.id === '1001' ? { ...person, status: 'T' } : person))));
    expect(await stage('1001')).toBe('left/failed');
    stop();
    await settle(3 * 3_600_000);
    expect(idp.user('1001')?.active).toBe(false);
    expect(await stage('1001')).toBe('left/settled');
  });
});
