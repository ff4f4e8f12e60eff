import { describe, expect, it } from 'vitest';
import type { Lane } from '../../src/lifecycle/operation.ts';
import type { MembersClaim, Store } from '../../src/store/store.ts';
import { aChange, anAccount, anOperation, heldStore, NOON, WAYS } from '../support/store.ts';

interface Wish {
  readonly key: string;
  readonly group?: string;
  readonly kind?: 'addMember' | 'removeMember' | 'create' | 'disable';
  readonly lane?: Lane;
}

const wishes = async (store: Store, list: readonly Wish[]) => {
  await store.commit({
    connection: 'acme',
    at: NOON,
    workers: list.map(({ key, group = 'All', kind = 'addMember', lane = 'joiner' }) =>
      aChange(key, {
        accounts: [anAccount(key, { remoteId: kind === 'create' ? null : `r-${key}` })],
        operations: [
          kind === 'create' || kind === 'disable'
            ? anOperation(key, { kind, lane })
            : anOperation(key, { kind, lane, payload: { group, create: false, computed: false, authority: 'full' } }),
        ],
      }),
    ),
  });
};
const members = (count: number, more: Partial<Wish> = {}, prefix = 'm'): readonly Wish[] =>
  Array.from({ length: count }, (_, index) => ({ key: `${prefix}${index}`, ...more }));
const ALL: readonly Lane[] = ['emergency', 'leaver', 'joiner', 'mover', 'replay', 'backfill'];
const keysOf = async (store: Store, claim: Partial<MembersClaim>, limit = 10) => {
  const asked = { lanes: ALL, limit, now: NOON, members: { max: 3, which: 'any', busy: [], ...claim } as MembersClaim };
  return (await store.claim('idp', asked)).map(({ workerKey }) => workerKey);
};

describe.each(WAYS)('a claim of memberships %s', (_, mode) => {
  it('takes along what is queued for the same group, oldest first, up to a batch, which counts as one', async () => {
    const { store } = await heldStore(undefined, mode);
    await wishes(store, [...members(5), ...members(2, { group: 'Lab' }, 'lab')]);
    expect(await keysOf(store, {}, 1)).toEqual(['m0', 'm1', 'm2']);
    expect(new Set(await keysOf(store, {}))).toEqual(new Set(['m3', 'm4', 'lab0', 'lab1']));
    expect(await keysOf(store, {})).toEqual([]);
  });

  it('never mixes what joins and what leaves a group, and tells groups apart by their exact names', async () => {
    const { store } = await heldStore(undefined, mode);
    await wishes(store, [
      { key: 'a', group: 'All' },
      { key: 'b', group: 'all' },
      { key: 'c', group: 'All', kind: 'removeMember' },
      { key: 'd', group: 'Ångström "x" \\ y' },
      { key: 'e', group: 'Ångström "x" \\ y' },
    ]);
    const claimed: string[][] = [];
    for (let batch = await keysOf(store, {}, 1); batch.length > 0; batch = await keysOf(store, {}, 1))
      claimed.push([...batch]);
    expect(claimed.map((batch) => batch.join()).sort()).toEqual(['a', 'b', 'c', 'd,e']);
  });

  it('leaves batches that are not full while accounts are to be made, and takes them when there are none', async () => {
    const { store } = await heldStore(undefined, mode);
    await wishes(store, [...members(4), ...members(2, { kind: 'create' }, 'new')]);
    expect(await keysOf(store, { which: 'none' }, 1)).toEqual(['new0']);
    expect(await keysOf(store, { which: 'full' }, 2)).toEqual(['m0', 'm1', 'm2', 'new1']);
    expect(await keysOf(store, { which: 'full' })).toEqual([]);
    await wishes(store, [{ key: 'late', kind: 'create' }]);
    expect(await keysOf(store, { which: 'idle' })).toEqual(['late']);
    expect(await keysOf(store, { which: 'idle' })).toEqual(['m3']);
  });

  it('takes them in spite of accounts when they have waited long enough', async () => {
    const { store } = await heldStore(undefined, mode);
    await wishes(store, [...members(2), { key: 'new', kind: 'create' }]);
    expect(await keysOf(store, { which: 'any' })).toEqual(['m0', 'm1', 'new']);
  });

  it('leaves a group alone of which a batch is under way', async () => {
    const { store } = await heldStore(undefined, mode);
    await wishes(store, [...members(3), ...members(3, { group: 'Lab' }, 'lab')]);
    expect(await keysOf(store, { busy: ['All'] })).toEqual(['lab0', 'lab1', 'lab2']);
  });

  it('gives leavers everything at once: access first, then whatever of their groups is queued', async () => {
    const { store } = await heldStore(undefined, mode);
    await wishes(store, [
      ...members(2, { kind: 'removeMember', lane: 'leaver' }),
      ...members(2, { kind: 'removeMember', lane: 'mover' }, 'mover'),
      { key: 'gone', kind: 'disable', lane: 'leaver' },
    ]);
    expect(await keysOf(store, { which: 'none', busy: ['All'] })).toEqual(['gone', 'm0', 'm1']);
  });
});
