// What the schema says of itself: which keys an object has, what a key takes, what stands there by default.
import type { z } from 'zod';

/** The part of zod's description of itself that is used here. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  /** The key by which the options of a union are told apart. */
  readonly discriminator?: string;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly in?: z.ZodType;
  readonly defaultValue?: unknown;
}

const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition;

export interface KeyMeta {
  readonly description: string;
  readonly expression: boolean;
  /** JSON text; '' for a key without default. */
  readonly default: string;
  readonly optional: boolean;
}

/** Description, default and kind of a key, however it is wrapped. */
export function metaOf(schema: z.ZodType): KeyMeta {
  let description = '';
  let expression = false;
  let byDefault = '';
  let optional = false;
  for (let current: z.ZodType | undefined = schema; current !== undefined; current = innerOf(current)) {
    const definition = definitionOf(current);
    const meta = current.meta() as { description?: string; expression?: boolean } | undefined;
    if (description === '') description = meta?.description ?? '';
    expression ||= meta?.expression === true;
    if (definition.type === 'optional') optional = true;
    if (definition.type === 'default') byDefault = JSON.stringify(definition.defaultValue);
    if (definition.type === 'default' || definition.type === 'prefault') optional = true;
  }
  return { description, expression, default: byDefault, optional };
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  const definition = definitionOf(schema);
  return definition.type === 'pipe' ? definition.in : definition.innerType;
}

/** Without optional, default, nullable and transform around it. */
export function bare(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema);
  return inner === undefined ? schema : bare(inner);
}

/** The keys of an object, as they are written; null for anything else. A union speaks through its object, or through all of them. */
export function keysOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | null {
  const definition = definitionOf(bare(schema));
  if (definition.type === 'object') return definition.shape ?? null;
  const kinds = kindsOf(schema);
  if (kinds !== null) return Object.assign({}, ...kinds.map(({ keys }) => keys).toReversed());
  for (const option of definition.options ?? []) {
    const keys = keysOf(option);
    if (keys !== null) return keys;
  }
  return null;
}

/** The kinds of a section whose keys depend on one of them, each with its keys; null for anything else. */
export function kindsOf(
  schema: z.ZodType,
): readonly { readonly kind: string; readonly keys: Readonly<Record<string, z.ZodType>> }[] | null {
  const { discriminator, options = [] } = definitionOf(bare(schema));
  if (discriminator === undefined) return null;
  return options.map((option) => {
    const keys = keysOf(option) ?? {};
    const named = keys[discriminator];
    return { kind: named === undefined ? '' : bareWords(bare(named)), keys };
  });
}

/** The schema of the elements of a list or of the values of an open record; null for anything else. */
export function elementOf(schema: z.ZodType): { readonly schema: z.ZodType; readonly list: boolean } | null {
  const definition = definitionOf(bare(schema));
  if (definition.type === 'array' && definition.element !== undefined)
    return { schema: definition.element, list: true };
  if (definition.type === 'record' && definition.valueType !== undefined)
    return { schema: definition.valueType, list: false };
  return null;
}

/** The schema of what stands at a path; null where there is none. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | null {
  let current: z.ZodType | null = schema;
  for (const part of path) {
    if (current === null) return null;
    const keys: Readonly<Record<string, z.ZodType>> | null = keysOf(current);
    current = keys?.[String(part)] ?? elementOf(current)?.schema ?? null;
  }
  return current;
}

/** What a key takes, in words: `text`, `number`, `keep | disable`, `list of texts`. */
export function typeWords(schema: z.ZodType): string {
  if (metaOf(schema).expression) return 'expression';
  const { words } = (schema.meta() ?? {}) as { words?: string };
  if (words !== undefined) return words;
  const nullable = definitionsOf(schema).some((definition) => definition.type === 'nullable');
  return `${bareWords(bare(schema))}${nullable ? ' | null' : ''}`;
}

function definitionsOf(schema: z.ZodType): readonly Definition[] {
  const inner = innerOf(schema);
  return [definitionOf(schema), ...(inner === undefined ? [] : definitionsOf(inner))];
}

function bareWords(schema: z.ZodType): string {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'string':
      return 'text';
    case 'number':
      return 'number';
    case 'boolean':
      return 'true | false';
    case 'enum':
      return Object.keys(definition.entries ?? {}).join(' | ');
    case 'literal':
      return (definition.values ?? []).join(' | ');
    case 'union':
      if (definition.discriminator !== undefined) return 'section';
      return (definition.options ?? []).map(typeWords).join(' | ');
    case 'array':
      return `list of ${definition.element === undefined ? 'values' : typeWords(definition.element)}`;
    case 'record':
      return `names with ${definition.valueType === undefined ? 'values' : typeWords(definition.valueType)}`;
    case 'object':
      return 'section';
    default:
      return 'any';
  }
}
