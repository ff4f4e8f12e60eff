// What the facts say is true now, given where the worker stands. Level-triggered: no memory but the standing.
import { type CalendarDate, plusDays } from '../base/calendar-date.ts';
import { DAY_MS, earlier, type Instant, plusMs } from '../base/instant.ts';
import { nextRowAt, termsAt } from '../worker/dated-rows.ts';
import type { Employment } from '../worker/worker.ts';
import { rememberingLeave } from './facts.ts';
import { type Beginning, type Gate, gateOf } from './gate.ts';
import { lastDayOf } from './last-day.ts';
import { beginsAt, dayStart, END_HORIZON_DAYS, inPhase, judge, runs, type Verdict } from './phase.ts';
import type { LifecyclePolicy } from './policy.ts';
import { inOrder } from './primary.ts';
import type { Facts, LeaveBy, LeaveKind, Stage, Standing } from './standing.ts';

export interface Leave {
  readonly kind: LeaveKind;
  readonly by: LeaveBy;
  /** The employment whose end, or whose withdrawn start, decides; null where none counts any more (out of scope). */
  readonly employment: Employment | null;
  /** The last day that has passed; null where the leave is not by date. */
  readonly lastDay: CalendarDate | null;
  /** True where nothing ended but a start is not true any more: `hireWithdrawn` instead of `employmentEnded`. */
  readonly withdrawn: boolean;
}

export interface Truth {
  /** Where the facts say that the worker should be now, given where they are. */
  readonly stage: Stage;
  /** The employment that decides the attributes: a running one, then the next to start, then the last that ended. */
  readonly primary: Employment | null;
  /** Set when the facts say that access ends, or has ended. */
  readonly leave: Leave | null;
  /** The next moment at which the clock alone changes anything; null when nothing will. */
  readonly dueAt: Instant | null;
  /** The greatest `asOf` of the employments that matter. */
  readonly asOf: Instant;
  /** Sentences for people; no personal values. */
  readonly alerts: readonly string[];
  /** The worker's last day: when every employment that runs ends and nothing follows at once. Null when open. */
  readonly nextEnd: CalendarDate | null;
  /** `nextEnd` when it lies within the horizon of END_HORIZON_DAYS days, else null. */
  readonly endInSight: CalendarDate | null;
  /** Why facts that say that the worker works here change nothing, or need an approval; null when nothing is in the way. */
  readonly blocked: Exclude<Gate, 'open'> | null;
  /** The employment that would begin, for stages that are a beginning from where the worker stands. */
  readonly beginning: Beginning | null;
}

/** Where no employment is known: older than everything. */
const NEVER_SEEN = '1970-01-01T00:00:00.000Z' as Instant;

export const ZONE_ALERT = 'only the time zone of the ended employment has changed: that alone gives no access back';

export const BLOCKED_ALERTS = {
  sticky: 'an emergency leave stands although HR says that the worker is employed',
  protected: 'HR takes back a leave that was ordered: this needs an approval',
  older: 'HR says that the worker is employed, but its facts are older than the leave',
} as const satisfies Record<Exclude<Gate, 'open'>, string>;

/** The working half of a Truth: what depends on the stage. */
interface Finding {
  readonly stage: Stage;
  readonly leave?: Leave;
  readonly blocked?: Exclude<Gate, 'open'> | null;
  readonly beginning?: Beginning;
  /** Employments that make it so; their `asOf` counts. */
  readonly because: readonly Verdict[];
}

interface Scene {
  readonly stage: Stage;
  readonly facts: Facts;
  readonly now: Instant;
  readonly policy: LifecyclePolicy;
  /** Every employment, and those that count for this worker where they stand. In order of precedence. */
  readonly all: readonly Verdict[];
  readonly counted: readonly Verdict[];
}

/** How these employments read now, by what of a standing matters for that: another look from another standing need not judge again. */
export type JudgedBefore = Map<string, readonly Verdict[]>;

