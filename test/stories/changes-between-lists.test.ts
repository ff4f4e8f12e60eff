import { describe, expect, it } from 'vitest';
import { bamboohr } from '../support/hr/bamboohr.ts';
import type { HrPerson } from '../support/hr/fake-hr.ts';
import { CROWD, openPresetDesk, type PresetDesk } from '../support/hr/preset-desk.ts';

/** HR changes somebody, and its change feed says so. */
function changeNow({ hr, clock, change }: PresetDesk, id: string, what: Partial<HrPerson>): void {
  change(id, what);
  hr.world.changed.push({ id, at: `${clock.now().slice(0, 19)}+00:00`, action: 'Updated' });
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const asked = ({ hr }: PresetDesk, from: number): readonly string[] => hr.log.slice(from).map(({ path }) => path);

describe('changes between two whole lists', () => {
  it('reach the identity provider without reading the list, and survive a restart', async () => {
    const desk = await openPresetDesk(bamboohr);
    const { hr, idp, clock, read, readChanges, settle, restart, live } = desk;
    await read();
    await settle();
    clock.advance(3_600_000);
    expect(live.accepted.watermark).not.toBeNull();

    let before = hr.log.length;
    changeNow(desk, '4', { title: 'Head clerk' });
    clock.advance(60_000);
    expect(await readChanges()).toMatchObject({ kind: 'done', rows: 1 });
    await settle();
    expect(idp.user('4')).toMatchObject({ title: 'Head clerk' });
    expect(asked(desk, before)).toEqual(['/employees/changed', '/employees/4']);

    const watermark = desk.live.accepted.watermark;
    await restart();
    expect(desk.live.accepted.watermark).toBe(watermark);

    // The first look of a new process reads everything; the changes are in it already.
    clock.advance(3_600_000);
    await read();
    await settle();
    before = hr.log.length;
    clock.advance(3_600_000);
    changeNow(desk, '5', { end: '2026-11-22' });
    clock.advance(60_000);
    await readChanges();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: false });
    expect(asked(desk, before)).toEqual(['/employees/changed', '/employees/5']);
  });

  it('of somebody whose record is gone take nobody’s access', async () => {
    const desk = await openPresetDesk(bamboohr);
    const { hr, idp, clock, read, readChanges, settle } = desk;
    await read();
    await settle();
    clock.advance(3_600_000);
    changeNow(desk, '7', {});
    hr.world.people = hr.world.people.filter(({ id }) => id !== '7');
    clock.advance(60_000);
    const requests = idp.log.length;
    expect(await readChanges()).toMatchObject({ kind: 'nothing' });
    await settle();
    expect(idp.log.length).toBe(requests);
    expect([...idp.users.values()].filter(({ active }) => active === true)).toHaveLength(CROWD);
  });

  it('that cannot be judged are asked for again', async () => {
    const desk = await openPresetDesk(bamboohr);
    const { hr, idp, clock, read, readChanges, settle } = desk;
    await read();
    await settle();
    const accepted = desk.live.accepted.watermark;
    clock.advance(3_600_000);
    changeNow(desk, '4', { title: 'Head clerk' });
    clock.advance(60_000);
    hr.world.expired = true;
    expect(await readChanges()).toMatchObject({ kind: 'refused', faults: [{ code: 'source.credentials' }] });
    expect(desk.live.accepted.watermark).toBe(accepted);
    hr.world.expired = false;
    await readChanges();
    await settle();
    expect(idp.user('4')).toMatchObject({ title: 'Head clerk' });
  });

  it('in which a field is hidden leave everybody as they were', async () => {
    const desk = await openPresetDesk(bamboohr);
    const { hr, idp, clock, read, readChanges, settle } = desk;
    await read();
    await settle();
    clock.advance(3_600_000);
    changeNow(desk, '4', { title: 'Head clerk' });
    clock.advance(60_000);
    hr.world.hidden = true;
    const requests = idp.log.length;
    const report = await readChanges();
    expect(report.rejections.map(({ code }) => code)).toEqual(['hidden']);
    await settle();
    expect(idp.log.length).toBe(requests);
  });
});

describe('a list of which something was held', () => {
  it('is read again as soon as somebody has released it, whatever its schedule says', async () => {
    const { hr, idp, read, settle, cycle, approveAll } = await openPresetDesk(bamboohr);
    await read();
    await settle();
    // Half of the people lose their department: the list does not look like the one before.
    hr.world.people = hr.world.people.map((one, index) => (index % 2 === 0 ? { ...one, department: 'Moved' } : one));
    expect(await read()).toMatchObject({ kind: 'held' });
    await settle();
    expect(idp.user('1')).not.toMatchObject({ [ENTERPRISE]: { department: 'Moved' } });
    expect(await cycle()).toMatchObject({ kind: 'nothing' });
    await approveAll();
    // Now that the list is believed, a limit speaks of what it brings.
    expect(await cycle()).toMatchObject({ kind: 'held', rows: CROWD });
    await approveAll();
    expect(await cycle()).toMatchObject({ kind: 'done', rows: CROWD });
    await settle();
    expect(idp.user('1')).toMatchObject({ [ENTERPRISE]: { department: 'Moved' } });
  });
});
