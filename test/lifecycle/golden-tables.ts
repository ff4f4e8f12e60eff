// The golden document, made from the code: what the chart answers, which stage follows which, and what words and dates mean.
import type { CalendarDate } from '../../src/base/calendar-date.ts';
import { decide } from '../../src/lifecycle/decide.ts';
import type { EventType, LifecycleEvent } from '../../src/lifecycle/event.ts';
import { judge } from '../../src/lifecycle/phase.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { DELIVERIES, type Facts, NO_FACTS, STAGES, type Stage, type Standing } from '../../src/lifecycle/standing.ts';
import { truthOf } from '../../src/lifecycle/truth.ts';
import type { StatusWord } from '../../src/worker/worker.ts';
import { anEmployment, at } from '../support/people.ts';
import { standingAt } from '../support/standings.ts';

export const NOW = at('2026-11-22T10:00:00Z');
const BEFORE_LEAVE = at('2026-11-01T05:00:00Z');
const LEAVE = at('2026-11-10T09:00:00Z');
const AFTER_LEAVE = at('2026-11-22T05:00:00Z');

const LEFT_BY_FEED: Facts = {
  ...NO_FACTS,
  leaveSeenAt: LEAVE,
  leaveKind: 'explicit',
  leaveBy: 'feed',
  endedEmployment: 'A',
  endedStart: '2020-03-02' as CalendarDate,
};
const LEFT_FOR_CAUSE: Facts = { ...LEFT_BY_FEED, leaveBy: 'endsNow' };
const EMERGENCY: Facts = { ...NO_FACTS, leaveSeenAt: LEAVE, leaveKind: 'explicit', leaveBy: 'operator', sticky: true };
const LIFTED: Facts = { ...EMERGENCY, sticky: false, leaveKind: null, leaveBy: null };
const WITHDRAWN: Facts = { ...LEFT_BY_FEED, leaveKind: 'inferred', endedStart: null };

/** The facts that matter in a stage, each with words for the table. */
export const FACTS_OF: Readonly<Record<Stage, readonly (readonly [string, Facts])[]>> = {
  expected: [
    ['', NO_FACTS],
    ['start withdrawn while at work', WITHDRAWN],
  ],
  preboarding: [
    ['', NO_FACTS],
    ['start withdrawn while at work', WITHDRAWN],
    ['rehire announced after a leave for cause', LEFT_FOR_CAUSE],
  ],
  active: [['', NO_FACTS]],
  onLeave: [['', NO_FACTS]],
  left: [
    ['left by the feed', LEFT_BY_FEED],
    ['left for cause', LEFT_FOR_CAUSE],
    ['emergency leave', EMERGENCY],
    ['emergency leave lifted', LIFTED],
  ],
  purged: [
    ['left by the feed', LEFT_BY_FEED],
    ['left for cause', LEFT_FOR_CAUSE],
    ['emergency leave', EMERGENCY],
    ['emergency leave lifted', LIFTED],
  ],
};

const seen = { now: NOW, asOf: AFTER_LEAVE };
const SAME_TERM = {
  employmentId: 'A',
  employmentStart: '2020-03-02' as CalendarDate,
  startsAt: at('2020-03-01T23:00:00Z'),
};
const NEW_TERM = {
  employmentId: 'B',
  employmentStart: '2026-11-20' as CalendarDate,
  startsAt: at('2026-11-19T23:00:00Z'),
};
const BEGINNINGS = [
  ['same term (newer)', { ...SAME_TERM, ...seen, approved: false }],
  ['same term (older)', { ...SAME_TERM, now: NOW, asOf: BEFORE_LEAVE, approved: false }],
  ['same term (approved)', { ...SAME_TERM, ...seen, approved: true }],
  ['new term (newer)', { ...NEW_TERM, ...seen, approved: false }],
  ['new term (older)', { ...NEW_TERM, now: NOW, asOf: BEFORE_LEAVE, approved: false }],
] as const;
const ended = {
  type: 'employmentEnded',
  kind: 'explicit',
  employmentId: 'A',
  employmentStart: null,
  endDate: null,
  ...seen,
} as const;

