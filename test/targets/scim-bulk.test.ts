import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccountPayload } from '../../src/planning/changeset.ts';
import type { BulkLimits } from '../../src/targets/scim/profiles.ts';
import type { Delivered, Journal, Sendable } from '../../src/targets/target.ts';
import type { BulkManners } from '../support/fake-bulk.ts';
import { type FakeIdpOptions, type LoggedRequest, startFakeIdp } from '../support/fake-idp.ts';
import {
  ALICE,
  accountOf,
  ENTERPRISE,
  noAccount,
  openDesk,
  operation,
  resourceOf,
  TOKEN,
} from '../support/scim-desk.ts';

const LIMITS: BulkLimits = { maxOps: 1_000, maxBytes: 1_000_000 };
const MANNERS: BulkManners = { maxOperations: 1_000, maxPayloadSize: 1_000_000 };

const open = async (options: FakeIdpOptions & { readonly limits?: BulkLimits } = {}) => {
  const { limits, ...more } = options;
  const idp = await startFakeIdp({ token: TOKEN, bulk: MANNERS, ...more });
  const desk = openDesk(idp.url, { discover: false, capabilities: { bulk: limits ?? LIMITS } });
  onTestFinished(async () => {
    await desk[Symbol.asyncDispose]();
    await idp.close();
  });
  const many = (operations: readonly Sendable[], journal: Partial<Journal> = {}): Promise<readonly Delivered[]> =>
    Promise.all(
      desk.target.deliverMany(
        operations.map((one) => ({ operation: one, journal: { ...desk.journal, ...journal } })),
        new AbortController().signal,
      ),
    );
  return { idp, desk, many };
};

const person = (number: number, change: Partial<AccountPayload> = {}): AccountPayload => ({
  ...ALICE,
  externalId: `${1000 + number}`,
  userName: `person.${number}@example.com`,
  attributes: { ...ALICE.attributes, [ENTERPRISE]: { employeeNumber: `${1000 + number}`, department: 'Sales' } },
  ...change,
});
const joiner = (number: number, change: Partial<Sendable> = {}, payload = person(number)): Sendable =>
  operation('create', payload, noAccount(payload), { id: number, ...change });
const joiners = (count: number, from = 1) => Array.from({ length: count }, (_, index) => joiner(from + index));
const mover = (number: number, title: string): Sendable => {
  const before = person(number);
  const payload = person(number, { attributes: { ...before.attributes, title } });
  return operation('update', payload, accountOf(before, `u${number}`), { id: number });
};
const classes = (delivered: readonly Delivered[]) => delivered.map(({ outcome }) => outcome.class);
const bulks = (log: readonly LoggedRequest[]) => log.filter(({ path }) => path === '/Bulk');
const sizes = (log: readonly LoggedRequest[]) =>
  bulks(log).map(({ body }) => (JSON.parse(body) as { Operations: unknown[] }).Operations.length);
const others = (log: readonly LoggedRequest[]) =>
  log.filter(({ path }) => path !== '/Bulk').map(({ method, path }) => `${method} ${path.split('?')[0]}`);
const done = (count: number) => Array.from({ length: count }, () => 'done');

