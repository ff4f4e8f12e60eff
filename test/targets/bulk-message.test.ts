import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RANDOM_PASSWORD } from '../../src/base/password-marker.ts';
import { type BulkItem, bulkBatches, bulkBytes, bulkMessage } from '../../src/targets/scim/bulk-message.ts';
import { newPassword, withPasswords } from '../../src/targets/scim/password.ts';
import type { ScimRequest } from '../../src/targets/scim/requests.ts';
import { CaseMix } from '../support/case-mix.ts';

const post = (name: string, more: object = {}): ScimRequest => ({
  kind: 'create',
  method: 'POST',
  path: '/Users',
  body: JSON.stringify({ userName: name, ...more }),
});
const item = (bulkId: string, request = post(bulkId), led?: BulkItem['led']): BulkItem => ({
  bulkId,
  request,
  ...(led === undefined ? {} : { led }),
});
const led = (bulkId: string, by: string): BulkItem =>
  item(bulkId, post(bulkId), { by, request: post(bulkId, { manager: { value: `bulkId:${by}` } }) });
const names = (batch: readonly BulkItem[]) => batch.map(({ bulkId }) => bulkId);

describe('a bulk request', () => {
  test('is written as RFC 7644 section 3.7 says', () => {
    const patch: ScimRequest = {
      kind: 'write',
      method: 'PATCH',
      path: '/Users/u%201',
      body: '{"a":1}',
      ifMatch: 'W/"3"',
    };
    expect(JSON.parse(bulkMessage([item('op-1'), item('op-2', patch)]).body)).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'POST', bulkId: 'op-1', path: '/Users', data: { userName: 'op-1' } },
        { method: 'PATCH', version: 'W/"3"', path: '/Users/u%201', data: { a: 1 } },
      ],
    });
  });

  test('names managers before those who refer to them', () => {
    const message = bulkMessage([led('c', 'b'), led('b', 'a'), item('a'), led('d', 'elsewhere')]);
    expect(names(message.items)).toEqual(['a', 'b', 'c', 'd']);
    expect(names([...message.referring])).toEqual(['b', 'c']);
    expect(message.body).toContain('bulkId:a');
    expect(message.body).not.toContain('bulkId:elsewhere');
  });

  test('leaves out one reference of a cycle, and every reference of somebody to themselves', () => {
    const message = bulkMessage([led('a', 'b'), led('b', 'c'), led('c', 'a'), led('x', 'x')]);
    expect(new Set(names(message.items))).toEqual(new Set(['a', 'b', 'c', 'x']));
    expect(message.referring.size).toBe(2);
    const seen = new Set<string>();
    for (const one of message.items) {
      if (message.referring.has(one)) expect(seen.has(one.led?.by ?? '')).toBe(true);
      seen.add(one.bulkId);
    }
  });
});

describe('batches', () => {
  test('hold every item once, in order, within both limits, whatever the items are', () => {
    const mix = new CaseMix([
      'with a password',
      'with a reference',
      'too large for any request',
      'full by count',
      'full by size',
    ]);
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.constant(RANDOM_PASSWORD),
    );
    const request = fc.tuple(text, fc.boolean()).map(([value, changes]): ScimRequest => {
      const body = JSON.stringify({ userName: value, password: value });
      return changes
        ? { kind: 'write', method: 'PATCH', path: `/Users/${encodeURIComponent(value.toWellFormed())}`, body }
        : { kind: 'create', method: 'POST', path: '/Users', body };
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(request, fc.option(fc.nat(40))), { maxLength: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 150, max: 4_000 }),
        (requests, maxOps, maxBytes) => {
          const items = requests.map(([one, by], index) =>
            by === null || one.method !== 'POST'
              ? item(`op-${index}`, one)
              : item(`op-${index}`, one, { by: `op-${by}`, request: { ...one, body: `{"m":"bulkId:op-${by}"}` } }),
          );
          const batches = bulkBatches(items, { maxOps, maxBytes });
          expect(batches.flat()).toEqual(items);
          for (const [index, batch] of batches.entries()) {
            expect(batch.length).toBeGreaterThan(0);
            const message = bulkMessage(batch);
            expect(new Set(message.items)).toEqual(new Set(batch));
            // What is measured is what will be sent.
            const sent = Buffer.byteLength(withPasswords(message.body, newPassword));
            expect(bulkBytes(message)).toBe(sent);
            const alone = batch.length === 1;
            if (!alone) expect(sent).toBeLessThanOrEqual(maxBytes);
            expect(batch.length).toBeLessThanOrEqual(maxOps);
            mix.count('with a password', message.body.includes(RANDOM_PASSWORD));
            mix.count('with a reference', message.referring.size > 0);
            mix.count('too large for any request', alone && sent > maxBytes);
            mix.count('full by count', !alone && batch.length === maxOps);
            mix.count('full by size', !alone && batch.length < maxOps && index < batches.length - 1);
          }
        },
      ),
      { numRuns: 400 },
    );
    mix.expectEach(20);
  });
});
