// What is to be uploaded, from the hand-over until it is taken in: a few changes go by calls for single entities, more travel
// together in the one session that is open. Whoever waits here for a session has begun nothing and comes back when it is not wanted.
import type { Outcome } from '../../lifecycle/outcome.ts';
import { isRefusal } from '../scim/halving.ts';
import type { Delivered, Journal, Sendable, ShownRequest } from '../target.ts';
import type { Entity } from './entity.ts';
import { UNSENT } from './judge.ts';
import type { LoadKind } from './paths.ts';
import type { Room } from './room.ts';
import type { OpenSession, SessionDesk } from './session-desk.ts';
import { LOADS_MAX, ofOkta } from './session-desk.ts';
import { ticketText } from './ticket.ts';

/** What one operation adds to a load. */
export type Cargo =
  | { readonly kind: 'upsert'; readonly entity: Entity }
  /** `named`: the display name, where the group may be made by this. */
  | { readonly kind: 'members'; readonly group: string; readonly member: string; readonly named: string | null };

export interface Passenger {
  readonly operation: Sendable;
  readonly journal: Journal;
  readonly cargo: Cargo;
}

export interface Gathering {
  readonly add: (passenger: Passenger, signal: AbortSignal) => Promise<Delivered>;
  /** Whether somebody waits here. */
  readonly isWaiting: () => boolean;
  readonly reconsider: () => void;
}

/** [O1] */
export const ENTITIES_MAX = 200;
/** 200 KB are documented, and not which: the smaller. */
const BYTES_MAX = 200_000;
/** What is handed over one after the other travels together. */
const GATHER_MS = 50;
/** The world may have changed while one waits for a session. */
const LOOK_AGAIN_MS = 30_000;
/** A load that may not leave, although everybody in it is wanted. */
const UNSENT_MAX = 3;

interface Item extends Passenger {
  readonly signal: AbortSignal;
  readonly settle: (delivered: Delivered) => void;
  /** A bug, or a store that takes nothing any more. */
  readonly fail: (error: unknown) => void;
  unsent: number;
}

/** One key for what a session may still change: an account, or a membership. */
export const keyOf = (cargo: Cargo): string =>
  cargo.kind === 'upsert' ? cargo.entity.externalId : memberKey(cargo.group, cargo.member);
export const memberKey = (group: string, member: string): string => `member ${group} ${member}`;

