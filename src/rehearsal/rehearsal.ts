// Plays days through the production house: the real source, mapping, plan, guard, store, outbox and SCIM client, on a clock that
// is moved from one moment at which something can happen to the next. Nothing here decides anything about a worker.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plusDays, startOfDay } from '../base/calendar-date.ts';
import { MINUTE_MS, msOf } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { readConfig } from '../config.ts';
import { type OpenHouse, openHouse } from '../daemon.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { Connection } from '../mapping/connection-file.ts';
import { tickCalendar } from '../pipeline/calendar.ts';
import { payDebts } from '../pipeline/debts.ts';
import { type Dispatch, startDispatch } from '../pipeline/dispatch.ts';
import type { LiveConnection } from '../pipeline/house.ts';
import { type CycleReport, runCycle } from '../pipeline/intake.ts';
import { judgeHeld, performAct } from '../pipeline/operator.ts';
import type { Logger } from '../runtime/log.ts';
import type { Hold, ShownOperation } from '../store/store.ts';
import { type DanglingManager, danglingManagers } from './dangling-managers.ts';
import { type Day, DayBook } from './day-book.ts';
import { type RehearsalEndpoint, startRehearsalEndpoint } from './endpoint.ts';
import { type HeldClock, heldClock } from './held-clock.ts';
import { type Inbox, openInbox } from './inbox.ts';
import { filesOf, rehearsed, TOKEN_VARIABLE } from './rehearsed-connection.ts';
import { type Days, endOfDay, type Step } from './steps.ts';

export interface RehearsalOptions {
  readonly connection: Connection;
  readonly days: Days;
  /** Stops at the first hold instead of releasing it. */
  readonly keepHolds: boolean;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onDay?: (done: number, total: number) => void;
}

export interface Rehearsal {
  readonly days: readonly Day[];
  /** Rows that the last delivery had rejected. */
  readonly rejections: readonly Rejection[];
  readonly danglingManagers: readonly DanglingManager[];
  /** Holds that are open at the end. */
  readonly holds: readonly Hold[];
  readonly failed: readonly ShownOperation[];
  readonly unconfirmedLeavers: readonly ShownOperation[];
  /** As they stand at the endpoint. */
  readonly users: readonly JsonObject[];
  readonly groups: readonly JsonObject[];
  /** The signal aborted, or a hold was kept: later days were not played. */
  readonly ended: 'whole' | 'interrupted' | 'held';
}

/** A hold may open another one; beyond so many rounds a day's rest waits for the next. */
const RELEASE_ROUNDS_MAX = 5;
const HOLD_ITEMS_SHOWN = 10;
const OPERATIONS_SHOWN = 100;
/** A delivery that is still settling is looked at again so often. */
const LOOKS_MAX = 20;
/** How far the clock may run on while deliveries settle: retries after this wait for the next moment. */
const SETTLE_MS = 5 * MINUTE_MS;
/** Turns of the event loop that a look at the outbox takes: a claim is a commit. */
const AWAKE_TURNS = 12;
/** Turns without a request at the endpoint although something is in flight: it waits for the clock. */
const SILENT_TURNS = 60;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Everything lives in a temporary folder that is removed again. @throws Problem where the feed or its mapping cannot be used. */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  const { connection, days } = options;
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-rehearsal-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const clock = heldClock(msOf(startOfDay(days.first, connection.timeZone)));
  const targets = connection.targets.map(({ name }) => name);
  const endpoint = stack.use(await startRehearsalEndpoint(clock, targets));
  const inbox = openInbox(join(folder, 'inbox'), filesOf(connection).complete.marker);
  const house = stack.use(
    await openHouse({
      config: readConfig({ [TOKEN_VARIABLE]: endpoint.token }, { mappings: folder, state: folder }),
      connections: [rehearsed(connection, inbox.pattern, endpoint.url)],
      clock,
      // Nothing is spread over time here, and two rehearsals of the same files come to the same end.
      random: () => 0,
      log: options.log,
      mode: 'memory',
      command: 'rehearse',
    }),
  );
  const stage = new Stage({ ...options, house, clock, endpoint, inbox });
  try {
    return await stage.play();
  } finally {
    await stage.close();
  }
}

