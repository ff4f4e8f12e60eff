// What the schema cannot say of a connection file: real zones, references where secrets are due, parts that this version
// does not have. Works on the raw tree, so that these faults are found beside all others.
import { isTimeZone } from '../base/calendar-date.ts';
import type { Binder } from './binder.ts';
import { GUARD_KINDS } from './connection-schema.ts';
import { secretReference, textSetting } from './secret-reference.ts';
import { STATUS_WORDS } from './to-employment.ts';
import type { YamlPath } from './yaml-tree.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** One field of a cron expression, and how many there are (with seconds: six). */
const CRON_FIELD = /^(?:\*|[\da-z]+(?:-[\da-z]+)?)(?:\/\d+)?(?:,(?:\*|[\da-z]+(?:-[\da-z]+)?)(?:\/\d+)?)*$/i;
const CRON_FIELDS = [5, 6];

const NOT_BUILT = 'mapping.not-built';

export function checkRules(binder: Binder): void {
  checkTop(binder);
  checkSource(binder);
  checkGuards(binder);
  checkAttributes(binder);
  const names = new Map<string, number>();
  for (let index = 0; index < binder.count(['targets']); index++) checkTarget(binder, ['targets', index], names);
}

/** Parts whose keys belong to a version to come: what the schema says of them would only distract. */
export function notBuilt(binder: Binder): readonly YamlPath[] {
  const parts: YamlPath[] = [];
  if (differs(binder, ['source', 'kind'], 'file')) parts.push(['source']);
  for (let index = 0; index < binder.count(['targets']); index++) {
    if (differs(binder, ['targets', index, 'kind'], 'scim')) parts.push(['targets', index]);
    else if (differs(binder, ['targets', index, 'auth', 'kind'], 'bearer')) parts.push(['targets', index, 'auth']);
  }
  return parts;
}

const differs = (binder: Binder, path: YamlPath, built: string): boolean => {
  const value = binder.at(path);
  return typeof value === 'string' && value !== built;
};

function onlyBuilt(binder: Binder, path: YamlPath, built: string): void {
  if (!differs(binder, path, built)) return;
  binder.fault(path, NOT_BUILT, `"${String(binder.at(path))}" is not built in this version`, `use ${built}`);
}

function checkTop(binder: Binder): void {
  const name = binder.at(['connection']);
  if (typeof name === 'string' && !NAME.test(name)) {
    binder.fault(
      ['connection'],
      'mapping.name',
      'the name of a connection has small letters, digits and hyphens only',
      'such as acme or acme-berlin',
    );
  }
  const zone = binder.at(['timeZone']);
  if (typeof zone === 'string' && !isTimeZone(zone)) {
    binder.fault(['timeZone'], 'mapping.time-zone', `"${zone}" is no IANA time zone`, 'such as Europe/Berlin or UTC');
  }
  if (binder.tree.has(['webhooks'])) {
    binder.faultAtKey(['webhooks'], NOT_BUILT, 'webhooks are not built in this version', 'remove the section');
  }
}

function checkSource(binder: Binder): void {
  onlyBuilt(binder, ['source', 'kind'], 'file');
  settingAt(binder, ['source', 'path']);
  const schedule = binder.at(['source', 'schedule']);
  if (typeof schedule !== 'string') return;
  const fields = schedule.trim().split(/\s+/);
  if (!CRON_FIELDS.includes(fields.length) || !fields.every((field) => CRON_FIELD.test(field))) {
    binder.fault(
      ['source', 'schedule'],
      'mapping.schedule',
      'the schedule is no cron expression',
      'minute hour day month weekday, such as "*/5 * * * *"',
    );
  }
}

