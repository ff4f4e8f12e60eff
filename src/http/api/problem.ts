// What goes wrong, as RFC 9457 tells it: one code, one sentence, what to do.
import type { FastifyReply } from 'fastify';
import type { Fault } from '../../base/problem.ts';

/** Faults that speak of something that is not there, or that is not what the request takes it for. */
const STATUS: Readonly<Record<string, number>> = {
  'act.not-failed': 409,
  'api.act-unknown': 404,
  'api.busy': 503,
  'api.nothing-here': 404,
  'api.method': 405,
  'api.acts-off': 403,
  'api.off': 403,
  'api.read-only': 403,
  'api.token': 401,
  'api.too-many': 429,
  'api.too-large': 413,
  'api.media-type': 415,
  'api.internal': 500,
  'hold.not-present': 404,
  'worker.ambiguous': 409,
  'worker.unknown': 404,
};
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export function tell(reply: FastifyReply, { code, message, hint }: Fault): FastifyReply {
  const status = STATUS[code] ?? 400;
  return reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: TITLES[status] ?? 'Error',
        status,
        code,
        detail: message,
        ...(hint === undefined ? {} : { hint }),
      }),
    );
}