export function gatheringOf(
  room: Room,
  desk: SessionDesk,
  /** Delivers by a call for this one entity. */
  single: (passenger: Passenger, signal: AbortSignal) => Promise<Delivered>,
): Gathering {
  const queue: Item[] = [];
  let running = false;
  let awake: AbortController | null = null;

  const isWanted = ({ journal, signal }: Item): boolean => !signal.aborted && (journal.wanted?.() ?? true);

  function sift(): void {
    for (const item of queue.splice(0)) {
      if (isWanted(item) && item.unsent < UNSENT_MAX) queue.push(item);
      else item.settle({ outcome: UNSENT });
    }
  }

  async function pause(ms: number): Promise<void> {
    awake = new AbortController();
    await room.wait(ms, AbortSignal.any([awake.signal, ...new Set(queue.map(({ signal }) => signal))]));
    awake = null;
  }

  /** Whoever is in it hears of a failure. */
  async function guarded(items: readonly Item[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      for (const item of items) item.fail(error);
    }
  }

  /** Until nobody waits; whoever comes a moment later starts it again. */
  async function run(): Promise<void> {
    running = true;
    try {
      await desk.recall();
      await loop();
    } catch (error) {
      for (const item of queue.splice(0)) item.fail(error);
    } finally {
      running = false;
    }
  }

  async function loop(): Promise<void> {
    while (queue.length > 0) {
      if (queue.length < ENTITIES_MAX) await pause(GATHER_MS);
      sift();
      const [first] = queue;
      if (first === undefined) break;
      if (areFew()) {
        await Promise.all(
          queue.splice(0).map((item) => guarded([item], async () => item.settle(await single(item, item.signal)))),
        );
        continue;
      }
      const ready = await desk.ready(first.signal);
      if (ready.kind === 'open') await loadNext(ready.session);
      else if (ready.kind === 'wait') await pause(Math.min(ready.ms, LOOK_AGAIN_MS));
      else for (const item of queue.splice(0)) item.settle({ outcome: ready.outcome, sharedFault: 'session' });
    }
  }

  /** What a session that is not over may still apply would undo a newer call: that one travels in the next session. */
  function areFew(): boolean {
    return (
      queue.length <= room.settings.singleEntityMax &&
      desk.current() === null &&
      queue.every(({ cargo }) => cargo.kind === 'upsert' && desk.mayHold(keyOf(cargo)) === null)
    );
  }

  async function loadNext(session: OpenSession): Promise<void> {
    sift();
    const load = cut(queue);
    if (load.length === 0) return;
    queue.splice(0, load.length);
    await guarded(load, () => send(session, load));
    if (session.loads >= LOADS_MAX) await desk.start(load[0]?.signal ?? new AbortController().signal);
  }

  async function send(session: OpenSession, load: readonly Item[]): Promise<void> {
    const back = (items: readonly Item[]): void => void queue.unshift(...items);
    const signal = load[0]?.signal as AbortSignal;
    if (session.loads >= LOADS_MAX) return back(load);
    const groups = groupsIn(load);
    if (groups.length > 0) {
      const made = await carry(session, 'groups', JSON.stringify({ profiles: groups }), load, signal);
      if (mayBeIn(made)) desk.loaded(session, []);
      if (!isTaken(made)) return failed(session, load, made);
    }
    const outcome = await carry(session, kindOf(load), bodyOf(load), load, signal);
    if (mayBeIn(outcome))
      desk.loaded(
        session,
        load.map(({ cargo }) => keyOf(cargo)),
      );
    if (!isTaken(outcome)) return failed(session, load, outcome);
    for (const item of load) {
      const profile = item.cargo.kind === 'upsert' ? item.cargo.entity.profile : {};
      item.settle({
        outcome: { ...outcome, class: 'accepted' },
        accepted: { ticket: ticketText(session.id, room.now(), profile), withinMs: room.settings.withinMs },
      });
    }
  }

  async function carry(
    session: OpenSession,
    kind: LoadKind,
    body: string,
    load: readonly Item[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const path = room.paths.load(session.id, kind);
    const shown = (item: Item): ShownRequest => ({ method: 'POST', path, body: bodyOf([item]), via: path });
    const { outcome } = await room.exchange(
      together(load, shown),
      false,
      signal,
    )({ kind: 'write', method: 'POST', path, body });
    for (const { journal, request } of journalsOf(load, shown)) journal.answer(request, outcome);
    return outcome;
  }

  async function failed(session: OpenSession, load: readonly Item[], outcome: Outcome): Promise<void> {
    if (outcome.code === 'not-sent') {
      for (const item of load) item.unsent += 1;
      queue.unshift(...load);
      return;
    }
    if (!isRefusal(outcome) || outcome.status === 403) {
      for (const item of load) item.settle({ outcome: ofOkta(outcome), sharedFault: `load of ${session.id}` });
      return;
    }
    // The session itself may be what is refused: expired, or not ours any more.
    const state = await desk.takes(session, load[0]?.signal as AbortSignal);
    if (state === 'no') {
      queue.unshift(...load);
      return;
    }
    if (state === 'unknown') {
      for (const item of load) item.settle({ outcome: { ...outcome, class: 'retry', countsAsAttempt: false } });
      return;
    }
    // One record that is refused costs the others nothing.
    if (load.length === 1) return load[0]?.settle({ outcome });
    const middle = Math.ceil(load.length / 2);
    await send(session, load.slice(0, middle));
    await send(session, load.slice(middle));
  }

  return {
    add: (passenger, signal) =>
      new Promise((settle, fail) => {
        queue.push({ ...passenger, signal, settle, fail, unsent: 0 });
        if (!running) void run();
        else if (queue.length >= ENTITIES_MAX) awake?.abort();
      }),
    isWaiting: () => queue.length > 0,
    reconsider: () => {
      if (queue.some((item) => !isWanted(item))) awake?.abort();
    },
  };
}

const isTaken = ({ class: kind }: Outcome): boolean => kind === 'accepted' || kind === 'done';

/** A load whose answer was lost counts, and whoever is in it may still be given access by it. */
const mayBeIn = (outcome: Outcome): boolean =>
  isTaken(outcome) || outcome.class === 'ambiguous' || (outcome.status ?? 0) >= 500;

const kindOf = (load: readonly Item[]): LoadKind => (load[0]?.cargo.kind === 'members' ? 'members' : 'upsert');

/** As many from the front as one call may hold, all of one kind. */
function cut(queue: readonly Item[]): readonly Item[] {
  const [first] = queue;
  if (first === undefined) return [];
  const load: Item[] = [];
  let bytes = 100;
  for (const item of queue) {
    if (item.cargo.kind !== first.cargo.kind || load.length >= ENTITIES_MAX) break;
    // A membership costs its group once more than it needs: the bound is an upper one.
    const size = Buffer.byteLength(bodyOf([item]), 'utf8');
    if (load.length > 0 && bytes + size > BYTES_MAX) break;
    bytes += size;
    load.push(item);
  }
  return load;
}

function bodyOf(load: readonly Item[]): string {
  const profiles = load.flatMap(({ cargo }) => (cargo.kind === 'upsert' ? [cargo.entity] : []));
  if (profiles.length > 0) return JSON.stringify({ entityType: 'USERS', profiles });
  const byGroup = new Map<string, string[]>();
  for (const { cargo } of load) {
    if (cargo.kind !== 'members') continue;
    byGroup.set(cargo.group, [...(byGroup.get(cargo.group) ?? []), cargo.member]);
  }
  return JSON.stringify({
    memberships: [...byGroup].map(([groupExternalId, memberExternalIds]) => ({ groupExternalId, memberExternalIds })),
  });
}

/** Groups that this load needs and that may be made. */
function groupsIn(load: readonly Item[]): readonly unknown[] {
  const named = new Map(
    load.flatMap(({ cargo }) =>
      cargo.kind === 'members' && cargo.named !== null ? [[cargo.group, cargo.named] as const] : [],
    ),
  );
  return [...named].map(([externalId, displayName]) => ({ externalId, profile: { displayName } }));
}

/** Memberships of one flight share a journal: what they ask together is told once. */
function journalsOf(load: readonly Item[], shown: (item: Item) => ShownRequest) {
  const journals = new Map<Journal, ShownRequest>();
  for (const item of load) if (!journals.has(item.journal)) journals.set(item.journal, shown(item));
  return [...journals].map(([journal, request]) => ({ journal, request }));
}

/** Every operation's own intent is durable before the load leaves; what one of them may no longer send none of them sends. */
function together(load: readonly Item[], shown: (item: Item) => ShownRequest): Journal {
  const journals = journalsOf(load, shown);
  const wanted = (): boolean => journals.every(({ journal }) => journal.wanted?.() ?? true);
  return {
    intent: async () => {
      await Promise.all(journals.map(({ journal, request }) => journal.intent(request)));
    },
    leaves: () => wanted() && journals.map(({ journal }) => journal.leaves?.() ?? true).every(Boolean),
    wanted,
    answer: () => {},
  };
}
