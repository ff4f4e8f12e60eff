import { describe, expect, test } from 'vitest';
import { calendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { type FakeIdp, startFakeIdp } from '../support/fake-idp.ts';
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA } from '../support/fake-scim.ts';
import { type CrashWorker, crashCompany, JOINERS } from './crash-company.ts';
import { type Evidence, type Expectation, type Resource, violations } from './crash-judge.ts';

const TODAY = '2026-11-22';
const worker = (id: string, department: string, lastDay = ''): CrashWorker => ({
  id,
  givenName: 'Ana',
  familyName: 'Cokamo',
  department,
  lastDay,
});
const EXPECTED: Expectation = {
  workers: [worker('1', 'Sales'), worker('2', 'Finance', '2026-11-21')],
  departments: new Map([
    ['1', ['Finance', 'Sales']],
    ['2', ['Finance', 'Finance']],
  ]),
};

async function send(idp: FakeIdp, method: string, path: string, body: unknown): Promise<Resource> {
  const response = await fetch(idp.url + path, { method, body: JSON.stringify(body) });
  return (response.status === 204 ? {} : await response.json()) as Resource;
}
const createUser = (idp: FakeIdp, id: string, userName = `ana${id}`): Promise<Resource> =>
  send(idp, 'POST', '/Users', {
    schemas: [USER_SCHEMA, ENTERPRISE_SCHEMA],
    externalId: id,
    userName,
    active: true,
    [ENTERPRISE_SCHEMA]: { department: 'Finance' },
  });
const patch = (idp: FakeIdp, path: string, operation: Resource): Promise<Resource> =>
  send(idp, 'PATCH', path, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [operation],
  });
const move = (idp: FakeIdp, path: string, department: string): Promise<Resource> =>
  patch(idp, path, { op: 'replace', path: `${ENTERPRISE_SCHEMA}:department`, value: department });
const setActive = (idp: FakeIdp, path: string, value: boolean): Promise<Resource> =>
  patch(idp, path, { op: 'replace', path: 'active', value });

/** A mover and a leaver, handled as they should be; `alter` then does one thing wrong. */
async function evidence(alter: (idp: FakeIdp, mover: string, leaver: string) => Promise<unknown>): Promise<Evidence> {
  await using idp = await startFakeIdp();
  const mover = (await createUser(idp, '1')).id as string;
  const leaver = (await createUser(idp, '2')).id as string;
  for (const displayName of ['All staff', 'Dept Sales', 'Dept Finance']) {
    const { id } = await send(idp, 'POST', '/Groups', { schemas: [GROUP_SCHEMA], displayName });
    const value = displayName === 'Dept Finance' ? [] : [{ value: mover }];
    if (value.length > 0) await patch(idp, `/Groups/${id}`, { op: 'add', path: 'members', value });
  }
  await move(idp, `/Users/${mover}`, 'Sales');
  await setActive(idp, `/Users/${leaver}`, false);
  await alter(idp, mover, leaver);
  return { log: idp.log, users: [...idp.users.values()], groups: [...idp.groups.values()] };
}
const groupCalled = (idp: FakeIdp, name: string): Resource =>
  [...idp.groups.values()].find((group) => group.displayName === name) as Resource;

