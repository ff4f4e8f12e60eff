// When a source is looked at: each slot of its schedules says what is due and rings. A slot that nobody heard – the host slept, the clocks
// jumped over it – is made up for at the next chance.
import { MINUTE_MS } from './base/instant.ts';
import type { SourceSettings } from './mapping/source-settings.ts';
import type { CronJob } from './runtime/schedule.ts';
import type { Source } from './sources/source.ts';

export interface SlotDeps {
  /** Calls back at each moment of the cron expression, in the connection's zone. */
  readonly schedule: (cron: string, come: () => void) => CronJob;
  /** Milliseconds since 1970, by the clock that the schedule goes by. */
  readonly nowMs: () => number;
  /** Something may be there to be looked at. */
  readonly ring: () => void;
}

export interface Slots {
  /** Before a look: marks as due whatever slot has passed without a word. */
  readonly makeUp: () => void;
  readonly stop: () => Promise<void>;
}

/** Timers may be so late without anything being wrong. */
const LATE_MS = MINUTE_MS;

type Slot = 'snapshot' | 'changes';

const schedulesOf = (settings: SourceSettings): readonly (readonly [Slot, string])[] => [
  ['snapshot', settings.schedule],
  ...(settings.kind === 'http' && settings.changes !== undefined
    ? [['changes', settings.changes.schedule] as const]
    : []),
];

export function openSlots(source: Source, settings: SourceSettings, { schedule, nowMs, ring }: SlotDeps): Slots {
  const opened = schedulesOf(settings).map(([slot, cron]) => {
    let next: number | null = null;
    const heard = (): void => {
      next = job.getNextRun()?.getTime() ?? null;
      source.slot?.(slot);
    };
    const job = schedule(cron, () => {
      heard();
      ring();
    });
    next = job.getNextRun()?.getTime() ?? null;
    return {
      job,
      makeUp: (): void => {
        if (next !== null && nowMs() > next + LATE_MS) heard();
      },
    };
  });
  return {
    makeUp: () => {
      for (const { makeUp } of opened) makeUp();
    },
    stop: async () => {
      for (const { job } of opened) await job.stop();
    },
  };
}
