import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import { budgetOf } from '../../../src/targets/okta/budget.ts';
import { agrees, ticketOf, ticketText } from '../../../src/targets/okta/ticket.ts';
import { nextOf } from '../../../src/targets/okta/wire.ts';
import { NO_LISTING } from '../../../src/targets/target.ts';
import { acceptedOf, creates, leaver, openOktaDesk, peopled } from '../../support/okta-desk.ts';

const at = (seconds: number) => new Date(seconds * 1_000).toUTCString();

describe('the limits that Okta tells', () => {
  it('end by the difference of its own two clocks, however wrong ours is', () => {
    let now = 5_000_000_000;
    const budget = budgetOf(() => now);
    const told = { limit: '600', remaining: '0', reset: '1000060', date: at(1_000_020) };
    expect(budget.heard('source', { status: 429, ...told })).toBe(40_000);
    expect(budget.waitMs('source', false)).toBe(40_000);
    expect(budget.waitMs('users', false)).toBe(0);
    now += 40_001;
    expect(budget.waitMs('source', false)).toBe(0);
  });

  it('keep a tenth for leavers', () => {
    const budget = budgetOf(() => 0);
    budget.heard('users', { status: 200, limit: '100', remaining: '11', reset: '60', date: at(0) });
    expect(budget.waitMs('users', false)).toBe(0);
    budget.spent('users');
    expect(budget.waitMs('users', false)).toBe(60_000);
    expect(budget.waitMs('users', true)).toBe(0);
    for (let n = 0; n < 10; n += 1) budget.spent('users');
    expect(budget.waitMs('users', true)).toBe(60_000);
  });

  it('say nothing of a minute where too many came at once: zeros, and a suggestion', () => {
    const budget = budgetOf(() => 0);
    expect(budget.heard('users', { status: 429, limit: '0', remaining: '0', reset: '9999999', date: at(0) })).toBe(
      1_000,
    );
    expect(budget.waitMs('users', false)).toBe(0);
  });

  it('never make anybody wait for a mistake of an hour', () => {
    const budget = budgetOf(() => 0);
    expect(budget.heard('users', { status: 429, limit: '10', remaining: '0', reset: '7200', date: at(0) })).toBe(
      300_000,
    );
  });

  it('are kept to, with a clock that is an hour ahead, and nobody is refused', async () => {
    await using desk = await openOktaDesk({ fake: { perMinute: 60, skewMs: 3_600_000, oneBucket: true } });
    const joiners = creates(200);
    const delivered = await desk.deliverAll(joiners);
    const waiting = joiners.map((one, index) => acceptedOf(one, delivered[index] as never, desk.clock.nowMs()));
    const told = await desk.confirmAll(waiting);
    expect([...told.values()].filter(({ outcome }) => outcome.class === 'done')).toHaveLength(200);
    // Up to eight requests are under way when the window fills.
    expect(desk.okta.log.filter(({ status }) => status === 429).length).toBeLessThan(8);
    const before = desk.okta.log.length;
    expect((await desk.deliver(leaver(desk.okta, 3))).outcome.class).toBe('done');
    expect(desk.okta.log.length - before).toBe(2);
  });
});

describe('a ticket', () => {
  it('knows the values that were sent, and tells nobody what they are', () => {
    const text = ticketText('uis1', 5, { firstName: 'Mira', department: 'Field Ops', title: '' });
    const ticket = ticketOf(text);
    expect(ticket).toMatchObject({ session: 'uis1', atMs: 5 });
    expect(text).not.toContain('Mira');
    expect(agrees(ticket as never, { firstName: 'Mira', department: 'Field Ops', other: 'x' })).toBe(true);
    expect(agrees(ticket as never, { firstName: 'Mira', department: 'Sales' })).toBe(false);
    expect(agrees(ticket as never, { firstName: 'Mira', title: 'Chief' })).toBe(false);
    expect(ticketOf('something else')).toBeNull();
  });

  it('has room for the values of the widest record', () => {
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`attribute${n}`, `value ${n}`]));
    expect(ticketText('u'.repeat(60), Number.MAX_SAFE_INTEGER, wide).length).toBeLessThanOrEqual(500);
  });
});

