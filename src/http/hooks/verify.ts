// Whether a request comes from who it says, over the raw bytes and in constant time. Never says what was wrong: whoever forges a
// signature learns nothing from the answer.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import type { VerifySettings } from '../../mapping/webhook-settings.ts';
import { SCHEMES, type Scheme, schemeOf } from './schemes.ts';

export interface HookRequest {
  /** Lower-case names; of several headers of one name Node joins the values with a comma. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface Genuine {
  /** The id that the sender gave the event and signed; '' without one. */
  readonly id: string;
  /** The time that was signed, as it was written; '' without one. */
  readonly timestamp: string;
}

/** Null for everything that cannot be proven. */
export type Verify = (request: HookRequest, nowMs: number) => Genuine | null;

/** How far the time that a sender signs may lie from ours, both ways (Standard Webhooks and Finch use the same). */
export const TOLERANCE_MS = 5 * MINUTE_MS;
/** Shorter keys can be guessed. */
const KEY_BYTES_MIN = 16;
/** Signatures in one header that are looked at: two live keys need two. */
const SIGNATURES_MAX = 8;
const HEADER_LENGTH_MAX = 1_000;

type Secrets = readonly (() => string)[];

/** @param secrets read at each request, so that a rotated file needs no restart. */
export function verifier(settings: VerifySettings, secrets: Secrets): Verify {
  if (settings.scheme === 'token') return tokenVerifier(settings, secrets);
  return signatureVerifier(settings.scheme === 'hmac' ? schemeOf(settings.hmac) : SCHEMES[settings.scheme], secrets);
}

/** @throws Problem for a secret that cannot be read or is no key: before the first request, not at it. */
export function checkSecret(settings: VerifySettings, secret: string, path: string): void {
  const scheme =
    settings.scheme === 'token'
      ? null
      : settings.scheme === 'hmac'
        ? schemeOf(settings.hmac)
        : SCHEMES[settings.scheme];
  const key = scheme === null ? Buffer.from(secret) : keyOf(scheme, secret);
  if (key !== null && key.length >= KEY_BYTES_MIN) return;
  throw new Problem({
    code: 'webhook.secret',
    message:
      key === null
        ? `a secret of webhook ${path} is not written in ${scheme?.key === 'hex' ? 'hex' : 'base64'}`
        : `a secret of webhook ${path} is shorter than ${KEY_BYTES_MIN} bytes`,
    hint: 'take the secret exactly as the sender shows it; one of your own: openssl rand -base64 32',
  });
}

function signatureVerifier(scheme: Scheme, secrets: Secrets): Verify {
  return ({ headers, body }, nowMs) => {
    const given = one(headers, scheme.signatureHeader);
    const timestamp = scheme.timestampHeader === null ? '' : one(headers, scheme.timestampHeader);
    const id = scheme.idHeader === null ? '' : one(headers, scheme.idHeader);
    if (given === null || timestamp === null || id === null) return null;
    if (scheme.timestampHeader !== null && !isPresent(timestamp, nowMs)) return null;
    const signatures = signaturesIn(scheme, given);
    let genuine = false;
    for (const secret of secrets) {
      const key = keyOf(scheme, secret());
      if (key === null || key.length < KEY_BYTES_MIN) continue;
      const hmac = createHmac(scheme.algorithm, key);
      for (const part of scheme.signed) {
        if (part === 'body') hmac.update(body);
        else hmac.update(part === 'timestamp' ? timestamp : part === 'id' ? id : part.text);
      }
      const expected = hmac.digest();
      // All of them are compared, so that time tells nothing of which one it was.
      for (const signature of signatures) genuine = equal(expected, signature) || genuine;
    }
    return genuine ? { id, timestamp } : null;
  };
}

function tokenVerifier({ header, bearer }: Extract<VerifySettings, { scheme: 'token' }>, secrets: Secrets): Verify {
  return ({ headers }) => {
    const given = one(headers, header);
    if (given === null) return null;
    const token = bearer ? /^bearer +(\S+)$/i.exec(given)?.[1] : given;
    if (token === undefined) return null;
    let genuine = false;
    // Digests are of equal length, so that not even the length of the token shows.
    for (const secret of secrets) genuine = equal(digestOf(secret()), digestOf(token)) || genuine;
    return genuine ? { id: '', timestamp: '' } : null;
  };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A header that stands there once and is not absurd. */
function one(headers: HookRequest['headers'], name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' && value !== '' && value.length <= HEADER_LENGTH_MAX ? value.trim() : null;
}

const equal = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** Written one way only: a signature that decodes alike but reads otherwise was not made by the sender. */
function signaturesIn({ form, encoding, prefix }: Scheme, given: string): readonly Buffer[] {
  const written = form === 'list' ? given.split(' ').slice(0, SIGNATURES_MAX) : [given];
  return written.flatMap((text) => {
    if (!text.startsWith(prefix)) return [];
    const decoded = decode(encoding, text.slice(prefix.length));
    return decoded === null ? [] : [decoded];
  });
}

function decode(encoding: Scheme['encoding'], text: string): Buffer | null {
  if (encoding === 'hex') return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : null;
  const bytes = Buffer.from(text, encoding);
  const written = bytes.toString(encoding);
  // Of base64url senders leave out the padding or write it (Merge does both), of base64 none does.
  const same = encoding === 'base64url' ? written === text.replace(/={0,2}$/, '') : written === text;
  return text !== '' && same ? bytes : null;
}

function keyOf({ key }: Scheme, secret: string): Buffer | null {
  if (key === 'text') return Buffer.from(secret);
  if (key === 'hex') return decode('hex', secret);
  return decode('base64', key === 'whsec' ? secret.replace(/^whsec_/, '') : secret);
}

const UNIX_SECONDS = /^\d{1,11}$/;
const UNIX_MS = /^\d{12,14}$/;
/** Strict, because `Date.parse` reads nearly anything. */
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})$/;

function isPresent(timestamp: string, nowMs: number): boolean {
  const saidMs = UNIX_SECONDS.test(timestamp)
    ? Number(timestamp) * 1000
    : UNIX_MS.test(timestamp)
      ? Number(timestamp)
      : ISO.test(timestamp)
        ? Date.parse(timestamp)
        : Number.NaN;
  // To the second, as it was written.
  return Math.abs(nowMs - saidMs) <= TOLERANCE_MS;
}
