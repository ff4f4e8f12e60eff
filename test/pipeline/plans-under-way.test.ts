import { expect, test } from 'vitest';
import { PlansUnderWay } from '../../src/pipeline/plans-under-way.ts';
import type { GuardUse } from '../../src/planning/changeset.ts';

const use = (workerKey: string, more: Partial<GuardUse> = {}): GuardUse => ({
  kind: 'explicitLeaver',
  workerKey,
  attribute: null,
  approved: false,
  ...more,
});

test('what one plan was granted counts for every other until it is stored', () => {
  const plans = new PlansUnderWay();
  const [snapshot, webhook] = [plans.open(), plans.open()];
  snapshot.grant([use('1'), use('2'), use('2', { kind: 'rename' }), use('3', { approved: true })]);
  const seen = () => webhook.elsewhere().map(({ kind, workers }) => [kind, workers]);
  expect(seen()).toEqual([
    ['explicitLeaver', 2],
    ['rename', 1],
  ]);
  expect(snapshot.elsewhere()).toEqual([]);
  snapshot.stored(['2']);
  expect(seen()).toEqual([['explicitLeaver', 1]]);
  snapshot.stored(['1']);
  expect(seen()).toEqual([]);
});

test('a plan that ends takes back what it was granted and never stored', () => {
  const plans = new PlansUnderWay();
  const [one, other] = [plans.open(), plans.open()];
  one.grant([use('1')]);
  one.leave();
  expect(other.elsewhere()).toEqual([]);
});

test('whom one plan stores the others look at again, and nobody else', () => {
  const plans = new PlansUnderWay();
  const [one, other] = [plans.open(), plans.open()];
  one.stored(['1', '2']);
  expect([...other.stale]).toEqual(['1', '2']);
  expect([...one.stale]).toEqual([]);
  expect([...plans.open().stale]).toEqual([]);
});

test('one attribute is counted apart from another', () => {
  const plans = new PlansUnderWay();
  const [one, other] = [plans.open(), plans.open()];
  one.grant(
    ['title', 'title', 'department'].map((attribute, index) =>
      use(String(index), { kind: 'attributeChanged', attribute }),
    ),
  );
  expect(other.elsewhere().map(({ attribute, workers }) => [attribute, workers])).toEqual([
    ['title', 2],
    ['department', 1],
  ]);
});

test('whom one plan holds the others know of, for they may have looked at everyone before', () => {
  const plans = new PlansUnderWay();
  const [one, other] = [plans.open(), plans.open()];
  one.held(['1']);
  expect([[...one.heldElsewhere], [...other.heldElsewhere]]).toEqual([[], ['1']]);
});
