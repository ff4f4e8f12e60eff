// The same life of a worker at two endpoints: our strict fake and an independent library.
import { describe, expect, test } from 'vitest';
import { type EmbeddedEndpoint, startEmbeddedEndpoint } from '../../src/demo/endpoint.ts';
import type { AccountState } from '../../src/planning/changeset.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import {
  ALICE,
  accountOf,
  ENTERPRISE,
  membership,
  noAccount,
  openDesk,
  operation,
  TOKEN,
} from '../support/scim-desk.ts';

type Users = () => readonly Record<string, unknown>[];
interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly users: Users;
  readonly groups: Users;
}
const ENDPOINTS: readonly (readonly [string, () => Promise<Endpoint>])[] = [
  [
    'the strict fake',
    async () => {
      const idp = await startFakeIdp({ token: TOKEN });
      return { ...idp, users: () => [...idp.users.values()], groups: () => [...idp.groups.values()] };
    },
  ],
  [
    'the embedded endpoint',
    (): Promise<EmbeddedEndpoint> => startEmbeddedEndpoint({ port: 0, host: '127.0.0.1', token: TOKEN }),
  ],
];

describe.each(ENDPOINTS)('at %s', (_name, start) => {
  const BOSS = { ...ALICE, userName: 'boss@example.com', externalId: '1', attributes: { name: { familyName: 'Boß' } } };

  test('a worker joins, moves, leaves, returns and is deleted', async () => {
    await using endpoint = await start();
    await using desk = openDesk(endpoint.url);
    const alice = () => endpoint.users().find(({ externalId }) => externalId === '007');
    const boss = String((await desk.deliver(operation('create', BOSS))).account?.remoteId);

    const created = await desk.deliver(operation('create', { ...ALICE, active: false }));
    expect(created.outcome.class).toBe('done');
    let account: AccountState = accountOf({ ...ALICE, active: false }, String(created.account?.remoteId));
    expect(alice()).toMatchObject({ active: false, userName: ALICE.userName, name: { givenName: 'Alice' } });

    const started = { ...ALICE, managerKey: '1' };
    expect((await desk.deliver(operation('enable', started, account, { managerRemoteId: boss }))).outcome.class).toBe(
      'done',
    );
    account = accountOf(started, account.remoteId ?? '');
    expect(alice()).toMatchObject({ active: true, [ENTERPRISE]: { department: 'Sales', manager: { value: boss } } });

    const moved = {
      ...started,
      managerKey: '',
      attributes: {
        name: { givenName: 'Alice', familyName: 'Roe', honorificPrefix: 'Dr.' },
        emails: [
          { value: 'alice.roe@example.com', type: 'work', primary: true },
          { value: 'alice@example.org', type: 'home' },
        ],
        [ENTERPRISE]: { employeeNumber: '007', department: 'Marketing', costCenter: '42' },
      },
    };
    expect((await desk.deliver(operation('update', moved, account))).outcome.class).toBe('done');
    account = accountOf(moved, account.remoteId ?? '', { managerKnown: '' });
    expect(alice()).toMatchObject(moved.attributes);
    expect(alice()?.title).toBeUndefined();
    expect((alice()?.[ENTERPRISE] as { manager?: unknown } | undefined)?.manager).toBeUndefined();
    expect((await desk.deliver(operation('update', moved, account, { ambiguous: true }))).outcome.code).toBe(
      'nothing-to-send',
    );

    const plain = { ...moved, attributes: { emails: [{ value: 'alice@example.org', type: 'home' }] } };
    expect((await desk.deliver(operation('update', plain, account))).outcome.class).toBe('done');
    expect(alice()?.emails).toEqual([{ value: 'alice@example.org', type: 'home' }]);
    expect(alice()?.name).toBeUndefined();
    expect(alice()?.[ENTERPRISE]).toBeUndefined();

    for (let times = 0; times < 2; times += 1) {
      const left = await desk.deliver(operation('disable', { ...plain, active: false }, account));
      expect(left).toMatchObject({ outcome: { class: 'done' }, account: { active: false } });
    }
    expect(alice()?.active).toBe(false);
    expect((await desk.deliver(operation('enable', plain, account))).outcome.class).toBe('done');
    expect(alice()?.active).toBe(true);
    for (let times = 0; times < 2; times += 1) {
      expect((await desk.deliver(operation('delete', plain, account))).outcome.class).toBe('done');
    }
    expect(alice()).toBeUndefined();
    expect((await desk.deliver(operation('disable', plain, account))).outcome).toMatchObject({
      class: 'done',
      code: 'nobody',
    });
  });

  test('a repeated create finds its own account, and a taken name is told apart', async () => {
    await using endpoint = await start();
    await using desk = openDesk(endpoint.url);
    const first = await desk.deliver(operation('create', ALICE));
    const again = await desk.deliver(operation('create', ALICE));
    expect(again).toMatchObject({ outcome: { class: 'done' }, account: { remoteId: first.account?.remoteId } });
    expect(endpoint.users()).toHaveLength(1);
    const namesake = { ...ALICE, externalId: '008' };
    expect((await desk.deliver(operation('create', namesake))).outcome).toMatchObject({
      class: 'conflict',
      code: 'name-taken',
    });
    expect((await desk.deliver(operation('disable', namesake, noAccount(namesake)))).outcome.code).toBe('nobody');
    expect(endpoint.users()[0]?.active).toBe(true);
  });

  test('groups are created, filled once and emptied', async () => {
    await using endpoint = await start();
    await using desk = openDesk(endpoint.url);
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const { account } = await desk.deliver(
        operation('create', { ...ALICE, externalId: `e${index}`, userName: `n${index}` }),
      );
      ids.push(String(account?.remoteId));
    }
    const members = () => ((endpoint.groups()[0]?.members ?? []) as { value: string }[]).map(({ value }) => value);
    const joined = await desk.memberships(
      ids.map((id) => membership('addMember', 'Abteilung Süd', id, { create: true })),
    );
    expect(joined.map(({ outcome }) => outcome.class)).toEqual(ids.map(() => 'done'));
    const groupRemoteId = joined[0]?.group?.remoteId ?? null;
    await desk.memberships(ids.map((id) => membership('addMember', 'Abteilung Süd', id, { groupRemoteId })));
    expect(members()).toEqual(ids);
    await desk.memberships(ids.slice(1).map((id) => membership('removeMember', 'Abteilung Süd', id)));
    expect(members()).toEqual(ids.slice(0, 1));
    await desk.memberships(ids.map((id) => membership('removeMember', 'Abteilung Süd', id, { groupRemoteId })));
    expect(members()).toEqual([]);
    expect(endpoint.groups()).toHaveLength(1);
  });

  test('everybody is listed, whatever the size of a page', async () => {
    await using endpoint = await start();
    await using desk = openDesk(endpoint.url);
    for (let index = 0; index < 123; index += 1) {
      await desk.deliver(operation('create', { ...ALICE, externalId: `e${index}`, userName: `n${index}` }));
    }
    const seen: string[] = [];
    for await (const page of desk.target.list(new AbortController().signal))
      seen.push(...page.map(({ externalId }) => externalId ?? ''));
    expect(seen).toEqual(Array.from({ length: 123 }, (_, index) => `e${index}`));
  });

  test('a wrong token changes nothing', async () => {
    await using endpoint = await start();
    await using desk = openDesk(endpoint.url, { token: () => 'wrong' });
    expect((await desk.deliver(operation('create', ALICE))).outcome.class).toBe('refreshCredentials');
    expect(endpoint.users()).toEqual([]);
  });
});

test('two embedded endpoints in one process do not share their people', async () => {
  await using one = await startEmbeddedEndpoint({ port: 0, host: '127.0.0.1', token: TOKEN });
  await using two = await startEmbeddedEndpoint({ port: 0, host: '127.0.0.1', token: TOKEN });
  await using desk = openDesk(one.url);
  await desk.deliver(operation('create', ALICE));
  expect([one.users().length, two.users().length]).toEqual([1, 0]);
});
