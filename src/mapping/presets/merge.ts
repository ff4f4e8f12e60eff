import type { Preset } from './preset.ts';

export const merge: Preset = {
  title: 'Merge',
  parameters: {},
  source: {
    schedule: '25 */3 * * *',
    baseUrl: 'https://api.merge.dev/api/hris/v1',
    auth: { kind: 'bearer' },
    id: 'id',
    firstOf: ['employments'],
    flatten: true,
    list: {
      path: '/employees',
      query: { expand: 'employments' },
      recordPath: 'results',
      paging: { kind: 'cursor', parameter: 'cursor', path: 'next', sizeParameter: 'page_size', size: 100 },
    },
    one: { path: '/employees/{id}', query: { expand: 'employments' } },
    changes: {
      schedule: '*/15 * * * *',
      path: '/employees',
      query: { modified_after: '{since}', expand: 'employments' },
      recordPath: 'results',
      paging: { kind: 'cursor', parameter: 'cursor', path: 'next', sizeParameter: 'page_size', size: 100 },
      records: true,
      id: 'id',
    },
    limits: { perSecond: 1.5 },
  },
  template: 'merge',
  verified: [
    'Members of an employee, the words of employment_status, modified_after, page_size at most 100 and cursor: merge-api/merge-node-client.',
    'start_date is the first day, hire_date usually the day the offer is signed: the same.',
    'Authorization: Bearer beside X-Account-Token: hexdocs.pm, merge_hris_client.',
    'modified_after is the moment of Merge’s own synchronisation, not of the HR system: merge-node-client.',
  ],
  unverified: [
    'The address in front of /employees, where list and cursor stand in an answer (results, next), and the limit of requests.',
    'expand=employments, and which of several employments comes first: title and department are taken from the first.',
    'That an absent cursor is the end: the proof is weak. remote_was_deleted is not mapped.',
  ],
};
