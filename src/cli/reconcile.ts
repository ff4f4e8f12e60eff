// What targets really hold against what is believed: found, shown, and with --repair judged anew.
import { Command } from 'commander';
import { EXIT } from '../base/problem.ts';
import { REPAIRS, type Repair } from '../mapping/connection-schema.ts';
import type { ActResult } from '../pipeline/act-result.ts';
import { DRIFT_KINDS, type DriftKind, type Reconciliation } from '../pipeline/reconcile.ts';
import { type ActOptions, carryOut, type Followed } from './act.ts';
import { grouped } from './ago.ts';
import { deskOf, type Paper } from './desk.ts';
import { harmless } from './display-width.ts';
import { table } from './table.ts';
import { toned } from './tone.ts';

interface Options extends ActOptions {
  readonly connection?: string;
  readonly repair?: readonly string[] | boolean;
  readonly samples?: boolean;
}

const SAMPLES_SHOWN = 10;
const MEANING: Readonly<Record<DriftKind, string>> = {
  zombie: 'left here, active there',
  disabled: 'at work here, inactive there',
  drifted: 'attributes that we write differ',
  missing: 'ours, and gone there',
  duplicate: 'a second account of somebody who has one',
  orphan: 'belongs to nobody here',
  foreign: 'carries an externalId that nobody here has',
};
const BAD: ReadonlySet<DriftKind> = new Set(['zombie', 'missing', 'duplicate']);

export const reconcileCommand = (): Command =>
  new Command('reconcile')
    .description('compare what targets hold with what is believed; --repair judges the differences anew')
    .argument('[target]', 'only this target (default: all)')
    .option('--connection <name>', 'only of this connection')
    .option('--repair [kinds...]', `mend: ${REPAIRS.join(', ')} (default: all of them)`)
    .option('--reason <text>', 'why; kept in the audit', 'a look')
    .option('--as <name>', 'who asks; kept in the audit (default: ROLLCALL_OPERATOR)')
    .action(async (target: string | undefined, options: Options, command: Command) => {
      const repair: readonly Repair[] | readonly string[] =
        options.repair === undefined || options.repair === false
          ? []
          : options.repair === true
            ? REPAIRS
            : options.repair;
      const args = { target: target ?? '', connection: options.connection ?? '', repair: [...repair] };
      const paper = deskOf(command).out;
      const told = async (result: ActResult): Promise<Followed> => {
        const reports = (result.details?.reports ?? []) as unknown as readonly Reconciliation[];
        const zombies = reports.reduce((sum, one) => sum + one.counts.zombie - (one.repaired.zombie ?? 0), 0);
        return {
          lines: reports.flatMap((report) => reportLines(paper, report)),
          json: {},
          exitCode: zombies > 0 ? EXIT.failed : EXIT.fine,
        };
      };
      await carryOut(command, { kind: 'reconcile', args }, options, {
        here: (_house, result) => told(result),
        there: (_session, result) => told(result),
      });
    });

function reportLines(paper: Paper, report: Reconciliation): readonly string[] {
  const rows = DRIFT_KINDS.filter((kind) => report.counts[kind] > 0).map((kind) => [
    { text: grouped(report.counts[kind]), tone: BAD.has(kind) ? ('bad' as const) : ('warning' as const) },
    kind,
    MEANING[kind],
    report.repaired[kind] === undefined ? '' : `${grouped(report.repaired[kind])} judged anew`,
    report.samples
      .filter((one) => one.kind === kind)
      .slice(0, SAMPLES_SHOWN)
      .map(
        ({ worker, remoteId, paths }) =>
          `${worker ?? remoteId}${paths.length > 0 && kind === 'drifted' ? ` (${paths.join(', ')})` : ''}`,
      )
      .join(', '),
  ]);
  return [
    '',
    `${toned(paper, 'bold', harmless(report.target))}: ${grouped(report.listed)} account(s) there, ${grouped(report.ours)} of them ours, ${grouped(report.protected)} protected`,
    ...(rows.length === 0
      ? ['everything is as it is believed to be']
      : table(
          paper,
          [
            { title: '', align: 'right' },
            { title: 'WHAT' },
            { title: 'MEANS' },
            { title: 'REPAIR' },
            { title: 'FOR EXAMPLE', flexible: true },
          ],
          rows,
        )),
    ...report.withheld.map((line) => toned(paper, 'warning', harmless(line))),
  ];
}
