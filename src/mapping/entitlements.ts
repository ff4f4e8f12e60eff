// The `groups:` of a target: rules that give birthright memberships.
import type { Binder } from './binder.ts';
import type { DesiredMembership } from './bound-mapping.ts';
import { around, type SyntaxNode } from './cel-syntax.ts';
import type { Dialect, Expression } from './expression.ts';
import { Refusal } from './refusal.ts';
import type { YamlPath } from './yaml-tree.ts';

export interface GroupRule {
  readonly name: Expression;
  /** The parts of a name that is put together with `+`: set while it is evaluated when one of them is blank. */
  readonly parts: PartWatch;
  readonly when: Expression | null;
  readonly authority: 'full' | 'additive';
  readonly create: boolean;
}

interface PartWatch {
  blank: boolean;
}

/** Rules of one target; more are a sign of a table that belongs into HR. */
const RULES_MAX = 2_000;

export function groupRules(binder: Binder, path: YamlPath, dialect: Dialect): readonly GroupRule[] {
  const count = binder.count(path);
  if (count > RULES_MAX) binder.fault(path, 'mapping.value', `there are more than ${RULES_MAX} groups`);
  const rules: GroupRule[] = [];
  for (let index = 0; index < Math.min(count, RULES_MAX); index++) {
    const at = [...path, index];
    const name = binder.expression([...at, 'name'], dialect, ['text']);
    const when = binder.expression([...at, 'when'], dialect, ['bool']);
    const authority = binder.at([...at, 'authority']) === 'full' ? 'full' : 'additive';
    if (name === null) continue;
    if (name.literal !== null && name.literal.trim() === '') {
      binder.fault([...at, 'name'], 'mapping.value', 'a group needs a name');
      continue;
    }
    if (authority === 'full' && name.literal === null) {
      const hint = 'write the name as a quoted text, or leave authority: additive';
      binder.fault([...at, 'authority'], 'mapping.group', 'authority: full is for literal names only', hint);
    }
    const parts = { blank: false };
    watchParts(name.root, parts);
    rules.push({ name, parts, when, authority, create: binder.at([...at, 'create']) === true });
  }
  const authorities = new Map<string, GroupRule['authority']>();
  for (const { name, authority } of rules) {
    if (name.literal === null) continue;
    const other = authorities.get(name.literal);
    if (other !== undefined && other !== authority) {
      binder.fault(
        path,
        'mapping.group',
        `the group "${name.literal}" is named with both authorities`,
        'one group has one authority',
      );
    }
    authorities.set(name.literal, authority);
  }
  return rules;
}

/** Operands of `+` at the top of the expression, quoted texts aside. */
function watchParts(node: SyntaxNode, watch: PartWatch): void {
  if (node.op === '+') {
    for (const side of node.args as SyntaxNode[]) watchParts(side, watch);
    return;
  }
  if (node.op === '?:') {
    for (const branch of (node.args as SyntaxNode[]).slice(1)) watchParts(branch, watch);
    return;
  }
  if (node.op === 'value') return;
  around(node, (evaluate) => (evaluator, inner, context) => {
    const value = evaluate(evaluator, inner, context);
    if (typeof value === 'string' && value.trim() === '') watch.blank = true;
    return value;
  });
}

/** @param note is told which rules gave nothing although they apply. */
export function memberships(
  rules: readonly GroupRule[],
  variables: Readonly<Record<string, unknown>>,
  note: (text: string) => void,
): readonly DesiredMembership[] {
  const found = new Map<string, DesiredMembership>();
  for (const { name, parts, when, authority, create } of rules) {
    try {
      if (when !== null && when.run(variables) !== true) continue;
      parts.blank = false;
      const group = String(name.run(variables)).trim();
      // One member alone is read directly, so that nothing watches its parts.
      const blank = parts.blank || (group === '' && name.root.op === '.');
      if (blank) note(`group ${name.text}: a part of its name is blank`);
      // A name that is blank as a whole and on purpose (`x ? "A" : ""`) needs no note.
      if (blank || group === '') continue;
      const known = found.get(group);
      found.set(group, {
        group,
        authority: known?.authority === 'full' ? 'full' : authority,
        create: create || known?.create === true,
        computed: name.literal === null && known?.computed !== false,
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      note(`group ${name.text}: ${error.reason}`);
    }
  }
  return [...found.values()];
}
