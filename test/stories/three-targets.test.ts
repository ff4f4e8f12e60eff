// The same stories at targets that do at once what they are asked and at targets that only take it in: nothing above the target's
// room knows the difference. Judged by what the target holds, once it has done what it took in.
import { describe, expect, it, onTestFinished } from 'vitest';
import { groupFailures, readFailures } from '../../src/pipeline/failures.ts';
import { performAct } from '../../src/pipeline/operator.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { crowd, feed, type Person } from '../support/house.ts';
import { entraStage } from '../support/stage-entra.ts';
import { oktaStage } from '../support/stage-okta.ts';
import { type OpenStage, openStageHouse, type StageHouse, scimStage } from '../support/target-stage.ts';

const STAGES: readonly (readonly [string, OpenStage])[] = [
  ['scim', scimStage],
  ['entra-bulk', entraStage],
  ['okta-source', oktaStage],
];

const opened = async (open: OpenStage): Promise<StageHouse> => {
  const house = await openStageHouse(open);
  onTestFinished(house.stage.close);
  return house;
};

const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, ...change } : person));

const PEOPLE = crowd(12);

describe.each(STAGES)('at a target of kind %s', (_, open) => {
  it('a joiner has an account once the target has confirmed it, and a second look sends nothing', async () => {
    const { stage, test, sync } = await opened(open);
    await sync(feed(PEOPLE));
    expect(stage.accounts()).toBe(12);
    expect(stage.holds('1004')).toEqual({ active: true, title: 'Clerk', department: 'Sales', manager: '' });
    expect(await test.stage('1004')).toBe('active/settled');
    const { arrived } = stage.traffic();
    await sync(feed(PEOPLE));
    expect(stage.writes('1004')).toBe(1);
    expect(stage.traffic().arrived).toBe(arrived);
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });

  it('a mover is written once, and whoever did not move is not written at all', async () => {
    const { stage, test, sync } = await opened(open);
    await sync(feed(PEOPLE));
    await sync(feed(changed(PEOPLE, '1003', { dept: 'Research' })));
    expect(stage.holds('1003')).toEqual({ active: true, title: 'Clerk', department: 'Research', manager: '' });
    expect(await test.stage('1003')).toBe('active/settled');
    expect(stage.writes('1003')).toBe(2);
    expect(stage.writes('1004')).toBe(1);
  });

  it('a future leaver keeps access through the last day, and has none the day after', async () => {
    const { stage, test, sync, settle } = await opened(open);
    await sync(feed(PEOPLE));
    await sync(feed(changed(PEOPLE, '1003', { status: 'T', end: '2026-11-25' })));
    expect(stage.holds('1003')?.active).toBe(true);
    // In Berlin the 26th begins at 23:00 UTC.
    test.clock.advance(Date.parse('2026-11-25T22:59:00Z') - test.clock.nowMs());
    await settle();
    expect(stage.holds('1003')?.active).toBe(true);
    test.clock.advance(2 * 60_000);
    await settle();
    expect(stage.holds('1003')?.active).toBe(false);
    expect(await test.stage('1003')).toBe('left/settled');
    expect(stage.holds('1004')?.active).toBe(true);
  });

  it('a leaver is settled only once the target says that the account is inactive', async () => {
    const { stage, test, sync } = await opened(open);
    await sync(feed(PEOPLE));
    await sync(feed(changed(PEOPLE, '1003', { status: 'T', end: '2026-11-20' })));
    expect(stage.holds('1003')?.active).toBe(false);
    expect(await test.stage('1003')).toBe('left/settled');
    expect(await test.house.store.unconfirmedLeavers(10)).toEqual([]);
    expect(stage.accounts()).toBe(12);
  });

  it('whoever leaves while the account is only being made has none that is active', async () => {
    const { stage, test, settle } = await opened(open);
    test.deliver(feed(PEOPLE));
    await test.cycle();
    await test.settle(2_000);
    test.deliver(feed(changed(PEOPLE, '1003', { status: 'T', end: '2026-11-20' })));
    await test.cycle();
    await settle();
    expect(stage.holds('1003')?.active ?? false).toBe(false);
    expect(await test.stage('1003')).toBe('left/settled');
  });

  it('a rehire has the same account again', async () => {
    const { stage, test, sync } = await opened(open);
    await sync(feed(PEOPLE));
    await sync(feed(changed(PEOPLE, '1003', { status: 'T', end: '2026-11-20' })));
    test.clock.advance(60_000);
    await sync(feed(changed(PEOPLE, '1003', { status: 'A', start: '2026-11-23' })));
    expect(stage.holds('1003')?.active).toBe(true);
    expect(await test.stage('1003')).toBe('active/settled');
    expect(stage.accounts()).toBe(12);
  });

  it('a manager who comes later is told once the manager’s account is there', async () => {
    const { stage, sync } = await opened(open);
    const led = changed(PEOPLE, '1003', { manager: '2000' });
    await sync(feed(led));
    expect(stage.holds('1003')).toMatchObject({ active: true, manager: '' });
    await sync(feed([...led, { id: '2000' }]));
    expect(stage.holds('1003')).toMatchObject({ active: true, manager: '2000' });
  });

  it('a change of everybody is held, and only what was approved is sent', async () => {
    const { stage, test, settle } = await opened(open);
    const many = crowd(40);
    test.deliver(feed(many));
    await test.cycle();
    await settle();
    test.deliver(feed(many.map((person) => ({ ...person, status: 'T', end: '2026-11-20' }))));
    await test.cycle();
    await settle();
    const left = many.filter(({ id }) => stage.holds(id)?.active !== true).length;
    expect(left).toBeLessThanOrEqual(3);
    expect((await test.house.store.holds('acme')).length).toBeGreaterThan(0);
  });

  it('what was refused is replayed once the cause is gone, and is then done once', async () => {
    const { stage, test, sync, settle } = await opened(open);
    await sync(feed(PEOPLE));
    const heal = stage.refuses('1003');
    await sync(feed(changed(PEOPLE, '1003', { title: 'Chief' })));
    expect(await test.stage('1003')).toBe('active/failed');
    const failures = await readFailures(test.house.store, {}, nowOf(test.clock));
    expect(groupFailures(failures)).toMatchObject([{ workers: 1, leaver: false }]);
    heal();
    const args = { operations: failures.map(({ operation }) => operation.id) };
    const replayed = await performAct(test.house, {
      kind: 'replay',
      args,
      reason: 'mended',
      by: 'oncall',
      osUser: 'oncall',
      channel: 'test',
    });
    expect(replayed.ok).toBe(true);
    await settle();
    expect(stage.holds('1003')).toMatchObject({ title: 'Chief', active: true });
    expect(await test.stage('1003')).toBe('active/settled');
  });

  it('a house that is opened again while work is not confirmed confirms it, and makes nobody twice', async () => {
    const { stage, test, settle } = await opened(open);
    test.deliver(feed(PEOPLE));
    await test.cycle();
    await test.settle(2_000);
    await test.restart();
    await settle();
    expect(stage.accounts()).toBe(12);
    expect(await test.stage('1004')).toBe('active/settled');
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });
});
