// Commits new workers without end and says after each commit how many are durable, until it is killed or cannot go on.
import { openStore, StoreUnknown } from '../../src/store/store.ts';
import { aChange, countingBytes, NOON } from '../support/changes.ts';

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const [, , dir = '', together = '3', mode = 'write'] = process.argv;
const thread = mode === 'threaded';
const store = await openStore({ dir, mode: 'write', thread, now: () => NOON, randomBytes: countingBytes() });
say({ open: true });
const text = 'x'.repeat(2_000);
for (let count = 0; ; count += 1) {
  const keys = Array.from({ length: Number(together) }, (_, index) => `w${String(count).padStart(6, '0')}-${index}`);
  const commit = (key: string) =>
    store.commit({ connection: 'acme', at: NOON, workers: [aChange(key, { entries: [entry(key)] })] });
  try {
    await Promise.all(keys.map(commit));
    say({ durable: (count + 1) * keys.length });
  } catch (error) {
    if (!(error instanceof StoreUnknown)) throw error;
    const later = await store.population('acme').catch((refused: unknown) => refused);
    const write = await store.saveSetting('a', 1).catch((refused: unknown) => refused);
    say({ unknown: error.message, later: later instanceof StoreUnknown, write: write instanceof StoreUnknown });
    await store.close();
    say({ closed: true });
    break;
  }
}

function entry(key: string) {
  return { kind: 'decision', connection: 'acme', workerKey: key, actor: 'feed', body: { text } };
}
