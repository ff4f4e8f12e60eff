import { expect, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import type { Paper } from '../../src/cli/desk.ts';
import { dispatchLines, leaverLines, unmetLines } from '../../src/cli/dispatch-text.ts';
import type { DispatchState } from '../../src/pipeline/dispatch-state.ts';
import type { ShownOperation } from '../../src/store/store.ts';

const AT = instantOf('2026-11-23T11:10:00Z');
const plain = { colour: false } as Paper;
const state = (change: Partial<DispatchState>): DispatchState => ({
  state: 'closed',
  since: instantOf('2026-11-23T11:07:00Z'),
  why: '',
  nextTryAt: null,
  perSecond: null,
  ...change,
});

test('status says which targets are down, which asked for patience, and nothing of the others', () => {
  const open = state({ state: 'open', why: 'http-503', nextTryAt: instantOf('2026-11-23T11:10:12Z') });
  const paused = state({ state: 'paused', why: 'http-429', nextTryAt: instantOf('2026-11-23T11:19:00Z') });
  const over = state({ state: 'paused', why: 'http-429', nextTryAt: instantOf('2026-11-23T11:09:00Z') });
  expect(dispatchLines(plain, { idp: open, other: paused, third: over, fourth: state({}) }, AT)).toEqual([
    'TARGET idp IS DOWN since 3 min ago (http-503): next try in 12 s',
    '  its work waits and goes out by itself, leavers first; the target, or our credentials: rollcall validate --probe',
    'target other asked for patience (http-429): next try in 9 min',
    '  nothing is lost; where it asks often: a lower limits.perSecond in the connection file',
  ]);
  expect(unmetLines(plain, [{ target: 'new', reason: 'the target answered http-401 (HTTP 401)' }])).toEqual([
    'TARGET new WAS NEVER REACHED, its work waits: the target answered http-401 (HTTP 401)',
    '  its work waits and goes out by itself, leavers first; the target, or our credentials: rollcall validate --probe',
  ]);
});

test('status says how many leavers are not confirmed and since when the oldest', () => {
  const leaver = (createdAt: string) => ({ createdAt: instantOf(createdAt) }) as ShownOperation;
  expect(leaverLines([], AT)).toEqual([]);
  expect(leaverLines([leaver('2026-11-23T11:05:00Z'), leaver('2026-11-23T10:58:00Z')], AT)).toEqual([
    '2 not confirmed, the oldest decided 12 min ago',
  ]);
});
