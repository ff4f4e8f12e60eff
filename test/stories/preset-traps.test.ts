// What the plain story of the presets does not tell: dates by which vendors mislead, records that are partly hidden, people with
// several employments, answers that are none.
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import type { PresetName } from '../../src/mapping/presets/presets.ts';
import { bent, type Change, type JsonObject, job, vendorOf, where } from '../support/hr/altered.ts';
import { CROWD, openPresetDesk } from '../support/hr/preset-desk.ts';
import { VENDORS } from '../support/hr/vendors.ts';

describe('several terms of one person', () => {
  const back: readonly (readonly [PresetName, Change])[] = [
    [
      'finch',
      where('source_id', '1005', {
        employment_status: 'active',
        latest_rehire_date: '2026-11-20',
        end_date: '2026-11-10',
      }),
    ],
    [
      'adp',
      where('associateOID', '5', {
        workerDates: { originalHireDate: '2020-01-01', rehireDate: '2026-11-20', terminationDate: '2026-11-10' },
        workerStatus: { statusCode: { codeValue: 'Active' } },
      }),
    ],
    [
      'merge',
      where('id', '5', {
        employment_status: 'ACTIVE',
        start_date: '2026-11-20T00:00:00Z',
        termination_date: '2026-11-10T00:00:00Z',
      }),
    ],
    ['bamboohr', where('id', '5', { status: 'Active', hireDate: '2026-11-20', terminationDate: '2026-11-10' })],
    ['rippling', where('id', '5', { status: 'ACTIVE', start_date: '2026-11-20', end_date: '2026-11-10' })],
    [
      'gusto',
      where('uuid', '5', { terminated: false, jobs: [{ primary: true, title: 'Clerk', hire_date: '2020-01-01' }] }),
    ],
  ];

  it.each(back)(
    '%s: whoever comes back has their account again, although the old end still stands',
    async (name, change) => {
      const { vendor, bend } = bent(vendorOf(name));
      const { idp, clock, read, settle, change: set } = await openPresetDesk(vendor);
      await read();
      await settle();
      set('5', { end: '2026-11-10' });
      await read();
      await settle();
      expect(idp.user('5')).toMatchObject({ active: false });
      clock.set(instantOf('2026-11-23T15:00:00Z'));
      bend(change);
      await read();
      await settle();
      expect(idp.user('5')).toMatchObject({ active: true });
      expect(idp.users.size).toBe(CROWD);
    },
  );

  it('workday-raas: a contractor who became an employee keeps their account, and it follows the new job', async () => {
    const { vendor, bend } = bent(vendorOf('workday-raas'));
    const { idp, read, settle } = await openPresetDesk(vendor);
    await read();
    await settle();
    bend((record) =>
      record.Worker_ID === '5'
        ? [
            { ...record, Active: '0', Termination_Date: '2026-11-20-08:00', Last_Day_of_Work: '2026-11-20-08:00' },
            { ...record, WID: 'another', Hire_Date: '2026-11-21-08:00', Job_Title: 'Employee' },
          ]
        : record,
    );
    expect(await read()).toMatchObject({ kind: 'done', rejections: [] });
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true, title: 'Employee' });
    expect(idp.users.size).toBe(CROWD);
  });

  it.each(['first', 'last'])('successfactors: the employment that runs counts, be it %s in the list', async (place) => {
    const { vendor, bend } = bent(vendorOf('successfactors'));
    const { idp, read, settle } = await openPresetDesk(vendor);
    await read();
    await settle();
    const days = (day: string): string => `/Date(${Date.parse(day)})/`;
    bend((record) => {
      if (record.personIdExternal !== '5') return record;
      const [old] = (record.employmentNav as JsonObject).results as JsonObject[];
      const ended = {
        ...old,
        endDate: days('2026-11-20'),
        jobInfoNav: { results: [{ ...job, emplStatusNav: { externalCode: 'T' } }] },
      };
      const running = {
        ...old,
        userId: '5-2',
        startDate: days('2026-11-21'),
        jobInfoNav: { results: [{ ...job, jobTitle: 'Head', emplStatusNav: { externalCode: 'A' } }] },
      };
      return { ...record, employmentNav: { results: place === 'first' ? [running, ended] : [ended, running] } };
    });
    expect(await read()).toMatchObject({ kind: 'done', rejections: [] });
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true, title: 'Head' });
  });

  it('personio-v2: the newest employment counts once it begins, and not before', async () => {
    const { vendor, bend } = bent(vendorOf('personio-v2'));
    const { hr, idp, clock, read, settle } = await openPresetDesk(vendor);
    await read();
    await settle();
    bend((record) =>
      record.id === 'e-5' && record.position !== undefined
        ? [
            {
              ...record,
              id: 'e-5-next',
              status: 'ONBOARDING',
              employment_start_date: '2026-12-01',
              position: { title: 'Head' },
            },
            { ...record, termination: { termination_date: '2026-11-30', last_working_day: null } },
          ]
        : record,
    );
    await read();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true, title: 'Clerk' });
    clock.set(instantOf('2026-12-01T08:00:00Z'));
    hr.world.today = '2026-12-01';
    bend((record) =>
      record.id === 'e-5' && record.position !== undefined
        ? [
            {
              ...record,
              id: 'e-5-next',
              employment_start_date: '2026-12-01',
              position: { title: 'Head' },
            },
            { ...record, status: 'INACTIVE', termination: { termination_date: '2026-11-30', last_working_day: null } },
          ]
        : record,
    );
    await read();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true, title: 'Head' });
    expect(idp.log.filter(({ body }) => body?.includes('"active":false') === true)).toEqual([]);
  });
});

