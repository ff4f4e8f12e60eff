// One HTTP request to the target and what came back, as a value. Redirects are not followed, certificates are always verified.
import { setTimeout as later } from 'node:timers';
import { Pool } from 'undici';
import { Problem } from '../../base/problem.ts';

export interface ClientSettings {
  readonly baseUrl: string;
  /** Connections for everybody, and beside them those that only leavers use. */
  readonly connections: number;
  readonly reserved: number;
  /** Longest silence while waiting for the headers, and the longest time for the body. */
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type HttpAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly header: (name: string) => string | null;
      readonly body: string;
    }
  /** `code` is the transport's own word for what went wrong. */
  | { readonly kind: 'fault'; readonly code: string };

export interface Client {
  /** Never throws for what the network does. */
  readonly send: (request: HttpRequest, urgent: boolean, signal: AbortSignal) => Promise<HttpAnswer>;
  readonly close: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A page of 100 users has some 200 kB; what is larger than this is no answer to any question of ours. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** On stopping, requests in flight get this long before their connections are cut. */
const CLOSE_MS = 2_000;

/** @throws Problem when the base URL is none. */
export function parsedBaseUrl(text: string): { readonly origin: string; readonly prefix: string } {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bad = (message: string) =>
    new Problem({ code: 'target.base-url', message, hint: 'e.g. https://idp.example.com/scim/v2' });
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw bad('baseUrl is no http(s) URL');
  if (url.username !== '' || url.password !== '') throw bad('baseUrl must not hold credentials');
  if (url.search !== '' || url.hash !== '') throw bad('baseUrl must not have a query or a fragment');
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

export function openClient(settings: ClientSettings): Client {
  const { origin, prefix } = parsedBaseUrl(settings.baseUrl);
  const pool = (connections: number) =>
    new Pool(origin, {
      connections,
      pipelining: 1,
      headersTimeout: settings.timeoutMs,
      bodyTimeout: settings.timeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxResponseSize: RESPONSE_BYTES_MAX,
      allowH2: false,
      // Said explicitly, so that no environment variable can switch it off.
      connect: { timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: true },
    });
  const everybody = { pool: pool(settings.connections), room: settings.connections };
  const leavers = settings.reserved > 0 ? { pool: pool(settings.reserved), room: settings.reserved } : everybody;

  async function send(request: HttpRequest, urgent: boolean, signal: AbortSignal): Promise<HttpAnswer> {
    // A leaver takes a reserved connection, and any other that is free when those are taken.
    const lane = urgent && (leavers.room > 0 || everybody.room <= 0) ? leavers : everybody;
    lane.room -= 1;
    try {
      const response = await lane.pool.request({
        method: request.method,
        path: `${prefix}${request.path}`,
        headers: request.headers,
        ...(request.body === '' ? {} : { body: request.body }),
        signal,
      });
      const body = await bodyOf(response.body, settings.timeoutMs);
      return {
        kind: 'answer',
        status: response.statusCode,
        header: (name) => {
          const value = response.headers[name];
          return (Array.isArray(value) ? value[0] : value) ?? null;
        },
        body,
      };
    } catch (error) {
      return { kind: 'fault', code: faultCode(error, signal) };
    } finally {
      lane.room += 1;
    }
  }

  let closing: Promise<void> | null = null;
  return {
    send,
    close: () => {
      closing ??= Promise.all([...new Set([everybody.pool, leavers.pool])].map(closed)).then(() => {});
      return closing;
    },
  };
}

async function closed(pool: Pool): Promise<void> {
  const cut = later(() => void pool.destroy(), CLOSE_MS);
  try {
    await pool.close();
  } catch {
    // Destroyed while closing: it is closed all the same.
  } finally {
    clearTimeout(cut);
  }
}

/** Bounded in size by the pool and in time here: a body that drips resets the pool's own timeout with each drop. */
async function bodyOf(body: AsyncIterable<Buffer>, timeoutMs: number): Promise<string> {
  const startedAt = performance.now();
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
    if (performance.now() - startedAt > timeoutMs)
      throw Object.assign(new Error('slow body'), { code: 'body-timeout' });
  }
  if (chunks.length === 0) return '';
  return (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8');
}

function faultCode(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'stopped';
  const { code, cause, syscall, name } = error as {
    code?: unknown;
    cause?: { code?: unknown };
    syscall?: unknown;
    name?: unknown;
  };
  const word = [code, cause?.code, name].find((candidate) => typeof candidate === 'string' && candidate !== 'Error');
  // The same word is used for a connection that died in the middle of an answer.
  if (word === 'ETIMEDOUT' && syscall === 'connect') return 'connect-timeout';
  if (word === 'UND_ERR_DESTROYED' || word === 'UND_ERR_CLOSED') return 'not-sent';
  return typeof word === 'string' ? word : 'unknown-fault';
}
