// POST /hooks/…: the raw body, proven, and durable before the sender hears 202.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Connections } from '../connections.ts';
import type { HookEndpoint } from './endpoint.ts';

/** On the wire; larger bodies are answered 413 before they are read to their end. */
export const HOOK_BODY_BYTES_MAX = 64 * 1024;
/** With less free the database might run into the end of the disk; an emergency is small and still let in. */
const DISK_ROOM_MIN: Readonly<Record<HookEndpoint['kind'], number>> = {
  hint: 64 * 1024 * 1024,
  record: 64 * 1024 * 1024,
  emergency: 8 * 1024 * 1024,
};
/** So soon may somebody who was sent away come again; every sender that was looked at waits longer. */
const RETRY_AFTER_SECONDS = 30;

const METHODS_REFUSED = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export interface HookParts {
  readonly endpoints: readonly HookEndpoint[];
  /** Free bytes under the store. */
  readonly diskRoom: () => Promise<number>;
  readonly connections: Connections;
}

export function hookRoutes(server: FastifyInstance, { endpoints, diskRoom, connections }: HookParts): void {
  server.register(async (scope) => {
    // The raw bytes are what is signed: nothing is parsed, inflated or decoded on the way.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: HOOK_BODY_BYTES_MAX }, (_request, body, done) => {
      done(null, body);
    });
    scope.addHook('onRequest', async (request, reply) => {
      const { headers } = request;
      const encoded = (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';
      if (request.method === 'POST' && (encoded || formOf(headers['content-type']) === null)) return refuse(reply, 415);
    });
    scope.addHook('preHandler', async (request) => connections.begin(request.raw.socket));
    scope.addHook('onResponse', async (request) => connections.end(request.raw.socket));
    for (const endpoint of endpoints) {
      scope.post(endpoint.path, async (request, reply) => answer(endpoint, diskRoom, request, reply));
      scope.route({
        method: METHODS_REFUSED,
        url: endpoint.path,
        handler: async (_request, reply) => refuse(reply.header('allow', 'POST'), 405),
      });
    }
  });
}

async function answer(
  endpoint: HookEndpoint,
  diskRoom: () => Promise<number>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const genuine = endpoint.verify({ headers: request.headers, body });
  if (genuine === null) return refuse(reply, 401);
  const form = formOf(request.headers['content-type']);
  if (form === null) return refuse(reply, 415);
  if ((await diskRoom()) < DISK_ROOM_MIN[endpoint.kind]) return comeAgain(reply);
  let received: Awaited<ReturnType<HookEndpoint['receive']>>;
  try {
    received = await endpoint.receive(body, form, genuine);
  } catch {
    // Nobody can say whether it was stored: the sender tells it again, and what was stored is known then.
    return comeAgain(reply);
  }
  return received === 'full' ? comeAgain(reply) : reply.code(202).send({ accepted: true });
}

const WORDS: Readonly<Record<number, string>> = {
  401: 'not authorized',
  405: 'only POST',
  415: 'send application/json or application/x-www-form-urlencoded in UTF-8, without content-encoding',
};

const refuse = (reply: FastifyReply, code: 401 | 405 | 415): FastifyReply =>
  reply.code(code).send({ error: WORDS[code] });

const comeAgain = (reply: FastifyReply): FastifyReply =>
  reply.code(503).header('retry-after', String(RETRY_AFTER_SECONDS)).send({ error: 'come again later' });

/** How the body is written by its content type; null for what is not taken. */
function formOf(contentType: string | undefined): 'json' | 'form' | null {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim() === 'charset' && !['utf-8', 'utf8'].includes(value.trim().replaceAll('"', ''))) return null;
  }
  const bare = type.trim();
  if (bare === 'application/json' || /^application\/[a-z0-9.-]+\+json$/.test(bare)) return 'json';
  return bare === 'application/x-www-form-urlencoded' ? 'form' : null;
}
