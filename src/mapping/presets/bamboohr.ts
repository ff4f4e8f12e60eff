import type { Preset } from './preset.ts';

/** What the mapping template reads; the vendor drops names that it does not know, or hides, without a word. */
const FIELDS = [
  'id',
  'employeeNumber',
  'firstName',
  'preferredName',
  'lastName',
  'workEmail',
  'jobTitle',
  'department',
  'division',
  'location',
  'status',
  'employmentHistoryStatus',
  'hireDate',
  'originalHireDate',
  'terminationDate',
  'supervisorId',
];

export const bamboohr: Preset = {
  title: 'BambooHR',
  parameters: {
    company: {
      description: 'the name of the company in the address of its BambooHR',
      pattern: /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/,
      example: 'acme',
    },
  },
  source: {
    schedule: '0 2,14 * * *',
    baseUrl: 'https://{company}.bamboohr.com/api/v1',
    id: 'id',
    auth: { kind: 'apiKey', in: 'user' },
    headers: { Accept: 'application/json' },
    list: {
      method: 'POST',
      path: '/reports/custom',
      query: { format: 'json', onlyCurrent: 'false' },
      body: { title: 'Rollcall', fields: FIELDS },
      recordPath: 'employees',
      paging: { kind: 'none' },
    },
    one: {
      path: '/employees/{id}',
      query: { fields: FIELDS.join(','), onlyCurrent: 'false' },
    },
    changes: {
      schedule: '*/5 * * * *',
      path: '/employees/changed',
      query: { since: '{since}' },
      recordPath: 'employees',
      map: true,
      id: 'id',
      changedAt: 'lastChanged',
      watermark: 'latest',
    },
    limits: { perSecond: 4 },
  },
  template: 'bamboohr',
  verified: [
    'Requests, field names and the shape of answers: BambooHR/bhr-api-python (generated from the OpenAPI of the vendor) and recorded answers in JupiterOne/graph-bamboohr.',
    'The date 0000-00-00 for none, and a status that speaks of the future: the same recordings (custom report with onlyCurrent=false).',
    'Throttling by 429 (503 before 2026-09-16) with Retry-After: documentation.bamboohr.com, planned changes to the API.',
    'Fields that are unknown or forbidden are dropped while the answer stays 200: bhr-api-python.',
  ],
  unverified: [
    'Whether the custom report holds everybody is not said by a count: the proof is weak, so nobody is taken for gone because the report misses them. Leavers stay in it, with their date.',
    'The custom report is announced as soon deprecated; the datasets that replace it (POST /api/v2/datasets/NAME/data) can be set with list.path, list.body and list.paging.',
    'Whether supervisorId holds the id of the supervisor and supervisorEId the employee number, or the other way round: a manager stays unset where it is the other way round.',
    'Whether every field of the report is also among those of GET /employees/{id} in every tenant.',
  ],
};
