import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EraseOrder, Store } from '../../src/store/store.ts';
import {
  aChange,
  aDecision,
  anAccount,
  anOperation,
  heldStore,
  minutesAfterNoon,
  NOON,
  WAYS,
} from '../support/store.ts';

const VERIFIER = join(import.meta.dirname, '..', '..', 'tools', 'verify-audit.mjs');
const NODE = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'node');

async function two(store: Store): Promise<void> {
  for (const key of ['ada', 'bob'])
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aChange(key)],
      entries: [aDecision(key, { personal: { name: `a name of ${key}` } })],
    });
}
const order = (workerKey: string, more: Partial<EraseOrder> = {}): EraseOrder => ({
  connection: 'acme',
  workerKey,
  revision: 1,
  facts: [],
  supersedes: [],
  at: minutesAfterNoon(5),
  entry: { kind: 'act', connection: 'acme', workerKey, actor: 'operator:olga', body: { act: 'erase' } },
  ...more,
});

describe('an erasure in the store', () => {
  it.each(WAYS)('takes the values of one worker and nobody else, %s', async (_, mode) => {
    const { store, dir } = await heldStore(undefined, mode);
    await two(store);
    expect(await store.erase(order('ada'))).toMatchObject({ kind: 'erased', rows: { employments: 1 } });
    expect(await store.rewrite()).toBe(true);
    const personal = async (key: string) => (await store.audit.entriesOf('acme', key)).map((entry) => entry.personal);
    expect((await personal('ada')).every((one) => one === null)).toBe(true);
    expect((await personal('bob')).some((one) => one !== null)).toBe(true);
    expect(await store.erased('acme', ['ada', 'bob', 'nobody'])).toEqual(new Set(['ada']));
    const verified = await store.audit.verify();
    expect(verified).toMatchObject({ ok: true, faults: [] });
    expect(verified.erased).toBeGreaterThan(0);
    const said = spawnSync(NODE, [VERIFIER, join(dir, 'rollcall.db')], { encoding: 'utf8' });
    expect(said.stdout).toContain(`personal values of ${verified.erased} erased, 0 fault(s)`);
    expect(said.status).toBe(0);
  });

  it('erases nobody who was changed meanwhile, or of whom an event waits', async () => {
    const { store } = await heldStore();
    await two(store);
    expect(await store.erase(order('ada', { revision: 7 }))).toEqual({ kind: 'conflict' });
    await store.receiveEvent({
      connection: 'acme',
      hook: '/hooks/acme',
      kind: 'record',
      identity: new Uint8Array(32),
      keyed: true,
      body: Buffer.from('{"employee":{"id":"ada"}}'),
      form: 'json',
      receivedAt: NOON,
    });
    expect(await store.erase(order('ada'))).toEqual({ kind: 'event-waits' });
    expect(await store.erasable('acme', 'ada', [])).toMatchObject({ employments: 1 });
    expect((await store.erase(order('bob'))).kind).toBe('erased');
  });

  it('blanks what a further source says, so that the very same row is not read again', async () => {
    const { store } = await heldStore();
    await two(store);
    const changed = [{ key: 'a-7', digest: '07'.repeat(16), attributes: { desk: 'by the window' } }];
    await store.commit({ connection: 'acme', at: NOON, facts: { source: 'desks', changed } });
    await store.erase(order('ada', { facts: [{ source: 'desks', key: 'a-7' }] }));
    expect((await store.facts('acme', 'desks', ['a-7'])).get('a-7')).toEqual({});
    expect(await store.factDigest('acme', 'desks', 'a-7')).toBe('07'.repeat(16));
  });

  it('takes what was asked of the worker under a key from before a re-keying', async () => {
    const { store } = await heldStore();
    await two(store);
    const args = { worker: 'ada', account: 'ada.lovelace@example.com', target: 'idp', connection: 'acme' };
    const asked = { kind: 'pair', args, reason: 'hers', by: 'olga', osUser: 'olga', channel: 'cli' } as const;
    const id = await store.addAct(asked);
    const others = await store.addAct({ ...asked, args: { ...args, worker: 'bob' } });
    await store.takeActs(2);
    for (const one of [id, others]) await store.finishAct(one, { ok: true, message: 'paired', exitCode: 0 });
    const pairs = [{ from: 'ada', to: 'a-1815' }];
    const rekeyed = await store.rekey({ connection: 'acme', pairs, sources: [], at: NOON, entries: [] });
    expect(rekeyed.kind).toBe('rekeyed');
    expect((await store.erase(order('a-1815', { revision: 2 }))).kind).toBe('erased');
    expect(JSON.stringify(await store.act(id))).not.toContain('lovelace');
    expect(JSON.stringify(await store.act(others))).toContain('lovelace');
  });

  it('takes what the audit says of somebody who was joined with the worker, and never lends their number', async () => {
    const { store } = await heldStore();
    await two(store);
    const pairs = [{ from: 'ada', to: 'bob' }];
    expect(await store.rekey({ connection: 'acme', pairs, sources: [], at: NOON, entries: [] })).toMatchObject({
      joined: 1,
    });
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('cyd')], entries: [aDecision('cyd')] });
    expect(JSON.stringify(await store.audit.entriesOf('acme', 'cyd'))).not.toContain('a name of bob');
    expect((await store.erase(order('bob', { revision: 2 }))).kind).toBe('erased');
    const { erased } = await store.audit.verify();
    expect(erased).toBe(4);
  });

  it('takes it after further re-keyings, too, and nothing of those who bear or bore the key afterwards', async () => {
    const { store } = await heldStore();
    await two(store);
    const comes = async (key: string) => {
      const accounts = [anAccount(key, { userName: `${key}.the.second` })];
      const operations = [anOperation(key)];
      const workers = [aChange(key, { accounts, operations })];
      expect((await store.commit({ connection: 'acme', at: NOON, workers })).kind).toBe('applied');
    };
    const rekey = async (from: string, to: string, minute: number) => {
      const at = minutesAfterNoon(minute);
      const rekeyed = await store.rekey({ connection: 'acme', pairs: [{ from, to }], sources: [], at, entries: [] });
      return rekeyed.kind === 'rekeyed' ? rekeyed.joined : rekeyed.kind;
    };
    // Cyd is joined with ada, who becomes bob and is joined with that bob, who becomes dora.
    await comes('cyd');
    expect([await rekey('ada', 'cyd', 1), await rekey('cyd', 'bob', 2), await rekey('bob', 'dora', 3)]).toEqual([
      1, 1, 0,
    ]);
    // The key goes to somebody else, and with them somebody is joined.
    await comes('bob');
    await comes('eve');
    expect(await rekey('eve', 'bob', 4)).toBe(1);
    const { revision } = (await store.situations('acme', ['dora'])).get('dora') ?? { revision: 0 };
    expect((await store.erase(order('dora', { revision }))).kind).toBe('erased');
    const entries = await store.audit.tail(100);
    const names = (list: typeof entries) => list.map(({ workerKey }) => workerKey);
    expect(new Set(names(entries.filter(({ personal }) => personal !== null)))).toEqual(new Set(['bob', 'eve']));
    const bobs = entries.filter(({ workerKey }) => workerKey === 'bob');
    expect(bobs.map(({ personal }) => personal !== null)).toEqual([false, false, true]);
    expect(await store.audit.verify()).toMatchObject({ ok: true, erased: 5 });
  });
});