interface Parts extends RehearsalOptions {
  readonly house: OpenHouse;
  readonly clock: HeldClock;
  readonly endpoint: RehearsalEndpoint;
  readonly inbox: Inbox;
}

class Stage {
  readonly #parts: Parts;
  readonly #live: LiveConnection;
  readonly #book: DayBook;
  readonly #stop = new AbortController();
  readonly #dispatch: Dispatch;
  #broken: { readonly error: unknown } | null = null;
  /** Whether HR has delivered anything yet. */
  #delivered = false;

  constructor(parts: Parts) {
    const { house, connection, endpoint, signal } = parts;
    const live = house.connections.get(connection.name);
    if (live === undefined) throw new Error('bug: the rehearsed house has no connection');
    this.#parts = parts;
    this.#live = live;
    this.#book = new DayBook(house.store, endpoint.counts);
    this.#dispatch = startDispatch(house, AbortSignal.any([signal, this.#stop.signal]));
    this.#dispatch.stopped.catch((error: unknown) => {
      this.#broken = { error };
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#dispatch.stopped.catch(() => undefined);
  }

  async play(): Promise<Rehearsal> {
    const { days, connection, signal, onDay } = this.#parts;
    const { timeZone } = connection;
    const pages: Day[] = [];
    let ended: Rehearsal['ended'] = 'whole';
    let at = 0;
    const total = daysBetween(days);
    for (let day = days.first; day <= days.last && ended === 'whole'; day = plusDays(day, 1)) {
      onDay?.(pages.length, total);
      const end = endOfDay(day, timeZone);
      let goesOn = true;
      for (let step = days.steps[at]; goesOn && step !== undefined && step.atMs <= end; step = days.steps[++at]) {
        goesOn = (await this.#calendar(step.atMs)) && (await this.#deliver(step));
      }
      goesOn = goesOn && (await this.#calendar(end));
      if (signal.aborted) ended = 'interrupted';
      else if (!goesOn) ended = 'held';
      pages.push(await this.#book.close(day));
    }
    onDay?.(pages.length, total);
    return this.#end(pages, ended);
  }

  async #end(days: readonly Day[], ended: Rehearsal['ended']): Promise<Rehearsal> {
    const { house, connection, endpoint } = this.#parts;
    const { store } = house;
    const { rejections } = this.#book;
    return {
      days,
      rejections,
      danglingManagers: await danglingManagers(store, connection.name, rejections),
      holds: await store.holds(connection.name, HOLD_ITEMS_SHOWN),
      failed: await store.operations({ states: ['failed'], limit: OPERATIONS_SHOWN }),
      unconfirmedLeavers: await store.unconfirmedLeavers(OPERATIONS_SHOWN),
      users: endpoint.users(),
      groups: endpoint.groups(),
      ended,
    };
  }

  /** Lets every moment of the calendar up to this one come in its turn. False when it stopped at a hold or a signal. */
  async #calendar(ms: number): Promise<boolean> {
    const { house, clock, connection, signal } = this.#parts;
    for (;;) {
      if (signal.aborted) return false;
      const next = await house.store.nextDue(connection.name);
      if (next === null || msOf(next) > ms) return true;
      clock.moveTo(msOf(next));
      const tick = await this.#live.turn.take(() => tickCalendar(house, this.#live));
      await this.#settle();
      if (!(await this.#release())) return false;
      // What stays held comes back every few minutes: the next day is soon enough for it.
      if (tick.held > 0 && (await this.#openHolds()).length > 0) return true;
    }
  }

  async #deliver(step: Step): Promise<boolean> {
    // Moved only to moments at which something happens: each move wakes everybody who waits.
    this.#parts.clock.moveTo(step.atMs);
    this.#parts.inbox.put(step);
    this.#delivered = true;
    this.#book.cycle(await this.#cycle());
    await this.#settle();
    return this.#release();
  }

  async #cycle(): Promise<CycleReport> {
    const { house, clock, signal } = this.#parts;
    for (let look = 1; ; look += 1) {
      const report = await this.#live.turn.take(async () => {
        const cycle = await runCycle(house, this.#live, { actor: 'feed', mode: 'commit', signal });
        const approved = (await house.store.approvals(this.#live.connection.name, clock.now())).size > 0;
        if (cycle.kind !== 'held' && approved) await judgeHeld(house, this.#live);
        return cycle;
      });
      if (report.kind !== 'notYet' || report.retryAfterMs === null || look === LOOKS_MAX) return report;
      clock.moveTo(clock.nowMs() + report.retryAfterMs);
    }
  }

  // ── holds ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #openHolds(): Promise<readonly Hold[]> {
    const holds = await this.#parts.house.store.holds(this.#live.connection.name, HOLD_ITEMS_SHOWN);
    return holds.filter(({ itemCount }) => itemCount > 0);
  }

  /** Tells what is held and releases it as a person would, by an approval. False where holds are kept and there is one. */
  async #release(): Promise<boolean> {
    const { house, keepHolds } = this.#parts;
    const approved = new Set<string>();
    for (let round = 0; round < RELEASE_ROUNDS_MAX; round += 1) {
      const open = await this.#openHolds();
      for (const hold of open) this.#book.hold(hold);
      if (open.length > 0 && keepHolds) return false;
      // What an approval does not release (in a house of twenty never more than one leaves unexplained) stays held.
      for (const { digest } of open) if (approved.has(digest)) this.#book.stillHeld(digest);
      const waiting = open.filter(({ digest }) => !approved.has(digest));
      if (waiting.length === 0) return true;
      for (const { digest } of waiting) {
        const act = { kind: 'approve', args: { digest }, reason: 'every hold of a rehearsal is released' };
        const result = await performAct(house, { ...act, by: 'rehearsal', osUser: 'rehearsal', channel: 'rehearse' });
        if (!result.ok) throw new Error(`bug: a hold of the rehearsal was not released: ${result.message}`);
        approved.add(digest);
        this.#book.released(digest);
      }
      if (this.#delivered) this.#book.cycle(await this.#cycle());
      else await this.#live.turn.take(() => judgeHeld(house, this.#live));
      await this.#settle();
    }
    return true;
  }

  // ── until nothing moves ───────────────────────────────────────────────────────────────────────────────────────────

  /** Delivers, pays debts and lets due moments come until nothing more happens within SETTLE_MS. */
  async #settle(): Promise<void> {
    const { house, clock, signal } = this.#parts;
    const limitMs = clock.nowMs() + SETTLE_MS;
    while (!signal.aborted) {
      await this.#quiet(limitMs);
      const tick = await this.#live.turn.take(() => tickCalendar(house, this.#live));
      const debts = await this.#live.turn.take(() => payDebts(house, this.#live));
      if (tick.more || debts || this.#dispatch.inFlight() > 0) continue;
      const open = (await house.store.queueDepths()).some(
        ({ state }) => state === 'queued' || state === 'sending' || state === 'accepted',
      );
      if (!open || !clock.toNext(limitMs)) return;
    }
  }

  /** Until nothing is in flight and whoever was woken has had the time to begin something. */
  async #quiet(limitMs: number): Promise<void> {
    const { clock, endpoint, signal } = this.#parts;
    let silent = 0;
    let heard = this.#dispatch.progress.rings;
    for (let idle = 0; idle < AWAKE_TURNS && !signal.aborted; ) {
      await nextTurn();
      if (this.#broken !== null) throw this.#broken.error;
      if (this.#dispatch.inFlight() === 0) {
        idle += 1;
        continue;
      }
      idle = 0;
      const { rings } = this.#dispatch.progress;
      silent = endpoint.busy() > 0 || rings !== heard ? 0 : silent + 1;
      heard = rings;
      if (silent < SILENT_TURNS) continue;
      silent = 0;
      if (!clock.toNext(limitMs)) return;
    }
  }
}

const daysBetween = ({ first, last }: Days): number =>
  Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000) + 1;
