// What planning must look up before it can decide: free names, existing accounts, managers' accounts. One round of
// queries for a whole batch; the plan itself stays pure.
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { TargetAnswers } from '../planning/plan-account.ts';
import type { Prepared, PreparedTarget } from '../planning/plan-worker.ts';
import { foldName, type NameHolder, type Store } from '../store/store.ts';
import { type Acquaintance, fromLists } from './acquaintance.ts';

/** Names given in this cycle that no commit has reserved yet, by target and folded name. */
export type GivenNames = Map<string, Map<string, string>>;

/** Who claims which existing account in this cycle. */
export interface ClaimedAccounts {
  /** By target and remote id. */
  readonly claims: Map<string, Map<string, Set<string>>>;
  /** Workers of accounts that were found to be claimed twice, until they are planned again. */
  readonly contested: Set<string>;
}
export const noClaims = (): ClaimedAccounts => ({ claims: new Map(), contested: new Set() });

interface Asked {
  readonly workerKey: string;
  readonly target: PreparedTarget;
}

/** Who could not be answered for, because a target that lists nobody did not answer. */
export type Unanswered = Set<string>;

/** For each worker, in order, the answers by target name; `unanswered` gathers the keys of those whose answers are not whole. */
export async function answersFor(
  store: Store,
  connection: string,
  batch: readonly Prepared[],
  given: GivenNames,
  claimed: ClaimedAccounts = noClaims(),
  acquaintance: Acquaintance = fromLists(store),
  unanswered: Unanswered = new Set(),
): Promise<readonly ReadonlyMap<string, TargetAnswers>[]> {
  const result = batch.map(() => new Map<string, TargetAnswers>());
  const targetNames = new Set(batch.flatMap((prepared) => prepared.targets.map(({ mapping }) => mapping.name)));
  for (const targetName of targetNames) {
    const asked = batch.map(({ situation, targets }): Asked | null => {
      const target = targets.find(({ mapping }) => mapping.name === targetName);
      return target === undefined || target.desired === null ? null : { workerKey: situation.key, target };
    });
    const present = asked.filter((one) => one !== null);
    const unpaired = await store.unpaired(connection, targetName);
    const theirs = (found: ReadonlyMap<string, Match>) => [...found].map((one) => withoutUnpaired(one, unpaired));
    const matches = new Map(theirs(await correlated(acquaintance, targetName, present, unanswered)).flat());
    const free = present.filter((one) => one.target.names.length > 0 && !matches.has(one.workerKey));
    const names = await chosenNames({ store, acquaintance, unanswered }, connection, targetName, free, given);
    // One of the names that are taken there may be the worker's own, under an externalId that nobody can be asked for.
    if (free.length > 0 && (await acquaintance.learns(targetName))) {
      const more = theirs(await correlated(acquaintance, targetName, free, unanswered)).flat();
      for (const [key, match] of more) matches.set(key, match);
    }
    const ids = [...matches.values()].flatMap(({ accounts }) => accounts.map(({ remoteId }) => remoteId));
    const claims = claimsOf(claimed, targetName, matches);
    const owners = ids.length === 0 ? new Map<string, NameHolder>() : await store.owners(targetName, [...new Set(ids)]);
    const managers = new Set(present.map(({ target }) => target.managerKey).filter((key) => key !== ''));
    const ready = managers.size === 0 ? new Map() : await store.remoteIds(connection, targetName, [...managers]);
    const held = await heldNames(store, connection, targetName, present, matches, given);
    for (const [index, one] of asked.entries()) {
      if (one === null) continue;
      const found = matches.get(one.workerKey) ?? NOBODY;
      const elsewhere = found.accounts.filter(({ remoteId }) => {
        const owner = owners.get(remoteId);
        const others = owner !== undefined && (owner.connection !== connection || owner.workerKey !== one.workerKey);
        return others || (claims.get(remoteId)?.size ?? 0) > 1;
      });
      result[index]?.set(targetName, {
        userName: names.get(one.workerKey) ?? null,
        matches: found.accounts,
        foundBy: found.by,
        ownedElsewhere: new Set(elsewhere.map(({ remoteId }) => remoteId)),
        managerReady: ready.has(one.target.managerKey),
        nameHeld: held.has(one.workerKey),
        unpaired: unpaired.get(one.workerKey) ?? [],
      });
    }
  }
  return result;
}

/** An account that a person took from this worker is none of their matches any more. */
function withoutUnpaired(
  [key, match]: readonly [string, Match],
  unpaired: ReadonlyMap<string, readonly string[]>,
): readonly (readonly [string, Match])[] {
  const taken = unpaired.get(key);
  if (taken === undefined) return [[key, match]];
  const accounts = match.accounts.filter(({ remoteId }) => !taken.includes(remoteId));
  return accounts.length === 0 ? [] : [[key, { ...match, accounts }]];
}

/**
 * Workers whose record asks for a name that another worker has, or is given in this cycle; what is left is given to them. Accounts
 * that get their first name are asked for elsewhere.
 */
