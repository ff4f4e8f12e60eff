// Each fake endpoint does what is documented of its vendor, and stops doing it when the quirk is switched off there.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TOKEN } from '../../support/scim-desk.ts';
import type { Quirk, Vendor } from './quirk.ts';
import { FURTHER_SOURCES } from './sources.ts';
import { startVendorFake, type VendorFakeOptions } from './vendor-fake.ts';
import { VENDORS } from './vendors/all.ts';
import { GENERIC_VENDOR, NEVER_TAKEN } from './vendors/generic.ts';

const CASES = VENDORS.flatMap((vendor) => vendor.quirks.map((quirk) => [quirk.id, vendor, quirk] as const));

async function probed(vendor: Vendor, quirk: Quirk, options: VendorFakeOptions): Promise<boolean> {
  await using fake = await startVendorFake(vendor, { token: TOKEN, now: () => 0, ...options });
  return await quirk.probe(fake.tools);
}

describe('a fake endpoint', () => {
  test.each(CASES)('has the quirk %s, and loses it', async (id, vendor, quirk) => {
    const on = quirk.occasional === true ? { also: [quirk] } : {};
    const off = quirk.occasional === true ? {} : { without: [id] };
    expect(await probed(vendor, quirk, on)).toBe(true);
    expect(await probed(vendor, quirk, off)).toBe(false);
  });

  test('names each quirk once, with a source that is listed', () => {
    const ids = CASES.map(([id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const listed = readFileSync(new URL('../../../docs/profiles.md', import.meta.url), 'utf8');
    for (const [id, vendor, quirk] of CASES) {
      const keys = [...quirk.source.matchAll(/\[(\w+)\]/g)].map(([, key]) => key as string);
      expect(keys.length > 0 || quirk.source.includes('(GK)'), id).toBe(true);
      for (const key of keys)
        expect(listed.includes(`**${key}**`) || key in FURTHER_SOURCES, `${id} ${key}`).toBe(true);
      if (vendor !== GENERIC_VENDOR) expect(id).toContain(`${vendor.name.split('-')[0]}-`);
    }
  });

  test.each(NEVER_TAKEN)('takes no PATCH with $name', async ({ body }) => {
    await using fake = await startVendorFake(GENERIC_VENDOR, { token: TOKEN });
    const { send, person, users } = fake.tools;
    const { id } = (await send('POST', '/Users', person(1))).body;
    const before = JSON.stringify(users.get(String(id)));
    expect((await send('PATCH', `/Users/${id}`, body)).status).toBe(400);
    expect(JSON.stringify(users.get(String(id)))).toBe(before);
  });
});
