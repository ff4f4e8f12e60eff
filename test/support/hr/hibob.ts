// HiBob as reference section 5 describes it. The shape of an answer is not in it: categories as nested objects are assumed.
import { type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

const AUTHORIZATION = `Basic ${Buffer.from('SERVICE-1:token').toString('base64')}`;

function employee(one: HrPerson, world: HrWorld): object {
  const internal = {
    status: hasLeft(one, world) ? 'Inactive' : 'Active',
    terminationDate: one.end === '' ? null : one.end,
  };
  return {
    id: one.id,
    firstName: one.first,
    surname: one.last,
    email: one.mail,
    work: {
      title: one.title,
      department: one.department,
      startDate: one.start,
      reportsTo: one.manager === '' ? null : { id: one.manager },
      employeeIdInCompany: one.number,
    },
    // Fields without permission are left out without an error (section 5).
    internal: world.hidden ? without(internal, 'terminationDate') : internal,
  };
}

export const hibob: VendorFake = {
  preset: 'hibob',
  environment: { HIBOB_SERVICE_USER: 'SERVICE-1', HIBOB_TOKEN: 'token' },
  pageSize: null,
  tellsLostPage: false,
  respond: ({ method, path, headers, body }, world) => {
    if (headers.authorization !== AUTHORIZATION) return { status: 401 };
    if (method !== 'POST' || path !== '/people/search') return { status: 404 };
    const { showInactive, filters = [] } = JSON.parse(body) as {
      showInactive: boolean;
      filters?: readonly { readonly values: readonly string[] }[];
    };
    const wanted = filters[0]?.values;
    const people = world.people
      .filter((one) => showInactive || !hasLeft(one, world))
      .filter(({ id }) => wanted === undefined || wanted.includes(id));
    return { body: { employees: people.map((one) => employee(one, world)) } };
  },
};
