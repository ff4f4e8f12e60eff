// The one place where alarms are raised, said again and cleared. An alarm is what a person should look at although nothing failed:
// a feed that stands still, credentials that run out, an account that is active again. Each cause is said once when it appears,
// daily while it stays, and once more when it is over; `status` shows what is open.
import { DAY_MS, msOf } from '../base/instant.ts';
import type { AlarmChange, EntryDraft } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { RaisedAlarm } from '../store/store.ts';
import type { House } from './house.ts';

/** An alarm that stands is said again after this long. */
const AGAIN_AFTER_MS = DAY_MS;
/** Alarms in one commit. */
const BATCH = 200;

/** What was found to be wrong at this look. */
export interface Alarm {
  /** Fixed words for machines: `feed.stale`, `credentials.expiring` … */
  readonly code: string;
  /** What it is about; at most one alarm of this code is open for it. */
  readonly subject: string;
  /** One sentence; of persons it names worker keys only. */
  readonly message: string;
  readonly hint?: string;
  readonly worker?: string;
}

/**
 * Brings the open alarms of these codes in line with what was found: raises what is new, says again what is a day old, clears
 * what is not found any more. Whoever calls it has looked at everything that these codes are about.
 */
export async function settleAlarms(
  house: House,
  connection: string,
  codes: ReadonlySet<string>,
  found: readonly Alarm[],
): Promise<void> {
  const open = (await house.store.alarms(connection)).filter(({ code }) => codes.has(code));
  const stands = new Map(open.map((alarm) => [nameOf(alarm), alarm]));
  const wanted = new Map(found.map((alarm) => [nameOf(alarm), alarm]));
  for (const alarm of wanted.values()) await sayWhereDue(house, connection, alarm, stands.get(nameOf(alarm)));
  const over = open.filter((alarm) => !wanted.has(nameOf(alarm)));
  for (let from = 0; from < over.length; from += BATCH) {
    await clear(house, connection, over.slice(from, from + BATCH));
  }
}

/** Raises one alarm, or says it again where that is due. */
export async function raiseAlarm(house: House, connection: string, alarm: Alarm): Promise<void> {
  const open = await house.store.alarms(connection);
  await sayWhereDue(
    house,
    connection,
    alarm,
    open.find((one) => nameOf(one) === nameOf(alarm)),
  );
}

/** Clears one alarm; nothing happens where it is not open. */
export async function clearAlarm(house: House, connection: string, code: string, subject: string): Promise<void> {
  const open = (await house.store.alarms(connection)).filter((one) => one.code === code && one.subject === subject);
  if (open.length > 0) await clear(house, connection, open);
}

const nameOf = ({ code, subject }: Pick<Alarm, 'code' | 'subject'>): string => `${code}\n${subject}`;

async function sayWhereDue(
  house: House,
  connection: string,
  alarm: Alarm,
  open: RaisedAlarm | undefined,
): Promise<void> {
  const at = nowOf(house.clock);
  const since = open === undefined ? 0 : msOf(at) - msOf(open.saidAt);
  // A clock that was set back must not keep it silent.
  if (open !== undefined && since >= 0 && since < AGAIN_AFTER_MS) return;
  await house.store.commit({
    connection,
    at,
    alarms: [{ set: 'raised', ...alarm }],
    // That it still stands is no news for the audit.
    entries: open === undefined ? [entry(connection, 'raised', alarm)] : [],
  });
  const { code, subject, message, hint, worker } = alarm;
  const days = open === undefined ? 0 : Math.floor((msOf(at) - msOf(open.raisedAt)) / DAY_MS);
  house.log.error(
    {
      code,
      connection,
      subject,
      message,
      days,
      ...(hint === undefined ? {} : { hint }),
      ...(worker === undefined ? {} : { worker }),
    },
    open === undefined ? 'alarm' : 'alarm still stands',
  );
}

async function clear(house: House, connection: string, over: readonly RaisedAlarm[]): Promise<void> {
  const at = nowOf(house.clock);
  const alarms = over.map(({ code, subject }): AlarmChange => ({ set: 'cleared', code, subject }));
  await house.store.commit({
    connection,
    at,
    alarms,
    entries: over.map((alarm) => entry(connection, 'cleared', alarm)),
  });
  for (const { code, subject } of over) house.log.info({ code, connection, subject }, 'alarm is over');
}

const entry = (
  connection: string,
  alarm: 'raised' | 'cleared',
  {
    code,
    subject,
    message,
    worker,
  }: Pick<RaisedAlarm, 'code' | 'subject' | 'message'> & {
    readonly worker?: string | null;
  },
): EntryDraft => ({
  kind: 'alarm',
  connection,
  workerKey: worker ?? null,
  actor: 'daemon',
  body: { alarm, code, subject, message },
});