/** @returns false where a fault was noted. */
function settingAt(binder: Binder, path: YamlPath): void {
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

const LIMIT = /^\s*(?:\d+|\d+(?:\.\d+)?\s*%)\s*$/;

function checkGuards(binder: Binder): void {
  for (const kind of binder.names(['guards'])) {
    if (!(GUARD_KINDS as readonly string[]).includes(kind)) continue;
    checkLimit(binder, ['guards', kind]);
  }
}

function checkLimit(binder: Binder, path: YamlPath): void {
  const value = binder.at(path);
  if (
    typeof value === 'string' &&
    !(LIMIT.test(value) && Number.parseFloat(value) <= (value.includes('%') ? 100 : Number.MAX_SAFE_INTEGER))
  ) {
    binder.fault(path, 'mapping.value', 'a limit is a number of workers or a share', 'such as 10 or 3%');
  }
}

/** Members of a worker; attributes cannot take their names. */
const WORKER_NAMES = new Set([
  'key',
  'id',
  'personId',
  'status',
  'startDate',
  'endDate',
  'lastDay',
  'endsNow',
  'timeZone',
  'managerId',
  'inScope',
  'asOf',
  'attributes',
]);
const ATTRIBUTE = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
/** CEL does not take these as names. */
const RESERVED = new Set([
  'as',
  'break',
  'const',
  'constructor',
  'continue',
  'else',
  'false',
  'for',
  'function',
  'if',
  'import',
  'in',
  'let',
  'loop',
  'namespace',
  'null',
  'package',
  'prototype',
  'return',
  'true',
  'var',
  'void',
  'while',
]);

function checkAttributes(binder: Binder): void {
  for (const name of binder.names(['worker', 'attributes'])) {
    const path = ['worker', 'attributes', name];
    if (WORKER_NAMES.has(name)) {
      binder.faultAtKey(
        path,
        'mapping.name',
        `"${name}" is a member of every worker`,
        'give the attribute another name',
      );
    } else if (!ATTRIBUTE.test(name) || RESERVED.has(name)) {
      binder.faultAtKey(
        path,
        'mapping.name',
        `"${name}" cannot be the name of an attribute`,
        'a letter, then letters, digits and _',
      );
    }
  }
  const status = binder.at(['tables', 'status']);
  const expression = binder.textAt(['worker', 'status']);
  if (status === undefined || expression === null || !/^\s*lookup\(\s*["']status["']/.test(expression)) return;
  for (const word of binder.names(['tables', 'status'])) {
    const meaning = String(binder.at(['tables', 'status', word]));
    if ((STATUS_WORDS as readonly string[]).includes(meaning)) continue;
    binder.fault(
      ['tables', 'status', word],
      'mapping.status',
      `"${meaning}" is no status`,
      `one of ${STATUS_WORDS.join(', ')}`,
    );
  }
}

function checkTarget(binder: Binder, path: YamlPath, names: Map<string, number>): void {
  onlyBuilt(binder, [...path, 'kind'], 'scim');
  if (differs(binder, [...path, 'kind'], 'scim')) return;
  onlyBuilt(binder, [...path, 'profile'], 'generic');
  onlyBuilt(binder, [...path, 'auth', 'kind'], 'bearer');
  const name = binder.at([...path, 'name']);
  if (typeof name === 'string') {
    if (!NAME.test(name)) {
      binder.fault(
        [...path, 'name'],
        'mapping.name',
        'the name of a target has small letters, digits and hyphens only',
        'such as idp',
      );
    }
    if (names.has(name)) binder.fault([...path, 'name'], 'mapping.name', `two targets are called "${name}"`);
    names.set(name, 1);
  }
  const token = binder.at([...path, 'auth', 'token']);
  if (typeof token === 'string' && secretReference(token) === null) {
    const hint = 'write token: "${env:NAME}" or "${file:PATH}" and put the secret there; if it was real, change it';
    binder.fault([...path, 'auth', 'token'], 'mapping.secret', 'a secret stands where a reference to it is due', hint);
  }
  checkBaseUrl(binder, [...path, 'baseUrl']);
}

const URL_FORM = /^https?:\/\/(?<credentials>[^/?#@]*@)?[^/?#@\s]+(?:\/[^?#\s]*)?$/i;

function checkBaseUrl(binder: Binder, path: YamlPath): void {
  settingAt(binder, path);
  const value = binder.at(path);
  if (typeof value !== 'string') return;
  const setting = textSetting(value);
  if (setting?.kind !== 'literal') return;
  const match = URL_FORM.exec(setting.text.trim());
  if (match === null) {
    binder.fault(
      path,
      'mapping.url',
      'baseUrl is no http(s) address without query',
      'such as https://idp.example.com/scim/v2',
    );
  } else if (match.groups?.credentials !== undefined) {
    binder.fault(
      path,
      'mapping.secret',
      'baseUrl holds credentials',
      'use auth with a reference; if they were real, change them',
    );
  }
}
