// A vendor's template as a first connection file: what is the company's own is put in, or marked.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../base/problem.ts';
import type { Proposal } from '../mapping/proposal/propose.ts';
import { suggestion } from '../mapping/suggestion.ts';

export const TEMPLATES = join(import.meta.dirname, '..', '..', 'mappings', 'templates');

export interface TemplateOptions {
  readonly name: string;
  readonly target?: string;
  readonly profile?: string;
  readonly timeZone?: string;
}

/** Names of systems with a template. */
export const templateNames = (): readonly string[] =>
  readdirSync(TEMPLATES)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();

/** What stands in a template for the company's own. */
const STANDS_FOR = /\bacme\b|example\.com/;

/** @throws Problem where there is no such template. */
export function fromTemplate(preset: string, { name, target, profile, timeZone }: TemplateOptions): Proposal {
  const names = templateNames();
  if (!names.includes(preset)) {
    throw new Problem({
      code: 'usage.preset',
      message: `there is no template for ${preset}`,
      hint: `${suggestion(preset, names)}; without one give a sample`,
    });
  }
  const lines = readFileSync(join(TEMPLATES, `${preset}.yaml`), 'utf8')
    .trimEnd()
    .split('\n');
  const put = (pattern: RegExp, value: string, from = 0): void => {
    const at = lines.findIndex((line, index) => index >= from && pattern.test(line));
    const line = lines[at];
    if (line !== undefined) lines[at] = line.replace(pattern, (_, head: string) => `${head}${value}`);
  };
  put(/^(connection: ).*$/, name);
  if (timeZone !== undefined) put(/^(timeZone: ).*$/, timeZone);
  const targets = lines.indexOf('targets:');
  if (target !== undefined) put(/^(\s+baseUrl: ).*$/, JSON.stringify(target), targets);
  if (profile !== undefined) put(/^(\s+kind: scim)\s*$/, `\n    profile: ${profile}`, targets);
  const told = lines.join('\n').split('\n');
  const doubts = told.flatMap((line, index) => {
    const key = /^\s*(?:- )?"?([\w-]+)"?:/.exec(line)?.[1];
    if (key === undefined || line.startsWith('#')) return [];
    if (key === 'timeZone' && timeZone === undefined && !line.startsWith(' '))
      return [{ key, line: index + 1, text: 'of the template: write the zone in which HR means its dates' }];
    const value = line.replace(/\s#.*$/, '');
    return STANDS_FOR.test(value) ? [{ key, line: index + 1, text: `stands for your own: ${value.trim()}` }] : [];
  });
  return { text: `${told.join('\n')}\n`, doubts };
}
