import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import { changesBetween, flatten, memberOf, projected, textAt } from '../../src/planning/account-changes.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const paths = (attributes: JsonObject): JsonObject => Object.fromEntries(flatten(attributes));
const said = (known: JsonObject, desired: JsonObject, rules?: Parameters<typeof changesBetween>[2]) =>
  changesBetween(known, desired, rules).map(({ path, before, after }) => [path, before, after]);

describe('the path of a value', () => {
  it('joins members with a dot, and what belongs to an extension with a colon', () => {
    expect(paths({ title: 'Clerk', name: { givenName: 'Ada', familyName: 'Lee' } })).toEqual({
      title: 'Clerk',
      'name.givenName': 'Ada',
      'name.familyName': 'Lee',
    });
    expect(paths({ [ENTERPRISE]: { department: 'Sales', manager: { value: '3' } } })).toEqual({
      [`${ENTERPRISE}:department`]: 'Sales',
      [`${ENTERPRISE}:manager.value`]: '3',
    });
  });

  it('names the elements of a list by their types, in an extension too', () => {
    const emails = [
      { type: 'work', value: 'a@example.com', primary: true },
      { type: 'home', value: 'b@example.com' },
    ];
    expect(paths({ emails })).toEqual({
      'emails[work].value': 'a@example.com',
      'emails[work].primary': true,
      'emails[home].value': 'b@example.com',
    });
    expect(paths({ [ENTERPRISE]: { phones: [{ type: 'work', value: '1' }] } })).toEqual({
      [`${ENTERPRISE}:phones[work].value`]: '1',
    });
  });

  it.each<[string, readonly JsonValue[]]>([
    ['has no type', [{ value: 'a' }]],
    ['has an empty type', [{ type: '', value: 'a' }]],
    ['has a type that is no text', [{ type: 1, value: 'a' }]],
    ['has a type that would break the path', [{ type: 'a].b', value: 'a' }]],
    ['has a type with a quote', [{ type: 'a"b', value: 'a' }]],
    [
      'has the type of another one',
      [
        { type: 'work', value: 'a' },
        { type: 'work', value: 'b' },
      ],
    ],
    ['is text', ['a', 'b']],
    ['is a list', [['a']]],
    ['is null', [null]],
  ])('is the whole list where an element %s', (_, list) => {
    expect(paths({ list })).toEqual({ list });
  });

  it('is none for blank values, empty objects and empty lists', () => {
    expect(
      paths({
        a: null,
        b: {},
        c: [],
        d: { e: null },
        [ENTERPRISE]: { f: null, g: [], h: {} },
        i: [{ type: 'work', j: null }],
      }),
    ).toEqual({});
  });

  it('is none for what is not there at all', () => {
    const missing = { a: undefined, b: { c: undefined }, d: [{ type: 'work', e: undefined }] } as unknown as JsonObject;
    expect([...flatten(missing)]).toEqual([]);
    expect([...flatten({ [ENTERPRISE]: { a: undefined } } as unknown as JsonObject)]).toEqual([]);
  });

  it('goes one level deep: what lies below is one value', () => {
    expect(paths({ a: { b: [{ type: 'work', value: 1 }] } })).toEqual({ 'a.b': [{ type: 'work', value: 1 }] });
    expect(paths({ a: { b: { c: 1 } } })).toEqual({ 'a.b': { c: 1 } });
    expect(paths({ a: { b: [1, 2] } })).toEqual({ 'a.b': [1, 2] });
  });

  it('keeps false and zero: they are values', () => {
    expect(paths({ a: false, b: 0, c: { d: false }, [ENTERPRISE]: { e: 0 } })).toEqual({
      a: false,
      b: 0,
      'c.d': false,
      [`${ENTERPRISE}:e`]: 0,
    });
  });
});

