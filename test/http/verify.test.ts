import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { checkSecret, TOLERANCE_MS, type Verify, verifier } from '../../src/http/hooks/verify.ts';
import { type HmacSettings, signedParts, type VerifySettings } from '../../src/mapping/webhook-settings.ts';

// The vectors of the reference: key, time and body of all of them.
const KEY = 'example-secret-0001';
const TIME = '1772442900';
const NOW = Number(TIME) * 1000;
const BODY = Buffer.from(
  '{"type":"employee.updated","timestamp":"2026-03-02T09:15:00Z","data":{"companyId":"1001","employeeId":"42","changedFields":["jobTitle"]}}',
);
const WHSEC = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

type Scheme = VerifySettings['scheme'];
const settings = (scheme: Exclude<Scheme, 'hmac' | 'token'>): VerifySettings => ({ scheme, secrets: [] });
const of = (setting: VerifySettings, ...secrets: readonly string[]): Verify =>
  verifier(
    setting,
    secrets.map((secret) => () => secret),
  );

interface Vector {
  readonly scheme: Exclude<Scheme, 'hmac' | 'token'>;
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signature: string;
}

const VECTORS: readonly Vector[] = [
  {
    scheme: 'bamboohr',
    secret: KEY,
    headers: {
      'x-bamboohr-timestamp': TIME,
      'x-bamboohr-signature': 'a474f50acfd82f9de74d52d8b26f46eca1a31d7a2ddc1cf27daf7b25771c1262',
    },
    signature: 'x-bamboohr-signature',
  },
  {
    scheme: 'hibob',
    secret: KEY,
    headers: {
      'bob-signature': 'vp8lCi5wELwY+7bFW3eYeElXNCmct1SEh3VJB+1OQBJU3WpGokS5kByMpyUrU8gHogpzbzrK6C9gIvcnITRt+A==',
    },
    signature: 'bob-signature',
  },
  {
    scheme: 'merge',
    secret: KEY,
    headers: { 'x-merge-webhook-signature': 'a6IGH5zPLBZuvjCvQWPRMKjsezjqZm5L_63fhdorGHU=' },
    signature: 'x-merge-webhook-signature',
  },
  {
    scheme: 'gusto',
    secret: KEY,
    headers: { 'x-gusto-signature': '6ba2061f9ccf2c166ebe30af4163d130a8ec7b38ea666e4bffaddf85da2b1875' },
    signature: 'x-gusto-signature',
  },
  {
    scheme: 'deel',
    secret: KEY,
    headers: { 'x-deel-signature': 'e510c98e2f34939074f7cd7416c181b501d7ba2652f4b39d2bcbe85a8e373541' },
    signature: 'x-deel-signature',
  },
  {
    scheme: 'standard-webhooks',
    secret: WHSEC,
    headers: {
      'webhook-id': 'msg_example0001',
      'webhook-timestamp': TIME,
      'webhook-signature': 'v1,cCcw3R7iYQwAdr1d+B2k1MGVlEjgca2X+P0XHS2vFPk=',
    },
    signature: 'webhook-signature',
  },
  {
    scheme: 'finch',
    secret: WHSEC.replace('whsec_', ''),
    headers: {
      'finch-event-id': 'msg_example0001',
      'finch-timestamp': TIME,
      'finch-signature': 'v1,cCcw3R7iYQwAdr1d+B2k1MGVlEjgca2X+P0XHS2vFPk=',
    },
    signature: 'finch-signature',
  },
];

describe.each(VECTORS)('the scheme $scheme', ({ scheme, secret, headers, signature }) => {
  const verify = of(settings(scheme), secret);
  const other = (text: string): string => `${text.slice(0, -4)}${text.at(-4) === 'a' ? 'b' : 'a'}${text.slice(-3)}`;

  test('takes the vector of the reference', () => {
    expect(verify({ headers, body: BODY }, NOW)).not.toBeNull();
  });
  test('takes it with the second of two live secrets', () => {
    const older = 'MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=';
    expect(of(settings(scheme), older, secret)({ headers, body: BODY }, NOW)).not.toBeNull();
    expect(of(settings(scheme), older)({ headers, body: BODY }, NOW)).toBeNull();
  });
  test('refuses another body, another signature, none, and one that stands there twice', () => {
    const changed = Buffer.from(BODY.toString().replace('42', '43'));
    const given = headers[signature] ?? '';
    expect(verify({ headers, body: changed }, NOW)).toBeNull();
    expect(verify({ headers: { ...headers, [signature]: other(given) }, body: BODY }, NOW)).toBeNull();
    expect(verify({ headers: { ...headers, [signature]: '' }, body: BODY }, NOW)).toBeNull();
    // Only where several signatures may stand in one header is a second one no reason to doubt.
    const twice = verify({ headers: { ...headers, [signature]: `${given}, ${given}` }, body: BODY }, NOW);
    expect(twice !== null).toBe(given.startsWith('v1,'));
    const { [signature]: _, ...without } = headers;
    expect(verify({ headers: without, body: BODY }, NOW)).toBeNull();
  });
  test('refuses what lies more than five minutes away, where it signs the time', () => {
    const timed = Object.keys(headers).some((name) => name.endsWith('timestamp'));
    for (const distance of [TOLERANCE_MS, -TOLERANCE_MS]) {
      expect(verify({ headers, body: BODY }, NOW + distance)).not.toBeNull();
      const beyond = verify({ headers, body: BODY }, NOW + distance + Math.sign(distance) * 1000);
      expect(beyond === null).toBe(timed);
    }
  });
});

