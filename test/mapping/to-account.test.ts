import { describe, expect, it } from 'vitest';
import { RANDOM_PASSWORD } from '../../src/base/password-marker.ts';
import { faultLine } from '../../src/base/problem.ts';
import type { DesiredAccount, ListedAccount, TargetMapping } from '../../src/mapping/bound-mapping.ts';
import { flatten } from '../../src/planning/account-changes.ts';
import type { Employment, Worker } from '../../src/worker/worker.ts';
import {
  ACME_COLUMNS,
  acmeRecord,
  bound,
  employmentOf,
  faultsOf,
  fixture,
  READ_AT,
  smallFile,
} from '../support/mappings.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const acme = bound(fixture('acme.yaml'), ACME_COLUMNS);

function targetOf(mapping: { readonly targets: readonly TargetMapping[] }): TargetMapping {
  const [target] = mapping.targets;
  if (target === undefined) throw new Error('no target');
  return target;
}

const workerOf = (employment: Employment): Worker => ({ key: employment.personId, employments: [employment] });

function acmeAccount(cells: Readonly<Record<string, string>> = {}, userName: string | null = null): DesiredAccount {
  const employment = employmentOf(acme, acmeRecord(cells));
  return targetOf(acme).desired(workerOf(employment), employment, userName);
}

const employment = (attributes: Employment['attributes'] = {}, more: Partial<Employment> = {}): Employment => ({
  id: '1',
  personId: '1',
  status: 'active',
  startDate: '2020-01-01' as never,
  endDate: null,
  endsNow: false,
  timeZone: 'Europe/Berlin',
  managerId: '',
  inScope: true,
  attributes,
  asOf: READ_AT,
  ...more,
});

const ATTRIBUTES = {
  a: 'record.a',
  b: 'record.b',
  n: 'int(record.n)',
  yes: 'record.yes == "1"',
  list: 'record.list.split(";")',
};
const COLUMNS = ['id', 'a', 'b', 'n', 'yes', 'list'];

/** What a `user:` or `groups:` section gives for attributes. */
function desired(
  parts: { user?: string; groups?: string },
  attributes: Employment['attributes'] = {},
  more: Partial<Employment> = {},
): DesiredAccount {
  const target = targetOf(
    bound(
      smallFile({
        attributes: ATTRIBUTES,
        user: `      userName: worker.id\n${parts.user ?? ''}`,
        ...(parts.groups === undefined ? {} : { groups: parts.groups }),
      }),
      COLUMNS,
    ),
  );
  const one = employment(attributes, more);
  return target.desired(workerOf(one), one, null);
}

