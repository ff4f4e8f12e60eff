import type { Preset } from './preset.ts';

export const gusto: Preset = {
  title: 'Gusto',
  parameters: {
    companyId: {
      description: 'the UUID of the company',
      pattern: /^[0-9A-Za-z-]{1,64}$/,
      example: '1f0c1a52-0000-4000-8000-000000000001',
    },
  },
  source: {
    schedule: '50 */6 * * *',
    baseUrl: 'https://api.gusto.com/v1',
    auth: { kind: 'oauth2', tokenUrl: 'https://api.gusto.com/oauth/token', method: 'client_secret_post' },
    id: 'uuid',
    // `active` says that a termination has gone into effect: then `terminated` tells it, and what stays of it after a rehire is old.
    keep: { terminations: { active: false }, jobs: { primary: true } },
    firstOf: ['terminations', 'jobs'],
    flatten: true,
    list: {
      path: '/companies/{companyId}/employees',
      paging: { kind: 'page', sizeParameter: 'per', size: 100 },
    },
    // A leave that is dated ahead may stand here alone, so everybody is asked for.
    joins: [{ as: 'terminations', path: '/employees/{id}/terminations', many: true }],
    one: { path: '/employees/{id}' },
    limits: { perSecond: 3, minutes: 180 },
  },
  template: 'gusto',
  verified: [
    'GET /v1/companies/ID/employees with page and per; the list holds who is onboarding, active and terminated: docs.rs, gusto-api.',
    '/v1/employees/ID/terminations; effective_date is the last day of work: docs.gusto.com, changelog of December 2023.',
    'active of a termination says that it has gone into effect, GET /v1/employees/ID takes the UUID, members of an employee and of a job: docs.rs, gusto-api, and other clients made from the description of the vendor.',
  ],
  unverified: [
    'The address of the token endpoint, and that the refresh token is exchanged at each use: both are provided for.',
    'manager_uuid: older answers hold manager_id, a number; then a manager stays unset.',
    'That hire_date of the primary job is the day of the latest hire, and when terminated turns true: a leave that was not seen ahead is acted upon then, not before.',
    'The largest page; no total is said, so the proof is weak.',
    'GET /v1/events, which holds the events of 30 days, is not read: webhooks and the list tell the same.',
  ],
};
