import { describe, expect, test } from 'vitest';
import { HOUR_MS, instantOf, msOf, plusMs } from '../../src/base/instant.ts';
import type { Lane } from '../../src/lifecycle/operation.ts';
import type { Outcome } from '../../src/lifecycle/outcome.ts';
import { FairShare } from '../../src/pipeline/fair-share.ts';
import { NO_TRIES, type Tries, triesAfter, verdictOn } from '../../src/pipeline/verdict.ts';
import type { OperationKind } from '../../src/planning/changeset.ts';
import type { ClaimedOperation } from '../../src/store/store.ts';
import { outcomeOf } from '../../src/targets/scim/outcome-table.ts';

const NOW = instantOf('2026-11-23T11:00:00Z');
const answer = (status: number): Outcome =>
  outcomeOf('write', { status, scimType: null }, { detail: '', retryAfterMs: null });
const LOCKED = answer(423);
const fault = (code: string): Outcome => outcomeOf('write', { fault: code }, { detail: '', retryAfterMs: null });

function operation(kind: OperationKind, lane: Lane, attempts = 0): ClaimedOperation {
  const account = {
    target: 'idp',
    remoteId: 'u1',
    etag: null,
    userName: 'a',
    externalId: '1',
    active: true,
    origin: 'created' as const,
    known: {},
    managerKnown: '',
    managerOwed: '',
    groups: [],
  };
  const payload = {
    userName: 'a',
    externalId: '1',
    active: true,
    attributes: {},
    onCreateOnly: [],
    keepWhenBlank: [],
    managerKey: null,
  };
  return {
    id: 1,
    workerKey: '1',
    connection: 'acme',
    target: 'idp',
    kind,
    lane,
    payload,
    attempts,
    ambiguous: false,
    account,
    managerRemoteId: null,
    groupRemoteId: null,
    transition: null,
    firstSentAt: NOW,
    createdAt: NOW,
  };
}
const verdict = (one: ClaimedOperation, outcome: Outcome, tries: Tries = { ...NO_TRIES, count: 1 }, random = 0.5) =>
  verdictOn(one, outcome, NOW, tries, random);
const waitMs = (one: ClaimedOperation, outcome: Outcome, count: number, random: number): number =>
  msOf(verdict(one, outcome, { ...NO_TRIES, count }, random).notBefore) - msOf(NOW);

describe('an operation that is not done', () => {
  test('fails with the eighth answer about itself, and never by those about the target', () => {
    expect(verdict(operation('update', 'mover', 6), LOCKED).state).toBe('queued');
    expect(verdict(operation('update', 'mover', 7), LOCKED).state).toBe('failed');
    for (const outcome of [
      answer(429),
      answer(500),
      answer(503),
      answer(401),
      fault('ECONNRESET'),
      fault('ECONNREFUSED'),
    ]) {
      expect(verdict(operation('update', 'mover', 7), outcome, { ...NO_TRIES, count: 5_000 }).state).toBe('queued');
    }
  });

  test('fails after a day of answers about itself, however few they were', () => {
    let tries = triesAfter(NO_TRIES, LOCKED, 0);
    tries = triesAfter(tries, LOCKED, 23 * HOUR_MS);
    expect(verdict(operation('update', 'mover', 1), LOCKED, tries).state).toBe('queued');
    tries = triesAfter(tries, LOCKED, 24 * HOUR_MS);
    expect(verdict(operation('update', 'mover', 2), LOCKED, tries).state).toBe('failed');
  });

  test('has a clock that stands still while the target is in trouble', () => {
    let tries = triesAfter(NO_TRIES, LOCKED, 0);
    for (let hour = 1; hour <= 100; hour += 1) tries = triesAfter(tries, answer(503), hour * HOUR_MS);
    tries = triesAfter(tries, LOCKED, 101 * HOUR_MS);
    expect(tries.ownMs).toBe(0);
    expect(verdict(operation('update', 'mover', 1), LOCKED, tries).state).toBe('queued');
  });

  test('that never left is neither tried nor late', () => {
    expect(triesAfter(NO_TRIES, fault('not-sent'), 0)).toBe(NO_TRIES);
    expect(verdict(operation('update', 'mover'), { ...fault('not-sent'), class: 'retry' })).toEqual({
      state: 'queued',
      notBefore: NOW,
      refused: false,
    });
  });
});

describe('a leaver', () => {
  const leaver = operation('disable', 'leaver', 500);

  test('is tried again within two seconds at first, within a minute at any time, and never given up', () => {
    for (const outcome of [answer(429), answer(503), fault('ECONNRESET'), fault('ECONNREFUSED'), answer(401), LOCKED]) {
      expect(verdict(leaver, outcome).state).toBe('queued');
      expect(waitMs(operation('disable', 'leaver'), outcome, 1, 0.999)).toBeLessThan(2_000);
      expect(waitMs(operation('disable', 'leaver'), outcome, 10_000, 0.999)).toBeLessThan(60_000);
      // Full jitter: the wait may be none at all.
      expect(waitMs(operation('disable', 'leaver'), outcome, 10_000, 0)).toBe(0);
    }
  });

  test('who is refused for good is shown as failed and tried every quarter of an hour', () => {
    const refused = verdict(leaver, answer(403));
    expect(refused).toEqual({ state: 'queued', notBefore: plusMs(NOW, 15 * 60_000), refused: true });
  });
});

test('lower lanes get every eighth claim in turn, unless a leaver waits', () => {
  const fair = new FairShare();
  const asked = Array.from({ length: 48 }, () => {
    const lanes = fair.lanes(false);
    fair.claimed(false);
    return lanes.join();
  });
  const shared = asked.filter((lanes) => !lanes.includes('leaver'));
  expect(shared.length).toBe(6);
  expect(new Set(shared)).toEqual(new Set(['mover', 'replay', 'backfill']));
  for (let claim = 0; claim < 48; claim += 1) {
    expect(fair.lanes(claim % 2 === 0)).toContain('leaver');
    fair.claimed(true);
  }
});
