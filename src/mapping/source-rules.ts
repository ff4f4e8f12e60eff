// What the schema cannot say of `source`: schedules, references, addresses that keep secrets safe, keys that belong together. Works
// on the raw tree, so that these faults are found beside all others.
import {
  checkAuth,
  checkCertificate,
  checkProxy,
  checkSetting,
  checkTokenUrl,
  isSafe,
  referenceAt,
} from './auth-rules.ts';
import type { Binder } from './binder.ts';
import { hostKeyPin } from './host-key.ts';
import { textSetting } from './secret-reference.ts';
import type { YamlPath } from './yaml-tree.ts';

/** One field of a cron expression, and how many there are (with seconds: six). */
const CRON_FIELD = /^(?:\*|[\da-z]+(?:-[\da-z]+)?)(?:\/\d+)?(?:,(?:\*|[\da-z]+(?:-[\da-z]+)?)(?:\/\d+)?)*$/i;
const CRON_FIELDS = [5, 6];

/** @param path of the source. */
export function checkSource(binder: Binder, path: YamlPath): void {
  checkSchedule(binder, [...path, 'schedule']);
  const kind = binder.at([...path, 'kind']);
  if (kind === 'file') checkSetting(binder, [...path, 'path']);
  if (kind === 'sftp') checkSftp(binder, path);
  if (kind === 'file' || kind === 'sftp') checkDrop(binder, path);
  if (kind === 'http') checkHttp(binder, path);
}

const REFERENCE_DUE = 'a secret stands where a reference to it is due';

