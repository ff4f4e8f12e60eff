// What must be true of an expression before it is type-checked: known functions, known names, macros that do not nest,
// literal tables, forms and patterns. All faults at once.
import { RE2JS } from 're2js';
import { childrenOf, literalText, type SyntaxNode } from './cel-syntax.ts';
import { FALLIBLE, FUNCTIONS, LIST_METHODS, MACROS, METHODS } from './cel-words.ts';
import { dayReader } from './date-text.ts';
import { shortList, suggestion } from './suggestion.ts';

/** A fault inside an expression; `offset` counts UTF-16 units from its start. */
export interface ExpressionFault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly offset: number;
}

/** What the expression may speak of. */
export interface Vocabulary {
  /** Variables with the members they are known to have; null where any member may be asked for. */
  readonly variables: ReadonlyMap<string, readonly string[] | null>;
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly uniqueAllowed: boolean;
  readonly randomPasswordAllowed: boolean;
}

/** What was found in the tree. */
export interface Findings {
  readonly faults: readonly ExpressionFault[];
  /** Columns read as `record.X` or `record["X"]`, in order of appearance. */
  readonly columns: readonly string[];
  /** Columns read as `record.?X`: a feed may lack them. */
  readonly optionalColumns: readonly string[];
  /** Columns used as an object or list. */
  readonly nestedColumns: ReadonlySet<string>;
  /** Variables that appear. */
  readonly variables: ReadonlySet<string>;
  /** True when evaluation may refuse a record: a lookup without default, a conversion, a date … */
  readonly fallible: boolean;
}

/** Longest pattern of `matches`, and the largest program it may compile to: together with the text they set its cost. */
const PATTERN_LENGTH_MAX = 500;
const PATTERN_PROGRAM_MAX = 2_000;

export function examine(root: SyntaxNode, vocabulary: Vocabulary): Findings {
  const walk = new Walk(vocabulary);
  walk.visit(root, new Set(), false);
  return walk.findings();
}

class Walk {
  private readonly vocabulary: Vocabulary;
  private readonly faults: ExpressionFault[] = [];
  private readonly columns = new Set<string>();
  private readonly optionalColumns = new Set<string>();
  private readonly nested = new Set<string>();
  private readonly variables = new Set<string>();
  private fallible = false;

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  findings(): Findings {
    return {
      faults: this.faults,
      columns: [...this.columns],
      optionalColumns: [...this.optionalColumns],
      nestedColumns: this.nested,
      variables: this.variables,
      fallible: this.fallible,
    };
  }

  /** `bound` are the variables of the macros around the node. */
  visit(node: SyntaxNode, bound: ReadonlySet<string>, insideMacro: boolean): void {
    switch (node.op) {
      case 'value':
        this.value(node);
        return;
      case 'id':
        this.name(node, bound);
        return;
      case '.':
      case '.?':
      case '[]':
      case '[?]':
        this.access(node, bound, insideMacro);
        return;
      case 'call':
        this.call(node, bound, insideMacro);
        return;
      case 'rcall':
        this.method(node, bound, insideMacro);
        return;
      case '/':
      case '%':
        this.fallible = true;
        break;
      case 'in':
        this.markNested((node.args as SyntaxNode[])[1]);
        break;
    }
    for (const child of childrenOf(node)) this.visit(child, bound, insideMacro);
  }

  private fault(node: SyntaxNode, code: string, message: string, hint?: string): void {
    this.faults.push({ code, message, offset: node.start, ...(hint === undefined ? {} : { hint }) });
  }

  private value(node: SyntaxNode): void {
    if (node.args === null) this.fault(node, 'mapping.expression', 'null does not exist here', 'an absent text is ""');
    else if (typeof node.args === 'object') {
      this.fault(
        node,
        'mapping.expression',
        'byte and unsigned literals are not used here',
        'write a text or a plain number',
      );
    }
  }