/** `judgedBefore` belongs to the same employments, moment and policy. */
export function truthOf(
  standing: Standing,
  known: readonly Employment[],
  now: Instant,
  policy: LifecyclePolicy,
  judgedBefore: JudgedBefore = new Map(),
): Truth {
  const { stage, facts } = standing;
  const working = stage === 'active' || stage === 'onLeave';
  const employments = known.some(({ later }) => later !== undefined)
    ? known.flatMap((employment) => termsAt(employment, now))
    : known;
  const judged = (benefitOfDoubt: boolean): readonly Verdict[] => {
    const { preboardDays, enableAt, disableAt } = policy;
    const by = `${benefitOfDoubt} ${facts.guardedEnd}`;
    const found = judgedBefore.get(by);
    if (found !== undefined) return found;
    const context = { now, preboardDays, benefitOfDoubt, guardedEnd: facts.guardedEnd, enableAt, disableAt };
    const verdicts = inOrder(
      employments.length < 2
        ? employments.map((employment) => judge(employment, context))
        : employments.map((one) => judge(one, { ...context, relievedAt: relievedAt(one, employments, policy) })),
    );
    judgedBefore.set(by, verdicts);
    return verdicts;
  };
  let all = judged(false);
  let counted = countedAt(stage, all, policy);
  // Somebody at work is taken to work still where a record can be read that way, but only if nothing else runs.
  if (working && !counted.some(runs)) {
    const kindly = judged(true);
    if (countedAt(stage, kindly, policy).some(runs)) {
      all = kindly;
      counted = countedAt(stage, kindly, policy);
    }
  }
  const scene: Scene = { stage, facts, now, policy, all, counted };

  const found = working ? atWork(scene) : stage === 'left' || stage === 'purged' ? gone(scene) : before(scene);
  const nextEnd = lastDayOf(KEEPS.has(found.stage) && policy.scopeExit === 'keep' ? all : counted);
  const blocked = found.blocked ?? null;
  const alerts = counted.flatMap(({ alert }) => (alert === null ? [] : [alert]));
  if (blocked !== null) alerts.push(BLOCKED_ALERTS[blocked]);
  if (!working && counted.some((verdict) => runs(verdict) && onlyZoneMoved(facts, verdict))) alerts.push(ZONE_ALERT);
  return {
    stage: found.stage,
    primary: (counted[0] ?? all[0])?.employment ?? null,
    leave: found.leave ?? null,
    dueAt: known.reduce((next, employment) => earlier(next, nextRowAt(employment, now)), nextMoment(scene)),
    asOf: greatestAsOf(found.because.length > 0 ? found.because : all),
    alerts: alerts.length < 2 ? alerts : [...new Set(alerts)],
    nextEnd: nextEnd?.day ?? null,
    endInSight:
      nextEnd !== null && dayStart(nextEnd.day, -END_HORIZON_DAYS, nextEnd.timeZone) <= now ? nextEnd.day : null,
    blocked,
    beginning: found.beginning ?? null,
  };
}

/**
 * When another employment takes over on the day after this one's last. Whoever works on without a gap keeps their access in the
 * hours between, which a zone or `enableAt` and `disableAt` may open.
 */
function relievedAt(
  { endDate, inScope }: Employment,
  employments: readonly Employment[],
  { enableAt }: LifecyclePolicy,
): Instant | null {
  if (endDate === null) return null;
  const next = plusDays(endDate, 1);
  const follows = employments.filter(
    (other) =>
      other.startDate === next &&
      (other.status === 'active' || other.status === 'leave') &&
      (other.endDate === null || other.endDate >= other.startDate) &&
      (other.inScope || !inScope),
  );
  return follows.reduce<Instant | null>(
    (first, { timeZone }) => earlier(first, beginsAt(next, timeZone, enableAt)),
    null,
  );
}

/** Stages in which leaving the scope keeps the account, unless the mapping says disable. */
const KEEPS: ReadonlySet<Stage> = new Set(['preboarding', 'active', 'onLeave']);

/**
 * Employments outside the scope may keep what is there, but begin nothing: they count for somebody at work, and for somebody
 * preboarding only while nothing inside the scope is still to come.
 */
function countedAt(stage: Stage, all: readonly Verdict[], policy: LifecyclePolicy): readonly Verdict[] {
  const within = all.filter(({ employment }) => employment.inScope);
  if (!KEEPS.has(stage) || policy.scopeExit === 'disable') return within;
  if (stage === 'preboarding' && within.some(({ phase }) => phase !== 'ended')) return within;
  return all;
}