/** Every event in every variant that a guard can tell apart. */
export const EVENTS: Readonly<Record<EventType, readonly (readonly [string, LifecycleEvent])[]>> = {
  preboardingOpened: [['', { type: 'preboardingOpened', ...seen }]],
  employmentStarted: BEGINNINGS.map(([words, begins]) => [words, { type: 'employmentStarted', ...begins }]),
  leaveOfAbsenceBegan: [
    ['policy keep', { type: 'leaveOfAbsenceBegan', suspends: false, ...seen }],
    ['policy suspend', { type: 'leaveOfAbsenceBegan', suspends: true, ...seen }],
  ],
  leaveOfAbsenceEnded: [['', { type: 'leaveOfAbsenceEnded', ...seen }]],
  employmentEnded: [
    ['by the feed', { ...ended, by: 'feed' }],
    ['for cause', { ...ended, by: 'endsNow' }],
  ],
  terminationRescinded: BEGINNINGS.map(([words, begins]) => [words, { type: 'terminationRescinded', ...begins }]),
  hireWithdrawn: [['', { type: 'hireWithdrawn', kind: 'inferred', employmentId: 'A', ...seen }]],
  rehireAnnounced: BEGINNINGS.map(([words, begins]) => [words, { type: 'rehireAnnounced', ...begins }]),
  attributesChanged: [['', { type: 'attributesChanged', ...seen }]],
  retentionExpired: [['', { type: 'retentionExpired', ...seen }]],
  endDateSeen: [['', { type: 'endDateSeen', endDate: '2026-12-04' as CalendarDate, ...seen }]],
  emergencyLeaveOrdered: [['', { type: 'emergencyLeaveOrdered', by: 'operator', ...seen }]],
  emergencyLeaveLifted: [['', { type: 'emergencyLeaveLifted', ...seen }]],
  deliverySettled: [['', { type: 'deliverySettled', now: NOW }]],
  deliveryFailed: [['', { type: 'deliveryFailed', now: NOW }]],
  deliveryOrdered: [['', { type: 'deliveryOrdered', now: NOW }]],
};
export const EVENT_TYPES = Object.keys(EVENTS) as EventType[];
const isDelivery = (type: EventType): boolean => type.startsWith('delivery');

interface Answer {
  readonly stage: Stage;
  readonly to: string;
  readonly transition: string;
  readonly operations: string;
}

function answerOf(standing: Standing, event: LifecycleEvent, region: 'stage' | 'delivery'): Answer {
  const decision = decide(standing, event);
  if (decision.kind === 'refused') {
    return { stage: standing.stage, to: 'refused', transition: decision.code, operations: decision.reason };
  }
  const to = decision.to[region];
  const remembered = decision.changed && to === standing[region] && decision.operations.length === 0;
  return {
    stage: decision.to.stage,
    to: to === standing[region] ? `${to} (stays)` : to,
    transition: decision.transition ?? '–',
    operations: decision.operations.length > 0 ? decision.operations.join(', ') : remembered ? 'remembered' : 'nothing',
  };
}

/** Variants that are answered alike share a row; `any` stands for every variant. */
export function chartTable(): string {
  const rows: string[][] = [];
  for (const stage of STAGES) {
    for (const type of EVENT_TYPES.filter((one) => !isDelivery(one))) {
      const told = FACTS_OF[stage].map(([facts, value]) => {
        const byAnswer = new Map<string, { readonly answer: Answer; readonly words: string[] }>();
        for (const [words, event] of EVENTS[type]) {
          const answer = answerOf(standingAt(stage, value), event, 'stage');
          const known = byAnswer.get(JSON.stringify(answer)) ?? { answer, words: [] };
          known.words.push(words);
          byAnswer.set(JSON.stringify(answer), known);
        }
        return { facts, answers: [...byAnswer.values()] };
      });
      const [first] = told;
      const alike = told.every(({ answers }) => JSON.stringify(answers) === JSON.stringify(first?.answers));
      for (const { facts, answers } of alike ? told.slice(0, 1) : told) {
        for (const { answer, words } of answers) {
          const variants = answers.length === 1 ? '' : words.join(', ');
          const standing = alike ? '' : facts === '' ? 'no leave before' : facts;
          const which = [standing, variants].filter((part) => part !== '').join(': ');
          rows.push([stage, type, which === '' ? 'any' : which, answer.to, answer.transition, answer.operations]);
        }
      }
    }
  }
  return table(['stage', 'event', 'facts', 'stage after', 'transition or code', 'operations or reason'], rows);
}

