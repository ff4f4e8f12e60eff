// What further sources say of an employment, beside what the first one says.
import type { AttributeValue, Employment } from './worker.ts';

/** By source: what it says now of an employment. A source that says nothing of it is left out. */
export type Given = Readonly<Record<string, Readonly<Record<string, AttributeValue>>>>;

/**
 * The employments with what further sources say now. Where one says nothing, what it said last stands: a missing row is never a
 * blank. The very same list where nothing differs.
 *
 * @param known what is on file; an observation of the first source knows nothing of further ones.
 * @param now by employment id.
 */
export function withGiven(
  known: readonly Employment[],
  employments: readonly Employment[],
  now: ReadonlyMap<string, Given> | undefined,
): readonly Employment[] {
  let result = employments;
  for (const [index, employment] of employments.entries()) {
    const before = known.find(({ id }) => id === employment.id)?.given;
    const fresh = now?.get(employment.id);
    if (before === undefined && fresh === undefined) continue;
    const given = sorted({ ...before, ...fresh });
    if (JSON.stringify(given) === JSON.stringify(employment.given)) continue;
    result = result.with(index, withMember(employment, given));
  }
  return result;
}

/** Members in the order of canonical JSON, so that equal values are equal texts. */
const sorted = (given: Given): Given =>
  Object.fromEntries(
    Object.entries(given)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([source, values]) => [
        source,
        Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ]),
  );

function withMember(employment: Employment, given: Given): Employment {
  const { absent, asOf, attributes, endDate, endsNow, id, given: _, ...rest } = employment;
  return {
    ...(absent === undefined ? {} : { absent }),
    asOf,
    attributes,
    endDate,
    endsNow,
    given,
    id,
    ...rest,
  };
}
