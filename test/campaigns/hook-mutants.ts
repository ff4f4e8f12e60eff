// Requests that look like those of a sender and are not: genuine ones, changed in one place each. None of them may be taken.
import { createHmac } from 'node:crypto';
import type { VerifySettings } from '../../src/mapping/webhook-settings.ts';

/** A small seeded generator (mulberry32) in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type SchemeName = VerifySettings['scheme'];
export const SCHEME_NAMES: readonly SchemeName[] = [
  'standard-webhooks',
  'finch',
  'bamboohr',
  'hibob',
  'merge',
  'gusto',
  'deel',
  'hmac',
  'token',
];
/** Where each of them is posted to. */
export const pathOf = (scheme: SchemeName): string => `/hooks/${scheme}`;
const isBase64Key = (scheme: SchemeName): boolean => scheme === 'standard-webhooks' || scheme === 'finch';
export const secretOf = (scheme: SchemeName): string =>
  isBase64Key(scheme) ? Buffer.from(`secret-of-${scheme}-0001`).toString('base64') : `secret-of-${scheme}-0001`;
const isTimed = (scheme: SchemeName): boolean => ['standard-webhooks', 'finch', 'bamboohr', 'hmac'].includes(scheme);

export const HOOKS = `webhooks:
${SCHEME_NAMES.map((scheme) => {
  const more =
    scheme === 'hmac'
      ? `, header: X-Signature, prefix: 'sha256=', timestampHeader: X-Timestamp, signed: '{timestamp}.{body}'`
      : '';
  const reference = `SECRET_${scheme.toUpperCase().replaceAll('-', '_')}`;
  return `  - { path: ${pathOf(scheme)}, verify: { scheme: ${scheme}${more}, secrets: ["\${env:${reference}}"] }, worker: body.id, id: body.event }`;
}).join('\n')}
`;
export const ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  SCHEME_NAMES.map((scheme) => [`SECRET_${scheme.toUpperCase().replaceAll('-', '_')}`, secretOf(scheme)]),
);

export interface Wire {
  readonly method: string;
  readonly path: string;
  /** Names and values in order; a name may come twice. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** Sizes of chunks; without it the length stands in front. */
  readonly chunks?: readonly number[];
  /** What is said of the length, where that is not true. */
  readonly saidLength?: number;
}

const idHeader: Partial<Record<SchemeName, string>> = { 'standard-webhooks': 'webhook-id', finch: 'finch-event-id' };
const timeHeader: Partial<Record<SchemeName, string>> = {
  'standard-webhooks': 'webhook-timestamp',
  finch: 'finch-timestamp',
  bamboohr: 'x-bamboohr-timestamp',
  hmac: 'x-timestamp',
};
const signatureHeader: Record<SchemeName, string> = {
  'standard-webhooks': 'webhook-signature',
  finch: 'finch-signature',
  bamboohr: 'x-bamboohr-signature',
  hibob: 'bob-signature',
  merge: 'x-merge-webhook-signature',
  gusto: 'x-gusto-signature',
  deel: 'x-deel-signature',
  hmac: 'x-signature',
  token: 'authorization',
};

/** The signature as the sender of this scheme writes it, made here without a line of what checks it. */
function signature(scheme: SchemeName, secret: string, body: Buffer, time: string, id: string): string {
  const mac = (algorithm: string, ...parts: readonly (string | Buffer)[]) => {
    const hmac = createHmac(algorithm, isBase64Key(scheme) ? Buffer.from(secret, 'base64') : secret);
    for (const part of parts) hmac.update(part);
    return hmac;
  };
  switch (scheme) {
    case 'standard-webhooks':
    case 'finch':
      return `v1,${mac('sha256', `${id}.${time}.`, body).digest('base64')}`;
    case 'bamboohr':
      return mac('sha256', body, time).digest('hex');
    case 'hibob':
      return mac('sha512', body).digest('base64');
    case 'merge':
      return mac('sha256', body).digest('base64url');
    case 'gusto':
      return mac('sha256', body).digest('hex');
    case 'deel':
      return mac('sha256', 'POST', body).digest('hex');
    case 'hmac':
      return `sha256=${mac('sha256', `${time}.`, body).digest('hex')}`;
    case 'token':
      return secret;
  }
}

export function genuine(scheme: SchemeName, event: string, nowMs: number, secret = secretOf(scheme)): Wire {
  const body = Buffer.from(JSON.stringify({ event, id: '1000', name: 'Zoë' }));
  const time = String(Math.floor(nowMs / 1000));
  const headers: (readonly [string, string])[] = [['content-type', 'application/json']];
  const ids = idHeader[scheme];
  if (ids !== undefined) headers.push([ids, event]);
  const times = timeHeader[scheme];
  if (times !== undefined) headers.push([times, time]);
  headers.push([signatureHeader[scheme], signature(scheme, secret, body, time, event)]);
  return { method: 'POST', path: pathOf(scheme), headers, body };
}

export interface Mutant {
  readonly scheme: SchemeName;
  readonly kind: MutantKind;
  readonly wire: Wire;
}

export const MUTANT_KINDS = [
  'body',
  'signature',
  'secret',
  'other hook',
  'time',
  'late',
  'header',
  'encoding',
  'method',
  'path',
  'length',
  'chunks',
  'too large',
  'id',
] as const;
export type MutantKind = (typeof MUTANT_KINDS)[number];

