// Stands between Rollcall and a server that it must not touch: passes every request on, logs it, and can lose a reply after
// the server has done its work.
import { createServer, type IncomingMessage, request as upstreamRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TappedRequest {
  readonly method: string;
  /** Below the base URL, with its query. */
  readonly path: string;
  readonly body: string;
  /** What the server answered; null while it works. */
  status: number | null;
  /** Whether the answer was kept from the client. */
  lost: boolean;
}

export interface WireTap extends AsyncDisposable {
  /** Base URL of the server, through the tap. */
  readonly url: string;
  readonly log: TappedRequest[];
  /** Requests that can change something. */
  readonly writes: () => readonly TappedRequest[];
  /** Drops the connection instead of passing on the answer to the next request that fits. */
  readonly loseNextReply: (fits: (request: TappedRequest) => boolean) => void;
  readonly close: () => Promise<void>;
}

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** On a free port of the loopback interface. */
export async function tapped(baseUrl: string): Promise<WireTap> {
  const upstream = new URL(baseUrl);
  const prefix = upstream.pathname.replace(/\/+$/, '');
  const log: TappedRequest[] = [];
  const losing: ((request: TappedRequest) => boolean)[] = [];

  const server = createServer((request, response) => {
    pass().catch(() => response.destroy());
    async function pass(): Promise<void> {
      const body = await bodyOf(request);
      const path = request.url ?? '';
      const entry: TappedRequest = {
        method: request.method ?? '',
        path: path.startsWith(prefix) ? path.slice(prefix.length) : path,
        body: body.toString(),
        status: null,
        lost: false,
      };
      log.push(entry);
      const answer = await new Promise<IncomingMessage>((done, failed) => {
        const { host: _, ...headers } = request.headers;
        const onward = upstreamRequest(
          { host: upstream.hostname, port: upstream.port, method: entry.method, path, headers, agent: false },
          done,
        );
        onward.once('error', failed);
        onward.end(body);
      });
      const content = await bodyOf(answer);
      entry.status = answer.statusCode ?? 0;
      const at = losing.findIndex((fits) => fits(entry));
      if (at >= 0) {
        losing.splice(at, 1);
        entry.lost = true;
        request.socket.destroy();
        return;
      }
      const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers;
      response.writeHead(entry.status, headers);
      response.end(content);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    log,
    writes: () => log.filter(({ method }) => method !== 'GET'),
    loseNextReply: (fits) => void losing.push(fits),
    close,
    [Symbol.asyncDispose]: close,
  };
}
