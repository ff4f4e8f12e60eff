// What `help mapping` prints, made from the schema: it cannot be out of date.
import type { z } from 'zod';
import { accountValueSchema, connectionSchema } from './connection-schema.ts';
import { elementOf, keysOf, metaOf, typeWords } from './schema-shape.ts';

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
  collect(key, schema, entries);
}
