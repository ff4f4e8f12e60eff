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
    keep: { terminations: { active: true } },
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
  ],
  unverified: [
    'The address of the token endpoint, and that the refresh token is exchanged at each use: both are provided for.',
    'The names of members beside uuid and terminated; active of a termination; GET /employees/ID.',
    'The largest page; no total is said, so the proof is weak.',
    'GET /v1/events, which holds the events of 30 days, is not read: webhooks and the list tell the same.',
  ],
};
