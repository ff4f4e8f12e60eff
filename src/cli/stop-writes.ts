import { Command } from 'commander';
import { type ActOptions, carryOut, signed } from './act.ts';

interface Options extends ActOptions {
  readonly target?: string;
  readonly exceptLeavers?: boolean;
}

export const stopWritesCommand = (): Command =>
  signed(new Command('stop-writes'))
    .description('stop all outgoing writes, until resume-writes; leavers too unless excepted')
    .option('--except-leavers', 'leavers are still disabled')
    .option('--target <name>', 'only this target')
    .action(async (options: Options, command: Command) => {
      const args = { target: options.target ?? '', exceptLeavers: options.exceptLeavers === true };
      await carryOut(command, { kind: 'stop-writes', args, withoutConnections: true }, options);
    });
