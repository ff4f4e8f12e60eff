// Random people for the property tests, and how they live: days pass, feeds arrive, sometimes a person intervenes.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { CalendarDate } from '../../src/base/calendar-date.ts';
import type { DayTime } from '../../src/base/day-time.ts';
import { DAY_MS, HOUR_MS, type Instant, instantOfMs, plusMs } from '../../src/base/instant.ts';
import { decide } from '../../src/lifecycle/decide.ts';
import { detect } from '../../src/lifecycle/detect.ts';
import type { LifecycleEvent } from '../../src/lifecycle/event.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../../src/lifecycle/policy.ts';
import { DELIVERIES, type Facts, STAGES, type Standing, UNKNOWN } from '../../src/lifecycle/standing.ts';
import { type Employment, type LaterRow, withObservation } from '../../src/worker/worker.ts';
import { at } from '../support/people.ts';

export const EPOCH = at('2026-06-01T06:00:00Z');

const day = (offset: number): CalendarDate => plusMs(EPOCH, offset * DAY_MS).slice(0, 10) as CalendarDate;
const ZONES = ['Europe/Berlin', 'Pacific/Kiritimati', 'America/Los_Angeles', 'Etc/GMT+12'] as const;
const dayAround = fc.integer({ min: -60, max: 120 }).map(day);

/** Days from -60 to +120 around the epoch, so that the clock of a history walks through starts and ends. */
const oneRow: fc.Arbitrary<Omit<Employment, 'asOf' | 'later'>> = fc.record({
  id: fc.constantFrom('A', 'A', 'B'),
  personId: fc.constant('P'),
  status: fc.constantFrom('active', 'active', 'active', 'leave', 'expected', 'terminated'),
  startDate: fc.oneof({ weight: 9, arbitrary: dayAround }, { weight: 1, arbitrary: fc.constant(null) }),
  endDate: fc.oneof({ weight: 2, arbitrary: dayAround }, { weight: 3, arbitrary: fc.constant(null) }),
  endsNow: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  timeZone: fc.constantFrom(...ZONES),
  managerId: fc.constant(''),
  inScope: fc.oneof({ weight: 7, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  attributes: fc.constant({}),
});

const laterRows: fc.Arbitrary<readonly LaterRow[]> = fc
  .array(fc.record({ row: oneRow, from: dayAround }), { minLength: 1, maxLength: 3 })
  .map((rows) =>
    rows
      .toSorted((a, b) => (a.from < b.from ? -1 : 1))
      .map(({ row: { id: _, personId: __, ...facts }, from }) => ({ facts, from })),
  );

/** One in eight has rows of other content to come. */
export const employment: fc.Arbitrary<Omit<Employment, 'asOf'>> = fc.oneof(
  { weight: 7, arbitrary: oneRow },
  { weight: 1, arbitrary: fc.tuple(oneRow, laterRows).map(([row, later]) => ({ ...row, later })) },
);

const timed = (time: DayTime) => ({ weight: 1, arbitrary: fc.constant(time) });
const usual = { weight: 4, arbitrary: fc.constant(undefined) };
const enableAt = fc.oneof(usual, timed({ days: 0, minutes: 360 }), timed({ days: -1, minutes: 1_080 }));
const disableAt = fc.oneof(usual, timed({ days: 0, minutes: 1_080 }), timed({ days: 1, minutes: 540 }));

export const policy: fc.Arbitrary<LifecyclePolicy> = fc
  .record({
    preboardDays: fc.constantFrom(0, 7, 14),
    onLeave: fc.constantFrom('keep', 'suspend'),
    scopeExit: fc.constantFrom('keep', 'disable'),
    deleteAfterDays: fc.constantFrom(null, 5, 30),
    joinGroupsAt: fc.constant('active' as const),
  })
  .chain((rules) =>
    fc.tuple(enableAt, disableAt).map(([begins, ends]) => ({
      ...rules,
      ...(begins === undefined ? {} : { enableAt: begins }),
      ...(ends === undefined ? {} : { disableAt: ends }),
    })),
  );

type Step =
  | { readonly does: 'feed'; readonly hours: number; readonly employment: Omit<Employment, 'asOf'> }
  | { readonly does: 'wait' | 'emergency' | 'lift'; readonly hours: number };

const hours = fc.integer({ min: 1, max: 24 * 20 });
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('feed' as const), hours, employment }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('wait' as const), hours }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('emergency' as const), hours }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('lift' as const), hours }) },
);
export const history: fc.Arbitrary<readonly Step[]> = fc.array(step, { minLength: 1, maxLength: 8 });

export interface Life {
  readonly standing: Standing;
  readonly employments: readonly Employment[];
  readonly now: Instant;
}

export const BORN: Life = { standing: UNKNOWN, employments: [], now: EPOCH };
export type Decide = typeof decide;
export type Detect = typeof detect;
export type Fold = typeof withObservation;

/** Detect and decide until nothing is missing. Refused events change nothing and are not repeated. */
export function settled(
  life: Life,
  rules: LifecyclePolicy,
  detecting: Detect = detect,
  deciding: Decide = decide,
): Standing {
  let { standing } = life;
  for (const event of detecting(standing, life.employments, life.now, rules).events) {
    const decision = deciding(standing, event);
    if (decision.kind === 'accepted') standing = decision.to;
  }
  return standing;
}

