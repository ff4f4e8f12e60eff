// The fake judges Rollcall, so it is judged itself: strict where the RFCs are, and readable from outside as a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { patched, type Resource, ScimRefusal, USER_SCHEMA, validated } from '../support/fake-scim.ts';

const USER = validated('User', {
  schemas: [USER_SCHEMA],
  userName: 'a',
  active: true,
  emails: [{ value: 'a@x', type: 'work', primary: true }],
});
const patch = (...operations: readonly object[]): Resource =>
  patched('User', USER, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations });
function refusalOf(act: () => unknown): string | null {
  try {
    act();
  } catch (error) {
    if (error instanceof ScimRefusal) return error.scimType;
    throw error;
  }
  return 'accepted';
}

describe('the fake refuses', () => {
  test.each([
    ['an op in capitals', { op: 'Replace', path: 'active', value: false }, 'invalidSyntax'],
    ['a boolean as text', { op: 'replace', path: 'active', value: 'False' }, 'invalidValue'],
    ['an empty text', { op: 'replace', path: 'title', value: '' }, 'invalidValue'],
    ['a remove without a path', { op: 'remove' }, 'noTarget'],
    ['an element that is not there', { op: 'replace', path: 'emails[type eq "home"].value', value: 'x' }, 'noTarget'],
    ['an attribute nobody knows', { op: 'add', path: 'shoeSize', value: '44' }, 'invalidPath'],
    ['a change of the id', { op: 'replace', path: 'id', value: '1' }, 'mutability'],
    ['a user without a name', { op: 'remove', path: 'userName' }, 'mutability'],
    ['a path to the prototype', { op: 'add', path: 'urn:x:__proto__', value: 'y' }, 'invalidPath'],
  ])('%s', (_name, operation, scimType) => {
    expect(refusalOf(() => patch(operation))).toBe(scimType);
  });

  test('a whole PATCH when its last operation is refused', () => {
    const before = JSON.stringify(USER);
    expect(refusalOf(() => patch({ op: 'replace', path: 'title', value: 'x' }, { op: 'remove' }))).toBe('noTarget');
    expect(JSON.stringify(USER)).toBe(before);
  });

  test('a body without its schemas', () => {
    expect(refusalOf(() => validated('User', { userName: 'a' }))).toBe('invalidSyntax');
    expect(refusalOf(() => validated('User', { schemas: [USER_SCHEMA], userName: 'a', 'urn:x': {} }))).toBe(
      'invalidSyntax',
    );
  });
});

test('the fake runs as a process of its own that can be told and asked from outside', async () => {
  const program = fileURLToPath(new URL('../support/fake-idp-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify({ users: [{ id: 'u1', userName: 'u1' }] })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString('utf8')) as { url: string };
    const root = new URL(url).origin;
    await fetch(`${root}/__rules`, {
      method: 'POST',
      body: JSON.stringify({ method: 'DELETE', act: { kind: 'answer', status: 503 }, times: 1 }),
    });
    const statuses = [];
    for (let tries = 0; tries < 2; tries += 1)
      statuses.push((await fetch(`${url}/Users/u1`, { method: 'DELETE' })).status);
    expect(statuses).toEqual([503, 204]);
    expect(await (await fetch(`${root}/__users`)).json()).toEqual([]);
    const log = (await (await fetch(`${root}/__log`)).json()) as {
      method: string;
      path: string;
      status: number;
      applied: boolean;
    }[];
    expect(log.map(({ method, path, status, applied }) => [method, path, status, applied])).toEqual([
      ['DELETE', '/Users/u1', 503, false],
      ['DELETE', '/Users/u1', 204, true],
    ]);
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});
