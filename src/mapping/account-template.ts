// The `user:` section as a template: a tree of SCIM attributes with expressions in its leaves. It knows every flattened
// path it can write, which of them are sent once, and which keep what the target has.
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Binder } from './binder.ts';
import { accountValueSchema } from './connection-schema.ts';
import type { Dialect, Expression, Value } from './expression.ts';
import { suggestion } from './suggestion.ts';
import { UniqueName } from './user-name.ts';
import type { YamlPath } from './yaml-tree.ts';

interface Options {
  readonly apply: 'always' | 'onCreate';
  readonly blank: 'remove' | 'keep';
}

export interface Leaf {
  /** Flattened, as account-changes has it. A list with an element of unknown type is one path. */
  readonly path: string;
  readonly expression: Expression;
  readonly options: Options;
}

export type Template =
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Template])[] }
  | { readonly kind: 'list'; readonly elements: readonly Template[] };

/** Members of a user that the planner sets itself. */
const OURS: Readonly<Record<string, string>> = {
  active: 'the lifecycle sets it',
  groups: 'use groups beside user',
  id: 'the target gives it',
  meta: 'the target gives it',
  schemas: 'they follow from the attributes',
  manager: 'it follows from worker.managerId',
};
/** These are read apart: they are no plain attributes. */
const APART = new Set(['userName', 'externalId']);

const NAME = /^[A-Za-z$][\w$-]*$/;
const URN = /^urn:[a-z0-9][a-z0-9-]{0,31}:[\w.:-]+$/i;
/** User, complex attribute or extension, element, member. */
const DEPTH_MAX = 4;
const LEAVES_MAX = 300;

const LEAF_TYPES = ['text', 'bool', 'int', 'double', 'texts'] as const;
/** What joins a member's name to the path so far; null where the path stays as it is. */
type Joint = '.' | ':' | null;
const NO_OPTIONS: Options = { apply: 'always', blank: 'remove' };

export interface AccountTemplate {
  readonly root: Template & { readonly kind: 'object' };
  readonly leaves: readonly Leaf[];
  /** Paths of all leaves, those with faults too. */
  readonly paths: readonly string[];
}

export function accountTemplate(binder: Binder, path: YamlPath, dialect: Dialect): AccountTemplate {
  const reading = new TemplateReading(binder, dialect);
  const members: (readonly [string, Template])[] = [];
  for (const name of binder.names(path)) {
    if (APART.has(name)) continue;
    const template = reading.member([...path, name], name, '', '.', NO_OPTIONS, 1);
    if (template !== null) members.push([name, template]);
  }
  return { root: { kind: 'object', members }, leaves: reading.leaves, paths: [...reading.paths] };
}

class TemplateReading {
  readonly leaves: Leaf[] = [];
  readonly paths = new Set<string>();
  private readonly binder: Binder;
  private readonly dialect: Dialect;

  constructor(binder: Binder, dialect: Dialect) {
    this.binder = binder;
    this.dialect = dialect;
  }

  member(path: YamlPath, name: string, prefix: string, joint: Joint, options: Options, depth: number): Template | null {
    const known = Object.keys(OURS).find((one) => one.toLowerCase() === name.toLowerCase());
    // `manager` and the others are reserved at the top and in extensions, where SCIM has them.
    if (known !== undefined && (prefix === '' || (known === 'manager' && joint === ':'))) {
      this.binder.faultAtKey(path, 'mapping.attribute', `"${name}" cannot be mapped`, OURS[known]);
      return null;
    }
    if (!(prefix === '' && URN.test(name)) && !NAME.test(name)) {
      this.binder.faultAtKey(
        path,
        'mapping.attribute',
        `"${name}" is no name of an attribute`,
        'letters, digits, _ and -, or a urn: at the top',
      );
      return null;
    }
    if (joint === null) return this.value(path, prefix, null, options, depth);
    const flat = prefix === '' ? name : `${prefix}${joint}${name}`;
    return this.value(path, flat, URN.test(name) ? ':' : '.', options, depth);
  }

  private value(path: YamlPath, flat: string, joint: Joint, options: Options, depth: number): Template | null {
    const raw = this.binder.at(path);
    if (depth > DEPTH_MAX) {
      this.binder.fault(
        path,
        'mapping.attribute',
        'attributes are not nested this deeply',
        'SCIM has attributes, members and no more',
      );
      return null;
    }
    if (raw === null || raw === undefined) {
      this.binder.fault(path, 'mapping.value', `${flat} is empty`, `a blank text is '""'`);
      return null;
    }
    if (Array.isArray(raw)) return this.list(path, flat, joint, raw.length, options, depth);
    if (typeof raw !== 'object') return this.leaf(path, flat, options);
    if (Object.hasOwn(raw, 'apply') || Object.hasOwn(raw, 'blank'))
      return this.withOptions(path, flat, joint, raw, depth);
    const members: (readonly [string, Template])[] = [];
    for (const name of this.binder.names(path)) {
      const template = this.member([...path, name], name, flat, joint, options, depth + 1);
      if (template !== null) members.push([name, template]);
    }
    return { kind: 'object', members };
  }

