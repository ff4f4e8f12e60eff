// One target's line: claims from the outbox, sends, and stores what came back. One pump keeps places free for leavers alone, so
// that a pool full of hung joiners never delays them; another takes everything, leavers first, and lets nobody else's request
// leave before those of the leavers it knows of. Where sessions are ended by a call of their own a third pump does only that.
import { msOf } from '../base/instant.ts';
import { LANES, type Lane } from '../lifecycle/operation.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { nowOf } from '../runtime/clock.ts';
import type { ClaimedOperation, MembersClaim } from '../store/store.ts';
import type { Delivered, Sendable, Target } from '../targets/target.ts';
import type { Board, DispatchState } from './dispatch-state.ts';
import { Doubts } from './doubts.ts';
import { FairShare } from './fair-share.ts';
import { Flight, isUrgent, URGENT } from './flight.ts';
import { PATIENCE_MAX_MS } from './gate.ts';
import { isGuarded, lookInstead } from './guarded-disable.ts';
import { Bell, type House, type LiveConnection } from './house.ts';
import { Intents } from './intents.ts';
import { Memberships, sendable } from './memberships.ts';
import { renamed } from './next-name.ts';
import type { OutcomeDoor } from './outcomes.ts';
import { Pace } from './pace.ts';
import { readStops, type Stops, stopsWrite } from './stop-writes.ts';
import { type Lesson, TargetWatch } from './target-watch.ts';
import { Gathering, MEMBERS_OF_LEAVERS, together } from './together.ts';
import { mayStillAppear, NO_TRIES, type Tries, triesAfter } from './verdict.ts';
import { whoseIs } from './whose.ts';

/** Whatever puts work into reach rings; should something forget to, claims are looked for this often all the same. */
const LOOK_AGAIN_MS = 5_000;
/** Leavers who wait for their own older work are looked for with every ring, and at least this often while any is under way. */
const TAKE_BACK_EVERY_MS = 1_000;
/** While the gate is shut nothing else is looked for; a minute bounds what a clock that was set back can do. */
const SHUT_LOOK_MS = 60_000;
/**
 * Operations claimed ahead of free places, as multiples of the places: one commit then serves many, and connections need not
 * wait for commits. The target's client lets no more requests leave at once than it has connections. What is claimed can no
 * longer be replaced by newer work, leavers aside, so more than the least is claimed only of a target that gets through it in
 * AHEAD_MS.
 */
const AHEAD = { least: 2, most: 6 } as const;
const AHEAD_MS = 250;
/** Operations under way in requests that several share: as many are claimed and can no longer be replaced by newer work. */
const BATCHED_MAX = 1_000;
/** Claimed again once this share of it is free: fewer commits, each for more operations. */
const CLAIM_AGAIN = 0.25;
/** A pump that found nothing while something could be claimed (by the other one) looks again after this long. */
const NOT_MINE_MS = 100;
/** A stop of writes acts within a second: what is known of stops is never older than this where a request may leave. */
const STOPS_READ_EVERY_MS = 250;
/** Ends of sessions under way at once: another endpoint's, which keeps no account waiting while it hangs. */
const SESSIONS_AT_ONCE = 4;
/** Looked through at start for those of a target whose file does not ask for them any more. */
const SESSIONS_LEFT_MAX = 10_000;
/** What is in flight at a stop gets this long to be answered; then it is cut off and looked up at the next start. */
const DRAIN_MS = 6_000;
/** Operations of which is remembered how often they were tried; beyond so many the oldest begin anew. */
const TRIES_KEPT_MAX = 100_000;
type PumpName = 'urgent' | 'ordinary' | 'sessions';

export interface LineParts {
  readonly house: House;
  readonly target: Target;
  readonly connections: readonly LiveConnection[];
  readonly door: OutcomeDoor;
  /** Rings after every stored outcome. */
  readonly progress: Bell;
  readonly board: Board;
  readonly signal: AbortSignal;
}