/** A feed's facts are an hour old when they are read. */
export function live(life: Life, steps: readonly Step[], rules: LifecyclePolicy, fold: Fold = withObservation): Life {
  let { standing, employments, now } = life;
  for (const one of steps) {
    now = plusMs(now, one.hours * HOUR_MS);
    if (one.does === 'feed') employments = fold(employments, [{ ...one.employment, asOf: plusMs(now, -HOUR_MS) }]);
    const orders: readonly LifecycleEvent[] =
      one.does === 'emergency'
        ? [{ type: 'emergencyLeaveOrdered', by: 'operator', now, asOf: now }]
        : one.does === 'lift'
          ? [{ type: 'emergencyLeaveLifted', now, asOf: now }]
          : [];
    for (const event of orders) {
      const decision = decide(standing, event);
      if (decision.kind === 'accepted') standing = decision.to;
    }
    standing = settled({ standing, employments, now }, rules);
  }
  return { standing, employments, now };
}

const instant = fc.integer({ min: -100, max: 200 }).map((offset) => plusMs(EPOCH, offset * DAY_MS));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

/** Any facts, also such as no history leads to. */
export const anyFacts: fc.Arbitrary<Facts> = fc.record({
  leaveSeenAt: maybe(instant),
  leaveKind: fc.constantFrom(null, 'explicit', 'inferred'),
  leaveBy: fc.constantFrom(null, 'feed', 'endsNow', 'webhook', 'operator'),
  sticky: fc.boolean(),
  endedEmployment: fc.constantFrom(null, 'A', 'B'),
  endedStart: maybe(dayAround),
  endedEnd: maybe(dayAround),
  guardedEnd: maybe(dayAround),
});
export const anyStanding: fc.Arbitrary<Standing> = fc.record({
  stage: fc.constantFrom(...STAGES),
  delivery: fc.constantFrom(...DELIVERIES),
  facts: anyFacts,
});

const seen = { now: instant, asOf: instant };
const begins = {
  ...seen,
  employmentId: fc.constantFrom(null, 'A', 'B'),
  employmentStart: maybe(dayAround),
  startsAt: maybe(instant),
  approved: fc.boolean(),
};
const simple = (
  type: 'preboardingOpened' | 'leaveOfAbsenceEnded' | 'attributesChanged' | 'retentionExpired' | 'emergencyLeaveLifted',
) => fc.record({ type: fc.constant(type), ...seen });
export const beginningEvent: fc.Arbitrary<LifecycleEvent> = fc.record({
  type: fc.constantFrom('employmentStarted' as const, 'terminationRescinded' as const, 'rehireAnnounced' as const),
  ...begins,
});
export const anyEvent: fc.Arbitrary<LifecycleEvent> = fc.oneof(
  beginningEvent,
  beginningEvent,
  simple('preboardingOpened'),
  simple('leaveOfAbsenceEnded'),
  simple('attributesChanged'),
  simple('retentionExpired'),
  simple('emergencyLeaveLifted'),
  fc.record({ type: fc.constant('leaveOfAbsenceBegan' as const), suspends: fc.boolean(), ...seen }),
  fc.record({
    type: fc.constant('employmentEnded' as const),
    kind: fc.constantFrom('explicit' as const, 'inferred' as const),
    by: fc.constantFrom('feed' as const, 'endsNow' as const, 'webhook' as const),
    employmentId: fc.constantFrom(null, 'A', 'B'),
    employmentStart: maybe(dayAround),
    endDate: maybe(dayAround),
    ...seen,
  }),
  fc.record({
    type: fc.constant('hireWithdrawn' as const),
    kind: fc.constant('inferred' as const),
    employmentId: fc.constantFrom(null, 'A'),
    ...seen,
  }),
  fc.record({ type: fc.constant('endDateSeen' as const), endDate: maybe(dayAround), ...seen }),
  fc.record({
    type: fc.constant('emergencyLeaveOrdered' as const),
    by: fc.constantFrom('operator' as const, 'webhook' as const),
    ...seen,
  }),
  fc.record({
    type: fc.constantFrom('deliverySettled' as const, 'deliveryFailed' as const, 'deliveryOrdered' as const),
    now: instant,
  }),
);

/** Counts what the cases were; a property that never met an interesting case has proved nothing. */
export class CaseMix {
  readonly counts = new Map<string, number>();

  saw(...classes: readonly (string | false)[]): void {
    for (const name of classes) if (name !== false) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  expectAll(title: string, classes: readonly string[]): void {
    if (process.env.ROLLCALL_CASE_MIX === '1') {
      const told = [...this.counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
      process.stdout.write(`${title}: ${told.join(', ')}\n`);
    }
    for (const name of classes) expect(this.counts.get(name) ?? 0, `${title}: cases of "${name}"`).toBeGreaterThan(0);
  }
}

export const RULES = DEFAULT_POLICY;
export const momentBetween = (from: Instant, to: Instant, share: number): Instant =>
  instantOfMs(Math.floor(Date.parse(from) + (Date.parse(to) - Date.parse(from)) * share));
