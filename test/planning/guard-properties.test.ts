// Each property is a function of the guard under test, so that it can be shown to fail on a guard with a planted fault.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, type GuardInput, judge, type UsedLine, type Verdict } from '../../src/planning/guard.ts';
import { HARM_KINDS, type Harm, type HarmKind } from '../../src/planning/harm.ts';
import { itemDigest } from '../../src/planning/hold-items.ts';
import { allowed, LIMITS } from '../../src/planning/limits.ts';
import { aHarm, digestsOf, guardInput, MAPPING_DIGEST, many, sha256 } from '../support/guard-plans.ts';

type Judge = (input: GuardInput) => Verdict;
type Law = (guard: Judge) => fc.IProperty<unknown>;
const RUNS = 600;

const mix = new Map<string, number>();
const met = (name: string, when = true): void => void (when && mix.set(name, (mix.get(name) ?? 0) + 1));

/** Holds for the guard and fails for the guard with the fault; the cases named must all have been met at least `least` times. */
function prove(law: Law, planted: Judge, cases: readonly string[], least = 8): void {
  mix.clear();
  fc.assert(law(judge), { numRuns: RUNS });
  if (process.env.ROLLCALL_CASE_MIX === '1') console.log(expect.getState().currentTestName, Object.fromEntries(mix));
  for (const name of cases) expect(mix.get(name) ?? 0, `cases of "${name}"`).toBeGreaterThanOrEqual(least);
  expect(fc.check(law(planted), { numRuns: RUNS }).failed, 'the planted fault is found').toBe(true);
}

const attribute = fc.constantFrom('title', 'department');
const shape = fc.record({
  kind: fc.constantFrom(...HARM_KINDS),
  attribute,
  operation: fc.constantFrom('disable', 'disable', 'last day'),
  after: fc.constantFrom('x', 'y'),
});
const harmOf = (
  workerKey: string,
  one: { kind: HarmKind; attribute: string; operation: string; after: string },
): Harm => {
  const { perAttribute } = LIMITS[one.kind];
  const operation = one.kind === 'explicitLeaver' ? { operation: one.operation } : {};
  return aHarm(one.kind, workerKey, { attribute: perAttribute ? one.attribute : null, after: one.after, ...operation });
};

/** One or two kinds dominate a plan, so that limits are met from both sides and not only far exceeded. */
const candidates: fc.Arbitrary<readonly Candidate[]> = fc
  .tuple(
    fc.constantFrom(...HARM_KINDS, 'explicitLeaver' as const),
    fc.array(
      fc.tuple(
        fc.constantFrom(true, true, true, false),
        fc.array(shape, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('operator', 'webhook'),
      ),
      {
        maxLength: 24,
        size: 'max',
      },
    ),
  )
  .map(([main, plans]) =>
    plans.map(([usual, shapes, orderedBy], index): Candidate => {
      const workerKey = `w${String(index).padStart(2, '0')}`;
      const kept = usual ? shapes.slice(0, 1).map((one) => ({ ...one, kind: main })) : shapes;
      return {
        workerKey,
        harms: kept.map((one) => harmOf(workerKey, one)),
        orderedBy: orderedBy as 'operator' | 'webhook',
      };
    }),
  );

const usage: fc.Arbitrary<readonly UsedLine[]> = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...HARM_KINDS), attribute, fc.nat(12)).map(([kind, name, workers]): UsedLine => {
    return { kind, attribute: LIMITS[kind].perAttribute ? name : null, workers };
  }),
  { selector: (line) => `${line.kind} ${line.attribute}`, maxLength: 4 },
);

/** The n-th harm is approved (`a`), discarded (`d`) or both, as the n-th mark says. */
const marks = fc.array(fc.constantFrom('-', '-', '-', '-', '-', '-', '-', '-', 'a', 'd', 'both'), {
  minLength: 80,
  maxLength: 80,
});
const marked = (plan: readonly Candidate[], list: readonly string[], mark: string): ReadonlySet<string> => {
  const harms = plan.flatMap((one) => one.harms);
  return new Set(
    harms
      .filter((_, index) => [mark, 'both'].includes(list[index] ?? ''))
      .map((harm) => itemDigest(harm, MAPPING_DIGEST, sha256)),
  );
};

