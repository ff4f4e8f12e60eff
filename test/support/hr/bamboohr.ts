// BambooHR as reference section 3 describes it. Not known from there, and so not shown: a count of the report's records.
import { type HrPerson, type HrWorld, type VendorFake, without } from './fake-hr.ts';

const KEY = 'bamboo-key';

/** Shapes of the recorded answers: ids are text, unset text is null, no date is 0000-00-00 (section 3, recorded real answers). */
function record(one: HrPerson, { hidden }: HrWorld): object {
  const whole = {
    id: one.id,
    employeeNumber: one.number,
    firstName: one.first,
    preferredName: null,
    lastName: one.last,
    workEmail: one.mail,
    jobTitle: one.title,
    department: one.department,
    division: null,
    location: 'Berlin',
    // A leave in the future already reads Inactive, a start in the future Active (section 3, recorded real answers).
    status: one.end === '' ? 'Active' : 'Inactive',
    employmentHistoryStatus: one.end === '' ? 'Full-Time' : 'Terminated',
    hireDate: one.start,
    originalHireDate: '0000-00-00',
    terminationDate: one.end === '' ? '0000-00-00' : one.end,
    supervisorId: one.manager === '' ? null : one.manager,
  };
  // Forbidden fields are dropped while the answer stays 200 (section 3, custom report).
  return hidden ? without(whole, 'terminationDate') : whole;
}

export const bamboohr: VendorFake = {
  preset: 'bamboohr',
  environment: { BAMBOOHR_KEY: KEY },
  pageSize: null,
  tellsLostPage: false,
  respond: ({ method, path, query, headers, body }, world) => {
    // Section 3: the key is the user of Basic authentication, and x the password; many 4xx have an empty body.
    if (headers.authorization !== `Basic ${Buffer.from(`${KEY}:x`).toString('base64')}`)
      return { status: 401, headers: { 'www-authenticate': 'Basic', 'x-bamboohr-error-message': 'Invalid key' } };
    if (method === 'POST' && path === '/reports/custom') {
      // With a charset in it the body is parsed as XML and fails; a wrong Accept gives 404.
      if (headers['content-type'] !== 'application/json') return { status: 400 };
      if (!String(headers.accept).includes('application/json')) return { status: 404 };
      const { fields } = JSON.parse(body) as { fields: string[] };
      const employees = world.people
        // Those of the future come only with onlyCurrent=false.
        .filter(({ start }) => query.get('onlyCurrent') === 'false' || start <= world.today)
        .map((one) => only(record(one, world), fields));
      return {
        body: { title: 'Rollcall', fields: fields.map((id) => ({ id, type: 'text', name: id })), employees },
      };
    }
    if (path === '/employees/changed') {
      const since = String(query.get('since'));
      const changed = world.changed.filter(({ at }) => at > since);
      return {
        body: {
          latest: changed.at(-1)?.at ?? since,
          employees: Object.fromEntries(changed.map(({ id, action, at }) => [id, { id, action, lastChanged: at }])),
        },
      };
    }
    const [, id] = /^\/employees\/(\w+)$/.exec(path) ?? [];
    const one = world.people.find((candidate) => candidate.id === id);
    if (one === undefined) return { status: 404, headers: { 'x-bamboohr-error-message': 'Employee not found' } };
    return { body: only(record(one, world), (query.get('fields') ?? '').split(',')) };
  },
};

const only = (value: object, fields: readonly string[]): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name === 'id' || fields.includes(name)));
