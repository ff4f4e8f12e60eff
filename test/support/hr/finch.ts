// Finch as reference section 14 describes it: a directory with its count, and a batch in which each item has a code of its own.
import { type HrPerson, type HrReply, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

function employment(one: HrPerson, world: HrWorld): object {
  const whole = {
    id: one.id,
    first_name: one.first,
    last_name: one.last,
    employment: { type: 'employee', subtype: 'full_time' },
    employment_status: one.start > world.today ? 'prehire' : hasLeft(one, world) ? 'terminated' : 'active',
    is_active: !hasLeft(one, world),
    start_date: one.start,
    latest_rehire_date: null,
    end_date: one.end === '' ? null : one.end,
    title: one.title,
    manager: one.manager === '' ? null : { id: one.manager },
    department: { name: one.department },
    source_id: one.number,
  };
  return world.hidden ? without(whole, 'end_date') : whole;
}

export const finch: VendorFake = {
  preset: 'finch',
  environment: { FINCH_TOKEN: 'f-token' },
  pageSize: 5,
  tellsLostPage: true,
  respond: ({ method, path, query, headers, body }, world): HrReply => {
    if (headers.authorization !== 'Bearer f-token') return { status: 401 };
    if (path === '/employer/directory') {
      const offset = Number(query.get('offset') ?? 0);
      const page = world.losesPage && offset > 0 ? [] : world.people.slice(offset, offset + Number(query.get('limit')));
      const individuals = page.map((one) => ({
        id: one.id,
        first_name: one.first,
        middle_name: null,
        last_name: one.last,
        department: { name: one.department },
        manager: one.manager === '' ? null : { id: one.manager },
        is_active: !hasLeft(one, world),
      }));
      return { body: { paging: { count: world.people.length, offset }, individuals } };
    }
    if (method !== 'POST' || path !== '/employer/employment') return { status: 404 };
    const { requests } = JSON.parse(body) as { requests: readonly { readonly individual_id: string }[] };
    const responses = requests.map(({ individual_id }) => {
      const one = world.people.find(({ id }) => id === individual_id);
      return one === undefined
        ? { individual_id, code: 404, body: { code: 404, name: 'not_found', message: '...' } }
        : { individual_id, code: 200, body: employment(one, world) };
    });
    return { body: { responses } };
  },
};
