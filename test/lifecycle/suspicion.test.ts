import { describe, expect, it } from 'vitest';
import { HOUR_MS, type Instant, plusMs } from '../../src/base/instant.ts';
import { ABSENCE_HOURS, missedAgain, provenBy, type Sighting, type Suspicion } from '../../src/lifecycle/suspicion.ts';
import { at } from '../support/people.ts';

const START = at('2026-11-22T06:00:00Z');
const hoursOn = (hours: number): Instant => plusMs(START, hours * HOUR_MS);

const sighting = (delivery: string, hours: number, change: Partial<Sighting> = {}): Sighting => ({
  delivery,
  asOf: hoursOn(hours),
  at: hoursOn(hours),
  strong: true,
  ...change,
});

const suspicion = (...sightings: readonly Sighting[]): Suspicion => {
  let result: Suspicion | null = null;
  for (const one of sightings) result = missedAgain(result, one);
  if (result === null) throw new Error('nobody was missed');
  return result;
};

describe('absence from snapshots', () => {
  it('is proven by two complete deliveries twenty hours apart, and not a moment earlier', () => {
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', ABSENCE_HOURS)))).toBe('strong');
    const early = plusMs(hoursOn(ABSENCE_HOURS), -1);
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', 0, { asOf: early, at: early })))).toBeNull();
  });

  it('is not proven by one delivery, however often and however late it is read', () => {
    expect(provenBy(suspicion(sighting('a', 0)))).toBeNull();
    expect(provenBy(suspicion(sighting('a', 0), sighting('a', 48), sighting('a', 72)))).toBeNull();
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', 1), sighting('a', 48)))).toBeNull();
  });

  it('is not proven where the deliveries only claim to be a day apart, or only came a day apart', () => {
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', 24, { at: hoursOn(1) })))).toBeNull();
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', 24, { asOf: hoursOn(1) })))).toBeNull();
  });

  it('is weakly proven while either of the two is not complete by strong proof', () => {
    const weak = { strong: false };
    expect(provenBy(suspicion(sighting('a', 0, weak), sighting('b', 24)))).toBe('weak');
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', 24, weak)))).toBe('weak');
    expect(provenBy(suspicion(sighting('a', 0, weak), sighting('b', 24, weak), sighting('c', 48, weak)))).toBe('weak');
    expect(provenBy(suspicion(sighting('a', 0, weak), sighting('b', 24), sighting('c', 43)))).toBe('weak');
    expect(provenBy(suspicion(sighting('a', 0), sighting('b', 24, weak), sighting('c', 25)))).toBe('strong');
  });

  it('stays proven when a delivery without proof follows', () => {
    const proven = [sighting('a', 0), sighting('b', 24)];
    expect(provenBy(suspicion(...proven, sighting('c', 48, { strong: false })))).toBe('strong');
  });

  it('keeps the moment of the first, and takes a better look at the same delivery for one', () => {
    const first = suspicion(sighting('a', 0, { strong: false }));
    expect(missedAgain(first, sighting('a', 1, { strong: false }))).toBe(first);
    const better = missedAgain(first, sighting('a', 1));
    expect(better).toMatchObject({ since: START, firstStrong: { delivery: 'a' } });
    expect(missedAgain(better, sighting('a', 2))).toBe(better);
    expect(missedAgain(better, sighting('b', 30)).since).toBe(START);
  });
});
