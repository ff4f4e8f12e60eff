// From what a connection file says to how a target is reached: credentials and the transport beneath them.
import type { AuthSettings, OAuth2Settings } from '../../mapping/auth-settings.ts';
import type { SecretReference, TextSetting } from '../../mapping/secret-reference.ts';
import type { SecretReader } from '../secrets.ts';
import { basic, bearer, type Credentials, type Shown, ssws } from './credentials.ts';
import type { Fault } from './faults.ts';
import { oauth2 } from './oauth2.ts';
import { assertionProver, type Prover, secretProver } from './proof.ts';
import { type Grant, openTokenEndpoint, type TokenEndpoint } from './token-endpoint.ts';
import { openTransport, type Transport, type Wire } from './transport.ts';

export interface AccessSettings {
  readonly auth: AuthSettings;
  /** PEM certificates that are trusted beside the usual ones. */
  readonly ca?: SecretReference;
  readonly proxy?: TextSetting;
  readonly timeoutMs: number;
}

export interface AccessDeps {
  readonly secret: (reference: SecretReference) => SecretReader;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly userAgent: string;
}

export interface Access {
  readonly credentials: Credentials;
  /** For the target and for whatever else belongs to it: proxy, trust and certificate are the same. */
  readonly transport: Transport;
}

/** Reads no secret yet, but the address of a token endpoint. @throws Problem where that leads nowhere or is none. */
export function openAccess(settings: AccessSettings, deps: AccessDeps): Access {
  const { auth } = settings;
  const transport = openTransport({
    ...(settings.ca === undefined ? {} : { ca: deps.secret(settings.ca) }),
    ...(settings.proxy === undefined ? {} : { proxy: readerOf(settings.proxy, deps) }),
    ...(auth.kind === 'mtls'
      ? {
          certificate: {
            chain: deps.secret(auth.certificate),
            key: deps.secret(auth.key),
            ...(auth.passphrase === undefined ? {} : { passphrase: deps.secret(auth.passphrase) }),
          },
        }
      : {}),
  });
  return { credentials: credentialsOf(settings, deps, transport), transport };
}

function credentialsOf({ auth, timeoutMs }: AccessSettings, deps: AccessDeps, transport: Transport): Credentials {
  switch (auth.kind) {
    case 'bearer':
      return bearer(deps.secret(auth.token));
    case 'ssws':
      return ssws(deps.secret(auth.token));
    case 'basic':
      return basic(readerOf(auth.user, deps), deps.secret(auth.password));
    case 'mtls':
      return withCertificate(transport, auth.token === undefined ? NO_HEADERS : bearer(deps.secret(auth.token)));
    case 'oauth2':
      return oauth2(tokenEndpointOf(auth, { timeoutMs }, deps, transport), deps.now);
  }
}

/** @throws Problem where the address of the token endpoint leads nowhere or is none. */
export function tokenEndpointOf(
  auth: OAuth2Settings,
  more: { readonly timeoutMs: number; readonly grant?: Grant },
  deps: AccessDeps,
  transport: Transport,
): TokenEndpoint {
  const url = readerOf(auth.tokenUrl, deps)();
  return openTokenEndpoint(
    {
      ...more,
      url,
      prover: proverOf(auth, url, deps),
      scope: auth.scope,
      form: Object.fromEntries(Object.entries(auth.form).map(([name, value]) => [name, readerOf(value, deps)])),
      userAgent: deps.userAgent,
    },
    transport,
    deps.now,
  );
}

function proverOf({ clientId, proof }: OAuth2Settings, tokenUrl: string, deps: AccessDeps): Prover {
  const id = readerOf(clientId, deps);
  if (proof.method !== 'private_key_jwt') return secretProver(proof.method, id, deps.secret(proof.secret));
  const secret = (reference: SecretReference | undefined) => (reference === undefined ? null : deps.secret(reference));
  return assertionProver({
    clientId: id,
    key: deps.secret(proof.key),
    passphrase: secret(proof.passphrase),
    algorithm: proof.algorithm ?? null,
    keyId: proof.keyId === undefined ? null : readerOf(proof.keyId, deps),
    audience: proof.audience === undefined ? () => tokenUrl : readerOf(proof.audience, deps),
    certificate: secret(proof.certificate),
  });
}

export const readerOf = (setting: TextSetting, deps: AccessDeps): SecretReader =>
  setting.kind === 'literal' ? () => setting.text : deps.secret(setting);

const NOTHING: Shown = { headers: {} };
const NO_HEADERS: Credentials = {
  headers: async () => NOTHING,
  refused: async () => false,
  close: async () => {},
};

/** Credentials of which the client certificate is a part: another certificate makes them others. */
function withCertificate(transport: Transport, inner: Credentials): Credentials {
  let known: { readonly wire: Wire; readonly inner: Shown; readonly shown: Shown } | null = null;
  async function headers(signal: AbortSignal): Promise<Shown | Fault> {
    const wire = transport.now();
    if ('fault' in wire) return wire;
    const below = await inner.headers(signal);
    if ('fault' in below) return below;
    if (known?.wire !== wire || known.inner !== below)
      known = { wire, inner: below, shown: { headers: below.headers } };
    return known.shown;
  }
  return {
    headers,
    refused: async (shown, signal) => {
      transport.doubt();
      await inner.refused(known?.inner ?? NOTHING, signal);
      const now = await headers(signal);
      return !('fault' in now) && now !== shown;
    },
    close: inner.close,
  };
}
