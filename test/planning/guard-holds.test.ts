import { describe, expect, test } from 'vitest';
import { type Candidate, judge } from '../../src/planning/guard.ts';
import { HARM_KINDS, type Harm } from '../../src/planning/harm.ts';
import { itemDigest } from '../../src/planning/hold-items.ts';
import { aHarm, digestsOf, doing, guardInput, MAPPING_DIGEST, many, sha256 } from '../support/guard-plans.ts';

const keys = (candidates: readonly Candidate[]) => candidates.map((one) => one.workerKey).sort();
const sorted = (set: ReadonlySet<string>) => [...set].sort();

describe('a trip', () => {
  test('holds all of its kind, not only the excess, and lets other kinds flow', () => {
    const leavers = many('inferredLeaver', 6, {}, 'leaver');
    const movers = many('attributeChanged', 5, {}, 'mover');
    const verdict = judge(guardInput(100, [...leavers, ...movers]));
    expect(sorted(verdict.passes)).toEqual(keys(movers));
    expect(verdict.disableOnly.size).toBe(0);
    expect(verdict.held.get('inferredLeaver')).toHaveLength(6);
    expect(verdict.uses.map((use) => use.kind)).toEqual(Array(5).fill('attributeChanged'));
    expect(verdict.holds.map((hold) => hold.kind)).toEqual(['inferredLeaver']);
    expect(verdict.holds[0]?.reason).toBe(
      '6 workers would lose access although no record says that they leave in one cycle; 5 may, of 100 active workers',
    );
  });

  test('holds a worker whole when one of several harms is held', () => {
    const both: Candidate = { workerKey: 'w1', harms: [aHarm('inferredLeaver', 'w1'), aHarm('rename', 'w1')] };
    const verdict = judge(guardInput(100, [both, ...many('inferredLeaver', 5, {}, 'x')]));
    expect(verdict.passes.size + verdict.disableOnly.size).toBe(0);
    expect(verdict.uses).toEqual([]);
    expect([...verdict.held.keys()]).toEqual(['inferredLeaver']);
  });

  test.each(HARM_KINDS)('never puts a name or value of a worker into its reason (%s)', (kind) => {
    const verdict = judge(guardInput(1, many(kind, 40, { before: 'Ann Secret', after: 'Bo Secret' }, 'key-')));
    expect(verdict.holds).toHaveLength(1);
    expect(verdict.holds[0]?.reason).not.toMatch(/Secret|key-/);
  });
});

describe('approval', () => {
  test('releases adoption, protected rescind, merge and absence item by item, and nothing else does', () => {
    for (const kind of ['adoption', 'protectedRescind', 'merge', 'absence', 'erased'] as const) {
      const [first, second] = many(kind, 2) as [Candidate, Candidate];
      const verdict = judge(guardInput(5000, [first, second], { approvals: digestsOf([first]) }));
      expect(sorted(verdict.passes)).toEqual(['w1']);
      const items = [...digestsOf([first])];
      expect(verdict.uses).toEqual([{ kind, attribute: null, workerKey: 'w1', approved: true, items }]);
      expect(verdict.held.get(kind)?.map((item) => item.harm.workerKey)).toEqual(['w2']);
    }
  });

  test('is taken item by item by what passes: two of one kind of one worker in one line', () => {
    const harms = [aHarm('adoption', 'w1', { target: 'a' }), aHarm('adoption', 'w1', { target: 'b' })];
    const both: Candidate = { workerKey: 'w1', harms };
    const verdict = judge(guardInput(5000, [both], { approvals: digestsOf([both]) }));
    expect(verdict.uses).toHaveLength(1);
    expect([...(verdict.uses[0]?.items ?? [])].sort()).toEqual([...digestsOf([both])].sort());
  });

  test('takes an item out of the count, so that what is left may pass', () => {
    const candidates = many('inferredLeaver', 6);
    const verdict = judge(guardInput(100, candidates, { approvals: digestsOf(candidates.slice(0, 1)) }));
    expect(verdict.passes.size).toBe(6);
    expect(verdict.uses.filter((use) => use.approved).map((use) => use.workerKey)).toEqual(['w1']);
    expect(verdict.tripped).toEqual([]);
  });

  test.each([
    ['worker', { workerKey: 'w2' }],
    ['target', { target: 'other' }],
    ['operation', { operation: 'disable now' }],
    ['before', { before: 'A' }],
    ['after', { after: 'b ' }],
    ['kind', { kind: 'delete' }],
    ['attribute', { attribute: 'title' }],
  ] as const)('of an item does not release one with another %s', (_, change) => {
    const harm = aHarm('adoption', 'w1');
    expect(itemDigest({ ...harm, ...change }, MAPPING_DIGEST, sha256)).not.toBe(
      itemDigest(harm, MAPPING_DIGEST, sha256),
    );
    expect(itemDigest(harm, sha256('other mapping'), sha256)).not.toBe(itemDigest(harm, MAPPING_DIGEST, sha256));
  });
});

