import type { Preset } from './preset.ts';

export const successfactors: Preset = {
  title: 'SAP SuccessFactors Employee Central, OData version 2',
  parameters: {
    host: {
      description: 'the host of the API of your data centre',
      pattern: /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/,
      example: 'api4.successfactors.com',
    },
  },
  source: {
    schedule: '45 */3 * * *',
    baseUrl: 'https://{host}/odata/v2',
    auth: { kind: 'basic' },
    id: 'employmentNav.results.userId',
    explode: 'employmentNav.results',
    firstOf: ['personalInfoNav.results', 'employmentNav.results.jobInfoNav.results'],
    dates: 'odata',
    flatten: true,
    omit: ['__metadata', 'employmentNav.results.__metadata'],
    list: {
      path: '/PerPerson',
      query: {
        $format: 'json',
        $expand: 'personalInfoNav,employmentNav,employmentNav/jobInfoNav,employmentNav/jobInfoNav/emplStatusNav',
        // Rows of the future as well: without it only what counts today is in the answer.
        fromDate: '{today}',
        // Without it pages can miss or double rows.
        paging: 'snapshot',
      },
      recordPath: 'd.results',
      paging: { kind: 'next', path: 'd.__next', sizeParameter: 'customPageSize', size: 500, endIsDocumented: true },
    },
    limits: { perSecond: 4 },
  },
  template: 'successfactors',
  verified: [
    'PerPerson with $expand, at most 1000 on a page, d.__next, paging=snapshot: SAP knowledge base 2489065, 2723468, 3308165.',
    'Without fromDate, toDate or asOfDate only rows of today come: SAP knowledge base 2148752.',
    'Codes of emplStatusNav.externalCode, personIdExternal as the person and userId as the employment, employments in no order, lastDateWorked: learn.microsoft.com, SuccessFactors integration reference.',
  ],
  unverified: [
    'Dates as /Date(milliseconds)/ at midnight in UTC.',
    'That the first row of jobInfoNav from today on is the one of today, and the names of its members beside emplStatusNav and department.',
    'The form user@companyId of the user’s name.',
    'Managers: managerId is the key of an employment, and workers here are known by personIdExternal. Where both differ a manager stays unset.',
    'Changes alone are not read: lastModifiedDateTime of a person does not tell of their employments. A webhook cannot be followed to one worker either, because keys are those of employments.',
  ],
};
