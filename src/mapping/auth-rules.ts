// What the schema cannot say of `auth`, `ca` and `proxy`: secrets by reference only, addresses that keep them safe, keys that
// belong together. Works on the raw tree, so that these faults are found beside all others.
import type { Binder } from './binder.ts';
import { secretReference, textSetting } from './secret-reference.ts';
import { dotted, type YamlPath } from './yaml-tree.ts';

/** Keys that hold secrets, whatever the kind. */
const SECRETS = ['token', 'password', 'key', 'passphrase', 'clientSecret', 'privateKey', 'refreshToken', 'value'];
/** Keys that may be written out or referred to. */
const SETTINGS = ['user', 'clientId', 'audience', 'keyId', 'assertionAudience'];
/** Keys of one method of oauth2 alone. */
const SECRET_KEYS = ['clientSecret'];
const ASSERTION_KEYS = ['privateKey', 'passphrase', 'algorithm', 'keyId', 'assertionAudience', 'certificate'];

/** @param path of the target. */
export function checkAccess(binder: Binder, path: YamlPath): void {
  checkAuth(binder, [...path, 'auth']);
  if (binder.tree.has([...path, 'deleteAuth'])) checkAuth(binder, [...path, 'deleteAuth']);
  checkCertificate(binder, [...path, 'ca']);
  checkProxy(binder, [...path, 'proxy']);
}

/** @param auth the section itself. */
export function checkAuth(binder: Binder, auth: YamlPath): void {
  for (const key of SECRETS) {
    const hint = `write ${key}: "\${env:NAME}" or "\${file:PATH}" and put the secret there; if it was real, change it`;
    referenceAt(binder, [...auth, key], 'mapping.secret', 'a secret stands where a reference to it is due', hint);
  }
  checkCertificate(binder, [...auth, 'certificate']);
  for (const key of SETTINGS) checkSetting(binder, [...auth, key]);
  const user = binder.at([...auth, 'user']);
  // RFC 7617 section 2: the first colon ends the name.
  if (typeof user === 'string' && textSetting(user)?.kind === 'literal' && user.includes(':'))
    binder.fault([...auth, 'user'], 'mapping.value', 'a name for Basic authentication has no colon');
  if (binder.at([...auth, 'kind']) === 'oauth2') checkOAuth2(binder, auth);
}

export const checkCertificate = (binder: Binder, path: YamlPath): void =>
  referenceAt(binder, path, 'mapping.reference', 'a reference is due here', 'write "${file:PATH}" or "${env:NAME}"');

/** Whatever is written out must not be blank, and a reference must be the whole value. */
export function checkSetting(binder: Binder, path: YamlPath): void {
  const value = binder.at(path);
  if (typeof value !== 'string') return;
  if (value.trim() === '') binder.fault(path, 'mapping.value', 'a text is due here');
  else if (textSetting(value) === null) {
    binder.fault(
      path,
      'mapping.reference',
      'the reference is not understood',
      'the whole value is ${env:NAME} or ${file:PATH}, or none of it',
    );
  }
}

export function referenceAt(binder: Binder, path: YamlPath, code: string, message: string, hint: string): void {
  const value = binder.at(path);
  if (typeof value === 'string' && secretReference(value) === null) binder.fault(path, code, message, hint);
}

function checkOAuth2(binder: Binder, auth: YamlPath): void {
  checkTokenUrl(binder, [...auth, 'tokenUrl']);
  checkScope(binder, [...auth, 'scope']);
  checkForm(binder, [...auth, 'form']);
  const method = binder.at([...auth, 'method']) ?? 'client_secret_basic';
  const byKey = method === 'private_key_jwt';
  const needed = byKey ? 'privateKey' : 'clientSecret';
  if (!binder.tree.has([...auth, needed])) {
    const place = { ...binder.tree.keyPlace(auth), key: dotted([...auth, needed]) };
    const message = `${place.key} is missing`;
    binder.faults.push({ code: 'mapping.missing', message, hint: `method ${method} needs it, by reference`, place });
  }
  for (const key of byKey ? SECRET_KEYS : ASSERTION_KEYS) {
    if (!binder.tree.has([...auth, key])) continue;
    const other = byKey ? 'client_secret_basic or client_secret_post' : 'private_key_jwt';
    binder.faultAtKey([...auth, key], 'mapping.value', `${key} means nothing here`, `it belongs to method ${other}`);
  }
}