const inputs: fc.Arbitrary<GuardInput> = fc
  .record({
    active: fc.constantFrom(0, 1, 19, 20, 21, 60, 100, 400),
    plan: candidates,
    day: usage,
    hour: usage,
    marks,
    newlyRejected: fc.constantFrom(0, 0, 0, 9),
    firstLoad: fc.constantFrom(false, false, false, true),
    otherGuardTripped: fc.boolean(),
  })
  .map(({ active, plan, day, hour, marks, newlyRejected, firstLoad, otherGuardTripped }) =>
    guardInput(active, plan, {
      used: { hour, day, week: day.map((line) => ({ ...line, workers: line.workers * 2 })) },
      approvals: marked(plan, marks, 'a'),
      discards: marked(plan, marks, 'd'),
      rows: { total: 100, rejected: newlyRejected, newlyRejected },
      firstLoad,
      otherGuardTripped,
    }),
  );

/** 2: the whole change goes on, 1: only the disable, 0: nothing. */
const level = (verdict: Verdict, workerKey: string): number =>
  verdict.passes.has(workerKey) ? 2 : verdict.disableOnly.has(workerKey) ? 1 : 0;

describe('no verdict', () => {
  const law: Law = (guard) =>
    fc.property(inputs, (input) => {
      const verdict = guard(input);
      const groups = Object.groupBy(
        verdict.uses.filter((use) => !use.approved),
        (use) => `${use.kind}/${use.attribute}`,
      );
      for (const uses of Object.values(groups)) {
        const { kind, attribute: name } = (uses ?? [])[0] as { kind: HarmKind; attribute: string | null };
        const passing = new Set((uses ?? []).map((use) => use.workerKey)).size;
        for (const window of ['cycle', 'hour', 'day', 'week'] as const) {
          const limit = allowed(LIMITS, kind, window, input.population.active);
          if (limit === null) continue;
          const lines = window === 'cycle' ? [] : input.used[window];
          const before = lines.find((line) => line.kind === kind && line.attribute === name)?.workers ?? 0;
          met('limit reached exactly', before + passing === limit);
          if (before + passing > limit) return false;
        }
        if (kind === 'explicitLeaver' && input.otherGuardTripped === true) {
          const before = input.used.hour.find((line) => line.kind === kind)?.workers ?? 0;
          met('explicit leavers on their budget');
          if (before + passing > 10) return false;
        }
      }
      met('trip', verdict.tripped.length > 0);
      met(
        'trip of one attribute',
        verdict.tripped.some((trip) => trip.attribute !== null),
      );
      met(
        'worker held for another harm',
        input.candidates.some((one) => one.harms.length > 1 && !verdict.passes.has(one.workerKey)),
      );
      met(
        'approved use',
        verdict.uses.some((use) => use.approved),
      );
      return true;
    });

  test('lets more unapproved harm of a kind pass than its limits', () => {
    const doubled: Judge = (input) =>
      judge({ ...input, population: { ...input.population, active: input.population.active * 2 } });
    const cases = ['limit reached exactly', 'explicit leavers on their budget', 'trip', 'trip of one attribute'];
    prove(law, doubled, [...cases, 'worker held for another harm', 'approved use']);
  });

  test('passes a worker of whom any harm is held, save for the disable alone', () => {
    const whole: Law = (guard) =>
      fc.property(inputs, (input) => {
        const verdict = guard(input);
        const held = new Set([...verdict.held.values()].flatMap((items) => items.map((item) => item.harm.workerKey)));
        met('some held', held.size > 0);
        met('disable alone', verdict.disableOnly.size > 0);
        return (
          [...held].every((workerKey) => !verdict.passes.has(workerKey)) &&
          [...verdict.disableOnly].every((workerKey) => !verdict.passes.has(workerKey)) &&
          input.candidates.every(
            (one) =>
              level(verdict, one.workerKey) === 2 || held.has(one.workerKey) || verdict.disableOnly.has(one.workerKey),
          )
        );
      });
    const anyHarm: Judge = (input) => {
      const verdict = judge(input);
      return { ...verdict, passes: new Set([...verdict.passes, ...verdict.disableOnly]), disableOnly: new Set() };
    };
    prove(whole, anyHarm, ['some held', 'disable alone']);
  });
});

