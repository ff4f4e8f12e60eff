// The whole daemon as `rollcall run` opens it, but for its clock, which runs fast. It loads first and then waits for its
// orders, one JSON value a line on stdin: what to run, and every change of pace. SIGTERM stops it as it stops the daemon.
import { createInterface } from 'node:readline';
import { Problem } from '../../src/base/problem.ts';
import { readConfig } from '../../src/config.ts';
import { openHouse, runDaemon } from '../../src/daemon.ts';
import { openLog } from '../../src/runtime/log.ts';
import { seeded } from './crash-company.ts';
import { type Pace, type ScaledClock, scaledClock } from './scaled-clock.ts';

export interface DaemonOrders {
  readonly mappings: string;
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pace: Pace;
  /** For the spread of waits. */
  readonly seed: number;
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop.abort());

const orders = Promise.withResolvers<DaemonOrders>();
let clock: ScaledClock | null = null;
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (clock !== null) return clock.follow(JSON.parse(line) as Pace);
    const given = JSON.parse(line) as DaemonOrders;
    clock = scaledClock(given.pace);
    orders.resolve(given);
  })
  // Whoever gave the orders is gone.
  .once('close', () => process.exit(clock === null ? 0 : 3));

try {
  const { mappings, state, env, seed } = await orders.promise;
  const config = readConfig(env, { mappings, state, port: '0', logLevel: 'info' });
  await using house = await openHouse({
    config,
    mode: 'write',
    command: 'run',
    clock: clock as unknown as ScaledClock,
    random: seeded(seed),
    log: openLog(config.logLevel),
    // As in production, where time is the system's.
    storeThread: true,
    watchClock: true,
  });
  const daemon = await runDaemon(house, config, stop.signal);
  await daemon.stopped;
} catch (error) {
  console.error(error instanceof Problem ? JSON.stringify(error.faults) : error);
  process.exitCode = 1;
} finally {
  process.stdin.destroy();
  process.stdin.unref();
}
