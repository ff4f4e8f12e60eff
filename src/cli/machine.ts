import { Command } from 'commander';
import { chartAsMermaid } from '../lifecycle/chart-text.ts';
import { sessionOf } from './desk.ts';
import { answer } from './output.ts';

export const machineCommand = (): Command =>
  new Command('machine')
    .description('print the lifecycle chart as a Mermaid state diagram, read from the machine itself')
    .action(async (_options: object, command: Command) => {
      const chart = chartAsMermaid();
      await answer(sessionOf(command), { mermaid: chart }, () => [chart.trimEnd()]);
    });