test('a drip of one worker a cycle trips at the same total as a burst', () => {
  const kinds = HARM_KINDS.filter((kind) => !LIMITS[kind].alwaysHeld);
  const law: Law = (guard) =>
    fc.property(fc.constantFrom(...kinds), fc.constantFrom(0, 1, 20, 21, 60, 100, 400), (kind, active) => {
      const name = LIMITS[kind].perAttribute ? 'title' : null;
      const limits = { ...LIMITS, [kind]: { ...LIMITS[kind], cycle: null } };
      let burst = 0;
      while (guard(guardInput(active, many(kind, burst + 1), { limits })).passes.size > 0) burst += 1;
      let drip = 0;
      for (let cycle = 1; cycle <= burst + 5; cycle++) {
        const lines: readonly UsedLine[] = drip === 0 ? [] : [{ kind, attribute: name, workers: drip }];
        const used = { hour: lines, day: lines, week: lines };
        const [one] = many(kind, 1, {}, `cycle${cycle}-`);
        drip += guard(guardInput(active, one === undefined ? [] : [one], { limits, used })).uses.length;
      }
      met(kind);
      met('several before the trip', burst > 1);
      return drip === burst;
    });
  const forgetful: Judge = (input) => judge({ ...input, used: { hour: [], day: [], week: [] } });
  prove(law, forgetful, [...kinds, 'several before the trip']);
});

test('the order of candidates does not change the verdict', () => {
  const seen = (verdict: Verdict) => ({
    ...verdict,
    passes: [...verdict.passes].sort(),
    disableOnly: [...verdict.disableOnly].sort(),
    held: [...verdict.held].sort(([a], [b]) => (a < b ? -1 : 1)),
    uses: verdict.uses.map((use) => JSON.stringify(use)).sort(),
  });
  const law: Law = (guard) =>
    fc.property(
      inputs.chain((input) =>
        fc.tuple(
          fc.constant(input),
          fc.shuffledSubarray([...input.candidates], { minLength: input.candidates.length }),
        ),
      ),
      ([input, shuffled]) => {
        const [a, b] = [seen(guard(input)), seen(guard({ ...input, candidates: shuffled }))];
        met(
          'reordered',
          shuffled.some((one, index) => one !== input.candidates[index]),
        );
        met('reordered trip', a.tripped.length > 0 && shuffled[0] !== input.candidates[0]);
        expect(b).toEqual(a);
      },
    );
  /** Holds the excess instead of all: who passes then depends on who came first. */
  const excessOnly: Judge = (input) => {
    const verdict = judge(input);
    const first = input.candidates.find((one) => !verdict.passes.has(one.workerKey));
    return first === undefined ? verdict : { ...verdict, passes: new Set([...verdict.passes, first.workerKey]) };
  };
  prove(law, excessOnly, ['reordered', 'reordered trip']);
});

