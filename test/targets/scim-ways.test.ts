// The ways in which endpoints want to be written to and listed; what each vendor wants stands in the conformance suite.
import { describe, expect, test } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { PROFILES, type Profile } from '../../src/targets/scim/profiles.ts';
import type { Target } from '../../src/targets/target.ts';
import { type Doorman, startFakeIdp } from '../support/fake-idp.ts';
import {
  ALICE,
  accountOf,
  ENTERPRISE,
  membership,
  openDesk,
  operation,
  resourceOf,
  TOKEN,
} from '../support/scim-desk.ts';

const generic = (change: Partial<Profile>): Profile => ({ ...PROFILES.generic, ...change });
const MOVED = {
  ...ALICE,
  attributes: { ...ALICE.attributes, title: 'Lead', [ENTERPRISE]: { employeeNumber: '007' } },
};
const THEIRS = { nickName: 'Al', phoneNumbers: [{ value: '1', type: 'home' }] };

/** No PATCH; PUT replaces, with tags unless told otherwise. */
const putOnly =
  (options: { readonly tags?: boolean; readonly refusal?: number } = {}): Doorman =>
  (asked, ask, kept) => {
    const id = /^\/(Users|Groups)\/([^/?]+)$/.exec(asked.path);
    if (asked.method === 'PATCH') return { status: options.refusal ?? 405 };
    const silent = (reply: ReturnType<typeof ask>) => {
      if (options.tags !== false || reply.body === undefined) return reply;
      const { meta: _, ...rest } = JSON.parse(reply.body);
      return { status: reply.status, body: JSON.stringify(rest) };
    };
    if (asked.method !== 'PUT' || id === null) return silent(ask(asked));
    const resources = id[1] === 'Users' ? kept.users : kept.groups;
    const present = resources.get(id[2] as string);
    if (present === undefined) return { status: 404 };
    const version = (present.meta as { version: string }).version;
    const wanted = asked.headers['if-match'];
    if (wanted !== undefined && wanted !== version) return { status: 412 };
    const body = JSON.parse(asked.body);
    if ('meta' in body || 'groups' in body) return { status: 400 };
    resources.set(id[2] as string, {
      ...body,
      id: id[2],
      meta: { ...(present.meta as object), version: `${version}+` },
    });
    return silent(ask({ ...asked, method: 'GET', body: '' }));
  };
const alice = () => ({ id: 'u1', ...resourceOf(ALICE), ...THEIRS, groups: [{ value: 'g9' }] });
const methods = (log: readonly { readonly method: string; readonly path: string }[]) =>
  log.map(({ method, path }) => `${method} ${path.split('?')[0]}`);

