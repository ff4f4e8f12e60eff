// What HR says of somebody whose personal values were erased. As long as it only says that they have left it is passed over and not
// stored; that they come back is held until a person lets it pass, and what the account holds is then read anew.
import type { JsonObject } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import { WITH_ACCOUNT } from '../lifecycle/standing.ts';
import { projected } from '../planning/account-changes.ts';
import type { AccountState, Situation } from '../planning/changeset.ts';
import { type PlanRules, prepare, type WorkerPlan } from '../planning/plan-worker.ts';
import type { Looked } from '../targets/target.ts';
import type { House } from './house.ts';
import type { Observed } from './planned-spool.ts';

const LOOK_WITHIN_MS = 10_000;

/** The situations with what the targets say of the accounts of erased workers whom HR names again; `unread` did not get an answer. */
export async function readAnew(
  house: House,
  rules: PlanRules,
  situations: ReadonlyMap<string, Situation>,
  again: readonly Observed[],
): Promise<{ readonly situations: ReadonlyMap<string, Situation>; readonly unread: ReadonlySet<string> }> {
  const unread = new Set<string>();
  if (again.length === 0) return { situations, unread };
  const result = new Map(situations);
  for (const { key, employments } of again) {
    const situation = situations.get(key);
    if (situation === undefined) continue;
    const { targets } = prepare(situation, employments, rules);
    const wanted = new Map(targets.map(({ mapping, desired }) => [mapping.name, desired?.attributes ?? {}]));
    const accounts = await Promise.all(
      situation.accounts.map((one) => asItStands(house, rules.mapping.connection, one, wanted.get(one.target) ?? {})),
    );
    const known = accounts.filter((one) => one !== null);
    if (known.length < accounts.length) unread.add(key);
    else result.set(key, { ...situation, accounts: known });
  }
  return { situations: result, unread };
}

/** Null where the target does not answer: the record comes again. */

async function asItStands(
  house: House,
  connection: string,
  account: AccountState,
  wanted: JsonObject,
): Promise<AccountState | null> {
  const target = house.connections.get(connection)?.targets.get(account.target);
  if (target === undefined || account.remoteId === null || account.userName !== '') return account;
  let looked: Looked;
  try {
    looked = await target.look(account.remoteId, AbortSignal.timeout(LOOK_WITHIN_MS));
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
  if (looked.kind === 'gone') return { ...account, remoteId: null, etag: null, active: null };
  const { userName, externalId, active, resource } = looked.account;
  return {
    ...account,
    userName: userName ?? '',
    externalId: externalId ?? '',
    active,
    known: projected(resource, wanted),
  };
}

/** Null where nothing of it is to be stored; else the plan with the harm that keeps it until a person lets it pass. */
export function heldBack(plan: WorkerPlan, situation: Situation): WorkerPlan | null {
  const { change, key, to } = plan;
  if (change === null || !(WITH_ACCOUNT.has(to) || to === 'expected')) return null;
  const known = new Set(change.accounts.map(({ target }) => target));
  const accounts = [...change.accounts, ...situation.accounts.filter(({ target }) => !known.has(target))];
  const harm = {
    kind: 'erased' as const,
    workerKey: key,
    target: null,
    operation: 'take up again',
    attribute: null,
    before: 'erased',
    after: to,
  };
  return { ...plan, change: { ...change, accounts }, harms: [...plan.harms, harm] };
}
