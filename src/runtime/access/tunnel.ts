// A way through a proxy: CONNECT (RFC 9110 section 9.3.6). What is then said to the target, the proxy cannot read or change
// where it is TLS; the proxy's credentials go to the proxy alone.
import { type ClientRequest, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { PROXY_FAULTS } from './faults.ts';

export interface WayOut {
  readonly url: URL;
  /** The value of Proxy-Authorization; null without credentials. */
  readonly authorization: string | null;
}

/** A fault on the way to the proxy or with it; nothing has reached the target. */
export class ProxyFault extends Error {
  readonly code: (typeof PROXY_FAULTS)[number];
  /** For people. */
  readonly detail: string;

  constructor(code: ProxyFault['code'], detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
  }
}

/** Resolves with a connection to the target. @param target host and port, an IPv6 host in brackets. @throws ProxyFault. */
export function tunnelled(
  proxy: WayOut,
  target: string,
  context: SecureContext | undefined,
  timeoutMs: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { hostname, port, protocol } = proxy.url;
    const asked = {
      method: 'CONNECT',
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      path: target,
      headers: {
        host: target,
        ...(proxy.authorization === null ? {} : { 'proxy-authorization': proxy.authorization }),
      },
      agent: false as const,
    };
    const request: ClientRequest =
      protocol === 'https:'
        ? secure({ ...asked, rejectUnauthorized: true, ...(context === undefined ? {} : { secureContext: context }) })
        : plain(asked);
    const slow = setTimeout(() => request.destroy(new ProxyFault('proxy-unreachable', 'timeout')), timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(slow);
      request.destroy();
      reject(error);
    };
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      clearTimeout(slow);
      if (statusCode < 200 || statusCode > 299 || head.length > 0) {
        socket.on('error', () => {}).destroy();
        // A server that speaks first would be no HTTP server: bytes behind the head are refused.
        const code = statusCode === 407 ? 'proxy-407' : 'proxy-refused';
        return reject(
          new ProxyFault(code, head.length > 0 && statusCode < 300 ? 'bytes ahead of us' : `HTTP ${statusCode}`),
        );
      }
      resolve(socket);
    });
    // A proxy that takes CONNECT for an ordinary request answers so, whatever the status.
    request.once('response', ({ statusCode = 0 }) =>
      failed(new ProxyFault(statusCode === 407 ? 'proxy-407' : 'proxy-refused', `HTTP ${statusCode}`)),
    );
    request.once('error', (error: NodeJS.ErrnoException) =>
      failed(error instanceof ProxyFault ? error : new ProxyFault('proxy-unreachable', error.code ?? 'fault')),
    );
    request.end();
  });
}
