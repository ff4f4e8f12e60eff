// For every quirk of the fakes: what in the profile answers it, and the story that fails when that is taken out. Where no field
// of the profile answers it, why not.
import { GENERIC } from '../../../src/targets/scim/profiles/generic.ts';
import type { Profile } from '../../../src/targets/scim/profiles.ts';
import type { Meeting } from './scene.ts';
import type { StoryName } from './stories.ts';

export type Removal =
  /** The story passes, and fails with these fields; `given` is what the profile says besides. */
  | {
      readonly given?: Partial<Profile>;
      readonly without: Partial<Profile>;
      readonly fails: StoryName | string;
      readonly meeting?: Partial<Meeting>;
    }
  /** `account` of the profile answers it when the connection file is read: see `traps.ts`. */
  | { readonly file: true }
  /** Nothing in the profile answers it. */
  | { readonly none: string };

const READING = 'tolerance in reading: every endpoint is read so, whatever its profile';
const NEVER_SENT = 'nothing of the kind is ever sent, whatever the profile';
const OCCASION = 'a mood of the endpoint, met by the outcome table: see the story about it';
const { headers } = GENERIC;

export const REMOVALS: Readonly<Record<string, Removal>> = {
  'strict-member-removal': { none: NEVER_SENT },
  'strict-dotted-keys': { none: NEVER_SENT },
  'deviation-lower-case': { none: READING },
  'deviation-patch-204': { none: READING },
  'deviation-patch-braces': { none: READING },
  'deviation-no-put': { none: 'PATCH is what is used unless told otherwise' },
  'deviation-plain-json': { none: READING },
  'deviation-html': { none: READING },
  'deviation-error-without-status': { none: READING },
  'deviation-409-empty': { none: READING },
  'deviation-400-duplicate': { none: READING },
  'deviation-repeated-page': { none: 'an endpoint that cannot be listed has no profile that could list it' },
  'deviation-ignored-count': { none: READING },
  'deviation-201-nothing': {
    given: { confirmCreates: true },
    without: { confirmCreates: false },
    fails: 'a 201 that created nothing is found out where creates are read back',
    meeting: { settings: {} },
  },
  'deviation-stale-tag': { none: 'a tag that never comes is never sent' },
  'deviation-empty-filter': {
    without: { lookup: ['externalId'] },
    fails: 'a userName of somebody else is left to them',
  },
  'deviation-202-silence': { none: OCCASION },
  'deviation-504-applied': { none: OCCASION },
  'deviation-exact-case': { none: 'names are written as documented, whatever the profile' },

  'entra-lower-case-paths': { without: { paths: GENERIC.paths }, fails: 'a joiner stands there as mapped' },
  'entra-no-put': { without: { update: 'put' }, fails: 'a mover costs one request, and no change costs none' },
  'entra-page-100': { without: { pageSize: 200 }, fails: 'everybody is listed once' },
  'entra-create-needs': { file: true },
  'entra-patch-204': { none: READING },
  'entra-path-filter': { none: NEVER_SENT },
  'entra-nickname-stays': { none: 'what a mapping asks for is sent; the refusal is shown to people' },
  'entra-manager-object': {
    without: { manager: { ...GENERIC.manager, patch: 'valuePath' } },
    fails: 'a manager is set, changed and removed',
  },
  'entra-accept-on-delete': { without: { headers }, fails: 'a deletion may be repeated' },
  'entra-json-accept': {
    without: { headers: { ...headers, accept: '*/*', acceptOnDelete: null } },
    fails: 'a joiner stands there as mapped',
  },
  'entra-filters': { none: 'externalId always stands alone, and nothing but eq and and is asked' },
  'entra-no-space': { none: NEVER_SENT },
  'entra-20-members': {
    without: { members: { addMax: GENERIC.members.addMax, removeMax: 1, read: 'users' } },
    fails: 'a group of 250 is filled, and 30 leave it',
  },
  'entra-one-removal': {
    without: { members: { addMax: 20, removeMax: GENERIC.members.removeMax, read: 'users' } },
    fails: 'a group of 250 is filled, and 30 leave it',
  },
  'entra-never-mixed': { none: NEVER_SENT },
  'entra-members-unseen': {
    without: { members: { addMax: 20, removeMax: 1, read: 'group' } },
    fails: 'memberships whose reply was lost are settled once',
  },
  'entra-cursor-only': { without: { paging: GENERIC.paging }, fails: 'everybody is listed once' },
  'entra-no-total': { none: READING },
  'entra-projected-pages': { without: { pageSize: 200 }, fails: 'everybody is listed once' },
  'entra-count-zero': { none: NEVER_SENT },
  'entra-lower-case-list': { none: READING },
  'entra-lower-case-type': { none: READING },
  'entra-unknown-id': { without: { unknownId: [] }, fails: 'a disable of an account that is gone finds nobody' },
  'entra-undated': { none: READING },
  'entra-late-gateway': { none: OCCASION },
  'entra-not-enabled': { none: OCCASION },

  'aws-filter-eq-and': { none: NEVER_SENT },
  'aws-filter-latin': { none: 'no look-up works; the refusal is shown to people, and no group is made' },
  'aws-50-results': {
    without: { pageSize: GENERIC.pageSize, totalIsTruth: true },
    fails: 'fifty people are not taken for everybody',
  },
  'aws-no-removal': { none: NEVER_SENT },
  'aws-no-repetition': { none: NEVER_SENT },
  'aws-one-value': { without: { patch: GENERIC.patch }, fails: 'a mail address changes its type' },
  'aws-group-attributes': { none: NEVER_SENT },
  'aws-members-not-replaced': { none: NEVER_SENT },
  'aws-100-changes': {
    without: { members: { addMax: 101, removeMax: 101, read: 'group' } },
    fails: 'a group of 250 is filled, and 30 leave it',
  },
  'aws-create-group-100': { none: 'groups are created empty, whatever the profile' },
  'aws-create-needs': { file: true },
  'aws-primary-email': { file: true },
  'aws-refused-attributes': { file: true },
  'aws-no-manager-name': { none: NEVER_SENT },
  'aws-no-group-put': { without: { update: 'put' }, fails: 'a group of 250 is filled, and 30 leave it' },
  'aws-exceptions': { none: READING },

  'google-filter-mandatory': { without: { listing: true }, fails: 'nobody is listed where nobody can be' },
  'google-username-only': { without: { lookup: GENERIC.lookup }, fails: 'a repeated create finds its own account' },
  'google-no-paging': { none: 'nobody is listed there, so that no page is ever asked for' },
  'google-20-operations': { without: { patch: GENERIC.patch }, fails: 'many changes arrive whole' },
  'google-empty-answer': { none: READING },
  'google-lower-case-list': { none: READING },
  'google-no-etag': { none: 'a tag that never comes is never sent' },

  'auth0-unmapped': { none: 'what is mapped there is for people to say; see the story about it' },
  'auth0-password': { file: true },
  'auth0-filters': { none: NEVER_SENT },
  'auth0-25-a-second': { without: { account: GENERIC.account }, fails: 'sixty at once stay within the rate' },
  'auth0-ends-sessions': {
    without: { revokeSessions: GENERIC.revokeSessions },
    fails: 'a disable ends the sessions and needs no call for it',
  },

  'pingone-no-paging': {
    without: { paging: GENERIC.paging, pageSize: GENERIC.pageSize, totalIsTruth: GENERIC.totalIsTruth },
    fails: 'a list that may be cut is no list',
  },
  'pingone-no-groups': {
    without: { account: GENERIC.account },
    fails: 'memberships are refused unsent where there are no groups',
  },
  'pingone-first-value': { without: { patch: GENERIC.patch }, fails: 'a mail address changes its type' },

  'authentik-filters': { none: NEVER_SENT },
  'authentik-count-ignored': { none: READING },
  'authentik-pages-truncated': { without: { nextPage: GENERIC.nextPage }, fails: 'everybody is listed once' },
  'authentik-takes-over': {
    without: { lookBeforeCreate: false },
    fails: 'a userName of somebody else is left to them',
  },
  'authentik-409-empty': { none: READING },
  'authentik-no-etag': { none: 'a tag that never comes is never sent' },
  'authentik-older': {
    without: { update: 'patch' },
    fails: 'a mover costs one request, and no change costs none',
    meeting: { name: 'authentik of an older version' },
  },

  'zitadel-no-discovery': {
    without: { discovery: true },
    fails: 'it is asked what it can do where it answers that, and once',
  },
  'zitadel-no-groups': {
    without: { account: GENERIC.account },
    fails: 'memberships are refused unsent where there are no groups',
  },
  'zitadel-create-needs': { file: true },
  'zitadel-primary-only': { file: true },
  'zitadel-active-states': { none: OCCASION },
  'zitadel-scoped-external-id': { none: 'an account that shows no externalId is nobody’s, whatever the profile' },
  'zitadel-filters': { none: NEVER_SENT },
  'zitadel-short-filters': { none: 'names and ids are far shorter' },
  'zitadel-count-100': { without: { pageSize: 101 }, fails: 'everybody is listed once' },
  'zitadel-bulk': { without: { bulk: GENERIC.bulk }, fails: 'thirty joiners travel in as few requests as may be' },
  'zitadel-error-detail': { none: READING },

  'keycloak-no-etag': { without: { readAround: false }, fails: 'a change that was not applied is not done' },
  'keycloak-audience': { none: 'a matter of credentials' },
  'keycloak-off': { none: OCCASION },

  'wso2-no-etag': { none: 'a tag that never comes is never sent' },
  'wso2-bulk': { without: { bulk: null }, fails: 'thirty joiners travel in as few requests as may be' },
  'wso2-pages': { none: READING },

  'oracle-pages': { none: READING },
  'oracle-20-a-second': { without: { account: GENERIC.account }, fails: 'sixty at once stay within the rate' },

  'pingdirectory-put-merges': {
    without: { putMerges: false },
    fails: 'a value is cleared, and only that',
    meeting: { name: 'pingdirectory, told to PUT' },
  },

  'pingfederate-no-patch': {
    without: { update: 'patch' },
    fails: 'a mover costs one request, and no change costs none',
  },
  'pingfederate-no-groups': {
    without: { account: GENERIC.account },
    fails: 'memberships are refused unsent where there are no groups',
  },
};

/** Fields in which a profile overrides what discovery would say: taken out, an endpoint that lies is believed. */
export const PINNED = {
  update: 'a mover costs one request, and no change costs none',
  paging: 'everybody is listed once',
  bulk: 'thirty joiners travel in as few requests as may be',
} as const satisfies Partial<Record<keyof Profile, StoryName>>;

/** Differences from `generic` that no story can feel, and why. */
export const UNFELT: Readonly<Record<string, string>> = {
  'zitadel.paging': 'there is no discovery that could say otherwise',
  'zitadel.update': 'there is no discovery that could say otherwise',
  'google.filterAnd': 'only asked where members are read through users',
  'google.paging': 'nobody is listed there',
  'google.ifMatch': 'a tag that never comes is never sent',
  'authentik.ifMatch': 'a tag that never comes is never sent',
  'keycloak.ifMatch': 'a tag that never comes is never sent',
  'wso2.ifMatch': 'a tag that never comes is never sent',
  'entra-scim.excludeMembers': 'leaving out what is never shown changes nothing',
  'entra-scim.revokeSessions': 'ending sessions is a call to another endpoint: see test/targets/sessions',
  'okta-inbound.revokeSessions': 'ending sessions is a call to another endpoint: see test/targets/sessions',
};
