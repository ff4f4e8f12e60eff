// One Rollcall measurement in a process of its own, so that its peak memory is its own. argv: cycle|deliver, state folder,
// connection file. Prints a Measurement as JSON.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Problem } from '../src/base/problem.ts';
import { type CycleFigures, openHouse } from './house.ts';

export interface Measurement {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Largest resident set of the process so far, opening included. */
  readonly peakMb: number;
  /** Delay of a timer that is due every millisecond, the millisecond itself included. */
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly cycle: CycleFigures | null;
  readonly delivered: number | null;
}
export type MeasureReport = Measurement | { readonly unmeasured: string };

/** How often the loop is asked whether it still answers. */
const LOOP_RESOLUTION_MS = 1;

const NS_PER_MS = 1e6;

async function measure(phase: string, stateDir: string, mapping: string): Promise<Measurement> {
  await using house = await openHouse(stateDir, mapping);
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  const cpu = process.cpuUsage();
  delay.enable();
  const started = performance.now();
  const cycle = phase === 'cycle' ? await house.cycle() : null;
  const delivered = phase === 'deliver' ? await house.deliverAll() : null;
  const seconds = (performance.now() - started) / 1_000;
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const loopDelayMs = {
    p50: delay.percentile(50) / NS_PER_MS,
    p99: delay.percentile(99) / NS_PER_MS,
    max: delay.max / NS_PER_MS,
  };
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1_024,
    loopDelayMs,
    cycle,
    delivered,
  };
}

const [phase = '', stateDir = '', mapping = ''] = process.argv.slice(2);
try {
  const report: MeasureReport = await measure(phase, stateDir, mapping);
  console.log(JSON.stringify(report));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  const report: MeasureReport = { unmeasured: error.message };
  console.log(JSON.stringify(report));
}
