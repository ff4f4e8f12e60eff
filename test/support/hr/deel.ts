// Deel as reference section 12 describes it, with the members of a person that letsdeel/deel-api-java-sdk lists. The word for an email
// of work, and that the date of leave is filled while somebody is offboarding, is assumed.
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
    emails: [
      { type: 'personal', value: `${one.first}@home.example` },
      { type: 'work', value: one.mail },
    ],
    person_status: statusOf(one, world),
    start_date: one.start,
    completion_date: one.end === '' ? null : one.end,
    timezone: 'Europe/Berlin',
    job_title: one.title,
    department: { id: `d-${one.department}`, name: one.department, parent: null },
    direct_manager: one.manager === '' ? null : { id: one.manager },
  };
  return world.hidden ? without(whole, 'completion_date') : whole;
}

export const deel: VendorFake = {
  preset: 'deel',
  environment: { DEEL_TOKEN: 'd-token' },
  pageSize: 5,
  tellsLostPage: true,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== 'Bearer d-token') return { status: 401 };
    const [, id] = /^\/people\/(\w+)$/.exec(path) ?? [];
    if (id !== undefined) {
      const one = world.people.find((candidate) => candidate.id === id);
      return one === undefined ? { status: 404 } : { body: { data: person(one, world) } };
    }
    if (path !== '/people') return { status: 404 };
    const offset = Number(query.get('offset'));
    const limit = Number(query.get('limit'));
    const people = world.losesPage && offset > 0 ? [] : world.people.slice(offset, offset + limit);
    return {
      body: {
        data: people.map((one) => person(one, world)),
        page: { offset, items_per_page: limit, total_rows: world.people.length },
      },
    };
  },
};
