import { describe, expect, it } from 'vitest';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const inactive = (idp: { users: Map<string, { active?: unknown }> }): number =>
  [...idp.users.values()].filter(({ active }) => active === false).length;

describe('the brakes', () => {
  it('disables nobody when a shifted column says terminated for everyone', async () => {
    const { idp, sync, house, cycle } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const before = idp.writes().length;
    const report = await sync(feed(people.map((person) => ({ ...person, status: 'T' }))));
    expect(report.kind).toBe('held');
    expect(idp.writes().length).toBe(before);
    const holds = await house.store.holds('acme');
    expect(holds).toMatchObject([{ kind: 'feed' }, { kind: 'explicitLeaver', itemCount: 60 }]);
    // The bad feed is read again and again, then a good one comes: the hold empties by itself.
    await cycle();
    await sync(feed(people));
    expect(await house.store.holds('acme')).toHaveLength(0);
    expect(inactive(idp)).toBe(0);
  });

  it('stores no last day that a feed gives to everybody for tomorrow', async () => {
    const { idp, sync, house, clock, settle } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const report = await sync(feed(people.map((person) => ({ ...person, end: '2026-11-24' }))));
    expect(report.kind).toBe('held');
    const situation = (await house.store.situations('acme', ['1010'])).get('1010');
    expect(situation?.employments[0]?.endDate).toBeNull();
    clock.advance(3 * 86_400_000);
    await settle();
    expect(inactive(idp)).toBe(0);
  });

  it('trips at the same number when the leavers come one by one', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    let kind = '';
    for (let gone = 1; gone <= 8 && kind !== 'held'; gone += 1) {
      const report = await sync(
        feed(people.map((person, index) => (index < gone ? { ...person, status: 'T' } : person))),
      );
      kind = report.kind;
    }
    // 60 workers: at most max(3, 2 %) explicit leavers in 24 hours.
    expect(kind).toBe('held');
    expect(inactive(idp)).toBe(3);
  });

  it('releases what a person approved and nothing that came later', async () => {
    const { idp, sync, approveAll, house } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const leavers = (count: number) =>
      feed(people.map((person, index) => (index < count ? { ...person, status: 'T' } : person)));
    await sync(leavers(10));
    expect(inactive(idp)).toBe(0);
    expect(await approveAll()).toBe(2);
    await sync(leavers(30));
    expect(inactive(idp)).toBe(10);
    expect(await house.store.holds('acme')).toMatchObject([
      { kind: 'feed' },
      { kind: 'explicitLeaver', itemCount: 20 },
    ]);
  });

  it('marks people who are missing from a snapshot as suspected and does nothing to them', async () => {
    const { idp, sync, house, clock } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    for (let day = 0; day < 4; day += 1) {
      clock.advance(86_400_000);
      await sync(feed(people.slice(5)));
    }
    expect(inactive(idp)).toBe(0);
    expect(await house.store.suspected('acme', 100)).toHaveLength(5);
    clock.advance(86_400_000);
    await sync(feed(people));
    expect(await house.store.suspected('acme', 100)).toHaveLength(0);
  });

  it('lets joiners and movers through while leavers are held', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const changed = people.map((person, index) =>
      index < 5 ? { ...person, status: 'T' } : index === 30 ? { ...person, title: 'Chief' } : person,
    );
    const report = await sync(feed([...changed, { id: '2000' }]));
    expect(report).toMatchObject({ kind: 'held', tally: { joiner: 1, mover: 1, held: 5 } });
    expect(idp.user('2000')?.active).toBe(true);
    expect(idp.user('1030')?.title).toBe('Chief');
    expect(inactive(idp)).toBe(0);
  });

  it('sends nothing while writes are stopped, over a restart, and goes on when they are resumed', async () => {
    const { idp, deliver, cycle, settle, act, restart } = await openTestHouse();
    expect(await act('stop-writes', {})).toMatchObject({ ok: true });
    deliver(feed(crowd(10)));
    await cycle();
    await restart();
    await settle(60_000);
    expect(idp.writes()).toHaveLength(0);
    await act('resume-writes', {});
    await settle();
    expect(idp.users.size).toBe(10);
  });
});

it('a stop of a target that nobody knows is refused, and says which there are', async () => {
  const { idp, sync, act, house } = await openTestHouse();
  await sync(feed(crowd(10)));
  for (const kind of ['stop-writes', 'resume-writes'] as const) {
    const refused = await act(kind, { target: 'ipd' });
    expect(refused).toMatchObject({
      ok: false,
      exitCode: 2,
      faults: [{ code: 'target.unknown', hint: 'targets are idp' }],
    });
  }
  expect(await house.store.setting('stop-writes')).toBeNull();
  await act('stop-writes', { target: 'idp' });
  await act('stop-writes', {});
  expect(await act('resume-writes', { target: 'idp' })).toMatchObject({
    ok: true,
    message: expect.stringContaining('every target is stopped'),
  });
  const before = idp.writes().length;
  await sync(feed(crowd(11)));
  expect(idp.writes()).toHaveLength(before);
  await act('resume-writes', {});
  await sync();
  expect(idp.users.size).toBe(11);
});

describe('limits of a mapping', () => {
  it('may be lowered at once, and raised only once a person has approved that very file', async () => {
    const people = crowd(60);
    const leavers = (count: number) =>
      feed(people.map((person, index) => (index < count ? { ...person, status: 'T' } : person)));
    const lowered = await openTestHouse({ mapping: `${mappingText()}guards: { explicitLeaver: 1 }\n` });
    await lowered.sync(feed(people));
    expect(await lowered.sync(leavers(2))).toMatchObject({ kind: 'held' });

    const raised = await openTestHouse({ mapping: `${mappingText()}guards: { explicitLeaver: 50 }\n` });
    await raised.sync(feed(people));
    expect(await raised.sync(leavers(5))).toMatchObject({ kind: 'held' });
    expect(await raised.act('approve', { digest: raised.live.connection.digest.slice(0, 12) })).toMatchObject({
      ok: true,
    });
    await raised.sync();
    expect(inactive(raised.idp)).toBe(5);
  });
});

describe('people who do not exist', () => {
  it('do not widen the limits for the feed after them', async () => {
    const { idp, sync, clock } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    clock.advance(3_600_000);
    const phantoms = crowd(700)
      .slice(100)
      .map((person) => ({ ...person, first: 'Phantom' }));
    await sync(feed([...people, ...phantoms]));
    clock.advance(3_600_000);
    expect(await sync(feed([...people.map((person) => ({ ...person, status: 'T' })), ...phantoms]))).toMatchObject({
      kind: 'held',
    });
    expect(inactive(idp)).toBe(0);
  });
});