describe('PUT', () => {
  const put = generic({ update: 'put', ifMatch: true });

  test('carries along what others wrote, says what it was read as, and leaves out what only the endpoint writes', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: putOnly() });
    await using desk = openDesk(idp.url, { like: put });
    const { outcome } = await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(outcome.class).toBe('done');
    expect(methods(idp.log)).toEqual(['GET /Users/u1', 'PUT /Users/u1']);
    expect(idp.log[1]?.headers['if-match']).toBeTruthy();
    expect(idp.users.get('u1')).toMatchObject({ ...THEIRS, title: 'Lead', active: true, userName: ALICE.userName });
    expect(idp.users.get('u1')?.[ENTERPRISE]).toEqual({ employeeNumber: '007' });
  });

  test('meets somebody who was faster: reads again and lays the change over that, once', async () => {
    const others: Doorman = (asked, ask, kept) => {
      const first = asked.method === 'PUT' && kept.users.get('u1')?.nickName === 'Al';
      const user = kept.users.get('u1');
      if (first && user !== undefined)
        kept.users.set('u1', { ...user, nickName: 'Ally', meta: { ...(user.meta as object), version: 'W/"other"' } });
      return putOnly()(asked, ask, kept);
    };
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: others });
    await using desk = openDesk(idp.url, { like: put });
    expect((await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')))).outcome.class).toBe('done');
    expect(idp.users.get('u1')).toMatchObject({ nickName: 'Ally', title: 'Lead' });
    expect(idp.log.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'GET 200',
      'PUT 412',
      'GET 200',
      'PUT 200',
    ]);
  });

  test('without tags is read back, and repeated once when what was written is gone', async () => {
    let lost = 1;
    const overwriting: Doorman = (asked, ask, kept) => {
      const before = kept.users.get('u1');
      const reply = putOnly({ tags: false })(asked, ask, kept);
      if (asked.method === 'PUT' && lost-- > 0 && before !== undefined) kept.users.set('u1', before);
      return reply;
    };
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: overwriting });
    await using desk = openDesk(idp.url, { like: put });
    const { outcome, account } = await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(outcome.class).toBe('done');
    expect(account?.seen).toMatchObject({ title: 'Lead' });
    expect(idp.log.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET', 'PUT', 'GET']);
    expect(idp.users.get('u1')?.title).toBe('Lead');
  });

  test('of an attribute that the endpoint does not keep is over after the second time', async () => {
    const forgetful: Doorman = (asked, ask, kept) => {
      const body = asked.method === 'PUT' ? asked.body.replace('"title":"Lead"', '"title":"Clerk"') : asked.body;
      return putOnly({ tags: false })({ ...asked, body }, ask, kept);
    };
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: forgetful });
    await using desk = openDesk(idp.url, { like: put });
    const { outcome, account } = await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(outcome.class).toBe('done');
    expect(account).not.toHaveProperty('seen');
    expect(idp.log.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });

  test('disables without a tag, and is done only when the account was read back inactive', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: putOnly() });
    await using desk = openDesk(idp.url, { like: put });
    const done = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1', { etag: 'W/"0"' })));
    expect(done).toMatchObject({ outcome: { class: 'done' }, account: { active: false } });
    expect(methods(idp.log)).toEqual(['GET /Users/u1', 'PUT /Users/u1', 'GET /Users/u1']);
    expect(idp.log[1]?.headers['if-match']).toBeUndefined();
    expect(idp.users.get('u1')).toMatchObject({ active: false, ...THEIRS });
  });

  test.each([405, 501])('takes the place of a PATCH that is answered %i, from then on at once', async (refusal) => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: putOnly({ refusal }) });
    await using desk = openDesk(idp.url);
    expect((await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')))).outcome.class).toBe('done');
    expect((await desk.deliver(operation('enable', ALICE, accountOf(ALICE, 'u1')))).outcome.class).toBe('done');
    const written = idp.log.map(({ method }) => method).filter((method) => method !== 'GET');
    expect(written).toEqual(['PATCH', 'PUT', 'PUT']);
    expect(idp.users.get('u1')).toMatchObject({ active: true, ...THEIRS });
  });

  test('is never tried where the profile says PATCH', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: putOnly() });
    await using desk = openDesk(idp.url, { like: generic({ update: 'patch' }) });
    const { outcome } = await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(outcome).toMatchObject({ class: 'permanent', status: 405 });
    expect(idp.writes().map(({ method }) => method)).toEqual(['PATCH']);
  });

  test('is not sent when the account cannot be read: the read says what happens next', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: putOnly() });
    await using desk = openDesk(idp.url, { like: put });
    idp.behaviours.add({ method: 'GET', times: 1, act: { kind: 'answer', status: 200, body: '<html>' } });
    const odd = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')));
    expect(odd.outcome).toMatchObject({ class: 'retry', code: 'unreadable-answer' });
    idp.behaviours.add({ method: 'GET', times: 1, act: { kind: 'answer', status: 503 } });
    const busy = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')));
    expect(busy.outcome).toMatchObject({ class: 'retry', countsAsAttempt: false });
    expect(idp.writes()).toEqual([]);
  });

  test('sends null for what goes, where the endpoint keeps what is left out', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()], doorman: putOnly() });
    await using desk = openDesk(idp.url, { like: generic({ update: 'put', putMerges: true }) });
    await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(JSON.parse(idp.writes()[0]?.body ?? '{}')[ENTERPRISE]).toEqual({ employeeNumber: '007', department: null });
  });

  test('is what a plan shows', async () => {
    await using desk = openDesk('http://127.0.0.1:9/scim', { like: put });
    const shown = desk.target.show(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(shown.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET']);
    expect(JSON.parse(shown[1]?.body ?? '{}')).toMatchObject({ title: 'Lead', userName: ALICE.userName, active: true });
  });
});

