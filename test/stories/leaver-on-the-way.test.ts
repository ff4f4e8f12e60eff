// Somebody leaves while other work of theirs is queued, in flight, lost or refused: their access still ends within minutes.
import { describe, expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse, type Person } from '../support/house.ts';

const MINUTE = 60_000;
const WITH_DEPARTMENTS = mappingText({
  '      - { name: \'"All staff"\', authority: full, create: true }':
    '      - { name: \'"All staff"\', authority: full, create: true }\n      - { name: \'"Dept " + worker.department\', create: true }',
});

const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, ...change } : person));

/** In the middle of delivering `first`, the worker is terminated; then the target answers 503 with an hour of patience. */
async function leavesDuring(
  first: readonly Person[],
  people: readonly Person[],
  held: { method: string; body: string },
) {
  const test = await openTestHouse();
  const { idp, deliver, cycle, settle, sync } = test;
  if (first !== people) await sync(feed(people));
  const release = Promise.withResolvers<void>();
  const unavailable = { kind: 'answer', status: 503, headers: { 'retry-after': '3600' } } as const;
  idp.behaviours.add({ ...held, times: 1, act: { kind: 'hold', until: release.promise, andThen: unavailable } });
  idp.behaviours.add({ ...held, act: unavailable });
  deliver(feed(first));
  await cycle();
  const settling = settle(5 * MINUTE);
  await idp.arrival(({ method, body }) => method === held.method && body.includes(held.body));
  deliver(feed(changed(first, '1003', { status: 'T' })));
  await cycle();
  release.resolve();
  await settling;
  return test;
}