export function deliveryTable(): string {
  const rows: string[][] = [];
  for (const delivery of DELIVERIES) {
    for (const type of EVENT_TYPES.filter(isDelivery)) {
      const event = EVENTS[type][0]?.[1] as LifecycleEvent;
      const answer = answerOf({ ...standingAt('active'), delivery }, event, 'delivery');
      rows.push([
        delivery,
        type,
        answer.to,
        answer.to === 'refused' ? `${answer.transition}: ${answer.operations}` : '',
      ]);
    }
    const worked = decide({ ...standingAt('active'), delivery }, { type: 'attributesChanged', ...seen });
    rows.push([
      delivery,
      'any accepted event that names operations',
      worked.kind === 'accepted' ? worked.to.delivery : '',
      '',
    ]);
    const idle = decide({ ...standingAt('active'), delivery }, EVENTS.endDateSeen[0]?.[1] as LifecycleEvent);
    rows.push([delivery, 'any other event', idle.kind === 'accepted' ? `${idle.to.delivery} (stays)` : '', '']);
  }
  return table(['delivery', 'event', 'delivery after', 'why refused'], rows);
}

const STARTS_AHEAD = 'A start takes a worker ahead';
/** Why a stage cannot follow another directly. A pair that is reachable must not stand here, and the other way round. */
export const IMPOSSIBLE: Readonly<Record<string, string>> = {
  'expected → onLeave': `${STARTS_AHEAD} to active first; the leave of absence follows in the same look.`,
  'expected → purged': 'Retention runs from a leave; nobody is deleted who has not left.',
  'preboarding → onLeave': `${STARTS_AHEAD} to active first; the leave of absence follows in the same look.`,
  'preboarding → purged': 'Retention runs from a leave; nobody is deleted who has not left.',
  'active → preboarding':
    'By way of expected (start moved ahead) or left (last day passed, rehire close), so that the disable is never skipped.',
  'active → purged': 'Disable first: deletion only from left, after retention.',
  'onLeave → preboarding': 'By way of expected or left, as for active.',
  'onLeave → purged': 'Disable first: deletion only from left, after retention.',
  'left → expected':
    'A rehire further away than the window keeps the worker in left, with retention paused: the leave must stay proved.',
  'left → onLeave':
    'A rehire or a rescinded leave goes to active first; the leave of absence follows in the same look.',
  'purged → expected': 'A rehire further away than the window changes nothing: there is no account to prepare.',
  'purged → onLeave': 'A rehire goes to active first; the leave of absence follows in the same look.',
  'purged → left': 'There is no account left to disable; an emergency leave is remembered and stops a rehire.',
};

/** Which stages follow directly, with the transitions that lead there; from every standing and event of the first table. */
export function pairsReached(): ReadonlyMap<string, ReadonlySet<string>> {
  const reached = new Map<string, Set<string>>();
  for (const stage of STAGES) {
    for (const [, facts] of FACTS_OF[stage]) {
      for (const [, event] of Object.values(EVENTS).flat()) {
        const decision = decide(standingAt(stage, facts), event);
        if (decision.kind !== 'accepted' || decision.to.stage === stage) continue;
        const pair = `${stage} → ${decision.to.stage}`;
        reached.set(pair, (reached.get(pair) ?? new Set()).add(`${decision.transition ?? 'unnamed'} (${event.type})`));
      }
    }
  }
  return reached;
}

export function pairTable(): string {
  const reached = pairsReached();
  const rows = STAGES.flatMap((from) =>
    STAGES.filter((to) => to !== from).map((to) => {
      const pair = `${from} → ${to}`;
      const by = reached.get(pair);
      return [
        pair,
        by === undefined ? '–' : [...by].join(', '),
        by === undefined ? (IMPOSSIBLE[pair] ?? 'UNEXPLAINED') : '',
      ];
    }),
  );
  return table(['pair', 'transition (event)', 'impossible, because'], rows);
}

