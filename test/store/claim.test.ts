import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../src/base/instant.ts';
import { LANES, type Lane } from '../../src/lifecycle/operation.ts';
import type { OperationKind, OperationState } from '../../src/planning/changeset.ts';
import type { ClaimedOperation, Store } from '../../src/store/store.ts';
import { CaseMix } from '../support/case-mix.ts';
import {
  aChange,
  aLaterChange,
  anAccount,
  anOperation,
  aPayload,
  aResult,
  DONE,
  heldStore,
  minutesAfterNoon,
  NOON,
  WAYS,
} from '../support/store.ts';

const ALL_LANES = [...LANES];
const claimAll = (store: Store, now: Instant = NOON, lanes: readonly Lane[] = ALL_LANES) =>
  store.claim('idp', { lanes, limit: 100, now });
const idsOf = (operations: readonly { readonly id: number }[]) => operations.map(({ id }) => id);

describe.each(WAYS)('a claim %s', (_, mode) => {
  it('gives the most urgent lane first, the oldest first within it, and no more than asked for', async () => {
    const { store } = await heldStore(undefined, mode);
    const lanes: readonly Lane[] = ['mover', 'leaver', 'joiner', 'leaver', 'emergency', 'backfill'];
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: lanes.map((lane, index) => aChange(`w${index}`, { operations: [anOperation(`w${index}`, { lane })] })),
    });
    const urgent = await store.claim('idp', { lanes: ['leaver', 'emergency'], limit: 2, now: NOON });
    expect(urgent.map(({ workerKey }) => workerKey)).toEqual(['w4', 'w1']);
    expect((await claimAll(store)).map(({ workerKey }) => workerKey)).toEqual(['w3', 'w2', 'w0', 'w5']);
    expect(await claimAll(store)).toEqual([]);
    expect(await store.claim('elsewhere', { lanes: ALL_LANES, limit: 1, now: NOON })).toEqual([]);
  });

  it('gives at once what was told to wait longer than anything ever is: the clock that told it has been put right', async () => {
    const { store } = await heldStore(undefined, mode);
    const laneOf = { soon: 'leaver', late: 'leaver', hour: 'mover', year: 'mover' } as const;
    const minutes = { soon: 15, late: 16, hour: 60, year: 600_000 } as const;
    const names = ['soon', 'late', 'hour', 'year'] as const;
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: names.map((name) =>
        aChange(name, {
          operations: [anOperation(name, { lane: laneOf[name], notBefore: minutesAfterNoon(minutes[name]) })],
        }),
      ),
    });
    expect(await store.nextAttempt('idp', NOON, ['mover'])).toBe(minutesAfterNoon(60));
    expect((await claimAll(store)).map(({ workerKey }) => workerKey)).toEqual(['late', 'year']);
    expect(await store.nextAttempt('idp', NOON)).toBe(minutesAfterNoon(15));
    expect(await store.nextAttempt('idp', minutesAfterNoon(-1), ['leaver'])).toBe(minutesAfterNoon(-1));
  });

  it('brings everything the request needs: account, manager, group, attempts, and whether an earlier try may have worked', async () => {
    const { store } = await heldStore(undefined, mode);
    const boss = aChange('boss', { accounts: [anAccount('boss', { remoteId: 'r-boss' })], operations: [] });
    const account = anAccount('1', { remoteId: 'r1', known: { title: 'Dr' } });
    const { operationIds } = (await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [
        boss,
        aChange('1', {
          accounts: [account],
          operations: [
            anOperation('1', { kind: 'update', lane: 'mover', payload: aPayload('1', { managerKey: 'boss' }) }),
            anOperation('1', {
              kind: 'addMember',
              lane: 'mover',
              payload: { group: 'All', create: true, computed: false, authority: 'full' },
            }),
          ],
        }),
      ],
    })) as { operationIds: readonly number[] };
    const [update = 0, member = 0] = operationIds;
    const [first] = await claimAll(store, minutesAfterNoon(1));
    expect(first).toEqual({
      id: update,
      workerKey: '1',
      connection: 'acme',
      target: 'idp',
      kind: 'update',
      lane: 'mover',
      payload: aPayload('1', { managerKey: 'boss' }),
      attempts: 0,
      ambiguous: false,
      account,
      managerRemoteId: 'r-boss',
      groupRemoteId: null,
      transition: 'joiner',
      firstSentAt: minutesAfterNoon(1),
      createdAt: NOON,
      worker: null,
    } satisfies ClaimedOperation);
    const retry = aResult(update, {
      state: 'queued',
      notBefore: minutesAfterNoon(3),
      attempts: 1,
      ambiguous: true,
      outcome: { ...DONE, class: 'ambiguous', status: null, code: 'timeout' },
    });
    await store.commit({ connection: 'acme', at: minutesAfterNoon(2), results: [retry] });
    expect(await claimAll(store, minutesAfterNoon(2))).toEqual([]);
    expect(await store.nextAttempt('idp', minutesAfterNoon(2))).toBe(minutesAfterNoon(3));
    expect(await store.nextAttempt('idp', minutesAfterNoon(9))).toBe(minutesAfterNoon(9));
    expect(await claimAll(store, minutesAfterNoon(3))).toMatchObject([
      { id: update, attempts: 1, ambiguous: true, firstSentAt: minutesAfterNoon(1) },
    ]);
    await store.saveGroup('idp', { name: 'All', remoteId: 'g1', created: true });
    await store.commit({ connection: 'acme', at: minutesAfterNoon(4), results: [aResult(update)] });
    expect(await claimAll(store, minutesAfterNoon(4))).toMatchObject([{ id: member, groupRemoteId: 'g1' }]);
    expect(await store.nextAttempt('idp', minutesAfterNoon(4))).toBeNull();
  });

  it('tells where a worker stands for whom nothing else is open, here or elsewhere, and of nobody else', async () => {
    const { store } = await heldStore(undefined, mode);
    const elsewhere = { target: 'other' } as const;
    const alone = aChange('alone', { operations: [anOperation('alone')] });
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [
        { ...alone, dueAt: minutesAfterNoon(9) },
        aChange('followed', { operations: [anOperation('followed'), anOperation('followed', { kind: 'update' })] }),
        aChange('both', {
          accounts: [anAccount('both'), anAccount('both', elsewhere)],
          operations: [anOperation('both'), anOperation('both', elsewhere)],
        }),
      ],
    });
    const claimed = await claimAll(store);
    expect(claimed.map(({ workerKey, worker }) => [workerKey, worker])).toEqual([
      ['alone', { revision: 1, standing: alone.standing, dueAt: minutesAfterNoon(9) }],
      ['followed', null],
      ['both', null],
    ]);
  });

  it('holds memberships back until the account has a remote id, and lets what makes the account overtake them', async () => {
    const { store } = await heldStore(undefined, mode);
    const member = anOperation('1', {
      kind: 'addMember',
      payload: { group: 'All', create: false, computed: false, authority: 'additive' },
    });
    const first = (await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aChange('1', { operations: [anOperation('1'), member] })],
    })) as { operationIds: readonly number[] };
    const [create = 0, add = 0] = first.operationIds;
    expect(idsOf(await claimAll(store))).toEqual([create]);
    await store.commit({ connection: 'acme', at: NOON, results: [aResult(create, { state: 'failed' })] });
    expect(await claimAll(store)).toEqual([]);
    const again = (await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aLaterChange('1', 1, { operations: [anOperation('1')] })],
    })) as { operationIds: readonly number[] };
    const [second = 0] = again.operationIds;
    expect(idsOf(await claimAll(store))).toEqual([second]);
    await store.commit({
      connection: 'acme',
      at: NOON,
      results: [aResult(second)],
      workers: [aLaterChange('1', 2, { accounts: [anAccount('1', { remoteId: 'r1', active: true })] })],
    });
    expect(idsOf(await claimAll(store))).toEqual([add]);
  });

  it('queues again, as ambiguous, what was being sent when the last process ended', async () => {
    const { dir, store } = await heldStore(undefined, mode);
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('1'), aChange('2')] });
    const [sent] = await store.claim('idp', { lanes: ['joiner'], limit: 1, now: NOON });
    await store.close();
    const { store: reopened } = await heldStore(dir, mode);
    expect(await claimAll(reopened)).toMatchObject([{ workerKey: '2', ambiguous: false }]);
    expect(await reopened.recoverSending()).toBe(2);
    expect(await claimAll(reopened)).toMatchObject([
      { id: sent?.id, workerKey: '1', ambiguous: true, firstSentAt: NOON },
      { workerKey: '2', ambiguous: true },
    ]);
    expect(await reopened.queueDepths()).toEqual([{ target: 'idp', lane: 'joiner', state: 'sending', operations: 2 }]);
  });

  it('looks at as many rows as it gives, however many wait behind', async () => {
    const { store } = await heldStore(undefined, 'memory');
    for (let batch = 0; batch < 20; batch += 1) {
      const keys = Array.from({ length: 200 }, (_, index) => `w${batch}-${index}`);
      const later = batch % 2 === 0 ? { notBefore: minutesAfterNoon(60) } : {};
      await store.commit({
        connection: 'acme',
        at: NOON,
        workers: keys.map((key) =>
          aChange(key, { operations: [anOperation(key, later), anOperation(key, { kind: 'update' })] }),
        ),
      });
    }
    const few = await store.claim('idp', { lanes: ALL_LANES, limit: 16, now: NOON });
    expect(few.map(({ workerKey }) => workerKey)).toEqual(Array.from({ length: 16 }, (_, index) => `w1-${index}`));
    expect(await store.operations({ states: ['queued'], limit: 3 })).toMatchObject([
      { workerKey: 'w0-0', kind: 'create' },
      { workerKey: 'w0-0', kind: 'update' },
      { workerKey: 'w0-1', kind: 'create' },
    ]);
    expect(await store.operations({ states: ['sending'], target: 'idp', limit: 100 })).toHaveLength(16);
  });

  it('lists disables that are not confirmed', async () => {
    const { store } = await heldStore(undefined, mode);
    const disable = (key: string) => anOperation(key, { kind: 'disable', lane: 'leaver', transition: 'leaver' });
    const { operationIds } = (await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [
        aChange('1', { operations: [disable('1')] }),
        aChange('2', { operations: [disable('2')] }),
        aChange('3'),
      ],
    })) as { operationIds: readonly number[] };
    await claimAll(store);
    const [one = 0, two = 0] = operationIds;
    await store.commit({ connection: 'acme', at: NOON, results: [aResult(one, { state: 'accepted' }), aResult(two)] });
    expect(await store.unconfirmedLeavers(10)).toMatchObject([{ workerKey: '1', state: 'accepted', lane: 'leaver' }]);
  });
});