function checkSftp(binder: Binder, path: YamlPath): void {
  checkSetting(binder, [...path, 'host']);
  checkAuth(binder, [...path, 'auth']);
  checkHostKeys(binder, path);
  const where = binder.at([...path, 'path']);
  if (typeof where !== 'string') return;
  const at = [...path, 'path'];
  if (where.trim() === '' || where.endsWith('/'))
    binder.fault(at, 'mapping.value', 'the path names a file', 'such as out/workers-*.csv');
  if (/[*?[{].*\//.test(where))
    binder.fault(at, 'mapping.value', 'wildcards stand in the name of the file only', 'such as out/workers-*.csv');
}

const PIN_HINT =
  'ssh-keyscan HOST | ssh-keygen -lf - prints what a server shows now; compare it with what its operator tells you by another way, then write hostKey: SHA256:…';

function checkHostKeys(binder: Binder, path: YamlPath): void {
  const at = [...path, 'hostKey'];
  if (!binder.tree.has(at)) {
    binder.faultAtKey(
      path,
      'mapping.host-key',
      'hostKey is missing: without it anybody could pose as the server and read the password',
      PIN_HINT,
    );
    return;
  }
  const list = binder.at(at);
  const pins: readonly (readonly [YamlPath, unknown])[] = Array.isArray(list)
    ? list.map((pin, index) => [[...at, index], pin] as const)
    : [[at, list]];
  for (const [where, pin] of pins) {
    if (typeof pin !== 'string' || hostKeyPin(pin) !== null) continue;
    binder.fault(where, 'mapping.host-key', 'this is no SHA256 fingerprint and no public key', PIN_HINT);
  }
}

function checkDrop(binder: Binder, path: YamlPath): void {
  const hint = 'write "${file:PATH}" or "${env:NAME}"';
  for (const key of ['privateKey', 'passphrase']) {
    referenceAt(binder, [...path, 'pgp', key], 'mapping.secret', REFERENCE_DUE, hint);
  }
  referenceAt(binder, [...path, 'pgp', 'signedBy'], 'mapping.reference', 'a reference is due here', hint);
  const archive = binder.at([...path, 'archive']);
  if (typeof archive !== 'string') return;
  if (
    archive.trim() !== '' &&
    !archive.startsWith('/') &&
    !archive.split('/').includes('..') &&
    !/^\.?\/?$/.test(archive)
  )
    return;
  binder.fault(
    [...path, 'archive'],
    'mapping.value',
    'the archive is a folder within that of the deliveries',
    'such as done',
  );
}

export function checkSchedule(binder: Binder, path: YamlPath): void {
  const schedule = binder.at(path);
  if (typeof schedule !== 'string') return;
  const fields = schedule.trim().split(/\s+/);
  if (CRON_FIELDS.includes(fields.length) && fields.every((field) => CRON_FIELD.test(field))) return;
  const hint = 'minute hour day month weekday, such as "*/5 * * * *"';
  binder.fault(path, 'mapping.schedule', 'the schedule is no cron expression', hint);
}

function checkHttp(binder: Binder, path: YamlPath): void {
  checkAddress(binder, [...path, 'baseUrl']);
  const auth = [...path, 'auth'];
  checkAuth(binder, auth);
  checkLogin(binder, auth);
  for (const key of ['certificate', 'key', 'passphrase']) {
    const hint = 'write "${file:PATH}" or "${env:NAME}"';
    referenceAt(
      binder,
      [...auth, 'tls', key],
      'mapping.secret',
      'a secret stands where a reference to it is due',
      hint,
    );
  }
  checkCertificate(binder, [...path, 'ca']);
  checkProxy(binder, [...path, 'proxy']);
  checkHeaders(binder, [...path, 'headers']);
  checkRequest(binder, [...path, 'list'], []);
  if (binder.at([...path, 'list', 'format']) === 'csv') checkCsv(binder, path);
  for (let index = 0; index < binder.count([...path, 'joins']); index++) {
    checkRequest(binder, [...path, 'joins', index], ['id']);
    checkBatch(binder, [...path, 'joins', index]);
  }
  if (binder.tree.has([...path, 'one'])) {
    checkRequest(binder, [...path, 'one'], ['id']);
    checkBatch(binder, [...path, 'one']);
  }
  if (binder.tree.has([...path, 'changes'])) checkChanges(binder, path);
}

function checkAddress(binder: Binder, path: YamlPath): void {
  checkSetting(binder, path);
  const value = binder.at(path);
  if (typeof value !== 'string') return;
  const setting = textSetting(value.trim());
  if (setting?.kind !== 'literal' || setting.text === '') return;
  const url = URL.canParse(setting.text) ? new URL(setting.text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    const hint = 'such as https://api.example.com/v1';
    binder.fault(path, 'mapping.url', 'baseUrl is no http(s) address without query', hint);
  } else if (url.username !== '' || url.password !== '') {
    const hint = 'use auth with a reference; if they were real, change them';
    binder.fault(path, 'mapping.secret', 'baseUrl holds credentials', hint);
  } else if (!isSafe(url)) {
    const hint = 'https; http for this machine only';
    binder.fault(path, 'mapping.url', 'records and credentials would travel in the open', hint);
  }
}

const SOUNDS_SECRET = /secret|password|passwd|token|credential|key|authorization/i;

function checkLogin(binder: Binder, auth: YamlPath): void {
  if (binder.at([...auth, 'kind']) !== 'login') return;
  checkTokenUrl(binder, [...auth, 'tokenUrl']);
  checkReferences(binder, [...auth, 'fields']);
}

function checkHeaders(binder: Binder, path: YamlPath): void {
  for (const name of binder.names(path)) checkHeaderName(binder, [...path, name], name);
  checkReferences(binder, path);
}

/** RFC 9110 section 5.6.2; those that the connection makes itself are not to be set. */
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const OWN_HEADERS = /^(?:host|connection|content-length|transfer-encoding|accept-encoding|te|upgrade|expect)$/i;

function checkHeaderName(binder: Binder, path: YamlPath, name: string): void {
  if (!HEADER.test(name)) binder.faultAtKey(path, 'mapping.name', `"${name}" is no name of a header`);
  else if (OWN_HEADERS.test(name)) binder.faultAtKey(path, 'mapping.name', `${name} is made by the connection itself`);
}

function checkReferences(binder: Binder, path: YamlPath): void {
  for (const name of binder.names(path)) {
    checkSetting(binder, [...path, name]);
    if (!SOUNDS_SECRET.test(name)) continue;
    const hint = 'write "${env:NAME}" or "${file:PATH}" and put the value there; if it was real, change it';
    referenceAt(binder, [...path, name], 'mapping.secret', 'a secret stands where a reference to it is due', hint);
  }
}

/** What any request may fill in. */
const FILLED = ['today'];

function checkRequest(binder: Binder, path: YamlPath, more: readonly string[]): void {
  const url = binder.at([...path, 'path']);
  if (typeof url === 'string' && url !== '' && !url.startsWith('/')) {
    binder.fault([...path, 'path'], 'mapping.value', 'a path begins with a slash', 'such as /employees');
  }
  const known = new Set([...FILLED, ...more]);
  for (const part of ['path', 'query', 'headers', 'body']) checkFilled(binder, [...path, part], known);
  for (const name of binder.names([...path, 'headers'])) {
    checkHeaderName(binder, [...path, 'headers', name], name);
    if (!SOUNDS_SECRET.test(name)) continue;
    binder.faultAtKey(
      [...path, 'headers', name],
      'mapping.secret',
      'a secret does not belong here',
      'use auth or source.headers',
    );
  }
  for (const name of binder.names([...path, 'query'])) {
    if (!/^(?:api_?key|access_?token|token|password|secret)$/i.test(name)) continue;
    binder.faultAtKey(
      [...path, 'query', name],
      'mapping.secret',
      'a secret does not belong here',
      'use auth: { kind: apiKey, in: query }',
    );
  }
  if (binder.tree.has([...path, 'body']) && binder.at([...path, 'method']) !== 'POST')
    binder.faultAtKey([...path, 'body'], 'mapping.value', 'only a POST has a body', 'write method: POST');
}

function checkFilled(binder: Binder, path: YamlPath, known: ReadonlySet<string>): void {
  const value = binder.at(path);
  if (value !== null && typeof value === 'object') {
    const parts = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
    for (const part of parts) checkFilled(binder, [...path, part], known);
    return;
  }
  if (typeof value !== 'string') return;
  for (const [, name = ''] of value.matchAll(/\{(\w+)\}/g)) {
    if (known.has(name)) continue;
    binder.fault(
      path,
      'mapping.value',
      `{${name}} is not known here`,
      `known are ${[...known].map((one) => `{${one}}`).join(', ')}`,
    );
  }
}

function checkBatch(binder: Binder, path: YamlPath): void {
  const batch = binder.at([...path, 'batch']);
  if (typeof batch !== 'number' || batch <= 1 || binder.tree.has([...path, 'key'])) return;
  binder.fault(
    [...path, 'batch'],
    'mapping.value',
    'an answer about several ids needs `key`',
    'key: dotted path of the id in an element',
  );
}

function checkCsv(binder: Binder, path: YamlPath): void {
  for (const key of ['joins', 'omit', 'flatten', 'explode', 'values', 'one', 'changes']) {
    if (!binder.tree.has([...path, key])) continue;
    binder.faultAtKey([...path, key], 'mapping.value', `${key} means nothing for a list that is CSV`, 'ask for JSON');
  }
}

function checkChanges(binder: Binder, path: YamlPath): void {
  const changes = [...path, 'changes'];
  checkSchedule(binder, [...changes, 'schedule']);
  checkRequest(binder, changes, ['since']);
  if (binder.at([...changes, 'records']) === true || binder.tree.has([...path, 'one'])) return;
  binder.faultAtKey(
    changes,
    'mapping.value',
    'changes name only ids, and nothing says how one worker is read',
    'add source.one, or records: true',
  );
}
