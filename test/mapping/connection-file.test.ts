import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import { ACME_COLUMNS, connectionOf, faultsOf, fixture, sha256, smallFile } from '../support/mappings.ts';

const acme = fixture('acme.yaml');
const lines = (text: string): readonly string[] => faultsOf(text).map(faultLine);

describe('a connection file', () => {
  it('of the documentation is read with everything it says', () => {
    const connection = connectionOf(acme);
    expect(connection).toMatchObject({
      name: 'acme',
      file: 'test.yaml',
      timeZone: 'Europe/Berlin',
      source: {
        kind: 'file',
        path: { kind: 'literal', text: 'inbox/workers-*.csv' },
        format: 'csv',
        content: 'snapshot',
        schedule: '*/5 * * * *',
        complete: { marker: '*.done' },
        columns: null,
        stableMs: 2000,
      },
      policy: { preboardDays: 7, onLeave: 'keep', scopeExit: 'keep', deleteAfterDays: null, joinGroupsAt: 'active' },
      guards: { inferredLeaver: { perCycle: { percent: 3 } } },
    });
    expect(connection.targets).toEqual([
      {
        name: 'idp',
        deletes: false,
        reconcile: { schedule: '30 4 * * 0', repair: ['zombies'] },
        kind: 'scim',
        profile: 'generic',
        capabilities: {},
        baseUrl: { kind: 'literal', text: 'https://idp.example.com/scim/v2' },
        auth: { kind: 'bearer', token: { kind: 'env', name: 'IDP_TOKEN' } },
        limits: { concurrency: 16, perSecond: 50 },
        timeoutMs: 30_000,
        correlate: ['externalId', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber'],
        revokeSessions: null,
        entra: null,
        okta: null,
      },
    ]);
  });

  it('has a digest over what it says, not over how it is laid out', () => {
    const digest = connectionOf(acme).digest;
    const bare = acme
      .replace(/ +#.*$/gm, '')
      .replace('{ preboardDays: 7, onLeave: keep,', '{ onLeave: keep,   preboardDays: 7,');
    expect(bare).not.toBe(acme);
    expect(connectionOf(bare).digest).toBe(digest);
    expect(connectionOf(acme.replace('preboardDays: 7', 'preboardDays: 8')).digest).not.toBe(digest);
    expect(digest).toBe(sha256(connectionOf(acme).text));
  });

  it('takes defaults for what it leaves out', () => {
    const { source, policy, guards, targets } = connectionOf(smallFile());
    expect(source).toMatchObject({
      format: 'csv',
      content: 'snapshot',
      schedule: '*/5 * * * *',
      complete: {},
      separator: null,
    });
    expect(policy).toEqual({
      preboardDays: 7,
      onLeave: 'keep',
      scopeExit: 'keep',
      deleteAfterDays: null,
      joinGroupsAt: 'active',
    });
    expect(guards).toEqual({});
    expect(targets[0]).toMatchObject({
      limits: { concurrency: 16, perSecond: 50 },
      timeoutMs: 30_000,
      correlate: ['externalId'],
    });
  });

  it('may refer to the environment and to files for addresses and paths', () => {
    const text = smallFile()
      .replace('path: feed.csv', 'path: "${env:HR_FEED}"')
      .replace('https://idp.example.com/scim/v2', '"${env:IDP_URL}"')
      .replace('${env:IDP_TOKEN}', '${file:/run/secrets/idp}');
    const { source, targets } = connectionOf(text);
    expect(source).toMatchObject({ path: { kind: 'env', name: 'HR_FEED' } });
    expect(targets[0]?.baseUrl).toEqual({ kind: 'env', name: 'IDP_URL' });
    expect(targets[0]?.auth).toEqual({ kind: 'bearer', token: { kind: 'file', path: '/run/secrets/idp' } });
  });

  it('lowers limits for one cycle or for each window', () => {
    const text = smallFile({ more: 'guards: { delete: 2, rename: 1% }' });
    expect(connectionOf(text).guards).toEqual({
      delete: { perCycle: { count: 2 } },
      rename: { perCycle: { percent: 1 } },
    });
  });
});

describe('every fault of a file', () => {
  const faults = faultsOf(fixture('many-faults.yaml'));
  const at = (line: number) => faults.filter((fault) => fault.place?.line === line);

  it('is found in one reading, in the order of the file, each with line, column and a sentence', () => {
    expect(faults.length).toBeGreaterThanOrEqual(30);
    expect(new Set(faults.map((fault) => fault.code)).size).toBeGreaterThanOrEqual(12);
    for (const fault of faults) {
      expect(fault.place?.file).toBe('test.yaml');
      expect(fault.place?.line).toBeGreaterThan(0);
      expect(fault.place?.column).toBeGreaterThan(0);
      expect(fault.message.length).toBeGreaterThan(8);
    }
    expect(faults.map((fault) => fault.place?.line)).toEqual(
      faults.map((fault) => fault.place?.line).toSorted((a = 0, b = 0) => a - b),
    );
  });

  it.each([
    [1, 13, 'mapping.name', /small letters/, /acme/],
    [2, 11, 'mapping.time-zone', /no IANA time zone/, /Europe\/Berlin/],
    [5, 10, 'mapping.reference', /reference is not understood/, /whole value/],
    [6, 3, 'mapping.unknown-key', /unknown key "formt" in source/, /did you mean "format"/],
    [7, 14, 'mapping.schedule', /no cron expression/, /minute hour day/],
    [10, 5, 'mapping.webhook-kind', /does not say whose event it is/, /body\.employee\.id/],
    [12, 14, 'mapping.column', /no column "Employe_ID"/, /did you mean "Employee_ID"/],
    [13, 19, 'mapping.table', /no table "stauts"/, /did you mean "status"/],
    [14, 37, 'mapping.date-form', /mm means minutes/, /date\(/],
    [15, 12, 'mapping.type', /gives a text where true or false is due/, /==/],
    [18, 5, 'mapping.name', /member of every worker/, /another name/],
    [19, 14, 'mapping.unknown-function', /"uper" is not known/, /did you mean "upper"/],
    [22, 9, 'mapping.unknown-name', /"departmnt" is not known here/, /quotes of its own/],
    [23, 27, 'mapping.expression', /\.map\(\) stands inside another/, /do not nest/],
    [24, 11, 'mapping.expression', /null does not exist/, /""/],
    [26, 8, 'mapping.unknown-name', /worker has no "surnam"/, /did you mean "surname"/],
    [29, 28, 'mapping.value', /at most 180/, /(?:)/],
    [30, 27, 'mapping.value', /number of workers or a share/, /3%/],
    [31, 14, 'mapping.unknown-name', /account has no "username"/, /did you mean "userName"/],
    [35, 14, 'mapping.url', /without query/, /https:/],
    [36, 34, 'mapping.secret', /a secret stands where a reference/, /\$\{env:NAME\}/],
    [37, 28, 'mapping.value', /must be: number/, /(?:)/],
    [38, 29, 'mapping.correlate', /"employeeNumber" is not mapped/, /displayName/],
    [40, 7, 'mapping.missing', /userName is missing/, /unique/],
    [40, 37, 'mapping.unknown-name', /"record" is not known here/, /make it an attribute/],
    [41, 7, 'mapping.attribute', /"active" cannot be mapped/, /lifecycle/],
    [42, 46, 'mapping.value', /apply must be/, /(?:)/],
    [44, 44, 'mapping.group', /literal names only/, /additive/],
    [45, 46, 'mapping.unknown-key', /unknown key "creates"/, /did you mean "create"/],
    [47, 11, 'mapping.not-built', /"ldap" is not built in this version/, /scim/],
  ])('line %i, column %i: %s', (line, column, code, message, hint) => {
    const found = at(line).find((fault) => fault.place?.column === column && fault.code === code);
    expect(found, at(line).map(faultLine).join('\n')).toBeDefined();
    expect(found?.message).toMatch(message);
    expect(found?.hint ?? '').toMatch(hint);
  });

  it('says one thing about a kind that is not built, not one for each of its keys', () => {
    expect(faults.filter((fault) => fault.place?.key?.startsWith('targets[1]'))).toHaveLength(1);
    const ldap = lines(
      smallFile().replace('kind: file, path: feed.csv, format: csv', 'kind: ldap, host: hr.example.com'),
    );
    expect(ldap).toEqual([expect.stringMatching(/"ldap" is not built in this version/)]);
  });

  it('never repeats what may be a secret', () => {
    expect(JSON.stringify(faults)).not.toContain('s3cr3t');
    const url = lines(smallFile().replace('https://idp', 'https://bob:hunter2@idp'));
    expect(url).toEqual([expect.stringMatching(/baseUrl holds credentials/)]);
    expect(url.join()).not.toContain('hunter2');
  });

  it('is none where nothing is wrong', () => {
    expect(lines(acme)).toEqual([]);
    expect(lines(smallFile())).toEqual([]);
  });

  it('names what is missing and what it is for', () => {
    const text = acme.replace(/^ {2}startDate:.*$/m, '').replace(/^timeZone:.*$/m, '');
    expect(lines(text)).toEqual([
      expect.stringMatching(/timeZone: timeZone is missing – IANA zone/),
      expect.stringMatching(/worker\.startDate is missing – First day/),
    ]);
  });

  it('shows tables of status words that mean nothing', () => {
    const found = faultsOf(acme.replace('T: terminated', 'T: gone'));
    expect(found.map(faultLine)).toEqual([
      expect.stringMatching(/^test\.yaml:\d+:\d+ tables\.status\.T: "gone" is no status/),
    ]);
  });

  it('points into quoted, plain and block texts at the very character', () => {
    const expressions = { plain: 'record.a + worng', block: '|\n      record.a +\n        worng' };
    for (const [name, text] of Object.entries(expressions)) {
      const file = smallFile()
        .replace('targets:', `  attributes:\n    ${name}: ${text}\ntargets:`)
        .replace('\n\n  attributes', '\n  attributes');
      const [fault] = faultsOf(file);
      expect(fault?.message).toMatch(/"worng" is not known/);
      const line = file.split('\n')[(fault?.place?.line ?? 1) - 1] ?? '';
      expect(line.slice((fault?.place?.column ?? 1) - 1)).toBe('worng');
    }
  });
});

describe('YAML that is broken or hostile', () => {
  it.each([
    ['', /holds no connection/],
    ['- a\n- b\n', /holds no connection/],
    ['just text', /holds no connection/],
    ['a: [1, 2', /not valid YAML/],
    ['a: 1\na: 2\n', /not valid YAML.*unique/],
    ['a:\n\tb: 1\n', /not valid YAML/],
    ['a: 1\n---\nb: 2\n', /not valid YAML.*document/],
    ['a: {token: ${env:X}}', /not valid YAML/],
    ['a: !!js/function "x"', /not valid YAML|[Uu]nresolved/],
    ['a: *nowhere', /not valid YAML|no anchor/],
    ['? [a, b]\n: c', /a key must be a plain text/],
    ['__proto__: { connection: x }', /cannot be a key/],
    ['tables: { __proto__: { a: b } }', /cannot be a key/],
    ['a: &x [*x]', /alias|anchor/],
    ['['.repeat(100_000), /not valid YAML|nested too deeply/],
    [`a: ${'['.repeat(40)}${']'.repeat(40)}`, /nested too deeply/],
    ['x'.repeat(1_000_001), /longer than/],
    ['a: "\ud800"', /unknown key|missing|must be/],
    ['a: \u0000', /.+/],
  ])('%# is refused with a fault and never throws', (text, message) => {
    const read = readConnection('test.yaml', text, { sha256 });
    expect('faults' in read).toBe(true);
    if (!('faults' in read)) return;
    expect(read.faults.length).toBeGreaterThan(0);
    expect(read.faults.map(faultLine).join('\n')).toMatch(message);
    expect(({} as Record<string, unknown>).connection).toBeUndefined();
  });

  it('ends a bomb of aliases early', () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `a${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(', ')}]`,
    );
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]', ...levels].join('\n');
    const started = process.cpuUsage().user;
    expect(lines(bomb).join('\n')).toMatch(/alias/);
    expect(process.cpuUsage().user - started).toBeLessThan(2_000_000);
  });

  it('reads plain aliases', () => {
    const text = acme
      .replace('status: { A: active', 'status: &words { A: active')
      .replace('site_zone: {', 'copy: *words\n  site_zone: {');
    expect(lines(text)).toEqual([]);
  });

  it('keeps table keys and values as they are written', () => {
    const text = smallFile({
      worker: '  status: lookup("codes", record.code)\n  startDate: \'"2020-01-01"\'',
      more: 'tables: { codes: { 01: active, 1: leave, true: expected } }',
    });
    expect(lines(text)).toEqual([]);
    const bound = connectionOf(text).bind(['id', 'code']);
    if ('faults' in bound) throw new Error('not bound');
    const status = (code: string) => {
      const result = bound.mapping.toEmployment(
        Object.assign(Object.create(null), { id: '1', code }),
        {},
        '2026-01-01T00:00:00.000Z' as never,
      );
      return result.kind === 'employment' ? result.employment.status : result.rejection.code;
    };
    expect(['01', '1', 'true', '001'].map(status)).toEqual(['active', 'leave', 'expected', 'lookup']);
  });

  it('never throws, whatever line of a good file is cut, doubled or mangled', () => {
    const good = acme.split('\n');
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.constantFrom('drop', 'double', 'cut', 'indent', 'swap', 'noise'),
        fc.nat(60),
        fc.string({ maxLength: 12 }),
        (index, how, column, noise) => {
          const line = good[index] ?? '';
          const changed: Record<string, readonly string[]> = {
            drop: [],
            double: [line, line],
            cut: [line.slice(0, column)],
            indent: [` ${line}`],
            swap: [good[index + 1] ?? '', line],
            noise: [line.slice(0, column) + noise + line.slice(column)],
          };
          const text = good.toSpliced(index, 1, ...(changed[how] ?? [])).join('\n');
          const read = readConnection('test.yaml', text, { sha256 });
          if ('faults' in read) expect(read.faults.length).toBeGreaterThan(0);
          else expect(read.connection.targets.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('binding to the columns of a feed', () => {
  it('needs every mapped column and lists them', () => {
    const bound = connectionOf(acme).bind(ACME_COLUMNS);
    expect('mapping' in bound && bound.mapping.referencedColumns).toEqual(ACME_COLUMNS.toSorted());
  });

  it('refuses a feed that lacks mapped columns, one fault for each place, with what was probably meant', () => {
    const bound = connectionOf(acme).bind(
      ACME_COLUMNS.map((column) => (column === 'Hire_Date' ? 'HireDate' : column)).filter(
        (column) => column !== 'Site',
      ),
    );
    const faults = 'faults' in bound ? bound.faults : [];
    expect(faults.map(faultLine)).toEqual([
      expect.stringMatching(
        /^test\.yaml:17:\d+ worker\.startDate: the feed has no column "Hire_Date" – did you mean "HireDate"/,
      ),
      expect.stringMatching(/^test\.yaml:20:\d+ worker\.timeZone: the feed has no column "Site"/),
    ]);
  });

  it('takes further columns, and lets optional ones be absent', () => {
    const text = smallFile({ attributes: { x: 'record.?Nick.orValue("") + record.id' } });
    for (const columns of [['id'], ['id', 'Nick'], ['id', 'other', '__proto__', 'constructor']]) {
      expect('mapping' in connectionOf(text).bind(columns)).toBe(true);
    }
  });

  it('checks declared columns when the file is read', () => {
    const text = smallFile({ attributes: { x: 'record.Nmae' } }).replace(
      'format: csv',
      'format: csv, columns: [id, Name]',
    );
    expect(lines(text)).toEqual([expect.stringMatching(/no column "Nmae" – did you mean "Name"/)]);
  });
});

describe('limits per department', () => {
  const file = (guards: string): string =>
    smallFile({ attributes: { department: 'record.dept' }, more: `guards: ${guards}` });

  it('name the attribute, or the attribute and the kinds', () => {
    expect(connectionOf(file('{ per: department }')).limitsPer).toEqual({ attribute: 'department', only: null });
    expect(
      connectionOf(file('{ delete: 1, per: { attribute: department, only: [inferredLeaver, rename] } }')).limitsPer,
    ).toEqual({ attribute: 'department', only: new Set(['inferredLeaver', 'rename']) });
    expect(connectionOf(file('{ delete: 1 }')).limitsPer).toBeNull();
  });

  it('by an attribute that is not mapped are a fault that names those that are', () => {
    for (const guards of ['{ per: departement }', '{ per: { attribute: departement } }']) {
      const [fault] = faultsOf(file(guards));
      expect(fault?.message).toBe('departement is no attribute under worker.attributes');
      expect(fault?.hint).toBe('attributes are department');
    }
  });

  it('of a kind that there is not are a fault', () => {
    expect(faultsOf(file('{ per: { attribute: department, only: [newlyRejected] } }'))).toHaveLength(1);
  });
});

describe('a base URL without TLS', () => {
  const file = (baseUrl: string): string => smallFile().replace('https://idp.example.com/scim/v2', baseUrl);

  it.each(['http://127.0.0.1:8080/scim', 'http://localhost/scim/v2', 'http://[::1]:9/scim'])(
    '%s is this machine',
    (url) => {
      expect(faultsOf(file(url))).toEqual([]);
    },
  );

  it.each(['http://idp.example.com/scim/v2', 'http://idp:8080/scim', 'http://127.0.0.1.example.com/'])(
    '%s would show people and credentials to the network',
    (url) => {
      expect(lines(file(url))).toEqual([expect.stringMatching(/people and credentials would travel in the open/)]);
    },
  );
});
