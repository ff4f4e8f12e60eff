// For every quirk: taken out of the profile, a story fails; and nothing in a profile is there without a quirk that needs it.
import { describe, expect, test } from 'vitest';
import { GENERIC } from '../../../src/targets/scim/profiles/generic.ts';
import { PROFILES, type Profile } from '../../../src/targets/scim/profiles.ts';
import { faultsOf } from '../../support/mappings.ts';
import { LIARS, MEETINGS } from './meetings.ts';
import { PARTICULARS } from './particular.ts';
import type { Quirk, Vendor } from './quirk.ts';
import { PINNED, REMOVALS, type Removal, UNFELT } from './removals.ts';
import { type Meeting, play, type Story } from './scene.ts';
import { DISCOVERY_STORY, STORIES, type StoryName } from './stories.ts';
import { fileFor, TRAPS } from './traps.ts';
import { VENDORS } from './vendors/all.ts';

const QUIRKS = VENDORS.flatMap((vendor) => vendor.quirks.map((quirk) => [quirk.id, vendor, quirk] as const));
type Cut = Extract<Removal, { readonly without: unknown }>;
const CUTS = QUIRKS.flatMap(([id, vendor, quirk]) => {
  const removal = REMOVALS[id];
  return removal !== undefined && 'without' in removal ? [[id, removal.fails, vendor, quirk, removal] as const] : [];
});

/** The story, and the meeting in which it is told. */
function staged(vendor: Vendor, quirk: Quirk, { fails, meeting = {} }: Cut): readonly [Story, Meeting, boolean] {
  const particular = PARTICULARS.find(({ name }) => name === fails);
  const named = MEETINGS.find(({ name }) => name === (meeting.name ?? vendor.name)) as Meeting;
  if (particular !== undefined)
    return [particular.play, { ...particular.meeting, ...meeting }, particular.refusals === true];
  const at = { ...named, ...(quirk.occasional === true && meeting.name === undefined ? { also: [quirk] } : {}) };
  if (fails in STORIES) return [STORIES[fails as StoryName].play, { ...at, ...meeting }, false];
  return [DISCOVERY_STORY, { ...at, settings: { discover: true } }, false];
}

async function outcomeOf(story: Story, meeting: Meeting, refusals: boolean): Promise<'passes' | 'fails'> {
  try {
    await play(meeting, story, refusals);
    return 'passes';
  } catch {
    return 'fails';
  }
}

describe('without what answers it in the profile', () => {
  test.each(CUTS)('%s: "%s" fails', async (_id, _fails, vendor, quirk, removal) => {
    const [story, meeting, refusals] = staged(vendor, quirk, removal);
    expect(await outcomeOf(story, { ...meeting, profile: removal.given ?? {} }, refusals)).toBe('passes');
    const profile = { ...removal.given, ...removal.without };
    expect(await outcomeOf(story, { ...meeting, profile }, refusals)).toBe('fails');
  });

  const pins = LIARS.flatMap((meeting) => {
    const profile = PROFILES[meeting.vendor.name];
    return (Object.keys(PINNED) as (keyof typeof PINNED)[])
      .filter((field) => profile[field] !== GENERIC[field] && (field !== 'paging' || profile.listing))
      .map((field) => [meeting.vendor.name, field, meeting] as const);
  });
  test.each(pins)('%s: a lie about %s is believed', async (_vendor, field, meeting) => {
    const cut = field === 'paging' && meeting.vendor.name === 'pingone';
    const story = STORIES[cut ? 'a list that may be cut is no list' : PINNED[field]].play;
    expect(await outcomeOf(story, meeting, false)).toBe('passes');
    expect(await outcomeOf(story, { ...meeting, profile: { [field]: GENERIC[field] } }, false)).toBe('fails');
  });
});

describe('a file', () => {
  test.each(VENDORS.map((vendor) => [vendor.name, vendor] as const))(
    'that maps all that %s needs is read',
    (name, vendor) => {
      expect(faultsOf(fileFor(name, vendor.person(1)))).toEqual([]);
    },
  );

  test.each(TRAPS.map((trap) => [trap.vendor.name, trap.name, trap] as const))(
    'for %s with %s is refused, and would end badly there',
    async (name, _trap, { vendor, payload, groups }) => {
      const codes = faultsOf(fileFor(name, payload, groups)).map(({ code }) => code);
      expect(new Set(codes)).toEqual(new Set(['mapping.profile']));
      expect(faultsOf(fileFor('generic', payload, groups))).toEqual([]);
      const trapped: Vendor = { ...vendor, person: () => payload };
      const story: Story = async (scene) => {
        await STORIES['a joiner stands there as mapped'].play(scene);
        const { password } = payload.attributes;
        if (password !== undefined) expect(scene.user(payload)?.password).toBeDefined();
        if (groups === true) await STORIES['a group is made once'].play(scene);
      };
      const profile = { account: GENERIC.account };
      expect(await outcomeOf(story, { name, vendor: trapped, profile }, false)).toBe('fails');
    },
  );
});

describe('the list of quirks', () => {
  test('says of each what answers it, or why nothing does', () => {
    expect(Object.keys(REMOVALS).sort()).toEqual(QUIRKS.map(([id]) => id).sort());
    for (const [id, removal] of Object.entries(REMOVALS)) {
      if ('none' in removal) expect(removal.none.length, id).toBeGreaterThan(20);
      if ('file' in removal)
        expect(
          TRAPS.some(({ quirk }) => quirk === id),
          id,
        ).toBe(true);
    }
    for (const { quirk } of TRAPS) expect(REMOVALS[quirk], quirk).toBeDefined();
  });

  test('accounts for every field in which a profile differs from generic', () => {
    const unaccounted: string[] = [];
    for (const vendor of VENDORS) {
      const profile: Profile = PROFILES[vendor.name];
      const fields = (Object.keys(GENERIC) as (keyof Profile)[]).filter(
        (field) =>
          !['name', 'quirks'].includes(field) && JSON.stringify(profile[field]) !== JSON.stringify(GENERIC[field]),
      );
      for (const field of fields) {
        const cut = CUTS.some(([, , owner, , { without }]) => owner === vendor && field in without);
        const pinned = field in PINNED && LIARS.some(({ vendor: liar }) => liar === vendor);
        const trapped = field === 'account' && TRAPS.some((trap) => trap.vendor === vendor);
        if (!cut && !pinned && !trapped && UNFELT[`${vendor.name}.${field}`] === undefined)
          unaccounted.push(`${vendor.name}.${field}`);
      }
    }
    expect(unaccounted).toEqual([]);
    for (const key of Object.keys(UNFELT)) {
      const [name, field] = key.split('.') as [keyof typeof PROFILES, keyof Profile];
      expect(JSON.stringify(PROFILES[name][field]), key).not.toBe(JSON.stringify(GENERIC[field]));
    }
  });
});
