import { describe, expect, it } from 'vitest';
import { instantOfMs, MINUTE_MS } from '../../../src/base/instant.ts';
import type { Accepted, AccountPayload } from '../../../src/planning/changeset.ts';
import type { Sendable } from '../../../src/targets/target.ts';
import { acceptedOf, type EntraDesk, openEntraDesk } from '../../support/entra-desk.ts';
import { ALICE, accountOf, noAccount, operation } from '../../support/scim-desk.ts';

const person = (n: number, change: Partial<AccountPayload> = {}): AccountPayload => ({
  ...ALICE,
  externalId: String(1000 + n),
  userName: `p${n}@example.com`,
  ...change,
});
const create = (n: number): Sendable => operation('create', person(n), noAccount(person(n)), { id: n });
const update = (n: number, change: Partial<AccountPayload> = {}): Sendable =>
  operation('update', person(n, change), accountOf(person(n), String(1000 + n)), { id: n });
const leaver = (n: number, change: Partial<Sendable> = {}): Sendable =>
  operation('disable', { ...person(n), active: false }, accountOf(person(n), String(1000 + n)), {
    id: n,
    lane: 'leaver',
    ...change,
  });

/** Uploads, and lets so much time pass. */
async function uploaded(
  desk: EntraDesk,
  operations: readonly Sendable[],
  passMs = 10 * MINUTE_MS,
): Promise<readonly Accepted[]> {
  const accepted: Accepted[] = [];
  for (const one of operations) accepted.push(acceptedOf(one, await desk.deliver(one), desk.clock.nowMs()));
  desk.clock.advance(passMs);
  return accepted;
}
const outcomesOf = async (desk: EntraDesk, waiting: readonly Accepted[]) =>
  (await desk.confirm(waiting)).answers.map(({ id, delivered }) => ({ id, ...delivered }));

