// Alarms for what nobody would notice otherwise: a feed that stands still while everything looks well, credentials that run out, and
// a connection file whose edit does not count yet.
// Looked at after every cycle, and by the daemon in between: a feed that does not come makes no cycle worth its name.
import { basename } from 'node:path';
import { DAY_MS, HOUR_MS, type Instant, instantOfMs, msOf } from '../base/instant.ts';
import type { AlarmSettings } from '../mapping/alarm-settings.ts';
import { SILENCE_WORKERS_MIN } from '../mapping/alarm-settings.ts';
import { type Alarm, settleAlarms } from './alarms.ts';
import { readDelivered, readFeedSince, readHired } from './feed-age.ts';
import type { CredentialEnd, House, LiveConnection } from './house.ts';
import { tellOverlooked } from './overlooked-deltas.ts';
import { forgetOvertaken } from './overtaken-leaves.ts';

export const NO_DELIVERY = 'feed.no-delivery';
export const NO_CHANGE = 'feed.no-change';
export const NO_HIRES = 'feed.no-hires';
export const DATE_OFF = 'feed.date-off';
export const CREDENTIALS_END = 'credentials.end';
export const EDITED = 'feed.connection-edited';

const CODES: ReadonlySet<string> = new Set([NO_DELIVERY, NO_CHANGE, NO_HIRES, DATE_OFF, CREDENTIALS_END, EDITED]);
const LOOK_EVERY_MS = HOUR_MS / 4;
const SUBJECT = 'source';

/** Until the signal aborts: every connection, every quarter of an hour. */
export async function watchFeeds(house: House, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const live of house.connections.values()) await watchFeed(house, live);
    await house.clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** One look at one connection: raises, says again and clears. */
export async function watchFeed(house: House, live: LiveConnection): Promise<void> {
  const { name, alarms } = live.connection;
  const nowMs = house.clock.nowMs();
  const found = [
    ...(await feedAlarms(house, live, nowMs)),
    ...credentialAlarms(await live.credentialEnds(), alarms, nowMs),
    ...editAlarms(live),
  ];
  await settleAlarms(house, name, CODES, found);
  await forgetOvertaken(house, name);
  await tellOverlooked(house, live);
}

async function feedAlarms(house: House, { connection }: LiveConnection, nowMs: number): Promise<readonly Alarm[]> {
  const { store } = house;
  const { name, alarms } = connection;
  const delivered = await readDelivered(store, name);
  // Before the first delivery nobody knows how often one comes.
  if (delivered === null) return [];
  const found: Alarm[] = [];
  const { noDeliveryForMs, noChangeForMs, noHiresForMs, dateOffByMs } = alarms;
  const late = isOver(delivered.at, noDeliveryForMs, nowMs);
  if (late) {
    found.push({
      code: NO_DELIVERY,
      subject: SUBJECT,
      message: `no new delivery was accepted since ${minute(delivered.at)} (${delivered.name})`,
      hint: `look at the job that writes it; what is found now: rollcall validate --probe ${name}; alarms.noDeliveryFor says how long is normal`,
    });
  }
  const { active } = await store.population(name);
  const large = active >= SILENCE_WORKERS_MIN;
  const since = await readFeedSince(store, name);
  // Where nothing comes at all that has been said.
  if (!late && since !== null && (large || alarms.asked.has('noChangeFor')) && isOver(since, noChangeForMs, nowMs)) {
    found.push({
      code: NO_CHANGE,
      subject: SUBJECT,
      message: `deliveries come, but have said the very same since ${minute(since)}`,
      hint: 'the export may be reading a copy that is not brought up to date any more',
    });
  }
  const hired = await readHired(store, name);
  if (hired !== null && (large || alarms.asked.has('noHiresFor')) && isOver(hired, noHiresForMs, nowMs)) {
    found.push({
      code: NO_HIRES,
      subject: SUBJECT,
      message: `nobody has joined since ${minute(hired)}`,
      hint: 'look whether the feed still holds new workers; alarms.noHiresFor says how long is normal',
    });
  }
  const { asOf, writtenAt } = delivered;
  if (writtenAt !== null && dateOffByMs !== null && Math.abs(msOf(asOf) - msOf(writtenAt)) > dateOffByMs) {
    found.push({
      code: DATE_OFF,
      subject: SUBJECT,
      message: `${delivered.name} claims to be of ${minute(asOf)} but was written at ${minute(writtenAt)}`,
      hint: 'an old export may have been sent again under a new name, or a late one under an old name',
    });
  }
  return found;
}

function credentialAlarms(
  ends: readonly CredentialEnd[],
  { credentialsEndInMs }: AlarmSettings,
  nowMs: number,
): readonly Alarm[] {
  if (credentialsEndInMs === null) return [];
  return ends
    .filter(({ endsMs }) => endsMs - nowMs <= credentialsEndInMs)
    .map(({ subject, what, endsMs }) => ({
      code: CREDENTIALS_END,
      // A new one is another cause.
      subject: `${subject} ${dayOf(endsMs - 1)}`,
      message: `${what} (${subject}) ${endsMs <= nowMs ? 'ended' : 'ends'} on ${dayOf(endsMs - 1)}`,
      hint: 'replace it in time; where the file says `expires`, change that too',
    }));
}

/** A file counts from the start that reads it: until then nobody would see that their edit does nothing. */
function editAlarms({ connection: { name, file }, edited }: LiveConnection): readonly Alarm[] {
  const says = edited();
  if (says === null) return [];
  return [
    {
      code: EDITED,
      subject: 'connection file',
      message: `${basename(file)} ${says}, and the running process goes by what it read at its start`,
      hint: `restart it to have the file count; before that: rollcall validate, rollcall plan ${name}`,
    },
  ];
}

const isOver = (since: Instant, maxMs: number | null, nowMs: number): boolean =>
  maxMs !== null && Math.abs(nowMs - msOf(since)) > maxMs;
const minute = (at: Instant): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
/** The last day on which it is good is the one before the moment it ends. */
const dayOf = (ms: number): string => instantOfMs(ms).slice(0, 10);

/** A day that is stated without a time: it is over when the day is over everywhere. */
export const endOfDayMs = (day: string): number => msOf(`${day}T00:00:00.000Z` as Instant) + DAY_MS;
