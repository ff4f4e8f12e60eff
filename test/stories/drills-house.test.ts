// Drills (see drills.test.ts): people, secrets, clocks, disks and processes.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { instantOfMs } from '../../src/base/instant.ts';
import { runCli } from '../support/cli.ts';
import { EMERGENCY_SECRET, HOOK_ENVIRONMENT, HOOKS, hmacHex } from '../support/hooks.ts';
import { crowd, mappingText } from '../support/house.ts';
import { changed, drill } from '../support/on-call.ts';

const STAFF = crowd(40);
const DAY = 86_400_000;

describe('drill, the house:', () => {
  test('an emergency leave that is lifted', async () => {
    const company = await drill({ people: STAFF });
    await company.callsAbout('1003');
    await company.types(/^rollcall leave 1003 /);
    expect(company.idp.user('1003')?.active).toBe(false);
    await company.passes();
    await company.callsAbout('1003');
    await company.types(/^rollcall lift 1003 /);
    await company.isOver();
  });

  test('a stolen webhook secret', async () => {
    const mapping = mappingText() + HOOKS;
    const company = await drill({ people: STAFF, mapping, env: HOOK_ENVIRONMENT });
    const first = await company.daemon();
    const forge = (url: string, id: string, secret: string): Promise<number> => {
      const body = JSON.stringify({ id });
      const headers = { 'content-type': 'application/json', 'x-signature': hmacHex(secret, body) };
      return company.within(
        fetch(`${url}/hooks/acme-emergency`, { method: 'POST', body, headers }).then(({ status }) => status),
      );
    };
    for (const id of ['1001', '1002', '1003', '1004', '1005'])
      expect(await forge(first.url, id, EMERGENCY_SECRET)).toBe(202);
    await company.hours(0.2);
    await company.statusSays('is held: too many in an hour');
    const fresh = 'a-fresh-emergency-secret-of-acme';
    company.byHand(/put a new one first in verify.secrets/, () => {
      company.env.EMERGENCY_SECRET_2 = fresh;
      const both = 'secrets: ["${env:EMERGENCY_SECRET_2}", "${env:EMERGENCY_SECRET}"]';
      company.write('mappings/acme.yaml', mapping.replace('secrets: ["${env:EMERGENCY_SECRET}"]', both));
    });
    await first.stop();
    const second = await company.daemon();
    // The genuine sender, with the old secret and then with the new one.
    expect(await forge(second.url, '1010', EMERGENCY_SECRET)).toBe(202);
    expect(await forge(second.url, '1010', fresh)).toBe(202);
    company.byHand(/take the old one out/, () =>
      company.write('mappings/acme.yaml', mapping.replace('${env:EMERGENCY_SECRET}', '${env:EMERGENCY_SECRET_2}')),
    );
    await second.stop();
    const third = await company.daemon();
    expect(await forge(third.url, '1011', EMERGENCY_SECRET)).toBe(401);
    await company.status();
    await company.types(/^rollcall leave 1010 /);
    await company.status();
    await company.types(/^rollcall holds [0-9a-f]+$/);
    await company.types(/^rollcall discard [0-9a-f]+ /);
    const tail = await company.types(/^rollcall audit tail --kind decision/);
    expect([...tail.stdout.matchAll(/decision +(\d+) +webhook:/g)].map(([, id]) => id)).toEqual([
      '1001',
      '1002',
      '1003',
    ]);
    for (const id of ['1001', '1002', '1003']) await company.types(/^rollcall lift ID /, { ID: id });
    await company.hours(30);
    await company.isOver({ emergency: ['1010'] });
  });

  test('a forward jump of the clock', async () => {
    const people = changed(STAFF, '1003', { end: '2026-12-10' });
    const real = Date.parse('2026-11-23T11:00:30Z');
    const company = await drill({ people, idp: { time: () => real } });
    company.clock.advance(40 * DAY);
    await company.passes();
    expect((await company.status()).stdout).toContain('THE CLOCK JUMPED AHEAD by 40 days');
    expect(company.idp.user('1003')?.active).toBe(true);
    expect((await company.callsAbout('1003')).stdout).toContain('what is due by date waits until a target agrees');
    company.byHand(/set the clock right/, () => company.clock.set('2026-11-23T11:05:00.000Z' as never));
    await company.isOver();
  });

  test('a jump of the clock that is right', async () => {
    const people = changed(STAFF, '1003', { end: '2026-12-10' });
    const company = await drill({ people, idp: { time: () => null } });
    company.clock.advance(40 * DAY);
    await company.passes();
    await company.status();
    expect(company.idp.user('1003')?.active).toBe(true);
    await company.types(/^rollcall approve clock /);
    company.hrDelivers(people);
    await company.isOver();
    expect(company.idp.user('1003')?.active).toBe(false);
  });

  test('a second daemon', async () => {
    const company = await drill({ people: STAFF });
    const daemon = await company.daemon();
    const second = await company.within(runCli(['run', '--port', '0'], company.env, { clock: company.clock }));
    expect(second.code).toBe(2);
    expect(second.stderr).toContain('is in use by process');
    expect(second.stderr).toContain('stop that process first');
    expect((await company.status()).stdout).toContain('run runs since');
    expect(await daemon.stop()).toBe(0);
    const third = await company.daemon();
    company.hrDelivers([...STAFF, { id: '2000' }]);
    await company.passes();
    await company.isOver();
    expect(await third.stop()).toBe(0);
  });

  test.each([
    ['connection', 'connection: acme', 'connection: other', /bring the file back under its name/],
    ['target', 'name: idp', 'name: other', /bring the target back under its name/],
  ])('a renamed %s', async (_, from, to, hint) => {
    const company = await drill({ people: STAFF });
    company.write('mappings/acme.yaml', mappingText({ [from]: to }));
    const requests = company.idp.log.length;
    expect((await company.passes()).code).toBe(2);
    expect(company.idp.log).toHaveLength(requests);
    company.byHand(hint, () => company.write('mappings/acme.yaml', mappingText()));
    company.hrDelivers(changed(STAFF, '1003', { title: 'Lead' }));
    await company.isOver();
  });

  test('a leaver whom somebody else enables', async () => {
    const company = await drill({ people: STAFF });
    await company.daemon();
    company.hrDelivers(changed(STAFF, '1003', { status: 'T', end: '2026-11-22' }));
    await company.passes();
    await company.hours(30);
    const account = company.idp.user('1003');
    expect(account?.active).toBe(false);
    company.idp.users.set(String(account?.id), { ...account, active: true });
    for (
      let looks = 0;
      looks < 60 && !/worker 1003, who has left, is active at idp/.test(company.printed());
      looks += 1
    ) {
      await company.hours(0.5);
      await company.status();
    }
    expect(company.printed()).toContain('ALARM acme: the account of worker 1003, who has left, is active at idp');
    expect(company.idp.user('1003')?.active).toBe(false);
    await company.callsAbout('1003');
    company.byHand(/find out who or what enables it/, () => undefined);
    await company.hours(2);
    await company.isOver();
  });

  test('disk full', async () => {
    const company = await drill({ people: crowd(400), now: instantOfMs(Date.now()), begun: false });
    const full = await fullDisk(['sync'], company.env);
    expect(full.code).toBe(1);
    expect(full.stderr).not.toMatch(/^ {4}at /m);
    company.reads(full.stderr);
    company.byHand(
      /the disk of the state folder may be full or failing: look at it, then start again/,
      () => undefined,
    );
    await company.status();
    await company.isOver();
    expect(company.idp.users.size).toBe(400);
  });

  test('a lost signing key', async () => {
    const company = await drill({ people: STAFF, begun: false });
    const key = join(company.dir, 'audit-key.pem');
    const keep = (name: string): void => company.write(name, lastPublicKey(company.printed()));
    company.env.ROLLCALL_AUDIT_KEY = key;
    expect((await company.passes()).code).toBe(2);
    await company.types(/^rollcall audit key FILE/, { FILE: key });
    company.byHand(/Auditors check signatures with this public key/, () => keep('first.pem'));
    expect((await company.passes()).code).toBe(0);
    rmSync(key);
    expect((await company.passes()).code).toBe(2);
    await company.types(/^rollcall audit key FILE/, { FILE: key });
    company.byHand(/Auditors check signatures with this public key/, () => keep('second.pem'));
    company.hrDelivers(changed(STAFF, '1003', { title: 'Lead' }));
    const publicKeys = ['first.pem', 'second.pem'].map((name) => join(company.dir, name));
    await company.isOver({ publicKeys });
    const alone = await runCli(['audit', 'verify', '--public-key', publicKeys[1] ?? ''], company.env);
    expect(alone.code, 'one key alone does not do').toBe(1);
  });
});

/** A process whose files may not grow any more after 300 KiB, as on a disk without room. */
function fullDisk(args: readonly string[], env: Readonly<Record<string, string>>) {
  const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
  const line = `trap '' XFSZ; ulimit -f 300; exec '${process.execPath}' '${main}' ${args.join(' ')}`;
  const child = spawn('bash', ['-c', line], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, stderr }));
  });
}

const lastPublicKey = (printed: string): string =>
  printed.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g)?.at(-1) ?? '';
