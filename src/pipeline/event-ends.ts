// What an event says and how it may end: done, rejected where people see it, or not yet.
import { DAY_MS, msOf, plusMs, SECOND_MS } from '../base/instant.ts';
import type { Problem } from '../base/problem.ts';
import type { HookReading } from '../mapping/webhook-reader.ts';
import type { HookSettings } from '../mapping/webhook-settings.ts';
import { backoffMs, WAIT_MAX_MS, WORK_BACKOFF } from '../runtime/backoff.ts';
import { nowOf } from '../runtime/clock.ts';
import type { EventEnd, WaitingEvent } from '../store/store.ts';
import { bodyOf } from './event-body.ts';
import type { House, LiveConnection } from './house.ts';

/** An event that could not be carried out in this time is given up, visibly; as long as ended ones are remembered. */
const GIVEN_UP_MS = 7 * DAY_MS;
export const NOT_COUNTED = 'not one of the events that count';

export const actorOf = ({ hook }: WaitingEvent): string => `webhook:${hook}`;

export function readingOf(live: LiveConnection, event: WaitingEvent): HookReading {
  const hook: HookSettings | undefined = live.connection.webhooks.find(({ path }) => path === event.hook);
  if (hook === undefined || hook.kind !== event.kind)
    return { kind: 'refused', reason: 'the connection file has no such webhook any more' };
  const body = bodyOf(event);
  return body === null
    ? { kind: 'refused', reason: `the body is no ${event.form === 'json' ? 'JSON' : 'form'}` }
    : hook.reader.read(body);
}

export const done = ({ id }: WaitingEvent, reason: string): EventEnd => ({ id, state: 'done', reason });
export const rejected = ({ id }: WaitingEvent, reason: string): EventEnd => ({ id, state: 'rejected', reason });

/** Not yet: again after a while, until it is given up. */
export function again(house: House, event: WaitingEvent, reason: string, afterMs: number): EventEnd {
  const now = nowOf(house.clock);
  if (msOf(now) - msOf(event.receivedAt) > GIVEN_UP_MS) return rejected(event, `given up after 7 days: ${reason}`);
  return { id: event.id, state: 'waiting', reason, notBefore: plusMs(now, Math.min(afterMs, WAIT_MAX_MS.ordinary)) };
}

export const backedOff = (house: House, { tries }: WaitingEvent): number =>
  backoffMs(tries + 1, WORK_BACKOFF, house.random()) + SECOND_MS;

export const sentences = ({ faults }: Problem): string => faults.map(({ message }) => message).join('; ');

/** The worker behind an id as HR writes it: that of an employment, else a worker's own key. */
export async function workerKeyOf(house: House, { connection }: LiveConnection, id: string): Promise<string | null> {
  // A sender may still use the key that HR gave up.
  const today = (await house.store.formerKeys(connection.name)).get(id) ?? id;
  const owner = (await house.store.workerKeysOf(connection.name, [today])).get(today);
  if (owner !== undefined) return owner;
  return (await house.store.situations(connection.name, [today])).has(today) ? today : null;
}
