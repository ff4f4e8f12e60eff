import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knownTableBuilder } from '../../src/store/known-rows.ts';
import type { Store } from '../../src/store/store.ts';
import { CaseMix } from '../support/case-mix.ts';
import { aChange, heldStore, NOON } from '../support/store.ts';

const digest = (row: string) => hash('sha256', row, 'hex').slice(0, 32);
const bytes = (row: string) => Buffer.from(digest(row), 'hex');

function store(held: Store, context: string | undefined, rows: Readonly<Record<string, readonly string[]>>) {
  const fingerprints = Object.entries(rows).map(([employmentId, of]) => ({
    employmentId,
    digests: of.map(digest).sort(),
  }));
  return held.commit({
    connection: 'acme',
    at: NOON,
    fingerprints,
    ...(context === undefined ? {} : { fingerprintContext: context }),
  });
}

const people = (keys: readonly string[], connection = 'acme') => ({
  connection,
  at: NOON,
  workers: keys.map((key) => aChange(key, { operations: [], accounts: [] })),
});

async function unseen(held: Store, context: string, seenRows: readonly string[]): Promise<readonly string[]> {
  const known = await held.knownRows('acme', context);
  const seen = new Uint8Array(Math.ceil(known.size / 8));
  for (const row of seenRows) {
    const index = known.indexOf(bytes(row));
    seen[index >> 3] = (seen[index >> 3] ?? 0) | (1 << (index & 7));
  }
  const found: string[] = [];
  for await (const ids of held.unseenEmployments('acme', known, seen)) found.push(...ids);
  return found.sort();
}

