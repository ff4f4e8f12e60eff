import type { Preset } from './preset.ts';

export const adp: Preset = {
  title: 'ADP Workforce Now',
  parameters: {},
  source: {
    schedule: '20 */4 * * *',
    baseUrl: 'https://api.adp.com',
    auth: { kind: 'oauth2', tokenUrl: 'https://accounts.adp.com/auth/oauth/v2/token' },
    id: 'associateOID',
    keep: { workAssignments: { primaryIndicator: true } },
    firstOf: ['workAssignments', 'workAssignments.reportsTo'],
    flatten: true,
    list: {
      path: '/hr/v2/workers',
      recordPath: 'workers',
      // A page that is short for another reason must not hide whoever comes after it.
      paging: { kind: 'offset', parameter: '$skip', sizeParameter: '$top', size: 100, untilEmpty: true },
    },
    limits: { perSecond: 4 },
  },
  template: 'adp',
  verified: [
    'api.adp.com (api.eu.adp.com in the EU), OAuth client credentials over mutual TLS: developers.adp.com, introduction to ADP RESTful APIs.',
    'GET /hr/v2/workers with $top and $skip, at most 100: developers.adp.com, open data protocol.',
    'associateOID, legalName, workerDates, workerStatus, workAssignments with primaryIndicator and reportsTo: agreeing public clients.',
    'There is no moment of modification on workers, so changes cannot be asked for: prismatic.io, connector changes.',
  ],
  unverified: [
    'The end of the list is a 204 or an empty page: the proof is weak, so nobody is taken for gone because the list misses them.',
    'The address of the token endpoint, jobTitle of an assignment, and the words of workerStatus.statusCode.codeValue beside Terminated: another word than those of the template sets its row aside.',
    'Not every tenant fills every field; members that are not set are taken to be absent. So a termination date that our credentials may not see cannot be told from none: try one leaver first.',
    'The queue of event notifications is not read: its messages are taken away by a DELETE, and this source only reads.',
  ],
};
