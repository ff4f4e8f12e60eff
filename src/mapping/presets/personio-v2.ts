import type { Preset } from './preset.ts';

const employments = {
  path: '/persons/{id}/employments',
  query: { limit: '50' },
  recordPath: '_data',
  as: 'employment',
  first: true,
};

export const personioV2: Preset = {
  title: 'Personio, version 2',
  parameters: {},
  source: {
    schedule: '0 */6 * * *',
    baseUrl: 'https://api.personio.de/v2',
    auth: { kind: 'oauth2', tokenUrl: 'https://api.personio.de/v2/auth/token', method: 'client_secret_post' },
    id: 'id',
    flatten: true,
    list: {
      path: '/persons',
      recordPath: '_data',
      paging: { kind: 'next', path: '_meta.links.next.href', sizeParameter: 'limit', size: 50 },
    },
    joins: [employments],
    one: { path: '/persons/{id}' },
    changes: {
      schedule: '*/10 * * * *',
      path: '/persons',
      query: { 'updated_at.gt': '{since}', limit: '50' },
      recordPath: '_data',
      paging: { kind: 'next', path: '_meta.links.next.href' },
      id: 'id',
    },
    limits: { perSecond: 4 },
  },
  template: 'personio-v2',
  verified: [
    'GET /v2/persons and /v2/persons/ID/employments, the newest employment first, limit 1 to 50, filters updated_at.gt: developer.personio.de, reference of version 2.',
    'Attributes without permission are missing: developer.personio.de, discuss.',
  ],
  unverified: [
    'The names of members, where the list and the next page stand in an answer, the address of the token endpoint.',
    'The words of the status of an employment.',
    'That the absence of a next page is the end: the proof is weak, so nobody is taken for gone because the list misses them.',
    'Whether updated_at of a person moves when only their employment changes: a job change is reported to send no webhook either. The whole list is read every six hours for that reason.',
  ],
};
