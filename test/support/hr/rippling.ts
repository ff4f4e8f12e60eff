// Rippling as reference section 10 describes it. Names of members beside id, status and work_email are assumed.
import { type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

function worker(one: HrPerson, world: HrWorld): object {
  const whole = {
    id: one.id,
    first_name: one.first,
    last_name: one.last,
    work_email: one.mail,
    status: hasLeft(one, world) ? 'TERMINATED' : 'ACTIVE',
    start_date: one.start,
    title: one.title,
    department: one.department,
    manager_id: one.manager === '' ? null : one.manager,
  };
  return world.hidden ? without(whole, 'status') : whole;
}

export const rippling: VendorFake = {
  preset: 'rippling',
  environment: { RIPPLING_TOKEN: 'r-token' },
  pageSize: 5,
  tellsLostPage: false,
  tellsEnd: false,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== 'Bearer r-token') return { status: 401 };
    const [, id] = /^\/workers\/(\w+)$/.exec(path) ?? [];
    if (id !== undefined) {
      const one = world.people.find((candidate) => candidate.id === id);
      return one === undefined ? { status: 404 } : { body: worker(one, world) };
    }
    if (path !== '/workers') return { status: 404 };
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? 50);
    const next = from + limit < world.people.length ? `/workers?limit=${limit}&cursor=${from + limit}` : null;
    return {
      body: { results: world.people.slice(from, from + limit).map((one) => worker(one, world)), next_link: next },
    };
  },
};
