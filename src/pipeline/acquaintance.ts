// Who is there already: asked of the list made at first contact, or, where an endpoint lists nobody, of the endpoint itself,
// one by one. What an endpoint does not answer is not taken for nobody.
import { Problem } from '../base/problem.ts';
import type { CorrelationValue, ListedAccount } from '../mapping/bound-mapping.ts';
import { textAt } from '../planning/account-changes.ts';
import { foldName, type Store } from '../store/store.ts';
import { LOOK_UP_REFUSED, type LookUp, type Target } from '../targets/target.ts';
import type { House } from './house.ts';

export interface Acquaintance {
  /** For each value, in order, the accounts that carry it; null where the target did not tell. */
  readonly byValues: (
    target: string,
    values: readonly CorrelationValue[],
  ) => Promise<readonly (readonly ListedAccount[] | null)[]>;
  readonly names: (target: string, names: readonly string[]) => Promise<KnownNames>;
  /** True where asking for names may meet accounts that `byValues` finds from then on. */
  readonly learns: (target: string) => Promise<boolean>;
}

/** Of the names that were asked for, folded. */
export interface KnownNames {
  /** Those that exist there. */
  readonly there: ReadonlySet<string>;
  /** Those of which the target did not tell. */
  readonly unknown: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Set for a target that was met without a list. */
export const lookUpsKey = (target: string): string => `target.${target}.lookUps`;

export const fromLists = (store: Store): Acquaintance => ({
  byValues: store.inventoryByValues,
  names: async (target, names) => ({ there: await store.inventoryNames(target, names), unknown: NONE }),
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
  /** Questions that the target refuses for what they say. */
  const refused = new Set<string>();
  const found = new Map<string, ListedAccount>();
  let silent = false;

  const keyOf = ({ attribute, value }: LookUp): string => `${attribute} ${value}`;
  const isTold = (question: LookUp): boolean => asked.has(keyOf(question));

  /** The code of what went wrong, null where they were answered. */
  async function put(questions: readonly LookUp[]): Promise<string | null> {
    try {
      for (const account of await target.find(questions, signal)) found.set(account.remoteId, account);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return error.faults[0]?.code ?? '';
    }
    for (const question of questions) asked.add(keyOf(question));
    return null;
  }

  /** What can be asked has been asked then: `isTold` says what came of it. */
  async function ask(questions: readonly LookUp[]): Promise<void> {
    const fresh = [...new Map(questions.map((question) => [keyOf(question), question])).values()].filter(
      (question) => !isTold(question) && !refused.has(keyOf(question)),
    );
    if (silent || fresh.length === 0) return;
    let code = await put(fresh);
    if (code === LOOK_UP_REFUSED) {
      // One of them is refused for what it says: asked alone, it keeps nobody else waiting.
      for (const question of fresh) {
        code = fresh.length === 1 ? code : await put([question]);
        if (code === LOOK_UP_REFUSED) refused.add(keyOf(question));
        else if (code !== null) break;
      }
      const nothingElse = fresh.length > 1 && !fresh.some(isTold);
      if (code === LOOK_UP_REFUSED && !nothingElse) code = null;
      house.log.warn({ target: target.name, questions: refused.size }, 'look-ups were refused, who is new there waits');
    }
    if (code === null) return;
    silent = true;
    house.log.warn({ target: target.name, code }, 'people could not be looked up, who is new there waits');
  }

  return {
    byValues: async (_target, values) => {
      const questions = values.map(({ path, value }): LookUp | null =>
        path === 'externalId' || path === 'userName' ? { attribute: path, value } : null,
      );
      await ask(questions.filter((question) => question !== null));
      const accounts = [...found.values()];
      return values.map(({ path, value }, index) => {
        const question = questions[index] ?? null;
        if (question === null ? silent : !isTold(question)) return null;
        return accounts.filter((account) => carries(account, path, value));
      });
    },
    names: async (_target, names) => {
      const questions = names.map((value): LookUp => ({ attribute: 'userName', value }));
      await ask(questions);
      const all = new Set([...found.values()].map(({ userName }) => foldName(userName ?? '')));
      const folded = names.map(foldName);
      return {
        there: new Set(folded.filter((name) => all.has(name))),
        unknown: new Set(folded.filter((_, index) => !isTold(questions[index] as LookUp))),
      };
    },
    learns: async () => true,
  };
}

function carries(account: ListedAccount, path: string, value: string): boolean {
  if (path === 'externalId') return account.externalId === value;
  if (path === 'userName') return foldName(account.userName ?? '') === foldName(value);
  return textAt(account.resource, path) === value;
}
