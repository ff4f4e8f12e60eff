import { expect, test } from 'vitest';
import { company, day, people } from '../support/cli.ts';

test('sync delivers the joiners, says so in a table, and a second sync sends nothing', async () => {
  const acme = await company();
  acme.feed([...people(5), { id: '9', start: 'never' }]);
  const first = await acme.cli('sync');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toMatch(
    /^CONNECTION +RESULT +DELIVERY +ROWS +UNCHANGED +REJECTED +JOINERS +MOVERS +LEAVERS +HELD +SUSPECTED\n/,
  );
  expect(first.stdout).toMatch(/^acme +done +workers\.csv +6 +0 +1 +5 +0 +0 +0 +0$/m);
  expect(first.stdout).toMatch(/^idp +5 +0 +0$/m);
  expect(first.stdout).toMatch(/^acme +7 +9 +.*Start/m);
  for (const sign of ['\u001b', '\t', '\r']) expect(first.stdout).not.toContain(sign);
  expect(acme.idp.users.size).toBe(5);

  const sent = acme.idp.log.length;
  const second = await acme.cli('sync');
  expect(second.code).toBe(0);
  expect(acme.idp.log.length).toBe(sent);
});

test('a worker who changes department is one PATCH', async () => {
  const acme = await company();
  acme.feed(people(8));
  await acme.cli('sync');
  const before = acme.idp.writes().length;
  acme.feed(people(8).map((row) => (row.id === '3' ? { ...row, department: 'Finance' } : row)));
  const { code, json } = await acme.cli('sync', '--json');
  expect(code).toBe(0);
  expect(json.connections[0].transitions).toEqual({ mover: 1 });
  expect(
    acme.idp
      .writes()
      .slice(before)
      .map(({ method }) => method),
  ).toEqual(['PATCH']);
});

test('the JSON of a sync keeps its shape', async () => {
  const acme = await company();
  acme.feed([...people(2), { id: '7', start: 'never' }]);
  const { json } = await acme.cli('--json', 'sync', 'acme');
  expect(Object.keys(json)).toEqual([
    'connections',
    'targets',
    'holds',
    'failed',
    'unconfirmedLeavers',
    'openSessions',
    'exitCode',
  ]);
  expect(Object.keys(json.connections[0])).toEqual([
    'connection',
    'result',
    'delivery',
    'reason',
    'rows',
    'recognised',
    'rejected',
    'suspected',
    'faults',
    'transitions',
    'operations',
    'refused',
    'held',
    'rejections',
  ]);
  expect(json.targets).toEqual([{ target: 'idp', done: 2, failed: 0, waiting: 0 }]);
  expect(json.connections[0].rejections[0]).toMatchObject({ key: '7', column: 'Start', line: 4, record: 3 });
  expect(json.exitCode).toBe(0);
});

test('a pilot touches one worker and nobody else', async () => {
  const acme = await company();
  acme.feed(people(6));
  const { code } = await acme.cli('sync', '--worker', '4');
  expect(code).toBe(0);
  expect([...acme.idp.users.values()].map(({ externalId }) => externalId)).toEqual(['4']);
  await acme.cli('sync', '--limit', '2');
  expect(acme.idp.users.size).toBe(3);
  await acme.cli('sync');
  expect(acme.idp.users.size).toBe(6);
});

test('everybody terminated at once: held, exit 3, nobody is disabled beyond the budget, and an approval releases it', async () => {
  const acme = await company();
  acme.feed(people(60));
  await acme.cli('sync');
  acme.feed(people(60).map((row) => ({ ...row, status: 'T', end: day(-1) })));
  const held = await acme.cli('sync', '--json');
  expect(held.code).toBe(3);
  const disabled = () => [...acme.idp.users.values()].filter(({ active }) => active === false).length;
  expect(disabled()).toBe(0);
  const [seal, hold] = held.json.holds;
  expect(seal).toMatchObject({ connection: 'acme', kind: 'feed' });
  expect(hold).toMatchObject({ connection: 'acme', kind: 'explicitLeaver', items: 60 });

  const holds = await acme.cli('holds', hold.digest.slice(0, 12));
  expect(holds.stdout).toMatch(/^acme {2}explicitLeaver {2}60 item\(s\)$/m);
  expect(holds.stdout.match(/disable/g)?.length).toBeGreaterThanOrEqual(60);

  // That the feed may look like this says nothing of whom it may end: the leavers stay held.
  const believed = await acme.cli('approve', seal.digest.slice(0, 12), '--reason', 'plant closed', '--wait', '20');
  expect(believed.code).toBe(3);
  expect(disabled()).toBe(0);

  const approved = await acme.cli('approve', hold.digest.slice(0, 12), '--reason', 'plant closed', '--wait', '20');
  expect(approved.stderr).toBe('');
  expect(approved.code).toBe(0);
  expect(disabled()).toBe(60);
  expect((await acme.cli('holds')).stdout).toBe('nothing is held\n');
});

test('an account the target refuses for good is a failed operation: exit 1, with its own words', async () => {
  const acme = await company();
  acme.feed(people(3));
  const detail = 'the licence pool is empty';
  acme.idp.behaviours.add({
    method: 'POST',
    body: '"externalId":"2"',
    act: {
      kind: 'answer',
      status: 400,
      headers: { 'content-type': 'application/scim+json' },
      body: JSON.stringify({ status: '400', scimType: 'invalidValue', detail }),
    },
  });
  const { code, stdout, stderr } = await acme.cli('sync');
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/^idp +2 +1 +0$/m);
  expect(stdout).toContain(`create failed after 1 attempt(s): 400 invalidValue ${detail}`);
  const status = await acme.cli('status', '--check');
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/^Failed operations$/m);
});

test('a header-only file is refused: exit 1, a clear message, no request', async () => {
  const acme = await company();
  acme.feed(people(4));
  await acme.cli('sync');
  const sent = acme.idp.log.length;
  acme.feed([]);
  const { code, stdout, stderr } = await acme.cli('sync');
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/acme: the delivery was refused, nothing of it has any effect\n {2}\S/);
  expect(acme.idp.log.length).toBe(sent);
});

test('a target that is down leaves the work waiting, and a stop does not make sync wait', async () => {
  const acme = await company();
  acme.feed(people(2));
  await acme.cli('stop-writes', '--reason', 'change freeze');
  const stopped = await acme.cli('sync', '--json');
  expect(stopped.json.targets).toEqual([{ target: 'idp', done: 0, failed: 0, waiting: 2 }]);
  expect(acme.idp.writes()).toEqual([]);
  const resumed = await acme.cli('resume-writes', '--reason', 'over');
  expect(resumed.code).toBe(0);
  await acme.cli('sync');
  expect(acme.idp.users.size).toBe(2);
});
