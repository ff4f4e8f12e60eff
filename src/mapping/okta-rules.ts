// What the schema cannot say of a target of kind okta-source: scopes that the settings need, and that an identity source takes texts
// and nothing else. Keys such as [O1] name the sources listed in docs/okta.md.
import type { AccountTemplate, Template } from './account-template.ts';
import { checkSetting } from './auth-rules.ts';
import type { Binder } from './binder.ts';
import { textSetting } from './secret-reference.ts';
import type { YamlPath } from './yaml-tree.ts';

const CODE = 'mapping.okta';

/** @param path of the target. */
export function checkOkta(binder: Binder, path: YamlPath): void {
  const okta = [...path, 'okta'];
  if (!binder.tree.has(okta)) {
    const hint = 'okta: { identitySourceId: … }, the id of the Custom Identity Source application';
    binder.faultAtKey([...path, 'kind'], 'mapping.missing', 'okta is missing', hint);
  }
  checkSetting(binder, [...okta, 'identitySourceId']);
  checkOrganization(binder, [...path, 'baseUrl']);
  checkCredentials(binder, path);
  for (const [key, hint] of Object.entries(FOREIGN)) {
    if (binder.tree.has([...path, key])) binder.faultAtKey([...path, key], CODE, `${key} means nothing here`, hint);
  }
  if (binder.at([...okta, 'reads']) !== 'source') return;
  const blind = (key: string, value: unknown, message: string): void => {
    if (binder.at([...okta, key]) === value)
      binder.fault([...okta, key], CODE, message, 'grant the scope okta.users.read and leave reads out');
  };
  blind('leavers', 'deactivate', 'whom to deactivate has to be read');
  blind('leavers', 'suspend', 'whom to suspend has to be read');
  blind('reactivate', 'activate', 'whom to activate has to be read');
  if (binder.at([...okta, 'sessions']) !== 'none')
    binder.fault(
      [...okta, 'reads'],
      CODE,
      'sessions are ended by the id of the user, which has to be read',
      'write sessions: none beside it, or grant the scope okta.users.read and leave reads out',
    );
}

const FOREIGN: Readonly<Record<string, string>> = {
  entra: 'it belongs to kind: entra-bulk',
  profile: 'it belongs to kind: scim',
  capabilities: 'it belongs to kind: scim',
  deleteAuth: 'users are deleted with the same credentials',
  revokeSessions: 'use okta.sessions',
};

/** Where the API is follows from the organization alone. */
function checkOrganization(binder: Binder, path: YamlPath): void {
  const value = binder.at(path);
  const setting = typeof value === 'string' ? textSetting(value.trim()) : null;
  if (setting?.kind !== 'literal' || !URL.canParse(setting.text)) return;
  if (new URL(setting.text).pathname !== '/')
    binder.fault(
      path,
      'mapping.url',
      'baseUrl is more than the address of an organization',
      'such as https://acme.okta.com',
    );
}

const SOURCE_SCOPE = 'okta.identitySources.manage';
const MANAGE = 'okta.users.manage';
const READ = 'okta.users.read';

function checkCredentials(binder: Binder, path: YamlPath): void {
  const auth = [...path, 'auth'];
  const kind = binder.at([...auth, 'kind']);
  if (kind === 'basic' || kind === 'mtls')
    binder.fault(
      [...auth, 'kind'],
      'mapping.value',
      'Okta takes access tokens and SSWS tokens only',
      'kind: oauth2 with method: private_key_jwt, or kind: ssws',
    );
  if (kind !== 'oauth2') return;
  if (binder.at([...auth, 'method']) !== 'private_key_jwt')
    binder.fault(
      binder.tree.has([...auth, 'method']) ? [...auth, 'method'] : [...auth, 'kind'],
      CODE,
      'Okta gives its API scopes to clients that prove themselves by private_key_jwt only',
      'method: private_key_jwt, privateKey: "${file:PATH}"',
    );
  const asked = scopesAt(binder, [...auth, 'scope']);
  const missing = scopesNeeded(binder, [...path, 'okta']).filter(
    (scope) => !(asked.includes(scope) || (scope === READ && asked.includes(MANAGE))),
  );
  if (missing.length === 0) return;
  const where = binder.tree.has([...auth, 'scope']) ? [...auth, 'scope'] : [...auth, 'kind'];
  binder.faultAtKey(
    where,
    CODE,
    `these settings need scopes that are not asked for: ${missing.join(', ')}`,
    `scope: "${[...new Set([...asked, ...missing])].join(' ')}"`,
  );
}

function scopesAt(binder: Binder, path: YamlPath): readonly string[] {
  const value = binder.at(path);
  const texts = Array.isArray(value) ? value.map(String) : [typeof value === 'string' ? value : ''];
  return texts.flatMap((text) => text.split(/\s+/)).filter((scope) => scope !== '');
}

function scopesNeeded(binder: Binder, okta: YamlPath): readonly string[] {
  const at = (key: string): unknown => binder.at([...okta, key]);
  const leavers = at('leavers') ?? 'singleEntity';
  const manages =
    leavers !== 'singleEntity' || at('reactivate') === 'activate' || (at('sessions') ?? 'okta') === 'okta';
  return [
    SOURCE_SCOPE,
    ...(manages ? [MANAGE] : []),
    ...(!manages && (at('reads') ?? 'users') === 'users' ? [READ] : []),
  ];
}

/** All attributes of a profile are texts, and lists are not supported [O1]. `template` is that of `user`. */
export function checkOktaUser(binder: Binder, target: YamlPath, { root }: AccountTemplate): void {
  if (binder.at([...target, 'kind']) !== 'okta-source') return;
  const user = [...target, 'user'];
  for (const [name, template] of root.members) {
    const path = [...user, name];
    if (name.toLowerCase() === 'password')
      binder.faultAtKey(
        path,
        CODE,
        'an identity source takes no password',
        'remove it; Okta activates people by mail, or they sign in through another provider',
      );
    else checkText(binder, path, template);
  }
  if (binder.tree.has(user) && !root.members.some(([name]) => name === 'email'))
    binder.faultAtKey(
      user,
      'mapping.missing',
      'user.email is missing',
      'Okta needs userName and email: email: worker.mail, or email: userName',
    );
  const manager = binder.at([...target, 'okta', 'manager']);
  if (typeof manager === 'string' && root.members.some(([name]) => name === manager))
    binder.fault(
      [...target, 'okta', 'manager'],
      CODE,
      `${manager} is mapped under user as well`,
      'leave one of the two out',
    );
}

function checkText(binder: Binder, path: YamlPath, template: Template): void {
  const one = 'one attribute for each value, such as email: worker.mail';
  if (template.kind === 'list') {
    binder.faultAtKey(path, CODE, 'Okta takes no lists in an identity source', one);
    return;
  }
  if (template.kind === 'object') {
    binder.faultAtKey(path, CODE, 'Okta takes no nested attributes in an identity source', one);
    return;
  }
  const { type } = template.leaf.expression;
  if (type === 'text' || type === 'any') return;
  const options = binder.at(path);
  const where = options !== null && typeof options === 'object' ? [...path, 'value'] : path;
  const hint = type === 'texts' ? 'join(…, ", ") makes one text of them' : 'string(…) makes a text of it';
  binder.fault(
    where,
    CODE,
    `Okta takes texts only, and this gives ${type === 'texts' ? 'a list of texts' : type === 'bool' ? 'true or false' : 'a number'}`,
    hint,
  );
}
