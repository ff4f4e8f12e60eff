import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { company, people } from '../support/cli.ts';

test('without the flag nothing is contacted; with it source and target are read, nothing is written and nothing is left behind', async () => {
  const acme = await company();
  acme.feed(people(6));
  const plain = await acme.cli('validate');
  expect(plain.code).toBe(0);
  expect([...acme.idp.log, ...acme.idp.discoveryLog]).toEqual([]);
  const { code, stdout } = await acme.cli('validate', '--probe', 'acme');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^acme +source +ok +6 of the 6 records looked at become workers \(6 active\)$/m);
  expect(stdout).toMatch(/^acme +target idp +ok +the credentials may list users, and says that there are 0$/m);
  expect(stdout).toContain('What to do:');
  expect(acme.idp.log.length).toBeGreaterThan(0);
  expect(acme.idp.writes()).toEqual([]);
  expect(existsSync(acme.state)).toBe(false);
});

test('it exits 1 where something does not work and 2 where a secret or a mapping has to be corrected', async () => {
  const acme = await company();
  acme.feed(people(6));
  acme.idp.behaviours.add({ path: /^\/Users/, act: { kind: 'answer', status: 403, body: '{}' } });
  const failed = await acme.cli('validate', '--probe', '--json');
  expect(failed.code).toBe(1);
  expect(failed.json).toMatchObject({
    ok: false,
    probe: expect.arrayContaining([
      expect.objectContaining({ connection: 'acme', subject: 'target idp', code: 'target.users', verdict: 'failed' }),
    ]),
  });
  acme.write('mappings/workers.csv', 'Kennung,Name\n1,Ada\n');
  const wrong = await acme.cli('validate', '--probe', '--json');
  expect(wrong.code).toBe(2);
  const columns = wrong.json.probe.filter(
    ({ subject, code }: { subject: string; code: string }) => subject === 'source' && code === 'mapping.column',
  );
  expect(columns.length).toBeGreaterThan(1);
});
