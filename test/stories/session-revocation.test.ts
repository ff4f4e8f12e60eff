import { describe, expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { startDispatch } from '../../src/pipeline/dispatch.ts';
import { aftermathOf, exitCodeOf } from '../../src/views/aftermath.ts';
import { type FakeSessions, startFakeSessions } from '../support/fake-sessions.ts';
import { feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const HOUR_MS = 3_600_000;
const ANNA: Person = { id: '1', first: 'Anna', last: 'Berg' };
const BEN: Person = { id: '2', first: 'Ben', last: 'Cole' };
const CARL: Person = { id: '3', first: 'Carl', last: 'Diaz' };
const gone = (person: Person): Person => ({ ...person, status: 'T', end: '2026-11-22' });

const graph = (more = ''): string =>
  `    revokeSessions:\n      kind: graph\n      base: "\${env:GRAPH_URL}"\n      auth: { kind: bearer, token: "\${env:GRAPH_TOKEN}" }\n${more}`;

interface Staged {
  readonly test: TestHouse;
  readonly sessions: FakeSessions;
}

/** The acme house with people at work, and an endpoint that ends sessions as `section` says. */
async function atWork(
  section: (sessions: FakeSessions) => string,
  people: readonly Person[] = [ANNA, BEN, CARL],
): Promise<Staged> {
  const sessions = await startFakeSessions('graph-token');
  onTestFinished(() => sessions.close());
  const test = await openTestHouse({
    mapping: mappingText() + section(sessions),
    environment: { GRAPH_URL: sessions.url, GRAPH_TOKEN: 'graph-token' },
  });
  await test.sync(feed(people));
  expect(test.idp.users.size).toBe(people.length);
  return { test, sessions };
}

const remoteId = (test: TestHouse, key: string): string => String(test.idp.user(key)?.id);
const isActive = (test: TestHouse, key: string): unknown => test.idp.user(key)?.active;

/** Whether the account was active at the target at the moment the end of its sessions was asked for, each time. */
function activeWhenAsked({ test, sessions }: Staged): readonly unknown[] {
  const found: unknown[] = [];
  sessions.onRequest = (user) => {
    found.push([...test.idp.users.values()].find(({ id, userName }) => id === user || userName === user)?.active);
  };
  return found;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

async function entriesOf(test: TestHouse, key: string): Promise<readonly { kind: string; body: JsonObject }[]> {
  return (await test.house.store.audit.entriesOf('acme', key)).map(({ kind, body }) => ({ kind, body }));
}

describe('the sessions of a leaver', () => {
  it('end at Graph once the disable is confirmed, with one empty POST', async () => {
    const staged = await atWork(() => graph());
    const { test, sessions } = staged;
    const active = activeWhenAsked(staged);
    const before = test.idp.log.length;
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    expect(isActive(test, '1')).toBe(false);
    expect(sessions.log).toMatchObject([
      { method: 'POST', path: `/v1.0/users/${remoteId(test, '1')}/revokeSignInSessions`, body: '', status: 200 },
    ]);
    expect(sessions.log[0]?.headers).toMatchObject({ authorization: 'Bearer graph-token', 'content-length': '0' });
    expect(active).toEqual([false]);
    // Disable, its read-back, one membership: nothing more is asked of the target itself.
    expect(
      test.idp.log.slice(before).filter(({ path }) => path.includes(remoteId(test, '1'))).length,
    ).toBeLessThanOrEqual(3);
    expect(await test.stage('1')).toBe('left/settled');
    expect(await test.house.store.openSessions(10)).toEqual([]);
  });

  it('end at Okta with tokens and devices', async () => {
    const { test, sessions } = await atWork(
      () =>
        `    revokeSessions:\n      { kind: okta, base: "\${env:GRAPH_URL}", auth: { kind: bearer, token: "\${env:GRAPH_TOKEN}" } }\n`,
    );
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    expect(sessions.log).toMatchObject([
      {
        method: 'DELETE',
        path: `/api/v1/users/${remoteId(test, '1')}/sessions?oauthTokens=true&forgetDevices=true`,
        status: 204,
      },
    ]);
    expect(await test.stage('1')).toBe('left/settled');
  });

  it.each([
    ['userName', 'anna.berg@example.com', '/v1.0/users/anna.berg%40example.com/revokeSignInSessions'],
    ['externalId', '1', '/v1.0/users/1/revokeSignInSessions'],
  ])('are asked for by %s where the file says so, and the audit keeps no name', async (user, value, path) => {
    const { test, sessions } = await atWork(() => graph(`      user: ${user}\n`));
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    expect(sessions.log.map((one) => [one.user, one.path])).toEqual([[value, path]]);
    const intents = (await entriesOf(test, '1')).filter(
      ({ kind, body }) => kind === 'intent' && String(body.path).includes('revokeSignInSessions'),
    );
    expect(intents).toMatchObject([
      { body: { method: 'POST', path: `${sessions.url}/v1.0/users/<${user}>/revokeSignInSessions` } },
    ]);
    expect(JSON.stringify(await entriesOf(test, '1'))).not.toContain('anna.berg');
  });

  it('leave an intent before and an answer after every request in the audit', async () => {
    const { test, sessions } = await atWork(() => graph());
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    const path = `${sessions.url}/v1.0/users/${remoteId(test, '1')}/revokeSignInSessions`;
    const about = (await entriesOf(test, '1')).filter(({ body }) => body.path === path);
    expect(about).toMatchObject([
      { kind: 'intent', body: { method: 'POST', target: 'idp' } },
      { kind: 'answer', body: { status: 200, class: 'done', what: 'revokeSessions', state: 'done' } },
    ]);
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });

  it('end for an emergency leave within the same breath', async () => {
    const staged = await atWork(() => graph());
    const { test, sessions } = staged;
    const active = activeWhenAsked(staged);
    const result = await test.act('leave', { connection: 'acme', worker: '2' });
    expect(result.ok).toBe(true);
    await test.settle();
    expect(isActive(test, '2')).toBe(false);
    expect(sessions.log.map(({ user }) => user)).toEqual([remoteId(test, '2')]);
    expect(active).toEqual([false]);
    const [done] = await test.house.store
      .operations({ connection: 'acme', workerKey: '2', states: ['done'], limit: 50 })
      .then((all) => all.filter(({ kind }) => kind === 'revokeSessions'));
    expect(done).toMatchObject({ lane: 'emergency' });
  });

  it('are not touched for somebody who is on leave, moved, or never had an account', async () => {
    const { test, sessions } = await atWork(() => graph());
    await test.sync(
      feed([
        { ...ANNA, title: 'Chief' },
        { ...BEN, status: 'L' },
        CARL,
        gone({ id: '9', first: 'Nils', last: 'Never' }),
      ]),
    );
    expect(sessions.log).toEqual([]);
  });
});

describe('a session endpoint that fails', () => {
  it('delays no disable: it fails for an hour, is asked again and again, shows, and ends the sessions when it is back', async () => {
    const { test, sessions } = await atWork(() => graph());
    sessions.answer = { status: 500 };
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    const asked = sessions.log.length;
    // The disable and the membership are done although the sessions are not.
    expect(isActive(test, '1')).toBe(false);
    expect(test.idp.members('All staff')).not.toContain(remoteId(test, '1'));
    expect(await test.house.store.unconfirmedLeavers(10)).toEqual([]);
    const [open] = await test.house.store.openSessions(10);
    expect(open).toMatchObject({ workerKey: '1', state: 'queued', lastOutcome: { status: 500, class: 'retry' } });
    expect(await test.stage('1')).toBe('left/delivering');
    // A leaver's back-off: within 2 s at first, then at most a minute apart.
    expect(asked).toBeGreaterThanOrEqual(20);
    await test.settle(HOUR_MS);
    expect(sessions.log.length - asked).toBeGreaterThanOrEqual(45);
    const aftermath = await aftermathOf(test.house, 'acme');
    expect(aftermath).toMatchObject({ failed: [], unconfirmedLeavers: [], openSessions: [{ workerKey: '1' }] });
    expect(exitCodeOf([], aftermath)).toBe(1);
    sessions.answer = null;
    await test.settle();
    expect(sessions.log.at(-1)).toMatchObject({ status: 200 });
    expect(await test.stage('1')).toBe('left/settled');
    expect(exitCodeOf([], await aftermathOf(test.house, 'acme'))).toBe(0);
    expect(test.idp.writes().filter(({ method, body }) => method === 'PATCH' && body.includes('"active"')).length).toBe(
      1,
    );
  });

  it('that refuses is shown as failed and asked again every quarter of an hour, for ever', async () => {
    const { test, sessions } = await atWork(() => graph());
    sessions.answer = {
      status: 403,
      body: '{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}',
    };
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    expect(await test.stage('1')).toBe('left/failed');
    const before = sessions.log.length;
    await test.settle(3 * HOUR_MS);
    const times = sessions.log.length - before;
    expect(times).toBeGreaterThanOrEqual(3 * 4 - 2);
    expect(times).toBeLessThanOrEqual(3 * 4 + 2);
    expect(await test.house.store.openSessions(10)).toMatchObject([
      { lastOutcome: { detail: 'Insufficient privileges' } },
    ]);
    sessions.answer = null;
    await test.settle();
    expect(await test.stage('1')).toBe('left/settled');
  });

  it('with its 401, 429 and hanging slows down nobody else: joiners and other leavers go on', async () => {
    const { test, sessions } = await atWork(() => graph());
    for (const answer of [{ status: 401 }, { status: 429, headers: { 'retry-after': '3600' } }] as const) {
      sessions.answer = answer;
      const joiner: Person = {
        id: answer.status === 401 ? '11' : '12',
        first: `New${answer.status === 401 ? 'a' : 'b'}`,
        last: 'Face',
      };
      const since = test.clock.nowMs();
      const people = answer.status === 401 ? [gone(ANNA), BEN, CARL] : [gone(ANNA), gone(BEN), CARL];
      test.deliver(feed([...people, joiner]));
      await test.cycle();
      await test.settle(1_500);
      expect(test.idp.user(joiner.id)?.active, joiner.id).toBe(true);
      expect(isActive(test, answer.status === 401 ? '1' : '2')).toBe(false);
      const first = test.idp.log.findLast(({ method, body }) => method === 'POST' && body.includes(`"${joiner.id}"`));
      expect((first?.at ?? 0) >= 0 && test.clock.nowMs() - since).toBeLessThan(5_000);
    }
    sessions.answer = null;
    // Retry-After binds a leaver for a minute at most.
    await test.settle(2 * 60_000);
    expect(await test.house.store.openSessions(10)).toEqual([]);
  });

  it('that never answers holds only its own connections: many leavers are disabled meanwhile', async () => {
    const crowd = Array.from(
      { length: 40 },
      (_, index): Person => ({ id: String(100 + index), first: `F${index}`, last: 'Crowd' }),
    );
    const { test, sessions } = await atWork(() => graph(), crowd);
    sessions.answer = 'hang';
    const leavers = crowd.slice(0, 20);
    test.deliver(feed(crowd.map((person) => (leavers.includes(person) ? gone(person) : person))));
    await test.cycle();
    if ((await test.approveAll()) > 0) await test.cycle();
    const stop = new AbortController();
    const dispatch = startDispatch(test.house, stop.signal);
    try {
      const open = () => leavers.filter(({ id }) => isActive(test, id) !== false).length + (4 - sessions.log.length);
      for (let turns = 0; open() > 0 && turns < 20_000; turns += 1) {
        await new Promise(setImmediate);
        if (turns % 20 === 0) test.clock.toNext(250);
      }
      expect(open()).toBe(0);
      expect(sessions.log.every(({ status }) => status === null)).toBe(true);
    } finally {
      sessions.answer = null;
      await sessions.close();
      stop.abort();
      test.clock.advance(60_000);
      await dispatch.stopped;
    }
  });
});

describe('a user that the session endpoint does not know', () => {
  it('is done when the account is gone at the target as well', async () => {
    const { test, sessions } = await atWork(() => graph());
    const id = remoteId(test, '1');
    sessions.answer = { status: 503 };
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    sessions.answer = null;
    sessions.unknown.add(id);
    test.idp.users.delete(id);
    await test.settle();
    expect(sessions.log.at(-1)).toMatchObject({ status: 404 });
    expect(await test.stage('1')).toBe('left/settled');
  });

  it('is a visible failure while the account stands: a wrong setting never passes for success', async () => {
    const { test, sessions } = await atWork(() => graph());
    sessions.unknown.add(remoteId(test, '1'));
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    expect(isActive(test, '1')).toBe(false);
    expect(await test.stage('1')).toBe('left/failed');
    expect(await test.house.store.openSessions(10)).toMatchObject([
      { workerKey: '1', lastOutcome: { code: 'sessions-unknown-user', class: 'permanent' } },
    ]);
  });

  it('is nobody to ask for where no account was ever made', async () => {
    const { test, sessions } = await atWork(() => graph());
    const nils: Person = { id: '9', first: 'Nils', last: 'Never' };
    test.deliver(feed([ANNA, BEN, CARL, nils]));
    await test.cycle();
    expect(await test.stage('9')).toBe('active/delivering');
    await test.sync(feed([ANNA, BEN, CARL, gone(nils)]));
    expect(test.idp.user('9')).toBeUndefined();
    expect(sessions.log).toEqual([]);
    expect(await test.stage('9')).toBe('left/settled');
    expect(
      (await entriesOf(test, '9')).some(({ body }) => listOf(body.operations).includes('idp:revokeSessions')),
    ).toBe(true);
  });
});

describe('what comes between', () => {
  it('a rehire cancels an end of sessions that did not succeed, and nobody is locked out', async () => {
    const { test, sessions } = await atWork(() => graph());
    sessions.answer = { status: 500 };
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    test.clock.advance(60_000);
    await test.sync(feed([{ ...ANNA, start: '2026-11-23' }, BEN, CARL]));
    await test.approveAll();
    await test.sync(feed([{ ...ANNA, start: '2026-11-23' }, BEN, CARL]));
    expect(isActive(test, '1')).toBe(true);
    sessions.answer = null;
    const asked = sessions.log.length;
    await test.settle(HOUR_MS);
    expect(sessions.log.length).toBe(asked);
    expect(await test.stage('1')).toBe('active/settled');
    expect(
      (await entriesOf(test, '1')).some(({ kind, body }) => kind === 'superseded' && body.kind === 'revokeSessions'),
    ).toBe(true);
  });

  it('a restart goes on with what was left', async () => {
    const { test, sessions } = await atWork(() => graph());
    sessions.answer = { status: 502 };
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    await test.restart();
    sessions.answer = null;
    await test.settle();
    expect(sessions.log.at(-1)).toMatchObject({ status: 200, user: remoteId(test, '1') });
    expect(await test.stage('1')).toBe('left/settled');
  });

  it('a connection file that stops asking for it lets what was ordered come to its end, without a call', async () => {
    const { test, sessions } = await atWork(() => graph());
    sessions.answer = { status: 502 };
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    const asked = sessions.log.length;
    await test.restart(`${mappingText()}    revokeSessions: { kind: none }\n`);
    await test.settle();
    expect(sessions.log.length).toBe(asked);
    expect(await test.house.store.openSessions(10)).toEqual([]);
    const results = (await entriesOf(test, '1')).filter(
      ({ body }) => body.what === 'revokeSessions' && body.state === 'done',
    );
    expect(results).toMatchObject([{ body: { code: 'sessions-not-ended-here' } }]);
  });

  it('a stop of writes that excepts leavers lets sessions end; one that does not keeps them', async () => {
    const { test, sessions } = await atWork(() => graph());
    await test.act('stop-writes', { target: 'idp' });
    await test.sync(feed([gone(ANNA), BEN, CARL]));
    expect(sessions.log).toEqual([]);
    await test.act('stop-writes', { target: 'idp', exceptLeavers: true });
    await test.settle();
    expect(isActive(test, '1')).toBe(false);
    expect(sessions.log.length).toBe(1);
  });
});

describe('accounts that are not ours', () => {
  it('are never asked about: neither foreign ones nor protected ones', async () => {
    const protectedMapping = `${mappingText()}${graph()}protected: ['account.userName.startsWith("anna")']\n`;
    const sessions = await startFakeSessions('graph-token');
    onTestFinished(() => sessions.close());
    const test = await openTestHouse({
      mapping: mappingText() + graph(),
      environment: { GRAPH_URL: sessions.url, GRAPH_TOKEN: 'graph-token' },
      idp: {
        users: [{ id: 'foreign-1', userName: 'carl.diaz@example.com', externalId: 'somebody-else', active: true }],
      },
    });
    await test.sync(feed([ANNA, BEN]));
    await test.restart(protectedMapping);
    await test.sync(feed([gone(ANNA), BEN, gone(CARL)]));
    expect(sessions.log).toEqual([]);
    expect(test.idp.users.get('foreign-1')).toMatchObject({ active: true });
    expect(isActive(test, '1')).toBe(true);
  });
});

describe('`plan --requests`', () => {
  it('shows the call after the disable, with its whole address', async () => {
    const { test, sessions } = await atWork(() => graph());
    const target = test.live.targets.get('idp');
    const situation = (await test.house.store.situations('acme', ['1'])).get('1');
    const [account] = situation?.accounts ?? [];
    if (target === undefined || account === undefined) throw new Error('no account');
    const payload = {
      userName: account.userName,
      externalId: '1',
      active: false,
      attributes: {},
      onCreateOnly: [],
      keepWhenBlank: [],
      managerKey: null,
    };
    const sendable = {
      id: 0,
      workerKey: '1',
      kind: 'revokeSessions' as const,
      payload,
      account,
      managerRemoteId: null,
      ambiguous: false,
      groupRemoteId: null,
    };
    expect(target.endsSessions).toBe(true);
    expect(target.show(sendable)).toEqual([
      { method: 'POST', path: `${sessions.url}/v1.0/users/${account.remoteId}/revokeSignInSessions`, body: '' },
    ]);
    expect(target.show({ ...sendable, account: { ...account, remoteId: null } })[0]?.path).toContain('/users/<id:1>/');
  });
});
