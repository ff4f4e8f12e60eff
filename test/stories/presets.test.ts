import { describe, expect, it } from 'vitest';
import { PRESET_NAMES } from '../../src/mapping/presets/presets.ts';
import { person } from '../support/hr/fake-hr.ts';
import { CROWD, crowd, openPresetDesk } from '../support/hr/preset-desk.ts';
import { VENDORS } from '../support/hr/vendors.ts';

it('every preset has a fake vendor', () => {
  expect(VENDORS.map(({ preset }) => preset).toSorted()).toEqual(PRESET_NAMES.toSorted());
});

describe.each(VENDORS.map((vendor) => [vendor.preset, vendor] as const))('%s', (_name, vendor) => {
  const rows = CROWD + (vendor.moreRows ?? 0);

  it('brings everybody at first, a mover once, a leaver on their day, and nobody for nothing', async () => {
    const { hr, idp, clock, read, settle, change, stage } = await openPresetDesk(vendor);
    expect(await read()).toMatchObject({ kind: 'done', rows, rejections: [] });
    await settle();
    expect(idp.users.size).toBe(CROWD);
    expect(idp.user('3')).toMatchObject({ active: true, title: 'Clerk' });

    const requests = idp.log.length;
    expect(await read()).toMatchObject({ kind: 'unchanged', recognised: rows });
    await settle();
    expect(idp.log.length).toBe(requests);

    change('4', { title: 'Head clerk' });
    await read();
    await settle();
    expect(idp.log.slice(requests).map(({ method }) => method)).toEqual(['PATCH']);
    expect(idp.user('4')).toMatchObject({ title: 'Head clerk' });

    // Dated ahead: nothing yet, although some vendors call them inactive already.
    change('5', { end: '2026-11-30' });
    await read();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true });
    clock.set('2026-12-01T08:00:00.000Z' as ReturnType<typeof clock.now>);
    hr.world.today = '2026-12-01';
    if (vendor.tellsEnd === false) await read();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: false });
    expect(await stage('5')).toBe('left/settled');

    change('6', { end: '2026-11-30' });
    await read();
    await settle();
    expect(idp.user('6')).toMatchObject({ active: false });
    expect([...idp.users.values()].filter(({ active }) => active === true)).toHaveLength(CROWD - 2);
  });

  it('is read although it throttles, and expects a joiner whose first day is to come', async () => {
    const { hr, idp, read, settle, stage } = await openPresetDesk(vendor, [
      ...crowd(),
      person(99, { start: '2027-03-01' }),
    ]);
    hr.world.throttles = 2;
    expect(await read()).toMatchObject({ kind: 'done', rows: rows + 1 });
    await settle();
    expect(idp.user('99')?.active ?? false).toBe(false);
    expect(await stage('99')).toMatch(/expected/);
    expect([...idp.users.values()].filter(({ active }) => active === true)).toHaveLength(CROWD);
  });

  it('has no effect when its credentials have expired, a field is hidden or a part of the list is lost', async () => {
    const { hr, idp, read, settle } = await openPresetDesk(vendor);
    await read();
    await settle();
    const requests = idp.log.length;

    hr.world.expired = true;
    const expired = await read();
    expect(expired).toMatchObject({ kind: 'refused', faults: [{ code: 'source.credentials' }] });
    expect(expired.faults[0]?.hint).toContain(Object.keys(vendor.environment)[0]);
    hr.world.expired = false;

    hr.world.hidden = true;
    const hidden = await read();
    expect(hidden.kind).toBe('refused');
    expect(hidden.faults.map(({ code }) => code)).toContain('mapping.column');
    hr.world.hidden = false;

    if (vendor.tellsLostPage) {
      hr.world.losesPage = true;
      expect(await read()).toMatchObject({ kind: 'refused', faults: [{ code: 'feed.short' }] });
    } else {
      // Nothing in the answer tells: what is missing compared to the last good list does.
      hr.world.people = hr.world.people.slice(0, CROWD / 2);
      expect(await read()).toMatchObject({ kind: 'held' });
    }
    await settle();
    expect(idp.log.length).toBe(requests);
  });
});
