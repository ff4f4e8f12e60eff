// After the commit: the source is told that it may put a delivery away. That does not undo anything when it fails.
import { Problem } from '../base/problem.ts';
import type { Delivery } from '../sources/source.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import type { House } from './house.ts';

const NOT_ARCHIVED = 'feed.not-archived';

/** Once all that a delivery led to is stored, and none of it need be read again. @throws bugs only. */
export async function letGo(
  house: House,
  connection: string,
  delivery: Delivery,
  signal: AbortSignal,
  subject = 'source',
): Promise<void> {
  if (delivery.accepted === undefined) return;
  try {
    await delivery.accepted(signal);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [fault] = error.faults;
    await raiseAlarm(house, connection, {
      code: NOT_ARCHIVED,
      subject,
      message: `a delivery that is done with was not put away: ${fault?.message ?? ''}`,
      ...(fault?.hint === undefined ? {} : { hint: fault.hint }),
    });
    return;
  }
  await clearAlarm(house, connection, NOT_ARCHIVED, subject);
}
