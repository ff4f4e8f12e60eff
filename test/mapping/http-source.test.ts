import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import { PRESETS, type PresetName } from '../../src/mapping/presets/presets.ts';
import { TARGET_KINDS } from '../../src/mapping/target-kinds.ts';

const TEMPLATES = join(import.meta.dirname, '..', '..', 'mappings', 'templates');
const read = (text: string) => readConnection('acme.yaml', text, { sha256: (value) => hash('sha256', value) });

const REST = `
worker: { id: record.id, status: '"active"', startDate: date(record.start) }
targets:
  - { name: idp, kind: scim, baseUrl: "https://idp.example.com/scim/v2", auth: { kind: bearer, token: "\${env:T}" }, user: { userName: record_id } }
`.replace('record_id', 'worker.id');

/** A connection file of which the source begins in line 4, with its keys from line 5 on. */
const file = (source: string): string => `connection: acme
timeZone: Europe/Berlin
# the source follows
source:
${source
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
${REST}`;

const HTTP = `kind: http
baseUrl: https://api.example.com/v1
auth: { kind: bearer, token: "\${env:HR_TOKEN}" }
columns: [id, start]
list: { path: /people, recordPath: items }`;

const faultsOf = (text: string): readonly string[] => {
  const result = read(text);
  return 'faults' in result ? result.faults.map(faultLine) : [];
};
const sourceOf = (text: string) => {
  const result = read(text);
  if ('faults' in result) throw new Error(result.faults.map(faultLine).join('\n'));
  return result.connection.source;
};

describe('a source of kind http', () => {
  it('is read with its defaults', () => {
    expect(sourceOf(file(HTTP))).toMatchObject({
      kind: 'http',
      content: 'snapshot',
      id: 'id',
      list: { method: 'GET', format: 'json', paging: { kind: 'none', wholeAnswer: false } },
      limits: { perSecond: 5, pages: 20_000 },
    });
  });

  it.each([
    ['baseUrl: https://api', 'baseUrl: ftp://api', '6', /no http\(s\) address/],
    ['https://api.example.com/v1', 'http://api.example.com/v1', '6:12', /in the open.*https/],
    ['https://api', 'https://bob:hunter2@api', '6:12', /baseUrl holds credentials/],
    ['"${env:HR_TOKEN}"', 's3cr3t', '7:31', /a secret stands where a reference/],
    ['kind: bearer, token', 'kind: bearer, tokn', '7', /unknown key "tokn"/],
    ['path: /people', 'path: people', '9:15', /a path begins with a slash/],
    ['path: /people', 'path: "/people?since={since}"', '9:15', /\{since\} is not known here.*\{today\}/],
    ['path: /people', 'path: /people, body: { a: 1 }', '9', /only a POST has a body/],
    ['path: /people', 'path: /people, query: { api_key: abc }', '9', /a secret does not belong here.*apiKey/],
    ['path: /people', 'path: /people, headers: { Authorization: abc }', '9', /a secret does not belong here/],
    [
      'path: /people',
      'path: /people, paging: { kind: pages }',
      '9',
      /none \| page \| offset \| cursor \| next \| link/,
    ],
    [
      'path: /people',
      'path: /people, paging: { kind: offset, cursor: x }',
      '9',
      /unknown key "cursor" in source.list.paging/,
    ],
    ['list:', 'changes: { path: /c, schedule: soon }\nlist:', '9', /no cron expression/],
    ['list:', 'changes: { path: /c }\nlist:', '9', /changes name only ids.*source.one/],
    ['list:', 'one: { path: /p, batch: 5 }\nlist:', '9', /needs `key`/],
    ['list:', 'headers: { X-Api-Key: abc }\nlist:', '9', /a secret stands where a reference/],
    ['list:', 'headers: { "bad name": x }\nlist:', '9', /no name of a header/],
    ['list:', 'headers: { Host: x }\nlist:', '9', /made by the connection itself/],
    [
      'path: /people, recordPath: items }',
      'path: /people, format: csv }\nflatten: true',
      '10',
      /flatten means nothing.*CSV/,
    ],
    [
      'kind: bearer, token: "${env:HR_TOKEN}"',
      'kind: login, tokenUrl: "http://x.example.com", fields: { secret: abc }',
      '7',
      /tokenUrl is no https/,
    ],
    ['columns: [id, start]', 'columns: [id, stat]', '8', /no column "start"/],
  ])('with %s → %s is refused at %s', (from, to, place, sentence) => {
    const text = file(HTTP.replace(from, to));
    const faults = faultsOf(text);
    const found = faults.find((line) => sentence.test(line));
    expect(found, faults.join('\n')).toBeDefined();
    if (!String(sentence).includes('column')) expect(found).toContain(`acme.yaml:${place.split(':')[0]}`);
    expect(faults.join()).not.toMatch(/hunter2|s3cr3t/);
  });
});

