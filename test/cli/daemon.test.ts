import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, test } from 'vitest';
import { type Clock, nowOf, systemClock } from '../../src/runtime/clock.ts';
import { acquireLock } from '../../src/store/store.ts';
import { company, people, type RunningCli, runChild, runCli } from '../support/cli.ts';

const fields = (line: string): { msg?: string; url?: string; result?: string } => JSON.parse(line);
const message = (wanted: string) => (line: string) => fields(line).msg === wanted;

test('the daemon runs, answers health, carries out acts of other processes, and stops in order', async () => {
  const acme = await company();
  acme.feed(people(5));
  const daemon = acme.start('run', '--port', '0');
  const { url } = fields(await daemon.line(message('rollcall runs')));
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  await daemon.line(message('cycle finished'));
  await acme.idp.arrival(({ method, body }) => method === 'POST' && body.includes('"externalId":"5"'));

  const second = await acme.child('run', '--port', '0');
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(`is in use by process ${daemon.child.pid} on`);

  const pilot = await acme.cli('sync', '--worker', '3');
  expect(pilot.code).toBe(2);
  expect(pilot.stderr).toContain('a pilot needs it for itself');

  const left = await acme.child('leave', '3', '--reason', 'walked out');
  expect(left).toMatchObject({ code: 0, stderr: '' });
  expect(left.stdout).toContain('idp: confirmed, the account is inactive');
  expect(acme.idp.user('3')?.active).toBe(false);

  const status = await acme.cli('status', '--json');
  expect(status.json.daemon).toMatchObject({ pid: daemon.child.pid, command: 'run' });
  expect(status.json.connections[0].stages).toEqual({ active: 4, left: 1 });

  acme.feed([...people(5), { id: '6', family: 'Joins' }]);
  const synced = await acme.cli('sync', '--json');
  expect(synced.code).toBe(0);
  expect(acme.idp.user('6')?.active).toBe(true);

  expect(await daemon.stop()).toBe(0);
  expect((await acme.cli('audit', 'verify')).stdout).toMatch(/^\d+ entries verified; head [0-9a-f]{64}\n/);
});

test('whoever must go out now need not wait for a long sync of joiners to end', async () => {
  const acme = await company();
  acme.feed(people(40));
  await acme.cli('sync', '--limit', '5');
  expect(acme.idp.users.size).toBe(5);
  let goOn = (): void => {};
  const until = new Promise<void>((done) => {
    goOn = done;
  });
  acme.idp.behaviours.add({ method: 'POST', act: { kind: 'hold', until } });
  const syncing = acme.start('sync');
  await acme.idp.arrival(({ method, body }) => method === 'POST' && body.includes('"externalId":"6"'));
  const left = await acme.cli('leave', '3', '--reason', 'walked out');
  expect(left).toMatchObject({ code: 0, stderr: '' });
  expect(left.stdout).toContain('idp: confirmed, the account is inactive');
  expect(acme.idp.user('3')?.active).toBe(false);
  goOn();
  expect(await syncing.ended).toBe(0);
  expect(acme.idp.users.size).toBe(40);
});

test.each([['leave', '3', '--reason', 'walked out'], ['sync']])(
  '%s meets a daemon that is just starting, and asks it as soon as it says who it is',
  async (...command) => {
    const acme = await company();
    acme.feed(people(5));
    await acme.cli('sync');
    acme.feed(people(6));
    // As the starting daemon has it: nobody can read whose it is.
    const starting = new BetterSqlite3(join(acme.state, 'lock.db'));
    starting.exec('BEGIN EXCLUSIVE');
    let daemon: RunningCli | null = null;
    const clock: Clock = {
      nowMs: systemClock.nowMs,
      wait: async (ms, signal) => {
        if (daemon === null) {
          starting.close();
          daemon = acme.start('run', '--port', '0');
          await daemon.line(message('rollcall runs'));
        }
        await systemClock.wait(ms, signal);
      },
    };
    expect(await runCli(command, acme.env, { clock })).toMatchObject({ code: 0, stderr: '' });
    expect(daemon).not.toBeNull();
  },
);

test('an act waits for a daemon that has not opened its database yet', async () => {
  const acme = await company();
  acme.feed(people(3));
  const since = nowOf(systemClock);
  const lock = await acquireLock(acme.state, { pid: process.pid, host: 'here', command: 'run', since });
  let daemon: RunningCli | null = null;
  const clock: Clock = {
    nowMs: systemClock.nowMs,
    wait: async (ms, signal) => {
      if (daemon === null) {
        await lock.release();
        daemon = acme.start('run', '--port', '0');
        await daemon.line(message('rollcall runs'));
      }
      await systemClock.wait(ms, signal);
    },
  };
  const stopped = await runCli(['stop-writes', '--reason', 'wait'], acme.env, { clock });
  expect(stopped).toMatchObject({ code: 0, stderr: '' });
});

test('what a person has to put right is found before anything runs, and exits 2', async () => {
  const acme = await company();
  acme.write('alerts.yaml', 'nope: [');
  acme.write('garbage.pem', 'garbage');
  const garbage = join(acme.dir, 'garbage.pem');
  const none = join(acme.dir, 'none.yaml');
  const faults: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ ROLLCALL_ALERTS: join(acme.dir, 'alerts.yaml') }, /^rollcall: .*alerts\.yaml:\d+:\d+: not valid YAML/m],
    [{ ROLLCALL_ALERTS: none }, /^rollcall: the file .*none\.yaml of ROLLCALL_ALERTS cannot be read$/m],
    [
      { ROLLCALL_HTTP_TLS_CERT: garbage, ROLLCALL_HTTP_TLS_KEY: garbage },
      /^rollcall: .* are no certificate and its key/m,
    ],
  ];
  for (const [environment, words] of faults) {
    const run = await runChild(['run', '--port', '0'], { ...acme.env, ...environment });
    expect(run.stderr).toMatch(words);
    expect([run.code, run.stderr.includes('    at ')]).toEqual([2, false]);
  }
  writeFileSync(join(acme.state, 'lock.db'), 'hello'.repeat(5_000));
  for (const args of [['run', '--port', '0'], ['status'], ['leave', '2', '--reason', 'x', '--as', 'Olga']]) {
    const run = await runChild(args, acme.env);
    expect(run.stderr, args.join(' ')).toMatch(/^rollcall: lock\.db in the state folder is no lock – .+\n$/);
    expect(run.code).toBe(2);
  }
});
