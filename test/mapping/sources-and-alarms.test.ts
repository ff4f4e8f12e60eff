// Keys of a connection file for SFTP, wrapped files, further sources and alarms: what is read, and each fault with its hint.
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/base/problem.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import { hostKeyPin } from '../../src/mapping/host-key.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import { mappingText } from '../support/house.ts';
import { anEmployment } from '../support/people.ts';
import { sshKeys } from '../support/sftp-server.ts';

const FINGERPRINT = `SHA256:${'A'.repeat(43)}`;

const read = (text: string) => readConnection('acme.yaml', text, { sha256 });

function connectionOf(text: string) {
  const result = read(text);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults, null, 1));
  return result.connection;
}

function faultsOf(text: string): readonly Fault[] {
  const result = read(text);
  if (!('faults' in result)) throw new Error('the file has no fault');
  return result.faults;
}

const said = (text: string): readonly string[] =>
  faultsOf(text).map(({ code, place }) => `${code} ${place?.key ?? ''}`);

const sftp = (
  more = `hostKey: "${FINGERPRINT}"`,
  auth = '{ kind: password, user: hr, password: "${env:SFTP_PASSWORD}" }',
): string =>
  mappingText({
    'source: { kind: file, path: workers.csv, stableMs: 0 }': `source:
  kind: sftp
  host: files.example.com
  auth: ${auth}
  path: out/workers-*.csv
  ${more}`,
  });

const also = (more = '', replace: readonly (readonly [string, string])[] = []): string => {
  let text = `also:
  - name: phones
    source: { kind: file, path: phones.csv }
    key: record.Id
    joins: worker.id
    attributes: { phone: record.Phone }
${more}`;
  for (const [from, to] of replace) text = text.replace(from, to);
  return mappingText({ 'worker:\n': `${text}worker:\n` });
};

describe('an SFTP source', () => {
  test('is read with its defaults, its pins, and references for what is secret', () => {
    const key = sshKeys().public;
    const connection = connectionOf(
      sftp(
        `hostKey: ["${FINGERPRINT}", "files.example.com ${key}"]\n  archive: done/2026\n  pgp: { privateKey: "\${file:/run/pgp}", signedBy: "\${file:/run/hr.asc}" }`,
      ),
    );
    expect(connection.source).toMatchObject({
      kind: 'sftp',
      host: { kind: 'literal', text: 'files.example.com' },
      port: 22,
      hostKeys: [{ fingerprint: 'A'.repeat(43) }, { type: 'ssh-ed25519' }],
      auth: {
        kind: 'password',
        user: { kind: 'literal', text: 'hr' },
        password: { kind: 'env', name: 'SFTP_PASSWORD' },
      },
      archive: 'done/2026',
      pgp: { privateKey: { kind: 'file', path: '/run/pgp' }, signedBy: { kind: 'file', path: '/run/hr.asc' } },
      timeoutMs: 30_000,
      maxBytes: 4 * 1024 ** 3,
      stableMs: 2_000,
    });
  });

  test('without a pinned key is refused, with the way to get one', () => {
    const [fault, ...others] = faultsOf(sftp(''));
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ code: 'mapping.host-key', hint: expect.stringContaining('ssh-keyscan') });
    for (const pin of ['MD5:aa:bb', 'SHA256:short', 'ssh-ed25519', '']) {
      expect(said(sftp(`hostKey: "${pin}"`))).toEqual(['mapping.host-key source.hostKey']);
    }
  });

  test.each([
    [
      'a password in the open',
      sftp(undefined, '{ kind: password, user: hr, password: hunter2 }'),
      'mapping.secret source.auth.password',
    ],
    [
      'a key in the open',
      sftp(undefined, '{ kind: key, user: hr, privateKey: abc }'),
      'mapping.secret source.auth.privateKey',
    ],
    [
      'a PGP key in the open',
      sftp(`hostKey: "${FINGERPRINT}"\n  pgp: { privateKey: abc }`),
      'mapping.secret source.pgp.privateKey',
    ],
    ['a wildcard in a folder', sftp().replace('out/workers-*.csv', '"*/workers.csv"'), 'mapping.value source.path'],
    ['a folder for a path', sftp().replace('out/workers-*.csv', 'out/'), 'mapping.value source.path'],
    ['an archive elsewhere', sftp(`hostKey: "${FINGERPRINT}"\n  archive: ../done`), 'mapping.value source.archive'],
    [
      'an archive that is the folder itself',
      sftp(`hostKey: "${FINGERPRINT}"\n  archive: .`),
      'mapping.value source.archive',
    ],
    [
      'a password that ends on no day',
      sftp(undefined, '{ kind: password, user: hr, password: "${env:P}", expires: 2027-02-30 }'),
      'mapping.value source.auth.expires',
    ],
  ])('does not take %s', (_what, text, fault) => {
    expect(said(text)).toEqual([fault]);
  });

  test('knows a pin however it is written, and nothing else', () => {
    const { public: key } = sshKeys();
    const blob = key.split(' ')[1];
    for (const line of [key, `${key} me@example.com`, `files.example.com ${key}`, `[files.example.com]:2222 ${key}`]) {
      expect(hostKeyPin(line)).toEqual({ type: 'ssh-ed25519', blob });
    }
    expect(hostKeyPin(`${FINGERPRINT}=`)).toEqual({ fingerprint: 'A'.repeat(43) });
    for (const line of ['ssh-ed25519', 'AAAAC3', `MD5:${'a'.repeat(43)}`, `256 ${FINGERPRINT} host (ED25519)`]) {
      expect(hostKeyPin(line)).toBeNull();
    }
  });
});

