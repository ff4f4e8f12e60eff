// What HR systems do to one person over the years: hired anew, converted, employed twice, called back. One account all along.
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

/** The title column carries the person: rows with the same one are one worker. */
const PERSONS = mappingText({
  '  id: record.ID\n': '  id: record.ID\n  personId: record.Title\n',
  '    title: record.Title\n': '',
  '      title: worker.title\n': '',
});
const others = crowd(40, (index) => ({ title: `P-${index}` }));
const job = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  first: 'Ida',
  last: 'Berg',
  title: 'P-X',
  ...more,
});

const ida = ({ idp }: TestHouse) => {
  const found = [...idp.users.values()].filter(({ userName }) => String(userName).startsWith('ida.'));
  expect(found).toHaveLength(1);
  return found[0];
};
const at = async (test: TestHouse, ...jobs: readonly Person[]) => test.sync(feed([...others, ...jobs]));
const days = async (test: TestHouse, count: number): Promise<void> => {
  test.clock.advance(count * DAY_MS);
  await test.settle();
};
const disables = ({ idp }: TestHouse): number =>
  idp.writes().filter(({ body }) => /"active":\s*false/i.test(body)).length;

describe('one person, one account', () => {
  it('when hired again under a new id', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await at(test, job('7'));
    await at(test, job('7', { status: 'T', end: '2026-11-22' }));
    expect(ida(test)?.active).toBe(false);
    await days(test, 20);
    await at(test, job('7', { status: 'T', end: '2026-11-22' }), job('77', { start: '2026-12-12' }));
    expect(ida(test)?.active).toBe(true);
    expect(await test.stage('P-X')).toBe('active/settled');
    expect(test.idp.members('All staff')).toHaveLength(41);
  });

  it('when converted with an overlap: access never ends', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await at(test, job('7', { dept: 'Contractors' }));
    const before = disables(test);
    const contract = job('7', { dept: 'Contractors', end: '2026-12-04', status: 'T' });
    await at(test, contract, job('70', { start: '2026-12-01' }));
    await days(test, 10);
    expect(ida(test)).toMatchObject({ active: true });
    await days(test, 10);
    await at(test, job('70', { start: '2026-12-01' }));
    expect(ida(test)?.active).toBe(true);
    expect(disables(test)).toBe(before);
    expect(JSON.stringify(ida(test))).toContain('"department":"Sales"');
  });

  it('when converted with some days between: the same account ends and begins again', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await at(test, job('7'));
    const contract = job('7', { status: 'T', end: '2026-11-25' });
    await at(test, contract, job('70', { start: '2026-12-01' }));
    expect(ida(test)?.active).toBe(true);
    await days(test, 4);
    expect(ida(test)?.active).toBe(false);
    await days(test, 5);
    expect(ida(test)?.active).toBe(true);
    expect(await test.stage('P-X')).toBe('active/settled');
  });

  it('with two jobs at once: the account follows neither row’s turn, and stays until the last one ends', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    const jobs = [job('7', { dept: 'Night' }), job('8', { dept: 'Day', start: '2022-05-01' })];
    await at(test, ...jobs);
    const writes = test.idp.writes().length;
    for (let turn = 0; turn < 4; turn += 1) {
      test.clock.advance(DAY_MS);
      await at(test, ...(turn % 2 === 0 ? jobs.toReversed() : jobs));
    }
    expect(test.idp.writes().length).toBe(writes);
    await at(test, job('7', { dept: 'Night' }), job('8', { dept: 'Day', start: '2022-05-01', status: 'T' }));
    expect(ida(test)?.active).toBe(true);
    expect(JSON.stringify(ida(test))).toContain('"department":"Night"');
    await at(
      test,
      job('7', { dept: 'Night', status: 'T' }),
      job('8', { dept: 'Day', start: '2022-05-01', status: 'T' }),
    );
    expect(ida(test)?.active).toBe(false);
  });

  it('when a termination is taken back, before its day and after it', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await at(test, job('7'));
    await at(test, job('7', { status: 'T', end: '2026-11-25' }));
    await at(test, job('7'));
    await days(test, 4);
    expect(ida(test)?.active).toBe(true);
    await at(test, job('7', { status: 'T', end: '2026-11-26' }));
    expect(ida(test)?.active).toBe(false);
    test.clock.advance(DAY_MS);
    await at(test, job('7'));
    expect(ida(test)?.active).toBe(true);
    expect(test.idp.members('All staff')).toHaveLength(41);
  });

  it('when a hire is put off: no access before the new day, and then the account that was prepared', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await at(test, job('7', { status: 'P', start: '2026-11-27' }));
    expect(ida(test)?.active).toBe(false);
    await at(test, job('7', { status: 'A', start: '2026-12-20' }));
    await days(test, 10);
    expect(ida(test)?.active).toBe(false);
    await days(test, 18);
    expect(ida(test)?.active).toBe(true);
  });

  it('when a hire is withdrawn: it is never active', async () => {
    const test = await openTestHouse({ mapping: PERSONS });
    await at(test, job('7', { status: 'A', start: '2026-11-27' }));
    expect(ida(test)?.active).toBe(false);
    await at(test, job('7', { status: 'T', start: '2026-11-27' }));
    await days(test, 30);
    expect(ida(test)?.active).toBe(false);
    expect(await test.stage('P-X')).toBe('left/settled');
    expect(test.idp.writes().filter(({ body }) => body.includes('ida.') && /"active":\s*true/i.test(body))).toEqual([]);
  });

  it('when hired again under a new id after the account was deleted: a new one under the old name', async () => {
    const mapping = PERSONS.replace(
      'targets:\n',
      'lifecycle: { retention: { deleteAfterDays: 5 } }\ntargets:\n',
    ).replace('  - name: idp\n', '  - name: idp\n    deletes: true\n');
    const test = await openTestHouse({ mapping });
    await at(test, job('7'));
    const name = ida(test)?.userName;
    await at(test, job('7', { status: 'T', end: '2026-11-22' }));
    await days(test, 6);
    expect(await test.stage('P-X')).toBe('purged/settled');
    expect([...test.idp.users.values()].map(({ userName }) => userName)).not.toContain(name);
    await at(test, job('7', { status: 'T', end: '2026-11-22' }), job('77', { start: '2026-11-28' }));
    expect(ida(test)).toMatchObject({ userName: name, active: true });
  });
});