describe('PUT of a group', () => {
  const groups = () => [
    { id: 'g1', displayName: 'Staff', externalId: 'theirs', members: [{ value: 'u9' }, { value: 'u1' }] },
  ];
  const users = ['u1', 'u2', 'u9'].map((id) => ({ id, userName: id }));

  test.each([
    ['with tags', {}, { update: 'put', ifMatch: true }, ['GET', 'PUT']],
    ['without', { tags: false }, { update: 'put' }, ['GET', 'PUT', 'GET']],
    ['after a PATCH that is refused', {}, { update: 'discovered' }, ['PATCH', 'GET', 'PUT', 'GET']],
  ] as const)('keeps all other members: %s', async (_name, manners, profile, sent) => {
    await using idp = await startFakeIdp({ token: TOKEN, users, groups: groups(), doorman: putOnly(manners) });
    await using desk = openDesk(idp.url, { like: generic(profile) });
    const known = { groupRemoteId: 'g1' };
    const added = await desk.memberships([membership('addMember', 'Staff', 'u2', known)]);
    expect(added[0]?.outcome.class).toBe('done');
    expect(idp.log.map(({ method }) => method)).toEqual(sent);
    expect(idp.members('Staff')).toEqual(['u9', 'u1', 'u2']);
    const removed = await desk.memberships([membership('removeMember', 'Staff', 'u1', known)]);
    expect(removed[0]?.outcome.class).toBe('done');
    expect(idp.members('Staff')).toEqual(['u9', 'u2']);
    expect(idp.groups.get('g1')).toMatchObject({ displayName: 'Staff', externalId: 'theirs' });
  });

  test('writes nothing when the member stands, and is in doubt when somebody wrote over it', async () => {
    const overwriting: Doorman = (asked, ask, kept) => {
      const before = kept.groups.get('g1');
      const reply = putOnly({ tags: false })(asked, ask, kept);
      if (asked.method === 'PUT' && before !== undefined) kept.groups.set('g1', before);
      return reply;
    };
    await using idp = await startFakeIdp({ token: TOKEN, users, groups: groups(), doorman: overwriting });
    await using desk = openDesk(idp.url, { like: generic({ update: 'put' }) });
    const known = { groupRemoteId: 'g1' };
    const [standing] = await desk.memberships([membership('addMember', 'Staff', 'u1', known)]);
    expect(standing?.outcome).toMatchObject({ class: 'done', code: 'found' });
    expect(idp.writes()).toEqual([]);
    const [lost] = await desk.memberships([membership('addMember', 'Staff', 'u2', known)]);
    expect(lost?.outcome.class).toBe('ambiguous');
  });
});

