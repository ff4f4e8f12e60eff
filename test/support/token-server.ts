// A real token endpoint (RFC 6749 section 4.4) that knows one client, checks what it is shown as strictly as providers do, and can
// be told to misbehave. It also says which tokens are good, for the server that is meant to take them.
import { createPublicKey } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { jwtVerify } from 'jose';

export interface TokenServerOptions {
  readonly clientId?: string;
  /** Secrets that count now; the test may change the list. */
  readonly secrets?: string[];
  /** Public keys (PEM) that count now. */
  readonly keys?: string[];
  /** What `aud` must be; else the URL of this server. */
  readonly audience?: string;
  readonly scope?: string;
  /** Seconds; null leaves `expires_in` out; a text is sent as it is. */
  readonly expiresIn?: number | string | null;
  readonly now?: () => number;
  readonly tls?: TlsOptions;
}

export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly fields: Readonly<Record<string, string>>;
  /** Claims and header of the assertion, where there was one that verified. */
  assertion: { readonly header: object; readonly claims: Readonly<Record<string, unknown>> } | null;
  status: number;
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly after?: Promise<unknown>;
}

export interface TokenServer extends AsyncDisposable {
  readonly url: string;
  readonly log: TokenRequest[];
  /** Answered in this order before anything else. */
  readonly answers: TokenAnswer[];
  /** Whether a request with this Authorization shows a token that is good now. */
  readonly takes: (authorization: string | undefined) => boolean;
  /** Every token that was issued is good no more. */
  readonly revoke: () => void;
  /** Resolves when so many requests have arrived in all. */
  readonly arrivals: (count: number) => Promise<void>;
}

const CLOCK_TOLERANCE_S = 5;

export async function startTokenServer(options: TokenServerOptions = {}): Promise<TokenServer> {
  const now = options.now ?? Date.now;
  const log: TokenRequest[] = [];
  const answers: TokenAnswer[] = [];
  const good = new Map<string, number>();
  const used = new Set<unknown>();
  let issued = 0;
  let waiting: { readonly count: number; readonly done: () => void }[] = [];
  let arrived = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const fields = Object.fromEntries(new URLSearchParams(text));
    const entry: TokenRequest = { headers: request.headers, fields, assertion: null, status: 0 };
    log.push(entry);
    arrived += 1;
    for (const { count, done } of waiting) if (arrived >= count) done();
    waiting = waiting.filter(({ count }) => arrived < count);
    const told = answers.shift();
    await told?.after;
    const { status, headers = {}, body = '' } = told ?? (await answerTo(request, entry));
    entry.status = status;
    const date = new Date(now()).toUTCString();
    response.writeHead(status, { 'content-type': 'application/json', date, ...headers }).end(body);
  };

  async function answerTo(request: IncomingMessage, entry: TokenRequest): Promise<TokenAnswer> {
    const refused = (status: number, error: string): TokenAnswer => ({
      status,
      body: JSON.stringify({ error, error_description: 'the words of the token endpoint' }),
    });
    const { fields } = entry;
    if (request.method !== 'POST') return { status: 405 };
    if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') return refused(400, 'invalid_request');
    if (fields.grant_type !== 'client_credentials') return refused(400, 'unsupported_grant_type');
    if ((fields.scope ?? '') !== (options.scope ?? '')) return refused(400, 'invalid_scope');
    if (!(await isClient(request, entry))) return refused(401, 'invalid_client');
    issued += 1;
    const token = `issued-${issued}.${'x'.repeat(40)}`;
    const { expiresIn = 3600 } = options;
    good.set(`Bearer ${token}`, now() + (typeof expiresIn === 'number' ? expiresIn * 1000 : Number.POSITIVE_INFINITY));
    const more = expiresIn === null ? {} : { expires_in: expiresIn };
    return { status: 200, body: JSON.stringify({ access_token: token, token_type: 'Bearer', ...more }) };
  }

  async function isClient(request: IncomingMessage, entry: TokenRequest): Promise<boolean> {
    const { clientId = 'rollcall', secrets = [] } = options;
    const { fields } = entry;
    const authorization = request.headers.authorization;
    const shown = [authorization, fields.client_secret, fields.client_assertion].filter((one) => one !== undefined);
    // More than one method in one request must be refused (RFC 6749 section 2.3).
    if (shown.length !== 1) return false;
    if (authorization !== undefined) {
      const decoded = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString('utf8');
      const colon = decoded.indexOf(':');
      const [id, secret] = [decoded.slice(0, colon), decoded.slice(colon + 1)].map(
        (half) => new URLSearchParams(`x=${half}`).get('x') ?? '',
      );
      return id === clientId && secrets.includes(secret ?? '');
    }
    if (fields.client_secret !== undefined)
      return fields.client_id === clientId && secrets.includes(fields.client_secret);
    return isAssertion(fields, entry, clientId);
  }

  async function isAssertion(fields: TokenRequest['fields'], entry: TokenRequest, clientId: string): Promise<boolean> {
    if (fields.client_assertion_type !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return false;
    for (const key of options.keys ?? []) {
      const verified = await jwtVerify(fields.client_assertion ?? '', createPublicKey(key), {
        audience: options.audience ?? server.url,
        issuer: clientId,
        subject: clientId,
        currentDate: new Date(now()),
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'jti'],
      }).catch(() => null);
      if (verified === null) continue;
      const { payload, protectedHeader } = verified;
      const seconds = now() / 1000;
      const lateEnough = Number(payload.exp) <= seconds + 3600 && Number(payload.iat) <= seconds + CLOCK_TOLERANCE_S;
      if (!lateEnough || used.has(payload.jti)) return false;
      used.add(payload.jti);
      entry.assertion = { header: protectedHeader, claims: payload };
      return true;
    }
    return false;
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  };
  const http = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  const scheme = options.tls === undefined ? 'http' : 'https';
  const server: TokenServer = {
    url: `${scheme}://127.0.0.1:${(http.address() as AddressInfo).port}/oauth2/v1/token`,
    log,
    answers,
    takes: (authorization) => (good.get(authorization ?? '') ?? 0) > now(),
    revoke: () => good.clear(),
    arrivals: (count) => (arrived >= count ? Promise.resolve() : new Promise((done) => waiting.push({ count, done }))),
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        http.close(() => done());
        http.closeAllConnections();
      }),
  };
  return server;
}
