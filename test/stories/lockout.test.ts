// Bugs, bad feeds and careless edits that would lock out, strip or take over people who still work there.
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { comes, crowd, feed, HEADER, mappingText, openTestHouse, row } from '../support/house.ts';

const DAY_MS = 86_400_000;
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const inactive = (idp: { users: Map<string, { active?: unknown }> }): number =>
  [...idp.users.values()].filter(({ active }) => active === false).length;
const SUSPENDING = mappingText({ 'targets:': 'lifecycle: { onLeave: suspend }\ntargets:' });

describe('a careless edit of the connection file', () => {
  it('suspends nobody at once who is on leave already when onLeave is switched to suspend', async () => {
    const test = await openTestHouse();
    const { idp, sync, restart } = test;
    const people = crowd(60, (index) => (index < 30 ? { status: 'L' } : {}));
    await sync(feed(people));
    await restart(SUSPENDING);
    const report = await sync(feed(people));
    expect(inactive(idp)).toBe(0);
    expect(report.kind).toBe('held');
    expect((await test.house.store.holds('acme'))[0]).toMatchObject({ kind: 'inferredLeaver', itemCount: 30 });
  });

  it('disables nobody who falls out of an edited scope', async () => {
    const { idp, sync, restart } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    await restart(mappingText({ 'targets:': 'scope: worker.department != "Sales"\nscopeExit: disable\ntargets:' }));
    await sync(feed(people));
    expect(inactive(idp)).toBe(0);
  });

  it('takes no group away from everybody', async () => {
    const { idp, sync, restart } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    await restart(mappingText({ '\'"All staff"\'': '\'"All people"\'' }));
    await sync(feed(people));
    expect(idp.members('All staff')).toHaveLength(60);
  });

  it('moves nobody to another key when personId is mapped later', async () => {
    const { idp, sync, restart, stage } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    await restart(mappingText({ '  id: record.ID': '  id: record.ID\n  personId: \'"P" + record.ID\'' }));
    const report = await sync(feed(people));
    expect(report.kind).not.toBe('refused');
    expect(idp.users.size).toBe(60);
    expect(inactive(idp)).toBe(0);
    // Whoever leaves then still loses the account that is theirs.
    await sync(feed(people.map((person) => (person.id === '1003' ? { ...person, status: 'T' } : person))));
    expect(await stage('1003')).toBe('left/settled');
    expect(idp.user('1003')?.active).toBe(false);
  });
});