/** One step of a random history. Workers are few, so that their operations meet. */
const step = fc.oneof(
  fc.record({
    type: fc.constant('decide' as const),
    worker: fc.integer({ min: 0, max: 1 }),
    target: fc.constantFrom('idp', 'idp', 'crm'),
    kind: fc.constantFrom<OperationKind[]>('create', 'update', 'disable', 'addMember'),
    lane: fc.constantFrom(...LANES),
    delay: fc.constantFrom(0, 0, 5),
    supersede: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('claim' as const),
    target: fc.constantFrom('idp', 'crm'),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    type: fc.constant('answer' as const),
    pick: fc.nat(20),
    state: fc.constantFrom<OperationState[]>('done', 'done', 'queued', 'failed', 'accepted'),
    account: fc.boolean(),
  }),
  fc.record({ type: fc.constant('wait' as const), minutes: fc.constantFrom(1, 5) }),
  fc.record({ type: fc.constant('crash' as const) }),
);

interface ModelOperation {
  readonly id: number;
  readonly worker: number;
  readonly target: string;
  readonly kind: OperationKind;
  readonly lane: Lane;
  state: OperationState;
  notBefore: number;
}

it('after a crash a disable goes before the membership that was on its way when it was decided', async () => {
  const { store } = await heldStore(undefined, 'memory');
  const member = {
    kind: 'addMember',
    lane: 'mover',
    payload: { group: 'g', create: false, computed: false, authority: 'full' },
  } as const;
  await store.commit({
    connection: 'acme',
    at: NOON,
    workers: [
      aChange('ada', { accounts: [anAccount('ada', { remoteId: 'r1' })], operations: [anOperation('ada', member)] }),
    ],
  });
  expect(await store.claim('idp', { lanes: ALL_LANES, limit: 5, now: NOON })).toHaveLength(1);
  const disable = anOperation('ada', { kind: 'disable', lane: 'leaver' });
  await store.commit({ connection: 'acme', at: NOON, workers: [aLaterChange('ada', 1, { operations: [disable] })] });
  expect(await store.recoverSending()).toBe(1);
  const claimed = await store.claim('idp', { lanes: ALL_LANES, limit: 5, now: NOON });
  expect(claimed.map(({ kind }) => kind)).toEqual(['disable']);
  await store.close();
});

