// Each property is written over the function it is about, so that the same property runs against a broken one and must fail.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, plusMs } from '../../src/base/instant.ts';
import { decide, decideByChart } from '../../src/lifecycle/decide.ts';
import { detect } from '../../src/lifecycle/detect.ts';
import { gateOf } from '../../src/lifecycle/gate.ts';
import { beginsAt } from '../../src/lifecycle/phase.ts';
import { STAGES } from '../../src/lifecycle/standing.ts';
import { truthOf } from '../../src/lifecycle/truth.ts';
import { type Employment, type RowFacts, withObservation } from '../../src/worker/worker.ts';
import {
  anyEvent,
  anyFacts,
  anyStanding,
  BORN,
  beginningEvent,
  CaseMix,
  type Decide,
  type Detect,
  EPOCH,
  employment,
  type Fold,
  history,
  live,
  momentBetween,
  policy,
  settled,
} from './histories.ts';

/** The same cases at every run, unless a wider search is asked for; fast-check prints the seed when a property fails. */
const RUNS = Number(process.env.ROLLCALL_PROPERTY_RUNS ?? 2_000);
const run = { numRuns: RUNS, seed: Number(process.env.ROLLCALL_PROPERTY_SEED ?? 20_261_122) };

function expectToFail(property: fc.IProperty<never> | fc.IProperty<unknown>): void {
  expect(fc.check(property as fc.IProperty<unknown>, run).failed, 'the planted fault was not found').toBe(true);
}

const observations = fc.array(employment, { minLength: 1, maxLength: 6 });
const asSeen = (list: readonly Omit<Employment, 'asOf'>[]): readonly Employment[] =>
  list.map((one, index) => ({ ...one, asOf: plusMs(EPOCH, index * HOUR_MS) }));

describe('any repetition and reordering of observations', () => {
  const property = (fold: Fold, mix = new CaseMix()) =>
    fc.property(
      observations,
      fc.array(fc.nat(5), { maxLength: 12 }),
      fc.integer({ min: 0, max: 100 }),
      policy,
      (list, picks, days, rules) => {
        const inOrder = asSeen(list);
        const repeats = picks.map((pick) => inOrder[pick % inOrder.length] as Employment);
        // Everything arrives at least once: the repeats first, in any order, then all of them backwards.
        const arrivals = [...repeats, ...inOrder.toReversed()];
        const now = plusMs(EPOCH, days * DAY_MS + 12 * HOUR_MS);

        const newest = new Map(inOrder.map((one) => [one.id, one]));
        const said = settled({ ...BORN, employments: [...newest.values()], now }, rules);
        let known: readonly Employment[] = [];
        for (const one of arrivals) known = fold(known, [one]);
        const told = settled({ ...BORN, employments: known, now }, rules);
        mix.saw(
          told.stage,
          repeats.length > 0 && 'repeated',
          newest.size < inOrder.length && 'superseded',
          newest.size > 1 && 'two employments',
        );
        expect(told).toEqual(said);
      },
    );

  it('ends where the facts with the greatest asOf say', () => {
    const mix = new CaseMix();
    fc.assert(property(withObservation, mix), run);
    const stages = ['expected', 'preboarding', 'active', 'onLeave', 'left'];
    mix.expectAll('reordering', [...stages, 'repeated', 'superseded', 'two employments']);
  });

  it('is caught when the latest arrival wins instead', () => {
    expectToFail(
      property((known, observed) => [...known.filter(({ id }) => !observed.some((one) => one.id === id)), ...observed]),
    );
  });
});

describe('an old delivery that arrives again', () => {
  const property = (fold: Fold, mix = new CaseMix()) =>
    fc.property(history, fc.nat(7), policy, (steps, pick, rules) => {
      const life = live(BORN, steps, rules);
      const old = steps[pick % steps.length];
      fc.pre(old?.does === 'feed');
      const asOf = plusMs(
        EPOCH,
        steps.slice(0, (pick % steps.length) + 1).reduce((sum, one) => sum + one.hours, 0) * HOUR_MS - HOUR_MS,
      );
      const current = life.employments.find(({ id }) => id === old.employment.id);
      const employments = fold(life.employments, [{ ...old.employment, asOf }]);
      mix.saw(life.standing.stage, current !== undefined && current.asOf > asOf && 'stale');
      expect(settled({ ...life, employments }, rules)).toEqual(settled(life, rules));
    });

  it('changes nothing', () => {
    const mix = new CaseMix();
    fc.assert(property(withObservation, mix), run);
    mix.expectAll('stale repeat', [...STAGES, 'stale']);
  });

  it('is caught when it replaces newer facts', () => {
    expectToFail(property((known, observed) => known.map((one) => observed.find(({ id }) => id === one.id) ?? one)));
  });
});

