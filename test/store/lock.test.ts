import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { acquireLock, lockHolder } from '../../src/store/store.ts';
import { startChild } from '../support/child.ts';
import { NOON, tempFolder } from '../support/store.ts';

const SCRIPT = new URL('lock-process.ts', import.meta.url);
const me = { pid: process.pid, host: 'here', command: 'vitest', since: NOON };

describe('the lock of a state folder', () => {
  it('keeps a second process out within a second and says who is in', async () => {
    const dir = tempFolder();
    const holder = startChild(SCRIPT, [dir]);
    expect(await holder.says()).toEqual({ locked: true });
    const began = performance.now();
    const second = acquireLock(dir, me);
    await expect(second).rejects.toMatchObject({
      faults: [
        {
          code: 'state.locked',
          message: expect.stringContaining(
            `process ${holder.pid} on hr-box (rollcall run) since 2026-11-22T12:00:00.000Z`,
          ),
        },
      ],
    });
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await lockHolder(dir)).toMatchObject({ pid: holder.pid, host: 'hr-box', since: NOON });
  });

  it('is free again when its holder was killed without warning', async () => {
    const dir = tempFolder();
    const holder = startChild(SCRIPT, [dir]);
    await holder.says();
    await holder.kill('SIGKILL');
    expect(await lockHolder(dir)).toBeNull();
    await using lock = await acquireLock(dir, me);
    expect(lock).toBeDefined();
    expect(await lockHolder(dir)).toEqual(me);
  });

  it('is free again when its holder releases it, and releasing works twice', async () => {
    const dir = tempFolder();
    const lock = await acquireLock(dir, me);
    const waiting = startChild(SCRIPT, [dir]);
    expect(await waiting.says()).toMatchObject({ problem: 'state.locked' });
    await lock.release();
    await lock.release();
    expect(await lockHolder(dir)).toBeNull();
    const next = startChild(SCRIPT, [dir]);
    expect(await next.says()).toEqual({ locked: true });
    next.tell('release');
    expect(await next.says()).toEqual({ released: true });
    expect(await lockHolder(dir)).toBeNull();
  });

  it('has one holder when several processes start at the same moment, and all of them name that one', async () => {
    const dir = tempFolder();
    const children = Array.from({ length: 4 }, (_, index) => startChild(SCRIPT, [dir, `daemon ${index}`]));
    const said = (await Promise.all(children.map((child) => child.says()))) as { locked?: true; problem?: string }[];
    expect(said.filter(({ locked }) => locked === true)).toHaveLength(1);
    expect(said.filter(({ problem }) => problem === 'state.locked')).toHaveLength(3);
    const winner = children[said.findIndex(({ locked }) => locked === true)];
    expect(await lockHolder(dir)).toMatchObject({ pid: winner?.pid });
  });

  it('of somebody who is just writing their name is neither free nor a raw error', async () => {
    const dir = tempFolder();
    await (await acquireLock(dir, me)).release();
    const starting = new BetterSqlite3(join(dir, 'lock.db'));
    starting.exec('BEGIN EXCLUSIVE');
    expect(await lockHolder(dir)).toBeNull();
    await expect(acquireLock(dir, me)).rejects.toMatchObject({
      faults: [{ code: 'state.locked', message: expect.stringContaining('another process that is just starting') }],
    });
    starting.close();
  });

  it('of a folder that does not exist yet is free, and asking about it makes nothing', async () => {
    expect(await lockHolder('/nonexistent/state')).toBeNull();
  });
});
