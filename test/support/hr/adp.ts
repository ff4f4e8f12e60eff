// ADP Workforce Now as reference section 8 describes it: what is not set is absent, and the list ends with a 204 (assumed there, too).
// That its certificate is shown is tested where the connection is, not here.
import { type HrPerson, type HrReply, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

function worker(one: HrPerson, world: HrWorld): object {
  const whole = {
    associateOID: one.id,
    workerID: { idValue: one.number },
    person: { legalName: { givenName: one.first, familyName1: one.last } },
    workerDates: { originalHireDate: one.start, ...(one.end === '' ? {} : { terminationDate: one.end }) },
    workerStatus: { statusCode: { codeValue: hasLeft(one, world) ? 'Terminated' : 'Active' } },
    workAssignments: [
      { primaryIndicator: false, positionID: `S${one.id}`, jobTitle: 'On the side' },
      {
        primaryIndicator: true,
        positionID: `P${one.id}`,
        jobTitle: one.title,
        ...(one.manager === '' ? {} : { reportsTo: [{ associateOID: one.manager }] }),
      },
    ],
  };
  return world.hidden ? without(whole, 'workerStatus') : whole;
}

export const adp: VendorFake = {
  preset: 'adp',
  environment: { ADP_CLIENT_ID: 'client', ADP_CLIENT_SECRET: 'secret' },
  // No certificate on plain HTTP.
  source: { 'auth.tls': undefined },
  tokenPath: '/auth/oauth/v2/token',
  pageSize: 5,
  tellsLostPage: false,
  respond: ({ path, query, headers }, world): HrReply => {
    if (path === '/auth/oauth/v2/token') {
      return headers.authorization === `Basic ${Buffer.from('client:secret').toString('base64')}`
        ? { body: { access_token: 'adp-token', token_type: 'Bearer', expires_in: 3_600 } }
        : { status: 401, body: { error: 'invalid_client' } };
    }
    if (headers.authorization !== 'Bearer adp-token') return { status: 401 };
    if (path !== '/hr/v2/workers') return { status: 404 };
    const skip = Number(query.get('$skip') ?? 0);
    const page = world.people.slice(skip, skip + Number(query.get('$top') ?? 100));
    return page.length === 0 ? { status: 204 } : { body: { workers: page.map((one) => worker(one, world)) } };
  },
};
