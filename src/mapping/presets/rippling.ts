import type { Preset } from './preset.ts';

export const rippling: Preset = {
  title: 'Rippling',
  parameters: {},
  source: {
    schedule: '10 * * * *',
    baseUrl: 'https://rest.ripplingapis.com',
    auth: { kind: 'bearer' },
    id: 'id',
    flatten: true,
    list: {
      path: '/workers',
      paging: { kind: 'next', path: 'next_link', sizeParameter: 'limit', size: 100 },
    },
    one: { path: '/workers/{id}' },
    changes: {
      schedule: '*/10 * * * *',
      path: '/workers',
      query: { filter: "updated_at gt '{since}'" },
      paging: { kind: 'next', path: 'next_link' },
      records: true,
      id: 'id',
    },
    limits: { perSecond: 4 },
  },
  template: 'rippling',
  verified: [
    'GET /workers with a bearer key, limit and cursor, next_link: lava.so, gateway of Rippling.',
    'Filters on status, work_email, user_id, created_at and updated_at, such as status eq ACTIVE: pipedream.com, list workers.',
  ],
  unverified: [
    'The names of members beside id, status and work_email, the words of status beside ACTIVE, and that a date of leave is not in the record: leavers are told by their status alone.',
    'The form of the filter on updated_at, and GET /workers/ID.',
    'That the absence of next_link is the end of the list: the proof is weak.',
    'The older base interface lists active workers only: it is no source for leavers.',
  ],
};
