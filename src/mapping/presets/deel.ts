import type { Preset } from './preset.ts';

export const deel: Preset = {
  title: 'Deel',
  parameters: {},
  source: {
    schedule: '5 * * * *',
    baseUrl: 'https://api.letsdeel.com/rest/v2',
    auth: { kind: 'bearer' },
    id: 'id',
    flatten: true,
    list: {
      path: '/people',
      recordPath: 'data',
      paging: { kind: 'offset', sizeParameter: 'limit', size: 50 },
    },
    one: { path: '/people/{id}', recordPath: 'data' },
    limits: { perSecond: 4 },
  },
  template: 'deel',
  verified: [
    'GET /rest/v2/people with offset and limit, bearer; hiring_status, person_status with its words, start_date, timezone, direct_manager, preferred_first_name: OpenAPI of Deel in api-evangelist/deel.',
    'person_status is null without permission: the same. Such a row is set aside.',
  ],
  unverified: [
    'Where the list stands in an answer (data), the largest page, GET /people/ID, and the names of members beside those above.',
    'No total is used: the proof is weak.',
    'No date of leave is mapped: somebody who leaves keeps access until person_status reads INACTIVE. Let a webhook (contract.terminated) tell it sooner.',
  ],
};