describe('known rows', () => {
  it('are found by their digest, with the employment they led to and its other rows', async () => {
    const { store: held } = await heldStore();
    await held.commit(people(['1', '2', '3']));
    await store(held, 'one', { 1: ['a'], 2: ['b', 'c'] });
    const known = await held.knownRows('acme', 'one');
    expect(known.size).toBe(3);
    expect(known.employmentIdAt(known.indexOf(bytes('a')))).toBe('1');
    expect(known.employmentIdAt(known.indexOf(bytes('c')))).toBe('2');
    expect(known.indexOf(bytes('d'))).toBe(-1);
    expect([...known.indexesOf('2')].sort()).toEqual([known.indexOf(bytes('b')), known.indexOf(bytes('c'))].sort());
    expect(known.indexesOf('3')).toEqual([]);
    expect(known.indexesOf('nobody')).toEqual([]);
  });

  it('are replaced and forgotten by employment', async () => {
    const { store: held } = await heldStore();
    await held.commit(people(['1', '2']));
    await store(held, 'one', { 1: ['a'], 2: ['b'] });
    await store(held, undefined, { 1: ['x'], 2: [] });
    const known = await held.knownRows('acme', 'one');
    expect(['a', 'b', 'x'].map((row) => known.indexOf(bytes(row)) >= 0)).toEqual([false, false, true]);
  });

  it('of another context are unusable from the first commit under the new one on, also when the old one comes back', async () => {
    const { store: held } = await heldStore();
    await held.commit(people(['1', '2']));
    await store(held, 'one', { 1: ['a'], 2: ['b'] });
    expect((await held.knownRows('acme', 'two')).size).toBe(0);
    await store(held, 'two', { 1: ['a'] });
    expect((await held.knownRows('acme', 'one')).size).toBe(0);
    expect((await held.knownRows('acme', 'two')).size).toBe(1);
    await store(held, 'one', {});
    expect((await held.knownRows('acme', 'one')).size).toBe(0);
    expect((await held.knownRows('acme', 'two')).size).toBe(0);
  });

  it('of one connection are no business of another', async () => {
    const { store: held } = await heldStore();
    await held.commit(people(['1']));
    await held.commit(people(['1'], 'other'));
    await store(held, 'one', { 1: ['a'] });
    expect((await held.knownRows('other', 'one')).size).toBe(0);
    expect((await held.knownRows('never', 'one')).size).toBe(0);
  });

  it('tell which employments did not come again, among them those without a fingerprint', async () => {
    const { store: held } = await heldStore();
    await held.commit(people(['1', '2', '3', '4']));
    await store(held, 'one', { 1: ['a'], 2: ['b', 'c'], 3: ['d'] });
    expect(await unseen(held, 'one', ['a', 'c'])).toEqual(['3', '4']);
    await store(held, undefined, { 4: ['e'] });
    expect(await unseen(held, 'one', ['a', 'b', 'd', 'e'])).toEqual([]);
    expect(await unseen(held, 'two', [])).toEqual(['1', '2', '3', '4']);
    const all: string[] = [];
    for await (const ids of held.allEmploymentIds('acme')) all.push(...ids);
    expect(all).toEqual(['1', '2', '3', '4']);
  });

  it('of more employments than one page holds are all there', async () => {
    const { store: held } = await heldStore(undefined, 'memory');
    const keys = Array.from({ length: 5_200 }, (_, index) => `w${index}`);
    for (let from = 0; from < keys.length; from += 400) {
      const slice = keys.slice(from, from + 400);
      await held.commit(people(slice));
      await store(
        held,
        'one',
        Object.fromEntries(slice.map((key) => [key, [key, `${key}'`].slice(0, 1 + (from % 800) / 400)])),
      );
    }
    const known = await held.knownRows('acme', 'one');
    expect(known.size).toBe(5_200 + 2_400);
    for (const key of ['w0', 'w4999', 'w5000', 'w5199'])
      expect(known.employmentIdAt(known.indexOf(bytes(key)))).toBe(key);
    expect(known.employmentIdAt(known.indexOf(bytes(`w400'`)))).toBe('w400');
  });

  it('are found again, every one and no other, whatever the digests', () => {
    const mix = new CaseMix(['same first bytes', 'several rows', 'stranger', 'unseen']);
    // Few different first bytes, so that slots collide.
    const row = fc.tuple(fc.nat(3), fc.nat(100_000)).map(([first, rest]) => {
      const own = new Uint8Array(16);
      new DataView(own.buffer).setUint32(0, first);
      new DataView(own.buffer).setUint32(12, rest);
      return own;
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(row, { selector: (own) => own.join(), minLength: 1, maxLength: 200 }),
        fc.array(row, { maxLength: 20 }),
        fc.nat(4),
        fc.infiniteStream(fc.boolean()),
        (rows, strangers, width, marks) => {
          const builder = knownTableBuilder(0);
          const units: Uint8Array[][] = [];
          for (let from = 0; from < rows.length; from += width + 1) units.push(rows.slice(from, from + width + 1));
          units.forEach((unit, index) => {
            const marks = Buffer.concat(unit.map((own) => own.subarray(14)));
            builder.add(index * 3 + 1, Buffer.concat(unit), marks);
          });
          const table = builder.build();
          expect(table.size).toBe(rows.length);
          expect(table.employmentCount).toBe(units.length);
          units.forEach((unit, index) => {
            const [first, end] = table.rangeOf(index * 3 + 1);
            expect(unit.map((own) => table.indexOf(own))).toEqual(unit.map((_, offset) => first + offset));
            expect(end - first).toBe(unit.length);
            expect(unit.map((own) => table.markAt(table.indexOf(own)))).toEqual(
              unit.map((own) => (own[14] as number) + 256 * (own[15] as number)),
            );
            expect(unit.map((own) => table.employmentAt(table.indexOf(own)))).toEqual(unit.map(() => index * 3 + 1));
            expect([table.hasEmployment(index * 3 + 1), table.hasEmployment(index * 3 + 2)]).toEqual([true, false]);
            mix.count('several rows', unit.length > 1);
          });
          const known = new Set(rows.map((own) => own.join()));
          for (const stranger of strangers) {
            if (known.has(stranger.join())) continue;
            mix.count('stranger', true);
            expect(table.indexOf(stranger)).toBe(-1);
          }
          mix.count('same first bytes', new Set(rows.map((own) => own[3])).size < rows.length);
          const seen = new Uint8Array(Math.ceil(table.size / 8));
          const seenUnits = new Set<number>();
          rows.forEach((own, index) => {
            if (!marks.next().value) return;
            seen[index >> 3] = (seen[index >> 3] ?? 0) | (1 << (index & 7));
            seenUnits.add(table.employmentAt(table.indexOf(own)));
          });
          const expected = units.map((_, index) => index * 3 + 1).filter((employment) => !seenUnits.has(employment));
          expect([...table.unseenEmployments(seen, 3)].flat()).toEqual(expected);
          mix.count('unseen', expected.length > 0);
        },
      ),
    );
    mix.expectEach(10);
  });
});