export class Line {
  readonly #house: House;
  readonly #target: Target;
  readonly #connections: ReadonlyMap<string, LiveConnection>;
  readonly #door: OutcomeDoor;
  readonly #progress: Bell;
  readonly #signal: AbortSignal;
  /** Cuts off requests that outlive the drain. */
  readonly #cut = new AbortController();
  readonly #tries = new Map<number, Tries>();
  readonly #intents: Intents;
  readonly #doubts: Doubts;
  readonly #memberships: Memberships;
  readonly #pace: Pace;
  readonly #gathering: Gathering;
  readonly #fair = new FairShare();
  readonly #watch: TargetWatch;
  #sessionsPausedUntilMs = 0;
  /** Writes that are stopped, and when that was read. */
  #stops: { readonly stops: Stops; readonly readAtMs: number } = { stops: {}, readAtMs: Number.NEGATIVE_INFINITY };
  readonly #flights = new Set<Flight>();
  #takenBack: { readonly rings: number; readonly atMs: number } = { rings: -1, atMs: Number.NEGATIVE_INFINITY };
  #broken: { readonly error: unknown } | null = null;
  /** Leavers whose first request has not left yet. */
  readonly #unsentLeavers = new Set<Promise<void>>();

  constructor({ house, target, connections, door, progress, board, signal }: LineParts) {
    this.#house = house;
    this.#target = target;
    this.#connections = new Map(connections.map((live) => [live.connection.name, live]));
    this.#door = door;
    this.#progress = progress;
    this.#signal = signal;
    this.#intents = new Intents(house);
    this.#doubts = new Doubts(house.clock.nowMs(), target.visibleAfterMs);
    this.#memberships = new Memberships(target, this.#doubts, house.clock.nowMs, this.#cut.signal);
    this.#pace = new Pace(house.clock.nowMs());
    this.#gathering = new Gathering(house.clock.nowMs());
    this.#watch = new TargetWatch(house, target, board);
  }

  /** Operations under way, from the claim until their outcome is durable. */
  get inFlight(): number {
    return this.#flights.size;
  }

  get state(): DispatchState {
    return this.#watch.state;
  }