test('another approval only ever releases', () => {
  const law: Law = (guard) =>
    fc.property(inputs, fc.nat(79), (input, index) => {
      const harms = input.candidates.flatMap((one) => one.harms);
      const harm = harms[index % Math.max(1, harms.length)];
      if (harm === undefined) return true;
      const more = new Set([...input.approvals, itemDigest(harm, MAPPING_DIGEST, sha256)]);
      const [before, after] = [guard(input), guard({ ...input, approvals: more })];
      const levels = (verdict: Verdict) => input.candidates.map((one) => level(verdict, one.workerKey));
      const [old, now] = [levels(before), levels(after)];
      met(
        'released the approved worker',
        now.some((value, position) => value > (old[position] ?? 0)),
      );
      met('released others too', now.filter((value, position) => value > (old[position] ?? 0)).length > 1);
      return now.every((value, position) => value >= (old[position] ?? 0));
    });
  /** Counts what was approved against the window. */
  const counting: Judge = (input) => {
    const lines = HARM_KINDS.map((kind): UsedLine => ({ kind, attribute: null, workers: input.approvals.size }));
    return judge({ ...input, used: { ...input.used, day: [...input.used.day, ...lines] } });
  };
  prove(law, counting, ['released the approved worker', 'released others too'], 3);
});

test('an approval never releases an item whose text changed', () => {
  const law: Law = (guard) =>
    fc.property(
      fc.constantFrom(...HARM_KINDS),
      fc.constantFrom('operation', 'before', 'after', 'target', 'mapping'),
      fc.string({ minLength: 1 }),
      (kind, what, text) => {
        const plan = many(kind, 60);
        const approvals = digestsOf(plan);
        const change = (harm: Harm): Harm =>
          what === 'mapping' ? harm : { ...harm, [what]: `${harm[what as 'after']}${text}` };
        const changed = plan.map((one): Candidate => ({ ...one, harms: one.harms.map(change) }));
        const mappingDigest = what === 'mapping' ? sha256(text) : MAPPING_DIGEST;
        met(what);
        return (
          guard(guardInput(100, plan, { approvals })).passes.size === 60 &&
          guard(guardInput(100, changed, { approvals, mappingDigest })).passes.size === 0
        );
      },
    );
  /** A digest that does not cover the value which would be written. */
  const blind: Judge = (input) => {
    const hash = (text: string) => sha256(text.replace(/"after":"(?:[^"\\]|\\.)*"/, ''));
    const approvals = new Set(digestsBy(input, hash));
    return judge({ ...input, sha256: hash, approvals: input.approvals.size > 0 ? approvals : new Set() });
  };
  prove(law, blind, ['operation', 'before', 'after', 'target', 'mapping']);
});

/** What was approved, seen through another hash: the items as they were with their first text. */
function digestsBy(input: GuardInput, hash: (text: string) => string): readonly string[] {
  const kind = input.candidates[0]?.harms[0]?.kind ?? 'rename';
  return many(kind, 60).flatMap((one) => one.harms.map((harm) => itemDigest(harm, MAPPING_DIGEST, hash)));
}

test('a discard never settles a leaver: the item stays held, the worker does not pass, nothing is used', () => {
  const leaving: readonly HarmKind[] = ['inferredLeaver', 'explicitLeaver', 'emergencyLeaver'];
  const law: Law = (guard) =>
    fc.property(inputs, (input) => {
      const verdict = guard(input);
      const heldDigests = new Set([...verdict.held.values()].flatMap((items) => items.map((item) => item.digest)));
      for (const candidate of input.candidates) {
        for (const harm of candidate.harms) {
          const digest = itemDigest(harm, MAPPING_DIGEST, sha256);
          if (!input.discards.has(digest)) continue;
          if (harm.kind === 'emergencyLeaver' && candidate.orderedBy === 'operator') continue;
          met('discarded leaver', leaving.includes(harm.kind));
          met('discarded and approved', input.approvals.has(digest));
          if (verdict.passes.has(candidate.workerKey) || !heldDigests.has(digest)) return false;
          const same = candidate.harms.filter((other) => other.kind === harm.kind);
          const used = verdict.uses.some((use) => use.workerKey === harm.workerKey && use.kind === harm.kind);
          if (same.length === 1 && used) return false;
        }
      }
      return true;
    });
  const settling: Judge = (input) =>
    judge({ ...input, discards: new Set(), approvals: new Set([...input.approvals, ...input.discards]) });
  prove(law, settling, ['discarded leaver', 'discarded and approved']);
});