  private name(node: SyntaxNode, bound: ReadonlySet<string>): void {
    const name = node.args as string;
    if (bound.has(name)) return;
    const known = this.vocabulary.variables;
    if (!known.has(name)) {
      const hint =
        name === 'record'
          ? 'records are read under worker only: make it an attribute there and use worker.NAME'
          : `${suggestion(name, [...known.keys()])}; a fixed text needs quotes of its own: '"${name}"'`;
      this.fault(node, 'mapping.unknown-name', `"${name}" is not known here`, hint);
      return;
    }
    this.variables.add(name);
    const members = known.get(name);
    if (members !== undefined && name !== 'userName') {
      this.fault(
        node,
        'mapping.expression',
        `${name} is used as a whole`,
        `ask for one of its members, such as ${name}.X`,
      );
    }
  }

  private access(node: SyntaxNode, bound: ReadonlySet<string>, insideMacro: boolean): void {
    const [left, right] = node.args as [SyntaxNode, string | SyntaxNode];
    const optional = node.op === '.?' || node.op === '[?]';
    const member = typeof right === 'string' ? right : literalText(right);
    const owner = left.op === 'id' && !bound.has(left.args as string) ? (left.args as string) : null;
    if (owner !== null && this.vocabulary.variables.has(owner) && owner !== 'userName') {
      this.variables.add(owner);
      if (member === null) {
        this.fault(
          node,
          'mapping.expression',
          `a member of ${owner} must be named, not computed`,
          `write ${owner}["Name"]`,
        );
        if (typeof right !== 'string') this.visit(right, bound, insideMacro);
        return;
      }
      if (owner === 'record') (optional ? this.optionalColumns : this.columns).add(member);
      this.memberKnown(node, owner, member);
      return;
    }
    if (!optional && !this.isWorkerAttributes(left)) this.fallible = true;
    if (this.isWorkerAttributes(left) && member !== null) this.memberKnown(node, 'worker', member);
    this.markNested(left);
    this.visit(left, bound, insideMacro);
    if (typeof right !== 'string') this.visit(right, bound, insideMacro);
  }

  private isWorkerAttributes(node: SyntaxNode): boolean {
    if (node.op !== '.') return false;
    const [left, right] = node.args as [SyntaxNode, string];
    return left.op === 'id' && left.args === 'worker' && right === 'attributes';
  }

  private memberKnown(node: SyntaxNode, owner: string, member: string): void {
    const members = this.vocabulary.variables.get(owner);
    // Columns are checked against the feed by whoever binds, who knows whether there is one.
    if (members === null || members === undefined || owner === 'record' || members.includes(member)) return;
    this.fault(node, 'mapping.unknown-name', `${owner} has no "${member}"`, suggestion(member, members));
  }

  /** A column that is used as an object or a list keeps its shape; all others are read as text. */
  private markNested(node: SyntaxNode | undefined): void {
    if (node === undefined || !['.', '.?', '[]', '[?]'].includes(node.op)) return;
    const [left, right] = node.args as [SyntaxNode, string | SyntaxNode];
    const member = typeof right === 'string' ? right : literalText(right);
    if (left.op === 'id' && left.args === 'record' && member !== null) this.nested.add(member);
  }

  private call(node: SyntaxNode, bound: ReadonlySet<string>, insideMacro: boolean): void {
    const [name, args] = node.args as [string, SyntaxNode[]];
    if (!Object.hasOwn(FUNCTIONS, name)) {
      const hint = Object.hasOwn(METHODS, name)
        ? `it is written after its text: ${METHODS[name]}`
        : suggestion(name, Object.keys(FUNCTIONS));
      this.fault(node, 'mapping.unknown-function', `the function "${name}" is not known`, hint);
    }
    if (FALLIBLE.has(name) || (name === 'lookup' && args.length < 3)) this.fallible = true;
    if (name === 'lookup') this.lookup(node, args);
    if (name === 'date') this.form(node, args);
    if (name === 'join') this.markNested(args[0]);
    if (name === 'unique') {
      if (!this.vocabulary.uniqueAllowed) {
        this.fault(
          node,
          'mapping.expression',
          'unique(…) is for userName only',
          'elsewhere use the chosen name: userName',
        );
      }
      const suffix = literalText(args[1]);
      if (suffix !== null && suffix.length > 40) {
        this.fault(node, 'mapping.expression', 'the suffix is longer than 40 characters', 'a userName has 64 at most');
      }
    }
    if (name === 'randomPassword' && !this.vocabulary.randomPasswordAllowed) {
      this.fault(
        node,
        'mapping.expression',
        'randomPassword() is for attributes of the account only',
        'use it under targets[].user',
      );
    }
    for (const arg of args) this.visit(arg, bound, insideMacro);
  }

