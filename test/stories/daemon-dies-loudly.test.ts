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