async function heldNames(
  store: Store,
  connection: string,
  target: string,
  present: readonly Asked[],
  matches: ReadonlyMap<string, Match>,
  given: GivenNames,
): Promise<ReadonlySet<string>> {
  const wanted = present.flatMap(({ workerKey, target: { account, desired } }) => {
    const name = desired === null || desired.userNameGenerated ? undefined : desired.userNames.at(0);
    const has = account?.userName ?? matches.get(workerKey)?.accounts[0]?.userName ?? null;
    return name === undefined || has === null || foldName(has) === foldName(name) ? [] : [{ workerKey, name }];
  });
  if (wanted.length === 0) return new Set();
  const names = wanted.map(({ name }) => name);
  const taken = await store.takenNames(target, names);
  const cycle = given.get(target) ?? new Map<string, string>();
  given.set(target, cycle);
  const held = new Set<string>();
  for (const { workerKey, name } of wanted) {
    const folded = foldName(name);
    const holder = taken.get(folded);
    const others = holder !== undefined && (holder.connection !== connection || holder.workerKey !== workerKey);
    if (others || (cycle.get(folded) ?? workerKey) !== workerKey) held.add(workerKey);
    else cycle.set(folded, workerKey);
  }
  return held;
}

interface Match {
  readonly accounts: readonly ListedAccount[];
  readonly by: string | null;
}
const NOBODY: Match = { accounts: [], by: null };

/** An account that two workers claim is nobody's until a person has decided: sharing it, the leave of one would end both. */
function claimsOf(
  claimed: ClaimedAccounts,
  target: string,
  matches: ReadonlyMap<string, Match>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const claims = claimed.claims.get(target) ?? new Map<string, Set<string>>();
  claimed.claims.set(target, claims);
  for (const [workerKey, { accounts }] of matches) {
    for (const { remoteId } of accounts) {
      const claimers = claims.get(remoteId) ?? new Set();
      claims.set(remoteId, claimers);
      if (claimers.has(workerKey)) continue;
      claimers.add(workerKey);
      if (claimers.size > 1) for (const key of claimers) claimed.contested.add(key);
    }
  }
  return claims;
}

async function correlated(
  acquaintance: Acquaintance,
  target: string,
  asked: readonly Asked[],
  unanswered: Unanswered,
): Promise<ReadonlyMap<string, Match>> {
  const values = asked.flatMap((one) => one.target.correlation);
  const found = new Map<string, Match>();
  if (values.length === 0) return found;
  const lists = await acquaintance.byValues(target, values);
  let at = 0;
  for (const { workerKey, target: prepared } of asked) {
    const own = lists.slice(at, at + prepared.correlation.length);
    at += prepared.correlation.length;
    // The rules are in order of trust: the first value that finds anybody decides, unless one before it could not be asked for.
    const index = own.findIndex((list) => list === null || list.length > 0);
    if (own[index] === null) {
      unanswered.add(workerKey);
      continue;
    }
    const distinct = new Map((own[index] ?? []).map((account) => [account.remoteId, account]));
    const by = prepared.correlation[index]?.path ?? null;
    if (distinct.size > 0) found.set(workerKey, { accounts: [...distinct.values()], by });
  }
  return found;
}

/** Candidates are looked up in rounds of growing width: nearly everybody gets the first name they ask for. */
const ROUND_FACTOR = 8;

/** The first candidate of each worker that nobody else has, at the target or in this cycle; reserved for this cycle. */
async function chosenNames(
  { store, acquaintance, unanswered }: { store: Store; acquaintance: Acquaintance; unanswered: Unanswered },
  connection: string,
  target: string,
  asked: readonly Asked[],
  given: GivenNames,
): Promise<ReadonlyMap<string, string>> {
  const chosen = new Map<string, string>();
  const cycle = given.get(target) ?? new Map<string, string>();
  given.set(target, cycle);
  let waiting = asked;
  let from = 0;
  let width = 1;
  while (waiting.length > 0) {
    const names = waiting.flatMap((one) => one.target.names.slice(from, from + width));
    if (names.length === 0) break;
    const [taken, existing] = await Promise.all([store.takenNames(target, names), acquaintance.names(target, names)]);
    waiting = waiting.filter((one) => {
      let untold = false;
      const name = one.target.names.slice(from, from + width).find((candidate) => {
        const folded = foldName(candidate);
        untold ||= existing.unknown.has(folded);
        if (untold) return false;
        const holder = taken.get(folded);
        const ours = holder !== undefined && holder.connection === connection && holder.workerKey === one.workerKey;
        if ((holder !== undefined && !ours) || (existing.there.has(folded) && !ours)) return false;
        return (cycle.get(folded) ?? one.workerKey) === one.workerKey;
      });
      if (untold) unanswered.add(one.workerKey);
      if (name === undefined) return !untold;
      cycle.set(foldName(name), one.workerKey);
      chosen.set(one.workerKey, name);
      return false;
    });
    from += width;
    width *= ROUND_FACTOR;
  }
  return chosen;
}
