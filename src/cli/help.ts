// `help`, `help COMMAND`, and `help mapping`: every key of a connection file, made from its schema.
import { Command } from 'commander';
import { Problem } from '../base/problem.ts';
import { type KeyHelp, mappingHelp } from '../mapping/help.ts';
import { type Paper, sessionOf } from './desk.ts';
import { answer, printLines } from './output.ts';
import { table } from './table.ts';

const TOPIC = 'mapping';

export const helpCommand = (): Command =>
  new Command('help')
    .description('help for a command; `help mapping` lists every key of a connection file')
    .argument('[topic]', 'a command, or mapping')
    .action(async (topic: string | undefined, _options: object, command: Command) => {
      const session = sessionOf(command);
      if (topic === TOPIC) {
        const keys = mappingHelp();
        await answer(session, { keys }, () => mappingTable(session.desk.out, keys));
        return;
      }
      const program = command.parent;
      const about = topic === undefined ? program : program?.commands.find((one) => one.name() === topic);
      if (about === undefined || about === null) {
        const names = [...(program?.commands.map((one) => one.name()) ?? []), TOPIC].join(', ');
        throw new Problem({
          code: 'usage.topic',
          message: `there is no help about ${topic}`,
          hint: `topics are ${names}`,
        });
      }
      await printLines(session.desk, [about.helpInformation().trimEnd()]);
    });

function mappingTable(paper: Paper, keys: readonly KeyHelp[]): readonly string[] {
  const rows = keys.map(({ key, type, default: byDefault, expression, description }) => [
    key,
    { text: expression ? `${type} (CEL)`.replace(/^expression \(CEL\)$/, 'expression') : type, tone: 'dim' as const },
    byDefault,
    description,
  ]);
  return [
    'Keys of a connection file. Expressions are CEL over record.COLUMN (in source and worker) or worker.X and userName (in targets).',
    '',
    ...table(
      paper,
      [
        { title: 'KEY' },
        { title: 'TYPE', flexible: true },
        { title: 'DEFAULT' },
        { title: 'WHAT IT SAYS', flexible: true },
      ],
      rows,
    ),
  ];
}
