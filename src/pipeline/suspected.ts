// Who is missing from a snapshot. Absence is a suspicion to show; only distinct deliveries far enough apart turn it into an
// observation ("HR no longer holds the record"), which then meets the guard like any other.
import type { Instant } from '../base/instant.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import { AT_WORK } from '../lifecycle/standing.ts';
import { missedAgain, provenBy, type Sighting, type Suspicion } from '../lifecycle/suspicion.ts';
import { isOver, truthOf } from '../lifecycle/truth.ts';
import type { Situation, WorkerChange } from '../planning/changeset.ts';
import { type Absence, type Employment, withObservation } from '../worker/worker.ts';
import { breathe, type House } from './house.ts';
import { type Plan, planWorkers } from './plan.ts';
import type { Observed } from './planned-spool.ts';

/** Workers looked up at once. */
const BATCH = 500;

/** What a delivery proves of those it misses. */
export interface Missing {
  readonly sighting: Sighting;
  /** By worker: all of whom nothing that the delivery holds keeps where they stand. */
  readonly suspects: ReadonlyMap<string, Suspect>;
}

interface Suspect {
  readonly before: Suspicion | null;
  readonly absent: readonly string[];
}

/** Whether the absence of these employments would change where the worker stands, now or on a day to come. */
function matters(
  { standing }: Situation,
  employments: readonly Employment[],
  gone: ReadonlySet<string>,
  now: Instant,
  policy: LifecyclePolicy,
): boolean {
  const { stage } = standing;
  if (stage === 'left' || stage === 'purged') {
    return employments.some((one) => gone.has(one.id) && !isOver(one, now, policy));
  }
  const there = employments.filter(({ id }) => !gone.has(id));
  if (there.length === 0) return true;
  const truth = truthOf(standing, there, now, policy);
  return AT_WORK.has(stage) ? !AT_WORK.has(truth.stage) : truth.stage === 'left';
}

/**
 * Finds whom the delivery misses. Of whom enough deliveries say so it plans what follows: their employments are not there any
 * more. Stores nothing.
 */
export async function lookForAbsent(
  house: House,
  plan: Plan,
  absent: readonly string[],
  sighting: Sighting,
): Promise<Missing> {
  const { mapping, policy, now } = plan.rules;
  const gone = new Set(absent);
  const seen = new Set<string>();
  const suspects = new Map<string, Suspect>();
  for (let from = 0; from < absent.length; from += BATCH) {
    const proven: Observed[] = [];
    const owners = await house.store.workerKeysOf(mapping.connection, absent.slice(from, from + BATCH));
    // The employments of one person may stand far apart: the first one that comes up brings the person.
    const keys = [...new Set(owners.values())].filter((key) => !seen.has(key));
    for (const key of keys) seen.add(key);
    const situations = await house.store.situations(mapping.connection, keys);
    for (const situation of situations.values()) {
      const { key, suspicion } = situation;
      const planned = plan.has(key) ? (plan.get(key)?.observed ?? null) : null;
      const employments = withObservation(situation.employments, planned?.employments ?? []);
      if (!matters(situation, employments, gone, now, policy)) continue;
      const missing = employments.filter(({ id }) => gone.has(id));
      suspects.set(key, { before: suspicion, absent: missing.map(({ id }) => id) });
      const after = missedAgain(suspicion, sighting);
      const proof = provenBy(after);
      if (proof === null) continue;
      const absence: Absence = { since: after.since, asOf: after.latest.asOf, strong: proof === 'strong' };
      proven.push({
        key,
        employments: [...(planned?.employments ?? []), ...missing.map((one) => ({ ...one, absent: absence }))],
        // Their rows are judged again at the next read: that is how an absence heals when they reappear.
        fingerprints: [
          ...(planned?.fingerprints ?? []),
          ...missing.map(({ id }) => ({ employmentId: id, digests: [] })),
        ],
      });
    }
    await planWorkers(house, plan, proven);
    await breathe();
  }
  return { sighting, suspects };
}

/**
 * Stores who is suspected from now on, with the deliveries that prove it, and that the others are not any more. Called once the
 * plan is stored. `strange`: too much of the delivery was rejected for it to prove anything. Returns how many stay suspected.
 */
export async function rememberSuspects(
  house: House,
  connection: string,
  { sighting, suspects }: Missing,
  { now, actor, strange }: { readonly now: Instant; readonly actor: string; readonly strange: boolean },
): Promise<number> {
  const { store } = house;
  const seen = strange ? { ...sighting, strong: false } : sighting;
  const known = (await store.suspected(connection, Number.MAX_SAFE_INTEGER)).map(({ key }) => key);
  const keys = [...new Set([...suspects.keys(), ...known])];
  let open = 0;
  for (let from = 0; from < keys.length; from += BATCH) {
    const situations = await store.situations(connection, keys.slice(from, from + BATCH));
    const workers: WorkerChange[] = [];
    const judgedAgain: string[] = [];
    for (const situation of situations.values()) {
      const suspect = suspects.get(situation.key);
      const stands = suspect !== undefined && !isAbsent(situation, suspect);
      const suspicion = stands ? missedAgain(suspect.before, seen) : null;
      if (stands) open += 1;
      if (JSON.stringify(suspicion) === JSON.stringify(situation.suspicion)) continue;
      workers.push(suspected(situation, suspicion, connection, actor));
      if (stands) judgedAgain.push(...suspect.absent);
    }
    const fingerprints = judgedAgain.map((employmentId) => ({ employmentId, digests: [] }));
    // Whoever was changed meanwhile is looked at again with the next delivery.
    if (workers.length > 0) await store.commit({ connection, at: now, workers, fingerprints });
    await breathe();
  }
  return open;
}

/** What was suspected has become a fact on file. */
const isAbsent = ({ employments }: Situation, { absent }: Suspect): boolean =>
  absent.every((id) => employments.find((one) => one.id === id)?.absent !== undefined);

function suspected(situation: Situation, suspicion: Suspicion | null, connection: string, actor: string): WorkerChange {
  const { key, revision, standing, dueAt } = situation;
  const reason = suspicion === null ? 'seen again: no longer suspected' : 'absent from a complete snapshot';
  const news = situation.suspicion === null || suspicion === null;
  const entry = { kind: 'suspected', connection, workerKey: key, actor, body: { reason } };
  return {
    key,
    revision,
    standing,
    dueAt,
    accounts: [],
    operations: [],
    supersedes: [],
    suspicion,
    entries: news ? [entry] : [],
  };
}