describe('a discarded item', () => {
  const candidates = many('inferredLeaver', 6);
  const aside = digestsOf(candidates.slice(0, 1));

  test('stays held and visible, and does not count', () => {
    const verdict = judge(guardInput(100, candidates, { discards: aside }));
    expect(sorted(verdict.passes)).toEqual(keys(candidates.slice(1)));
    expect(verdict.holds.map((hold) => [hold.kind, hold.items.length, hold.reason])).toEqual([
      ['inferredLeaver', 1, '1 set aside by a person, still open'],
    ]);
    expect(verdict.tripped).toEqual([]);
  });

  test('is not released by an approval of the whole hold', () => {
    const verdict = judge(guardInput(100, candidates, { discards: aside, approvals: digestsOf(candidates) }));
    expect(verdict.passes.has('w1')).toBe(false);
    expect(verdict.uses.map((use) => use.workerKey)).not.toContain('w1');
  });
});

describe('explicit leavers', () => {
  const inferred = many('inferredLeaver', 51, {}, 'gone');

  test('pass while another guard is tripped, at most ten in an hour and only with their disable', () => {
    const leavers = many('explicitLeaver', 15);
    const verdict = judge(guardInput(1000, [...leavers, ...inferred]));
    expect(verdict.passes.size).toBe(0);
    expect(verdict.disableOnly.size).toBe(10);
    expect(verdict.held.get('explicitLeaver')).toHaveLength(5);
    expect(verdict.tripped.map((trip) => [trip.kind, trip.window, trip.count, trip.limit])).toEqual([
      ['explicitLeaver', 'hour', 15, 10],
      ['inferredLeaver', 'cycle', 51, 50],
    ]);
    const used = { hour: [{ kind: 'explicitLeaver', attribute: null, workers: 7 }], day: [], week: [] } as const;
    expect(judge(guardInput(1000, [...leavers, ...inferred], { used })).disableOnly.size).toBe(3);
  });

  test('pass whole as soon as no other guard is tripped, and never beyond their own limit', () => {
    expect(judge(guardInput(1000, many('explicitLeaver', 20))).passes.size).toBe(20);
    const above = judge(guardInput(1000, many('explicitLeaver', 21), { otherGuardTripped: true }));
    expect(above.passes.size + above.disableOnly.size).toBe(0);
  });

  test('with a last day merely seen wait while another guard is tripped', () => {
    const seen = doing('explicitLeaver', 'dated', { operation: 'last day', after: 'last day 2026-03-03' });
    const left = doing('explicitLeaver', 'left');
    const verdict = judge(guardInput(1000, [seen, left], { otherGuardTripped: true }));
    expect(sorted(verdict.disableOnly)).toEqual(['left']);
    expect(verdict.held.get('explicitLeaver')?.map((item) => item.harm.workerKey)).toEqual(['dated']);
    expect(verdict.holds[0]?.reason).toBe('another guard is tripped: only disables pass, at most 10 in an hour');
    expect(judge(guardInput(1000, [seen, left])).passes.size).toBe(2);
  });

  test('lose access even where another harm of theirs is held, unless the account is not ours yet', () => {
    const blanked = many('valueBlanked', 3, {}, 'b');
    const leaver = doing('explicitLeaver', 'w1');
    const withBlank: Candidate = { workerKey: 'w1', harms: [...leaver.harms, aHarm('valueBlanked', 'w1')] };
    const verdict = judge(guardInput(100, [withBlank, ...blanked]));
    expect(sorted(verdict.disableOnly)).toEqual(['w1']);
    expect(verdict.uses).toEqual([{ kind: 'explicitLeaver', attribute: null, workerKey: 'w1', approved: false }]);

    const withAdoption: Candidate = { workerKey: 'w1', harms: [...leaver.harms, aHarm('adoption', 'w1')] };
    const waiting = judge(guardInput(100, [withAdoption]));
    expect(waiting.passes.size + waiting.disableOnly.size).toBe(0);
  });

  test('lose the access that is theirs while an account elsewhere waits to be adopted, unless what takes it is held itself', () => {
    const adoption = aHarm('adoption', 'w1');
    const alone = (...harms: readonly Harm[]): Candidate => ({
      workerKey: 'w1',
      endsAccess: true,
      harms: [...harms, adoption],
    });
    const ends = (one: Candidate, more: readonly Candidate[] = []) =>
      judge(guardInput(100, [one, ...more])).disableOnly.has('w1');
    const leaver = aHarm('explicitLeaver', 'w1', { operation: 'disable' });
    expect(ends(alone())).toBe(true);
    expect(ends(alone(leaver))).toBe(true);
    expect(ends(alone(aHarm('emergencyLeaver', 'w1')))).toBe(true);
    expect(ends(alone(aHarm('membershipRemoved', 'w1')))).toBe(true);
    expect(ends(alone(leaver), many('explicitLeaver', 5, {}, 'b'))).toBe(false);
    expect(ends(alone(aHarm('inferredLeaver', 'w1', { operation: 'disable' })))).toBe(false);
    expect(ends(alone(aHarm('absence', 'w1', { operation: 'disable' })))).toBe(false);
  });

  test('who wait for a decision of a person never keep others from the hourly budget', () => {
    const waiting = many('explicitLeaver', 10, {}, 'a').map(
      ({ workerKey, harms }): Candidate => ({ workerKey, harms: [...harms, aHarm('adoption', workerKey)] }),
    );
    const verdict = judge(guardInput(1000, [...waiting, doing('explicitLeaver', 'z')], { otherGuardTripped: true }));
    expect(sorted(verdict.disableOnly)).toEqual(['z']);
  });

  test('run on the budget too while an earlier hold stands that this plan did not look at', () => {
    const item = { digest: 'd1', harm: aHarm('inferredLeaver', 'elsewhere') };
    const open = new Map([['inferredLeaver' as const, [item]]]);
    const covers = new Set(['w1']);
    const input = guardInput(1000, many('explicitLeaver', 1), { open, covers });
    expect(sorted(judge(input).disableOnly)).toEqual(['w1']);
    expect(sorted(judge({ ...input, discards: new Set(['d1']) }).passes)).toEqual(['w1']);
    expect(sorted(judge({ ...input, covers: 'everyone' }).passes)).toEqual(['w1']);
  });
});

