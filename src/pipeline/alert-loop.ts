// Looks twice a minute at what is wrong and tells people through the channels they named; and calls the dead-man switch for as long
// as everything runs. What no channel took is said again at the next look.
import { MINUTE_MS } from '../base/instant.ts';
import type { AlertSettings } from '../mapping/alert-settings.ts';
import type { Channel, Channels } from '../runtime/alert-channels.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import { alertsNow, type Message, messageJson, messagesFor, messageText, type Said, saidAfter } from './alerts.ts';
import type { House } from './house.ts';

const LOOK_EVERY_MS = MINUTE_MS / 2;
/** Messages of one look; the rest follows in the next. */
const TOGETHER_MAX = 10;
const KEY = 'alerts-said';

export async function alertLoop(
  house: House,
  settings: AlertSettings,
  channels: Channels,
  signal: AbortSignal,
): Promise<void> {
  let aliveAtMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    await tellPeople(house, settings, channels.channels, signal);
    const every = (settings.deadMan?.everyMinutes ?? 0) * MINUTE_MS;
    if (channels.alive !== null && !signal.aborted && Math.abs(house.clock.nowMs() - aliveAtMs) >= every) {
      const failed = await channels.alive(signal);
      if (failed === null) aliveAtMs = house.clock.nowMs();
      else house.log.warn({ code: 'alerts.dead-man', why: failed }, 'the dead-man switch could not be called');
    }
    await house.clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** One look. Returns what was told. */
export async function tellPeople(
  house: House,
  settings: AlertSettings,
  channels: readonly Channel[],
  signal: AbortSignal,
): Promise<readonly Message[]> {
  const now = nowOf(house.clock);
  let said = ((await house.store.setting(KEY)) ?? {}) as unknown as Said;
  const told: Message[] = [];
  for (const message of messagesFor(await alertsNow(house), said, now, settings).slice(0, TOGETHER_MAX)) {
    if (signal.aborted) break;
    const failed = await sendEverywhere(channels, message, house, signal);
    // What a stop cut off is said after the next start.
    if (signal.aborted && failed.length === channels.length) break;
    // One channel that took it is enough: the others would get it a second time.
    if (failed.length === channels.length && channels.length > 0) {
      house.log.error(
        { code: 'alerts.not-sent', alert: message.alert.key, why: failed.join(', ') },
        'nobody could be told',
      );
      continue;
    }
    said = saidAfter(said, message, now);
    await house.store.saveSetting(KEY, { ...said } as never);
    told.push(message);
  }
  return told;
}

async function sendEverywhere(
  channels: readonly Channel[],
  message: Message,
  house: House,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const now = nowOf(house.clock);
  const { event, alert } = message;
  const outgoing = {
    id: `rollcall-${sha256(`${alert.key} ${event} ${now}`).slice(0, 24)}`,
    atMs: house.clock.nowMs(),
    subject: `${event === 'resolved' ? 'Resolved: ' : event === 'again' ? 'Still: ' : ''}${alert.title}`.slice(0, 200),
    text: messageText(message),
    json: messageJson(message, now),
  };
  const failed: string[] = [];
  for (const channel of channels) {
    const why = await channel.send(outgoing, signal);
    if (why !== null) failed.push(`${channel.name} ${why}`);
  }
  return failed;
}
