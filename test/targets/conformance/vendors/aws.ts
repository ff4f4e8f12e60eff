// AWS IAM Identity Center: a subset of SCIM 2.0 with one value for each attribute.
import { discoveryOf, type Quirk, type Resource, scimError, type Vendor } from '../quirk.ts';
import { ENTERPRISE, personOf } from './person.ts';
import {
  addOf,
  badRequest,
  created,
  elementsOf,
  filtered,
  GROUP_SCHEMA,
  isAboutMembers,
  isPatchOf,
  listIn,
  MULTI_VALUED,
  membersIn,
  missing,
  opOf,
  patchOf,
  pathOf,
  removeOf,
  seeded,
  seededGroup,
  sizeOf,
} from './rules.ts';

const CREATE_NEEDS = ['name.givenName', 'name.familyName', 'userName', 'displayName'];
const REFUSED_ATTRIBUTES = ['password', 'ims', 'photos', 'x509Certificates', 'entitlements', 'groups'];
const EQ = { attributes: { '*': ['eq'] }, joins: ['and'] } as const;
const EXCEPTIONS: Readonly<Record<number, string>> = { 409: 'ConflictException', 429: 'ThrottlingException' };
const PHOTO = [{ value: 'https://example.com/p.png', type: 'photo' }];

const quirks: readonly Quirk[] = [
  {
    id: 'aws-filter-eq-and',
    says: '`eq` with `and` only',
    source: '[P8]',
    does: { filters: { User: EQ, Group: EQ } },
    probe: async ({ send }) => {
      const or = await send('GET', `/Users${filtered('userName eq "a" or userName eq "b"')}`);
      const ne = await send('GET', `/Users${filtered('userName ne "a"')}`);
      const and = await send('GET', `/Users${filtered('userName eq "a" and externalId eq "b"')}`);
      return or.status === 400 && ne.body.scimType === 'invalidFilter' && and.status === 200;
    },
  },
  {
    id: 'aws-filter-latin',
    says: 'non-Latin group names produced 400 invalid filter',
    source: '(obs) [P32]',
    does: {
      refuses: [
        {
          when: ({ on, query }) =>
            on === 'Group' && /[^\p{Script=Latin}\p{Script=Common}]/u.test(query.get('filter') ?? ''),
          ...badRequest('invalid filter', 'invalidFilter'),
        },
      ],
    },
    probe: async ({ send }) => {
      const greek = await send('GET', `/Groups${filtered('displayName eq "Ομάδα"')}`);
      return greek.status === 400 && (await send('GET', `/Groups${filtered('displayName eq "Süd"')}`)).status === 200;
    },
  },
  {
    id: 'aws-50-results',
    says: '50 results max',
    source: '[P33]',
    does: { paging: { usual: 50, max: 50 } },
    probe: async (tools) => {
      seeded(tools, 60);
      return listIn(await tools.send('GET', '/Users?count=100')).length === 50;
    },
  },
  {
    id: 'aws-no-removal',
    says: 'no remove of userName/active',
    source: '[P34]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'User') &&
            call.operations.some(
              (operation) => opOf(operation) === 'remove' && /^(userName|active)$/i.test(pathOf(operation)),
            ),
          ...badRequest('userName and active cannot be removed', 'mutability'),
        },
      ],
    },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const answer = await tools.send('PATCH', `/Users/${id}`, patchOf({ op: 'remove', path: 'active' }));
      return answer.status === 400 && tools.users.get(id)?.active === true;
    },
  },
  {
    id: 'aws-no-repetition',
    says: 'no repeated ops on them',
    source: '[P34]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'User') &&
            ['username', 'active'].some(
              (name) => call.operations.filter((operation) => pathOf(operation).toLowerCase() === name).length > 1,
            ),
          ...badRequest('userName and active may be named once'),
        },
      ],
    },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const active = { op: 'replace', path: 'active', value: false };
      return (await tools.send('PATCH', `/Users/${id}`, patchOf(active, active))).status === 400;
    },
  },
  {
    id: 'aws-one-value',
    says: 'one value per multi-valued attribute',
    source: '[P34]',
    does: {
      stepwise: true,
      holds: [
        (resource, kind) =>
          kind === 'User' && MULTI_VALUED.some((attribute) => elementsOf(resource, attribute).length > 1)
            ? badRequest('one value for each multi-valued attribute', 'invalidValue')
            : null,
      ],
    },
    probe: async ({ send, person }) => {
      const phoneNumbers = [
        { value: '+49 30 1', type: 'work' },
        { value: '+49 30 2', type: 'home' },
      ];
      return (await send('POST', '/Users', person(1, { phoneNumbers }))).status === 400;
    },
  },
  {
    id: 'aws-group-attributes',
    says: 'Group PATCH: only displayName, members, externalId',
    source: '[P35]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'Group') &&
            call.operations.some((operation) => !/^(displayName|members|externalId)\b/i.test(pathOf(operation))),
          ...badRequest('only displayName, members and externalId'),
        },
      ],
    },
    probe: async (tools) => {
      const group = seededGroup(tools, 'Staff');
      const pathless = patchOf({ op: 'replace', value: { displayName: 'Crew' } });
      return (await tools.send('PATCH', `/Groups/${group}`, pathless)).status === 400;
    },
  },
  {
    id: 'aws-members-not-replaced',
    says: 'no replace or remove-all of members',
    source: '[P35]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'Group') &&
            call.operations.some(
              (operation) =>
                /^members$/i.test(pathOf(operation)) && (opOf(operation) === 'replace' || opOf(operation) === 'remove'),
            ),
          ...badRequest('members cannot be replaced, nor all removed'),
        },
      ],
    },
    probe: async (tools) => {
      const ids = seeded(tools, 2);
      const path = `/Groups/${seededGroup(tools, 'Staff', ids)}`;
      const replaced = await tools.send('PATCH', path, patchOf({ ...addOf(ids.slice(1)), op: 'replace' }));
      const emptied = await tools.send('PATCH', path, patchOf({ op: 'remove', path: 'members' }));
      return replaced.status === 400 && emptied.status === 400;
    },
  },
  {
    id: 'aws-100-changes',
    says: '≤100 changes',
    source: '[P35] [P36]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'Group') &&
            call.operations.reduce((sum, one) => sum + (isAboutMembers(one) ? sizeOf(one) : 1), 0) > 100,
          ...badRequest('at most 100 changes in one request'),
        },
      ],
    },
    probe: async (tools) => {
      const ids = seeded(tools, 101);
      const group = seededGroup(tools, 'Staff');
      const many = await tools.send('PATCH', `/Groups/${group}`, patchOf(addOf(ids)));
      const enough = await tools.send('PATCH', `/Groups/${group}`, patchOf(addOf(ids.slice(1))));
      const gone = await tools.send('PATCH', `/Groups/${group}`, patchOf(...ids.map(removeOf)));
      return many.status === 400 && enough.status === 200 && membersIn(tools, group) === 100 && gone.status === 400;
    },
  },
  {
    id: 'aws-create-group-100',
    says: 'create group ≤100 members',
    source: '[P35] [P36]',
    does: {
      refuses: [
        {
          when: ({ method, on, body }) =>
            method === 'POST' && on === 'Group' && elementsOf(body ?? {}, 'members').length > 100,
          ...badRequest('at most 100 members'),
        },
      ],
    },
    probe: async (tools) => {
      const members = seeded(tools, 101).map((value) => ({ value }));
      const group = { schemas: [GROUP_SCHEMA], displayName: 'Staff', members };
      return (await tools.send('POST', '/Groups', group)).status === 400;
    },
  },
  {
    id: 'aws-create-needs',
    says: 'Create needs givenName, familyName, userName, displayName',
    source: '[P37]',
    does: {
      holds: [
        (resource, kind) => {
          const absent = kind === 'User' ? missing(resource, CREATE_NEEDS) : [];
          return absent.length > 0 ? badRequest(`missing: ${absent.join(', ')}`, 'invalidValue') : null;
        },
      ],
    },
    probe: async ({ send, person }) => {
      const { displayName: _, ...rest } = person(1);
      const nameless = await send('POST', '/Users', person(2, { name: { givenName: 'Mira' } }));
      return (await send('POST', '/Users', rest)).status === 400 && nameless.status === 400;
    },
  },
  {
    id: 'aws-primary-email',
    says: 'email must be `primary:true`',
    source: '[P37]',
    does: {
      holds: [
        (resource, kind) =>
          kind === 'User' && elementsOf(resource, 'emails').some(({ primary }) => primary !== true)
            ? badRequest('the email must be primary', 'invalidValue')
            : null,
      ],
    },
    probe: async ({ send, person }) => {
      const emails = [{ value: 'mira@example.com', type: 'work' }];
      return (await send('POST', '/Users', person(1, { emails }))).status === 400;
    },
  },
  {
    id: 'aws-refused-attributes',
    says: 'no `password`, `ims`, `photos`, `x509Certificates`, `entitlements`, `groups`',
    source: '[P37]',
    does: {
      refuses: [
        {
          when: ({ on, body, operations }) =>
            on === 'User' &&
            REFUSED_ATTRIBUTES.some(
              (name) =>
                body?.[name] !== undefined ||
                operations.some(
                  (operation) =>
                    new RegExp(`^${name}\\b`, 'i').test(pathOf(operation)) ||
                    (operation.path === undefined && (operation.value as Resource | undefined)?.[name] !== undefined),
                ),
            ),
          ...badRequest('an attribute that is not supported', 'invalidSyntax'),
        },
      ],
    },
    probe: async (tools) => {
      const answer = await tools.send('POST', '/Users', tools.person(1, { photos: PHOTO }));
      const id = await created(tools, 2);
      const patched = await tools.send('PATCH', `/Users/${id}`, patchOf({ op: 'add', path: 'photos', value: PHOTO }));
      return answer.status === 400 && patched.status === 400;
    },
  },
  {
    id: 'aws-no-manager-name',
    says: 'no `manager.displayName`',
    source: '[P37]',
    does: {
      holds: [
        (resource) =>
          (resource[ENTERPRISE] as Resource | undefined)?.manager !== undefined &&
          ((resource[ENTERPRISE] as Resource).manager as Resource).displayName !== undefined
            ? badRequest('manager.displayName is not supported', 'invalidSyntax')
            : null,
      ],
    },
    probe: async (tools) => {
      const value = await created(tools, 1);
      const manager = { value, displayName: 'The boss' };
      return (await tools.send('POST', '/Users', tools.person(2, { [ENTERPRISE]: { manager } }))).status === 400;
    },
  },
  {
    id: 'aws-no-group-put',
    says: 'POST, GET, PATCH, DELETE; no PUT',
    source: '[P7]',
    does: {
      refuses: [
        { when: ({ method, on }) => method === 'PUT' && on === 'Group', status: 405, detail: 'PUT is not supported' },
      ],
    },
    probe: async (tools) => {
      const group = seededGroup(tools, 'Staff');
      const body = { schemas: [GROUP_SCHEMA], displayName: 'Crew' };
      return (await tools.send('PUT', `/Groups/${group}`, body)).status === 405;
    },
  },
  {
    id: 'aws-exceptions',
    says: '409 ConflictException; 429 ThrottlingException',
    source: '[P37] [P38]',
    does: {
      error: (status, scimType, detail) => {
        const name = EXCEPTIONS[status];
        return scimError(
          status,
          name === undefined ? scimType : null,
          name === undefined ? detail : `${name}: ${detail}`,
        );
      },
    },
    probe: async (tools) => {
      await created(tools, 1);
      const again = await tools.send('POST', '/Users', tools.person(1));
      tools.throttleNext(1);
      const hasty = await tools.send('GET', '/Users');
      return (
        again.status === 409 &&
        String(again.body.detail).startsWith('ConflictException') &&
        again.body.scimType === undefined &&
        hasty.status === 429 &&
        String(hasty.body.detail).startsWith('ThrottlingException')
      );
    },
  },
];

export const AWS: Vendor = {
  name: 'aws',
  base: {
    // What the answer of /ServiceProviderConfig holds is (GK); that there is neither Bulk nor /Me nor /.search is [P8].
    discovery: discoveryOf({ filter: { supported: true, maxResults: 50 }, etag: { supported: false } }),
    etag: false,
  },
  quirks,
  person: (n) => personOf(n),
};
