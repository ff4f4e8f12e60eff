// What `help mapping` prints, made from the schema: it cannot be out of date.
import type { z } from 'zod';
import { accountValueSchema, connectionSchema } from './connection-schema.ts';
import { elementOf, keysOf, kindsOf, metaOf, typeWords } from './schema-shape.ts';

export interface KeyHelp {
  /** `targets[].groups[].name`; `*` stands for a name of one's own. */
  readonly key: string;
  readonly type: string;
  /** As YAML would have it; '' where there is none, `required` where the key must be given. */
  readonly default: string;
  readonly expression: boolean;
  readonly description: string;
}

export function mappingHelp(): readonly KeyHelp[] {
  const entries: KeyHelp[] = [];
  collect('', connectionSchema, entries);
  const value = entries.findIndex((entry) => entry.key === 'targets[].user.*');
  const options: KeyHelp[] = [];
  collect('targets[].user.*', accountValueSchema, options);
  const at = value < 0 ? entries.length : value + 1;
  return [...entries.slice(0, at).map(withExpression), ...options.map(withExpression), ...entries.slice(at)];
}

/** Values of an account are trees with expressions in their leaves, which the schema leaves open. */
const withExpression = (entry: KeyHelp): KeyHelp =>
  entry.key === 'targets[].user.*' || entry.key === 'targets[].user.*.value'
    ? {
        ...entry,
        type: 'expression, members or list',
        expression: true,
        description: entry.description || 'A SCIM attribute.',
      }
    : entry;

function collect(prefix: string, schema: z.ZodType, entries: KeyHelp[]): void {
  const kinds = kindsOf(schema);
  if (kinds !== null) {
    collectKinds(prefix, kinds, entries);
    return;
  }
  const keys = keysOf(schema);
  if (keys !== null) {
    for (const [name, inner] of Object.entries(keys)) add(prefix === '' ? name : `${prefix}.${name}`, inner, entries);
    return;
  }
  const element = elementOf(schema);
  if (element === null) return;
  const key = element.list ? `${prefix}[]` : `${prefix}.*`;
  if (element.list && keysOf(element.schema) !== null) collect(key, element.schema, entries);
  else if (!element.list) add(key, element.schema, entries);
}

/** Each key once, with the kinds that have it and what it is for in each of them. */
function collectKinds(prefix: string, kinds: NonNullable<ReturnType<typeof kindsOf>>, entries: KeyHelp[]): void {
  for (const name of new Set(kinds.flatMap(({ keys }) => Object.keys(keys)))) {
    const having = kinds.flatMap(({ kind, keys }) => (keys[name] === undefined ? [] : [{ kind, schema: keys[name] }]));
    const [first] = having;
    if (first === undefined) continue;
    const at = entries.length;
    add(`${prefix}.${name}`, first.schema, entries);
    const entry = entries[at];
    if (having.length < kinds.length && entry !== undefined) entries[at] = { ...entry, description: meaningIn(having) };
  }
}

function meaningIn(having: readonly { readonly kind: string; readonly schema: z.ZodType }[]): string {
  const kindsByMeaning = new Map<string, string[]>();
  for (const { kind, schema } of having) {
    const { description } = metaOf(schema);
    kindsByMeaning.set(description, [...(kindsByMeaning.get(description) ?? []), kind]);
  }
  return [...kindsByMeaning].map(([meaning, kinds]) => `${kinds.join(', ')}: ${meaning}`).join(' ');
}

function add(key: string, schema: z.ZodType, entries: KeyHelp[]): void {
  const { description, expression, default: byDefault, optional } = metaOf(schema);
  const needed = optional || key.endsWith('*') ? byDefault : 'required';
  const listed = elementOf(schema);
  entries.push({
    key,
    type: typeWords(schema),
    default: needed,
    expression: expression || (listed !== null && metaOf(listed.schema).expression),
    description,
  });
  // A section that stands elsewhere in full is named, not repeated.
  const { keysElsewhere } = (schema.meta() ?? {}) as { keysElsewhere?: boolean };
  if (keysElsewhere !== true) collect(key, schema, entries);
}
