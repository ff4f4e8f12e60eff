// A pool of connections that follows its transport: when a certificate or the proxy changes, later requests get new connections,
// and the old ones end as soon as their requests have. Redirects are not followed, certificates are always verified.
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as later } from 'node:timers';
import { Pool } from 'undici';
import type { Fault } from './faults.ts';
import { type HttpAnswer, type HttpRequest, replyTo } from './reply.ts';
import type { Transport, Wire } from './transport.ts';
import { ProxyFault } from './tunnel.ts';

export type { HttpAnswer, HttpRequest } from './reply.ts';

export interface PoolShape {
  readonly connections: number;
  /** Longest silence while waiting for the headers, and the longest time for the body. */
  readonly timeoutMs: number;
  readonly keepAliveMs: number;
  /** Larger answers are cut (`UND_ERR_RES_EXCEEDED_MAX_SIZE`). */
  readonly answerBytesMax: number;
}

/** An answer of which only the head has come. */
export interface OpenAnswer {
  readonly kind: 'open';
  readonly status: number;
  readonly header: (name: string) => string | null;
  /** Whoever asked reads it to its end or destroys it, and bounds the time that takes; a fault of the network ends it with an error. */
  readonly body: Readable;
  /** The body is of no interest: a small one is read away, so that the connection can be used again. */
  readonly discard: () => void;
}

/** More of an answer that nobody reads is not taken in. */
const DISCARDED_BYTES_MAX = 64 * 1024;

export interface LivePool {
  /** Never throws for what the network does. */
  readonly ask: (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;
  /** As `ask`, with the body unread. */
  readonly open: (
    request: HttpRequest,
    signal: AbortSignal,
  ) => Promise<OpenAnswer | Extract<HttpAnswer, { readonly kind: 'fault' }>>;
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

  async function begun({ method, path, headers, body }: HttpRequest, pool: Pool, signal: AbortSignal) {
    const response = await pool.request({
      method,
      path,
      headers,
      ...(body === '' ? {} : { body }),
      signal: cutOf(signal),
    });
    return {
      status: response.statusCode,
      header: (name: string): string | null => {
        const value = response.headers[name];
        return (Array.isArray(value) ? value.join(', ') : value) ?? null;
      },
      body: response.body,
      discard: (): void => void response.body.dump({ limit: DISCARDED_BYTES_MAX }).catch(() => {}),
    };
  }

  function failed(error: unknown, signal: AbortSignal): Extract<HttpAnswer, { readonly kind: 'fault' }> {
    if (!signal.aborted) transport.doubt();
    const code = faultCode(error, signal);
    return { kind: 'fault', code, ...(error instanceof ProxyFault ? { detail: error.detail } : {}) };
  }

  return {
    ask: async (request, signal) => {
      const pool = poolNow();
      if ('fault' in pool) return { kind: 'fault', code: pool.fault, detail: pool.detail };
      const ended = await replyTo(pool, request, shape.timeoutMs, signal);
      return ended.kind === 'answer' ? ended : failed(ended.error, signal);
    },
    open: async (request, signal) => {
      const pool = poolNow();
      if ('fault' in pool) return { kind: 'fault', code: pool.fault, detail: pool.detail };
      try {
        return { kind: 'open', ...(await begun(request, pool, signal)) };
      } catch (error) {
        return failed(error, signal);
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

export function faultCode(error: unknown, signal: AbortSignal): string {
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
