import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type Planned, PlannedSpool } from '../../src/pipeline/planned-spool.ts';
import type { Harm } from '../../src/planning/harm.ts';
import type { WorkerPlan } from '../../src/planning/plan-worker.ts';
import { changeOf, fingerprintsIn } from '../../src/store/store.ts';
import { aChange, anEmployment } from '../support/changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-planned-'));
afterAll(() => rmSync(folder, { recursive: true }));

const harmTo = (workerKey: string, after: string): Harm => ({
  kind: 'explicitLeaver',
  workerKey,
  target: null,
  operation: 'disable',
  attribute: null,
  before: 'active',
  after,
});

/** What may differ between two planned workers beside their change. */
const kinds = fc.record({
  changes: fc.boolean(),
  harmed: fc.option(fc.string({ maxLength: 5 }), { nil: null, freq: 1 }),
  observesMore: fc.boolean(),
  refused: fc.boolean(),
  digest: fc.stringMatching(/^[0-9a-f]{32}$/),
});

const planned = fc.tuple(fc.nat({ max: 1_000_000 }), kinds).map(([number, kind]): Planned => {
  const key = `w${number}`;
  const own = anEmployment(key);
  const change = kind.changes ? aChange(key, { employments: [own] }) : null;
  const plan: WorkerPlan = {
    key,
    change,
    harms: kind.harmed === null ? [] : [harmTo(key, kind.harmed)],
    transitions: change === null ? [] : ['joiner'],
    refusals: kind.refused ? [{ code: 'sticky', reason: `for ${key}` }] : [],
    alerts: [],
    blocked: kind.refused,
    from: 'expected',
    to: 'active',
    targets: [{ target: 'idp', changes: [] }],
  };
  const employments = kind.observesMore ? [own, anEmployment(`${key}-b`)] : [own];
  return { plan, observed: { key, employments, fingerprints: [{ employmentId: key, digests: [kind.digest] }] } };
});

test('a planned worker comes back as it was put, whether others look the same or not, and is stored as it was planned', () => {
  const mix = { shared: 0, own: 0, withoutChange: 0, more: 0 };
  fc.assert(
    fc.property(fc.array(planned, { minLength: 10, maxLength: 40 }), (all) => {
      using spool = new PlannedSpool(folder);
      const slots = all.map((one) => spool.add(one));
      for (const [index, one] of all.entries()) {
        const { plan, observed } = one;
        const slot = slots[index] ?? -1;
        expect(spool.get(plan.key, slot)).toEqual(one);
        expect(spool.hasChange(slot)).toBe(plan.change !== null);
        const storable = spool.storable(plan.key, slot);
        const { harms, transitions, refusals } = plan;
        expect(storable).toMatchObject({ key: plan.key, harms, transitions, refusals });
        expect(storable.change === null ? null : changeOf(storable.change)).toEqual(plan.change);
        // What a row is known by is stored once: with the change, or by itself.
        const stored = [...(storable.change === null ? [] : fingerprintsIn(storable.change)), ...storable.fingerprints];
        expect(stored).toEqual(observed.fingerprints);
        mix[harms.length + refusals.length > 0 ? 'own' : 'shared'] += 1;
        if (plan.change === null) mix.withoutChange += 1;
        if (observed.employments.length > 1) mix.more += 1;
      }
    }),
    { numRuns: 60 },
  );
  for (const count of Object.values(mix)) expect(count).toBeGreaterThan(30);
});

test('where nobody is like anybody else the heads wait in the file, and come back all the same', () => {
  using spool = new PlannedSpool(folder);
  const many = Array.from({ length: 1_500 }, (_, index): Planned => {
    const key = `w${index}`;
    const plan: WorkerPlan = {
      key,
      change: null,
      harms: [harmTo(key, 'left')],
      transitions: [],
      refusals: [],
      alerts: [],
      blocked: false,
      from: 'active',
      to: 'active',
      targets: [],
    };
    return { plan, observed: { key, employments: [anEmployment(key)], fingerprints: [] } };
  });
  const slots = many.map((one) => spool.add(one));
  for (const [index, one] of many.entries()) expect(spool.get(one.plan.key, slots[index] ?? -1)).toEqual(one);
});

test('the changes of some are packed in the order in which they are asked for', () => {
  using spool = new PlannedSpool(folder);
  const slots = ['a', 'b', 'c'].map((key) => {
    const plan: WorkerPlan = {
      key,
      change: aChange(key),
      harms: [],
      transitions: ['joiner'],
      refusals: [],
      alerts: [],
      blocked: false,
      from: 'expected',
      to: 'active',
      targets: [],
    };
    return spool.add({ plan, observed: { key, employments: [], fingerprints: [] } });
  });
  const { bytes, lengths } = spool.packed([slots[2] ?? -1, slots[0] ?? -1]);
  const text = Buffer.from(bytes).toString('utf8');
  const [first = 0] = lengths;
  expect(changeOf(text.slice(0, first) as never).key).toBe('c');
  expect(changeOf(text.slice(first) as never).key).toBe('a');
});
