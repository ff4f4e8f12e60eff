import { describe, expect, test } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import type { HookSettings } from '../../src/mapping/webhook-settings.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import { mappingText } from '../support/house.ts';

const read = (hooks: string, replace: Readonly<Record<string, string>> = {}) =>
  readConnection('acme.yaml', `webhooks:\n${hooks}\n${mappingText(replace)}`, { sha256 });

/** `line:column code: message` of every fault. */
function faults(hooks: string, replace: Readonly<Record<string, string>> = {}): readonly string[] {
  const found = read(hooks, replace);
  if (!('faults' in found)) return [];
  return found.faults.map((fault) => {
    expect(fault.hint ?? '', faultLine(fault)).not.toContain('undefined');
    return `${fault.place?.line}:${fault.place?.column} ${fault.code}: ${fault.message}`;
  });
}

function hook(text: string): HookSettings {
  const found = read(text);
  if ('faults' in found) throw new Error(found.faults.map(faultLine).join('\n'));
  const [first] = found.connection.webhooks;
  if (first === undefined) throw new Error('there is no webhook');
  return first;
}

const HINT = `  - path: /hooks/acme
    verify: { scheme: standard-webhooks, secrets: ["\${env:A}"] }
    worker: body.employee.id`;
const RECORD = `  - path: /hooks/records
    verify: { scheme: standard-webhooks, secrets: ["\${env:B}"] }
    record: body.data.employee`;
const EMERGENCY = `  - path: /hooks/now
    emergency: true
    verify: { scheme: hmac, header: X-Signature, secrets: ["\${env:C}"] }
    worker: body.id`;

test('a hint, a record and an emergency stand side by side', () => {
  const found = read([HINT, RECORD, EMERGENCY].join('\n'));
  expect('faults' in found ? found.faults.map(faultLine) : found.connection.webhooks.map(({ kind }) => kind)).toEqual([
    'hint',
    'record',
    'emergency',
  ]);
});

describe('a fault is told with its line and column', () => {
  test.each([
    [
      'a path elsewhere',
      HINT.replace('/hooks/acme', '/acme'),
      '2:11 mapping.webhook-path: this is no path of a webhook',
    ],
    [
      'a path up the tree',
      HINT.replace('/hooks/acme', '/hooks/../x'),
      '2:11 mapping.webhook-path: this is no path of a webhook',
    ],
    [
      'one path twice',
      `${HINT}\n${HINT.replace('env:A', 'env:Z')}`,
      '5:11 mapping.webhook-path: two webhooks have the path /hooks/acme',
    ],
    [
      'a secret written out',
      HINT.replace('${env:A}', 'hunter2'),
      '3:53 mapping.secret: a secret stands where a reference to it is due',
    ],
    [
      'one secret twice',
      HINT.replace('"]', '", "${env:A}"]'),
      '3:65 mapping.webhook-secret: this secret stands there twice',
    ],
    [
      'three secrets',
      HINT.replace('"]', '", "${env:B}", "${env:C}"]'),
      '3:51 mapping.value: the value is out of bounds: at most 2 entries',
    ],
    ['an unknown scheme', HINT.replace('standard-webhooks', 'acme'), '3:23 mapping.value: the value must be: '],
    [
      'a key of another scheme',
      HINT.replace('secrets:', 'header: X, secrets:'),
      '3:42 mapping.unknown-key: unknown key "header" in webhooks[0].verify',
    ],
    [
      'nobody',
      HINT.replace('\n    worker: body.employee.id', ''),
      '2:5 mapping.webhook-kind: this webhook does not say whose event it is',
    ],
    ['an expression that is none', HINT.replace('body.employee.id', 'body.'), '4:'],
    [
      'a name that is not known',
      HINT.replace('body.employee.id', 'record.ID'),
      '4:13 mapping.unknown-name: "record" is not known here',
    ],
    ['a truth where an id is due', HINT.replace('body.employee.id', 'body.id == "1"'), '4:13 mapping.type'],
    [
      'a path that is an expression',
      RECORD.replace('body.data.employee', 'body.employees[0]'),
      '4:13 mapping.value: this is no path into the body',
    ],
    [
      'an emergency with a record',
      EMERGENCY.replace('worker: body.id', 'worker: body.id\n    record: body'),
      '6:5 mapping.webhook-kind: an emergency carries no record',
    ],
    [
      'an emergency with the secret of another',
      `${HINT}\n${EMERGENCY.replace('env:C', 'env:A')}`,
      '7:59 mapping.webhook-secret: an emergency webhook needs a secret of its own',
    ],
    [
      'a time that is not signed',
      EMERGENCY.replace('header: X-Signature', 'header: X-Signature, timestampHeader: X-Time'),
      '4:13 mapping.webhook-signed: timestampHeader is not signed: anybody could write another one',
    ],
    [
      'a time that no header has',
      EMERGENCY.replace('header: X-Signature', 'header: X-Signature, signed: "{timestamp}.{body}"'),
      '4:59 mapping.webhook-signed: {timestamp} is signed, but no header has it',
    ],
    [
      'a body that is not signed',
      EMERGENCY.replace('header: X-Signature', 'header: X-Signature, signed: "{id}", idHeader: X'),
      '4:59 mapping.webhook-signed: what is signed must hold {body} once',
    ],
    [
      'a header with a blank',
      EMERGENCY.replace('X-Signature', 'X Signature'),
      '4:37 mapping.value: this is no name of a header',
    ],
    [
      'a record of no time',
      RECORD.replace('standard-webhooks', 'merge'),
      '4:5 mapping.webhook-time: nothing says when a record was so',
    ],
  ])('%s', (_, hooks, expected) => {
    const found = faults(hooks);
    expect(
      found.some((line) => line.startsWith(expected)),
      found.join('\n'),
    ).toBe(true);
  });

  test('a record of one of several dated rows', () => {
    const dated = { 'stableMs: 0 }': 'stableMs: 0, effective: { from: record.Start } }' };
    expect(faults(RECORD, dated)[0]).toMatch(/^4:5 mapping.webhook-kind: a record alone says nothing/);
    expect(faults(HINT, dated)).toEqual([]);
  });
});

