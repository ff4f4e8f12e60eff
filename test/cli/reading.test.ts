import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { company, day, people, runCli } from '../support/cli.ts';

test('worker shows where somebody stands, what happened and what comes next in their own time', async () => {
  const acme = await company();
  acme.feed([
    { id: '1', family: 'Boss', start: day(30) },
    { id: '007', family: 'Leaves', end: day(60), manager: '1' },
  ]);
  await acme.cli('sync');
  const { code, stdout } = await acme.cli('worker', '007');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^worker 007 of acme: active, delivery settled\n/);
  expect(stdout).toMatch(new RegExp(`^007 +active +2020-01-01 +${day(60)} +UTC +1`, 'm'));
  expect(stdout).toMatch(/^idp +ada\.leaves@example\.com +u-\d+ +active +created +waits for 1/m);
  expect(stdout).toMatch(/decision +feed +joiner expected → active \(idp:create\)/);
  expect(stdout).toMatch(
    new RegExp(`^${day(61)} 00:00:00 UTC +in 60 days +the last day ${day(60)} is over: access ends`, 'm'),
  );

  const { json } = await acme.cli('worker', '007', '--json');
  expect(Object.keys(json)).toEqual([
    'connection',
    'worker',
    'stage',
    'delivery',
    'facts',
    'suspectedSince',
    'dueAt',
    'timeZone',
    'alerts',
    'employments',
    'accounts',
    'operations',
    'timeline',
    'coming',
  ]);
  expect(json.accounts[0]).toMatchObject({ target: 'idp', managerOwed: '1' });
  expect((await acme.cli('worker', '7')).code).toBe(2);
});

test('status counts stages and lists every rejected row on demand', async () => {
  const acme = await company();
  acme.feed([...people(3), { id: '8', start: 'soon' }, { id: '9', status: 'X' }]);
  await acme.cli('sync');
  const status = await acme.cli('status');
  expect(status.stdout).toMatch(/^CONNECTION +EXPECTED +PREBOARDING +ACTIVE +ON LEAVE +LEFT +REJECTED +SUSPECTED/m);
  expect(status.stdout).toMatch(/^acme +0 +0 +3 +0 +0 +2 +0 +\S/m);
  expect(status.stdout).toContain('the queue is empty');
  const rejections = await acme.cli('status', '--rejections');
  expect(rejections.stdout.split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
    'CONNECTION LINE KEY',
    'acme 5 8',
    'acme 6 9',
    '',
  ]);
  const nothing = await runCli(['status', '--json'], { ...acme.env, ROLLCALL_STATE: `${acme.dir}/elsewhere` });
  expect(nothing.code).toBe(2);
  expect(nothing.json.error).toMatchObject([{ code: 'state.missing' }]);
});

test('the audit can be looked at, verified and exported, and a reader that goes away ends it quietly', async () => {
  const acme = await company();
  acme.feed(people(40));
  await acme.cli('sync');
  const tail = await acme.cli('audit', 'tail', '--limit', '3', '--kind', 'decision', '--json');
  expect(tail.json.entries).toHaveLength(3);
  expect(tail.json.entries[0]).toMatchObject({ kind: 'decision', connection: 'acme', actor: 'feed' });
  expect(JSON.stringify(tail.json)).not.toContain('Number');

  const lines = (await acme.cli('audit', 'export')).stdout.trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line));
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  for (const [index, entry] of entries.slice(1).entries()) expect(entry.previousHash).toBe(entries[index].hash);
  const csv = await acme.cli('audit', 'export', '--format', 'csv', '--worker', '7');
  expect(csv.stdout).toMatch(/^seq,at,kind,connection,worker,actor,body,hash,previousHash\r\n/);
  expect(
    csv.stdout
      .split('\r\n')
      .slice(1, -1)
      .every((line) => line.includes(',acme,7,')),
  ).toBe(true);

  const quiet = spawn(
    'sh',
    ['-c', `"${process.execPath}" src/main.ts audit export | head -n 1; exit "\${PIPESTATUS:-0}"`],
    {
      env: { ...process.env, ...acme.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  quiet.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(quiet, 'close');
  expect(said).toBe('');
});

test('validate says every fault of every file with line, column and hint', async () => {
  const acme = await company();
  const good = await acme.cli('validate');
  expect(good.code).toBe(0);
  expect(good.stdout).toMatch(
    /acme\.yaml: ok – connection acme\n {2}reads {2}csv snapshot workers\.csv\n {2}keeps {2}idp \(\$\{env:CLI_TEST_URL\}\)\n {2}needs {2}Department, End/,
  );
  acme.write('mappings/second.yaml', 'connection: second\ntimeZone: Europe/Nowhere\nworkers: {}\n');
  const bad = await acme.cli('validate');
  expect(bad.code).toBe(2);
  expect(bad.stderr).toMatch(/second\.yaml:2:11 timeZone: /);
  expect(bad.stderr).toMatch(/second\.yaml:3:1 workers: .+ – did you mean/i);
  const { json } = await acme.cli('validate', '--json', `${acme.mappings}/second.yaml`);
  expect(json.ok).toBe(false);
  expect(json.files[0].faults.length).toBeGreaterThan(2);
});

test('what needs no state prints it: version, machine, help mapping, and usage errors exit 2', async () => {
  const [version, machine, mapping, wrong, none] = await Promise.all([
    runCli(['version', '--json']),
    runCli(['machine']),
    runCli(['help', 'mapping']),
    runCli(['sync', '--limit', 'few', '--json']),
    runCli([]),
  ]);
  expect(version).toMatchObject({ code: 0, json: { version: '0.1.0' } });
  expect(machine.stdout).toMatch(/^stateDiagram-v2\n/);
  expect(mapping.stdout).toMatch(/^targets\[\]\.user\.\* +expression/m);
  expect(wrong).toMatchObject({ code: 2, json: { error: [{ code: 'usage.invalidArgument' }] } });
  expect(none.code).toBe(2);
});