test('a request that the library of Standard Webhooks signs is genuine, and its id is the event', () => {
  const signature = new Webhook(WHSEC).sign('msg_1', new Date(NOW), BODY.toString());
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': TIME, 'webhook-signature': `v1a,xx ${signature}` };
  expect(of(settings('standard-webhooks'), WHSEC)({ headers, body: BODY }, NOW)).toEqual({
    id: 'msg_1',
    timestamp: TIME,
  });
});

describe('a scheme of one’s own', () => {
  const hmac: HmacSettings = {
    header: 'x-signature',
    algorithm: 'sha512',
    encoding: 'base64url',
    prefix: 'sha512=',
    key: 'hex',
    signed: signedParts('{id}/{timestamp}:{body}'),
    timestampHeader: 'x-time',
    idHeader: 'x-id',
  };
  const key = 'ab'.repeat(20);
  const signed = (id: string, time: string, body: Buffer): string =>
    `sha512=${createHmac('sha512', Buffer.from(key, 'hex')).update(`${id}/${time}:`).update(body).digest('base64url')}`;
  const verify = of({ scheme: 'hmac', secrets: [], hmac }, key);

  test.each(['1772442900', '1772442900000', '2026-03-02T09:15:00Z', '2026-03-02T10:15:00+0100'])(
    'reads the time %s',
    (time) => {
      const headers = { 'x-signature': signed('e1', time, BODY), 'x-time': time, 'x-id': 'e1' };
      expect(verify({ headers, body: BODY }, NOW)).toEqual({ id: 'e1', timestamp: time });
      expect(verify({ headers: { ...headers, 'x-id': 'e2' }, body: BODY }, NOW)).toBeNull();
    },
  );
  test.each(['', 'soon', '-1', '1e9', '99999999999999999999', '2026-03-02', '1772442900 '.repeat(2), '0x69A5'])(
    'takes %j for no time',
    (time) => {
      const headers = { 'x-signature': signed('e1', time, BODY), 'x-time': time, 'x-id': 'e1' };
      expect(verify({ headers, body: BODY }, NOW)).toBeNull();
    },
  );
});

describe('a token', () => {
  const secret = 'a-token-that-is-long-enough';
  const bearer = of({ scheme: 'token', secrets: [], header: 'authorization', bearer: true }, secret);
  const plain = of({ scheme: 'token', secrets: [], header: 'authorization', bearer: false }, secret);
  const given = (authorization: string) => ({ headers: { authorization }, body: BODY });

  test('is taken as the whole header, or behind Bearer where the file says so', () => {
    expect(plain(given(secret), NOW)).not.toBeNull();
    expect(bearer(given(`Bearer ${secret}`), NOW)).not.toBeNull();
    expect(bearer(given(secret), NOW)).toBeNull();
    expect(plain(given(`Bearer ${secret}`), NOW)).toBeNull();
    expect(plain(given(`${secret}x`), NOW)).toBeNull();
    expect(plain(given(secret.slice(1)), NOW)).toBeNull();
  });
});

test.each([
  ['gusto', 'tiny-one', 'shorter than 16 bytes'],
  ['standard-webhooks', 'whsec_not base64!', 'is not written in base64'],
  ['standard-webhooks', 'whsec_', 'is not written in base64'],
] as const)('a secret of %s that is %j is refused before the first request', (scheme, secret, words) => {
  expect(() => checkSecret(settings(scheme), secret, '/hooks/acme')).toThrow(words);
  expect(() => checkSecret(settings(scheme), secret, '/hooks/acme')).not.toThrow(secret);
});
