// The keys of a source of kind http: which requests bring the records, how their answers are cut into records and pages, and
// what proves that the last page was reached.
import { z } from 'zod';
import { said, text } from './schema-words.ts';
import { sourceAuthSchema } from './source-auth.ts';

const value = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const request = {
  method: said(
    z.enum(['GET', 'POST']).default('GET'),
    'POST only where a vendor asks for records that way: nothing is ever written.',
  ),
  path: text('What follows baseUrl, such as /employees; {id}, {since} and {today} are filled in.'),
  query: said(
    z.record(z.string(), said(value, 'A parameter and its value.')).default({}),
    'Parameters behind the path.',
  ),
  headers: said(
    z.record(z.string(), said(z.string(), 'A header and its value.')).default({}),
    'Headers of this request alone.',
  ),
  body: said(
    z.unknown(),
    'What a POST sends, as JSON. A list with one element that holds {id} is repeated for each id.',
  ).optional(),
};

const answer = {
  format: said(z.enum(['json', 'csv', 'xml']).default('json'), 'How the answer is written.'),
  recordPath: said(
    z.string().nullable().default(null),
    'Dotted path of the list of records; null takes the top level or its only list. XML: from the root element on.',
  ),
  unwrap: text('Dotted path inside each element at which the record itself stands, such as attributes.').optional(),
  lists: said(
    z.array(z.string()).default([]),
    'XML: dotted paths inside a record that are lists even where they hold one element.',
  ),
  ok: said(
    z.record(z.string(), said(value, 'What stands there when all is well.')).default({}),
    'Paths in the answer and what must stand there, such as { success: true }: an error inside a 200 is told by it.',
  ),
  error: text('Path in the answer that holds something only when there is an error.').optional(),
};

const where = said(
  z.enum(['query', 'body']).default('query'),
  'Where these parameters stand; in a body they are dotted paths.',
);
const size = {
  sizeParameter: text('The parameter that says how many records a page shall have.').optional(),
  size: said(z.number().int().min(1).max(100_000).default(100), 'Records on one page.'),
};
const total = text(
  'Where the answer says how many records there are in all: a dotted path, or header:NAME. Pages that hold fewer are refused, as many are strong proof.',
).optional();
const pages = text('Where the answer says how many pages there are in all: a dotted path, or header:NAME.').optional();
const untilEmpty = said(
  z.boolean().default(false),
  'true: without a total only an empty page ends the list, not one that is shorter than the first.',
);
const END = 'The vendor documents that its absence is the end (strong proof).';

const pagingKind = <K extends string>(name: K) =>
  z
    .literal(name)
    .meta({ description: 'How the list is divided.', words: 'none | page | offset | cursor | next | link' });

const paging = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: pagingKind('none'),
    total,
    wholeAnswer: said(
      z.boolean().default(false),
      'The vendor documents that one answer holds everybody (strong proof).',
    ),
  }),
  z.strictObject({
    kind: pagingKind('page'),
    in: where,
    parameter: said(z.string().default('page'), 'The parameter that carries the number of the page.'),
    first: said(z.number().int().min(0).max(1).default(1), 'The number of the first page.'),
    ...size,
    total,
    pages,
    untilEmpty,
  }),
  z.strictObject({
    kind: pagingKind('offset'),
    in: where,
    parameter: said(z.string().default('offset'), 'The parameter that says how many records to pass over.'),
    ...size,
    total,
    untilEmpty,
  }),
  z.strictObject({
    kind: pagingKind('cursor'),
    in: where,
    parameter: said(z.string().default('cursor'), 'The parameter that carries the cursor.'),
    path: text('Where the answer says the cursor of the next page: a dotted path, or header:NAME.'),
    more: text('Path in the answer that is true as long as there are further pages.').optional(),
    ...size,
    total,
    endIsDocumented: said(z.boolean().default(false), END),
  }),
  z.strictObject({
    kind: pagingKind('next'),
    path: text('Where the answer says the address of the next page: a dotted path.'),
    ...size,
    total,
    endIsDocumented: said(z.boolean().default(false), END),
  }),
  z.strictObject({
    kind: pagingKind('link'),
    ...size,
    total,
    endIsDocumented: said(z.boolean().default(true), `Link: <…>; rel="next" (RFC 8288). ${END}`),
  }),
]);

const batch = said(z.number().int().min(1).max(10_000).default(1), 'How many ids one request carries.');
const keyPath = text(
  'Dotted path in an element of the answer that says whose it is; needed where a request carries several ids.',
).optional();

const join = z.strictObject({
  as: text('The member of the record under which the answer stands.'),
  by: text('Dotted path in the record of what {id} stands for; else `id`.').optional(),
  when: said(
    z.record(z.string(), said(value, 'What stands there.')).default({}),
    'Only for records in which these stand, such as { terminated: true }; the others get no member.',
  ),
  batch,
  key: keyPath,
  first: said(
    z.boolean().default(false),
    'true: of several elements the first counts, where the vendor documents their order.',
  ),
  many: said(z.boolean().default(false), 'true: the member is the list of all elements, else the only one.'),
  element: said(
    z.record(z.string(), said(value, 'What stands there when the element is good.')).default({}),
    'Paths in an element and what must stand there, such as { code: 200 }: others are a fault of that worker alone.',
  ),
  ...request,
  ...answer,
});

