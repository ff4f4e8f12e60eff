// How we show who we are to an HR system: what targets know, and what only such systems ask for – a key of one's own header or
// query, a refresh token that may be exchanged at each use, a certificate beneath OAuth, a token from a login of the vendor's own.
import { z } from 'zod';
import { basic, bearer, mtls, oauth2 } from './auth-schema.ts';
import { type AuthSettings, authSettings, type OAuth2Settings } from './auth-settings.ts';
import { said, text } from './schema-words.ts';
import { type SecretReference, secretReference, type TextSetting, textSetting } from './secret-reference.ts';

const REFERENCE = '${env:NAME} or ${file:PATH}';
export const SOURCE_AUTH_KINDS = ['bearer', 'basic', 'oauth2', 'mtls', 'apiKey', 'login', 'none'] as const;

const kind = <K extends (typeof SOURCE_AUTH_KINDS)[number]>(name: K) =>
  z.literal(name).meta({ description: 'How we show who we are.', words: SOURCE_AUTH_KINDS.join(' | ') });

const certificateBeneath = z.strictObject({
  certificate: text(`Our certificate and those between it and the root, as PEM, by reference: ${REFERENCE}.`),
  key: text(`Its private key as PEM, by reference: ${REFERENCE}.`),
  passphrase: text(`What the private key is encrypted with, by reference: ${REFERENCE}.`).optional(),
});

export const sourceAuthSchema = z.discriminatedUnion('kind', [
  bearer.extend({ kind: kind('bearer') }),
  basic.extend({ kind: kind('basic') }),
  oauth2.extend({
    kind: kind('oauth2'),
    refreshToken: text(
      `The first refresh token, by reference: ${REFERENCE}: the grant is refresh_token then. A newer one that the vendor gives is kept in the state folder, sealed under this one.`,
    ).optional(),
    tls: said(certificateBeneath, 'A client certificate beneath it all, where the vendor asks for both.').optional(),
  }),
  mtls.extend({ kind: kind('mtls') }),
  z.strictObject({
    kind: kind('apiKey'),
    in: said(
      z.enum(['header', 'query', 'user']).default('header'),
      'Where the key stands; user: it is the name of Basic authentication, and the password is x.',
    ),
    name: said(z.string().default('x-api-key'), 'Name of the header or of the parameter.'),
    value: text(`The key, by reference: ${REFERENCE}.`),
    expires: text('The day on which it ends (yyyy-MM-dd), so that somebody is told in time.').optional(),
  }),
  z.strictObject({
    kind: kind('login'),
    tokenUrl: text('Where a token is fetched; https, or http on this machine.'),
    as: said(z.enum(['json', 'form']).default('json'), 'How the fields are sent.'),
    fields: said(
      z.record(z.string(), said(z.string(), `A field and its value, or a reference: ${REFERENCE}.`)),
      'What is sent to get a token.',
    ),
    tokenPath: said(z.string().default('access_token'), 'Dotted path of the token in the answer.'),
    minutes: said(
      z.number().min(1).max(1_440).default(30),
      'How long a token is used where the answer does not say expires_in.',
    ),
  }),
  z.strictObject({ kind: kind('none') }),
]);
export type SourceAuthText = z.output<typeof sourceAuthSchema>;

export interface CertificateBeneath {
  readonly certificate: SecretReference;
  readonly key: SecretReference;
  readonly passphrase?: SecretReference;
}

export interface LoginSettings {
  readonly kind: 'login';
  readonly tokenUrl: TextSetting;
  readonly as: 'json' | 'form';
  readonly fields: Readonly<Record<string, TextSetting>>;
  readonly tokenPath: string;
  readonly minutes: number;
}

export type SourceAuthSettings =
  | Exclude<AuthSettings, OAuth2Settings>
  | (OAuth2Settings & { readonly refreshToken?: SecretReference; readonly tls?: CertificateBeneath })
  | {
      readonly kind: 'apiKey';
      readonly in: 'header' | 'query' | 'user';
      readonly name: string;
      readonly value: SecretReference;
    }
  | LoginSettings
  | { readonly kind: 'none' };

/** The rules have refused every file in which a reference is none. */
const reference = (written: string): SecretReference => secretReference(written) ?? { kind: 'env', name: '' };
const setting = (written: string): TextSetting => textSetting(written.trim()) ?? { kind: 'literal', text: written };

export function sourceAuthSettings(auth: SourceAuthText): SourceAuthSettings {
  switch (auth.kind) {
    case 'none':
      return { kind: 'none' };
    case 'apiKey':
      return { kind: 'apiKey', in: auth.in, name: auth.name, value: reference(auth.value) };
    case 'login': {
      const { tokenUrl, as, fields, tokenPath, minutes } = auth;
      const settings = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, setting(value)]));
      return { kind: 'login', tokenUrl: setting(tokenUrl), as, fields: settings, tokenPath, minutes };
    }
    case 'oauth2': {
      const { refreshToken, tls, ...rest } = auth;
      return {
        ...(authSettings(rest) as OAuth2Settings),
        ...(refreshToken === undefined ? {} : { refreshToken: reference(refreshToken) }),
        ...(tls === undefined ? {} : { tls: beneath(tls) }),
      };
    }
    default:
      return authSettings(auth) as Exclude<AuthSettings, OAuth2Settings>;
  }
}

function beneath({ certificate, key, passphrase }: z.output<typeof certificateBeneath>): CertificateBeneath {
  return {
    certificate: reference(certificate),
    key: reference(key),
    ...(passphrase === undefined ? {} : { passphrase: reference(passphrase) }),
  };
}
