// The keys of `source`: one set for each kind. What they may hold beyond their type is checked in source-rules.ts.
import { z } from 'zod';
import { httpSource } from './http-schema.ts';
import { expression, said, text } from './schema-words.ts';
import { sftpAuthSchema } from './sftp-auth.ts';
import { sourceKind } from './source-kinds.ts';

/** What every kind has. */
const common = {
  schedule: said(
    z.string().default('*/5 * * * *'),
    'When to look (cron, in timeZone); a change of a file is noticed in between.',
  ),
  columns: said(
    z.array(z.string()).min(1).nullable().default(null),
    'Columns the feed will have: expressions are checked against them before the first delivery is there.',
  ),
  asOf: expression(
    'Source time of a record, such as instant(record.Last_Changed); else the date in the file name or the moment of reading.',
  ).optional(),
  effective: said(
    z.strictObject({
      from: expression('The first day on which the row counts, such as date(record.From, "yyyy-MM-dd").'),
      to: expression('The last day on which it counts; blank means until the next row.').optional(),
      toInclusive: said(z.boolean().default(true), 'Whether `to` is the last day of the row, or the day after it.'),
    }),
    'Several dated rows under one key are one employment: the row of today counts, rows to come schedule their change. A delta holds every row of a key of which one changed. Without it rows that differ under one key are rejected.',
  ).optional(),
};

const minRows = said(z.number().int().min(1), 'Fewer rows than this are refused (weak proof).').optional();

/** How bytes are cut into rows: for every kind that brings files. */
export const fileForm = {
  format: said(z.enum(['csv', 'json', 'jsonl']).default('csv'), 'How the file is written.'),
  content: said(
    z.enum(['snapshot', 'delta']).default('snapshot'),
    'A snapshot holds every worker in scope; a delta only those that changed.',
  ),
  encoding: said(
    z.string().nullable().default(null),
    'For instance windows-1252 or utf-16le; null detects a byte order mark and else demands UTF-8.',
  ),
  separator: said(
    z.string().min(1).max(8).nullable().default(null),
    'CSV: one or several characters; null detects one of , ; tab |.',
  ),
  quote: said(z.string().max(1).default('"'), 'CSV: the quote around fields; an empty text for feeds without.'),
  recordPath: said(
    z.string().nullable().default(null),
    'JSON: dotted path of the list of records; null takes the top level or its only list.',
  ),
  finalNewline: said(
    z.boolean().nullable().default(null),
    'Whether the last row ends with a line break; null demands one.',
  ),
  complete: said(
    z
      .strictObject({
        marker: text('A file beside the feed that says it is complete, such as *.done (strong proof).').optional(),
        trailer: said(
          z.strictObject({
            pattern: text('How the last line begins.'),
            countField: said(z.number().int().min(1), 'Which of its fields, from 1, holds the number of rows.'),
          }),
          'The last line says how many rows there are (strong proof).',
        ).optional(),
        minRows,
      })
      .prefault({}),
    'What proves that a delivery is whole.',
  ),
  stableMs: said(
    z.number().int().min(0).max(600_000).default(2_000),
    'How long size and time of a file must stand still before it is read.',
  ),
};

/** What is done with a file beside reading it. A file that is compressed with gzip is expanded without being told. */
const drop = {
  archive: text(
    'A folder, relative to that of the file: a delivery that is done with is moved there, with its checksum and marker. Without it files stay where they are.',
  ).optional(),
  pgp: said(
    z.strictObject({
      privateKey: text(
        'The armored private key that deliveries are encrypted for, by reference: ${file:PATH} or ${env:NAME}.',
      ),
      passphrase: text('What the private key is protected with, by reference.').optional(),
      signedBy: text(
        'Armored public keys, by reference: a delivery that none of them has signed is refused (a signature is strong proof). Without it no signature is asked for.',
      ).optional(),
    }),
    'Deliveries are encrypted with PGP; one that is not is refused.',
  ).optional(),
};

const fileSource = z.strictObject({
  kind: sourceKind('file'),
  path: text('The file, or a pattern with * in its name, relative to the mappings folder; ${env:NAME} is allowed.'),
  ...fileForm,
  ...drop,
  ...common,
});

const sftp = z.strictObject({
  kind: sourceKind('sftp'),
  host: text('The server; ${env:NAME} is allowed.'),
  port: said(z.number().int().min(1).max(65_535).default(22), 'Its port.'),
  hostKey: said(
    z.union([z.string(), z.array(z.string()).min(1).max(10)]),
    'The key of the server: its fingerprint SHA256:… or its public key as a line; two while it changes. A server that shows another one is told nothing.',
  ).optional(),
  auth: said(sftpAuthSchema, 'How we show who we are.'),
  path: text(
    'The file, or a pattern with * in its name, on the server; relative to the folder that the user lands in.',
  ),
  ...fileForm,
  ...drop,
  maxBytes: said(
    z
      .number()
      .int()
      .min(1_000)
      .max(64 * 1024 ** 3)
      .default(4 * 1024 ** 3),
    'A larger file is not fetched.',
  ),
  timeoutMs: said(z.number().int().min(1_000).max(600_000).default(30_000), 'How long one answer may take.'),
  ...common,
});

const http = z.strictObject({
  kind: sourceKind('http'),
  ...httpSource,
  complete: said(
    z.strictObject({ minRows }).prefault({}),
    'What proves that a delivery is whole, beside what paging proves.',
  ),
  ...common,
});

export const sourceSchema = z.discriminatedUnion('kind', [fileSource, sftp, http]);
export type SourceText = z.output<typeof sourceSchema>;
