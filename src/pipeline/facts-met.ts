// Where workers and further sources meet: what each source says of the workers that are planned.
import type { Situation } from '../planning/changeset.ts';
import type { PlanRules } from '../planning/plan-worker.ts';
import { inForceAt } from '../worker/dated-rows.ts';
import type { Given } from '../worker/given.ts';
import type { Employment } from '../worker/worker.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import type { House } from './house.ts';
import type { Observed } from './planned-spool.ts';

/** The situations with what further sources say of each employment, on file or observed. Whatever they do not know is left out. */
export async function withFacts(
  house: House,
  plan: { readonly rules: Pick<PlanRules, 'mapping' | 'now'>; readonly overlay: FactsOverlay | null },
  situations: ReadonlyMap<string, Situation>,
  observed: readonly Observed[],
  nobody: (key: string) => Situation,
): Promise<ReadonlyMap<string, Situation>> {
  const { also, connection } = plan.rules.mapping;
  if (also.length === 0) return situations;
  const employments = new Map<string, readonly Employment[]>(
    observed.map((one) => [one.key, [...(situations.get(one.key)?.employments ?? []), ...one.employments]]),
  );
  const given = new Map<string, Map<string, Given>>();
  for (const join of also) {
    const wanted = new Map<string, { readonly worker: string; readonly id: string }[]>();
    for (const [worker, list] of employments) {
      // Of one employment the observation stands last, and is what counts.
      for (const [id, employment] of new Map(list.map((one) => [one.id, one]))) {
        const key = join.joinKey(inForceAt(employment, plan.rules.now));
        if (key !== '') wanted.set(key, [...(wanted.get(key) ?? []), { worker, id }]);
      }
    }
    const facts = await house.store.facts(connection, join.name, [...wanted.keys()]);
    for (const [key, whose] of wanted) {
      const values = plan.overlay?.get(join.name, key) ?? facts.get(key);
      if (values === undefined) continue;
      for (const { worker, id } of whose) {
        const all = given.get(worker) ?? new Map<string, Given>();
        given.set(worker, all.set(id, { ...all.get(id), [join.name]: values }));
      }
    }
  }
  const result = new Map(situations);
  for (const [key, values] of given) result.set(key, { ...(situations.get(key) ?? nobody(key)), given: values });
  return result;
}
