// The campaign of webhooks. First: mutated requests over real sockets, of which none may be taken. Then: the whole daemon with a
// thousand connections that send a byte now and then, which must not delay a termination by more than a fifth.
// Last: the daemon is killed while webhooks come in. argv: --requests 10000 --seed 7 --slow 1000 --leavers 30 --kills 15
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startStub } from '../../bench/child.ts';
import { figuresOf, openTerminations, pause } from '../../bench/terminations.ts';
import { killCampaign } from './hook-kills.ts';
import { hookCampaign } from './hook-requests.ts';

/** Two in a hundred may leave in a day: enough for both halves of the measurement. */
const AT_WORK = 4_000;
const PAUSE_MS = 100;
const HERD = fileURLToPath(new URL('slow-herd.ts', import.meta.url));
const DELAY_MAX = 1.2;
/** What two measurements of the very same thing differ by on a busy machine. */
const NOISE_MS = 25;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '7' },
    slow: { type: 'string', default: '1000' },
    leavers: { type: 'string', default: '30' },
    kills: { type: 'string', default: '15' },
  },
});
const [requests, seed, slow, leavers] = [values.requests, values.seed, values.slow, values.leavers].map(Number);
let failed = false;
const judged = (what: string, good: boolean): void => {
  failed ||= !good;
  console.log(`${good ? 'kept  ' : 'BROKEN'} ${what}`);
};

const result = await hookCampaign({ requests: requests ?? 0, seed: seed ?? 0 });
for (const one of result.wronglyTaken.slice(0, 20)) console.log(one);
judged(
  `${result.wronglyTaken.length} of ${[...result.mix.values()].reduce((a, b) => a + b, 0)} mutated requests were taken`,
  result.wronglyTaken.length === 0,
);
judged(
  `${result.controlsTaken} of ${result.controls} genuine ones were taken`,
  result.controlsTaken === result.controls,
);
judged(`${result.replaysKept} of ${result.replays} that were sent again were kept twice`, result.replaysKept === 0);
console.log(`seed ${seed}; ${[...result.mix].map(([kind, count]) => `${kind} ${count}`).join(', ')}`);

const work = await mkdtemp(join(tmpdir(), 'rollcall-slow-'));
try {
  await using stub = await startStub();
  await using house = await openTerminations(work, stub, null);
  const done = house.ended('done');
  await house.deliver(AT_WORK);
  await done;
  while ((await house.queued()) > 0) await pause(50);
  let next = 0;
  const measure = async (): Promise<ReturnType<typeof figuresOf>> => {
    const times: number[] = [];
    for (let count = 0; count < (leavers ?? 0); count += 1) {
      times.push((await house.terminate(next)).confirmedMs);
      next += 1;
      await pause(PAUSE_MS);
    }
    return figuresOf(times);
  };
  const alone = await measure();
  const herd = spawn(process.execPath, [HERD, new URL(house.url).port, '/hooks/bench', String(slow)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [places] = (await once(createInterface({ input: herd.stdout }), 'line')) as [string];
  const beside = await measure();
  herd.kill();
  console.log(
    `alone p50 ${alone.p50} ms, p95 ${alone.p95} ms; beside ${places} slow connections p50 ${beside.p50} ms, p95 ${beside.p95} ms`,
  );
  judged('a termination is delayed by at most a fifth (median)', beside.p50 <= alone.p50 * DELAY_MAX + NOISE_MS);
} finally {
  await rm(work, { recursive: true, force: true });
}
const kills = await killCampaign({ rounds: Number(values.kills), seed: seed ?? 0 });
for (const id of kills.lost) console.log(`worker ${id} was answered 202 and still has access`);
for (const id of kills.harmed) console.log(`worker ${id} was never named and has lost access`);
judged(
  `${kills.lost.length} of ${kills.acknowledged} events answered 202 were lost in ${kills.rounds} kills`,
  kills.lost.length === 0 && (kills.rounds === 0 || kills.acknowledged > 0),
);
judged(`${kills.harmed.length} others were harmed`, kills.harmed.length === 0);
process.exitCode = failed ? 1 : 0;
