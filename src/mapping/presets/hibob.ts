import type { Preset } from './preset.ts';

const FIELDS = [
  'root.id',
  'root.firstName',
  'root.surname',
  'root.email',
  'work.title',
  'work.department',
  'work.startDate',
  'work.reportsTo',
  'work.employeeIdInCompany',
  'internal.status',
  'internal.terminationDate',
];

const search = (more: object) => ({
  method: 'POST',
  path: '/people/search',
  body: { fields: FIELDS, showInactive: true, humanReadable: 'REPLACE', ...more },
});

export const hibob: Preset = {
  title: 'HiBob',
  parameters: {},
  source: {
    schedule: '15 * * * *',
    baseUrl: 'https://api.hibob.com/v1',
    auth: { kind: 'basic' },
    id: 'id',
    flatten: true,
    // One answer holds everybody whom the service user may see, and rights hide people without a word: no proof that nobody is missing.
    list: { ...search({}), paging: { kind: 'none' } },
    one: search({ filters: [{ fieldPath: 'root.id', operator: 'equals', values: ['{id}'] }] }),
    // 50 requests a minute on this endpoint.
    limits: { perSecond: 0.8 },
  },
  template: 'hibob',
  verified: [
    'POST /v1/people/search, no paging and one complete answer, showInactive, at most one filter and 400 fields: apidocs.hibob.com, people-read-api-contract.',
    'Basic with a service user, who sees nothing until permission groups are granted; fields without permission are left out without an error: help.apideck.com.',
    '50 requests a minute on this endpoint: apidocs.hibob.com, rate-limiting.',
    'Inactive means terminated or on leave: apidocs.hibob.com, event employee.inactivated. So Inactive without a termination date sets the row aside until the table of the template says what it means for access.',
  ],
  unverified: [
    'How an answer is put together: the template expects people with their categories as nested objects (work.startDate), and the fields of root beside them.',
    'The value of humanReadable, and that internal.status and internal.terminationDate are the fields that tell a leave in your company.',
    'The form of the filter by which one person is read.',
    'How dates are written under humanReadable: where it is not 2026-11-30 their rows are set aside until date() is given the form.',
    'The limit of requests for other endpoints than this one.',
    'Garden leave: access ends with internal.terminationDate. Where it shall end with the last day at work, map the field that holds it as lastDay; the webhook employee.left tells whichever comes first.',
    'Nobody is taken for gone because the answer misses them; leavers stay in it (showInactive), with their date.',
  ],
};
