import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, test } from 'vitest';
import { nowOf, systemClock } from '../../src/runtime/clock.ts';
import { acquireLock } from '../../src/store/lock.ts';
import { company, people } from '../support/cli.ts';

const signed = ['--reason', 'found at the wrong desk'];

test('leave disables within seconds without a daemon, says what the target confirmed, and lift gives access back', async () => {
  const acme = await company();
  acme.feed(people(5));
  await acme.cli('sync');
  const left = await acme.cli('leave', '2', ...signed);
  expect(left).toMatchObject({ code: 0, stderr: '' });
  expect(left.stdout).toMatch(
    /^worker 2: active → left, \d+ operation\(s\) on the way\n {2}idp: confirmed, the account is inactive\n$/,
  );
  expect(acme.idp.user('2')?.active).toBe(false);
  const worker = await acme.cli('worker', '2');
  expect(worker.stdout).toContain('an emergency leave stands until somebody lifts it');
  expect(worker.stdout).toContain('leave: found at the wrong desk');

  const synced = await acme.cli('sync');
  expect(synced.code).toBe(0);
  expect(acme.idp.user('2')?.active).toBe(false);

  const lifted = await acme.cli('lift', '2', '--json', ...signed);
  expect(lifted.json).toMatchObject({ ok: true, act: 'lift' });
  expect((await acme.cli('sync')).code).toBe(0);
  expect(acme.idp.user('2')?.active).toBe(true);
});

test('an act whose holder ends before it has taken it up is carried out here, and confirmed', async () => {
  const acme = await company();
  acme.feed(people(3));
  await acme.cli('sync');
  const holder = { pid: process.pid, host: 'here', command: 'sync', since: nowOf(systemClock) };
  const lock = await acquireLock(acme.state, holder);
  const leave = acme.cli('leave', '2', ...signed);
  const store = new BetterSqlite3(join(acme.state, 'rollcall.db'), { readonly: true });
  const waits = store.prepare('SELECT 1 FROM acts WHERE finished_at IS NULL');
  await expect.poll(() => waits.get(), { timeout: 20_000, interval: 10 }).toBeDefined();
  const status = await acme.cli('status');
  expect(status.stdout).toMatch(
    /\n1 act\(s\) not done yet, the oldest asked for just now: process \d+ \(sync\) is to do them\n/,
  );
  expect((await acme.cli('status', '--json')).json.openActs).toMatchObject({ count: 1 });
  await lock.release();
  const left = await leave;
  expect(left).toMatchObject({ code: 0, stderr: '' });
  expect(left.stdout).toContain('idp: confirmed, the account is inactive');
  expect(acme.idp.user('2')?.active).toBe(false);
  expect(waits.get()).toBeUndefined();
  store.close();
});

test('a leave that the target does not confirm exits 1 and says so', async () => {
  const acme = await company();
  acme.feed(people(3));
  await acme.cli('sync');
  acme.idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 503 } });
  const { code, json } = await acme.cli('leave', '2', '--wait', '1', '--json', ...signed);
  expect(code).toBe(1);
  expect(json).toMatchObject({ ok: true, confirmed: false, targets: [{ target: 'idp', confirmed: false }] });
  const status = await acme.cli('status', '--check');
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/^LEAVERS NOT CONFIRMED\nWORKER +TARGET/);
});

test('an act without a name or a reason is a usage error and does nothing', async () => {
  const acme = await company();
  acme.feed(people(2));
  await acme.cli('sync');
  expect((await acme.cli('leave', '2')).code).toBe(2);
  const nobody = await acme.cli('leave', '2', '--reason', 'why', '--as', ' ', '--json');
  expect(nobody.code).toBe(2);
  expect(nobody.json.error).toMatchObject([{ code: 'act.unsigned' }]);
  const unknown = await acme.cli('leave', '02', ...signed);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/^rollcall: no worker 02 – .+\n$/);
  expect(acme.idp.user('2')?.active).toBe(true);
});

test('writes can be stopped while a connection file is broken, and status shows the stop first', async () => {
  const acme = await company();
  acme.write('mappings/acme.yaml', 'connection: [');
  const stopped = await acme.cli('stop-writes', '--except-leavers', ...signed);
  expect(stopped).toMatchObject({ code: 0, stderr: '' });
  const status = await acme.cli('status');
  expect(status.code).toBe(0);
  expect(status.stdout).toMatch(
    /^WRITES STOPPED to every target \(leavers excepted\) by Olga just now: found at the wrong desk\n/,
  );
  expect((await acme.cli('status', '--json')).json.stops).toMatchObject({ '*': { by: 'Olga', exceptLeavers: true } });
});

test('one target can be stopped while its connection file is broken, by the name that its accounts are kept under', async () => {
  const acme = await company();
  acme.feed(people(3));
  await acme.cli('sync');
  acme.write('mappings/acme.yaml', 'connection: [');
  const typo = await acme.cli('stop-writes', '--target', 'ipd', ...signed);
  expect(typo).toMatchObject({ code: 2, stdout: '' });
  expect(typo.stderr).toContain('there is no target named ipd: nothing was changed – targets are idp');
  expect(await acme.cli('stop-writes', '--target', 'idp', ...signed)).toMatchObject({ code: 0, stderr: '' });
  expect((await acme.cli('status')).stdout).toContain('rollcall resume-writes --target idp --reason');
  expect(await acme.cli('resume-writes', '--target', 'idp', ...signed)).toMatchObject({ code: 0 });
});

test('a discarded hold stays visible and is nobody’s alarm any more', async () => {
  const acme = await company({ users: [{ userName: 'somebody@example.com', externalId: '2', active: true }] });
  acme.feed(people(3));
  const held = await acme.cli('sync', '--json');
  expect(held.code).toBe(3);
  const digest: string = held.json.holds[0].digest;
  const wrong = await acme.cli('discard', 'ffffffffffff', ...signed);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain(digest.slice(0, 12));
  expect((await acme.cli('discard', digest.slice(0, 8), ...signed)).code).toBe(0);
  const holds = await acme.cli('holds', '--json');
  expect(holds.json.holds).toMatchObject([{ digest, discardedBy: 'Olga' }]);
  expect((await acme.cli('sync')).code).toBe(0);
});

test('a leave works with --connection while a file of another connection is broken', async () => {
  const acme = await company();
  acme.feed(people(3));
  await acme.cli('sync');
  acme.write('mappings/other.yaml', 'connection: other\nnonsense: true\n');
  const refused = await acme.cli('leave', '2', '--reason', 'now');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/other\.yaml/);
  expect(await acme.cli('leave', '2', '--reason', 'now', '--connection', 'acme')).toMatchObject({ code: 0 });
  expect(acme.idp.user('2')?.active).toBe(false);
});
