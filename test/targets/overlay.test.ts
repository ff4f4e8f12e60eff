import { describe, expect, test } from 'vitest';
import { overlaid, wholeLists } from '../../src/targets/scim/overlay.ts';
import { ENTERPRISE } from '../support/scim-desk.ts';

const RESOURCE = {
  id: 'u1',
  UserName: 'alice',
  nickName: 'theirs',
  name: { givenName: 'Alice', familyName: 'Doe', middleName: 'M' },
  emails: [
    { value: 'a@work', type: 'work', primary: true },
    { value: 'a@home', type: 'home' },
  ],
  roles: [{ value: 'admin' }],
  [ENTERPRISE]: { department: 'Sales', manager: { value: 'm1' }, costCenter: 'theirs' },
};

describe('changes laid over a resource', () => {
  test('touch what they name, in its own spelling, and nothing else', () => {
    expect(
      overlaid(
        RESOURCE,
        [
          { op: 'replace', path: 'userName', value: 'alice.new' },
          { op: 'replace', path: 'name.givenName', value: 'Alicia' },
          { op: 'replace', path: 'emails[type eq "work"].value', value: 'new@work' },
          { op: 'replace', path: `${ENTERPRISE}:department`, value: 'Ops' },
          { op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: 'm2' } },
          { op: 'add', path: 'title', value: 'Lead' },
        ],
        false,
      ),
    ).toEqual({
      ...RESOURCE,
      UserName: 'alice.new',
      name: { ...RESOURCE.name, givenName: 'Alicia' },
      emails: [{ value: 'new@work', type: 'work', primary: true }, RESOURCE.emails[1]],
      title: 'Lead',
      [ENTERPRISE]: { department: 'Ops', manager: { value: 'm2' }, costCenter: 'theirs' },
    });
  });

  test('remove attributes, parts, elements and members', () => {
    expect(
      overlaid(
        RESOURCE,
        [
          { op: 'remove', path: 'nickName' },
          { op: 'remove', path: 'name.middleName' },
          { op: 'remove', path: 'emails[type eq "home"]' },
          { op: 'remove', path: 'emails[type eq "work"].primary' },
          { op: 'remove', path: `${ENTERPRISE}:manager` },
        ],
        false,
      ),
    ).toEqual({
      id: 'u1',
      UserName: 'alice',
      name: { givenName: 'Alice', familyName: 'Doe' },
      emails: [{ value: 'a@work', type: 'work' }],
      roles: RESOURCE.roles,
      [ENTERPRISE]: { department: 'Sales', costCenter: 'theirs' },
    });
  });

  test('are null where the endpoint keeps what is left out', () => {
    const result = overlaid(
      RESOURCE,
      [
        { op: 'remove', path: 'nickName' },
        { op: 'remove', path: 'title' },
        { op: 'remove', path: 'name.middleName' },
        { op: 'remove', path: 'roles[value eq "admin"]' },
        { op: 'remove', path: `${ENTERPRISE}:manager` },
      ],
      true,
    );
    expect(result).toMatchObject({
      nickName: null,
      roles: null,
      name: { middleName: null },
      [ENTERPRISE]: { manager: null },
    });
    expect(result).not.toHaveProperty('title');
  });

  test('make what is not there, and leave no empty extension behind', () => {
    const made = overlaid(
      {},
      [
        { op: 'add', path: `${ENTERPRISE}:department`, value: 'Ops' },
        { op: 'add', path: 'name.givenName', value: 'A' },
        { op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '1' },
      ],
      false,
    );
    expect(made).toEqual({
      [ENTERPRISE]: { department: 'Ops' },
      name: { givenName: 'A' },
      phoneNumbers: [{ type: 'work', value: '1' }],
    });
    expect(overlaid(made, [{ op: 'remove', path: `${ENTERPRISE}:department` }], false)).not.toHaveProperty([
      ENTERPRISE,
    ]);
  });

  test('take the place of the element of their type, and never double an element', () => {
    const added = { op: 'add', path: 'emails', value: [{ value: 'x@home', type: 'home' }] } as const;
    const once = overlaid(RESOURCE, [added], false);
    expect(once.emails).toEqual([RESOURCE.emails[0], { value: 'x@home', type: 'home' }]);
    expect(overlaid(once, [added], false)).toEqual(once);
    const role = { op: 'add', path: 'roles', value: [{ value: 'admin' }] } as const;
    expect(overlaid(RESOURCE, [role], false).roles).toEqual([{ value: 'admin' }]);
  });

  test('find elements whose type holds what paths are made of', () => {
    const path = `${ENTERPRISE}:phones[type eq "a:b"].value`;
    expect(overlaid({}, [{ op: 'replace', path, value: '1' }], false)).toEqual({
      [ENTERPRISE]: { phones: [{ type: 'a:b', value: '1' }] },
    });
  });
});

describe('lists written whole', () => {
  const known = { title: 'Clerk', emails: [{ value: 'a@work', type: 'work', primary: true }] };

  test('hold one value before and after a change of type', () => {
    expect(
      wholeLists(
        [
          { op: 'replace', path: 'title', value: 'Lead' },
          { op: 'remove', path: 'emails[type eq "work"]' },
          { op: 'add', path: 'emails', value: [{ value: 'a@home', type: 'home', primary: true }] },
        ],
        known,
      ),
    ).toEqual([
      { op: 'replace', path: 'title', value: 'Lead' },
      { op: 'replace', path: 'emails', value: [{ value: 'a@home', type: 'home', primary: true }] },
    ]);
  });

  test('keep the parts that do not change, and are removed with their last element', () => {
    expect(wholeLists([{ op: 'replace', path: 'emails[type eq "work"].value', value: 'b@work' }], known)).toEqual([
      { op: 'replace', path: 'emails', value: [{ value: 'b@work', type: 'work', primary: true }] },
    ]);
    expect(wholeLists([{ op: 'remove', path: 'emails[type eq "work"]' }], known)).toEqual([
      { op: 'remove', path: 'emails' },
    ]);
    const untouched = [{ op: 'replace', path: 'title', value: 'Lead' }] as const;
    expect(wholeLists(untouched, known)).toBe(untouched);
  });
});
