// Histories in which records vanish from snapshots and come back, permuted, repeated and delayed. Each property runs against
// planted faults as well and must find them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../../src/base/instant.ts';
import { decide } from '../../src/lifecycle/decide.ts';
import { type Employment, withObservation } from '../../src/worker/worker.ts';
import { CaseMix } from '../support/case-mix.ts';
import { BORN, EPOCH, employment, type Fold, type Life, policy, settled } from './histories.ts';

const RUNS = Number(process.env.ROLLCALL_PROPERTY_RUNS ?? 1_000);
const run = { numRuns: RUNS, seed: Number(process.env.ROLLCALL_PROPERTY_SEED ?? 20_261_122) };

type Step =
  /** A snapshot holds the record; its own time may lie days back. */
  | { readonly does: 'holds'; readonly employment: Omit<Employment, 'asOf'>; readonly daysOld: number }
  /** Enough snapshots miss the record. */
  | { readonly does: 'misses'; readonly id: string; readonly strong: boolean };

const holds = fc.record({ does: fc.constant('holds' as const), employment, daysOld: fc.constantFrom(0, 0, 0, 1, 6) });
const misses = fc.record({
  does: fc.constant('misses' as const),
  id: fc.constantFrom('A', 'B'),
  strong: fc.boolean(),
});
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: holds }, { weight: 2, arbitrary: misses }), {
  minLength: 2,
  maxLength: 9,
});

interface Told extends Life {
  /** What was observed at each step that said anything. */
  readonly observations: readonly Employment[];
}

/** Day after day, as the pipeline observes it: an absence repeats what is on file, a return says since when it is there. */
function told(history: readonly Step[], rules: Parameters<typeof settled>[1]): Told {
  let life: Life = BORN;
  const observations: Employment[] = [];
  for (const step of history) {
    const now = plusMs(life.now, DAY_MS);
    const asOf = plusMs(now, -HOUR_MS);
    const observed = observationOf(step, life.employments, asOf);
    if (observed !== null) observations.push(observed);
    const employments = observed === null ? life.employments : withObservation(life.employments, [observed]);
    life = { employments, now, standing: settled({ ...life, employments, now }, rules) };
  }
  return { ...life, observations };
}

function observationOf(step: Step, known: readonly Employment[], asOf: Instant): Employment | null {
  const id = step.does === 'holds' ? step.employment.id : step.id;
  const onFile = known.find((one) => one.id === id);
  if (step.does === 'misses') {
    if (onFile === undefined || onFile.absent !== undefined) return null;
    return { ...onFile, absent: { since: plusMs(asOf, -DAY_MS), asOf, strong: step.strong } };
  }
  const content = { ...step.employment, asOf: plusMs(asOf, -step.daysOld * DAY_MS) };
  return onFile?.absent === undefined ? content : { ...content, seenAgain: asOf };
}

const latestWins: Fold = (known, observed) => [
  ...known.filter(({ id }) => !observed.some((one) => one.id === id)),
  ...observed,
];
/** Any record that comes by ends an absence, whatever day it speaks of. */
const anyRecordEndsAbsence: Fold = (known, observed) =>
  withObservation(
    known.map(({ absent: _, ...one }) => one),
    observed,
  );
/** An absence is forgotten once the record's own time is looked at alone. */
const presenceIsContent: Fold = (known, observed) =>
  withObservation(
    known,
    observed.map(({ seenAgain: _, ...one }) => one),
  );

function expectToFail(property: fc.IProperty<unknown>): void {
  expect(fc.check(property, run).failed, 'the planted fault was not found').toBe(true);
}

/** Members apart from the order in which employments were first seen. */
const byId = (employments: readonly Employment[]): readonly Employment[] =>
  employments.toSorted((a, b) => (a.id < b.id ? -1 : 1));

describe('records that vanish and come back', () => {
  const property = (fold: Fold, mix?: CaseMix<string>) =>
    fc.property(steps, fc.array(fc.nat(8), { maxLength: 12 }), policy, (history, picks, rules) => {
      const { observations, employments, now } = told(history, rules);
      fc.pre(observations.length > 0);
      // Ties in content alone are decided by arrival: each record has a time of its own here.
      const times = observations.filter(({ absent }) => absent === undefined).map(({ id, asOf }) => `${id} ${asOf}`);
      fc.pre(new Set(times).size === times.length);
      const repeats = picks.map((pick) => observations[pick % observations.length] as Employment);
      let known: readonly Employment[] = [];
      for (const one of [...repeats, ...observations.toReversed()]) known = fold(known, [one]);
      mix?.count(
        'absent at the end',
        employments.some(({ absent }) => absent !== undefined),
      );
      mix?.count(
        'back at the end',
        employments.some(({ absent, seenAgain }) => absent === undefined && seenAgain !== undefined),
      );
      mix?.count('repeated', repeats.length > 0);
      expect(settled({ ...BORN, employments: known, now }, rules)).toEqual(
        settled({ ...BORN, employments, now }, rules),
      );
      expect(byId(known).map(({ absent }) => absent)).toEqual(byId(employments).map(({ absent }) => absent));
    });

  it('end in the same facts in whatever order, and however often, they were observed', () => {
    const mix = new CaseMix(['absent at the end', 'back at the end', 'repeated']);
    fc.assert(property(withObservation, mix), run);
    mix.expectEach(RUNS / 20);
  });

  it.each([
    ['the latest arrival wins', latestWins],
    ['any record ends an absence', anyRecordEndsAbsence],
    ['presence is taken for content', presenceIsContent],
  ])('are caught when %s', (_, fold) => {
    expectToFail(property(fold));
  });
});

