import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { company, people } from '../support/cli.ts';

test('a daemon one of whose loops dies ends with an exit code instead of answering health for ever, and its log names nobody', async () => {
  const acme = await company();
  acme.feed(people(3));
  const daemon = acme.start('--log-level', 'debug', 'run', '--port', '0');
  const lines: string[] = [];
  daemon.child.stdout?.on('data', (text: Buffer) => lines.push(text.toString('utf8')));
  const { url } = JSON.parse(await daemon.line((line) => line.includes('rollcall runs')));
  await daemon.line((line) => line.includes('cycle finished'));
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const db = new Database(join(acme.state, 'rollcall.db'));
  db.exec('ALTER TABLE acts RENAME TO acts_gone');
  db.close();
  expect(await daemon.ended).not.toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  expect(lines.join('')).not.toMatch(/Number1|ada\.number|token-of-the-cli-tests/i);
});

test('what nobody waited for ends the process as well, and its stack quotes nobody', async () => {
  const acme = await company();
  acme.feed(people(3));
  const bug = `process.on("SIGUSR2", () => void Promise.reject(new Error('a bug met "Lovelace"')))`;
  acme.write('bug.mjs', bug);
  Object.assign(acme.env, { NODE_OPTIONS: `--import ${join(acme.dir, 'bug.mjs')}` });
  const daemon = acme.start('run', '--port', '0');
  let said = '';
  daemon.child.stderr?.on('data', (text: Buffer) => {
    said += text.toString('utf8');
  });
  await daemon.line((line) => line.includes('rollcall runs'));
  daemon.child.kill('SIGUSR2');
  expect(await daemon.ended).toBe(1);
  expect(said).toMatch(/^Error: a bug met "…"\n {4}at /m);
  expect(said).not.toContain('Lovelace');
});
