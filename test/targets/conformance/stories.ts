// The stories that every profile lives through at its vendor's endpoint. Each ends with what must stand there.
import { PROFILES } from '../../../src/targets/scim/profiles.ts';
import {
  asksOnce,
  inHaste,
  listed,
  listedInPart,
  lookedUp,
  throttled,
  together,
  unlistable,
} from './endpoint-stories.ts';
import {
  absentMembers,
  groupFoundAgain,
  groupMadeAnew,
  groups,
  lostMemberships,
  noGroups,
  poisonedMembership,
} from './group-stories.ts';
import { deleted, leaves, lostDisable, madeAnew, nobodyLeaves, returns, unappliedDisable } from './leaver-stories.ts';
import {
  addressOfAnotherType,
  changeOfNobody,
  cleared,
  doubted,
  ignoredAttribute,
  joins,
  joinsWithManager,
  lostReply,
  managed,
  manyChanges,
  meanwhile,
  mover,
  moverRevivesNobody,
  nameTaken,
  nameTakenByNobodyKnown,
  renamed,
  renamedToTaken,
  repeatedCreate,
  unappliedChange,
} from './people-stories.ts';
import type { Scene, Story } from './scene.ts';

const hasGroups = ({ profile }: Pick<Scene, 'profile'>) => profile.account.groups;

/** By its name, so that a profile that forgot about it is found out. */
const isCut = ({ name }: Scene['profile']) => name === 'pingone';

const GENERIC_PER_SECOND = PROFILES.generic.account.perSecond;

export interface StoryCard {
  readonly play: Story;
  /** Left out where it has no meaning. */
  readonly where?: (scene: Pick<Scene, 'profile'>) => boolean;
  /** True where the endpoint's refusal belongs to the story. */
  readonly refusals?: true;
}

export const STORIES = {
  'a joiner stands there as mapped': { play: joins },
  'a create whose reply was lost makes nobody twice': { play: lostReply },
  'a repeated create finds its own account': { play: repeatedCreate },
  'a userName of somebody else is left to them': { play: nameTaken },
  'a userName of somebody without an externalId is left to them': { play: nameTakenByNobodyKnown },
  'a rename to a taken userName changes nobody': { play: renamedToTaken },
  'a mover costs one request, and no change costs none': { play: mover },
  'a value is cleared, and only that': { play: cleared },
  'a rename reaches name, userName and mail': { play: renamed },
  'a mail address changes its type': { play: addressOfAnotherType },
  'a manager is set, changed and removed': { play: managed },
  'a joiner comes with their manager': { play: joinsWithManager },
  'a mover revives nobody': { play: moverRevivesNobody },
  'a change of an account that is gone says so': { play: changeOfNobody },
  'a leaver is disabled and read back': { play: leaves },
  'a disable that was not applied is not done': { play: unappliedDisable },
  'a disable whose reply was lost is found out': { play: lostDisable },
  'a disable of an account that is gone finds nobody': { play: nobodyLeaves },
  'a disable follows an account that was made anew': { play: madeAnew },
  'somebody who returns is enabled with what is new': { play: returns },
  'a deletion may be repeated': { play: deleted },
  'a group of 250 is filled, and 30 leave it': { play: groups, where: hasGroups },
  'a group is made once': { play: groupFoundAgain, where: hasGroups },
  'memberships follow a group that was made anew': { play: groupMadeAnew, where: hasGroups },
  'one bad member costs the others nothing': { play: poisonedMembership, where: hasGroups, refusals: true },
  'who is not in a group is removed from it': { play: absentMembers, where: hasGroups, refusals: true },
  'memberships whose reply was lost are settled once': { play: lostMemberships, where: hasGroups },
  'memberships are refused unsent where there are no groups': { play: noGroups, where: (scene) => !hasGroups(scene) },
  'everybody is listed once': { play: listed, where: ({ profile }) => profile.listing && !isCut(profile) },
  'a list that may be cut is no list': {
    play: listedInPart,
    where: ({ profile }) => profile.listing && isCut(profile),
  },
  'nobody is listed where nobody can be': { play: unlistable, where: ({ profile }) => !profile.listing },
  'people are looked up by what may be asked': { play: lookedUp },
  'too many requests are tried again': { play: throttled },
  'sixty at once stay within the rate': {
    play: inHaste,
    where: ({ profile }) => profile.account.perSecond < GENERIC_PER_SECOND,
  },
  'thirty joiners travel in as few requests as may be': { play: together },
  'what others wrote meanwhile stays': { play: meanwhile },
  'a change whose reply was lost is found out': { play: doubted },
  'a change that was not applied is not done': {
    play: unappliedChange,
    where: ({ profile }) => profile.name === 'keycloak',
  },
  'many changes arrive whole': { play: manyChanges },
  'what the endpoint ignores keeps nobody in doubt': { play: ignoredAttribute },
} as const satisfies Readonly<Record<string, StoryCard>>;

export type StoryName = keyof typeof STORIES;

/** Needs a target that asks the endpoint what it can do. */
export const DISCOVERY_STORY = asksOnce;
