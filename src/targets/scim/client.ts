// One HTTP request to the target and what came back, as a value; leavers have connections of their own.
import { Problem } from '../../base/problem.ts';
import { isSafe } from '../../mapping/auth-rules.ts';
import { type HttpAnswer, type HttpRequest, type LivePool, openPool } from '../../runtime/access/pool.ts';
import { openTransport, type Transport } from '../../runtime/access/transport.ts';

export interface ClientSettings {
  readonly baseUrl: string;
  /** Connections for everybody, and beside them those that only leavers use. */
  readonly connections: number;
  readonly reserved: number;
  /** Longest silence while waiting for the headers, and the longest time for the body. */
  readonly timeoutMs: number;
  /** Trust, our certificate and the proxy; without it nothing but what Node trusts. */
  readonly transport?: Transport;
}

export interface Client {
  /**
   * Waits for a free connection, leavers first, then in order of arrival; `leaves` is asked once there is one, and false
   * gives it back unused. Who is not `wanted` any more stops waiting at `reconsider`. Never throws for what the network does.
   */
  readonly send: (
    request: HttpRequest,
    urgent: boolean,
    signal: AbortSignal,
    leaves?: () => boolean,
    wanted?: () => boolean,
  ) => Promise<HttpAnswer>;
  /** Asks everybody who waits for a connection whether they still want one. */
  readonly reconsider: () => void;
  readonly close: () => Promise<void>;
}

/** A page of 100 users has some 200 kB; what is larger than this is no answer to any question of ours. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** On stopping, requests in flight get this long before their connections are cut. */
const CLOSE_MS = 2_000;

/** Connections of one kind, and how many of them nobody uses. */
interface Lane {
  readonly pool: LivePool;
  room: number;
}
interface Waiter {
  /** Null: it is not wanted any more. */
  readonly take: (lane: Lane | null) => void;
  readonly wanted: () => boolean;
}

/** @throws Problem when the base URL is none. */
export function parsedBaseUrl(text: string): { readonly origin: string; readonly prefix: string } {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bad = (message: string) =>
    new Problem({ code: 'target.base-url', message, hint: 'e.g. https://idp.example.com/scim/v2' });
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw bad('baseUrl is no http(s) URL');
  if (!isSafe(url))
    throw bad('baseUrl is http: people and credentials would travel in the open (http is for this machine only)');
  if (url.username !== '' || url.password !== '') throw bad('baseUrl must not hold credentials');
  if (url.search !== '' || url.hash !== '') throw bad('baseUrl must not have a query or a fragment');
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

export function openClient(settings: ClientSettings): Client {
  const { origin, prefix } = parsedBaseUrl(settings.baseUrl);
  const transport = settings.transport ?? openTransport();
  const pool = (connections: number) =>
    openPool(
      origin,
      {
        connections,
        timeoutMs: settings.timeoutMs,
        keepAliveMs: KEEP_ALIVE_MS,
        answerBytesMax: RESPONSE_BYTES_MAX,
      },
      transport,
    );
  const everybody: Lane = { pool: pool(settings.connections), room: settings.connections };
  const leavers: Lane = settings.reserved > 0 ? { pool: pool(settings.reserved), room: settings.reserved } : everybody;
  const waiting: { urgent: Waiter[]; ordinary: Waiter[] } = { urgent: [], ordinary: [] };

  /** Null where one has to wait. */
  function free(urgent: boolean): Lane | null {
    // A leaver takes a reserved connection, and any other that is free when those are taken.
    if (urgent && leavers.room > 0) return leavers;
    return everybody.room > 0 ? everybody : null;
  }

  function place(urgent: boolean, wanted: () => boolean): Lane | Promise<Lane | null> {
    const lane = free(urgent);
    if (lane === null) return new Promise((take) => waiting[urgent ? 'urgent' : 'ordinary'].push({ take, wanted }));
    lane.room -= 1;
    return lane;
  }

  function giveBack(lane: Lane): void {
    const next = waiting.urgent.shift() ?? (lane === everybody ? waiting.ordinary.shift() : undefined);
    if (next === undefined) lane.room += 1;
    else next.take(lane);
  }

  function reconsider(): void {
    for (const kind of ['urgent', 'ordinary'] as const) {
      const unwanted = waiting[kind].filter(({ wanted }) => !wanted());
      if (unwanted.length === 0) continue;
      waiting[kind] = waiting[kind].filter((waiter) => !unwanted.includes(waiter));
      for (const { take } of unwanted) take(null);
    }
  }

  async function send(
    request: HttpRequest,
    urgent: boolean,
    signal: AbortSignal,
    leaves: () => boolean = () => true,
    wanted: () => boolean = () => true,
  ): Promise<HttpAnswer> {
    const taken = place(urgent, wanted);
    const lane = taken instanceof Promise ? await taken : taken;
    if (lane === null) return { kind: 'fault', code: 'not-sent' };
    try {
      if (signal.aborted || !leaves()) return { kind: 'fault', code: 'not-sent' };
      return await lane.pool.ask({ ...request, path: `${prefix}${request.path}` }, signal);
    } finally {
      giveBack(lane);
    }
  }

  let closing: Promise<void> | null = null;
  return {
    send,
    reconsider,
    close: () => {
      closing ??= Promise.all([...new Set([everybody.pool, leavers.pool])].map((one) => one.close(CLOSE_MS))).then(
        () => {},
      );
      return closing;
    },
  };
}
