// Over two hundred planted names, addresses, tokens and secrets: they stand in no log, metric, error, alert, export, argument or crash,
// and the secrets nowhere at all.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { hmacHex } from '../support/hooks.ts';
import { plantedCompany } from '../support/planted-company.ts';

/** Meant for people who may see whom it is about: they show names, and what a target said of somebody in its own words. */
const SHOW_PEOPLE = [
  ['worker', '105'],
  ['explain', '105', '--values'],
  ['plan', 'acme', '--requests'],
  ['holds'],
  ['failed', '--list'],
  ['status'],
  ['replay', '--all', '--preview'],
  ['audit', 'export', '--personal'],
] as const;
/** Everything else: with and without `--json`, at the most talkative level of the log. */
const SHOW_NOBODY = [
  ['status', '--rejections'],
  ['validate'],
  ['validate', '--probe'],
  ['audit', 'tail', '--limit', '500'],
  ['audit', 'export'],
  ['audit', 'export', '--format', 'csv'],
  ['audit', 'verify'],
  ['audit', 'report', 'leavers', '--from', '2020-01-01', '--to', '2030-01-01'],
  ['audit', 'report', 'joiners', '--from', '2020-01-01', '--to', '2030-01-01', '--csv'],
  ['reconcile', '--as', 'Olga', '--connection', 'acme'],
  ['leave', '111', '--as', 'Olga', '--reason', 'a story'],
  ['leave', 'nobody', '--as', 'Olga', '--reason', 'a story'],
  ['machine'],
  ['version'],
] as const;

