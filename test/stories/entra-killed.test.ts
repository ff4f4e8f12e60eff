// The process dies by SIGKILL after Entra has taken an upload and before anybody wrote down that it did: the next one sends it once
// more, which changes nothing there, and confirms it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { instantOfMs } from '../../src/base/instant.ts';
import { readConfig } from '../../src/config.ts';
import { openHouse } from '../../src/daemon.ts';
import { startDispatch } from '../../src/pipeline/dispatch.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { startFakeEntra } from '../support/fake-entra.ts';
import { heldClock } from '../support/held-clock.ts';
import { crowd, feed } from '../support/house.ts';
import { mappingText } from '../support/mapping-text.ts';
import { entraYaml } from '../support/stage-entra.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const PEOPLE = 30;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('a process that is killed between upload and confirmation loses nobody, and makes nobody twice', async () => {
  let now = Date.now;
  const entra = await startFakeEntra({ now: () => now(), processAfterMs: 0 });
  const root = mkdtempSync(join(tmpdir(), 'rollcall-killed-'));
  const [mappings, state] = [join(root, 'mappings'), join(root, 'state')];
  onTestFinished(async () => {
    await entra.close();
    rmSync(root, { recursive: true, force: true });
  });
  mkdirSync(mappings);
  const text = mappingText();
  writeFileSync(join(mappings, 'acme.yaml'), `${text.slice(0, text.indexOf('  - name: idp'))}${entraYaml()}`);
  writeFileSync(join(mappings, 'workers.csv'), feed(crowd(PEOPLE)));
  const environment = { ENTRA_UPLOAD: entra.uploadUrl, ENTRA_TOKEN: entra.tokenUrl, ENTRA_SECRET: 'app-secret' };

  const child = spawn(process.execPath, ['--no-warnings', MAIN, 'sync', '--mappings', mappings, '--state', state], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ...environment },
  });
  const ended = once(child, 'exit');
  entra.onRequest = ({ path }) => {
    if (path.endsWith('/bulkUpload')) child.kill('SIGKILL');
    return undefined;
  };
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  entra.onRequest = null;
  expect(entra.directory.taken).toHaveLength(PEOPLE);

  const clock = heldClock(instantOfMs(Date.now() + 5_000));
  now = clock.nowMs;
  const config = readConfig(environment, { mappings, state, logLevel: 'silent' });
  await using house = await openHouse({
    config,
    clock,
    random: () => 0.5,
    log: silentLog,
    mode: 'write',
    watchClock: false,
    command: 'test',
  });
  const left = async (): Promise<number> =>
    (await house.store.queueDepths())
      .filter(({ state: one }) => one === 'queued' || one === 'sending' || one === 'accepted')
      .reduce((sum, { operations }) => sum + operations, 0);
  expect(await left()).toBe(PEOPLE);
  const stop = new AbortController();
  const dispatch = startDispatch(house, stop.signal);
  for (let steps = 0; steps < 1_000 && (await left()) > 0; steps += 1) {
    for (let turns = 0; turns < 20; turns += 1) {
      await nextTurn();
      if (entra.open() > 0) turns = 0;
    }
    clock.advance(5_000);
  }
  stop.abort();
  await dispatch.stopped;
  expect(await left()).toBe(0);
  expect(entra.directory.users.size).toBe(PEOPLE);
  expect(entra.directory.taken).toHaveLength(2 * PEOPLE);
  expect(new Set(entra.directory.writes.values())).toEqual(new Set([1]));
  expect(entra.uploads()).toHaveLength(2);
  // Both calls count against the day's, although nobody survived the first.
  expect(JSON.stringify(await house.store.setting('target.idp'))).toMatch(
    /"slots":\{"\d+":2\}|"slots":\{"\d+":1,"\d+":1\}/,
  );
  expect((await house.store.audit.verify()).ok).toBe(true);
});