describe('operations of different workers', () => {
  test('travel in one request, and each learns its own id', async () => {
    const { idp, many } = await open();
    const delivered = await many(joiners(60));
    expect(classes(delivered)).toEqual(done(60));
    expect(sizes(idp.log)).toEqual([60]);
    expect(idp.log).toHaveLength(1);
    for (const [index, { account }] of delivered.entries()) {
      expect(idp.users.get(account?.remoteId ?? '')?.externalId).toBe(`${1001 + index}`);
    }
  });

  test('of several kinds share it: creates, updates and enables', async () => {
    const existing = { ...person(2), active: false };
    const users = [1, 2].map((number) => resourceOf(person(number), { id: `u${number}`, active: number === 1 }));
    const { idp, many } = await open({ users });
    const enable = operation('enable', person(2), accountOf(existing, 'u2'), { id: 2 });
    expect(classes(await many([mover(1, 'Lead'), enable, joiner(3)]))).toEqual(done(3));
    expect(sizes(idp.log)).toEqual([3]);
    expect(idp.user('1001')?.title).toBe('Lead');
    expect(idp.user('1002')?.active).toBe(true);
    expect(idp.user('1003')?.userName).toBe('person.3@example.com');
  });

  test('stay within the number and the bytes that the endpoint allows', async () => {
    const { idp, many } = await open({ limits: { maxOps: 25, maxBytes: 1_000_000 } });
    expect(classes(await many(joiners(60)))).toEqual(done(60));
    expect(sizes(idp.log)).toEqual([25, 25, 10]);
    const narrow = await open({ limits: { maxOps: 1_000, maxBytes: 4_000 } });
    expect(classes(await narrow.many(joiners(60)))).toEqual(done(60));
    expect(bulks(narrow.idp.log).length).toBeGreaterThan(5);
    for (const { body } of bulks(narrow.idp.log)) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4_000);
  });

  test('have each their intent before the request leaves and their answer after it', async () => {
    const { idp, desk, many } = await open();
    const sentAtIntent: number[] = [];
    await many(joiners(5), {
      intent: (request) => {
        sentAtIntent.push(idp.log.length);
        return desk.journal.intent(request);
      },
    });
    expect(sentAtIntent).toEqual([0, 0, 0, 0, 0]);
    expect(desk.intents.map(({ method, path, via }) => `${method} ${path} via ${via}`)).toEqual(
      Array.from({ length: 5 }, () => 'POST /Users via /Bulk'),
    );
    expect(new Set(desk.intents.map(({ body }) => (JSON.parse(body) as { externalId: string }).externalId)).size).toBe(
      5,
    );
    expect(desk.answers.map(({ outcome }) => outcome.status)).toEqual([201, 201, 201, 201, 201]);
  });

  test('send nothing for whom nothing differs, and no bulk request for one alone', async () => {
    const { idp, many } = await open({ users: [resourceOf(person(1), { id: 'u1' })] });
    const unchanged = operation('update', person(1), accountOf(person(1), 'u1'), { id: 1 });
    const delivered = await many([unchanged, joiner(2)]);
    expect(delivered.map(({ outcome }) => outcome.code)).toEqual(['nothing-to-send', 'http-201']);
    expect(others(idp.log)).toEqual(['POST /Users']);
  });

  test('that have to look first go alone and keep nobody waiting', async () => {
    const { idp, many } = await open();
    const inDoubt = joiner(1, { ambiguous: true });
    expect(classes(await many([inDoubt, ...joiners(4, 2)]))).toEqual(done(5));
    expect(sizes(idp.log)).toEqual([4]);
    expect(others(idp.log)).toEqual(['GET /Users', 'GET /Users', 'POST /Users']);
  });

  test('do not leave once writes are stopped', async () => {
    const { idp, many } = await open();
    const delivered = await many(joiners(3), { leaves: () => false });
    expect(delivered.map(({ outcome }) => outcome.code)).toEqual(['not-sent', 'not-sent', 'not-sent']);
    expect(idp.log).toHaveLength(0);
  });

  test('carry the tag last seen where the endpoint has tags, and read again what changed meanwhile', async () => {
    const users = [1, 2].map((number) => resourceOf(person(number), { id: `u${number}` }));
    const idp = await startFakeIdp({ token: TOKEN, bulk: MANNERS, users });
    const desk = openDesk(idp.url, { discover: false, capabilities: { bulk: LIMITS, etag: true } });
    onTestFinished(async () => {
      await desk[Symbol.asyncDispose]();
      await idp.close();
    });
    const tagged = (number: number, etag: string): Sendable => {
      const one = mover(number, 'Lead');
      return { ...one, account: { ...one.account, etag } };
    };
    const current = String((idp.users.get('u1')?.meta as { version?: string } | undefined)?.version);
    const passengers = [tagged(1, current), tagged(2, 'W/"old"')].map((one) => ({
      operation: one,
      journal: desk.journal,
    }));
    const delivered = await Promise.all(desk.target.deliverMany(passengers, new AbortController().signal));
    expect(classes(delivered)).toEqual(['done', 'done']);
    expect(others(idp.log)).toEqual(['GET /Users/u2', 'PATCH /Users/u2']);
    expect(idp.user('1002')?.title).toBe('Lead');
  });
});

