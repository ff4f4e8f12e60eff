// Runs where the environment asks for no verification and for old TLS, and says in one line of JSON what became of servers that
// nobody vouches for.
import { request } from 'node:https';
import type { AuthSettings } from '../../../src/mapping/auth-settings.ts';
import { openAccess } from '../../../src/runtime/access/access.ts';
import { openPool } from '../../../src/runtime/access/pool.ts';

const [target = '', tokenUrl = '', proxy = '', oldUrl = ''] = process.argv.slice(2);
const signal = new AbortController().signal;
const deps = { secret: () => () => 'a-secret', now: Date.now, userAgent: 'Rollcall/test' };
const SHAPE = { connections: 1, timeoutMs: 5_000, keepAliveMs: 1_000, answerBytesMax: 10_000 };
const literal = (text: string) => ({ kind: 'literal', text }) as const;
const reference = { kind: 'env', name: 'X' } as const;
const bearer: AuthSettings = { kind: 'bearer', token: reference };

async function asked(settings: { readonly proxy?: string }): Promise<string> {
  const { transport } = openAccess(
    { auth: bearer, timeoutMs: 5_000, ...(settings.proxy === undefined ? {} : { proxy: literal(settings.proxy) }) },
    deps,
  );
  const pool = openPool(new URL(target).origin, SHAPE, transport);
  const answer = await pool.ask({ method: 'GET', path: '/', headers: {}, body: '' }, signal);
  await pool.close(0);
  return answer.kind === 'answer' ? 'answered' : [answer.code, answer.detail ?? ''].join(' ').trim();
}

async function token(tokenUrl: string): Promise<string> {
  const auth: AuthSettings = {
    kind: 'oauth2',
    tokenUrl: literal(tokenUrl),
    clientId: literal('rollcall'),
    scope: '',
    form: {},
    proof: { method: 'client_secret_basic', secret: reference },
  };
  const { credentials } = openAccess({ auth, timeoutMs: 5_000 }, deps);
  const shown = await credentials.headers(signal);
  await credentials.close();
  return 'fault' in shown ? shown.detail : 'answered';
}

/** Node's own client, which obeys the environment. */
const careless = (tokenUrl: string): Promise<string> =>
  new Promise((done) => {
    request(tokenUrl, { method: 'HEAD', agent: false }, (response) => {
      response.resume();
      done('answered');
    })
      .on('error', (error) => done(error.message))
      .end();
  });

const said = {
  target: await asked({}),
  tokens: await token(tokenUrl),
  proxy: await asked({ proxy }),
  old: await token(oldUrl),
  careless: [await careless(tokenUrl), await careless(oldUrl)],
};
console.log(JSON.stringify(said));
