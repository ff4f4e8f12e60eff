// Documents that are made from code, so that they cannot be out of date.
import type { OutcomeClass } from '../../src/lifecycle/outcome.ts';
import { mappingHelp } from '../../src/mapping/help.ts';
import { OUTCOME_TABLE, type OutcomeRow } from '../../src/targets/scim/outcome-table.ts';

const MADE =
  '<!-- Made from the code: change it there, then run `UPDATE_GOLDEN=1 npx vitest run test/docs.test.ts`. -->';

/** What follows from each class; a class without a sentence does not compile. */
const CLASSES: Readonly<Record<OutcomeClass, string>> = {
  done: 'The effect stands; the operation is over. A disable is done only when the account has been read back inactive.',
  accepted: 'Taken in, not applied yet. The target is asked afterwards what stands there; its answer decides.',
  retry: 'Tried again with full jitter: within 2 s first, then up to 5 minutes apart, leavers at most 60 s.',
  ambiguous: 'As `retry`, and looked up by externalId, then userName, before anything is written again.',
  refreshCredentials: 'Our credentials are not accepted: the target as a whole pauses, secrets are read again.',
  conflict:
    'The holder is looked up: our own lost write counts as done, a proven stranger leads to the next userName, else failed.',
  gone: 'A disable settles when a look-up finds nobody; any other operation has failed.',
  permanent: 'Failed at once, with the target’s own words. A leaver stays failed *and* is tried every 15 minutes.',
  targetDown: 'The target as a whole pauses; no operation loses an attempt.',
};

const cell = (text: string): string => text.replaceAll('|', '\\|');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function answerOf({ status, scimType, faults }: OutcomeRow): string {
  if (faults === '*') return 'any other transport fault';
  if (faults !== undefined) return faults.map((code) => `\`${code}\``).join(', ');
  const statuses = status === undefined ? '' : typeof status === 'number' ? `${status}` : statusRange(status);
  return scimType === undefined ? statuses : `${statuses} with scimType \`${scimType}\``;
}

const statusRange = ([low, high]: readonly [number, number]): string => (low === high ? `${low}` : `${low} to ${high}`);

export function outcomesDocument(): string {
  return `# What a target's answer means

${MADE}

Each answer to a SCIM request has one class. The first row that fits decides; the last rows fit everything. \`read\` asks for one
resource, \`search\` for a list, \`create\` is a POST, \`write\` a PATCH or PUT. An answer that *counts* is about the operation itself:
after 8 of them it has failed, is shown by \`rollcall status\`, and blocks nobody else. Answers that do not count are about the target.

${[row(['answer', 'to', 'class', 'counts', 'why']), row(['---', '---', '---', '---', '---'])].join('\n')}
${OUTCOME_TABLE.map((one) => row([answerOf(one), one.on?.join(', ') ?? 'everything', one.class, one.counts ? 'yes' : 'no', one.why])).join('\n')}

## What follows from a class

${[row(['class', 'then']), row(['---', '---'])].join('\n')}
${Object.entries(CLASSES)
  .map(([name, sentence]) => row([name, sentence]))
  .join('\n')}
`;
}

export function mappingDocument(): string {
  const keys = mappingHelp();
  return `# Every key of a connection file

${MADE}

\`rollcall help mapping\` prints the same. A key marked *expression* holds CEL; everything else is a literal. Unknown keys are errors.
In keys, \`[]\` stands for each element of a list and \`*\` for a name of your own.

${[row(['key', 'type', 'default', 'meaning']), row(['---', '---', '---', '---'])].join('\n')}
${keys
  .map(({ key, type, default: byDefault, expression, description }) =>
    row([
      `\`${key}\``,
      expression && !type.includes('expression') ? `${type} (expression)` : type.replace('expression', '*expression*'),
      byDefault === '' || byDefault === 'required' ? byDefault : `\`${byDefault}\``,
      description,
    ]),
  )
  .join('\n')}
`;
}
