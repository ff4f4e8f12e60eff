// The functions of the mapping language on top of standard CEL. Nothing here returns null, sees a clock or the network.
import { Environment } from '@marcbachmann/cel-js';
import { RANDOM_PASSWORD } from '../base/password-marker.ts';
import { asText, hasText, joined } from './bounded-methods.ts';
import { type Evaluator, isOptional, type SyntaxNode } from './cel-syntax.ts';
import { type DayReader, dayReader, isoDay, writtenInstant } from './date-text.ts';
import { DEAR_CALL_UNITS, LIST_MAX, type Meter } from './meter.ts';
import { Refusal } from './refusal.ts';
import { slug, transliterated } from './slug.ts';
import { SUFFIX_MAX, UniqueName } from './user-name.ts';

export type Tables = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Bounds on the expression itself; bounds on its evaluation are the meter's. */
export const EXPRESSION_LENGTH_MAX = 4_000;
const AST_NODES_MAX = 400;
const DEPTH_MAX = 40;
const COALESCE_MAX = 12;
/** Longest word that is shown in the reason of a rejection. */
const WORD_SHOWN_MAX = 40;

export function celEnvironment(tables: Tables, timeZone: string, meter: Meter): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: {
      maxAstNodes: AST_NODES_MAX,
      maxDepth: DEPTH_MAX,
      maxListElements: LIST_MAX,
      maxMapEntries: LIST_MAX,
      maxCallArguments: COALESCE_MAX,
    },
  });
  const define = (signature: string, handler: (...args: never[]) => unknown): void => {
    environment.registerFunction(signature, handler as (...args: unknown[]) => unknown, { async: false } as object);
  };

  const paid = (text: string): string => {
    meter.charge(DEAR_CALL_UNITS + text.length);
    return text;
  };

  define('lookup(string, string): string', (table: string, key: string) => {
    const found = tables.get(table)?.get(key.trim());
    if (found !== undefined) return found;
    throw new Refusal('lookup', `table "${table}" has no entry for ${shown(key)}`);
  });
  define('lookup(string, string, string): string', (table: string, key: string, otherwise: string) => {
    return tables.get(table)?.get(key.trim()) ?? otherwise;
  });

  const readers = new Map<string, DayReader>();
  define('date(string): string', (text: string) => day(isoDay, paid(text), 'yyyy-MM-dd'));
  define('date(string, string): string', (text: string, form: string) => {
    let reader = readers.get(form);
    if (reader === undefined) {
      const built = dayReader(form);
      if ('problem' in built) throw new Refusal('date', `"${form}" is no form of a date`);
      reader = built.reader;
      readers.set(form, reader);
    }
    return day(reader, paid(text), form);
  });
  define('instant(string): string', (text: string) => {
    const instant = writtenInstant(paid(text), timeZone);
    if (instant === null)
      throw new Refusal('instant', 'a moment is not written as 2026-03-01T09:30:00+01:00 or 2026-03-01');
    return instant;
  });

  define('slug(string): string', (text: string) => slug(paid(text)));
  define('transliterate(string): string', (text: string) => transliterated(paid(text)));
  define('lower(string): string', (text: string) => text.toLowerCase());
  define('upper(string): string', (text: string) => text.toUpperCase());
  define('trim(string): string', (text: string) => text.trim());
  define('join(list, string): string', (list: unknown[], separator: string) => joined(list.filter(hasText), separator));
  environment.registerType('UniqueName', UniqueName);
  define('unique(list, string): UniqueName', (stems: unknown[], suffix: string) => {
    if (suffix.length > SUFFIX_MAX)
      throw new Refusal('suffix', `the suffix of userName is longer than ${SUFFIX_MAX} characters`);
    return new UniqueName(stems.map(asText), suffix);
  });
  define('randomPassword(): string', () => RANDOM_PASSWORD);
  for (let count = 1; count <= COALESCE_MAX; count++) {
    define(`coalesce(${Array(count).fill('ast').join(', ')}): string`, coalesceMacro(meter));
  }
  return environment;
}

function day(reader: DayReader, text: string, form: string): string {
  const found = reader(text);
  if (found === null) throw new Refusal('date', `a date is not a real day in the form ${form}`);
  return found;
}

/** The words HR uses, cut to a length and quoted so that no control character reaches a log. */
export const shown = (word: string): string =>
  JSON.stringify(word.length > WORD_SHOWN_MAX ? `${word.slice(0, WORD_SHOWN_MAX)}…` : word);

interface Checker {
  check(node: SyntaxNode, context: unknown): { kind: string; name: string; valueType?: { kind: string; name: string } };
  getType(name: string): unknown;
  createError(code: string, message: string, node: SyntaxNode): Error;
}
/** A macro, because a member that is not there throws before a function would be called; functions cannot be variadic either. */
const coalesceMacro =
  (meter: Meter) =>
  ({ args }: { args: readonly SyntaxNode[] }) => ({
    args,
    async: false,
    typeCheck(checker: Checker, macro: { args: readonly SyntaxNode[] }, context: unknown) {
      for (const arg of macro.args) {
        const checked = checker.check(arg, context);
        const type = checked.kind === 'optional' ? checked.valueType : checked;
        if (type?.name === 'string' || type?.kind === 'dyn') continue;
        throw checker.createError('no_matching_overload', `coalesce() takes texts, got '${checked.name}'`, arg);
      }
      return checker.getType('string');
    },
    evaluate(evaluator: Evaluator, macro: { args: readonly SyntaxNode[] }, context: unknown): string {
      for (const arg of macro.args) {
        const value = valueIfThere(evaluator, arg, context, meter);
        if (typeof value !== 'string') {
          if (value === undefined) continue;
          throw new Refusal('not-text', 'coalesce() meets something that is no text');
        }
        if (value.trim() !== '') return value;
      }
      return '';
    },
  });

function valueIfThere(evaluator: Evaluator, node: SyntaxNode, context: unknown, meter: Meter): unknown {
  try {
    const value = evaluator.run(node, context);
    return isOptional(value) ? value.orValue(undefined) : value;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'no_such_key') throw error;
    meter.forgottenError();
    return undefined;
  }
}
