// What somebody has to know, one message for each cause and never one for each worker: raised once, said again daily, and resolved.
import { apartMs, HOUR_MS, type Instant, MINUTE_MS } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Severity } from '../mapping/alert-settings.ts';
import { nowOf } from '../runtime/clock.ts';
import { readClockDoubt } from './clock-watch.ts';
import { DISK_FULL } from './disk-watch.ts';
import { readDispatchStates } from './dispatch-state.ts';
import { groupFailures, readFailures } from './failures.ts';
import type { House } from './house.ts';
import { isAhead, isInTime, UNCONFIRMED_AFTER_MS } from './leaver-watch.ts';
import { readStops } from './stop-writes.ts';

/** Holds that somebody is about to release, and targets that blink, are nobody's message. */
const HELD_AFTER_MS = 30 * MINUTE_MS;
const DOWN_AFTER_MS = 10 * MINUTE_MS;
/** Three checkpoints that were due. */
const UNPROVEN_AFTER_MS = 15 * MINUTE_MS;
const STOPPED_AFTER_MS = 4 * HOUR_MS;
const LEAVERS_MAX = 1_000;
/** Causes in one look; what is beyond follows once some are over. */
const CAUSES_MAX = 200;

export interface Alert {
  /** The same as long as it is the same cause. */
  readonly key: string;
  readonly severity: Severity;
  /** One line; worker keys and names of connections and targets are all it names. */
  readonly title: string;
  readonly lines: readonly string[];
  /** What to type first. */
  readonly command: string;
}

/** Alarms that wake somebody. */
const PAGING = ['account.', 'emergency.', 'target.stalled', DISK_FULL] as const;

/** Everything that is wrong now, most urgent first. */
export async function alertsNow(house: House): Promise<readonly Alert[]> {
  const { store } = house;
  const now = nowOf(house.clock);
  const age = (then: Instant): number => apartMs(now, then);
  const [leavers, failures, holds, alarms, states, stops, doubt] = await Promise.all([
    store.unconfirmedLeavers(LEAVERS_MAX),
    readFailures(store, {}, now),
    store.holds(null, 1),
    store.alarms(null),
    readDispatchStates(store),
    readStops(store),
    readClockDoubt(store),
  ]);
  const alerts: Alert[] = [];
  const late = leavers.filter((one) => age(one.createdAt) >= UNCONFIRMED_AFTER_MS && !isInTime(one, now));
  for (const [target, ours] of Map.groupBy(late, (one) => one.target)) {
    const known = ours.filter(({ createdAt }) => !isAhead(createdAt, now));
    const oldest = Math.floor(Math.max(...known.map(({ createdAt }) => age(createdAt))) / MINUTE_MS);
    alerts.push({
      key: `leavers:${target}`,
      severity: 'page',
      title: `${ours.length} leaver(s) still have access at ${target}`,
      lines: [
        ...(known.length > 0 ? [`the oldest for ${oldest} minutes`] : []),
        ...(known.length < ours.length ? ['since before the clock was set back'] : []),
        `for example worker ${ours[0]?.workerKey} of ${ours[0]?.connection}`,
      ],
      command: 'rollcall failed',
    });
  }
  for (const group of groupFailures(failures.filter(({ skip, leaver }) => skip === null && !leaver))) {
    const { cause, connection, workers, sample } = group;
    alerts.push({
      key: `failed:${connection}:${cause.id}`,
      severity: 'ticket',
      title: `${workers} worker(s) of ${connection} failed at ${cause.target}: ${[cause.status, cause.code].filter((one) => one !== null).join(' ')}`,
      lines: [
        // A target may name people in its words, and messages leave the house.
        ...(cause.words === '' ? [] : [`the target’s own words: rollcall failed --cause ${cause.id}`]),
        `for example worker ${sample.operation.workerKey}`,
      ],
      command: `rollcall replay --cause ${cause.id} --connection ${connection} --preview`,
    });
  }
  for (const hold of holds) {
    if (hold.discardedBy !== null || age(hold.openedAt) < HELD_AFTER_MS) continue;
    alerts.push({
      key: `hold:${hold.connection}:${hold.kind}`,
      severity: hold.kind === 'feed' || hold.kind === 'explicitLeaver' ? 'page' : 'ticket',
      title: `${hold.itemCount} item(s) of ${hold.connection} are held: ${hold.kind}`,
      lines: [hold.reason],
      command: `rollcall holds ${hold.digest.slice(0, 12)}`,
    });
  }
  for (const [name, same] of Map.groupBy(alarms, ({ connection, code }) => `${connection}:${code}`)) {
    const [first] = same;
    if (first === undefined) continue;
    alerts.push({
      key: `alarm:${name}`,
      severity: PAGING.some((word) => first.code.startsWith(word)) ? 'page' : 'ticket',
      title: same.length === 1 ? first.message : `${same.length} × ${first.code} of ${first.connection}`,
      lines: [
        ...(same.length === 1 ? [] : [`the oldest: ${first.message}`]),
        ...(first.hint === null ? [] : [first.hint]),
      ],
      command: 'rollcall status',
    });
  }
  for (const [target, { state, since, why }] of Object.entries(states)) {
    if ((state !== 'open' && state !== 'halfOpen') || age(since) < DOWN_AFTER_MS) continue;
    alerts.push({
      key: `down:${target}`,
      severity: 'page',
      title: `${target} cannot be used`,
      lines: [`since ${since}: ${why}`],
      command: 'rollcall status',
    });
  }
  for (const [target, stop] of Object.entries(stops)) {
    if (age(stop.at as Instant) < STOPPED_AFTER_MS) continue;
    alerts.push({
      key: `stopped:${target}`,
      severity: 'ticket',
      title: `writes to ${target === '*' ? 'every target' : target} are stopped`,
      lines: [`by ${stop.by} since ${stop.at}: ${stop.reason}`],
      command: 'rollcall resume-writes --reason "…"',
    });
  }
  if (doubt !== null) {
    alerts.push({
      key: 'clock',
      severity: 'page',
      title: 'the clock is in doubt: what is due by date waits',
      lines: [`last seen ${doubt.lastSeen}`],
      command: 'rollcall approve clock --reason "…"',
    });
  }
  const due = house.proof?.since ?? null;
  const said = house.proof?.saidAt ?? due;
  if (due !== null && said !== null && age(said) >= UNPROVEN_AFTER_MS) {
    alerts.push({
      key: 'proof',
      severity: 'ticket',
      title: 'checkpoints of the audit are not written',
      lines: [`the last one at ${said}; look at the folder of ROLLCALL_PROOF: is it full, or read-only?`],
      command: 'rollcall audit verify',
    });
  }
  return alerts.sort((a, b) => Number(b.severity === 'page') - Number(a.severity === 'page')).slice(0, CAUSES_MAX);
}

