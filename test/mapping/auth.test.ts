import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { AUTH_KINDS } from '../../src/mapping/auth-schema.ts';
import { mappingHelp } from '../../src/mapping/help.ts';
import { NO_CREDENTIALS, PROXY_FAULTS, TOKEN_DOWN, TOKEN_REFUSED } from '../../src/runtime/access/faults.ts';
import { connectionOf, faultsOf, smallFile } from '../support/mappings.ts';

const BEARER = '    auth: { kind: bearer, token: "${env:IDP_TOKEN}" }';
/** The small file with other access; each line stands at the depth of the keys of a target. */
const withAccess = (...lines: readonly string[]): string =>
  smallFile().replace(BEARER, lines.map((line) => `    ${line}`).join('\n'));
const targetWith = (...lines: readonly string[]) => connectionOf(withAccess(...lines)).targets[0];
const complaints = (...lines: readonly string[]): readonly string[] =>
  faultsOf(withAccess(...lines)).map((fault) => faultLine(fault).replace(/^test\.yaml:\d+:\d+ /, ''));

const OAUTH = [
  'auth:',
  '  kind: oauth2',
  '  tokenUrl: https://idp.example.com/oauth2/v1/token',
  '  clientId: rollcall',
];
const file = (path: string) => ({ kind: 'file', path });
const env = (name: string) => ({ kind: 'env', name });
const literal = (text: string) => ({ kind: 'literal', text });

describe('auth', () => {
  it('is basic with a name and a password', () => {
    expect(targetWith('auth: { kind: basic, user: rollcall, password: "${file:/run/p}" }')?.auth).toEqual({
      kind: 'basic',
      user: literal('rollcall'),
      password: file('/run/p'),
    });
  });

  it('is a client certificate, with or without passphrase and token', () => {
    expect(targetWith('auth: { kind: mtls, certificate: "${file:/c.pem}", key: "${file:/k.pem}" }')?.auth).toEqual({
      kind: 'mtls',
      certificate: file('/c.pem'),
      key: file('/k.pem'),
    });
    const more = 'passphrase: "${env:PHRASE}", token: "${env:TOKEN}"';
    expect(
      targetWith(`auth: { kind: mtls, certificate: "\${file:/c.pem}", key: "\${file:/k.pem}", ${more} }`)?.auth,
    ).toMatchObject({ passphrase: env('PHRASE'), token: env('TOKEN') });
  });

  it('is OAuth with a secret, sent as RFC 6749 prefers unless told otherwise', () => {
    const secret = '  clientSecret: "${env:SECRET}"';
    expect(targetWith(...OAUTH, secret)?.auth).toEqual({
      kind: 'oauth2',
      tokenUrl: literal('https://idp.example.com/oauth2/v1/token'),
      clientId: literal('rollcall'),
      scope: '',
      form: {},
      proof: { method: 'client_secret_basic', secret: env('SECRET') },
    });
    const more = [
      '  method: client_secret_post',
      '  scope: [a, b]',
      '  audience: urn:x',
      '  form: { resource: "${env:R}" }',
    ];
    expect(targetWith(...OAUTH, secret, ...more)?.auth).toMatchObject({
      scope: 'a b',
      form: { audience: literal('urn:x'), resource: env('R') },
      proof: { method: 'client_secret_post' },
    });
  });

  it('is OAuth with a signed assertion', () => {
    const lines = [
      '  method: private_key_jwt',
      '  privateKey: "${file:/key.pem}"',
      '  algorithm: ES256',
      '  keyId: k1',
    ];
    expect(targetWith(...OAUTH, ...lines, '  certificate: "${file:/c.pem}"')?.auth).toMatchObject({
      proof: {
        method: 'private_key_jwt',
        key: file('/key.pem'),
        algorithm: 'ES256',
        keyId: literal('k1'),
        certificate: file('/c.pem'),
      },
    });
  });

  it('goes with an authority and a proxy', () => {
    expect(targetWith(BEARER.trim(), 'ca: "${file:/ca.pem}"', 'proxy: http://proxy.example.com:3128')).toMatchObject({
      ca: file('/ca.pem'),
      proxy: literal('http://proxy.example.com:3128'),
    });
    expect(targetWith(BEARER.trim(), 'proxy: "${env:PROXY}"')).toMatchObject({ proxy: env('PROXY') });
    expect(targetWith(BEARER.trim())).not.toHaveProperty('ca');
  });
});

