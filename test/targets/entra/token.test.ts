import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ClientProof } from '../../../src/mapping/auth-settings.ts';
import { openAccess } from '../../../src/runtime/access/access.ts';
import { rolesIn } from '../../../src/targets/entra/probe.ts';
import { CLIENT, startFakeEntra } from '../../support/fake-entra.ts';
import { heldClock } from '../../support/held-clock.ts';
import { NOON } from '../../support/house.ts';
import { certificate } from '../../support/wire.ts';

const SECRETS: Readonly<Record<string, string>> = {
  KEY: certificate('client-one.key'),
  CERTIFICATE: certificate('client-one.pem'),
  SECRET: 'app-secret',
  OTHER: 'not-the-secret',
};
const env = (name: string) => ({ kind: 'env', name }) as const;

async function shownBy(proof: ClientProof) {
  const clock = heldClock(NOON);
  const pem = String(
    new X509Certificate(certificate('client-one.pem')).publicKey.export({ type: 'spki', format: 'pem' }),
  );
  await using entra = await startFakeEntra({ now: clock.nowMs, keys: [pem] });
  const { credentials } = openAccess(
    {
      auth: {
        kind: 'oauth2',
        tokenUrl: { kind: 'literal', text: entra.tokenUrl },
        clientId: { kind: 'literal', text: CLIENT },
        scope: 'https://graph.microsoft.com/.default',
        form: {},
        proof,
      },
      timeoutMs: 10_000,
    },
    {
      secret: (reference) => () => SECRETS[reference.kind === 'env' ? reference.name : ''] ?? '',
      now: clock.nowMs,
      userAgent: 'rollcall/test',
    },
  );
  const shown = await credentials.headers(new AbortController().signal);
  await credentials.close();
  return shown;
}

describe('the token of the app', () => {
  it.each<[string, ClientProof]>([
    ['a secret', { method: 'client_secret_post', secret: env('SECRET') }],
    ['a certificate', { method: 'private_key_jwt', key: env('KEY'), certificate: env('CERTIFICATE') }],
  ])('is had with %s, and shows its permissions', async (_, proof) => {
    const shown = await shownBy(proof);
    if ('fault' in shown) throw new Error(shown.detail);
    expect(rolesIn(shown.headers.authorization ?? '')).toContain('SynchronizationData-User.Upload');
  });

  it.each<[string, ClientProof]>([
    ['another secret', { method: 'client_secret_post', secret: env('OTHER') }],
    ['a key without its certificate', { method: 'private_key_jwt', key: env('KEY') }],
  ])('is not had with %s', async (_, proof) => {
    expect(await shownBy(proof)).toHaveProperty('fault');
  });

  it('that shows no permissions, or is no JWT, says so', () => {
    expect(rolesIn('Bearer opaque')).toBeNull();
    expect(rolesIn('Bearer a.b.c')).toBeNull();
    expect(rolesIn(`Bearer e30.${Buffer.from('{}').toString('base64url')}.x`)).toEqual([]);
  });
});
