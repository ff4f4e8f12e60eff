import { describe, expect, test } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import { hostileAnswers } from '../../corpus/http/hostile.ts';
import { column, openHttpDesk } from '../../support/http-desk.ts';

const LIST = { list: { path: '/people', recordPath: 'items' } };
/** More requests for one answer would be a storm. */
const REQUESTS_MAX = 24;

describe('a hostile answer', () => {
  test('comes in seventy forms or more', () => {
    expect(new Set(hostileAnswers.map(({ name }) => name)).size).toBe(hostileAnswers.length);
    expect(hostileAnswers.length).toBeGreaterThanOrEqual(70);
  });

  test.each(hostileAnswers)('$name', async ({ answer, source, outcome }) => {
    const desk = await openHttpDesk({ ...LIST, ...source }, () => answer);
    const brought = await desk.look().catch((error: unknown) => {
      if (error instanceof Problem) return error;
      throw error;
    });
    if (brought instanceof Problem) {
      expect(brought.faults.map(({ code }) => code)).toContain(outcome);
      for (const { message, hint } of brought.faults) {
        expect(message.length).toBeLessThan(300);
        expect(`${message}${hint ?? ''}`).not.toMatch(/\n/);
      }
    } else if (brought.kind === 'notYet') {
      expect(outcome).toBe('later');
      expect(brought.retryAfterMs).toBeLessThanOrEqual(86_400_000);
    } else {
      expect(brought.kind).toBe('delivery');
      expect(column(brought, 'id')).toEqual(outcome);
    }
    expect(desk.asked.length).toBeLessThanOrEqual(REQUESTS_MAX);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });
});