describe('a bad feed', () => {
  it('joins nobody with others when one person id stands in every row', async () => {
    const mapping = mappingText({ '  id: record.ID': '  id: record.ID\n  personId: record.Title' });
    const { idp, sync } = await openTestHouse({ mapping });
    const people = crowd(60, (index) => ({ title: `P${index}` }));
    await sync(feed(people));
    expect(idp.users.size).toBe(60);
    const before = idp.writes().length;
    await sync(feed(people.map((person) => ({ ...person, title: '0' }))));
    expect(idp.writes().slice(before)).toHaveLength(0);
    await sync(feed(people));
    expect(idp.writes().slice(before)).toHaveLength(0);
  });

  it('takes no manager away from everybody', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(60, (index) => (index === 0 ? {} : { manager: '1000' }));
    await sync(feed(people));
    const before = idp.writes().length;
    const report = await sync(feed(people.map((person) => ({ ...person, manager: '' }))));
    expect(report.kind).toBe('held');
    expect(idp.writes().length).toBe(before);
  });

  it('gives no other manager to everybody', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(60, (index) => (index < 2 ? {} : { manager: '1000' }));
    await sync(feed(people));
    const before = idp.writes().length;
    await sync(feed(people.map((person, index) => (index < 2 ? person : { ...person, manager: '1001' }))));
    expect(idp.writes().length).toBe(before);
  });

  it('blanks no title of everybody and renames nobody by a shifted name column', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const before = idp.writes().length;
    await sync(feed(people.map((person) => ({ ...person, title: '' }))));
    await sync(feed(people.map((person, index) => ({ ...person, first: 'Sales', last: `Shift${index}` }))));
    expect(idp.writes().length).toBe(before);
  });

  it('locks out nobody whose start it moves to the future, or whom it expects again', async () => {
    const { idp, sync } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    await sync(feed(people.map((person) => ({ ...person, start: '2027-06-01' }))));
    expect(inactive(idp)).toBe(0);
    await sync(feed(people.map((person) => ({ ...person, start: '2026-11-25' }))));
    expect(inactive(idp)).toBe(0);
    await sync(feed(people.map((person) => ({ ...person, status: 'P' }))));
    expect(inactive(idp)).toBe(0);
  });

  it('that gives everybody a last day far ahead locks out nobody when that day comes', async () => {
    const { idp, sync, clock, settle, house } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    await sync(feed(people.map((person) => ({ ...person, end: '2027-02-01' }))));
    clock.set(instantOf('2027-01-04T11:00:00Z'));
    await settle();
    expect((await house.store.holds('acme'))[0]).toMatchObject({ kind: 'explicitLeaver', itemCount: 60 });
    for (let day = 0; day < 40; day += 8) {
      clock.advance(8 * DAY_MS);
      await settle();
    }
    expect(inactive(idp)).toBe(0);
  });

  it('that is the very first and ends everybody tomorrow locks out nobody the day after', async () => {
    const { idp, sync, clock, settle, house, stage } = await openTestHouse();
    await sync(feed(crowd(60, () => ({ end: '2026-11-24' }))));
    expect(idp.users.size).toBe(60);
    expect((await house.store.holds('acme'))[0]).toMatchObject({ kind: 'explicitLeaver', itemCount: 60 });
    clock.advance(3 * DAY_MS);
    await settle();
    expect(inactive(idp)).toBe(0);
    expect(await stage('1004')).toBe('active/settled');
  });

  it('of rejected rows that say terminated ends no more access than good rows could', async () => {
    const { idp, sync, cycle } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    await sync(feed(people.map((person) => ({ ...person, status: 'T', start: 'broken' }))));
    await cycle();
    expect(inactive(idp)).toBe(0);
  });

  it('whose rejected rows came with nothing harmful at first is not taken for a usual one at its second reading', async () => {
    const { idp, sync, house } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const broken = people.map((person, index) => (index < 5 ? { ...person, start: 'broken' } : person));
    await sync(feed(broken));
    const before = idp.writes().length;
    await sync(feed(broken.map((person, index) => (index === 55 ? { ...person, title: '' } : person))));
    expect((await house.store.holds('acme'))[0]).toMatchObject({ kind: 'newlyRejected', itemCount: 1 });
    expect(idp.writes().length).toBe(before);
  });

  it('of rows that contradict each other ends nobody’s access, although one of them is broken and says terminated', async () => {
    const { idp, sync, deliver, cycle, settle } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const broken = row({ id: '1007', status: 'T', start: 'broken' });
    deliver(`${feed(people)}${broken}\n`);
    await cycle();
    await settle();
    expect(inactive(idp)).toBe(0);
    deliver(`${HEADER}\n${broken}\n${people.map(row).join('\n')}\n`);
    await cycle();
    await settle();
    expect(inactive(idp)).toBe(0);
    deliver(
      feed([...people.map((person) => ({ ...person, title: 'Other' })).slice(7, 8), ...people.slice(8)]) +
        `${broken}\n`,
    );
    await cycle();
    await settle();
    expect(inactive(idp)).toBe(0);
  });

  it('whose source times lie ahead of the clock does not outrank what HR says next', async () => {
    const mapping = mappingText({
      'path: workers.csv, stableMs: 0 }': "path: workers.csv, stableMs: 0, asOf: 'instant(record.Title)' }",
    });
    const { idp, sync, stage } = await openTestHouse({ mapping });
    const people = crowd(40, () => ({ title: '2026-11-20T08:00:00Z' }));
    await sync(feed(people));
    const wrong = { status: 'T', title: '2099-01-01T00:00:00Z' };
    await sync(feed(people.map((person, index) => (index === 5 ? { ...person, ...wrong } : person))));
    const right = { title: '2026-11-23T12:00:00Z' };
    await sync(feed(people.map((person, index) => (index === 5 ? { ...person, ...right } : person))));
    expect(await stage('1005')).toBe('active/settled');
    expect(idp.user('1005')?.active).toBe(true);
  });
});

