// Connection files for tests: the file of the documentation, small ones made to measure, and records as sources make them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Instant } from '../../src/base/instant.ts';
import type { JsonValue } from '../../src/base/json.ts';
import { type Fault, faultLine } from '../../src/base/problem.ts';
import type { BoundMapping, MappedRecord, RawRecord, Rejection } from '../../src/mapping/bound-mapping.ts';
import { type Connection, readConnection } from '../../src/mapping/connection-file.ts';
import type { Employment } from '../../src/worker/worker.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const fixture = (name: string): string =>
  readFileSync(new URL(`../mapping/fixtures/${name}`, import.meta.url), 'utf8');

export const ACME_COLUMNS = [
  'Employee_ID',
  'Person_ID',
  'Status',
  'Hire_Date',
  'Last_Day',
  'Term_Reason',
  'Site',
  'Manager_ID',
  'Worker_Type',
  'Preferred_Name',
  'First_Name',
  'Last_Name',
  'Department',
  'Job_Title',
];

export const READ_AT = '2026-03-10T06:00:00.000Z' as Instant;

export function connectionOf(text: string): Connection {
  const read = readConnection('test.yaml', text, { sha256 });
  if ('faults' in read) throw new Error(read.faults.map(faultLine).join('\n'));
  return read.connection;
}

export function faultsOf(text: string): readonly Fault[] {
  const read = readConnection('test.yaml', text, { sha256 });
  return 'faults' in read ? read.faults : [];
}

export function bound(text: string, columns: readonly string[] | null): BoundMapping {
  const result = connectionOf(text).bind(columns);
  if ('faults' in result) throw new Error(result.faults.map(faultLine).join('\n'));
  return result.mapping;
}

export function record(cells: Readonly<Record<string, JsonValue>>): RawRecord {
  const made: Record<string, JsonValue> = Object.create(null);
  for (const [column, cell] of Object.entries(cells)) made[column] = cell;
  return made;
}

/** A row of the documentation's feed; cells that are not named are as for somebody who works there. */
export const acmeRecord = (cells: Readonly<Record<string, string>> = {}): RawRecord =>
  record({
    Employee_ID: '000104',
    Person_ID: '',
    Status: 'A',
    Hire_Date: '05/06/2024',
    Last_Day: '',
    Term_Reason: '',
    Site: 'BER',
    Manager_ID: '000007',
    Worker_Type: 'Employee',
    Preferred_Name: '',
    First_Name: 'Zoë',
    Last_Name: 'Okafor',
    Department: 'Finance',
    Job_Title: 'Analyst',
    ...cells,
  });

export function mapped(mapping: BoundMapping, raw: RawRecord): MappedRecord {
  return mapping.toEmployment(raw, { file: 'workers.csv', line: 2, record: 1 }, READ_AT);
}

export function employmentOf(mapping: BoundMapping, raw: RawRecord): Employment {
  const result = mapped(mapping, raw);
  if (result.kind === 'rejected') throw new Error(result.rejection.reason);
  return result.employment;
}

export function rejectionOf(mapping: BoundMapping, raw: RawRecord): Rejection {
  const result = mapped(mapping, raw);
  if (result.kind === 'employment') throw new Error(`expected a rejection of ${result.employment.id}`);
  return result.rejection;
}

/** The smallest connection; sections are replaced by their YAML text. */
export function smallFile(
  parts: {
    attributes?: Record<string, string>;
    worker?: string;
    user?: string;
    groups?: string;
    format?: string;
    more?: string;
  } = {},
): string {
  const attributes = Object.entries(parts.attributes ?? {}).map(
    ([name, text]) => `    ${name}: ${JSON.stringify(text)}`,
  );
  return [
    'connection: small',
    'timeZone: Europe/Berlin',
    `source: { kind: file, path: feed.csv, format: ${parts.format ?? 'csv'} }`,
    'worker:',
    '  id: record.id',
    ...(parts.worker === undefined ? ['  status: \'"active"\'', '  startDate: \'"2020-01-01"\''] : [parts.worker]),
    ...(attributes.length === 0 ? [] : ['  attributes:', ...attributes]),
    parts.more ?? '',
    'targets:',
    '  - name: idp',
    '    kind: scim',
    '    baseUrl: https://idp.example.com/scim/v2',
    '    auth: { kind: bearer, token: "${env:IDP_TOKEN}" }',
    '    user:',
    parts.user ?? '      userName: worker.id',
    ...(parts.groups === undefined ? [] : ['    groups:', parts.groups]),
    '',
  ].join('\n');
}

/** What one expression gives for one record, as the attribute `x`; a rejection's code stands as `!code`. */
export function evaluated(
  expression: string,
  cells: Readonly<Record<string, JsonValue>> = {},
  format = 'csv',
): unknown {
  const columns = ['id', ...Object.keys(cells)];
  const mapping = bound(smallFile({ attributes: { x: expression }, format }), columns);
  const result = mapped(mapping, record({ id: '1', ...cells }));
  return result.kind === 'employment' ? (result.employment.attributes.x ?? '') : `!${result.rejection.code}`;
}

/** The first fault of one expression over columns a, b and list. */
export function faultOf(expression: string): string {
  const fault = faultsOf(smallFile({ attributes: { x: expression } })).find(
    (one) => one.place?.key === 'worker.attributes.x',
  );
  return fault === undefined ? 'none' : `${fault.message}${fault.hint === undefined ? '' : ` – ${fault.hint}`}`;
}
