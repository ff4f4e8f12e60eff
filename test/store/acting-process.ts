// A command beside a running daemon: opens the same store and adds acts, saying the id of each.
import { openStore } from '../../src/store/store.ts';
import { countingBytes, NOON } from '../support/changes.ts';

const [, , dir = '', count = '10'] = process.argv;
const store = await openStore({ dir, mode: 'write', now: () => NOON, randomBytes: countingBytes() });
for (let index = 0; index < Number(count); index += 1) {
  const id = await store.addAct({
    kind: 'leave',
    args: { index },
    reason: 'r',
    by: 'kim',
    osUser: 'root',
    channel: 'cli',
  });
  process.stdout.write(`${JSON.stringify({ id })}\n`);
}
await store.close();
