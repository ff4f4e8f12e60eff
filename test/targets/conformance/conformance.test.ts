// Every profile against its vendor's endpoint, through the production target: what stands there at the end, and that the
// endpoint had no rule of its own to refuse anything by.
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../../src/targets/scim/profiles.ts';
import { MEETINGS } from './meetings.ts';
import { PARTICULARS } from './particular.ts';
import { type Meeting, play } from './scene.ts';
import { DISCOVERY_STORY, STORIES, type StoryCard } from './stories.ts';
import { VENDORS } from './vendors/all.ts';

const profileOf = ({ vendor, profile }: Meeting) => ({ ...PROFILES[vendor.name], ...profile });

describe.each(MEETINGS.map((meeting) => [meeting.name, meeting] as const))('at %s', (_name, meeting) => {
  const cards = Object.entries<StoryCard>(STORIES).filter(
    ([, { where }]) => where === undefined || where({ profile: profileOf(meeting) }),
  );
  test.each(cards)('%s', async (_story, card) => {
    await play(meeting, card.play, card.refusals === true);
  });

  test('it is asked what it can do where it answers that, and once', async () => {
    await play({ ...meeting, settings: { ...meeting.settings, discover: true } }, DISCOVERY_STORY, false);
  });
});

test.each(PARTICULARS.map((particular) => [particular.meeting.name, particular.name, particular] as const))(
  'at %s, %s',
  async (_vendor, _name, { meeting, play: story, refusals }) => {
    await play(meeting, story, refusals === true);
  },
);

test('every profile has an endpoint here', () => {
  expect(VENDORS.map(({ name }) => name).sort()).toEqual(Object.keys(PROFILES).sort());
});
