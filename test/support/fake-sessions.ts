// A real HTTP server that ends sessions as Microsoft Graph and the core API of Okta do, logs every request and can be told to
// answer something else.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SessionRequest {
  readonly method: string;
  /** With its query, as it was sent. */
  readonly path: string;
  /** Whom it was about, decoded. */
  readonly user: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What it was told; null while it is kept waiting. */
  status: number | null;
}

export interface FakeSessions extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly url: string;
  readonly log: SessionRequest[];
  /** Users it does not know. */
  readonly unknown: Set<string>;
  /** Answers this from now on; null as usual; `hang` never, until something else is said. */
  answer:
    | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
    | 'hang'
    | null;
  /** Told of every request when it has arrived. */
  onRequest: ((user: string) => void) | null;
  readonly close: () => Promise<void>;
}

// https://learn.microsoft.com/graph/api/user-revokesigninsessions
const GRAPH = /^\/v1\.0\/users\/([^/]+)\/revokeSignInSessions$/;
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions
const OKTA = /^\/api\/v1\/users\/([^/]+)\/sessions\?oauthTokens=true&forgetDevices=true$/;

export async function startFakeSessions(token: string): Promise<FakeSessions> {
  const hanging = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [method, path] = [request.method ?? '', request.url ?? ''];
      const graph = method === 'POST' ? GRAPH.exec(path) : null;
      const okta = method === 'DELETE' ? OKTA.exec(path) : null;
      const user = decodeURIComponent((graph ?? okta)?.[1] ?? '');
      const entry: SessionRequest = {
        method,
        path,
        user,
        body: Buffer.concat(chunks).toString(),
        headers: request.headers as Record<string, string>,
        status: null,
      };
      fake.log.push(entry);
      fake.onRequest?.(user);
      const say = (status: number, body: unknown, headers: Record<string, string> = {}) => {
        entry.status = status;
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
      };
      const { answer } = fake;
      if (answer === 'hang') {
        hanging.add(() => request.destroy());
        return;
      }
      if (answer !== null) return say(answer.status, answer.body ?? null, answer.headers);
      if (request.headers.authorization !== `Bearer ${token}`)
        return say(401, { error: { code: 'InvalidAuthenticationToken' } });
      if (graph === null && okta === null) return say(404, { error: { code: 'BadRequest', message: 'no such path' } });
      if (fake.unknown.has(user))
        return say(404, { error: { code: 'Request_ResourceNotFound', message: 'no such user' } });
      return graph === null ? say(204, null) : say(200, { value: true });
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  const fake: FakeSessions = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: [],
    unknown: new Set(),
    answer: null,
    onRequest: null,
    close,
    [Symbol.asyncDispose]: close,
  };
  return fake;
}