describe('odd answers', () => {
  test.each<[string, Partial<BulkManners>]>([
    ['statuses as numbers', { status: 'number' }],
    ['statuses as objects', { status: 'object' }],
    ['201 for the whole', { envelope: 201 }],
    ['another order', { order: 'reversed' }],
    ['another order and no addresses, but resources', { order: 'reversed', hides: ['location'], shows: true }],
    ['no bulkIds, but resources', { hides: ['bulkId'], shows: true }],
  ])('with %s are read without another request', async (_name, manners) => {
    const { idp, many } = await open({ bulk: { ...MANNERS, ...manners } });
    const delivered = await many(joiners(8));
    expect(classes(delivered)).toEqual(done(8));
    expect(idp.log).toHaveLength(1);
    for (const [index, { account }] of delivered.entries()) {
      expect(idp.users.get(account?.remoteId ?? '')?.externalId).toBe(`${1001 + index}`);
    }
  });

  test.each<[string, Partial<BulkManners>]>([
    ['no names at all', { hides: ['bulkId', 'location', 'method'] }],
    ['no bulkIds in another order', { hides: ['bulkId'], order: 'reversed' }],
    ['resources in another order without bulkIds', { hides: ['bulkId'], order: 'reversed', shows: true }],
    ['results missing', { gives: 3 }],
    ['no results', { gives: 0 }],
  ])('with %s lead to a look-up of everybody in doubt, and to nobody else’s account', async (_name, manners) => {
    const { idp, many } = await open({ bulk: { ...MANNERS, ...manners } });
    const delivered = await many(joiners(8));
    expect(classes(delivered)).toEqual(done(8));
    expect(others(idp.log).every((request) => request === 'GET /Users')).toBe(true);
    expect(idp.users.size).toBe(8);
    for (const [index, { account }] of delivered.entries()) {
      expect(idp.users.get(account?.remoteId ?? '')?.externalId).toBe(`${1001 + index}`);
    }
  });

  test('a 200 that is no answer to a bulk request leaves everybody in doubt', async () => {
    const { idp, many } = await open();
    idp.behaviours.add({ path: '/Bulk', act: { kind: 'answer', status: 200, body: '<html>' } });
    expect(classes(await many([...joiners(2), mover(9, 'Lead')]))).toEqual(['ambiguous', 'ambiguous', 'ambiguous']);
  });

  test('202 for the whole is no proof of anything', async () => {
    const { idp, many } = await open();
    idp.behaviours.add({ path: '/Bulk', act: { kind: 'answerAfter', status: 202, body: '' } });
    expect(classes(await many(joiners(3)))).toEqual(done(3));
    expect(others(idp.log)).toEqual(['GET /Users', 'GET /Users', 'GET /Users']);
  });
});

describe('one result', () => {
  test('goes through the same table as an answer of its own', async () => {
    const { idp, many } = await open({ users: [resourceOf(person(77), { id: 'x', externalId: 'stranger' })] });
    const inside = (body: string, status: number, detail = '{}') =>
      idp.behaviours.add({ within: 'bulk', body, act: { kind: 'answer', status, body: detail } });
    inside('"1002"', 400, JSON.stringify({ scimType: 'invalidValue', detail: 'no such department' }));
    inside('"1003"', 429);
    inside('"1004"', 403);
    inside('"1005"', 503);
    const taken = joiner(6, {}, person(6, { userName: 'person.77@example.com' }));
    const delivered = await many([...joiners(5), taken]);
    expect(delivered.map(({ outcome }) => [outcome.class, outcome.status])).toEqual([
      ['done', 201],
      ['permanent', 400],
      ['retry', 429],
      ['permanent', 403],
      ['ambiguous', 503],
      ['conflict', 409],
    ]);
    expect(delivered[1]?.outcome).toMatchObject({ code: 'invalidValue', detail: 'no such department' });
    expect(delivered[5]?.outcome.code).toBe('name-taken');
    expect(idp.users.size).toBe(2);
  });

  test('of a create that took place earlier leads to the account', async () => {
    const { idp, many } = await open({ users: [resourceOf(person(1), { id: 'mine' })] });
    const [first] = await many(joiners(3));
    expect(first).toMatchObject({ outcome: { class: 'done' }, account: { remoteId: 'mine' } });
    expect(idp.users.size).toBe(3);
  });
});