describe('emergency leaves', () => {
  test('by an operator are never held and never count, whatever else is held of the worker', () => {
    const ordered = many('emergencyLeaver', 40).map((one): Candidate => ({ ...one, orderedBy: 'operator' }));
    const verdict = judge(guardInput(100, ordered));
    expect(verdict.passes.size).toBe(40);
    expect(verdict.uses.every((use) => use.approved)).toBe(true);

    const harms = [aHarm('emergencyLeaver', 'w1'), aHarm('adoption', 'w1')];
    const mixed = judge(guardInput(100, [{ workerKey: 'w1', harms, orderedBy: 'operator' }]));
    expect(sorted(mixed.disableOnly)).toEqual(['w1']);
    expect([...mixed.held.keys()]).toEqual(['adoption']);
  });

  test('by webhook are held beyond their hourly limit, and one whose sender is not said counts as a webhook', () => {
    const hooked = many('emergencyLeaver', 4).map((one): Candidate => ({ ...one, orderedBy: 'webhook' }));
    expect(judge(guardInput(100, hooked)).passes.size).toBe(0);
    expect(judge(guardInput(100, hooked.slice(0, 3))).passes.size).toBe(3);
    expect(judge(guardInput(100, many('emergencyLeaver', 4))).passes.size).toBe(0);
  });
});

