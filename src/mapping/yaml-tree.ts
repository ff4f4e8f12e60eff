// A connection file as plain values that remember where they stand. YAML's own faults are found here: syntax, duplicate
// keys, tabs, tags, alias bombs, keys that could reach a prototype.
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';
import type { Fault, Place } from '../base/problem.ts';

export type YamlPath = readonly (string | number)[];

/** Longest connection file, in characters. */
const FILE_LENGTH_MAX = 1_000_000;
/** Most values in one file, aliases counted each time they are used: a bomb of aliases ends here. */
const VALUES_MAX = 20_000;
const DEPTH_MAX = 30;
/** Faults of one kind that are still worth reading. */
const YAML_FAULTS_MAX = 20;

export interface YamlTree {
  /** Objects have no prototype. Undefined for an empty file. */
  readonly value: unknown;
  /** Where the value at the path stands, or the nearest value around it; `offset` counts characters into a text. */
  readonly place: (path: YamlPath, offset?: number) => Place;
  /** Where the key itself stands. */
  readonly keyPlace: (path: YamlPath) => Place;
  readonly has: (path: YamlPath) => boolean;
}

export function readYamlTree(
  file: string,
  text: string,
): { readonly tree: YamlTree } | { readonly faults: readonly Fault[] } {
  if (text.length > FILE_LENGTH_MAX) {
    return {
      faults: [
        { code: 'mapping.yaml', message: `the file is longer than ${FILE_LENGTH_MAX} characters`, place: { file } },
      ],
    };
  }
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.max(0, offset));
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      version: '1.2',
      prettyErrors: false,
      strict: true,
      uniqueKeys: sameKey,
    });
  } catch {
    // The composer is recursive: only nesting beyond all reason makes it throw.
    return { faults: [{ code: 'mapping.yaml', message: 'the file is nested too deeply to be read', place: { file } }] };
  }
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    return { faults: problems.slice(0, YAML_FAULTS_MAX).map((problem) => yamlFault(problem, at(problem.pos[0]))) };
  }
  const reading = new Reading(document, text, at);
  const value = document.contents === null ? undefined : reading.read(document.contents as Node, [], null);
  return reading.faults.length > 0 ? { faults: reading.faults } : { tree: reading.tree(value) };
}

/** Keys as they are written: `01` and `1` are two words of HR. */
const keyText = (key: unknown): string | null =>
  !isScalar(key) ? null : typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
const sameKey = (a: unknown, b: unknown): boolean => a === b || (keyText(a) !== null && keyText(a) === keyText(b));

function yamlFault(problem: { code: string; message: string }, place: Place): Fault {
  const hints: Readonly<Record<string, string>> = {
    TAB_AS_INDENT: 'indent with blanks',
    DUPLICATE_KEY: 'each key may stand only once',
    MULTIPLE_DOCS: 'one file holds one connection: remove the --- line',
    BAD_INDENT: 'check the indentation of this line',
    MISSING_CHAR: 'a value with { } [ ] , # : or ${…} in it needs quotes',
  };
  const hint = hints[problem.code];
  const message = `not valid YAML: ${problem.message.split('\n')[0] ?? problem.code}`;
  return { code: 'mapping.yaml', message, place, ...(hint === undefined ? {} : { hint }) };
}

const keyOf = (path: YamlPath): string => JSON.stringify(path);

class Reading {
  readonly faults: Fault[] = [];
  private readonly document: ReturnType<typeof parseDocument>;
  private readonly source: string;
  private readonly at: (offset: number) => Place;
  private readonly nodes = new Map<string, Node>();
  private readonly keys = new Map<string, Node>();
  private count = 0;

  constructor(document: ReturnType<typeof parseDocument>, source: string, at: (offset: number) => Place) {
    this.document = document;
    this.source = source;
    this.at = at;
  }

  tree(value: unknown): YamlTree {
    return {
      value,
      place: (path, offset) => this.placeOf(path, offset),
      keyPlace: (path) => this.startOf(this.keys.get(keyOf(path)) ?? this.around(path), path),
      has: (path) => this.nodes.has(keyOf(path)),
    };
  }

