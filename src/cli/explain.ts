// `explain ID`: why a worker stands where they stand, from HR's record to the last request; and why nothing happens.
import { Command } from 'commander';
import type { Instant } from '../base/instant.ts';
import { EXIT } from '../base/problem.ts';
import { forecast } from '../lifecycle/forecast.ts';
import type { Stage } from '../lifecycle/standing.ts';
import { type Because, type Explanation, explain, explainUnknown, type Unknown } from '../pipeline/explain.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Entry } from '../store/store.ts';
import { comingSentence } from '../views/coming-text.ts';
import { explanationJson, story } from '../views/explain.ts';
import { ambiguous, workersNamed } from '../views/find-worker.ts';
import { localTime } from '../views/local-time.ts';
import { ago, grouped } from './ago.ts';
import { type Paper, sessionOf } from './desk.ts';
import { harmless } from './display-width.ts';
import { entrySentence } from './entry-text.ts';
import { answer } from './output.ts';
import { openState } from './state.ts';
import { table } from './table.ts';
import { toned } from './tone.ts';

interface Options {
  readonly connection?: string;
  readonly values?: boolean;
}

export const explainCommand = (): Command =>
  new Command('explain')
    .description('why: from HR’s record to the last request, or why nothing happens')
    .argument('<id>', 'the worker’s key, or the id of one of their employments')
    .option('--connection <name>', 'where several connections know the key')
    .option('--values', 'with every expression of the mapping and what it gave (personal values)')
    .action(async (id: string, options: Options, command: Command) => {
      const session = sessionOf(command);
      const { out } = session.desk;
      await using store = await openState(session, 'read');
      const now = nowOf(session.desk.clock);
      const found = await workersNamed(store, id, options.connection);
      const [only] = found;
      if (found.length > 1) throw ambiguous(id, found);
      if (only === undefined) {
        const { connections } = await store.overview();
        const names = connections
          .map((one) => one.connection)
          .filter((name) => options.connection === undefined || name === options.connection);
        const unknown = await explainUnknown(store, id, names, now);
        session.desk.exitCode = EXIT.failed;
        await answer(session, unknown, () => unknownLines(out, unknown));
        return;
      }
      const explanation = await explain(store, only.connection, only.situation, now);
      await answer(session, explanationJson(explanation, options.values === true), () =>
        explanationLines(out, explanation, options.values === true, now),
      );
    });

const unknownLines = (paper: Paper, { worker, because }: Unknown): readonly string[] => [
  toned(paper, 'bold', harmless(`worker ${worker}: nothing is on file`)),
  ...because.flatMap((one) => becauseLines(paper, one)),
];

function becauseLines(paper: Paper, { sentence, command, code }: Because): readonly string[] {
  const tone = code === 'as-it-shall-be' || code === 'queued' || code.startsWith('waits-for') ? null : 'warning';
  return [
    tone === null ? `- ${harmless(sentence)}` : toned(paper, tone, `- ${harmless(sentence)}`),
    ...(command === '' ? [] : [`    ${harmless(command)}`]),
  ];
}

const WITH_ACCESS: ReadonlySet<string> = new Set(['active', 'onLeave', 'preboarding'] satisfies Stage[]);

function explanationLines(paper: Paper, explanation: Explanation, values: boolean, now: Instant): readonly string[] {
  const { worker, connection, situation, because, facts, policy, mapping } = explanation;
  const { stage, delivery } = situation.standing;
  const zone = facts?.timeZone ?? 'UTC';
  return [
    `${toned(paper, 'bold', harmless(`worker ${worker}`))} of ${harmless(connection)}: ${stage}, delivery ${delivery}`,
    '',
    toned(paper, 'bold', 'Why'),
    ...because.flatMap((one) => becauseLines(paper, one)),
    ...factLines(paper, explanation, now),
    ...(values ? valueLines(paper, explanation) : []),
    ...groupLines(paper, explanation),
    ...storyLines(paper, explanation.entries, zone),
    ...comingLines(paper, explanation, now, policy),
    ...(WITH_ACCESS.has(stage)
      ? [
          '',
          toned(
            paper,
            'dim',
            harmless(`access must end at once: rollcall leave ${worker} --connection ${connection} --reason "…"`),
          ),
        ]
      : []),
    '',
    toned(
      paper,
      'dim',
      mapping === ''
        ? 'no mapping has been accepted yet: expressions cannot be shown'
        : `read by the archived mapping ${mapping.slice(0, 12)}${values ? '' : '; --values shows every expression and what it gave'}`,
    ),
  ];
}

