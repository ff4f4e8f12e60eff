// Gusto as reference section 11 describes it: pages without a total, terminations in a call of their own. Names of members are those of
// docs.rs, gusto-api, but for manager_uuid; that each refresh token is good for one use is assumed.
import { type HrPerson, type HrReply, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

/** The refresh token that is good now; none before the first use. */
const nextToken = new WeakMap<HrWorld, string>();

const COMPANY = '1f0c1a52-0000-4000-8000-000000000001';

function employee(one: HrPerson, world: HrWorld): object {
  const whole = {
    uuid: one.id,
    first_name: one.first,
    last_name: one.last,
    work_email: one.mail,
    terminated: hasLeft(one, world),
    manager_uuid: one.manager === '' ? null : one.manager,
    department: one.department,
    jobs: [{ title: one.title, hire_date: one.start, primary: true }],
  };
  return world.hidden ? without(whole, 'terminated') : whole;
}

export const gusto: VendorFake = {
  preset: 'gusto',
  environment: { GUSTO_CLIENT_ID: 'client', GUSTO_CLIENT_SECRET: 'secret', GUSTO_REFRESH_TOKEN: 'refresh' },
  tokenPath: '/oauth/token',
  pageSize: 5,
  tellsLostPage: false,
  respond: ({ path, query, headers, body }, world): HrReply => {
    if (path === '/oauth/token') {
      const form = new URLSearchParams(body);
      const due = nextToken.get(world) ?? 'refresh';
      if (form.get('grant_type') !== 'refresh_token' || form.get('client_secret') !== 'secret')
        return { status: 400, body: { error: 'invalid_client' } };
      if (form.get('refresh_token') !== due) return { status: 400, body: { error: 'invalid_grant' } };
      const next = `${due}+`;
      nextToken.set(world, next);
      return { body: { access_token: 'g-token', token_type: 'Bearer', expires_in: 7_200, refresh_token: next } };
    }
    if (headers.authorization !== 'Bearer g-token') return { status: 401 };
    if (path === `/companies/${COMPANY}/employees`) {
      const per = Number(query.get('per'));
      const from = (Number(query.get('page')) - 1) * per;
      return { body: world.people.slice(from, from + per).map((one) => employee(one, world)) };
    }
    const [, id, terminations] = /^\/employees\/(\w+)(\/terminations)?$/.exec(path) ?? [];
    const one = world.people.find((candidate) => candidate.id === id);
    if (one === undefined) return { status: 404 };
    if (terminations === undefined) return { body: employee(one, world) };
    // The effective date is the last day of work (section 11); active says that it has gone into effect (docs.rs, gusto-api).
    const former = { active: true, effective_date: '2010-01-31' };
    return { body: one.end === '' ? [former] : [former, { active: hasLeft(one, world), effective_date: one.end }] };
  },
};
