// The inbox of webhooks: events that are durable already are carried out here, emergencies in a lane of their own, so that neither a
// snapshot that is read nor a source that hangs keeps them waiting. What is done twice ends where it ended once: after a crash an
// event that was not marked as done is looked at again.
import { msOf } from '../base/instant.ts';
import type { HookKind } from '../mapping/webhook-settings.ts';
import { nowOf } from '../runtime/clock.ts';
import { crashText } from '../runtime/crash-text.ts';
import { type EventEnd, StoreUnknown, type WaitingEvent } from '../store/store.ts';
import { emergency, forgetLost, sayLost } from './emergencies.ts';
import { actorOf, again, backedOff } from './event-ends.ts';
import { hints } from './hints.ts';
import type { House, LiveConnection } from './house.ts';
import { record } from './told-records.ts';
import { recordsTogether, toldBatches } from './told-together.ts';

/** Events looked at in one go. */
const TOGETHER = 100;
/** Nobody rings for an event whose time has come by a clock that was set; it is looked for this often. */
const LOOK_AT_LEAST_MS = 60_000;
export const EVENT_KINDS: readonly HookKind[] = ['emergency', 'record', 'hint'];

/** Carries out events of every kind as they come, until the signal aborts. */
export async function eventLoops(house: House, live: LiveConnection, signal: AbortSignal): Promise<void> {
  await Promise.all(EVENT_KINDS.map((kind) => lane(house, live, kind, signal)));
}

async function lane(house: House, live: LiveConnection, kind: HookKind, signal: AbortSignal): Promise<void> {
  const { clock, store } = house;
  while (!signal.aborted) {
    const known = live.arrived.rings;
    if (kind === 'emergency') await forgetLost(house, live);
    if ((await takeEvents(house, live, kind, signal)) > 0) continue;
    const next = await store.nextEvent(live.connection.name, kind);
    const wait = next === null ? LOOK_AT_LEAST_MS : Math.min(LOOK_AT_LEAST_MS, msOf(next) - clock.nowMs());
    await live.arrived.after(known, clock, Math.max(0, wait), signal);
  }
}

/** Looks once at the events of one kind whose time has come. Returns how many there were. */
export async function takeEvents(
  house: House,
  live: LiveConnection,
  kind: HookKind,
  signal: AbortSignal,
): Promise<number> {
  const events = await house.store.waitingEvents(live.connection.name, kind, nowOf(house.clock), TOGETHER);
  if (events.length === 0) return 0;
  if (kind === 'hint') await contained(house, live, events, signal, () => hints(house, live, events, signal));
  else if (kind === 'record') await takeRecords(house, live, events, signal);
  else await eachAlone(house, live, events, signal, emergency);
  return events.length;
}

async function takeRecords(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
  signal: AbortSignal,
): Promise<void> {
  for (const { events: some, told } of await toldBatches(house, live, events)) {
    const ends = told === null ? null : await recordsTogether(house, live, told, signal);
    if (ends !== null) await contained(house, live, some, signal, async () => ends);
    else await eachAlone(house, live, some, signal, record);
  }
}

async function eachAlone(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
  signal: AbortSignal,
  look: typeof record,
): Promise<void> {
  for (const event of events)
    await contained(house, live, [event], signal, async () => [await look(house, live, event, signal)]);
}

/** One event that meets a bug of ours must neither stop the house nor the events behind it: it waits, where people see it. */
async function contained(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
  signal: AbortSignal,
  work: () => Promise<readonly EventEnd[]>,
): Promise<void> {
  try {
    await end(house, live, events, await work());
  } catch (error) {
    // A house that stops leaves its events where they are; a store in doubt is never asked again.
    if (signal.aborted) return;
    if (error instanceof StoreUnknown) throw error;
    const { name } = live.connection;
    const stack = crashText(error);
    house.log.error({ connection: name, event: events[0]?.id ?? 0, stack }, 'webhook event met a bug');
    await house.store.endEvents(
      events.map((event) => again(house, event, 'an internal error: see the log', backedOff(house, event))),
    );
  }
}

/** Stores how events ended; what was rejected is written down, and said aloud where access may have been left open. */
async function end(house: House, live: LiveConnection, events: readonly WaitingEvent[], ends: readonly EventEnd[]) {
  const { name } = live.connection;
  const byId = new Map(events.map((event) => [event.id, event]));
  for (const { id, state, reason } of ends) {
    const event = byId.get(id);
    if (event === undefined || state !== 'rejected') continue;
    house.log.warn({ connection: name, hook: event.hook, event: id, kind: event.kind }, 'webhook event rejected');
    await house.store.commit({
      connection: name,
      at: nowOf(house.clock),
      entries: [
        {
          kind: 'webhook',
          connection: name,
          workerKey: null,
          actor: actorOf(event),
          body: { event: id, kind: event.kind, state, reason },
        },
      ],
    });
    if (event.kind === 'emergency') await sayLost(house, live, event, reason);
  }
  await house.store.endEvents(ends);
}
