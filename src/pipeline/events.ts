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
import type { EventEnd, WaitingEvent } from '../store/store.ts';
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

/** What was not carried out has been said for a day; the audit and the counts of `status` keep it. */
async function forgetLost(house: House, { connection: { name } }: LiveConnection): Promise<void> {
  const since = plusMs(nowOf(house.clock), -DAY_MS);
  const old = (await house.store.alarms(name)).filter(({ code, raisedAt }) => code === LOST && raisedAt < since);
  for (const { subject } of old) await clearAlarm(house, name, LOST, subject);
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
  try {
    if (kind === 'hint') await hints(house, live, events, signal);
    else for (const event of events) await (kind === 'record' ? record : emergency)(house, live, event, signal);
  } catch (error) {
    // A house that stops leaves its events where they are.
    if (!signal.aborted) throw error;
  }
  return events.length;
}

// ── what an event says ──────────────────────────────────────────────────────────────────────────────────────────────

const actorOf = ({ hook }: WaitingEvent): string => `webhook:${hook}`;

function readingOf(live: LiveConnection, event: WaitingEvent): HookReading {
  const hook: HookSettings | undefined = live.connection.webhooks.find(({ path }) => path === event.hook);
  if (hook === undefined || hook.kind !== event.kind)
    return { kind: 'refused', reason: 'the connection file has no such webhook any more' };
  const body = bodyOf(event);
  return body === null
    ? { kind: 'refused', reason: `the body is no ${event.form === 'json' ? 'JSON' : 'form'}` }
    : hook.reader.read(body);
}

// ── how it ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

const done = ({ id }: WaitingEvent, reason: string): EventEnd => ({ id, state: 'done', reason });
const rejected = ({ id }: WaitingEvent, reason: string): EventEnd => ({ id, state: 'rejected', reason });

/** Not yet: again after a while, until it is given up. */
function again(house: House, event: WaitingEvent, reason: string, afterMs: number): EventEnd {
  const now = nowOf(house.clock);
  if (msOf(now) - msOf(event.receivedAt) > GIVEN_UP_MS) return rejected(event, `given up after 7 days: ${reason}`);
  return { id: event.id, state: 'waiting', reason, notBefore: plusMs(now, afterMs) };
}

const backedOff = (house: House, { tries }: WaitingEvent): number =>
  backoffMs(tries + 1, WORK_BACKOFF, house.random()) + SECOND_MS;

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

// ── emergencies ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function emergency(house: House, live: LiveConnection, event: WaitingEvent): Promise<void> {
  const reading = readingOf(live, event);
  if (reading.kind === 'ignored') return end(house, live, [event], [done(event, 'not one of the events that count')]);
  if (reading.kind === 'refused') return end(house, live, [event], [rejected(event, reading.reason)]);
  const { at, workers } = reading;
  if (at !== null && msOf(event.receivedAt) - msOf(at) > EMERGENCY_AGE_MAX_MS)
    return end(house, live, [event], [rejected(event, 'it happened more than 3 days before it came')]);
  const ends: EventEnd[] = [];
  for (const id of workers) ends.push(await ordered(house, live, event, id));
  // Of several workers the one that has to wait decides: those who left already are asked about once more.
  const worst =
    ends.find(({ state }) => state === 'waiting') ?? ends.find(({ state }) => state === 'rejected') ?? ends[0];
  await end(house, live, [event], worst === undefined ? [] : [worst]);
}

async function ordered(house: House, live: LiveConnection, event: WaitingEvent, id: string): Promise<EventEnd> {
  const { name } = live.connection;
  const key = await workerKeyOf(house, live, id);
  if (key === null) {
    const reason = `nobody is known by the id ${shown(id)}`;
    return live.turn.busy ? again(house, event, reason, UNKNOWN_AGAIN_MS) : rejected(event, reason);
  }
  if (await leftByOrder(house, live, key)) return done(event, `worker ${key} is under an emergency leave already`);
  const result = await carryOut(house, live, key, actorOf(event), (seen) => ({
    type: 'emergencyLeaveOrdered',
    by: 'webhook',
    ...seen,
  }));
  if (result.kind === 'refused') return rejected(event, `worker ${key}: ${result.reason}`);
  if (result.kind === 'overtaken') return again(house, event, `worker ${key} keeps changing`, OVERTAKEN_AGAIN_MS);
  if (result.kind === 'held') {
    const message = `an emergency leave of worker ${key} by webhook ${event.hook} is held: too many in an hour`;
    const hint = 'rollcall holds shows it; approve it, or rollcall leave ends access at once';
    await raiseAlarm(house, name, { code: HELD, subject: key, message, hint, worker: key });
    return again(house, event, `worker ${key} is held by a guard`, HELD_AGAIN_MS);
  }
  await clearAlarm(house, name, HELD, key);
  house.log.info({ connection: name, hook: event.hook, event: event.id, worker: key }, 'emergency leave by webhook');
  return done(event, `worker ${key}: ${result.from} → ${result.to}`);
}

