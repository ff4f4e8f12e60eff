// The disk under the state folder, looked at while the daemon runs: what is short of room is told to people, and who waits for it is woken.
import { MINUTE_MS, SECOND_MS } from '../base/instant.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import type { House } from './house.ts';

export const DISK_FULL = 'delivery.disk-full';
const SUBJECT = 'disk';

const LOOK_EVERY_MS = 2 * SECOND_MS;
/** What is not done now is tried again after this long. */
export const DISK_AGAIN_MS = MINUTE_MS;
export const DISK_REASON = 'the disk under the state folder is nearly full: only leavers go on';

/** Until the signal aborts. */
export async function watchDisk(house: House, signal: AbortSignal): Promise<void> {
  // An alarm of an earlier process may stand.
  for (let first = true; !signal.aborted; first = false) {
    await lookAtDisk(house, first);
    await house.clock.wait(LOOK_EVERY_MS, signal);
  }
}

/** One look, told to people and to whoever waits for room. */
export async function lookAtDisk(house: House, first = false): Promise<void> {
  const { disk, connections } = house;
  const before = disk.isTight;
  await disk.look();
  await disk.load();
  for (const { connection, wake } of connections.values()) {
    if (disk.isTight) {
      await raiseAlarm(house, connection.name, {
        code: DISK_FULL,
        subject: SUBJECT,
        message: DISK_REASON,
        hint: 'make room there; everything else goes on by itself within a minute',
      });
    } else if (before || first) {
      await clearAlarm(house, connection.name, DISK_FULL, SUBJECT);
      if (before) wake.ring();
    }
  }
  if (before && !disk.isTight) house.outboxFilled.ring();
}
