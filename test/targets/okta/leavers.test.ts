import { describe, expect, it } from 'vitest';
import {
  acceptedOf,
  accountOf,
  creates,
  leaver,
  openOktaDesk,
  operation,
  peopled,
  person,
  standing,
} from '../../support/okta-desk.ts';

const writes = (log: readonly { readonly method: string; readonly path: string }[]) =>
  log
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path.replace(/^.*\/0oa-source-1/, 'source').replace('/api/v1/', '')}`);

describe('a leaver', () => {
  it('is deleted from the source at once, read, and done only when the Users API says so', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    const { id } = desk.okta.state.coreOf('1001') as { id: string };
    const delivered = await desk.deliver(leaver(desk.okta, 1));
    expect(delivered).toMatchObject({ outcome: { class: 'done' }, account: { remoteId: id, active: false } });
    expect(writes(desk.okta.log)).toEqual(['DELETE source/users/1001']);
    expect(desk.okta.log.at(-1)).toMatchObject({ method: 'GET', path: `/api/v1/users/${id}`, status: 200 });
    expect(desk.okta.state.coreOf('1000')?.status).toBe('ACTIVE');
  });

  it('is not done while the deactivation is under way, and is once it is through', async () => {
    await using desk = await openOktaDesk({ fake: { lagMs: 90_000 } });
    await peopled(desk, 2);
    desk.clock.advance(200_000);
    const leaves = leaver(desk.okta, 1);
    const delivered = await desk.deliver(leaves);
    expect(delivered.outcome.class).toBe('accepted');
    expect(delivered.accepted?.withinMs).toBe(10 * 60_000);
    const waiting = [acceptedOf(leaves, delivered, desk.clock.nowMs())];
    expect(await desk.confirm(waiting)).toEqual([]);
    const told = await desk.confirmAll(waiting);
    expect(told.get(leaves.id)).toMatchObject({ outcome: { class: 'done' }, account: { active: false } });
  });

  it('whom an older upload in a session gives the access back loses it again', async () => {
    await using desk = await openOktaDesk({ fake: { upsertReactivates: true } });
    await peopled(desk, 20);
    const moved = Array.from({ length: 20 }, (_, n) =>
      operation('update', person(n), standing(desk.okta, n), { id: n + 1 }),
    );
    const loaded = await desk.deliverAll(moved);
    await desk.confirm(moved.map((one, index) => acceptedOf(one, loaded[index] as never, desk.clock.nowMs())));
    const leaves = leaver(desk.okta, 3);
    const delivered = await desk.deliver(leaves);
    // Inactive now, and not believed: the session may still apply what it holds.
    expect(desk.okta.state.coreOf('1003')?.status).toBe('DEPROVISIONED');
    expect(delivered.outcome.class).toBe('accepted');
    const others = moved
      .filter(({ workerKey }) => workerKey !== '1003')
      .map((one) => acceptedOf(one, loaded[one.id - 1] as never, desk.clock.nowMs()));
    const told = await desk.confirmAll([acceptedOf(leaves, delivered, desk.clock.nowMs()), ...others]);
    expect(desk.okta.state.coreOf('1003')?.status).toBe('ACTIVE');
    expect(told.get(leaves.id)?.outcome).toMatchObject({ class: 'retry', code: 'not-applied' });
    const again = await desk.deliver(leaves);
    expect(again.outcome.class).toBe('done');
    expect(desk.okta.state.coreOf('1003')?.status).toBe('DEPROVISIONED');
  });

  it('who is found inactive behind the session that held an older upload is done', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 20);
    const moved = Array.from({ length: 20 }, (_, n) =>
      operation('update', person(n), standing(desk.okta, n), { id: n + 1 }),
    );
    const loaded = await desk.deliverAll(moved);
    const leaves = leaver(desk.okta, 3);
    const delivered = await desk.deliver(leaves);
    expect(delivered.outcome.class).toBe('accepted');
    const told = await desk.confirmAll([acceptedOf(leaves, delivered, desk.clock.nowMs())]);
    expect(told.get(leaves.id)?.outcome.class).toBe('done');
    expect(loaded[0]?.outcome.class).toBe('accepted');
    expect(desk.okta.violations).toEqual([]);
  });

  it('is not believed gone while a session may hold an upload whose answer was lost', async () => {
    await using desk = await openOktaDesk({ fake: { upsertReactivates: true } });
    await peopled(desk, 20);
    const moved = Array.from({ length: 20 }, (_, n) =>
      operation('update', person(n), standing(desk.okta, n), { id: n + 1 }),
    );
    desk.okta.answers({ method: 'POST', path: /bulk-upsert/, times: 1 }, 'lose');
    const loaded = await desk.deliverAll(moved);
    expect(new Set(loaded.map(({ outcome }) => outcome.class))).toEqual(new Set(['ambiguous']));
    const leaves = leaver(desk.okta, 3);
    const delivered = await desk.deliver(leaves);
    expect(delivered.outcome.class).toBe('accepted');
    // Nobody else needs that session: it is brought to an end for the leaver alone.
    const told = await desk.confirmAll([acceptedOf(leaves, delivered, desk.clock.nowMs())]);
    expect(told.get(leaves.id)?.outcome).toMatchObject({ class: 'retry', code: 'not-applied' });
    expect((await desk.deliver(leaves)).outcome.class).toBe('done');
    expect(desk.okta.state.coreOf('1003')?.status).toBe('DEPROVISIONED');
    expect(desk.okta.violations).toEqual([]);
  });

  it('waits for no session that refused the upload', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 20);
    const moved = Array.from({ length: 20 }, (_, n) =>
      operation('update', person(n), standing(desk.okta, n), { id: n + 1 }),
    );
    const lift = desk.okta.answers({ method: 'POST', path: /bulk-upsert/, body: /"1003"/ }, { status: 400 });
    const loaded = await desk.deliverAll(moved);
    lift();
    expect(loaded[3]?.outcome.class).toBe('permanent');
    expect((await desk.deliver(leaver(desk.okta, 3))).outcome.class).toBe('done');
  });

  it('is not believed gone before a session that an earlier process left is over', async () => {
    await using desk = await openOktaDesk({ fake: { upsertReactivates: true } });
    await peopled(desk, 20);
    const moved = Array.from({ length: 20 }, (_, n) =>
      operation('update', person(n), standing(desk.okta, n), { id: n + 1 }),
    );
    await desk.deliverAll(moved);
    await using later = await openOktaDesk({ beside: desk, memory: desk.memory });
    const delivered = await later.deliver(leaver(desk.okta, 3));
    expect(delivered.outcome.class).toBe('accepted');
  });

  it('who was adopted and whom the source never knew is deactivated by the Users API', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    const leaves = leaver(desk.okta, 1);
    desk.okta.state.users.delete('1001');
    const delivered = await desk.deliver(leaves);
    expect(delivered.outcome.class).toBe('done');
    expect(desk.okta.state.core.get(leaves.account.remoteId ?? '')?.status).toBe('DEPROVISIONED');
  });

  it('of whom nobody knows anything is nobody, and is looked for by name and by external id', async () => {
    await using desk = await openOktaDesk();
    const leaves = operation('disable', { ...person(1), active: false }, accountOf(person(1)), { lane: 'leaver' });
    const delivered = await desk.deliver(leaves);
    expect(delivered.outcome).toMatchObject({ class: 'done', code: 'nobody' });
    expect(desk.okta.log.map(({ path }) => path).filter((path) => path.startsWith('/api/v1/users'))).toEqual([
      '/api/v1/users/p1%40example.com',
      expect.stringContaining('search='),
    ]);
  });

  it('whose login was changed at Okta is found by Okta’s own id', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    const leaves = leaver(desk.okta, 1);
    const user = desk.okta.state.coreOf('1001') as { profile: Record<string, string> };
    user.profile = { ...user.profile, login: 'married@example.com' };
    expect((await desk.deliver(leaves)).outcome.class).toBe('done');
    expect(desk.okta.state.core.get(leaves.account.remoteId ?? '')?.status).toBe('DEPROVISIONED');
  });

  it('whose user was made anew at Okta under another id loses that one', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    const leaves = leaver(desk.okta, 1);
    const old = desk.okta.state.coreOf('1001') as NonNullable<ReturnType<typeof desk.okta.state.coreOf>>;
    desk.okta.state.core.delete(old.id);
    desk.okta.state.users.delete('1001');
    desk.okta.state.core.set('00u-anew', { ...old, id: '00u-anew' });
    const delivered = await desk.deliver(leaves);
    expect(delivered).toMatchObject({ outcome: { class: 'done' }, account: { remoteId: '00u-anew', active: false } });
    expect(desk.okta.state.core.get('00u-anew')?.status).toBe('DEPROVISIONED');
  });

  it('whom only the source knows is looked up before it forgets them, and stays unconfirmed while active', async () => {
    await using desk = await openOktaDesk({ okta: { externalIdAttribute: '' }, fake: { lagMs: 90_000 } });
    await peopled(desk, 2);
    desk.clock.advance(200_000);
    const { id } = desk.okta.state.coreOf('1001') as { id: string };
    const leaves = operation('disable', { ...person(1), active: false }, accountOf(person(1)), { lane: 'leaver' });
    const delivered = await desk.deliver(leaves);
    expect(delivered).toMatchObject({ outcome: { class: 'accepted' }, account: { remoteId: id } });
    const waiting = [{ ...acceptedOf(leaves, delivered, desk.clock.nowMs()), remoteId: id }];
    expect(await desk.confirm(waiting)).toEqual([]);
    const told = await desk.confirmAll(waiting);
    expect(told.get(leaves.id)).toMatchObject({ outcome: { class: 'done' }, account: { remoteId: id, active: false } });
  });

  it('never takes somebody else’s user of the same name for their own', async () => {
    await using desk = await openOktaDesk();
    desk.okta.state.core.set('00u-other', {
      id: '00u-other',
      status: 'ACTIVE',
      shownStatus: 'ACTIVE',
      settlesMs: 0,
      profile: { login: 'p1@example.com', employeeNumber: 'somebody' },
      revoked: 0,
    });
    const leaves = operation('disable', { ...person(1), active: false }, accountOf(person(1)), { lane: 'leaver' });
    expect((await desk.deliver(leaves)).outcome.code).toBe('nobody');
    expect(desk.okta.state.core.get('00u-other')?.status).toBe('ACTIVE');
  });

  it('whom only a look-up finds is not touched where that user is protected, or another worker’s', async () => {
    await using desk = await openOktaDesk({ okta: { leavers: 'deactivate' } });
    await peopled(desk, 2);
    const { id } = desk.okta.state.coreOf('1001') as { id: string };
    for (const whose of ['protected', 'others'] as const) {
      const leaves = operation('disable', { ...person(1), active: false }, accountOf(person(1)), {
        lane: 'leaver',
        whose: async () => whose,
      });
      expect((await desk.deliver(leaves)).outcome.code).toBe('protected-account');
      expect(desk.okta.state.core.get(id)?.status).toBe('ACTIVE');
    }
  });

  it('is deactivated, or suspended, by the Users API first where the file says so', async () => {
    for (const [leavers, status] of [
      ['deactivate', 'DEPROVISIONED'],
      ['suspend', 'SUSPENDED'],
    ] as const) {
      await using desk = await openOktaDesk({ okta: { leavers } });
      await peopled(desk, 2);
      expect((await desk.deliver(leaver(desk.okta, 1))).outcome.class).toBe('done');
      expect(writes(desk.okta.log)[0]).toContain(`lifecycle/${leavers}`);
      expect(desk.okta.state.coreOf('1001')?.status).toBe(status);
    }
  });

  it('is asked for again where Okta does not answer, and is never done for that', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    desk.okta.answers({ method: 'DELETE' }, { status: 503 });
    expect((await desk.deliver(leaver(desk.okta, 1))).outcome.class).toBe('retry');
    await using mute = await openOktaDesk();
    await peopled(mute, 2);
    mute.okta.answers({ method: 'GET', path: /\/api\/v1\/users/ }, { status: 503 });
    const leaves = leaver(mute.okta, 1);
    const delivered = await mute.deliver(leaves);
    expect(delivered.outcome.class).toBe('accepted');
    expect(await mute.confirm([acceptedOf(leaves, delivered, mute.clock.nowMs())])).toEqual([]);
  });

  it('is refused visibly where the credentials may not delete', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    desk.okta.answers({ method: 'DELETE' }, { status: 403, body: { errorSummary: 'You do not have permission' } });
    expect((await desk.deliver(leaver(desk.okta, 1))).outcome).toMatchObject({ class: 'permanent', status: 403 });
  });

  it('is asked at the source alone where users may not be read', async () => {
    await using desk = await openOktaDesk({ okta: { reads: 'source', sessions: 'none' }, fake: {} });
    await peopled(desk, 2);
    const payload = person(1);
    const leaves = operation(
      'disable',
      { ...payload, active: false },
      accountOf(payload, { remoteId: 'external:1001', active: true }),
      { lane: 'leaver' },
    );
    const delivered = await desk.deliver(leaves);
    expect(delivered).toMatchObject({
      outcome: { class: 'done', code: 'gone-from-source' },
      account: { active: false },
    });
    expect(desk.okta.log.every(({ path }) => path.startsWith('/api/v1/identity-sources/'))).toBe(true);
  });

  it('loses sessions and tokens by a call of their own', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    expect(desk.target.endsSessions).toBe(true);
    const delivered = await desk.deliver(operation('revokeSessions', person(1), standing(desk.okta, 1)));
    expect(delivered.outcome.class).toBe('done');
    expect(desk.okta.log.at(-1)?.path).toMatch(/\/sessions\?oauthTokens=true&forgetDevices=true$/);
    expect(desk.okta.state.coreOf('1001')?.revoked).toBe(1);
  });
});

describe('memberships', () => {
  const membership = (kind: 'addMember' | 'removeMember', n: number, create = true) =>
    operation(
      kind,
      { group: 'All staff', create, computed: false, authority: 'full' },
      accountOf(person(n), { remoteId: `00u${n}`, active: true }),
      { id: n + 1 },
    );
  const members = async (
    desk: Awaited<ReturnType<typeof openOktaDesk>>,
    operations: readonly ReturnType<typeof membership>[],
  ) => desk.settled(desk.target.deliverMemberships(operations, desk.journal, desk.signal));

  it('are given 200 in a call, and the group is made once where it may be', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 250);
    const delivered = await members(
      desk,
      Array.from({ length: 250 }, (_, n) => membership('addMember', n)),
    );
    expect(delivered.every(({ outcome }) => outcome.class === 'done')).toBe(true);
    expect(delivered[0]?.group).toEqual({ name: 'All staff', remoteId: 'All staff', created: true });
    expect(desk.okta.state.groups.get('All staff')?.members.size).toBe(250);
    expect(desk.okta.log.filter(({ method, path }) => method === 'POST' && path.endsWith('/membership'))).toHaveLength(
      2,
    );
  });

  it('are not given in a group that nobody made', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    const [delivered] = await members(desk, [membership('addMember', 1, false)]);
    expect(delivered?.outcome).toMatchObject({ class: 'permanent', code: 'group-missing' });
  });

  it('travel in a session where the file says so, with the group before them, and are read in the group', async () => {
    await using desk = await openOktaDesk({ okta: { groups: 'session' } });
    await peopled(desk, 40);
    const operations = Array.from({ length: 40 }, (_, n) => membership('addMember', n));
    const delivered = await members(desk, operations);
    expect(delivered.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
    const told = await desk.confirmAll(
      operations.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
    );
    expect([...told.values()].every(({ outcome }) => outcome.class === 'done')).toBe(true);
    expect(desk.okta.state.groups.get('All staff')?.members.size).toBe(40);
    expect(desk.okta.violations).toEqual([]);
  });

  it('of whoever leaves go at once, and again behind a session that may still give them', async () => {
    await using desk = await openOktaDesk({ okta: { groups: 'session' } });
    await peopled(desk, 40);
    await members(
      desk,
      Array.from({ length: 40 }, (_, n) => membership('addMember', n)),
    );
    const [gone] = await members(desk, [membership('removeMember', 3)]);
    expect(gone?.outcome.class).toBe('accepted');
    const waiting = [acceptedOf(membership('removeMember', 3), gone as never, desk.clock.nowMs())];
    const told = await desk.confirmAll(waiting);
    expect(told.get(4)?.outcome).toMatchObject({ class: 'retry', code: 'not-applied' });
    const [again] = await members(desk, [membership('removeMember', 3)]);
    expect(again?.outcome.class).toBe('done');
    expect(desk.okta.state.groups.get('All staff')?.members.has('1003')).toBe(false);
  });
});

describe('a sample of joiners', () => {
  it('takes no id that Okta gave from whoever is believed', async () => {
    await using desk = await openOktaDesk({ okta: { joiners: 'sample' } });
    await peopled(desk, 40);
    const moved = Array.from({ length: 40 }, (_, n) =>
      operation('update', person(n), standing(desk.okta, n), { id: n + 1 }),
    );
    const delivered = await desk.deliverAll(moved);
    const told = await desk.confirmAll(
      moved.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
    );
    expect(told.size).toBe(40);
    for (const one of moved) expect([undefined, one.account.remoteId]).toContain(told.get(one.id)?.account?.remoteId);
  });

  it('is read, and the completed session is believed for the rest; leavers are all read', async () => {
    await using desk = await openOktaDesk({ okta: { joiners: 'sample' } });
    const joiners = creates(200);
    const delivered = await desk.deliverAll(joiners);
    const told = await desk.confirmAll(
      joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs())),
    );
    expect(told.size).toBe(200);
    const read = desk.okta.log.filter(
      ({ method, path }) => method === 'GET' && path.startsWith('/api/v1/users/'),
    ).length;
    expect(read).toBeGreaterThan(2);
    expect(read).toBeLessThan(40);
    expect(
      [...told.values()].some(
        ({ account }) => account?.remoteId === 'external:1000' || account?.remoteId?.startsWith('external:'),
      ),
    ).toBe(true);
    const someone = operation(
      'disable',
      { ...person(7), active: false },
      accountOf(person(7), { remoteId: 'external:1007', active: true }),
      { lane: 'leaver' },
    );
    const left = await desk.deliver(someone);
    expect(left).toMatchObject({
      outcome: { class: 'done' },
      account: { remoteId: desk.okta.state.coreOf('1007')?.id, active: false },
    });
  });
});

describe('whoever was suspended', () => {
  it('is given back by the opposite when they come again', async () => {
    await using desk = await openOktaDesk({ okta: { leavers: 'suspend' } });
    await peopled(desk, 2);
    await desk.deliver(leaver(desk.okta, 1));
    const delivered = await desk.deliver(operation('enable', person(1), standing(desk.okta, 1)));
    expect(delivered.outcome.class).toBe('done');
    expect(desk.okta.state.coreOf('1001')?.status).toBe('ACTIVE');
  });
});
