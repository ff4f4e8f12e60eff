import { describe, expect, test } from 'vitest';
import { OUTCOME_CLASSES, type OutcomeClass } from '../../src/lifecycle/outcome.ts';
import {
  type AnswerKey,
  OUTCOME_TABLE,
  outcomeOf,
  type RequestKind,
  rowFor,
} from '../../src/targets/scim/outcome-table.ts';

const KINDS: readonly RequestKind[] = ['read', 'search', 'create', 'write', 'delete'];
type Expected = readonly [class_: OutcomeClass, counts: boolean];

/** What an answer means for read, search, create, write and delete, in this order; one entry stands for all. */
const EXPECTED: readonly (readonly [answer: AnswerKey | number, ...expected: readonly Expected[]])[] = [
  [200, ['done', true]],
  [201, ['done', true]],
  [202, ['done', true], ['done', true], ['accepted', true], ['accepted', true], ['accepted', true]],
  [204, ['done', true]],
  [301, ['permanent', true]],
  [307, ['permanent', true]],
  [400, ['permanent', true]],
  [
    { status: 400, scimType: 'Uniqueness' },
    ['permanent', true],
    ['permanent', true],
    ['conflict', true],
    ['conflict', true],
    ['permanent', true],
  ],
  [{ status: 400, scimType: 'invalidVers' }, ['retry', true]],
  [401, ['refreshCredentials', false]],
  [403, ['permanent', true]],
  [404, ['gone', true], ['targetDown', false], ['targetDown', false], ['gone', true], ['done', true]],
  [405, ['permanent', true]],
  [407, ['targetDown', false]],
  [408, ['retry', false], ['retry', false], ['ambiguous', false], ['ambiguous', false], ['retry', false]],
  [409, ['retry', true], ['retry', true], ['conflict', true], ['conflict', true], ['retry', true]],
  [410, ['gone', true], ['permanent', true], ['permanent', true], ['gone', true], ['done', true]],
  [412, ['retry', true]],
  [413, ['permanent', true]],
  [415, ['permanent', true]],
  [422, ['permanent', true]],
  [423, ['retry', true]],
  [425, ['retry', false]],
  [428, ['permanent', true]],
  [429, ['retry', false]],
  [500, ['retry', false], ['retry', false], ['ambiguous', false], ['ambiguous', false], ['retry', false]],
  [501, ['permanent', true]],
  [502, ['retry', false], ['retry', false], ['ambiguous', false], ['ambiguous', false], ['retry', false]],
  [503, ['retry', false], ['retry', false], ['ambiguous', false], ['retry', false], ['retry', false]],
  [504, ['retry', false], ['retry', false], ['ambiguous', false], ['ambiguous', false], ['retry', false]],
  [505, ['permanent', true]],
  [511, ['targetDown', false]],
  [103, ['retry', true], ['retry', true], ['ambiguous', true], ['ambiguous', true], ['retry', true]],
  [799, ['retry', true], ['retry', true], ['ambiguous', true], ['ambiguous', true], ['retry', true]],
  [{ fault: 'ECONNREFUSED' }, ['targetDown', false]],
  [{ fault: 'UND_ERR_CONNECT_TIMEOUT' }, ['targetDown', false]],
  [{ fault: 'CERT_HAS_EXPIRED' }, ['targetDown', false]],
  [{ fault: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, ['targetDown', false]],
  [{ fault: 'no-token' }, ['refreshCredentials', false]],
  [{ fault: 'no-key' }, ['refreshCredentials', false]],
  [{ fault: 'no-certificate' }, ['refreshCredentials', false]],
  [{ fault: 'token-invalid_client' }, ['refreshCredentials', false]],
  [{ fault: 'token-redirect' }, ['refreshCredentials', false]],
  [{ fault: 'token-unreadable' }, ['refreshCredentials', false]],
  [{ fault: 'token-down' }, ['targetDown', false]],
  [{ fault: 'proxy-407' }, ['targetDown', false]],
  [{ fault: 'proxy-refused' }, ['targetDown', false]],
  [{ fault: 'proxy-unreachable' }, ['targetDown', false]],
  [{ fault: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }, ['refreshCredentials', false]],
  [{ fault: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE' }, ['refreshCredentials', false]],
  [{ fault: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }, ['targetDown', false]],
  [{ fault: 'not-sent' }, ['retry', false]],
  [
    { fault: 'UND_ERR_SOCKET' },
    ['retry', false],
    ['retry', false],
    ['ambiguous', false],
    ['ambiguous', false],
    ['retry', false],
  ],
  [
    { fault: 'UND_ERR_HEADERS_TIMEOUT' },
    ['retry', false],
    ['retry', false],
    ['ambiguous', false],
    ['ambiguous', false],
    ['retry', false],
  ],
  [
    { fault: 'ECONNRESET' },
    ['retry', false],
    ['retry', false],
    ['ambiguous', false],
    ['ambiguous', false],
    ['retry', false],
  ],
  [
    { fault: 'stopped' },
    ['retry', false],
    ['retry', false],
    ['ambiguous', false],
    ['ambiguous', false],
    ['retry', false],
  ],
  [
    { fault: 'never heard of' },
    ['retry', false],
    ['retry', false],
    ['ambiguous', false],
    ['ambiguous', false],
    ['retry', false],
  ],
];

const keyOf = (answer: AnswerKey | number): AnswerKey =>
  typeof answer === 'number' ? { status: answer, scimType: null } : answer;
const CASES = EXPECTED.flatMap(([answer, ...expected]) =>
  KINDS.map((kind, index) => ({ kind, answer: keyOf(answer), expected: (expected[index] ?? expected[0]) as Expected })),
);

describe('the outcome table', () => {
  test.each(CASES)('$kind answered by $answer means $expected', ({ kind, answer, expected }) => {
    const row = rowFor(kind, answer);
    expect([row.class, row.counts]).toEqual(expected);
  });

  test('has no row that never decides, and the cases above decide by every row', () => {
    const decided = new Set(CASES.map(({ kind, answer }) => rowFor(kind, answer)));
    expect(OUTCOME_TABLE.filter((row) => !decided.has(row))).toEqual([]);
  });

  test('gives every status from 100 to 999 a class, whatever the request', () => {
    for (const kind of KINDS) {
      for (let status = 100; status <= 999; status += 1) {
        expect(OUTCOME_CLASSES).toContain(rowFor(kind, { status, scimType: null }).class);
      }
    }
  });

  test('never calls a write done, gone or permanent when its answer was lost or the server failed', () => {
    const lost: AnswerKey[] = [
      { fault: 'ECONNRESET' },
      ...[500, 502, 504].map((status) => ({ status, scimType: null })),
    ];
    for (const answer of lost)
      for (const kind of ['create', 'write'] as const) expect(rowFor(kind, answer).class).toBe('ambiguous');
  });

  test('names the outcome by its scimType, else by its status, and cuts the detail', () => {
    const told = { detail: 'x'.repeat(900), retryAfterMs: 5 };
    expect(outcomeOf('write', { status: 400, scimType: 'invalidPath' }, told)).toMatchObject({
      code: 'invalidPath',
      retryAfterMs: 5,
    });
    expect(outcomeOf('write', { status: 429, scimType: null }, told).code).toBe('http-429');
    expect(outcomeOf('write', { status: 302, scimType: null }, told).code).toBe('redirect');
    expect(outcomeOf('write', { fault: 'EPIPE' }, told)).toMatchObject({ code: 'EPIPE', status: null });
    expect(outcomeOf('read', { status: 404, scimType: null }, told).detail).toHaveLength(500);
  });
});
