// Rippling as reference section 10 describes it, with the members of a worker that docs.rs, rippling-api, lists. That names stand at
// user.name, and that end_date is filled ahead, is assumed.
import { changedSince, type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

function statusOf(one: HrPerson, world: HrWorld): string {
  if (hasLeft(one, world)) return 'TERMINATED';
  return one.start > world.today ? 'ACCEPTED' : 'ACTIVE';
}

function worker(one: HrPerson, world: HrWorld, expand: string): object {
  const whole = {
    id: one.id,
    updated_at: changedAt(one, world),
    user_id: `u${one.id}`,
    work_email: one.mail,
    status: statusOf(one, world),
    start_date: one.start,
    end_date: one.end === '' ? null : one.end,
    title: one.title,
    manager_id: one.manager === '' ? null : one.manager,
    department_id: `d-${one.department}`,
    ...(expand.includes('user') ? { user: { name: { given_name: one.first, family_name: one.last } } } : {}),
    ...(expand.includes('department') ? { department: { name: one.department } } : {}),
  };
  return world.hidden ? without(whole, 'end_date') : whole;
}

const changedAt = ({ id }: HrPerson, { changed }: HrWorld): string =>
  changed.findLast((change) => change.id === id)?.at ?? '2020-01-01T00:00:00Z';

export const rippling: VendorFake = {
  preset: 'rippling',
  environment: { RIPPLING_TOKEN: 'r-token' },
  pageSize: 5,
  tellsLostPage: false,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== 'Bearer r-token') return { status: 401 };
    const expand = query.get('expand') ?? '';
    const [, id] = /^\/workers\/(\w+)$/.exec(path) ?? [];
    if (id !== undefined) {
      const one = world.people.find((candidate) => candidate.id === id);
      return one === undefined ? { status: 404 } : { body: worker(one, world, expand) };
    }
    if (path !== '/workers') return { status: 404 };
    const [, since] = /^updated_at gt '([^']+)'$/.exec(query.get('filter') ?? '') ?? [];
    const people = since === undefined ? world.people : changedSince(world, since);
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? 50);
    const next = new URLSearchParams(query);
    next.set('cursor', String(from + limit));
    return {
      body: {
        results: people.slice(from, from + limit).map((one) => worker(one, world, expand)),
        next_link: from + limit < people.length ? `/workers?${next.toString()}` : null,
      },
    };
  },
};
