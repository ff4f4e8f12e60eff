// A real HTTP server that stands in for an Okta organization with one custom identity source: the Identity Sources API, as much of
// the core Users API as leavers need, rate limits on a clock of its own. Strict about every documented limit and trap; what breaks a
// rule is answered as Okta does and kept in `violations`. Keys such as [O1] are those of docs/okta.md, (GK) marks what is generally
// known and not documented there.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { oktaCore } from './fake-okta-core.ts';
import { oktaSource } from './fake-okta-source.ts';
import { type OktaState, oktaState, type Said } from './fake-okta-state.ts';

export const SOURCE_ID = '0oa-source-1';
export const ALL_SCOPES: readonly string[] = ['okta.identitySources.manage', 'okta.users.manage'];

export interface FakeOktaOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The one SSWS token that is good (legacy header `Authorization: SSWS …` [O8]). */
  readonly ssws?: string;
  /** Whether an Authorization header is good, beside the SSWS token: a token server says so. */
  readonly takes?: (authorization: string | undefined) => boolean;
  /** Scopes of whoever comes with a bearer token; an SSWS token may do everything. */
  readonly scopes?: readonly string[];
  /** Some versions answer a new session as a list of one [O3]. */
  readonly sessionAs?: 'object' | 'list';
  /** The organization's clock runs so far ahead of `now`. */
  readonly skewMs?: number;
  /** Requests in a minute; null: headers are sent, and nothing is refused. */
  readonly perMinute?: number | null;
  /** All calls share one bucket. */
  readonly oneBucket?: boolean;
  /** No session sooner than this after another: five minutes [O1]. Tests in real time shorten it on both sides. */
  readonly gapMs?: number;
  /** How long a triggered session takes. */
  readonly importMs?: number;
  /** How long after an import, or after a call, the Users API shows something else than before [O2]. */
  readonly lagMs?: number;
  /** Whether an upsert of somebody deactivated makes them active again: no source says so. */
  readonly upsertReactivates?: boolean;
  /** False: the feature is not enabled in the organization [O1]. */
  readonly enabled?: boolean;
}

export interface OktaRequest {
  readonly n: number;
  readonly at: number;
  readonly method: string;
  /** With its query, as it was sent. */
  readonly path: string;
  readonly body: string;
  status: number | null;
}

export interface FakeOkta extends AsyncDisposable {
  /** The organization's address. */
  readonly url: string;
  readonly log: OktaRequest[];
  readonly state: OktaState;
  /** Everything that broke a documented rule, in order. */
  readonly violations: readonly string[];
  /** Requests without an answer yet. */
  readonly open: () => number;
  /** Answers requests that fit with this, until the returned function is called. */
  readonly answers: (
    rule: { readonly method?: string; readonly path?: RegExp; readonly body?: RegExp; readonly times?: number },
    act:
      | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
      | 'lose',
  ) => () => void;
  /** Told of every request once it is answered. */
  onAnswered: ((request: OktaRequest) => void) | null;
  readonly close: () => Promise<void>;
}

const BODY_BYTES_MAX = 4 * 1024 * 1024;

