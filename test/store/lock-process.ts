// Takes the lock of the folder named in its argument and says so; holds it until told to release it, or killed.
import { once } from 'node:events';
import { instantOf } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import { acquireLock } from '../../src/store/store.ts';

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const [, , dir = '', command = 'rollcall run'] = process.argv;
const since = instantOf('2026-11-22T12:00:00Z');
try {
  const lock = await acquireLock(dir, { pid: process.pid, host: 'hr-box', command, since });
  say({ locked: true });
  await once(process.stdin, 'data');
  await lock.release();
  say({ released: true });
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  say({ problem: error.faults[0]?.code, message: error.message });
}
process.stdin.destroy();
