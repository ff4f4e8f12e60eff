// One expression: parsed, examined and type-checked when the file is read, then run on many records within bounds.
import { type Environment, EvaluationError } from '@marcbachmann/cel-js';
import { boundedMethod } from './bounded-methods.ts';
import { EXPRESSION_LENGTH_MAX } from './cel-environment.ts';
import {
  around,
  type CheckedType,
  childrenOf,
  type Evaluate,
  type Evaluator,
  isOptional,
  literalText,
  type SyntaxNode,
} from './cel-syntax.ts';
import { QUANTIFIERS } from './cel-words.ts';
import { type ExpressionFault, examine, type Findings, type Vocabulary } from './examination.ts';
import type { Meter } from './meter.ts';
import { Refusal } from './refusal.ts';
import { UniqueName } from './user-name.ts';

/** What an expression may give, in our words. `any` is a member of a nested JSON value. */
export type ValueType = 'text' | 'bool' | 'int' | 'double' | 'texts' | 'unique' | 'any';

/** What leaves an expression: no BigInt, no null, no map. */
export type Value = string | number | boolean | readonly string[] | UniqueName;

export interface Expression {
  readonly text: string;
  readonly type: ValueType;
  readonly findings: Findings;
  /** The text when the expression is nothing but a quoted text. */
  readonly literal: string | null;
  /** The root of its tree, for those who look at its shape. */
  readonly root: SyntaxNode;
  /** @throws Refusal when it has no value for what the variables hold. */
  readonly run: (variables: Readonly<Record<string, unknown>>) => Value;
}

/** Everything needed to compile expressions over the same variables. */
export interface Dialect {
  readonly environment: Environment;
  readonly vocabulary: Vocabulary;
  readonly meter: Meter;
}

export type Compiled = { readonly expression: Expression } | { readonly faults: readonly ExpressionFault[] };

/** Names for messages: what a person would call the type. */
const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  text: 'a text',
  bool: 'true or false',
  int: 'a whole number',
  double: 'a number',
  texts: 'a list of texts',
  unique: 'unique(…)',
  any: 'any value',
};

/** Parses and examines only: enough to learn which columns are read before the variables' types can be made. */
export function parsed(
  text: string,
  dialect: Pick<Dialect, 'environment' | 'vocabulary'>,
): { root: SyntaxNode; findings: Findings } | { faults: readonly ExpressionFault[] } {
  if (text.trim() === '') {
    return {
      faults: [
        { code: 'mapping.expression', message: 'the expression is empty', hint: `a blank text is '""'`, offset: 0 },
      ],
    };
  }
  if (text.length > EXPRESSION_LENGTH_MAX) {
    const message = `the expression is longer than ${EXPRESSION_LENGTH_MAX} characters`;
    return {
      faults: [{ code: 'mapping.expression', message, hint: 'a table under tables may be what is wanted', offset: 0 }],
    };
  }
  try {
    const root = dialect.environment.parse(text).ast as unknown as SyntaxNode;
    return { root, findings: examine(root, dialect.vocabulary) };
  } catch (error) {
    return { faults: [libraryFault(error, 'mapping.syntax')] };
  }
}

/** @param wanted what the place takes; `any` is always let through and judged at run time by whoever reads the value. */
export function compiled(text: string, dialect: Dialect, wanted: readonly ValueType[]): Compiled {
  const first = parsed(text, dialect);
  if ('faults' in first) return first;
  const { findings } = first;
  if (findings.faults.length > 0) return { faults: findings.faults };
  const run = dialect.environment.parse(text);
  const root = run.ast as unknown as SyntaxNode;
  const check = run.check();
  if (!check.valid) return { faults: [libraryFault(check.error, 'mapping.type')] };
  const type = valueType(root.checkedType);
  if (type === null || !(type === 'any' || wanted.includes(type))) {
    const given = type === null ? `a value of type ${check.type ?? 'unknown'}` : TYPE_NAMES[type];
    const message = `the expression gives ${given} where ${wanted.map((one) => TYPE_NAMES[one]).join(' or ')} is due`;
    const hint =
      wanted.includes('text') && type !== 'unique'
        ? 'string(…) makes a text of a number'
        : 'compare with == or != to get true or false';
    return { faults: [{ code: 'mapping.type', message, hint, offset: 0 }] };
  }
  metered(root, dialect.meter, new Set());
  const direct = directRead(root, dialect.meter);
  return {
    expression: {
      text,
      type,
      findings,
      literal: literalText(root),
      root,
      run: direct ?? ((variables) => evaluated(run, variables, dialect.meter)),
    },
  };
}

