import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { calendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { type FakeIdp, type LoggedRequest, startFakeIdp } from '../support/fake-idp.ts';
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, type Resource, USER_SCHEMA } from '../support/fake-scim.ts';
import { liarOf } from './liar.ts';
import type { AuditEntry } from './reliability-audit.ts';
import { csvOf, FIRST_DAY, type Person, reliabilityCompany, type Stage, type Version } from './reliability-company.ts';
import { type Evidence, MANAGER, violations } from './reliability-judge.ts';

const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const FOREIGN: Resource = { id: 'svc', schemas: [USER_SCHEMA], active: true, userName: 'svc-backup' };

const person = (id: string, change: Partial<Person> = {}): Person => ({
  id,
  given: 'Ana',
  family: `Adka${id}`,
  start: calendarDate('2020-01-01'),
  end: '',
  department: 'Sales',
  title: 'Clerk',
  manager: '',
  ...change,
});
const version = (...people: readonly (readonly [Stage, Person])[]): Version =>
  new Map(people.map(([stage, one]) => [one.id, { stage, person: one }]));

const BOSS = person('1');
const MOVER = person('2', { department: 'Finance', manager: '1' });
const MOVED = person('2', { manager: '1' });
const LEAVER = person('3');
const SOON = person('4', { start: plusDays(FIRST_DAY, 3) });
/** A day, and the next one: somebody moves, and somebody leaves. */
const BEFORE = version(['active', BOSS], ['active', MOVER], ['active', LEAVER], ['preboarding', SOON]);
const AFTER = version(['active', BOSS], ['active', MOVED], ['left', LEAVER], ['preboarding', SOON]);

