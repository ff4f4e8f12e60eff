import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { changesBetween, flatten } from '../../src/planning/account-changes.ts';
import { patchOperations } from '../../src/targets/scim/patch.ts';
import { patched, type Resource, USER_SCHEMA, validated } from '../support/fake-scim.ts';
import { ENTERPRISE } from '../support/scim-desk.ts';

const operationsOf = (known: JsonObject, desired: JsonObject) =>
  patchOperations(changesBetween(known, desired), known, desired);

describe('a PATCH', () => {
  test('names each attribute that differs and nothing else', () => {
    const known = {
      title: 'Clerk',
      nickName: 'Al',
      name: { givenName: 'Alice', familyName: 'Doe' },
      emails: [{ value: 'a@x', type: 'work', primary: true }],
      phoneNumbers: [{ value: '1', type: 'work' }],
      [ENTERPRISE]: { department: 'Sales', costCenter: '12' },
    };
    const desired = {
      title: 'Clerk',
      name: { givenName: 'Alice', familyName: 'Roe', honorificPrefix: 'Dr.' },
      emails: [
        { value: 'b@x', type: 'work', primary: true },
        { value: 'h@x', type: 'home' },
      ],
      [ENTERPRISE]: { department: 'Marketing' },
    };
    expect(operationsOf(known, desired)).toEqual([
      { op: 'replace', path: 'name.familyName', value: 'Roe' },
      { op: 'add', path: 'name.honorificPrefix', value: 'Dr.' },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'b@x' },
      { op: 'add', path: 'emails', value: [{ type: 'home', value: 'h@x' }] },
      { op: 'replace', path: `${ENTERPRISE}:department`, value: 'Marketing' },
      { op: 'remove', path: 'nickName' },
      { op: 'remove', path: 'phoneNumbers[type eq "work"]' },
      { op: 'remove', path: `${ENTERPRISE}:costCenter` },
    ]);
  });

  test('is empty when nothing differs', () => {
    expect(operationsOf({ title: 'x' }, { title: 'x' })).toEqual([]);
  });

  test('writes a list whole when its elements cannot be told apart by type', () => {
    const known = { roles: [{ value: 'a' }] };
    expect(operationsOf(known, { roles: [{ value: 'a' }, { value: 'b' }] })).toEqual([
      { op: 'replace', path: 'roles', value: [{ value: 'a' }, { value: 'b' }] },
    ]);
    expect(operationsOf(known, { roles: [{ value: 'a', type: 'x' }] })).toEqual([
      { op: 'replace', path: 'roles', value: [{ value: 'a', type: 'x' }] },
    ]);
    expect(operationsOf(known, {})).toEqual([{ op: 'remove', path: 'roles' }]);
  });

  test('keeps an element of which a rule keeps a part', () => {
    const known = { emails: [{ value: 'a@x', type: 'work', display: 'A' }] };
    const changes = changesBetween(known, {}, { onCreateOnly: [], keepWhenBlank: ['emails[work].display'] });
    expect(patchOperations(changes, known, {})).toEqual([{ op: 'remove', path: 'emails[type eq "work"].value' }]);
  });
});

// ── any two accounts ────────────────────────────────────────────────────────────────────────────────────────────────

const text = fc.constantFrom('a', 'b', 'ä"\\', '[x eq "y"]', 'urn:z', ' ');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const compact = <T extends object>(value: T): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as JsonObject;

const typed = (types: readonly string[]) =>
  fc
    .subarray([...types])
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((type) =>
          fc.record({ value: text, display: maybe(text) }).map((part) => compact({ ...part, type })),
        ),
      ),
    );
const untyped = fc.uniqueArray(text, { maxLength: 3 }).map((values) => values.map((value) => ({ value })));

const attributes: fc.Arbitrary<JsonObject> = fc
  .record({
    title: maybe(text),
    nickName: maybe(text),
    name: maybe(fc.record({ givenName: maybe(text), familyName: maybe(text) }).map(compact)),
    emails: maybe(fc.oneof(typed(['work', 'home', 'other']), untyped)),
    phoneNumbers: maybe(typed(['work', 'mobile'])),
    roles: maybe(untyped),
    [ENTERPRISE]: maybe(fc.record({ department: maybe(text), employeeNumber: maybe(text) }).map(compact)),
  })
  .map((account) => withoutEmpty(compact(account)));

function withoutEmpty(account: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(account).filter(([, value]) => Object.keys(value as object).length > 0 || typeof value !== 'object'),
  );
}

const pairs = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(attributes, attributes) },
  { weight: 1, arbitrary: attributes.map((account) => [account, structuredClone(account)] as const) },
);

const stored = (account: JsonObject): Resource =>
  validated('User', {
    schemas: [USER_SCHEMA, ...Object.keys(account).filter((key) => key.startsWith('urn:'))],
    userName: 'u',
    ...account,
  });

/** Contents without regard to the order of elements, which SCIM does not keep. */
function contents(resource: Resource): string {
  const { schemas: _, userName: __, ...rest } = resource;
  const sorted = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map((item) => canonicalJson(item as JsonValue)).sort() : value,
    ]),
  );
  return canonicalJson(sorted);
}

test('between any two accounts makes the one into the other at a strict provider', () => {
  const mix = { unchanged: 0, added: 0, removed: 0, element: 0, whole: 0, restructured: 0 };
  fc.assert(
    fc.property(pairs, ([known, desired]) => {
      const operations = operationsOf(known, desired);
      if (operations.length === 0) {
        mix.unchanged += 1;
        expect(contents(stored(known))).toBe(contents(stored(desired)));
        return;
      }
      for (const { op, path, value } of operations) {
        if (op === 'add') mix.added += 1;
        if (op === 'remove') mix.removed += 1;
        if (path.includes('[type eq')) mix.element += 1;
        if (Array.isArray(value) && op === 'replace') mix.whole += 1;
      }
      const [before, after] = [flatten(known), flatten(desired)];
      if (before.has('emails') !== after.has('emails') && known.emails !== undefined && desired.emails !== undefined)
        mix.restructured += 1;
      const body = JSON.parse(
        JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations }),
      );
      expect(contents(patched('User', stored(known), body))).toBe(contents(stored(desired)));
    }),
    { numRuns: 2_000 },
  );
  if (process.env.ROLLCALL_CASE_MIX === '1') console.log(mix);
  for (const [kind, count] of Object.entries(mix)) expect(count, kind).toBeGreaterThan(0);
});

test('from an account to itself sends nothing, whatever the order of its members', () => {
  fc.assert(
    fc.property(attributes, (account) => {
      const reversed = Object.fromEntries(Object.entries(account).reverse()) as JsonObject;
      expect(operationsOf(account, reversed)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
