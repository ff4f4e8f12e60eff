import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseDocument } from 'yaml';
import { PRESET_NAMES } from '../../src/mapping/presets/presets.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { type FakeHr, type HrPerson, person, startFakeHr, type VendorFake } from '../support/hr/fake-hr.ts';
import { VENDORS } from '../support/hr/vendors.ts';

const TEMPLATES = join(import.meta.dirname, '..', '..', 'mappings', 'templates');
const TODAY = '2026-11-23';
/** More than one page wherever a vendor has pages. */
const CROWD = 12;

/** The template as it stands, with the fake vendor and the fake identity provider in place of the real ones. */
function connectionFor(vendor: VendorFake): string {
  const document = parseDocument(readFileSync(join(TEMPLATES, `${vendor.preset}.yaml`), 'utf8'));
  document.setIn(['source', 'baseUrl'], '${env:HR_URL}');
  document.setIn(['source', 'limits', 'perSecond'], null);
  if (vendor.pageSize !== null) document.setIn(['source', 'list', 'paging', 'size'], vendor.pageSize);
  for (const [key, value] of Object.entries(vendor.source ?? {})) document.setIn(['source', ...key.split('.')], value);
  document.setIn(['targets', 0, 'baseUrl'], '${env:IDP_URL}');
  document.setIn(['connection'], 'acme');
  document.setIn(['timeZone'], 'Europe/Berlin');
  return document.toString();
}

interface Desk extends TestHouse {
  readonly hr: FakeHr;
  /** The slot of the whole list has come. */
  readonly read: () => ReturnType<TestHouse['cycle']>;
  readonly change: (id: string, change: Partial<HrPerson>) => void;
}

async function openDesk(vendor: VendorFake, people: readonly HrPerson[] = crowd()): Promise<Desk> {
  const hr = await startFakeHr(vendor, people, TODAY);
  onTestFinished(() => hr.close());
  const house = await openTestHouse({
    mapping: connectionFor(vendor),
    environment: { ...vendor.environment, HR_URL: hr.url },
  });
  return {
    ...Object.defineProperties({} as TestHouse, Object.getOwnPropertyDescriptors(house)),
    hr,
    read: async () => {
      house.live.source.slot?.('snapshot');
      return patiently(house, house.cycle());
    },
    change: (id, change) => {
      hr.world.people = hr.world.people.map((one) => (one.id === id ? { ...one, ...change } : one));
    },
  };
}

/** Lets the clock run on while a look waits for the source. */
async function patiently<T>({ clock }: TestHouse, work: Promise<T>): Promise<T> {
  let done = false;
  const end = work.finally(() => {
    done = true;
  });
  let quiet = 0;
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet++;
    if (quiet > 20) clock.toNext(60_000);
  }
  return end;
}

const crowd = (): HrPerson[] =>
  Array.from({ length: CROWD }, (_, index) => person(index + 1, index === 0 ? {} : { manager: '1' }));

it('every preset has a fake vendor', () => {
  expect(VENDORS.map(({ preset }) => preset).toSorted()).toEqual(PRESET_NAMES.toSorted());
});

describe.each(VENDORS.map((vendor) => [vendor.preset, vendor] as const))('%s', (_name, vendor) => {
  it('brings everybody at first, a mover once, a leaver on their day, and nobody for nothing', async () => {
    const { hr, idp, clock, read, settle, change, stage } = await openDesk(vendor);
    expect(await read()).toMatchObject({ kind: 'done', rows: CROWD, rejections: [] });
    await settle();
    expect(idp.users.size).toBe(CROWD);
    expect(idp.user('3')).toMatchObject({ active: true, title: 'Clerk' });

    const requests = idp.log.length;
    expect(await read()).toMatchObject({ kind: 'unchanged', recognised: CROWD });
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
    await settle();
    expect(idp.user('5')).toMatchObject({ active: false });
    expect(await stage('5')).toBe('left/settled');

    change('6', { end: '2026-11-30' });
    await read();
    await settle();
    expect(idp.user('6')).toMatchObject({ active: false });
    expect([...idp.users.values()].filter(({ active }) => active === true)).toHaveLength(CROWD - 2);
  });

  it('expects a joiner whose first day is to come', async () => {
    const { idp, read, settle, stage } = await openDesk(vendor, [...crowd(), person(99, { start: '2027-03-01' })]);
    await read();
    await settle();
    expect(idp.user('99')?.active ?? false).toBe(false);
    expect(await stage('99')).toMatch(/expected|unknown/);
    expect(idp.users.size).toBeGreaterThanOrEqual(CROWD);
  });

  it('refuses everything when a field is hidden', async () => {
    const { hr, idp, read, settle } = await openDesk(vendor);
    await read();
    await settle();
    const requests = idp.log.length;
    hr.world.hidden = true;
    const report = await read();
    await settle();
    expect(report.kind).toBe('refused');
    expect(report.faults.map(({ code }) => code)).toContain('mapping.column');
    expect(idp.log.length).toBe(requests);
  });

  it('waits when it is throttled, and says what is missing when its credentials have expired', async () => {
    const { hr, idp, read, settle } = await openDesk(vendor);
    hr.world.throttles = 2;
    expect(await read()).toMatchObject({ kind: 'done', rows: CROWD });
    await settle();
    const requests = idp.log.length;
    hr.world.expired = true;
    const report = await read();
    expect(report.kind).toBe('refused');
    expect(report.faults[0]).toMatchObject({ code: 'source.credentials' });
    expect(report.faults[0]?.hint).toContain(Object.keys(vendor.environment)[0]);
    await settle();
    expect(idp.log.length).toBe(requests);
  });

  it.runIf(vendor.tellsLostPage)('has no effect when a page is lost', async () => {
    const { hr, idp, read, settle } = await openDesk(vendor);
    await read();
    await settle();
    const requests = idp.log.length;
    hr.world.losesPage = true;
    const report = await read();
    expect(report).toMatchObject({ kind: 'refused' });
    await settle();
    expect(idp.log.length).toBe(requests);
  });
});
