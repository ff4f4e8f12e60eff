// What the schema cannot say of a connection file: real zones, references where secrets are due, parts that this version
// does not have. Works on the raw tree, so that these faults are found beside all others.
import { isTimeZone } from '../base/calendar-date.ts';
import { dayTime } from '../base/day-time.ts';
import { checkAlarms } from './alarm-settings.ts';
import { checkAlso } from './also-rules.ts';
import { checkAccess, checkSetting, isSafe } from './auth-rules.ts';
import type { Binder } from './binder.ts';
import { GUARD_KINDS } from './connection-schema.ts';
import { checkEntra } from './entra-rules.ts';
import { checkOkta } from './okta-rules.ts';
import { textSetting } from './secret-reference.ts';
import { checkSessions } from './session-rules.ts';
import { SOURCE_KINDS, SOURCE_WORDS } from './source-kinds.ts';
import { checkSource } from './source-rules.ts';
import { TARGET_KINDS } from './target-kinds.ts';
import { STATUS_WORDS } from './to-employment.ts';
import { checkWebhooks } from './webhook-rules.ts';
import type { YamlPath } from './yaml-tree.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

const NOT_BUILT = 'mapping.not-built';

export function checkRules(binder: Binder): void {
  checkTop(binder);
  if (onlyBuilt(binder, ['source', 'kind'], SOURCE_KINDS, SOURCE_WORDS)) checkSource(binder, ['source']);
  checkGuards(binder);
  checkAlarms(binder);
  checkAttributes(binder);
  checkAlso(binder, (path, name) => checkAttributeName(binder, path, name));
  checkDayTimes(binder);
  checkWebhooks(binder);
  const names = new Map<string, number>();
  for (let index = 0; index < binder.count(['targets']); index++) checkTarget(binder, ['targets', index], names);
  checkDeletes(binder);
}

/** Parts whose keys belong to a version to come: what the schema says of them would only distract. */
export function notBuilt(binder: Binder): readonly YamlPath[] {
  const parts: YamlPath[] = [];
  if (differs(binder, ['source', 'kind'], SOURCE_KINDS)) parts.push(['source']);
  for (let index = 0; index < binder.count(['targets']); index++) {
    if (differs(binder, ['targets', index, 'kind'], TARGET_KINDS)) parts.push(['targets', index]);
  }
  return parts;
}

const differs = (binder: Binder, path: YamlPath, built: readonly string[]): boolean => {
  const value = binder.at(path);
  return typeof value === 'string' && !built.includes(value);
};

/** @param words what a person may write there. @returns whether it is built. */
function onlyBuilt(binder: Binder, path: YamlPath, built: readonly string[], words = built): boolean {
  if (!differs(binder, path, built)) return true;
  binder.fault(path, NOT_BUILT, `"${String(binder.at(path))}" is not built in this version`, `use ${words.join(', ')}`);
  return false;
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
}

/** Further before the last day, or after it, a time of day would be a second date. */
const END_SHIFT_DAYS_MAX = 7;

function checkDayTimes(binder: Binder): void {
  for (const name of ['enableAt', 'disableAt']) {
    const path: YamlPath = ['lifecycle', name];
    const written = binder.at(path);
    if (typeof written !== 'string') continue;
    const time = dayTime(written);
    if (time !== null && Math.abs(time.days) <= END_SHIFT_DAYS_MAX) continue;
    binder.fault(
      path,
      'mapping.day-time',
      `"${written}" is no local time with an optional shift of at most ${END_SHIFT_DAYS_MAX} days`,
      'such as "06:00", "-1d 18:00" or "+1d 00:30", in quotes',
    );
  }
}