  /** @param from the alias through which the node was reached: faults stand there. */
  read(node: Node, path: YamlPath, from: Alias | null): unknown {
    this.count += 1;
    if (this.count > VALUES_MAX || path.length > DEPTH_MAX) {
      this.once(
        node,
        this.count > VALUES_MAX ? `the file holds more than ${VALUES_MAX} values` : 'the file is nested too deeply',
      );
      return undefined;
    }
    if (isAlias(node)) {
      const target = node.resolve(this.document);
      if (target === undefined || from !== null) {
        this.once(
          node,
          from === null ? `there is no anchor "${node.source}" above` : 'an alias inside an anchor is not read',
        );
        return undefined;
      }
      return this.read(target as Node, path, node);
    }
    this.nodes.set(keyOf(path), from ?? node);
    if (isScalar(node)) return this.scalar(node);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item as Node, [...path, index], from));
    if (!isMap(node)) return undefined;
    const members: Record<string, unknown> = Object.create(null);
    for (const pair of node.items) {
      const key = this.key(pair.key as Node);
      if (key === null) continue;
      const inner = [...path, key];
      this.keys.set(keyOf(inner), pair.key as Node);
      members[key] = pair.value === null ? null : this.read(pair.value as Node, inner, from);
    }
    return members;
  }

  private scalar(node: Scalar): unknown {
    // Numbers keep the way they are written: a table key or value `007` is not 7.
    if (typeof node.value === 'number' || typeof node.value === 'bigint') {
      const number = Number(node.value);
      return String(number) === node.source ? number : (node.source ?? String(node.value));
    }
    return node.value;
  }

  private key(node: Node): string | null {
    const key = keyText(node);
    if (key === null) {
      this.once(node, 'a key must be a plain text');
      return null;
    }
    if (key === '__proto__' || key === '<<') {
      this.once(node, `"${key}" cannot be a key here`);
      return null;
    }
    return key;
  }

  private once(node: Node, message: string): void {
    if (this.faults.length >= YAML_FAULTS_MAX || this.faults.some((fault) => fault.message === message)) return;
    this.faults.push({ code: 'mapping.yaml', message, place: this.at(node.range?.[0] ?? 0) });
  }

  private around(path: YamlPath): Node | undefined {
    for (let length = path.length; length >= 0; length--) {
      const node = this.nodes.get(keyOf(path.slice(0, length)));
      if (node !== undefined) return node;
    }
    return undefined;
  }

  private startOf(node: Node | undefined, path: YamlPath): Place {
    return { ...this.at(node?.range?.[0] ?? 0), ...(path.length === 0 ? {} : { key: dotted(path) }) };
  }

  private placeOf(path: YamlPath, offset = 0): Place {
    const node = this.nodes.get(keyOf(path));
    const start = this.startOf(node ?? this.around(path), path);
    if (
      node === undefined ||
      !isScalar(node) ||
      typeof node.value !== 'string' ||
      node.range === undefined ||
      node.range === null
    )
      return start;
    const inner = this.offsetInSource(node, node.range[0], offset);
    return inner === null ? start : { ...this.at(inner), ...(path.length === 0 ? {} : { key: dotted(path) }) };
  }

  /** The offset in the file of a character of a scalar's text; null where escapes or folding make it uncertain. */
  private offsetInSource(node: Scalar, from: number, offset: number): number | null {
    const value = node.value as string;
    if (node.type === Scalar.BLOCK_LITERAL) {
      const before = value.slice(0, offset).split('\n');
      let line = this.source.indexOf('\n', from) + 1;
      for (let skipped = 1; skipped < before.length; skipped++) line = this.source.indexOf('\n', line) + 1;
      const written = /^[^\r\n]*/.exec(this.source.slice(line))?.[0] ?? '';
      const indent = written.length - (value.split('\n')[before.length - 1] ?? '').length;
      return line === 0 ? null : line + indent + (before.at(-1)?.length ?? 0);
    }
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    const start = from + (quoted ? 1 : 0);
    // Up to the first escape both texts are the same.
    return this.source.startsWith(value.slice(0, offset), start) ? start + offset : null;
  }
}

/** `targets[0].user.name`, as people write it. */
export function dotted(path: YamlPath): string {
  return path
    .map((part) =>
      typeof part === 'number' ? `[${part}]` : /^[A-Za-z_][\w-]*$/.test(part) ? `.${part}` : `["${part}"]`,
    )
    .join('')
    .replace(/^\./, '');
}
