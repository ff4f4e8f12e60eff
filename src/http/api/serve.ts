// The API on the wire: who may, how often, and how what goes wrong is told. Without a token there is none, not even for this machine:
// its answers are about people.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Fault, Problem } from '../../base/problem.ts';
import type { Connections } from '../connections.ts';
import { Bucket } from './bucket.ts';
import { tell } from './problem.ts';
import type { ApiHouse, Asked, Members, Route } from './route.ts';
import { API_ROUTES } from './routes.ts';
import type { ApiTokens, Right } from './tokens.ts';

export interface ApiParts extends ApiHouse {
  readonly tokens: ApiTokens;
}

/** Far beyond what a dashboard asks for. */
const ASKED_BURST = 100;
const ASKED_PER_SECOND = 50;
/** An incident of a hundred people is one burst. */
const ACTS_BURST = 100;
const ACTS_PER_SECOND = 10;
/** Whoever tries tokens is slowed down; whoever has one is not, since theirs is looked at first. */
const WRONG_BURST = 20;
const WRONG_PER_SECOND = 1;
const RETRY_AFTER_SECONDS = 1;
const BODY_BYTES_MAX = 64 * 1024;
/** Faults of one request that are named; the rest is found once these are mended. */
const FAULTS_TOLD = 5;

type Bearer = { readonly right: Right; readonly mark: string };

export function apiRoutes(server: FastifyInstance, parts: ApiParts, connections: Connections): void {
  const { house, tokens } = parts;
  const asked = new Bucket(ASKED_BURST, ASKED_PER_SECOND);
  const acts = new Bucket(ACTS_BURST, ACTS_PER_SECOND);
  const wrong = new Bucket(WRONG_BURST, WRONG_PER_SECOND);
  const bearers = new WeakMap<FastifyRequest, Bearer>();
  let heavy = false;

  /** Null where the request may pass. */
  const refusalOf = (request: FastifyRequest): Fault | null => {
    if (!tokens.has('read'))
      return { code: 'api.off', message: 'the API has no token and is closed', hint: 'set ROLLCALL_API_TOKEN' };
    const bearer = tokens.rightOf(request.headers.authorization);
    const nowMs = house.clock.nowMs();
    if (bearer === null) {
      if (!wrong.take(nowMs)) return tooMany('too many wrong tokens');
      return { code: 'api.token', message: 'the token is missing or wrong', hint: 'Authorization: Bearer …' };
    }
    bearers.set(request, bearer);
    if (!asked.take(nowMs)) return tooMany(`more than ${ASKED_PER_SECOND} requests a second`);
    if (request.method !== 'POST') return null;
    if (!tokens.has('act'))
      return { code: 'api.acts-off', message: 'nobody may act here', hint: 'set ROLLCALL_API_ACT_TOKEN' };
    if (bearer.right !== 'act')
      return { code: 'api.read-only', message: 'this token may only read', hint: 'use that of ROLLCALL_API_ACT_TOKEN' };
    return acts.take(nowMs) ? null : tooMany(`more than ${ACTS_PER_SECOND} acts a second`);
  };

  const answer = async (route: Route, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (route.heavy && heavy)
      return tell(retryLater(reply), { code: 'api.busy', message: 'another large answer is being made' });
    heavy ||= route.heavy;
    try {
      const bearer = bearers.get(request);
      const given = readAsked(route, request, `api token ${bearer?.mark ?? ''}`);
      if ('fault' in given) return tell(reply, given.fault);
      const answered = await route.handle(parts, given.asked);
      if (route.method === 'POST') reply.code(202).header('location', (answered as { href: string }).href);
      return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answered));
    } catch (error) {
      if (error instanceof Problem && error.faults[0] !== undefined) return tell(reply, error.faults[0]);
      // What a bug says may name people: the log is told where, not what.
      house.log.error({ route: route.name, error: (error as Error).name }, 'an answer of the API failed');
      return tell(reply, { code: 'api.internal', message: 'the answer could not be made; the log names where' });
    } finally {
      if (route.heavy) heavy = false;
    }
  };

  server.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        'application/json',
        { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
        scope.getDefaultJsonParser('error', 'error'),
      );
      scope.addHook('onRequest', async (request, reply) => {
        const fault = refusalOf(request);
        if (fault === null) return;
        if (fault.code === 'api.token') reply.header('www-authenticate', 'Bearer realm="rollcall"');
        return tell(fault.code === 'api.too-many' ? retryLater(reply) : reply, fault);
      });
      scope.addHook('preHandler', async (request) => connections.begin(request.raw.socket));
      scope.addHook('onResponse', async (request) => connections.end(request.raw.socket));
      const byPath = Map.groupBy(API_ROUTES, ({ path }) => path.replace(/\{(\w+)\}/g, ':$1'));
      for (const [url, routes] of byPath) {
        for (const route of routes)
          scope.route({ method: route.method, url, handler: (request, reply) => answer(route, request, reply) });
        const known = routes.map(({ method }) => method as string);
        scope.route({
          method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => !known.includes(method)),
          url,
          handler: async (_request, reply) =>
            tell(reply.header('allow', known.join(', ')), { code: 'api.method', message: `only ${known.join(', ')}` }),
        });
      }
      scope.all('/*', async (_request, reply) => tell(reply, NOTHING));
      scope.setErrorHandler(async (error, _request, reply) => tell(reply, faultOf(error)));
    },
    { prefix: '/api' },
  );
}

