// What the answers of one target say of the target as a whole: keeps its gate, tells people when it moves, and sees to it that nobody
// fails by what was the target's fault.
import { instantOfMs } from '../base/instant.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { MembershipPayload } from '../planning/changeset.ts';
import { backoffMs, LEAVER_BACKOFF } from '../runtime/backoff.ts';
import type { ClaimedOperation } from '../store/store.ts';
import type { Delivered, Target } from '../targets/target.ts';
import { type Board, type DispatchState, stateOf } from './dispatch-state.ts';
import { excuse, ofTheTarget } from './excused.ts';
import { admits, afterStepBack, closedGate, type Gate, heard, letsPass, withProbe } from './gate.ts';
import { Bell, type House } from './house.ts';

/** Rates that differ by less than this share of each other are not told apart in what is shown. */
const RATE_STEP = 0.25;

/** An answer of 403, and when it is durable. */
export interface Forbidden {
  readonly operation: ClaimedOperation;
  readonly stored: Promise<void>;
}

export interface Lesson {
  /** What the answer means for the operation, now that it is known whose fault it was. */
  readonly outcome: Outcome;
  /** Earlier failures that were the target's as well. */
  readonly excused: readonly Forbidden[];
}

export class TargetWatch {
  /** Rings when the gate moves. */
  readonly stirred = new Bell();
  readonly #house: House;
  readonly #target: Target;
  readonly #board: Board;
  readonly #fullRate: number | null;
  #shownRate: number | null;
  #gate: Gate;
  /** Stored answers of 403 in a row, by operation, until it is known whose fault they were. */
  readonly #forbidden = new Map<number, Forbidden>();

  constructor(house: House, target: Target, board: Board) {
    this.#house = house;
    this.#target = target;
    this.#board = board;
    this.#gate = closedGate(house.clock.nowMs());
    this.#fullRate = target.perSecond();
    this.#shownRate = this.#fullRate;
  }

  get state(): DispatchState {
    const nowMs = this.#house.clock.nowMs();
    return stateOf(this.#gateAt(nowMs), this.#target.perSecond(), nowMs);
  }

  admits(who: 'urgent' | 'ordinary'): 'all' | 'one' | 'none' {
    const nowMs = this.#house.clock.nowMs();
    return admits(this.#gateAt(nowMs), who, nowMs);
  }

  notBeforeMs(who: 'urgent' | 'ordinary'): number {
    return this.#gateAt(this.#house.clock.nowMs()).notBeforeMs[who];
  }

  letsPass(who: 'urgent' | 'ordinary', operation: number): boolean {
    const nowMs = this.#house.clock.nowMs();
    return letsPass(this.#gateAt(nowMs), who, operation, nowMs);
  }

  /** From now on nobody else is admitted, until a probe was chosen and is back. */
  chooseProbe(): void {
    this.#gate = withProbe(this.#gate, 0);
  }

  /** Null where there was nothing to send. */
  probeChosen(probe: ClaimedOperation | null): void {
    this.#gate = withProbe(this.#gate, probe?.id ?? null);
    if (probe === null) this.stirred.ring();
  }

  heard(operation: ClaimedOperation, { outcome, sharedFault }: Delivered): Lesson {
    const nowMs = this.#house.clock.nowMs();
    const before = this.#gateAt(nowMs);
    const { id, kind } = operation;
    const answer = { operation: id, who: sharedFault ?? blamed(operation), kind, outcome };
    const { gate, excused } = heard(before, answer, nowMs, this.#house.random());
    this.#gate = gate;
    if (gate !== before) this.#moved(before, gate, outcome);
    else this.#showRate();
    return {
      outcome: excused.includes(id) ? ofTheTarget(outcome) : outcome,
      excused: excused.filter((one) => one !== id).flatMap((one) => this.#forbidden.get(one) ?? []),
    };
  }

  /** Keeps those that are in a row now: no others can be excused later. */
  remember(answered: Forbidden): void {
    this.#forbidden.set(answered.operation.id, answered);
    const inRow = new Set(this.#gate.forbidden.map(({ operation }) => operation));
    for (const id of this.#forbidden.keys()) if (!inRow.has(id)) this.#forbidden.delete(id);
  }

  /** Puts one that failed back into the queue. */
  async excuse({ operation, stored }: Forbidden, outcome: Outcome): Promise<void> {
    await stored;
    const { clock, random } = this.#house;
    const notBefore = instantOfMs(clock.nowMs() + backoffMs(1, LEAVER_BACKOFF, random()));
    await excuse(this.#house, operation, outcome, notBefore);
    this.#house.outboxFilled.ring();
  }

  #gateAt(nowMs: number): Gate {
    const gate = afterStepBack(this.#gate, nowMs);
    if (gate === this.#gate) return gate;
    this.#gate = gate;
    this.#show();
    return gate;
  }

  #moved(before: Gate, gate: Gate, outcome: Outcome): void {
    const nowMs = this.#house.clock.nowMs();
    const waitMs = Math.max(0, gate.notBeforeMs.ordinary - nowMs);
    const waitsLonger = waitMs > 0 && gate.notBeforeMs.ordinary !== before.notBeforeMs.ordinary;
    this.#log(before, gate, outcome, waitMs);
    // What was taken up and has not left comes back.
    if ((gate.state === 'open' || waitMs > 0) && gate.notBeforeMs !== before.notBeforeMs) this.#target.reconsider();
    if (gate.state !== before.state || gate.why !== before.why || waitsLonger) this.#show();
    else this.#showRate();
    this.stirred.ring();
  }

  #log(before: Gate, gate: Gate, { status }: Outcome, waitMs: number): void {
    const { log, clock } = this.#house;
    const target = this.#target.name;
    const about = { target, status, why: gate.why, waitMs };
    if (before.state !== gate.state) {
      const downMs = clock.nowMs() - before.sinceMs;
      if (gate.state === 'open') log.error({ code: 'target.down', ...about }, 'target is down; one probe at a time');
      else log.info({ code: 'target.back', target, downMs }, 'target is back');
    } else if (gate.notBeforeMs.ordinary > before.notBeforeMs.ordinary) {
      log.warn(about, gate.state === 'open' ? 'target is still down' : 'target asks for a pause');
    }
  }

  #showRate(): void {
    const rate = this.#target.perSecond();
    if (rate === this.#shownRate) return;
    const near =
      rate !== null &&
      this.#shownRate !== null &&
      rate !== this.#fullRate &&
      Math.abs(rate - this.#shownRate) < RATE_STEP * Math.max(rate, this.#shownRate);
    if (!near) this.#show();
  }

  #show(): void {
    this.#shownRate = this.#target.perSecond();
    this.#board.show(this.#target.name, this.state);
  }
}

/** Whose record, or which group, is behind a fault. */
function blamed({ kind, payload, connection, workerKey }: ClaimedOperation): string {
  if (kind === 'addMember' || kind === 'removeMember') return `group ${(payload as MembershipPayload).group}`;
  return `worker ${connection} ${workerKey}`;
}