export async function startFakeOkta(options: FakeOktaOptions): Promise<FakeOkta> {
  const { skewMs = 0 } = options;
  const serverMs = (): number => options.now() + skewMs;
  const state = oktaState({
    nowMs: serverMs,
    gapMs: options.gapMs ?? 5 * 60_000,
    importMs: options.importMs ?? 60_000,
    lagMs: options.lagMs ?? 0,
    upsertReactivates: options.upsertReactivates ?? false,
    sessionAs: options.sessionAs ?? 'object',
  });
  const source = oktaSource(state);
  const core = oktaCore(state);
  const log: OktaRequest[] = [];
  const rules: {
    rule: { method?: string; path?: RegExp; body?: RegExp; times?: number };
    act: Parameters<FakeOkta['answers']>[1];
    left: number;
  }[] = [];
  const windows = new Map<string, { minute: number; used: number }>();

  /** Counted by the organization's own clock; Reset is in seconds of it [O9]. */
  function counted(path: string): { readonly headers: Record<string, string>; readonly over: boolean } {
    const minute = Math.floor(serverMs() / 60_000);
    // Which calls share a bucket is not documented for identity sources: at least those of one interface do here.
    const bucket = options.oneBucket === true ? '' : path.startsWith('/api/v1/users') ? 'users' : 'source';
    const before = windows.get(bucket);
    const window = before?.minute === minute ? before : { minute, used: 0 };
    windows.set(bucket, window);
    window.used += 1;
    const limit = options.perMinute ?? 600;
    const headers = {
      'x-rate-limit-limit': String(limit),
      'x-rate-limit-remaining': String(Math.max(0, limit - window.used)),
      'x-rate-limit-reset': String((minute + 1) * 60),
    };
    return { headers, over: options.perMinute !== null && options.perMinute !== undefined && window.used > limit };
  }

  function scopesOf(authorization: string | undefined): readonly string[] | null {
    if (options.ssws !== undefined && authorization === `SSWS ${options.ssws}`) return ALL_SCOPES;
    if (authorization?.startsWith('Bearer ') === true && options.takes?.(authorization) === true)
      return options.scopes ?? ALL_SCOPES;
    return null;
  }

  function answered(request: IncomingMessage, body: string): Said {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const method = request.method ?? '';
    const scopes = scopesOf(request.headers.authorization);
    if (scopes === null)
      return { status: 401, body: { errorCode: 'E0000011', errorSummary: 'Invalid token provided' } };
    const prefix = `/api/v1/identity-sources/${SOURCE_ID}`;
    const isSource = path.startsWith('/api/v1/identity-sources/');
    const needed = isSource ? 'okta.identitySources' : 'okta.users';
    const manage = scopes.includes(`${needed}.manage`);
    if (!(manage || (method === 'GET' && scopes.includes(`${needed}.read`))))
      return {
        status: 403,
        body: { errorCode: 'E0000006', errorSummary: 'You do not have permission to perform the requested action' },
      };
    if (method !== 'GET' && body !== '' && request.headers['content-type']?.startsWith('application/json') !== true)
      return { status: 415, body: { errorSummary: 'Unsupported Media Type' } };
    if (isSource) {
      if (options.enabled === false || !path.startsWith(prefix))
        return { status: 404, body: { errorCode: 'E0000007', errorSummary: 'Not found' } };
      return source(method, path.slice(prefix.length), body);
    }
    return core(method, path, new URLSearchParams(query));
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const entry: OktaRequest = {
      n: log.length + 1,
      at: options.now(),
      method: request.method ?? '',
      path: request.url ?? '',
      body: '',
      status: null,
    };
    log.push(entry);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) throw new Error('a body without end');
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString('utf8');
    (entry as { body: string }).body = body;
    state.catchUp();
    const told = rules.find(
      ({ rule, left }) =>
        left > 0 &&
        (rule.method ?? entry.method) === entry.method &&
        (rule.path?.test(entry.path) ?? true) &&
        (rule.body?.test(body) ?? true),
    );
    if (told !== undefined) told.left -= 1;
    const { headers, over } = counted(entry.path);
    const said: Said =
      told !== undefined && told.act !== 'lose'
        ? { status: told.act.status, body: told.act.body ?? {}, headers: told.act.headers ?? {} }
        : over
          ? { status: 429, body: { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit' } }
          : answered(request, body);
    entry.status = said.status;
    fake.onAnswered?.(entry);
    if (told?.act === 'lose') {
      request.socket.destroy();
      return;
    }
    response.writeHead(said.status, {
      'content-type': 'application/json',
      date: new Date(serverMs()).toUTCString(),
      ...headers,
      ...said.headers,
    });
    response.end(said.body === undefined ? '' : JSON.stringify(said.body));
  };

  let open = 0;
  const server = createServer((request, response) => {
    open += 1;
    response.once('close', () => {
      open -= 1;
    });
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  const fake: FakeOkta = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    state,
    violations: state.violations,
    open: () => open,
    answers: (rule, act) => {
      const entry = { rule, act, left: rule.times ?? Number.POSITIVE_INFINITY };
      rules.unshift(entry);
      return () => {
        entry.left = 0;
      };
    },
    onAnswered: null,
    close,
    [Symbol.asyncDispose]: close,
  };
  return fake;
}
