import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/lifecycle/outcome.ts';
import {
  admits,
  afterStepBack,
  closedGate,
  FAULTS_MAX,
  FORBIDDEN_MAX,
  type Gate,
  heard,
  letsPass,
  PATIENCE_MAX_MS,
  signOf,
  withProbe,
} from '../../src/pipeline/gate.ts';
import type { OperationKind } from '../../src/planning/changeset.ts';
import { outcomeOf, type RequestKind } from '../../src/targets/scim/outcome-table.ts';
import { CaseMix } from '../support/case-mix.ts';

const outcome = (kind: RequestKind, key: { status: number } | { fault: string }, retryAfterMs: number | null = null) =>
  outcomeOf(kind, 'status' in key ? { ...key, scimType: null } : key, { detail: '', retryAfterMs });
const ANSWERS: Readonly<Record<string, Outcome>> = {
  good: outcome('write', { status: 200 }),
  refused: outcome('write', { status: 400 }),
  forbidden: outcome('write', { status: 403 }),
  overrun: outcome('write', { status: 429 }),
  patient: outcome('write', { status: 429 }, 120_000),
  unavailable: outcome('write', { status: 503 }),
  reset: outcome('create', { fault: 'ECONNRESET' }),
  hung: outcome('write', { fault: 'UND_ERR_HEADERS_TIMEOUT' }),
  unreachable: outcome('write', { fault: 'ECONNREFUSED' }),
  unauthorised: outcome('write', { status: 401 }),
  unsent: outcome('write', { fault: 'not-sent' }),
};
const answered = (gate: Gate, worker: number, name: string, nowMs: number, kind: OperationKind = 'update') =>
  heard(gate, { operation: worker, who: `w${worker}`, kind, outcome: ANSWERS[name] as Outcome }, nowMs, 0.5);
const gateAfter = (gate: Gate, answers: readonly (readonly [number, string])[], nowMs = 0): Gate =>
  answers.reduce((one, [worker, name]) => answered(one, worker, name, nowMs).gate, gate);

describe('what an answer says of the target', () => {
  test.each([
    ['good', 'alive'],
    ['refused', 'alive'],
    ['forbidden', 'forbidden'],
    ['overrun', 'overrun'],
    ['unavailable', 'faulty'],
    ['reset', 'faulty'],
    ['hung', 'faulty'],
    ['unreachable', 'down'],
    ['unauthorised', 'down'],
    ['unsent', 'nothing'],
  ] as const)('%s: %s', (name, sign) => {
    expect(signOf({ kind: 'update', outcome: ANSWERS[name] as Outcome })).toBe(sign);
  });

  test('a group that may not be changed is no account that may not be', () => {
    expect(signOf({ kind: 'addMember', outcome: ANSWERS.forbidden as Outcome })).toBe('alive');
  });

  test('404 where the endpoint should be takes several workers to be believed', () => {
    expect(signOf({ kind: 'create', outcome: outcome('create', { status: 404 }) })).toBe('faulty');
  });
});

describe('the gate of a target', () => {
  test('ends a wait that is longer than any it sets, once the clock has been put right', () => {
    const paused = gateAfter(closedGate(0), [[1, 'patient']], 10 * PATIENCE_MAX_MS.ordinary);
    const { urgent, ordinary } = paused.notBeforeMs;
    for (const [who, until] of [
      ['urgent', urgent],
      ['ordinary', ordinary],
    ] as const) {
      const justRight = until - PATIENCE_MAX_MS[who];
      expect(admits(afterStepBack(paused, justRight), who, justRight)).toBe('none');
      expect(admits(afterStepBack(paused, justRight - 1), who, justRight - 1)).toBe('all');
    }
    expect(afterStepBack(paused, ordinary - 60_000)).toBe(paused);
  });

  const closed = closedGate(0);

  test('opens at once when nothing can be reached or the credentials do not count', () => {
    expect(gateAfter(closed, [[1, 'unreachable']]).state).toBe('open');
    expect(gateAfter(closed, [[1, 'unauthorised']]).state).toBe('open');
  });

  test('opens after faults of several workers in a row, never by one record however often it is tried', () => {
    const poison = Array.from({ length: 100 }, () => [1, 'reset'] as const);
    expect(gateAfter(closed, poison).state).toBe('closed');
    const several = Array.from({ length: FAULTS_MAX }, (_, index) => [index, 'hung'] as const);
    expect(gateAfter(closed, several.slice(1)).state).toBe('closed');
    expect(gateAfter(closed, several).state).toBe('open');
    expect(gateAfter(closed, [...several.slice(1), [9, 'good'], ...several.slice(1)]).state).toBe('closed');
  });

  test('takes 403 for the target’s after three workers in a row, and excuses all of them', () => {
    const two = gateAfter(closed, [
      [1, 'forbidden'],
      [1, 'forbidden'],
      [2, 'forbidden'],
    ]);
    expect(two.state).toBe('closed');
    const { gate, excused } = answered(two, 3, 'forbidden', 0);
    expect(gate.state).toBe('open');
    expect(excused).toEqual([1, 2, 3]);
    expect(FORBIDDEN_MAX).toBe(3);
    // Late answers of the same wave are excused as well.
    expect(answered(gate, 4, 'forbidden', 0).excused).toEqual([4]);
    expect(
      gateAfter(closed, [
        [1, 'forbidden'],
        [2, 'forbidden'],
        [9, 'good'],
        [3, 'forbidden'],
      ]).state,
    ).toBe('closed');
  });

  test('excuses nobody twice once another answer has shown that the target works', () => {
    const open = gateAfter(closed, [
      [1, 'forbidden'],
      [2, 'forbidden'],
      [3, 'forbidden'],
    ]);
    const back = answered(withProbe(open, 9), 9, 'good', 10_000).gate;
    expect(back.state).toBe('closed');
    for (const worker of [1, 2, 3]) {
      const verdict = answered(back, worker, 'forbidden', 10_000);
      expect(verdict.gate.state).toBe('closed');
      expect(verdict.excused).toEqual([]);
    }
  });

  test('stays open when the probe is answered 403, and the probe is excused', () => {
    const open = withProbe(gateAfter(closed, [[1, 'unreachable']]), 7);
    const { gate, excused } = answered(open, 7, 'forbidden', 5_000);
    expect(gate.state).toBe('open');
    expect(gate.why).toBe('http-403');
    expect(excused).toEqual([7]);
  });

  test('grants Retry-After to everybody, to leavers for a minute at most', () => {
    const gate = gateAfter(closed, [[1, 'patient']], 1_000);
    expect(admits(gate, 'ordinary', 1_000 + 119_999)).toBe('none');
    expect(admits(gate, 'ordinary', 1_000 + 120_000)).toBe('all');
    expect(admits(gate, 'urgent', 1_000 + 59_999)).toBe('none');
    expect(admits(gate, 'urgent', 1_000 + 60_000)).toBe('all');
    // A good answer from before the pause does not end it.
    expect(admits(gateAfter(gate, [[2, 'good']], 2_000), 'ordinary', 3_000)).toBe('none');
  });
});

