// A reconciliation that somebody asked for.
import type { JsonObject } from '../base/json.ts';
import { EXIT, Problem } from '../base/problem.ts';
import { REPAIRS, type Repair } from '../mapping/connection-schema.ts';
import type { NewAct } from '../store/store.ts';
import type { ActResult } from './act-result.ts';
import type { House } from './house.ts';
import { DRIFT_KINDS, type Reconciliation, reconcile } from './reconcile.ts';

/** A listing of hundreds of thousands at a slow target; whoever asked is told where the report will be. */
const LISTED_WITHIN_MS = 30 * 60_000;

/** Args: `connection`, `target` ('' means all), `repair`: a list of repairs, or null for what the file says. */
export async function reconcileAct(house: House, act: NewAct, stop: AbortSignal): Promise<ActResult> {
  const wantedTarget = typeof act.args.target === 'string' ? act.args.target : '';
  const wantedConnection = typeof act.args.connection === 'string' ? act.args.connection : '';
  const asked = Array.isArray(act.args.repair) ? act.args.repair.map(String) : null;
  const strange = (asked ?? []).filter((one) => !(REPAIRS as readonly string[]).includes(one));
  if (strange.length > 0) {
    throw new Problem({
      code: 'reconcile.repair',
      message: `${strange.join(', ')} cannot be repaired`,
      hint: `one or several of ${REPAIRS.join(', ')}`,
    });
  }
  const chosen = [...house.connections.values()]
    .filter(({ connection }) => wantedConnection === '' || connection.name === wantedConnection)
    .flatMap((live) => [...live.targets.values()].map((target) => ({ live, target })))
    .filter(({ target }) => wantedTarget === '' || target.name === wantedTarget);
  if (chosen.length === 0) {
    throw new Problem({
      code: 'reconcile.target',
      message: `there is no target ${wantedTarget}`.trim(),
      hint: 'their names: rollcall status',
    });
  }
  const reports: Reconciliation[] = [];
  for (const { live, target } of chosen) {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(LISTED_WITHIN_MS)]);
    reports.push(
      await reconcile(house, live, target, {
        repair: (asked ?? []) as readonly Repair[],
        actor: `operator:${act.by}`,
        signal,
      }),
    );
  }
  house.outboxFilled.ring();
  const found = reports.reduce((sum, { counts }) => sum + DRIFT_KINDS.reduce((all, kind) => all + counts[kind], 0), 0);
  const mended = reports.reduce(
    (sum, { repaired }) => sum + Object.values(repaired).reduce((all, count) => all + count, 0),
    0,
  );
  return {
    ok: true,
    message: `${found} difference(s) at ${reports.map(({ target }) => target).join(', ')}${mended > 0 ? `, ${mended} judged anew` : ''}`,
    exitCode: EXIT.fine,
    details: { reports: reports as unknown as readonly JsonObject[] },
  };
}