  private withOptions(path: YamlPath, flat: string, joint: Joint, raw: object, depth: number): Template | null {
    for (const name of Object.keys(raw)) {
      if (Object.hasOwn(accountValueSchema.shape, name)) continue;
      const hint = `with apply or blank, the value itself stands under value; ${suggestion(name, Object.keys(accountValueSchema.shape))}`;
      this.binder.faultAtKey(
        [...path, name],
        'mapping.unknown-key',
        `unknown key "${name}" beside apply and blank`,
        hint,
      );
    }
    const options = { ...NO_OPTIONS };
    const given = raw as { apply?: unknown; blank?: unknown };
    if (given.apply === 'onCreate' || given.apply === 'always') options.apply = given.apply;
    else if (given.apply !== undefined)
      this.binder.fault([...path, 'apply'], 'mapping.value', 'apply must be: always | onCreate');
    if (given.blank === 'remove' || given.blank === 'keep') options.blank = given.blank;
    else if (given.blank !== undefined)
      this.binder.fault([...path, 'blank'], 'mapping.value', 'blank must be: remove | keep');
    if (!Object.hasOwn(raw, 'value')) {
      this.binder.fault(
        path,
        'mapping.missing',
        `${flat} has options but no value`,
        'write the expression under value',
      );
      return null;
    }
    return this.value([...path, 'value'], flat, joint, options, depth);
  }

  /** Elements have paths of their own where each has a type of its own; else they cannot be told apart and the list is one value. */
  private list(path: YamlPath, flat: string, joint: Joint, length: number, options: Options, depth: number): Template {
    const types = Array.from({ length }, (_, index) => this.literalType([...path, index]));
    const typed = joint !== null && !types.includes(null) && new Set(types).size === types.length;
    const elements: Template[] = [];
    for (let index = 0; index < length; index++) {
      const inner = typed ? `${flat}[${types[index]}]` : flat;
      const template = this.value([...path, index], inner, typed ? '.' : null, options, depth + 1);
      if (template !== null) elements.push(template);
    }
    return { kind: 'list', elements };
  }

  /** The type of an element where it is a quoted text; such elements have paths of their own. */
  private literalType(path: YamlPath): string | null {
    const text = this.binder.textAt([...path, 'type']);
    const match = text === null ? null : /^\s*(?:"([^"\\]+)"|'([^'\\]+)')\s*$/.exec(text);
    const type = match?.[1] ?? match?.[2] ?? null;
    return type === null || /[[\]".]/.test(type) ? null : type;
  }

  private leaf(path: YamlPath, flat: string, options: Options): Template | null {
    this.paths.add(flat);
    const expression = this.binder.expression(path, this.dialect, LEAF_TYPES);
    if (expression === null) return null;
    const usesPassword = expression.text.includes('randomPassword');
    if (usesPassword && (expression.root.op !== 'call' || options.apply !== 'onCreate')) {
      const hint = '{ value: randomPassword(), apply: onCreate }';
      this.binder.fault(path, 'mapping.expression', 'a random password stands alone and is sent on create only', hint);
      return null;
    }
    if (this.leaves.length >= LEAVES_MAX) {
      this.binder.fault(path, 'mapping.attribute', `an account has more than ${LEAVES_MAX} mapped values`);
      return null;
    }
    const leaf: Leaf = { path: flat, expression, options };
    this.leaves.push(leaf);
    return { kind: 'leaf', leaf };
  }
}

/** @param read the value of a leaf; undefined where it is blank. Blank members, elements and objects are left out. */
export function filled(
  root: Template & { readonly kind: 'object' },
  read: (leaf: Leaf) => Value | undefined,
): JsonObject {
  return (objectOf(root.members, read) ?? {}) as JsonObject;
}

function jsonValueOf(template: Template, read: (leaf: Leaf) => Value | undefined): JsonValue | undefined {
  if (template.kind === 'leaf') return jsonOf(read(template.leaf));
  if (template.kind === 'object') return objectOf(template.members, read);
  const elements: JsonValue[] = [];
  for (const element of template.elements) {
    const value = element.kind === 'object' ? elementOf(element.members, read) : jsonValueOf(element, read);
    if (value !== undefined) elements.push(value);
  }
  return elements.length === 0 ? undefined : elements;
}

function objectOf(
  members: readonly (readonly [string, Template])[],
  read: (leaf: Leaf) => Value | undefined,
): JsonObject | undefined {
  const object: Record<string, JsonValue> = {};
  let some = false;
  for (const [name, template] of members) {
    const value = jsonValueOf(template, read);
    if (value === undefined) continue;
    object[name] = value;
    some = true;
  }
  return some ? object : undefined;
}

/** Members that say of which kind an element is, not what it holds. */
const KIND_MEMBERS = new Set(['type', 'primary', 'display']);

/** An element whose `value` is blank vanishes; one without `value` (an address) when nothing but its kind is left. */
function elementOf(
  members: readonly (readonly [string, Template])[],
  read: (leaf: Leaf) => Value | undefined,
): JsonObject | undefined {
  const object = objectOf(members, read);
  if (object === undefined) return undefined;
  if (members.some(([name]) => name === 'value')) return object.value === undefined ? undefined : object;
  return Object.keys(object).some((name) => !KIND_MEMBERS.has(name)) ? object : undefined;
}

function jsonOf(value: Value | undefined): JsonValue | undefined {
  if (value === undefined || value instanceof UniqueName) return undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  if (typeof value !== 'object') return value;
  const texts = value.map((text) => text.trim()).filter((text) => text !== '');
  return texts.length === 0 ? undefined : texts;
}
