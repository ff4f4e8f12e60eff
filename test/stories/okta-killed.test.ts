// A process that is killed between an upload to Okta and its confirmation, as a real process with a real clock: the next one finds the
// session, and nobody is missing, nobody is there twice.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { company, people, runChild, startCli } from '../support/cli.ts';
import { type FakeOkta, SOURCE_ID, startFakeOkta } from '../support/fake-okta.ts';

const TARGET = `
  - name: idp
    kind: okta-source
    baseUrl: "\${env:OKTA_URL}"
    auth: { kind: ssws, token: "\${env:OKTA_TOKEN}" }
    okta:
      identitySourceId: ${SOURCE_ID}
      session: { gapSeconds: 2, lingerSeconds: 1, pollSeconds: 1 }
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      email: userName
      firstName: worker.givenName
      lastName: worker.familyName
`;
const JOINERS = 25;

async function stage() {
  const okta = await startFakeOkta({ now: Date.now, ssws: 'let-me-in', gapMs: 2_000, importMs: 1_000 });
  onTestFinished(okta.close);
  const acme = await company();
  const mapping = readFileSync(join(acme.mappings, 'acme.yaml'), 'utf8');
  acme.write('mappings/acme.yaml', `${mapping.slice(0, mapping.indexOf('targets:'))}targets:${TARGET}`);
  acme.feed(people(JOINERS));
  return { okta, acme, env: { ...acme.env, OKTA_URL: okta.url, OKTA_TOKEN: 'let-me-in' } };
}

/** Resolves when the fake has answered the first request that fits. */
const answered = (okta: FakeOkta, path: RegExp): Promise<void> =>
  new Promise((resolve) => {
    okta.onAnswered = (request) => {
      if (request.method === 'POST' && path.test(request.path)) resolve();
    };
  });

test.each([
  ['the upload', /bulk-upsert$/],
  ['the start of the import', /start-import$/],
])('a process that is killed right behind %s leaves nothing lost and nobody twice', async (_, path) => {
  const { okta, env } = await stage();
  const seen = answered(okta, path);
  const first = startCli(['sync', '--wait', '60'], env);
  await seen;
  first.child.kill('SIGKILL');
  await first.ended;
  expect(okta.state.core.size).toBeLessThan(JOINERS);
  const second = await runChild(['sync', '--wait', '20', '--json'], env);
  expect(second.stderr).not.toMatch(/bug:/);
  expect(second.code).toBe(0);
  okta.state.catchUp();
  expect(okta.state.core.size).toBe(JOINERS);
  expect(new Set([...okta.state.core.values()].map(({ profile }) => profile.employeeNumber)).size).toBe(JOINERS);
  const status = await runChild(['status', '--json'], env);
  expect(status.json.connections[0].deliveries).toEqual({ settled: JOINERS });
  expect(okta.violations).toEqual([]);
});