/** Drives a gate as the pumps do: nothing is taken up that it does not admit, and a probe is chosen one at a time. */
test('one probe at a time, leavers no later than others, and a good probe always closes', () => {
  const mix = new CaseMix(['opened', 'paused', 'probe failed', 'probe good', 'late answer', 'excused']);
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          worker: fc.integer({ min: 1, max: 8 }),
          answer: fc.constantFrom(...Object.keys(ANSWERS)),
          passesMs: fc.constantFrom(0, 10, 500, 5_000, 70_000),
          kind: fc.constantFrom<OperationKind>('create', 'update', 'disable', 'addMember'),
          who: fc.constantFrom('urgent' as const, 'ordinary' as const),
          comesBack: fc.boolean(),
        }),
        { minLength: 20, maxLength: 200 },
      ),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (steps, random) => {
        let nowMs = 1_000_000;
        let gate = closedGate(nowMs);
        let next = 1;
        const flying: { operation: number; worker: number }[] = [];
        for (const { worker, answer, passesMs, kind, who, comesBack } of steps) {
          nowMs += passesMs;
          const admitted = admits(gate, who, nowMs);
          expect(gate.notBeforeMs.urgent).toBeLessThanOrEqual(gate.notBeforeMs.ordinary);
          expect(gate.notBeforeMs.urgent).toBeLessThanOrEqual(nowMs + PATIENCE_MAX_MS.urgent);
          if (admitted !== 'none') {
            const operation = next++;
            if (admitted === 'one') {
              gate = withProbe(withProbe(gate, 0), operation);
              expect(admits(gate, 'urgent', nowMs + 1e9)).toBe('none');
              expect(admits(gate, 'ordinary', nowMs + 1e9)).toBe('none');
              for (const other of flying) expect(letsPass(gate, who, other.operation, nowMs)).toBe(false);
            }
            expect(letsPass(gate, who, operation, nowMs)).toBe(true);
            flying.push({ operation, worker });
          }
          const back = comesBack || flying.length > 8 ? flying.shift() : undefined;
          if (back === undefined) continue;
          const before = gate;
          const probing = gate.probe === back.operation;
          const heardOf = {
            operation: back.operation,
            who: `w${back.worker}`,
            kind,
            outcome: ANSWERS[answer] as Outcome,
          };
          const { gate: moved, excused } = heard(before, heardOf, nowMs, random);
          gate = moved;
          const sign = signOf({ kind, outcome: ANSWERS[answer] as Outcome });
          if (before.state === 'closed' && gate.state === 'open') {
            mix.count('opened', true);
            expect(sign).not.toBe('alive');
            expect(gate.notBeforeMs.ordinary).toBeGreaterThan(nowMs);
          }
          if (before.state === 'open' && gate.state === 'closed') expect(probing).toBe(true);
          if (probing) {
            expect(gate.probe).toBeNull();
            if (sign === 'alive' || sign === 'overrun') {
              mix.count('probe good', true);
              expect(gate.state).toBe('closed');
            } else if (sign !== 'nothing') {
              mix.count('probe failed', true);
              expect(gate.state).toBe('open');
              expect(gate.notBeforeMs.ordinary).toBeGreaterThan(nowMs);
            }
          } else if (before.state === 'open') {
            mix.count('late answer', true);
            expect(gate.state).toBe('open');
            expect(gate.probe).toBe(before.probe);
          }
          if (sign === 'overrun' && gate.state === 'closed') {
            mix.count('paused', true);
            expect(admits(gate, 'ordinary', nowMs)).toBe('none');
          }
          mix.count('excused', excused.length > 0);
          for (const id of excused) expect(gate.excused.has(id)).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
  mix.expectEach(30);
});
