import { Command } from 'commander';
import { type ActOptions, carryOut, signed } from './act.ts';
import { deskOf } from './desk.ts';
import { CONFIRM_WAIT_MS, followWorker } from './follow-worker.ts';
import { seconds } from './options.ts';

interface Options extends ActOptions {
  readonly connection?: string;
  readonly wait: number;
}

export const liftCommand = (): Command =>
  signed(new Command('lift'))
    .description('lift an emergency leave: HR’s facts decide again')
    .argument('<worker>', 'the worker’s key, as HR writes it')
    .option('--connection <name>', 'where several connections know the key')
    .option('--wait <seconds>', 'how long to wait for the target’s own answer', seconds, CONFIRM_WAIT_MS / 1_000)
    .action(async (worker: string, options: Options, command: Command) => {
      const asked = { kind: 'lift' as const, args: { worker, connection: options.connection ?? '' } };
      await carryOut(command, asked, options, followWorker(options.wait * 1_000, deskOf(command).stop));
    });
