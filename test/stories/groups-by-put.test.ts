// An endpoint without PATCH and without tags: what is not sent, or sent too late, undoes what stands there.
import { expect, it } from 'vitest';
import type { Doorman } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const MAPPING = mappingText({
  '    kind: scim\n': '    kind: scim\n    capabilities: { update: put, etag: false }\n',
});
const putOnly: Doorman = (asked, ask, { users, groups }) => {
  const [, type, id] = /^\/(Users|Groups)\/([^/?]+)$/.exec(asked.path) ?? [];
  if (asked.method === 'PATCH') return { status: 405 };
  if (asked.method !== 'PUT' || id === undefined) return ask(asked);
  const kept = type === 'Users' ? users : groups;
  const present = kept.get(id);
  if (present === undefined) return { status: 404 };
  // What is left out goes back to what it is at first.
  kept.set(id, { ...(type === 'Users' ? { active: true } : {}), ...JSON.parse(asked.body), id, meta: present.meta });
  return { status: 204 };
};
const house = () => openTestHouse({ mapping: MAPPING, idp: { doorman: putOnly } });
const people = crowd(10);
const withoutFourth = people.map((person) => (person.id === '1003' ? { ...person, status: 'T' } : person));

/** Long enough for a few requests and answers on this machine. */
const aWhile = async (): Promise<void> => {
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((done) => setImmediate(done));
};

it('a leaver stays out of a group that somebody else’s addition had read before', async () => {
  const { idp, sync, deliver, cycle, settle } = await house();
  await sync(feed(people));
  const leaver = String(idp.user('1003')?.id);
  const before = idp.log.length;
  const put = (path: string) =>
    idp.arrival((one) => one.n > before && one.method === 'PUT' && one.path.startsWith(path));
  const release = Promise.withResolvers<void>();
  idp.behaviours.add({ method: 'PUT', path: '/Groups/', times: 1, act: { kind: 'hold', until: release.promise } });
  deliver(feed([...people, { id: '2000' }]));
  await cycle();
  const settling = settle();
  await put('/Groups/');
  deliver(feed([...withoutFourth, { id: '2000' }]));
  await cycle();
  await put(`/Users/${leaver}`);
  // Without turns the group is read, written and read back for the leaver now, and what is held undoes that.
  await aWhile();
  release.resolve();
  await settling;
  expect(idp.user('1003')?.active).toBe(false);
  expect(idp.members('All staff')).not.toContain(leaver);
  expect(idp.members('All staff')).toContain(idp.user('2000')?.id);
  expect(idp.members('All staff')).toHaveLength(10);
});

it('an account that is inactive stays so, although the endpoint says that only it writes `active`', async () => {
  const { idp, sync } = await house();
  idp.behaviours.add({
    method: 'GET',
    path: '/Schemas',
    act: {
      kind: 'answer',
      status: 200,
      body: JSON.stringify({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: 1,
        Resources: [
          {
            id: 'urn:ietf:params:scim:schemas:core:2.0:User',
            attributes: ['active', 'userName', 'externalId'].map((name) => ({ name, mutability: 'readOnly' })),
          },
        ],
      }),
    },
  });
  const soon = { id: '2000', start: '2026-11-27' };
  await sync(feed([...people, soon]));
  expect(idp.user('2000')?.active).toBe(false);
  await sync(feed([...people, { ...soon, title: 'Chief' }]));
  expect(idp.user('2000')).toMatchObject({ title: 'Chief', active: false });
});
