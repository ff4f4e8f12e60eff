// Managers as debts: a reference is sent once the manager's account exists, in whatever order people arrive. Cycles are legal.
import { judgeOnFile } from './calendar.ts';
import type { House, LiveConnection } from './house.ts';

/** Debts paid in one go. */
const TOGETHER_MAX = 500;

/** Plans the references that can be sent now. True when there may be more. */
export async function payDebts(house: House, live: LiveConnection): Promise<boolean> {
  let more = false;
  for (const target of live.targets.keys()) {
    const keys = await house.store.payableDebts(live.connection.name, target, TOGETHER_MAX);
    if (keys.length === 0) continue;
    const { held } = await judgeOnFile(house, live, keys, 'debt');
    // Debts that a guard holds stay payable: asking for them again at once would be asked without end.
    more ||= keys.length === TOGETHER_MAX && held < keys.length;
  }
  return more;
}
