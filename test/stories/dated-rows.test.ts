// Several dated rows under one key, through the whole house: today's row counts, rows to come move people on their day.
import { describe, expect, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { mappingText, openTestHouse, type TestHouse } from '../support/house.ts';

const HEADER = 'ID,First,Last,Status,Start,End,Manager,Dept,Title,From,To';
const line = (cells: Partial<Record<string, string>> & { readonly id: string }): string =>
  [
    cells.id,
    `First${cells.id}`,
    `Last${cells.id}`,
    cells.status ?? 'A',
    cells.start ?? '2020-01-01',
    cells.end ?? '',
    '',
    cells.dept ?? 'Sales',
    'Clerk',
    cells.from ?? '2020-01-01',
    cells.to ?? '',
  ].join(',');
const feed = (...rows: readonly string[]): string => `${[HEADER, ...rows].join('\n')}\n`;

const dated = (more: Readonly<Record<string, string>> = {}): string =>
  mappingText({
    'source: { kind: file, path: workers.csv, stableMs: 0 }':
      'source: { kind: file, path: workers.csv, stableMs: 0, effective: { from: record.From, to: record.To } }',
    ...more,
  });

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const accountOf = (house: TestHouse, id: string) =>
  [...house.idp.users.values()].find(
    (user) => (user[enterprise] as { employeeNumber?: string })?.employeeNumber === id,
  );
const departmentOf = (house: TestHouse, id: string): unknown =>
  (accountOf(house, id)?.[enterprise] as { department?: string } | undefined)?.department;
const writes = (house: TestHouse): number => house.idp.log.filter(({ method }) => method !== 'GET').length;

const bystanders = Array.from({ length: 30 }, (_, index) => line({ id: String(500 + index) }));

describe('several dated rows under one key', () => {
  test('the row of today counts, and a row to come moves the worker on its day without another look at the feed', async () => {
    const house = await openTestHouse({ mapping: dated(), now: instantOf('2026-11-23T11:00:00Z') });
    const report = await house.sync(
      feed(
        line({ id: '1', dept: 'Marketing', from: '2026-12-01' }),
        ...bystanders,
        line({ id: '1', dept: 'Finance', from: '2022-01-01', to: '2026-11-30' }),
        line({ id: '1', dept: 'Sales', from: '2020-01-01', to: '2021-12-31' }),
      ),
    );
    expect(report.rejections).toEqual([]);
    expect(departmentOf(house, '1')).toBe('Finance');

    house.clock.set(instantOf('2026-11-30T22:59:59.000Z'));
    await house.settle(0);
    expect(departmentOf(house, '1')).toBe('Finance');

    house.clock.set(instantOf('2026-11-30T23:00:00.000Z'));
    await house.settle();
    expect(departmentOf(house, '1')).toBe('Marketing');
    const sent = writes(house);

    // The same rows in another order say nothing new.
    const again = await house.sync(
      feed(
        line({ id: '1', dept: 'Sales', from: '2020-01-01', to: '2021-12-31' }),
        line({ id: '1', dept: 'Finance', from: '2022-01-01', to: '2026-11-30' }),
        line({ id: '1', dept: 'Marketing', from: '2026-12-01' }),
        ...bystanders,
      ),
    );
    expect(again.recognised).toBe(33);
    expect(writes(house)).toBe(sent);
  });

  test('a new row beside recognised ones schedules the move, and taking it back cancels it', async () => {
    const house = await openTestHouse({ mapping: dated() });
    const today = line({ id: '1', dept: 'Finance', from: '2022-01-01' });
    await house.sync(feed(today, ...bystanders));
    const coming = line({ id: '1', dept: 'Marketing', from: '2026-12-01' });
    await house.sync(feed(today, ...bystanders, coming));
    const due = (await house.house.store.situations('acme', ['1'])).get('1')?.dueAt;
    expect(due).toBe('2026-11-30T23:00:00.000Z');

    await house.sync(feed(today, ...bystanders));
    expect((await house.house.store.situations('acme', ['1'])).get('1')?.dueAt).toBeNull();
    house.clock.set(instantOf('2026-12-02T11:00:00.000Z'));
    await house.settle();
    expect(departmentOf(house, '1')).toBe('Finance');
  });

  test('rows that both claim a day are rejected with the day, and change nothing', async () => {
    const house = await openTestHouse({ mapping: dated() });
    await house.sync(feed(line({ id: '1', dept: 'Finance' }), ...bystanders));
    const report = await house.sync(
      feed(
        line({ id: '1', dept: 'Legal', from: '2026-01-01', to: '2026-11-30' }),
        line({ id: '1', dept: 'Marketing', from: '2026-11-30' }),
        ...bystanders,
      ),
    );
    expect(report.rejections.map(({ code, reason }) => [code, reason])).toEqual([
      ['dated-rows', 'two rows of this key both count on 2026-11-30'],
      ['dated-rows', 'two rows of this key both count on 2026-11-30'],
    ]);
    expect(departmentOf(house, '1')).toBe('Finance');
    expect(accountOf(house, '1')?.active).toBe(true);
  });

  test('in a gap the row before it goes on, and identical rows collapse', async () => {
    const house = await openTestHouse({ mapping: dated() });
    const rows = [
      line({ id: '1', dept: 'Finance', from: '2022-01-01', to: '2026-11-20' }),
      line({ id: '1', dept: 'Finance', from: '2022-01-01', to: '2026-11-20' }),
      line({ id: '1', dept: 'Marketing', from: '2026-12-01' }),
    ];
    const report = await house.sync(feed(...rows, ...bystanders));
    expect(report.rejections).toEqual([]);
    expect(departmentOf(house, '1')).toBe('Finance');
    expect(accountOf(house, '1')?.active).toBe(true);
  });

  test('a row to come that says terminated ends access on its first day, and the guard sees it ahead', async () => {
    const house = await openTestHouse({ mapping: dated() });
    await house.sync(
      feed(
        line({ id: '1', from: '2022-01-01', to: '2026-11-30' }),
        line({ id: '1', status: 'T', from: '2026-12-01' }),
        ...bystanders,
      ),
    );
    expect(accountOf(house, '1')?.active).toBe(true);
    const facts = (await house.house.store.situations('acme', ['1'])).get('1')?.standing.facts;
    expect(facts?.guardedEnd).toBe('2026-11-30');
    house.clock.set(instantOf('2026-11-30T23:00:00.000Z'));
    await house.settle();
    expect(accountOf(house, '1')?.active).toBe(false);
    const after = (await house.house.store.situations('acme', ['1'])).get('1')?.standing.facts;
    expect(after).toMatchObject({ leaveKind: 'explicit', endedEnd: '2026-11-30' });
  });

  test('a leave and a rehire in one file happen on their days: access ends, the account is back before the new start', async () => {
    const house = await openTestHouse({ mapping: dated() });
    await house.sync(
      feed(
        line({ id: '1', end: '2026-11-30', from: '2022-01-01', to: '2026-11-30' }),
        line({ id: '1', dept: 'Legal', from: '2027-02-01' }),
        ...bystanders,
      ),
    );
    house.clock.set(instantOf('2026-11-30T23:00:00.000Z'));
    await house.settle();
    expect(await house.stage('1')).toBe('left/settled');
    house.clock.set(instantOf('2027-01-25T11:00:00.000Z'));
    await house.settle();
    expect(await house.stage('1')).toBe('preboarding/settled');
    expect(accountOf(house, '1')?.active).toBe(false);
    house.clock.set(instantOf('2027-01-31T23:00:00.000Z'));
    await house.settle();
    expect(await house.stage('1')).toBe('active/settled');
    expect(departmentOf(house, '1')).toBe('Legal');
    expect(house.idp.users.size).toBe(31);
  });

  test('an end date that is only the end of the row ends nothing while the next row follows', async () => {
    const house = await openTestHouse({ mapping: dated() });
    await house.sync(
      feed(
        line({ id: '1', end: '2026-11-30', from: '2022-01-01', to: '2026-11-30' }),
        line({ id: '1', dept: 'Legal', start: '2026-12-01', from: '2026-12-01' }),
        ...bystanders,
      ),
    );
    expect((await house.house.store.situations('acme', ['1'])).get('1')?.standing.facts.guardedEnd).toBeNull();
    house.clock.set(instantOf('2026-11-30T23:00:00.000Z'));
    await house.settle();
    expect(await house.stage('1')).toBe('active/settled');
    expect(departmentOf(house, '1')).toBe('Legal');
    expect(house.idp.log.filter(({ body }) => JSON.stringify(body)?.includes('false') === true)).toEqual([]);
  });

  test('a rejected row in force changes nothing, but a termination readable in it is acted on', async () => {
    const house = await openTestHouse({ mapping: dated() });
    await house.sync(feed(line({ id: '1', dept: 'Finance' }), line({ id: '2', dept: 'Finance' }), ...bystanders));
    const report = await house.sync(
      feed(
        line({ id: '1', dept: 'Finance', to: '2026-11-20' }),
        line({ id: '1', dept: 'Legal', from: '2026-11-21', start: 'soon' }),
        line({ id: '2', dept: 'Finance', to: '2026-11-20' }),
        line({ id: '2', status: 'T', from: '2026-11-21', start: 'soon' }),
        ...bystanders,
      ),
    );
    expect(report.rejections.map(({ key }) => key).sort()).toEqual(['1', '2']);
    expect([departmentOf(house, '1'), accountOf(house, '1')?.active]).toEqual(['Finance', true]);
    expect(accountOf(house, '2')?.active).toBe(false);
  });

  test('a rejected row whose time is over is listed and keeps nobody from moving', async () => {
    const house = await openTestHouse({ mapping: dated() });
    const report = await house.sync(
      feed(
        line({ id: '1', dept: 'Sales', from: '2020-01-01', to: '2021-12-31', start: 'long ago' }),
        line({ id: '1', dept: 'Finance', from: '2022-01-01' }),
        ...bystanders,
      ),
    );
    expect(report.rejections).toHaveLength(1);
    expect(departmentOf(house, '1')).toBe('Finance');
  });

  test('without source.effective rows that differ under one key are rejected as before', async () => {
    const house = await openTestHouse();
    const report = await house.sync(
      feed(line({ id: '1', dept: 'Finance', to: '2026-11-30' }), line({ id: '1', dept: 'Legal', from: '2026-12-01' })),
    );
    expect(report.rejections.map(({ code }) => code)).toEqual(['duplicate-key', 'duplicate-key']);
  });
});
