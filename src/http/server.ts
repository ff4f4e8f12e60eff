// The one HTTP server. Health answers even while HR or the identity provider are down; readiness does not lie.
import { type FastifyInstance, fastify } from 'fastify';

export interface Readiness {
  readonly ready: boolean;
  /** For people: what is missing. No personal values, no secrets. */
  readonly reasons: readonly string[];
}

export interface ServerParts {
  readonly version: string;
  readonly readiness: () => Promise<Readiness>;
}

/** No request of ours carries a body yet; anything larger is somebody else's mistake. */
const BODY_BYTES_MAX = 64 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;

/** `GET /healthz`: the process is alive. `GET /readyz`: the store is open and connections are loaded, else 503 with reasons. */
export function buildServer(parts: ServerParts): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  server.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  server.get('/healthz', async () => ({ status: 'ok', version: parts.version }));
  server.get('/readyz', async (_request, reply) => {
    const readiness = await parts.readiness();
    return reply
      .code(readiness.ready ? 200 : 503)
      .send({ status: readiness.ready ? 'ready' : 'not ready', reasons: readiness.reasons });
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is nothing here' }));
  server.setErrorHandler((_error, _request, reply) => reply.code(500).send({ error: 'internal error' }));
  return server;
}
