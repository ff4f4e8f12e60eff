// Many joiners and then many leavers through Okta's sessions, with the whole house under a held clock against the strict stand-in: a
// session that fails, a start that is answered by silence, a limit of requests, a clock that is off.
import { expect } from 'vitest';
import { type FakeOkta, SOURCE_ID, startFakeOkta } from '../support/fake-okta.ts';
import { heldClock } from '../support/held-clock.ts';
import { crowd, feed, mappingText, NOON, openTestHouse } from '../support/house.ts';
import { oktaYaml } from '../support/stage-okta.ts';

export interface OktaCampaign {
  readonly violations: readonly string[];
  readonly joined: {
    readonly sessions: number;
    readonly loads: number;
    readonly accounts: number;
    readonly minutes: number;
  };
  readonly left: {
    readonly deactivated: number;
    /** Whose last read showed the user as deactivated, after the last call that ended their access. */
    readonly verified: number;
    readonly minutes: number;
    /** Sessions that were opened for them. */
    readonly sessions: number;
  };
  readonly refusedByRate: number;
  readonly requests: number;
  /** Workers by what their delivery is. */
  readonly deliveries: Readonly<Record<string, number>>;
  /** Active accounts of people who still work there. */
  readonly atWork: number;
}

/** Requests in a minute that the stand-in answers. */
const PER_MINUTE = 1_200;
const HOUR_MS = 3_600_000;

export async function oktaCampaign(counts: {
  readonly joiners: number;
  readonly leavers: number;
}): Promise<OktaCampaign> {
  const clock = heldClock(NOON);
  const okta = await startFakeOkta({
    now: clock.nowMs,
    ssws: 'let-me-in',
    perMinute: PER_MINUTE,
    skewMs: 17 * 60_000,
    lagMs: 30_000,
  });
  try {
    const head = mappingText();
    const yaml = oktaYaml().slice(0, oktaYaml().indexOf('    groups:'));
    const test = await openTestHouse({
      clock,
      mapping: `${head.slice(0, head.indexOf('  - name: idp'))}${yaml}`,
      environment: { OKTA_URL: okta.url, OKTA_TOKEN: 'let-me-in' },
      traffic: () => ({ arrived: okta.log.length, open: okta.open() }),
    });
    okta.state.failNext = true;
    okta.answers({ method: 'POST', path: /start-import/, times: 1 }, 'lose');
    const people = crowd(counts.joiners);
    const began = clock.nowMs();
    test.deliver(feed(people));
    await test.cycle();
    await test.settle(24 * HOUR_MS);
    const joined = {
      sessions: okta.state.sessions.length,
      loads: okta.state.sessions.reduce((sum, { loads }) => sum + loads.length, 0),
      accounts: okta.state.core.size,
      minutes: lastWriteMinutes(okta, 0, began),
    };
    const from = okta.log.length;
    const gone = people
      .filter((_, index) => index % Math.floor(counts.joiners / counts.leavers) === 0)
      .slice(0, counts.leavers);
    const goneIds = new Set(gone.map(({ id }) => id));
    const leaving = clock.nowMs();
    test.deliver(feed(people.map((one) => (goneIds.has(one.id) ? { ...one, status: 'T', end: '2026-11-20' } : one))));
    await test.cycle();
    await test.approveAll();
    await test.cycle();
    await test.settle(24 * HOUR_MS);
    okta.state.catchUp();
    const users = [...okta.state.core.values()];
    const deliveries: Record<string, number> = {};
    for (const keys of slices(
      people.map(({ id }) => id),
      500,
    )) {
      for (const { standing } of (await test.house.store.situations('acme', keys)).values())
        deliveries[`${standing.stage}/${standing.delivery}`] =
          (deliveries[`${standing.stage}/${standing.delivery}`] ?? 0) + 1;
    }
    const left = users.filter(({ profile }) => goneIds.has(profile.employeeNumber ?? ''));
    return {
      violations: okta.violations,
      joined,
      left: {
        deactivated: left.filter(({ status }) => status === 'DEPROVISIONED').length,
        verified: left.filter((user) => isVerified(okta, from, user)).length,
        minutes: lastWriteMinutes(okta, from, leaving),
        sessions: okta.state.sessions.length - joined.sessions,
      },
      refusedByRate: okta.log.filter(({ status }) => status === 429).length,
      requests: okta.log.length,
      deliveries,
      atWork: users.filter(({ status, profile }) => status === 'ACTIVE' && !goneIds.has(profile.employeeNumber ?? ''))
        .length,
    };
  } finally {
    await okta.close();
  }
}

const lastWriteMinutes = (okta: FakeOkta, from: number, began: number): number => {
  const last = okta.log.slice(from).findLast(({ method }) => method !== 'GET');
  return last === undefined ? 0 : Math.round((last.at - began) / 60_000);
};

/** After the last call that took their access a read of that very user was answered. */
function isVerified(
  okta: FakeOkta,
  from: number,
  user: { readonly id: string; readonly profile: Readonly<Record<string, string>> },
): boolean {
  const log = okta.log.slice(from);
  const end = log.findLastIndex(
    ({ method, path }) =>
      method === 'DELETE' && path === `/api/v1/identity-sources/${SOURCE_ID}/users/${user.profile.employeeNumber}`,
  );
  expect(end).toBeGreaterThanOrEqual(0);
  return log
    .slice(end)
    .some(({ method, path, status }) => method === 'GET' && path === `/api/v1/users/${user.id}` && status === 200);
}

function* slices<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}
