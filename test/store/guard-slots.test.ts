// A window that moves on with time counts what a window that is counted anew counts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Instant, instantOf, plusMs } from '../../src/base/instant.ts';
import type { GuardUse } from '../../src/planning/changeset.ts';
import { GuardSlots, type GuardUseRow } from '../../src/store/guard-slots.ts';
import { heldStore } from '../support/store.ts';

const NOON = instantOf('2026-11-23T11:00:00Z');
const HOUR_MS = 3_600_000;
const WIDTHS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS } as const;

const use = fc.record({
  worker: fc.integer({ min: 0, max: 12 }),
  attribute: fc.constantFrom(null, 'title', 'department'),
  unit: fc.constantFrom(undefined, 'Sales', 'Plant'),
  approved: fc.boolean(),
});
const step = fc.record({
  passesMs: fc.constantFrom(0, 1_000, 20 * 60_000, HOUR_MS, 13 * HOUR_MS, 100 * HOUR_MS),
  uses: fc.array(use, { maxLength: 6 }),
  elsewhere: fc.boolean(),
});

describe('a window of the guard', () => {
  it('that goes on from the last look counts as one that is counted anew', async () => {
    const seen = { replaced: 0, tooOld: 0, units: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const { store } = await heldStore();
        let now: Instant = NOON;
        let most = 0;
        for (const { passesMs, uses, elsewhere } of steps) {
          now = plusMs(now, passesMs);
          const guardUses = uses.map(
            ({ worker, attribute, unit, approved }): GuardUse => ({
              kind: attribute === null ? 'explicitLeaver' : 'attributeChanged',
              workerKey: String(worker),
              attribute,
              ...(unit === undefined ? {} : { unit }),
              approved,
            }),
          );
          await store.commit({ connection: elsewhere ? 'other' : 'acme', at: now, guardUses });
          for (const slot of ['hour', 'day', 'week'] as const) {
            const since = plusMs(now, -WIDTHS[slot]);
            const anew = await store.guardWindow('acme', since, true);
            expect(await store.guardSlot('acme', slot, since, true)).toEqual(anew);
            expect(await store.guardSlot('acme', slot, since)).toEqual(await store.guardWindow('acme', since));
            if (slot !== 'week') continue;
            const total = anew.reduce((sum, { workers }) => sum + workers, 0);
            if (total < most) seen.tooOld += 1;
            most = Math.max(most, total);
            if (anew.some(({ unit }) => unit !== undefined)) seen.units += 1;
          }
          if (new Set(uses.map(({ worker }) => worker)).size < uses.length) seen.replaced += 1;
        }
      }),
      { numRuns: 40 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
  });

  const rows: GuardUseRow[] = [];
  const slots = () =>
    new GuardSlots(
      (after) => rows.filter(({ id }) => id > after),
      () => rows.at(-1)?.id ?? 0,
    );
  const used = (id: number, worker: string, at: Instant): void => {
    rows.push({ id, at, kind: 'rename', attribute: null, unit: null, worker_key: worker });
  };
  const count = (of: GuardSlots, since: Instant): number => of.used('day', since, false)[0]?.workers ?? 0;

  it('keeps no more of many uses by few workers than it needs, and counts them right', () => {
    rows.length = 0;
    const one = slots();
    for (let id = 1; id <= 10_000; id += 1) {
      used(id, String(id % 7), plusMs(NOON, id * 1_000));
      if (id % 500 === 0) expect(count(one, plusMs(NOON, (id - 3) * 1_000))).toBe(4);
    }
    expect(count(one, NOON)).toBe(7);
    expect(count(slots(), NOON)).toBe(7);
  });

  it('counts anew where numbers begin anew, and where the clock was set back', () => {
    rows.length = 0;
    const one = slots();
    used(1, 'a', NOON);
    used(2, 'b', plusMs(NOON, HOUR_MS));
    expect(count(one, plusMs(NOON, HOUR_MS))).toBe(1);
    expect(count(one, NOON)).toBe(2);
    rows.length = 0;
    used(1, 'c', plusMs(NOON, 2 * HOUR_MS));
    expect(count(one, plusMs(NOON, HOUR_MS))).toBe(1);
    expect(one.used('day', plusMs(NOON, HOUR_MS), false)).toEqual([{ kind: 'rename', attribute: null, workers: 1 }]);
  });
});
