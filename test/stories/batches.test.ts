// Many people, few requests: bulk requests where the endpoint has them, and memberships of one group together.
import { describe, expect, test } from 'vitest';
import type { BulkManners } from '../support/fake-bulk.ts';
import type { FakeIdp, FakeIdpOptions, LoggedRequest } from '../support/fake-idp.ts';
import { comes, crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MANNERS: BulkManners = { maxOperations: 100, maxPayloadSize: 1_000_000 };
const NO_GROUPS = {
  '    groups:\n      - { name: \'"All staff"\', authority: full, create: true }\n': '',
};
const bulkOf = (more = '') => ({
  '    limits: {': `    capabilities: { bulk: { maxOps: 100, maxBytes: 1000000${more} } }\n    limits: {`,
});
const openBulk = (options: FakeIdpOptions = {}, replace: Readonly<Record<string, string>> = NO_GROUPS, more = '') =>
  openTestHouse({
    mapping: mappingText({ ...bulkOf(more), ...replace }),
    idp: { bulk: MANNERS, ...options },
  });

const bulks = ({ log }: FakeIdp) => log.filter(({ path }) => path === '/Bulk');
const operationsIn = ({ body }: LoggedRequest) =>
  (
    JSON.parse(body) as {
      Operations: { method: string; path: string; bulkId?: string; data: Record<string, unknown> }[];
    }
  ).Operations;
const patches = ({ log }: FakeIdp, path: string) =>
  log.filter((entry) => entry.method === 'PATCH' && entry.path.startsWith(path));
const restless = async (test: TestHouse, people: readonly Person[]) => {
  const open: string[] = [];
  for (const { id } of people) if ((await test.stage(id)) !== 'active/settled') open.push(id);
  return open;
};
/** Every externalId has one account. */
const doubled = ({ users }: FakeIdp) => {
  const ids = [...users.values()].map(({ externalId }) => externalId);
  return ids.length - new Set(ids).size;
};

/** Audit: each write of an account has its intent before it and its answer or result after it, under its own worker. */
async function expectAccounted(test: TestHouse, people: readonly Person[], way: string | undefined): Promise<void> {
  for (const { id } of people) {
    const entries = await test.house.store.audit.entriesOf('acme', id);
    const intents = entries.filter(({ kind }) => kind === 'intent');
    const results = entries.filter(
      ({ kind, body }) => kind === 'answer' || (kind === 'result' && body.method !== undefined),
    );
    expect(intents.length, `intents of ${id}`).toBeGreaterThan(0);
    expect(results.length, `answers of ${id}`).toBeGreaterThan(0);
    expect(intents[0]?.body, `first intent of ${id}`).toMatchObject({ method: 'POST', path: '/Users' });
    expect(intents[0]?.body.via).toBe(way);
    expect(intents[0]?.seq ?? 0).toBeLessThan(results[0]?.seq ?? 0);
  }
}

describe('with bulk requests', () => {
  test('300 joiners arrive in few requests, each with an intent and a result of their own', async () => {
    const test = await openBulk();
    const people = crowd(300);
    await test.sync(feed(people));
    expect(await restless(test, people)).toEqual([]);
    expect(test.idp.users.size).toBe(300);
    expect(test.idp.writes().length).toBeLessThanOrEqual(4);
    expect(bulks(test.idp)).toHaveLength(test.idp.writes().length);
    await expectAccounted(test, people, '/Bulk');
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });

  test('movers travel together, and never two operations of one worker', async () => {
    const test = await openBulk({}, { ...NO_GROUPS, 'limits: { concurrency: 8': 'limits: { concurrency: 4' });
    const people = crowd(150);
    await test.sync(feed(people));
    const before = test.idp.writes().length;
    await test.sync(feed(people.map((person, index) => (index % 10 === 0 ? { ...person, title: 'Lead' } : person))));
    expect(test.idp.writes().length - before).toBe(1);
    const [moving] = bulks(test.idp).slice(-1);
    const paths = moving === undefined ? [] : operationsIn(moving).map(({ path }) => path);
    expect(paths).toHaveLength(15);
    expect(new Set(paths).size).toBe(15);
    expect([...test.idp.users.values()].filter(({ title }) => title === 'Lead')).toHaveLength(15);
  });

  test('no two operations of one worker are ever in flight, whatever the endpoint does', async () => {
    const test = await openBulk();
    const people = crowd(120);
    test.idp.behaviours.add({ path: '/Bulk', times: 2, act: { kind: 'loseReply' } });
    test.idp.behaviours.add({
      within: 'bulk',
      body: '"externalId":"1100"',
      times: 1,
      act: { kind: 'answer', status: 503 },
    });
    await test.sync(feed(people));
    const flights = test.idp.log.flatMap((entry) => {
      const keys =
        entry.path === '/Bulk'
          ? operationsIn(entry).map(({ data }) => String(data.externalId))
          : [/10\d\d|11\d\d/.exec(decodeURIComponent(entry.path) + entry.body)?.[0] ?? ''];
      return keys.map((key) => ({ key, from: entry.n, to: entry.endedAt ?? Number.POSITIVE_INFINITY, at: entry.at }));
    });
    const byWorker = Map.groupBy(flights, ({ key }) => key);
    for (const [key, own] of byWorker) {
      const inOrder = own.toSorted((a, b) => a.from - b.from);
      for (const [index, one] of inOrder.entries()) {
        const next = inOrder[index + 1];
        if (next !== undefined) expect(next.at, `two requests about ${key}`).toBeGreaterThanOrEqual(one.to);
      }
    }
    expect(byWorker.size).toBeGreaterThanOrEqual(120);
    expect(doubled(test.idp)).toBe(0);
    expect(await restless(test, people)).toEqual([]);
  });

  test('one poison record costs the others nothing', async () => {
    const test = await openBulk();
    const people = crowd(80, (index) => (index === 41 ? { title: 'Poison' } : {}));
    const refusal = { status: 400, body: JSON.stringify({ scimType: 'invalidValue', detail: 'no such title' }) };
    test.idp.behaviours.add({ method: 'POST', body: 'Poison', act: { kind: 'answer', ...refusal } });
    await test.sync(feed(people));
    expect(await restless(test, people)).toEqual(['1041']);
    expect(await test.stage('1041')).toBe('active/failed');
    const [failed] = await test.house.store.operations({ states: ['failed'], limit: 10 });
    expect(failed).toMatchObject({ workerKey: '1041', attempts: 1, lastOutcome: { detail: 'no such title' } });
    expect(test.idp.users.size).toBe(79);
  });

  test('a record that makes the endpoint lose every bulk request in which it travels stops nobody', async () => {
    const test = await openBulk();
    const people = crowd(60, (index) => (index === 13 ? { title: 'Poison' } : {}));
    test.idp.behaviours.add({ path: '/Bulk', body: 'Poison', act: { kind: 'reset' } });
    await test.sync(feed(people));
    expect(await restless(test, people)).toEqual([]);
    expect(doubled(test.idp)).toBe(0);
    // The target was never thought to be down: one lost request is one fault, however many travelled in it.
    expect((await test.house.store.setting('dispatch')) ?? {}).toEqual({});
    expect(bulks(test.idp).filter(({ body }) => body.includes('Poison'))).toHaveLength(1);
  });

  test('a lost reply doubles nobody: each is looked up before it is written again', async () => {
    const test = await openBulk();
    const people = crowd(100);
    test.idp.behaviours.add({ path: '/Bulk', times: 1, act: { kind: 'loseReply' } });
    await test.sync(feed(people));
    expect(await restless(test, people)).toEqual([]);
    expect(test.idp.users.size).toBe(100);
    expect(doubled(test.idp)).toBe(0);
    const looked = test.idp.log.filter(({ method, path }) => method === 'GET' && path.includes('externalId'));
    expect(looked.length).toBeGreaterThanOrEqual(100);
    await expectAccounted(test, people, '/Bulk');
  });

  test('what was in flight when the daemon died is looked up one by one at the next start', async () => {
    const test = await openBulk();
    const people = crowd(90);
    test.deliver(feed(people));
    await test.cycle();
    // Claimed and sent, and then nobody was there to hear the answer.
    const { store } = test.house;
    const claimed = await store.claim('idp', { lanes: ['joiner', 'backfill'], limit: 50, now: test.clock.now() });
    expect(claimed).toHaveLength(50);
    const [live] = test.live.targets.values();
    test.idp.behaviours.add({ path: '/Bulk', times: 1, act: { kind: 'loseReply' } });
    const cut = new AbortController();
    const silent = { intent: () => Promise.resolve(), answer: () => {} };
    const sent = live?.deliverMany(
      claimed.map((operation) => ({ operation, journal: silent })),
      cut.signal,
    );
    await test.idp.arrival(({ path }) => path === '/Bulk');
    cut.abort();
    await Promise.all(sent ?? []);
    await test.restart();
    const seen = test.idp.log.length;
    await test.settle();
    expect(await restless(test, people)).toEqual([]);
    expect(test.idp.users.size).toBe(90);
    expect(doubled(test.idp)).toBe(0);
    const after = test.idp.log.slice(seen);
    const keys = new Set(claimed.map(({ workerKey }) => workerKey));
    for (const entry of after.filter(({ path }) => path === '/Bulk')) {
      for (const { data } of operationsIn(entry)) expect(keys.has(String(data.externalId))).toBe(false);
    }
  });

  test('leavers go by themselves, are read back, and wait for no batch', async () => {
    const test = await openBulk();
    const people = crowd(200);
    await test.sync(feed(people));
    const before = test.idp.log.length;
    const gone = new Set(['1003', '1050']);
    await test.sync(
      feed([
        ...people.map((person) => (gone.has(person.id) ? { ...person, status: 'T', end: '2026-11-20' } : person)),
        ...crowd(18).map((person) => ({ ...person, id: `2${person.id}`, last: `New${person.id}` })),
      ]),
    );
    const log = test.idp.log.slice(before);
    const ids = [...gone].map((id) => String(test.idp.user(id)?.id));
    for (const id of ids) {
      const own = log.filter(({ path }) => path === `/Users/${id}`).map(({ method }) => method);
      expect(own).toEqual(['PATCH', 'GET']);
      expect(test.idp.users.get(id)?.active).toBe(false);
    }
    for (const entry of log.filter(({ path }) => path === '/Bulk')) {
      for (const { path } of operationsIn(entry)) expect(ids.some((id) => path.endsWith(id))).toBe(false);
    }
    expect(test.idp.users.size).toBe(218);
  });

  test('managers of one request are named in it where the endpoint resolves that, and are debts otherwise', async () => {
    const managed = crowd(30, (index) => (index % 3 === 0 ? {} : { manager: String(1000 + index - (index % 3)) }));
    const managerOf = (idp: FakeIdp, id: string) => {
      const extension = idp.user(id)?.['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'];
      return ((extension as Record<string, unknown> | undefined)?.manager as { value?: string } | undefined)?.value;
    };
    for (const references of [true, false]) {
      const test = await openBulk({ bulk: { ...MANNERS, resolves: true } }, NO_GROUPS, `, references: ${references}`);
      await test.sync(feed(managed));
      expect(await restless(test, managed)).toEqual([]);
      for (const { id, manager } of managed) {
        expect(managerOf(test.idp, id)).toBe(manager === undefined ? undefined : test.idp.user(manager)?.id);
      }
      expect(test.idp.writes()).toHaveLength(references ? 1 : 2);
      const before = test.idp.writes().length;
      await test.sync(feed(managed));
      expect(test.idp.writes()).toHaveLength(before);
    }
  });
});

describe('members of one group', () => {
  const aboutGroups = ({ log }: FakeIdp) => log.filter(({ path }) => path.startsWith('/Groups'));
  /** AWS takes at most 100 changes of members in one request. */
  const AWS = {
    '    kind: scim\n': '    kind: scim\n    profile: aws\n',
    '      title: worker.title\n':
      '      displayName: worker.givenName + " " + worker.familyName\n      title: worker.title\n',
  };
  const founder: Person = { id: '999' };

  test('1,000 joiners of a known group cost ten requests, each of them full', async () => {
    const test = await openTestHouse({ mapping: mappingText(AWS) });
    await test.sync(feed([founder]));
    expect(test.idp.members('All staff')).toHaveLength(1);
    const before = aboutGroups(test.idp).length;
    const people = crowd(1_000);
    await comes(test, feed([founder, ...people]));
    await test.settle();
    expect(test.idp.members('All staff')).toHaveLength(1_001);
    expect(new Set(test.idp.members('All staff')).size).toBe(1_001);
    const requests = aboutGroups(test.idp).slice(before);
    expect(requests).toHaveLength(10);
    for (const { body } of requests) expect(body.match(/"value":"u-/g)).toHaveLength(100);
    expect(await restless(test, people)).toEqual([]);
  });

  test('1,000 people who are there already and come into one group cost ten requests', async () => {
    const test = await openTestHouse({
      mapping: mappingText({
        '      - { name: \'"All staff"\', authority: full, create: true }\n':
          '      - { name: \'"Lab"\', when: worker.department == "Lab", create: true }\n',
      }),
    });
    const people = crowd(1_000);
    await test.sync(feed([{ ...founder, dept: 'Lab' }, ...people]));
    const before = aboutGroups(test.idp).length;
    expect(test.idp.members('Lab')).toHaveLength(1);
    await comes(test, feed([{ ...founder, dept: 'Lab' }, ...people.map((person) => ({ ...person, dept: 'Lab' }))]));
    expect(await test.approveAll()).toBeGreaterThan(0);
    await test.sync();
    expect(test.idp.members('Lab')).toHaveLength(1_001);
    expect(aboutGroups(test.idp).slice(before)).toHaveLength(10);
  });

  test('and of many groups fill one batch after the other, while nobody waits longer than the last account', async () => {
    const test = await openTestHouse({
      mapping: mappingText({
        '      - { name: \'"All staff"\', authority: full, create: true }\n':
          '      - { name: \'"Dept " + worker.department\', create: true }\n',
      }),
    });
    const people = crowd(400, (index) => ({ dept: `D${index % 8}` }));
    await test.sync(feed(people));
    for (let dept = 0; dept < 8; dept += 1) expect(test.idp.members(`Dept D${dept}`)).toHaveLength(50);
    expect(patches(test.idp, '/Groups')).toHaveLength(8);
  });
});
