// The syntax tree of an expression as the CEL library gives it.

/** A node of the library's tree; `meta` and `setMeta` are what its evaluator looks into. */
export interface SyntaxNode {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly checkedType?: CheckedType;
  readonly meta: { evaluate: Evaluate; alternate?: SyntaxNode; macro?: { evaluate: Evaluate } };
  setMeta(key: string, value: unknown): SyntaxNode;
}
export interface CheckedType {
  readonly kind: string;
  readonly name: string;
  readonly valueType?: CheckedType;
}
export interface Evaluator {
  run(node: SyntaxNode, context: unknown): unknown;
}
export type Evaluate = (evaluator: Evaluator, node: SyntaxNode, context: unknown) => unknown;

export function literalText(node: SyntaxNode | undefined): string | null {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : null;
}

/** Nodes directly below, as written (macros unexpanded). */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const args = node.args;
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [(args as [SyntaxNode, string])[0]];
    case 'call':
      return (args as [string, SyntaxNode[]])[1];
    case 'rcall': {
      const [, receiver, rest] = args as [string, SyntaxNode, SyntaxNode[]];
      return [receiver, ...rest];
    }
    case 'map':
      return (args as [SyntaxNode, SyntaxNode][]).flat();
    case '!_':
    case '-_':
      return [args as SyntaxNode];
    default:
      return args as SyntaxNode[];
  }
}

/** Puts something around the evaluation of a node, whether it is plain, a macro or what a macro expanded to. */
export function around(node: SyntaxNode, wrap: (evaluate: Evaluate) => Evaluate): void {
  const { macro, alternate } = node.meta;
  if (macro !== undefined) macro.evaluate = wrap(macro.evaluate);
  else if (alternate !== undefined) around(alternate, wrap);
  else node.setMeta('evaluate', wrap(node.meta.evaluate));
}

interface Optional {
  orValue(otherwise: unknown): unknown;
}
export const isOptional = (value: unknown): value is Optional =>
  typeof value === 'object' && value !== null && typeof (value as Optional).orValue === 'function';