describe('a preset', () => {
  it('is a source of kind http in which the file’s own keys go over those of the preset', () => {
    const source = sourceOf(
      file(`kind: bamboohr
company: acme
auth: { value: "\${env:KEY}" }
list: { query: { onlyCurrent: "true" } }
one: null
changes: { overlapMinutes: 30 }
columns: [id, start]`).replace('one: null', 'one: { path: "/employee/{id}" }'),
    );
    expect(source).toMatchObject({
      kind: 'http',
      preset: 'bamboohr',
      baseUrl: { kind: 'literal', text: 'https://acme.bamboohr.com/api/v1' },
      auth: { kind: 'apiKey', in: 'user', value: { kind: 'env', name: 'KEY' } },
      list: { method: 'POST', query: { format: 'json', onlyCurrent: 'true' }, recordPath: 'employees' },
      one: { path: '/employee/{id}' },
      changes: { path: '/employees/changed', overlapMinutes: 30 },
    });
  });

  it('loses a section that the file sets to null, and takes another kind of one whole', () => {
    const source = sourceOf(
      file(`kind: bamboohr
company: acme
auth: { kind: bearer, token: "\${env:T}" }
changes: null
columns: [id, start]`),
    );
    expect(source).not.toHaveProperty('changes');
    expect(source).toMatchObject({ auth: { kind: 'bearer', token: { kind: 'env', name: 'T' } } });
  });

  it.each([
    ['kind: bamboohr\nauth: { value: "${env:K}" }', /source.company is missing.*acme/],
    ['kind: bamboohr\ncompany: "evil.example.com/x"\nauth: { value: "${env:K}" }', /no company for bamboohr/],
    ['kind: bamboohr\ncompany: acme\nauth: { value: secret }', /a secret stands where a reference/],
    ['kind: bamboohr\ncompany: acme\nauth: { value: "${env:K}" }\nlst: {}', /unknown key "lst".*list/],
    ['kind: bamboorh\ncompany: acme', /"bamboorh" is not built.*bamboohr/],
  ])('says what is wrong with %j', (source, sentence) => {
    const faults = faultsOf(file(source));
    expect(
      faults.some((line) => sentence.test(line)),
      faults.join('\n'),
    ).toBe(true);
  });

  it.each(Object.keys(PRESETS) as PresetName[])('%s has a template that is a whole connection file', (name) => {
    const text = readFileSync(join(TEMPLATES, `${PRESETS[name].template}.yaml`), 'utf8');
    const result = read(text);
    expect('faults' in result ? result.faults.map(faultLine) : []).toEqual([]);
    expect('connection' in result && 'mapping' in result.connection.bind(null)).toBe(true);
    expect(text).toContain(`kind: ${name}`);
  });

  it('has no template beside these', () => {
    const ofTargets = TARGET_KINDS.filter((kind) => kind !== 'scim');
    expect(readdirSync(TEMPLATES).toSorted()).toEqual(
      [...Object.values(PRESETS).map(({ template }) => template), ...ofTargets]
        .map((name) => `${name}.yaml`)
        .toSorted(),
    );
  });
});