function libraryFault(error: unknown, code: string): ExpressionFault {
  const known = error as { code?: string; summary?: string; message?: string; range?: { start: number } };
  if (known.code === 'limit_exceeded') {
    const hint = 'split it over several attributes of the worker, or use a table';
    return { code, message: 'the expression is too large or too deeply nested', hint, offset: 0 };
  }
  const summary = known.summary ?? known.message ?? 'the expression cannot be read';
  const message = summary.replace(/\bstring\b/g, 'text').replace(/^./, (letter) => letter.toLowerCase());
  return { code, message, offset: known.range?.start ?? 0 };
}

function valueType(type: CheckedType | undefined): ValueType | null {
  if (type === undefined) return null;
  if (type.kind === 'optional') return valueType(type.valueType);
  if (type.kind === 'dyn' || type.kind === 'param') return 'any';
  switch (type.name) {
    case 'string':
      return 'text';
    case 'bool':
      return 'bool';
    case 'int':
      return 'int';
    case 'double':
      return 'double';
    case 'UniqueName':
      return 'unique';
  }
  if (type.kind !== 'list') return null;
  const element = valueType(type.valueType);
  return element === 'text' || element === 'any' ? 'texts' : null;
}

/** A literal alone is what it is; `record.X` or `worker.X` alone needs no evaluator: the view charges and presents the value. */
function directRead(root: SyntaxNode, meter: Meter): Expression['run'] | null {
  const literal = literalText(root);
  if (literal !== null) return () => literal;
  if (root.op !== '.' && root.op !== '[]') return null;
  const [left, right] = root.args as [SyntaxNode, string | SyntaxNode];
  const member = typeof right === 'string' ? right : literalText(right);
  if (left.op !== 'id' || member === null || root.checkedType?.name !== 'string') return null;
  const view = left.args as string;
  if (view !== 'record' && view !== 'worker') return null;
  return (variables) => {
    meter.start();
    const value = (variables[view] as ReadonlyMap<string, unknown>).get(member);
    if (typeof value === 'string') return value;
    throw new Refusal('not-text', 'holds an object or a list where a text is due');
  };
}

function evaluated(
  run: (context: Record<string, unknown>) => unknown,
  variables: Readonly<Record<string, unknown>>,
  meter: Meter,
): Value {
  meter.start();
  try {
    const value = run(variables as Record<string, unknown>);
    meter.finish();
    return atTheBorder(value);
  } catch (error) {
    throw error instanceof EvaluationError
      ? new Refusal('expression', EVALUATION_REASONS[error.code] ?? 'the expression has no value')
      : error;
  }
}

/** The library's own messages may quote values: these never do. */
const EVALUATION_REASONS: Readonly<Record<string, string>> = {
  no_such_key: 'a member is not there (read optional ones as record.?X.orValue(""))',
  field_type_mismatch: 'holds an object or a list where a text is due',
  index_out_of_bounds: 'a list has fewer elements than the expression asks for',
  index_out_of_range: 'a text is shorter than the expression asks for',
  int_conversion_error: 'a text is no whole number',
  double_conversion_error: 'a text is no number',
  bool_conversion_error: 'a text is neither true nor false',
  numeric_overflow: 'a number is too large',
  division_by_zero: 'a number is divided by zero',
  modulo_by_zero: 'a number is divided by zero',
  optional_value_missing: 'an optional value is not there',
};