describe('the provisioning log', () => {
  it('confirms what it calls a success, and the account is addressed by its matching value from then on', async () => {
    await using desk = await openEntraDesk();
    const waiting = await uploaded(desk, [create(1)]);
    expect(await outcomesOf(desk, waiting)).toEqual([
      {
        id: 1,
        outcome: expect.objectContaining({ class: 'done', code: 'provisioned' }),
        account: { remoteId: '1001', active: true },
      },
    ]);
  });

  it('says nothing before its lines are there, and each of them is found over its pages', async () => {
    await using desk = await openEntraDesk({ entra: { logs: { pageSize: 3 } }, fake: { logAfterMs: 90 * MINUTE_MS } });
    const waiting = await uploaded(
      desk,
      Array.from({ length: 10 }, (_, n) => create(n + 1)),
    );
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    desk.clock.advance(90 * MINUTE_MS);
    expect((await outcomesOf(desk, waiting)).map(({ id }) => id)).toEqual(waiting.map(({ id }) => id));
  });

  it('gives a failure Microsoft’s own code and words', async () => {
    await using desk = await openEntraDesk();
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: 'somebody-else' });
    const waiting = await uploaded(desk, [create(1)]);
    const [answer] = await outcomesOf(desk, waiting);
    expect(answer?.outcome).toMatchObject({ class: 'permanent', code: 'DuplicateUserPrincipalName' });
    expect(answer?.outcome.detail).toContain('another object has the same value');
  });

  it('that warns has done it, and keeps Microsoft’s words', async () => {
    await using desk = await openEntraDesk();
    const lift = desk.entra.directory.refuse('1001', 'ReferenceNotResolved', 'the manager was not found', 'warning');
    const [answer] = await outcomesOf(desk, await uploaded(desk, [create(1)]));
    lift();
    expect(answer?.outcome).toMatchObject({ class: 'done', code: 'warning', detail: 'the manager was not found' });
  });

  it('calls somebody out of scope skipped: their account was not made', async () => {
    await using desk = await openEntraDesk({ fake: { inScope: () => false } });
    const [answer] = await outcomesOf(desk, await uploaded(desk, [create(1)]));
    expect(answer?.outcome).toMatchObject({ class: 'permanent', code: 'NotEffectivelyEntitled' });
  });

  it('that skips because nothing differed means that it stands', async () => {
    await using desk = await openEntraDesk();
    await outcomesOf(desk, await uploaded(desk, [create(1)]));
    const [answer] = await outcomesOf(desk, await uploaded(desk, [update(1)]));
    expect(answer?.outcome).toMatchObject({ class: 'done', code: 'nothing-differed' });
  });

  it('of an upload before never confirms one after it', async () => {
    await using desk = await openEntraDesk();
    await uploaded(desk, [create(1)], 10 * MINUTE_MS);
    desk.entra.directory.pause();
    const behind = await uploaded(desk, [], 0);
    expect(await outcomesOf(desk, behind)).toEqual([]);
    desk.entra.directory.resume(desk.clock.nowMs());
    const later = await uploaded(desk, [update(1, { attributes: { title: 'Chief' } })], 0);
    // The line of the creation is in the log, and older than the upload.
    expect(await outcomesOf(desk, later)).toEqual([]);
    desk.clock.advance(10 * MINUTE_MS);
    expect(await outcomesOf(desk, later)).toHaveLength(1);
  });

  it('that says disabled does not confirm that somebody has access again', async () => {
    await using desk = await openEntraDesk();
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    await uploaded(desk, [leaver(1)], 20_000);
    const back = operation('enable', person(1), accountOf(person(1), '1001'), { id: 2 });
    const waiting = await uploaded(desk, [back], 0);
    desk.clock.advance((desk.entra.directory.taken[0]?.at ?? 0) + 6 * MINUTE_MS + 2_000 - desk.clock.nowMs());
    desk.entra.directory.runUntil(desk.clock.nowMs());
    expect(desk.entra.directory.logs.map(({ action }) => action)).toEqual(['disable', 'update']);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    desk.clock.advance(2 * MINUTE_MS);
    expect(await outcomesOf(desk, waiting)).toMatchObject([{ outcome: { class: 'done' }, account: { active: true } }]);
  });

  it('of what was processed right before an upload does not confirm that', async () => {
    await using desk = await openEntraDesk();
    await uploaded(desk, [create(1)], 70_000);
    const later = await uploaded(desk, [update(1, { attributes: { title: 'Chief' } })], 5 * MINUTE_MS);
    desk.entra.directory.runUntil(desk.clock.nowMs());
    const seen = desk.entra.directory.logs.filter(({ visibleAt }) => visibleAt <= desk.clock.nowMs());
    expect(seen.map(({ action }) => action)).toEqual(['create']);
    expect(await outcomesOf(desk, later)).toEqual([]);
    desk.clock.advance(2 * MINUTE_MS);
    expect(await outcomesOf(desk, later)).toHaveLength(1);
  });

  it('with one line for two uploads is not believed at once', async () => {
    await using desk = await openEntraDesk();
    const first = create(1);
    await uploaded(desk, [first], 0);
    const second = { ...update(1, { attributes: { title: 'Chief' } }), ambiguous: true };
    const waiting = await uploaded(desk, [second], 30_000);
    desk.clock.advance(5 * MINUTE_MS + 31_000);
    const { logs } = desk.entra.directory;
    desk.entra.directory.runUntil(desk.clock.nowMs());
    // Only the earlier one is processed and seen so far.
    logs.splice(1);
    expect(logs.map(({ action }) => action)).toEqual(['create']);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
  });

  it('that cannot be read is told with the permission that is missing', async () => {
    await using desk = await openEntraDesk({ fake: { permissions: ['SynchronizationData-User.Upload'] } });
    const waiting = await uploaded(desk, [update(1)]);
    await expect(desk.confirm(waiting)).rejects.toThrow('ProvisioningLog.Read.All');
  });
});