describe('harm in small portions', () => {
  it('passes no more in a week by pilots of one than by whole cycles', async () => {
    const { idp, sync, deliver, cycle, settle, clock } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    deliver(feed(people.map((person) => ({ ...person, status: 'T' }))));
    for (let round = 0; round < 6; round += 1) {
      await cycle({ limit: 1 });
      await cycle({ onlyWorker: String(1010 + round) });
      await settle(60_000);
    }
    expect(inactive(idp)).toBeLessThanOrEqual(3);
    for (let day = 0; day < 5; day += 1) {
      clock.advance(DAY_MS);
      await cycle({ limit: 1 });
      await cycle({ onlyWorker: String(1020 + day) });
      await settle(60_000);
    }
    expect(inactive(idp)).toBeLessThanOrEqual(6);
  });

  it('passes no more by deltas and restarts than by one snapshot', async () => {
    const { idp, deliver, cycle, settle, restart } = await openTestHouse({
      mapping: mappingText({ 'path: workers.csv, ': 'path: change-*.csv, content: delta, ' }),
    });
    const people = crowd(60);
    deliver(feed(people), 'change-2026-11-20-00.csv');
    await cycle();
    await settle();
    for (let part = 0; part < 6; part += 1) {
      deliver(
        feed(people.slice(part, part + 1).map((person) => ({ ...person, status: 'T' }))),
        `change-2026-11-21-0${part}.csv`,
      );
      await cycle();
      await restart();
      await settle(60_000);
    }
    expect(inactive(idp)).toBe(3);
  });
});