function factLines(paper: Paper, { facts, situation }: Explanation, now: Instant): readonly string[] {
  if (facts === null) return ['', 'no employment is known'];
  const more = situation.employments.length - 1;
  const parts = [
    `status ${facts.status}`,
    `start ${facts.startDate ?? '–'}`,
    `last day ${facts.endDate ?? 'open'}`,
    `zone ${facts.timeZone}`,
    ...(facts.managerId === '' ? [] : [`manager ${facts.managerId}`]),
    ...(facts.endsNow ? ['ends now'] : []),
    ...(facts.inScope ? [] : ['out of scope']),
    ...(facts.absent === undefined ? [] : [`absent since ${facts.absent.since}`]),
  ];
  return [
    '',
    toned(paper, 'bold', 'What HR says'),
    harmless(`employment ${facts.id}: ${parts.join(', ')}`),
    `as of ${facts.asOf}, ${ago(facts.asOf, now)}${more > 0 ? `; ${grouped(more)} more employment(s): rollcall worker ${facts.id}` : ''}`,
  ];
}

function valueLines(paper: Paper, { attributes, targets }: Explanation): readonly string[] {
  const columns = [{ title: 'VALUE' }, { title: 'IS', flexible: true }, { title: 'FROM', flexible: true }];
  return [
    ...(attributes.length === 0
      ? []
      : [
          '',
          toned(paper, 'bold', 'Record → worker'),
          ...table(
            paper,
            columns,
            attributes.map(({ name, value, expression }) => [name, value, expression]),
          ),
        ]),
    ...targets.flatMap(({ target, trace }) => [
      '',
      toned(paper, 'bold', harmless(`Worker → account at ${target}`)),
      ...table(
        paper,
        columns,
        trace.values.map(({ path, value, because, expression }) => [path, value ?? `(${because})`, expression]),
      ),
    ]),
  ];
}

function groupLines(paper: Paper, { targets, situation }: Explanation): readonly string[] {
  return targets.flatMap(({ target, trace }) => {
    if (trace.groups.length === 0) return [];
    const has = new Set(situation.accounts.find((account) => account.target === target)?.groups ?? []);
    const rows = trace.groups.map(({ name, when, group, applies, because }) => [
      group === '' ? '–' : group,
      group === '' ? '' : has.has(group) ? 'has it' : 'not yet',
      applies && group !== ''
        ? `${when === null ? 'everybody' : when}`
        : `${because}${when === null ? '' : `: ${when}`}`,
      name,
    ]);
    return [
      '',
      toned(paper, 'bold', harmless(`Groups at ${target}`)),
      ...table(
        paper,
        [{ title: 'GROUP' }, { title: '' }, { title: 'BECAUSE', flexible: true }, { title: 'RULE', flexible: true }],
        rows,
      ),
    ];
  });
}

function storyLines(paper: Paper, entries: readonly Entry[], zone: string): readonly string[] {
  const told = story(entries);
  if (told.length === 0) return [];
  return [
    '',
    toned(paper, 'bold', 'What happened'),
    ...told.map((entry) =>
      harmless(
        `${localTime(entry.at, zone)}  ${entry.actor === 'target' ? '  ' : `${entry.actor}: `}${entrySentence(entry)}`,
      ),
    ),
  ];
}

function comingLines(
  paper: Paper,
  { situation, facts }: Explanation,
  now: Instant,
  policy: Explanation['policy'],
): readonly string[] {
  const coming = forecast(situation.standing, situation.employments, now, policy);
  if (coming.length === 0) return [];
  return [
    '',
    toned(paper, 'bold', 'What comes'),
    ...coming.map((moment) =>
      harmless(`${localTime(moment.at, facts?.timeZone ?? 'UTC')}  ${comingSentence(moment, policy)}`),
    ),
  ];
}
