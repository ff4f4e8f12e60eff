// The one HTTP server. Health answers even while HR or the identity provider are down; readiness does not lie.
import { type FastifyInstance, fastify } from 'fastify';
import { type ApiParts, apiRoutes } from './api/serve.ts';
import { bears } from './bearer.ts';
import { boundConnections, type ConnectionLimits } from './connections.ts';
import type { HookEndpoint } from './hooks/endpoint.ts';
import { HOOK_BODY_BYTES_MAX, hookRoutes } from './hooks/routes.ts';

export interface Readiness {
  readonly ready: boolean;
  /** For people: what is missing. No personal values, no secrets. */
  readonly reasons: readonly string[];
}

export interface ServerParts {
  readonly version: string;
  readonly readiness: () => Promise<Readiness>;
  /** What Prometheus reads; without it there is no `/metrics`. */
  readonly metrics?: () => Promise<{ readonly type: string; readonly text: string }>;
  readonly hooks?: readonly HookEndpoint[];
  /** Without it there is no `/api`. */
  readonly api?: ApiParts;
  /** Free bytes under the store; without it there are enough. */
  readonly diskRoom?: () => Promise<number>;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | null;
  /** Whoever has it is told reasons; '' where only this machine can ask. */
  readonly token?: string;
  /** Whether every connection comes from one proxy. */
  readonly behindProxy?: boolean;
  readonly limits?: Partial<ConnectionLimits>;
}

/** A request with its body has so long to arrive, its headers alone half of that. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
/** How often Node looks for requests that take too long. */
const CHECKED_EVERY_MS = 1_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;
const HEADER_BYTES_MAX = 16 * 1024;
/** A worker’s id of 256 characters, each written as three bytes of three characters. */
const PATH_MEMBER_MAX = 256 * 9;
/** Far more than HR systems need at once; what is beyond takes the place of the oldest that says nothing. */
const CONNECTIONS_MAX = 1_024;
const CONNECTIONS_PER_ADDRESS_MAX = 256;

/**
 * `GET /healthz`: the process is alive. `GET /readyz`: the store is open and connections are loaded, else 503 with reasons.
 * `GET /metrics`: for Prometheus, behind the token where one is set. `POST` at the path of each webhook. `/api`: see api/serve.ts.
 */
export function buildServer(parts: ServerParts): FastifyInstance {
  const { tls = null, token = '', behindProxy = false, hooks = [] } = parts;
  const bounds = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECKED_EVERY_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  const common = {
    logger: false,
    bodyLimit: HOOK_BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PATH_MEMBER_MAX },
  } as const;
  const server = (
    tls === null
      ? fastify({ ...common, http: bounds })
      : fastify({
          ...common,
          https: { ...bounds, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
        })
  ) as FastifyInstance;
  const connections = boundConnections(server.server, {
    total: CONNECTIONS_MAX,
    perAddress: behindProxy ? null : CONNECTIONS_PER_ADDRESS_MAX,
    ...parts.limits,
  });
  server.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  server.get('/healthz', async () => ({ status: 'ok', version: parts.version }));
  server.get('/readyz', async (request, reply) => {
    const readiness = await parts.readiness();
    const told = token === '' || bears(request.headers.authorization, token);
    return reply
      .code(readiness.ready ? 200 : 503)
      .send({ status: readiness.ready ? 'ready' : 'not ready', ...(told ? { reasons: readiness.reasons } : {}) });
  });
  const { metrics } = parts;
  if (metrics !== undefined) {
    server.get('/metrics', async (request, reply) => {
      if (token !== '' && !bears(request.headers.authorization, token))
        return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'the token is missing or wrong' });
      const { type, text } = await metrics();
      return reply.header('content-type', type).send(text);
    });
  }
  const diskRoom = parts.diskRoom ?? (async () => Number.POSITIVE_INFINITY);
  if (hooks.length > 0) hookRoutes(server, { endpoints: hooks, diskRoom, connections });
  if (parts.api !== undefined) apiRoutes(server, parts.api, connections);
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is nothing here' }));
  server.setErrorHandler((error, _request, reply) => {
    const code = (error as { statusCode?: number }).statusCode ?? 500;
    // What a client did wrong is said by its number alone.
    if (code >= 400 && code < 500) return reply.code(code).send({ error: REFUSED[code] ?? 'bad request' });
    return reply.code(500).send({ error: 'internal error' });
  });
  return server;
}

const REFUSED: Readonly<Record<number, string>> = {
  413: `a body has ${HOOK_BODY_BYTES_MAX} bytes at most`,
  415: 'unsupported media type',
};