describe('nothing old', () => {
  const property = (fold: Fold, mix?: CaseMix<string>) =>
    fc.property(steps, fc.array(fc.nat(8), { minLength: 1, maxLength: 12 }), policy, (history, picks, rules) => {
      const life = told(history, rules);
      fc.pre(life.observations.length > 0);
      const old = picks.map((pick) => life.observations[pick % life.observations.length] as Employment);
      let { employments } = life;
      for (const one of old) {
        const current = employments.find(({ id }) => id === one.id);
        // A record that ties with what is on file is the same record.
        if (current === undefined || one.asOf === current.asOf) continue;
        employments = fold(employments, [one]);
      }
      const gone = life.standing.stage === 'left' || life.standing.stage === 'purged';
      mix?.count('somebody who left', gone);
      mix?.count('somebody who left by absence', gone && life.employments.some(({ absent }) => absent !== undefined));
      mix?.count('somebody at work', life.standing.stage === 'active' || life.standing.stage === 'onLeave');
      expect(settled({ ...life, employments }, rules)).toEqual(settled(life, rules));
    });

  it('undoes a leave, or makes one, when it is observed again', () => {
    const mix = new CaseMix(['somebody who left', 'somebody who left by absence', 'somebody at work']);
    fc.assert(property(withObservation, mix), run);
    mix.expectEach(RUNS / 20);
  });

  it.each([
    ['the latest arrival wins', latestWins],
    ['any record ends an absence', anyRecordEndsAbsence],
  ])('is caught when %s', (_, fold) => {
    expectToFail(property(fold));
  });
});

describe('an absence', () => {
  it('takes access from nobody whom another employment keeps, and heals with the record however old it is', () => {
    const mix = new CaseMix(['kept by another', 'left', 'healed']);
    fc.assert(
      fc.property(steps, policy, (history, rules) => {
        const before = told(history, rules);
        const [gone] = before.employments;
        // Somebody whom the clock alone would not take to their end in the next hour either.
        const stay = settled({ ...before, now: plusMs(before.now, HOUR_MS) }, rules).stage;
        fc.pre((stay === 'active' || stay === 'onLeave') && gone !== undefined && gone.absent === undefined);
        if (gone === undefined) return;
        const now = plusMs(before.now, HOUR_MS);
        const absent = { ...gone, absent: { since: before.now, asOf: before.now, strong: true } };
        const without = before.employments.filter(({ id }) => id !== gone.id);
        const employments = withObservation(before.employments, [absent]);
        const standing = settled({ ...before, employments, now }, rules);
        const alone = settled({ ...before, employments: without, now }, rules);
        const keeps = without.length > 0 && (alone.stage === 'active' || alone.stage === 'onLeave');
        mix.count('kept by another', keeps);
        if (keeps) {
          expect(standing.stage).toBe(alone.stage);
          return;
        }
        if (standing.stage !== 'left') return;
        mix.count('left', true);
        // What ran by the benefit of the doubt alone had ended by its own word.
        if (settled({ ...BORN, employments: [gone], now }, rules).stage !== 'left')
          expect(standing.facts).toMatchObject({ leaveKind: 'inferred' });
        const later = plusMs(now, DAY_MS);
        const back = withObservation(employments, [{ ...gone, seenAgain: plusMs(later, -HOUR_MS) }]);
        const again = settled({ standing, employments: back, now: later }, rules);
        // What somebody new with this record would be: it may have ended by itself meanwhile, or not have begun.
        const anew = settled({ ...BORN, employments: [gone], now: later }, rules);
        if (anew.stage !== 'active' && anew.stage !== 'onLeave') return;
        mix.count('healed', true);
        expect(again.stage).toBe(anew.stage);
      }),
      run,
    );
    mix.expectEach(5);
  });

  it('is refused its return by a chart only where a leave is protected', () => {
    const left = {
      stage: 'left',
      delivery: 'settled',
      facts: {
        ...BORN.standing.facts,
        leaveSeenAt: EPOCH,
        leaveKind: 'inferred',
        leaveBy: 'feed',
        endedEmployment: 'A',
      },
    } as const;
    const begins = {
      employmentId: 'A',
      employmentStart: null,
      startsAt: null,
      approved: false,
      now: plusMs(EPOCH, DAY_MS),
    };
    const newer = { type: 'terminationRescinded', ...begins, asOf: plusMs(EPOCH, 1) } as const;
    expect(decide(left, newer).kind).toBe('accepted');
    expect(decide(left, { ...newer, asOf: EPOCH }).kind).toBe('refused');
  });
});