  async run(): Promise<void> {
    const ordinary = Math.max(1, this.#target.concurrency - this.#target.reserved);
    const urgent = Math.max(1, this.#target.reserved);
    await Promise.all([
      this.#pump('urgent', URGENT, urgent),
      this.#pump('ordinary', LANES, ordinary),
      ...((await this.#anySessions()) ? [this.#pump('sessions', LANES, SESSIONS_AT_ONCE)] : []),
    ]);
  }

  /** What was ordered before the connection file stopped asking for it comes to its end as well. */
  async #anySessions(): Promise<boolean> {
    const { endsSessions, name } = this.#target;
    if (endsSessions) return true;
    return (await this.#house.store.openSessions(SESSIONS_LEFT_MAX)).some(({ target }) => target === name);
  }

  async #pump(name: PumpName, lanes: readonly Lane[], places: number): Promise<void> {
    const flying = new Set<Promise<void>>();
    const free = new Bell();
    /** At so many in flight, and below, an answer is news: while places are taken the pump sleeps through the others. */
    let newsAt = Number.POSITIVE_INFINITY;
    while (!this.#signal.aborted) {
      // A bug, or a store that nobody can trust any more: it ends the house.
      if (this.#broken !== null) throw this.#broken.error;
      const known = { work: this.#house.outboxFilled.rings, free: free.rings, stir: this.#watch.stirred.rings };
      if (name === 'urgent') await this.#takeBack();
      const admitted = this.#admitted(name);
      if (admitted === 'none') {
        await this.#watch.stirred.after(known.stir, this.#house.clock, this.#shutForMs(name), this.#signal);
        continue;
      }
      const batchMax = name === 'ordinary' ? this.#target.batchMax() : null;
      const room = name === 'ordinary' ? this.#roomFor(places, batchMax) : places;
      const open = room - flying.size;
      const probing = admitted === 'one';
      const share = room * (name === 'ordinary' ? CLAIM_AGAIN : 0.5);
      const least = probing ? 1 : Math.max(1, batchMax === null ? share : Math.min(share, batchMax / 2));
      const full = open < least;
      const stopped =
        stopsWrite(await this.#stopsNow(!full), this.#target.name, name !== 'ordinary') ||
        (name === 'ordinary' && this.#house.disk.isTight);
      if (full || stopped) {
        if (flying.size > 0 && !stopped) {
          newsAt = room - least;
          await free.after(known.free, this.#house.clock, STOPS_READ_EVERY_MS, this.#signal);
          newsAt = Number.POSITIVE_INFINITY;
        } else await this.#house.outboxFilled.after(known.work, this.#house.clock, LOOK_AGAIN_MS, this.#signal);
        continue;
      }
      // Reading the stops took a moment in which the gate may have moved.
      if (this.#admitted(name) !== admitted) continue;
      const chosen = name === 'ordinary' && !probing ? this.#fair.lanes(this.#unsentLeavers.size > 0) : lanes;
      if (probing) this.#watch.chooseProbe();
      const claimed = await this.#house.store.claim(this.#target.name, {
        lanes: chosen,
        limit: probing ? 1 : Math.min(open, batchMax ?? open),
        now: nowOf(this.#house.clock),
        ...(probing ? {} : this.#membersFor(name)),
        sessions: name === 'sessions' ? 'only' : 'without',
      });
      if (probing) this.#watch.probeChosen(claimed[0] ?? null);
      if (name === 'ordinary') this.#fair.claimed(claimed.some(isUrgent));
      if (claimed.length === 0) {
        // An empty lane had its turn: the others have theirs at once.
        if (chosen === lanes || chosen.length === LANES.length) await this.#rest(lanes, flying, free, known);
        continue;
      }
      const start = (flight: Flight, delivering: () => Promise<readonly Delivered[]>): void => {
        const landed = (): void => {
          flying.delete(ended);
          if (flying.size <= newsAt) free.ring();
        };
        const ended = this.#fly(flight, delivering).then(landed, (error: unknown) => {
          landed();
          this.#broken ??= { error };
          free.ring();
          this.#watch.stirred.ring();
          throw error;
        });
        ended.catch(() => undefined);
        flying.add(ended);
      };
      const [urgent, others] = partition(
        together(claimed, batchMax),
        ([first]) => first !== undefined && isUrgent(first),
      );
      for (const group of urgent) this.#launch(group, start);
      if (others.length > 0 && this.#unsentLeavers.size > 0) await Promise.all([...this.#unsentLeavers]);
      for (const group of others) this.#launch(group, start);
      // Somebody's leave may have been stored while their older work was being claimed.
      if (this.#house.outboxFilled.rings !== known.work) await this.#takeBack();
    }
    await this.#drain(flying);
  }

  // ── when ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sessions end at another endpoint: the gate of the accounts does not shut them out. */
  #admitted(name: PumpName): 'all' | 'one' | 'none' {
    if (name !== 'sessions') return this.#watch.admits(name);
    const pauseMs = this.#sessionsPausedUntilMs - this.#house.clock.nowMs();
    // A longer one was asked for before the clock was set back.
    if (pauseMs > PATIENCE_MAX_MS.urgent) this.#sessionsPausedUntilMs = 0;
    return pauseMs > 0 && pauseMs <= PATIENCE_MAX_MS.urgent ? 'none' : 'all';
  }

  #shutForMs(name: PumpName): number {
    const nowMs = this.#house.clock.nowMs();
    const until = name === 'sessions' ? this.#sessionsPausedUntilMs : this.#watch.notBeforeMs(name);
    // A probe that is under way stirs when it is back.
    return until <= nowMs ? LOOK_AGAIN_MS : Math.min(until - nowMs, SHUT_LOOK_MS);
  }

  /** How many may be under way at once in so many places: where several travel in one request, a full one in each. */
  #roomFor(places: number, batchMax: number | null): number {
    if (batchMax !== null) return Math.max(batchMax, Math.min(places * batchMax, BATCHED_MAX));
    const soon = this.#pace.within(AHEAD_MS, this.#house.clock.nowMs());
    return Math.floor(Math.min(places * AHEAD.most, Math.max(places * AHEAD.least, soon)));
  }

  #membersFor(name: PumpName): { readonly members?: MembersClaim } {
    if (name === 'sessions') return {};
    const { clock } = this.#house;
    return { members: name === 'urgent' ? MEMBERS_OF_LEAVERS : this.#gathering.next(this.#flights, clock.nowMs()) };
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
    lanes: readonly Lane[],
    flying: ReadonlySet<Promise<void>>,
    free: Bell,
    known: { readonly work: number; readonly free: number; readonly stir: number },
  ): Promise<void> {
    const { clock, store, outboxFilled } = this.#house;
    const next = await store.nextAttempt(this.#target.name, nowOf(clock), lanes);
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
    this.#target.reconsider();
    const late = new AbortController();
    const timer = this.#house.clock.wait(DRAIN_MS, late.signal).then(() => this.#cut.abort());
    const results = await all;
    late.abort();
    await timer;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  // ── out and back ──────────────────────────────────────────────────────────────────────────────────────────────────

  #launch(
    group: readonly ClaimedOperation[],
    start: (flight: Flight, delivering: () => Promise<readonly Delivered[]>) => void,
  ): void {
    const [first] = group;
    if (first === undefined) return;
    if (first.kind === 'addMember' || first.kind === 'removeMember') {
      const flight = this.#flightOf(group);
      start(flight, () => this.#memberships.deliver(flight));
      return;
    }
    const guarded = group.filter((operation) => isGuarded(this.#connections.get(operation.connection), operation));
    if (guarded.length > 0 && group.length > 1) {
      for (const operation of guarded) this.#launch([operation], start);
      this.#launch(
        group.filter((operation) => !guarded.includes(operation)),
        start,
      );
      return;
    }
    const flights = group.map((operation) => this.#flightOf([operation]));
    if (flights.length === 1) {
      const [only] = flights as [Flight];
      const live = this.#connections.get(first.connection);
      if (guarded.length > 0 && live !== undefined) {
        start(only, async () => [await lookInstead(this.#house, live, this.#target, first, this.#cut.signal)]);
        return;
      }
      start(only, async () => [await this.#target.deliver(this.#sendable(first), only.journal, this.#cut.signal)]);
      return;
    }
    const passengers = flights.map(({ first: operation, journal }) => ({
      operation: this.#sendable(operation),
      journal,
    }));
    const delivering = this.#target.deliverMany(passengers, this.#cut.signal);
    for (const [index, flight] of flights.entries()) {
      start(flight, async () => {
        const delivered = await delivering[index];
        return delivered === undefined ? [] : [delivered];
      });
    }
  }

  #sendable(claimed: ClaimedOperation): Sendable {
    const live = this.#connections.get(claimed.connection);
    const inDoubt = claimed.kind === 'create' && claimed.ambiguous;
    return {
      ...sendable(claimed),
      mayAppear: inDoubt && this.#doubts.mayAppear(accountKey(claimed), true, this.#house.clock.nowMs()),
      whose: (found) => whoseIs(this.#house.store, live, claimed, found),
    };
  }

  #flightOf(group: readonly ClaimedOperation[]): Flight {
    return new Flight(group, this.#intents, (flight) => this.#mayLeave(flight));
  }

  /** What has not begun when the house closes, writes are stopped or the target is down stays in the outbox. */
  #mayLeave({ first, urgent }: Flight): boolean {
    if (this.#signal.aborted && !urgent) return false;
    if (stopsWrite(this.#stops.stops, this.#target.name, urgent)) return false;
    if (first.kind === 'revokeSessions') return true;
    return this.#watch.letsPass(urgent ? 'urgent' : 'ordinary', first.id);
  }

  async #fly(flight: Flight, delivering: () => Promise<readonly Delivered[]>): Promise<void> {
    this.#flights.add(flight);
    try {
      // A membership never keeps others waiting: its group may be busy.
      if (flight.urgent && flight.first.kind === 'disable') {
        const { left } = flight;
        this.#unsentLeavers.add(left);
        void left.then(() => this.#unsentLeavers.delete(left));
      }
      const delivered = await landing(delivering, flight);
      await Promise.all(
        flight.operations.map(async (operation, index) => {
          const result = delivered[index];
          if (result === undefined) throw new Error('bug: a target answered for fewer operations than it got');
          await this.#takeIn(operation, result, index === 0 ? flight : null);
        }),
      );
      this.#progress.ring();
      // What it kept waiting may go now, and is perhaps the other pump's.
      if (flight.isWithdrawn || flight.urgent) this.#house.outboxFilled.ring();
    } finally {
      this.#flights.delete(flight);
    }
  }

  /** `flight` only with the first of its operations: the answers are told once. */
  async #takeIn(operation: ClaimedOperation, result: Delivered, flight: Flight | null): Promise<void> {
    const { id } = operation;
    if (result.group !== undefined) await this.#house.store.saveGroup(this.#target.name, result.group);
    const { outcome, excused } = this.#learn(operation, result);
    const delivered: Delivered = { ...result, outcome };
    if (operation.kind === 'create') {
      if (outcome.class === 'done') this.#doubts.ended(accountKey(operation));
      else if (outcome.class === 'ambiguous' && flight?.mayHaveMade === true)
        this.#doubts.arose(accountKey(operation), this.#house.clock.nowMs());
    }
    const tries = triesAfter(this.#tries.get(id) ?? NO_TRIES, outcome, this.#house.clock.nowMs());
    if (outcome.class === 'done' && !mayStillAppear(operation, outcome, nowOf(this.#house.clock)))
      this.#tries.delete(id);
    else {
      this.#tries.set(id, tries);
      for (const oldest of this.#tries.keys()) {
        if (this.#tries.size <= TRIES_KEPT_MAX) break;
        this.#tries.delete(oldest);
      }
    }
    const finished = { operation, delivered, entries: flight?.answers ?? [], tries };
    const stored = this.#nameTaken(finished).then((taken) => (taken ? undefined : this.#door.take(finished)));
    if (outcome.status === 403) this.#watch.remember({ operation, stored });
    await stored;
    for (const one of excused) await this.#watch.excuse(one, outcome);
    this.#pace.finished();
    this.#log(operation, outcome);
  }

  #learn(operation: ClaimedOperation, result: Delivered): Lesson {
    if (operation.kind !== 'revokeSessions') return this.#watch.heard(operation, result);
    // Sessions end at another endpoint: what it says slows down nobody's account, least of all a disable.
    const { outcome } = result;
    const pauseMs = Math.min(outcome.retryAfterMs ?? 0, PATIENCE_MAX_MS.urgent);
    this.#sessionsPausedUntilMs = Math.max(this.#sessionsPausedUntilMs, this.#house.clock.nowMs() + pauseMs);
    return { outcome, excused: [] };
  }

  // ── what newer work wants back ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Somebody leaves whose older work is claimed: what of it has not left comes back at once, and what has begun sends nothing
   * more. Without this a leaver would wait behind a pool that hangs.
   */
  async #takeBack(): Promise<void> {
    const { store, clock, outboxFilled } = this.#house;
    const nowMs = clock.nowMs();
    const { rings, atMs } = this.#takenBack;
    if (rings === outboxFilled.rings && Math.abs(nowMs - atMs) < TAKE_BACK_EVERY_MS) return;
    const ordinary = [...this.#flights].filter(({ urgent, isWithdrawn }) => !urgent && !isWithdrawn);
    this.#takenBack = { rings: outboxFilled.rings, atMs: nowMs };
    if (ordinary.length === 0) return;
    const overtaken = new Set(
      await store.overtaken(ordinary.flatMap(({ operations }) => operations.map(({ id }) => id))),
    );
    if (overtaken.size === 0) return;
    for (const flight of ordinary) if (flight.operations.some(({ id }) => overtaken.has(id))) flight.withdraw();
    this.#target.reconsider();
  }

  /** A name that proved to be somebody else's at the target: the next candidate takes its place in the same commit. */
  async #nameTaken(finished: Parameters<typeof renamed>[2]): Promise<boolean> {
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

async function landing(delivering: () => Promise<readonly Delivered[]>, flight: Flight): Promise<readonly Delivered[]> {
  try {
    return await delivering();
  } finally {
    flight.ended();
  }
}

/** The account of one worker at this target. */
const accountKey = ({ connection, workerKey }: ClaimedOperation): string => `account ${connection} ${workerKey}`;

function partition<T>(list: readonly T[], first: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [list.filter(first), list.filter((one) => !first(one))];
}
