// Commands as a reader finds them in a text: `rollcall` and what follows it, up to the end of the line, two spaces, or a sign that ends
// a part of a sentence. Each can be tried against the program itself: its name, its flags, and how many words it takes.
import { type Command, CommanderError } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';

export interface PrintedCommand {
  /** As it stands in the text, without `rollcall`. */
  readonly words: readonly string[];
  readonly text: string;
}

/** Words that a reader replaces, and something that each may be replaced with. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  ID: '1001',
  WORKER: '1001',
  ACCOUNT: 'u-1',
  FILE: 'a-file',
  DIR: 'a-folder',
  SAMPLE: 'sample.csv',
  DIGEST: 'abcdef123456',
  CAUSE: 'abcd1234',
  CONNECTION: 'acme',
  TARGET: 'idp',
  NAME: 'acme',
  COMMAND: 'status',
  PERIOD: '30d',
  DAY: '2026-11-01',
  '…': '2026-11-01',
  'ACCOUNT-ID': 'u-1',
  PATH: 'a-path',
};

let names: Promise<ReadonlySet<string>> | null = null;

const commandNames = (): Promise<ReadonlySet<string>> => {
  names ??= buildProgram([]).then((program) => new Set(program.commands.map((command) => command.name())));
  return names;
};

/** Every command in the text, in its order. What follows `rollcall` and is no name of a command is prose. */
export async function commandsIn(text: string): Promise<readonly PrintedCommand[]> {
  const known = await commandNames();
  const found: PrintedCommand[] = [];
  for (const { index, 0: name, 1: tick = '' } of text.matchAll(/(`?)\brollcall (?=[a-z])/g)) {
    const rest = text.slice(index + name.length).split(/ {2}|\n/)[0] ?? '';
    const words = wordsOf(tick === '' ? rest : (rest.split('`')[0] ?? ''), tick !== '');
    if (words.length > 0 && known.has(words[0] ?? '')) found.push({ words, text: `rollcall ${words.join(' ')}` });
  }
  return found;
}

/** Quotes keep a reason together; outside of them `,` `;` `:` `.` and a closing bracket at the end of a word end the command. */
function wordsOf(span: string, delimited: boolean): readonly string[] {
  const words: string[] = [];
  for (const [word] of span.matchAll(/"[^"]*"|'[^']*'|\S+/g)) {
    const [, bare = '', end = ''] = /^(.*?)([`,;:.)]*)$/.exec(word) ?? [];
    if (bare === '' || /^[–|(]/.test(bare)) break;
    words.push(bare);
    if (end !== '' && !delimited) break;
  }
  return words;
}

/** Null where the program takes the command, else what it says of it. Nothing is carried out. */
export async function faultOf(
  { words }: PrintedCommand,
  where: 'output' | 'documents' = 'output',
): Promise<string | null> {
  // A document may name a command without giving it, and show in brackets what may be left out.
  if (where === 'documents' && words.length === 1) return null;
  const program = await buildProgram(words);
  unarmed(program);
  const bare = where === 'documents' ? words.map((word) => word.replace(/^\[|\]$/g, '')) : words;
  const argv = bare.map((word) => (/^(".*"|'.*')$/.test(word) ? 'a reason' : (PLACEHOLDERS[word] ?? word)));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return null;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode !== 0) return error.message;
    return error instanceof CommanderError ? null : (error as Error).message;
  }
}

function unarmed(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  if (command.commands.length === 0) command.action(() => undefined);
  for (const child of command.commands) unarmed(child);
}
