import { expect, test } from 'vitest';
import type { HoldItem } from '../../src/planning/changeset.ts';
import type { HarmKind } from '../../src/planning/harm.ts';
import { carriedItems, holdChanges, type OpenHolds } from '../../src/planning/hold-items.ts';

const item = (kind: HarmKind, workerKey: string): HoldItem => ({
  digest: `${kind} ${workerKey}`,
  harm: { kind, workerKey, target: null, operation: 'disable', attribute: null, before: 'active', after: 'left' },
});
const open: OpenHolds = new Map([
  ['explicitLeaver', [item('explicitLeaver', '1'), item('explicitLeaver', '2')]],
  ['emergencyLeaver', [item('emergencyLeaver', '3')]],
]);
const keysOf = (holds: OpenHolds): readonly string[] =>
  [...holds.values()].flatMap((items) => items.map(({ harm }) => harm.workerKey));

test('a plan that has looked at everyone carries orders, which stand in no feed, and nothing else', () => {
  expect(keysOf(carriedItems(open, 'everyone'))).toEqual(['3']);
});

test('whom another plan held meanwhile stays held although this one looked at everyone', () => {
  expect(keysOf(carriedItems(open, 'everyone', new Set(['2'])))).toEqual(['2', '3']);
});

test('an order that is carried on is not amended, so that its reason stays what it was', () => {
  const changes = holdChanges(open, 'everyone', new Map(), () => 'a new reason', new Set(['2']));
  expect(changes.map(({ kind, items }) => [kind, items.length])).toEqual([['explicitLeaver', 1]]);
});
