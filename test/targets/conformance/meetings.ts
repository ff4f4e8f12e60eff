// How each vendor is met: as documented, and in the moods that the documents leave open.
import { PROFILES, type Profile } from '../../../src/targets/scim/profiles.ts';
import { discoveryOf, type Resource } from './quirk.ts';
import type { Meeting } from './scene.ts';
import { VENDORS } from './vendors/all.ts';
import { AUTHENTIK } from './vendors/authentik.ts';
import { ENTRUST } from './vendors/entrust.ts';
import { DEVIATIONS, GENERIC_VENDOR } from './vendors/generic.ts';
import { OKTA_INBOUND } from './vendors/okta-inbound.ts';
import { PINGDIRECTORY } from './vendors/pingdirectory.ts';

const plain: readonly Meeting[] = VENDORS.map((vendor) => ({ name: vendor.name, vendor }));

/** What the connection file may say of any endpoint. */
const told: readonly Meeting[] = [
  { name: 'generic, told to PUT', vendor: GENERIC_VENDOR, settings: { capabilities: { update: 'put' } } },
  {
    name: 'generic, told to PUT with tags',
    vendor: GENERIC_VENDOR,
    settings: { capabilities: { update: 'put', etag: true } },
  },
  {
    name: 'generic, told to PATCH without paths',
    vendor: GENERIC_VENDOR,
    settings: { capabilities: { patchForm: 'pathless' } },
  },
  { name: 'generic, told to use tags', vendor: GENERIC_VENDOR, settings: { capabilities: { etag: true } } },
  {
    name: 'generic, told to read creates back',
    vendor: GENERIC_VENDOR,
    settings: { capabilities: { confirmCreates: true } },
  },
  { name: 'pingdirectory, told to PUT', vendor: PINGDIRECTORY, settings: { capabilities: { update: 'put' } } },
];

const quirkOf = (id: string) => [...DEVIATIONS, ...AUTHENTIK.quirks].filter((quirk) => quirk.id === id);

/** Deviations under which every story goes on as usual; the others have stories of their own. */
export const HARMLESS = [
  'deviation-lower-case',
  'deviation-patch-204',
  'deviation-patch-braces',
  'deviation-no-put',
  'deviation-plain-json',
  'deviation-html',
  'deviation-error-without-status',
  'deviation-409-empty',
  'deviation-400-duplicate',
  'deviation-ignored-count',
  'deviation-stale-tag',
  'deviation-empty-filter',
  'deviation-exact-case',
];
const deviating: readonly Meeting[] = HARMLESS.map((id) => ({
  name: `generic, ${id}`,
  vendor: GENERIC_VENDOR,
  also: quirkOf(id),
}));

/** Endpoints of which nothing is documented, and which do what they say of themselves. */
const selves: readonly (readonly [string, Resource, Meeting['change']])[] = [
  ['without PATCH', { patch: { supported: false } }, { patch: false }],
  ['without PUT and tags', { etag: { supported: false } }, { put: 'none', etag: false }],
  [
    'with cursors',
    { pagination: { cursor: true, index: false, defaultPageSize: 20, maxPageSize: 40 } },
    { paging: { by: 'cursor', usual: 20, max: 40, above: 'refused', total: 'none' } },
  ],
  [
    'with short answers',
    { filter: { supported: true, maxResults: 20 } },
    { paging: { usual: 20, max: 20, above: 'refused' } },
  ],
  ['saying nonsense', { patch: 'yes', bulk: [], filter: { supported: 1, maxResults: 'many' }, etag: null }, {}],
  ['saying nothing', {}, { discovery: {} }],
];
const described: readonly Meeting[] = [OKTA_INBOUND, ENTRUST].flatMap((vendor, which) =>
  // Every other one each: their profiles leave the same to discovery.
  selves
    .filter((_, index) => index % 2 === which)
    .map(
      ([name, config, change]): Meeting => ({
        name: `${vendor.name} ${name}`,
        vendor,
        settings: { discover: true },
        acquainted: true,
        change: { discovery: discoveryOf(config), ...change },
      }),
    ),
);

const older: Meeting = {
  name: 'authentik of an older version',
  vendor: AUTHENTIK,
  settings: { discover: true },
  acquainted: true,
  also: quirkOf('authentik-older'),
};

/**
 * Discovery can lie, and a profile overrides it. Each endpoint says the opposite of what its profile says
 * for certain, and nothing changes.
 */
export const LIARS: readonly Meeting[] = plain
  .filter(({ vendor: { name } }) => {
    const { discovery, update, bulk, paging }: Profile = PROFILES[name];
    return discovery && (update !== 'discovered' || bulk === null || paging !== 'discovered');
  })
  .map((meeting): Meeting => {
    const { update, bulk, ifMatch, paging, paths }: Profile = PROFILES[meeting.vendor.name];
    const lies: Resource = {
      ...(update === 'discovered' ? {} : { patch: { supported: update === 'put' } }),
      ...(bulk === null ? { bulk: { supported: true, maxOperations: 100, maxPayloadSize: 1_000_000 } } : {}),
      ...(ifMatch === 'discovered' ? {} : { etag: { supported: !ifMatch } }),
      ...(paging === 'discovered' ? {} : { pagination: { cursor: paging !== 'cursor', index: paging === 'cursor' } }),
    };
    const answers = Object.entries(discoveryOf(lies, { User: paths.users, Group: paths.groups }));
    return {
      ...meeting,
      name: `${meeting.name} whose discovery lies`,
      settings: { discover: true },
      acquainted: true,
      change: {
        discovery: Object.fromEntries(
          answers.map(([path, answer]) => [
            { '/ServiceProviderConfig': paths.serviceProviderConfig, '/ResourceTypes': paths.resourceTypes }[path] ??
              paths.schemas,
            answer,
          ]),
        ),
      },
    };
  });

export const MEETINGS: readonly Meeting[] = [...plain, ...told, ...deviating, ...described, ...LIARS, older];