describe('the account of the documentation’s mapping', () => {
  it('holds what the file says', () => {
    const account = acmeAccount({ Last_Name: 'O’Brien-Łukasik' });
    expect(account).toMatchObject({
      externalId: '000104',
      userNameGenerated: true,
      attributes: {
        name: { givenName: 'Zoë', familyName: 'O’Brien-Łukasik' },
        emails: [{ value: 'zoe.obrien-lukasik@example.com', type: 'work', primary: true }],
        title: 'Analyst',
        [ENTERPRISE]: { employeeNumber: '000104', department: 'Finance' },
      },
      onCreateOnly: ['title'],
      keepWhenBlank: ['title'],
      memberships: [
        { group: 'All staff', authority: 'full', create: false },
        { group: 'Dept Finance', authority: 'additive', create: true },
      ],
      managerKey: '000007',
    });
    expect(account.userNames.slice(0, 2)).toEqual([
      'zoe.obrien-lukasik@example.com',
      'zoe.obrien-lukasik2@example.com',
    ]);
    expect(account.notes).toBeUndefined();
    expect(targetOf(acme).fullGroups).toEqual(['All staff']);
  });

  it('uses the name that was chosen wherever the mapping speaks of userName', () => {
    expect(acmeAccount({}, 'zoe.okafor7@example.com').attributes.emails).toEqual([
      { value: 'zoe.okafor7@example.com', type: 'work', primary: true },
    ]);
  });

  it('leaves out what is blank and keeps no empty shells', () => {
    const { attributes } = acmeAccount({ First_Name: '', Last_Name: '', Department: '', Job_Title: '' });
    expect(attributes).toEqual({
      emails: [{ value: 'w000104@example.com', type: 'work', primary: true }],
      [ENTERPRISE]: { employeeNumber: '000104' },
    });
  });

  it('grants no group whose name has a blank part, and says so', () => {
    const account = acmeAccount({ Department: ' ' });
    expect(account.memberships.map((one) => one.group)).toEqual(['All staff']);
    expect(account.notes).toEqual([
      expect.stringMatching(/^group "Dept " \+ worker\.department: a part of its name is blank$/),
    ]);
    expect(acmeAccount().notes).toBeUndefined();
  });

  it('correlates by what the record carries, in the order of the file', () => {
    const one = employmentOf(acme, acmeRecord());
    const target = targetOf(acme);
    expect(target.correlation(workerOf(one), one, acmeAccount())).toEqual([
      { path: 'externalId', value: '000104' },
      { path: `${ENTERPRISE}:employeeNumber`, value: '000104' },
    ]);
  });

  it('is protected by name, by id and by nothing else', () => {
    const listed = (more: Partial<ListedAccount>): ListedAccount => ({
      remoteId: 'x',
      externalId: null,
      userName: null,
      active: true,
      resource: {},
      ...more,
    });
    const { isProtected } = targetOf(acme);
    expect(isProtected(listed({ userName: 'svc-backup' }))).toBe(true);
    expect(isProtected(listed({ remoteId: '2819c223' }))).toBe(true);
    expect(isProtected(listed({ userName: 'zoe.okafor' }))).toBe(false);
    expect(isProtected(listed({}))).toBe(false);
  });

  it('is the same whoever was asked for in between', () => {
    const one = employmentOf(acme, acmeRecord());
    const two = employmentOf(acme, acmeRecord({ Employee_ID: '2', First_Name: 'Bo', Department: '' }));
    const target = targetOf(acme);
    const first = target.desired(workerOf(one), one, null);
    const second = target.desired(workerOf(two), two, null);
    expect(first.userNames.at(0)).toBe('zoe.okafor@example.com');
    expect(second.userNames.at(0)).toBe('bo.okafor@example.com');
    expect(target.desired(workerOf(one), one, null)).toEqual(first);
  });
});

describe('a userName', () => {
  const named = (userName: string, more: Partial<Employment> = {}) => {
    const target = targetOf(
      bound(
        smallFile({ attributes: ATTRIBUTES, user: `      userName: ${userName}\n      nickName: userName` }).replace(
          'timeoutMs',
          '',
        ),
        COLUMNS,
      ),
    );
    const one = employment({ a: 'Zoe@HR.example.com' }, more);
    const account = target.desired(workerOf(one), one, null);
    return { account, target, one };
  };

  it('that is mapped is the only one and correlates', () => {
    const text = smallFile({
      attributes: ATTRIBUTES,
      user: '      userName: worker.a\n      nickName: userName',
    }).replace('    user:', '    correlate: [userName, nickName]\n    user:');
    const target = targetOf(bound(text, COLUMNS));
    const one = employment({ a: 'zoe@hr.example.com' });
    const account = target.desired(workerOf(one), one, null);
    expect(account).toMatchObject({
      userNames: ['zoe@hr.example.com'],
      userNameGenerated: false,
      attributes: { nickName: 'zoe@hr.example.com' },
    });
    expect(target.correlation(workerOf(one), one, account)).toEqual([
      { path: 'userName', value: 'zoe@hr.example.com' },
      { path: 'nickName', value: 'zoe@hr.example.com' },
    ]);
  });

  it('that is generated never correlates, nor does anything made of it', () => {
    const text = smallFile({
      attributes: ATTRIBUTES,
      user: `      userName: 'unique([worker.a], "@x.example")'\n      emails: [{ value: userName, type: '"work"' }, { value: worker.b, type: '"home"' }]`,
    }).replace(
      '    user:',
      `    correlate: [externalId, userName, 'emails[work].value', 'emails[home].value']\n    user:`,
    );
    const target = targetOf(bound(text, COLUMNS));
    const one = employment({ a: 'zoe', b: 'zoe@home.example' });
    expect(target.correlation(workerOf(one), one, target.desired(workerOf(one), one, null))).toEqual([
      { path: 'externalId', value: '1' },
      { path: 'emails[home].value', value: 'zoe@home.example' },
    ]);
  });

  it('that is mapped and blank gives no name rather than an invented one', () => {
    const { account } = named('worker.b');
    expect(account.userNames).toEqual([]);
    expect(account.attributes).toEqual({});
  });
});

