// The real daemon as a child process: what it said 202 to is carried out, whatever kills it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { company, day, people } from '../support/cli.ts';
import { EMERGENCY_SECRET, HOOK_ENVIRONMENT, HOOKS, hmacHex, RECORD_SECRET } from '../support/hooks.ts';

const fields = (line: string): { msg?: string; url?: string } => JSON.parse(line);
const message = (wanted: string) => (line: string) => fields(line).msg === wanted;

test('events that were answered 202 right before the daemon was killed are carried out by the next one, once', async () => {
  const acme = await company();
  acme.write('mappings/acme.yaml', `${readFileSync(join(acme.mappings, 'acme.yaml'), 'utf8')}${HOOKS}`);
  Object.assign(acme.env, HOOK_ENVIRONMENT);
  acme.feed(people(40));
  expect((await acme.cli('sync', '--json')).code).toBe(0);
  const running = acme.start('run', '--port', '0');
  const { url } = fields(await running.line(message('rollcall runs')));
  const post = async (path: string, body: string, headers: Record<string, string>): Promise<number> => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return answer.status;
  };
  const emergency = JSON.stringify({ id: '7' });
  const record = JSON.stringify({
    record: {
      Id: '8',
      Given: 'Ada',
      Family: 'Number8',
      Status: 'T',
      Start: '2020-01-01',
      End: day(-2),
      Department: 'Sales',
      Manager: '',
    },
  });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const statuses = await Promise.all([
    post('/hooks/acme-emergency', emergency, { 'x-signature': hmacHex(EMERGENCY_SECRET, emergency) }),
    post('/hooks/acme-records', record, {
      'x-timestamp': timestamp,
      'x-signature': hmacHex(RECORD_SECRET, timestamp, '.', record),
    }),
  ]);
  running.child.kill('SIGKILL');
  await running.ended;
  expect(statuses).toEqual([202, 202]);

  const next = acme.start('run', '--port', '0');
  await next.line(message('rollcall runs'));
  const inactive = async (id: string): Promise<void> => {
    if (acme.idp.user(id)?.active === false) return;
    const user = acme.idp.user(id)?.id;
    await acme.idp.arrival(({ method, path }) => method === 'PATCH' && path.endsWith(`/${String(user)}`));
  };
  await Promise.all([inactive('7'), inactive('8')]);
  expect(await next.stop()).toBe(0);
  expect(['7', '8', '9'].map((id) => acme.idp.user(id)?.active)).toEqual([false, false, true]);
  const status = await acme.cli('status', '--json');
  expect(
    status.json.webhooks.map(({ hook, waiting, rejected }: Record<string, unknown>) => [hook, waiting, rejected]),
  ).toEqual([
    ['/hooks/acme-emergency', 0, 0],
    ['/hooks/acme-records', 0, 0],
  ]);
});
