import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ACCOUNT_RULES } from '../../src/mapping/account-rules.ts';
import { PROFILES, type Profile } from '../../src/targets/scim/profiles.ts';
import { PROFILE_SOURCES, sourceKeysOf } from '../support/profile-sources.ts';

/** Fields in which a profile differs from `generic`, those of its account rules as `account.NAME`. */
function differing(profile: Profile): readonly string[] {
  const generic = PROFILES.generic as unknown as Readonly<Record<string, unknown>>;
  const rules = PROFILES.generic.account as unknown as Readonly<Record<string, unknown>>;
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const fields = Object.entries(profile).filter(([name]) => !['name', 'quirks', 'account'].includes(name));
  return [
    ...fields.filter(([name, value]) => !same(value, generic[name])).map(([name]) => name),
    ...Object.entries(profile.account).flatMap(([name, value]) =>
      same(value, rules[name]) ? [] : [`account.${name}`],
    ),
  ].sort();
}

/** Facts that agree with what `generic` does anyway. */
const AGREEING: Readonly<Record<string, readonly string[]>> = {
  'entra-scim': ['pageSize'],
  aws: ['members'],
  google: [],
  zitadel: ['pageSize'],
  wso2: ['pageSize'],
};

describe.each(Object.entries(PROFILES))('the profile %s', (name, profile) => {
  test('says of every difference from generic what the endpoint does, what we do, and who says so', () => {
    const told = new Set(profile.quirks.flatMap(({ fields }) => fields));
    const agreeing = AGREEING[name] ?? [];
    expect([...told].filter((field) => !agreeing.includes(field)).sort()).toEqual(differing(profile));
    for (const { they, we, source } of profile.quirks) {
      expect([they, we, source].every((text) => text.trim() !== '')).toBe(true);
      expect(sourceKeysOf(source).length > 0 || /\((?:GK|obs)\)/.test(source), source).toBe(true);
    }
  });

  test('is known by its own name, with its own rules for connection files', () => {
    expect(profile.name).toBe(name);
    expect(profile.account).toBe(ACCOUNT_RULES[name as keyof typeof ACCOUNT_RULES]);
  });

  test('is sane: it can look somebody up, page, and change members', () => {
    expect(profile.lookup.length).toBeGreaterThan(0);
    expect(profile.pageSize).toBeGreaterThan(0);
    expect(Math.min(profile.members.addMax, profile.members.removeMax)).toBeGreaterThan(0);
    expect(profile.listing || profile.paging === 'none').toBe(true);
    // One answer proves an effect nowhere that we know of.
    expect(profile.echoIsTruth).toBe(false);
  });
});

test('every source that a profile names has its address in the document', () => {
  const folder = join(import.meta.dirname, '../../src/targets/scim/profiles');
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const rules = readFileSync(join(import.meta.dirname, '../../src/mapping/account-rules.ts'), 'utf8');
  const named = new Set([...files, rules].flatMap((text) => sourceKeysOf(text)));
  expect(named.size).toBeGreaterThan(20);
  expect([...named].filter((key) => PROFILE_SOURCES[key] === undefined)).toEqual([]);
  expect(Object.keys(PROFILE_SOURCES).filter((key) => !named.has(key))).toEqual([]);
});
