import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Instant, instantOf } from '../../src/base/instant.ts';
import { jumpedOver, openSchedule } from '../../src/runtime/schedule.ts';

const between = (cron: string, zone: string, from: string, until: string): Instant | null =>
  jumpedOver(cron, zone, instantOf(from), instantOf(until));

describe('a slot that the clocks jump over', () => {
  it.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z', '2026-03-29T01:00:00Z'],
    ['15 30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:15Z', '2026-03-29T01:00:00Z'],
    ['30 2 * * 0', 'America/New_York', '2026-03-07T12:00:00Z', '2026-03-15T06:30:00Z', '2026-03-08T07:00:00Z'],
    ['0 0 * * *', 'America/Sao_Paulo', '2018-11-03T12:00:00Z', '2018-11-05T02:00:00Z', '2018-11-04T03:00:00Z'],
    ['0 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z', '2026-10-04T15:00:00Z', '2026-10-03T15:30:00Z'],
    ['30 2 29 3 *', 'Europe/Berlin', '2025-04-01T12:00:00Z', '2027-03-29T00:30:00Z', '2026-03-29T01:00:00Z'],
  ])('%s in %s comes when they have jumped', (cron, zone, from, until, at) => {
    expect(between(cron, zone, from, until)).toBe(instantOf(at));
  });

  it.each([
    ['of another hour', '30 3 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
    ['of another day', '30 2 * * 1', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
    ['that comes before', '30 2 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', '2026-03-28T01:30:00Z'],
    ['that has been made up for', '30 2 * * *', 'Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ['where they are put back', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-26T01:30:00Z'],
    ['where they are never moved', '30 2 * * *', 'UTC', '2026-03-28T12:00:00Z', '2026-03-30T02:30:00Z'],
  ])('is none %s', (_, cron, zone, from, until) => {
    expect(between(cron, zone, from, until)).toBeNull();
  });
});

describe('the next run of a schedule', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ['2026-03-30T12:00:00Z', '2026-03-31T00:30:00Z'],
  ])('at half past two in Berlin is, as of %s, %s', async (now, next) => {
    vi.setSystemTime(now);
    const job = openSchedule('30 2 * * *', () => undefined, { timezone: 'Europe/Berlin' });
    expect(job.getNextRun()?.toISOString()).toBe(instantOf(next));
    await job.stop();
  });
});