describe('rights that go for one person only', () => {
  const lost: readonly (readonly [PresetName, string])[] = [
    ['bamboohr', 'terminationDate'],
    ['workday-raas', 'Termination_Date'],
    ['hibob', 'terminationDate'],
    ['personio-v1', 'termination_date'],
    ['personio-v2', 'termination'],
    ['successfactors', 'endDate'],
    ['rippling', 'end_date'],
    ['deel', 'completion_date'],
    ['merge', 'termination_date'],
    ['finch', 'end_date'],
  ];

  it.each(lost)('%s: a date of leave that cannot be seen any more is not taken back', async (name, member) => {
    const { vendor, bend } = bent(vendorOf(name));
    const { idp, clock, read, settle, change, stage } = await openPresetDesk(vendor);
    change('5', { end: '2026-11-30' });
    await read();
    await settle();
    expect(idp.user('5')).toMatchObject({ active: true });

    // Whoever has a date loses it from sight; everybody else's reads as before.
    bend((record) => {
      const value = record[member];
      const dated = JSON.stringify(value ?? null).match(/2026-11-30|1795996800000/) !== null;
      if (!dated) return record;
      const { [member]: _hidden, ...rest } = record;
      return rest;
    });
    expect(await read()).toMatchObject({ kind: 'done', rejections: [{ code: 'hidden' }] });
    await settle();
    clock.set(instantOf('2026-12-01T08:00:00Z'));
    await settle();
    expect(idp.user('5')).toMatchObject({ active: false });
    expect(await stage('5')).toBe('left/settled');
  });
});

it('whoever leaves does so although a part of their record cannot be seen any more', async () => {
  const { vendor, bend } = bent(vendorOf('hibob'));
  const { idp, read, settle } = await openPresetDesk(vendor);
  await read();
  await settle();
  bend((record) => {
    if (record.id !== '5' || record.email === undefined) return record;
    const { email: _, ...rest } = record;
    return { ...rest, internal: { status: 'Inactive', terminationDate: '2026-11-20' } };
  });
  expect(await read()).toMatchObject({ kind: 'done', rejections: [{ code: 'hidden', column: 'email' }] });
  await settle();
  expect(idp.user('5')).toMatchObject({ active: false });
});

describe('answers in parts', () => {
  it('finch: a worker whose item failed keeps their account, and the others go on', async () => {
    const { vendor, bend } = bent(vendorOf('finch'));
    const { idp, read, settle, change } = await openPresetDesk(vendor);
    await read();
    await settle();
    change('4', { title: 'Head clerk' });
    bend(where('individual_id', '5', { code: 404, body: { code: 404, name: 'not_found', message: '...' } }));
    expect(await read()).toMatchObject({ kind: 'done', rejections: [{ code: 'row.join' }] });
    await settle();
    expect(idp.user('4')).toMatchObject({ title: 'Head clerk' });
    expect([...idp.users.values()].filter(({ active }) => active === true)).toHaveLength(CROWD);
  });

  it.each(['bamboohr', 'personio-v1', 'personio-v2', 'rippling', 'merge'] as const)(
    '%s: a leaver is told between two lists, and nobody else is read as changed',
    async (name) => {
      const { hr, idp, clock, read, readChanges, settle, change } = await openPresetDesk(vendorOf(name));
      await read();
      await settle();
      const requests = idp.log.length;
      clock.set(instantOf('2026-11-23T13:00:00Z'));
      change('5', { end: '2026-11-20' });
      hr.world.changed.push({ id: '5', at: '2026-11-23T12:30:00Z', action: 'Updated' });
      await readChanges();
      await settle();
      expect(idp.user('5')).toMatchObject({ active: false });
      expect(new Set(idp.log.slice(requests).flatMap(({ path }) => /Users\/(.+)$/.exec(path)?.[1] ?? [])).size).toBe(1);
    },
  );

  const nothings = [
    ['a web page', { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Sign in</title>' }],
    ['an error that calls itself good', { body: { error: { code: 500, message: 'try later' } } }],
    ['a list of errors', { body: { errors: [{ message: 'try later' }] } }],
    ['nothing', { status: 204 }],
    ['an empty object', { body: {} }],
  ] as const;

  it.each(VENDORS.map((vendor) => [vendor.preset, vendor] as const))(
    '%s: what is no list has no effect',
    async (_name, plain) => {
      const { vendor, answer } = bent(plain);
      const { idp, read, settle } = await openPresetDesk(vendor);
      await read();
      await settle();
      const requests = idp.log.length;
      const kinds: string[] = [];
      for (const [, reply] of nothings) {
        answer(reply);
        kinds.push((await read()).kind);
      }
      expect(kinds.filter((kind) => kind !== 'refused' && kind !== 'held')).toEqual([]);
      await settle();
      expect(idp.log.length).toBe(requests);
    },
  );
});

it('gusto: a refresh token that is good for one use is followed by the next one, through a restart too', async () => {
  const { hr, clock, read, settle, restart } = await openPresetDesk(vendorOf('gusto'));
  await read();
  await settle();
  for (const day of ['2026-11-24', '2026-11-25']) {
    // The access token has run out by then.
    clock.set(instantOf(`${day}T11:00:00Z`));
    expect(await read()).toMatchObject({ kind: 'unchanged' });
  }
  expect(hr.log.filter(({ path }) => path === '/oauth/token').length).toBeGreaterThan(2);
  await restart();
  clock.set(instantOf('2026-11-26T11:00:00Z'));
  expect(await read()).toMatchObject({ kind: 'unchanged' });
});
