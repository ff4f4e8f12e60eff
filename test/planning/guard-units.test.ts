// Limits that hold within each department too: as laws over random plans, and by hand where a number says it best.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, type GuardInput, judge, type UnitLimits, type Verdict } from '../../src/planning/guard.ts';
import { HARM_KINDS, type HarmKind } from '../../src/planning/harm.ts';
import { allowedInUnit, LIMITS, lowered } from '../../src/planning/limits.ts';
import { aHarm, digestsOf, guardInput, many } from '../support/guard-plans.ts';

type Judge = (input: GuardInput) => Verdict;
type Law = (guard: Judge) => fc.IProperty<unknown>;
const RUNS = 500;

const mix = new Map<string, number>();
const met = (name: string, when = true): void => void (when && mix.set(name, (mix.get(name) ?? 0) + 1));

/** Holds for the guard, fails for the guard with the fault, and has met every named case. */
function prove(law: Law, planted: Judge, cases: readonly string[]): void {
  mix.clear();
  fc.assert(law(judge), { numRuns: RUNS });
  if (process.env.ROLLCALL_CASE_MIX === '1') console.log(expect.getState().currentTestName, Object.fromEntries(mix));
  for (const name of cases) expect(mix.get(name) ?? 0, `cases of "${name}"`).toBeGreaterThanOrEqual(8);
  expect(fc.check(law(planted), { numRuns: RUNS }).failed, 'the planted fault is found').toBe(true);
}

const SALES = 'department Sales';
const OPS = 'department Ops';
const WINDOWS = ['cycle', 'hour', 'day', 'week'] as const;
const FREE = HARM_KINDS.filter((kind) => !LIMITS[kind].alwaysHeld);

const withUnits = (active: Readonly<Record<string, number>>, only: UnitLimits['only'] = null): UnitLimits => ({
  only,
  active: new Map(Object.entries(active)),
});
const at = (unit: string, candidates: readonly Candidate[]): readonly Candidate[] =>
  candidates.map((one) => ({ ...one, unit }));

const inputs: fc.Arbitrary<GuardInput> = fc
  .record({
    kind: fc.constantFrom(...FREE),
    ops: fc.nat(8),
    sales: fc.nat(12),
    nowhere: fc.nat(3),
    other: fc.option(fc.constantFrom(...FREE), { nil: null }),
    used: fc.nat(4),
    opsActive: fc.constantFrom(0, 1, 5, 12, 40),
    approved: fc.constantFrom(false, false, true),
    orderedBy: fc.constantFrom('webhook' as const, 'operator' as const),
    only: fc.constantFrom<readonly HarmKind[] | null>(null, null, ['inferredLeaver', 'rename']),
  })
  .map(({ kind, ops, sales, nowhere, other, used, opsActive, approved, orderedBy, only }) => {
    const inOps = at(OPS, many(kind, ops, {}, 'o')).map((one, index) =>
      other === null || index > 1 ? one : { ...one, harms: [...one.harms, aHarm(other, one.workerKey)] },
    );
    const plan = [...inOps, ...at(SALES, many(kind, sales, {}, 's')), ...many(kind, nowhere, {}, 'n')].map((one) => ({
      ...one,
      orderedBy,
    }));
    const attribute = LIMITS[kind].perAttribute ? 'title' : null;
    const lines =
      used === 0
        ? []
        : [
            { kind, attribute, workers: used, unit: OPS },
            { kind, attribute, workers: used },
          ];
    return guardInput(400, plan, {
      used: { hour: lines, day: lines, week: lines },
      units: withUnits({ [OPS]: opsActive, [SALES]: 300 }, only === null ? null : new Set(only)),
      approvals: approved ? digestsOf(inOps.slice(0, 2)) : new Set(),
    });
  });

/** 2: the whole change goes on, 1: only the disable, 0: nothing. */
const level = (verdict: Verdict, { workerKey }: Candidate): number =>
  verdict.passes.has(workerKey) ? 2 : verdict.disableOnly.has(workerKey) ? 1 : 0;