describe('faults of auth', () => {
  it.each([
    ['auth: { kind: saml, token: "${env:X}" }', /auth\.kind: the value must be: bearer \| basic \| oauth2 \| mtls/],
    ['auth: { token: "${env:X}" }', /auth\.kind is missing/],
    ['auth: { kind: bearer }', /auth\.token is missing/],
    ['auth: { kind: bearer, tokn: "${env:X}", token: "${env:X}" }', /unknown key "tokn" .* did you mean "token"/],
    ['auth: { kind: bearer, token: "${env:X}", clientId: x }', /unknown key "clientId" .* it belongs to kind oauth2/],
    ['auth: { kind: basic, user: "a:b", password: "${env:X}" }', /auth\.user: .*no colon/],
    ['auth: { kind: basic, user: "${env:X", password: "${env:X}" }', /auth\.user: the reference is not understood/],
    ['auth: { kind: basic, user: " ", password: "${env:X}" }', /auth\.user: a text is due/],
    ['auth: { kind: mtls, certificate: /c.pem, key: "${file:/k}" }', /auth\.certificate: a reference is due here/],
    ['auth: { kind: mtls, key: "${file:/k}" }', /auth\.certificate is missing/],
  ])('%s', (line, message) => {
    expect(complaints(line)).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    [['  tokenUrl: http://idp.example.com/token'], /auth\.tokenUrl: tokenUrl is no https address/],
    [['  tokenUrl: https://a:hunter2@idp.example.com/token'], /auth\.tokenUrl: tokenUrl holds credentials/],
    [['  tokenUrl: https://idp.example.com/#x'], /auth\.tokenUrl: tokenUrl is no https address/],
    [['  tokenUrl: idp.example.com'], /auth\.tokenUrl: tokenUrl is no https address/],
    [['  scope: ["a b\\\\c"]'], /auth\.scope\[0\]: this is no scope/],
    [['  scope: "a  b"'], /auth\.scope: this is no scope/],
    [['  scope: [""]'], /auth\.scope\[0\]: this is no scope/],
    [['  form: { grant_type: password }'], /auth\.form\.grant_type: grant_type cannot stand among further fields/],
    [['  form: { scope: x }'], /auth\.form\.scope: .*use the key scope/],
    [['  form: { api_key: hunter2 }'], /auth\.form\.api_key: a secret stands where a reference to it is due/],
    [['  method: tls'], /auth\.method: the value must be: client_secret_basic/],
    [['  keyId: k1'], /auth\.keyId: keyId means nothing here – it belongs to method private_key_jwt/],
    [['  privateKey: "${file:/k}"'], /auth\.privateKey: privateKey means nothing here/],
  ])('%j of oauth2', (changed, message) => {
    const keys = changed.map((line) => line.trim().split(':')[0]);
    const others = OAUTH.filter((line) => !keys.includes(line.trim().split(':')[0]));
    const found = complaints(...others, '  clientSecret: "${env:SECRET}"', ...changed);
    expect(found).toEqual([expect.stringMatching(message)]);
    expect(found.join()).not.toContain('hunter2');
  });

  it('names what a method needs, and what it has no use for', () => {
    expect(complaints(...OAUTH)).toEqual([expect.stringMatching(/auth\.clientSecret is missing/)]);
    expect(complaints(...OAUTH, '  method: private_key_jwt', '  clientSecret: "${env:X}"')).toEqual([
      expect.stringMatching(/auth\.privateKey is missing/),
      expect.stringMatching(/auth\.clientSecret: clientSecret means nothing here/),
    ]);
    expect(
      complaints(...OAUTH, '  method: private_key_jwt', '  privateKey: "${file:/k}"', '  algorithm: HS256'),
    ).toEqual([expect.stringMatching(/auth\.algorithm: the value must be: RS256/)]);
  });

  it('of every secret that is written out are found at once, and none is repeated', () => {
    const found = [
      ...complaints('auth: { kind: basic, user: x, password: hunter2 }', 'ca: hunter2', 'proxy: http://u:hunter2@p:1'),
      ...complaints(...OAUTH, '  clientSecret: hunter2'),
      ...complaints(...OAUTH, '  method: private_key_jwt', '  privateKey: hunter2', '  passphrase: hunter2'),
      ...complaints(
        'auth: { kind: mtls, certificate: "${file:/c}", key: hunter2, token: hunter2, passphrase: hunter2 }',
      ),
    ];
    expect(found).toHaveLength(9);
    expect(found.join()).not.toContain('hunter2');
    expect(found.filter((line) => line.includes('a secret stands where a reference to it is due'))).toHaveLength(7);
  });

  it.each(['ftp://proxy:1', 'http://proxy:1/path', 'proxy', 'http://proxy:1?x=1'])(
    'proxy: %s is no proxy',
    (address) => {
      expect(complaints(BEARER.trim(), `proxy: "${address}"`)).toEqual([
        expect.stringMatching(/targets\[0\]\.proxy: this is no address of a proxy/),
      ]);
    },
  );

  it('stand at the line and column of their values', () => {
    const faults = faultsOf(withAccess('auth: { kind: basic, user: x, password: hunter2 }', 'ca: here'));
    expect(faults.map(({ place }) => [place?.key, place?.column])).toEqual([
      ['targets[0].auth.password', 45],
      ['targets[0].ca', 9],
    ]);
  });
});