describe('PATCH', () => {
  test('of more than the profile takes at once goes out in several, each with the tag of the one before', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()] });
    const like = generic({ ifMatch: true, patch: { ...PROFILES.generic.patch, maxOperations: 2 } });
    await using desk = openDesk(idp.url, { like });
    const many = {
      ...ALICE,
      attributes: {
        ...ALICE.attributes,
        title: 'Lead',
        nickName: 'A',
        locale: 'en',
        timezone: 'UTC',
        displayName: 'A',
      },
    };
    const meta = idp.users.get('u1')?.meta as { readonly version: string } | undefined;
    const etag = String(meta?.version);
    const { outcome } = await desk.deliver(operation('update', many, accountOf(ALICE, 'u1', { etag })));
    expect(outcome.class).toBe('done');
    expect(idp.writes().map(({ body }) => JSON.parse(body).Operations.length)).toEqual([2, 2, 1]);
    expect(new Set(idp.writes().map(({ headers }) => headers['if-match'])).size).toBe(3);
    expect(idp.users.get('u1')).toMatchObject({ title: 'Lead', nickName: 'A', locale: 'en', timezone: 'UTC' });
  });

  test('that fails after a part of it took effect is in doubt', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()] });
    await using desk = openDesk(idp.url, { like: generic({ patch: { ...PROFILES.generic.patch, maxOperations: 1 } }) });
    idp.behaviours.add({ method: 'PATCH', body: 'department', act: { kind: 'answer', status: 429 } });
    const { outcome } = await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(outcome).toMatchObject({ class: 'ambiguous', status: 429, countsAsAttempt: false });
    expect(idp.users.get('u1')?.title).toBe('Lead');
  });

  test('without paths says the same', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [alice()] });
    await using desk = openDesk(idp.url, { capabilities: { patchForm: 'pathless' } });
    const wanted = {
      ...ALICE,
      attributes: {
        ...ALICE.attributes,
        title: 'Lead',
        name: { givenName: 'Alicia', familyName: 'Doe' },
        emails: [{ value: 'new@example.com', type: 'work', primary: true }],
        phoneNumbers: [{ value: '2', type: 'work' }],
        [ENTERPRISE]: { employeeNumber: '008' },
      },
    };
    const { outcome } = await desk.deliver(operation('update', wanted, accountOf(ALICE, 'u1')));
    expect(outcome.class).toBe('done');
    const [patch] = idp.writes();
    expect(JSON.parse(patch?.body ?? '{}').Operations).toEqual([
      {
        op: 'replace',
        value: { title: 'Lead', name: { givenName: 'Alicia' }, [ENTERPRISE]: { employeeNumber: '008' } },
      },
      { op: 'add', value: { phoneNumbers: [{ type: 'work', value: '2' }] } },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'new@example.com' },
      { op: 'remove', path: `${ENTERPRISE}:department` },
    ]);
    expect(idp.users.get('u1')).toMatchObject({
      nickName: 'Al',
      title: 'Lead',
      name: { givenName: 'Alicia', familyName: 'Doe' },
      phoneNumbers: [...THEIRS.phoneNumbers, { value: '2', type: 'work' }],
    });
  });
});

describe('creating', () => {
  test('where a 201 may have created nothing reads it back, and is in doubt without it', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url, { capabilities: { confirmCreates: true } });
    idp.behaviours.add({ method: 'POST', times: 1, act: { kind: 'pretend' } });
    const lied = await desk.deliver(operation('create', ALICE));
    expect(lied.outcome).toMatchObject({ class: 'ambiguous', code: 'not-created', countsAsAttempt: true });
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome.class).toBe('done');
    expect(methods(idp.log).slice(-2)).toEqual(['POST /Users', expect.stringMatching(/^GET \/Users\/u/)]);
    expect(idp.users.size).toBe(1);
  });

  test('where a POST takes over whoever has the name looks before it, and sends nothing to somebody else', async () => {
    const users = [{ userName: ALICE.userName, externalId: 'somebody' }];
    await using idp = await startFakeIdp({ token: TOKEN, users });
    await using desk = openDesk(idp.url, { like: generic({ lookBeforeCreate: true }) });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'conflict',
      code: 'name-taken',
    });
    idp.behaviours.add({ method: 'GET', times: 1, act: { kind: 'answer', status: 503 } });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({ class: 'retry' });
    expect(idp.writes()).toEqual([]);
  });
});

describe('an unknown id that is answered 400', () => {
  const like = generic({ unknownId: [400] });
  const vague: Doorman = (asked, ask) => {
    const reply = ask(asked);
    return reply.status === 404 ? { status: 400 } : reply;
  };

  test('is gone when a search for it finds nobody', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, doorman: vague });
    await using desk = openDesk(idp.url, { like });
    const changed = await desk.deliver(operation('update', MOVED, accountOf(ALICE, 'u1')));
    expect(changed.outcome.class).toBe('gone');
    const left = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')));
    expect(left.outcome).toMatchObject({ class: 'done', code: 'nobody' });
    const deleted = await desk.deliver(operation('delete', ALICE, accountOf(ALICE, 'u1')));
    expect(deleted.outcome.class).toBe('done');
  });

  test('is not gone when the search finds it, or when the endpoint refuses everything', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [{ ...alice(), active: true }] });
    await using desk = openDesk(idp.url, { like });
    const off = idp.behaviours.add({ path: '/Users/u1', act: { kind: 'answer', status: 400 } });
    const seen = await desk.deliver(operation('disable', ALICE, accountOf(ALICE, 'u1')));
    expect(seen.outcome).toMatchObject({ class: 'permanent', status: 400 });
    off();
    idp.behaviours.add({ act: { kind: 'answer', status: 400 } });
    for (const kind of ['disable', 'delete', 'update'] as const) {
      const refused = await desk.deliver(operation(kind, MOVED, accountOf(ALICE, 'u1')));
      expect(refused.outcome).toMatchObject({ class: 'permanent', status: 400 });
    }
    expect(idp.users.get('u1')).toMatchObject({ active: true });
  });
});

