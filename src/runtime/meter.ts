// Counters and histograms of this process in the terms of Prometheus. Labels are names of connections, targets, lanes and classes:
// never a worker, so that series stay few and nobody is named.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds from the decision to the target's own confirmation; the objective of a minute lies in the middle. */
const LEAVER_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];
const CYCLE_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 1_800];

/** Gauges that are read from the store when somebody asks, with what they mean. */
export const GAUGES = {
  rollcall_workers: ['Workers on file by stage.', ['connection', 'stage']],
  rollcall_queue_operations: ['Operations that have not ended, by lane and state.', ['target', 'lane', 'state']],
  rollcall_queue_oldest_seconds: ['Age of the oldest operation that has neither ended nor failed.', ['target', 'lane']],
  rollcall_failed_operations: ['Operations that failed and wait for a person.', ['target']],
  rollcall_leavers_unconfirmed: ['Disables that no target has confirmed yet.', ['connection']],
  rollcall_leaver_oldest_seconds: ['Age of the oldest disable that is not confirmed; 0 without one.', []],
  rollcall_leaver_sessions_open: ['Leavers whose sessions are not ended yet.', []],
  rollcall_holds: ['Open holds, whatever they hold.', ['connection']],
  rollcall_suspected: ['Workers whom deliveries do not hold any more.', ['connection']],
  rollcall_rejections: ['Rejected rows of the last delivery.', ['connection']],
  rollcall_feed_read_age_seconds: ['Since the feed was last read and accepted.', ['connection']],
  rollcall_feed_age_seconds: ['Since the feed says what it says.', ['connection']],
  rollcall_last_cycle_refused: ['1 when the last cycle refused its delivery.', ['connection']],
  rollcall_alarms: ['Open alarms by code.', ['connection', 'code']],
  rollcall_target_state: ['0 works, 1 asked for patience, 2 is down.', ['target']],
  rollcall_writes_stopped: ['1 while a person has stopped writes; * is every target.', ['target']],
  rollcall_clock_in_doubt: ['1 while the clock is not believed.', []],
  rollcall_audit_entries: ['Entries of the audit.', []],
  rollcall_audit_checkpoint_age_seconds: ['Since the last checkpoint of the audit; -1 before the first.', []],
  rollcall_audit_checkpoints_signed: ['1 where checkpoints are signed.', []],
  rollcall_build_info: ['Always 1.', ['version']],
} as const satisfies Readonly<Record<string, readonly [string, readonly string[]]>>;
export type GaugeName = keyof typeof GAUGES;

export interface Reading {
  readonly name: GaugeName;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Meter {
  readonly #registry = new Registry();
  readonly #gauges = new Map<GaugeName, Gauge>();
  readonly #outcomes: Counter;
  readonly #cycles: Counter;
  readonly #leavers: Histogram;
  readonly #cycleSeconds: Histogram;

  constructor() {
    const registers = [this.#registry];
    for (const [name, [help, labelNames]] of Object.entries(GAUGES))
      this.#gauges.set(name as GaugeName, new Gauge({ name, help, labelNames: [...labelNames], registers }));
    this.#outcomes = new Counter({
      name: 'rollcall_outcomes_total',
      help: 'What targets answered, by class.',
      labelNames: ['target', 'class'],
      registers,
    });
    this.#cycles = new Counter({
      name: 'rollcall_cycles_total',
      help: 'Looks at a feed, by result.',
      labelNames: ['connection', 'result'],
      registers,
    });
    this.#leavers = new Histogram({
      name: 'rollcall_leaver_confirmed_seconds',
      help: 'From the decision to the target’s own confirmation that the account is inactive.',
      labelNames: ['target'],
      buckets: LEAVER_BUCKETS,
      registers,
    });
    this.#cycleSeconds = new Histogram({
      name: 'rollcall_cycle_seconds',
      help: 'How long a look at a feed took.',
      labelNames: ['connection'],
      buckets: CYCLE_BUCKETS,
      registers,
    });
  }

  outcome(target: string, outcomeClass: string): void {
    this.#outcomes.inc({ target, class: outcomeClass });
  }

  leaverConfirmed(target: string, seconds: number): void {
    this.#leavers.observe({ target }, Math.max(0, seconds));
  }

  cycle(connection: string, result: string, seconds: number): void {
    this.#cycles.inc({ connection, result });
    this.#cycleSeconds.observe({ connection }, Math.max(0, seconds));
  }

  /** Replaces what was read before: what is gone has no series any more. */
  async text(readings: readonly Reading[]): Promise<string> {
    for (const gauge of this.#gauges.values()) gauge.reset();
    for (const { name, labels = {}, value } of readings) this.#gauges.get(name)?.set(labels, value);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}
