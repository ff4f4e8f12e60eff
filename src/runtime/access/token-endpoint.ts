// Fetches access tokens with the client credentials grant (RFC 6749 section 4.4) or a refresh token (section 6). What the endpoint says in words goes nowhere:
// codes only, and never a part of its answer.
import { Problem } from '../../base/problem.ts';
import { isSafe } from '../../mapping/auth-rules.ts';
import type { SecretReader } from '../secrets.ts';
import { bearerHeader } from './credentials.ts';
import { type AuthFault, type Fault, fault, TOKEN_DOWN, TOKEN_REFUSED } from './faults.ts';
import { parsedBody, textOf } from './json-body.ts';
import { type HttpAnswer, openPool } from './pool.ts';
import { BadKey, type Prover } from './proof.ts';
import { retryAfterOf } from './retry-after.ts';
import type { Transport } from './transport.ts';

/** Another grant than that of client credentials. */
export interface Grant {
  /** `grant_type` and what belongs to it. @throws Problem where a secret is missing. */
  readonly fields: () => Readonly<Record<string, string>>;
  /** The endpoint gave a refresh token: it is durable when this returns. */
  readonly renewed: (refreshToken: string) => void;
}

export interface TokenEndpointSettings {
  readonly grant?: Grant;
  readonly url: string;
  readonly prover: Prover;
  /** '' asks for none. */
  readonly scope: string;
  readonly form: Readonly<Record<string, SecretReader>>;
  readonly userAgent: string;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
}

export interface Token {
  /** The value of Authorization. */
  readonly authorization: string;
  /** How long it is good for, from the moment it was asked for. */
  readonly lifetimeMs: number;
}

export interface TokenEndpoint {
  /** Never throws for what the endpoint or the network does. */
  readonly fetch: () => Promise<Token | Fault>;
  readonly close: () => Promise<void>;
}

/** A token of a large company with all its groups has some 10 kB. */
const ANSWER_BYTES_MAX = 64 * 1024;
const TIMEOUT_MAX_MS = 15_000;
const KEEP_ALIVE_MS = 4_000;
const CLOSE_MS = 500;
/** `expires_in` is only recommended (RFC 6749 section 5.1): without it a token is used for so long. */
const LIFETIME_UNKNOWN_MS = 5 * 60_000;
/** Nothing is trusted for longer, whatever the endpoint says; less than a second is no lifetime. */
const LIFETIME_MAX_MS = 24 * 3_600_000;
const LIFETIME_MIN_MS = 1_000;
/** A clock that differs by less does not spoil an assertion. */
const SKEW_MIN_MS = 30_000;
/** A clock that differs by more is not believed. */
const SKEW_MAX_MS = 24 * 3_600_000;

/** @throws Problem where the URL is none, or would carry credentials in the open. */
export function parsedTokenUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !isSafe(url) || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new Problem({
      code: 'target.token-url',
      message: 'tokenUrl is no https address without credentials',
      hint: 'such as https://idp.example.com/oauth2/v1/token; http for this machine only',
    });
  }
  return url;
}

