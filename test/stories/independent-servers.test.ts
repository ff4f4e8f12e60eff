import { describe, expect, it } from 'vitest';
import { feed, type Person } from '../support/house.ts';
import {
  ask,
  ENTERPRISE,
  houseAt,
  INDEPENDENT_SERVERS,
  membersOf,
  SCIM,
  type ServedHouse,
  userOf,
  usersOf,
  WITH_MAIL,
} from '../support/independent-servers.ts';

const ANNA: Person = { id: '1', first: 'Anna', last: 'Berg', dept: 'Sales', title: 'Clerk' };
const BEN: Person = { id: '2', first: 'Ben', last: 'Cole', manager: '1' };
const CARL: Person = { id: '3', first: 'Carl', last: 'Diaz' };
const DORA: Person = { id: '4', first: 'Dora', last: 'Ek' };
const STAFF = [ANNA, BEN, CARL, DORA] as const;
const gone = (person: Person): Person => ({ ...person, status: 'T', end: '2026-11-22' });

/** What Rollcall sent since `from` requests had been seen, as `METHOD /path`, ids left out. */
const sent = ({ tap }: ServedHouse, from: number): readonly string[] =>
  tap.log
    .slice(from)
    .map(
      ({ method, path }) => `${method} ${path.replace(/^(\/(?:Users|Groups))\/[^/?]+/, '$1/…').replace(/\?.*/, '?…')}`,
    );

interface Creation {
  readonly method?: string;
  readonly path?: string;
  readonly externalId?: string;
  readonly data?: Creation;
  readonly Operations?: readonly Creation[];
}

/** externalIds of users that the server was asked to make, alone or in bulk, each as often as it was asked; sorted. */
const creations = ({ tap }: ServedHouse): readonly (string | undefined)[] =>
  tap.log
    .filter(({ method, path }) => method === 'POST' && (path === '/Users' || path === '/Bulk'))
    .flatMap(({ path, body }) => {
      const asked = JSON.parse(body) as Creation;
      return path === '/Users'
        ? [asked]
        : (asked.Operations ?? [])
            .filter((one) => one.method === 'POST' && one.path === '/Users')
            .map(({ data }) => data ?? {});
    })
    .map(({ externalId }) => externalId)
    .sort();

const stages = (served: ServedHouse, keys: readonly string[]): Promise<readonly string[]> =>
  Promise.all(keys.map((key) => served.test.stage(key)));

const failures = ({ test }: ServedHouse) =>
  test.house.store.operations({ connection: 'acme', states: ['failed'], limit: 5 });

/** Everybody is at work, in the group, and settled. */
async function atWork(index: number, people: readonly Person[] = STAFF): Promise<ServedHouse> {
  const server = INDEPENDENT_SERVERS[index];
  if (server === undefined) throw new Error('no such server');
  const served = await houseAt(server);
  await served.test.sync(feed(people));
  return served;
}

