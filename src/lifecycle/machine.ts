// The chart, and only the chart: two parallel regions. It is never run as a live actor and names operations without doing
// them. No after, always, raise or invoke: a date is a row, the calendar turns it into an event when its moment has come.
import { and, assign, setup, stateIn } from 'xstate';
import type { EventType, LifecycleEvent } from './event.ts';
import { factsAfter } from './facts.ts';
import { gateOf, isProtectedLeave } from './gate.ts';
import { OPERATION_NAMES, type OperationName, TRANSITIONS, type TransitionName } from './operation.ts';
import { type Facts, STAGES, type Stage } from './standing.ts';

type ActionName = OperationName | TransitionName | 'refuse';
type FactsAction = `remember:${Stage}`;
type DeliveryEvent = 'deliverySettled' | 'deliveryFailed' | 'deliveryOrdered';
/** What the employment region must answer for. */
export type EmploymentEvent = Exclude<EventType, DeliveryEvent>;

export const GUARDS = {
  /** Nothing older undoes a leave, and nothing at all an emergency leave. */
  mayBegin: (facts: Facts, event: LifecycleEvent): boolean =>
    'approved' in event && gateOf(facts, event, event.approved) === 'open',
  suspends: (_: Facts, event: LifecycleEvent): boolean => event.type === 'leaveOfAbsenceBegan' && event.suspends,
  isOrderedMeanwhile: (facts: Facts, event: LifecycleEvent): boolean =>
    event.type === 'employmentEnded' && isProtectedLeave(event.by) && !isProtectedLeave(facts.leaveBy),
  isSticky: (facts: Facts): boolean => facts.sticky,
} as const;
export type GuardName = keyof typeof GUARDS;

interface Branch {
  readonly guard?: GuardName;
  readonly target?: Stage;
  readonly actions: ActionName | readonly ActionName[];
}
type Branches = Branch | readonly Branch[];
const listed = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? (one as readonly T[]) : [one as T]);

const REFUSE: Branch = { actions: 'refuse' };
const NOTHING: Branch = { actions: [] };
const LEAVER: Branch = {
  target: 'left',
  actions: ['leaver', 'disableAccount', 'revokeMemberships', 'revokeSessions'],
};
const WITHDRAW: Branch = { target: 'expected', actions: ['withdraw', 'disableAccount', 'revokeMemberships'] };
const MOVER: Branch = { actions: ['mover', 'updateAccount'] };

const begins = (target: Stage, ...actions: readonly ActionName[]): Branches => [
  { guard: 'mayBegin', target, actions },
  REFUSE,
];

/** Every stage answers every event: by a branch, or by an explicit refusal whose reason stands in refusals.ts. */
const STAGE_CHART: Readonly<Record<Stage, Readonly<Record<EmploymentEvent, Branches>>>> = {
  expected: {
    preboardingOpened: { target: 'preboarding', actions: ['joiner', 'createAccount'] },
    employmentStarted: begins('active', 'joiner', 'createAccount', 'enableAccount'),
    leaveOfAbsenceBegan: REFUSE,
    leaveOfAbsenceEnded: REFUSE,
    employmentEnded: LEAVER,
    terminationRescinded: REFUSE,
    hireWithdrawn: REFUSE,
    rehireAnnounced: REFUSE,
    attributesChanged: REFUSE,
    retentionExpired: REFUSE,
    endDateSeen: REFUSE,
    emergencyLeaveOrdered: LEAVER,
    emergencyLeaveLifted: REFUSE,
  },
  preboarding: {
    preboardingOpened: REFUSE,
    employmentStarted: begins('active', 'start', 'enableAccount'),
    leaveOfAbsenceBegan: REFUSE,
    leaveOfAbsenceEnded: REFUSE,
    employmentEnded: LEAVER,
    terminationRescinded: REFUSE,
    hireWithdrawn: WITHDRAW,
    rehireAnnounced: REFUSE,
    attributesChanged: MOVER,
    retentionExpired: REFUSE,
    endDateSeen: NOTHING,
    emergencyLeaveOrdered: LEAVER,
    emergencyLeaveLifted: REFUSE,
  },
  active: {
    preboardingOpened: REFUSE,
    employmentStarted: REFUSE,
    leaveOfAbsenceBegan: [
      { guard: 'suspends', target: 'onLeave', actions: ['leave', 'disableAccount'] },
      { target: 'onLeave', actions: 'leave' },
    ],
    leaveOfAbsenceEnded: REFUSE,
    employmentEnded: LEAVER,
    terminationRescinded: REFUSE,
    hireWithdrawn: WITHDRAW,
    rehireAnnounced: REFUSE,
    attributesChanged: MOVER,
    retentionExpired: REFUSE,
    endDateSeen: NOTHING,
    emergencyLeaveOrdered: LEAVER,
    emergencyLeaveLifted: REFUSE,
  },
  onLeave: {
    preboardingOpened: REFUSE,
    employmentStarted: REFUSE,
    leaveOfAbsenceBegan: REFUSE,
    leaveOfAbsenceEnded: { target: 'active', actions: ['return', 'enableAccount'] },
    employmentEnded: LEAVER,
    terminationRescinded: REFUSE,
    hireWithdrawn: WITHDRAW,
    rehireAnnounced: REFUSE,
    attributesChanged: MOVER,
    retentionExpired: REFUSE,
    endDateSeen: NOTHING,
    emergencyLeaveOrdered: LEAVER,
    emergencyLeaveLifted: REFUSE,
  },
  left: {
    preboardingOpened: REFUSE,
    employmentStarted: begins('active', 'rehire', 'updateAccount', 'enableAccount'),
    leaveOfAbsenceBegan: REFUSE,
    leaveOfAbsenceEnded: REFUSE,
    employmentEnded: [{ guard: 'isOrderedMeanwhile', actions: [] }, REFUSE],
    terminationRescinded: begins('active', 'rescind', 'updateAccount', 'enableAccount'),
    hireWithdrawn: REFUSE,
    rehireAnnounced: begins('preboarding', 'rehire', 'updateAccount'),
    attributesChanged: REFUSE,
    retentionExpired: { target: 'purged', actions: ['purge', 'deleteAccount'] },
    endDateSeen: REFUSE,
    // Asked again on purpose: whoever repeats the order has a reason to doubt that the account is inactive.
    emergencyLeaveOrdered: { actions: ['disableAccount', 'revokeMemberships', 'revokeSessions'] },
    emergencyLeaveLifted: [{ guard: 'isSticky', actions: [] }, REFUSE],
  },
  purged: {
    preboardingOpened: REFUSE,
    employmentStarted: begins('active', 'rehire', 'createAccount', 'enableAccount'),
    leaveOfAbsenceBegan: REFUSE,
    leaveOfAbsenceEnded: REFUSE,
    employmentEnded: REFUSE,
    terminationRescinded: begins('active', 'rescind', 'createAccount', 'enableAccount'),
    hireWithdrawn: REFUSE,
    rehireAnnounced: begins('preboarding', 'rehire', 'createAccount'),
    attributesChanged: REFUSE,
    retentionExpired: REFUSE,
    endDateSeen: REFUSE,
    emergencyLeaveOrdered: NOTHING,
    emergencyLeaveLifted: [{ guard: 'isSticky', actions: [] }, REFUSE],
  },
};

