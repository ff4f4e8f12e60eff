import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVERIES, STAGES } from '../../src/lifecycle/standing.ts';
import { missedAgain } from '../../src/lifecycle/suspicion.ts';
import type { CorrelationValue, ListedAccount } from '../../src/mapping/bound-mapping.ts';
import type { NewAct } from '../../src/store/store.ts';
import { CaseMix } from '../support/case-mix.ts';
import { aChange, aLaterChange, anAccount, heldStore, minutesAfterNoon, NOON, WAYS } from '../support/store.ts';

const listed = (remoteId: string, more: Partial<ListedAccount> = {}): ListedAccount => ({
  remoteId,
  externalId: null,
  userName: `${remoteId}@example.com`,
  active: true,
  resource: { id: remoteId },
  ...more,
});
const valuesOf = (account: ListedAccount): readonly CorrelationValue[] => [
  { path: 'userName', value: account.userName ?? '' },
  { path: 'externalId', value: account.externalId ?? '' },
];
async function* pages(...list: readonly (readonly ListedAccount[])[]) {
  yield* list;
}

describe.each(WAYS)('the inventory of a target, written %s', (_, mode) => {
  it('is found by value and by name; names compare folded, identifiers exactly', async () => {
    const { store } = await heldStore(undefined, mode);
    const ada = listed('1', { userName: 'Ada@Example.com', externalId: 'E1' });
    const twin = listed('2', { externalId: 'E1' });
    expect(await store.replaceInventory('idp', pages([ada], [twin, ada]), valuesOf)).toBe(2);
    const values = [
      { path: 'externalId', value: 'E1' },
      { path: 'externalId', value: 'e1' },
      { path: 'userName', value: 'ADA@example.com' },
      { path: 'title', value: 'x' },
    ];
    expect(await store.inventoryByValues('idp', values)).toEqual([[ada, twin], [], [ada], []]);
    expect(await store.inventoryByValues('never', values)).toEqual([[], [], [], []]);
    expect(await store.inventoryNames('idp', ['ada@EXAMPLE.com', 'bob@example.com'])).toEqual(
      new Set(['ada@example.com']),
    );
  });

  it('changes as a whole: a listing that breaks off leaves the old one', async () => {
    const { store } = await heldStore(undefined, mode);
    await store.replaceInventory('idp', pages([listed('1')]), valuesOf);
    async function* broken() {
      yield [listed('2')];
      throw new Error('the target went away');
    }
    await expect(store.replaceInventory('idp', broken(), valuesOf)).rejects.toThrow('went away');
    const names = ['1@example.com', '2@example.com'];
    expect(await store.inventoryNames('idp', names)).toEqual(new Set(['1@example.com']));
    await store.replaceInventory('idp', pages([listed('2')]), valuesOf);
    expect(await store.inventoryNames('idp', names)).toEqual(new Set(['2@example.com']));
  });

  it('comes with the address and time of the contact, and the groups met there', async () => {
    const { store } = await heldStore(undefined, mode);
    expect(await store.contact('idp')).toBeNull();
    await store.saveContact('idp', { baseUrl: 'https://idp.example.com/scim', listedAt: NOON });
    expect(await store.contact('idp')).toEqual({ baseUrl: 'https://idp.example.com/scim', listedAt: NOON });
    const group = { name: 'All', remoteId: 'g1', created: true };
    await store.saveGroup('idp', group);
    await store.saveGroup('idp', { ...group, created: false });
    expect(await store.group('idp', 'All')).toEqual(group);
    await store.saveGroup('idp', { name: 'All', remoteId: 'g2', created: false });
    expect(await store.group('idp', 'All')).toEqual({ name: 'All', remoteId: 'g2', created: false });
    expect(await store.group('idp', 'Other')).toBeNull();
  });
});

describe('managers', () => {
  it('are owed until both accounts exist at the target, within one connection', async () => {
    const { store } = await heldStore();
    const owing = (key: string, more = {}) => anAccount(key, { managerOwed: 'boss', ...more });
    const simple = (key: string, account = anAccount(key)) => aChange(key, { accounts: [account], operations: [] });
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [simple('a', owing('a')), simple('b', owing('b', { remoteId: 'rb' })), simple('boss')],
    });
    const stranger = anAccount('boss', { userName: 'other@example.com', remoteId: 'r-other' });
    await store.commit({ connection: 'other', at: NOON, workers: [simple('boss', stranger)] });
    expect(await store.debtors('acme', 'idp', 'boss', 9)).toEqual(['a', 'b']);
    expect(await store.debtors('acme', 'idp', '', 9)).toEqual([]);
    expect(await store.debtors('other', 'idp', 'boss', 9)).toEqual([]);
    expect(await store.payableDebts('acme', 'idp', 9)).toEqual([]);
    expect(await store.remoteIds('acme', 'idp', ['b', 'boss'])).toEqual(new Map([['b', 'rb']]));

    const bossMade = anAccount('boss', { remoteId: 'r-boss' });
    await store.commit({ connection: 'acme', at: NOON, workers: [aLaterChange('boss', 1, { accounts: [bossMade] })] });
    expect(await store.payableDebts('acme', 'idp', 9)).toEqual(['b']);
    const aMade = owing('a', { remoteId: 'ra' });
    await store.commit({ connection: 'acme', at: NOON, workers: [aLaterChange('a', 1, { accounts: [aMade] })] });
    expect(await store.payableDebts('acme', 'idp', 9)).toEqual(['a', 'b']);
    const paid = anAccount('b', { remoteId: 'rb', managerKnown: 'boss' });
    await store.commit({ connection: 'acme', at: NOON, workers: [aLaterChange('b', 1, { accounts: [paid] })] });
    expect(await store.payableDebts('acme', 'idp', 9)).toEqual(['a']);
    const bossGone = anAccount('boss');
    await store.commit({ connection: 'acme', at: NOON, workers: [aLaterChange('boss', 2, { accounts: [bossGone] })] });
    expect(await store.payableDebts('acme', 'idp', 9)).toEqual([]);
    expect(await store.owners('idp', ['ra', 'r-other', 'nobody'])).toEqual(
      new Map([
        ['ra', { connection: 'acme', workerKey: 'a' }],
        ['r-other', { connection: 'other', workerKey: 'boss' }],
      ]),
    );
  });
});