describe.each(INDEPENDENT_SERVERS.map(({ name, unsupported }, index) => ({ name, unsupported, index })))(
  'the server of $name',
  ({ index, unsupported }) => {
    it('takes joiners with everything that was mapped, once each, and puts them into their group', async () => {
      const served = await atWork(index);
      const { server, tap } = served;
      expect(await usersOf(server)).toHaveLength(4);
      expect(await userOf(server, '1')).toMatchObject({
        userName: 'anna.berg@example.com',
        active: true,
        title: 'Clerk',
        name: { givenName: 'Anna', familyName: 'Berg' },
        emails: [{ value: 'anna.berg@example.com', type: 'work', primary: true }],
        [ENTERPRISE]: { employeeNumber: '1', department: 'Sales' },
      });
      expect(await membersOf(server, 'All staff')).toEqual(['1', '2', '3', '4']);
      expect(await stages(served, ['1', '2', '3', '4'])).toEqual(Array(4).fill('active/settled'));
      expect(creations(served)).toEqual(['1', '2', '3', '4']);
      expect(tap.log.filter(({ method, path }) => method === 'POST' && path === '/Groups')).toHaveLength(1);
      expect(tap.log.every(({ status }) => status !== null && status < 500)).toBe(true);
    });

    it('is not asked anything when the same feed comes again', async () => {
      const served = await atWork(index);
      const before = served.tap.log.length;
      await served.test.sync(feed(STAFF));
      await served.test.sync();
      expect(sent(served, before)).toEqual([]);
    });

    it('is sent one PATCH for a mover, whatever changed', async () => {
      const served = await atWork(index);
      const before = served.tap.log.length;
      await served.test.sync(feed([{ ...ANNA, dept: 'Finance', title: 'Chief', last: 'Berg-Lund' }, BEN, CARL, DORA]));
      expect(sent(served, before)).toEqual(['PATCH /Users/…']);
      expect(await userOf(served.server, '1')).toMatchObject({
        userName: 'anna.berg@example.com',
        title: 'Chief',
        name: { givenName: 'Anna', familyName: 'Berg-Lund' },
        [ENTERPRISE]: { department: 'Finance' },
      });
      expect(await served.test.stage('1')).toBe('active/settled');
    });

    it('loses a value that HR has blanked, once somebody has approved it', async () => {
      const served = await atWork(index);
      await served.test.sync(feed([{ ...ANNA, title: '' }, BEN, CARL, DORA]));
      await served.test.approveAll();
      await served.test.sync(feed([{ ...ANNA, title: '' }, BEN, CARL, DORA]));
      expect(await userOf(served.server, '1')).not.toHaveProperty('title');
      expect(await served.test.stage('1')).toBe('active/settled');
    });

    it('is told the manager once the manager’s account exists, in any order, and a new one after that', async () => {
      const served = await atWork(index, [BEN, CARL]);
      const managerOf = async (): Promise<unknown> =>
        ((await userOf(served.server, '2'))[ENTERPRISE] as { manager?: { value?: string } }).manager?.value;
      expect(await managerOf()).toBeUndefined();
      await served.test.sync(feed([BEN, CARL, ANNA]));
      expect(await managerOf()).toBe((await userOf(served.server, '1')).id);
      const before = served.tap.log.length;
      await served.test.sync(feed([{ ...BEN, manager: '3' }, CARL, ANNA]));
      expect(await managerOf()).toBe((await userOf(served.server, '3')).id);
      expect(sent(served, before)).toEqual(['PATCH /Users/…']);
    });

    it('disables a leaver, shows it when it is read back, and has nobody of that name in its groups', async () => {
      const served = await atWork(index);
      const before = served.tap.log.length;
      await served.test.sync(feed([gone(ANNA), BEN, CARL, DORA]));
      expect((await userOf(served.server, '1')).active).toBe(false);
      expect(await membersOf(served.server, 'All staff')).toEqual(['2', '3', '4']);
      expect(sent(served, before)).toEqual(['PATCH /Users/…', 'GET /Users/…', 'PATCH /Groups/…']);
      expect(await served.test.stage('1')).toBe('left/settled');
      expect(await served.test.house.store.unconfirmedLeavers(10)).toEqual([]);
    });

    it('disables at once for an emergency leave', async () => {
      const served = await atWork(index);
      await served.test.act('leave', { connection: 'acme', worker: '2' });
      await served.test.settle();
      expect((await userOf(served.server, '2')).active).toBe(false);
      expect(await served.test.stage('2')).toBe('left/settled');
    });

    it('enables the same account again for a rehire and gives the group back', async () => {
      const served = await atWork(index);
      const id = (await userOf(served.server, '1')).id;
      await served.test.sync(feed([gone(ANNA), BEN, CARL, DORA]));
      await served.test.sync(feed([{ ...ANNA, start: '2026-11-23', title: 'Back' }, BEN, CARL, DORA]));
      expect(await userOf(served.server, '1')).toMatchObject({ id, active: true, title: 'Back' });
      expect(await membersOf(served.server, 'All staff')).toEqual(['1', '2', '3', '4']);
      expect(await served.test.stage('1')).toBe('active/settled');
    });

    it('has one account of everybody whose creation was answered and the answer lost: they are found and adopted', async () => {
      const served = await atWork(index, [BEN]);
      served.tap.loseNextReply(({ method, path }) => method === 'POST' && (path === '/Users' || path === '/Bulk'));
      await served.test.sync(feed([BEN, CARL, DORA]));
      expect(served.tap.log.filter(({ lost }) => lost)).toHaveLength(1);
      expect(creations(served)).toEqual(['2', '3', '4']);
      expect((await usersOf(served.server)).map(({ externalId }) => externalId).sort()).toEqual(['2', '3', '4']);
      expect(await membersOf(served.server, 'All staff')).toEqual(['2', '3', '4']);
      expect(await stages(served, ['3', '4'])).toEqual(Array(2).fill('active/settled'));
    });

    it.each([
      ['a change', 'PATCH', '/Users/', { ...ANNA, title: 'Chief' }],
      ['a disable', 'PATCH', '/Users/', gone(ANNA)],
      ['a membership', 'PATCH', '/Groups/', gone(ANNA)],
    ] as const)('is left as it should be when the answer to %s is lost', async (_, method, path, changed) => {
      const served = await atWork(index);
      served.tap.loseNextReply((request) => request.method === method && request.path.startsWith(path));
      await served.test.sync(feed([changed, BEN, CARL, DORA]));
      expect(served.tap.log.filter(({ lost }) => lost)).toHaveLength(1);
      const left = changed.status === 'T';
      expect(await userOf(served.server, '1')).toMatchObject(
        left ? { active: false } : { active: true, title: 'Chief' },
      );
      expect(await membersOf(served.server, 'All staff')).toEqual(left ? ['2', '3', '4'] : ['1', '2', '3', '4']);
      expect(await served.test.stage('1')).toBe(left ? 'left/settled' : 'active/settled');
    });

    it('keeps a stranger’s userName: a worker of that name gets the next one', async () => {
      const served = await atWork(index, [BEN]);
      const stranger = SCIM.user({ userName: 'anna.berg@example.com', externalId: 'somebody-else' });
      expect((await ask(served.server, 'POST', '/Users', stranger)).status).toBe(201);
      await served.test.sync(feed([BEN, ANNA]));
      expect(await userOf(served.server, '1')).toMatchObject({ userName: 'anna.berg2@example.com', active: true });
      expect(await userOf(served.server, 'somebody-else')).toMatchObject({
        userName: 'anna.berg@example.com',
        active: true,
      });
      expect(await served.test.stage('1')).toBe('active/settled');
    });

    it('is met with an account of ours that somebody has deleted: its leaver is done once nobody is found', async () => {
      const served = await atWork(index);
      const { id } = await userOf(served.server, '1');
      expect((await ask(served.server, 'DELETE', `/Users/${String(id)}`)).status).toBe(204);
      await served.test.sync(feed([gone(ANNA), BEN, CARL, DORA]));
      expect(await userOf(served.server, '1')).toEqual({});
      expect(await served.test.house.store.unconfirmedLeavers(10)).toEqual([]);
    });

    it('is read to its last page at first contact, and existing accounts are adopted only with an approval', async () => {
      const server = INDEPENDENT_SERVERS[index];
      if (server === undefined) throw new Error('no such server');
      const served = await houseAt(server);
      for (let number = 0; number < 105; number += 1) {
        const userName = `before.${number}@example.com`;
        const added = await ask(
          served.server,
          'POST',
          '/Users',
          SCIM.user({ userName, externalId: `before-${number}` }),
        );
        expect(added.status).toBe(201);
      }
      const mine = SCIM.user({
        userName: 'a.berg@example.com',
        externalId: '1',
        [ENTERPRISE]: { employeeNumber: '1' },
      });
      expect((await ask(served.server, 'POST', '/Users', mine)).status).toBe(201);
      const report = await served.test.sync(feed([ANNA]));
      expect(report.kind).toBe('held');
      expect(served.tap.writes()).toEqual([]);
      await served.test.approveAll();
      await served.test.sync(feed([ANNA]));
      expect(await usersOf(served.server)).toHaveLength(106);
      expect(await userOf(served.server, '1')).toMatchObject({
        userName: 'a.berg@example.com',
        title: 'Clerk',
        name: { familyName: 'Berg' },
      });
      expect(await served.test.stage('1')).toBe('active/settled');
    });
    it('keeps a stranger’s userName in other case, too', async () => {
      const served = await atWork(index, [BEN]);
      const stranger = SCIM.user({ userName: 'ANNA.Berg@example.com', externalId: 'somebody-else' });
      expect((await ask(served.server, 'POST', '/Users', stranger)).status).toBe(201);
      await served.test.sync(feed([BEN, ANNA]));
      expect(await userOf(served.server, 'somebody-else')).toMatchObject({
        userName: 'ANNA.Berg@example.com',
        active: true,
      });
      if (unsupported['searches in any case'] === undefined) {
        expect(await userOf(served.server, '1')).toMatchObject({ userName: 'anna.berg2@example.com', active: true });
        expect(await served.test.stage('1')).toBe('active/settled');
      } else {
        expect(await userOf(served.server, '1')).toEqual({});
        expect(await served.test.stage('1')).toBe('active/failed');
        expect(await failures(served)).toMatchObject([
          { workerKey: '1', kind: 'create', lastOutcome: { status: 409 } },
        ]);
      }
    });

    it('finds somebody whose id has a quote in it when the answer to the creation was lost', async () => {
      const served = await atWork(index, [BEN]);
      served.tap.loseNextReply(({ method, path }) => method === 'POST' && (path === '/Users' || path === '/Bulk'));
      await served.test.sync(`${feed([BEN])}"a""b",Anna,Berg,A,2020-01-01,,,Sales,Clerk\n`);
      expect((await usersOf(served.server)).filter(({ externalId }) => externalId === 'a"b')).toHaveLength(1);
      expect(creations(served)).toEqual(['2', 'a"b']);
      if (unsupported['searches for a quote'] === undefined) {
        expect(await served.test.stage('a"b')).toBe('active/settled');
      } else {
        expect(await served.test.stage('a"b')).toBe('active/failed');
        expect(await failures(served)).toMatchObject([{ workerKey: 'a"b', lastOutcome: { code: 'invalidFilter' } }]);
      }
    });

    it('takes everybody else into a group when the account of one of them is gone', async () => {
      const served = await atWork(index, [ANNA, BEN, CARL]);
      await ask(served.server, 'DELETE', `/Users/${String((await userOf(served.server, '2')).id)}`);
      const everybody = `      - { name: '"All staff"', authority: full, create: true }\n`;
      await served.test.restart(WITH_MAIL.replace(everybody, `${everybody}      - { name: '"Crew"', create: true }\n`));
      await served.test.sync(feed([ANNA, BEN, CARL]));
      expect(await membersOf(served.server, 'Crew')).toEqual(expect.arrayContaining(['1', '3']));
      if (unsupported['members that are checked'] === undefined) {
        expect(await membersOf(served.server, 'Crew')).toHaveLength(2);
        expect(await failures(served)).toMatchObject([
          { workerKey: '2', kind: 'addMember', lastOutcome: { status: 400 } },
        ]);
      } else {
        // Nobody could notice: the server said that it was done.
        expect(await membersOf(served.server, 'Crew')).toHaveLength(3);
        expect(await failures(served)).toEqual([]);
      }
      expect(await stages(served, ['1', '3'])).toEqual(Array(2).fill('active/settled'));
    });
  },
);
