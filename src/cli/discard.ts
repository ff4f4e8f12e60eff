import { Command } from 'commander';
import { type ActOptions, carryOut, signed } from './act.ts';

export const discardCommand = (): Command =>
  signed(new Command('discard'))
    .description('set the items of a hold aside for 30 days; they stay visible, and a leaver stays unsettled')
    .argument('<digest>', 'the hold’s digest, or its first 8 characters or more (see rollcall holds)')
    .action(async (digest: string, options: ActOptions, command: Command) => {
      await carryOut(command, { kind: 'discard', args: { digest }, withoutConnections: true }, options);
    });