describe('no verdict', () => {
  test('lets more unapproved harm of a kind pass in a department than its limits there', () => {
    const law: Law = (guard) =>
      fc.property(inputs, (input) => {
        const verdict = guard(input);
        for (const unit of [OPS, SALES]) {
          for (const kind of FREE) {
            if (input.units?.only?.has(kind) === false) continue;
            const uses = verdict.uses.filter((use) => use.unit === unit && use.kind === kind && !use.approved);
            if (uses.length === 0) continue;
            const passing = new Set(uses.map(({ workerKey }) => workerKey)).size;
            for (const window of WINDOWS) {
              const limit = allowedInUnit(LIMITS, kind, window, input.units?.active.get(unit) ?? 0);
              if (limit === null) continue;
              const lines = window === 'cycle' ? [] : input.used[window];
              const before = lines.find((line) => line.kind === kind && line.unit === unit)?.workers ?? 0;
              met('limit of a department reached exactly', before + passing === limit);
              if (before + passing > limit) return false;
            }
          }
        }
        met(
          'trip of a department',
          verdict.tripped.some(({ unit }) => unit !== undefined),
        );
        met(
          'trip of a department alone',
          verdict.tripped.length > 0 && verdict.tripped.every(({ unit }) => unit !== undefined),
        );
        met(
          'approved in a department that trips',
          input.approvals.size > 0 && verdict.tripped.some(({ unit }) => unit === OPS),
        );
        return true;
      });
    const wholeHouse: Judge = (input) => judge({ ...input, units: null });
    prove(law, wholeHouse, [
      'limit of a department reached exactly',
      'trip of a department',
      'trip of a department alone',
      'approved in a department that trips',
    ]);
  });

  test('lets anybody pass who would be held without departments', () => {
    const law: Law = (guard) =>
      fc.property(inputs, (input) => {
        const whole = judge({ ...input, units: null });
        const verdict = guard(input);
        const levels = input.candidates.map((one) => [level(verdict, one), level(whole, one)] as const);
        met(
          'held by the department alone',
          levels.some(([own, all]) => own < all),
        );
        met(
          'held in both',
          levels.some(([own, all]) => own === 0 && all === 0),
        );
        return levels.every(([own, all]) => own <= all);
      });
    const insteadOfTheHouse: Judge = (input) =>
      judge({ ...input, population: { workers: 1e6, active: 1e6 }, used: { hour: [], day: [], week: [] } });
    prove(law, insteadOfTheHouse, ['held by the department alone', 'held in both']);
  });

  test('holds anybody of one department for what another one has too much of, but explicit leavers go on their budget', () => {
    const law: Law = (guard) =>
      fc.property(inputs, (input) => {
        const whole = judge({ ...input, units: null });
        const verdict = guard(input);
        const over = new Set(verdict.tripped.flatMap(({ unit }) => (unit === undefined ? [] : [unit])));
        const others = input.candidates.filter(
          (one) => !over.has(one.unit ?? '') && one.harms.every(({ kind }) => kind !== 'explicitLeaver'),
        );
        met('others beside a tripped department', over.size > 0 && others.length > 0);
        return others.every((one) => level(verdict, one) === level(whole, one));
      });
    const wholeKind: Judge = (input) => {
      const verdict = judge(input);
      return verdict.tripped.length === 0 ? verdict : { ...verdict, passes: new Set(), disableOnly: new Set() };
    };
    prove(law, wholeKind, ['others beside a tripped department']);
  });
});

