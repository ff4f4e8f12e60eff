// Personio version 2 as reference section 6 describes it: persons, and employments of each, the newest first. Names of members are those
// of ninjaneers-team/pysonio.
import {
  changedSince,
  type HrPerson,
  type HrReply,
  type HrWorld,
  hasLeft,
  type VendorFake,
  without,
} from './fake-hr.ts';

const SIZE_MAX = 50;
const SIZE_DEFAULT = 10;

const person = (one: HrPerson, { changed }: HrWorld) => ({
  id: one.id,
  email: one.mail,
  updated_at: changed.findLast(({ id }) => id === one.id)?.at ?? '2020-01-01T00:00:00Z',
  first_name: one.first,
  last_name: one.last,
  employments: [{ id: `e-${one.id}` }],
});

function employment(one: HrPerson, world: HrWorld): object {
  const whole = {
    id: `e-${one.id}`,
    status: hasLeft(one, world) ? 'INACTIVE' : one.start > world.today ? 'ONBOARDING' : 'ACTIVE',
    employment_start_date: one.start,
    termination: { termination_date: one.end === '' ? null : one.end, last_working_day: null },
    position: { title: one.title },
    supervisor: one.manager === '' ? null : { id: one.manager },
  };
  // Attributes without permission are missing (section 6).
  return world.hidden ? without(whole, 'termination') : whole;
}

/** The second of them was here before. */
function former(one: HrPerson, world: HrWorld): object {
  const whole = {
    id: `f-${one.id}`,
    status: 'INACTIVE',
    employment_start_date: '2001-01-01',
    termination: { termination_date: '2003-12-31', last_working_day: '2003-11-30' },
    position: { title: 'Apprentice' },
    supervisor: null,
  };
  return world.hidden ? without(whole, 'termination') : whole;
}

export const personioV2: VendorFake = {
  preset: 'personio-v2',
  environment: { PERSONIO_CLIENT_ID: 'client', PERSONIO_CLIENT_SECRET: 'secret' },
  tokenPath: '/auth/token',
  pageSize: 5,
  moreRows: 1,
  tellsLostPage: false,
  respond: ({ method, path, query, headers, body }, world): HrReply => {
    if (path === '/auth/token') {
      const form = new URLSearchParams(body);
      return method === 'POST' && form.get('client_id') === 'client' && form.get('client_secret') === 'secret'
        ? { body: { access_token: 'p2-token', token_type: 'Bearer', expires_in: 86_400 } }
        : { status: 400, body: { error: 'invalid_client' } };
    }
    if (headers.authorization !== 'Bearer p2-token') return { status: 401 };
    const [, id] = /^\/persons\/(\w+)(?:\/employments)?$/.exec(path) ?? [];
    const one = world.people.find((candidate) => candidate.id === id);
    if (path.endsWith('/employments'))
      return one === undefined
        ? { status: 404 }
        : {
            body: {
              _data: one.id === '2' ? [employment(one, world), former(one, world)] : [employment(one, world)],
            },
          };
    if (id !== undefined) return one === undefined ? { status: 404 } : { body: person(one, world) };
    if (path !== '/persons') return { status: 404 };
    const since = query.get('updated_at.gt');
    // The filter takes days only.
    if (since !== null && !/^\d{4}-\d{2}-\d{2}$/.test(since)) return { status: 400 };
    const people = since === null ? world.people : changedSince(world, since);
    const limit = Math.min(Number(query.get('limit') ?? SIZE_DEFAULT), SIZE_MAX);
    const from = Number(query.get('cursor') ?? 0);
    const next =
      from + limit < people.length ? { next: { href: `/persons?limit=${limit}&cursor=${from + limit}` } } : {};
    return {
      body: { _data: people.slice(from, from + limit).map((each) => person(each, world)), _meta: { links: next } },
    };
  },
};