describe('any history of decisions, claims, answers and crashes', () => {
  it('never has two operations of one worker at one target under way, and keeps the order of decisions', async () => {
    const mix = new CaseMix([
      'claimed',
      'blocked by one under way',
      'waits for the clock',
      'disable overtakes a membership',
      'member waits for account',
      'superseded',
      'crash',
    ]);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
        const { store } = await heldStore(undefined, 'memory');
        const model: ModelOperation[] = [];
        const revisions = [0, 0];
        const accounts = new Map<string, boolean>();
        let minute = 0;
        const isOut = ({ state }: ModelOperation) => state === 'sending' || state === 'accepted';

        /** What the rules say may be claimed now, in order: written down without looking at how the store does it. */
        const expected = (target: string) => {
          const own = model.filter((one) => one.target === target);
          const free = own.filter((one) => {
            if (one.state !== 'queued') return false;
            const line = own.filter(({ worker }) => worker === one.worker);
            const waitsForAccount = (other: ModelOperation) =>
              other.kind === 'addMember' && accounts.get(`${other.worker} ${target}`) !== true;
            mix.count('blocked by one under way', line.some(isOut));
            mix.count('member waits for account', waitsForAccount(one));
            mix.count('waits for the clock', one.notBefore > minute);
            if (line.some(isOut) || waitsForAccount(one)) return false;
            const queued = line.filter(({ state }) => state === 'queued').sort((a, b) => a.id - b.id);
            // Access ends before memberships change: a disable goes before every membership decided earlier.
            const lead = queued.find(({ kind }) => kind !== 'addMember');
            const order = lead?.kind === 'disable' ? [lead, ...queued.filter((other) => other !== lead)] : queued;
            mix.count('disable overtakes a membership', order[0] !== queued[0]);
            const first = order.find((other) => !waitsForAccount(other));
            return first === one && one.notBefore <= minute;
          });
          return free.sort((a, b) => LANES.indexOf(a.lane) - LANES.indexOf(b.lane) || a.id - b.id);
        };

        for (const each of steps) {
          const at = minutesAfterNoon(minute);
          if (each.type === 'wait') minute += each.minutes;
          else if (each.type === 'crash') {
            const sending = model.filter(({ state }) => state === 'sending');
            expect(await store.recoverSending()).toBe(sending.length);
            mix.count('crash', sending.length > 0);
            for (const one of sending) {
              one.state = 'queued';
              one.notBefore = minute;
            }
          } else if (each.type === 'decide') {
            const key = `w${each.worker}`;
            const line = model.filter(({ worker, target }) => worker === each.worker && target === each.target);
            const replaced = each.supersede ? line.filter(({ state }) => state === 'queued' || state === 'failed') : [];
            const hasAccount = accounts.has(`${each.worker} ${each.target}`);
            const payload =
              each.kind === 'addMember'
                ? { group: 'g', create: false, computed: false, authority: 'full' as const }
                : aPayload(key);
            const result = await store.commit({
              connection: 'acme',
              at,
              workers: [
                aLaterChange(key, revisions[each.worker] ?? 0, {
                  accounts: hasAccount ? [] : [anAccount(key, { target: each.target })],
                  supersedes: replaced.map(({ id }) => id),
                  operations: [
                    anOperation(key, { ...each, payload, notBefore: minutesAfterNoon(minute + each.delay) }),
                  ],
                }),
              ],
            });
            if (result.kind !== 'applied') throw new Error('a decision met a conflict');
            revisions[each.worker] = (revisions[each.worker] ?? 0) + 1;
            accounts.set(`${each.worker} ${each.target}`, accounts.get(`${each.worker} ${each.target}`) ?? false);
            mix.count('superseded', replaced.length > 0);
            for (const one of replaced) one.state = 'superseded';
            const { worker, target, kind, lane } = each;
            model.push({
              id: result.operationIds[0] ?? 0,
              worker,
              target,
              kind,
              lane,
              state: 'queued',
              notBefore: minute + each.delay,
            });
          } else if (each.type === 'claim') {
            const due = expected(each.target).slice(0, each.limit);
            const claimed = await store.claim(each.target, { lanes: ALL_LANES, limit: each.limit, now: at });
            expect(idsOf(claimed)).toEqual(idsOf(due));
            mix.count('claimed', due.length > 0);
            for (const one of due) one.state = 'sending';
          } else {
            const out = model.filter(isOut);
            const one = out[each.pick % Math.max(out.length, 1)];
            if (one === undefined) continue;
            const key = `w${one.worker}`;
            const learns = each.account && each.state === 'done';
            const result = await store.commit({
              connection: 'acme',
              at,
              results: [aResult(one.id, { state: each.state, notBefore: minutesAfterNoon(minute + 5) })],
              workers: [
                aLaterChange(key, revisions[one.worker] ?? 0, {
                  accounts: learns ? [anAccount(key, { target: one.target, remoteId: `r${one.worker}` })] : [],
                }),
              ],
            });
            expect(result.kind).toBe('applied');
            revisions[one.worker] = (revisions[one.worker] ?? 0) + 1;
            one.state = each.state;
            one.notBefore = minute + 5;
            if (learns) accounts.set(`${one.worker} ${one.target}`, true);
          }
        }
        const counted = new Map<string, number>();
        for (const { target, lane, state } of model) {
          const name = `${target} ${lane} ${state}`;
          counted.set(name, (counted.get(name) ?? 0) + 1);
        }
        const depths = await store.queueDepths();
        expect(
          new Map(depths.map(({ target, lane, state, operations }) => [`${target} ${lane} ${state}`, operations])),
        ).toEqual(counted);
        await store.close();
      }),
      { numRuns: 150 },
    );
    mix.expectEach(5);
  });
});
