// Why a worker stands where they stand, as scripts read it.
import type { Explanation } from '../pipeline/explain.ts';
import type { Entry } from '../store/store.ts';

/** Decisions and answers of the story that is told; `worker` tells all of it. */
const STORY_MAX = 25;

/** `values`: with every expression of the mapping and what it gave, which are personal. */
export function explanationJson(explanation: Explanation, values: boolean): object {
  const { worker, connection, situation, because, mapping, entries, attributes, targets } = explanation;
  return {
    worker,
    connection,
    stage: situation.standing.stage,
    delivery: situation.standing.delivery,
    because,
    mapping,
    story: story(entries).map(({ personal: _, ...entry }) => entry),
    groups: targets.map(({ target, trace }) => ({ target, rules: trace.groups })),
    ...(values
      ? { facts: attributes, values: targets.map(({ target, trace }) => ({ target, values: trace.values })) }
      : {}),
  };
}

/** What was decided and how it ended; requests and what they answered are in `worker`. */
const STORY: ReadonlySet<string> = new Set([
  'decision',
  'result',
  'answer',
  'act',
  'superseded',
  'found-active',
  'suspected',
  'alarm',
]);
export const story = (entries: readonly Entry[]): readonly Entry[] =>
  entries
    .filter(({ kind, body }) => STORY.has(kind) && (kind !== 'answer' || body.state !== undefined))
    .slice(-STORY_MAX);
