import type { Preset } from './preset.ts';

const employments = {
  path: '/persons/{id}/employments',
  query: { limit: '50' },
  recordPath: '_data',
  as: 'employment',
};

export const personioV2: Preset = {
  title: 'Personio, version 2',
  parameters: {},
  source: {
    schedule: '0 */6 * * *',
    baseUrl: 'https://api.personio.de/v2',
    auth: { kind: 'oauth2', tokenUrl: 'https://api.personio.de/v2/auth/token', method: 'client_secret_post' },
    id: 'id',
    // All of them, for the newest may be one that has not begun yet.
    explode: 'employment',
    // Moves although nothing did that counts here.
    omit: ['_meta', 'updated_at', 'employment._meta', 'employment.updated_at'],
    flatten: true,
    list: {
      path: '/persons',
      recordPath: '_data',
      paging: { kind: 'next', path: '_meta.links.next.href', sizeParameter: 'limit', size: 50 },
    },
    joins: [{ ...employments, many: true }],
    one: { path: '/persons/{id}' },
    changes: {
      schedule: '*/10 * * * *',
      path: '/persons',
      query: { 'updated_at.gt': '{since}', limit: '50' },
      recordPath: '_data',
      paging: { kind: 'next', path: '_meta.links.next.href' },
      id: 'id',
      changedAt: 'updated_at',
      // The filter takes days only, and whether the day itself is within it nobody says.
      sinceForm: 'date',
      overlapMinutes: 1_440,
    },
    limits: { perSecond: 4 },
  },
  template: 'personio-v2',
  verified: [
    'GET /v2/persons and /v2/persons/ID/employments, the newest employment first, limit 1 to 50, filters updated_at.gt: developer.personio.de, reference of version 2.',
    'The words of the status of an employment (active, leave, onboarding, inactive): developer.personio.de, changelog of the status filter; in capitals: ninjaneers-team/pysonio.',
    'Members of persons and employments, termination.termination_date and last_working_day, _data, _meta.links.next.href, and that the filters take days only: ninjaneers-team/pysonio, which is tested against the interface.',
    'Attributes without permission are missing: developer.personio.de, discuss.',
  ],
  unverified: [
    'The address of the token endpoint.',
    'A person with more than 50 employments: those beyond are not read.',
    'That the absence of a next page is the end: the proof is weak, so nobody is taken for gone because the list misses them.',
    'Whether updated_at of a person moves when only their employment changes: a job change is reported to send no webhook either. The whole list is read every six hours for that reason.',
    'contract_end_date is not mapped: contracts are prolonged. The department is an id (org_units) and not mapped either.',
  ],
};
