// SuccessFactors OData version 2 as reference section 7 describes it. Dates as milliseconds are assumed there, too.
import { type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

const AUTHORIZATION = `Basic ${Buffer.from('api@acme:secret').toString('base64')}`;

const day = (text: string): string | null => (text === '' ? null : `/Date(${Date.parse(text)})/`);

function perPerson(one: HrPerson, world: HrWorld): object {
  // Before the first day only names, keys and the start are there (section 7, pre-hire).
  const job =
    one.start > world.today
      ? []
      : [
          {
            emplStatusNav: { externalCode: hasLeft(one, world) ? 'T' : 'A' },
            department: one.department,
            jobTitle: one.title,
            managerId: one.manager === '' ? null : `${one.manager}-1`,
          },
        ];
  const employment = {
    __metadata: { uri: `EmpEmployment('${one.id}')` },
    // The key of an employment; a rehire has another one (section 7, conversion and rehire).
    userId: `${one.id}-1`,
    startDate: day(one.start),
    endDate: day(one.end),
    lastDateWorked: null,
    assignmentClass: 'ST',
    jobInfoNav: { results: job },
  };
  return {
    __metadata: { uri: `PerPerson('${one.id}')` },
    personIdExternal: one.id,
    personalInfoNav: { results: [{ firstName: one.first, lastName: one.last }] },
    employmentNav: { results: [world.hidden ? without(employment, 'endDate') : employment] },
  };
}

export const successfactors: VendorFake = {
  preset: 'successfactors',
  environment: { SF_USER: 'api@acme', SF_PASSWORD: 'secret' },
  pageSize: 5,
  // A page that ends early without __next cannot be told from the last one.
  tellsLostPage: false,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== AUTHORIZATION) return { status: 401 };
    if (path !== '/PerPerson' || query.get('$format') !== 'json') return { status: 404 };
    // Rows of the future come only with fromDate (section 7).
    const people = world.people.filter(({ start }) => query.get('fromDate') !== null || start <= world.today);
    const from = Number(query.get('$skiptoken') ?? 0);
    const size = Number(query.get('customPageSize') ?? 1_000);
    const next = from + size < people.length ? { __next: nextAddress(headers.host ?? '', query, from + size) } : {};
    return { body: { d: { results: people.slice(from, from + size).map((one) => perPerson(one, world)), ...next } } };
  },
};

/** A whole address, with the parameters of the first request in it. */
function nextAddress(host: string, query: URLSearchParams, token: number): string {
  const next = new URLSearchParams(query);
  next.set('$skiptoken', String(token));
  return `http://${host}/PerPerson?${next.toString()}`;
}