const preferWithin = (verdicts: readonly Verdict[]): readonly Verdict[] => {
  const within = verdicts.filter(({ employment }) => employment.inScope);
  return within.length > 0 ? within : verdicts;
};

const workStage = (running: readonly Verdict[]): Stage =>
  running.every(({ phase }) => phase === 'onLeave') ? 'onLeave' : 'active';

export function beginningOf({ employment, startsAt }: Verdict): Beginning {
  const { id, startDate, asOf, seenAgain } = employment;
  const newest = seenAgain !== undefined && seenAgain > asOf ? seenAgain : asOf;
  return { employmentId: id, employmentStart: startDate, startsAt, asOf: newest };
}

/** The term that ends, as events and facts name it. */
export function endedTerm(employment: Employment | null) {
  return { employmentId: employment?.id ?? null, employmentStart: employment?.startDate ?? null };
}

/** How those that ended say that the worker leaves: one that only vanished decides before the last one that ended. */
function leaveOf(ended: readonly Verdict[], kind?: LeaveKind): Leave {
  const last = ended.find(({ missing }) => missing === true) ?? ended[0];
  if (last === undefined || last.ended === null) {
    return { kind: 'inferred', by: 'feed', employment: null, lastDay: null, withdrawn: false };
  }
  const { by, lastDay } = last.ended;
  return { kind: kind ?? last.ended.kind, by, employment: last.employment, lastDay, withdrawn: false };
}

const withdrawal = (verdict: Verdict | undefined): Leave => ({
  kind: 'inferred',
  by: 'feed',
  employment: verdict?.employment ?? null,
  lastDay: null,
  withdrawn: true,
});

/** Active or on leave of absence. Whatever takes the access away and is no record's word is inferred. */
function atWork({ stage, facts, now, all, counted }: Scene): Finding {
  const running = counted.filter(runs);
  if (running.length > 0) return { stage: workStage(preferWithin(running)), because: running };
  if (all.length === 0) return { stage, because: [] };

  const ended = inPhase(counted, 'ended');
  const upcoming = preferWithin(inPhase(counted, 'window', 'waiting', 'future'));
  if (ended.length === 0 && upcoming.length > 0) {
    const opens = inPhase(upcoming, 'window', 'waiting').length > 0;
    return { stage: opens ? 'preboarding' : 'expected', leave: withdrawal(upcoming[0]), because: upcoming };
  }
  // Out of scope with `scopeExit: disable`: something still runs, so no record says that the worker leaves.
  const leave = leaveOf(ended, all.some(runs) ? 'inferred' : undefined);
  const after = rememberingLeave(facts, { ...leave, ...endedTerm(leave.employment), endDate: leave.lastDay, now });
  const announced = inPhase(all, 'window').find(
    (verdict) => verdict.employment.inScope && gateOf(after, beginningOf(verdict), false) === 'open',
  );
  if (announced === undefined) return { stage: 'left', leave, because: ended };
  return { stage: 'preboarding', leave, beginning: beginningOf(announced), because: [...ended, announced] };
}

/** Once one employment may begin the worker is back, and every one that runs counts. */
function begun(first: Verdict, counted: readonly Verdict[]): Finding {
  return { stage: workStage(preferWithin(counted.filter(runs))), beginning: beginningOf(first), because: [first] };
}