/** The URL a text holds; null for none. */
const urlOf = (text: string): URL | null => (URL.canParse(text.trim()) ? new URL(text.trim()) : null);

export function checkTokenUrl(binder: Binder, path: YamlPath): void {
  checkSetting(binder, path);
  const value = binder.at(path);
  if (typeof value !== 'string' || textSetting(value)?.kind !== 'literal' || value.trim() === '') return;
  const url = urlOf(value);
  if (url === null || !isSafe(url) || url.hash !== '') {
    binder.fault(
      path,
      'mapping.url',
      'tokenUrl is no https address',
      'such as https://idp.example.com/oauth2/v1/token; http for this machine only',
    );
  } else if (url.username !== '' || url.password !== '') {
    binder.fault(
      path,
      'mapping.secret',
      'tokenUrl holds credentials',
      'use clientId and clientSecret; if they were real, change them',
    );
  }
}

/** Whether client credentials may go there: TLS, or no network at all. */
export const isSafe = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

function checkScope(binder: Binder, path: YamlPath): void {
  const value = binder.at(path);
  const scopes = typeof value === 'string' ? [[path, value] as const] : [];
  for (let index = 0; index < binder.count(path); index++)
    scopes.push([[...path, index], binder.textAt([...path, index]) ?? '']);
  for (const [where, scope] of scopes) {
    if (scope.trim() === '' ? Array.isArray(value) : !SCOPE.test(scope.trim()))
      binder.fault(where, 'mapping.value', 'this is no scope', 'visible characters without quotes and backslashes');
  }
}

/** Fields that have keys of their own, or that we make. */
const OWN_FIELDS = new Map([
  ['grant_type', 'it is always client_credentials'],
  ['scope', 'use the key scope'],
  ['audience', 'use the key audience'],
  ['client_id', 'use the key clientId'],
  ['client_secret', 'use the key clientSecret'],
  ['client_assertion', 'use method private_key_jwt'],
  ['client_assertion_type', 'use method private_key_jwt'],
]);
const SOUNDS_SECRET = /secret|password|passwd|token|assertion|credential|key/i;

function checkForm(binder: Binder, path: YamlPath): void {
  for (const name of binder.names(path)) {
    const field = [...path, name];
    checkSetting(binder, field);
    const own = OWN_FIELDS.get(name);
    if (own !== undefined) binder.faultAtKey(field, 'mapping.name', `${name} cannot stand among further fields`, own);
    else if (SOUNDS_SECRET.test(name)) {
      const hint = 'write "${env:NAME}" or "${file:PATH}" and put the value there; if it was real, change it';
      referenceAt(binder, field, 'mapping.secret', 'a secret stands where a reference to it is due', hint);
    }
  }
}

export function checkProxy(binder: Binder, path: YamlPath): void {
  checkSetting(binder, path);
  const value = binder.at(path);
  if (typeof value !== 'string' || textSetting(value)?.kind !== 'literal' || value.trim() === '') return;
  const url = urlOf(value);
  if (url !== null && (url.username !== '' || url.password !== '')) {
    const hint =
      'write proxy: "${env:NAME}" or "${file:PATH}" and put the whole address there; if they were real, change them';
    binder.fault(path, 'mapping.secret', 'the address of the proxy holds credentials', hint);
  } else if (url === null || !isProxy(url)) {
    binder.fault(path, 'mapping.url', 'this is no address of a proxy', 'such as http://proxy.example.com:3128');
  }
}

/** http or https, a host and nothing behind it. */
export const isProxy = (url: URL): boolean =>
  (url.protocol === 'http:' || url.protocol === 'https:') &&
  url.pathname === '/' &&
  url.search === '' &&
  url.hash === '';