describe('the judge of the crash campaign', () => {
  test('finds nothing wrong with a mover and a leaver who were handled once and in order', async () => {
    expect(violations(await evidence(async () => {}), EXPECTED)).toEqual([]);
  });

  test('does not mind a write that was repeated with the same value', async () => {
    const seen = await evidence(async (idp, mover, leaver) => {
      await move(idp, `/Users/${mover}`, 'Sales');
      await setActive(idp, `/Users/${leaver}`, false);
    });
    expect(violations(seen, EXPECTED)).toEqual([]);
  });

  test.each<[string, RegExp, (idp: FakeIdp, mover: string, leaver: string) => Promise<unknown>]>([
    ['a second account of one worker', /created 2 times/, (idp) => createUser(idp, '1', 'ana1b')],
    ['an account of nobody', /3 accounts for 2 workers/, (idp) => createUser(idp, '9')],
    ['a lost account', /worker 1 has no account/, async (idp, mover) => idp.users.delete(mover)],
    [
      'a leaver who was enabled again',
      /enabled after the disable/,
      (idp, _, leaver) => setActive(idp, `/Users/${leaver}`, true),
    ],
    [
      'a leaver who was enabled again for a moment',
      /enabled after the disable/,
      async (idp, _, leaver) => {
        await setActive(idp, `/Users/${leaver}`, true);
        await setActive(idp, `/Users/${leaver}`, false);
      },
    ],
    ['a worker who was disabled', /account of 1 is inactive/, (idp, mover) => setActive(idp, `/Users/${mover}`, false)],
    ['a value that went back', /went back to Finance/, (idp, mover) => move(idp, `/Users/${mover}`, 'Finance')],
    [
      'a value that went back for a moment',
      /went back to Finance/,
      async (idp, mover) => {
        await move(idp, `/Users/${mover}`, 'Finance');
        await move(idp, `/Users/${mover}`, 'Sales');
      },
    ],
    [
      'a leaver who is still a member',
      /All staff has 1 members too many/,
      (idp, _, leaver) =>
        patch(idp, `/Groups/${groupCalled(idp, 'All staff').id}`, {
          op: 'add',
          path: 'members',
          value: [{ value: leaver }],
        }),
    ],
    [
      'a missing membership',
      /Dept Sales lacks 1 members/,
      (idp, mover) =>
        patch(idp, `/Groups/${groupCalled(idp, 'Dept Sales').id}`, {
          op: 'remove',
          path: `members[value eq "${mover}"]`,
        }),
    ],
    [
      'a doubled membership',
      /holds 1 members twice/,
      async (idp, mover) => {
        idp.groups.set('doubled', {
          ...groupCalled(idp, 'All staff'),
          id: 'doubled',
          displayName: 'Twice',
          members: [{ value: mover }, { value: mover }],
        });
      },
    ],
    [
      'two writes for one worker at once',
      /under way at once/,
      async (idp, mover) => {
        idp.behaviours.add({ method: 'PATCH', times: 1, act: { kind: 'slow', ms: 40 } });
        await Promise.all([move(idp, `/Users/${mover}`, 'Sales'), move(idp, `/Users/${mover}`, 'Sales')]);
      },
    ],
  ])('finds %s', async (_, sentence, alter) => {
    expect(violations(await evidence(alter), EXPECTED).join('\n')).toMatch(sentence);
  });
});

describe('the company of the crash campaign', () => {
  test('is the same for the same seed and another one for another seed', () => {
    expect(crashCompany(7, TODAY)).toEqual(crashCompany(7, TODAY));
    expect(crashCompany(7, TODAY).first.csv).not.toBe(crashCompany(8, TODAY).first.csv);
  });

  test('moves and ends so few people on its second day that no guard may stop it, and has contested names', () => {
    const { first, second, movers, leavers } = crashCompany(7, TODAY);
    expect(first.workers).toHaveLength(JOINERS);
    expect(leavers.size).toBeGreaterThan(0);
    expect(leavers.size).toBeLessThanOrEqual(JOINERS * 0.02);
    // Movers leave one group, leavers two; 5 % of memberships per cycle is the guard's limit.
    expect(movers.size + 2 * leavers.size).toBeLessThanOrEqual(JOINERS * 0.05);
    const yesterday = plusDays(calendarDate(TODAY), -1);
    expect(second.workers.filter(({ lastDay }) => lastDay !== '').every(({ lastDay }) => lastDay === yesterday)).toBe(
      true,
    );
    const names = first.workers.map(({ givenName, familyName }) => `${givenName} ${familyName}`);
    expect(names.length - new Set(names).size).toBeGreaterThan(50);
  });
});
