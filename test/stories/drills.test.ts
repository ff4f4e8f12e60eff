// Drills: something goes wrong as it does in real life, and whoever is on call gets out of it with nothing but what the tool prints
// (test/support/on-call.ts). docs/runbook.md names each of them. This file: the target and its answers.
import { describe, expect, test } from 'vitest';
import { crowd, mappingText } from '../support/house.ts';
import { changed, DISABLES, type Drill, drill, ENTERPRISE, refusalOf } from '../support/on-call.ts';

const STAFF = crowd(40);
const LEFT = { status: 'T', end: '2026-11-22' };
const HOUR = 3_600_000;
const has = (company: Drill, id: string): unknown => company.idp.user(id)?.active;

describe('drill, the target:', () => {
  test('bad credentials', async () => {
    const company = await drill({ people: STAFF, mapping: mappingText({ '${env:IDP_TOKEN}': '${file:$DIR/token}' }) });
    const daemon = await company.daemon();
    company.target.token = 'another-one';
    company.hrDelivers([...changed(STAFF, '1003', LEFT), { id: '2000' }]);
    await company.passes();
    await company.statusSays('TARGET idp IS DOWN');
    const probe = await company.types(/^rollcall validate --probe$/);
    expect(probe.code).not.toBe(0);
    company.byHand(/credentials/, () => company.write('token', 'another-one'));
    expect((await company.types(/^rollcall validate --probe$/)).code).toBe(0);
    await company.hours(1);
    await company.isOver();
    expect(await daemon.stop()).toBe(0);
  });

  test('target down for a day', async () => {
    const company = await drill({ people: STAFF });
    await company.daemon();
    const back = company.idp.behaviours.add({ act: { kind: 'answer', status: 503 } });
    company.hrDelivers(
      STAFF.map((one, at) => (one.id === '1003' ? { ...one, ...LEFT } : at > 33 ? { ...one, title: 'Lead' } : one)),
    );
    await company.passes();
    await company.hours(24);
    await company.statusSays('TARGET idp IS DOWN');
    expect(company.printed()).toContain('its work waits and goes out by itself, leavers first');
    expect(has(company, '1003')).toBe(true);
    back();
    const from = company.idp.log.length;
    await company.hours(1);
    const writes = company.idp.log
      .slice(from)
      .filter(({ method, status }) => method !== 'GET' && (status ?? 500) < 300);
    expect(writes[0]?.body, 'the leaver is the first').toMatch(DISABLES);
    await company.isOver();
  });

  test('an over-long title for 3,000 people', { timeout: 120_000 }, async () => {
    const people = crowd(3_000);
    const company = await drill({ people });
    const cut = company.idp.behaviours.add({
      body: /"title":"Vice|"value":"Vice/,
      act: refusalOf(400, 'title of "somebody" is too long'),
    });
    const promoted = people.map((one) => ({ ...one, title: `Vice President of ${one.id}` }));
    company.hrDelivers(promoted);
    await company.passes();
    await company.status();
    await company.types(/^rollcall holds [0-9a-f]+$/);
    await company.types(/^rollcall approve [0-9a-f]+ /);
    await company.status();
    const { stdout } = await company.types(/^rollcall failed$/);
    expect(stdout).toMatch(/idp {2}400 invalidValue {2}3,000 ×/);
    company.byHand(/the target says: title of "somebody" is too long/, cut);
    const from = company.idp.log.length;
    const replayed = await company.types(/^rollcall replay --cause [0-9a-f]+ /);
    expect(replayed.stdout).toContain('3,000 failure(s): 3,000 operation(s) done now');
    expect(company.idp.log.slice(from).filter(({ method }) => method === 'PATCH')).toHaveLength(3_000);
    await company.isOver();
  });

  test('a rehire during a failed leave', async () => {
    const company = await drill({ people: STAFF });
    const refuses = company.idp.behaviours.add({ method: 'PATCH', body: DISABLES, act: refusalOf(400, 'not now') });
    company.hrDelivers(changed(STAFF, '1003', LEFT));
    await company.passes();
    await company.status();
    expect((await company.types(/^rollcall failed$/)).stdout).toContain('1 leaver(s) STILL HAVE ACCESS');
    company.clock.advance(HOUR);
    company.hrDelivers(STAFF);
    await company.passes();
    refuses();
    const replayed = await company.types(/^rollcall replay --cause /);
    expect(replayed.stdout).toBe('nothing has failed that fits\n');
    expect(has(company, '1003')).toBe(true);
    await company.isOver();
  });

  test('an ambiguous match', async () => {
    const [first, second] = ['a', 'b'].map((name) => ({
      userName: `${name}@example.com`,
      active: true,
      [ENTERPRISE]: { employeeNumber: '2000' },
    }));
    const company = await drill({ people: STAFF, idp: { users: [first ?? {}, second ?? {}] } });
    company.hrDelivers([...STAFF, { id: '2000' }]);
    await company.passes();
    await company.status();
    await company.types(/^rollcall failed$/);
    await company.types(/^rollcall explain 2000/);
    const right = [...company.idp.users.values()].find(({ userName }) => userName === 'b@example.com');
    await company.types(/^rollcall pair 2000 /, { ACCOUNT: String(right?.id) });
    expect(company.idp.users.get(String(right?.id))).toMatchObject({ externalId: '2000', title: 'Clerk' });
    await company.isOver();
  });

  test('a throttled target', async () => {
    const company = await drill({ people: STAFF });
    await company.daemon();
    const from = company.idp.log.length;
    company.idp.behaviours.add({
      times: 12,
      method: 'POST',
      act: { kind: 'answer', status: 429, headers: { 'retry-after': '120' } },
    });
    company.hrDelivers([...STAFF, { id: '2000' }, { id: '2001' }, { id: '2002' }]);
    await company.passes();
    await company.statusSays('target idp asked for patience');
    expect(company.printed()).toContain('nothing is lost');
    await company.hours(2);
    await company.isOver();
    expect(company.idp.log.slice(from).some(({ status }) => status === 429)).toBe(true);
  });

  test('a protected account whose owner leaves', async () => {
    const mapping = mappingText({
      'targets:': `protected: ['account.userName == "first1003.last1003@example.com"']\ntargets:`,
    });
    const company = await drill({ people: STAFF, mapping });
    company.hrDelivers(changed(STAFF, '1003', LEFT));
    await company.passes();
    await company.status();
    await company.types(/^rollcall failed$/);
    const writes = company.idp.writes().length;
    company.byHand(/Take the access away at the target by hand/, () => byAdministrator(company, '1003'));
    await company.types(/^rollcall replay --cause /);
    expect(company.idp.writes()).toHaveLength(writes);
    await company.isOver();
  });

  test('a refused disable', async () => {
    const company = await drill({ people: STAFF });
    company.idp.behaviours.add({ method: 'PATCH', body: DISABLES, act: refusalOf(403, 'you may not do this') });
    company.hrDelivers(changed(STAFF, '1003', LEFT));
    await company.passes();
    await company.status();
    await company.types(/^rollcall explain 1003/);
    await company.types(/^rollcall failed$/);
    company.byHand(/Take the access away at the target by hand/, () => byAdministrator(company, '1003'));
    await company.types(/^rollcall replay --cause /);
    await company.isOver();
  });

  test('a poison record in a bulk', async () => {
    const company = await drill({ people: STAFF, idp: { bulk: { maxOperations: 50, maxPayloadSize: 1_000_000 } } });
    const cut = company.idp.behaviours.add({
      within: 'bulk',
      body: /"externalId":"2003"/,
      act: refusalOf(400, 'this one is poison'),
    });
    const alone = company.idp.behaviours.add({
      body: /"externalId":"2003"/,
      method: 'POST',
      path: '/Users',
      act: refusalOf(400, 'this one is poison'),
    });
    company.hrDelivers([...STAFF, ...['2000', '2001', '2002', '2003'].map((id) => ({ id }))]);
    await company.passes();
    await company.status();
    const { stdout } = await company.types(/^rollcall failed$/);
    expect(stdout).toMatch(/1 ×/);
    expect(['2000', '2001', '2002'].map((id) => has(company, id))).toEqual([true, true, true]);
    company.byHand(/the target says: this one is poison/, () => {
      cut();
      alone();
    });
    await company.types(/^rollcall replay --cause /);
    await company.isOver();
  });
});

/** As in the target's own console: the account is disabled and taken out of its groups. */
function byAdministrator({ idp }: Drill, key: string): void {
  const account = idp.user(key);
  idp.users.set(String(account?.id), { ...account, active: false });
  for (const [id, group] of idp.groups) {
    const members = (group.members as { value: string }[] | undefined)?.filter(({ value }) => value !== account?.id);
    idp.groups.set(id, { ...group, members });
  }
}
