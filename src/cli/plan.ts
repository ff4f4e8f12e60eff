// What a cycle would do: counts, then per worker and attribute, then the exact requests. Sends no write, stores nothing.
import { Command } from 'commander';
import { EXIT, type ExitCode, faultLine } from '../base/problem.ts';
import type { LiveConnection } from '../pipeline/house.ts';
import { type CycleOptions, runCycle } from '../pipeline/intake.ts';
import { momentOf } from '../pipeline/operator.ts';
import { exitCodeOf } from '../views/aftermath.ts';
import { rejectionJson } from '../views/shapes.ts';
import { type Session, sessionOf } from './desk.ts';
import { positive } from './options.ts';
import { answer } from './output.ts';
import { openPlanHouse, type PlanHouse } from './plan-house.ts';
import { planLines } from './plan-text.ts';
import { NO_DETAILS, type PlanDetails, type PlannedConnection, planDetails } from './plan-view.ts';
import { progressOn } from './progress.ts';
import { countsOf } from './tally.ts';

interface Options {
  readonly asOf?: string;
  readonly requests?: boolean;
  readonly worker?: string;
  readonly limit?: number;
  readonly all?: boolean;
}

/** A file that was written a moment ago is waited for; one that is still growing is reported. */
const WAIT_MS = 10_000;

export const planCommand = (): Command =>
  new Command('plan')
    .description('what a cycle would do; sends no write and stores nothing')
    .argument('[connection]', 'only this connection (default: all)')
    .option('--as-of <date>', 'as if it were this day (noon UTC) or instant')
    .option('--requests', 'the exact requests of every operation')
    .option('--worker <id>', 'only this worker')
    .option('--limit <count>', 'only so many workers that change', positive)
    .option('--all', 'list every worker that changes, not the first of each kind')
    .action(async (connection: string | undefined, options: Options, command: Command) => {
      const session = sessionOf(command);
      const planned: PlannedConnection[] = [];
      {
        await using opened = await openPlanHouse(session, connection ?? '');
        for (const live of opened.house.connections.values())
          planned.push(await plannedConnection(session, opened, live, options));
      }
      session.desk.exitCode = exitCode(planned);
      await answer(session, { connections: planned.map(planJson), exitCode: session.desk.exitCode }, () =>
        planLines(session.desk.out, planned, { all: options.all === true || options.worker !== undefined }),
      );
    });

async function plannedConnection(
  { desk, json }: Session,
  { house }: PlanHouse,
  live: LiveConnection,
  options: Options,
): Promise<PlannedConnection> {
  let details: PlanDetails = NO_DETAILS;
  using progress = progressOn(desk.err, desk.clock, !json);
  const cycle: CycleOptions = {
    actor: 'feed',
    mode: 'plan',
    signal: desk.stop,
    onProgress: progress.show,
    inspect: async (plan, verdict, inspected) => {
      details = await planDetails(house, live, plan, verdict, inspected, options.requests === true);
    },
    ...(options.asOf === undefined ? {} : { asIf: momentOf(options.asOf) }),
    ...(options.worker === undefined ? {} : { onlyWorker: options.worker }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  };
  const untilMs = desk.clock.nowMs() + WAIT_MS;
  for (;;) {
    const report = await runCycle(house, live, cycle);
    const again =
      report.kind === 'notYet' && report.retryAfterMs !== null && desk.clock.nowMs() + report.retryAfterMs < untilMs;
    if (!again || desk.stop.aborted) return { report, details };
    await desk.clock.wait(report.retryAfterMs ?? 0, desk.stop);
  }
}

function exitCode(planned: readonly PlannedConnection[]): ExitCode {
  const code = exitCodeOf(
    planned.map(({ report }) => report),
    { failed: [], unconfirmedLeavers: [], openSessions: [], holds: [] },
  );
  if (code !== EXIT.fine) return code;
  return planned.some(({ report }) => report.holds.length > 0) ? EXIT.held : EXIT.fine;
}

function planJson({ report, details }: PlannedConnection): object {
  const counts = countsOf(report.tally);
  return {
    connection: report.connection,
    result: report.kind,
    delivery: report.delivery,
    reason: report.reason,
    rows: report.rows,
    recognised: report.recognised,
    rejected: report.rejections.length,
    suspected: report.suspected,
    transitions: counts.transitions,
    operations: counts.operations,
    refused: counts.refused,
    held: counts.held,
    holds: report.holds,
    faults: report.faults.map((fault) => ({ ...fault, text: faultLine(fault) })),
    rejections: report.rejections.map(rejectionJson),
    counts: details.counts,
    shared: details.shared,
    queuedEarlier: details.queuedEarlier,
    workers: details.workers,
    workersOmitted: details.omitted,
  };
}
