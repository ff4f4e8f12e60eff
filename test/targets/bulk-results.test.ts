import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import type { BulkItem } from '../../src/targets/scim/bulk-message.ts';
import { bulkResults } from '../../src/targets/scim/bulk-results.ts';

const create = (bulkId: string, externalId = bulkId): BulkItem => ({
  bulkId,
  request: {
    kind: 'create',
    method: 'POST',
    path: '/Users',
    body: JSON.stringify({ externalId, userName: `${externalId}@example.com` }),
  },
});
const change = (bulkId: string, id: string): BulkItem => ({
  bulkId,
  request: { kind: 'write', method: 'PATCH', path: `/Users/${encodeURIComponent(id)}`, body: '{}' },
});
const at = (id: string) => `https://idp.example.com/scim/v2/Users/${encodeURIComponent(id)}`;
const answer = (...operations: readonly JsonValue[]): JsonObject => ({ Operations: operations });
/** What was understood of each item: status and id, or null. */
const read = (body: JsonObject | null, sent: readonly BulkItem[]) => {
  const results = bulkResults(body, sent);
  return sent.map((item) => {
    const result = results.get(item);
    return result === undefined ? null : `${result.status} ${result.location?.split('/').at(-1) ?? '-'}`;
  });
};
const A = create('op-1', 'a');
const B = create('op-2', 'b');
const C = change('op-3', 'u 3');
const D = change('op-4', 'u4');

describe('a result', () => {
  test('belongs to the operation of its bulkId, or of its address, in whatever order', () => {
    const body = answer(
      { method: 'PATCH', location: at('u4'), status: '204' },
      { method: 'POST', bulkId: 'op-2', location: at('new-b'), status: '201' },
      { location: at('u 3'), status: '412' },
      { bulkId: 'op-1', location: at('new-a'), status: '201' },
    );
    expect(read(body, [A, B, C, D])).toEqual(['201 new-a', '201 new-b', '412 u%203', '204 u4']);
  });

  test.each<[string, JsonValue, number | null]>([
    ['text', '201', 201],
    ['text with its reason', '201 Created', 201],
    ['a number', 201, 201],
    ['an object with a code in text', { code: '409' }, 409],
    ['an object with a code as a number', { code: 409, description: 'taken' }, 409],
    ['an object with a status', { status: '404' }, 404],
    ['missing', null, null],
    ['words', 'created', null],
    ['a number that is no status', 2010, null],
    ['an object in an object', { code: { code: '201' } }, null],
  ])('is read when its status is %s', (_name, status, wanted) => {
    const [result] = [...bulkResults(answer({ bulkId: 'op-1', location: at('x'), status }), [A]).values()];
    expect(result?.status ?? null).toBe(wanted);
  });

  test('carries the refusal in its own words, and names in any case', () => {
    const error = { scimtype: 'uniqueness', detail: 'the name is taken', status: '409' };
    for (const response of [error, JSON.stringify(error)]) {
      const body = { operations: [{ BulkID: 'op-1', Status: '409', response }] };
      expect(bulkResults(body, [A]).get(A)).toMatchObject({
        status: 409,
        scimType: 'uniqueness',
        detail: 'the name is taken',
      });
    }
  });

  test('shows the resource and its version', () => {
    const body = answer({ bulkId: 'op-1', status: '201', version: 'W/"1"', response: { id: 'x', active: true } });
    expect(bulkResults(body, [A]).get(A)).toMatchObject({ etag: 'W/"1"', body: { id: 'x', active: true } });
  });
});

describe('without names', () => {
  test('changes that all came to the same are believed in the order in which they were sent', () => {
    expect(read(answer({ status: 200 }, { status: 200 }), [C, D])).toEqual(['200 -', '200 -']);
  });

  test('changes that came to different things are in doubt: the order may be another one', () => {
    expect(read(answer({ status: 200 }, { status: 400 }), [C, D])).toEqual([null, null]);
  });

  test('a create is believed only where the resource says whose it is', () => {
    const shown = (externalId: string) => ({ status: '201', response: { id: `id-${externalId}`, externalId } });
    const results = bulkResults(answer(shown('a'), shown('b')), [A, B]);
    expect([results.get(A)?.body?.id, results.get(B)?.body?.id]).toEqual(['id-a', 'id-b']);
    expect(bulkResults(answer(shown('b'), shown('a')), [A, B]).size).toBe(0);
  });

  test('an address alone proves no owner: nobody gets an account for standing in the same place', () => {
    expect(read(answer({ status: '201', location: at('1') }, { status: '201', location: at('2') }), [A, B])).toEqual([
      null,
      null,
    ]);
  });

  test('the order means nothing when a result with a name stands elsewhere, or the count differs', () => {
    const moved = answer({ bulkId: 'op-1', status: '201', location: at('a') }, { status: '200' });
    expect(read(moved, [C, A])).toEqual([null, '201 a']);
    expect(read(answer({ status: '200' }), [C, D])).toEqual([null, null]);
    expect(read(answer({ status: '200' }, { status: '200' }, { status: '200' }), [C, D])).toEqual([null, null]);
  });
});

describe('nothing is believed', () => {
  test('of two results with one name, of one account for two people, of strangers and of the wrong method', () => {
    const twice = { bulkId: 'op-1', status: '201', location: at('x') };
    expect(read(answer(twice, { ...twice, status: '409' }), [A, B])).toEqual([null, null]);
    expect(read(answer(twice, { ...twice, bulkId: 'op-2' }), [A, B])).toEqual([null, null]);
    expect(read(answer({ ...twice, bulkId: 'op-9' }, { ...twice, bulkId: 'op-8' }), [A, B])).toEqual([null, null]);
    expect(read(answer({ ...twice, method: 'PATCH' }), [A])).toEqual([null]);
  });

  test.each<[string, JsonObject | null]>([
    ['no body', null],
    ['no Operations', {}],
    ['Operations that are no list', { Operations: 'done' }],
    ['entries that are no results', { Operations: [null, 'x', 7, []] }],
  ])('of an answer with %s', (_name, body) => {
    expect(bulkResults(body, [A, B, C, D]).size).toBe(0);
  });
});