describe('further sources', () => {
  test('are read as sources are, and what they give is known to accounts only', () => {
    const text = also().replace('title: worker.title', 'title: worker.phone');
    const connection = connectionOf(text);
    expect(connection.also).toMatchObject([{ name: 'phones', source: { kind: 'file', content: 'snapshot' } }]);
    const bound = connection.bind(null);
    if ('faults' in bound) throw new Error('faults');
    expect(bound.mapping.also.map(({ name, byId }) => [name, byId])).toEqual([['phones', true]]);
    const primary = { ...anEmployment({ id: '7' }), given: { phones: { phone: '+49 1' } } };
    const worker = { key: '7', employments: [primary] };
    expect(bound.mapping.targets[0]?.desired(worker, primary, null).attributes.title).toBe('+49 1');
  });

  test.each([
    [
      'a scope that asks for what they give',
      also().replace('tables:\n', 'scope: worker.phone != ""\ntables:\n'),
      ['mapping.unknown-name scope'],
    ],
    ['joins by what they give', also('', [['worker.id', 'worker.phone']]), ['mapping.unknown-name also[0].joins']],
    ['an attribute of two sources without an order', also('', [['phone:', 'title:']]), ['mapping.precedence also']],
    [
      'an order that leaves one out',
      also('precedence: { title: [phones, phones] }\n', [['phone:', 'title:']]),
      ['mapping.precedence precedence.title'],
    ],
    [
      'an order of what only one gives',
      also('precedence: { phone: [phones, source] }\n'),
      ['mapping.precedence precedence.phone'],
    ],
    ['the name of the first source', also('', [['name: phones', 'name: source']]), ['mapping.name also[0].name']],
    [
      'a column that was not declared',
      also('', [['path: phones.csv', 'path: phones.csv, columns: [Id, Phon]']]),
      ['mapping.column also[0].attributes.phone'],
    ],
    [
      'an attribute that every worker has',
      also('', [['phone:', 'status:']]),
      ['mapping.name also[0].attributes.status'],
    ],
    [
      'dated rows',
      also('', [['path: phones.csv', 'path: phones.csv, effective: { from: record.X }']]),
      ['mapping.value also[0].source.effective'],
    ],
    [
      'a second kind of value',
      also('precedence: { title: [phones, source] }\n', [['phone: record.Phone', 'title: 1 + 1']]),
      ['mapping.type also[0].attributes.title'],
    ],
  ])('do not take %s', (_what, text, faults) => {
    expect(said(text)).toEqual(faults);
  });

  test('never refuse a record for what they have not given', () => {
    const text = also()
      .replace('title: worker.title', `title: 'lookup("desks", worker.phone)'`)
      .replace('tables:\n', 'tables:\n  desks: { "+49 1": One }\n');
    const bound = connectionOf(text).bind([
      'ID',
      'First',
      'Last',
      'Status',
      'Start',
      'End',
      'Manager',
      'Dept',
      'Title',
    ]);
    if ('faults' in bound) throw new Error('faults');
    const record = Object.assign(Object.create(null), {
      ID: '1',
      First: 'A',
      Last: 'B',
      Status: 'A',
      Start: '2020-01-01',
      End: '',
      Manager: '',
      Dept: 'X',
      Title: 'Y',
    });
    expect(bound.mapping.toEmployment(record, {}, '2026-11-23T11:00:00.000Z' as never).kind).toBe('employment');
  });
});

describe('alarms', () => {
  test('have defaults, and take hours, days or never', () => {
    const hour = 3_600_000;
    expect(connectionOf(mappingText()).alarms).toMatchObject({
      noDeliveryForMs: 74 * hour,
      noHiresForMs: 720 * hour,
      credentialsEndInMs: 720 * hour,
    });
    const { alarms } = connectionOf(
      mappingText({ 'tables:\n': 'alarms: { noDeliveryFor: 26h, noHiresFor: 9d, dateOffBy: never }\ntables:\n' }),
    );
    expect(alarms).toMatchObject({ noDeliveryForMs: 26 * hour, noHiresForMs: 216 * hour, dateOffByMs: null });
    expect([...alarms.asked]).toEqual(['noHiresFor']);
  });

  test.each(['soon', '0h', '26', '1.5d', '26 minutes', ''])('do not take %j', (value) => {
    expect(said(mappingText({ 'tables:\n': `alarms: { noDeliveryFor: "${value}" }\ntables:\n` }))).toEqual([
      'mapping.value alarms.noDeliveryFor',
    ]);
  });
});
