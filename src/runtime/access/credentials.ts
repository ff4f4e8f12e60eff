// What every way of showing who we are promises, and the two that need nothing but a secret.
import { Problem } from '../../base/problem.ts';
import type { SecretReader } from '../secrets.ts';
import { type Fault, fault } from './faults.ts';

/** Headers of a request. The same object as long as the credentials are the same, so that others can be told from them. */
export interface Shown {
  readonly headers: Readonly<Record<string, string>>;
}

export interface Credentials {
  /** What to send now. Waits for a token where there is none; the signal ends the wait (`not-sent`). Never throws, never logs. */
  readonly headers: (signal: AbortSignal) => Promise<Shown | Fault>;
  /**
   * The target answered 401 to a request that showed `shown`: looks for other credentials.
   * @returns whether there are some now, so that repeating the request once is worth it.
   */
  readonly refused: (shown: Shown, signal: AbortSignal) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** What a header may carry: visible characters only (RFC 9110 section 5.5, RFC 6750 section 2.1). */
export const TOKEN = /^[\x21-\x7e]+$/;
/** Longer than any token; servers take some 8 kB of headers in all. */
export const TOKEN_LENGTH_MAX = 16 * 1024;

export const bearerHeader = (token: string): string | null => schemeHeader('Bearer', token);
const schemeHeader = (scheme: string, token: string): string | null =>
  token.length <= TOKEN_LENGTH_MAX && TOKEN.test(token) ? `${scheme} ${token}` : null;

export const bearer = (token: SecretReader): Credentials =>
  fromSecrets((fresh) => bearerHeader(token(fresh)), 'the token holds characters that no header may carry');

/** The API tokens of Okta: https://developer.okta.com/docs/reference/rest/ */
export const ssws = (token: SecretReader): Credentials =>
  fromSecrets((fresh) => schemeHeader('SSWS', token(fresh)), 'the token holds characters that no header may carry');

/** RFC 7617, with the charset that section 2.1 names. */
export const basic = (user: SecretReader, password: SecretReader): Credentials =>
  fromSecrets(
    (fresh) => basicHeader(user(fresh), password(fresh)),
    'user or password hold characters that Basic authentication cannot carry',
  );

/** Null where the two cannot be carried: control characters, or a colon in the user's name. */
export function basicHeader(user: string, password: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (user.includes(':') || /[\x00-\x1f\x7f]/.test(user + password)) return null;
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

/** Credentials that are an Authorization header made of secrets, read anew with every request. */
function fromSecrets(header: (fresh: boolean) => string | null, bad: string): Credentials {
  let known: { readonly authorization: string; readonly shown: Shown } | null = null;
  function read(fresh: boolean): Shown | Fault {
    let authorization: string | null;
    try {
      authorization = header(fresh);
    } catch (error) {
      return fault('no-token', whyMissing(error));
    }
    if (authorization === null) return fault('no-token', bad);
    if (known?.authorization !== authorization) known = { authorization, shown: { headers: { authorization } } };
    return known.shown;
  }
  return {
    headers: async () => read(false),
    refused: async (shown) => {
      const now = read(true);
      return !('fault' in now) && now !== shown;
    },
    close: async () => {},
  };
}

/** A Problem names the reference and never the value; anything else is not for people's eyes. */
export const whyMissing = (error: unknown): string =>
  error instanceof Problem ? error.message : 'the secret cannot be read';
