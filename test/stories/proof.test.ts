// The daemon says what the audit holds: every five minutes, also when nothing happens, and soon after what an auditor asks about.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DAY_MS, msOf, plusMs } from '../../src/base/instant.ts';
import { alertsNow } from '../../src/pipeline/alerts.ts';
import { proofLoop } from '../../src/pipeline/proof.ts';
import { seal } from '../../src/pipeline/seal.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { openLog } from '../../src/runtime/log.ts';
import { makeSigningKey, ProofLog, proofFile, readProof } from '../../src/runtime/proof.ts';
import { comes, crowd, feed, openTestHouse, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const folderOf = ({ stateDir }: TestHouse): string => join(stateDir, 'proof');
const said = (test: TestHouse) => {
  const file = proofFile(folderOf(test));
  return readProof(existsSync(file) ? readFileSync(file, 'utf8') : '', []);
};
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
/** A checkpoint is written to a real file: the clock is held, the disk is not. */
async function untilSaid(test: TestHouse, count: number): Promise<void> {
  for (let turn = 0; turn < 20_000 && said(test).points.length < count; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
}

async function watched(work: (test: TestHouse) => Promise<void>): Promise<TestHouse> {
  const test = await openTestHouse();
  await test.sync(feed(crowd(30)));
  const stop = new AbortController();
  const loop = proofLoop(test.house, stop.signal);
  await untilSaid(test, 1);
  await turns();
  await work(test);
  stop.abort();
  await loop;
  return test;
}

describe('checkpoints of the audit', () => {
  it('are written every five minutes although nothing happens, and at the end where something did', async () => {
    const test = await watched(async (house) => {
      // The clock moves only while somebody waits for it: a disk that takes its time is waited for.
      for (let turn = 0; turn < 20_000 && said(house).points.length < 4; turn += 1) {
        house.clock.toNext(5 * MINUTE);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const { points, faults } = said(test);
    expect(faults).toEqual([]);
    expect(points.map(({ why }) => why)).toEqual(['interval', 'interval', 'interval', 'interval']);
    expect(new Set(points.map(({ seq }) => seq)).size).toBe(1);
    const gaps = points.slice(1).map(({ at }, index) => msOf(at) - msOf(points[index]?.at ?? at));
    expect(gaps).toEqual([5 * MINUTE, 5 * MINUTE, 5 * MINUTE]);
  });

  it('are written within seconds after a leaver is confirmed and after a hold is released', async () => {
    const test = await watched(async (house) => {
      const people = crowd(30, (at) => (at === 3 ? { status: 'T' } : {}));
      await comes(house, feed(people));
      await house.settle(MINUTE);
      await turns();
      house.clock.advance(2_000);
      await untilSaid(house, 2);
      await turns();
      house.deliver(feed(crowd(30, (at) => (at === 3 ? { status: 'T' } : { title: 'Duke' }))));
      await house.cycle();
      expect(await house.approveAll()).toBe(1);
      await turns();
      house.clock.advance(2_000);
      await untilSaid(house, 3);
    });
    const { points, faults } = said(test);
    expect(faults).toEqual([]);
    const why = points.map((point) => point.why);
    expect(why).toContain('leaver');
    expect(why).toContain('release');
    const left = points.find((point) => point.why === 'leaver');
    const entries = await test.house.store.audit.entriesOf('acme', '1003');
    const confirmed = entries.findLast(({ body }) => body.what === 'disable' && body.state === 'done');
    expect(left?.seq).toBeGreaterThanOrEqual(confirmed?.seq ?? Number.POSITIVE_INFINITY);
    const claims = new Map(points.map(({ seq, hash }) => [seq, hash]));
    expect(await test.house.store.audit.verify(undefined, claims)).toMatchObject({ ok: true });
  });

  it('are written by every process that changes something, when it ends', async () => {
    const test = await openTestHouse();
    await test.sync(feed(crowd(3)));
    const { seq } = await test.house.store.audit.head();
    await test.restart();
    expect(said(test).points.at(-1)).toMatchObject({ why: 'stop', seq });
    const before = said(test).points.length;
    await test.restart();
    expect(said(test).points.length).toBeLessThanOrEqual(before + 1);
  });
});

describe('a folder of checkpoints that cannot be written', () => {
  const block = (test: TestHouse): void => {
    rmSync(folderOf(test), { recursive: true, force: true });
    writeFileSync(folderOf(test), 'no folder');
  };

  it('keeps no leaver waiting, is told, and is written again once it can be', async () => {
    const lines: string[] = [];
    const test = await openTestHouse({ log: openLog('error', { write: (line) => void lines.push(line) }) });
    await test.sync(feed(crowd(30)));
    block(test);
    const stop = new AbortController();
    const loop = proofLoop(test.house, stop.signal);
    const told = () => lines.map((line) => JSON.parse(line)).filter(({ code }) => code === 'audit.checkpoint');
    const untilTold = async (count: number) => {
      for (let turn = 0; turn < 20_000 && told().length < count; turn += 1) {
        test.clock.toNext(5 * MINUTE);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await untilTold(4);
    expect(told()[0]).toMatchObject({ hint: expect.stringContaining('ROLLCALL_PROOF') });
    expect((await alertsNow(test.house)).map(({ key }) => key)).toContain('proof');
    await comes(test, feed(crowd(30, (at) => (at === 3 ? { status: 'T' } : {}))));
    await test.settle(MINUTE);
    expect(test.idp.user('1003')?.active).toBe(false);
    rmSync(folderOf(test));
    for (let turn = 0; turn < 20_000 && test.house.proof?.saidAt === null; turn += 1) {
      test.clock.toNext(5 * MINUTE);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(said(test)).toMatchObject({ faults: [], points: [{ previous: '' }] });
    expect((await alertsNow(test.house)).map(({ key }) => key)).not.toContain('proof');
    stop.abort();
    await loop;
  });

  it('does not keep a house from opening or closing', async () => {
    const test = await openTestHouse();
    await test.sync(feed(crowd(5)));
    block(test);
    await test.restart();
    await test.sync(feed(crowd(6)));
    expect(test.idp.users.size).toBe(6);
  });

  it('keeps segments from being made, and nothing is removed', async () => {
    const test = await openTestHouse();
    await test.sync(feed(crowd(5)));
    test.clock.advance(200 * DAY_MS);
    mkdirSync(folderOf(test), { recursive: true });
    writeFileSync(join(folderOf(test), 'segments'), 'no folder');
    const { proof } = test.house;
    if (proof === null) throw new Error('the house proves its audit');
    const key = join(test.stateDir, 'audit.pem');
    const log = new ProofLog(folderOf(test), makeSigningKey(key));
    const house = Object.create(test.house, {
      proof: { value: { ...proof, log, segmentsDir: join(folderOf(test), 'segments') } },
    });
    const until = plusMs(nowOf(test.clock), -100 * DAY_MS);
    const why = { reason: 'kept for 100 days' };
    await expect(seal(house, { until, actor: 'daemon', why })).rejects.toMatchObject({
      faults: [{ code: 'audit.seal-unwritable' }],
    });
    expect((await test.house.store.audit.verify()).ok).toBe(true);
    expect(await test.house.store.segments()).toEqual([]);
  });
});