describe('a whole request', () => {
  test('whose reply is lost leaves each to be looked up, and nobody is made twice', async () => {
    const { idp, many } = await open();
    idp.behaviours.add({ path: '/Bulk', times: 1, act: { kind: 'loseReply' } });
    const delivered = await many(joiners(20));
    expect(classes(delivered)).toEqual(done(20));
    expect(idp.users.size).toBe(20);
    expect(bulks(idp.log)).toHaveLength(1);
    expect(idp.writes()).toHaveLength(1);
  });

  test('that fails with 5xx after it did half of its work costs no second account', async () => {
    const { idp, many } = await open();
    idp.behaviours.add({ path: '/Bulk', times: 1, act: { kind: 'answerAfter', status: 502 } });
    expect(classes(await many(joiners(5)))).toEqual(done(5));
    idp.behaviours.add({ path: '/Bulk', times: 1, act: { kind: 'answer', status: 500 } });
    expect(classes(await many(joiners(5, 6)))).toEqual(Array.from({ length: 5 }, () => 'ambiguous'));
    expect(idp.users.size).toBe(5);
    expect(idp.writes()).toHaveLength(2);
  });

  test('that is lost makes changes ambiguous, and the rest of a long list waits unsent', async () => {
    const users = [1, 2, 3, 4].map((number) => resourceOf(person(number), { id: `u${number}` }));
    const { idp, many } = await open({ users, limits: { maxOps: 2, maxBytes: 1_000_000 } });
    idp.behaviours.add({ path: '/Bulk', act: { kind: 'reset' } });
    const delivered = await many([1, 2, 3, 4].map((number) => mover(number, 'Lead')));
    expect(classes(delivered)).toEqual(['ambiguous', 'ambiguous', 'retry', 'retry']);
    expect(bulks(idp.log)).toHaveLength(1);
  });

  test('that is asked to wait is not halved: everybody waits', async () => {
    const { idp, many } = await open();
    idp.behaviours.add({ path: '/Bulk', act: { kind: 'answer', status: 429, headers: { 'retry-after': '7' } } });
    const delivered = await many(joiners(30));
    expect(new Set(delivered.map(({ outcome }) => `${outcome.class} ${outcome.retryAfterMs}`))).toEqual(
      new Set(['retry 7000']),
    );
    expect(idp.log).toHaveLength(1);
  });

  test('that is refused is halved until the culprit stands alone and says why', async () => {
    const { idp, many } = await open();
    const refusal = { status: 400, body: JSON.stringify({ scimType: 'invalidSyntax', detail: 'poison' }) };
    idp.behaviours.add({ body: '"1014"', act: { kind: 'answer', ...refusal } });
    const delivered = await many(joiners(32));
    expect(classes(delivered)).toEqual(done(32).with(13, 'permanent'));
    expect(delivered[13]?.outcome).toMatchObject({ code: 'invalidSyntax', detail: 'poison' });
    expect(idp.users.size).toBe(31);
    expect(idp.writes().length).toBeLessThanOrEqual(1 + 2 * 5);
  });

  test.each([413, 400])(
    'that is too large in spite of the limits is halved (%i), and the next one is smaller',
    async (status) => {
      const { idp, desk, many } = await open({ bulk: { ...MANNERS, maxOperations: status === 413 ? 20 : 1_000 } });
      if (status === 400) {
        const body = JSON.stringify({ scimType: 'tooMany' });
        idp.behaviours.add({ path: '/Bulk', times: 2, act: { kind: 'answer', status, body } });
      }
      expect(classes(await many(joiners(64)))).toEqual(done(64));
      expect(sizes(idp.log)).toEqual(
        [64, 32, 16, 16, 32, 16, 16].slice(0, status === 413 ? 7 : 4).concat(status === 400 ? [32] : []),
      );
      expect(desk.target.batchMax()).toBe(status === 413 ? 16 : 32);
      expect(idp.users.size).toBe(64);
    },
  );

  test.each([403, 404, 405, 501])(
    'that meets no /Bulk (%i) sends everybody alone, and nobody tries again for a while',
    async (status) => {
      const { idp, desk, many } = await open();
      idp.behaviours.add({ path: '/Bulk', act: { kind: 'answer', status } });
      expect(classes(await many(joiners(10)))).toEqual(done(10));
      expect(desk.target.batchMax()).toBeNull();
      expect(classes(await many(joiners(10, 11)))).toEqual(done(10));
      expect(bulks(idp.log)).toHaveLength(1);
      expect(idp.users.size).toBe(20);
    },
  );

  test('that was lost makes the next one smaller until answers come again', async () => {
    const { idp, desk, many } = await open();
    expect(desk.target.batchMax()).toBe(100);
    idp.behaviours.add({ path: '/Bulk', times: 1, act: { kind: 'loseReply' } });
    await many(joiners(100));
    expect(desk.target.batchMax()).toBe(50);
    await many(joiners(50, 101));
    expect(desk.target.batchMax()).toBe(100);
    expect(idp.users.size).toBe(150);
  });
});

