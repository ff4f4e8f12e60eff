import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PROFILE_NAMES } from '../../../src/mapping/account-rules.ts';
import { readConnection } from '../../../src/mapping/connection-file.ts';
import { propose } from '../../../src/mapping/proposal/propose.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Words that are known, words that are not, and signs that could end a line, a quote or a comment. */
const NAMES = [
  'Id',
  'Employee #',
  'Status',
  'First Name',
  'Last Name',
  'Name',
  'Hire Date',
  'Termination Date',
  'Manager ID',
  'Department',
  'Work Email',
  'Time Zone',
  'On Leave',
  'Person ID',
  'Title',
  'Valid From',
  'Valid To',
  'Phone',
  'Active',
  'Matricule',
  'Eintritt',
];
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'a: b',
      '# x',
      "it's",
      '"q"',
      'new\nline',
      '${env:X}',
      '__proto__',
      '- x',
      '{a}',
      '\u2028',
      'null',
      'true',
      '1',
      '*x',
      '&y',
      '%z',
      '@w',
      '`',
      '|',
      '>',
    ),
  },
);
const PERSONAL = 'Zzqx';
const value = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'Active',
    'Inactive',
    'Bench',
    'Y',
    'N',
    '2020-01-31',
    '31.12.2019',
    '01/02/2020',
    '0000-00-00',
    '05-06-18',
    'Europe/Berlin',
  ),
  fc.integer({ min: 0, max: 40 }).map((number) => `${PERSONAL}${number}`),
  fc.integer({ min: 0, max: 9 }).map((number) => `${PERSONAL}${number}@${PERSONAL.toLowerCase()}.example`),
  fc.string({ unit: 'grapheme', maxLength: 10 }),
);
const sample = fc
  .tuple(
    fc.uniqueArray(name, { minLength: 1, maxLength: 10, selector: (text) => text.trim() }),
    fc.integer({ min: 1, max: 8 }),
  )
  .chain(([columns, rows]) =>
    fc.record({
      columns: fc.constant(columns.map((text) => text.trim()).filter((text) => text !== '')),
      cells: fc.array(fc.array(value, { minLength: columns.length, maxLength: columns.length }), {
        minLength: rows,
        maxLength: rows,
      }),
      profile: fc.constantFrom(...PROFILE_NAMES),
    }),
  );

test('whatever an export looks like, its draft passes the checks, reads its columns and holds nobody’s values', () => {
  const met = { drafted: 0, noKey: 0, withTable: 0, doubts: 0 };
  fc.assert(
    fc.property(sample, ({ columns, cells, profile }) => {
      const records = cells.map((row) =>
        Object.assign(Object.create(null), Object.fromEntries(columns.map((column, at) => [column, row[at] ?? '']))),
      );
      const proposal = propose(
        { name: 'feed\n: "x".csv', columns, records, rows: records.length },
        {
          connection: 'acme',
          source: [
            { key: 'kind', value: 'file' },
            { key: 'path', value: 'workers.csv' },
          ],
          timeZone: null,
          zoneHere: 'UTC',
          target: { profile, baseUrl: '${env:A_URL}', token: '${env:A_TOKEN}' },
        },
      );
      if ('fault' in proposal) {
        expect(proposal.fault.code).toBe('init.no-key');
        met.noKey += 1;
        return;
      }
      const read = readConnection('acme.yaml', proposal.text, { sha256 });
      if ('faults' in read) throw new Error(`${JSON.stringify(read.faults)}\n${proposal.text}`);
      expect(read.connection.bind(columns)).toHaveProperty('mapping');
      met.drafted += 1;
      met.doubts += proposal.doubts.length;
      if (proposal.text.includes('\ntables:')) met.withTable += 1;
      // A status column of few different values is taken for words, whatever they are; anything else stays out.
      const inTable = /\ntables:[\s\S]*?\ntargets:/.exec(proposal.text)?.[0] ?? '';
      expect(proposal.text.replace(inTable, '')).not.toContain(PERSONAL);
      const lines = proposal.text.split('\n');
      for (const { line } of proposal.doubts) expect(lines[line - 1]).toBeDefined();
    }),
    { numRuns: 150 },
  );
  expect(met.drafted).toBeGreaterThan(40);
  expect(met.noKey).toBeGreaterThan(5);
  expect(met.withTable).toBeGreaterThan(10);
  expect(met.doubts).toBeGreaterThan(met.drafted);
});