describe('everybody at Okta', () => {
  it('is listed page by page, those who are deactivated too, with the external id that marks them', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 450);
    await desk.deliver(leaver(desk.okta, 3));
    const accounts = [];
    for await (const page of desk.target.list(desk.signal)) accounts.push(...page);
    expect(accounts).toHaveLength(450);
    expect(accounts.find(({ externalId }) => externalId === '1003')?.active).toBe(false);
    expect(accounts.find(({ externalId }) => externalId === '1004')).toMatchObject({
      active: true,
      userName: 'p4@example.com',
    });
  });

  it('cannot be listed without the scope, and is looked up one by one by what may be asked', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 2);
    desk.okta.answers({ path: /\/api\/v1\/users\?limit/ }, { status: 403 });
    const listing = (async () => {
      for await (const _ of desk.target.list(desk.signal)) throw new Error('nobody is listed');
    })();
    const error = await listing.catch((caught: unknown) => caught);
    expect(error instanceof Problem && error.faults[0]?.code).toBe(NO_LISTING);
    await using blind = await openOktaDesk({ okta: { reads: 'source' } });
    await peopled(blind, 2);
    const found = await blind.settled(
      blind.target.find(
        [
          { attribute: 'externalId', value: '1001' },
          { attribute: 'userName', value: 'p0@example.com' },
        ],
        blind.signal,
      ),
    );
    expect(found.map(({ remoteId }) => remoteId)).toEqual(['external:1001']);
  });

  it('is found by external id and by name, and read by the id that Okta gave', async () => {
    await using desk = await openOktaDesk();
    await peopled(desk, 3);
    const found = await desk.settled(
      desk.target.find(
        [
          { attribute: 'externalId', value: '1001' },
          { attribute: 'userName', value: 'P2@example.com' },
          { attribute: 'userName', value: 'nobody@example.com' },
        ],
        desk.signal,
      ),
    );
    expect(found.map(({ externalId }) => externalId).sort()).toEqual(['1001', '1002']);
    const id = desk.okta.state.coreOf('1001')?.id ?? '';
    expect(await desk.settled(desk.target.look(id, desk.signal))).toMatchObject({
      kind: 'there',
      account: { externalId: '1001' },
    });
    expect(await desk.settled(desk.target.look('00u-nobody', desk.signal))).toEqual({ kind: 'gone' });
  });

  it('follows the cursor of the next link, and no link itself', () => {
    const link =
      '<https://acme.okta.com/api/v1/users?limit=2>; rel="self", <https://evil.example.com/api/v1/users?after=00u7&limit=2>; rel="next"';
    expect(nextOf(link)).toBe('00u7');
    expect(nextOf('<https://acme.okta.com/api/v1/users?limit=2>; rel="self"')).toBeNull();
    expect(nextOf(null)).toBeNull();
  });
});

describe('a probe', () => {
  const probed = async (desk: Awaited<ReturnType<typeof openOktaDesk>>) => {
    const findings = (await desk.settled(desk.target.probe?.(desk.signal) ?? Promise.resolve([]))) ?? [];
    expect(desk.okta.log.every(({ method }) => method === 'GET')).toBe(true);
    return new Map(findings.map((finding) => [finding.code, finding]));
  };

  it('tells an organization in order, by reads alone', async () => {
    await using desk = await openOktaDesk();
    const found = await probed(desk);
    for (const code of ['reachable', 'identity-source', 'users'])
      expect(found.get(`target.${code}`)?.verdict).toBe('good');
  });

  it('names the scopes that are not held, in Okta’s own names', async () => {
    await using desk = await openOktaDesk({ scopes: ['okta.identitySources.manage'] });
    desk.okta.answers({ path: /identity-sources/ }, { status: 403, body: { errorSummary: 'no' } });
    desk.okta.answers({ path: /\/api\/v1\/users/ }, { status: 403, body: { errorSummary: 'no' } });
    const found = await probed(desk);
    expect(found.get('target.identity-source')).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('okta.identitySources.manage'),
    });
    expect(found.get('target.users')).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('okta.users.read'),
    });
    expect(found.get('target.scopes')).toMatchObject({
      verdict: 'warning',
      message: expect.stringContaining('okta.users.manage'),
    });
  });

  it('says that the feature may not be enabled where there is no such source', async () => {
    await using desk = await openOktaDesk({ fake: { enabled: false } });
    expect((await probed(desk)).get('target.identity-source')).toMatchObject({
      verdict: 'failed',
      hint: expect.stringContaining('not enabled'),
    });
  });

  it('stops at credentials that are refused', async () => {
    await using desk = await openOktaDesk({ token: 'stale' });
    const found = await probed(desk);
    expect(found.get('target.credentials')?.verdict).toBe('failed');
    expect(found.has('target.users')).toBe(false);
  });

  it('tells a clock that is far off', async () => {
    await using desk = await openOktaDesk({ fake: { skewMs: 20 * 60_000 } });
    expect((await probed(desk)).get('target.clock')?.message).toContain('20 minutes');
  });
});
