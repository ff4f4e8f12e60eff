import type { Preset } from './preset.ts';

export const personioV1: Preset = {
  title: 'Personio, version 1',
  parameters: {},
  source: {
    schedule: '0 */2 * * *',
    baseUrl: 'https://api.personio.de/v1',
    auth: { kind: 'login', tokenUrl: 'https://api.personio.de/v1/auth', tokenPath: 'data.token', minutes: 30 },
    id: 'id',
    values: 'value',
    flatten: true,
    list: {
      path: '/company/employees',
      recordPath: 'data',
      unwrap: 'attributes',
      ok: { success: 'true' },
      paging: {
        kind: 'offset',
        parameter: 'offset',
        sizeParameter: 'limit',
        size: 100,
        total: 'metadata.total_elements',
      },
    },
    changes: {
      schedule: '*/10 * * * *',
      path: '/company/employees',
      query: { updated_since: '{since}' },
      sinceForm: 'local',
      recordPath: 'data',
      unwrap: 'attributes',
      ok: { success: 'true' },
      id: 'attributes.id.value',
      records: true,
      overlapMinutes: 60,
    },
    limits: { perSecond: 4 },
  },
  template: 'personio-v1',
  verified: [
    'POST /v1/auth with client_id and client_secret, GET /v1/company/employees with limit and offset, the shape of answers, every attribute wrapped: personio/api-docs, personio-personnel-data-api-oa3.yaml.',
    'At most 100 on a page since 2025-01-31: developer.personio.de, changelog.',
    'updated_since makes limit and offset ignored, in the specification of January 2025: personio/api-docs.',
    'The words of status (active, onboarding, leave, inactive): developer.personio.de, changelog of the status field. Another word sets its row aside.',
    'Dates are written as midnight with an offset (2014-11-09 00:00:00+01:00); the day counts, not the moment: personio/api-docs.',
  ],
  unverified: [
    'Where the token stands in the answer of /v1/auth (data.token), and how long it is good for.',
    'In which zone updated_since is meant: it is written in UTC, which asks for more than needed where it is read as a time of Central Europe, and an hour of overlap is asked for besides.',
    'Which of termination_date and contract_end_date ends access: the template takes the first, because contracts are prolonged.',
  ],
};