describe('memberships', () => {
  test('are not asked for at an endpoint that says it has no groups: that would look like a wrong base URL', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url, { like: PROFILES.zitadel });
    const [refused] = await desk.memberships([membership('addMember', 'Staff', 'u1', { create: true })]);
    expect(refused?.outcome).toMatchObject({ class: 'permanent', code: 'groups-unsupported' });
    expect(idp.log).toEqual([]);
  });
});

async function listing(target: Target): Promise<readonly string[] | Problem> {
  const ids: string[] = [];
  try {
    for await (const page of target.list(new AbortController().signal))
      ids.push(...page.map(({ remoteId }) => remoteId));
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  return ids;
}
const codeOf = (result: readonly string[] | Problem) =>
  result instanceof Problem ? result.faults[0]?.code : result.length;
const people = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `u${index}`, userName: `n${index}` }));
const resources = (from: number, to: number) => people(to).slice(from);
const answer = (body: object) => ({ status: 200, body: JSON.stringify(body) });

describe('a list', () => {
  test('by cursor goes on to the page without a next one, whether or not it is counted', async () => {
    const cursors: Doorman = (asked) => {
      const query = new URLSearchParams(asked.path.split('?')[1] ?? '');
      const from = Number(query.get('cursor') || 0);
      const next = from + 3 < 7 ? { nextCursor: String(from + 3) } : {};
      return answer({
        ...(from === 0 ? { totalResults: 7 } : {}),
        resources: resources(from, Math.min(7, from + 3)),
        ...next,
      });
    };
    await using idp = await startFakeIdp({ token: TOKEN, doorman: cursors });
    await using desk = openDesk(idp.url, { like: generic({ paging: 'cursor', pageSize: 3 }) });
    expect(codeOf(await listing(desk.target))).toBe(7);
    expect(idp.log.map(({ path }) => path)).toEqual(['', '3', '6'].map((cursor) => `/Users?cursor=${cursor}&count=3`));
  });

  test('whose cursor expired begins anew, and not for ever', async () => {
    let expired = 1;
    const forgetful: Doorman = (asked) => {
      const from = Number(new URLSearchParams(asked.path.split('?')[1] ?? '').get('cursor') || 0);
      if (from > 0 && expired-- > 0) return { status: 400, body: JSON.stringify({ scimType: 'expiredCursor' }) };
      return answer({ Resources: resources(from, from + 2), ...(from < 2 ? { nextCursor: '2' } : {}) });
    };
    await using idp = await startFakeIdp({ token: TOKEN, doorman: forgetful });
    await using desk = openDesk(idp.url, { like: generic({ paging: 'cursor' }) });
    expect(codeOf(await listing(desk.target))).toBe(4);
    expired = 100;
    expect(codeOf(await listing(desk.target))).toBe('target.listing-incomplete');
  });

  test.each([
    ['repeats a cursor', { Resources: people(1), nextCursor: 'x' }],
    ['ends before as many as it counts', { Resources: people(1), totalResults: 2 }],
  ])('by cursor is none when it %s', async (_name, body) => {
    await using idp = await startFakeIdp({ token: TOKEN, doorman: () => answer(body) });
    await using desk = openDesk(idp.url, { like: generic({ paging: 'cursor' }) });
    expect(codeOf(await listing(desk.target))).toBe('target.listing-incomplete');
  });

  test.each([
    [4, 4, 4],
    [5, 5, 'target.no-listing'],
    [5, 9, 'target.no-listing'],
    [3, 4, 'target.no-listing'],
  ])('in one answer of at most 5: %i shown of %i is %s', async (shown, total, expected) => {
    await using idp = await startFakeIdp({
      token: TOKEN,
      doorman: () => answer({ totalResults: total, Resources: people(shown) }),
    });
    await using desk = openDesk(idp.url, { like: generic({ paging: 'none', pageSize: 5 }) });
    expect(codeOf(await listing(desk.target))).toBe(expected);
    expect(idp.log).toHaveLength(1);
  });

  test('whose startIndex is cut to whole pages is asked for whole pages', async () => {
    const cut: Doorman = (asked) => {
      const start = Number(new URLSearchParams(asked.path.split('?')[1] ?? '').get('startIndex'));
      const page = Math.max(1, Math.trunc(start / 100));
      return answer({
        totalResults: 250,
        itemsPerPage: 100,
        Resources: resources((page - 1) * 100, Math.min(250, page * 100)),
      });
    };
    await using idp = await startFakeIdp({ token: TOKEN, doorman: cut });
    await using desk = openDesk(idp.url, { like: PROFILES.authentik });
    expect(codeOf(await listing(desk.target))).toBe(250);
    await using naive = openDesk(idp.url);
    expect(codeOf(await listing(naive.target))).toBe('target.listing-incomplete');
  });

  test('is not believed to end with a full page where its count may be of that page only', async () => {
    const pages =
      (ignores: boolean): Doorman =>
      (asked) => {
        const start = ignores ? 1 : Number(new URLSearchParams(asked.path.split('?')[1] ?? '').get('startIndex'));
        const shown = resources(start - 1, Math.min(7, start + 4));
        return answer({ totalResults: ignores ? 5 : 7, Resources: shown });
      };
    const like = generic({ totalIsTruth: false, pageSize: 5, paging: 'index' });
    await using honest = await startFakeIdp({ token: TOKEN, doorman: pages(false) });
    await using desk = openDesk(honest.url, { like });
    expect(codeOf(await listing(desk.target))).toBe(7);
    await using idp = await startFakeIdp({ token: TOKEN, doorman: pages(true) });
    await using other = openDesk(idp.url, { like });
    expect(codeOf(await listing(other.target))).toBe('target.no-listing');
    await using believing = openDesk(idp.url, { like: { ...like, totalIsTruth: true } });
    expect(codeOf(await listing(believing.target))).toBe(5);
  });

  test('is not asked for where there is none', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url, { like: PROFILES.google });
    expect(codeOf(await listing(desk.target))).toBe('target.no-listing');
    expect(idp.log).toEqual([]);
  });
});