// ── what is to be said ──────────────────────────────────────────────────────────────────────────────────────────────

/** By key: when it was said last, and the title that was said. */
export type Said = Readonly<
  Record<string, { readonly at: Instant; readonly title: string; readonly severity: Severity }>
>;

export interface Message {
  readonly event: 'raised' | 'again' | 'resolved';
  readonly alert: Alert;
}

/** Pure: what is new, what is due to be said again, and what is over. */
export function messagesFor(
  alerts: readonly Alert[],
  said: Said,
  now: Instant,
  rules: { readonly severity: Severity; readonly repeatAfterHours: number },
): readonly Message[] {
  const messages: Message[] = [];
  const wanted = alerts.filter(({ severity }) => rules.severity === 'ticket' || severity === 'page');
  for (const alert of wanted) {
    const before = said[alert.key];
    if (before === undefined) messages.push({ event: 'raised', alert });
    else if (apartMs(now, before.at) >= rules.repeatAfterHours * HOUR_MS) messages.push({ event: 'again', alert });
  }
  const present = new Set(wanted.map(({ key }) => key));
  for (const [key, { title, severity }] of Object.entries(said))
    if (!present.has(key))
      messages.push({ event: 'resolved', alert: { key, severity, title, lines: [], command: '' } });
  return messages;
}

export function saidAfter(said: Said, { event, alert }: Message, now: Instant): Said {
  const { [alert.key]: _, ...rest } = said;
  return event === 'resolved'
    ? rest
    : { ...rest, [alert.key]: { at: now, title: alert.title, severity: alert.severity } };
}

export const messageJson = ({ event, alert }: Message, now: Instant): JsonObject => ({
  event,
  at: now,
  key: alert.key,
  severity: alert.severity,
  title: alert.title,
  lines: [...alert.lines],
  command: alert.command,
});

export const messageText = ({ alert }: Message): string =>
  [alert.title, '', ...alert.lines, ...(alert.command === '' ? [] : ['', `look: ${alert.command}`])].join('\n');
