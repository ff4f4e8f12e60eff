import type { Preset } from './preset.ts';

export const deel: Preset = {
  title: 'Deel',
  parameters: {},
  source: {
    schedule: '5 * * * *',
    baseUrl: 'https://api.letsdeel.com/rest/v2',
    auth: { kind: 'bearer' },
    id: 'id',
    keep: { emails: { type: 'work' } },
    firstOf: ['emails'],
    // Moves although nothing did that counts here.
    omit: ['updated_at'],
    flatten: true,
    list: {
      path: '/people',
      recordPath: 'data',
      paging: { kind: 'offset', sizeParameter: 'limit', size: 50, total: 'page.total_rows' },
    },
    one: { path: '/people/{id}', recordPath: 'data' },
    limits: { perSecond: 4 },
  },
  template: 'deel',
  verified: [
    'GET /rest/v2/people with offset and limit, bearer; hiring_status, person_status with its words, start_date, timezone, direct_manager, preferred_first_name: OpenAPI of Deel in api-evangelist/deel.',
    'person_status is null without permission: the same. Such a row is set aside.',
    'data and page.total_rows of an answer; emails, department, job_title, completion_date and direct_employee_termination_last_day of a person: letsdeel/deel-api-java-sdk.',
  ],
  unverified: [
    'The largest page, GET /people/ID, the word work among the kinds of emails, and that page.total_rows counts everybody.',
    'What completion_date means for those who are not offboarding: contracts are prolonged, so it counts only once person_status reads OFFBOARDING. Before direct_employee_termination_last_day it is the second choice.',
    'Which of both is filled while somebody is offboarding: with neither they keep access until person_status reads INACTIVE. Let a webhook (contract.terminated) tell it sooner.',
  ],
};
