// Uploads cost calls, and calls are few: what is to be uploaded waits here until a call is worth it and allowed, leavers first. Each
// operation keeps its own intent, answer and outcome. Nobody is kept waiting by a call that hangs: leavers have calls of their own.
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../base/instant.ts';
import type { Outcome } from '../../lifecycle/outcome.ts';
import type { Answer } from '../scim/exchange.ts';
import { isOfTheTarget, isRefusal } from '../scim/halving.ts';
import { concluded, NOTHING_SENT } from '../scim/outcome-table.ts';
import type { Journal, Sendable } from '../target.ts';
import type { Budget } from './budget.ts';
import { bulkBody, inOrderOfManagers, OPERATIONS_MAX, shownOperation } from './bulk.ts';
import type { Graph } from './graph.ts';
import type { Job, JobState } from './job.ts';
import type { UploadRecord } from './record.ts';

/** One operation and its record on the way. */
export interface Parcel {
  readonly operation: Sendable;
  readonly record: UploadRecord;
  readonly journal: Journal;
  readonly urgent: boolean;
  /** The direct path has ended the access: while nothing can be uploaded it keeps nobody's place. */
  readonly accessEnded: boolean;
  readonly signal: AbortSignal;
}

/** What became of the call that carried it. `takenAtMs`: by Microsoft's clock. */
export interface Carried {
  readonly outcome: Outcome;
  readonly takenAtMs: number | null;
  /** Name of the call, where it was lost with all that it carried. */
  readonly sharedFault?: string;
}

