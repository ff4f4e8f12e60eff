// Small laws of the planning room that need neither a worker nor a whole plan.
import { describe, expect, it } from 'vitest';
import { notAdoptable } from '../../src/planning/adoptable.ts';
import { FeedMarks, type MarkWords } from '../../src/planning/feed-marks.ts';
import { type Candidate, judge } from '../../src/planning/guard.ts';
import { heldWorkers } from '../../src/planning/hold-items.ts';
import { leaversOnBudget } from '../../src/planning/leaver-watch.ts';
import { allowed, LIMITS, lowered } from '../../src/planning/limits.ts';
import { limitsUnderSeal, sealBreaks, sealItems } from '../../src/planning/seal.ts';
import { desired, listed } from '../support/account-inputs.ts';
import { aHarm, digestsOf, guardInput, many, sha256 } from '../support/guard-plans.ts';

describe('a pilot', () => {
  it('lets nothing go that the whole plan holds', () => {
    const held = many('rename', 3);
    const [digest] = digestsOf(held.slice(0, 1));
    const items = held.flatMap(({ harms }) =>
      harms.map((harm) => ({
        digest: [...digestsOf([{ workerKey: harm.workerKey, harms: [harm] }])][0] as string,
        harm,
      })),
    );
    const open = new Map([['rename' as const, items]]);
    const asked = (pilot: boolean) =>
      judge(guardInput(1000, held.slice(0, 1), { open, covers: new Set(['w1']), pilot })).passes.size;
    expect(digest).toBe(items[0]?.digest);
    expect(asked(true)).toBe(0);
    expect(asked(false)).toBe(1);
  });

  it('lets go what a person has approved', () => {
    const held = many('rename', 1);
    const items = held.flatMap(({ harms }) =>
      harms.map((harm) => ({ digest: [...digestsOf(held)][0] as string, harm })),
    );
    const verdict = judge(
      guardInput(1000, held, { open: new Map([['rename', items]]), pilot: true, approvals: digestsOf(held) }),
    );
    expect([...verdict.passes]).toEqual(['w1']);
  });
});

describe('trips', () => {
  it('stand in the order of kind, attribute and unit, whatever order they came in', () => {
    const sales = many('valueBlanked', 40, { attribute: 'b' }, 's').map((one) => ({
      ...one,
      unit: 'department Sales',
    }));
    const ops = many('valueBlanked', 40, { attribute: 'a' }, 'o').map((one) => ({ ...one, unit: 'department Ops' }));
    const renamed = many('rename', 40, {}, 'r');
    const units = {
      only: null,
      active: new Map([
        ['department Sales', 50],
        ['department Ops', 50],
      ]),
    };
    const order = (candidates: readonly Candidate[]) =>
      judge(guardInput(100, candidates, { units })).tripped.map(
        ({ kind, attribute, unit }) => `${kind} ${attribute ?? '-'} ${unit ?? '-'}`,
      );
    const wanted = [
      'rename - -',
      'valueBlanked a -',
      'valueBlanked a department Ops',
      'valueBlanked b -',
      'valueBlanked b department Sales',
    ];
    expect(order([...sales, ...ops, ...renamed])).toEqual(wanted);
    expect(order([...renamed, ...ops, ...sales])).toEqual(wanted);
  });
});

describe('a first load', () => {
  it('tells of the whole house before it tells of a department', () => {
    const leavers = many('inferredLeaver', 2).map((one) => ({ ...one, unit: 'department Ops' }));
    const units = { only: null, active: new Map([['department Ops', 10]]) };
    const { tripped } = judge(guardInput(1000, leavers, { units, firstLoad: true }));
    expect(tripped.map(({ kind, unit, limit }) => [kind, unit, limit])).toEqual([
      ['inferredLeaver', undefined, 1],
      ['inferredLeaver', 'department Ops', 1],
    ]);
  });
});

