import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/base/json.ts';
import { type Given, withGiven } from '../../src/worker/given.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { anEmployment } from '../support/people.ts';

const SOURCES = ['badges', 'phones'];
const values = fc.dictionary(fc.constantFrom('desk', 'phone'), fc.constantFrom('', '1', '2'), { maxKeys: 2 });
/** Null: the source says nothing of it, as when a row is missing or a file cannot be read. */
const says = fc.option(values, { nil: null });
const look = fc.record({ badges: says, phones: says });

test('what a source said last stands until it says something else, and says nothing of other members', () => {
  const met = { kept: 0, blanked: 0, changed: 0, silent: 0 };
  fc.assert(
    fc.property(fc.array(look, { minLength: 1, maxLength: 8 }), fc.boolean(), (looks, readAnew) => {
      let onFile: readonly Employment[] = [JSON.parse(canonicalJson(anEmployment({ id: '1' }) as never)) as Employment];
      const last: Record<string, Given[string] | undefined> = {};
      for (const one of looks) {
        const now = Object.fromEntries(Object.entries(one).filter(([, said]) => said !== null)) as Given;
        // A new observation of the first source knows nothing of what others said.
        const seen = readAnew ? onFile.map(({ given: _, ...rest }) => rest) : onFile;
        const after = withGiven(onFile, seen, Object.keys(now).length === 0 ? undefined : new Map([['1', now]]));
        for (const source of SOURCES) {
          const before = last[source];
          if (now[source] === undefined) met[before === undefined ? 'silent' : 'kept'] += 1;
          else {
            if (before !== undefined && Object.keys(now[source]).length < Object.keys(before).length) met.blanked += 1;
            if (before !== undefined && canonicalJson(before) !== canonicalJson(now[source])) met.changed += 1;
            last[source] = now[source];
          }
          expect(after[0]?.given?.[source]).toEqual(last[source]);
        }
        const { given: _, ...facts } = after[0] as Employment;
        const { given: __, ...before } = onFile[0] as Employment;
        expect(facts).toEqual(before);
        // Members in the order of canonical JSON: equal facts are equal texts.
        expect(JSON.stringify(after[0])).toBe(canonicalJson(after[0] as never));
        // Again with the same words: the very same list.
        expect(withGiven(after, after, Object.keys(now).length === 0 ? undefined : new Map([['1', now]]))).toBe(after);
        onFile = after;
      }
    }),
    { numRuns: 300 },
  );
  for (const [what, count] of Object.entries(met)) expect([what, count > 20]).toEqual([what, true]);
});
