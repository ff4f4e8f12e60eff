// The keys of `webhooks`: where HR tells us at once, how it proves who it is, and what it says. What they may hold beyond their
// type is checked in webhook-rules.ts.
import { z } from 'zod';
import { expression, said, text } from './schema-words.ts';

const REFERENCE = '${env:NAME} or ${file:PATH}';

export const HOOK_SCHEMES = [
  'standard-webhooks',
  'bamboohr',
  'hibob',
  'finch',
  'merge',
  'gusto',
  'deel',
  'hmac',
  'token',
] as const;
export type HookScheme = (typeof HOOK_SCHEMES)[number];

/** Two, so that a new secret can be live before the old one is gone. */
const SECRETS_MAX = 2;

/** The schemes are told apart by this key; `words` is what help says that it takes. */
const scheme = <S extends HookScheme>(name: S) =>
  z.literal(name).meta({ description: 'How a request proves where it comes from.', words: HOOK_SCHEMES.join(' | ') });
const secrets = said(
  z
    .array(text(`A secret, by reference: ${REFERENCE}. Secrets never stand in this file.`))
    .min(1)
    .max(SECRETS_MAX),
  'The secrets that are good now: one, or two while it is being changed.',
);
const vendor = <S extends HookScheme>(name: S) => z.strictObject({ scheme: scheme(name), secrets });

const hmac = z.strictObject({
  scheme: scheme('hmac'),
  secrets,
  header: text('The header that carries the signature.'),
  algorithm: said(z.enum(['sha256', 'sha384', 'sha512']).default('sha256'), 'The hash under the HMAC.'),
  encoding: said(z.enum(['hex', 'base64', 'base64url']).default('hex'), 'How the signature is written.'),
  prefix: said(z.string().max(40).default(''), 'What stands before the signature, such as sha256=.'),
  key: said(
    z.enum(['text', 'base64', 'hex']).default('text'),
    'Whether the secret is the key itself, or the key written in base64 or hex.',
  ),
  signed: said(
    z.string().min(1).max(200).default('{body}'),
    'What is signed: {body}, and {timestamp} and {id} where there are such headers, such as {timestamp}.{body}.',
  ),
  timestampHeader: text(
    'The header with the time of the request, in Unix seconds or as an instant; it must be signed.',
  ).optional(),
  idHeader: text('The header with the id of the event; it must be signed.').optional(),
});

const token = z.strictObject({
  scheme: scheme('token'),
  secrets,
  header: said(z.string().default('Authorization'), 'The header that carries the token.'),
  bearer: said(z.boolean().default(false), 'Whether the word Bearer stands before the token.'),
});

const verifySchema = z.discriminatedUnion('scheme', [
  vendor('standard-webhooks'),
  vendor('bamboohr'),
  vendor('hibob'),
  vendor('finch'),
  vendor('merge'),
  vendor('gusto'),
  vendor('deel'),
  hmac,
  token,
]);

export const webhookSchema = z.strictObject({
  path: text('Where it is posted to: /hooks/ and a name of your own.'),
  verify: said(verifySchema, 'How a request proves where it comes from; each scheme has keys of its own.'),
  emergency: said(
    z.boolean().default(false),
    'true: the worker loses access now and until a named person lifts it. Needs a secret of its own.',
  ),
  worker: expression(
    'Whose event it is: the worker’s id (or a list of ids) from body.X. Without record it is a hint: the source is asked again.',
  ).optional(),
  record: text(
    'Where the body carries a whole record (or a list of records), mapped like those of the feed: body, or a path such as body.data.employee.',
  ).optional(),
  when: expression(
    'Which events count, such as body.type == "employee.left"; all others are taken and ignored.',
  ).optional(),
  id: expression(
    'What is the same each time an event is sent again; else the id that the scheme signs, if it does.',
  ).optional(),
  at: expression(
    'When it was so: an instant or Unix seconds, such as body.timestamp; else the moment of receiving.',
  ).optional(),
});
export type WebhookSource = z.output<typeof webhookSchema>;
export type VerifySource = WebhookSource['verify'];

/** Schemes that sign the time of the request: an old request is worth nothing after five minutes. */
export const TIMED_SCHEMES: ReadonlySet<string> = new Set<HookScheme>(['standard-webhooks', 'finch', 'bamboohr']);
