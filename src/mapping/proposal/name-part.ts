// The names of a worker: in two columns, or taken apart from one.
import type { Choice } from './choice.ts';
import { type Setting, yamlText } from './file-text.ts';
import { nameOf, type SampleColumn } from './sample-columns.ts';

export interface NameParts {
  /** Attributes for the `worker:` section. */
  readonly settings: readonly Setting[];
  readonly given: boolean;
  readonly family: boolean;
  readonly full: boolean;
}

export function nameParts(choice: Choice): NameParts {
  const given = choice.take('givenName');
  const family = choice.take('familyName');
  const preferred = choice.take('preferredName');
  const middle = choice.take('middleName');
  const full = choice.take('fullName');
  const settings: Setting[] = [];
  const taken = full === null || (given !== null && family !== null) ? null : takenApart(full.column);
  if (given !== null)
    settings.push({ key: 'givenName', value: yamlText(preferredFirst(preferred?.column ?? null, given.column)) });
  else if (taken !== null) settings.push({ key: 'givenName', value: yamlText(taken.given), unsure: [taken.doubt] });
  if (middle !== null) settings.push({ key: 'middleName', value: yamlText(middle.column.expression) });
  if (family !== null) settings.push({ key: 'familyName', value: yamlText(family.column.expression) });
  else if (taken !== null) settings.push({ key: 'familyName', value: yamlText(taken.family) });
  if (full !== null && taken === null) settings.push({ key: 'fullName', value: yamlText(full.column.expression) });
  const has = (key: string): boolean => settings.some((setting) => setting.key === key);
  return { settings, given: has('givenName'), family: has('familyName'), full: has('fullName') };
}

const preferredFirst = (preferred: SampleColumn | null, given: SampleColumn): string =>
  preferred === null ? given.expression : `coalesce(${preferred.expression}, ${given.expression})`;

/** Names in one column are parted at the comma where nearly all have one, else at the first blank. */
function takenApart(column: SampleColumn): { readonly given: string; readonly family: string; readonly doubt: string } {
  const name = column.expression;
  const commas = [...column.distinct].filter((value) => value.includes(',')).length;
  const before = (sign: string): string =>
    `${name}.contains("${sign}") ? ${name}.substring(0, ${name}.indexOf("${sign}")) : ${name}`;
  const after = (sign: string): string =>
    `${name}.contains("${sign}") ? ${name}.substring(${name}.indexOf("${sign}") + 1, size(${name})) : ""`;
  return commas >= column.distinct.size / 2
    ? { given: after(','), family: before(','), doubt: `"${nameOf(column)}" holds both names, parted at the comma` }
    : {
        given: before(' '),
        family: after(' '),
        doubt: `"${nameOf(column)}" holds both names, parted at the first blank, which is wrong for some`,
      };
}