/** Expected or preboarding: no access yet. Leave facts exist here after a withdrawn start or an announced rehire. */
function before({ stage, facts, all, counted }: Scene): Finding {
  const running = counted.filter((verdict) => runs(verdict) && !onlyZoneMoved(facts, verdict));
  const gates = running.map((verdict) => gateOf(facts, beginningOf(verdict), false));
  const open = running.filter((_, index) => gates[index] === 'open');
  const [first] = open;
  if (first !== undefined) return begun(first, counted);

  const blocked = gates.includes('protected') ? 'protected' : gates.includes('older') ? 'older' : null;
  const ordered = running[gates.indexOf('protected')];
  if (ordered !== undefined) {
    return { stage: 'active', blocked, beginning: beginningOf(ordered), because: [ordered] };
  }
  const window = inPhase(counted, 'window');
  const [next] = window;
  if (next !== undefined) return { stage: 'preboarding', blocked, beginning: beginningOf(next), because: window };
  const ended = inPhase(counted, 'ended');
  const waiting = [...running, ...inPhase(counted, 'waiting')];
  if (waiting.length > 0 && (stage === 'preboarding' || ended.length === 0)) {
    return { stage: 'preboarding', blocked, because: waiting };
  }
  const future = inPhase(counted, 'future');
  if (ended.length > 0) {
    // First seen outside the scope but at work: nobody has left.
    if (stage === 'expected' && all.some(runs)) return { stage, blocked, because: ended };
    const kind = stage === 'preboarding' && (future.length > 0 || all.some(runs)) ? 'inferred' : undefined;
    return { stage: 'left', leave: leaveOf(ended, kind), blocked, because: ended };
  }
  if (stage === 'preboarding' && all.length > 0) {
    return { stage: 'expected', leave: withdrawal(future[0]), because: future };
  }
  return { stage, because: future };
}

/** Whether nothing of this employment is to come any more, by its own word and dates or because it vanished. */
export function isOver(employment: Employment, now: Instant, policy: LifecyclePolicy): boolean {
  const { preboardDays, enableAt, disableAt } = policy;
  const context = { now, preboardDays, benefitOfDoubt: false, guardedEnd: null, enableAt, disableAt };
  return termsAt(employment, now).every((term) => judge(term, context).phase === 'ended');
}

/** Left or purged: only a beginning that passes the gate leads back; the clock alone leads to `purged`. */
function gone({ stage, facts, now, policy, all, counted }: Scene): Finding {
  const running = counted.filter((verdict) => runs(verdict) && !onlyZoneMoved(facts, verdict));
  const window = inPhase(counted, 'window');
  const gates = new Map([...running, ...window].map((one) => [one, gateOf(facts, beginningOf(one), false)] as const));
  const open = running.filter((verdict) => gates.get(verdict) === 'open');
  const [first] = open;
  if (first !== undefined) return begun(first, counted);

  const ordered = running.find((verdict) => gates.get(verdict) === 'protected');
  if (ordered !== undefined) {
    return { stage: 'active', blocked: 'protected', beginning: beginningOf(ordered), because: [ordered] };
  }
  const announced = window.find((verdict) => gates.get(verdict) === 'open');
  if (announced !== undefined) {
    return { stage: 'preboarding', beginning: beginningOf(announced), because: [announced] };
  }
  const [inTheWay] = [...gates.values()];
  const blocked = inTheWay === undefined || inTheWay === 'open' ? null : inTheWay;
  if (all.some(({ phase }) => phase !== 'ended')) return { stage, blocked, because: [] };
  const over = retentionEnd(facts, policy);
  const leave = leaveOf(inPhase(counted, 'ended'));
  return { stage: over !== null && over <= now ? 'purged' : stage, leave, because: [] };
}

/** The same term with the same last day runs again: only its zone has changed, and that alone never enables anybody. */
function onlyZoneMoved(facts: Facts, { employment }: Verdict): boolean {
  return (
    facts.endedEnd !== null &&
    employment.id === facts.endedEmployment &&
    employment.startDate === facts.endedStart &&
    employment.endDate === facts.endedEnd
  );
}

function retentionEnd(facts: Facts, policy: LifecyclePolicy): Instant | null {
  if (facts.leaveSeenAt === null || policy.deleteAfterDays === null) return null;
  return plusMs(facts.leaveSeenAt, policy.deleteAfterDays * DAY_MS);
}

function nextMoment({ stage, facts, now, policy, all }: Scene): Instant | null {
  let next: Instant | null = null;
  const consider = (moment: Instant | null): void => {
    if (moment !== null && moment > now && (next === null || moment < next)) next = moment;
  };
  for (const { moments } of all) for (const moment of moments) consider(moment);
  if (stage === 'left' && all.every(({ phase }) => phase === 'ended')) consider(retentionEnd(facts, policy));
  return next;
}

function greatestAsOf(verdicts: readonly Verdict[]): Instant {
  return verdicts.reduce((max, { employment }) => (employment.asOf > max ? employment.asOf : max), NEVER_SEEN);
}
