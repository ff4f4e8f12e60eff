// What the soak is judged by, and the company that it plays.
import { describe, expect, it } from 'vitest';
import { slopeOf, verdictOf } from '../../bench/slope.ts';
import { Company, feedOf, recordOf } from '../../bench/soak-company.ts';

const HOUR_MS = 3_600_000;
/** Measurements every ten seconds for so many minutes: a line with noise that repeats itself. */
const measured = (minutes: number, perHour: number, noise: number) =>
  Array.from({ length: minutes * 6 }, (_, index) => {
    const atMs = index * 10_000;
    return { atMs, value: 50 + (perHour * atMs) / HOUR_MS + noise * Math.sin(index * 1.7) };
  });

describe('the slope of what must not grow', () => {
  it('is that of the line through the measurements, with its error', () => {
    const exact = slopeOf(measured(30, 12, 0));
    expect(exact.perHour).toBeCloseTo(12, 6);
    expect(exact.error).toBeCloseTo(0, 6);
    const noisy = slopeOf(measured(30, 12, 1));
    expect(Math.abs(noisy.perHour - 12)).toBeLessThan(2 * noisy.error);
  });

  it('holds, is broken, or cannot be told from the noise yet', () => {
    expect(verdictOf(slopeOf(measured(30, 0, 0.1)), 1)).toBe('holds');
    expect(verdictOf(slopeOf(measured(30, 10, 0.1)), 1)).toBe('broken');
    expect(verdictOf(slopeOf(measured(2, 1, 5)), 1)).toBe('undecided');
    expect(verdictOf(slopeOf(measured(1, 0, 0).slice(0, 2)), 1)).toBe('undecided');
  });
});

describe('the company of the soak', () => {
  const AT = '2026-11-22T12:00:00.000Z';
  let seed = 7;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };

  it('stays within what guards let through in half an hour at 50 events a second', () => {
    const company = new Company(30_000, AT, random);
    const movers = new Set<string>();
    const count = { mover: 0, joiner: 0, leaver: 0 };
    for (let event = 0; event < 90_000; event += 1) {
      const { kind, person } = company.next(AT);
      count[kind] += 1;
      if (kind === 'mover') movers.add(person.id);
      else expect(person.status).toBe(kind === 'leaver' ? 'T' : 'A');
    }
    expect(count).toEqual({ mover: 89_100, joiner: 450, leaver: 450 });
    // Design section 5: a fifth changes one attribute in a cycle, two in a hundred leave in a day.
    expect(movers.size).toBeLessThanOrEqual(30_000 * 0.2);
    expect(count.leaver).toBeLessThanOrEqual(30_000 * 0.02);
    expect(company.people.filter(({ id, status }) => status === 'T' && movers.has(id))).toEqual([]);
  });

  it('says the same in its feed as in its webhooks', () => {
    const company = new Company(20, AT, random);
    const { person } = company.next('2026-11-22T12:00:01.000Z');
    const line = feedOf(company.people)
      .split('\n')
      .find((one) => one.startsWith(person.id));
    expect(line).toBe(Object.values(recordOf(person)).join(','));
    expect(recordOf(person)).toMatchObject({ Status: 'A', Changed: '2026-11-22T12:00:01.000Z', Title: 'Clerk 1' });
  });
});
