// How we show who we are to a target, as read from a connection file: references to secrets, never secrets.
import type { ASSERTION_ALGORITHMS, AuthSource } from './auth-schema.ts';
import { type SecretReference, secretReference, type TextSetting, textSetting } from './secret-reference.ts';

export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number];

/** How an OAuth client proves itself at the token endpoint. */
export type ClientProof =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: SecretReference }
  | {
      readonly method: 'private_key_jwt';
      /** PEM or JWK. */
      readonly key: SecretReference;
      readonly passphrase?: SecretReference;
      /** Without it: as the JWK says, else what suits the key. */
      readonly algorithm?: AssertionAlgorithm;
      readonly keyId?: TextSetting;
      /** Without it: the token URL. */
      readonly audience?: TextSetting;
      /** PEM; its thumbprints stand in the assertion's header. */
      readonly certificate?: SecretReference;
    };

export interface OAuth2Settings {
  readonly kind: 'oauth2';
  readonly tokenUrl: TextSetting;
  readonly clientId: TextSetting;
  /** Separated by blanks; '' asks for none. */
  readonly scope: string;
  /** Further fields of the token request, `audience` among them. */
  readonly form: Readonly<Record<string, TextSetting>>;
  readonly proof: ClientProof;
}

export interface MtlsSettings {
  readonly kind: 'mtls';
  readonly certificate: SecretReference;
  readonly key: SecretReference;
  readonly passphrase?: SecretReference;
  /** A bearer token beside the certificate. */
  readonly token?: SecretReference;
}

export type AuthSettings =
  | { readonly kind: 'bearer' | 'ssws'; readonly token: SecretReference }
  | { readonly kind: 'basic'; readonly user: TextSetting; readonly password: SecretReference }
  | OAuth2Settings
  | MtlsSettings;

/** The rules have refused every file in which a reference is none: what is left here cannot happen, and leads nowhere. */
const reference = (text: string | undefined): SecretReference =>
  (text === undefined ? null : secretReference(text)) ?? { kind: 'env', name: '' };
const setting = (text: string): TextSetting => textSetting(text.trim()) ?? { kind: 'literal', text };

/** Absent where the file says nothing. */
const optional = <K extends string, V>(key: K, text: string | undefined, read: (text: string) => V) =>
  (text === undefined ? {} : { [key]: read(text) }) as { readonly [name in K]?: V };

export function authSettings(auth: AuthSource): AuthSettings {
  switch (auth.kind) {
    case 'bearer':
    case 'ssws':
      return { kind: auth.kind, token: reference(auth.token) };
    case 'basic':
      return { kind: 'basic', user: setting(auth.user), password: reference(auth.password) };
    case 'mtls':
      return {
        kind: 'mtls',
        certificate: reference(auth.certificate),
        key: reference(auth.key),
        ...optional('passphrase', auth.passphrase, reference),
        ...optional('token', auth.token, reference),
      };
    case 'oauth2':
      return {
        kind: 'oauth2',
        tokenUrl: setting(auth.tokenUrl),
        clientId: setting(auth.clientId),
        scope: (typeof auth.scope === 'string' ? auth.scope : auth.scope.join(' ')).trim(),
        form: Object.fromEntries([
          ...(auth.audience === undefined ? [] : [['audience', setting(auth.audience)] as const]),
          ...Object.entries(auth.form).map(([name, value]) => [name, setting(value)] as const),
        ]),
        proof: proofOf(auth),
      };
  }
}

function proofOf(auth: Extract<AuthSource, { kind: 'oauth2' }>): ClientProof {
  if (auth.method !== 'private_key_jwt') return { method: auth.method, secret: reference(auth.clientSecret) };
  return {
    method: auth.method,
    key: reference(auth.privateKey),
    ...(auth.algorithm === undefined ? {} : { algorithm: auth.algorithm }),
    ...optional('passphrase', auth.passphrase, reference),
    ...optional('keyId', auth.keyId, setting),
    ...optional('audience', auth.assertionAudience, setting),
    ...optional('certificate', auth.certificate, reference),
  };
}
