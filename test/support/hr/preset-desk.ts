// A connection made of a preset's template, with a fake vendor and a fake identity provider in place of the real ones.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseDocument } from 'yaml';
import { openTestHouse, type TestHouse } from '../house.ts';
import { type FakeHr, type HrPerson, person, startFakeHr, type VendorFake } from './fake-hr.ts';

const TEMPLATES = join(import.meta.dirname, '..', '..', '..', 'mappings', 'templates');
const TODAY = '2026-11-23';
/** More than one page wherever a vendor has pages. */
export const CROWD = 12;

/** The template as it stands, with the fake vendor and the fake identity provider in place of the real ones. */
function connectionFor(vendor: VendorFake): string {
  const document = parseDocument(readFileSync(join(TEMPLATES, `${vendor.preset}.yaml`), 'utf8'));
  document.setIn(['source', 'baseUrl'], '${env:HR_URL}');
  document.setIn(['source', 'limits', 'perSecond'], null);
  if (vendor.pageSize !== null) document.setIn(['source', 'list', 'paging', 'size'], vendor.pageSize);
  for (const [key, value] of Object.entries(vendor.source ?? {})) {
    if (value === undefined) document.deleteIn(['source', ...key.split('.')]);
    else document.setIn(['source', ...key.split('.')], value);
  }
  if (vendor.tokenPath !== undefined) document.setIn(['source', 'auth', 'tokenUrl'], '${env:HR_TOKEN_URL}');
  document.setIn(['targets', 0, 'baseUrl'], '${env:IDP_URL}');
  document.setIn(['connection'], 'acme');
  document.setIn(['timeZone'], 'Europe/Berlin');
  return document.toString();
}

export interface PresetDesk extends TestHouse {
  readonly hr: FakeHr;
  /** The slot of the whole list has come. */
  readonly read: () => ReturnType<TestHouse['cycle']>;
  /** A slot of changes has come. */
  readonly readChanges: () => ReturnType<TestHouse['cycle']>;
  readonly change: (id: string, change: Partial<HrPerson>) => void;
}

export async function openPresetDesk(vendor: VendorFake, people: readonly HrPerson[] = crowd()): Promise<PresetDesk> {
  const hr = await startFakeHr(vendor, people, TODAY);
  onTestFinished(() => hr.close());
  const house = await openTestHouse({
    mapping: connectionFor(vendor),
    environment: { ...vendor.environment, HR_URL: hr.url, HR_TOKEN_URL: `${hr.url}${vendor.tokenPath ?? ''}` },
  });
  const slot = (what: 'snapshot' | 'changes') => (): ReturnType<TestHouse['cycle']> => {
    house.live.source.slot?.(what);
    return patiently(house, house.cycle());
  };
  const more = {
    hr,
    read: slot('snapshot'),
    readChanges: slot('changes'),
    change: (id: string, change: Partial<HrPerson>) => {
      hr.world.people = hr.world.people.map((one) => (one.id === id ? { ...one, ...change } : one));
    },
  };
  // Getters stay getters: a restart gives the house another connection.
  return Object.defineProperties(more, Object.getOwnPropertyDescriptors(house)) as typeof more & TestHouse;
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

export const crowd = (): HrPerson[] =>
  Array.from({ length: CROWD }, (_, index) => person(index + 1, index === 0 ? {} : { manager: '1' }));
