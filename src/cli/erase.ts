// The personal values of one worker, erased for good.
import { Command } from 'commander';
import { Problem } from '../base/problem.ts';
import { findWorker } from '../views/find-worker.ts';
import { type ActOptions, carryOut } from './act.ts';
import { sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { table } from './table.ts';

interface Options extends ActOptions {
  readonly connection?: string;
  readonly stillInFeed?: true;
  readonly dryRun?: true;
}

export const eraseCommand = (): Command =>
  new Command('erase')
    .description('erase the personal values of somebody who has left, for good; the key and a whole audit stay')
    .argument('<worker>', 'the worker’s key, as HR writes it')
    .option('--reason <text>', 'why; kept in the audit for ever, so write no personal values here')
    .option('--as <name>', 'who asks; kept in the audit (default: ROLLCALL_OPERATOR)')
    .option('--dry-run', 'only count what would be erased, table by table')
    .option('--still-in-feed', 'although HR’s feed holds the person: it is passed over, and a rehire is held')
    .option('--connection <name>', 'where several connections know the key')
    .action(async (worker: string, options: Options, command: Command) => {
      if (options.dryRun === true) return preview(worker, options, command);
      const args = {
        worker,
        connection: options.connection ?? '',
        stillInFeed: options.stillInFeed === true,
      };
      await carryOut(command, { kind: 'erase', args }, options);
    });

async function preview(worker: string, options: Options, command: Command): Promise<void> {
  const session = sessionOf(command);
  await using store = await openState(session, 'read');
  const { connection, situation } = await findWorker(store, worker, options.connection);
  const sources = await store.furtherSources(connection);
  const facts = sources.flatMap(({ source }) => situation.employments.map(({ id }) => ({ source, key: id })));
  const rows = await store.erasable(connection, worker, facts);
  if (rows === null) throw new Problem({ code: 'worker.unknown', message: `no worker ${worker} in ${connection}` });
  await answer(session, { worker, connection, rows }, () => [
    harmless(`worker ${worker} of ${connection}: nothing is erased yet`),
    ...table(
      session.desk.out,
      [{ title: 'TABLE' }, { title: 'ROWS', align: 'right' }],
      Object.entries(rows).map(([name, count]) => [name, String(count)]),
    ),
  ]);
}
