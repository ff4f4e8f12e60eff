// Drills (see drills.test.ts): what HR delivers, and what is made of it.
import { describe, expect, test } from 'vitest';
import { crowd, feed, mappingText } from '../support/house.ts';
import { changed, drill } from '../support/on-call.ts';

const STAFF = crowd(40);
const HOUR = 3_600_000;

describe('drill, the feed:', () => {
  test('a mapping edit that blanks departments', async () => {
    const company = await drill({ people: STAFF });
    company.write('mappings/acme.yaml', mappingText({ 'department: record.Dept': `department: '""'` }));
    expect((await company.passes()).code).toBe(3);
    await company.status();
    const { stdout } = await company.types(/^rollcall holds [0-9a-f]+$/);
    expect(stdout).toContain('acme  valueBlanked  40 item(s)');
    company.byHand(/if it is wrong: correct .* the connection file where that was changed/, () =>
      company.write('mappings/acme.yaml', mappingText()),
    );
    await company.isOver();
  });

  test('a truncated feed', async () => {
    const company = await drill({ people: STAFF });
    const next = [...STAFF, { id: '2000' }];
    company.clock.advance(24 * HOUR);
    company.arrives(feed(next).slice(0, 600));
    expect((await company.passes()).code).toBe(3);
    await company.status();
    await company.types(/^rollcall holds [0-9a-f]+$/);
    company.byHand(/if it is wrong: HR delivers again; nothing is to be undone/, () => company.hrDelivers(next));
    await company.isOver();
  });

  test('the feed of another system', async () => {
    const company = await drill({ people: STAFF });
    company.arrives('Invoice,Amount\n1,2\n3,4\n');
    expect((await company.passes()).code).toBe(1);
    await company.status();
    const probe = await company.types(/^rollcall validate --probe acme$/);
    expect(probe.code).not.toBe(0);
    expect(probe.stdout + probe.stderr).toContain('the feed has no column "ID"');
    company.byHand(/HR delivers again, or the connection file is corrected/, () => company.hrDelivers(STAFF));
    expect((await company.types(/^rollcall validate --probe acme$/)).code).toBe(0);
    await company.isOver();
  });

  test('ids that occur twice', async () => {
    const company = await drill({ people: STAFF });
    const moved = changed(STAFF, '1003', { dept: 'Finance' });
    company.arrives(feed([...moved, { id: '1003', dept: 'Legal' }]));
    await company.passes();
    await company.status();
    const { stdout } = await company.types(/^rollcall status --rejections$/);
    expect(stdout).toContain('several rows with different content share the key 1003');
    company.byHand(/until HR mends them/, () => company.hrDelivers(moved));
    await company.isOver();
  });

  test('a stale feed', async () => {
    const company = await drill({ people: STAFF });
    await company.daemon();
    await company.hours(24 * 5);
    await company.statusSays('ALARM acme: no new delivery was accepted since');
    await company.types(/^rollcall validate --probe acme$/);
    company.byHand(/look at the job that writes it/, () => company.hrDelivers([...STAFF, { id: '2000' }]));
    await company.passes();
    await company.hours(1);
    await company.isOver();
  });

  test('a manager loop', async () => {
    const company = await drill({ people: STAFF });
    company.hrDelivers([...STAFF, { id: '2000', manager: '2001' }, { id: '2001', manager: '2000' }]);
    await company.passes();
    const { stdout } = await company.callsAbout('2000');
    expect(stdout).toContain('nothing is to be done');
    const [one, other] = ['2000', '2001'].map((id) => company.idp.user(id));
    expect(JSON.stringify(one)).toContain(`"${other?.id}"`);
    expect(JSON.stringify(other)).toContain(`"${one?.id}"`);
    await company.isOver();
  });

  test('a manager who never comes', async () => {
    const company = await drill({ people: STAFF });
    const orphan = [...STAFF, { id: '2000', manager: '9999' }];
    company.hrDelivers(orphan);
    await company.passes();
    expect((await company.callsAbout('2000')).stdout).toContain('the reference to manager 9999 waits');
    const { stdout } = await company.types(/^rollcall explain 9999$/);
    expect(stdout).toContain('no record of worker 9999 was ever accepted');
    company.byHand(/the key is HR’s, byte for byte/, () => {
      company.hrDelivers(changed(orphan, '2000', { manager: '1000' }));
    });
    await company.isOver();
    expect((await company.callsAbout('2000')).stdout).toContain('nothing is to be done');
  });

  test('a hold that was approved by mistake', async () => {
    const company = await drill({ people: STAFF });
    company.arrives(feed(STAFF.map((one, at) => (at < 8 ? { ...one, status: 'T' } : one))));
    expect((await company.passes()).code).toBe(3);
    await company.status();
    await company.types(/^rollcall holds [0-9a-f]+$/);
    await company.types(/^rollcall approve [0-9a-f]+ /);
    expect(company.idp.user('1003')?.active).toBe(false);
    expect(company.printed()).toContain('approved by mistake?');
    await company.types(/^rollcall stop-writes /);
    await company.status();
    company.clock.advance(HOUR);
    company.byHand(/HR’s next delivery that says otherwise gives it back/, () => company.hrDelivers(STAFF));
    await company.passes();
    expect(company.idp.user('1003')?.active, 'nothing leaves while writes are stopped').toBe(false);
    await company.status();
    await company.types(/^rollcall resume-writes/);
    await company.isOver();
  });
});
