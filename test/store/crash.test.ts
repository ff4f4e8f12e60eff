import { describe, expect, it } from 'vitest';
import { startChild } from '../support/child.ts';
import { aChange, heldStore, NOON, tempFolder, WAYS } from '../support/store.ts';

const COMMITTING = new URL('committing-process.ts', import.meta.url);
const ACTING = new URL('acting-process.ts', import.meta.url);

describe.each(WAYS)('a process that commits %s', (_, mode) => {
  it('and is killed at any moment leaves every commit it had confirmed, none by half, and a whole chain', async () => {
    const dir = tempFolder();
    let confirmed = 0;
    for (const commits of [1, 7, 20]) {
      const child = startChild(COMMITTING, [dir, '3', mode]);
      await child.says();
      // A restarted child begins with names that are taken: conflicts are commits too.
      for (let heard = 0; heard < commits; heard += 1) {
        confirmed = Math.max(confirmed, ((await child.says()) as { durable: number }).durable);
      }
      await child.kill('SIGKILL');
      const { store } = await heldStore(dir);
      const { workers } = await store.population('acme');
      expect(workers).toBeGreaterThanOrEqual(confirmed);
      const depths = await store.queueDepths();
      expect(depths.reduce((sum, { operations }) => sum + operations, 0)).toBe(workers);
      expect(await store.audit.verify()).toMatchObject({ ok: true, entries: workers });
      await store.close();
    }
    expect(confirmed).toBeGreaterThanOrEqual(60);
  });

  it('and meets a full disk says that it does not know, refuses everything after, and loses nothing it had confirmed', async () => {
    const dir = tempFolder();
    // A limit on file size stands for the full disk: SIGXFSZ is ignored, so that writes fail as they would there.
    const child = startChild(
      COMMITTING,
      [dir, '3', mode],
      (command) => `trap '' XFSZ; ulimit -f 3000; exec ${command}`,
    );
    expect(await child.says()).toEqual({ open: true });
    let durable = 0;
    for (;;) {
      const said = (await child.says()) as { durable?: number; unknown?: string };
      if (said.durable === undefined) {
        expect(said).toEqual({ unknown: expect.stringMatching(/SQLITE_(FULL|IOERR)/), later: true, write: true });
        expect(await child.says()).toEqual({ closed: true });
        break;
      }
      durable = said.durable;
    }
    await child.kill('SIGKILL');
    const { store } = await heldStore(dir);
    const { workers } = await store.population('acme');
    expect(durable).toBeGreaterThan(0);
    expect(workers).toBeGreaterThanOrEqual(durable);
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: workers });
  });
});

describe.each(WAYS)('two writers, the daemon %s', (_, mode) => {
  it('a daemon that commits and a command that adds acts, do not disturb each other', async () => {
    const { dir, store } = await heldStore(undefined, mode);
    const command = startChild(ACTING, [dir, '25']);
    const exited = command.exited();
    const taken: number[] = [];
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    for (let count = 0; ; count += 1) {
      const wasOver = ended;
      await store.commit({ connection: 'acme', at: NOON, workers: [aChange(`w${count}`)] });
      const acts = await store.takeActs(5);
      taken.push(...acts.map(({ id }) => id));
      if (wasOver && acts.length === 0) break;
    }
    expect(await exited).toBe(0);
    expect(taken).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
    expect(await store.audit.verify()).toMatchObject({ ok: true });
  });
});