describe('values', () => {
  it('keep their type; lists lose blank elements', () => {
    const user = "      x: worker.n\n      y: worker.yes\n      z: worker.list\n      w: '1.5'\n      v: true";
    expect(desired({ user }, { n: 7, yes: false, list: ['p', ' ', 'q'] }).attributes).toEqual({
      x: 7,
      y: false,
      z: ['p', 'q'],
      w: 1.5,
      v: true,
    });
  });

  it('are flattened in the template as the planner flattens them', () => {
    const user = [
      '      title: { value: worker.a, apply: onCreate }',
      '      name: { givenName: { value: worker.a, blank: keep }, familyName: { value: worker.a, apply: onCreate } }',
      `      emails: [{ value: { value: worker.a, apply: onCreate }, type: '"work"' }, { value: { value: worker.a, blank: keep }, type: '"home"' }]`,
      `      phoneNumbers: [{ value: { value: worker.a, apply: onCreate, blank: keep }, type: worker.a }]`,
      `      addresses: { value: [{ locality: worker.a, type: '"work"' }], apply: onCreate }`,
      `      "${ENTERPRISE}": { department: { value: worker.a, apply: onCreate }, cost: { center: { value: worker.a, blank: keep } } }`,
    ].join('\n');
    const account = desired({ user }, { a: 'x' });
    expect(account.onCreateOnly).toEqual([
      'title',
      'name.familyName',
      'emails[work].value',
      'phoneNumbers',
      'addresses[work].locality',
      'addresses[work].type',
      `${ENTERPRISE}:department`,
    ]);
    expect(account.keepWhenBlank).toEqual([
      'name.givenName',
      'emails[home].value',
      'phoneNumbers',
      `${ENTERPRISE}:cost.center`,
    ]);
    const paths = [...flatten(account.attributes).keys()];
    for (const rule of [...account.onCreateOnly, ...account.keepWhenBlank]) {
      // A type is the name of its element, not a path below it; a rule for a list covers its elements.
      const covered = paths.filter(
        (path) => path === rule || (path.startsWith(rule) && path.charAt(rule.length) === '['),
      );
      if (!rule.endsWith('].type')) expect(covered, rule).toHaveLength(1);
    }
  });

  it('are options only with apply or blank: a complex attribute may have a member called value', () => {
    expect(
      desired({ user: '      thing: { value: worker.a, display: worker.b }' }, { a: 'x', b: 'y' }).attributes,
    ).toEqual({ thing: { value: 'x', display: 'y' } });
  });

  it('make an element vanish when its value is blank, or when only its kind is left', () => {
    const user = [
      `      emails: [{ value: worker.a, type: '"work"', primary: true }, { value: worker.b, type: '"home"' }]`,
      `      addresses: [{ locality: worker.a, type: '"work"' }, { locality: worker.b, type: '"home"' }]`,
    ].join('\n');
    expect(desired({ user }, { b: 'x' }).attributes).toEqual({
      emails: [{ value: 'x', type: 'home' }],
      addresses: [{ locality: 'x', type: 'home' }],
    });
    expect(desired({ user }, {}).attributes).toEqual({});
  });

  it('that cannot be computed are left alone and noted, and spoil nothing else', () => {
    const account = desired({ user: '      x: worker.a.substring(3)\n      y: worker.a' }, { a: 'ab' });
    expect(account.attributes).toEqual({ y: 'ab' });
    expect(account.keepWhenBlank).toEqual(['x']);
    expect(account.notes).toEqual(['x: a text is shorter than the expression asks for']);
  });

  it('may be a password that is made when it is sent, on create only', () => {
    const account = desired({ user: '      password: { value: randomPassword(), apply: onCreate }' });
    expect(account.attributes).toEqual({ password: RANDOM_PASSWORD });
    expect(account.onCreateOnly).toEqual(['password']);
    for (const text of [
      'randomPassword()',
      '{ value: \'"x" + randomPassword()\', apply: onCreate }',
      '{ value: randomPassword(), blank: keep }',
    ]) {
      const faults = faultsOf(smallFile({ user: `      userName: worker.id\n      password: ${text}` }));
      expect(faults.map((fault) => fault.message)).toEqual([
        'a random password stands alone and is sent on create only',
      ]);
    }
  });

  it('may give the externalId; a blank one falls back to the worker’s key', () => {
    expect(desired({ user: '      externalId: worker.a' }, { a: 'E-9' }).externalId).toBe('E-9');
    expect(desired({ user: '      externalId: worker.a' }, {}).externalId).toBe('1');
  });

  it('know the worker’s own members and attributes by both names', () => {
    const user =
      '      x: worker.key + "|" + worker.startDate + "|" + worker.endDate + "|" + worker.status\n      y: worker.attributes.a + worker.a';
    expect(desired({ user }, { a: 'z' }).attributes).toEqual({ x: '1|2020-01-01||active', y: 'zz' });
  });

  it.each(['active', 'groups', 'id', 'meta', 'schemas', 'manager', 'ACTIVE'])('may not set %s', (name) => {
    const faults = faultsOf(smallFile({ user: `      userName: worker.id\n      ${name}: '"x"'` }));
    expect(faults.map((fault) => fault.code)).toEqual(['mapping.attribute']);
  });

  it('may not set the manager in an extension either', () => {
    const faults = faultsOf(
      smallFile({ user: `      userName: worker.id\n      "${ENTERPRISE}": { manager: worker.managerId }` }),
    );
    expect(faults.map(faultLine)).toEqual([
      expect.stringMatching(/"manager" cannot be mapped – it follows from worker\.managerId/),
    ]);
  });

  it('have names that are names', () => {
    for (const name of ['"a b"', '"x.y"', '"urn:"', '"__proto__"']) {
      expect(faultsOf(smallFile({ user: `      userName: worker.id\n      ${name}: '"x"'` })), name).toHaveLength(1);
    }
  });
});