describe('newly rejected rows', () => {
  const movers = many('attributeChanged', 1, {}, 'mover');
  const leaver = many('explicitLeaver', 1, {}, 'leaver');
  const rows = (newlyRejected: number) => ({ total: 100, rejected: 40, newlyRejected });

  test('beyond five in a hundred hold everything harmful but explicit leavers on their budget', () => {
    const verdict = judge(guardInput(100, [...movers, ...leaver], { rows: rows(6) }));
    expect(verdict.passes.size).toBe(0);
    expect(sorted(verdict.disableOnly)).toEqual(['leaver1']);
    expect(verdict.holds.map((hold) => [hold.kind, hold.items.length])).toEqual([['newlyRejected', 1]]);
    expect(verdict.tripped.map((trip) => [trip.kind, trip.count, trip.limit])).toEqual([['newlyRejected', 6, 5]]);
    expect(judge(guardInput(100, [...movers, ...leaver], { rows: rows(5) })).passes.size).toBe(2);
  });

  test('trip although nothing harmful is planned, and not on a first load', () => {
    expect(judge(guardInput(100, [], { rows: rows(6) })).tripped).toHaveLength(1);
    expect(judge(guardInput(0, [], { rows: rows(100), firstLoad: true })).tripped).toEqual([]);
  });
});

test('a first load disables one worker who had left already, and holds two', () => {
  const mixed = [doing('explicitLeaver', 'a'), doing('inferredLeaver', 'b')];
  expect(judge(guardInput(0, mixed.slice(0, 1), { firstLoad: true })).passes.size).toBe(1);
  const verdict = judge(guardInput(0, mixed, { firstLoad: true }));
  expect(verdict.passes.size + verdict.disableOnly.size).toBe(0);
  expect(verdict.tripped.map((trip) => trip.kind)).toEqual(['explicitLeaver', 'inferredLeaver']);
  const dated = many('explicitLeaver', 3, { operation: 'last day' });
  expect(judge(guardInput(0, dated, { firstLoad: true })).passes.size).toBe(3);
});

describe('an open hold', () => {
  const items = (candidates: readonly Candidate[]) => [
    ...(judge(guardInput(1, candidates)).held.get('inferredLeaver') ?? []),
  ];
  const [first, second, third] = many('inferredLeaver', 3) as [Candidate, Candidate, Candidate];
  const open = new Map([['inferredLeaver' as const, items([first, second])]]);

  test('is closed by a plan over everyone that holds nothing of its kind any more', () => {
    expect(judge(guardInput(100, [], { open })).holds).toEqual([
      { kind: 'inferredLeaver', reason: 'nothing is held any more', items: [] },
    ]);
  });

  test('keeps the items of workers that a small plan did not look at', () => {
    const covers = new Set(['w2', 'w3']);
    const quiet = judge(guardInput(100, [], { open, covers: new Set(['w9']) }));
    expect(quiet.holds).toEqual([]);
    const amended = judge(guardInput(1, [second, third], { open, covers }));
    expect(amended.holds.map((hold) => hold.items.map((item) => item.harm.workerKey).sort())).toEqual([
      ['w1', 'w2', 'w3'],
    ]);
    const gone = judge(guardInput(100, [], { open, covers }));
    expect(gone.holds.map((hold) => hold.items.map((item) => item.harm.workerKey))).toEqual([['w1']]);
  });

  test('of the feed is left to the feed seal, and puts explicit leavers on their budget', () => {
    const verdict = judge(guardInput(1000, many('explicitLeaver', 1), { open: new Map([['feed' as const, []]]) }));
    expect(verdict.holds).toEqual([]);
    expect(sorted(verdict.disableOnly)).toEqual(['w1']);
  });
});

test('a harm that stands in the plan of another worker is a bug', () => {
  expect(() => judge(guardInput(10, [{ workerKey: 'w1', harms: [aHarm('rename', 'w2')] }]))).toThrow(/^bug: /);
});
