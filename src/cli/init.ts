// From a sample of an export to a first connection file. It asks nothing and overwrites nothing; what it could not know is marked.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { Command } from 'commander';
import { PROFILE_NAMES } from '../mapping/account-rules.ts';
import { nowOf } from '../runtime/clock.ts';
import { grouped } from './ago.ts';
import { type Paper, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { type Draft, type DraftOptions, draftFrom } from './init-draft.ts';
import { trialWords } from './init-trial.ts';
import { answer } from './output.ts';
import { toned } from './tone.ts';

export const initCommand = (): Command =>
  new Command('init')
    .description('write a first connection file from a sample of the HR export')
    .argument('[sample]', 'a CSV, JSON or JSON Lines file as HR sends it')
    .option('--preset <name>', 'begin with the template of an HR system instead of a sample, such as bamboohr')
    .option('--name <name>', 'name of the connection (default: from the name of the sample)')
    .option(
      '--target <url>',
      'address of the SCIM endpoint, in front of /Users (default: a reference to the environment)',
    )
    .option('--profile <profile>', `kind of endpoint (default: generic): ${PROFILE_NAMES.join(', ')}`)
    .option(
      '--time-zone <zone>',
      'zone of the dates, such as Europe/Berlin (default: what the feed says, else this machine)',
    )
    .action(async (path: string | undefined, options: DraftOptions, command: Command) => {
      const session = sessionOf(command);
      const { config, desk } = session;
      const draft = await draftFrom(path, options, config, {
        now: nowOf(desk.clock),
        zoneHere: Intl.DateTimeFormat().resolvedOptions().timeZone,
        signal: desk.stop,
      });
      mkdirSync(dirname(draft.file), { recursive: true });
      // `wx`: whoever was faster keeps their file.
      writeFileSync(draft.file, draft.text, { flag: 'wx' });
      await answer(session, draftJson(draft), () => draftLines(desk.out, draft, options));
    });

const draftJson = ({ file, connection, sample, trial, doubts, variables }: Draft): object => ({
  file,
  connection: connection.name,
  ...(sample === null
    ? {}
    : { sample: sample.name, rows: sample.rows, columns: sample.columns, unreadableRows: sample.faulty }),
  ...trial,
  doubts,
  variables,
});

function draftLines(paper: Paper, draft: Draft, { target }: DraftOptions): readonly string[] {
  const { file, connection, sample, trial, doubts, variables } = draft;
  const shown = relative(process.cwd(), file) || file;
  return [
    sample === null
      ? `wrote ${shown}`
      : `wrote ${shown} from ${grouped(sample.rows)} rows with ${grouped(sample.columns.length)} columns`,
    ...(trial === null ? [] : trialWords(trial)),
    ...(sample === null || sample.faulty === 0 ? [] : [`  ${grouped(sample.faulty)} more rows cannot be parsed`]),
    '',
    ...doubtLines(paper, doubts),
    'then:',
    ...(variables.length === 0 ? [] : [`  export ${variables.map((name) => `${name}=…`).join(' ')}`]),
    ...(target === undefined
      ? ['      (no SCIM endpoint yet? rollcall endpoint starts one and prints its url and token)']
      : []),
    `  rollcall validate --probe ${connection.name}`,
    `  rollcall plan ${connection.name}`,
  ];
}

/** Two lines each: what is to be decided is never cut. */
function doubtLines(paper: Paper, doubts: Draft['doubts']): readonly string[] {
  if (doubts.length === 0) return ['nothing is doubtful; read the file all the same before it runs', ''];
  const width = String(doubts.at(-1)?.line ?? '').length;
  return [
    `${doubts.length} ${doubts.length === 1 ? 'line wants' : 'lines want'} a decision:`,
    ...doubts.flatMap(({ line, key, text }) => [
      `  ${toned(paper, 'bold', `${String(line).padStart(width)}  ${harmless(key)}`)}`,
      `  ${' '.repeat(width)}  ${harmless(text)}`,
    ]),
    '',
  ];
}
