import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Asked, type HttpDesk, openHttpDesk, records } from '../../support/http-desk.ts';
import { certificate, pairOf } from '../../support/wire.ts';

const LIST = { list: { path: '/people', recordPath: 'items' } };
const GOOD = { body: { items: records(2) } };

describe('a login of the vendor’s own', () => {
  const auth = {
    kind: 'login',
    tokenUrl: 'BASE/auth',
    fields: { client_id: 'me', client_secret: '${env:HR_SECRET}' },
    tokenPath: 'data.token',
  };

  it('gives a token that is used until it is refused, and then another one', async () => {
    let valid = 't1';
    const desk = await openHttpDesk(
      { ...LIST, auth },
      ({ path, body, headers }) => {
        if (path !== '/auth') return headers.authorization === `Bearer ${valid}` ? GOOD : { status: 401 };
        expect(JSON.parse(body)).toEqual({ client_id: 'me', client_secret: 's' });
        return { body: { success: true, data: { token: valid } } };
      },
      { HR_SECRET: 's' },
    );
    expect((await desk.look()).rows).toHaveLength(2);
    valid = 't2';
    desk.source.slot?.('snapshot');
    expect((await desk.look()).rows).toHaveLength(2);
    expect(desk.asked.map(({ path }) => path)).toEqual(['/auth', '/people', '/people', '/auth', '/people']);
  });

  it('that is refused names what was shown, and not what it was', async () => {
    const desk = await openHttpDesk({ ...LIST, auth }, () => ({ status: 403 }), { HR_SECRET: 'hunter2' });
    const problem = JSON.stringify(await desk.look().catch((error: Error) => error));
    expect(problem).toContain('${env:HR_SECRET}');
    expect(problem).not.toContain('hunter2');
  });
});

describe('a refresh token that is exchanged at each use', () => {
  const auth = {
    kind: 'oauth2',
    tokenUrl: 'BASE/token',
    clientId: 'me',
    clientSecret: '${env:HR_SECRET}',
    refreshToken: '${env:HR_REFRESH}',
  };
  /** Takes each refresh token once. */
  class TokenDesk {
    valid = 'first';
    exchanges = 0;
    readonly answer = (asked: Asked) => {
      if (asked.path !== '/token')
        return asked.headers.authorization === `Bearer a-${this.valid}` ? GOOD : { status: 401 };
      const form = new URLSearchParams(asked.body);
      if (form.get('grant_type') !== 'refresh_token' || form.get('refresh_token') !== this.valid)
        return { status: 400, body: { error: 'invalid_grant' } };
      this.exchanges++;
      this.valid = `r${this.exchanges}`;
      return {
        body: { access_token: `a-${this.valid}`, token_type: 'Bearer', expires_in: 3600, refresh_token: this.valid },
      };
    };
  }
  const environment = (): Record<string, string> => ({ HR_SECRET: 's', HR_REFRESH: 'first' });
  const again = async (desk: HttpDesk) => {
    await desk.reopen();
    return desk.look();
  };

  it('outlives restarts, and is never kept in the clear', async () => {
    const tokens = new TokenDesk();
    const desk = await openHttpDesk({ ...LIST, auth }, tokens.answer, environment());
    expect((await desk.look()).rows).toHaveLength(2);
    expect((await again(desk)).rows).toHaveLength(2);
    expect((await again(desk)).rows).toHaveLength(2);
    expect(tokens.exchanges).toBe(3);
    const kept = readdirSync(join(desk.stateDir, 'tokens'));
    expect(kept).toEqual(['acme.sealed']);
    expect(readFileSync(join(desk.stateDir, 'tokens', 'acme.sealed')).toString('latin1')).not.toContain('r3');
  });

  it('gives way to another first token in the reference', async () => {
    const tokens = new TokenDesk();
    const env = environment();
    const desk = await openHttpDesk({ ...LIST, auth }, tokens.answer, env);
    await desk.look();
    tokens.valid = 'granted-anew';
    await desk.reopen();
    expect(await desk.problem()).toBe('source.credentials');
    env.HR_REFRESH = 'granted-anew';
    expect((await again(desk)).rows).toHaveLength(2);
  });

  it('that is spoiled on the disk counts as not there, and another client secret does not spoil it', async () => {
    const tokens = new TokenDesk();
    const env = environment();
    const desk = await openHttpDesk({ ...LIST, auth }, tokens.answer, env);
    await desk.look();
    env.HR_SECRET = 'rotated';
    expect((await again(desk)).rows).toHaveLength(2);
    writeFileSync(join(desk.stateDir, 'tokens', 'acme.sealed'), 'garbage');
    await desk.reopen();
    expect(await desk.problem()).toBe('source.credentials');
    tokens.valid = 'first';
    expect((await again(desk)).rows).toHaveLength(2);
  });
});

describe('a client certificate', () => {
  const server = { ...pairOf('server'), ca: certificate('ca.pem'), requestCert: true, rejectUnauthorized: true };
  const environment = {
    CA: certificate('ca.pem'),
    CERTIFICATE: certificate('client-one.pem'),
    KEY: certificate('client-one.key'),
    SECRET: 's',
  };
  const pair = { certificate: '${env:CERTIFICATE}', key: '${env:KEY}' };
  const oauth2 = { kind: 'oauth2', tokenUrl: 'BASE/token', clientId: 'me', clientSecret: '${env:SECRET}' };
  const answer = ({ path, headers }: Asked) => {
    if (path === '/token') return { body: { access_token: 'a', token_type: 'Bearer', expires_in: 600 } };
    return headers.authorization === 'Bearer a' ? GOOD : { status: 401 };
  };

  it('is shown beneath OAuth, to the token endpoint and to the source', async () => {
    const source = { ...LIST, ca: '${env:CA}', auth: { ...oauth2, tls: pair } };
    const desk = await openHttpDesk(source, answer, environment, server);
    expect((await desk.look()).rows).toHaveLength(2);
    expect(desk.asked.map(({ path }) => path)).toEqual(['/token', '/people']);
  });

  it('stands for itself', async () => {
    const desk = await openHttpDesk(
      { ...LIST, ca: '${env:CA}', auth: { kind: 'mtls', ...pair } },
      () => GOOD,
      environment,
      server,
    );
    expect((await desk.look()).rows).toHaveLength(2);
  });

  it.each([
    ['that is missing', { ...LIST, ca: '${env:CA}', auth: oauth2 }],
    ['shown to a server that we do not trust', { ...LIST, auth: { ...oauth2, tls: pair } }],
  ])('%s brings nothing', async (_name, source) => {
    const desk = await openHttpDesk(source, answer, environment, server);
    expect(await desk.look()).toMatchObject({ kind: 'notYet' });
    expect(desk.asked).toEqual([]);
  });
});
