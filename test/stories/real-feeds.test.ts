// Two real feeds that nobody here wrote, with the mappings that are shipped: previewed, delivered, delivered again, proven.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/cli.ts';
import { startFakeIdp } from '../support/fake-idp.ts';

const EXAMPLES = fileURLToPath(new URL('../../mappings/examples', import.meta.url));

it('runs Microsoft’s dirty sample and AdventureWorks through plan and sync, lists every reject, and sends nothing the second time', async () => {
  const idp = await startFakeIdp({ token: 'examples' });
  const state = mkdtempSync(join(tmpdir(), 'rollcall-examples-'));
  onTestFinished(async () => {
    await idp.close();
    rmSync(state, { recursive: true, force: true });
  });
  const env = {
    ROLLCALL_EXAMPLES_URL: idp.url,
    ROLLCALL_EXAMPLES_TOKEN: 'examples',
    ROLLCALL_MAPPINGS: EXAMPLES,
    ROLLCALL_STATE: join(state, 'state'),
  };
  const plan = await runCli(['plan', '--json'], env);
  expect(plan).toMatchObject({ code: 0, stderr: '' });
  expect(idp.writes()).toHaveLength(0);

  const first = await runCli(['sync', '--json'], env);
  expect(first.code).toBe(0);
  const [adventureworks, entra] = first.json.connections;
  expect(adventureworks).toMatchObject({
    connection: 'adventureworks',
    rows: 290,
    rejected: 0,
    transitions: { joiner: 290 },
  });
  // 1,000 rows, 624 ids: 265 of them stand in several rows with different people.
  expect(entra).toMatchObject({ connection: 'entra-sample', rows: 1000, rejected: 641, transitions: { joiner: 170 } });
  expect(idp.users.size).toBe(460);
  const names = [...idp.users.values()].map(({ userName }) => String(userName).toLowerCase());
  expect(new Set(names).size).toBe(460);

  const listed = await runCli(['status', '--rejections', '--json'], env);
  expect(JSON.stringify(listed.json).match(/several rows with different content share the key/g)).toHaveLength(641);

  const requests = idp.log.length;
  const second = await runCli(['sync', '--json'], env);
  expect(second.code).toBe(0);
  expect(second.json.connections[1]).toMatchObject({ result: 'unchanged', rejected: 641 });
  expect(idp.log.length).toBe(requests);
  expect((await runCli(['audit', 'verify'], env)).code).toBe(0);
}, 120_000);
