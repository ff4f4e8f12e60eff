// A source of kind http as production opens it, against a real server that a test scripts, under a held clock that runs on while the
// source waits.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Instant, instantOf } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import { sourceSchema } from '../../src/mapping/source-schema.ts';
import { sourceSettings } from '../../src/mapping/source-settings.ts';
import { secretReader } from '../../src/runtime/secrets.ts';
import { httpSource } from '../../src/sources/http/http-source.ts';
import type { Completeness, Delivery, Look, ReadRow, Source } from '../../src/sources/source.ts';
import { type HeldClock, heldClock } from './held-clock.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** When, by the held clock. */
  readonly atMs: number;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: unknown;
  /** Takes over the answer: to drip, to break off. */
  readonly by?: (response: ServerResponse) => void;
}

export type Script = (asked: Asked, count: number) => Answer;

/** What a look brought, read to its end. */
export interface Brought {
  readonly kind: Look['kind'];
  readonly reason: string;
  readonly retryAfterMs: number | null;
  readonly delivery: Pick<Delivery, 'id' | 'name' | 'content' | 'columns' | 'watermark' | 'format'> | null;
  readonly completeness: Completeness | null;
  readonly contentDigest: string;
  readonly rows: readonly ReadRow[];
}

export interface HttpDesk {
  readonly url: string;
  readonly clock: HeldClock;
  readonly asked: Asked[];
  readonly stateDir: string;
  source: Source;
  script: Script;
  /** Closes the source and opens it again, as a restart does. */
  readonly reopen: () => Promise<void>;
  /** Up to when changes were accepted. */
  watermark: string | null;
  readonly look: () => Promise<Brought>;
  readonly about: (...ids: string[]) => Promise<Brought>;
  /** The code of the problem that a look ends with; '' where it ends well. */
  readonly problem: (work?: Promise<unknown>) => Promise<string>;
  readonly patiently: <T>(work: Promise<T>) => Promise<T>;
}

export const NOW: Instant = instantOf('2026-11-23T11:00:00Z');

/** @param source keys of `source` without kind and baseUrl, as a connection file has them. */
export async function openHttpDesk(
  source: Readonly<Record<string, unknown>>,
  script: Script,
  environment: Readonly<Record<string, string>> = {},
  tls: ServerOptions | null = null,
): Promise<HttpDesk> {
  const clock = heldClock(NOW);
  const asked: Asked[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://desk');
      const one: Asked = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        atMs: clock.nowMs(),
      };
      asked.push(one);
      const { status = 200, headers = {}, body, by } = desk.script(one, asked.length);
      if (by !== undefined) return by(response);
      const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(raw);
    });
  };
  const server = tls === null ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = tls === null ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const stateDir = mkdtempSync(join(tmpdir(), 'rollcall-http-'));
  const settings = sourceSettings(
    sourceSchema.parse({
      kind: 'http',
      baseUrl: url,
      auth: { kind: 'none' },
      ...JSON.parse(JSON.stringify(source).replaceAll('BASE', url)),
      limits: { perSecond: null, ...(source.limits ?? {}) },
    }),
    'http',
  );
  if (settings.kind !== 'http') throw new Error('the desk is for http');
  const open = (): Source =>
    httpSource(
      { ...settings, name: 'acme', timeZone: 'Europe/Berlin', stateDir, watermark: () => desk.watermark },
      {
        secret: (reference) => secretReader(reference, environment),
        now: clock.nowMs,
        wait: (ms, signal) => clock.wait(ms, signal),
        random: () => 0,
        userAgent: 'rollcall/test',
      },
    );
  const never = new AbortController().signal;

  /** Longer than anything on loopback takes: only then the clock of the source is what is waited for. */
  const QUIET_TURNS = 400;
  async function patiently<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const over = (): void => {
      done = true;
    };
    work.then(over, over);
    for (let quiet = 0; !done; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (quiet > QUIET_TURNS && clock.toNext(10 * 60_000)) quiet = 0;
    }
    return work;
  }

  async function brought(looked: Promise<Look>): Promise<Brought> {
    const nothing = { retryAfterMs: null, delivery: null, completeness: null, contentDigest: '', rows: [] };
    const look = await patiently(looked);
    if (look.kind === 'nothing') return { ...nothing, kind: look.kind, reason: look.reason };
    if (look.kind === 'notYet')
      return { ...nothing, kind: look.kind, reason: look.reason, retryAfterMs: look.retryAfterMs };
    await using delivery = look.delivery;
    const contentDigest = await patiently(delivery.contentDigest(never));
    const scan = await patiently(delivery.scan(NOBODY_KNOWN, never));
    const rows: ReadRow[] = [];
    for await (const batch of delivery.read(new Set(), never)) rows.push(...batch);
    const { id, name, content, columns, watermark, format } = delivery;
    return {
      ...nothing,
      kind: 'delivery',
      reason: '',
      delivery: { id, name, content, columns, format, ...(watermark === undefined ? {} : { watermark }) },
      completeness: scan.completeness,
      contentDigest,
      rows,
    };
  }

  const desk: HttpDesk = {
    url,
    clock,
    asked,
    stateDir,
    script,
    watermark: null,
    source: undefined as unknown as Source,
    reopen: async () => {
      await desk.source.close?.();
      desk.source = open();
    },
    look: () => brought(desk.source.look(clock.now(), never)),
    about: (...ids) => {
      if (desk.source.about === undefined) throw new Error('the source cannot be asked about one worker');
      return brought(desk.source.about(ids, clock.now(), never));
    },
    problem: async (work = desk.look()) => {
      try {
        await work;
        return '';
      } catch (error) {
        if (error instanceof Problem) return error.faults[0]?.code ?? '';
        throw error;
      }
    },
    patiently,
  };
  desk.source = open();
  onTestFinished(async () => {
    await desk.source.close?.();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(stateDir, { recursive: true, force: true });
  });
  return desk;
}

const NOBODY_KNOWN = { size: 0, indexOf: () => -1 };

/** Texts of one member over the rows, in order; `!CODE` for a row that is a fault. */
export const column = ({ rows }: Brought, name: string): readonly string[] =>
  rows.map(({ record, fault }) => (fault === null ? String(record?.[name]) : `!${fault.code}`));

/** `count` records with ids from `first` on. */
export const records = (count: number, first = 1): readonly { readonly id: string; readonly name: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: String(first + index), name: `N${first + index}` }));