export const httpSource = {
  baseUrl: text('The address in front of every path, such as https://api.example.com/v1; ${env:NAME} is allowed.'),
  auth: said(sourceAuthSchema, 'How we show who we are; each kind has keys of its own.'),
  ca: text(
    'Certificates that are trusted beside the usual ones, as PEM, by reference: ${file:PATH} or ${env:NAME}.',
  ).optional(),
  proxy: text(
    'The proxy through which the source is reached: http(s)://host:port, or with user and password by reference.',
  ).optional(),
  headers: said(
    z.record(z.string(), said(z.string(), 'A header and its value, or a reference.')).default({}),
    'Headers of every request.',
  ),
  id: said(
    z.string().default('id'),
    'Dotted path of the key in a record: pages are compared by it, and {id} stands for it.',
  ),
  list: said(
    z.strictObject({
      ...request,
      ...answer,
      paging: said(paging.prefault({ kind: 'none' }), 'How the list is divided into pages.'),
    }),
    'The request that brings everybody.',
  ),
  joins: said(z.array(join).max(8).default([]), 'What a second request knows of each record of the list.'),
  explode: text(
    'Dotted path of a list in a record, or of one that a join brought: each of its elements makes a record of its own, in which the element stands in place of the list.',
  ).optional(),
  values: text(
    'Where a vendor wraps every attribute: the member that holds its value. { label: …, value: 7 } then reads as 7.',
  ).optional(),
  keep: said(
    z
      .record(
        z.string(),
        said(
          z.record(z.string(), said(value, 'What stands there in an element that is kept.')),
          'Members of an element and what stands there when it is kept.',
        ),
      )
      .default({}),
    'Dotted paths of lists in a record and which of their elements count, such as { workAssignments: { primaryIndicator: true } }.',
  ),
  firstOf: said(
    z.array(z.string()).default([]),
    'Dotted paths of lists in a record of which the first element stands in place of the list; an empty list is blank. Only where the vendor documents the order, or one element.',
  ),
  dates: said(
    z.enum(['asWritten', 'odata']).default('asWritten'),
    'odata: texts such as /Date(1714953600000)/ read as the day they mean, at other times than midnight in UTC as a moment.',
  ),
  flatten: said(
    z.boolean().default(false),
    'true: nested objects become members whose names are joined by _, such as record.work_startDate; lists stay. Hidden fields are noticed in the depth, too.',
  ),
  omit: said(
    z.array(z.string()).default([]),
    'Dotted paths in a record that change although nothing did, such as a time of export: they are left out.',
  ),
  one: said(
    z.strictObject({ batch, key: keyPath, ...request, path: request.path.optional(), ...answer }),
    'How the present record of one worker is read, for webhooks and for `changes`. Without path the record is made of its id and the joins.',
  ).optional(),
  changes: said(
    z.strictObject({
      schedule: said(
        z.string().default('*/5 * * * *'),
        'When changes are asked for (cron, in timeZone), between two full lists.',
      ),
      ...request,
      ...answer,
      paging: said(paging.prefault({ kind: 'none' }), 'How changes are divided into pages.'),
      map: said(
        z.boolean().default(false),
        'true: the members of the object at recordPath are the elements, each by its key.',
      ),
      id: said(z.string().default('id'), 'Dotted path of the key in an element.'),
      records: said(
        z.boolean().default(false),
        'true: the elements are records as in the list; else only their ids count and each is read by `one`.',
      ),
      watermark: text(
        'Where the answer says up to when it speaks, by the clock of the vendor: a dotted path, or header:NAME.',
      ).optional(),
      changedAt: text(
        'Dotted path in an element of the moment of its change: what was read already is then not read again within the overlap.',
      ).optional(),
      overlapMinutes: said(
        z.number().min(0).max(10_080).default(10),
        'How far before the last time seen is asked for again.',
      ),
      sinceForm: said(
        z.enum(['iso', 'local', 'date', 'milliseconds']).default('iso'),
        '{since} as 2026-03-01T09:30:00Z, without Z (in UTC), as a day, or as milliseconds since 1970.',
      ),
    }),
    'What changed since the last look; beside it the whole list is read by `schedule`.',
  ).optional(),
  limits: said(
    z
      .strictObject({
        perSecond: said(
          z.number().min(0.01).max(1_000).nullable().default(5),
          'Requests a second; null sets no limit.',
        ),
        pages: said(z.number().int().min(1).max(1_000_000).default(20_000), 'Most pages of one look.'),
        megabytes: said(
          z.number().int().min(1).max(65_536).default(2_048),
          'Most bytes of all answers of one look, unpacked.',
        ),
        minutes: said(z.number().min(0.01).max(1_440).default(60), 'Longest time of one look.'),
      })
      .prefault({}),
    'How fast the source may be asked, and when a look is given up.',
  ),
  timeoutMs: said(z.number().int().min(100).max(1_800_000).default(60_000), 'How long the source may be silent.'),
};