/** Deleting takes two switches: how long an account is kept, and where it may be deleted at all. */
function checkDeletes(binder: Binder): void {
  const days: YamlPath = ['lifecycle', 'retention', 'deleteAfterDays'];
  const targets = Array.from({ length: binder.count(['targets']) }, (_, index): YamlPath => ['targets', index]);
  const deletes = targets.filter((path) => binder.at([...path, 'deletes']) === true);
  if (typeof binder.at(days) === 'number' && deletes.length === 0) {
    const hint = 'write deletes: true at the targets where accounts may be deleted, or deleteAfterDays: never';
    binder.fault(days, 'mapping.deletes', 'no target of this connection lets accounts be deleted', hint);
  }
  for (const path of targets) {
    if (!binder.tree.has([...path, 'deleteAuth']) || binder.at([...path, 'deletes']) === true) continue;
    binder.faultAtKey(
      [...path, 'deleteAuth'],
      'mapping.deletes',
      'deleteAuth means nothing here',
      'it belongs to deletes: true',
    );
  }
}

const LIMIT = /^\s*(?:\d+|\d+(?:\.\d+)?\s*%)\s*$/;

function checkGuards(binder: Binder): void {
  for (const kind of binder.names(['guards'])) {
    if (!(GUARD_KINDS as readonly string[]).includes(kind)) continue;
    checkLimit(binder, ['guards', kind]);
  }
  const per: YamlPath = binder.tree.has(['guards', 'per', 'attribute'])
    ? ['guards', 'per', 'attribute']
    : ['guards', 'per'];
  const attribute = binder.at(per);
  const known = binder.names(['worker', 'attributes']);
  if (typeof attribute !== 'string' || known.includes(attribute.trim())) return;
  binder.fault(
    per,
    'mapping.value',
    `${attribute} is no attribute under worker.attributes`,
    known.length === 0 ? 'map one, such as department' : `attributes are ${known.join(', ')}`,
  );
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
    checkAttributeName(binder, ['worker', 'attributes', name], name);
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

function checkAttributeName(binder: Binder, path: YamlPath, name: string): void {
  if (WORKER_NAMES.has(name)) {
    const message = `"${name}" is a member of every worker`;
    binder.faultAtKey(path, 'mapping.name', message, 'give the attribute another name');
  } else if (!ATTRIBUTE.test(name) || RESERVED.has(name)) {
    const message = `"${name}" cannot be the name of an attribute`;
    binder.faultAtKey(path, 'mapping.name', message, 'a letter, then letters, digits and _');
  }
}

function checkTarget(binder: Binder, path: YamlPath, names: Map<string, number>): void {
  if (!onlyBuilt(binder, [...path, 'kind'], TARGET_KINDS)) return;
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
  checkAccess(binder, path);
  if (binder.at([...path, 'kind']) === 'entra-bulk') {
    checkEntra(binder, path);
    return;
  }
  if (binder.tree.has([...path, 'entra']))
    binder.faultAtKey(
      [...path, 'entra'],
      'mapping.entra',
      'entra means nothing here',
      'it belongs to kind: entra-bulk',
    );
  if (binder.at([...path, 'kind']) === 'okta-source') {
    checkBaseUrl(binder, [...path, 'baseUrl']);
    checkOkta(binder, path);
    return;
  }
  if (binder.tree.has([...path, 'okta']))
    binder.faultAtKey([...path, 'okta'], 'mapping.okta', 'okta means nothing here', 'it belongs to kind: okta-source');
  checkSessions(binder, path);
  checkBaseUrl(binder, [...path, 'baseUrl']);
}

const URL_FORM = /^https?:\/\/(?<credentials>[^/?#@]*@)?[^/?#@\s]+(?:\/[^?#\s]*)?$/i;

function checkBaseUrl(binder: Binder, path: YamlPath): void {
  checkSetting(binder, path);
  const value = binder.at(path);
  if (typeof value !== 'string') return;
  const setting = textSetting(value);
  if (setting?.kind !== 'literal') return;
  const written = setting.text.trim();
  const match = URL.canParse(written) ? URL_FORM.exec(written) : null;
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
  } else if (!isSafe(new URL(written))) {
    const hint = 'https; http for this machine only';
    binder.fault(path, 'mapping.url', 'people and credentials would travel in the open', hint);
  }
}
