// Outbox → target → outcome → the door. Two pumps for each target: one keeps places free for leavers alone, so that a pool
// full of hung joiners never delays them; the other takes everything, leavers first, and lets nobody else's request leave
// before those of the leavers it knows of.
import { msOf } from '../base/instant.ts';
import { LANES, type Lane } from '../lifecycle/operation.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { EntryDraft, MembershipPayload } from '../planning/changeset.ts';
import { backoffMs, WORK_BACKOFF } from '../runtime/backoff.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import type { ClaimedOperation } from '../store/store.ts';
import type { Delivered, Journal, Sendable, ShownRequest, Target } from '../targets/target.ts';
import { Bell, type House, type LiveConnection, Turn } from './house.ts';
import { Intents } from './intents.ts';
import { renamed } from './next-name.ts';
import { type Finished, OutcomeDoor } from './outcomes.ts';
import { Pace } from './pace.ts';
import { readStops, type Stops, stopsWrite } from './stop-writes.ts';
import { together } from './together.ts';

const URGENT: readonly Lane[] = ['emergency', 'leaver'];

/** Claims are looked for at least this often, whatever rings or does not. */
const LOOK_AGAIN_MS = 1_000;
/**
 * Operations claimed ahead of free places, as multiples of the places: one commit then serves many, and connections need not
 * wait for commits. The target's client lets no more requests leave at once than it has connections. What is claimed can no
 * longer be replaced by newer work, so more than the least is claimed only of a target that gets through it in AHEAD_MS.
 */
const AHEAD = { least: 2, most: 8 } as const;
const AHEAD_MS = 250;
/** Claimed again once this share of it is free: fewer commits, each for more operations. */
const CLAIM_AGAIN = 0.25;
/** A pump that found nothing while something could be claimed (by the other one) looks again after this long. */
const NOT_MINE_MS = 100;
/** A stop of writes acts within a second: what is known of stops is never older than this where a request may leave. */
const STOPS_READ_EVERY_MS = 250;
/** Retry-After binds leavers for at most this long. */
const LEAVER_PAUSE_MAX_MS = 60_000;
const PAUSE_MAX_MS = 3_600_000;
/** What is in flight at a stop gets this long to be answered; then it is cut off and looked up at the next start. */
const DRAIN_MS = 6_000;

export interface Dispatch {
  /** In flight now, by target. */
  readonly inFlight: () => number;
  /** Resolves once nothing is in flight any more. */
  readonly stopped: Promise<void>;
  /** Rings after every stored outcome. */
  readonly progress: Bell;
}

/** Delivers until the signal aborts. Throws out of `stopped` only for a bug or a store that nobody can trust any more. */
export function startDispatch(house: House, signal: AbortSignal): Dispatch {
  const door = new OutcomeDoor(house);
  const progress = new Bell();
  const lines = targetLines(house).map(
    (line) => new Line(house, line.target, line.connections, door, progress, signal),
  );
  return {
    inFlight: () => lines.reduce((sum, line) => sum + line.inFlight, 0),
    stopped: Promise.all(lines.map((line) => line.run())).then(() => undefined),
    progress,
  };
}

/** A target that several connections name is one target: it has one queue and one pool. */
function targetLines(house: House): readonly { target: Target; connections: readonly LiveConnection[] }[] {
  const lines = new Map<string, { target: Target; connections: LiveConnection[] }>();
  for (const live of house.connections.values()) {
    for (const target of live.targets.values()) {
      const line = lines.get(target.name);
      if (line === undefined) lines.set(target.name, { target, connections: [live] });
      else line.connections.push(live);
    }
  }
  return [...lines.values()];
}

class Line {
  readonly #house: House;
  readonly #target: Target;
  readonly #connections: ReadonlyMap<string, LiveConnection>;
  readonly #door: OutcomeDoor;
  readonly #progress: Bell;
  readonly #signal: AbortSignal;
  /** Cuts off requests that outlive the drain. */
  readonly #cut = new AbortController();
  readonly #tries = new Map<number, number>();
  readonly #intents: Intents;
  readonly #pace: Pace;
  /** Writes that are stopped, and when that was read. */
  #stops: { readonly stops: Stops; readonly readAtMs: number } = { stops: {}, readAtMs: Number.NEGATIVE_INFINITY };
  readonly #groupTurns = new Map<string, Turn>();
  readonly #groupIds = new Map<string, string>();
  #pausedUntil = { urgent: 0, ordinary: 0 };
  #failuresInARow = 0;
  #flying = 0;
  #broken: { readonly error: unknown } | null = null;
  /** Leavers whose first request has not left yet. */
  readonly #unsentLeavers = new Set<Promise<void>>();

