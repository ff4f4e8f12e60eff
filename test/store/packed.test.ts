// What a large plan stores reaches the store as packed bytes: it must end as the very same rows as values do.

import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import type { FingerprintChange, WorkerChange } from '../../src/planning/changeset.ts';
import { Shelf } from '../../src/runtime/shelf.ts';
import { Spool } from '../../src/runtime/spool.ts';
import { changeOf, changeText, fingerprintsIn } from '../../src/store/store.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { aChange, aDecision, anEmployment, heldStore, NOON, tempFolder, WAYS } from '../support/store.ts';

interface Planned {
  readonly change: WorkerChange;
  readonly fingerprints: readonly FingerprintChange[];
}

/** Everything but the salts and what they lead to: a thread draws its own. */
const ROWS = [
  ...['workers', 'employments', 'accounts', 'operations', 'fingerprints', 'reserved_names'].map(
    (table) => `* FROM ${table}`,
  ),
  "seq, worker, json_remove(body, '$.personal') FROM entries",
  'seq, body FROM personal',
];

function rowsIn(dir: string): unknown {
  const database = new BetterSqlite3(join(dir, 'rollcall.db'), { readonly: true });
  try {
    return ROWS.map((from) => database.prepare(`SELECT ${from} ORDER BY 1, 2`).all());
  } finally {
    database.close();
  }
}

function packed(dir: string, plans: readonly Planned[]) {
  using spool = new Spool(dir);
  const slots = plans.map(({ change, fingerprints }) => spool.add(changeText(change, fingerprints)));
  return spool.packed(slots, new Shelf());
}

const words = fc.string({ unit: 'grapheme', maxLength: 12 });
const planned = (key: string): fc.Arbitrary<Planned> =>
  fc
    .record({
      attributes: fc.dictionary(words, words, { maxKeys: 3 }),
      personal: fc.constantFrom('employments', 'both', 'others', 'none'),
      digests: fc.uniqueArray(fc.stringMatching(/^[0-9a-f]{32}$/), { maxLength: 2 }),
      name: words,
    })
    .map(({ attributes, personal, digests, name }) => {
      const employments: readonly Employment[] = [anEmployment(key, { attributes })];
      const told = employments as unknown as readonly JsonObject[];
      const more = {
        employments: { employments: told },
        both: { changes: [{ path: name }], employments: told },
        others: { name },
        none: undefined,
      }[personal];
      const { personal: _, ...entry } = aDecision(key);
      const change = aChange(key, {
        employments,
        entries: [more === undefined ? entry : { ...entry, personal: more }],
      });
      const sorted = digests.toSorted();
      const fingerprints = [{ employmentId: key, digests: sorted, marks: sorted.map((_, index) => index + 1) }];
      return { change, fingerprints };
    });

const plans = fc.tuple(...Array.from({ length: 30 }, (_, index) => planned(`w${index}`)));

describe.each(WAYS)('packed changes, %s', (_, way) => {
  it('are stored as the very rows that values become, audit and fingerprints included', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (all) => {
        const [one, other] = [tempFolder(), tempFolder()];
        const asBytes = await heldStore(one, way);
        const asValues = await heldStore(other, way);
        const context = { connection: 'acme', at: NOON, fingerprintContext: 'context' };
        await asBytes.store.commit({ ...context, packed: packed(one, all) });
        await asValues.store.commit({
          ...context,
          workers: all.map(({ change }) => change),
          fingerprints: all.flatMap(({ fingerprints }) => fingerprints),
        });
        expect(rowsIn(one)).toEqual(rowsIn(other));
        expect(await asBytes.store.audit.verify()).toMatchObject({ ok: true, entries: 30 });
        const known = await asBytes.store.knownRows('acme', 'context');
        for (const { fingerprints } of all) {
          for (const { employmentId, digests } of fingerprints)
            expect(known.indexesOf(employmentId)).toHaveLength(digests.length);
        }
      }),
      { numRuns: 3 },
    );
  });

  it('are refused whole where one of them meets a newer revision, and name the worker', async () => {
    const { dir, store } = await heldStore(undefined, way);
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('2')] });
    const all = ['1', '2', '3'].map((key) => ({ change: aChange(key), fingerprints: [] }));
    expect(await store.commit({ connection: 'acme', at: NOON, packed: packed(dir, all) })).toMatchObject({
      kind: 'conflict',
      workers: ['2'],
    });
    expect((await store.situations('acme', ['1', '3'])).size).toBe(0);
  });

  it('stand beside changes that come as values in one commit', async () => {
    const { dir, store } = await heldStore(undefined, way);
    const bytes = packed(dir, [{ change: aChange('1'), fingerprints: [] }]);
    const result = await store.commit({ connection: 'acme', at: NOON, workers: [aChange('2')], packed: bytes });
    expect(result).toMatchObject({ kind: 'applied', operationIds: [1, 2] });
    expect([...(await store.situations('acme', ['1', '2'])).keys()].sort()).toEqual(['1', '2']);
  });
});

it('a text gives back the change and the fingerprints that it was made of', () => {
  const seen = { withFingerprints: 0, without: 0 };
  fc.assert(
    fc.property(planned('w'), ({ change, fingerprints }) => {
      const text = changeText(change, fingerprints);
      expect(changeOf(text)).toEqual(change);
      expect(fingerprintsIn(text)).toEqual(fingerprints);
      expect(fingerprintsIn(changeText(change))).toEqual([]);
      seen[fingerprints[0]?.digests.length === 0 ? 'without' : 'withFingerprints'] += 1;
    }),
  );
  expect(seen.withFingerprints).toBeGreaterThan(10);
  expect(seen.without).toBeGreaterThan(2);
});