describe('a token URL on this machine', () => {
  it.each(['http://127.0.0.1:9/t', 'http://localhost/t', 'http://[::1]:9/t'])('%s may do without TLS', (url) => {
    expect(complaints(...OAUTH.with(2, `  tokenUrl: "${url}"`), '  clientSecret: "${env:X}"')).toEqual([]);
  });

  it.each(['http://127.0.0.1.example.com/t', 'http://localhost.example.com/t', 'http://0.0.0.0/t'])(
    '%s is none',
    (url) => {
      expect(complaints(...OAUTH.with(2, `  tokenUrl: "${url}"`), '  clientSecret: "${env:X}"')).toHaveLength(1);
    },
  );
});

describe('docs/auth.md', () => {
  const document = readFileSync(new URL('../../docs/auth.md', import.meta.url), 'utf8');
  const examples = [...document.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text.trimEnd());

  it('shows every kind', () => {
    expect(examples.length).toBeGreaterThanOrEqual(AUTH_KINDS.length);
    for (const kind of AUTH_KINDS)
      expect(
        examples.some((text) => text.includes(`kind: ${kind}`)),
        kind,
      ).toBe(true);
  });

  it.each(examples)('is right in saying\n%s', (text) => {
    expect(complaints(...text.split('\n'))).toEqual([]);
  });

  it('explains codes that exist', () => {
    const known = [...NO_CREDENTIALS, ...TOKEN_REFUSED, TOKEN_DOWN, ...PROXY_FAULTS] as readonly string[];
    const named = [...document.matchAll(/`((?:no|token|proxy)-[\w-]+)`/g)].map(([, code = '']) => code);
    expect(named.length).toBeGreaterThan(10);
    for (const code of named) expect(known).toContain(code);
  });
});

it('help lists every key of every kind once, with the kinds it belongs to', () => {
  const entry = (key: string) => mappingHelp().find((one) => one.key === `targets[].auth${key}`);
  expect(entry('')).toMatchObject({ type: 'section', default: 'required' });
  expect(entry('.kind')).toMatchObject({ type: 'bearer | basic | oauth2 | mtls | ssws', default: 'required' });
  expect(entry('.token')?.description).toMatch(/^bearer: .* mtls: /);
  expect(entry('.passphrase')?.description).toMatch(/^oauth2, mtls: /);
  expect(entry('.method')).toMatchObject({ default: '"client_secret_basic"' });
  expect(entry('.form.*')).toBeDefined();
});
