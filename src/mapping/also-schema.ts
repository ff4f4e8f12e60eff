// The keys of `also` and `precedence`: further sources that give attributes of workers whom the first one knows.
import { z } from 'zod';
import { expression, said, text } from './schema-words.ts';
import { sourceSchema } from './source-schema.ts';

/** More than any house has directories. */
const SOURCES_MAX = 8;
/** How the first source is called in `precedence`. */
export const FIRST_SOURCE = 'source';

const also = z.strictObject({
  name: text('How this source is called: small letters, digits and hyphens.'),
  source: said(sourceSchema, 'Where its records come from: the keys are those of source.'),
  key: expression('What a record of it is known by, such as record.Mail: one record for each.'),
  joins: expression(
    'What a worker is found there by, such as worker.id or worker.mail, out of what the first source says.',
  ),
  attributes: said(
    z.record(z.string(), expression('An attribute it gives, over its own record; used below as worker.NAME.')),
    'What it gives. It never makes, starts or ends anybody.',
  ),
});

export const alsoSchema = z.array(also).max(SOURCES_MAX).default([]);
export const precedenceSchema = z
  .record(z.string(), said(z.array(z.string()).min(2), 'Names under also, and "source" for the first one.'))
  .default({});
