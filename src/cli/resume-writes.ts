import { Command } from 'commander';
import { type ActOptions, carryOut, signed } from './act.ts';

interface Options extends ActOptions {
  readonly target?: string;
}

export const resumeWritesCommand = (): Command =>
  signed(new Command('resume-writes'))
    .description('let outgoing writes go on')
    .option('--target <name>', 'only the stop of this target')
    .action(async (options: Options, command: Command) => {
      await carryOut(
        command,
        { kind: 'resume-writes', args: { target: options.target ?? '' }, withoutConnections: true },
        options,
      );
    });
