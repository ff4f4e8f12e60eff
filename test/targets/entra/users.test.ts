import { describe, expect, it } from 'vitest';
import type { ListedAccount } from '../../../src/mapping/bound-mapping.ts';
import { NO_LISTING } from '../../../src/targets/target.ts';
import { type EntraDesk, openEntraDesk } from '../../support/entra-desk.ts';
import { ALICE, accountOf, operation } from '../../support/scim-desk.ts';

async function all(desk: EntraDesk): Promise<readonly ListedAccount[]> {
  const listed: ListedAccount[] = [];
  for await (const page of desk.target.list(desk.signal)) listed.push(...page);
  return listed;
}

describe('users in Microsoft Graph', () => {
  it('are listed page by page, each with the value by which uploads find them', async () => {
    await using desk = await openEntraDesk();
    for (let n = 0; n < 1_005; n += 1)
      desk.entra.directory.add({ userPrincipalName: `p${n}@example.com`, employeeId: String(n) });
    const listed = await desk.settled(all(desk));
    expect(listed).toHaveLength(1_005);
    expect(desk.entra.log.filter(({ path }) => path.startsWith('/v1.0/users'))).toHaveLength(2);
    expect(listed[7]).toMatchObject({ remoteId: '7', externalId: '7', userName: 'p7@example.com', active: true });
  });

  it('without that value are known by name, and are nobody whom an upload could mean', async () => {
    await using desk = await openEntraDesk();
    const user = desk.entra.directory.add({ userPrincipalName: 'chef@example.com', accountEnabled: false });
    const [listed] = await desk.settled(all(desk));
    expect(listed).toMatchObject({ remoteId: `object:${user.id}`, externalId: null, active: false });
    expect(await desk.settled(desk.target.look(`object:${user.id}`, desk.signal))).toMatchObject({ kind: 'there' });
  });

  it('are found by value and by name, quotes and all, and whoever is not there is gone', async () => {
    await using desk = await openEntraDesk();
    desk.entra.directory.add({ userPrincipalName: "o'hara@example.com", employeeId: "O'1" });
    const found = await desk.settled(
      desk.target.find(
        [
          { attribute: 'externalId', value: "O'1" },
          { attribute: 'userName', value: "O'HARA@example.com" },
          { attribute: 'userName', value: 'nobody@example.com' },
        ],
        desk.signal,
      ),
    );
    expect(found).toHaveLength(1);
    expect(await desk.settled(desk.target.look("O'1", desk.signal))).toMatchObject({ kind: 'there' });
    expect(await desk.settled(desk.target.look('2', desk.signal))).toEqual({ kind: 'gone' });
  });

  it('show attributes under the names that the mapping knows', async () => {
    await using desk = await openEntraDesk();
    const properties = new Map([
      ['jobTitle', 'Clerk'],
      ['department', 'Sales'],
      ['givenName', 'Ada'],
    ]);
    desk.entra.directory.add({ userPrincipalName: 'ada@example.com', employeeId: '1', properties });
    const [listed] = await desk.settled(all(desk));
    expect(listed?.resource).toMatchObject({
      title: 'Clerk',
      name: { givenName: 'Ada' },
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Sales' },
    });
    expect(desk.target.shows).toContain('name.givenName');
  });

  it('that may not be read are a Problem which names the permission', async () => {
    await using desk = await openEntraDesk({ fake: { permissions: ['SynchronizationData-User.Upload'] } });
    await expect(desk.settled(all(desk))).rejects.toThrow('User.Read.All');
  });

  it('that shall not be read cannot be listed, and nobody is asked', async () => {
    await using desk = await openEntraDesk({ entra: { readUsers: false } });
    await expect(all(desk)).rejects.toMatchObject({ faults: [{ code: NO_LISTING }] });
    expect(await desk.target.find([{ attribute: 'externalId', value: '1' }], desk.signal)).toEqual([]);
    expect(desk.entra.log).toEqual([]);
  });

  it('and their clock is Microsoft’s', async () => {
    await using desk = await openEntraDesk();
    expect(await desk.settled(desk.target.time(desk.signal))).toBe(Math.floor(desk.clock.nowMs() / 1000) * 1000);
  });
});

describe('what would be sent', () => {
  it('is shown with its record, and the direct calls before it', async () => {
    await using desk = await openEntraDesk({ entra: { direct: 'graph' } });
    const shown = desk.target.show(operation('disable', ALICE, accountOf(ALICE, '007')));
    expect(shown.map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`)).toEqual([
      'PATCH users/<id:007>',
      'POST <id:007>/revokeSignInSessions',
      'POST API2AAD.2f1c.7b7e/bulkUpload',
    ]);
    expect(JSON.parse(shown[2]?.body ?? '{}').Operations[0].data).toMatchObject({ externalId: '007', active: false });
    expect(desk.entra.log).toEqual([]);
  });
});