const STATUS: readonly StatusWord[] = ['expected', 'active', 'leave', 'terminated'];
const STARTS: readonly (readonly [string, string | null])[] = [
  ['none', null],
  ['past', '2020-03-02'],
  ['in window', '2026-11-25'],
  ['ahead', '2027-02-01'],
];
const ENDS: Readonly<Record<string, readonly (readonly [string, string | null])[]>> = {
  none: [
    ['none', null],
    ['past', '2026-11-10'],
    ['ahead', '2027-06-30'],
  ],
  past: [
    ['none', null],
    ['past', '2026-11-10'],
    ['ahead', '2027-06-30'],
    ['before start', '2019-12-31'],
  ],
  'in window': [
    ['none', null],
    ['ahead', '2027-06-30'],
    ['before start, past', '2026-11-10'],
    ['before start, ahead', '2026-11-23'],
  ],
  ahead: [
    ['none', null],
    ['ahead', '2027-06-30'],
    ['before start, past', '2026-11-10'],
    ['before start, ahead', '2026-12-31'],
  ],
};

export function statusTable(): string {
  const rows: string[][] = [];
  for (const status of STATUS) {
    for (const [startWords, start] of STARTS) {
      for (const [endWords, end] of ENDS[startWords] ?? []) {
        const told = [false, true].map((endsNow) => statusRow(status, start, end, endsNow));
        // Where endsNow does not count it is only mentioned in an alert.
        const [plain, flagged] = told as [string, string];
        const counts = withoutAlert(plain) !== withoutAlert(flagged);
        rows.push([status, startWords, endWords, counts ? 'no' : 'any', ...plain.split('|')]);
        if (counts) rows.push([status, startWords, endWords, 'yes', ...flagged.split('|')]);
      }
    }
  }
  return table(
    ['HR says', 'start', 'end', 'endsNow', 'the employment', 'a newcomer goes to', 'an active worker goes to', 'alert'],
    rows,
  );
}

const withoutAlert = (row: string): string => row.slice(0, row.lastIndexOf('|'));

function statusRow(status: StatusWord, start: string | null, end: string | null, endsNow: boolean): string {
  const employment = anEmployment({ status, start, end, endsNow });
  const verdict = judge(employment, {
    now: NOW,
    preboardDays: DEFAULT_POLICY.preboardDays,
    benefitOfDoubt: false,
    guardedEnd: null,
  });
  const goes = (stage: Stage): string => {
    const { stage: to, leave } = truthOf(standingAt(stage), [employment], NOW, DEFAULT_POLICY);
    const word =
      leave === null
        ? ''
        : ` (${leave.kind}${leave.by === 'feed' ? '' : `, by ${leave.by}`}${leave.withdrawn ? ', withdrawn' : ''})`;
    return `${to}${word}`;
  };
  const alert = verdict.alert ?? '';
  return [verdict.phase, goes('expected'), goes('active'), alert].join('|');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function goldenDocument(): string {
  return `# What the lifecycle answers

Made from the code by \`test/lifecycle/golden.test.ts\` and compared with it; \`UPDATE_GOLDEN=1\` writes it anew.
Every refusal carries its reason: dispute it.

## 1. Stage × event

"Same term" is the employment that ended, "new term" one that begins after the leave was seen; newer and older are facts with an
\`asOf\` after or before that moment. \`any\`: all of them are answered alike.

${chartTable()}

## 2. Delivery × event

${deliveryTable()}

## 3. From stage to stage

${pairTable()}

## 4. Status words and dates

Seen on 22 November 2026, preboarding window 7 days, no end date announced before.

- A leave is **explicit** when the word says terminated, or when the last day that has passed is the very day that was seen ahead
  and passed the guard then (HR systems keep "active" until the day after). Every other passed end is a contradiction: **inferred**.
- An end before the start belongs to an earlier term and does not count, unless the word says terminated; while the start is still
  ahead of somebody at work, the old term runs on until that end.
- \`endsNow\` counts only for an employment that has begun and that either is terminated (explicit) or carries a last day
  (inferred: no record says terminated).
- "none" as start stands only where the mapping says "already employed".

${statusTable()}
`;
}
