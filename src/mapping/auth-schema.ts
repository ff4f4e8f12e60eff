// The keys of `auth`: one set for each kind. What they may hold beyond their type is checked in auth-rules.ts.
import { z } from 'zod';

const said = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description }) as T;
const text = (description: string) => said(z.string(), description);
const REFERENCE = '${env:NAME} or ${file:PATH}';

export const AUTH_KINDS = ['bearer', 'basic', 'oauth2', 'mtls', 'ssws'] as const;
export type AuthKind = (typeof AUTH_KINDS)[number];

/** The kinds are told apart by this key; `words` is what help says that it takes. */
const kind = <K extends AuthKind>(name: K) =>
  z.literal(name).meta({ description: 'How we show who we are.', words: AUTH_KINDS.join(' | ') });

/** Names as registered for `token_endpoint_auth_method` (RFC 7591 section 2, OpenID Connect Core section 9). */
export const CLIENT_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;

/** Signatures of an assertion (RFC 7518 section 3.1), public key ones only. */
export const ASSERTION_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;

export const bearer = z.strictObject({
  kind: kind('bearer'),
  token: text(`The token, by reference: ${REFERENCE}. Secrets never stand in this file.`),
  expires: text('The day on which it ends (yyyy-MM-dd), so that somebody is told in time.').optional(),
});

export const basic = z.strictObject({
  kind: kind('basic'),
  user: text(`The name, or a reference: ${REFERENCE}.`),
  password: text(`The password, by reference: ${REFERENCE}.`),
  expires: text('The day on which it ends (yyyy-MM-dd), so that somebody is told in time.').optional(),
});

export const mtls = z.strictObject({
  kind: kind('mtls'),
  certificate: text(`Our certificate and those between it and the root, as PEM, by reference: ${REFERENCE}.`),
  key: text(`Its private key as PEM, by reference: ${REFERENCE}.`),
  passphrase: text(`What the private key is encrypted with, by reference: ${REFERENCE}.`).optional(),
  token: text('A bearer token beside the certificate, if one is needed.').optional(),
});

/** The API tokens of Okta: https://developer.okta.com/docs/reference/rest/ */
export const ssws = z.strictObject({
  kind: kind('ssws'),
  token: text(`The API token of Okta, by reference: ${REFERENCE}.`),
  expires: text('The day on which it ends (yyyy-MM-dd), so that somebody is told in time.').optional(),
});

export const oauth2 = z.strictObject({
  kind: kind('oauth2'),
  tokenUrl: text('Where access tokens are fetched with the client credentials grant; https, or http on this machine.'),
  clientId: text(`The id of the client, or a reference: ${REFERENCE}.`),
  expires: text('The day on which its secret ends (yyyy-MM-dd), so that somebody is told in time.').optional(),
  scope: said(z.union([z.string(), z.array(z.string()).max(100)]).default(''), 'The scopes to ask for.'),
  audience: text('Sent as audience, where the token endpoint asks for one.').optional(),
  form: said(
    z.record(z.string(), said(z.string(), `A field and its value, or a reference: ${REFERENCE}.`)).default({}),
    'Further fields of the token request, such as resource.',
  ),
  method: said(
    z.enum(CLIENT_METHODS).default('client_secret_basic'),
    'How the client proves itself at the token endpoint.',
  ),
  clientSecret: text(
    `The secret of client_secret_basic and client_secret_post, by reference: ${REFERENCE}.`,
  ).optional(),
  privateKey: text(`The private key of private_key_jwt as PEM or JWK, by reference: ${REFERENCE}.`).optional(),
  passphrase: text(`What the private key is encrypted with, by reference: ${REFERENCE}.`).optional(),
  algorithm: said(
    z.enum(ASSERTION_ALGORITHMS).optional(),
    'How the assertion is signed; else as the JWK says, else with SHA-256 (RSA), or what the curve asks for.',
  ),
  keyId: text('The kid of the assertion; else that of the JWK.').optional(),
  assertionAudience: text('The aud of the assertion; else tokenUrl.').optional(),
  certificate: text(
    `A certificate as PEM whose thumbprints the assertion carries (x5t, x5t#S256), by reference: ${REFERENCE}.`,
  ).optional(),
});

export const authSchema = z.discriminatedUnion('kind', [bearer, basic, oauth2, mtls, ssws]);
export type AuthSource = z.output<typeof authSchema>;
