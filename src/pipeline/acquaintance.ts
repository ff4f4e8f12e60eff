// Who is there already: asked of the list made at first contact, or, where an endpoint lists nobody, of the endpoint itself,
// one by one. What an endpoint does not answer is not taken for nobody.
import { Problem } from '../base/problem.ts';
import type { CorrelationValue, ListedAccount } from '../mapping/bound-mapping.ts';
import { textAt } from '../planning/account-changes.ts';
import { foldName, type Store } from '../store/store.ts';
import type { LookUp, Target } from '../targets/target.ts';
import type { House } from './house.ts';

export interface Acquaintance {
  /** For each value, in order, the accounts that carry it; null where the target did not answer. */
  readonly byValues: (
    target: string,
    values: readonly CorrelationValue[],
  ) => Promise<readonly (readonly ListedAccount[])[] | null>;
  /** Those of the names, folded, that exist there; null where the target did not answer. */
  readonly names: (target: string, names: readonly string[]) => Promise<ReadonlySet<string> | null>;
  /** True where asking for names may meet accounts that `byValues` finds from then on. */
  readonly learns: (target: string) => Promise<boolean>;
}

/** Set for a target that was met without a list. */
export const lookUpsKey = (target: string): string => `target.${target}.lookUps`;

export const fromLists = (store: Store): Acquaintance => ({
  byValues: store.inventoryByValues,
  names: store.inventoryNames,
  learns: async () => false,
});

/** For one plan: what was asked is remembered, and a target that did not answer once is not asked again. */
export function acquaintanceOf(house: House, connection: string, signal: AbortSignal): Acquaintance {
  const lists = fromLists(house.store);
  const targets = house.connections.get(connection)?.targets;
  const oneByOne = new Map<string, Promise<Acquaintance>>();
  const of = (name: string): Promise<Acquaintance> => {
    const known =
      oneByOne.get(name) ??
      house.store.setting(lookUpsKey(name)).then((set) => {
        const target = targets?.get(name);
        return set === true && target !== undefined ? byLookUps(house, target, signal) : lists;
      });
    oneByOne.set(name, known);
    return known;
  };
  return {
    byValues: async (target, values) => (await of(target)).byValues(target, values),
    names: async (target, names) => (await of(target)).names(target, names),
    learns: async (target) => (await of(target)).learns(target),
  };
}

function byLookUps(house: House, target: Target, signal: AbortSignal): Acquaintance {
  const asked = new Set<string>();
  const found = new Map<string, ListedAccount>();
  let silent = false;

  /** False where the target does not answer. */
  async function ask(questions: readonly LookUp[]): Promise<boolean> {
    if (silent) return false;
    const keyOf = ({ attribute, value }: LookUp) => `${attribute} ${value}`;
    const fresh = [...new Map(questions.map((question) => [keyOf(question), question])).values()].filter(
      (question) => !asked.has(keyOf(question)),
    );
    try {
      for (const account of await target.find(fresh, signal)) found.set(account.remoteId, account);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      silent = true;
      house.log.warn(
        { target: target.name, code: error.faults[0]?.code },
        'people could not be looked up, who is new there waits',
      );
      return false;
    }
    for (const question of fresh) asked.add(keyOf(question));
    return true;
  }

  return {
    byValues: async (_target, values) => {
      const questions = values.flatMap(({ path, value }): readonly LookUp[] =>
        path === 'externalId' || path === 'userName' ? [{ attribute: path, value }] : [],
      );
      if (!(await ask(questions))) return null;
      const accounts = [...found.values()];
      return values.map(({ path, value }) => accounts.filter((account) => carries(account, path, value)));
    },
    names: async (_target, names) => {
      if (!(await ask(names.map((value) => ({ attribute: 'userName', value }))))) return null;
      const there = new Set([...found.values()].map(({ userName }) => foldName(userName ?? '')));
      return new Set(names.map(foldName).filter((name) => there.has(name)));
    },
    learns: async () => true,
  };
}

function carries(account: ListedAccount, path: string, value: string): boolean {
  if (path === 'externalId') return account.externalId === value;
  if (path === 'userName') return foldName(account.userName ?? '') === foldName(value);
  return textAt(account.resource, path) === value;
}
