// Merge as reference section 13 describes it. Where list and cursor stand in an answer is assumed.
import { changedSince, type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

function employee(one: HrPerson, world: HrWorld): object {
  const whole = {
    id: one.id,
    remote_id: `r${one.id}`,
    employee_number: one.number,
    first_name: one.first,
    preferred_name: null,
    last_name: one.last,
    work_email: one.mail,
    manager: one.manager === '' ? null : one.manager,
    // The day the offer was signed (section 13).
    hire_date: '2019-06-01T00:00:00Z',
    start_date: `${one.start}T00:00:00Z`,
    employment_status: one.start > world.today ? 'PENDING' : hasLeft(one, world) ? 'INACTIVE' : 'ACTIVE',
    termination_date: one.end === '' ? null : `${one.end}T00:00:00Z`,
    employments: [{ job_title: one.title, effective_date: one.start }],
  };
  return world.hidden ? without(whole, 'termination_date') : whole;
}

export const merge: VendorFake = {
  preset: 'merge',
  environment: { MERGE_KEY: 'm-key', MERGE_ACCOUNT_TOKEN: 'm-account' },
  pageSize: 5,
  tellsLostPage: false,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== 'Bearer m-key' || headers['x-account-token'] !== 'm-account') return { status: 401 };
    const [, id] = /^\/employees\/(\w+)$/.exec(path) ?? [];
    if (id !== undefined) {
      const one = world.people.find((candidate) => candidate.id === id);
      return one === undefined ? { status: 404 } : { body: employee(one, world) };
    }
    if (path !== '/employees') return { status: 404 };
    const since = query.get('modified_after');
    const people = since === null ? world.people : changedSince(world, since);
    const size = Math.min(Number(query.get('page_size')), 100);
    const from = Number(query.get('cursor') ?? 0);
    const next = from + size < people.length ? String(from + size) : null;
    return {
      body: { next, previous: null, results: people.slice(from, from + size).map((one) => employee(one, world)) },
    };
  },
};