describe('looking people up', () => {
  const signal = new AbortController().signal;
  const users = [
    { id: 'u1', userName: 'Alice', externalId: '7' },
    { id: 'u2', userName: 'bob', externalId: '8' },
  ];

  test('asks only by what can be asked, and believes no answer that does not carry the value', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users });
    await using desk = openDesk(idp.url, { like: PROFILES.google });
    const found = await desk.target.find(
      [
        { attribute: 'userName', value: 'alice' },
        { attribute: 'externalId', value: '8' },
        { attribute: 'userName', value: '' },
      ],
      signal,
    );
    expect(found.map(({ remoteId }) => remoteId)).toEqual(['u1']);
    expect(idp.log).toHaveLength(1);
    const everybody = JSON.stringify({ totalResults: 2, Resources: users });
    idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 200, body: everybody } });
    expect(await desk.target.find([{ attribute: 'userName', value: 'carol' }], signal)).toEqual([]);
  });

  test('says so when the target does not answer', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users });
    await using desk = openDesk(idp.url);
    idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 503 } });
    const failed = await desk.target
      .find([{ attribute: 'userName', value: 'alice' }], signal)
      .catch((error: unknown) => error);
    expect((failed as Problem).faults[0]?.code).toBe('target.look-up');
    expect(idp.log).toHaveLength(3);
  });
});
