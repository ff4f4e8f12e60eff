// A person says which account is a worker's: taken over as it is, never from anybody else, and then like every other account.
import { describe, expect, it } from 'vitest';
import type { Resource } from '../support/fake-scim.ts';
import { crowd, feed, mappingText, NOON, openTestHouse, type TestHouse } from '../support/house.ts';

const BY_MAIL = mappingText({
  "correlate: [externalId, 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber']":
    'correlate: [externalId, title]',
});
const account = (id: string, more: Readonly<Record<string, unknown>>): Resource =>
  ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], id, active: true, ...more }) as Resource;

/** Two accounts match the same person: nobody can say which is theirs. */
async function ambiguous(mapping = BY_MAIL): Promise<TestHouse> {
  const test = await openTestHouse({
    mapping,
    now: NOON,
    idp: {
      users: [
        account('a-1', { userName: 'ada.one@example.com', title: 'Countess' }),
        account('a-2', { userName: 'ada.two@example.com', title: 'Countess' }),
        account('a-3', { userName: 'svc-ada@example.com', title: 'Robot' }),
        account('a-4', { userName: 'other@example.com', title: 'Robot', externalId: 'of-another-tool' }),
      ],
    },
  });
  await test.sync(feed([...crowd(20), { id: 'ada', first: 'Ada', last: 'Okoro', title: 'Countess' }]));
  return test;
}
const failed = async ({ house }: TestHouse) =>
  house.store.operations({ workerKey: 'ada', states: ['failed'], limit: 5 });

describe('rollcall pair', () => {
  it('gives a worker the account that a person names, and nothing is made beside it', async () => {
    const test = await ambiguous();
    expect((await failed(test)).map(({ lastOutcome }) => lastOutcome?.code)).toEqual(['ambiguous-match']);
    const result = await test.act('pair', { worker: 'ada', account: 'a-2' });
    expect(result).toMatchObject({ ok: true, message: "account a-2 at idp is worker ada's now" });
    await test.settle();
    expect(test.idp.users.size).toBe(24);
    expect(test.idp.users.get('a-2')).toMatchObject({
      userName: 'ada.two@example.com',
      name: { givenName: 'Ada' },
      active: true,
    });
    expect(test.idp.users.get('a-1')).toMatchObject(
      account('a-1', { userName: 'ada.one@example.com', title: 'Countess' }),
    );
    expect(await failed(test)).toEqual([]);
    expect(await test.stage('ada')).toBe('active/settled');
    const acts = (await test.house.store.audit.entriesOf('acme', 'ada')).filter(({ kind }) => kind === 'act');
    expect(acts.map(({ body }) => [body.act, body.account, body.reason])).toEqual([['pair', 'a-2', 'a story']]);
  });

  it('gives nobody an account of somebody else, a protected one, or one that is not there', async () => {
    const test = await ambiguous(`${BY_MAIL}protected: ['account.userName.startsWith("svc-")']\n`);
    const taken = String(test.idp.user('1003')?.id);
    const before = test.idp.writes().length;
    for (const [id, words] of [
      [taken, 'belongs to another worker'],
      ['a-3', 'is protected'],
      ['a-4', 'externalId of somebody else'],
      ['nobody', 'has no account nobody'],
    ] as const)
      expect((await test.act('pair', { worker: 'ada', account: id })).message, id).toContain(words);
    expect((await test.act('pair', { worker: '1003', account: 'a-1' })).message).toContain('already');
    expect((await test.act('pair', { worker: 'nobody', account: 'a-1' })).ok).toBe(false);
    await test.settle();
    expect(test.idp.writes()).toHaveLength(before);
    expect(await failed(test)).toHaveLength(1);
  });

  it('lets the guards hold what the pairing leads to', async () => {
    const test = await ambiguous(`${BY_MAIL}guards: { attributeChanged: 0, valueBlanked: 0, rename: 0 }\n`);
    const before = test.idp.writes().length;
    const result = await test.act('pair', { worker: 'ada', account: 'a-2' });
    await test.settle();
    expect(result).toMatchObject({ ok: true, exitCode: 3 });
    expect(test.idp.writes()).toHaveLength(before);
  });
});