describe('nothing older undoes a leave', () => {
  const property = (deciding: Decide, mix = new CaseMix()) =>
    fc.property(
      fc.constantFrom('left' as const, 'purged' as const),
      anyFacts,
      beginningEvent,
      (stage, facts, event) => {
        if (!('approved' in event)) return;
        const decision = deciding({ stage, delivery: 'settled', facts }, event);
        const isLeave = facts.leaveSeenAt !== null && facts.leaveBy !== null;
        const older = isLeave && event.asOf <= (facts.leaveSeenAt as string);
        const startsLater = event.startsAt !== null && isLeave && event.startsAt > (facts.leaveSeenAt as string);
        mix.saw(
          decision.kind,
          facts.sticky && 'sticky',
          older && 'older',
          older && startsLater && 'planned before',
          isLeave && !older && facts.leaveBy !== 'feed' && !event.approved && 'newer against a protected leave',
        );
        if (facts.sticky) expect(decision.kind).toBe('refused');
        else if (event.approved || !isLeave) expect(decision.kind).toBe('accepted');
        else if (older && !(facts.leaveBy === 'feed' && startsLater)) expect(decision.kind).toBe('refused');
        else if (facts.leaveBy !== 'feed' && !startsLater) expect(decision.kind).toBe('refused');
      },
    );

  it('holds for every leave and every beginning', () => {
    const mix = new CaseMix();
    fc.assert(property(decide, mix), run);
    const classes = ['accepted', 'refused', 'sticky', 'older', 'planned before', 'newer against a protected leave'];
    mix.expectAll('older than leave', classes);
  });

  it('is caught when the chart forgets when the leave was seen', () => {
    expectToFail(
      property((standing, event) => decide({ ...standing, facts: { ...standing.facts, leaveSeenAt: null } }, event)),
    );
  });

  it('is caught when an approval lifts an emergency leave', () => {
    expectToFail(
      property((standing, event) => decide({ ...standing, facts: { ...standing.facts, sticky: false } }, event)),
    );
  });

  const throughDetection = (detecting: Detect, mix = new CaseMix()) =>
    fc.property(history, employment, policy, (steps, late, rules) => {
      const life = live(BORN, steps, rules);
      const { stage, facts } = life.standing;
      fc.pre((stage === 'left' || stage === 'purged') && facts.leaveSeenAt !== null && facts.leaveBy !== null);
      const asOf = plusMs(facts.leaveSeenAt as typeof life.now, -HOUR_MS);
      const known = withObservation(life.employments, [{ ...late, asOf }]);
      // Nothing here begins after the leave, so whatever runs would be an undone leave.
      const older = known.map((one) => ({ ...one, asOf: one.asOf < asOf ? one.asOf : asOf }));
      const rows = older.flatMap((one) => [one, ...(one.later ?? []).map(({ facts: row }) => row)]);
      const beginsEarlier = ({ startDate, timeZone }: RowFacts): boolean =>
        startDate === null || beginsAt(startDate, timeZone, rules.enableAt) <= asOf;
      fc.pre(rows.every(beginsEarlier));
      const after = settled({ ...life, employments: older }, rules, detecting);
      const says = truthOf(
        { ...life.standing, facts: { ...facts, leaveBy: null, sticky: false } },
        older,
        life.now,
        rules,
      );
      mix.saw(stage, says.stage === 'active' && 'older facts say active', facts.sticky && 'sticky');
      expect(['left', 'purged']).toContain(after.stage);
    });

  it('holds for whole histories when an older record turns up late', () => {
    const mix = new CaseMix();
    fc.assert(throughDetection(detect, mix), run);
    mix.expectAll('late record', ['left', 'purged', 'older facts say active', 'sticky']);
  });

  it('is caught when detection takes old facts for new', () => {
    expectToFail(
      throughDetection((standing, list, now, rules) =>
        detect(
          standing,
          list.map((one) => ({ ...one, asOf: now })),
          now,
          rules,
        ),
      ),
    );
  });
});

describe('the same event twice', () => {
  const property = (deciding: Decide, mix = new CaseMix()) =>
    fc.property(anyStanding, anyEvent, (standing, event) => {
      const once = deciding(standing, event);
      mix.saw(once.kind, event.type);
      if (once.kind === 'refused') return;
      const twice = deciding(once.to, event);
      mix.saw(`then ${twice.kind}`);
      if (twice.kind === 'accepted') expect(twice.to).toEqual(once.to);
    });

  it('equals once', () => {
    const mix = new CaseMix();
    fc.assert(property(decide, mix), run);
    mix.expectAll('twice', [
      'accepted',
      'refused',
      'then accepted',
      'then refused',
      'emergencyLeaveOrdered',
      'endDateSeen',
    ]);
  });

  it('is caught when a repeated order moves the moment of the leave', () => {
    expectToFail(
      property((standing, event) => {
        const decision = decide(standing, event);
        if (decision.kind === 'refused' || standing.facts.leaveSeenAt === null) return decision;
        const facts = { ...decision.to.facts, leaveSeenAt: plusMs(standing.facts.leaveSeenAt, 1) };
        return { ...decision, to: { ...decision.to, facts } };
      }),
    );
  });
});

