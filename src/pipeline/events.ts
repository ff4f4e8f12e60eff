// The inbox of webhooks: events that are durable already are carried out here, emergencies in a lane of their own, so that neither a
// snapshot that is read nor a source that hangs keeps them waiting. What is done twice ends where it ended once: after a crash an
// event that was not marked as done is looked at again.
import { DAY_MS, type Instant, msOf, plusMs, SECOND_MS } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';
import { shown } from '../mapping/cel-environment.ts';
import type { HookReading } from '../mapping/webhook-reader.ts';
import type { HookKind, HookSettings } from '../mapping/webhook-settings.ts';
import { backoffMs, WORK_BACKOFF } from '../runtime/backoff.ts';
import { nowOf } from '../runtime/clock.ts';
import { type EventEnd, StoreUnknown, type WaitingEvent } from '../store/store.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import { carryOut } from './carry-out.ts';
import { bodyOf } from './event-body.ts';
import type { House, LiveConnection } from './house.ts';
import { boundTo, type JudgedBeside, judgeBeside } from './judge-beside.ts';
import { recordDelivery } from './record-delivery.ts';

/** Events looked at in one go: so many hints are one question to the source. */
const TOGETHER = 100;
/** Nobody rings for an event whose time has come by a clock that was set; it is looked for this often. */
const LOOK_AT_LEAST_MS = 60_000;
/** What a guard holds is tried again this soon: its hour passes, or a person approves. */
const HELD_AGAIN_MS = 15 * SECOND_MS;
/** A worker nobody knows may stand in the snapshot that is being read. */
const UNKNOWN_AGAIN_MS = 2 * SECOND_MS;
const OVERTAKEN_AGAIN_MS = SECOND_MS;
/** An event that could not be carried out in this time is given up, visibly; as long as ended ones are remembered. */
const GIVEN_UP_MS = 7 * DAY_MS;
/** An emergency that happened longer ago than any sender repeats itself is an old request sent again. */
const EMERGENCY_AGE_MAX_MS = 3 * DAY_MS;

type Read = Extract<HookReading, { kind: 'read' }>;

const HELD = 'emergency.held';
const LOST = 'webhook.not-carried-out';

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
  else {
    const look = kind === 'record' ? record : emergency;
    for (const event of events) await contained(house, live, [event], signal, () => look(house, live, event, signal));
  }
  return events.length;
}

/** One event that meets a bug of ours must neither stop the house nor the events behind it: it waits, where people see it. */
async function contained(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    // A house that stops leaves its events where they are; a store in doubt is never asked again.
    if (signal.aborted) return;
    if (error instanceof StoreUnknown) throw error;
    const { name } = live.connection;
    const { stack = '' } = error instanceof Error ? error : {};
    house.log.error({ connection: name, event: events[0]?.id ?? 0, stack }, 'webhook event met a bug');
    await house.store.endEvents(
      events.map((event) => again(house, event, 'an internal error: see the log', backedOff(house, event))),
    );
  }
}

// ── how it ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

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
    if (event.kind !== 'emergency') continue;
    const message = `an emergency by webhook ${event.hook} was NOT carried out: ${reason}`;
    const hint = 'look whether somebody has to leave: rollcall leave ID';
    await raiseAlarm(house, name, { code: LOST, subject: `${event.hook} ${id}`, message, hint });
  }
  await house.store.endEvents(ends);
}

// ── records ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function record(house: House, live: LiveConnection, event: WaitingEvent, signal: AbortSignal): Promise<void> {
  const reading = readingOf(live, event);
  if (reading.kind === 'ignored') return end(house, live, [event], [done(event, 'not one of the events that count')]);
  if (reading.kind === 'refused') return end(house, live, [event], [rejected(event, reading.reason)]);
  await end(house, live, [event], [await judgedRecords(house, live, event, reading, signal)]);
}

async function judgedRecords(
  house: House,
  live: LiveConnection,
  event: WaitingEvent,
  { records, at }: Read,
  signal: AbortSignal,
): Promise<EventEnd> {
  // Nothing is newer than the moment it was told.
  const asOf: Instant = at === null || at > event.receivedAt ? event.receivedAt : at;
  const faults: string[] = [];
  const waiting: string[] = [];
  const unmet = new Set<string>();
  for (const one of records) {
    const misfit = misfitOf(live, one);
    if (misfit !== null) {
      faults.push(misfit);
      // What a record cannot say the source may.
      live.wake.ring();
      continue;
    }
    try {
      const judged = await live.beside.take(() =>
        judgeBeside(house, live, recordDelivery(event.hook, one, asOf), { actor: actorOf(event), signal }),
      );
      faults.push(...judged.rejections.map(({ reason }) => reason));
      waiting.push(...judged.waiting);
      for (const target of judged.unmet) unmet.add(target);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return again(house, event, sentences(error), backedOff(house, event));
    }
  }
  if (faults.length > 0) return rejected(event, faults.join('; '));
  if (unmet.size > 0)
    return again(house, event, `target ${[...unmet].join(', ')} could not be listed yet`, backedOff(house, event));
  return done(event, waiting.length === 0 ? 'judged' : `judged; held or waiting: ${[...new Set(waiting)].join(', ')}`);
}

/** Why the record does not fit the mapping: it lacks a column. Null where it does. */
function misfitOf(live: LiveConnection, record: RawRecord): string | null {
  try {
    boundTo(live, Object.keys(record));
    return null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return sentences(error);
  }
}


