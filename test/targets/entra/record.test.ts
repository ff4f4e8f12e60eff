import { describe, expect, it } from 'vitest';
import { RANDOM_PASSWORD } from '../../../src/base/password-marker.ts';
import { ENTERPRISE, uploadRecord } from '../../../src/targets/entra/record.ts';
import { ALICE, accountOf, noAccount, operation } from '../../support/scim-desk.ts';

const RULES = { matching: 'externalId', flowNull: false };
const FLOWS = { ...RULES, flowNull: true };
const CUSTOM = 'urn:ietf:params:scim:schemas:extension:acme:1.0:User';

describe('the record of a worker', () => {
  it('is complete, whatever changed, and lists every schema it uses', () => {
    const payload = { ...ALICE, attributes: { ...ALICE.attributes, [CUSTOM]: { HireDate: '2026-01-01' } } };
    const moved = operation('update', payload, accountOf(ALICE, '007'));
    const { data, matching, active } = uploadRecord(moved, RULES);
    expect({ matching, active }).toEqual({ matching: '007', active: true });
    expect(data).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE, CUSTOM],
      externalId: '007',
      userName: ALICE.userName,
      active: true,
      ...payload.attributes,
    });
  });

  it('of a leave is what is known, with active false, under the name that the account has', () => {
    const account = accountOf(ALICE, '007', { userName: 'alice.smith@example.com' });
    const gone = operation('disable', { ...ALICE, attributes: {} }, account);
    expect(uploadRecord(gone, RULES).data).toMatchObject({
      userName: 'alice.smith@example.com',
      active: false,
      title: 'Clerk',
      [ENTERPRISE]: { department: 'Sales' },
    });
  });

  it('keeps what is sent once as it was first sent, and what is kept when it is blank', () => {
    const account = accountOf({ ...ALICE, attributes: { ...ALICE.attributes, nickName: 'Al' } }, '007');
    const payload = { ...ALICE, onCreateOnly: ['title'], keepWhenBlank: ['nickName'], attributes: { title: 'Chief' } };
    expect(uploadRecord(operation('update', payload, account), RULES).data).toMatchObject({
      title: 'Clerk',
      nickName: 'Al',
    });
    const never = accountOf({ ...ALICE, attributes: {} }, '007');
    expect(uploadRecord(operation('update', payload, never), RULES).data).not.toHaveProperty('title');
  });

  it('says null for a blank single value only where null flows', () => {
    const account = accountOf(ALICE, '007');
    const blank = operation('update', { ...ALICE, attributes: { emails: [] } }, account);
    expect(uploadRecord(blank, RULES).data).not.toHaveProperty('title');
    const { data } = uploadRecord(blank, FLOWS);
    expect(data).toMatchObject({ title: null, name: { givenName: null, familyName: null } });
    // A list cannot be cleared.
    expect(data.emails).toEqual([]);
  });

  it('names the manager by the matching value, also where nothing about the manager changed', () => {
    const led = { ...ALICE, managerKey: '12' };
    expect(
      uploadRecord(operation('update', led, accountOf(ALICE, '007'), { managerRemoteId: '12' }), RULES).data,
    ).toMatchObject({
      [ENTERPRISE]: { department: 'Sales', manager: { value: '12' } },
    });
    const stands = operation('update', ALICE, accountOf(ALICE, '007', { managerKnown: '12' }), {
      managerStandsRemoteId: '12',
    });
    expect(uploadRecord(stands, RULES).data).toMatchObject({ [ENTERPRISE]: { manager: { value: '12' } } });
    const alone = operation('update', { ...ALICE, managerKey: '' }, accountOf(ALICE, '007', { managerKnown: '12' }));
    expect(uploadRecord(alone, FLOWS).data).toMatchObject({ [ENTERPRISE]: { manager: null } });
    expect(uploadRecord(alone, RULES).data[ENTERPRISE] as object).not.toHaveProperty('manager');
  });

  it('holds a password for an account that is made, and for no other', () => {
    const payload = { ...ALICE, attributes: { password: RANDOM_PASSWORD }, onCreateOnly: ['password'] };
    expect(uploadRecord(operation('create', payload, noAccount(payload)), RULES).data.password).toBe(RANDOM_PASSWORD);
    const known = accountOf(payload, '007');
    for (const kind of ['update', 'enable', 'disable'] as const)
      expect(uploadRecord(operation(kind, payload, known), RULES).data).not.toHaveProperty('password');
  });

  it('is found by whatever the app matches by', () => {
    const by = (matching: string) =>
      uploadRecord(operation('create', ALICE, noAccount(ALICE)), { ...RULES, matching }).matching;
    expect(by('userName')).toBe(ALICE.userName);
    expect(by(`${ENTERPRISE}:employeeNumber`)).toBe('007');
    expect(by('nickName')).toBeNull();
  });
});
