import type { Preset } from './preset.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;

export const workdayRaas: Preset = {
  title: 'Workday, a report as a service',
  parameters: {
    host: {
      description: 'the host of the tenant',
      pattern: /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/,
      example: 'wd2-impl-services1.workday.com',
    },
    tenant: { description: 'the name of the tenant', pattern: NAME, example: 'acme' },
    owner: { description: 'the owner of the report', pattern: NAME, example: 'ISU_Rollcall' },
    report: {
      description: 'the name of the report, an advanced one that is exposed as a web service',
      pattern: NAME,
      example: 'Rollcall_Workers',
    },
  },
  source: {
    schedule: '30 */4 * * *',
    baseUrl: 'https://{host}/ccx/service/customreport2/{tenant}/{owner}',
    auth: { kind: 'basic' },
    id: 'WID',
    list: { path: '/{report}', query: { format: 'json' }, recordPath: 'Report_Entry', paging: { kind: 'none' } },
    // A report may run for half an hour before its first byte.
    timeoutMs: 1_800_000,
    limits: { perSecond: 1, minutes: 60 },
  },
  template: 'workday-raas',
  verified: [
    'Address, format=json and prompts as query parameters: docs.workato.com (workday_raas) and rdrr.io (getReportFromWorkday).',
    'The key Report_Entry, Basic with an integration system user, OAuth with a refresh token at /ccx/oauth2/TENANT/token: Workday/raas-python.',
    'Numbers and booleans as texts, explicit nulls, dates with an offset behind them (2026-02-01-08:00): a README of a university and the documentation of Entra’s connector.',
    'Future hires read Active 0 until their first day; the last day of work is empty until the termination is effective: learn.microsoft.com, Workday integration reference.',
    'A contractor who becomes an employee has two profiles with one worker id and two WIDs: the same, scenarios 1 to 4. So the WID is the key of an employment and the worker id that of the person.',
  ],
  unverified: [
    'The names of the columns are aliases that the author of the report chose: those of the template are typical, not given. Change `id`, `columns` and `worker` to yours.',
    'A report does not say how many rows it should have: the proof is weak, so nobody is taken for gone because it misses them. Let it hold those who left, at least of the last 60 days.',
    'The limits of 30 minutes and 2 GB for one report come from a secondary source.',
    'An integration system user reads in Pacific time: what becomes effective in Asia shows up to 18 hours late. Mapped dates are acted upon at their own moment; give the report the termination date ahead of time.',
  ],
};
