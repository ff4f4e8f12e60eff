// What a cycle found and did: for the one who asked, for `status`, and for the audit.
import { HOUR_MS, type Instant, msOf } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Fault } from '../base/problem.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { CycleRecord } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import { nowOf } from '../runtime/clock.ts';
import type { FurtherReport } from './further.ts';
import { count, type House, type Tally, tallyJson } from './house.ts';
import type { Plan } from './plan.ts';

export interface CycleReport {
  readonly connection: string;
  readonly kind: 'done' | 'held' | 'refused' | 'nothing' | 'notYet' | 'unchanged';
  readonly delivery: string | null;
  readonly reason: string;
  readonly rows: number;
  readonly recognised: number;
  readonly rejections: readonly Rejection[];
  readonly suspected: number;
  readonly tally: Tally;
  readonly holds: readonly { readonly kind: string; readonly reason: string; readonly items: number }[];
  readonly faults: readonly Fault[];
  readonly retryAfterMs: number | null;
  /** What was found of further sources; absent where the connection has none. */
  readonly further?: readonly FurtherReport[];
}

export const EMPTY_REPORT: CycleReport = {
  connection: '',
  kind: 'nothing',
  delivery: null,
  reason: '',
  rows: 0,
  recognised: 0,
  rejections: [],
  suspected: 0,
  tally: {},
  holds: [],
  faults: [],
  retryAfterMs: null,
};

export function plannedTally(plan: Plan, verdict: Verdict): Tally {
  const tally: Tally = {};
  for (const key of plan.keys()) {
    const planned = plan.get(key);
    if (planned === null) continue;
    if (plan.candidates.has(key) && !verdict.passes.has(key) && !verdict.disableOnly.has(key)) count(tally, 'held');
    for (const transition of planned.plan.transitions) count(tally, transition);
    for (const refusal of planned.plan.refusals) count(tally, `refused:${refusal.code}`);
    for (const { kind } of planned.plan.change?.operations ?? []) count(tally, `operation:${kind}`);
    if (planned.plan.transitions.length === 0) count(tally, 'unchanged');
  }
  return tally;
}

/** That a feed was read and said nothing new is written down this often: an auditor wants to see that somebody read. */
const UNCHANGED_SAID_EVERY_MS = 6 * HOUR_MS;
const saidKey = (connection: string): string => `cycle-said:${connection}`;

async function isNewsAgain(house: House, connection: string, now: Instant): Promise<boolean> {
  const said = await house.store.setting(saidKey(connection));
  return typeof said !== 'string' || msOf(now) - msOf(said as Instant) >= UNCHANGED_SAID_EVERY_MS;
}

export async function recordCycle(house: House, report: CycleReport, startedAt: Instant, actor: string): Promise<void> {
  const finishedAt = nowOf(house.clock);
  house.meter.cycle(report.connection, report.kind, (msOf(finishedAt) - msOf(startedAt)) / 1_000);
  const state: CycleRecord['state'] = report.kind === 'refused' ? 'refused' : report.kind === 'held' ? 'held' : 'done';
  const summary: JsonObject = {
    delivery: report.delivery,
    result: report.kind,
    reason: report.reason,
    rows: report.rows,
    recognised: report.recognised,
    rejected: report.rejections.length,
    suspected: report.suspected,
    tally: tallyJson(report.tally),
    codes: report.faults.map(({ code }) => code),
    holds: report.holds as unknown as readonly JsonObject[],
    durationMs: msOf(finishedAt) - msOf(startedAt),
    ...(report.further === undefined
      ? {}
      : {
          further: report.further.map(({ name, kind: result, delivery, reason, rows, changed, rejected }) => ({
            name,
            result,
            delivery,
            reason,
            rows,
            changed,
            rejected,
          })),
        }),
  };
  const id = await house.store.newCycleId();
  const said = report.kind !== 'unchanged' || (await isNewsAgain(house, report.connection, finishedAt));
  await house.store.commit({
    connection: report.connection,
    at: finishedAt,
    cycle: { id, connection: report.connection, startedAt, finishedAt, state, summary },
    ...(said ? { settings: { [saidKey(report.connection)]: finishedAt } } : {}),
    entries: said
      ? [
          {
            kind: 'cycle',
            connection: report.connection,
            workerKey: null,
            actor,
            body: {
              cycle: id,
              state,
              rows: report.rows,
              rejected: report.rejections.length,
              suspected: report.suspected,
              tally: tallyJson(report.tally),
              codes: report.faults.map(({ code }) => code),
            },
          },
        ]
      : [],
  });
  house.log.info(
    {
      connection: report.connection,
      result: report.kind,
      rows: report.rows,
      recognised: report.recognised,
      rejected: report.rejections.length,
      holds: report.holds.length,
      codes: report.faults.map(({ code }) => code),
    },
    'cycle finished',
  );
}
