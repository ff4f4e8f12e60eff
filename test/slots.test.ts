import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HttpSourceSettings } from '../src/mapping/source-settings.ts';
import { openSchedule } from '../src/runtime/schedule.ts';
import { openSlots } from '../src/slots.ts';
import type { Source } from '../src/sources/source.ts';

/** A schedule whose moments a test brings about. */
function desk(settings: Pick<HttpSourceSettings, 'schedule'> & { readonly changes?: { readonly schedule: string } }) {
  const heard: string[] = [];
  const jobs = new Map<string, { come: () => void; next: number; stopped: boolean }>();
  const clock = { now: 0 };
  const source = { slot: (what: string) => heard.push(what) } as unknown as Source;
  const slots = openSlots(source, { kind: 'http', ...settings } as HttpSourceSettings, {
    schedule: (cron, come) => {
      const job = { come, next: 100_000, stopped: false };
      jobs.set(cron, job);
      return {
        getNextRun: () => new Date(job.next),
        stop: () => {
          job.stopped = true;
        },
      };
    },
    nowMs: () => clock.now,
    ring: () => heard.push('ring'),
  });
  return { slots, heard, jobs, clock };
}

describe('the slots of a source', () => {
  it('say what is due, each by its own schedule, and ring', async () => {
    const { slots, heard, jobs } = desk({ schedule: 'nightly', changes: { schedule: 'often' } });
    jobs.get('often')?.come();
    jobs.get('nightly')?.come();
    expect(heard).toEqual(['changes', 'ring', 'snapshot', 'ring']);
    await slots.stop();
    expect([...jobs.values()].every(({ stopped }) => stopped)).toBe(true);
  });

  it('are made up for once when a host slept over them, and not when a timer is a little late', () => {
    const { slots, heard, jobs, clock } = desk({ schedule: 'nightly' });
    clock.now = 130_000;
    slots.makeUp();
    expect(heard).toEqual([]);
    clock.now = 200_000;
    const job = jobs.get('nightly');
    if (job !== undefined) job.next = 900_000;
    slots.makeUp();
    slots.makeUp();
    expect(heard).toEqual(['snapshot']);
  });

  it('are made up for within the hour when the clocks jump over them', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    vi.setSystemTime('2026-03-28T22:00:00Z');
    const heard: string[] = [];
    const source = { slot: (what: string) => heard.push(what) } as unknown as Source;
    const slots = openSlots(source, { kind: 'http', schedule: '30 2 * * *' } as HttpSourceSettings, {
      schedule: (cron, come) => openSchedule(cron, come, { timezone: 'Europe/Berlin' }),
      nowMs: Date.now,
      ring: () => heard.push('ring'),
    });
    for (const [look, found] of [
      ['2026-03-29T00:59:00Z', []],
      ['2026-03-29T01:59:00Z', ['snapshot']],
      ['2026-03-29T23:59:00Z', ['snapshot']],
    ] as const) {
      vi.setSystemTime(look);
      slots.makeUp();
      expect(heard).toEqual(found);
    }
    await slots.stop();
  });
});
