// One request after the other to one source: who we are, how fast, how patient. What a person has to mend is a Problem; what will
// pass by itself is repeated here for a while, and then put off.
import { Problem } from '../../base/problem.ts';
import type { Credentials, Shown } from '../../runtime/access/credentials.ts';
import { CERTIFICATE_REFUSED, type Fault, NO_CREDENTIALS, TOKEN_DOWN } from '../../runtime/access/faults.ts';
import type { LivePool, OpenAnswer } from '../../runtime/access/pool.ts';
import { retryAfterOf } from '../../runtime/access/retry-after.ts';
import { backoffMs } from '../../runtime/backoff.ts';
import type { WireRequest } from './request.ts';

/** The source asks for more patience than a look has: look again after this long. */
export class Later extends Error {
  readonly retryAfterMs: number;
  constructor(reason: string, retryAfterMs: number) {
    super(reason);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The connection broke while an answer was read: the request is worth repeating. */
export class Broken extends Error {}

export interface AskingSettings {
  readonly perSecond: number | null;
  /** Headers of every request, read when it is sent: they may hold secrets. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Parameters of every request that are secrets. */
  readonly query: () => Readonly<Record<string, string>>;
  /** For people: where credentials stand in the connection file. */
  readonly credentialsAre: string;
  readonly userAgent: string;
}

export interface AskingDeps {
  readonly pool: LivePool;
  readonly credentials: Credentials;
  /** Something failed on the way in: certificates and proxy are read again. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Asking {
  /**
   * Sends the request and hands its good answer (2xx; 304 and 404 where `also` names them) to `take`, again after a fault on the way.
   * @throws Problem for what a person has to mend, Later where the source needs more time than this look has.
   */
  readonly ask: <T>(
    request: WireRequest,
    take: (answer: OpenAnswer) => Promise<T>,
    signal: AbortSignal,
    also?: readonly number[],
  ) => Promise<T>;
}

/** Tries for one request after faults that pass by themselves. */
const TRIES_MAX = 4;
const RETRY = { firstMs: 1_000, capMs: 20_000 };
/** Throttled answers for one request that are waited for within a look. */
const THROTTLED_MAX = 20;
/** A longer pause than this is left to the next look. */
const PAUSE_MAX_MS = 2 * 60_000;
/** Where the source throttles without saying for how long. */
const PAUSE_UNSAID_MS = 10_000;
/** After faults that outlasted the tries. */
const LATER_MS = 5 * 60_000;
/** Jitter on top of what the source asks for, so that several of us do not come back at once. */
const PAUSE_JITTER_MS = 1_000;

export function openAsking(settings: AskingSettings, deps: AskingDeps): Asking {
  const { pool, credentials, now, wait, random } = deps;
  let nextAt = 0;
  /** The whole source asked for a pause: nobody asks before. */
  let quietUntil = 0;

  async function turn(signal: AbortSignal): Promise<void> {
    for (;;) {
      const at = now();
      const free = Math.max(quietUntil, nextAt);
      if (free <= at) break;
      await wait(free - at, signal);
      signal.throwIfAborted();
    }
    if (settings.perSecond !== null) nextAt = Math.max(now(), nextAt) + 1_000 / settings.perSecond;
  }

  async function shownNow(signal: AbortSignal): Promise<Shown> {
    const shown = await credentials.headers(signal);
    if (!('fault' in shown)) return shown;
    throw credentialsFault(shown, settings);
  }

  function pause(answer: OpenAnswer, throttled: number): void {
    const said = retryAfterOf(answer.header('retry-after'), answer.header('date'), now());
    const ms =
      (said ?? backoffMs(throttled, { firstMs: PAUSE_UNSAID_MS, capMs: PAUSE_MAX_MS }, 0.5 + random() / 2)) +
      random() * PAUSE_JITTER_MS;
    if (said !== null && said > PAUSE_MAX_MS)
      throw new Later(`the source asks for a pause of ${Math.ceil(said / 1_000)} s`, said);
    if (throttled >= THROTTLED_MAX) throw new Later('the source throttles again and again', LATER_MS);
    quietUntil = Math.max(quietUntil, now() + ms);
  }

  return {
    ask: async (request, take, signal, also = []) => {
      let tries = 0;
      let throttled = 0;
      let renewed = false;
      const failed = async (what: string): Promise<void> => {
        tries++;
        if (tries >= TRIES_MAX) throw new Later(`the source does not answer as it should: ${what}`, LATER_MS);
        await wait(backoffMs(tries, RETRY, random()), signal);
        signal.throwIfAborted();
      };
      for (;;) {
        signal.throwIfAborted();
        await turn(signal);
        const shown = await shownNow(signal);
        const answer = await pool.open(dressed(request, shown, settings), signal);
        if (answer.kind === 'fault') {
          signal.throwIfAborted();
          if (answer.code === 'no-certificate') throw certificateFault(answer.detail ?? '');
          if (CERTIFICATE_REFUSED.includes(answer.code))
            throw certificateFault('the source does not take our certificate');
          await failed(answer.code);
          continue;
        }
        const { status } = answer;
        // A part (206) was not asked for and would be taken for the whole (RFC 9110 section 15.3.7).
        if ((status >= 200 && status < 300 && status !== 206) || also.includes(status)) {
          try {
            return await take(answer);
          } catch (error) {
            answer.discard();
            if (!(error instanceof Broken)) throw error;
            signal.throwIfAborted();
            await failed(error.message);
            continue;
          }
        }
        answer.discard();
        if (status === 429 || (status === 503 && answer.header('retry-after') !== null)) pause(answer, ++throttled);
        else if (status >= 500 || status === 408 || status === 425) await failed(`HTTP ${status}`);
        else if (status === 401 && !renewed) {
          renewed = true;
          if (!(await credentials.refused(shown, signal))) throw refusal(status, request, settings);
        } else throw refusal(status, request, settings);
      }
    },
  };
}

function dressed(request: WireRequest, shown: Shown, settings: AskingSettings): WireRequest {
  const query = new URLSearchParams(settings.query()).toString();
  return {
    ...request,
    path: query === '' ? request.path : `${request.path}${request.path.includes('?') ? '&' : '?'}${query}`,
    headers: {
      accept: 'application/json, text/csv;q=0.9, application/xml;q=0.9, */*;q=0.1',
      'accept-encoding': 'gzip',
      'user-agent': settings.userAgent,
      ...settings.headers(),
      ...request.headers,
      ...shown.headers,
    },
  };
}

/** The path without its query, which may hold what nobody should read. */
const placeOf = ({ method, path }: WireRequest): string => `${method} ${path.split('?')[0] ?? ''}`;

function refusal(status: number, request: WireRequest, { credentialsAre }: AskingSettings): Problem {
  const where = placeOf(request);
  if (status === 401)
    return new Problem({
      code: 'source.credentials',
      message: `The source does not accept our credentials (HTTP 401 for ${where}).`,
      hint: `they are ${credentialsAre}: expired, revoked, or of another system?`,
    });
  if (status === 403)
    return new Problem({
      code: 'source.forbidden',
      message: `Our credentials may not read this (HTTP 403 for ${where}).`,
      hint: 'give the account behind auth the right to read workers there',
    });
  if (status === 404 || status === 410)
    return new Problem({
      code: 'source.not-found',
      message: `There is nothing at this address (HTTP ${status} for ${where}).`,
      hint: 'check baseUrl and path',
    });
  if (status >= 300 && status < 400)
    return new Problem({
      code: 'source.redirect',
      message: `The source sends us elsewhere (HTTP ${status} for ${where}), and redirects are not followed.`,
      hint: 'write the address where it really is; a login page means that auth is not what the source wants',
    });
  return new Problem({
    code: 'source.refused',
    message: `The source refuses the request (HTTP ${status} for ${where}).`,
    hint: 'check path, query and body against the documentation of the vendor',
  });
}

function credentialsFault({ fault, detail, retryAfterMs }: Fault, { credentialsAre }: AskingSettings): Error {
  if (fault === TOKEN_DOWN) return new Later(`no token: ${detail}`, retryAfterMs ?? LATER_MS);
  if (fault === 'not-sent') return new Later('stopped', LATER_MS);
  const missing = (NO_CREDENTIALS as readonly string[]).includes(fault);
  return new Problem({
    code: 'source.credentials',
    message: missing
      ? `There is nothing to show the source: ${detail}.`
      : `The token endpoint refuses us (${fault}; ${detail}).`,
    hint: `credentials are ${credentialsAre}`,
  });
}

const certificateFault = (detail: string): Problem =>
  new Problem({
    code: 'source.credentials',
    message: `No connection can be made: ${detail}.`,
    hint: 'look at ca, proxy and the certificate under auth',
  });
