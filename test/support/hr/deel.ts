// Deel as reference section 12 describes it. Where the list stands in an answer is assumed, and names of members beside those named there.
import { type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

function statusOf(one: HrPerson, world: HrWorld): string {
  if (one.start > world.today) return 'NOT_STARTED';
  if (hasLeft(one, world)) return 'INACTIVE';
  return one.end === '' ? 'ACTIVE' : 'OFFBOARDING';
}

function person(one: HrPerson, world: HrWorld): object {
  const whole = {
    id: one.id,
    first_name: one.first,
    preferred_first_name: null,
    last_name: one.last,
    email: one.mail,
    person_status: statusOf(one, world),
    start_date: one.start,
    timezone: 'Europe/Berlin',
    job_title: one.title,
    department: one.department,
    direct_manager: one.manager === '' ? null : { id: one.manager },
  };
  return world.hidden ? without(whole, 'start_date') : whole;
}

export const deel: VendorFake = {
  preset: 'deel',
  environment: { DEEL_TOKEN: 'd-token' },
  pageSize: 5,
  tellsLostPage: false,
  tellsEnd: false,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== 'Bearer d-token') return { status: 401 };
    const [, id] = /^\/people\/(\w+)$/.exec(path) ?? [];
    if (id !== undefined) {
      const one = world.people.find((candidate) => candidate.id === id);
      return one === undefined ? { status: 404 } : { body: { data: person(one, world) } };
    }
    if (path !== '/people') return { status: 404 };
    const from = Number(query.get('offset'));
    return {
      body: { data: world.people.slice(from, from + Number(query.get('limit'))).map((one) => person(one, world)) },
    };
  },
};
