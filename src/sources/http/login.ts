// A token from a login of the vendor's own: some fields are sent, a token comes back somewhere in a JSON answer. What the endpoint says
// in words goes nowhere.

import { bearerHeader, whyMissing } from '../../runtime/access/credentials.ts';
import { type Fault, fault, TOKEN_DOWN } from '../../runtime/access/faults.ts';
import { parsedBody } from '../../runtime/access/json-body.ts';
import { openPool } from '../../runtime/access/pool.ts';
import { retryAfterOf } from '../../runtime/access/retry-after.ts';
import { parsedTokenUrl, type Token, type TokenEndpoint } from '../../runtime/access/token-endpoint.ts';
import type { Transport } from '../../runtime/access/transport.ts';
import type { SecretReader } from '../../runtime/secrets.ts';
import { textAt } from './body-path.ts';

export interface LoginEndpointSettings {
  readonly url: string;
  readonly as: 'json' | 'form';
  readonly fields: Readonly<Record<string, SecretReader>>;
  readonly tokenPath: string;
  /** Where the answer does not say `expires_in`. */
  readonly lifetimeMs: number;
  readonly userAgent: string;
  readonly timeoutMs: number;
}

const ANSWER_BYTES_MAX = 64 * 1024;
const TIMEOUT_MAX_MS = 15_000;
const KEEP_ALIVE_MS = 4_000;
const CLOSE_MS = 500;
const LIFETIME_MAX_MS = 24 * 3_600_000;

/** @throws Problem for a bad address. */
export function loginEndpoint(settings: LoginEndpointSettings, transport: Transport): TokenEndpoint {
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
  return {
    fetch: async (): Promise<Token | Fault> => {
      let fields: Record<string, string>;
      try {
        fields = Object.fromEntries(Object.entries(settings.fields).map(([name, read]) => [name, read(true)]));
      } catch (error) {
        return fault('no-token', whyMissing(error));
      }
      const json = settings.as === 'json';
      const answer = await pool.ask(
        {
          method: 'POST',
          path: `${url.pathname}${url.search}`,
          headers: {
            accept: 'application/json',
            'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded',
            'user-agent': settings.userAgent,
          },
          body: json ? JSON.stringify(fields) : new URLSearchParams(fields).toString(),
        },
        closing.signal,
      );
      if (answer.kind === 'fault') return fault(TOKEN_DOWN, `login: ${answer.code}`);
      const { status } = answer;
      const said = `login: HTTP ${status}`;
      if (status >= 500 || status === 429 || status === 408)
        return fault(TOKEN_DOWN, said, retryAfterOf(answer.header('retry-after'), null, 0));
      if (status < 200 || status >= 300) return fault('token-refused', said);
      const body = parsedBody(answer.body);
      const authorization = bearerHeader(textAt(body, settings.tokenPath) ?? '');
      if (authorization === null) return fault('token-unreadable', `${said} without a token at ${settings.tokenPath}`);
      const seconds = Number(textAt(body, 'expires_in') ?? Number.NaN);
      const lifetimeMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : settings.lifetimeMs;
      return { authorization, lifetimeMs: Math.min(lifetimeMs, LIFETIME_MAX_MS) };
    },
    close: () => {
      closing.abort();
      return pool.close(CLOSE_MS);
    },
  };
}