describe('groups', () => {
  it('are given where their rule is true, once each, with the stronger authority', () => {
    const groups = [
      `      - { name: '"All"', when: worker.yes, authority: full }`,
      `      - { name: worker.a, create: true }`,
      `      - { name: worker.b }`,
      `      - { name: 'worker.a == "x" ? "X people" : ""' }`,
    ].join('\n');
    expect(desired({ groups }, { yes: true, a: 'All', b: 'B' }).memberships).toEqual([
      { group: 'All', authority: 'full', create: true, computed: false },
      { group: 'B', authority: 'additive', create: false, computed: true },
    ]);
    const account = desired({ groups }, { yes: false, a: 'x' });
    expect(account.memberships.map((one) => one.group)).toEqual(['x', 'X people']);
    expect(account.notes).toEqual(['group worker.b: a part of its name is blank']);
  });

  it.each([
    ['"Dept " + worker.a + "/" + worker.b', { a: 'x' }],
    ['"Dept " + (worker.b == "" ? worker.b : "y")', {}],
    ['"Dept " + lower(worker.a)', { a: ' ' }],
    ['"Dept " + coalesce(worker.a, worker.b)', {}],
    ['worker.a + ""', {}],
  ])('named %s grant nothing where a part is blank', (name, attributes) => {
    const account = desired({ groups: `      - { name: ${JSON.stringify(name)} }` }, attributes);
    expect(account.memberships).toEqual([]);
    expect(account.notes).toHaveLength(1);
  });

  it('have one authority each', () => {
    const groups = `      - { name: '"All"', authority: full }\n      - { name: '"All"' }`;
    const faults = faultsOf(smallFile({ user: '      userName: worker.id', groups }));
    expect(faults.map((fault) => fault.message)).toEqual(['the group "All" is named with both authorities']);
  });
});