describe('an account that exists already', () => {
  it('of somebody else’s externalId is never taken over, whatever else agrees', async () => {
    const users = [
      { userName: 'x@example.com', externalId: 'other-7', active: true, [ENTERPRISE]: { employeeNumber: '1000' } },
    ];
    const { idp, sync, house, approveAll } = await openTestHouse({ idp: { users } });
    const [before] = [...idp.users.entries()];
    const text = JSON.stringify(before?.[1]);
    await sync(feed(crowd(3)));
    await approveAll();
    await sync();
    expect(JSON.stringify(idp.users.get(before?.[0] ?? ''))).toBe(text);
    expect(await house.store.operations({ workerKey: '1000', limit: 10 })).toMatchObject([
      { state: 'failed', lastOutcome: { code: 'foreign-account' } },
    ]);
  });

  const byMail = mappingText({
    "correlate: [externalId, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber']":
      "correlate: [externalId, 'emails[work].value']",
    '      title: worker.title\n':
      '      title: worker.title\n      emails: [{ value: \'slug(worker.givenName) + "@example.com"\', type: \'"work"\' }]\n',
  });

  it('is not taken over for its mail alone', async () => {
    const users = [
      {
        userName: 'other@example.com',
        active: true,
        name: { givenName: 'Firs', familyName: 'Other' },
        emails: [{ value: 'first1000@example.com', type: 'work' }],
      },
      {
        userName: 'same@example.com',
        active: true,
        name: { givenName: 'First1001', familyName: 'Last1001' },
        emails: [{ value: 'first1001@example.com', type: 'work' }],
      },
    ];
    const { sync, house } = await openTestHouse({ mapping: byMail, idp: { users } });
    await sync(feed(crowd(3)));
    const [hold] = await house.store.holds('acme', 10);
    expect(hold).toMatchObject({ kind: 'adoption', itemCount: 1 });
    expect(hold?.items[0]?.harm.workerKey).toBe('1001');
    expect(await house.store.operations({ workerKey: '1000', limit: 10 })).toMatchObject([
      { state: 'failed', lastOutcome: { code: 'weak-match' } },
    ]);
  });

  it('is never shared by two workers who both claim it', async () => {
    const users = [{ userName: 'one@example.com', active: true, [ENTERPRISE]: { employeeNumber: 'N' } }];
    const mapping = mappingText({ '        employeeNumber: worker.id': '        employeeNumber: worker.title' });
    const { idp, sync, approveAll, clock, house } = await openTestHouse({ mapping, idp: { users } });
    const people = crowd(4, (index) => (index < 2 ? { title: 'N' } : { title: `N${index}` }));
    await sync(feed(people));
    for (const workerKey of ['1000', '1001']) {
      expect(await house.store.operations({ workerKey, limit: 10 })).toMatchObject([
        { state: 'failed', lastOutcome: { code: 'already-owned' } },
      ]);
    }
    await approveAll();
    await sync(feed(people));
    clock.advance(DAY_MS);
    // One of the two leaves: the other one still works here.
    await sync(feed(people.map((person, index) => (index === 1 ? { ...person, status: 'T' } : person))));
    const shared = [...idp.users.values()].find(({ userName }) => userName === 'one@example.com');
    expect(shared?.active).toBe(true);
  });

  it('is not switched off by an approval that spoke of taking it over', async () => {
    const users = crowd(30).map(({ id }) => ({
      userName: `u${id}@example.com`,
      externalId: id,
      active: true,
      [ENTERPRISE]: { employeeNumber: id, department: 'Sales' },
    }));
    const { idp, sync, approveAll, clock } = await openTestHouse({ idp: { users } });
    const people = crowd(30);
    await sync(feed(people));
    expect(await approveAll()).toBe(1);
    clock.advance(60_000);
    await sync(feed(people.map((person) => ({ ...person, start: '2026-11-27' }))));
    expect(inactive(idp)).toBe(0);
  });

  it('gets no write once a rule protects it, even of its own worker', async () => {
    const { idp, sync, restart } = await openTestHouse();
    const people = crowd(40);
    await sync(feed(people));
    await restart(mappingText({ 'targets:': 'protected: [\'account.externalId == "1003"\']\ntargets:' }));
    const before = idp.writes().length;
    await sync(
      feed(people.map((person) => (person.id === '1003' ? { ...person, status: 'T', title: 'Chief' } : person))),
    );
    expect(idp.writes().length).toBe(before);
    expect(idp.user('1003')?.active).toBe(true);
  });
});

it('who goes on leave and is suspended keeps the groups, and gets nothing taken away and given back', async () => {
  const test = await openTestHouse({ mapping: SUSPENDING });
  const people = crowd(60);
  await test.sync(feed(people));
  const before = test.idp.writes().length;
  await test.sync(feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'L' } : one))));
  await test.sync();
  expect(test.idp.user('1003')?.active).toBe(false);
  expect(test.idp.members('All staff')).toHaveLength(60);
  const writes = test.idp.writes().slice(before);
  expect(writes.filter(({ path }) => path.startsWith('/Groups'))).toEqual([]);
});

it('nobody who has not begun yet is locked out in numbers by a repair of what somebody else enabled', async () => {
  const test = await openTestHouse();
  const people = crowd(60);
  const late = crowd(30).map((one) => ({ ...one, id: String(5000 + Number(one.id)), start: '2026-11-27' }));
  await test.sync(feed([...people, ...late]));
  test.clock.advance(DAY_MS);
  await comes(test, feed([...people, ...late.map((one) => ({ ...one, start: '2027-02-01' }))]));
  await test.approveAll();
  await test.sync();
  expect(await test.stage('6000')).toBe('expected/settled');
  for (const [id, user] of test.idp.users) test.idp.users.set(id, { ...user, active: true });
  test.clock.advance(2 * DAY_MS);
  const target = test.live.targets.get('idp');
  if (target === undefined) throw new Error('the house has a target');
  const never = new AbortController().signal;
  await reconcile(test.house, test.live, target, { repair: ['zombies'], actor: 'daemon', signal: never });
  await test.settle();
  expect(inactive(test.idp)).toBe(0);
  expect(await test.house.store.holds('acme')).toMatchObject([{ kind: 'inferredLeaver', itemCount: 30 }]);
});