test('a drip in one department trips at the same total as a burst', () => {
  const law: Law = (guard) =>
    fc.property(fc.constantFrom(...FREE), fc.constantFrom(0, 1, 5, 12, 40), (kind, active) => {
      const attribute = LIMITS[kind].perAttribute ? 'title' : null;
      const limits = { ...LIMITS, [kind]: { ...LIMITS[kind], cycle: null } };
      const units = withUnits({ [OPS]: active });
      let burst = 0;
      while (guard(guardInput(400, at(OPS, many(kind, burst + 1)), { limits, units })).passes.size > 0) burst += 1;
      let drip = 0;
      for (let cycle = 1; cycle <= burst + 4; cycle++) {
        const lines = [
          { kind, attribute, workers: drip },
          { kind, attribute, workers: drip, unit: OPS },
        ];
        const used = { hour: lines, day: lines, week: lines };
        drip += guard(guardInput(400, at(OPS, many(kind, 1, {}, `c${cycle}-`)), { limits, units, used })).uses.length;
      }
      met('several before the trip', burst > 1);
      met('one before the trip', burst === 1);
      return drip === burst;
    });
  const forgetful: Judge = (input) => judge({ ...input, used: { hour: [], day: [], week: [] } });
  prove(law, forgetful, ['several before the trip', 'one before the trip']);
});

describe('a small department', () => {
  test.each([
    ['inferredLeaver', 'cycle', 1],
    ['inferredLeaver', 'week', 2],
    ['explicitLeaver', 'day', 3],
    ['explicitLeaver', 'week', 6],
    ['emergencyLeaver', 'hour', 3],
    ['delete', 'cycle', 1],
    ['membershipRemoved', 'cycle', 1],
    ['rename', 'cycle', 1],
    ['attributeChanged', 'cycle', 1],
  ] as const)('of three lets %s in one %s pass for %i', (kind, window, limit) => {
    expect(allowedInUnit(LIMITS, kind, window, 3)).toBe(limit);
  });

  test('that nobody has counted yet is one person', () => {
    expect(allowedInUnit(LIMITS, 'membershipRemoved', 'cycle', 0)).toBe(1);
    const verdict = judge(guardInput(400, at('department New', many('rename', 2)), { units: withUnits({}) }));
    expect(verdict.passes.size).toBe(0);
    expect(verdict.tripped[0]?.reason).toBe(
      '2 workers of department New would change their userName or mail in one cycle; 1 may, of 0 active workers there',
    );
  });
});

test('a number that was raised for the whole house leaves the departments as they were, a share raises them too', () => {
  const { limits } = lowered(LIMITS, { inferredLeaver: { perCycle: { count: 90 } } }, true);
  expect(allowedInUnit(limits, 'inferredLeaver', 'cycle', 40)).toBe(2);
  const shares = lowered(LIMITS, { inferredLeaver: { perCycle: { percent: 25 } } }, true);
  expect(allowedInUnit(shares.limits, 'inferredLeaver', 'cycle', 40)).toBe(10);
  const fewer = lowered(LIMITS, { explicitLeaver: { perCycle: { count: 1 } } }, false);
  expect(allowedInUnit(fewer.limits, 'explicitLeaver', 'day', 40)).toBe(1);
});

test('only the kinds that are asked for are limited in a department', () => {
  const units = withUnits({ [OPS]: 10 }, new Set<HarmKind>(['inferredLeaver']));
  expect(judge(guardInput(400, at(OPS, many('rename', 3)), { units })).passes.size).toBe(3);
  expect(judge(guardInput(400, at(OPS, many('inferredLeaver', 3)), { units })).passes.size).toBe(0);
});

test('explicit leavers of a department that has too many take nothing from the hourly budget of the others', () => {
  const units = withUnits({ [OPS]: 10, [SALES]: 300 });
  const plan = [...at(OPS, many('explicitLeaver', 4, {}, 'o')), ...at(SALES, many('explicitLeaver', 3, {}, 's'))];
  const verdict = judge(guardInput(400, plan, { units, otherGuardTripped: true }));
  expect([...verdict.disableOnly].sort()).toEqual(['s1', 's2', 's3']);
  expect(verdict.held.get('explicitLeaver')).toHaveLength(4);
});