export interface CarrierParts {
  readonly graph: Graph;
  /** Path of the upload. */
  readonly path: string;
  readonly job: Job;
  /** Opened with the first call. */
  readonly budget: () => Promise<Budget>;
  readonly callBytesMax: number;
  /** Calls that everybody but leavers has in 24 hours: calls that are not full are spread over them. */
  readonly ordinaryCalls: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** So long a call waits for company at the least. */
const GATHER_MS = { urgent: SECOND_MS, ordinary: 2 * SECOND_MS } as const;
/** A job that does nothing is asked again so often. */
const HELD_AGAIN_MS = MINUTE_MS;
/** The longest sleep, so that a clock that was set back, or a budget that another restart found, is noticed. */
const SLEEP_MAX_MS = 5 * MINUTE_MS;

interface Waiting extends Parcel {
  readonly sinceMs: number;
  readonly settle: (carried: Carried) => void;
  readonly failed: (error: unknown) => void;
}

type Lane = 'urgent' | 'ordinary';

export class Carrier {
  readonly #parts: CarrierParts;
  /** In order of arrival. */
  readonly #waiting: Record<Lane, Set<Waiting>> = { urgent: new Set(), ordinary: new Set() };
  /** Loads of refused calls: each travels alone, until the culprit does. */
  readonly #parted: Record<Lane, (readonly Waiting[])[]> = { urgent: [], ordinary: [] };
  readonly #running: Record<Lane, boolean> = { urgent: false, ordinary: false };
  readonly #sleeping: Record<Lane, AbortController | null> = { urgent: null, ordinary: null };
  readonly #closing = new AbortController();
  /** Whether the job did nothing when it was looked at last. */
  #isHeld = false;
  /** When the last call left that was not full. */
  #partFullAtMs = Number.NEGATIVE_INFINITY;
  #calls = 0;

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  /** Never rejects for what Graph does. */
  carry(parcel: Parcel): Promise<Carried> {
    if (parcel.signal.aborted || this.#closing.signal.aborted) return Promise.resolve(NOT_SENT);
    return new Promise((resolve, reject) => {
      const lane: Lane = parcel.urgent ? 'urgent' : 'ordinary';
      const one: Waiting = {
        ...parcel,
        sinceMs: this.#parts.now(),
        settle: (carried) => {
          parcel.signal.removeEventListener('abort', stop);
          resolve(carried);
        },
        failed: reject,
      };
      const stop = (): void => {
        if (this.#waiting[lane].delete(one)) one.settle(NOT_SENT);
      };
      parcel.signal.addEventListener('abort', stop, { once: true });
      this.#waiting[lane].add(one);
      this.#sleeping[lane]?.abort();
      if (this.#running[lane]) return;
      this.#running[lane] = true;
      this.#run(lane).catch((error: unknown) => this.#fail(error));
    });
  }

  /** Gives back what is not wanted any more, and leavers who wait for the job: they are wanted for ever, also by a house that closes. */
  reconsider(): void {
    for (const lane of ['urgent', 'ordinary'] as const) {
      for (const one of this.#waiting[lane]) {
        const stays = one.journal.wanted?.() !== false && !(lane === 'urgent' && this.#isHeld);
        if (!stays && this.#waiting[lane].delete(one)) one.settle(NOT_SENT);
      }
    }
  }

  /** Operations in hand. */
  get size(): number {
    return this.#waiting.urgent.size + this.#waiting.ordinary.size;
  }

  close(): void {
    this.#closing.abort();
    for (const lane of ['urgent', 'ordinary'] as const) {
      this.#sleeping[lane]?.abort();
      for (const one of this.#waiting[lane]) one.settle(NOT_SENT);
      this.#waiting[lane].clear();
    }
  }

  async #run(lane: Lane): Promise<void> {
    try {
      // Whatever arrives in the same turn of the event loop travels together.
      const budget = await this.#parts.budget();
      while (!this.#closing.signal.aborted && this.#waiting[lane].size > 0) {
        const state = await this.#parts.job.state(this.#closing.signal);
        this.#isHeld = isHeld(state);
        if (this.#isHeld) {
          this.#giveBackEnded(state);
          await this.#sleep(lane, HELD_AGAIN_MS);
          continue;
        }
        const waitMs = this.#waitMs(lane, budget);
        if (waitMs > 0) {
          await this.#sleep(lane, waitMs);
          continue;
        }
        const load = this.#load(lane);
        if (load.length > 0) await this.#send(lane, load, budget);
      }
    } finally {
      this.#running[lane] = false;
    }
  }

  /** A bug, or a store that nobody can trust any more: whoever waits is told. */
  #fail(error: unknown): void {
    for (const lane of ['urgent', 'ordinary'] as const) {
      for (const one of this.#waiting[lane]) one.failed(error);
      this.#waiting[lane].clear();
    }
  }

  /** Whose access has ended by the direct path waits in the outbox for the job, not in one of the places of leavers. */
  #giveBackEnded(state: JobState): void {
    const reason = 'reason' in state ? state.reason : '';
    for (const one of this.#waiting.urgent) {
      if (!one.accessEnded || !this.#waiting.urgent.delete(one)) continue;
      one.settle({ outcome: endedAndHeld(reason), takenAtMs: null });
    }
  }

  #waitMs(lane: Lane, budget: Budget): number {
    const { now, ordinaryCalls } = this.#parts;
    const allowedMs = budget.waitMs(lane === 'urgent');
    const waiting = this.#waiting[lane];
    if (this.#parted[lane].length > 0 || waiting.size >= OPERATIONS_MAX) return allowedMs;
    const [oldest] = waiting;
    const nowMs = now();
    // Whoever came before the clock was set back has waited.
    const sinceMs = oldest?.sinceMs ?? nowMs;
    const gatheredMs = sinceMs > nowMs ? 0 : sinceMs + GATHER_MS[lane] - nowMs;
    // A trickle of single changes must not use up the day's calls.
    const partFullAtMs =
      lane === 'urgent' || this.#partFullAtMs > nowMs ? Number.NEGATIVE_INFINITY : this.#partFullAtMs;
    return Math.max(0, allowedMs, gatheredMs, partFullAtMs + DAY_MS / ordinaryCalls - nowMs);
  }

  async #sleep(lane: Lane, ms: number): Promise<void> {
    const sleep = new AbortController();
    this.#sleeping[lane] = sleep;
    const filled = this.#waiting[lane].size;
    await this.#parts.wait(Math.min(ms, SLEEP_MAX_MS), AbortSignal.any([sleep.signal, this.#closing.signal]));
    this.#sleeping[lane] = null;
    // Many arrivals in one turn wake once.
    if (this.#waiting[lane].size > filled) await Promise.resolve();
  }

  /** Leavers first, then whoever else has room beside them. Nobody is taken out of the hand before the call is certain. */
  #load(lane: Lane): readonly Waiting[] {
    const parted = this.#parted[lane].shift();
    if (parted !== undefined) return parted.filter((one) => this.#waiting[lane].has(one));
    const chosen: Waiting[] = [];
    let bytes = 0;
    const beside = lane === 'urgent' ? this.#waiting.ordinary : [];
    for (const one of [...this.#waiting[lane], ...beside]) {
      if (chosen.length >= OPERATIONS_MAX) break;
      if (one.journal.wanted?.() === false) continue;
      const size = shownOperation(one).length;
      if (chosen.length > 0 && bytes + size > this.#parts.callBytesMax) break;
      bytes += size;
      chosen.push(one);
    }
    if (chosen.length === 0) this.reconsider();
    return inOrderOfManagers(chosen);
  }

  async #send(lane: Lane, load: readonly Waiting[], budget: Budget): Promise<void> {
    const { graph, path, now } = this.#parts;
    const urgent = lane === 'urgent';
    if (!(await budget.spend(urgent))) return;
    if (!urgent && load.length < OPERATIONS_MAX) this.#partFullAtMs = now();
    const taken = load.filter((one) => this.#waiting[laneOf(one)].delete(one));
    if (taken.length === 0) return;
    this.#calls += 1;
    const answer = await graph
      .ask(
        { kind: 'create', method: 'POST', path, body: bulkBody(taken) },
        { journal: this.#sharedJournal(taken), urgent, signal: AbortSignal.any(taken.map(({ signal }) => signal)) },
      )
      .catch((error: unknown) => {
        for (const one of taken) one.failed(error);
        throw error;
      });
    const outcome = meaningOf(answer.outcome);
    for (const one of taken) one.journal.answer(this.#shown(one), outcome);
    if (outcome.code === 'not-sent') {
      // Newer work took the place of some: the others travel without them.
      for (const one of taken) {
        if (one.signal.aborted || one.journal.wanted?.() === false) one.settle(NOT_SENT);
        else this.#waiting[laneOf(one)].add(one);
      }
      return;
    }
    if (outcome.status === 429) budget.pause(Math.min(outcome.retryAfterMs ?? PAUSE_MS, PAUSE_MAX_MS));
    if (isRefusal(outcome) && taken.length > 1) this.#part(taken);
    else {
      const sharedFault = isOfTheTarget(outcome) ? { sharedFault: `call ${this.#calls}` } : {};
      const takenAtMs = outcome.class === 'accepted' ? takenAt(answer, now()) : null;
      for (const one of taken) one.settle({ outcome, takenAtMs, ...sharedFault });
    }
  }

  /** One record may be the reason: leavers are parted from all others first, then every load is halved. */
  #part(load: readonly Waiting[]): void {
    const urgent = load.filter((one) => one.urgent);
    const ordinary = load.filter((one) => !one.urgent);
    for (const one of load) this.#waiting[laneOf(one)].add(one);
    const halves =
      urgent.length > 0 && ordinary.length > 0
        ? [urgent, ordinary]
        : [load.slice(0, Math.ceil(load.length / 2)), load.slice(Math.ceil(load.length / 2))];
    for (const half of halves) {
      const [first] = half;
      if (first === undefined) continue;
      this.#parted[laneOf(first)].unshift(half);
      this.#sleeping[laneOf(first)]?.abort();
    }
  }

  /** Every operation's own intent is durable before the call leaves; what one of them may no longer send, none of them sends. */
  #sharedJournal(load: readonly Waiting[]): Journal {
    const wanted = (): boolean => load.every(({ journal }) => journal.wanted?.() ?? true);
    return {
      intent: async () => {
        await Promise.all(load.map((one) => one.journal.intent(this.#shown(one))));
      },
      leaves: () => wanted() && load.map(({ journal }) => journal.leaves?.() ?? true).every(Boolean),
      wanted,
      answer: () => {},
    };
  }

  #shown(one: Waiting) {
    return { method: 'POST', path: '/Users', body: shownOperation(one), via: this.#parts.path } as const;
  }
}

const laneOf = ({ urgent }: Parcel): Lane => (urgent ? 'urgent' : 'ordinary');
const isHeld = ({ kind }: JobState): boolean => kind === 'paused' || kind === 'quarantined';

/** After a 429, where Microsoft names no time, and at most: a leaver is never kept longer, and everybody else's pause is the gate's. */
const PAUSE_MS = 10 * SECOND_MS;
const PAUSE_MAX_MS = MINUTE_MS;

const NOT_SENT: Carried = {
  outcome: concluded(NOTHING_SENT, { class: 'retry', code: 'not-sent' }),
  takenAtMs: null,
};

const endedAndHeld = (reason: string): Outcome =>
  concluded(NOTHING_SENT, {
    class: 'retry',
    code: 'not-applied',
    detail: `the access was ended directly; the record waits for the provisioning job (${reason})`,
  });

/** Of the call: the permission of the app is nobody's record. */
function meaningOf(outcome: Outcome): Outcome {
  // Only what is confirmed is an answer about the operation.
  if (outcome.class === 'accepted') return concluded(outcome, { countsAsAttempt: false });
  if (outcome.status !== 403) return outcome;
  return concluded(outcome, {
    class: 'targetDown',
    countsAsAttempt: false,
    detail: `${outcome.detail} (needs SynchronizationData-User.Upload)`.trim(),
  });
}

/** Log lines bear Microsoft's time: so does what they are held against. */
function takenAt({ date }: Answer, nowMs: number): number {
  const said = Date.parse(date ?? '');
  return Number.isNaN(said) ? nowMs : said;
}
