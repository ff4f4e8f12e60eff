// What stands between Rollcall and a server: TLS with certificates of the tests, and a proxy that opens tunnels.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { createServer as createTlsFront, type TlsOptions } from 'node:tls';

const FOLDER = new URL('../targets/certificates/', import.meta.url);
/** A file of test/targets/certificates. */
export const certificate = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
export const pairOf = (name: string) => ({ cert: certificate(`${name}.pem`), key: certificate(`${name}.key`) });

export interface Front extends AsyncDisposable {
  /** The base URL of the server behind, with the scheme, name and port of this one. */
  readonly url: string;
  readonly port: number;
  /** Common names of the clients that connected, in order; '' without a certificate. */
  readonly clients: string[];
  /** Handshakes from now on are held with these. */
  readonly use: (options: TlsOptions) => void;
}

/** TLS in front of a server that speaks none. */
export async function startTlsFront(behind: string, options: TlsOptions, host = '127.0.0.1'): Promise<Front> {
  const target = new URL(behind);
  const clients: string[] = [];
  const open = new Set<Socket>();
  const server = createTlsFront(options, (socket) => {
    clients.push(String(socket.getPeerCertificate().subject?.CN ?? ''));
    const inner = connect(Number(target.port), target.hostname);
    for (const one of [socket, inner]) {
      open.add(one);
      one.on('error', () => {}).on('close', () => open.delete(one));
    }
    socket.on('close', () => inner.destroy()).pipe(inner);
    inner.on('close', () => socket.destroy()).pipe(socket);
  });
  server.on('tlsClientError', () => {});
  await listening(server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host}:${port}${target.pathname}`,
    port,
    clients,
    use: (changed) => server.setSecureContext({ ...options, ...changed }),
    [Symbol.asyncDispose]: () => closing(server, open),
  };
}

export interface ConnectProxy extends AsyncDisposable {
  readonly url: string;
  /** Where tunnels were asked for, and with what Proxy-Authorization. */
  readonly log: { readonly target: string; readonly authorization: string | undefined }[];
  /** What is answered in place of a tunnel while it is set. */
  refuses: number | null;
}

/** @param credentials `user:password` that it demands. */
export async function startProxy(
  options: { readonly credentials?: () => string; readonly tls?: { readonly cert: string; readonly key: string } } = {},
): Promise<ConnectProxy> {
  const open = new Set<Socket>();
  const log: { target: string; authorization: string | undefined }[] = [];
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  });
  server.on('connect', (request, socket: Socket) => {
    const target = request.url ?? '';
    const authorization = request.headers['proxy-authorization'];
    log.push({ target, authorization });
    socket.on('error', () => {});
    const wanted = options.credentials?.();
    const known = wanted === undefined || authorization === `Basic ${Buffer.from(wanted, 'utf8').toString('base64')}`;
    const refusal = proxy.refuses ?? (known ? null : 407);
    if (refusal !== null) return socket.end(`HTTP/1.1 ${refusal} No\r\ncontent-length: 0\r\n\r\n`);
    const [host = '', port = ''] = target.split(':');
    const inner = connect(Number(port), host, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    open.add(inner);
    inner.on('error', () => socket.destroy()).on('close', () => open.delete(inner));
    socket
      .on('close', () => inner.destroy())
      .pipe(inner)
      .pipe(socket);
  });
  await listening(server);
  const proxy: ConnectProxy = {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    refuses: null,
    [Symbol.asyncDispose]: () => closing(server, open),
  };
  return proxy;
}

const listening = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done());
  });

const closing = (server: Server, open: ReadonlySet<Socket>): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
    for (const socket of open) socket.destroy();
  });