  private lookup(node: SyntaxNode, args: readonly SyntaxNode[]): void {
    const table = literalText(args[0]);
    if (args.length === 0) return;
    if (table === null) {
      this.fault(
        args[0] ?? node,
        'mapping.table',
        'the table of a lookup must be named, not computed',
        FUNCTIONS.lookup,
      );
    } else if (!this.vocabulary.tables.has(table)) {
      const hint = suggestion(table, [...this.vocabulary.tables.keys()]);
      this.fault(args[0] ?? node, 'mapping.table', `there is no table "${table}" under tables`, hint);
    }
  }

  private form(node: SyntaxNode, args: readonly SyntaxNode[]): void {
    if (args.length < 2) return;
    const form = literalText(args[1]);
    if (form === null) {
      this.fault(
        args[1] ?? node,
        'mapping.date-form',
        'the form of a date must be written out, not computed',
        FUNCTIONS.date,
      );
      return;
    }
    const reader = dayReader(form);
    if ('problem' in reader) {
      this.fault(
        args[1] ?? node,
        'mapping.date-form',
        `"${form}" is no form of a date: ${reader.problem}`,
        FUNCTIONS.date,
      );
    }
  }

  private method(node: SyntaxNode, bound: ReadonlySet<string>, insideMacro: boolean): void {
    const [name, receiver, args] = node.args as [string, SyntaxNode, SyntaxNode[]];
    if (!Object.hasOwn(METHODS, name)) {
      const hint = Object.hasOwn(FUNCTIONS, name)
        ? `it is written before its text: ${FUNCTIONS[name]}`
        : suggestion(name, Object.keys(METHODS));
      this.fault(node, 'mapping.unknown-function', `the function ".${name}()" is not known`, hint);
    }
    if (FALLIBLE.has(name)) this.fallible = true;
    if (name === 'matches') this.pattern(node, args);
    if (LIST_METHODS.has(name)) this.markNested(receiver);
    if (receiver.op !== 'id' || receiver.args !== 'optional') this.visit(receiver, bound, insideMacro);
    if (!MACROS.has(name)) {
      for (const arg of args) this.visit(arg, bound, insideMacro);
      return;
    }
    if (insideMacro) {
      this.fault(
        node,
        'mapping.expression',
        `.${name}() stands inside another of its kind`,
        `${shortList([...MACROS])} do not nest`,
      );
    }
    const variable = args[0]?.op === 'id' ? (args[0].args as string) : null;
    const inner = new Set(bound);
    if (variable !== null) inner.add(variable);
    for (const arg of args.slice(1)) this.visit(arg, inner, true);
  }

  private pattern(node: SyntaxNode, args: readonly SyntaxNode[]): void {
    if (args.length !== 1) return;
    const pattern = literalText(args[0]);
    if (pattern === null) {
      this.fault(
        args[0] ?? node,
        'mapping.pattern',
        'the pattern of matches must be written out, not computed',
        METHODS.matches,
      );
      return;
    }
    const problem = patternProblem(pattern);
    if (problem !== null)
      this.fault(
        args[0] ?? node,
        'mapping.pattern',
        `the pattern cannot be used: ${problem}`,
        'RE2 syntax: no look-around, no back-references',
      );
  }
}

function patternProblem(pattern: string): string | null {
  if (pattern.length > PATTERN_LENGTH_MAX) return `it is longer than ${PATTERN_LENGTH_MAX} characters`;
  try {
    const size = RE2JS.compile(pattern).programSize();
    return size > PATTERN_PROGRAM_MAX ? 'its repetitions make it too large' : null;
  } catch (error) {
    return error instanceof Error ? error.message : 'it is malformed';
  }
}
