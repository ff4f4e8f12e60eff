import { describe, expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../../src/base/instant.ts';
import type { AccountPayload } from '../../../src/planning/changeset.ts';
import { openBudget } from '../../../src/targets/entra/budget.ts';
import type { Sendable } from '../../../src/targets/target.ts';
import { acceptedOf, type EntraDesk, openEntraDesk } from '../../support/entra-desk.ts';
import { ALICE, accountOf, noAccount, operation } from '../../support/scim-desk.ts';

const person = (n: number, change: Partial<AccountPayload> = {}): AccountPayload => ({
  ...ALICE,
  externalId: String(1000 + n),
  userName: `p${n}@example.com`,
  ...change,
});
const creates = (count: number): readonly Sendable[] =>
  Array.from({ length: count }, (_, n) => operation('create', person(n), noAccount(person(n)), { id: n + 1 }));
const leaver = (n: number, change: Partial<Sendable> = {}): Sendable =>
  operation('disable', { ...person(n), active: false }, accountOf(person(n), String(1000 + n)), {
    id: 10_000 + n,
    lane: 'leaver',
    ...change,
  });
/** Somebody of that number is in the directory. */
const present = ({ entra }: EntraDesk, n: number) =>
  entra.directory.add({ userPrincipalName: `p${n}@example.com`, employeeId: String(1000 + n) });
const bodyOf = (text: string) =>
  JSON.parse(text) as { Operations: { method: string; data: Record<string, unknown> }[] };

describe('an upload', () => {
  it('carries 50 records, and is accepted with the time that Microsoft took it in', async () => {
    await using desk = await openEntraDesk();
    const delivered = await desk.deliverAll(creates(120));
    expect(desk.entra.uploads().map(({ records }) => records)).toEqual([50, 50, 20]);
    expect(new Set(delivered.map(({ outcome }) => outcome.class))).toEqual(new Set(['accepted']));
    expect(delivered[0]?.outcome.countsAsAttempt).toBe(false);
    expect(JSON.parse(delivered[0]?.accepted?.ticket ?? '{}').at).toBe(
      Math.floor((desk.entra.uploads()[0]?.at ?? 0) / 1000) * 1000,
    );
    // Each record's own intent is there before it leaves.
    expect(desk.intents.filter(({ via }) => via?.endsWith('/bulkUpload'))).toHaveLength(120);
  });

  it('says active in every record, and never anything but POST', async () => {
    await using desk = await openEntraDesk();
    present(desk, 3);
    const moved = operation('update', person(1), accountOf(person(1), '1001'), { id: 1 });
    const suspended = operation('update', person(2, { active: false }), accountOf(person(2), '1002'), { id: 2 });
    await desk.deliverAll([moved, suspended]);
    await desk.deliver(leaver(3));
    const all = desk.entra.uploads().flatMap(({ body }) => bodyOf(body).Operations);
    expect(all.map(({ method, data }) => [method, data.externalId, data.active])).toEqual([
      ['POST', '1001', true],
      ['POST', '1002', false],
      ['POST', '1003', false],
    ]);
    expect(desk.entra.uploads()[0]?.headers['content-type']).toBe('application/scim+json');
  });

  it('puts managers before those whom they lead, and leavers before everybody', async () => {
    await using desk = await openEntraDesk();
    present(desk, 3);
    const led = operation('update', person(1, { managerKey: '1002' }), accountOf(person(1), '1001'), {
      id: 1,
      managerRemoteId: '1002',
    });
    const manager = operation('update', person(2), accountOf(person(2), '1002'), { id: 2 });
    const leaving = desk.target.deliver(leaver(3), desk.journal, desk.signal);
    const others = desk.target.deliverMany(
      [led, manager].map((one) => ({ operation: one, journal: desk.journal })),
      desk.signal,
    );
    await desk.settled(Promise.all([leaving, ...others]));
    const [call, ...more] = desk.entra.uploads();
    expect(more).toEqual([]);
    expect(bodyOf(call?.body ?? '').Operations.map(({ data }) => data.externalId)).toEqual(['1003', '1002', '1001']);
    const [, , last] = bodyOf(call?.body ?? '').Operations;
    expect(last?.data['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User']).toMatchObject({
      manager: { value: '1002' },
    });
  });

  it('refuses a record without the matching value unsent', async () => {
    await using desk = await openEntraDesk();
    const nobody = person(1, { externalId: '' });
    const { outcome } = await desk.deliver(operation('create', nobody, noAccount(nobody)));
    expect(outcome).toMatchObject({ class: 'permanent', code: 'no-matching-value' });
    expect(desk.entra.log).toEqual([]);
  });

  it('that is refused is halved until the culprit stands alone, and a leaver beside it waits for nobody', async () => {
    await using desk = await openEntraDesk();
    present(desk, 30);
    const all = creates(20).map((one, index) =>
      index === 13 ? { ...one, payload: { ...person(13), attributes: { title: 'POISON' } } } : one,
    );
    const ordinary = desk.target.deliverMany(
      all.map((one) => ({ operation: one, journal: desk.journal })),
      desk.signal,
    );
    const leaving = desk.target.deliver(leaver(30), desk.journal, desk.signal);
    const delivered = await desk.settled(Promise.all([leaving, ...ordinary]));
    expect(delivered.filter(({ outcome }) => outcome.class !== 'accepted').map(({ outcome }) => outcome)).toEqual([
      expect.objectContaining({ class: 'permanent', status: 400, detail: 'Schema violation' }),
    ]);
    expect(delivered[14]?.outcome.class).toBe('permanent');
    // The shared call, then the leaver alone.
    expect(bodyOf(desk.entra.uploads()[1]?.body ?? '').Operations.map(({ data }) => data.externalId)).toEqual(['1030']);
    expect(desk.entra.uploads().length).toBeLessThan(14);
  });

  it('whose answer was lost leaves everybody in doubt, under one name', async () => {
    await using desk = await openEntraDesk();
    desk.entra.onRequest = ({ path }) => (path.endsWith('/bulkUpload') ? 'lose' : undefined);
    const delivered = await desk.deliverAll(creates(3));
    expect(delivered.map(({ outcome }) => outcome.class)).toEqual(['ambiguous', 'ambiguous', 'ambiguous']);
    expect(new Set(delivered.map(({ sharedFault }) => sharedFault)).size).toBe(1);
  });

  it('without the permission is the target’s fault and names it', async () => {
    await using desk = await openEntraDesk({ fake: { permissions: ['Synchronization.Read.All'] } });
    const [delivered] = await desk.deliverAll(creates(1));
    expect(delivered?.outcome).toMatchObject({ class: 'targetDown', status: 403, countsAsAttempt: false });
    expect(delivered?.outcome.detail).toContain('SynchronizationData-User.Upload');
  });

  it('shows another token once the first has run out', async () => {
    await using desk = await openEntraDesk();
    await desk.deliverAll(creates(1));
    desk.clock.advance(2 * 3_600_000);
    const [again] = await desk.deliverAll(creates(1));
    expect(again?.outcome.class).toBe('accepted');
    expect(desk.entra.log.filter(({ path }) => path.includes('/token'))).toHaveLength(2);
  });

  it('comes back unsent when newer work takes its place before it left', async () => {
    await using desk = await openEntraDesk();
    let wanted = true;
    const journal = { ...desk.journal, wanted: () => wanted };
    const [one] = creates(1);
    if (one === undefined) throw new Error('one');
    const delivering = desk.target.deliver(one, journal, desk.signal);
    await new Promise((resolve) => setImmediate(resolve));
    wanted = false;
    desk.target.reconsider();
    expect((await desk.settled(delivering)).outcome.code).toBe('not-sent');
    expect(desk.entra.uploads()).toEqual([]);
  });
});

describe('the calls that there are', () => {
  it('keep no leaver waiting for a clock that was ahead', async () => {
    await using desk = await openEntraDesk();
    for (const n of [900, 901]) present(desk, n);
    desk.clock.advance(400 * DAY_MS);
    const delivering = desk.target.deliver(leaver(900), desk.journal, desk.signal);
    await new Promise((resolve) => setImmediate(resolve));
    desk.clock.advance(-400 * DAY_MS);
    const from = desk.clock.nowMs();
    const both = Promise.all([delivering, desk.target.deliver(leaver(901), desk.journal, desk.signal)]);
    expect((await desk.settled(both)).map(({ outcome }) => outcome.class)).toEqual(['accepted', 'accepted']);
    expect(desk.clock.nowMs() - from).toBeLessThan(MINUTE_MS);
  });

  it('are spread by a clock that was ahead no longer than by one that was right', async () => {
    await using desk = await openEntraDesk();
    desk.clock.advance(400 * DAY_MS);
    await desk.deliverAll(creates(1));
    desk.clock.advance(-400 * DAY_MS);
    const from = desk.clock.nowMs();
    expect((await desk.deliverAll(creates(1)))[0]?.outcome.class).toBe('accepted');
    expect(desk.clock.nowMs() - from).toBeLessThan(10 * MINUTE_MS);
  });

  it('are not paused any longer than was asked for, whatever becomes of the clock', async () => {
    let nowMs = 400 * DAY_MS;
    const memory = { read: async () => null, write: async () => undefined };
    const budget = await openBudget({ dailyCalls: 20, reservedCalls: 5 }, { now: () => nowMs, memory });
    budget.pause(60_000);
    budget.pause(30_000);
    expect(budget.waitMs(true)).toBe(60_000);
    nowMs -= 10 * DAY_MS;
    expect(budget.waitMs(true)).toBe(0);
    budget.pause(30_000);
    expect(budget.waitMs(true)).toBe(30_000);
  });

  it('never exceed 40 in five seconds, however much there is', async () => {
    await using desk = await openEntraDesk();
    const delivered = await desk.deliverAll(creates(4_000));
    expect(delivered.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
    expect(desk.entra.uploads().map(({ status }) => status)).toEqual(Array.from({ length: 80 }, () => 202));
  });

  it('are spread when they are not full, so that a trickle does not use up a day', async () => {
    await using desk = await openEntraDesk({ entra: { dailyCalls: 2_000, reservedCalls: 200 } });
    for (let n = 0; n < 10; n += 1) await desk.deliverAll(creates(1));
    const at = desk.entra.uploads().map((one) => one.at);
    expect(at).toHaveLength(10);
    for (let n = 1; n < at.length; n += 1) expect((at[n] ?? 0) - (at[n - 1] ?? 0)).toBeGreaterThanOrEqual(48_000);
  });

  it('that are spent leave those of leavers, also after a restart', async () => {
    await using desk = await openEntraDesk({ fake: { dailyCalls: 20 }, entra: { dailyCalls: 20, reservedCalls: 5 } });
    present(desk, 900);
    await desk.deliverAll(creates(15 * 50));
    expect(desk.entra.uploads()).toHaveLength(15);
    await using again = await openEntraDesk({
      entra: { dailyCalls: 20, reservedCalls: 5 },
      memory: desk.memory,
      beside: desk,
    });
    const stop = new AbortController();
    const waiting = again.target.deliverMany(
      creates(1).map((one) => ({ operation: one, journal: again.journal })),
      stop.signal,
    );
    expect((await again.deliver(leaver(900))).outcome.class).toBe('accepted');
    // It rode along with the leaver: a call that leaves anyway costs nothing more.
    expect((await again.settled(Promise.all(waiting)))[0]?.outcome.class).toBe('accepted');
    const held = again.target.deliverMany(
      creates(1).map((one) => ({ operation: one, journal: again.journal })),
      stop.signal,
    );
    const { stalled } = await again.confirm([]);
    expect(stalled).toMatchObject({ code: 'quota-spent', leavers: false });
    stop.abort();
    expect((await Promise.all(held))[0]?.outcome.code).toBe('not-sent');
    expect(again.entra.uploads()).toHaveLength(16);
    expect(again.entra.uploads().every(({ status }) => status === 202)).toBe(true);
  });

  it('come back when a day has passed', async () => {
    await using desk = await openEntraDesk({ fake: { dailyCalls: 20 }, entra: { dailyCalls: 20, reservedCalls: 5 } });
    const delivered = await desk.deliverAll(creates(16 * 50));
    expect(delivered.every(({ outcome }) => outcome.class === 'accepted')).toBe(true);
    const at = desk.entra.uploads().map((one) => one.at);
    expect((at[15] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(86_400_000);
    expect(desk.entra.uploads().every(({ status }) => status === 202)).toBe(true);
  });

  it('that others of the tenant use up are told by 429, and nothing is lost', async () => {
    await using desk = await openEntraDesk({ fake: { dailyCalls: 1 } });
    await desk.deliverAll(creates(50));
    const [refused] = await desk.deliverAll(creates(1));
    expect(refused?.outcome).toMatchObject({ class: 'retry', status: 429, countsAsAttempt: false });
  });
});

describe('a job that does nothing', () => {
  it.each([
    ['paused', 'Paused'],
    ['quarantined', 'EncounteredEscrowProportionThreshold'],
  ] as const)('(%s) gets no upload, and Microsoft’s reason is told', async (kind, reason) => {
    await using desk = await openEntraDesk();
    if (kind === 'paused') desk.entra.directory.pause();
    else desk.entra.directory.quarantined(reason, 'too many failures');
    const delivering = desk.target.deliverMany(
      creates(1).map((one) => ({ operation: one, journal: desk.journal })),
      desk.signal,
    );
    const { stalled } = await desk.confirm([]);
    expect(stalled?.code).toBe(`job-${kind}`);
    expect(stalled?.detail).toContain(reason);
    expect(desk.entra.uploads()).toEqual([]);
    desk.clock.advance(10 * MINUTE_MS);
    desk.entra.directory.resume(desk.clock.nowMs());
    expect((await desk.settled(Promise.all(delivering)))[0]?.outcome.class).toBe('accepted');
  });

  it('keeps no leaver from being disabled directly', async () => {
    await using desk = await openEntraDesk({ entra: { direct: 'graph' } });
    const user = desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    desk.entra.directory.pause();
    const { outcome } = await desk.deliver(leaver(1));
    expect(user.accountEnabled).toBe(false);
    expect(outcome).toMatchObject({ class: 'retry', code: 'not-applied', countsAsAttempt: false });
    expect(desk.entra.uploads()).toEqual([]);
  });

  it('nobody may read is uploaded to: what comes of it is seen in the logs', async () => {
    await using desk = await openEntraDesk({ fake: { permissions: ['SynchronizationData-User.Upload'] } });
    desk.entra.directory.pause();
    const [delivered] = await desk.deliverAll(creates(1));
    expect(delivered?.outcome.class).toBe('accepted');
  });
});

describe('an urgent leaver', () => {
  it.each(['graph', 'scim'] as const)('(%s) is disabled, then signed out, then uploaded', async (direct) => {
    await using desk = await openEntraDesk({ entra: { direct } });
    const user = desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const one = leaver(1);
    const delivered = await desk.deliver(one);
    expect(user.accountEnabled).toBe(false);
    expect(desk.entra.revoked).toEqual([user.id]);
    const wrote = desk.entra.log.filter(({ method, path }) => method !== 'GET' && !path.includes('/token'));
    expect(wrote.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)).toEqual([
      `PATCH ${user.id}`,
      'POST revokeSignInSessions',
      'POST bulkUpload',
    ]);
    expect(delivered.outcome.class).toBe('accepted');
    const { answers } = await desk.confirm([acceptedOf(one, delivered, desk.clock.nowMs())]);
    expect(answers).toMatchObject([{ delivered: { outcome: { class: 'done', code: 'read-inactive' } } }]);
  });

  it('whose direct call is refused is uploaded all the same, and the refusal is told', async () => {
    await using desk = await openEntraDesk({
      entra: { direct: 'graph' },
      fake: { permissions: ['SynchronizationData-User.Upload', 'User.Read.All'] },
    });
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const { outcome } = await desk.deliver(leaver(1));
    expect(outcome.class).toBe('accepted');
    expect(outcome.detail).toContain('Authorization_RequestDenied');
  });

  it('is never written to directly where the account is somebody else’s, or protected', async () => {
    await using desk = await openEntraDesk({ entra: { direct: 'graph' } });
    const user = desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    for (const whose of ['others', 'protected'] as const) await desk.deliver(leaver(1, { whose: async () => whose }));
    expect(desk.entra.log.filter(({ method }) => method === 'PATCH')).toEqual([]);
    expect(user.accountEnabled).toBe(true);
  });

  it('who never had an account is not given one to keep disabled', async () => {
    await using desk = await openEntraDesk();
    const gone = operation('disable', { ...person(1), active: false }, noAccount(person(1)), { lane: 'leaver' });
    expect((await desk.deliver(gone)).outcome).toMatchObject({ class: 'done', code: 'nobody' });
    expect(desk.entra.uploads()).toEqual([]);
    // Whose account was confirmed once and is not found may only be asked for by the wrong property.
    expect((await desk.deliver(leaver(1))).outcome.class).toBe('accepted');
    // What was uploaded before may still make the account.
    expect((await desk.deliver({ ...gone, ambiguous: true })).outcome.class).toBe('accepted');
  });

  it('has the sessions ended by the id that the directory knows', async () => {
    await using desk = await openEntraDesk({ revokes: true });
    const user = desk.entra.directory.add({ userPrincipalName: 'other@example.com', employeeId: '1001' });
    const { outcome } = await desk.deliver({ ...leaver(1), kind: 'revokeSessions' });
    expect(outcome.class).toBe('done');
    expect(desk.entra.revoked).toEqual([user.id]);
  });
});

describe('what bulkUpload cannot do', () => {
  it('is refused unsent', async () => {
    await using desk = await openEntraDesk();
    expect((await desk.deliver({ ...leaver(1), kind: 'delete' })).outcome.code).toBe('no-deletion');
    expect((await desk.target.deliverMemberships([leaver(1)], desk.journal, desk.signal))[0]?.outcome.code).toBe(
      'no-groups',
    );
    expect(desk.entra.log).toEqual([]);
  });
});