describe('a manager who is created in the same request', () => {
  const led = (number: number, manager: number): Sendable => {
    const one = joiner(number);
    return { ...one, account: { ...one.account, managerOwed: `${1000 + manager}` } };
  };
  const managerOf = (user: Record<string, unknown> | undefined) =>
    ((user?.[ENTERPRISE] as Record<string, unknown> | undefined)?.manager as { value: string } | undefined)?.value;
  const REFERENCES = { ...LIMITS, references: true };
  const RESOLVES = { ...MANNERS, resolves: true };

  test('is referred to where the endpoint resolves that, managers first', async () => {
    const { idp, many } = await open({ limits: REFERENCES, bulk: RESOLVES });
    const delivered = await many([led(1, 2), led(2, 3), joiner(3), led(4, 3), led(5, 99)]);
    expect(classes(delivered)).toEqual(done(5));
    expect(idp.log).toHaveLength(1);
    expect(managerOf(idp.user('1001'))).toBe(idp.user('1002')?.id);
    expect(managerOf(idp.user('1004'))).toBe(idp.user('1003')?.id);
    expect(delivered.map(({ account }) => account?.managerKey)).toEqual(['1002', '1003', undefined, '1003', undefined]);
  });

  test('stays a debt where nobody says that the endpoint can do that', async () => {
    const { idp, many } = await open({ bulk: RESOLVES });
    const delivered = await many([led(1, 2), joiner(2)]);
    expect(delivered.map(({ account }) => account?.managerKey)).toEqual([undefined, undefined]);
    expect(managerOf(idp.user('1001'))).toBeUndefined();
  });

  test('and who refers back closes a circle of which one half stays a debt', async () => {
    const { idp, many } = await open({ limits: REFERENCES, bulk: RESOLVES });
    const delivered = await many([led(1, 2), led(2, 1)]);
    expect(classes(delivered)).toEqual(done(2));
    expect(delivered.filter(({ account }) => account?.managerKey !== undefined)).toHaveLength(1);
    expect(idp.log).toHaveLength(1);
  });

  test('but is refused does not fail who refers to him: he stays a debt', async () => {
    const { idp, many } = await open({ limits: REFERENCES, bulk: RESOLVES });
    idp.behaviours.add({ within: 'bulk', body: '"externalId":"1002"', act: { kind: 'answer', status: 400 } });
    const delivered = await many([led(1, 2), joiner(2), joiner(3)]);
    expect(classes(delivered)).toEqual(['done', 'permanent', 'done']);
    expect(delivered[0]?.account?.managerKey).toBeUndefined();
    expect(managerOf(idp.user('1001'))).toBeUndefined();
    expect(idp.users.size).toBe(2);
  });
});

describe('newer work', () => {
  test('that takes the place of one lets the others travel without it', async () => {
    const { idp, desk } = await open();
    const passengers = joiners(5).map((one) => ({
      operation: one,
      journal: { ...desk.journal, wanted: () => one.id !== 3, leaves: () => one.id !== 3 },
    }));
    const delivered = await Promise.all(desk.target.deliverMany(passengers, new AbortController().signal));
    expect(delivered.map(({ outcome }) => outcome.code)).toEqual(
      ['http-201', 'http-201', 'http-201', 'http-201', 'http-201'].with(2, 'not-sent'),
    );
    expect(sizes(idp.log)).toEqual([4]);
    expect(idp.user('1003')).toBeUndefined();
  });
});

test('whoever is refused for want of a tag goes again alone, with the tag, and keeps nobody else waiting', async () => {
  const { idp, many } = await open({
    users: [1, 2].map((number) => ({ id: `u${number}`, ...resourceOf(person(number)) })),
    doorman: (asked, ask) =>
      asked.method === 'PATCH' && asked.path === '/Users/u1' && asked.headers['if-match'] === undefined
        ? { status: 428 }
        : ask(asked),
  });
  expect(classes(await many([mover(1, 'Lead'), mover(2, 'Lead')]))).toEqual(done(2));
  expect([idp.users.get('u1')?.title, idp.users.get('u2')?.title]).toEqual(['Lead', 'Lead']);
  expect(others(idp.log)).toEqual(['PATCH /Users/u1', 'GET /Users/u1', 'PATCH /Users/u1']);
});
