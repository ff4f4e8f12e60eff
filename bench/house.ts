// The one place where the bench meets Rollcall: the production house and pipeline, without schedules, watching or HTTP.
import { dirname } from 'node:path';
import { Problem } from '../src/base/problem.ts';
import { readConfig } from '../src/config.ts';
import { openHouse as openProductionHouse } from '../src/daemon.ts';
import { startDispatch } from '../src/pipeline/dispatch.ts';
import { runCycle } from '../src/pipeline/intake.ts';

export interface CycleFigures {
  /** Rows of the feed. */
  readonly rows: number;
  /** Rows that were not recognised and so had to be judged: what the delivery caused as work. */
  readonly decided: number;
}

export interface House extends AsyncDisposable {
  /** One cycle of the bench's connection: read, diff, decide, guard, commit. Resolves when it is durable. */
  readonly cycle: () => Promise<CycleFigures>;
  /** Delivers until the outbox is empty; resolves when every outcome is durable. Returns how many operations were done. */
  readonly deliverAll: () => Promise<number>;
}

/** How often the outbox is asked whether it is empty; asked every 20 ms the answers cost two hundredths of what is measured. */
const LOOK_EVERY_MS = 100;

/** Opens the house on a state folder and the one connection file in the folder of `mappingFile`. */
export async function openHouse(stateDir: string, mappingFile: string): Promise<House> {
  const config = readConfig(process.env, { mappings: dirname(mappingFile), state: stateDir, logLevel: 'error' });
  const house = await openProductionHouse({ config, mode: 'write', command: 'bench' });
  const [live] = house.connections.values();
  if (live === undefined) throw new Error('bug: a house without a connection');
  const waiting = async (): Promise<number> => {
    const depths = await house.store.queueDepths();
    const failed = depths
      .filter(({ state }) => state === 'failed')
      .reduce((sum, { operations }) => sum + operations, 0);
    if (failed > 0) throw new Error(`${failed} operations failed: what is measured is not the way of a healthy record`);
    return depths
      .filter(({ state }) => state === 'queued' || state === 'sending' || state === 'accepted')
      .reduce((sum, { operations }) => sum + operations, 0);
  };
  return {
    cycle: async () => {
      const report = await runCycle(house, live, {
        actor: 'feed',
        mode: 'commit',
        signal: new AbortController().signal,
      });
      if (report.kind !== 'done' && report.kind !== 'unchanged') {
        throw new Problem({ code: 'bench.cycle', message: `the cycle ended as ${report.kind}: ${report.reason}` });
      }
      if (report.rejections.length > 0)
        throw new Error(`${report.rejections.length} rows of the bench's own feed were rejected`);
      return { rows: report.rows, decided: report.rows - report.recognised };
    },
    deliverAll: async () => {
      const before = await waiting();
      const stop = new AbortController();
      const dispatch = startDispatch(house, stop.signal);
      const emptied = (async (): Promise<void> => {
        while ((await waiting()) > 0) await house.clock.wait(LOOK_EVERY_MS, stop.signal);
      })();
      try {
        await Promise.race([emptied, dispatch.stopped]);
        await emptied;
      } finally {
        stop.abort();
        await dispatch.stopped;
      }
      return before;
    },
    [Symbol.asyncDispose]: () => house.close(),
  };
}
