// What the schema cannot say of `webhooks`: paths that are told apart, secrets by reference only and one's own where access ends
// at once, and that no request can bring old facts back.
import type { Binder } from './binder.ts';
import { secretReference } from './secret-reference.ts';
import { TIMED_SCHEMES } from './webhook-schema.ts';
import type { YamlPath } from './yaml-tree.ts';

const PATH = /^\/hooks\/[A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\/[A-Za-z0-9][A-Za-z0-9_-]{0,62}){0,3}$/;
/** `body`, then members by name. */
const RECORD = /^body(?:\.[A-Za-z_][A-Za-z0-9_-]{0,62}){0,8}$/;
/** RFC 9110 section 5.6.2: the characters of a header's name. */
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

export function checkWebhooks(binder: Binder): void {
  const paths = new Map<string, number>();
  const owners = new Map<string, number[]>();
  const count = binder.count(['webhooks']);
  for (let index = 0; index < count; index++) {
    const hook: YamlPath = ['webhooks', index];
    checkPath(binder, [...hook, 'path'], paths);
    checkVerify(binder, [...hook, 'verify']);
    checkContent(binder, hook);
    for (const reference of referencesOf(binder, hook)) {
      const holders = owners.get(reference) ?? [];
      if (!holders.includes(index)) owners.set(reference, [...holders, index]);
    }
  }
  for (let index = 0; index < count; index++) {
    if (binder.at(['webhooks', index, 'emergency']) !== true) continue;
    const shared = referencesOf(binder, ['webhooks', index]).some((one) => (owners.get(one)?.length ?? 0) > 1);
    if (!shared) continue;
    binder.fault(
      ['webhooks', index, 'verify', 'secrets'],
      'mapping.webhook-secret',
      'an emergency webhook needs a secret of its own',
      'whoever can send hints could end anybody’s access: make another secret for this path',
    );
  }
}

function checkPath(binder: Binder, path: YamlPath, known: Map<string, number>): void {
  const value = binder.at(path);
  if (typeof value !== 'string') return;
  if (!PATH.test(value)) {
    binder.fault(path, 'mapping.webhook-path', 'this is no path of a webhook', 'such as /hooks/acme');
  } else if (known.has(value)) binder.fault(path, 'mapping.webhook-path', `two webhooks have the path ${value}`);
  known.set(value, 1);
}

const secretsOf = (binder: Binder, hook: YamlPath): readonly (readonly [YamlPath, string])[] => {
  const list: YamlPath = [...hook, 'verify', 'secrets'];
  return Array.from({ length: binder.count(list) }, (_, index): readonly [YamlPath, string] => [
    [...list, index],
    binder.textAt([...list, index]) ?? '',
  ]);
};
const referencesOf = (binder: Binder, hook: YamlPath): readonly string[] =>
  secretsOf(binder, hook).flatMap(([, text]) => {
    const reference = secretReference(text);
    return reference === null ? [] : [JSON.stringify(reference)];
  });

function checkVerify(binder: Binder, verify: YamlPath): void {
  const seen = new Set<string>();
  for (const [path, text] of secretsOf(binder, verify.slice(0, -1))) {
    const reference = secretReference(text);
    if (reference === null) {
      const hint = 'write "${env:NAME}" or "${file:PATH}" and put the secret there; if it was real, change it';
      binder.fault(path, 'mapping.secret', 'a secret stands where a reference to it is due', hint);
    } else if (seen.has(JSON.stringify(reference))) {
      binder.fault(path, 'mapping.webhook-secret', 'this secret stands there twice');
    }
    seen.add(JSON.stringify(reference));
  }
  for (const key of ['header', 'timestampHeader', 'idHeader']) {
    const name = binder.at([...verify, key]);
    if (typeof name === 'string' && !HEADER.test(name))
      binder.fault([...verify, key], 'mapping.value', 'this is no name of a header', 'such as X-Signature');
  }
  if (binder.at([...verify, 'scheme']) === 'hmac') checkSigned(binder, verify);
}

function checkSigned(binder: Binder, verify: YamlPath): void {
  const path: YamlPath = [...verify, 'signed'];
  const written = binder.at(path);
  const signed = typeof written === 'string' ? written : '{body}';
  const where = binder.tree.has(path) ? path : verify;
  const fault = (message: string, hint: string) => binder.fault(where, 'mapping.webhook-signed', message, hint);
  const parts = [...signed.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '');
  if (parts.filter((part) => part === 'body').length !== 1)
    fault('what is signed must hold {body} once', '{timestamp}.{body}');
  for (const part of parts) {
    if (part !== 'body' && part !== 'timestamp' && part !== 'id')
      fault(`{${part}} means nothing here`, 'there are {body}, {timestamp} and {id}');
  }
  for (const [part, key] of [
    ['timestamp', 'timestampHeader'],
    ['id', 'idHeader'],
  ] as const) {
    const named = binder.tree.has([...verify, key]);
    const inside = parts.includes(part);
    if (named && !inside)
      fault(
        `${key} is not signed: anybody could write another one`,
        `signed: '{${part}}.{body}', if the sender does so`,
      );
    if (inside && !named) fault(`{${part}} is signed, but no header has it`, `name the header: ${key}`);
  }
}

function checkContent(binder: Binder, hook: YamlPath): void {
  const emergency = binder.at([...hook, 'emergency']) === true;
  const record = binder.at([...hook, 'record']);
  const hasRecord = binder.tree.has([...hook, 'record']);
  if (emergency && hasRecord) {
    const hint = 'give each a path of its own: one for records, one for emergencies';
    binder.faultAtKey([...hook, 'record'], 'mapping.webhook-kind', 'an emergency carries no record', hint);
  }
  if (!binder.tree.has([...hook, 'worker']) && (emergency || !hasRecord)) {
    const hint = 'worker: an expression such as body.employee.id; or record: where the body carries a whole record';
    binder.fault(hook, 'mapping.webhook-kind', 'this webhook does not say whose event it is', hint);
  }
  if (!hasRecord) return;
  if (typeof record === 'string' && !RECORD.test(record.trim())) {
    binder.fault([...hook, 'record'], 'mapping.value', 'this is no path into the body', 'body, or body.data.employee');
  }
  if (binder.tree.has(['source', 'effective'])) {
    const hint = 'use worker: as a hint, so that the source is asked for all rows of the worker';
    const message = 'a record alone says nothing of a worker’s other dated rows';
    binder.faultAtKey([...hook, 'record'], 'mapping.webhook-kind', message, hint);
  }
  const timed =
    TIMED_SCHEMES.has(String(binder.at([...hook, 'verify', 'scheme']))) ||
    binder.tree.has([...hook, 'verify', 'timestampHeader']);
  if (timed || binder.tree.has([...hook, 'at']) || binder.tree.has(['source', 'asOf'])) return;
  const message = 'nothing says when a record was so: the same request sent again later would bring old facts back';
  binder.faultAtKey([...hook, 'record'], 'mapping.webhook-time', message, 'at: such as body.timestamp');
}

/** Members of the body in which the record stands. */
export const recordPath = (written: string): readonly string[] => written.trim().split('.').slice(1);