describe('a body', () => {
  test('names one worker or several, each once, as text', () => {
    const { reader } = hook(HINT.replace('body.employee.id', 'body.employees.map(e, e.id)'));
    expect(reader.read({ employees: [{ id: 7 }, { id: '007' }, { id: ' 7 ' }] })).toEqual({
      kind: 'read',
      workers: ['7', '007'],
      records: [],
      at: null,
    });
  });

  test.each([
    [{}, 'a member is not there'],
    [{ employee: { id: '' } }, 'the body names no worker'],
    [{ employee: { id: null } }, 'the body names no worker'],
    [{ employee: [] }, ''],
    [[], 'the body is no object'],
    ['text', 'the body is no object'],
    [{ employee: { id: 'x'.repeat(70_000) } }, 'longer than'],
  ])('that is %j is refused with a reason', (body, reason) => {
    const reading = hook(HINT).reader.read(body);
    expect(reading.kind).toBe('refused');
    expect(reading.kind === 'refused' ? reading.reason : '').toContain(reason);
  });

  test('carries a record, or several, whose members are its own and nothing else', () => {
    const { reader } = hook(RECORD);
    const body = JSON.parse('{"data":{"employee":{"ID":"1","__proto__":{"Status":"A"}}}}');
    const reading = reader.read(body);
    expect(reading.kind === 'read' && reading.records.map((one) => Object.keys(one))).toEqual([['ID', '__proto__']]);
    const [record] = reading.kind === 'read' ? reading.records : [];
    expect(Object.getPrototypeOf(record)).toBeNull();
    expect(reader.read({ data: { employee: [{ ID: '1' }, { ID: '2' }] } })).toMatchObject({
      kind: 'read',
      records: [{ ID: '1' }, { ID: '2' }],
    });
    for (const wrong of [{}, { data: null }, { data: { employee: 'x' } }, { data: { employee: [1] } }])
      expect(reader.read(wrong).kind).toBe('refused');
  });

  test.each([
    [1772442900, '2026-03-02T09:15:00.000Z'],
    ['1772442900123', '2026-03-02T09:15:00.123Z'],
    ['2026-03-02T10:15:00+01:00', '2026-03-02T09:15:00.000Z'],
    ['', null],
  ])('says that it was so at %j', (at, moment) => {
    const { reader } = hook(`${HINT}\n    at: body.at`);
    expect(reader.read({ employee: { id: '1' }, at })).toMatchObject({ kind: 'read', at: moment });
  });

  test('whose time is none is refused', () => {
    const { reader } = hook(`${HINT}\n    at: body.at`);
    expect(reader.read({ employee: { id: '1' }, at: 'yesterday' }).kind).toBe('refused');
  });

  test('of another kind is ignored, whatever else it lacks', () => {
    const { reader } = hook(`${HINT}\n    when: body.type == "left"`);
    expect(reader.read({ type: 'joined' })).toEqual({ kind: 'ignored' });
    expect(reader.read({ type: 'left', employee: { id: '1' } }).kind).toBe('read');
  });

  test('is known by the id that the file names', () => {
    const { reader } = hook(`${HINT}\n    id: body.uuid`);
    expect([reader.idOf({ uuid: 'u-1' }), reader.idOf({}), reader.tellsApart]).toEqual(['u-1', '', true]);
    expect(hook(HINT).reader.tellsApart).toBe(false);
  });
});
