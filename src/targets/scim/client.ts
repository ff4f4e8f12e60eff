// One HTTP request to the target and what came back, as a value. Redirects are not followed, certificates are always verified.
import { EventEmitter } from 'node:events';
import { setTimeout as later } from 'node:timers';
import { type Dispatcher, Pool } from 'undici';
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
  /**
   * Waits for a free connection, leavers first, then in order of arrival; `leaves` is asked once there is one, and false
   * gives it back unused. Never throws for what the network does.
   */
  readonly send: (
    request: HttpRequest,
    urgent: boolean,
    signal: AbortSignal,
    leaves?: () => boolean,
  ) => Promise<HttpAnswer>;
  readonly close: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A page of 100 users has some 200 kB; what is larger than this is no answer to any question of ours. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** On stopping, requests in flight get this long before their connections are cut. */
const CLOSE_MS = 2_000;

/** Connections of one kind, and how many of them nobody uses. */
interface Lane {
  readonly pool: Pool;
  room: number;
}
type Waiter = (lane: Lane) => void;

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
  const everybody: Lane = { pool: pool(settings.connections), room: settings.connections };
  const leavers: Lane = settings.reserved > 0 ? { pool: pool(settings.reserved), room: settings.reserved } : everybody;
  const waiting: { readonly urgent: Waiter[]; readonly ordinary: Waiter[] } = { urgent: [], ordinary: [] };

  /** Null where one has to wait. */
  function free(urgent: boolean): Lane | null {
    // A leaver takes a reserved connection, and any other that is free when those are taken.
    if (urgent && leavers.room > 0) return leavers;
    return everybody.room > 0 ? everybody : null;
  }

  function place(urgent: boolean): Lane | Promise<Lane> {
    const lane = free(urgent);
    if (lane === null) return new Promise((resolve) => waiting[urgent ? 'urgent' : 'ordinary'].push(resolve));
    lane.room -= 1;
    return lane;
  }

  function giveBack(lane: Lane): void {
    const next = waiting.urgent.shift() ?? (lane === everybody ? waiting.ordinary.shift() : undefined);
    if (next === undefined) lane.room += 1;
    else next(lane);
  }

  async function send(
    request: HttpRequest,
    urgent: boolean,
    signal: AbortSignal,
    leaves: () => boolean = () => true,
  ): Promise<HttpAnswer> {
    const taken = place(urgent);
    const lane = taken instanceof Promise ? await taken : taken;
    try {
      if (signal.aborted || !leaves()) return { kind: 'fault', code: 'not-sent' };
      const response = await lane.pool.request({
        method: request.method,
        path: `${prefix}${request.path}`,
        headers: request.headers,
        ...(request.body === '' ? {} : { body: request.body }),
        signal: cutOf(signal),
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
      giveBack(lane);
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
