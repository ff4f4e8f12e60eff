import type { Preset } from './preset.ts';

/** Names stand with the user, the department is an id of its own otherwise. */
const EXPAND = { expand: 'user,department' };

export const rippling: Preset = {
  title: 'Rippling',
  parameters: {},
  source: {
    schedule: '10 * * * *',
    baseUrl: 'https://rest.ripplingapis.com',
    auth: { kind: 'bearer' },
    id: 'id',
    // Moves although nothing did that counts here.
    omit: ['updated_at', 'user.updated_at', 'department.updated_at'],
    flatten: true,
    list: {
      path: '/workers',
      query: EXPAND,
      paging: { kind: 'next', path: 'next_link', sizeParameter: 'limit', size: 100 },
    },
    one: { path: '/workers/{id}', query: EXPAND },
    changes: {
      schedule: '*/10 * * * *',
      path: '/workers',
      query: { ...EXPAND, filter: "updated_at gt '{since}'" },
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
    'GET /workers/ID, expand=user,department, start_date, end_date, title, manager_id, and the words of status (HIRED, ACCEPTED, ACTIVE, TERMINATED): docs.rs, rippling-api.',
  ],
  unverified: [
    'That names stand at user.name (given_name, family_name), as one public client found.',
    'Whether end_date is filled ahead of the last day, and whether it is that day: a worker without one leaves when the status says so.',
    'The form of the filter on updated_at, and whether updated_at of a worker moves with the user and the department.',
    'That the absence of next_link is the end of the list: the proof is weak.',
    'The older base interface lists active workers only: it is no source for leavers.',
  ],
};