describe('leavers on the hourly budget', () => {
  const asks = () => true;

  it('go on without a place of their own where they were counted in this hour', () => {
    const used = [{ kind: 'explicitLeaver' as const, attribute: null, workers: 9, counted: new Set(['w1', 'w2']) }];
    const { chosen, trip } = leaversOnBudget(many('explicitLeaver', 4), used, asks);
    expect([...chosen].sort()).toEqual(['w1', 'w2', 'w3']);
    expect(trip).toMatchObject({ kind: 'explicitLeaver', count: 11, limit: 10, window: 'hour', attribute: null });
  });

  it('go by key, whoever waits for a person last', () => {
    const used = [{ kind: 'explicitLeaver' as const, attribute: null, workers: 8 }];
    const [a, b, c] = many('explicitLeaver', 3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three leavers');
    const waits = { ...a, harms: [...a.harms, aHarm('adoption', 'w1')] };
    const { chosen } = leaversOnBudget([c, waits, b], used, asks);
    expect([...chosen].sort()).toEqual(['w2', 'w3']);
  });

  it('is for disables that nobody has decided about', () => {
    expect(leaversOnBudget(many('explicitLeaver', 3, { operation: 'last day' }), [], asks).chosen.size).toBe(0);
    expect(leaversOnBudget(many('inferredLeaver', 3), [], asks).chosen.size).toBe(0);
    expect(leaversOnBudget(many('explicitLeaver', 3), [], () => false).chosen.size).toBe(0);
    const full = [{ kind: 'explicitLeaver' as const, attribute: null, workers: 12 }];
    expect(leaversOnBudget(many('explicitLeaver', 1), full, asks).chosen.size).toBe(0);
    const ten = leaversOnBudget(many('explicitLeaver', 10), [], asks);
    expect([ten.chosen.size, ten.trip]).toEqual([10, null]);
  });
});

describe('a limit that a person has raised', () => {
  const set = (perCycle: { count?: number; percent?: number }, approved: boolean) =>
    allowed(lowered(LIMITS, { rename: { perCycle } }, approved).limits, 'rename', 'cycle', 1000);

  it('is that many workers, even where the share would be fewer or more', () => {
    expect(set({ count: 3 }, true)).toBe(3);
    expect(set({ count: 40 }, true)).toBe(40);
    expect(set({ count: 40 }, false)).toBe(10);
  });

  it('by a share is never less than the standard row', () => {
    expect(set({ percent: 2 }, true)).toBe(20);
    expect(set({ percent: 0.5 }, true)).toBe(5);
  });

  it('by nothing is not raised', () => {
    const { limits, notes } = lowered(LIMITS, { rename: { perCycle: {} }, delete: {} }, true);
    expect(limits).toEqual(LIMITS);
    expect(notes).toEqual([]);
  });
});

describe('what is held of a feed', () => {
  const [sealed] = sealItems([{ part: 'rows', name: '', before: 100, now: 10, reason: 'short' }], {
    content: 'c',
    mapping: 'm',
    sha256,
  });
  const bound = { content: 'c', mapping: 'm', sha256 };

  it('is nobody’s, and what is held of workers is theirs', () => {
    if (sealed === undefined) throw new Error('one item');
    expect([...heldWorkers([{ items: [sealed] }])]).toEqual([]);
    const items = many('rename', 2).flatMap(({ harms }) => harms.map((harm) => ({ digest: harm.workerKey, harm })));
    expect([...heldWorkers([{ items: [sealed] }, { items }])]).toEqual(['w1', 'w2']);
  });

  it('is told with its numbers, and under its name where it has one', () => {
    expect(sealed?.harm).toEqual({
      kind: 'feed',
      workerKey: '',
      target: null,
      operation: 'short',
      attribute: null,
      before: '100',
      after: '10',
    });
    const [named] = sealItems([{ part: 'blanks', name: 'Title', before: 1, now: 9, reason: 'blank' }], bound);
    expect(named?.harm.attribute).toBe('Title');
  });

  it('is another item for another content, mapping, part, name or number', () => {
    const base = { part: 'rows' as const, name: '', before: 100, now: 10, reason: 'short' };
    const digest = (more: object, to: object = {}) => sealItems([{ ...base, ...more }], { ...bound, ...to })[0]?.digest;
    const all = [
      digest({}),
      digest({ part: 'keys' }),
      digest({ name: 'x' }),
      digest({ before: 99 }),
      digest({ now: 11 }),
      digest({}, { content: 'd' }),
      digest({}, { mapping: 'n' }),
    ];
    expect(new Set(all).size).toBe(7);
    expect(digest({ reason: 'other words' })).toBe(all[0]);
  });

  it('lets no more leavers be believed than the standard row, and less where the file says less', () => {
    const raised = lowered(LIMITS, { explicitLeaver: { perCycle: { count: 500 } } }, true).limits;
    expect(limitsUnderSeal(raised).explicitLeaver).toEqual(LIMITS.explicitLeaver);
    expect(limitsUnderSeal({ ...raised, rename: { ...LIMITS.rename, halved: true } }).rename.halved).toBe(true);
    const less = lowered(LIMITS, { explicitLeaver: { perCycle: { count: 1 } } }, true).limits;
    expect(limitsUnderSeal(less)).toBe(less);
    expect(limitsUnderSeal(LIMITS)).toBe(LIMITS);
  });

  it('says how many keys are those of other people', () => {
    const shape = { rows: 100, blanks: {}, statuses: {}, departments: {} };
    const why = (strangers: number, missing: number) =>
      sealBreaks(shape, shape, { before: 100, missing, strangers })[0]?.reason;
    expect(why(20, 0)).toBe(
      '80 of 100 keys of the last good delivery are in this one as they were (20 have another name, another start or a new last day): fewer than 90 %',
    );
    expect(why(0, 20)).toBe('80 of 100 keys of the last good delivery are in this one: fewer than 90 %');
  });
});

describe('the dictionary of marks', () => {
  it('counts rows that no number is left for as rows that nobody could read', () => {
    const words = Array.from({ length: 65_536 }, (_, index): MarkWords => [`s${index}`, '']);
    const marks = new FeedMarks([['', ''], ...words.slice(1)]);
    expect(marks.numberOf('new', 'Sales', [])).toBe(0);
    expect(marks.numberOf('s7', 'Sales', [])).toBe(7);
    expect(marks.grown).toBe(false);
  });

  it('forgets the blanks of a column that is not mapped any more', () => {
    const marks = new FeedMarks([]);
    const number = marks.numberOf('A', 'Sales', ['Title', 'Old']);
    const shape = marks.shape(3, new Map([[number, 3]]), ['Title', 'Manager']);
    expect({ ...shape.blanks }).toEqual({ Title: 3, Manager: 0 });
    expect([{ ...shape.statuses }, { ...shape.departments }]).toEqual([{ A: 3 }, { Sales: 3 }]);
  });
});

describe('an account that lacks what would tell the person', () => {
  it('is not theirs for it', () => {
    const wanted = desired({ attributes: { displayName: 'undefined' } });
    const found = listed({ externalId: null, resource: {} });
    expect(notAdoptable({ ownedElsewhere: new Set(), foundBy: 'userName' }, wanted, found)?.code).toBe('weak-match');
  });
});
