// A pool of connections that follows its transport: when a certificate or the proxy changes, later requests get new connections,
// and the old ones end as soon as their requests have. Redirects are not followed, certificates are always verified.
import { EventEmitter } from 'node:events';
import { setTimeout as later } from 'node:timers';
import { type Dispatcher, Pool } from 'undici';
import type { Fault } from './faults.ts';
import type { Transport, Wire } from './transport.ts';
import { ProxyFault } from './tunnel.ts';

export interface PoolShape {
  readonly connections: number;
  /** Longest silence while waiting for the headers, and the longest time for the body. */
  readonly timeoutMs: number;
  readonly keepAliveMs: number;
  /** Larger answers are cut (`UND_ERR_RES_EXCEEDED_MAX_SIZE`). */
  readonly answerBytesMax: number;
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
  /** `code` is the transport's own word for what went wrong; `detail` may say more to people. */
  | { readonly kind: 'fault'; readonly code: string; readonly detail?: string };

export interface LivePool {
  /** Never throws for what the network does. */
  readonly ask: (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;
  /** Requests in flight get this long before their connections are cut. */
  readonly close: (withinMs: number) => Promise<void>;
}

/** Connections of a former certificate get this long for the requests they carry; each of these has its own, shorter limit. */
const RETIRED_MS = 10 * 60_000;

export function openPool(origin: string, shape: PoolShape, transport: Transport): LivePool {
  let current: { readonly wire: Wire; readonly pool: Pool } | null = null;
  const retiring = new Map<Pool, Promise<void>>();

  function poolNow(): Pool | Fault {
    const wire = transport.now();
    if ('fault' in wire) return wire;
    if (current?.wire === wire) return current.pool;
    if (current !== null) retire(current.pool);
    const pool = new Pool(origin, {
      connections: shape.connections,
      // Many connections, one request on each. Several writes on one connection save some CPU, but one lost connection then
      // puts all of them in doubt, one hung answer holds up the rest, and RFC 9112 section 9.3.2 advises against it for requests
      // that are not idempotent. With as many connections as requests in flight nothing was gained on loopback.
      pipelining: 1,
      headersTimeout: shape.timeoutMs,
      bodyTimeout: shape.timeoutMs,
      keepAliveTimeout: shape.keepAliveMs,
      maxResponseSize: shape.answerBytesMax,
      allowH2: false,
      connect: wire.connect,
    });
    current = { wire, pool };
    return pool;
  }

  function retire(pool: Pool): void {
    retiring.set(
      pool,
      closed(pool, RETIRED_MS).finally(() => retiring.delete(pool)),
    );
  }

  return {
    ask: async ({ method, path, headers, body }, signal) => {
      const pool = poolNow();
      if ('fault' in pool) return { kind: 'fault', code: pool.fault, detail: pool.detail };
      try {
        const response = await pool.request({
          method,
          path,
          headers,
          ...(body === '' ? {} : { body }),
          signal: cutOf(signal),
        });
        const text = await bodyOf(response.body, shape.timeoutMs);
        return {
          kind: 'answer',
          status: response.statusCode,
          header: (name) => {
            const value = response.headers[name];
            return (Array.isArray(value) ? value[0] : value) ?? null;
          },
          body: text,
        };
      } catch (error) {
        if (!signal.aborted) transport.doubt();
        const code = faultCode(error, signal);
        return { kind: 'fault', code, ...(error instanceof ProxyFault ? { detail: error.detail } : {}) };
      }
    },
    close: async (withinMs) => {
      const pools = [...retiring.keys(), ...(current === null ? [] : [current.pool])];
      await Promise.all(pools.map((pool) => closed(pool, withinMs)));
      await Promise.all(retiring.values());
    },
  };
}

const cuts = new WeakMap<AbortSignal, EventEmitter>();

/** The signal as an emitter that all of its requests share: one listener on the signal instead of one for each request. */
function cutOf(signal: AbortSignal): EventEmitter {
  const known = cuts.get(signal);
  if (known !== undefined) return known;
  const cut = new EventEmitter().setMaxListeners(0);
  signal.addEventListener('abort', () => cut.emit('abort'), { once: true });
  cuts.set(signal, cut);
  return cut;
}

async function closed(pool: Pool, withinMs: number): Promise<void> {
  const cut = later(() => void pool.destroy(), withinMs);
  // A retired pool keeps no process alive; what is in flight does so by itself.
  cut.unref();
  try {
    await pool.close();
  } catch {
    // Destroyed while closing: it is closed all the same.
  } finally {
    clearTimeout(cut);
  }
}

/** Bounded in size by the pool and in time here: a body that drips resets the pool's own timeout with each drop. */
async function bodyOf(body: Dispatcher.ResponseData['body'], timeoutMs: number): Promise<string> {
  const slow = later(() => body.destroy(Object.assign(new Error('slow body'), { code: 'body-timeout' })), timeoutMs);
  try {
    return await body.text();
  } finally {
    clearTimeout(slow);
  }
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
