// Emergencies by webhook: the same act as an operator's `leave`, but counted against the hour, because whoever has the secret may
// send them.
import { DAY_MS, msOf, plusMs, SECOND_MS } from '../base/instant.ts';
import { shown } from '../mapping/cel-environment.ts';
import { nowOf } from '../runtime/clock.ts';
import type { EventEnd, WaitingEvent } from '../store/store.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import { carryOut } from './carry-out.ts';
import { asideBy } from './emergencies-aside.ts';
import { actorOf, again, done, NOT_COUNTED, readingOf, rejected, workerKeyOf } from './event-ends.ts';
import type { House, LiveConnection } from './house.ts';

/** What a guard holds is tried again this soon: its hour passes, or a person approves. */
const HELD_AGAIN_MS = 15 * SECOND_MS;
/** A worker nobody knows may stand in the snapshot that is being read. */
const UNKNOWN_AGAIN_MS = 2 * SECOND_MS;
const OVERTAKEN_AGAIN_MS = SECOND_MS;
/** An emergency that happened longer ago than any sender repeats itself is an old request sent again. */
const AGE_MAX_MS = 3 * DAY_MS;

const HELD = 'emergency.held';
const LOST = 'webhook.not-carried-out';

/** Ends the access of everybody whom the event names. */
export async function emergency(house: House, live: LiveConnection, event: WaitingEvent): Promise<EventEnd> {
  const reading = readingOf(live, event);
  if (reading.kind === 'ignored') return done(event, NOT_COUNTED);
  if (reading.kind === 'refused') return rejected(event, reading.reason);
  const { at, workers } = reading;
  if (at !== null && msOf(event.receivedAt) - msOf(at) > AGE_MAX_MS)
    return rejected(event, 'it happened more than 3 days before it came');
  const ends: EventEnd[] = [];
  for (const id of workers) ends.push(await ordered(house, live, event, id));
  // Of several workers the one that has to wait decides: those who left already are asked about once more.
  const worst =
    ends.find(({ state }) => state === 'waiting') ?? ends.find(({ state }) => state === 'rejected') ?? ends[0];
  return worst ?? rejected(event, 'the body names no worker');
}

async function ordered(house: House, live: LiveConnection, event: WaitingEvent, id: string): Promise<EventEnd> {
  const { name } = live.connection;
  const key = await workerKeyOf(house, live, id);
  if (key === null) {
    const reason = `nobody is known by the id ${shown(id)}`;
    return live.turn.busy ? again(house, event, reason, UNKNOWN_AGAIN_MS) : rejected(event, reason);
  }
  const by = await asideBy(house.store, name, key, event.receivedAt);
  if (by !== null) {
    await clearAlarm(house, name, HELD, key);
    return done(event, `the emergency leave of worker ${key} was set aside by ${by}`);
  }
  if (await leftByOrder(house, live, key)) {
    // By another order, while this one was held.
    await clearAlarm(house, name, HELD, key);
    return done(event, `worker ${key} is under an emergency leave already`);
  }
  const result = await carryOut(house, live, key, actorOf(event), (seen) => ({
    type: 'emergencyLeaveOrdered',
    by: 'webhook',
    ...seen,
  }));
  if (result.kind === 'refused') return rejected(event, `worker ${key}: ${result.reason}`);
  if (result.kind === 'overtaken') return again(house, event, `worker ${key} keeps changing`, OVERTAKEN_AGAIN_MS);
  if (result.kind === 'held') {
    const message = `an emergency leave of worker ${key} by webhook ${event.hook} is held: too many in an hour`;
    const hint = `if it is meant: rollcall leave ${key} --reason "…", or rollcall holds; if nobody sent it, the secret of the webhook is known to somebody: put a new one first in verify.secrets, take the old one out. Whom it reached: rollcall audit tail --kind decision. Access back: rollcall lift ID --reason "…"`;
    await raiseAlarm(house, name, { code: HELD, subject: key, message, hint, worker: key });
    return again(house, event, `worker ${key} is held by a guard`, HELD_AGAIN_MS);
  }
  await clearAlarm(house, name, HELD, key);
  house.log.info({ connection: name, hook: event.hook, event: event.id, worker: key }, 'emergency leave by webhook');
  return done(event, `worker ${key}: ${result.from} → ${result.to}`);
}

async function leftByOrder(house: House, { connection }: LiveConnection, key: string): Promise<boolean> {
  const situation = (await house.store.situations(connection.name, [key])).get(key);
  return situation?.standing.facts.sticky === true;
}

/** What was not carried out has been said for a day; the audit and the counts of `status` keep it. */
export async function forgetLost(house: House, { connection: { name } }: LiveConnection): Promise<void> {
  const since = plusMs(nowOf(house.clock), -DAY_MS);
  const old = (await house.store.alarms(name)).filter(({ code, raisedAt }) => code === LOST && raisedAt < since);
  for (const { subject } of old) await clearAlarm(house, name, LOST, subject);
}

/** An emergency that ends nobody's access is an alarm: somebody may still have to leave. */
export async function sayLost(
  house: House,
  { connection }: LiveConnection,
  { hook, id }: WaitingEvent,
  reason: string,
): Promise<void> {
  const message = `an emergency by webhook ${hook} was NOT carried out: ${reason}`;
  const hint = 'look whether somebody has to leave: rollcall leave ID --reason "…"';
  await raiseAlarm(house, connection.name, { code: LOST, subject: `${hook} ${id}`, message, hint });
}
