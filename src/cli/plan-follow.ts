// References that follow: a manager is named once the target has issued the manager's id, in a change of its own.
import type { House, LiveConnection } from '../pipeline/house.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { AccountPayload, AccountState } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import { guardWord, isSent } from './plan-sent.ts';

/** One account that names its manager as soon as that one has an account too. */
export interface Following {
  readonly worker: string;
  readonly managerKey: string;
  /** `<id:KEY>` where the target has yet to issue it. */
  readonly managerRemoteId: string;
  /** As it will stand when the reference is sent. */
  readonly account: AccountState;
  readonly payload: AccountPayload;
}

/** Debtors looked up for one manager who gets an account; more would be a manager of everybody. */
const DEBTORS_MAX = 10_000;

/** What follows at every target, by worker. Reads the plan once. */
export async function followingOf(
  house: House,
  { connection, targets }: LiveConnection,
  plan: Plan,
  verdict: Verdict,
): Promise<ReadonlyMap<string, readonly Following[]>> {
  /** By target: whose account comes with this plan, and its id. */
  const coming = new Map<string, Map<string, string>>([...targets.keys()].map((name) => [name, new Map()]));
  const owing: Omit<Following, 'managerRemoteId'>[] = [];
  for (const key of plan.keys()) {
    const planned = plan.get(key)?.plan;
    const change = planned?.change;
    if (planned === undefined || change === undefined || change === null) continue;
    const sent = change.operations.filter((operation) => isSent(plan, verdict, planned, operation));
    for (const { target, kind } of sent) if (kind === 'create') coming.get(target)?.set(key, `<id:${key}>`);
    if (guardWord(plan, verdict, key) === 'passes') {
      for (const { target, remoteId } of change.accounts) {
        const adopted = planned.harms.some((harm) => harm.kind === 'adoption' && harm.target === target);
        if (adopted && remoteId !== null) coming.get(target)?.set(key, remoteId);
      }
    }
    for (const account of change.accounts) {
      const last = sent.findLast(
        ({ target, kind }) =>
          target === account.target && (kind === 'create' || kind === 'update' || kind === 'enable'),
      );
      const withheld = change.operations.length > 0 && sent.length === 0;
      if (account.managerOwed === '' || withheld || (account.remoteId === null && last === undefined)) continue;
      const payload = last === undefined ? asItStands(account) : (last.payload as AccountPayload);
      owing.push({ worker: key, managerKey: account.managerOwed, account, payload });
    }
  }
  for (const [target, managers] of coming) {
    for (const managerKey of managers.keys()) {
      const debtors = await house.store.debtors(connection.name, target, managerKey, DEBTORS_MAX);
      const strangers = debtors.filter(
        (key) => plan.get(key)?.plan.change?.accounts.some((one) => one.target === target) !== true,
      );
      const situations = await house.store.situations(connection.name, strangers);
      for (const [worker, { accounts }] of situations) {
        const account = accounts.find((one) => one.target === target);
        if (account !== undefined && account.remoteId !== null)
          owing.push({ worker, managerKey, account, payload: asItStands(account) });
      }
    }
  }
  const payable = owing.flatMap((one) => {
    const managerRemoteId = coming.get(one.account.target)?.get(one.managerKey);
    return managerRemoteId === undefined ? [] : [{ ...one, managerRemoteId }];
  });
  return Map.groupBy(
    payable.map(({ payload, account, ...one }) => ({
      ...one,
      payload: { ...payload, managerKey: one.managerKey },
      account: {
        ...account,
        ...payloadStands(payload),
        remoteId: account.remoteId ?? `<id:${one.worker}>`,
        managerOwed: '',
      },
    })),
    ({ worker }) => worker,
  );
}

const payloadStands = ({ userName, externalId, active, attributes }: AccountPayload) => ({
  userName,
  externalId,
  active,
  known: attributes,
});

const asItStands = ({ userName, externalId, active, known }: AccountState): AccountPayload => ({
  userName,
  externalId,
  active: active === true,
  attributes: known,
  onCreateOnly: [],
  keepWhenBlank: [],
  managerKey: null,
});
