import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AuthSettings } from '../../../src/mapping/auth-settings.ts';
import type { Access } from '../../../src/runtime/access/access.ts';
import { accessTo, guardedBy, literal, secretFolder } from '../../support/access-desk.ts';
import { startFakeIdp } from '../../support/fake-idp.ts';
import { ALICE, openDesk, operation, TOKEN } from '../../support/scim-desk.ts';
import { startTokenServer } from '../../support/token-server.ts';
import { certificate, pairOf, startProxy, startTlsFront } from '../../support/wire.ts';

/** Requests flow through so many hands at once; a step of the rotation comes after so many more of them are done. */
const HANDS = 6;
const BETWEEN = 25;

interface Flow {
  readonly baseUrl: string;
  readonly access: Access;
  /** Each takes effect at once, at the server and in the files. */
  readonly steps: readonly (() => void)[];
}

/** Delivers until all steps are taken and requests went on after the last. @returns classes with their counts. */
async function flow({ baseUrl, access, steps }: Flow): Promise<Readonly<Record<string, number>>> {
  await using desk = openDesk(baseUrl, { access, concurrency: HANDS });
  const classes: Record<string, number> = {};
  let started = 0;
  let done = 0;
  let taken = 0;
  const hand = async (): Promise<void> => {
    while (done < (steps.length + 1) * BETWEEN) {
      started += 1;
      const name = `n${started}@example.com`;
      const { outcome } = await desk.deliver(operation('create', { ...ALICE, externalId: name, userName: name }));
      const what = outcome.class === 'done' ? 'done' : `${outcome.class} ${outcome.code} ${outcome.detail}`;
      classes[what] = (classes[what] ?? 0) + 1;
      done += 1;
      if (taken < steps.length && done >= (taken + 1) * BETWEEN) {
        steps[taken]?.();
        taken += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: HANDS }, hand));
  expect(taken).toBe(steps.length);
  return classes;
}

const onlyDone = (classes: Readonly<Record<string, number>>) => {
  expect(Object.keys(classes)).toEqual(['done']);
};

test('a bearer token changes while requests flow: none fails', async () => {
  const folder = secretFolder();
  let good = 'token-0';
  await using idp = await startFakeIdp(guardedBy((authorization) => authorization === `Bearer ${good}`));
  const token = folder.put('token', good);
  const change = (n: number) => () => {
    good = `token-${n}`;
    // In place and beside it, by turns.
    if (n % 2 === 0) folder.put('token', good);
    else folder.overwrite('token', good);
  };
  const access = accessTo({ auth: { kind: 'bearer', token } });
  onlyDone(await flow({ baseUrl: idp.url, access, steps: [1, 2, 3, 4].map(change) }));
  expect(idp.log.filter(({ status }) => status === 401).length).toBeGreaterThan(0);
});

test('a password changes while requests flow: none fails', async () => {
  const folder = secretFolder();
  let good = 'pass-0';
  const header = () => `Basic ${Buffer.from(`rollcall:${good}`).toString('base64')}`;
  await using idp = await startFakeIdp(guardedBy((authorization) => authorization === header()));
  const password = folder.put('password', good);
  const access = accessTo({ auth: { kind: 'basic', user: literal('rollcall'), password } });
  const change = (n: number) => () => {
    good = `pass-${n}`;
    folder.put('password', good);
  };
  onlyDone(await flow({ baseUrl: idp.url, access, steps: [1, 2, 3].map(change) }));
});