describe('somebody who leaves while other work of theirs is under way', () => {
  it('is disabled although a change of theirs was in flight and the target goes on refusing that change', async () => {
    const people = crowd(10);
    const { idp, stage } = await leavesDuring(changed(people, '1003', { title: 'Chief' }), people, {
      method: 'PATCH',
      body: 'Chief',
    });
    expect(idp.user('1003')?.active).toBe(false);
    expect(await stage('1003')).toBe('left/settled');
  });

  it('is disabled although their group is being refused and a membership was to be changed before', async () => {
    const { idp, sync, settle, deliver, cycle } = await openTestHouse({ mapping: WITH_DEPARTMENTS });
    const people = crowd(10);
    await sync(feed(people));
    idp.behaviours.add({
      method: 'PATCH',
      path: '/Groups/',
      act: { kind: 'answer', status: 503, headers: { 'retry-after': '3600' } },
    });
    const moved = changed(people, '1003', { dept: 'Research' });
    deliver(feed(moved));
    await cycle();
    await settle(MINUTE);
    deliver(feed(changed(moved, '1003', { status: 'T' })));
    await cycle();
    await settle(5 * MINUTE);
    expect(idp.user('1003')?.active).toBe(false);
  });

  it('is disabled during a stop that excepts leavers although an earlier change of membership is stopped', async () => {
    const { idp, sync, settle, deliver, cycle, act } = await openTestHouse({ mapping: WITH_DEPARTMENTS });
    const people = crowd(10);
    await sync(feed(people));
    await act('stop-writes', { exceptLeavers: true });
    const moved = changed(people, '1003', { dept: 'Research' });
    deliver(feed(moved));
    await cycle();
    deliver(feed(changed(moved, '1003', { status: 'T' })));
    await cycle();
    await settle(5 * MINUTE);
    expect(idp.user('1003')?.active).toBe(false);
    expect(idp.members('All staff')).not.toContain(idp.user('1003')?.id);
    expect(idp.members('Dept Sales')).not.toContain(idp.user('1003')?.id);
  });

  it('is found and disabled although the answer to their create was lost and the target shows the account only later', async () => {
    const { idp, settle, deliver, cycle, stage } = await openTestHouse({ idp: { lateVisibility: 12 } });
    const people = crowd(10);
    idp.behaviours.add({ method: 'POST', path: '/Users', body: 'Last1003', times: 1, act: { kind: 'loseReply' } });
    deliver(feed(people));
    await cycle();
    await settle(0);
    expect(idp.user('1003')?.active).toBe(true);
    deliver(feed(changed(people, '1003', { status: 'T' })));
    await cycle();
    await settle(40 * MINUTE);
    expect(idp.user('1003')?.active).toBe(false);
    expect(await stage('1003')).toBe('left/settled');
  });

  it('is found and disabled although their create was in flight, its answer was lost and the account shows only later', async () => {
    const { idp, settle, deliver, cycle, stage } = await openTestHouse({ idp: { lateVisibility: 12 } });
    const people = crowd(10);
    const release = Promise.withResolvers<void>();
    idp.behaviours.add({
      method: 'POST',
      path: '/Users',
      body: 'Last1003',
      times: 1,
      act: { kind: 'hold', until: release.promise, andThen: { kind: 'loseReply' } },
    });
    deliver(feed(people));
    await cycle();
    const settling = settle(40 * MINUTE);
    await idp.arrival(({ method, body }) => method === 'POST' && body.includes('Last1003'));
    deliver(feed(changed(people, '1003', { status: 'T' })));
    await cycle();
    release.resolve();
    await settling;
    expect([...idp.users.values()].filter(({ externalId }) => externalId === '1003')).toHaveLength(1);
    expect(idp.user('1003')?.active).toBe(false);
    expect(await stage('1003')).toBe('left/settled');
  });

  it('comes back with every group although the disable, which found nobody, was answered after the rehire', async () => {
    const { idp, settle, deliver, cycle, stage } = await openTestHouse();
    const people = crowd(10);
    const back = { start: '2026-11-23' };
    deliver(feed(people));
    await cycle();
    deliver(feed(changed(people, '1003', { status: 'T' })));
    await cycle();
    const release = Promise.withResolvers<void>();
    const search = { method: 'GET', path: /externalId.*1003/ };
    idp.behaviours.add({ ...search, times: 1, act: { kind: 'hold', until: release.promise } });
    const settling = settle();
    await idp.arrival(({ method, path }) => method === search.method && search.path.test(path));
    deliver(feed(changed(people, '1003', back)));
    await cycle();
    // The account that the rehire ordered is ordered anew, behind the memberships.
    deliver(feed(changed(people, '1003', { ...back, title: 'Chief' })));
    await cycle();
    release.resolve();
    await settling;
    expect(await stage('1003')).toBe('active/settled');
    expect(idp.user('1003')).toMatchObject({ active: true, title: 'Chief' });
    expect(idp.members('All staff')).toContain(idp.user('1003')?.id);
  });

  it('is given no account any more when the create was in flight and did not take effect', async () => {
    const people = crowd(10);
    const { idp, stage, settle } = await leavesDuring(people, people, { method: 'POST', body: 'Last1003' });
    // 503 does not prove that nothing was made: it is looked for a while longer.
    expect(await stage('1003')).toBe('left/delivering');
    await settle(20 * MINUTE);
    expect(idp.user('1003')).toBeUndefined();
    expect(idp.writes().filter(({ method, body }) => method === 'POST' && body.includes('Last1003'))).toHaveLength(1);
    expect(await stage('1003')).toBe('left/settled');
  });

  it('is disabled within minutes although the target answers the first tries with a conflict', async () => {
    const { idp, sync, settle, deliver, cycle } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    idp.behaviours.add({ method: 'PATCH', body: '"active"', times: 3, act: { kind: 'answer', status: 409 } });
    deliver(feed(changed(people, '1003', { status: 'T' })));
    await cycle();
    await settle(5 * MINUTE);
    expect(idp.user('1003')?.active).toBe(false);
  });

  it('is disabled under another id when somebody has made their account anew and it says who it is', async () => {
    const { idp, sync, stage } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    const { id, externalId: _, ...rest } = idp.user('1003') ?? {};
    idp.users.delete(String(id));
    idp.users.set('made-anew', { ...rest, id: 'made-anew', active: true });
    await sync(feed(changed(people, '1003', { status: 'T' })));
    expect(idp.users.get('made-anew')?.active).toBe(false);
    expect(await stage('1003')).toBe('left/settled');
  });

  it('is shown as failed and never as settled when an account of unknown origin has taken their name', async () => {
    const { idp, sync, stage, house } = await openTestHouse();
    const people = crowd(10);
    await sync(feed(people));
    const { id, userName } = idp.user('1003') ?? {};
    idp.users.delete(String(id));
    idp.users.set('stranger', { id: 'stranger', schemas: [], userName, title: 'Visitor', active: true, meta: {} });
    await sync(feed(changed(people, '1003', { status: 'T' })));
    expect(await stage('1003')).toBe('left/failed');
    expect(idp.users.get('stranger')?.active).toBe(true);
    const [waiting] = await house.store.unconfirmedLeavers(10);
    expect(waiting?.lastOutcome?.code).toBe('holder-unproven');
  });

  it('is not settled into delivering for ever when a change was taken back before it was sent', async () => {
    const mapping = mappingText({
      '      title: worker.title\n': '',
      '    groups:': '    groups:\n      - { name: \'"Chiefs"\', when: worker.title == "Chief", create: true }',
    });
    const { idp, sync, act, settle, stage } = await openTestHouse({ mapping });
    const people = crowd(10);
    await sync(feed(people));
    await act('stop-writes');
    const requests = idp.log.length;
    await sync(feed(changed(people, '1003', { title: 'Chief' })));
    expect(await stage('1003')).toBe('active/delivering');
    await sync(feed(people));
    await act('resume-writes');
    await settle();
    expect(await stage('1003')).toBe('active/settled');
    expect(idp.log.length).toBe(requests);
  });
});
