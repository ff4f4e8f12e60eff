// Whose an account is not: the counterpart of pair.
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

export const unpairCommand = (): Command =>
  signed(new Command('unpair'))
    .description(
      'take an account from a worker, without a write to it; it is nobody’s until somebody is paired with it',
    )
    .argument('<worker>', 'the worker’s key, as HR writes it')
    .option('--target <name>', 'where the connection has several')
    .option('--connection <name>', 'where several connections know the key')
    .option('--wait <seconds>', 'how long to wait for the target’s own answer', seconds, CONFIRM_WAIT_MS / 1_000)
    .action(async (worker: string, options: Options, command: Command) => {
      const args = { worker, target: options.target ?? '', connection: options.connection ?? '' };
      await carryOut(
        command,
        { kind: 'unpair', args },
        options,
        followWorker(options.wait * 1_000, deskOf(command).stop),
      );
    });