test('a client secret changes and every token is revoked while requests flow: none fails', async () => {
  const folder = secretFolder();
  const secrets = ['secret-0'];
  let nowMs = Date.parse('2026-11-23T11:00:00Z');
  const now = () => nowMs;
  await using tokens = await startTokenServer({ secrets, now });
  await using idp = await startFakeIdp(guardedBy(tokens.takes));
  const secret = folder.put('secret', 'secret-0');
  const access = accessTo(
    {
      auth: {
        kind: 'oauth2',
        tokenUrl: literal(tokens.url),
        clientId: literal('rollcall'),
        scope: '',
        form: {},
        proof: { method: 'client_secret_basic', secret },
      },
    },
    now,
  );
  const change = (n: number) => () => {
    nowMs += 10 * 60_000;
    secrets.splice(0, secrets.length, `secret-${n}`);
    folder.put('secret', `secret-${n}`);
    tokens.revoke();
  };
  onlyDone(await flow({ baseUrl: idp.url, access, steps: [1, 2, 3].map(change) }));
  // One token for each secret: whoever met a 401 shared the next one.
  expect(tokens.log.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test('a signing key changes while requests flow: none fails', async () => {
  const folder = secretFolder();
  const pairs = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const [before, after] = pairs.map(({ publicKey, privateKey }) => ({
    public: String(publicKey.export({ type: 'spki', format: 'pem' })),
    private: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }));
  const keys = [before?.public ?? ''];
  await using tokens = await startTokenServer({ keys });
  await using idp = await startFakeIdp(guardedBy(tokens.takes));
  const key = folder.put('key', before?.private ?? '');
  const auth: AuthSettings = {
    kind: 'oauth2',
    tokenUrl: literal(tokens.url),
    clientId: literal('rollcall'),
    scope: '',
    form: {},
    proof: { method: 'private_key_jwt', key },
  };
  const change = () => {
    keys.splice(0, 1, after?.public ?? '');
    folder.put('key', after?.private ?? '');
    tokens.revoke();
  };
  onlyDone(await flow({ baseUrl: idp.url, access: accessTo({ auth }), steps: [change] }));
});

test('a client certificate changes, file by file and to another authority, while requests flow: none fails', async () => {
  const folder = secretFolder();
  await using idp = await startFakeIdp({ token: TOKEN });
  const server = { ...pairOf('server'), requestCert: true, rejectUnauthorized: true };
  await using front = await startTlsFront(idp.url, { ...server, ca: certificate('ca.pem') });
  const auth: AuthSettings = {
    kind: 'mtls',
    certificate: folder.put('client.pem', certificate('client-one.pem')),
    key: folder.put('client.key', certificate('client-one.key')),
    token: folder.put('token', TOKEN),
  };
  const access = accessTo({ auth, ca: folder.put('ca.pem', certificate('ca.pem')) });
  const put = (file: string, name: string) => () => void folder.put(file, certificate(name));
  onlyDone(
    await flow({
      baseUrl: front.url,
      access,
      steps: [
        // For a while certificate and key are no pair.
        put('client.pem', 'client-two.pem'),
        put('client.key', 'client-two.key'),
        () => front.use({ ca: [certificate('ca.pem'), certificate('other-ca.pem')] }),
        put('client.key', 'client-of-other-ca.key'),
        put('client.pem', 'client-of-other-ca.pem'),
        () => front.use({ ca: certificate('other-ca.pem') }),
      ],
    }),
  );
  expect([...new Set(front.clients)]).toEqual(['client-one', 'client-two', 'client-of-other-ca']);
});

test('the authority of the server changes while requests flow: none fails', async () => {
  const folder = secretFolder();
  await using idp = await startFakeIdp({ token: TOKEN });
  await using front = await startTlsFront(idp.url, pairOf('server'));
  const ca = folder.put('ca.pem', certificate('ca.pem'));
  const access = accessTo({ auth: { kind: 'bearer', token: folder.put('token', TOKEN) }, ca });
  const steps = [
    () => void folder.put('ca.pem', certificate('ca.pem') + certificate('other-ca.pem')),
    () => front.use(pairOf('server-of-other-ca')),
    () => void folder.put('ca.pem', certificate('other-ca.pem')),
  ];
  onlyDone(await flow({ baseUrl: front.url, access, steps }));
  expect(front.clients.length).toBeGreaterThan(2 * HANDS);
});

test('the credentials of the proxy change while requests flow: none fails', async () => {
  const folder = secretFolder();
  let good = 'up:one';
  await using proxy = await startProxy({ credentials: () => good });
  await using idp = await startFakeIdp({ token: TOKEN });
  const address = () => proxy.url.replace('://', `://${good}@`);
  const access = accessTo({
    auth: { kind: 'bearer', token: folder.put('token', TOKEN) },
    proxy: folder.put('proxy', address()),
  });
  const change = (pair: string) => () => {
    good = pair;
    folder.put('proxy', address());
  };
  onlyDone(await flow({ baseUrl: idp.url, access, steps: [change('up:two'), change('up:three')] }));
  expect(new Set(proxy.log.map(({ authorization }) => authorization)).size).toBe(3);
});
