import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slug } from '../../src/mapping/slug.ts';
import { CANDIDATES_MAX, UniqueName, USER_NAME_MAX, userNameCandidates } from '../../src/mapping/user-name.ts';
import { CaseMix } from '../support/case-mix.ts';

describe('slug', () => {
  it.each([
    ['Zoë', 'zoe'],
    ['O’Brien-Łukasik', 'obrien-lukasik'],
    ['Anna Maria', 'anna-maria'],
    ['  van  der Berg ', 'van-der-berg'],
    ['Strauß', 'strauss'],
    ['Øystein Æsir', 'oystein-aesir'],
    ['İlker Işık', 'ilker-isik'],
    ['Đặng Þór', 'dang-thor'],
    ['Иванов', 'ivanov'],
    ['e\u0301clair', 'eclair'],
    ['a..b', 'a.b'],
    ['.a.', 'a'],
    ['a.-b', 'a.b'],
    ['a - b', 'a-b'],
    ['a_b/c', 'a-b-c'],
    ['', ''],
    ['…', ''],
    ["D'Arcy, Jr.", 'darcy-jr'],
  ])('of %j is %j', (text, expected) => {
    expect(slug(text)).toBe(expected);
  });

  it('has letters, digits and single joints only, whatever is written', () => {
    const mix = new CaseMix(['something is left', 'beyond ASCII']);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        const result = slug(text);
        expect(result).toMatch(/^(?:[a-z0-9](?:[.-]?[a-z0-9])*)?$/);
        expect(slug(result)).toBe(result);
        mix.count('something is left', result !== '');
        mix.count('beyond ASCII', /[^\x20-\x7e]/.test(text));
      }),
      { numRuns: 500 },
    );
    mix.expectEach(50);
  });
});

describe('the names of one worker', () => {
  const names = (stems: readonly string[], suffix = '@example.com', id = '000104') =>
    userNameCandidates(new UniqueName(stems, suffix), id).slice();

  it('are the stem, then the stem with 2, 3, 4 and so on, and last the one made of the id', () => {
    const all = names(['zoe.okafor']);
    expect(all.slice(0, 4)).toEqual([
      'zoe.okafor@example.com',
      'zoe.okafor2@example.com',
      'zoe.okafor3@example.com',
      'zoe.okafor4@example.com',
    ]);
    expect(all).toHaveLength(CANDIDATES_MAX + 1);
    expect(all.at(-1)).toBe('w000104@example.com');
  });

  it('take every stem before any number', () => {
    expect(names(['zoe.okafor', 'z.okafor']).slice(0, 4)).toEqual([
      'zoe.okafor@example.com',
      'z.okafor@example.com',
      'zoe.okafor2@example.com',
      'z.okafor2@example.com',
    ]);
  });

  it.each([
    [['.okafor'], 'okafor@example.com'],
    [['zoe.'], 'zoe@example.com'],
    [['.'], 'w000104@example.com'],
    [[], 'w000104@example.com'],
    [['', ' ', 'b'], 'b@example.com'],
  ])('drop empty parts with their dot: %j begins with %s', (stems, first) => {
    expect(names(stems)[0]).toBe(first);
  });

  it('do not meet where a stem looks like another with a number', () => {
    const all = names(['anna2', 'anna']);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toContain('anna2@example.com');
    expect(all).toContain('anna3@example.com');
  });

  it('are distinct, at most 64 characters and well formed for any stems in any script', () => {
    const mix = new CaseMix([
      'cut to fit',
      'nothing left of any stem',
      'several stems',
      'beyond ASCII',
      'ends in a digit',
    ]);
    const word = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 90 }),
      fc.stringMatching(/^[a-z]{1,4}\d{0,2}$/),
      fc.constantFrom('', '.', '漢字', 'محمد', 'Łukasik', 'w', 'w1', '1'.repeat(80)),
    );
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 4 }),
        fc.constantFrom('', '@example.com', '@a-rather-long-domain-name.example.com'),
        fc.oneof(fc.stringMatching(/^\d{1,9}$/), fc.string({ minLength: 1, maxLength: 80 })),
        (stems, suffix, id) => {
          const all = names(stems, suffix, id);
          expect(new Set(all).size).toBe(all.length);
          expect(all.length).toBeGreaterThanOrEqual(CANDIDATES_MAX);
          for (const name of all) {
            expect(name.length).toBeLessThanOrEqual(USER_NAME_MAX);
            expect(name.endsWith(suffix)).toBe(true);
            expect(name.slice(0, name.length - suffix.length)).toMatch(/^[a-z0-9](?:[.-]?[a-z0-9])*$/);
          }
          const slugs = stems.map(slug);
          mix.count(
            'cut to fit',
            slugs.some((stem) => stem.length + suffix.length > USER_NAME_MAX),
          );
          mix.count(
            'nothing left of any stem',
            slugs.every((stem) => stem === ''),
          );
          mix.count('several stems', new Set(slugs.filter((stem) => stem !== '')).size > 1);
          mix.count(
            'beyond ASCII',
            stems.some((stem) => /[^\x20-\x7e]/.test(stem)),
          );
          mix.count(
            'ends in a digit',
            slugs.some((stem) => /\d$/.test(stem)),
          );
        },
      ),
      { numRuns: 500 },
    );
    mix.expectEach(10);
  });
});
