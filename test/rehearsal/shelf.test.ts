// The endpoint of a rehearsal: as strict as the RFCs, and PATCH by PATCH of one mind with the strict provider of the stories.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { changesBetween } from '../../src/planning/account-changes.ts';
import { patched, patchSteps } from '../../src/rehearsal/scim-patch.ts';
import { ScimRefusal } from '../../src/rehearsal/scim-refusal.ts';
import { Shelf } from '../../src/rehearsal/shelf.ts';
import { patchOperations } from '../../src/targets/scim/patch.ts';
import { ENTERPRISE_SCHEMA, GROUP_SCHEMA, patched as strictlyPatched, USER_SCHEMA } from '../support/fake-scim.ts';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const patch = (...operations: readonly object[]) => ({ schemas: [PATCH], Operations: operations });
const user = (userName: string, more: object = {}) => ({ schemas: [USER_SCHEMA], userName, active: true, ...more });
const group = (displayName: string) => ({ schemas: [GROUP_SCHEMA], displayName });
const shelf = () => new Shelf('http://here/idp/scim/v2', () => '2026-01-05T05:00:00.000Z');
const ids = (found: { readonly page: readonly Record<string, unknown>[] }) => found.page.map(({ id }) => id);
const where = (filter: string) => new URLSearchParams({ filter });

function refusalOf(act: () => unknown): { readonly status: number; readonly scimType: string | null } {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ScimRefusal)) throw error;
    return { status: error.status, scimType: error.scimType };
  }
  throw new Error('nothing was refused');
}

describe('users', () => {
  test('are found by userName in any case and by externalId exactly, also after a rename, and not after they are deleted', () => {
    const kept = shelf();
    const { id } = kept.create('Users', user('Ada@example.com', { externalId: 'A1' }));
    expect(ids(kept.list('Users', where('userName eq "ADA@example.com"'), 10))).toEqual([id]);
    expect(ids(kept.list('Users', where('externalId eq "A1"'), 10))).toEqual([id]);
    expect(ids(kept.list('Users', where('externalId eq "a1"'), 10))).toEqual([]);
    kept.patch('Users', String(id), patch({ op: 'replace', path: 'userName', value: 'ada.b@example.com' }));
    expect(ids(kept.list('Users', where('userName eq "ada@example.com"'), 10))).toEqual([]);
    expect(ids(kept.list('Users', where('userName eq "ada.b@example.com"'), 10))).toEqual([id]);
    kept.delete('Users', String(id));
    expect(kept.list('Users', new URLSearchParams(), 10)).toEqual({ page: [], total: 0 });
    expect(refusalOf(() => kept.read('Users', String(id)))).toEqual({ status: 404, scimType: null });
  });

  test('never share a userName, whoever asks for it and in whatever case', () => {
    const kept = shelf();
    kept.create('Users', user('ada'));
    const { id } = kept.create('Users', user('bob'));
    const taken = { status: 409, scimType: 'uniqueness' };
    expect(refusalOf(() => kept.create('Users', user('ADA')))).toEqual(taken);
    expect(
      refusalOf(() => kept.patch('Users', String(id), patch({ op: 'replace', path: 'userName', value: 'Ada' }))),
    ).toEqual(taken);
    expect(kept.patch('Users', String(id), patch({ op: 'replace', path: 'userName', value: 'BOB' })).userName).toBe(
      'BOB',
    );
  });

  test('keep what only the endpoint writes, show no password, and take only a manager who is there', () => {
    const kept = shelf();
    const made = kept.create('Users', user('ada', { id: 'mine', meta: { created: 'never' }, password: 'x' }));
    expect(made).toMatchObject({
      id: 'u-1',
      meta: { created: '2026-01-05T05:00:00.000Z', location: 'http://here/idp/scim/v2/Users/u-1' },
    });
    expect(made).not.toHaveProperty('password');
    const led = (value: string) => ({
      schemas: [USER_SCHEMA, ENTERPRISE_SCHEMA],
      userName: `led by ${value}`,
      [ENTERPRISE_SCHEMA]: { manager: { value } },
    });
    expect(refusalOf(() => kept.create('Users', led('u-9')))).toEqual({ status: 400, scimType: 'invalidValue' });
    expect(kept.create('Users', led('u-1'))[ENTERPRISE_SCHEMA]).toEqual({ manager: { value: 'u-1' } });
  });

  test('come page by page, and no page is longer than the endpoint allows', () => {
    const kept = shelf();
    for (let index = 0; index < 5; index += 1) kept.create('Users', user(`user${index}`));
    expect(ids(kept.list('Users', new URLSearchParams({ startIndex: '2', count: '2' }), 10))).toEqual(['u-2', 'u-3']);
    expect(kept.list('Users', new URLSearchParams({ count: '100' }), 3)).toMatchObject({
      total: 5,
      page: { length: 3 },
    });
  });
});

