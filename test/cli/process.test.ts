// Every command once as the process it is for whoever types it: argv, environment, pipes, exit code. What they do is shown
// elsewhere, most of it without a process each.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { type Company, company, people } from '../support/cli.ts';

const signed = ['--reason', 'a story', '--as', 'Olga'];

interface Said {
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}
type Line = readonly [args: (acme: Company) => readonly string[], said: Said];

/** In the order of a first week; each starts from what those before it left. */
const LINES: Readonly<Record<string, Line>> = {
  version: [() => ['version'], { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ }],
  help: [() => ['help', 'sync'], { code: 0, stdout: /^Usage: rollcall sync / }],
  machine: [() => ['machine'], { code: 0, stdout: /^stateDiagram-v2\n/ }],
  init: [
    ({ dir, mappings }) => ['init', join(mappings, 'workers.csv'), '--name', 'drafted', '--mappings', join(dir, 'new')],
    { code: 0, stdout: /drafted\.yaml/ },
  ],
  validate: [() => ['validate'], { code: 0, stdout: /acme\.yaml: ok/ }],
  rehearse: [
    ({ mappings }) => [
      'rehearse',
      'acme',
      '--exports',
      join(mappings, 'workers.csv'),
      '--from',
      '2026-11-01',
      '--to',
      '2026-11-01',
    ],
    { code: 0, stdout: /^all +5 +0 +0 /m },
  ],
  plan: [() => ['plan'], { code: 0, stdout: /would decide {3}5 joiners\n/ }],
  sync: [() => ['sync'], { code: 0, stdout: /acme/ }],
  status: [() => ['status', '--check'], { code: 0, stdout: /the queue is empty/ }],
  worker: [() => ['worker', '3'], { code: 0, stdout: /^worker 3 of acme: active, delivery settled\n/ }],
  explain: [() => ['explain', '3'], { code: 0, stdout: /\b3\b/ }],
  holds: [() => ['holds'], { code: 0, stdout: /^nothing is held\n$/ }],
  approve: [() => ['approve', 'f'.repeat(12), ...signed], { code: 2, stderr: /no open hold|nothing is held|f{12}/ }],
  discard: [() => ['discard', 'f'.repeat(12), ...signed], { code: 2, stderr: /no open hold|nothing is held|f{12}/ }],
  failed: [() => ['failed'], { code: 0, stdout: /^nothing has failed\n$/ }],
  replay: [() => ['replay', '--all', ...signed], { code: 0, stdout: /^nothing has failed that fits\n$/ }],
  skip: [() => ['skip', ...signed], { code: 2, stderr: /skip/ }],
  pair: [() => ['pair', '3', 'nobody', ...signed], { code: 1, stderr: /has no account nobody/ }],
  unpair: [() => ['unpair', 'nobody', ...signed], { code: 2, stderr: /no worker nobody/ }],
  reconcile: [() => ['reconcile', '--as', 'Olga'], { code: 0, stdout: /everything is as it is believed to be/ }],
  leave: [() => ['leave', '3', ...signed], { code: 0, stdout: /confirmed, the account is inactive/ }],
  lift: [() => ['lift', '3', ...signed], { code: 0 }],
  rekey: [() => ['rekey', '--map', 'nowhere.csv', ...signed], { code: 2, stderr: /no readable file nowhere\.csv/ }],
  erase: [() => ['erase', '3', '--dry-run'], { code: 0, stdout: /^ *personal +[1-9]\d*$/m }],
  'stop-writes': [() => ['stop-writes', ...signed], { code: 0 }],
  'resume-writes': [() => ['resume-writes', ...signed], { code: 0 }],
  backup: [({ dir }) => ['backup', join(dir, 'copy.db')], { code: 0, stdout: /its checksum is beside it/ }],
  restore: [
    ({ dir }) => ['restore', join(dir, 'copy.db'), ...signed],
    { code: 0, stdout: /^restored up to audit entry / },
  ],
  audit: [() => ['audit', 'verify'], { code: 0, stdout: /^\d+ entries verified; head [0-9a-f]{64}\n/ }],
};
/** They run until they are stopped, in tests of their own. */
const LASTING = ['run', 'demo', 'endpoint'];

test('every command of the program is here, or runs until it is stopped', async () => {
  const names = (await buildProgram([])).commands.map((command) => command.name());
  expect([...Object.keys(LINES), ...LASTING].sort()).toEqual([...names].sort());
});

test('every command runs as a process, says what it has to say on the right pipe and ends with its code', async () => {
  const acme = await company();
  acme.feed(people(5));
  for (const [name, [args, said]] of Object.entries(LINES)) {
    const { code, stdout, stderr } = await acme.child(...args(acme));
    const all = `${name}\n${stdout}${stderr}`;
    expect(code, all).toBe(said.code);
    expect(stdout, all).toMatch(said.stdout ?? /^/);
    if (said.stderr === undefined) expect(stderr, all).toBe('');
    else expect(stderr, all).toMatch(said.stderr);
  }
  const taken = acme.idp.writes().filter(({ body }) => /"active"(,"value")?:false/.test(body));
  expect(taken.map(({ path }) => path)).toEqual([`/Users/${acme.idp.user('3')?.id}`]);
}, 240_000);
