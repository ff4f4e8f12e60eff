import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Company, company, day, people } from '../support/cli.ts';
import { type FakeSessions, startFakeSessions } from '../support/fake-sessions.ts';

const without = '    user:\n      userName:';

/** The company with an endpoint that ends sessions, whose first worker is about to leave. */
async function aboutToLeave(): Promise<{ readonly acme: Company; readonly sessions: FakeSessions }> {
  const sessions = await startFakeSessions('token-of-the-cli-tests');
  onTestFinished(() => sessions.close());
  const acme = await company();
  const path = 'mappings/acme.yaml';
  const text = readFileSync(join(acme.dir, path), 'utf8');
  const section = `    revokeSessions:\n      kind: graph\n      base: "${sessions.url}"\n      auth: { kind: bearer, token: "\${env:CLI_TEST_TOKEN}" }\n`;
  acme.write(path, text.replace(without, section + without));
  acme.feed(people(8));
  expect((await acme.cli('sync')).code).toBe(0);
  acme.feed(people(8).map((row) => (row.id === '1' ? { ...row, status: 'T', end: day(-1) } : row)));
  return { acme, sessions };
}

test('`plan --requests` shows the end of the sessions after the disable, and sends nothing', async () => {
  const { acme, sessions } = await aboutToLeave();
  const { code, stdout } = await acme.cli('plan', '--requests');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    new RegExp(
      `disable the account\\n[^]*> PATCH /Users/u-\\d+\\n[^]*idp: end the sessions\\n\\s+> POST ${sessions.url}/v1\\.0/users/u-\\d+/revokeSignInSessions\\n`,
    ),
  );
  expect(sessions.log).toEqual([]);
});

test('sessions that do not end are shown by `sync` and `status`, with exit code 1, although the disable is confirmed', async () => {
  const { acme, sessions } = await aboutToLeave();
  sessions.answer = { status: 403, body: '{"error":{"message":"Insufficient privileges"}}' };
  const { code, json } = await acme.cli('sync', '--json', '--wait', '3');
  expect(code).toBe(1);
  expect(json.unconfirmedLeavers).toEqual([]);
  expect(json.openSessions).toMatchObject([{ workerKey: '1', kind: 'revokeSessions', lastOutcome: { status: 403 } }]);
  expect([...acme.idp.users.values()].filter(({ active }) => active === false)).toHaveLength(1);

  const status = await acme.cli('status', '--check');
  expect(status.code).toBe(1);
  expect(status.stdout).toContain('SESSIONS OF LEAVERS NOT ENDED');
  expect(status.stdout).toContain('Insufficient privileges');
  expect(status.stdout).not.toContain('LEAVERS NOT CONFIRMED');
});

test('`leave` says that the account is inactive and that its sessions are not ended', async () => {
  const { acme, sessions } = await aboutToLeave();
  sessions.answer = { status: 500 };
  const { code, stdout } = await acme.cli('leave', '2', '--reason', 'a story');
  expect(code).toBe(1);
  expect(stdout).toMatch(/idp: the account is inactive, but NOT CONFIRMED – revokeSessions queued/);
});

test('`validate` says where a profile knows a way to end sessions that the file does not provide for', async () => {
  const acme = await company();
  const path = 'mappings/acme.yaml';
  const text = readFileSync(join(acme.dir, path), 'utf8');
  acme.write(path, text.replace('profile: generic', 'profile: okta-inbound'));
  const { code, stdout } = await acme.cli('validate');
  expect(code).toBe(0);
  expect(stdout).toContain(
    'targets[0].revokeSessions: the sessions of leavers are not ended: profile okta-inbound knows how',
  );
  const { json } = await acme.cli('validate', '--json');
  expect(json.files[0].warnings).toMatchObject([{ code: 'target.sessions' }]);
});