/** @throws Problem for a bad token URL. */
export function openTokenEndpoint(
  settings: TokenEndpointSettings,
  transport: Transport,
  now: () => number,
): TokenEndpoint {
  const { prover } = settings;
  const url = parsedTokenUrl(settings.url);
  const pool = openPool(
    url.origin,
    {
      connections: 1,
      timeoutMs: Math.min(settings.timeoutMs, TIMEOUT_MAX_MS),
      keepAliveMs: KEEP_ALIVE_MS,
      answerBytesMax: ANSWER_BYTES_MAX,
    },
    transport,
  );
  const closing = new AbortController();
  /** How far the endpoint's clock is ahead of ours, as its last refusal told. */
  let skewMs = 0;

  async function fetch(): Promise<Token | Fault> {
    let texts: readonly string[];
    try {
      texts = prover.read(false);
      const first = await once(texts);
      if (!('fault' in first.result) || !isRefusal(first.result)) return first.result;
      // A secret that was changed within the same tick of the file system's clock, or a clock of ours that went wrong.
      const again = prover.read(true);
      const changed = again.some((text, index) => text !== texts[index]);
      const skewed = prover.timed && Math.abs(first.skewMs - skewMs) >= SKEW_MIN_MS;
      if (!changed && !skewed) return first.result;
      skewMs = first.skewMs;
      return (await once(again)).result;
    } catch (error) {
      if (error instanceof BadKey) return fault('no-key', error.message);
      if (error instanceof Problem) return fault('no-token', error.message);
      throw error;
    }
  }

  async function once(texts: readonly string[]): Promise<{ readonly result: Token | Fault; readonly skewMs: number }> {
    const { headers, fields } = await prover.prove(texts, now() + skewMs);
    const form = new URLSearchParams({
      ...(settings.grant?.fields() ?? { grant_type: 'client_credentials' }),
      ...(settings.scope === '' ? {} : { scope: settings.scope }),
      ...Object.fromEntries(Object.entries(settings.form).map(([name, read]) => [name, read()])),
      ...fields,
    });
    const answer = await pool.ask(
      {
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          'user-agent': settings.userAgent,
          ...headers,
        },
        body: form.toString(),
      },
      closing.signal,
    );
    const result = resultOf(answer, now());
    if (settings.grant !== undefined && !('fault' in result) && answer.kind === 'answer') {
      const refreshToken = textOf(parsedBody(answer.body), 'refresh_token');
      // Before the access token is used: the old refresh token may be worth nothing any more.
      if (refreshToken !== null) settings.grant.renewed(refreshToken);
    }
    return { result, skewMs: skewOf(answer, now(), skewMs) };
  }

  return {
    fetch,
    close: () => {
      closing.abort();
      return pool.close(CLOSE_MS);
    },
  };
}

const isRefusal = ({ fault: code }: Fault): boolean => (TOKEN_REFUSED as readonly string[]).includes(code);

function resultOf(answer: HttpAnswer, nowMs: number): Token | Fault {
  if (answer.kind === 'fault') {
    const detail = answer.detail ?? '';
    if (answer.code === 'no-certificate') return fault(answer.code, detail);
    return fault(TOKEN_DOWN, `token endpoint: ${answer.code}${detail === '' ? '' : ` (${detail})`}`);
  }
  const { status } = answer;
  const said = `token endpoint: HTTP ${status}`;
  if (status >= 300 && status < 400) return fault('token-redirect', said);
  if (status >= 500 || status === 407 || status === 408 || status === 425 || status === 429)
    return fault(TOKEN_DOWN, said, retryAfterOf(answer.header('retry-after'), answer.header('date'), nowMs));
  const body = parsedBody(answer.body);
  if (status >= 200 && status < 300) return tokenOf(body) ?? fault('token-unreadable', said);
  const error = textOf(body, 'error');
  // RFC 6749 section 4.1.2.1 names these for another endpoint; they are met here too and pass by themselves.
  if (error === 'temporarily_unavailable' || error === 'server_error') return fault(TOKEN_DOWN, said);
  return fault(refusalOf(error), said);
}

/** Only words that we know leave this file: an unknown one may say anything. */
const refusalOf = (error: string | null): AuthFault =>
  TOKEN_REFUSED.find((code) => code === `token-${error}`) ?? 'token-refused';

/** Null where there is no token of type Bearer that a header may carry. */
function tokenOf(body: ReturnType<typeof parsedBody>): Token | null {
  const authorization = bearerHeader(textOf(body, 'access_token') ?? '');
  const type = textOf(body, 'token_type');
  if (authorization === null || (type !== null && type.toLowerCase() !== 'bearer')) return null;
  return { authorization, lifetimeMs: lifetimeOf(textOf(body, 'expires_in')) };
}

/** Seconds, as a number or as text: both are met. */
function lifetimeOf(expiresIn: string | null): number {
  const seconds = expiresIn === null ? Number.NaN : Number(expiresIn);
  if (!Number.isFinite(seconds)) return LIFETIME_UNKNOWN_MS;
  return Math.min(Math.max(seconds * 1000, LIFETIME_MIN_MS), LIFETIME_MAX_MS);
}

function skewOf(answer: HttpAnswer, nowMs: number, known: number): number {
  const date = answer.kind === 'answer' ? Date.parse(answer.header('date') ?? '') : Number.NaN;
  const skew = date - nowMs;
  return Number.isFinite(skew) && Math.abs(skew) <= SKEW_MAX_MS ? skew : known;
}
