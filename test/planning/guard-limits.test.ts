import { describe, expect, test } from 'vitest';
import { type Candidate, judge, type UsedLine } from '../../src/planning/guard.ts';
import type { HarmKind } from '../../src/planning/harm.ts';
import {
  allowed,
  halfLimits,
  LIMITS,
  type LimitKind,
  type Limits,
  type LimitWindow,
  lowered,
} from '../../src/planning/limits.ts';
import { guardInput, many } from '../support/guard-plans.ts';

const POPULATIONS = [0, 1, 19, 20, 21, 100, 999, 1000, 5000] as const;

// The table of design section 5, worked out by hand for each population above: not computed by the code under test.
const TABLE: readonly (readonly [LimitKind, LimitWindow, readonly number[]])[] = [
  ['inferredLeaver', 'cycle', [1, 1, 1, 1, 2, 5, 50, 50, 50]],
  ['inferredLeaver', 'day', [1, 1, 1, 1, 2, 5, 50, 50, 50]],
  ['inferredLeaver', 'week', [2, 2, 2, 2, 4, 10, 100, 100, 100]],
  ['explicitLeaver', 'day', [3, 3, 3, 3, 3, 3, 20, 20, 100]],
  ['explicitLeaver', 'week', [6, 6, 6, 6, 6, 6, 50, 50, 250]],
  ['emergencyLeaver', 'hour', [3, 3, 3, 3, 3, 3, 5, 5, 25]],
  ['delete', 'cycle', [1, 1, 1, 1, 1, 1, 5, 5, 10]],
  ['delete', 'day', [1, 1, 1, 1, 1, 1, 5, 5, 10]],
  ['delete', 'week', [2, 2, 2, 2, 2, 2, 10, 10, 20]],
  ['membershipRemoved', 'cycle', [0, 1, 1, 1, 2, 5, 50, 50, 250]],
  ['membershipRemoved', 'day', [0, 1, 2, 2, 3, 10, 100, 100, 500]],
  ['membershipRemoved', 'week', [0, 1, 3, 3, 4, 15, 150, 150, 750]],
  ['valueBlanked', 'cycle', [0, 1, 1, 1, 1, 2, 20, 20, 100]],
  ['valueBlanked', 'day', [0, 1, 1, 1, 1, 4, 40, 40, 200]],
  ['valueBlanked', 'week', [0, 1, 2, 2, 2, 6, 60, 60, 300]],
  ['rename', 'cycle', [0, 1, 1, 1, 1, 1, 10, 10, 50]],
  ['rename', 'day', [0, 1, 1, 1, 1, 2, 20, 20, 100]],
  ['rename', 'week', [0, 1, 1, 1, 1, 3, 30, 30, 150]],
  ['attributeChanged', 'cycle', [0, 1, 4, 4, 5, 20, 200, 200, 1000]],
  ['attributeChanged', 'day', [0, 1, 6, 6, 7, 30, 300, 300, 1500]],
  ['attributeChanged', 'week', [0, 1, 8, 8, 9, 40, 400, 400, 2000]],
  ['adoption', 'cycle', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['protectedRescind', 'cycle', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['merge', 'cycle', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['absence', 'cycle', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['erased', 'cycle', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['newlyRejected', 'cycle', [0, 1, 1, 1, 2, 5, 50, 50, 250]],
  ['accountsGone', 'day', [3, 3, 3, 3, 3, 3, 5, 5, 25]],
];
const WINDOWS = ['cycle', 'hour', 'day', 'week'] as const;

test('every row and window of the table stands in the hand-made table of this test', () => {
  const limited = Object.values(LIMITS).flatMap((limit) =>
    WINDOWS.filter((window) => limit[window] !== null).map((window) => `${limit.kind} ${window}`),
  );
  expect(limited.sort()).toEqual(TABLE.map(([kind, window]) => `${kind} ${window}`).sort());
});

describe.each(TABLE)('%s in one %s', (kind, window, expected) => {
  test.each(POPULATIONS.map((population, index) => [population, expected[index] as number]))(
    'with %i active workers lets %i pass',
    (population, limit) => {
      expect(allowed(LIMITS, kind, window, population)).toBe(limit);
    },
  );
});

const JUDGED = TABLE.filter((row): row is readonly [HarmKind, LimitWindow, readonly number[]] => {
  return row[0] !== 'newlyRejected' && row[0] !== 'accountsGone';
});

describe.each(JUDGED)('the guard on %s in one %s', (kind, window, expected) => {
  test.each(POPULATIONS.map((population, index) => [population, expected[index] as number]))(
    'with %i active workers passes up to %i and holds all of one more',
    (population, limit) => {
      for (const count of [limit - 1, limit, limit + 1].filter((candidate) => candidate >= 1)) {
        // Only this window decides: the others are lifted.
        const verdict = judge(guardInput(population, many(kind, count), { limits: only(kind, window) }));
        const passing = count <= limit ? count : 0;
        expect(verdict.passes.size, `${count} of ${limit}`).toBe(passing);
        expect(verdict.held.get(kind)?.length ?? 0).toBe(count - passing);
        expect(verdict.uses).toHaveLength(passing);
        const isTrip = passing === 0 && !LIMITS[kind].alwaysHeld;
        expect(verdict.tripped.map((trip) => [trip.kind, trip.window, trip.count, trip.limit])).toEqual(
          isTrip ? [[kind, window, count, limit]] : [],
        );
      }
    },
  );

  test('counts what earlier cycles of the window used', () => {
    if (window === 'cycle') return;
    const limit = expected[POPULATIONS.indexOf(1000)] as number;
    const attribute = LIMITS[kind].perAttribute ? 'title' : null;
    const used = (workers: number) => ({ hour: [], day: [], week: [], [window]: [{ kind, attribute, workers }] });
    const limits = only(kind, window);
    expect(judge(guardInput(1000, many(kind, 1), { limits, used: used(limit - 1) })).passes.size).toBe(1);
    expect(judge(guardInput(1000, many(kind, 1), { limits, used: used(limit) })).passes.size).toBe(0);
  });
});

test('a worker whom the window has counted already does not count twice', () => {
  const candidates = many('explicitLeaver', 2);
  const line = { kind: 'explicitLeaver', attribute: null, workers: 3 } as const;
  const used = (counted?: ReadonlySet<string>) => {
    const usage: readonly UsedLine[] = [counted === undefined ? line : { ...line, counted }];
    return { hour: [], day: usage, week: usage };
  };
  expect(judge(guardInput(100, candidates, { used: used() })).passes.size).toBe(0);
  expect(judge(guardInput(100, candidates, { used: used(new Set(['w1'])) })).passes.size).toBe(0);
  expect(judge(guardInput(100, candidates, { used: used(new Set(['w1', 'w2'])) })).passes.size).toBe(2);
});

test('attributes are counted one by one, in the plan and in the windows', () => {
  const titles = many('attributeChanged', 20, { attribute: 'title' });
  const departments = many('attributeChanged', 21, { attribute: 'department' }, 'd');
  const verdict = judge(guardInput(100, [...titles, ...departments]));
  expect([...verdict.passes].sort()).toEqual(titles.map((one) => one.workerKey).sort());
  expect(verdict.tripped.map((trip) => trip.attribute)).toEqual(['department']);

  const usage: readonly UsedLine[] = [{ kind: 'attributeChanged', attribute: 'department', workers: 30 }];
  const used = { hour: [], day: usage, week: [] };
  expect(judge(guardInput(100, titles, { used })).passes.size).toBe(20);
  expect(judge(guardInput(100, departments.slice(0, 1), { used })).passes.size).toBe(0);
});

describe('a mapping', () => {
  const limitOf = (guards: Parameters<typeof lowered>[1], approved: boolean, kind: LimitKind, population = 100) => {
    const { limits } = lowered(LIMITS, guards, approved);
    return WINDOWS.map((window) => allowed(limits, kind, window, population));
  };

  test('may lower a limit by a share, and the wider windows follow in proportion', () => {
    expect(limitOf({ inferredLeaver: { perCycle: { percent: 3 } } }, false, 'inferredLeaver')).toEqual([3, null, 3, 6]);
    expect(limitOf({ rename: { perCycle: { percent: 0.5 } } }, false, 'rename', 1000)).toEqual([5, null, 10, 15]);
    expect(limitOf({ explicitLeaver: { perCycle: { percent: 1 } } }, false, 'explicitLeaver', 1000)).toEqual([
      null,
      null,
      10,
      25,
    ]);
  });

  test('may lower a limit by a count, down to nothing', () => {
    expect(limitOf({ delete: { perCycle: { count: 0 } } }, false, 'delete', 5000)).toEqual([0, null, 0, 0]);
    expect(limitOf({ inferredLeaver: { perCycle: { count: 2 } } }, false, 'inferredLeaver')).toEqual([2, null, 2, 4]);
  });

  test('cannot raise a limit: the standard stands and a note says so', () => {
    for (const perCycle of [{ percent: 50 }, { count: 400 }]) {
      const { notes } = lowered(LIMITS, { inferredLeaver: { perCycle } }, false);
      expect(notes.map((note) => [note.code, note.place?.key])).toEqual([
        ['guard.raise-ignored', 'guards.inferredLeaver'],
      ]);
      expect(limitOf({ inferredLeaver: { perCycle } }, false, 'inferredLeaver', 1000)).toEqual([50, null, 50, 100]);
    }
  });

  test('raises a limit once its digest was approved, but never above one in a house of twenty', () => {
    const guards = { inferredLeaver: { perCycle: { percent: 50 } } };
    expect(lowered(LIMITS, guards, true).notes).toEqual([]);
    expect(limitOf(guards, true, 'inferredLeaver', 1000)).toEqual([500, null, 500, 1000]);
    expect(limitOf(guards, true, 'inferredLeaver', 21)).toEqual([11, null, 11, 22]);
    expect(limitOf(guards, true, 'inferredLeaver', 20)).toEqual([1, null, 1, 2]);
  });

  test('cannot touch what is always held, nor a guard that does not exist', () => {
    const guards = { adoption: { perCycle: { percent: 100 } }, leavers: { perCycle: { count: 1 } } };
    const { limits, notes } = lowered(LIMITS, guards, true);
    expect(notes.map((note) => note.code)).toEqual(['guard.always-held', 'guard.unknown-kind']);
    expect(judge(guardInput(100, many('adoption', 1), { limits })).passes.size).toBe(0);
  });

  test('lets never more pass than the standard, whatever it says without approval', () => {
    let lowerings = 0;
    for (const kind of Object.keys(LIMITS) as LimitKind[]) {
      for (const perCycle of [
        { count: 0 },
        { count: 7 },
        { count: 900 },
        { percent: 0 },
        { percent: 2.5 },
        { percent: 90 },
      ]) {
        for (const population of POPULATIONS) {
          const set = limitOf({ [kind]: { perCycle } }, false, kind, population);
          const standard = WINDOWS.map((window) => allowed(LIMITS, kind, window, population));
          for (const [index, limit] of standard.entries()) {
            expect(set[index] ?? 0).toBeLessThanOrEqual(limit ?? 0);
            if ((set[index] ?? 0) < (limit ?? 0)) lowerings += 1;
          }
        }
      }
    }
    expect(lowerings).toBeGreaterThan(100);
  });
});

test('half limits round up, are at least one where one may pass, and spare explicit leavers', () => {
  const half = halfLimits(LIMITS);
  const at = (kind: LimitKind, window: LimitWindow, population: number) => allowed(half, kind, window, population);
  expect([at('inferredLeaver', 'cycle', 100), at('inferredLeaver', 'cycle', 20)]).toEqual([3, 1]);
  expect([at('membershipRemoved', 'cycle', 0), at('membershipRemoved', 'cycle', 1)]).toEqual([0, 1]);
  expect(at('attributeChanged', 'cycle', 1000)).toBe(100);
  expect(at('adoption', 'cycle', 1000)).toBe(0);
  for (const kind of ['explicitLeaver', 'emergencyLeaver'] as const) expect(half[kind]).toEqual(LIMITS[kind]);
  const leavers = (): readonly Candidate[] => many('inferredLeaver', 4);
  expect(judge(guardInput(100, leavers(), { limits: LIMITS })).passes.size).toBe(4);
  expect(judge(guardInput(100, leavers(), { limits: half })).passes.size).toBe(0);
});

/** The limits with all windows of this kind lifted except one. */
function only(kind: HarmKind, window: LimitWindow): Limits {
  const limit = LIMITS[kind];
  return { ...LIMITS, [kind]: { ...limit, cycle: null, hour: null, day: null, week: null, [window]: limit[window] } };
}