describe('groups', () => {
  test('hold each member once, take only users, and lose who is deleted', () => {
    const kept = shelf();
    const [ada, bob] = ['ada', 'bob'].map((name) => String(kept.create('Users', user(name)).id));
    const id = String(kept.create('Groups', group('All')).id);
    const add = (...members: readonly (string | undefined)[]) =>
      kept.patch('Groups', id, patch({ op: 'add', path: 'members', value: members.map((value) => ({ value })) }));
    add(ada, bob);
    add(bob);
    expect(kept.read('Groups', id).members).toEqual([{ value: ada }, { value: bob }]);
    expect(refusalOf(() => add(ada, 'nobody'))).toEqual({ status: 400, scimType: 'invalidValue' });
    const found = kept.list(
      'Groups',
      new URLSearchParams({ filter: 'displayName eq "all"', excludedAttributes: 'members' }),
      10,
    );
    expect(found.page).toEqual([expect.not.objectContaining({ members: expect.anything() })]);
    kept.delete('Users', String(ada));
    expect(kept.groups()).toEqual([expect.objectContaining({ displayName: 'All', members: [{ value: bob }] })]);
  });

  test('change whole or not at all', () => {
    const kept = shelf();
    const ada = String(kept.create('Users', user('ada')).id);
    const id = String(kept.create('Groups', group('All')).id);
    const both = patch(
      { op: 'add', path: 'members', value: [{ value: ada }] },
      { op: 'remove', path: 'members[value eq "nobody"]' },
    );
    expect(refusalOf(() => kept.patch('Groups', id, both))).toEqual({ status: 400, scimType: 'noTarget' });
    expect(kept.read('Groups', id)).not.toHaveProperty('members');
    kept.patch('Groups', id, patch({ op: 'add', path: 'members', value: [{ value: ada }] }));
    kept.patch('Groups', id, patch({ op: 'remove', path: `members[value eq "${ada}"]` }));
    expect(kept.read('Groups', id)).not.toHaveProperty('members');
  });
});

