// What needs a person when a command ends, as it stands in the store, and the exit code that says so.
import { EXIT, type ExitCode } from '../base/problem.ts';
import { withoutSkipped } from '../pipeline/failures.ts';
import type { House } from '../pipeline/house.ts';
import type { CycleReport } from '../pipeline/intake.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Hold, ShownOperation } from '../store/store.ts';

export interface Aftermath {
  readonly failed: readonly ShownOperation[];
  readonly unconfirmedLeavers: readonly ShownOperation[];
  /** Leavers whose sessions at the target are not ended yet. */
  readonly openSessions: readonly ShownOperation[];
  readonly holds: readonly Hold[];
}

/** Operations of each kind in a result; the counts know of all. */
const SHOWN_MAX = 100;

/** What a person has set aside asks for nobody. */
export async function aftermathOf(
  { store, clock }: Pick<House, 'store' | 'clock'>,
  connection: string,
): Promise<Aftermath> {
  const ours = <T extends { readonly connection: string }>(list: readonly T[]): readonly T[] =>
    connection === '' ? list : list.filter((one) => one.connection === connection);
  const only = connection === '' ? {} : { connection };
  const [failed, leavers, sessions, holds] = await Promise.all([
    store.operations({ ...only, states: ['failed'], limit: SHOWN_MAX }),
    store.unconfirmedLeavers(SHOWN_MAX),
    store.openSessions(SHOWN_MAX),
    store.holds(connection === '' ? null : connection, 1),
  ]);
  return {
    failed: await withoutSkipped(store, failed, nowOf(clock)),
    unconfirmedLeavers: ours(leavers),
    openSessions: ours(sessions),
    holds,
  };
}

/** What a new delivery was refused for comes first, then what a person must release, then what failed on the way. */
export function exitCodeOf(
  cycles: readonly Pick<CycleReport, 'kind' | 'faults'>[],
  { failed, unconfirmedLeavers, openSessions, holds }: Aftermath,
): ExitCode {
  const refused = cycles.filter(({ kind }) => kind === 'refused');
  if (refused.length > 0) return refused.some(({ faults }) => faults.some(isConfiguration)) ? EXIT.usage : EXIT.failed;
  if (holds.some(({ discardedBy }) => discardedBy === null)) return EXIT.held;
  return failed.length + unconfirmedLeavers.length + openSessions.length > 0 ? EXIT.failed : EXIT.fine;
}

/** A feed without a mapped column is the feed's fault: the file itself has passed the check. */
const isConfiguration = ({ code }: { readonly code: string }): boolean =>
  /^(mapping|config|secret)\./.test(code) && code !== 'mapping.column';
