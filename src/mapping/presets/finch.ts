import type { Preset } from './preset.ts';

export const finch: Preset = {
  title: 'Finch',
  parameters: {},
  source: {
    schedule: '40 */6 * * *',
    baseUrl: 'https://api.tryfinch.com',
    auth: { kind: 'bearer' },
    id: 'id',
    // What the directory says beside the id is in the employment as well: so a single worker reads like everybody.
    omit: ['first_name', 'middle_name', 'last_name', 'department', 'manager', 'is_active'],
    flatten: true,
    list: {
      path: '/employer/directory',
      recordPath: 'individuals',
      paging: { kind: 'offset', parameter: 'offset', sizeParameter: 'limit', size: 1_000, total: 'paging.count' },
    },
    joins: [
      {
        as: 'employment',
        method: 'POST',
        path: '/employer/employment',
        body: { requests: [{ individual_id: '{id}' }] },
        batch: 500,
        recordPath: 'responses',
        key: 'individual_id',
        element: { code: 200 },
        unwrap: 'body',
      },
    ],
    one: {},
    limits: { perSecond: 2 },
  },
  template: 'finch',
  verified: [
    'GET /employer/directory with paging{count,offset}, POST /employer/employment with requests[{individual_id}] of at most 10000, each item with its own code: Finch-API/finch-api-node.',
    'employment_status with its words, start_date, latest_rehire_date, end_date, manager, department, title: the same.',
    'paging.count is the number of all individuals, and may be missing, which leaves the proof weak: Finch-API, clients in several languages.',
    'One bad item does not fail the batch: that worker’s row is set aside.',
  ],
  unverified: [
    'The address in front of /employer, the parameters limit and offset, and whether a header Finch-API-Version is demanded (headers takes it).',
    'employment_status may be null: such a row is set aside.',
  ],
};
