// What a target only took in is not done: asks what became of it, brings the answers through the door of all outcomes, and has sent
// again what nobody confirmed in time. A target that does its work at once is never asked.
import { DAY_MS, type Instant, msOf } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { AcceptedOperation } from '../store/store.ts';
import type { Confirmation, ConfirmationWay, Delivered, Target } from '../targets/target.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import type { Bell, House, LiveConnection } from './house.ts';
import type { OutcomeDoor } from './outcomes.ts';
import { isLeaver, NO_TRIES } from './verdict.ts';

/** The alarm of a target that did not confirm in time. */
export const UNCONFIRMED = 'delivery.unconfirmed';
/** The alarm of a target that does not do what it is asked, leavers included. */
export const STALLED = 'target.stalled';
/** The same where leavers have a way of their own: nobody is woken for it. */
export const DELAYED = 'target.delayed';
/** Code of the outcome of an operation that nobody confirmed in time. */
const NOT_CONFIRMED = 'unconfirmed';

/** Operations that the target is asked about in one go, the most urgent and the oldest first; the others follow when these are through. */
const ASKED_MAX = 100_000;
/** The most that a connection file may give a target to confirm what it took in. */
const CONFIRMED_WITHIN_MAX_MS = 2 * DAY_MS;
/** Answers brought through the door in one go. */
const TOGETHER_MAX = 500;
/** Looked through for what is to be sent again. */
const AGAIN_LOOK_MAX = 1_000;

export interface ConfirmParts {
  readonly house: House;
  readonly target: Target;
  readonly connections: readonly LiveConnection[];
  readonly door: OutcomeDoor;
  /** Rings after every stored outcome. */
  readonly progress: Bell;
}

/** Until the signal aborts. Returns at once for a target that does what it is asked. */
export async function confirmLoop(parts: ConfirmParts, signal: AbortSignal): Promise<void> {
  const { confirmation } = parts.target;
  if (confirmation === undefined) return;
  while (!signal.aborted) {
    await confirmOnce(parts, confirmation, signal);
    await parts.house.clock.wait(confirmation.everyMs, signal);
  }
}

