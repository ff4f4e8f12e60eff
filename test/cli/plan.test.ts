import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Company, company, day, people, type Row } from '../support/cli.ts';
import { compared } from '../support/requests-compared.ts';

/** Nobody has the database open: the digest of what is on disk. */
const bytesOf = (acme: Company): string =>
  createHash('sha256')
    .update(readFileSync(join(acme.state, 'rollcall.db')))
    .digest('hex');
const onlyReads = (acme: Company): boolean => acme.idp.writes().length === 0 && acme.idp.log.length > 0;

test('before the first run it shows each joiner with the exact requests, sends only reads and leaves nothing behind', async () => {
  const acme = await company();
  acme.feed([
    { id: '1', given: 'Zoë', family: 'Łuk' },
    { id: '2', family: 'Later', start: day(90) },
  ]);
  const { code, stdout } = await acme.cli('plan', '--requests');
  expect(code).toBe(0);
  expect(stdout).toContain('would decide   1 joiner\n');
  expect(stdout).toContain('  1 person changes, nobody loses access, 1 gets access\n');
  expect(stdout).toContain(
    '  1  expected → active – active from 2020-01-01\n    idp: create the account\n      + userName: zoe.luk@example.com\n',
  );
  expect(stdout).toContain('      > POST /Users\n');
  expect(stdout).not.toContain('Later');
  expect(stdout).not.toContain('token-of-the-cli-tests');
  expect(onlyReads(acme)).toBe(true);
  expect(existsSync(acme.state)).toBe(false);
  expect(readdirSync(acme.dir)).toEqual(['mappings']);

  const { json } = await acme.cli('plan', '--as-of', day(86), '--json', '--requests');
  const later = json.connections[0].workers.find(({ worker }: { worker: string }) => worker === '2');
  expect(later).toMatchObject({ from: 'expected', to: 'preboarding', transitions: ['joiner'], guard: 'passes' });
  const [request] = later.operations[0].requests;
  expect(request).toMatchObject({ method: 'POST', path: '/Users', note: '' });
  expect(JSON.parse(request.body)).toMatchObject({ externalId: '2', active: false, userName: 'ada.later@example.com' });
});

test('after a run it shows before and after, and the database stays as it is to the byte', async () => {
  const acme = await company();
  acme.feed(people(8));
  await acme.cli('sync');
  const sent = acme.idp.writes().length;
  const before = bytesOf(acme);
  acme.feed(people(8).map((row) => (row.id === '3' ? { ...row, department: 'Finance' } : row)));
  const { code, stdout } = await acme.cli('plan', '--requests');
  expect(code).toBe(0);
  expect(stdout).toContain('would decide   1 mover\n');
  expect(stdout).toMatch(/^ {6}~ urn:\S+:department: Sales → Finance$/m);
  expect(stdout).toMatch(/^ {6}> PATCH \/Users\/u-\d+$/m);
  expect(bytesOf(acme)).toBe(before);
  expect(acme.idp.writes().length).toBe(sent);
});

test('a target that was never met is listed in memory: an adoption is shown as held and nothing of it is stored', async () => {
  const acme = await company({ users: [{ userName: 'somebody@example.com', externalId: '2', active: true }] });
  acme.feed(people(3));
  // The state folder exists, this target has not been met.
  await acme.cli('stop-writes', '--reason', 'first look');
  const before = bytesOf(acme);
  const { code, json } = await acme.cli('plan', '--json');
  expect(code).toBe(3);
  expect(json.connections[0].holds).toMatchObject([{ kind: 'adoption', items: 1 }]);
  const held = json.connections[0].workers.find(({ guard }: { guard: string }) => guard === 'held');
  expect(held).toMatchObject({ worker: '2', heldBy: ['adoption'] });
  expect(onlyReads(acme)).toBe(true);
  expect(bytesOf(acme)).toBe(before);
});

test('a plan that a guard would hold exits 3 and says why; one of a refused delivery exits 1', async () => {
  const acme = await company();
  acme.feed(people(60));
  await acme.cli('sync');
  acme.feed(people(60).map((row) => ({ ...row, status: 'T', end: day(-1) })));
  const held = await acme.cli('plan');
  expect(held.code).toBe(3);
  expect(held.stdout).toMatch(/HELD +60 × explicitLeaver – \S/);
  expect(held.stdout).toMatch(/^ {2}and 50 more: --all lists them$/m);
  acme.write('mappings/workers.csv', 'Kennung,Name\n1,Ada\n');
  const refused = await acme.cli('plan');
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('the feed has no column "Id"');
});

test('what one process plans is what another then sends, ids apart that the target issues meanwhile', async () => {
  const acme = await company({ idPrefix: 'remote' });
  const before: readonly Row[] = people(12).map((row) => (row.id === '2' ? { ...row, manager: '9' } : row));
  const after: readonly Row[] = [
    ...before.map((row) => {
      if (row.id === '3') return { ...row, department: 'Finance', manager: '40' };
      if (row.id === '4') return { ...row, status: 'T', end: day(-1) };
      return row.id === '5' ? { ...row, given: 'Grace' } : row;
    }),
    { id: '40', given: 'Late', family: 'Manager' },
    { id: '41', given: 'Zoë', family: 'Joins', manager: '2' },
    { id: '42', given: 'Ada', family: 'Broken', start: 'soon' },
  ];
  for (const rows of [before, after]) {
    acme.feed(rows);
    const plan = await acme.child('plan', '--requests', '--json');
    const sent = acme.idp.log.length;
    expect((await acme.child('sync')).code).toBe(0);
    const log = acme.idp.log.slice(sent).filter(({ path }) => !path.startsWith('/Users?startIndex'));
    const { unsent, unsaid, lines } = compared(acme.idp, plan.json.connections[0].workers, log);
    expect({ unsent, unsaid }).toEqual({ unsent: [], unsaid: [] });
    expect(lines).toBeGreaterThanOrEqual(5);
  }
});

test('a mover whose manager stays is shown without the manager, and one whose manager changes with both', async () => {
  const acme = await company();
  const with_ = (more: Partial<Row>): readonly Row[] =>
    people(8).map((row) => (row.id === '3' ? { ...row, manager: '1', ...more } : row));
  acme.feed(with_({}));
  await acme.cli('sync');
  acme.feed(with_({ department: 'Finance' }));
  expect((await acme.cli('plan')).stdout).not.toContain('manager');
  acme.feed(with_({ manager: '2' }));
  expect((await acme.cli('plan')).stdout).toContain('      ~ manager: 1 → 2\n');
});