test('more than 200 planted names, addresses, tokens and secrets appear nowhere but where people ask for them', async () => {
  const { acme, garden, secrets, heard, feed, stranger, passwords } = await plantedCompany();
  const channels = new Map<string, string>();
  const keep = (channel: string, text: string): void =>
    void channels.set(channel, (channels.get(channel) ?? '') + text);
  feed('good');
  let url = '';
  const started = async () => {
    const daemon = acme.start('--log-level', 'trace', 'run', '--port', '0');
    for (const stream of ['stdout', 'stderr'] as const)
      daemon.child[stream]?.on('data', (text: Buffer) => keep(`${stream} of the daemon`, text.toString('utf8')));
    url = (JSON.parse(await daemon.line((line) => line.includes('rollcall runs'))) as { url: string }).url;
    keep('arguments', readFileSync(`/proc/${daemon.child.pid}/cmdline`, 'utf8'));
    return daemon;
  };
  const first = await started();
  const get = async (path: string, token?: string): Promise<string> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}${path}`, { headers });
    return `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
  };
  /** Asks until it is so; a daemon that never comes to it ends with the test. */
  const until = async (path: string, fits: (json: string) => boolean): Promise<void> => {
    while (!fits(await get(path, secrets.read))) await new Promise(setImmediate);
  };
  await until('/api/status', (json) => json.includes('"state":"failed"'));
  await until('/api/audit?limit=1000&kind=cycle', (json) => json.includes('"beta"') && json.includes('"gamma"'));

  // A bad day: faulty rows, events that are true, false, garbled and unsigned.
  feed('bad');
  await until('/api/status', (json) => /"rejections":[1-9]/.test(json));
  const post = async (path: string, body: string, secret: string | null): Promise<void> => {
    const signature = secret === null ? (garden.all[5]?.value ?? '') : hmacHex(secret, body);
    const headers = { 'content-type': 'application/json', 'x-signature': signature };
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body });
    keep('answers to webhooks', `${answer.status} ${await answer.text()}`);
  };
  const at = new Date().toISOString();
  const record = { ...stranger('500') };
  await post('/hooks/records', JSON.stringify({ at, record }), secrets.record);
  await post(
    '/hooks/records',
    JSON.stringify({ at, record: { ...stranger('501'), Start: stranger('501').Family } }),
    secrets.record,
  );
  await post('/hooks/records', `{"record": ${stranger('501').Family}`, secrets.record);
  await post('/hooks/records', JSON.stringify({ at, record }), null);
  await post('/hooks/emergency', JSON.stringify({ id: '112' }), secrets.emergency);
  await post('/hooks/emergency', JSON.stringify({ id: '999', name: stranger('501').Family }), secrets.emergency);
  await until('/api/workers/500', (json) => json.startsWith('200'));
  await until('/api/workers/112', (json) => json.includes('"stage":"left"'));
  await until('/api/status', (json) => /"rejected":[1-9]/.test(json));

  for (const path of ['/healthz', '/readyz', '/metrics', '/api/status', '/hooks/records', '/nothing'])
    for (const token of [undefined, secrets.http, 'a-token-that-nobody-has-given'])
      if (!(path === '/api/status' && token === secrets.read)) keep(`GET ${path}`, await get(path, token));
  expect(channels.get('GET /metrics')).toContain('rollcall_queue_operations');

  const shown = new Map<string, string>();
  Object.assign(acme.env, { ROLLCALL_LOG_LEVEL: 'trace' });
  for (const [into, lines] of [
    [channels, SHOW_NOBODY],
    [shown, SHOW_PEOPLE],
  ] as const) {
    for (const line of lines)
      for (const more of [[], ['--json']]) {
        const { stdout, stderr } = await acme.cli(...line, ...more);
        const name = ['rollcall', ...line, ...more].join(' ');
        into.set(name, stdout);
        // What is meant for people stands on stdout; a log never is.
        channels.set(`${name} (stderr)`, stderr);
      }
  }

  // Whoever starts says at once what is wrong.
  expect(await first.stop()).toBe(0);
  const daemon = await started();
  while (!heard.some(({ path }) => path === '/alerts')) await new Promise(setImmediate);

  // The daemon meets a row that is no JSON any more, and then a database that is not the one it opened.
  const db = new Database(join(acme.state, 'rollcall.db'));
  db.pragma('ignore_check_constraints = ON');
  // JavaScript quotes some ten characters of what it cannot read.
  const name = garden.add('a short name', 'Zqbxkvwj', false);
  db.prepare(
    `UPDATE employments SET body = ? WHERE worker_id IN (SELECT id FROM workers WHERE key IN ('113', '114'))`,
  ).run(`${name} is no JSON`);
  await post('/hooks/emergency', JSON.stringify({ id: '113' }), secrets.emergency);
  await daemon.line((line) => line.includes('webhook event met a bug'));
  const crash: unknown = await acme.child('worker', '114').catch((error: unknown) => error);
  expect(crash, 'a crash leaves a stack').toBeInstanceOf(Error);
  expect((crash as Error).message).toMatch(/SyntaxError: .*"…".*JSON[\s\S]*\n {4}at /);
  channels.set('the stack of a command that crashed', (crash as Error).message);
  db.exec('ALTER TABLE acts RENAME TO acts_gone');
  db.close();
  expect(await daemon.ended).not.toBe(0);
  expect(channels.get('stderr of the daemon')).toMatch(/no such table[\s\S]*\n {4}at /);

  const alerts = heard.filter(({ path }) => path === '/alerts');
  channels.set('alerts', JSON.stringify(alerts));
  const files = readdirSync(acme.state, { recursive: true, encoding: 'utf8' })
    .map((file) => join(acme.state, file))
    .filter((file) => statSync(file).isFile());
  const database = files.filter((file) => /rollcall\.db(?:-wal|-shm)?$/.test(file));
  expect(database.length).toBeGreaterThan(0);
  for (const file of files.filter((one) => !database.includes(one))) channels.set(file, readFileSync(file, 'latin1'));
  for (const file of database) shown.set(file, readFileSync(file, 'latin1'));

  for (const password of passwords()) garden.add('a generated password', password, true);
  expect(passwords().length).toBeGreaterThan(20);
  expect(garden.all.length).toBeGreaterThan(250);
  const found = (where: ReadonlyMap<string, string>, secretsOnly: boolean): readonly string[] =>
    [...where].flatMap(([channel, text]) =>
      garden.foundIn(text, ({ secret }) => secret || !secretsOnly).map((what) => `${what} in ${channel}`),
    );
  expect(found(channels, false)).toEqual([]);
  expect(found(shown, true)).toEqual([]);
  // Nothing would be found either where nothing is said, or where the search is blind.
  for (const [channel, text] of shown)
    if (!channel.endsWith('.db-shm')) expect(text.length, channel).toBeGreaterThan(20);
  expect(garden.foundIn([...shown.values()].join('\n')).length).toBeGreaterThan(100);
  expect(garden.foundIn(heard.map(({ headers, body }) => JSON.stringify(headers) + body).join('\n'))).toEqual(
    expect.arrayContaining(['token of the HR interface', 'client secret']),
  );
}, 180_000);