/** CEL's values as ours: integers become numbers where they fit exactly, an empty optional becomes ''. */
function atTheBorder(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'bigint': {
      const number = Number(value);
      if (Number.isSafeInteger(number)) return number;
      throw new Refusal('expression', 'a whole number is too large to be exact: keep it as a text');
    }
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new Refusal('expression', 'a number is not finite');
  }
  if (value instanceof UniqueName) return value;
  if (isOptional(value)) return atTheBorder(value.orValue(''));
  if (!Array.isArray(value)) throw new Refusal('expression', 'gives an object where a text is due');
  return value.map((element) => {
    if (typeof element === 'string') return element;
    throw new Refusal('not-text', 'a list of texts holds something that is no text');
  });
}

/**
 * Puts the meter on every node that yields a text, a list or something unknown, and our own versions in place of the
 * library's unbounded methods. Only nodes as written are touched: what macros expand to is made of them.
 */
function metered(node: SyntaxNode, meter: Meter, seen: Set<SyntaxNode>): void {
  if (seen.has(node)) return;
  seen.add(node);
  for (const child of childrenOf(node)) metered(child, meter, seen);
  for (const child of forgivenChildren(node)) around(child, (evaluate) => forgetting(evaluate, meter));
  if (node.checkedType === undefined || node.meta.alternate !== undefined) return;
  const method = node.op === 'rcall' && node.meta.macro === undefined ? ownMethod(node, meter) : null;
  if (method !== null) around(node, () => method);
  if (node.op !== 'value' && !isCheap(node) && !isCellRead(node)) around(node, (evaluate) => charging(evaluate, meter));
  else if (comparesNested(node)) around(node, (evaluate) => paying(evaluate, meter));
}

/** Parts whose errors the library may swallow. */
function forgivenChildren(node: SyntaxNode): readonly SyntaxNode[] {
  if (node.op === '||' || node.op === '&&') return (node.args as SyntaxNode[]).slice(0, 1);
  if (node.op !== 'rcall') return [];
  const [name, , args] = node.args as [string, SyntaxNode, SyntaxNode[]];
  return QUANTIFIERS.has(name) ? args.slice(1) : [];
}

const forgetting = (evaluate: Evaluate, meter: Meter): Evaluate =>
  function forgiven(evaluator, node, context) {
    try {
      return evaluate(evaluator, node, context);
    } catch (error) {
      meter.forgottenError();
      throw error;
    }
  };

const charging = (evaluate: Evaluate, meter: Meter): Evaluate =>
  function charged(evaluator, node, context) {
    return meter.value(evaluate(evaluator, node, context));
  };

/** Comparing nested values walks through them: charged as the largest there can be. */
const paying = (evaluate: Evaluate, meter: Meter): Evaluate =>
  function paid(evaluator, node, context) {
    meter.charge(COMPARISON_UNITS);
    return evaluate(evaluator, node, context);
  };
const COMPARISON_UNITS = 2_000;

function comparesNested(node: SyntaxNode): boolean {
  if (node.op !== '==' && node.op !== '!=' && node.op !== 'in') return false;
  return (node.args as SyntaxNode[]).some((side) => mayBeNested(side.checkedType));
}

function mayBeNested(type: CheckedType | undefined): boolean {
  if (type === undefined || type.kind === 'list') return type === undefined || mayBeNested(type.valueType);
  return !['string', 'bool', 'int', 'double'].includes(type.name);
}

function isCheap(node: SyntaxNode): boolean {
  const type = node.checkedType;
  return type?.kind === 'message' || ['bool', 'int', 'double'].includes(type?.name ?? '');
}

/** Views charge for what they hand out. */
const isCellRead = (node: SyntaxNode): boolean =>
  node.op === '.' && (node.args as [SyntaxNode, string])[0].checkedType?.kind === 'message';

function ownMethod(node: SyntaxNode, meter: Meter): Evaluate | null {
  const [name, receiver, args] = node.args as [string, SyntaxNode, SyntaxNode[]];
  const method = boundedMethod(name, args, meter);
  if (method === null) return null;
  const operands = [receiver, ...args];
  return (evaluator: Evaluator, _node, context) => method(operands.map((operand) => evaluator.run(operand, context)));
}
