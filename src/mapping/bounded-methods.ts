// Our own versions of the library's methods that are not bounded.
import { RE2JS } from 're2js';
import type { SyntaxNode } from './cel-syntax.ts';
import { DEAR_CALL_UNITS, LIST_MAX, type Meter, TEXT_MAX } from './meter.ts';
import { Refusal } from './refusal.ts';

export function asText(element: unknown): string {
  if (typeof element === 'string') return element;
  throw new Refusal('not-text', 'a list of texts holds something that is no text');
}

export const hasText = (element: unknown): boolean => typeof element !== 'string' || element.trim() !== '';

export function joined(list: readonly unknown[], separator: string): string {
  const texts = list.map(asText);
  const length = texts.reduce((sum, text) => sum + text.length + separator.length, 0);
  if (length > TEXT_MAX) throw new Refusal('too-long', `joined texts are longer than ${TEXT_MAX} characters`);
  return texts.join(separator);
}

/** Units that one step of a regular expression's slow path may cost, relative to touching a character. */
const REGEX_STEP_UNITS = 2;

/**
 * Methods whose library version is not bounded: quadratic searches, backtracking patterns, results of any length.
 * They are checked by the library's own signatures and evaluated here. Arguments are the receiver and the rest.
 */
export function boundedMethod(
  name: string,
  args: readonly SyntaxNode[],
  meter: Meter,
): ((values: readonly unknown[]) => unknown) | null {
  switch (name) {
    case 'contains':
      return (values) => searched(meter, values, (text, part) => text.includes(part));
    case 'indexOf':
      return (values) => searched(meter, values, (text, part, from) => BigInt(text.indexOf(part, from)));
    case 'lastIndexOf':
      return (values) =>
        searched(meter, values, (text, part, from) => BigInt(text.lastIndexOf(part, from ?? text.length)));
    case 'split':
      return (values) => searched(meter, values, (text, separator, limit) => splitUp(text, separator, limit));
    case 'join':
      return ([list, separator]) => {
        if (!Array.isArray(list)) throw new Refusal('not-list', 'join() meets something that is no list');
        return joined(list, separator === undefined ? '' : asText(separator));
      };
    case 'matches':
      return matcher(args, meter);
    default:
      return null;
  }
}

/** The engine's search is quadratic at worst: the part's length counts for every character. */
function searched<T>(
  meter: Meter,
  values: readonly unknown[],
  search: (text: string, part: string, number?: number) => T,
): T {
  const [text, part, number] = [asText(values[0]), asText(values[1]), values[2]];
  meter.charge(text.length * (1 + Math.floor(part.length / 16)));
  if (number === undefined) return search(text, part);
  if (typeof number !== 'bigint') throw new Refusal('not-number', 'a position is no whole number');
  return search(text, part, Math.max(-1, Math.min(Number(number), text.length)));
}

/** CEL's split with a limit keeps the rest in the last part; 0 gives nothing, a negative limit means none. */
function splitUp(text: string, separator: string, limit?: number): readonly string[] {
  const wanted = limit === undefined || limit < 0 ? LIST_MAX + 1 : limit;
  if (wanted === 0) return [];
  const parts: string[] = [];
  let from = 0;
  const step = Math.max(1, separator.length);
  while (parts.length < wanted - 1) {
    const at = separator === '' ? from + 1 : text.indexOf(separator, from);
    if (at < 0 || at >= text.length + (separator === '' ? 0 : 1)) break;
    parts.push(text.slice(from, at));
    from = separator === '' ? at : at + step;
  }
  if (separator !== '' || from < text.length) parts.push(text.slice(from));
  if (parts.length > LIST_MAX) throw new Refusal('too-long', `split() gives more than ${LIST_MAX} parts`);
  return parts;
}

function matcher(args: readonly SyntaxNode[], meter: Meter): (values: readonly unknown[]) => boolean {
  const pattern = RE2JS.compile(String(args[0]?.args));
  const units = 1 + Math.ceil(pattern.programSize() * REGEX_STEP_UNITS);
  return ([text]) => {
    const subject = asText(text);
    meter.charge(DEAR_CALL_UNITS + subject.length * units);
    return pattern.test(subject);
  };
}
