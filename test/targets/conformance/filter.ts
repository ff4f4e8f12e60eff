// Filters as a service provider reads them (RFC 7644 section 3.4.2.2): comparisons, and, or, not, parentheses.
import { type Resource, ScimRefusal } from '../../support/fake-scim.ts';

export const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Comparison = (typeof COMPARISONS)[number];

export type Filter =
  | { readonly is: Comparison; readonly attribute: string; readonly value: unknown }
  | { readonly is: 'pr'; readonly attribute: string }
  | { readonly is: 'and'; readonly parts: readonly Filter[] }
  | { readonly is: 'or'; readonly parts: readonly Filter[] }
  | { readonly is: 'not'; readonly part: Filter };

/** Which comparisons a vendor answers, for each attribute, and how they may be joined. */
export interface FilterRules {
  /** `*` stands for every attribute that is not named. */
  readonly attributes: Readonly<Record<string, readonly (Comparison | 'pr')[]>>;
  readonly joins: readonly ('and' | 'or' | 'not')[];
  /** Attributes that may only stand alone. */
  readonly alone?: readonly string[];
}

const TOKENS = /\s*(?:("(?:[^"\\]|\\.)*")|([()])|([^\s()"]+))/gy;

/** @throws ScimRefusal invalidFilter for what is no filter. */
export function readFilter(text: string): Filter {
  const tokens: string[] = [];
  TOKENS.lastIndex = 0;
  let end = 0;
  for (let match = TOKENS.exec(text); match !== null; match = TOKENS.exec(text)) {
    tokens.push(match[1] ?? match[2] ?? (match[3] as string));
    end = TOKENS.lastIndex;
  }
  if (tokens.length === 0 || text.slice(end).trim() !== '') throw unreadable(text);
  const take = () => tokens.shift() ?? fail(text);
  const is = (word: string) => tokens[0]?.toLowerCase() === word;

  function joined(word: 'or' | 'and', next: () => Filter): Filter {
    const parts = [next()];
    while (is(word)) {
      take();
      parts.push(next());
    }
    return parts.length === 1 ? (parts[0] as Filter) : { is: word, parts };
  }
  const either = (): Filter => joined('or', both);
  const both = (): Filter => joined('and', one);
  function one(): Filter {
    if (is('not')) {
      take();
      if (!is('(')) throw unreadable(text);
      return { is: 'not', part: one() };
    }
    if (is('(')) {
      take();
      const inner = either();
      if (take() !== ')') throw unreadable(text);
      return inner;
    }
    const attribute = take();
    const comparison = take().toLowerCase();
    if (comparison === 'pr') return { is: 'pr', attribute };
    if (!COMPARISONS.includes(comparison as Comparison)) throw unreadable(text);
    return { is: comparison as Comparison, attribute, value: literalOf(take(), text) };
  }
  const filter = either();
  if (tokens.length > 0) throw unreadable(text);
  return filter;
}

function literalOf(token: string, text: string): unknown {
  try {
    return JSON.parse(/^(true|false)$/i.test(token) ? token.toLowerCase() : token);
  } catch {
    throw unreadable(text);
  }
}

const unreadable = (text: string) => new ScimRefusal(400, 'invalidFilter', `cannot read the filter ${text}`);
const fail = (text: string): never => {
  throw unreadable(text);
};

/** Why the vendor does not answer this filter; null when it does. */
export function against(filter: Filter, rules: FilterRules, caseExact: boolean, outermost = true): string | null {
  if (filter.is === 'and' || filter.is === 'or') {
    if (!rules.joins.includes(filter.is)) return `${filter.is} is not supported`;
    return filter.parts.map((part) => against(part, rules, caseExact, false)).find((why) => why !== null) ?? null;
  }
  if (filter.is === 'not')
    return rules.joins.includes('not') ? against(filter.part, rules, caseExact, false) : 'not is not supported';
  const bare = filter.attribute.replace(/^urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):/i, '');
  const same = (known: string) => (caseExact ? known === bare : known.toLowerCase() === bare.toLowerCase());
  const name = Object.keys(rules.attributes).find(same) ?? '*';
  if (!outermost && rules.alone?.some(same)) return `${bare} cannot be combined`;
  const comparisons = rules.attributes[name];
  if (comparisons === undefined) return `cannot filter by ${bare}`;
  return comparisons.includes(filter.is) ? null : `${filter.is} is not supported for ${bare}`;
}

/** Values that are compared with their case (RFC 7643 sections 3.1 and 4.1). */
const CASE_EXACT = ['externalId', 'id'];

export function fitsFilter(resource: Resource, filter: Filter): boolean {
  if (filter.is === 'and') return filter.parts.every((part) => fitsFilter(resource, part));
  if (filter.is === 'or') return filter.parts.some((part) => fitsFilter(resource, part));
  if (filter.is === 'not') return !fitsFilter(resource, filter.part);
  const values = valuesAt(resource, filter.attribute);
  if (filter.is === 'pr') return values.length > 0;
  const exact = CASE_EXACT.some((name) => name.toLowerCase() === filter.attribute.toLowerCase());
  const fold = (value: unknown) => (typeof value === 'string' && !exact ? value.toLowerCase() : value);
  const wanted = fold(filter.value);
  if (filter.is === 'ne') return !values.some((value) => fold(value) === wanted);
  return values.some((value) => compares(filter.is as Comparison, fold(value), wanted));
}

function compares(comparison: Comparison, value: unknown, wanted: unknown): boolean {
  if (comparison === 'eq') return value === wanted;
  if (typeof value !== 'string' || typeof wanted !== 'string') return false;
  switch (comparison) {
    case 'co':
      return value.includes(wanted);
    case 'sw':
      return value.startsWith(wanted);
    case 'ew':
      return value.endsWith(wanted);
    case 'gt':
      return value > wanted;
    case 'ge':
      return value >= wanted;
    case 'lt':
      return value < wanted;
    default:
      return value <= wanted;
  }
}

/** All values under a path such as `name.familyName`, `emails`, `emails.value`, `members`, `urn:…:User:department`. */
function valuesAt(resource: Resource, path: string): readonly unknown[] {
  const schema = Object.keys(resource).find(
    (key) => key.startsWith('urn:') && path.toLowerCase().startsWith(`${key.toLowerCase()}:`),
  );
  const parts = (schema === undefined ? path : path.slice(schema.length + 1)).split('.');
  let found: unknown[] = [schema === undefined ? resource : resource[schema]];
  for (const part of parts) found = found.flatMap((value) => memberOf(value, part));
  return found.flatMap((value) => (isElement(value) ? [value.value] : [value])).filter((value) => value !== undefined);
}

const isElement = (value: unknown): value is { readonly value: unknown } =>
  typeof value === 'object' && value !== null && 'value' in value;

function memberOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((element) => memberOf(element, name));
  if (typeof value !== 'object' || value === null) return [];
  const key = Object.keys(value).find((one) => one.toLowerCase() === name.toLowerCase());
  const member = key === undefined ? undefined : (value as Resource)[key];
  return Array.isArray(member) ? member : [member];
}
