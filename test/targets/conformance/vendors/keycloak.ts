// Keycloak's own SCIM endpoint, a preview. A duplicate is 409 `uniqueness` there, as the strict provider answers of itself.
import { AUDIENCE, type Quirk, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { created, patchOf } from './rules.ts';

const title = patchOf({ op: 'replace', path: 'title', value: 'Chief' });
const unsigned = (payload: object) =>
  `Bearer ${[{ alg: 'none' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;

const quirks: readonly Quirk[] = [
  {
    id: 'keycloak-no-etag',
    says: 'PATCH `If-Match` with a stale tag was **accepted** and ETag never returned',
    source: '(obs) [X2]',
    does: { etag: false },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const answer = await tools.send('PATCH', `/Users/${id}`, title, { 'if-match': 'W/"of-yesterday"' });
      return answer.status === 200 && answer.headers.get('etag') === null && tools.users.get(id)?.title === 'Chief';
    },
  },
  {
    id: 'keycloak-audience',
    says: 'token `aud` must contain the exact SCIM base URL',
    source: '[P12]',
    // It answers by the token, so that a story brings one of its own; see `conformance.test.ts`.
    occasional: true,
    does: { audience: AUDIENCE },
    probe: async ({ send }) => {
      const ask = async (aud: string) =>
        (await send('GET', '/Users', undefined, { authorization: unsigned({ aud }) })).status;
      return (await ask(AUDIENCE)) === 200 && (await ask('https://idp.example.com')) === 401;
    },
  },
  {
    id: 'keycloak-off',
    says: 'off by default',
    source: '[P12]',
    occasional: true,
    does: { paths: { User: '/off', Group: null }, discovery: {} },
    probe: async ({ send }) => (await send('GET', '/Users')).status === 404,
  },
];

export const KEYCLOAK: Vendor = { name: 'keycloak', quirks, person: (n) => personOf(n) };