/** The employment region: each accepted branch also lets the chart remember what the event says. */
function employmentStates() {
  const branch = (stage: Stage, { guard, target, actions }: Branch) => {
    const named = listed(actions);
    return {
      ...(guard === undefined ? {} : { guard }),
      ...(target === undefined ? {} : { target }),
      actions: named.includes('refuse') ? named : [`remember:${stage}` as const satisfies FactsAction, ...named],
    };
  };
  return mapValues(STAGE_CHART, (events, stage) => ({
    on: mapValues(events, (branches) => listed<Branch>(branches).map((one) => branch(stage, one))),
  }));
}

/**
 * An accepted event that names operations starts a delivery, from wherever delivery stands. Read off the employment region
 * branch by branch in the same order, so the regions agree on which branch was taken.
 */
function workOrders() {
  const types = Object.keys(STAGE_CHART.expected) as EmploymentEvent[];
  const orders = types.map((type) => {
    const branches = STAGES.flatMap((stage) =>
      listed<Branch>(STAGE_CHART[stage][type]).map(({ guard, actions }) => {
        const works = listed(actions).some((name) => (OPERATION_NAMES as readonly string[]).includes(name));
        const here = stateIn({ employment: stage });
        return {
          guard: guard === undefined ? here : and([here, guard]),
          ...(works ? { target: '#delivering' } : {}),
        };
      }),
    );
    return [type, branches] as const;
  });
  return Object.fromEntries(orders) as Record<EmploymentEvent, (typeof orders)[number][1]>;
}

function mapValues<K extends string, V, R>(source: Readonly<Record<K, V>>, of: (value: V, key: K) => R): Record<K, R> {
  return Object.fromEntries(
    (Object.entries(source) as [K, V][]).map(([key, value]) => [key, of(value, key)]),
  ) as Record<K, R>;
}

/** Placeholder: the chart names operations, transitions and refusals; others act on them. */
const named = () => {};
const NAMED = Object.fromEntries(
  [...OPERATION_NAMES, ...TRANSITIONS, 'refuse' as const].map((name) => [name, named]),
) as Record<ActionName, () => void>;

const remembers = (stage: Stage) =>
  assign<Facts, LifecycleEvent, undefined, LifecycleEvent, never>(({ context, event }) =>
    factsAfter(stage, event, context),
  );

const guarded =
  (name: GuardName) =>
  ({ context, event }: { context: Facts; event: LifecycleEvent }): boolean =>
    GUARDS[name](context, event);

const orders = workOrders();

export const lifecycle = setup({
  types: { context: {} as Facts, events: {} as LifecycleEvent, input: {} as Facts },
  actions: {
    ...NAMED,
    'remember:expected': remembers('expected'),
    'remember:preboarding': remembers('preboarding'),
    'remember:active': remembers('active'),
    'remember:onLeave': remembers('onLeave'),
    'remember:left': remembers('left'),
    'remember:purged': remembers('purged'),
  },
  guards: {
    mayBegin: guarded('mayBegin'),
    suspends: guarded('suspends'),
    isOrderedMeanwhile: guarded('isOrderedMeanwhile'),
    isSticky: guarded('isSticky'),
  },
}).createMachine({
  id: 'worker',
  type: 'parallel',
  context: ({ input }) => input,
  states: {
    employment: { initial: 'expected', states: employmentStates() },
    delivery: {
      initial: 'settled',
      states: {
        settled: {
          on: {
            ...orders,
            deliveryOrdered: { target: 'delivering' },
            deliverySettled: { actions: 'refuse' },
            deliveryFailed: { target: 'failed' },
          },
        },
        delivering: {
          id: 'delivering',
          on: {
            ...orders,
            deliveryOrdered: { actions: [] },
            deliverySettled: { target: 'settled' },
            deliveryFailed: { target: 'failed' },
          },
        },
        failed: {
          on: {
            ...orders,
            deliveryOrdered: { target: 'delivering' },
            deliverySettled: { actions: 'refuse' },
            deliveryFailed: { actions: [] },
          },
        },
      },
    },
  },
});