async function confirmOnce(parts: ConfirmParts, way: ConfirmationWay, signal: AbortSignal): Promise<void> {
  const { house, target } = parts;
  const waiting = await gathered(parts);
  let told: Confirmation = { answers: [], stalled: null };
  if (waiting.length > 0 || (await isQueued(parts))) {
    try {
      told = await way.confirm(waiting, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      // Nothing is known: what is late is sent again all the same.
      house.log.warn({ code: error.faults[0]?.code ?? 'target.confirm', target: target.name }, 'nothing was confirmed');
    }
  }
  const answers = new Map(told.answers.map(({ id, delivered }) => [id, delivered]));
  const nowMs = house.clock.nowMs();
  const late = waiting.filter(
    (one) =>
      !answers.has(one.id) &&
      isOver(one.deadline, nowMs) &&
      // While it does nothing, sending it more changes nothing; a leaver is asked for wherever there is a way.
      (told.stalled === null || isLeaver(one)),
  );
  for (const one of late) answers.set(one.id, LATE);
  await takeIn(parts, answers);
  if (late.length > 0) house.outboxFilled.ring();
  await say(parts, waiting, late, told);
}

/** A deadline further ahead than any that is ever set was set by a clock that has been put right since. */
const isOver = (deadline: Instant, nowMs: number): boolean => {
  const leftMs = msOf(deadline) - nowMs;
  return leftMs <= 0 || leftMs > CONFIRMED_WITHIN_MAX_MS;
};

/** Also a target that nobody waits for is asked how it is, where work for it does: it may be the target that keeps it from leaving. */
async function isQueued({ house, target }: ConfirmParts): Promise<boolean> {
  const depths = await house.store.queueDepths();
  return depths.some((one) => one.target === target.name && (one.state === 'queued' || one.state === 'sending'));
}

async function gathered({ house, target }: ConfirmParts): Promise<readonly AcceptedOperation[]> {
  const waiting: AcceptedOperation[] = [];
  for await (const page of house.store.accepted(target.name)) {
    waiting.push(...page.slice(0, ASKED_MAX - waiting.length));
    if (waiting.length >= ASKED_MAX) break;
  }
  return waiting;
}

async function takeIn({ house, target, door, progress }: ConfirmParts, answers: ReadonlyMap<number, Delivered>) {
  const ids = [...answers.keys()];
  for (let from = 0; from < ids.length; from += TOGETHER_MAX) {
    const claims = await house.store.acceptedClaims(target.name, ids.slice(from, from + TOGETHER_MAX));
    await Promise.all(
      claims.map((operation) => {
        const delivered = answers.get(operation.id) ?? LATE;
        const { class: answer, status, code } = delivered.outcome;
        const { connection, workerKey: worker, kind: what, id } = operation;
        const fields = { connection, worker, target: target.name, operation: id, what, class: answer, status, code };
        if (answer === 'done') house.log.debug(fields, 'operation confirmed');
        else house.log.warn(fields, 'operation not confirmed');
        return door.take({ operation, delivered, entries: [], tries: NO_TRIES, confirms: true });
      }),
    );
    progress.ring();
  }
}

/** It may have been lost, or wait at the target: sending it once more does no harm, since whole records are compared. */
const LATE: Delivered = {
  outcome: {
    class: 'ambiguous',
    status: null,
    code: NOT_CONFIRMED,
    detail: 'the target took it in and did not say what became of it',
    retryAfterMs: null,
    countsAsAttempt: true,
  } satisfies Outcome,
};

/** One alarm for each cause and connection, as long as there is one. */
async function say(
  { house, target, connections }: ConfirmParts,
  waiting: readonly AcceptedOperation[],
  late: readonly AcceptedOperation[],
  { stalled }: Confirmation,
): Promise<void> {
  for (const { connection } of connections) {
    const ours = ({ connection: name }: { readonly connection: string }): boolean => name === connection.name;
    const code = stalled === null ? null : stalled.leavers ? STALLED : DELAYED;
    for (const over of [STALLED, DELAYED])
      if (over !== code) await clearAlarm(house, connection.name, over, target.name);
    if (stalled !== null && code !== null) {
      await raiseAlarm(house, connection.name, {
        code,
        subject: target.name,
        message: `${target.name} does not do what it is asked: ${stalled.detail} (${stalled.code})`,
        hint: stalled.leavers
          ? 'it has to be set going again at the target; what waits is asked for until it is confirmed'
          : 'leavers go on; everybody else waits until the target takes more',
      });
    }
    const again = [...waiting.filter(({ attempts }) => attempts > 0), ...late].filter(ours);
    const overdue = new Map(again.map((one) => [one.id, one]));
    if (overdue.size > 0) {
      const leavers = [...overdue.values()].filter(isLeaver).length;
      await raiseAlarm(house, connection.name, {
        code: UNCONFIRMED,
        subject: target.name,
        message: `${overdue.size} operation(s), ${leavers} of them for leavers, were not confirmed by ${target.name} in time and are sent again`,
        hint: 'look at the log of the target; rollcall status shows who waits',
      });
    } else if (!(await isSentAgain(house, connection.name, target.name)))
      await clearAlarm(house, connection.name, UNCONFIRMED, target.name);
  }
}

async function isSentAgain(house: House, connection: string, target: string): Promise<boolean> {
  const open = (await house.store.alarms(connection)).some(
    ({ code, subject }) => code === UNCONFIRMED && subject === target,
  );
  if (!open) return false;
  const queued = await house.store.operations({
    connection,
    target,
    states: ['queued', 'sending'],
    limit: AGAIN_LOOK_MAX,
  });
  return queued.some(({ lastOutcome }) => lastOutcome?.code === NOT_CONFIRMED);
}
