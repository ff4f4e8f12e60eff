// A disk that is nearly full: leavers go on with the room that a ballast has kept, everybody else waits until somebody makes room.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MINUTE_MS } from '../../src/base/instant.ts';
import { alertsNow } from '../../src/pipeline/alerts.ts';
import { lookAtDisk } from '../../src/pipeline/disk-watch.ts';
import { BALLAST_BYTES, hasBallast, makeBallast, releaseBallast } from '../../src/runtime/ballast.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { crowd, feed, openTestHouse } from '../support/house.ts';

const MEBIBYTE = 1024 * 1024;

/** A house on a disk that a test fills; the ballast counts. */
async function housed() {
  const disk = { freeWithoutBallast: 1_000 * MEBIBYTE, dir: '' };
  const house = await openTestHouse({
    diskRoom: async () => disk.freeWithoutBallast - ((await hasBallast(disk.dir)) ? BALLAST_BYTES : 0),
  });
  disk.dir = house.stateDir;
  await house.sync(feed(crowd(30)));
  await lookAtDisk(house.house);
  expect(await hasBallast(house.stateDir)).toBe(true);
  return { house, disk, codes: async () => (await house.house.store.alarms('acme')).map(({ code }) => code) };
}

describe('a disk that is nearly full', () => {
  test('keeps no leaver waiting, and everybody else until there is room', async () => {
    const { house, disk, codes } = await housed();
    house.deliver(
      feed(
        crowd(30, (index) => (index === 0 ? { status: 'T', end: '2026-11-20' } : index === 1 ? { title: 'Boss' } : {})),
      ),
    );
    await house.cycle();
    disk.freeWithoutBallast = BALLAST_BYTES + 10 * MEBIBYTE;
    await lookAtDisk(house.house);
    expect(await hasBallast(house.stateDir)).toBe(false);
    expect(await codes()).toEqual(['delivery.disk-full']);
    expect((await alertsNow(house.house))[0]).toMatchObject({ key: 'alarm:acme:delivery.disk-full', severity: 'page' });
    await house.settle(5 * MINUTE_MS);
    expect(await house.stage('1000')).toBe('left/settled');
    expect(house.idp.user('1000')?.active).toBe(false);
    expect(house.idp.user('1001')?.title).toBe('Clerk');
    house.deliver(feed(crowd(31, (index) => (index === 1 ? { title: 'Boss' } : {}))));
    expect(await house.cycle()).toMatchObject({ kind: 'notYet', reason: expect.stringContaining('nearly full') });
    // What somebody asks for at once needs little room.
    expect((await house.act('leave', { worker: '1002', connection: '' })).ok).toBe(true);
    await house.settle(5 * MINUTE_MS);
    expect(house.idp.user('1002')?.active).toBe(false);

    disk.freeWithoutBallast = 1_000 * MEBIBYTE;
    await lookAtDisk(house.house);
    expect(await codes()).toEqual([]);
    expect(await hasBallast(house.stateDir)).toBe(true);
    await house.sync();
    expect(house.idp.user('1001')?.title).toBe('Boss');
    expect(house.idp.user('1030')?.active).toBe(true);
  });

  test('is known to a start before it writes anything, and what the ballast left is for leavers then, too', async () => {
    const { house, disk } = await housed();
    disk.freeWithoutBallast = BALLAST_BYTES + 10 * MEBIBYTE;
    await house.restart();
    expect(await hasBallast(house.stateDir)).toBe(false);
    expect((await house.cycle()).kind).toBe('notYet');
    await house.restart();
    expect((await house.cycle()).kind).toBe('notYet');
    disk.freeWithoutBallast = 100 * MEBIBYTE;
    await house.restart();
    expect((await house.cycle()).kind).not.toBe('notYet');
  });

  test('is none while there is little room but enough', async () => {
    const { house, disk, codes } = await housed();
    disk.freeWithoutBallast = BALLAST_BYTES + 20 * MEBIBYTE;
    await lookAtDisk(house.house);
    expect(await hasBallast(house.stateDir)).toBe(true);
    expect(await codes()).toEqual([]);
    expect((await house.cycle()).kind).toBe('unchanged');
  });
});

test('a disk whose room nobody can tell, or a quota that leaves none for a ballast, stops nobody', async () => {
  const disk = { room: null as number | null };
  const warned: string[] = [];
  const log = { ...silentLog, warn: (_: object | string, text = '') => void warned.push(text) };
  const house = await openTestHouse({ diskRoom: async () => disk.room, log });
  await lookAtDisk(house.house);
  expect(await hasBallast(house.stateDir)).toBe(false);
  disk.room = 1_000 * MEBIBYTE;
  mkdirSync(join(house.stateDir, 'ballast.new', 'in the way'), { recursive: true });
  await lookAtDisk(house.house);
  await lookAtDisk(house.house);
  expect(warned).toEqual(['no ballast could be made in the state folder']);
  await house.sync(feed(crowd(3)));
  expect(house.idp.users.size).toBe(3);
});

describe('the ballast', () => {
  test('takes the room that it says, and gives all of it back', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rollcall-ballast-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    expect(await makeBallast(dir)).toBeNull();
    const { size, blocks } = statSync(join(dir, 'ballast'));
    expect(size).toBe(BALLAST_BYTES);
    expect(blocks * 512).toBeGreaterThanOrEqual(BALLAST_BYTES);
    await releaseBallast(dir);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('that cannot be made is said and leaves nothing behind', async () => {
    expect(await makeBallast(join(tmpdir(), 'nowhere', 'at all'))).toBe('ENOENT');
  });
});