async function send(idp: FakeIdp, method: string, path: string, body?: unknown): Promise<Resource> {
  const response = await fetch(idp.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (response.status === 204 ? {} : await response.json()) as Resource;
}
const patch = (idp: FakeIdp, path: string, ...Operations: readonly Resource[]): Promise<Resource> =>
  send(idp, 'PATCH', path, { schemas: [PATCH_SCHEMA], Operations });
const userOf = (one: Person, active: boolean): Resource => ({
  schemas: [USER_SCHEMA, ENTERPRISE_SCHEMA],
  externalId: one.id,
  userName: `ana.adka${one.id}@example.com`,
  active,
  name: { givenName: one.given, familyName: one.family },
  title: one.title,
  [ENTERPRISE_SCHEMA]: { employeeNumber: one.id, department: one.department },
});
const add = (...ids: readonly string[]): Resource => ({
  op: 'add',
  path: 'members',
  value: ids.map((value) => ({ value })),
});
const remove = (id: string): Resource => ({ op: 'remove', path: `members[value eq "${id}"]` });
const setActive = (value: boolean): Resource => ({ op: 'replace', path: 'active', value });
const setDepartment = (value: string): Resource => ({ op: 'replace', path: `${ENTERPRISE_SCHEMA}:department`, value });

interface Scene {
  readonly idp: FakeIdp;
  /** Paths of users by worker, and of groups by name. */
  readonly user: (worker: string) => string;
  readonly id: (worker: string) => string;
  readonly group: (name: string) => string;
}
type Alter = (scene: Scene) => Promise<unknown>;
const nothing: Alter = async () => {};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the daemon would have written of these requests: an intent before each, its outcome after. */
function auditOf(log: readonly LoggedRequest[]): AuditEntry[] {
  return log.flatMap(({ n, at, method, path, body }): AuditEntry[] => {
    const [bare = ''] = path.split('?');
    const told = { operation: n, target: 'idp', method, path: bare };
    const bodyHash = body === '' ? null : sha256(body);
    return [
      { seq: 2 * n, at: new Date(at - 1).toISOString(), kind: 'intent', body: { ...told, bodyHash } },
      { seq: 2 * n + 1, at: new Date(at).toISOString(), kind: 'answer', body: { ...told, class: 'done' } },
    ];
  });
}

/** Everything is handled as it should be; `during` and `afterwards` then do one thing wrong. */
async function evidence(afterwards: Alter, during: Alter = nothing): Promise<Evidence> {
  await using idp = await startFakeIdp({ users: [FOREIGN] });
  const created = new Map<string, Resource>();
  const id = (worker: string): string => String(created.get(worker)?.id);
  const group = (name: string): string =>
    `/Groups/${String([...idp.groups.values()].find(({ displayName }) => displayName === name)?.id)}`;
  const scene: Scene = { idp, id, user: (worker) => `/Users/${id(worker)}`, group };

  const first = Date.now();
  for (const { stage, person: one } of BEFORE.values())
    created.set(one.id, await send(idp, 'POST', '/Users', userOf(one, stage === 'active')));
  for (const displayName of ['All staff', 'Dept Sales', 'Dept Finance'])
    await send(idp, 'POST', '/Groups', { schemas: [GROUP_SCHEMA], displayName });
  await patch(idp, group('All staff'), add(id('1'), id('2'), id('3')));
  await patch(idp, group('Dept Sales'), add(id('1'), id('3')));
  await patch(idp, group('Dept Finance'), add(id('2')));
  await patch(idp, scene.user('2'), { op: 'add', path: MANAGER, value: { value: id('1') } });
  await during(scene);

  const second = Date.now();
  await patch(idp, scene.user('3'), setActive(false));
  await send(idp, 'GET', scene.user('3'));
  await patch(idp, group('All staff'), remove(id('3')));
  await patch(idp, group('Dept Sales'), remove(id('3')));
  await patch(idp, scene.user('2'), setDepartment('Sales'));
  await patch(idp, group('Dept Sales'), add(id('2')));
  await patch(idp, group('Dept Finance'), remove(id('2')));
  await afterwards(scene);
  return {
    targets: [
      {
        name: 'idp',
        log: structuredClone(idp.log),
        users: structuredClone([...idp.users.values()]),
        groups: structuredClone([...idp.groups.values()]),
        untouchable: [FOREIGN],
        guests: new Map(),
      },
    ],
    versions: [
      { since: first, wanted: BEFORE, wantedAtNight: BEFORE },
      { since: second, wanted: AFTER, wantedAtNight: AFTER },
    ],
    audit: { entries: auditOf(idp.log), broken: null },
    virtualAt: (realMs) => realMs,
  };
}

describe('the judge of the reliability campaign', () => {
  test('finds nothing wrong with a mover and a leaver who were handled once and in order', async () => {
    expect(violations(await evidence(nothing))).toEqual([]);
  });

  test('does not mind what was repeated with the same values, or asked again', async () => {
    const seen = await evidence(async ({ idp, user, id, group }) => {
      await patch(idp, user('2'), setDepartment('Sales'));
      await patch(idp, group('Dept Sales'), add(id('2')));
      await patch(idp, user('3'), setActive(false));
      await send(idp, 'GET', user('3'));
    });
    expect(violations(seen)).toEqual([]);
  });

  test.each<[string, RegExp, Alter]>([
    ['a lost account', /worker 1 has no account/, async ({ idp, id }) => idp.users.delete(id('1'))],
    [
      'a lost value',
      /title of 1 is "Boss"/,
      async ({ idp, id }) => idp.users.set(id('1'), { ...idp.users.get(id('1')), title: 'Boss' }),
    ],
    [
      'a lost reference to a manager',
      /manager of 2 is '' instead of '1'/,
      ({ idp, user }) => patch(idp, user('2'), { op: 'remove', path: MANAGER }),
    ],
    [
      'two accounts of one worker',
      /worker 1 has two accounts/,
      ({ idp }) => send(idp, 'POST', '/Users', { ...userOf(BOSS, true), userName: 'second' }),
    ],
    [
      'a create that took effect twice',
      /worker 1 was created 2 times/,
      async ({ idp }) => {
        const { id } = await send(idp, 'POST', '/Users', { ...userOf(BOSS, true), userName: 'second' });
        idp.users.delete(String(id));
      },
    ],
    [
      'an account of nobody',
      /that nobody shall have \(9\)/,
      ({ idp }) => send(idp, 'POST', '/Users', userOf(person('9'), true)),
    ],
    [
      'a leaver who is still active',
      /account of 3, who is left, has active=true/,
      async ({ idp, id }) => idp.users.set(id('3'), { ...idp.users.get(id('3')), active: true }),
    ],
    [
      'somebody at work who is locked out',
      /account of 1, who is active, has active=false/,
      ({ idp, user }) => patch(idp, user('1'), setActive(false)),
    ],
    [
      'somebody who is enabled before the first day',
      /account of 4, who is preboarding, has active=true/,
      ({ idp, user }) => patch(idp, user('4'), setActive(true)),
    ],
    [
      'a leaver who was enabled again, even for a moment',
      /asks for what was true after step 0, but step 1/,
      async ({ idp, user }) => {
        await patch(idp, user('3'), setActive(true));
        await patch(idp, user('3'), setActive(false));
        await send(idp, 'GET', user('3'));
      },
    ],
    [
      'a value that went back, even for a moment',
      /worker 2: request \d+ \(PATCH .*asks for what was true after step 0/,
      async ({ idp, user }) => {
        await patch(idp, user('2'), setDepartment('Finance'));
        await patch(idp, user('2'), setDepartment('Sales'));
      },
    ],
    [
      'a membership that went back',
      /worker 2: request \d+ \(PATCH .*asks for what was true after step 0/,
      async ({ idp, id, group }) => {
        await patch(idp, group('Dept Finance'), add(id('2')));
        await patch(idp, group('Dept Finance'), remove(id('2')));
      },
    ],
    [
      'a write to a leaver beyond the disable',
      /worker 3: .*asks for what was true after step 0/,
      ({ idp, user }) => patch(idp, user('3'), setDepartment('Sales')),
    ],
    [
      'a value that HR never exported',
      /asks for what was never true/,
      ({ idp, user }) => patch(idp, user('1'), { op: 'replace', path: 'title', value: 'Boss' }),
    ],
    ['a deleted account', /request \d+ \(DELETE .*\) deletes/, ({ idp, user }) => send(idp, 'DELETE', user('1'))],
    [
      'a leaver who keeps a group',
      /Dept Sales has 3 too many/,
      ({ idp, id, group }) => patch(idp, group('Dept Sales'), add(id('3'))),
    ],
    ['a lost membership', /All staff lacks 1/, ({ idp, id, group }) => patch(idp, group('All staff'), remove(id('1')))],
    [
      'a stranger in a group',
      /All staff has guest svc too many/,
      ({ idp, group }) => patch(idp, group('All staff'), add('svc')),
    ],
    [
      'a doubled membership',
      /Dept Sales holds 1 members twice/,
      async ({ idp, group }) => {
        const id = group('Dept Sales').slice('/Groups/'.length);
        const there = idp.groups.get(id);
        const members = there?.members as readonly Resource[];
        idp.groups.set(id, { ...there, members: [...members, ...members.slice(0, 1)] });
      },
    ],
    [
      'a doubled group',
      /two groups are called All staff/,
      async ({ idp, group }) => idp.groups.set('twin', { ...idp.groups.get(group('All staff').slice(8)), id: 'twin' }),
    ],
    [
      'two requests for one worker at once',
      /worker 2: request .* came while request .* was under way/,
      async ({ idp, user }) => {
        idp.behaviours.add({ method: 'PATCH', times: 1, act: { kind: 'slow', ms: 40 } });
        await Promise.all([patch(idp, user('2'), setDepartment('Sales')), send(idp, 'GET', user('2'))]);
      },
    ],
    [
      'a membership while the account is being changed',
      /worker 2: request .* came while request .* was under way/,
      async ({ idp, user, id, group }) => {
        idp.behaviours.add({ method: 'PATCH', path: '/Users', times: 1, act: { kind: 'slow', ms: 40 } });
        await Promise.all([
          patch(idp, user('2'), setDepartment('Sales')),
          patch(idp, group('Dept Sales'), add(id('2'))),
        ]);
      },
    ],
    [
      'a disable that was not read back',
      /disable of leaver 3 was never read back/,
      ({ idp, user }) => patch(idp, user('3'), setActive(false)),
    ],
    [
      'a write to an account that is not ours',
      /writes to svc, an account that is not ours/,
      ({ idp }) => patch(idp, '/Users/svc', setActive(false)),
    ],
    [
      'an account that is not ours and has changed',
      /account svc, which is not ours, has changed/,
      async ({ idp }) => idp.users.set('svc', { ...FOREIGN, active: false }),
    ],
  ])('finds %s', async (_, sentence, alter) => {
    expect(violations(await evidence(alter)).join('\n')).toMatch(sentence);
  });

  test('finds a disable that came before HR said so', async () => {
    const seen = await evidence(nothing, async ({ idp, user }) => {
      await patch(idp, user('3'), setActive(false));
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    expect(violations(seen).join('\n')).toMatch(
      /worker 3: request \d+ .* asks for what was true after step 1, but step 0/,
    );
  });

  test('finds a leaver whom nobody ever disabled', async () => {
    const seen = await evidence(nothing);
    const versions = seen.versions.map((one) => ({
      ...one,
      wanted: new Map(one.wanted).set('4', { stage: 'left', person: SOON }),
    }));
    expect(violations({ ...seen, versions }).join('\n')).toMatch(/leaver 4 was never disabled/);
  });

  test('takes of somebody who is missing from the last export what any earlier one said, and nothing else', async () => {
    const missing = new Map(AFTER).set('2', {
      stage: 'active',
      person: person('2', { manager: '1', title: 'Lead' }),
      missing: true,
    });
    const seen = await evidence(nothing);
    const [first, second] = seen.versions;
    if (first === undefined || second === undefined) throw new Error('there are two versions');
    const third = { since: second.since, wanted: missing, wantedAtNight: missing };
    expect(violations({ ...seen, versions: [first, second, third] })).toEqual([]);
    expect(violations({ ...seen, versions: [first, third] }).join('\n')).toMatch(
      /title of 2 is "Clerk" instead of "Lead"/,
    );
  });

  test('takes a client that hung up for one that waits no longer', async () => {
    const seen = await evidence(async ({ idp, user }) => {
      idp.behaviours.add({ method: 'PATCH', times: 1, act: { kind: 'slow', ms: 200 } });
      const signal = AbortSignal.timeout(90);
      await fetch(`${idp.url}${user('2')}`, {
        method: 'PATCH',
        body: JSON.stringify({ schemas: [PATCH_SCHEMA], Operations: [setDepartment('Sales')] }),
        signal,
      }).catch(() => {});
      await send(idp, 'GET', user('2'));
      await new Promise((resolve) => setTimeout(resolve, 150));
    });
    expect(violations(seen)).toEqual([]);
  });

  describe('of the audit', () => {
    const altered = async (alter: (entries: AuditEntry[]) => AuditEntry[], broken: string | null = null) => {
      const seen = await evidence(nothing);
      return violations({ ...seen, audit: { entries: alter([...seen.audit.entries]), broken } }).join('\n');
    };
    const isWrite = ({ kind, body }: AuditEntry): boolean => kind === 'intent' && body.method === 'PATCH';

    test('finds a write without an intent', async () => {
      expect(await altered((entries) => entries.toSpliced(entries.findIndex(isWrite), 1))).toMatch(
        /\(PATCH .*\) has no intent in the audit/,
      );
    });
    test('finds an intent that says something else than was sent', async () => {
      const other = (entry: AuditEntry): AuditEntry =>
        isWrite(entry) ? { ...entry, body: { ...entry.body, bodyHash: sha256('other') } } : entry;
      expect(await altered((entries) => entries.map(other))).toMatch(/has no intent/);
    });
    test('finds an intent that was written after the request had arrived', async () => {
      const late = (entry: AuditEntry): AuditEntry =>
        isWrite(entry) ? { ...entry, at: new Date(Date.parse(entry.at) + 60_000).toISOString() } : entry;
      expect(await altered((entries) => entries.map(late))).toMatch(/came before its intent was written/);
    });
    test('finds a write of which nothing became', async () => {
      expect(await altered((entries) => entries.filter(({ kind }) => kind !== 'answer'))).toMatch(
        /has no outcome in the audit after its intent/,
      );
    });
    test('finds a chain that does not verify', async () => {
      expect(await altered((entries) => entries, 'entry 7')).toMatch(/the audit does not verify: entry 7/);
    });
  });
});

describe('the company of the reliability campaign', () => {
  test('is the same for the same seed and another one for another seed', () => {
    expect(reliabilityCompany(7)).toEqual(reliabilityCompany(7));
    expect(reliabilityCompany(7).steps).not.toEqual(reliabilityCompany(8).steps);
  });

  test('over a hundred seeds has joiners, movers, leavers, rehires, renames, nights, orders, strangers and planted accounts', () => {
    const met = new Map<string, number>();
    const count = (what: string, happened = true) => met.set(what, (met.get(what) ?? 0) + (happened ? 1 : 0));
    for (let seed = 1; seed <= 100; seed += 1) {
      const company = reliabilityCompany(seed);
      for (const { kind } of company.steps) count(kind);
      count('shut out', company.shutOut.size > 0);
      count(
        'adopted',
        company.users.some(({ id }) => id === 'adopted'),
      );
      for (const [index, { wanted }] of company.versions.entries()) {
        for (const [id, { stage, person: now }] of wanted) {
          const before = company.versions[index - 1]?.wanted.get(id);
          if (before === undefined) continue;
          count(`${before.stage} to ${stage}`, before.stage !== stage);
          count('moved', before.person.department !== now.department);
          count('renamed', before.person.family !== now.family);
          count('another manager', before.person.manager !== now.manager);
        }
      }
    }
    const classes = [
      'feed',
      'night',
      'leave',
      'stranger',
      'shut out',
      'adopted',
      'moved',
      'renamed',
      'another manager',
    ];
    const changes = [
      'active to left',
      'left to active',
      'left to preboarding',
      'preboarding to active',
      'none to preboarding',
    ];
    for (const what of [...classes, ...changes])
      expect([what, met.get(what)]).toEqual([what, expect.toSatisfy((n) => n > 5)]);
  });

  test('exports one row for each person, with the status that the end says', () => {
    const feed = new Map([BOSS, { ...LEAVER, end: plusDays(FIRST_DAY, -1) }].map((one) => [one.id, one]));
    expect(csvOf(feed).split('\n')).toEqual([
      'ID,First,Last,Status,Start,End,Manager,Dept,Title',
      '1,Ana,Adka1,A,2020-01-01,,,Sales,Clerk',
      '3,Ana,Adka3,T,2020-01-01,2026-11-22,,Sales,Clerk',
      '',
    ]);
  });
});

describe('the liar', () => {
  const request = (method: string, path: string, body = ''): LoggedRequest => ({
    n: 1,
    at: 0,
    endedAt: null,
    method,
    path,
    body,
    headers: {},
    status: null,
    applied: false,
    goneAt: 1,
  });
  const constant = () => 0;

  test('pretends only what the daemon reads back: a disable', async () => {
    const liar = liarOf({ random: constant, now: constant, rate: 1, lies: ['pretended'], storms: [] });
    expect(await liar.act(request('PATCH', '/Users/1', JSON.stringify({ Operations: [setActive(false)] })))).toEqual({
      kind: 'pretend',
    });
    expect(await liar.act(request('PATCH', '/Users/1', JSON.stringify({ Operations: [setActive(true)] })))).toBeNull();
    expect(await liar.act(request('GET', '/Users/1'))).toBeNull();
    expect(liar.told.pretended).toBe(1);
  });

  test('refuses everything in a storm, and nothing once it was stopped', async () => {
    const liar = liarOf({ random: constant, now: constant, rate: 0, lies: [], storms: [{ from: 2, requests: 1 }] });
    expect(await liar.act(request('GET', '/Users/1'))).toBeNull();
    expect(await liar.act(request('GET', '/Users/1'))).toMatchObject({ kind: 'answer', status: 429 });
    expect(await liar.act(request('GET', '/Users/1'))).toBeNull();
    const stopped = liarOf({ random: constant, now: constant, rate: 1, lies: ['reset'], storms: [] });
    stopped.stop();
    expect(await stopped.act(request('GET', '/Users/1'))).toBeNull();
  });
});