describe('what is refused', () => {
  const kept = shelf();
  kept.create('Users', user('ada', { emails: [{ type: 'work', value: 'a@example.com' }] }));
  test.each([
    ['a body without schemas', () => kept.create('Users', { userName: 'x' }), 'invalidSyntax'],
    ['a user without a name', () => kept.create('Users', { schemas: [USER_SCHEMA] }), 'invalidValue'],
    ['active as a text', () => kept.create('Users', user('x', { active: 'true' })), 'invalidValue'],
    [
      'an extension that is not named',
      () => kept.create('Users', user('x', { [ENTERPRISE_SCHEMA]: {} })),
      'invalidSyntax',
    ],
    ['a filter that is none', () => kept.list('Users', where('userName sw "a"'), 9), 'invalidFilter'],
    ['a filter by anything', () => kept.list('Users', where('title eq "a"'), 9), 'invalidFilter'],
    ['a PATCH that is none', () => kept.patch('Users', 'u-1', {}), 'invalidSyntax'],
    ['no operations', () => kept.patch('Users', 'u-1', patch()), 'invalidSyntax'],
    [
      'an unknown op',
      () => kept.patch('Users', 'u-1', patch({ op: 'Replace', path: 'title', value: 'x' })),
      'invalidSyntax',
    ],
    ['add without a value', () => kept.patch('Users', 'u-1', patch({ op: 'add', path: 'title' })), 'invalidValue'],
    ['remove without a path', () => kept.patch('Users', 'u-1', patch({ op: 'remove' })), 'noTarget'],
    ['the id', () => kept.patch('Users', 'u-1', patch({ op: 'replace', path: 'id', value: 'x' })), 'mutability'],
    [
      'an element that is not there',
      () => kept.patch('Users', 'u-1', patch({ op: 'replace', path: 'emails[type eq "home"].value', value: 'x' })),
      'noTarget',
    ],
    [
      'a part of several values',
      () => kept.patch('Users', 'u-1', patch({ op: 'replace', path: 'emails.value', value: 'x' })),
      'invalidPath',
    ],
    [
      'the name taken away',
      () => kept.patch('Users', 'u-1', patch({ op: 'remove', path: 'userName' })),
      'invalidValue',
    ],
    [
      'a prototype',
      () => kept.patch('Users', 'u-1', patch({ op: 'add', path: '__proto__.x', value: 'x' })),
      'invalidPath',
    ],
  ])('%s', (_what, act, scimType) => {
    const before = JSON.stringify(kept.users());
    expect(refusalOf(act)).toEqual({ status: 400, scimType });
    expect(JSON.stringify(kept.users())).toBe(before);
  });
});

describe('PATCH', () => {
  const text = fc.constantFrom('a', 'b', 'c');
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const attributes = fc
    .record({
      title: maybe(text),
      displayName: maybe(text),
      name: maybe(fc.record({ givenName: text, familyName: maybe(text) })),
      emails: maybe(
        fc.uniqueArray(fc.record({ type: fc.constantFrom('work', 'home'), value: text }), {
          selector: ({ type }) => type,
          minLength: 1,
        }),
      ),
      [ENTERPRISE_SCHEMA]: maybe(fc.record({ department: text, division: maybe(text) })),
    })
    // Absent, as JSON has it.
    .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

  test('comes to what we wanted and to what the strict provider of the stories makes of it', () => {
    const seen = { steps: 0, removed: 0, elements: 0, extension: 0 };
    fc.assert(
      fc.property(attributes, attributes, (known, desired) => {
        const operations = patchOperations(changesBetween(known, desired), known, desired);
        fc.pre(operations.length > 0);
        seen.steps += operations.length;
        for (const { op, path } of operations) {
          if (op === 'remove') seen.removed += 1;
          if (path.includes('[')) seen.elements += 1;
          if (path.startsWith('urn:')) seen.extension += 1;
        }
        const before = { schemas: [USER_SCHEMA, ENTERPRISE_SCHEMA], userName: 'ada', ...structuredClone(known) };
        const body = patch(...operations);
        const mine = patched(before, patchSteps(body));
        expect(sorted(mine)).toEqual(sorted({ ...before, ...emptied(known), ...desired }));
        expect(sorted(mine)).toEqual(sorted(strictlyPatched('User', before, body)));
      }),
      { numRuns: 500 },
    );
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(100);
  });
});

/** What is to go, as `toEqual` reads it. */
const emptied = (known: JsonObject) => Object.fromEntries(Object.keys(known).map((key) => [key, undefined]));
/** The order of e-mail addresses says nothing. */
const sorted = (resource: Record<string, unknown>) => ({
  ...resource,
  schemas: [],
  emails: JSON.stringify(((resource.emails ?? []) as object[]).map((email) => JSON.stringify(email)).sort()),
});
