// HR systems that are asked over HTTP. A look reads the whole list, or what changed since the last one, into a spool; from there it goes
// the way of every file: rows are split, hashed and known again.
import { dayIn } from '../../base/calendar-date.ts';
import { type Instant, MINUTE_MS, msOf } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import { isSafe } from '../../mapping/auth-rules.ts';
import type { SecretReference, TextSetting } from '../../mapping/secret-reference.ts';
import { openPool } from '../../runtime/access/pool.ts';
import type { SecretReader } from '../../runtime/secrets.ts';
import type { Look, Source } from '../source.ts';
import { Later, openAsking } from './asking.ts';
import { ChangeFeed } from './change-feed.ts';
import { openHttpAccess } from './http-access.ts';
import { probe } from './probe.ts';
import { type ReaderOptions, readerOf } from './reader.ts';
import { lookAtSome } from './some-workers.ts';
import { WholeList } from './whole-list.ts';

export type HttpSourceOptions = ReaderOptions;

export interface HttpSourceDeps {
  readonly secret: (reference: SecretReference) => SecretReader;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly userAgent: string;
}

/** Requests in flight at once: joins and single records travel side by side. */
const CONNECTIONS = 8;
const KEEP_ALIVE_MS = 4_000;
const CLOSE_MS = 500;
/** Nothing is cut by the pool: each look has a budget of bytes. */
const UNBOUNDED = -1;
/** Hints alone do not have the whole list read more often. */
const HINTED_AFTER_MS = 10 * MINUTE_MS;
/** A whole list that failed is not asked for again by every slot of changes. */
const AGAIN_AFTER_MS = 30 * MINUTE_MS;

/** @throws Problem when the settings lead nowhere. */
export function httpSource(options: HttpSourceOptions, deps: HttpSourceDeps): Source {
  const address = addressOf(textOf(options.baseUrl, deps));
  const access = openHttpAccess(options, { ...deps, stateDir: options.stateDir, name: options.name });
  const pool = openPool(
    address.origin,
    { connections: CONNECTIONS, timeoutMs: options.timeoutMs, keepAliveMs: KEEP_ALIVE_MS, answerBytesMax: UNBOUNDED },
    access.transport,
  );
  const headers = Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const asking = openAsking(
    {
      perSecond: options.limits.perSecond,
      headers: () => Object.fromEntries(headers.map(([name, value]) => [name, textOf(value, deps)])),
      query: access.query,
      credentialsAre: access.credentialsAre,
      userAgent: deps.userAgent,
    },
    { ...deps, pool, credentials: access.credentials },
  );
  const reader = readerOf(options, address, asking, (now) => dayIn(now, options.timeZone));
  const whole = new WholeList(reader);
  const feed = options.changes === undefined ? null : new ChangeFeed(reader, whole, options.changes);
  /** Everything is due at first: whatever happened while nobody ran. */
  const due = { snapshot: true, changes: false };
  let wholeNotBefore = 0;

  async function changed(now: Instant, signal: AbortSignal): Promise<Look | null> {
    if (feed === null || !due.changes) return null;
    due.changes = false;
    const look = await feed.look(now, signal);
    if (look === null) due.snapshot = true;
    return look?.kind === 'delivery' ? look : null;
  }

  async function everybody(now: Instant, signal: AbortSignal): Promise<Look> {
    try {
      const delivery = await whole.look(now, signal);
      due.snapshot = false;
      wholeNotBefore = msOf(now) + HINTED_AFTER_MS;
      return { kind: 'delivery', delivery };
    } catch (error) {
      if (error instanceof Problem) wholeNotBefore = msOf(now) + AGAIN_AFTER_MS;
      throw error;
    }
  }

  return {
    look: (now, signal) =>
      bounded(options.limits.minutes, deps, signal, async (inner) => {
        const wholeWaitsMs = (): number => Math.max(0, wholeNotBefore - msOf(now));
        try {
          const look = await changed(now, inner);
          if (look !== null) return look;
        } catch (error) {
          // Changes that cannot be read must not keep the whole list away.
          if (!(error instanceof Problem) || !due.snapshot || wholeWaitsMs() > 0) throw error;
        }
        if (!due.snapshot) return { kind: 'nothing', reason: 'nothing new since the last look' };
        const retryAfterMs = wholeWaitsMs();
        if (retryAfterMs === 0) return everybody(now, inner);
        return { kind: 'notYet', reason: 'the whole list was asked for a while ago', retryAfterMs };
      }),
    slot: (what) => {
      if (what === 'changes' || (what === 'hint' && feed !== null)) due.changes = true;
      else due.snapshot = true;
      if (what === 'snapshot') wholeNotBefore = 0;
    },
    watch: () => {},
    ...(options.one === undefined
      ? {}
      : {
          about: (workers, now, signal) =>
            bounded(options.limits.minutes, deps, signal, (inner) => {
              const of = { ids: [...new Set(workers)] };
              return lookAtSome(
                { what: 'hint', of, watermark: null },
                now,
                reader.partsAt(now),
                { reader, whole },
                inner,
              );
            }),
        }),
    probe: (now, signal) => probe(now, reader, access.credentials, signal),
    close: async () => {
      await access.credentials.close();
      await pool.close(CLOSE_MS);
    },
  };
}

/** Runs one look within its time; what needs more patience than it has becomes `notYet`. */
async function bounded(
  minutes: number,
  { wait }: Pick<HttpSourceDeps, 'wait'>,
  signal: AbortSignal,
  look: (inner: AbortSignal) => Promise<Look>,
): Promise<Look> {
  const over = new AbortController();
  const ended = new AbortController();
  void wait(minutes * MINUTE_MS, ended.signal).then(() => {
    if (!ended.signal.aborted) over.abort();
  });
  try {
    return await look(AbortSignal.any([signal, over.signal]));
  } catch (error) {
    if (over.signal.aborted && !signal.aborted) throw tooSlow(minutes);
    if (error instanceof Later) return { kind: 'notYet', reason: error.message, retryAfterMs: error.retryAfterMs };
    throw error;
  } finally {
    ended.abort();
  }
}

const textOf = (setting: TextSetting, { secret }: Pick<HttpSourceDeps, 'secret'>): string =>
  setting.kind === 'literal' ? setting.text : secret(setting)();

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && isSafe(url) && url.username === '' && url.search === '' && url.hash === '') return url;
  throw new Problem({
    code: 'source.address',
    message: 'source.baseUrl is no https address without credentials and query',
    hint: 'such as https://api.example.com/v1; http for this machine only',
  });
}

const tooSlow = (minutes: number): Problem =>
  new Problem({
    code: 'source.too-slow',
    message: `The look took longer than ${minutes} minutes and was given up.`,
    hint: 'raise source.limits.minutes if the source needs that long',
  });
