// The SCIM endpoint of a rehearsal: strict, in memory, over real HTTP on the loopback interface, one shelf for each target, on
// the clock of the rehearsal. The library behind `demo` takes some 2 ms for a write and compares each new name with all others;
// a year of a company of ten thousand needs fifty times that speed.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpDateOfMs } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { type Clock, nowOf } from '../runtime/clock.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { type Kind, Shelf } from './shelf.ts';

/** Answered requests about users and groups, by method. */
export type RequestCounts = Readonly<Record<string, number>>;

export interface RehearsalEndpoint extends AsyncDisposable {
  /** Base URL of a target. */
  readonly url: (target: string) => string;
  /** Demanded as `Authorization: Bearer TOKEN`; drawn anew for each endpoint. */
  readonly token: string;
  readonly counts: () => RequestCounts;
  /** Requests that have come and are not answered yet. */
  readonly busy: () => number;
  /** Of all targets, in their order; `meta.location` tells whose they are. */
  readonly users: () => readonly JsonObject[];
  readonly groups: () => readonly JsonObject[];
}

const HOST = '127.0.0.1';
const TOKEN_BYTES = 24;
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const PAGE_MAX = 1_000;
const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0';
const SERVICE_PROVIDER: JsonObject = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: PAGE_MAX },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: false },
  authenticationSchemes: [{ type: 'oauthbearertoken', name: 'bearer', description: 'a token of this rehearsal' }],
};

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Opens it for these targets; it is there when this resolves. */
export async function startRehearsalEndpoint(clock: Clock, targets: readonly string[]): Promise<RehearsalEndpoint> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const counts: Record<string, number> = {};
  const shelves = new Map<string, Shelf>();
  let busy = 0;

  const server = createServer((request, response) => {
    busy += 1;
    serve(request, response).finally(() => {
      busy -= 1;
    });
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request) {
        size += (chunk as Buffer).length;
        if (size <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
      }
    } catch {
      return; // The client left.
    }
    const { status, body } =
      size > BODY_BYTES_MAX
        ? refusal(new ScimRefusal(413, null, 'the body is too large'))
        : reply(request, Buffer.concat(chunks).toString('utf8'));
    response.sendDate = false;
    response.writeHead(status, {
      date: httpDateOfMs(clock.nowMs()),
      ...(body === '' ? {} : { 'content-type': 'application/scim+json' }),
    });
    response.end(body);
  }
  function reply({ method = 'GET', url = '/', headers }: IncomingMessage, text: string): Reply {
    try {
      if (headers.authorization !== `Bearer ${token}`)
        throw new ScimRefusal(401, null, 'the token of this rehearsal is wanted');
      const [, target = '', path = '', query = ''] = /^\/([^/?]*)\/scim\/v2([^?]*)\??(.*)$/.exec(url) ?? [];
      const shelf = shelves.get(decodeURIComponent(target));
      if (shelf === undefined) throw new ScimRefusal(404, null, 'no such target');
      if (method === 'GET' && path === '/ServiceProviderConfig') return json(200, SERVICE_PROVIDER);
      counts[method] = (counts[method] ?? 0) + 1;
      return answer(shelf, method, path, query, text);
    } catch (error) {
      if (error instanceof ScimRefusal) return refusal(error);
      throw error;
    }
  }

  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, HOST, done);
  });
  const origin = `http://${HOST}:${(server.address() as AddressInfo).port}`;
  const url = (target: string): string => `${origin}/${encodeURIComponent(target)}/scim/v2`;
  for (const target of targets) shelves.set(target, new Shelf(url(target), () => nowOf(clock)));
  return {
    url,
    token,
    counts: () => ({ ...counts }),
    busy: () => busy,
    users: () => [...shelves.values()].flatMap((shelf) => shelf.users()),
    groups: () => [...shelves.values()].flatMap((shelf) => shelf.groups()),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function answer(shelf: Shelf, method: string, path: string, query: string, text: string): Reply {
  const [, name, id] = /^\/(Users|Groups)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (name === undefined) throw new ScimRefusal(404, null, 'no such resource type');
  const kind = name as Kind;
  if (id === undefined) {
    if (method === 'POST') return json(201, shelf.create(kind, parsed(text)));
    if (method !== 'GET') throw new ScimRefusal(405, null, `${method} needs an id`);
    const params = new URLSearchParams(query);
    const { page, total } = shelf.list(kind, params, PAGE_MAX);
    return json(200, {
      schemas: [`${MESSAGES}:ListResponse`],
      totalResults: total,
      startIndex: Math.max(1, Number(params.get('startIndex') ?? 1)),
      itemsPerPage: page.length,
      Resources: page,
    });
  }
  const key = decodeURIComponent(id);
  switch (method) {
    case 'GET':
      return json(200, shelf.read(kind, key));
    case 'PUT':
      return json(200, shelf.replace(kind, key, parsed(text)));
    case 'PATCH': {
      const after = shelf.patch(kind, key, parsed(text));
      // A group of all need not travel back each time one is added (RFC 7644 section 3.5.2 allows 204).
      return kind === 'Groups' ? { status: 204, body: '' } : json(200, after);
    }
    case 'DELETE':
      shelf.delete(kind, key);
      return { status: 204, body: '' };
    default:
      throw new ScimRefusal(405, null, `there is no ${method} here`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ScimRefusal(400, 'invalidSyntax', 'the body is no JSON');
  }
}

const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) });

const refusal = ({ status, scimType, message }: ScimRefusal): Reply =>
  json(status, {
    schemas: [`${MESSAGES}:Error`],
    status: String(status),
    ...(scimType === null ? {} : { scimType }),
    detail: message,
  });
