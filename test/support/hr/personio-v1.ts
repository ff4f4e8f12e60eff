// Personio version 1 as reference section 6 describes it. Where the token stands in the answer of /auth is assumed.
import { type HrPerson, type HrReply, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

const SIZE_MAX = 100;
const SIZE_DEFAULT = 50;

/** Midnight in the zone of the company (section 6): as a moment in UTC it would be the day before. */
const day = (text: string): string | null => (text === '' ? null : `${text} 00:00:00+01:00`);
const wrapped = (label: string, value: unknown, type = 'standard') => ({
  label,
  value,
  type,
  universal_id: label.toLowerCase().replace(/ /g, '_'),
});

function employee(one: HrPerson, world: HrWorld): object {
  const attributes = {
    id: wrapped('ID', Number(one.id), 'integer'),
    first_name: wrapped('First name', one.first),
    last_name: wrapped('Last name', one.last),
    email: wrapped('Email', one.mail),
    status: wrapped('Status', hasLeft(one, world) ? 'inactive' : one.start > world.today ? 'onboarding' : 'active'),
    hire_date: wrapped('Hire date', day(one.start), 'date'),
    termination_date: wrapped('Termination date', day(one.end), 'date'),
    position: wrapped('Position', one.title),
    department: wrapped('Department', { type: 'Department', attributes: { id: 1, name: one.department } }),
    supervisor: wrapped(
      'Supervisor',
      one.manager === ''
        ? null
        : { type: 'Employee', attributes: { id: wrapped('ID', Number(one.manager), 'integer') } },
    ),
  };
  return { type: 'Employee', attributes: world.hidden ? without(attributes, 'termination_date') : attributes };
}

export const personioV1: VendorFake = {
  preset: 'personio-v1',
  environment: { PERSONIO_CLIENT_ID: 'client', PERSONIO_CLIENT_SECRET: 'secret' },
  tokenPath: '/auth',
  pageSize: 5,
  tellsLostPage: true,
  respond: ({ method, path, query, headers, body }, world): HrReply => {
    if (path === '/auth') {
      const { client_id, client_secret } = JSON.parse(body) as { client_id: string; client_secret: string };
      return method === 'POST' && client_id === 'client' && client_secret === 'secret'
        ? { body: { success: true, data: { token: 'p-token' } } }
        : { status: 403, body: { success: false } };
    }
    if (headers.authorization !== 'Bearer p-token') return { status: 401, body: { success: false } };
    if (path !== '/company/employees') return { status: 404 };
    const people = world.people.map((one) => employee(one, world));
    // With updated_since limit and offset are ignored (section 6).
    const since = query.get('updated_since');
    if (since !== null) {
      const changed = new Set(world.changed.filter(({ at }) => at > since).map(({ id }) => id));
      const data = people.filter((_, index) => changed.has(world.people[index]?.id ?? ''));
      return {
        body: { success: true, metadata: { total_elements: data.length, current_page: 0, total_pages: 1 }, data },
      };
    }
    const offset = Number(query.get('offset') ?? 0);
    const limit = Math.min(Number(query.get('limit') ?? SIZE_DEFAULT), SIZE_MAX);
    const data = world.losesPage && offset >= limit ? [] : people.slice(offset, offset + limit);
    const metadata = {
      total_elements: people.length,
      current_page: Math.floor(offset / limit),
      total_pages: Math.ceil(people.length / limit),
    };
    return { body: { success: true, metadata, offset, limit, data } };
  },
};
