import { describe, expect, test } from 'vitest';
import { RANDOM_PASSWORD } from '../../src/base/password-marker.ts';
import { parsedBody, textOf } from '../../src/runtime/access/json-body.ts';
import { retryAfterOf } from '../../src/runtime/access/retry-after.ts';
import { newPassword, withPasswords } from '../../src/targets/scim/password.ts';
import { activeOf, errorOf, idFromLocation, listOf, managerOf } from '../../src/targets/scim/responses.ts';
import { ENTERPRISE } from '../support/scim-desk.ts';

const NOON = Date.parse('2026-11-22T12:00:00Z');

describe('reading answers', () => {
  test.each([
    ['120', null, 120_000],
    [' 3 ', null, 3_000],
    ['0', null, 0],
    ['Sun, 22 Nov 2026 12:00:30 GMT', null, 30_000],
    ['Sun, 22 Nov 2026 09:00:30 GMT', 'Sun, 22 Nov 2026 09:00:00 GMT', 30_000],
    ['Sun, 22 Nov 2026 08:59:00 GMT', 'Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['99999999999', null, 86_400_000],
    ['soon', null, null],
    ['', null, null],
    [null, null, null],
  ])('Retry-After %j with Date %j waits %j ms', (header, date, expected) => {
    expect(retryAfterOf(header, date, NOON)).toBe(expected);
  });

  test('an attribute is found in any case, and a boolean may be text', () => {
    expect(textOf({ EXTERNALID: '7' }, 'externalId')).toBe('7');
    expect(textOf({ id: 42 }, 'id')).toBe('42');
    expect(textOf({ id: '' }, 'id')).toBeNull();
    expect(activeOf({ Active: 'False' })).toBe(false);
    expect(activeOf({ active: 'TRUE' })).toBe(true);
    expect(activeOf({ active: 1 })).toBeNull();
    expect(activeOf(null)).toBeNull();
  });

  test('a list may be called resources, and a list without members needs its total of 0', () => {
    expect(listOf({ totalResults: 1, resources: [{ id: 'a' }] })).toEqual({ total: 1, resources: [{ id: 'a' }] });
    expect(listOf({ totalResults: '1', Resources: [{ id: 'a' }] })?.total).toBe(1);
    expect(listOf({ totalResults: 0 })).toEqual({ total: 0, resources: [] });
    expect(listOf({ totalResults: 3 })).toBeNull();
    expect(listOf({ detail: 'no' })).toBeNull();
    expect(listOf(null)).toBeNull();
  });

  test('a body that is no object says nothing', () => {
    for (const text of ['', '[]', '"x"', 'null', '<html>', '{"a":']) expect(parsedBody(text)).toBeNull();
    expect(errorOf(parsedBody('{"SCIMTYPE":"uniqueness","Detail":"taken","status":409}'))).toEqual({
      scimType: 'uniqueness',
      detail: 'taken',
    });
  });

  test('the id is the end of a Location, whatever stands before it', () => {
    expect(idFromLocation('https://elsewhere.example/scim/v2/Users/a%20b?x=1')).toBe('a b');
    expect(idFromLocation('/Users/7/')).toBe('7');
    expect(idFromLocation('/scim/v2/Users')).toBeNull();
    expect(idFromLocation('/Users/%E0%A4')).toBeNull();
    expect(idFromLocation(null)).toBeNull();
  });

  test('a manager is a reference or a bare id', () => {
    const path = `${ENTERPRISE}:manager`;
    expect(managerOf({ [ENTERPRISE.toLowerCase()]: { Manager: { Value: 'm1' } } }, path)).toBe('m1');
    expect(managerOf({ [ENTERPRISE]: { manager: 'm2' } }, path)).toBe('m2');
    expect(managerOf({}, path)).toBe('');
  });
});

describe('passwords', () => {
  test('replace only values that are the marker itself', () => {
    const json = JSON.stringify({
      password: RANDOM_PASSWORD,
      title: `about ${RANDOM_PASSWORD}`,
      nick: `"${RANDOM_PASSWORD}"`,
    });
    const made = JSON.parse(withPasswords(json, () => 'p"w')) as Record<string, string>;
    expect(made).toEqual({ password: 'p"w', title: `about ${RANDOM_PASSWORD}`, nick: `"${RANDOM_PASSWORD}"` });
  });

  test('are long, of every class, and never the same', () => {
    const made = Array.from({ length: 200 }, newPassword);
    expect(new Set(made).size).toBe(200);
    for (const password of made) expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^A-Za-z0-9])\S{28}$/);
  });
});