const NOTHING: Fault = {
  code: 'api.nothing-here',
  message: 'there is nothing here',
  hint: 'GET /api/openapi.json says what there is',
};

const tooMany = (what: string): Fault => ({
  code: 'api.too-many',
  message: `more is asked than the API answers: ${what}`,
  hint: 'come again in a second',
});

const retryLater = (reply: FastifyReply): FastifyReply => reply.header('retry-after', String(RETRY_AFTER_SECONDS));

/** What the server itself refuses before a route is asked. */
function faultOf(error: unknown): Fault {
  switch ((error as { statusCode?: number }).statusCode) {
    case 413:
      return { code: 'api.too-large', message: `a body has ${BODY_BYTES_MAX} bytes at most` };
    case 415:
      return { code: 'api.media-type', message: 'send application/json in UTF-8' };
    case 400:
      return { code: 'api.body', message: 'the body is no JSON that can be taken' };
    default:
      return { code: 'api.internal', message: 'the answer could not be made; the log names where' };
  }
}

function readAsked(
  route: Route,
  request: FastifyRequest,
  osUser: string,
): { readonly asked: Asked } | { readonly fault: Fault } {
  const path = read(route.pathMembers, request.params);
  const query = read(route.query, request.query);
  const body = route.body === null ? { data: null } : parsed(route.body, request.body);
  const hint = 'GET /api/openapi.json says what is taken';
  if ('said' in path) return { fault: { code: 'api.path', message: path.said, hint } };
  if ('said' in query) return { fault: { code: 'api.query', message: query.said, hint } };
  if ('said' in body) return { fault: { code: 'api.body', message: body.said, hint } };
  const given = { path: path.data, query: query.data } as Pick<Asked, 'path' | 'query'>;
  return { asked: { ...given, body: body.data, osUser } };
}

type Read = { readonly data: unknown } | { readonly said: string };

const strict = new WeakMap<Members, z.ZodType>();
/** Members that nobody documented are refused: a misspelt filter must not answer with everything. */
function read(members: Members, given: unknown): Read {
  const schema = strict.get(members) ?? z.strictObject(members);
  strict.set(members, schema);
  return parsed(schema, given ?? {});
}

function parsed(schema: z.ZodType, given: unknown): Read {
  const result = schema.safeParse(given);
  if (result.success) return { data: result.data };
  const said = result.error.issues
    .slice(0, FAULTS_TOLD)
    .map(({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`);
  return { said: said.join('; ') };
}