describe.each(WAYS)('acts, written %s', (_, mode) => {
  const act: NewAct = {
    kind: 'leave',
    args: { id: '1' },
    reason: 'badge lost',
    by: 'kim',
    osUser: 'root',
    channel: 'cli',
  };

  it('are taken once, in order, and carry their result', async () => {
    const { store, clock } = await heldStore(undefined, mode);
    const first = await store.addAct(act);
    const second = await store.addAct({ ...act, kind: 'lift' });
    clock.now = minutesAfterNoon(1);
    expect((await store.takeActs(1)).map(({ id, takenAt }) => [id, takenAt])).toEqual([[first, minutesAfterNoon(1)]]);
    expect((await store.takeActs(5)).map(({ id, kind }) => [id, kind])).toEqual([[second, 'lift']]);
    expect(await store.takeActs(5)).toEqual([]);
    await store.finishAct(first, { done: true });
    await store.finishAct(first, { done: 'twice' });
    expect(await store.act(first)).toEqual({
      ...act,
      id: first,
      createdAt: NOON,
      takenAt: minutesAfterNoon(1),
      finishedAt: minutesAfterNoon(1),
      result: { done: true },
    });
    expect(await store.act(99)).toBeNull();
  });

  it('that were taken and not finished are offered again after a restart', async () => {
    const { dir, store } = await heldStore(undefined, mode);
    const first = await store.addAct(act);
    const second = await store.addAct(act);
    await store.takeActs(5);
    await store.finishAct(first, {});
    await store.close();
    const { store: reopened } = await heldStore(dir, mode);
    expect(await reopened.takeActs(5)).toEqual([]);
    expect(await reopened.recoverActs()).toBe(1);
    expect((await reopened.takeActs(5)).map(({ id }) => id)).toEqual([second]);
  });
});

describe.each(WAYS)('the archive and the settings, written %s', (_, mode) => {
  it('keep a mapping under its digest as it first came, and values by key', async () => {
    const { store } = await heldStore(undefined, mode);
    await store.saveMapping('d1', 'acme', 'connection: acme');
    await store.saveMapping('d1', 'acme', 'something else');
    expect(await store.mapping('d1')).toBe('connection: acme');
    expect(await store.mapping('d2')).toBeNull();
    await store.saveSetting('stop', { all: true });
    await store.saveSetting('stop', null);
    expect(await store.setting('stop')).toBeNull();
    expect(await store.setting('never')).toBeNull();
  });
});

describe('the counts of `status`', () => {
  it('are those of the workers themselves, whatever happened before', async () => {
    const mix = new CaseMix(['moved', 'conflict', 'removed from a count']);
    const move = fc.record({
      worker: fc.nat(4),
      stage: fc.constantFrom(...STAGES),
      delivery: fc.constantFrom(...DELIVERIES),
      stale: fc.boolean(),
      suspected: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 30 }), async (moves) => {
        const { store } = await heldStore(undefined, 'memory');
        const standings = new Map<string, { stage: string; delivery: string; suspected: boolean; revision: number }>();
        for (const { worker, stage, delivery, stale, suspected } of moves) {
          const key = `w${worker}`;
          const before = standings.get(key);
          const revision = (before?.revision ?? 0) + (stale ? 1 : 0);
          const standing = { ...aChange(key).standing, stage, delivery };
          const sighting = { delivery: 'workers.csv 1', asOf: NOON, at: NOON, strong: true };
          const suspicion = missedAgain(null, sighting);
          const change = { ...aLaterChange(key, revision), standing, suspicion: suspected ? suspicion : null };
          const result = await store.commit({ connection: 'acme', at: NOON, workers: [change] });
          expect(result.kind).toBe(stale ? 'conflict' : 'applied');
          mix.count(stale ? 'conflict' : 'moved', true);
          mix.count('removed from a count', before !== undefined && before.stage !== stage);
          if (!stale) standings.set(key, { stage, delivery, suspected, revision: revision + 1 });
        }
        const all = [...standings.values()];
        const count = (of: (one: (typeof all)[number]) => string) => {
          const counts: Record<string, number> = {};
          for (const one of all) counts[of(one)] = (counts[of(one)] ?? 0) + 1;
          return counts;
        };
        const [connection] = (await store.overview()).connections;
        expect(connection?.stages ?? {}).toEqual(count(({ stage }) => stage));
        expect(connection?.deliveries ?? {}).toEqual(count(({ delivery }) => delivery));
        expect(connection?.suspected ?? 0).toBe(all.filter(({ suspected }) => suspected).length);
        expect(await store.population('acme')).toEqual({
          workers: all.length,
          active: all.filter(({ stage }) => stage === 'active' || stage === 'onLeave').length,
        });
        expect(await store.unsettled('acme')).toBe(all.filter(({ delivery }) => delivery !== 'settled').length);
        await store.close();
      }),
      { numRuns: 60 },
    );
    mix.expectEach(20);
  });
});
