// Which existing account is a worker's, where correlation could not say.
import { Command } from 'commander';
import { type ActOptions, carryOut, signed } from './act.ts';
import { deskOf } from './desk.ts';
import { CONFIRM_WAIT_MS, followWorker } from './follow-worker.ts';
import { seconds } from './options.ts';

interface Options extends ActOptions {
  readonly connection?: string;
  readonly target?: string;
  readonly wait: number;
}

export const pairCommand = (): Command =>
  signed(new Command('pair'))
    .description('say which existing account is a worker’s, where several matched or only a name did')
    .argument('<worker>', 'the worker’s key, as HR writes it')
    .argument('<account>', 'the id of the account, as the target issues it')
    .option('--target <name>', 'where the connection has several')
    .option('--connection <name>', 'where several connections know the key')
    .option('--wait <seconds>', 'how long to wait for the target’s own answer', seconds, CONFIRM_WAIT_MS / 1_000)
    .action(async (worker: string, account: string, options: Options, command: Command) => {
      const args = { worker, account, target: options.target ?? '', connection: options.connection ?? '' };
      await carryOut(
        command,
        { kind: 'pair', args },
        options,
        followWorker(options.wait * 1_000, deskOf(command).stop),
      );
    });