  constructor(
    house: House,
    target: Target,
    connections: readonly LiveConnection[],
    door: OutcomeDoor,
    progress: Bell,
    signal: AbortSignal,
  ) {
    this.#house = house;
    this.#target = target;
    this.#connections = new Map(connections.map((live) => [live.connection.name, live]));
    this.#door = door;
    this.#progress = progress;
    this.#signal = signal;
    this.#intents = new Intents(house);
    this.#pace = new Pace(house.clock.nowMs());
  }

  get inFlight(): number {
    return this.#flying;
  }

  async run(): Promise<void> {
    const ordinary = Math.max(1, this.#target.concurrency - this.#target.reserved);
    const urgent = Math.max(1, this.#target.reserved);
    await Promise.all([this.#pump('urgent', URGENT, urgent), this.#pump('ordinary', LANES, ordinary)]);
  }

  async #pump(name: 'urgent' | 'ordinary', lanes: readonly Lane[], places: number): Promise<void> {
    const flying = new Set<Promise<void>>();
    const free = new Bell();
    /** At so many in flight, and below, an answer is news: while places are taken the pump sleeps through the others. */
    let newsAt = Number.POSITIVE_INFINITY;
    while (!this.#signal.aborted) {
      // A bug, or a store that nobody can trust any more: it ends the house.
      if (this.#broken !== null) throw this.#broken.error;
      const known = { work: this.#house.outboxFilled.rings, free: free.rings };
      const room = name === 'urgent' ? places : this.#roomFor(places);
      const open = room - flying.size;
      const pause = this.#pausedUntil[name] - this.#house.clock.nowMs();
      const least = Math.max(1, room * (name === 'urgent' ? 0.5 : CLAIM_AGAIN));
      const full = open < least;
      const stopped = stopsWrite(await this.#stopsNow(!full), this.#target.name, name === 'urgent');
      if (full || pause > 0 || stopped) {
        if (flying.size > 0 && pause <= 0 && !stopped) {
          newsAt = room - least;
          await free.after(known.free, this.#house.clock, STOPS_READ_EVERY_MS, this.#signal);
          newsAt = Number.POSITIVE_INFINITY;
        } else await this.#house.clock.wait(Math.min(Math.max(pause, 50), LOOK_AGAIN_MS), this.#signal);
        continue;
      }
      const claimed = await this.#house.store.claim(this.#target.name, {
        lanes,
        limit: open,
        now: nowOf(this.#house.clock),
      });
      if (claimed.length === 0) {
        await this.#rest(flying, free, known);
        continue;
      }
      const start = (group: readonly ClaimedOperation[]): void => {
        const flight = this.#fly(group).finally(() => {
          flying.delete(flight);
          if (flying.size <= newsAt) free.ring();
        });
        flying.add(flight);
        flight.catch((error: unknown) => {
          this.#broken ??= { error };
          free.ring();
        });
      };
      const [urgent, others] = partition(together(claimed), isUrgent);
      urgent.forEach(start);
      if (others.length > 0 && this.#unsentLeavers.size > 0) await Promise.all([...this.#unsentLeavers]);
      others.forEach(start);
    }
    await this.#drain(flying);
  }

  /** How many may be claimed at once for so many places. */
  #roomFor(places: number): number {
    const soon = this.#pace.within(AHEAD_MS, this.#house.clock.nowMs());
    return Math.floor(Math.min(places * AHEAD.most, Math.max(places * AHEAD.least, soon)));
  }

  /** `anew` before a claim; while places are taken, what was read shortly before will do. */
  async #stopsNow(anew: boolean): Promise<Stops> {
    const nowMs = this.#house.clock.nowMs();
    if (anew || Math.abs(nowMs - this.#stops.readAtMs) >= STOPS_READ_EVERY_MS) {
      this.#stops = { stops: await readStops(this.#house.store), readAtMs: nowMs };
    }
    return this.#stops.stops;
  }

  /** Nothing to claim: waits for new work, an answer, or the earliest moment at which something may be tried again. */
  async #rest(
    flying: ReadonlySet<Promise<void>>,
    free: Bell,
    known: { readonly work: number; readonly free: number },
  ): Promise<void> {
    const { clock, store, outboxFilled } = this.#house;
    const next = await store.nextAttempt(this.#target.name, nowOf(clock));
    const longest = flying.size > 0 ? STOPS_READ_EVERY_MS : LOOK_AGAIN_MS;
    const until = next === null ? longest : msOf(next) - clock.nowMs();
    const wait = Math.min(longest, until <= 0 ? NOT_MINE_MS : Math.max(5, until));
    const either = new AbortController();
    const signal = AbortSignal.any([this.#signal, either.signal]);
    await Promise.race([
      outboxFilled.after(known.work, clock, wait, signal),
      ...(flying.size > 0 ? [free.after(known.free, clock, wait, signal)] : []),
    ]);
    either.abort();
  }

  async #drain(flying: ReadonlySet<Promise<void>>): Promise<void> {
    if (flying.size === 0) return;
    const all = Promise.allSettled([...flying]);
    const late = new AbortController();
    const timer = this.#house.clock.wait(DRAIN_MS, late.signal).then(() => this.#cut.abort());
    const results = await all;
    late.abort();
    await timer;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** One operation, or several membership changes of one group that travel together. */
  async #fly(group: readonly ClaimedOperation[]): Promise<void> {
    this.#flying += 1;
    try {
      const answers: EntryDraft[] = [];
      const [first] = group;
      if (first === undefined) return;
      const sent = Promise.withResolvers<void>();
      if (isUrgent(group)) {
        this.#unsentLeavers.add(sent.promise);
        void sent.promise.then(() => this.#unsentLeavers.delete(sent.promise));
      }
      const delivered = await this.#deliver(group, answers, sent.resolve).finally(() => sent.resolve());
      await Promise.all(
        group.map(async (operation, index) => {
          const result = delivered[index];
          if (result === undefined) throw new Error('bug: a target answered for fewer operations than it got');
          const tries = (this.#tries.get(operation.id) ?? 0) + 1;
          await this.#learn(result, operation);
          if (result.outcome.class === 'done') this.#tries.delete(operation.id);
          else this.#tries.set(operation.id, tries);
          const finished: Finished = { operation, delivered: result, entries: index === 0 ? answers : [], tries };
          const taken = await this.#nameTaken(finished);
          if (!taken) await this.#door.take(finished);
          this.#pace.finished();
          this.#log(operation, result.outcome);
        }),
      );
      this.#progress.ring();
    } finally {
      this.#flying -= 1;
    }
  }

  async #deliver(
    group: readonly ClaimedOperation[],
    answers: EntryDraft[],
    sent: () => void,
  ): Promise<readonly Delivered[]> {
    const [first] = group;
    if (first === undefined) return [];
    const journal = this.#journal(first, answers, sent);
    if (first.kind === 'addMember' || first.kind === 'removeMember') return this.#deliverMemberships(group, journal);
    const [only] = group.map(sendable);
    return only === undefined ? [] : [await this.#target.deliver(only, journal, this.#cut.signal)];
  }

  /** One after the other for each group: two that both find it missing would make it twice. */
  async #deliverMemberships(group: readonly ClaimedOperation[], journal: Journal): Promise<readonly Delivered[]> {
    const [first] = group;
    if (first === undefined) return [];
    const name = (first.payload as MembershipPayload).group;
    const turn = this.#groupTurns.get(name) ?? new Turn();
    this.#groupTurns.set(name, turn);
    return turn.take(async () => {
      const known = this.#groupIds.get(name) ?? null;
      const sendables = group.map((claimed) => {
        const one = sendable(claimed);
        return { ...one, groupRemoteId: one.groupRemoteId ?? known };
      });
      const delivered = await this.#target.deliverMemberships(sendables, journal, this.#cut.signal);
      for (const { group: learnt, outcome } of delivered) {
        if (learnt !== undefined) this.#groupIds.set(learnt.name, learnt.remoteId);
        else if (outcome.class === 'gone') this.#groupIds.delete(name);
      }
      return delivered;
    });
  }

  /** Intent durable before the request leaves; the answer is stored with the outcome of the operation. */
  #journal(operation: ClaimedOperation, answers: EntryDraft[], sent: () => void): Journal {
    const { connection, workerKey, target, id } = operation;
    const urgent = isUrgent([operation]);
    let begun = false;
    const entry = (kind: string, request: ShownRequest, more: EntryDraft['body']): EntryDraft => {
      const at = request.path.indexOf('?');
      const path = at < 0 ? request.path : request.path.slice(0, at);
      return {
        kind,
        connection,
        workerKey,
        actor: 'daemon',
        body: { operation: id, target, method: request.method, path, ...more },
        ...(at < 0 ? {} : { personal: { query: request.path.slice(at + 1) } }),
      };
    };
    return {
      intent: async (request) => {
        const draft = entry('intent', request, { bodyHash: request.body === '' ? null : sha256(request.body) });
        await this.#intents.take(connection, draft);
      },
      leaves: () => {
        // An operation that has begun is finished: half of it would leave more doubt than the whole. What has not begun
        // when the house closes stays in the outbox, leavers aside.
        const closing = this.#signal.aborted && !urgent;
        begun ||= !closing && !stopsWrite(this.#stops.stops, target, urgent);
        if (begun) sent();
        return begun;
      },
      answer: (request, outcome) => {
        answers.push(entry('answer', request, { status: outcome.status, class: outcome.class, code: outcome.code }));
      },
    };
  }

  /** What an answer says about the target as a whole: slow down for all, or go on. */
  async #learn(result: Delivered, operation: ClaimedOperation): Promise<void> {
    const { outcome, group } = result;
    if (group !== undefined) await this.#house.store.saveGroup(this.#target.name, group);
    const about =
      outcome.class === 'targetDown' ||
      outcome.class === 'refreshCredentials' ||
      outcome.retryAfterMs !== null ||
      outcome.status === 429;
    if (!about) {
      this.#failuresInARow = 0;
      return;
    }
    this.#failuresInARow += 1;
    const now = this.#house.clock.nowMs();
    const wait = Math.min(
      PAUSE_MAX_MS,
      Math.max(outcome.retryAfterMs ?? 0, backoffMs(this.#failuresInARow, WORK_BACKOFF, this.#house.random())),
    );
    const until = { urgent: now + Math.min(wait, LEAVER_PAUSE_MAX_MS), ordinary: now + wait };
    this.#pausedUntil = {
      urgent: Math.max(this.#pausedUntil.urgent, until.urgent),
      ordinary: Math.max(this.#pausedUntil.ordinary, until.ordinary),
    };
    this.#house.log.warn(
      { target: this.#target.name, operation: operation.id, status: outcome.status, code: outcome.code, waitMs: wait },
      'target asks for a pause',
    );
  }

  /** A name that proved to be somebody else's at the target: the next candidate takes its place in the same commit. */
  async #nameTaken(finished: Finished): Promise<boolean> {
    if (finished.delivered.outcome.code !== 'name-taken' || finished.operation.kind !== 'create') return false;
    const live = this.#connections.get(finished.operation.connection);
    return live === undefined ? false : renamed(this.#house, live, finished);
  }

  #log(operation: ClaimedOperation, outcome: Outcome): void {
    const fields = {
      connection: operation.connection,
      worker: operation.workerKey,
      target: operation.target,
      operation: operation.id,
      what: operation.kind,
      class: outcome.class,
      status: outcome.status,
      code: outcome.code,
    };
    if (outcome.class === 'done') this.#house.log.debug(fields, 'operation done');
    else this.#house.log.warn(fields, 'operation not done');
  }
}

const isUrgent = ([first]: readonly ClaimedOperation[]): boolean => first !== undefined && URGENT.includes(first.lane);

function partition<T>(list: readonly T[], first: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [list.filter(first), list.filter((one) => !first(one))];
}

function sendable(claimed: ClaimedOperation): Sendable {
  const { id, workerKey, kind, lane, payload, account, managerRemoteId, ambiguous, groupRemoteId } = claimed;
  return { id, workerKey, kind, lane, payload, account, managerRemoteId, ambiguous, groupRemoteId };
}