describe('detection', () => {
  const property = (detecting: Detect, mix = new CaseMix()) =>
    fc.property(history, employment, fc.integer({ min: 1, max: 480 }), policy, (steps, next, hours, rules) => {
      const life = live(BORN, steps, rules);
      const now = plusMs(life.now, hours * HOUR_MS);
      const employments = withObservation(life.employments, [{ ...next, asOf: plusMs(now, -HOUR_MS) }]);
      const { events, truth } = detecting(life.standing, employments, now, rules);
      expect(events.length).toBeLessThanOrEqual(3);
      expect(events.some(({ type }) => type === 'attributesChanged')).toBe(false);

      let { standing } = life;
      const codes: string[] = [];
      for (const event of events) {
        const decision = decide(standing, event);
        if (decision.kind === 'accepted') standing = decision.to;
        else codes.push(decision.code);
      }
      mix.saw(
        `${life.standing.stage} → ${standing.stage}`,
        `${events.length} events`,
        truth.blocked !== null && `blocked: ${truth.blocked}`,
      );
      const again = detecting(standing, employments, now, rules);
      if (truth.blocked === 'protected' && codes.length > 0) {
        expect(codes[0]).toBe('protected-leave');
        expect(again.events).toEqual(events);
        return;
      }
      expect(codes).toEqual([]);
      expect(standing.stage).toBe(truth.stage);
      expect(again.events).toEqual([]);
    });

  it('is a fixpoint: its events lead where the truth says, and then nothing is missing', () => {
    const mix = new CaseMix();
    fc.assert(property(detect, mix), { ...run, numRuns: 5 * RUNS });
    mix.expectAll('fixpoint', [
      '0 events',
      '1 events',
      '2 events',
      '3 events',
      'expected → left',
      'preboarding → expected',
      'active → onLeave',
      'active → preboarding',
      'onLeave → left',
      'left → active',
      'left → preboarding',
      'purged → active',
      'blocked: sticky',
      'blocked: protected',
    ]);
  });

  it('is caught when it forgets the last of several events', () => {
    expectToFail(
      property((...args) => {
        const seen = detect(...args);
        return { ...seen, events: seen.events.length > 1 ? seen.events.slice(0, -1) : seen.events };
      }),
    );
  });

  const untilDue = (slackMs: number, mix = new CaseMix()) =>
    fc.property(history, fc.double({ min: 0, max: 1, noNaN: true }), policy, (steps, share, rules) => {
      const life = live(BORN, steps, rules);
      const { dueAt, stage, blocked } = truthOf(life.standing, life.employments, life.now, rules);
      fc.pre(blocked !== 'protected');
      const end = dueAt === null ? plusMs(life.now, 400 * DAY_MS) : plusMs(dueAt, slackMs - 1);
      const moment = momentBetween(life.now, end, share);
      mix.saw(stage, dueAt === null ? 'nothing due' : 'due');
      expect(detect(life.standing, life.employments, moment, rules).events).toEqual([]);
    });

  it('finds nothing before the moment that is due', () => {
    const mix = new CaseMix();
    fc.assert(untilDue(0, mix), run);
    mix.expectAll('due', [...STAGES, 'due', 'nothing due']);
  });

  it('is caught when the moment that is due comes too late', () => {
    expectToFail(untilDue(20 * DAY_MS));
  });
});

describe('a remembered decision', () => {
  const property = (deciding: Decide, mix = new CaseMix()) =>
    fc.property(anyStanding, anyEvent, (standing, event) => {
      const decision = deciding(standing, event);
      mix.saw(decision.kind, standing.stage, standing.delivery, event.type);
      if ('approved' in event) mix.saw(gateOf(standing.facts, event, event.approved));
      expect(decision).toEqual(decideByChart(standing, event));
    });

  it('is the decision that the chart makes', () => {
    const mix = new CaseMix();
    fc.assert(property(decide, mix), { ...run, numRuns: 2 * RUNS });
    mix.expectAll('memory', [...STAGES, 'settled', 'delivering', 'failed', 'open', 'sticky', 'protected', 'older']);
  });

  it('is caught when it is remembered by stage and event alone', () => {
    const known = new Map<string, ReturnType<Decide>>();
    expectToFail(
      property((standing, event) => {
        const key = `${standing.stage} ${event.type}`;
        const decision = known.get(key) ?? decide(standing, event);
        known.set(key, decision);
        return decision;
      }),
    );
  });
});
