// How each value of an account came about: the expression, what it gave, or why it gave nothing. For `explain`, never for deciding.
import type { Leaf } from './account-template.ts';
import type { Trace, TracedGroup, TracedValue } from './bound-mapping.ts';
import type { GroupRule } from './entitlements.ts';
import type { Expression, Value } from './expression.ts';
import { Refusal } from './refusal.ts';

type Variables = Readonly<Record<string, unknown>>;

export function traced(
  userName: Expression,
  leaves: readonly Leaf[],
  rules: readonly GroupRule[],
  variables: Variables,
): Trace {
  return {
    values: [
      { path: 'userName', expression: userName.text, value: String(variables.userName ?? ''), because: '' },
      ...leaves.map(({ path, expression }) => ({
        path,
        expression: expression.text,
        ...result(expression, variables),
      })),
    ],
    groups: rules.map((rule) => tracedGroup(rule, variables)),
  };
}

function result(expression: Expression, variables: Variables): Pick<TracedValue, 'value' | 'because'> {
  try {
    return { value: textOf(expression.run(variables)), because: '' };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { value: null, because: error.reason };
  }
}

/** A password is made when it is sent; nobody has it. */
const textOf = (value: Value): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : (JSON.stringify(value) ?? '');

function tracedGroup({ name, when, parts }: GroupRule, variables: Variables): TracedGroup {
  const said = { name: name.text, when: when?.text ?? null };
  try {
    if (when !== null && when.run(variables) !== true)
      return { ...said, applies: false, group: '', because: 'its condition is false' };
    parts.blank = false;
    const group = String(name.run(variables)).trim();
    if (parts.blank || group === '')
      return { ...said, applies: true, group: '', because: 'a part of its name is blank' };
    return { ...said, applies: true, group, because: '' };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...said, applies: false, group: '', because: error.reason };
  }
}
