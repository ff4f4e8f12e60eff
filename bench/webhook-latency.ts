// The promise to leavers by webhook: a signed termination ends access while a snapshot of people nobody knows is being read and
// joiners are queued at an endpoint that allows 200 requests a second. argv: rows of the snapshot (300,000), joiners queued
// (50,000), leavers (20). Prints the times until 202 and until the confirmed disable, and as the last line a JSON object.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStub } from './child.ts';
import { figuresOf, type Latency, openTerminations, pause } from './terminations.ts';

/** Times in milliseconds; `during`: leavers who left while the snapshot was read. */
export interface WebhookFigures {
  readonly rows: number;
  readonly joiners: number;
  readonly leavers: number;
  readonly during: number;
  readonly queued: number;
  readonly perSecond: number;
  readonly kept: ReturnType<typeof figuresOf>;
  readonly confirmed: ReturnType<typeof figuresOf>;
}

/** As the mapping says and as the endpoint enforces with 429. */
const PER_SECOND = 200;
/** People at work before the load comes: the leavers are among them, two in a hundred may leave in a day. */
const AT_WORK = 2_000;
const PAUSE_MS = 250;

const [rows = 300_000, joiners = 50_000, leavers = 20] = process.argv.slice(2).map(Number);
const say = (text: string): void => console.error(text);

const work = await mkdtemp(join(tmpdir(), 'rollcall-webhooks-'));
try {
  await using stub = await startStub(0, { ROLLCALL_STUB_PER_SECOND: String(PER_SECOND) });
  await using house = await openTerminations(work, stub, PER_SECOND);
  const settle = async (what: number): Promise<void> => {
    const first = house.ended('done', 'held');
    await house.deliver(what);
    if ((await first).kind === 'done') return;
    // So many joiners at once are held, as they should be: somebody releases them.
    const done = house.ended('done');
    await house.approveAll();
    await done;
  };
  say(`${AT_WORK} people come to work`);
  await settle(AT_WORK);
  while ((await house.queued()) > 0) await pause(100);
  say(`${joiners} joiners come`);
  await settle(AT_WORK + joiners);
  say(`${await house.queued()} operations are queued; a snapshot of ${rows} is read while ${leavers} leave by webhook`);
  await house.deliver(rows);
  while (!house.live.turn.busy) await pause(5);
  const latencies: Latency[] = [];
  let during = 0;
  for (let count = 0; count < leavers; count += 1) {
    if (house.live.turn.busy) during += 1;
    latencies.push(await house.terminate(Math.floor((count * AT_WORK) / leavers)));
    await pause(PAUSE_MS);
  }
  const left = await house.queued();
  say(`${during} of them left while the snapshot was read; ${left} operations are still queued`);
  const kept = figuresOf(latencies.map(({ keptMs }) => keptMs));
  const confirmed = figuresOf(latencies.map(({ confirmedMs }) => confirmedMs));
  for (const [what, { p50, p95, worst }] of Object.entries({ kept, confirmed })) {
    console.log(`termination by webhook ${what.padEnd(9)} p50 ${p50} ms, p95 ${p95} ms, worst ${worst} ms`);
  }
  const figures: WebhookFigures = {
    rows,
    joiners,
    leavers,
    during,
    queued: left,
    perSecond: PER_SECOND,
    kept,
    confirmed,
  };
  console.log(JSON.stringify(figures));
} finally {
  await rm(work, { recursive: true, force: true });
}
