// HR gives people other keys: the list is held, looked at and approved like everything that may hurt many.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { type Fault, Problem } from '../base/problem.ts';
import type { KeyChange } from '../pipeline/rekey.ts';
import { type ActOptions, carryOut, signed } from './act.ts';

interface Options extends ActOptions {
  readonly map: string;
  readonly connection?: string;
}

export const rekeyCommand = (): Command =>
  signed(new Command('rekey'))
    .description('HR gives people other keys: holds the list; approve carries it out, accounts and all')
    .requiredOption('--map <file>', 'CSV with the header old,new')
    .option('--connection <name>', 'where there are several')
    .action(async (options: Options, command: Command) => {
      const changes = keyChanges(options.map, textOf(options.map));
      const args = { connection: options.connection ?? '', changes: changes.map((one) => ({ ...one })) };
      await carryOut(command, { kind: 'rekey', args }, options);
    });

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Problem({ code: 'rekey.file', message: `there is no readable file ${path}` });
  }
}

const HEADER = ['old', 'new'];

/** @throws Problem with every line that is no pair of keys. */
export function keyChanges(file: string, text: string): readonly KeyChange[] {
  let rows: readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
  try {
    rows = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as typeof rows;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Problem({ code: 'rekey.csv', message: `the list is no CSV: ${reason}`, place: { file } });
  }
  const [header, ...body] = rows;
  if (header === undefined || header.record.map((one) => one.trim().toLowerCase()).join() !== HEADER.join()) {
    throw new Problem({
      code: 'rekey.header',
      message: 'the first line is not the header old,new',
      place: { file, line: 1 },
    });
  }
  const faults: Fault[] = body
    .filter(({ record }) => record.length !== HEADER.length)
    .map(({ record, info }) => ({
      code: 'rekey.columns',
      message: `the line has ${record.length} column(s) instead of 2`,
      place: { file, line: info.lines },
    }));
  if (faults.length > 0) throw new Problem(faults);
  return body.map(({ record: [from = '', to = ''], info }) => ({ line: info.lines, from, to }));
}
