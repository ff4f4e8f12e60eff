// A real HTTP server that stands in for an identity provider: a strict SCIM 2.0 service provider in memory that logs every
// request and can be told to misbehave. Story tests judge Rollcall by what this server saw.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerBulk, type BulkManners } from './fake-bulk.ts';
import {
  GROUP_SCHEMA,
  parsedFilter,
  patched,
  type Resource,
  type ResourceType,
  ScimRefusal,
  USER_SCHEMA,
  validated,
} from './fake-scim.ts';

export interface LoggedRequest {
  /** Counts from 1, in order of arrival. */
  readonly n: number;
  /** Milliseconds since the epoch, on this server's clock. */
  readonly at: number;
  endedAt: number | null;
  readonly method: string;
  /** Below the base URL, with its query as it was sent. */
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the client was told; null while in flight and when the reply was withheld. */
  status: number | null;
  /** Whether it changed anything here. */
  applied: boolean;
  /** When the client left without having heard the whole answer; absent otherwise. */
  goneAt?: number;
}

export type Act =
  /** Waits, then goes on as usual. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Waits for the promise, then goes on as `andThen` says, else as usual. */
  | {
      readonly kind: 'hold';
      readonly until: Promise<unknown>;
      readonly andThen?: Exclude<Act, { kind: 'slow' | 'hold' }>;
    }
  /** Answers this and applies nothing. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Applies, then answers this. */
  | {
      readonly kind: 'answerAfter';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Applies, then drops the connection. */
  | { readonly kind: 'loseReply' }
  /** Applies, waits, then answers. */
  | { readonly kind: 'slowReply'; readonly ms: number }
  /** Drops the connection, applies nothing. */
  | { readonly kind: 'reset' }
  /** Answers as though it had applied, applies nothing. */
  | { readonly kind: 'pretend' };

/** What a request must look like; every part that is given must fit. A text is contained, an expression matches. */
export interface Rule {
  readonly method?: string;
  readonly path?: string | RegExp;
  readonly body?: string | RegExp;
  /** With `bulk`: about operations inside a bulk request, of which only `answer` and `answerAfter` can be had. */
  readonly within?: 'bulk';
  /** For so many requests; for ever without it. */
  readonly times?: number;
  readonly act: Act;
}

export interface FakeIdpOptions {
  /** Demands `Authorization: Bearer TOKEN`. */
  readonly token?: string | undefined;
  readonly port?: number;
  /** Resources to begin with; `id` is given when missing. They are not validated. */
  readonly users?: readonly Resource[];
  readonly groups?: readonly Resource[];
  /** The most resources on one page. */
  readonly pageMax?: number;
  /** Searches for which a new user stays invisible to searches. */
  readonly lateVisibility?: number;
  /** What a PATCH that worked answers: 200 with the resource, or 204 (RFC 7644 allows both). */
  readonly patchAnswer?: 200 | 204;
  /** Ids look like `PREFIX-1`; another prefix makes another server's ids. */
  readonly idPrefix?: string;
  /** Asked at every arrival before the rules are: an act of its own, or null to go by the rules. */
  readonly liar?: (request: LoggedRequest) => Promise<Act | null>;
  /** Has a /Bulk, and how it behaves. */
  readonly bulk?: BulkManners;
  /** Stands before the rules of SCIM: a vendor that refuses, answers or stores otherwise. */
  readonly doorman?: Doorman;
  /** What its clock says, in milliseconds since the epoch; null names no time. The system's without it. */
  readonly time?: () => number | null;
}

/** One request as the rules of SCIM see it; `path` is below the base URL, with its query. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** Answers itself, or asks the strict provider with the request as it is or changed. */
export type Doorman = (
  asked: Asked,
  ask: (asked: Asked) => Reply,
  kept: { readonly users: Map<string, Resource>; readonly groups: Map<string, Resource> },
) => Reply;

export interface FakeIdp extends AsyncDisposable {
  /** Base URL of the SCIM endpoint. */
  readonly url: string;
  /** By id, as stored. Change them to play another administrator. */
  readonly users: Map<string, Resource>;
  readonly groups: Map<string, Resource>;
  readonly log: LoggedRequest[];
  /** Requests about the endpoint itself: they come whenever they please, and only rules that name their path touch them. */
  readonly discoveryLog: LoggedRequest[];
  readonly behaviours: { readonly add: (rule: Rule) => () => void; readonly clear: () => void };
  /** The user of this name (any case) or with this externalId. */
  readonly user: (nameOrExternalId: string) => Resource | undefined;
  /** Ids of the members of the group of this name. */
  readonly members: (group: string) => readonly string[];
  /** Requests that can change something. */
  readonly writes: () => readonly LoggedRequest[];
  /** Resolves with the first logged request that fits, past or to come. */
  readonly arrival: (fits: (request: LoggedRequest) => boolean) => Promise<LoggedRequest>;
  readonly close: () => Promise<void>;
}

const BASE = '/scim/v2';
const isDiscovery = (path: string) => /^\/(?:ServiceProviderConfig|ResourceTypes|Schemas)(?:[/?]|$)/i.test(path);
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const fits = (wanted: string | RegExp | undefined, text: string) =>
  wanted === undefined || (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text));

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Starts on a free port of the loopback interface unless told otherwise. */
export async function startFakeIdp(options: FakeIdpOptions = {}): Promise<FakeIdp> {
  const store = newStore(options);
  const log: LoggedRequest[] = [];
  const discoveryLog: LoggedRequest[] = [];
  const rules: { rule: Rule; left: number }[] = [];
  const waiting = new Set<{ fits: (request: LoggedRequest) => boolean; done: (request: LoggedRequest) => void }>();

  const arrived = (entry: LoggedRequest) => {
    log.push(entry);
    for (const waiter of waiting) {
      if (!waiter.fits(entry)) continue;
      waiting.delete(waiter);
      waiter.done(entry);
    }
  };
  const ruleFor = (method: string, path: string, body: string, within: Rule['within'] = undefined): Act | null => {
    const found = rules.find(
      ({ rule, left }) =>
        left > 0 &&
        rule.within === within &&
        (rule.method ?? method) === method &&
        (rule.path === undefined ? !isDiscovery(path) : fits(rule.path, path)) &&
        fits(rule.body, body),
    );
    if (found === undefined) return null;
    found.left -= 1;
    return found.rule.act;
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500).end(String(error));
    });
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > BODY_BYTES_MAX) throw new Error('body too large');
      chunks.push(chunk as Buffer);
    }
    const body = Buffer.concat(chunks).toString('utf8');
    const method = request.method ?? 'GET';
    const url = request.url ?? '/';
    if (url.startsWith('/__')) return oracle(method, url, body, response);
    const path = url.startsWith(BASE) ? url.slice(BASE.length) : url;
    const entry: LoggedRequest = {
      n: log.length + 1,
      at: Date.now(),
      endedAt: null,
      method,
      path,
      body,
      headers: request.headers as Record<string, string>,
      status: null,
      applied: false,
    };
    const aside = isDiscovery(path);
    if (aside) discoveryLog.push(entry);
    else arrived(entry);
    response.once('close', () => {
      if (!response.writableFinished) entry.goneAt = Date.now();
    });
    const rule = (aside ? null : await options.liar?.(entry)) ?? ruleFor(method, path, body);
    if (rule?.kind === 'slow') await new Promise((done) => setTimeout(done, rule.ms));
    if (rule?.kind === 'hold') await rule.until;
    const act = rule?.kind === 'hold' ? rule.andThen : rule;
    if (act?.kind === 'reset') return drop(entry, request);
    let reply: Reply;
    if (options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`)
      reply = { status: 401 };
    else if (act?.kind === 'answer') reply = act;
    else {
      const before = store.version();
      const undo = act?.kind === 'pretend' ? store.remember() : null;
      const ask = (asked: Asked) => store.answer(asked.method, asked.path, asked.body, asked.headers);
      const doorman: Doorman = options.doorman ?? ask;
      const single = (asked: Asked) => doorman(asked, ask, store);
      if (!url.startsWith(BASE)) reply = { status: 404 };
      else if (options.bulk !== undefined && method === 'POST' && path === '/Bulk') {
        reply = bulk(options.bulk, body, single);
      } else reply = single({ method, path, body, headers: request.headers });
      entry.applied = store.version() !== before;
      if (undo !== null) {
        undo();
        entry.applied = false;
      }
    }
    if (act?.kind === 'loseReply') return drop(entry, request);
    if (act?.kind === 'slowReply') await new Promise((done) => setTimeout(done, act.ms));
    if (act?.kind === 'answerAfter') reply = act;
    entry.status = reply.status;
    entry.endedAt = Date.now();
    const time = options.time?.();
    if (time === null) response.sendDate = false;
    else if (time !== undefined) response.setHeader('date', new Date(time).toUTCString());
    const headers = { 'content-type': 'application/scim+json', ...reply.headers };
    response.writeHead(reply.status, reply.body === undefined ? reply.headers : headers);
    response.end(reply.body);
  }
  function bulk(manners: BulkManners, body: string, single: (asked: Asked) => Reply): Reply {
    try {
      return answerBulk(manners, body, (asked) => {
        const act = ruleFor(asked.method, asked.path, asked.body, 'bulk');
        if (act?.kind === 'answer') return act;
        const reply = single(asked);
        return act?.kind === 'answerAfter' ? act : reply;
      });
    } catch (refusal) {
      if (!(refusal instanceof ScimRefusal)) throw refusal;
      return scimError(refusal.status, refusal.message, refusal.scimType);
    }
  }
  function drop(entry: LoggedRequest, request: IncomingMessage): void {
    entry.endedAt = Date.now();
    request.socket.destroy();
  }
  /** For tests that run this server as a process of its own; these requests are not logged. */
  function oracle(method: string, url: string, body: string, response: ServerResponse): void {
    const answers: Record<string, () => unknown> = {
      'GET /__log': () => log,
      'GET /__users': () => [...store.users.values()],
      'GET /__groups': () => [...store.groups.values()],
      'POST /__rules': () => {
        addRule(JSON.parse(body) as Rule);
        return {};
      },
      'DELETE /__rules': () => {
        rules.length = 0;
        return {};
      },
    };
    const answer = answers[`${method} ${url}`];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(answer === undefined ? '' : JSON.stringify(answer()));
  }
  function addRule(rule: Rule): () => void {
    const kept = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
    rules.push(kept);
    return () => {
      kept.left = 0;
    };
  }

  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', done);
  });
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
    return closing;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    users: store.users,
    groups: store.groups,
    log,
    discoveryLog,
    behaviours: {
      add: addRule,
      clear: () => {
        rules.length = 0;
      },
    },
    user: (name) =>
      [...store.users.values()].find(
        (user) => String(user.userName).toLowerCase() === name.toLowerCase() || user.externalId === name,
      ),
    members: (group) => {
      const found = [...store.groups.values()].find((candidate) => candidate.displayName === group);
      return ((found?.members ?? []) as Resource[]).map((member) => String(member.value));
    },
    writes: () => log.filter((entry) => entry.method !== 'GET'),
    arrival: (wanted) => {
      const past = log.find(wanted);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((done) => waiting.add({ fits: wanted, done }));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function newStore(options: FakeIdpOptions) {
  const users = new Map<string, Resource>();
  const groups = new Map<string, Resource>();
  /** Searches that must pass before a new user is found. */
  const hidden = new Map<string, number>();
  const pageMax = options.pageMax ?? 200;
  let issued = 0;
  let version = 0;
  const newId = (prefix: string) => {
    issued += 1;
    return `${prefix}${options.idPrefix ?? ''}-${issued}`;
  };
  for (const user of options.users ?? []) keep(users, 'User', { schemas: [USER_SCHEMA], ...structuredClone(user) });
  for (const group of options.groups ?? [])
    keep(groups, 'Group', { schemas: [GROUP_SCHEMA], ...structuredClone(group) });

  function keep(kept: Map<string, Resource>, type: ResourceType, resource: Resource): Resource {
    version += 1;
    const id = typeof resource.id === 'string' ? resource.id : newId(type === 'User' ? 'u' : 'g');
    const stored: Resource = {
      ...resource,
      id,
      meta: { resourceType: type, version: `W/"${version}"`, location: `${BASE}/${type}s/${id}` },
    };
    kept.set(id, stored);
    return stored;
  }
  const shown = (resource: Resource): Resource => {
    const { password: _, ...rest } = resource;
    return rest;
  };
  const reply = (status: number, resource: Resource): Reply => {
    const meta = resource.meta as Resource;
    const headers = { ...(status === 201 ? { location: String(meta.location) } : {}), etag: String(meta.version) };
    return { status, headers, body: JSON.stringify(shown(resource)) };
  };
  const error = scimError;

  function checkUnique(type: ResourceType, resource: Resource, ownId: string | null): void {
    const attribute = type === 'User' ? 'userName' : 'displayName';
    const wanted = String(resource[attribute]).toLowerCase();
    for (const [id, other] of type === 'User' ? users : groups) {
      if (id !== ownId && String(other[attribute]).toLowerCase() === wanted) {
        throw new ScimRefusal(409, 'uniqueness', `${attribute} is taken`);
      }
    }
  }
  function checkReferences(resource: Resource): void {
    for (const member of (resource.members ?? []) as Resource[]) {
      if (!users.has(String(member.value)))
        throw new ScimRefusal(400, 'invalidValue', `no such member ${String(member.value)}`);
    }
    for (const [key, extension] of Object.entries(resource)) {
      const manager = key.startsWith('urn:') ? ((extension as Resource).manager as Resource | undefined) : undefined;
      if (manager?.value !== undefined && !users.has(String(manager.value))) {
        throw new ScimRefusal(400, 'invalidValue', 'no such manager');
      }
    }
  }
  function listed(type: ResourceType, query: URLSearchParams): Reply {
    const all = type === 'User' ? users : groups;
    let found = [...all.values()];
    const filter = query.get('filter');
    if (type === 'User') {
      found = found.filter((user) => (hidden.get(String(user.id)) ?? 0) <= 0);
      for (const [id, left] of hidden) if (left > 0) hidden.set(id, left - 1);
    }
    if (filter !== null) {
      const { attribute, value } = parsedFilter(filter);
      const name = ['externalId', 'userName', 'displayName', 'id', 'active'].find(
        (known) => known.toLowerCase() === attribute.toLowerCase(),
      );
      if (name === undefined) throw new ScimRefusal(400, 'invalidFilter', `cannot filter by ${attribute}`);
      const exact = name === 'externalId' || name === 'id' || typeof value !== 'string';
      found = found.filter((item) =>
        exact ? item[name] === value : String(item[name]).toLowerCase() === value.toLowerCase(),
      );
    }
    const startIndex = Math.max(1, Number(query.get('startIndex') ?? 1));
    const count = Math.min(pageMax, Math.max(0, Number(query.get('count') ?? pageMax)));
    const page = found.slice(startIndex - 1, startIndex - 1 + count);
    const without = query.get('excludedAttributes') === 'members';
    return {
      status: 200,
      body: JSON.stringify({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: found.length,
        startIndex,
        itemsPerPage: page.length,
        Resources: page.map((item) => (without ? { ...shown(item), members: undefined } : shown(item))),
      }),
    };
  }
  function route(method: string, path: string, body: string, headers: IncomingMessage['headers']): Reply {
    const [bare, query] = path.split('?') as [string, string | undefined];
    if (bare === '/ServiceProviderConfig' && method === 'GET')
      return { status: 200, body: JSON.stringify(serviceProviderConfig(options.bulk)) };
    const match = /^\/(User|Group)s(?:\/([^/]+))?$/.exec(bare);
    if (match === null) return error(404, 'no such endpoint');
    const type = match[1] as ResourceType;
    const kept = type === 'User' ? users : groups;
    if (match[2] === undefined) {
      if (method === 'GET') return listed(type, new URLSearchParams(query ?? ''));
      if (method !== 'POST') return error(405, 'not allowed here');
      const resource = validated(type, parsed(body));
      checkUnique(type, resource, null);
      checkReferences(resource);
      const stored = keep(kept, type, { active: true, ...resource });
      if (type === 'Group') delete stored.active;
      else hidden.set(String(stored.id), options.lateVisibility ?? 0);
      return reply(201, stored);
    }
    const id = decodeURIComponent(match[2]);
    const present = kept.get(id);
    if (present === undefined) return error(404, `no such resource`);
    if (method === 'GET') return reply(200, present);
    const wanted = headers['if-match'];
    if (wanted !== undefined && wanted !== (present.meta as Resource).version)
      return error(412, 'the resource has changed');
    if (method === 'DELETE') {
      kept.delete(id);
      version += 1;
      for (const group of groups.values()) {
        if (Array.isArray(group.members))
          group.members = group.members.filter((member: Resource) => member.value !== id);
      }
      return { status: 204 };
    }
    if (method !== 'PATCH' && method !== 'PUT') return error(405, 'not allowed here');
    const next = method === 'PATCH' ? patched(type, present, parsed(body)) : { ...validated(type, parsed(body)), id };
    checkUnique(type, next, id);
    checkReferences(next);
    const { meta: _, ...content } = next;
    const { meta: __, ...old } = present;
    const stored = JSON.stringify(content) === JSON.stringify(old) ? present : keep(kept, type, content);
    return method === 'PATCH' && options.patchAnswer === 204 ? { status: 204 } : reply(200, stored);
  }
  return {
    users,
    groups,
    version: () => version,
    /** Remembers the contents; the result restores them. */
    remember: () => {
      const before = [new Map(structuredClone([...users])), new Map(structuredClone([...groups]))] as const;
      return () => {
        for (const [index, kept] of [users, groups].entries()) {
          kept.clear();
          for (const [id, resource] of before[index] as Map<string, Resource>) kept.set(id, resource);
        }
      };
    },
    answer: (method: string, path: string, body: string, headers: IncomingMessage['headers']): Reply => {
      try {
        return route(method, path, body, headers);
      } catch (refusal) {
        if (!(refusal instanceof ScimRefusal)) throw refusal;
        return error(refusal.status, refusal.message, refusal.scimType);
      }
    },
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ScimRefusal(400, 'invalidSyntax', 'the body is no JSON');
  }
}

const scimError = (status: number, detail: string, scimType: string | null = null): Reply => ({
  status,
  body: JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    detail,
    ...(scimType === null ? {} : { scimType }),
  }),
});

const serviceProviderConfig = (bulk: BulkManners | undefined): Resource => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: {
    supported: bulk !== undefined,
    maxOperations: bulk?.maxOperations ?? 0,
    maxPayloadSize: bulk?.maxPayloadSize ?? 0,
  },
  filter: { supported: true, maxResults: 200 },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [{ type: 'oauthbearertoken', name: 'Bearer', description: 'A bearer token' }],
});
