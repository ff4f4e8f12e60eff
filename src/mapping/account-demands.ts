// What the kind of endpoint demands of `user` and `groups`: said when the file is read, not by the endpoint for each worker.
import { ACCOUNT_RULES, type AccountRules, type ProfileName } from './account-rules.ts';
import type { Binder } from './binder.ts';
import type { YamlPath } from './yaml-tree.ts';

/** `written`: flattened paths of everything under `user`. */
export function checkDemands(binder: Binder, target: YamlPath, written: readonly string[]): void {
  const profile = binder.at([...target, 'profile']) ?? 'generic';
  if (typeof profile !== 'string' || !Object.hasOwn(ACCOUNT_RULES, profile)) return;
  const rules: AccountRules = ACCOUNT_RULES[profile as ProfileName];
  const user = [...target, 'user'];
  if (!binder.tree.has(user)) return;
  const says = (path: YamlPath, message: string, hint: string): void =>
    binder.faultAtKey(path, 'mapping.profile', `profile ${profile}: ${message}`, hint);

  for (const need of needsOf(binder, target, rules)) {
    if (written.some((path) => isWithin(path, need))) continue;
    says(user, `a new account needs user.${need}`, HINTS[need] ?? `map ${need} under user`);
  }
  for (const name of binder.names(user)) {
    if (rules.refuses.some((refused) => refused.toLowerCase() === name.toLowerCase()))
      says([...user, name], `the endpoint does not take "${name}"`, 'remove it');
    for (const list of listsUnder(binder, [...user, name])) checkList(binder, list, rules, says);
  }
  if (!rules.groups && binder.count([...target, 'groups']) > 0)
    says([...target, 'groups'], 'the endpoint has no groups', 'remove the section');
}

const HINTS: Readonly<Record<string, string>> = {
  password: 'password: { value: randomPassword(), apply: onCreate }; or name what is needed in capabilities.needs',
  emails: `emails: [{ type: '"work"', primary: true, value: … }]`,
};

/** `capabilities.needs` takes the place of what is known of the endpoint. */
function needsOf(binder: Binder, target: YamlPath, rules: AccountRules): readonly string[] {
  const given = binder.at([...target, 'capabilities', 'needs']);
  return Array.isArray(given) ? given.filter((need) => typeof need === 'string') : rules.needs;
}

function isWithin(path: string, need: string): boolean {
  const [one, other] = [path.toLowerCase(), need.toLowerCase()];
  return one === other || (one.startsWith(other) && '.[:'.includes(one.charAt(other.length)));
}

/** Lists at a member of `user`, behind its options and inside an extension. */
function listsUnder(binder: Binder, path: YamlPath): readonly YamlPath[] {
  const value = binder.at(path);
  if (Array.isArray(value)) return [path];
  if (value === null || typeof value !== 'object') return [];
  if (Object.hasOwn(value, 'apply') || Object.hasOwn(value, 'blank')) return listsUnder(binder, [...path, 'value']);
  return Object.keys(value).flatMap((name) => listsUnder(binder, [...path, name]));
}

function checkList(
  binder: Binder,
  path: YamlPath,
  { oneValue, primaryEmail }: AccountRules,
  says: (path: YamlPath, message: string, hint: string) => void,
): void {
  const name = String(path.findLast((part) => part !== 'value'));
  const one = oneValue.includes('*') || oneValue.some((list) => list.toLowerCase() === name.toLowerCase());
  if (one && binder.count(path) > 1) says(path, `the endpoint keeps one value of ${name}`, 'leave one element');
  if (!primaryEmail || name.toLowerCase() !== 'emails' || binder.count(path) === 0) return;
  const elements = Array.from({ length: binder.count(path) }, (_, index) => binder.textAt([...path, index, 'primary']));
  if (!elements.includes('true')) says(path, 'the mail address must be the primary one', 'add primary: true');
}
