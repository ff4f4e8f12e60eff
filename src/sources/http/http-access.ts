// From what a connection file says of `auth` to what stands on each request, and the transport beneath.
import type { TextSetting } from '../../mapping/secret-reference.ts';
import type { HttpSourceSettings } from '../../mapping/source-settings.ts';
import { type Access, type AccessDeps, openAccess, readerOf, tokenEndpointOf } from '../../runtime/access/access.ts';
import {
  basic,
  type Credentials,
  type Shown,
  TOKEN,
  TOKEN_LENGTH_MAX,
  whyMissing,
} from '../../runtime/access/credentials.ts';
import { fault } from '../../runtime/access/faults.ts';
import { oauth2 } from '../../runtime/access/oauth2.ts';
import { openTransport } from '../../runtime/access/transport.ts';
import type { SecretReader } from '../../runtime/secrets.ts';
import { loginEndpoint } from './login.ts';
import { keptRefreshToken } from './refresh-token.ts';

export interface HttpAccess extends Access {
  /** A key that stands in the query of every request. */
  readonly query: () => Readonly<Record<string, string>>;
  /** For people: which references the credentials are. */
  readonly credentialsAre: string;
}

export interface HttpAccessDeps extends AccessDeps {
  readonly stateDir: string;
  readonly name: string;
}

const NOTHING: Shown = { headers: {} };
const NO_CREDENTIALS: Credentials = {
  headers: async () => NOTHING,
  refused: async () => false,
  close: async () => {},
};
const NO_QUERY = (): Readonly<Record<string, string>> => ({});

/** @throws Problem where the address of a token endpoint leads nowhere. */
export function openHttpAccess(settings: HttpSourceSettings, deps: HttpAccessDeps): HttpAccess {
  const { auth, ca, proxy, timeoutMs } = settings;
  const wire = { ...(ca === undefined ? {} : { ca }), ...(proxy === undefined ? {} : { proxy }) };
  const credentialsAre = referencesIn(auth);
  const plain = () =>
    openTransport({
      ...(ca === undefined ? {} : { ca: deps.secret(ca) }),
      ...(proxy === undefined ? {} : { proxy: readerOf(proxy, deps) }),
      ...('tls' in auth && auth.tls !== undefined
        ? {
            certificate: {
              chain: deps.secret(auth.tls.certificate),
              key: deps.secret(auth.tls.key),
              ...(auth.tls.passphrase === undefined ? {} : { passphrase: deps.secret(auth.tls.passphrase) }),
            },
          }
        : {}),
    });
  switch (auth.kind) {
    case 'none':
      return { transport: plain(), credentials: NO_CREDENTIALS, query: NO_QUERY, credentialsAre };
    case 'apiKey': {
      const value = deps.secret(auth.value);
      if (auth.in === 'user')
        return { transport: plain(), credentials: basic(value, () => 'x'), query: NO_QUERY, credentialsAre };
      if (auth.in === 'query')
        return {
          transport: plain(),
          credentials: fromKey(value, null),
          query: () => ({ [auth.name]: value() }),
          credentialsAre,
        };
      return {
        transport: plain(),
        credentials: fromKey(value, auth.name.toLowerCase()),
        query: NO_QUERY,
        credentialsAre,
      };
    }
    case 'login': {
      const transport = plain();
      const endpoint = loginEndpoint(
        {
          url: readerOf(auth.tokenUrl, deps)(),
          as: auth.as,
          fields: Object.fromEntries(Object.entries(auth.fields).map(([name, one]) => [name, readerOf(one, deps)])),
          tokenPath: auth.tokenPath,
          lifetimeMs: auth.minutes * 60_000,
          userAgent: deps.userAgent,
          timeoutMs,
        },
        transport,
      );
      return { transport, credentials: oauth2(endpoint, deps.now), query: NO_QUERY, credentialsAre };
    }
    case 'oauth2': {
      if (auth.refreshToken === undefined && auth.tls === undefined)
        return { ...openAccess({ ...wire, auth, timeoutMs }, deps), query: NO_QUERY, credentialsAre };
      const transport = plain();
      const { refreshToken } = auth;
      const grant =
        refreshToken === undefined
          ? undefined
          : keptRefreshToken({
              stateDir: deps.stateDir,
              name: deps.name,
              first: deps.secret(refreshToken),
            });
      const endpoint = tokenEndpointOf(auth, { timeoutMs, ...(grant === undefined ? {} : { grant }) }, deps, transport);
      return { transport, credentials: oauth2(endpoint, deps.now), query: NO_QUERY, credentialsAre };
    }
    default:
      return { ...openAccess({ ...wire, auth, timeoutMs }, deps), query: NO_QUERY, credentialsAre };
  }
}

/** @param header null for a key that stands elsewhere: then only whether there is one is told. */
function fromKey(value: SecretReader, header: string | null): Credentials {
  let known: { readonly key: string; readonly shown: Shown } | null = null;
  const read = (fresh: boolean) => {
    try {
      const key = value(fresh);
      if (key.length > TOKEN_LENGTH_MAX || (header !== null && !TOKEN.test(key)))
        return fault('no-token', 'the key holds characters that no header may carry');
      if (known?.key !== key) known = { key, shown: { headers: header === null ? {} : { [header]: key } } };
      return known.shown;
    } catch (error) {
      return fault('no-token', whyMissing(error));
    }
  };
  return {
    headers: async () => read(false),
    refused: async (shown) => {
      const now = read(true);
      return !('fault' in now) && now !== shown;
    },
    close: async () => {},
  };
}

/** The references of a section as they are written; never what they lead to. */
function referencesIn(auth: HttpSourceSettings['auth']): string {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    const { kind, name, path } = value as Partial<Extract<TextSetting, { name: string } & { kind: 'env' }>> & {
      path?: string;
    };
    if (kind === 'env' && typeof name === 'string') found.push(`\${env:${name}}`);
    else if ((kind as string) === 'file' && typeof path === 'string') found.push(`\${file:${path}}`);
    else for (const member of Object.values(value)) walk(member);
  };
  walk(auth);
  return found.length === 0 ? 'none' : `source.auth (${[...new Set(found)].join(', ')})`;
}