/** The worker behind an id as HR writes it: that of an employment, else a worker's own key. */
async function workerKeyOf(house: House, { connection }: LiveConnection, id: string): Promise<string | null> {
  const owner = (await house.store.workerKeysOf(connection.name, [id])).get(id);
  if (owner !== undefined) return owner;
  return (await house.store.situations(connection.name, [id])).has(id) ? id : null;
}

async function leftByOrder(house: House, { connection }: LiveConnection, key: string): Promise<boolean> {
  const situation = (await house.store.situations(connection.name, [key])).get(key);
  return situation?.standing.facts.sticky === true;
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

const sentences = ({ faults }: Problem): string => faults.map(({ message }) => message).join('; ');

// ── hints ───────────────────────────────────────────────────────────────────────────────────────────────────────────

async function hints(
  house: House,
  live: LiveConnection,
  events: readonly WaitingEvent[],
  signal: AbortSignal,
): Promise<void> {
  const ends: EventEnd[] = [];
  const asking: { readonly event: WaitingEvent; readonly workers: readonly string[] }[] = [];
  for (const event of events) {
    const reading = readingOf(live, event);
    if (reading.kind === 'ignored') ends.push(done(event, 'not one of the events that count'));
    else if (reading.kind === 'refused') ends.push(rejected(event, reading.reason));
    else asking.push({ event, workers: reading.workers });
  }
  if (asking.length > 0) ends.push(...(await asked(house, live, asking, signal)));
  await end(house, live, events, ends);
}

async function asked(
  house: House,
  live: LiveConnection,
  asking: readonly { readonly event: WaitingEvent; readonly workers: readonly string[] }[],
  signal: AbortSignal,
): Promise<readonly EventEnd[]> {
  const { about } = live.source;
  if (about === undefined) {
    // The first look of a house that starts makes up for a ring that a crash has swallowed.
    live.wake.ring();
    return asking.map(({ event }) => done(event, 'the source is looked at now'));
  }
  const ids = [...new Set(asking.flatMap(({ workers }) => workers))];
  try {
    const look = await about(ids, nowOf(house.clock), signal);
    if (look.kind === 'notYet')
      return asking.map(({ event }) => again(house, event, look.reason, Math.max(SECOND_MS, look.retryAfterMs)));
    if (look.kind === 'nothing') return await Promise.all(asking.map((one) => told(house, live, one, null)));
    await using delivery = look.delivery;
    const judged = await live.beside.take(() => judgeBeside(house, live, delivery, { actor: 'webhook', signal }));
    return await Promise.all(asking.map((one) => told(house, live, one, judged)));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const reason = sentences(error);
    return asking.map(({ event }) => again(house, event, reason, backedOff(house, event)));
  }
}

/** What became of one hint: `judged` null where the source says nothing of anybody who was asked about. */
async function told(
  house: House,
  live: LiveConnection,
  { event, workers }: { readonly event: WaitingEvent; readonly workers: readonly string[] },
  judged: JudgedBeside | null,
): Promise<EventEnd> {
  const faults = (judged?.rejections ?? []).filter(({ key }) => key !== null && workers.includes(key));
  if (faults.length > 0) return rejected(event, faults.map(({ reason }) => reason).join('; '));
  if ((judged?.unmet.length ?? 0) > 0)
    return again(house, event, `target ${judged?.unmet.join(', ')} could not be listed yet`, backedOff(house, event));
  const strangers: string[] = [];
  for (const id of workers) {
    if (judged?.parsed(id) === true || judged?.workers.includes(id) === true) continue;
    if ((await workerKeyOf(house, live, id)) === null) strangers.push(id);
  }
  if (strangers.length > 0)
    return rejected(event, `nobody is known by the id ${strangers.map(shown).join(', ')}, at the source neither`);
  return done(event, 'the source was asked');
}