describe('changes', () => {
  it('are what differs, in the order of what shall be, and what goes at the end', () => {
    expect(said({ gone: 'x', title: 'Clerk', same: 1 }, { nickName: 'Al', title: 'Chief', same: 1 })).toEqual([
      ['nickName', undefined, 'Al'],
      ['title', 'Clerk', 'Chief'],
      ['gone', 'x', undefined],
    ]);
  });

  it('are none between an account and itself, nor where members stand in another order', () => {
    const attributes = { list: [{ a: 1, b: 2 }] };
    expect(said(attributes, attributes)).toEqual([]);
    expect(said(attributes, { list: [{ b: 2, a: 1 }] })).toEqual([]);
    expect(said(attributes, { list: [{ b: 2, a: 2 }] })).toHaveLength(1);
  });

  it('tell a text from the number that looks like it', () => {
    expect(said({ cost: 7 }, { cost: '7' })).toEqual([['cost', 7, '7']]);
    expect(said({ list: ['7'] }, { list: '7' })).toHaveLength(1);
  });

  it('leave alone what is sent on create only, whether it differs or is to go', () => {
    const rules = { onCreateOnly: ['title'], keepWhenBlank: [] };
    expect(said({ title: 'Clerk' }, { title: 'Chief' }, rules)).toEqual([]);
    expect(said({ title: 'Clerk' }, {}, rules)).toEqual([]);
  });

  it('keep what the target has where a blank value says nothing, and overwrite it with a value', () => {
    const rules = { onCreateOnly: [], keepWhenBlank: ['title'] };
    expect(said({ title: 'Clerk' }, {}, rules)).toEqual([]);
    expect(said({ title: 'Clerk' }, { title: 'Chief' }, rules)).toEqual([['title', 'Clerk', 'Chief']]);
  });

  it.each([
    ['name', 'name.givenName', { name: { givenName: 'Ada' } }],
    ['emails', 'emails[work].value', { emails: [{ type: 'work', value: 'a' }] }],
    [ENTERPRISE, `${ENTERPRISE}:department`, { [ENTERPRISE]: { department: 'Sales' } }],
  ])('of %s are those of %s too', (rule, path, known) => {
    expect(said(known, {}).map(([at]) => at)).toEqual([path]);
    expect(said(known, {}, { onCreateOnly: [rule], keepWhenBlank: [] })).toEqual([]);
  });

  it('of a name that only begins alike are another’s', () => {
    expect(said({ titleLong: 'x' }, {}, { onCreateOnly: ['title'], keepWhenBlank: ['title'] })).toHaveLength(1);
    expect(said({ title: 'x' }, {}, { onCreateOnly: ['titleLong'], keepWhenBlank: [] })).toHaveLength(1);
  });

  it('bring any account to what it shall be, and then there are none', () => {
    const value = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.boolean(), fc.integer({ min: 0, max: 2 }));
    const attributes = fc.dictionary(
      fc.constantFrom('title', 'nickName', 'name', ENTERPRISE),
      fc.oneof(value, fc.dictionary(fc.constantFrom('a', 'b'), value)),
    );
    const pairs = fc.oneof(
      attributes.map((one) => [one, structuredClone(one)] as const),
      fc.tuple(attributes, attributes),
    );
    const mix = { none: 0, some: 0 };
    fc.assert(
      fc.property(pairs, ([known, desired]) => {
        const after = new Map(flatten(known as JsonObject));
        const changes = changesBetween(known as JsonObject, desired as JsonObject);
        for (const { path, before, after: to } of changes) {
          expect(after.get(path)).toEqual(before);
          if (to === undefined) after.delete(path);
          else after.set(path, to);
        }
        expect(Object.fromEntries(after)).toEqual(paths(desired as JsonObject));
        mix[changes.length === 0 ? 'none' : 'some'] += 1;
      }),
    );
    expect(mix.some).toBeGreaterThan(10);
    expect(mix.none).toBeGreaterThan(10);
  });
});

describe('what a target holds, cut to what the mapping speaks of', () => {
  it('has the mapping’s members with the target’s values, whatever their case', () => {
    expect(
      projected({ TITLE: 'Baron', other: 1, nickName: null }, { title: 'Clerk', nickName: 'Al', missing: 'x' }),
    ).toEqual({
      title: 'Baron',
    });
    expect(projected({ name: { givenname: 'Ada', x: 1 } }, { name: { givenName: 'A', familyName: 'B' } })).toEqual({
      name: { givenName: 'Ada' },
    });
  });

  it('has the elements of the types that the mapping gives, under the mapping’s spelling', () => {
    const desired = {
      emails: [
        { type: 'work', value: 'x' },
        { type: 'home', value: 'y' },
      ],
    };
    const there = {
      emails: [
        { type: 'Work', value: 'a', display: 'A' },
        { type: 'other', value: 'c' },
      ],
    };
    expect(projected(there, desired)).toEqual({ emails: [{ value: 'a', type: 'work' }] });
    expect(projected({ emails: [{ type: 'other', value: 'c' }] }, desired)).toEqual({});
    expect(projected({ emails: 'a' }, desired)).toEqual({});
  });

  it('has a list without types as it stands there', () => {
    expect(projected({ roles: ['a', 'b'] }, { roles: ['c'] })).toEqual({ roles: ['a', 'b'] });
    expect(projected({ roles: [{ value: 'a' }] }, { roles: [{ value: 'c' }] })).toEqual({ roles: [{ value: 'a' }] });
  });

  it('passes over elements without a type, of which the mapping never speaks', () => {
    const there = { emails: [{ value: 'x' }, 'text', { type: 'work', value: 'a' }] };
    expect(projected(there, { emails: [{ type: 'work', value: 'y' }] })).toEqual({
      emails: [{ value: 'a', type: 'work' }],
    });
  });

  it('says nothing of what either side lacks', () => {
    const lacking = { title: undefined, nickName: 'x' } as unknown as JsonObject;
    expect(Object.keys(projected({ title: 'a' }, lacking))).toEqual([]);
    expect(Object.keys(projected({}, { title: 'a' }))).toEqual([]);
    expect(Object.keys(projected({ emails: 'a' }, { emails: [{ type: 'work', value: 'y' }] }))).toEqual([]);
    expect(projected({ title: 'a' }, { title: null })).toEqual({ title: 'a' });
  });

  it('has nothing where the target holds another kind of thing than an object', () => {
    for (const name of ['Ada', 7, ['Ada'], true]) expect(projected({ name }, { name: { givenName: 'A' } })).toEqual({});
  });
});

describe('a member by its name', () => {
  it('is found whatever its case, the exact one first', () => {
    expect(memberOf({ TITLE: 'a', title: 'b' }, 'title')).toBe('b');
    expect(memberOf({ TITLE: 'a' }, 'title')).toBe('a');
    expect(memberOf({ title: 'a' }, 'TITLE')).toBe('a');
    expect(memberOf({ titles: 'a' }, 'title')).toBeUndefined();
  });

  it('is told as text at its path, and is empty where there is none', () => {
    const resource = { title: 'Clerk', name: { givenName: 'Ada' }, cost: 7, emails: [{ type: 'work', value: 'a@b' }] };
    expect(textAt(resource, 'TITLE')).toBe('Clerk');
    expect(textAt(resource, 'name.GIVENNAME')).toBe('Ada');
    expect(textAt(resource, 'emails[work].value')).toBe('a@b');
    expect(textAt(resource, 'cost')).toBe('7');
    expect(textAt(resource, 'name')).toBe('');
    expect(textAt(resource, 'nickName')).toBe('');
  });
});
