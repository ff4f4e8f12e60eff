// A person says that an account is not this worker's: it gets no write any more, and nobody takes it by mistake.
import { describe, expect, it } from 'vitest';
import type { Resource } from '../support/fake-scim.ts';
import { crowd, feed, mappingText, openTestHouse, type TestHouse } from '../support/house.ts';

const people = [...crowd(20), { id: 'ada', first: 'Ada', last: 'Okoro' }, { id: 'bob', first: 'Bob', last: 'Berg' }];
const NAME = 'ada.okoro@example.com';

async function staffed(mapping = mappingText()): Promise<{ test: TestHouse; account: string }> {
  const test = await openTestHouse({ mapping });
  await test.sync(feed(people));
  return { test, account: String(test.idp.user('ada')?.id) };
}
const alarms = async ({ house }: TestHouse) =>
  (await house.store.alarms('acme')).filter(({ code }) => code === 'account.unpaired');
const holds = async ({ house }: TestHouse) => house.store.holds('acme');

describe('rollcall unpair', () => {
  it('takes the account from the worker without a write, and a second one waits for a person', async () => {
    const { test, account } = await staffed();
    const before = test.idp.writes().length;
    const result = await test.act('unpair', { worker: 'ada' });
    expect(result).toMatchObject({ ok: true, exitCode: 3, details: { account, active: true } });
    await test.settle();
    await test.sync(feed(people));
    expect(test.idp.writes()).toHaveLength(before);
    expect(
      (await holds(test)).map(({ kind, items }) => [kind, items[0]?.harm.operation, items[0]?.harm.before]),
    ).toEqual([['adoption', 'create another account', account]]);
    expect((await alarms(test)).map(({ subject, worker }) => [subject, worker])).toEqual([[`idp/${account}`, 'ada']]);
    const acts = (await test.house.store.audit.entriesOf('acme', 'ada')).filter(({ kind }) => kind === 'act');
    expect(acts.map(({ body }) => [body.act, body.account, body.found, body.reason])).toEqual([
      ['unpair', account, 'active', 'a story'],
    ]);
  });

  it('gives the worker another account under another name once a person approves it', async () => {
    const { test, account } = await staffed();
    await test.act('unpair', { worker: 'ada' });
    // The target would take any externalId twice: what it says of the old one stays as it is.
    const old = test.idp.users.get(account);
    if (old !== undefined) delete (old as { externalId?: string }).externalId;
    await test.approveAll();
    await test.sync(feed(people));
    expect(test.idp.user('ada')).toMatchObject({ userName: 'ada.okoro2@example.com', active: true });
    expect(test.idp.users.get(account)).toMatchObject({ userName: NAME, active: true });
    expect(await test.stage('ada')).toBe('active/settled');
  });

  it('never takes the account back by a look-up, not even after a conflict', async () => {
    const { test, account } = await staffed();
    await test.act('unpair', { worker: 'ada' });
    const version = test.idp.users.get(account)?.meta;
    await test.approveAll();
    await test.sync(feed(people));
    expect(test.idp.users.get(account)?.meta).toEqual(version);
    const situation = (await test.house.store.situations('acme', ['ada'])).get('ada');
    expect(situation?.accounts.map(({ remoteId }) => remoteId)).not.toContain(account);
  });

  it('lets a person pair the account with somebody else, who then has it whole', async () => {
    const { test, account } = await staffed();
    const bobs = String(test.idp.user('bob')?.id);
    await test.act('unpair', { worker: 'ada' });
    await test.act('unpair', { worker: 'bob' });
    const paired = await test.act('pair', { worker: 'bob', account });
    expect(paired.message).toContain("is worker bob's now");
    await test.settle();
    expect(test.idp.users.get(account)).toMatchObject({ externalId: 'bob', name: { givenName: 'Bob' } });
    expect((await alarms(test)).map(({ subject }) => subject)).toEqual([`idp/${bobs}`]);
    expect((await test.act('pair', { worker: 'ada', account: bobs })).ok).toBe(true);
    await test.settle();
    expect(test.idp.users.get(bobs)).toMatchObject({ externalId: 'ada', name: { givenName: 'Ada' } });
    expect(test.idp.users.size).toBe(22);
    expect(await alarms(test)).toEqual([]);
    await test.sync(feed(people.map((one) => (one.id === 'bob' ? { ...one, status: 'T' } : one))));
    expect(test.idp.users.get(account)?.active).toBe(false);
    expect(test.idp.users.get(bobs)?.active).toBe(true);
  });

  it('refuses a leaver whose account is active at the target, whatever is believed here', async () => {
    const { test, account } = await staffed();
    await test.sync(feed(people.map((one) => (one.id === 'ada' ? { ...one, status: 'T' } : one))));
    const user = test.idp.users.get(account) as Resource & { active: boolean };
    user.active = true;
    expect(await test.act('unpair', { worker: 'ada' })).toMatchObject({
      ok: false,
      faults: [{ code: 'unpair.leaver-active' }],
    });
    user.active = false;
    expect((await test.act('unpair', { worker: 'ada' })).ok).toBe(true);
    expect(await alarms(test)).toEqual([]);
    const before = test.idp.writes().length;
    await test.settle();
    expect(test.idp.writes()).toHaveLength(before);
  });

  it('refuses whoever has no account there, and says so', async () => {
    const { test } = await staffed();
    await test.act('unpair', { worker: 'ada' });
    expect(await test.act('unpair', { worker: 'ada' })).toMatchObject({ faults: [{ code: 'unpair.no-account' }] });
    expect(await test.act('unpair', { worker: 'nobody' })).toMatchObject({ faults: [{ code: 'worker.unknown' }] });
  });

  it('owes the manager again to whoever referred to the account, and pays once there is another', async () => {
    const reports = people.map((one) => (one.id === 'bob' ? { ...one, manager: 'ada' } : one));
    const test = await openTestHouse();
    await test.sync(feed(reports));
    const account = String(test.idp.user('ada')?.id);
    const manager = () =>
      (test.idp.user('bob') as Record<string, { manager?: { value: string } }> | undefined)?.[
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
      ]?.manager?.value;
    expect(manager()).toBe(account);
    await test.act('unpair', { worker: 'ada' });
    const old = test.idp.users.get(account);
    if (old !== undefined) delete (old as { externalId?: string }).externalId;
    await test.approveAll();
    await test.sync(feed(reports));
    expect(manager()).toBe(test.idp.user('ada')?.id);
    expect(manager()).not.toBe(account);
  });

  it('ends the alarm with the reconciliation that finds the account inactive', async () => {
    const { test, account } = await staffed();
    await test.act('unpair', { worker: 'ada' });
    await test.act('reconcile');
    expect(await alarms(test)).toHaveLength(1);
    (test.idp.users.get(account) as Resource & { active: boolean }).active = false;
    await test.act('reconcile');
    expect(await alarms(test)).toEqual([]);
  });
});