describe('a leave', () => {
  it('is confirmed by the account itself', async () => {
    await using desk = await openEntraDesk();
    const user = desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const waiting = await uploaded(desk, [leaver(1)], 30_000);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    desk.clock.advance(31_000);
    expect(await outcomesOf(desk, waiting)).toEqual([
      {
        id: 1,
        outcome: expect.objectContaining({ class: 'done', code: 'read-inactive' }),
        account: { remoteId: '1001', active: false },
      },
    ]);
    expect(user.accountEnabled).toBe(false);
  });

  it('is not confirmed by an account that an earlier upload may still switch on', async () => {
    await using desk = await openEntraDesk();
    const user = desk.entra.directory.add({
      userPrincipalName: 'p1@example.com',
      employeeId: '1001',
      accountEnabled: false,
    });
    const back = operation('enable', person(1), accountOf(person(1), '1001'), { id: 1 });
    await uploaded(desk, [back], 0);
    const waiting = await uploaded(desk, [leaver(1, { id: 2, ambiguous: true })], 0);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    desk.clock.advance(10 * MINUTE_MS);
    expect(await outcomesOf(desk, waiting)).toMatchObject([{ id: 2, outcome: { class: 'done' } }]);
    expect(user.accountEnabled).toBe(false);
  });

  it('of whom no line comes is confirmed by the account once nothing earlier can be under way', async () => {
    await using desk = await openEntraDesk({ fake: { logAfterMs: 180 * MINUTE_MS } });
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const waiting = await uploaded(desk, [leaver(1, { ambiguous: true })], 2 * MINUTE_MS);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    desk.clock.advance(40 * MINUTE_MS);
    expect(await outcomesOf(desk, waiting)).toMatchObject([{ outcome: { class: 'done', code: 'read-inactive' } }]);
  });

  it('is not confirmed behind an earlier upload as long as the job does nothing', async () => {
    await using desk = await openEntraDesk();
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001', accountEnabled: false });
    const waiting = await uploaded(desk, [leaver(1, { ambiguous: true })], 0);
    desk.entra.directory.pause();
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    desk.clock.advance(60 * MINUTE_MS);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
  });

  it('is read in its turn, however many before it wait', async () => {
    await using desk = await openEntraDesk();
    const waiting: Accepted[] = [];
    for (let n = 1; n <= 205; n += 1) {
      const user = desk.entra.directory.add({ userPrincipalName: `p${n}@example.com`, employeeId: String(1000 + n) });
      user.accountEnabled = n <= 203;
      const ticket = JSON.stringify({ at: desk.clock.nowMs() });
      const deadline = instantOfMs(desk.clock.nowMs() + 45 * MINUTE_MS);
      const { externalId, userName } = person(n);
      const [id, workerKey] = [n, externalId];
      const what = { kind: 'disable', lane: 'leaver', active: false, group: null, connection: 'acme' } as const;
      waiting.push({ id, workerKey, externalId, userName, remoteId: externalId, ticket, deadline, ...what });
    }
    expect(await outcomesOf(desk, waiting)).toEqual([]);
    expect((await outcomesOf(desk, waiting)).map(({ id }) => id)).toEqual([204, 205]);
  });

  it('is not confirmed by the word success where the account reads active', async () => {
    await using desk = await openEntraDesk();
    const user = desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const waiting = await uploaded(desk, [leaver(1)]);
    desk.entra.directory.runUntil(desk.clock.nowMs());
    user.accountEnabled = true;
    expect(await outcomesOf(desk, waiting)).toEqual([]);
  });

  it('where users are not read, needs a line that says disabled', async () => {
    await using desk = await openEntraDesk({ entra: { readUsers: false } });
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const waiting = await uploaded(desk, [leaver(1)]);
    const [answer] = await outcomesOf(desk, waiting);
    expect(answer?.outcome).toMatchObject({ class: 'done', code: 'provisioned' });
    expect(desk.entra.log.some(({ path }) => path.startsWith('/v1.0/users'))).toBe(false);
  });

  it('is not confirmed by a success that says nothing of the access, where users are not read', async () => {
    await using desk = await openEntraDesk({ entra: { readUsers: false } });
    const user = desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    user.accountEnabled = false;
    const waiting = await uploaded(desk, [leaver(1)]);
    desk.entra.directory.runUntil(desk.clock.nowMs());
    expect(desk.entra.directory.logs).toMatchObject([{ action: 'update', status: 'success' }]);
    expect(await outcomesOf(desk, waiting)).toEqual([]);
  });

  it('that was skipped is refused with the reason, so that it is paged and tried again', async () => {
    await using desk = await openEntraDesk({ fake: { inScope: () => false } });
    desk.entra.directory.add({ userPrincipalName: 'p1@example.com', employeeId: '1001' });
    const [answer] = await outcomesOf(desk, await uploaded(desk, [leaver(1)]));
    expect(answer?.outcome).toMatchObject({ class: 'permanent', code: 'NotEffectivelyEntitled' });
  });

  it('of somebody whom nobody finds there is over, unless the account was there once', async () => {
    await using desk = await openEntraDesk({ fake: { inScope: () => false } });
    const never = operation('disable', { ...person(1), active: false }, noAccount(person(1)), {
      id: 1,
      lane: 'leaver',
      ambiguous: true,
    });
    const answers = await outcomesOf(desk, await uploaded(desk, [never, leaver(2)]));
    expect(answers.map(({ outcome }) => outcome)).toMatchObject([
      { class: 'done', code: 'nobody' },
      { class: 'permanent', code: 'NotEffectivelyEntitled' },
    ]);
  });

  it('that the accidental deletions threshold stages is told, and is confirmed once it was allowed', async () => {
    await using desk = await openEntraDesk({ fake: { disableThreshold: 2 } });
    for (let n = 1; n <= 4; n += 1)
      desk.entra.directory.add({ userPrincipalName: `p${n}@example.com`, employeeId: String(1000 + n) });
    const waiting = await uploaded(
      desk,
      [1, 2, 3, 4].map((n) => leaver(n)),
    );
    const first = await desk.confirm(waiting);
    expect(first.answers.map(({ id }) => id)).toEqual([1, 2]);
    expect(first.stalled).toMatchObject({ code: 'job-quarantined', detail: expect.stringContaining('StagedDelete') });
    desk.entra.directory.allowStaged(desk.clock.nowMs());
    desk.clock.advance(10 * MINUTE_MS);
    expect((await desk.confirm(waiting.slice(2))).answers.map(({ id }) => id)).toEqual([3, 4]);
  });
});