const flipped = (body: Buffer, at: number, by: number): Buffer => {
  const copy = Buffer.from(body);
  copy[at] = (copy[at] ?? 0) ^ by;
  return copy;
};

/** Null where the kind does not change anything for this scheme. */
export function mutant(
  kind: MutantKind,
  scheme: SchemeName,
  event: string,
  nowMs: number,
  random: () => number,
): Mutant | null {
  const wire = genuine(scheme, event, nowMs);
  const below = (count: number): number => Math.floor(random() * count);
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const withHeader = (name: string, change: (value: string) => string): Wire => ({
    ...wire,
    headers: wire.headers.map(([key, value]) =>
      key === name ? ([key, change(value)] as const) : ([key, value] as const),
    ),
  });
  const without = (name: string): Wire => ({ ...wire, headers: wire.headers.filter(([key]) => key !== name) });
  const of = (changed: Wire | null): Mutant | null => (changed === null ? null : { scheme, kind, wire: changed });
  const signs = signatureHeader[scheme];
  const times = timeHeader[scheme];
  const shifted = (): number => one([-1, 1]) * (301 + below(1_000_000));

  switch (kind) {
    case 'body': {
      // A token proves who sends, not what.
      if (scheme === 'token') return null;
      const { body } = wire;
      const changes: readonly Buffer[] = [
        flipped(body, below(body.length), 1 << below(8)),
        body.subarray(0, below(body.length)),
        Buffer.concat([body, Buffer.from(one([' ', '\n', '\0', '{}', '\ufeff']))]),
        Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1)),
        Buffer.from(body.toString().replace('1000', String(below(1000)))),
        Buffer.from(body.toString().normalize('NFD')),
        Buffer.from(body.toString(), 'latin1'),
      ];
      return of({ ...wire, body: one(changes) });
    }
    case 'signature':
      return of(
        one([
          () => without(signs),
          () => withHeader(signs, () => ''),
          () => withHeader(signs, (value) => value.slice(0, below(value.length))),
          // The last character of base64 holds bits that mean nothing: another one may read alike and is refused as well.
          () => withHeader(signs, (value) => substituted(value, below(value.length), random)),
          () => withHeader(signs, (value) => `${value}${one(['0', 'A', '=a', '\t0'])}`),
          () => withHeader(signs, (value) => value.split('').reverse().join('')),
          () =>
            withHeader(signs, () => one(['v1,', 'v1,=', 'sha256=', 'null', 'undefined', '0'.repeat(64), 'Bearer '])),
        ])(),
      );
    case 'secret':
      return of(
        genuine(
          scheme,
          event,
          nowMs,
          isBase64Key(scheme) ? Buffer.from('another-secret-0001').toString('base64') : 'another-secret-0001',
        ),
      );
    case 'other hook': {
      const other = one(SCHEME_NAMES.filter((name) => name !== scheme));
      return of({ ...wire, path: pathOf(other) });
    }
    case 'time':
      return times === undefined
        ? null
        : of(
            one([
              () => without(times),
              () => withHeader(times, (value) => String(Number(value) + one([1, -1, 10, -60]))),
              () =>
                withHeader(times, () =>
                  one(['', '0', '-1', 'NaN', 'now', '1e9', '0x10', `${Math.floor(nowMs / 1000)}.0`]),
                ),
            ])(),
          );
    case 'late':
      // Signed as it should be, and an hour or a year away.
      return isTimed(scheme) ? of(genuine(scheme, event, nowMs + shifted() * 1000)) : null;
    case 'header':
      return of(
        withHeader('content-type', () =>
          one(['text/plain', 'text/html', 'application/xml', 'json', '', 'application/json; charset=utf-7']),
        ),
      );
    case 'encoding':
      return of({
        ...wire,
        headers: [...wire.headers, ['content-encoding', one(['gzip', 'br', 'deflate', 'x', 'gzip, identity'])]],
      });
    case 'method':
      return of({ ...wire, method: one(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE']) });
    case 'path':
      return of({
        ...wire,
        path: one([
          `${wire.path}/`,
          wire.path.toUpperCase(),
          `/x${wire.path}`,
          `${wire.path}x`,
          `//hooks/${scheme}`,
          `/hooks/../hooks/${scheme}x`,
          '/hooks',
          '/',
        ]),
      });
    case 'length': {
      const twice: Wire = { ...wire, headers: [...wire.headers, ['content-length', String(below(20))]] };
      // Cut short, what bears a token is still from who bears it.
      return of(scheme === 'token' ? twice : one([{ ...wire, saidLength: below(wire.body.length) }, twice]));
    }
    case 'chunks':
      return of({
        ...wire,
        headers: [...wire.headers, ['content-length', String(wire.body.length)]],
        chunks: [1 + below(10), 1 + below(50)],
      });
    case 'too large': {
      const body = Buffer.alloc(65_537 + below(200_000), 0x20);
      return of({ ...wire, body, ...(random() < 0.5 ? { chunks: [8_192] } : {}) });
    }
    case 'id': {
      const ids = idHeader[scheme];
      return ids === undefined
        ? null
        : of(one([without(ids), withHeader(ids, (value) => `${value}x`), withHeader(ids, () => '')]));
    }
  }
}

function substituted(value: string, at: number, random: () => number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_';
  const before = value[at] ?? '';
  // Hex is read in either case: that is the same signature.
  const others = [...letters].filter((letter) => letter.toLowerCase() !== before.toLowerCase());
  return `${value.slice(0, at)}${others[Math.floor(random() * others.length)]}${value.slice(at + 1)}`;
}
