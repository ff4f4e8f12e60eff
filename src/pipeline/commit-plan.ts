// What was granted of a plan becomes stored decisions, in slices that are each whole.
import { earlier, MINUTE_MS, plusMs } from '../base/instant.ts';
import type {
  AccountState,
  ChangeText,
  GuardUse,
  HoldChange,
  LaidOut,
  MembershipPayload,
  NewOperation,
} from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import { changeOf, changeText, foldName } from '../store/store.ts';
import { breathe, count, type House, type Tally } from './house.ts';
import type { JudgeOptions } from './judge.ts';
import type { LaidSlice } from './laying-out.ts';
import { isOvertaken } from './overtaken-rows.ts';
import { type Plan, planWorkers } from './plan.ts';
import type { Storable } from './planned-spool.ts';

/** Workers in one commit. Those under way together share a transaction, so that a page which many of them touch is written once. */
const COMMIT_SLICE = 600;
/** Slices whose commits are under way at once: while they are stored the next are read from the spool. About 6 MB of bytes. */
const COMMITS_AHEAD = 3;
/** The same of slices that were laid out: they take no memory here. */
const LAID_OUT_AHEAD = 6;
/** A commit that meets somebody else's change is planned again; more often than this means a bug. */
const CONFLICT_ROUNDS_MAX = 5;

/** A moment that the guard held comes again after this long, or at once when a person releases it. */
export const HELD_AGAIN_MS = 10 * MINUTE_MS;

export interface Committed {
  readonly tally: Tally;
  readonly held: readonly HoldChange[];
  /** Workers left for the next look because somebody else kept changing them. */
  readonly postponed: readonly string[];
}

/** Stores what passed of a plan that was granted, in slices that are each whole; held workers keep their old standing and no fingerprint. */
export async function commitPlan(
  house: House,
  plan: Plan,
  verdict: Verdict,
  options: JudgeOptions,
): Promise<Committed> {
  const tally: Tally = {};
  const postponed: string[] = [];
  const usesByKey = Map.groupBy(verdict.uses, (use) => use.workerKey);
  let slice: { readonly keys: string[]; readonly special: Storable[] } = { keys: [], special: [] };
  let done = 0;

  const allowed = { uses: usesByKey, partial: verdict.disableOnly };
  const underWay = new Set<Promise<void>>();
  let broken: { readonly error: unknown } | null = null;
  const flush = (most: number): Promise<void> => {
    const storing = slice;
    slice = { keys: [], special: [] };
    return store(storing, most);
  };
  const store = async (storing: Slice, most: number): Promise<void> => {
    const size = storing.keys.length + storing.special.length;
    if (size > 0) {
      const stored = commitSlice(house, plan, storing, allowed, options, 0)
        .then((dropped) => {
          postponed.push(...dropped);
          done += size;
          options.onProgress?.('commit', done, plan.size);
        })
        .catch((error: unknown) => {
          broken ??= { error };
        })
        .finally(() => underWay.delete(stored));
      underWay.add(stored);
      await breathe();
    }
    while (underWay.size > most) await Promise.race(underWay);
    if (broken !== null) {
      await Promise.all(underWay);
      throw (broken as { readonly error: unknown }).error;
    }
  };
  await plan.layingOut?.settled();
  const begun = new Set<LaidSlice>();
  const urgent = plan.urgentSize;
  // Who is planned again on the way is stored with the slice they stood in.
  for (const [index, key] of [...plan.keys()].entries()) {
    // Leavers are stored before anybody else is, and on their way while the others still are.
    if (index === urgent && urgent > 0) {
      await flush(0);
      house.outboxFilled.ring();
    }
    const candidate = plan.candidates.has(key);
    const whole = !candidate || verdict.passes.has(key);
    const disableOnly = candidate && verdict.disableOnly.has(key);
    if (!whole && !disableOnly) {
      count(tally, 'held');
      continue;
    }
    const head = plan.head(key);
    const special = disableOnly ? onlyDisable(plan, key) : plan.hasChange(key) ? null : plan.storable(key);
    for (const transition of head.plan.transitions) count(tally, transition);
    for (const refusal of head.plan.refusals) count(tally, `refused:${refusal.code}`);
    if (special !== null && special.change === null && special.fingerprints.length === 0) {
      count(tally, 'unchanged');
      continue;
    }
    if (special?.change === null || head.plan.transitions.length === 0) count(tally, 'unchanged');
    for (const kind of special?.operations ?? head.operations) count(tally, `operation:${kind}`);
    const laid = special === null ? plan.laidOut(key) : null;
    if (laid !== null) {
      laid.keys.push(key);
      begun.add(laid);
      if (laid.keys.length === laid.laidOut.workers) {
        begun.delete(laid);
        await store({ keys: laid.keys, special: [], laidOut: laid.laidOut }, LAID_OUT_AHEAD - 1);
      }
      continue;
    }
    if (special === null) slice.keys.push(key);
    else slice.special.push(special);
    if (slice.keys.length + slice.special.length >= COMMIT_SLICE) await flush(index < urgent ? 0 : COMMITS_AHEAD - 1);
  }
  // Somebody of their slice was planned anew while others were stored.
  for (const { keys } of begun) await store({ keys, special: [] }, COMMITS_AHEAD - 1);
  await flush(0);
  if (done > 0) house.outboxFilled.ring();
  return { tally, held: verdict.holds.filter(({ items }) => items.length > 0), postponed };
}

/** A leaver of whom something else is held: access ends now, the rest is judged again at the next look. */
function onlyDisable(plan: Plan, key: string): Storable | null {
  const planned = plan.get(key);
  const storable = plan.storable(key);
  if (planned === null || storable === null || planned.plan.change === null) return storable;
  const { change, harms } = planned.plan;
  const again = plusMs(plan.rules.now, HELD_AGAIN_MS);
  const adopting = new Set(harms.filter(({ kind }) => kind === 'adoption').map(({ target }) => target));
  const operations = change.operations.filter(
    ({ kind, target, undoes }) =>
      (kind === 'disable' || kind === 'revokeSessions' || undoes === true) && !adopting.has(target),
  );
  const accounts = change.accounts
    .filter(({ target }) => !adopting.has(target))
    .map((account) => ({ ...account, groups: groupsToLeave(account, change.operations) }));
  return {
    ...storable,
    // Their row may not come again: the calendar asks for what is left.
    change: changeText({ ...change, operations, accounts, dueAt: earlier(change.dueAt, again) }),
    fingerprints: planned.observed.fingerprints.map(({ employmentId }) => ({ employmentId, digests: [] })),
    operations: operations.map(({ kind }) => kind),
  };
}

/** Those that the account is known to be in, and those that were to be left: what waits is asked for again at the next look. */
function groupsToLeave(account: AccountState, operations: readonly NewOperation[]): readonly string[] {
  const left = operations.flatMap(({ kind, target, payload }) =>
    kind === 'removeMember' && target === account.target ? [(payload as MembershipPayload).group] : [],
  );
  return [...new Set([...account.groups, ...left])];
}

/** Workers of one commit: those that are stored as they were planned, and all others. */
interface Slice {
  readonly keys: readonly string[];
  readonly special: readonly Storable[];
  /** All of `keys`, where the store has them laid out. */
  readonly laidOut?: LaidOut;
}

/** Commits a slice; where another change came first, those workers alone are planned again. Returns whom it gave up on. */
async function commitSlice(
  house: House,
  plan: Plan,
  { keys, special, laidOut }: Slice,
  allowed: { readonly uses: ReadonlyMap<string, readonly GuardUse[]>; readonly partial: ReadonlySet<string> },
  options: JudgeOptions,
  round: number,
): Promise<readonly string[]> {
  const { connection } = plan.rules.mapping;
  const everybody = [...special.map(({ key }) => key), ...keys];
  const packed = keys.length === 0 || laidOut !== undefined ? null : plan.packed(keys);
  const result = await house.store.commit({
    connection,
    at: options.now,
    workers: special.flatMap(({ change }) => (change === null ? [] : [change])),
    ...(packed === null ? {} : { packed }),
    ...(laidOut === undefined ? {} : { laidOut }),
    fingerprints: special.flatMap(({ fingerprints }) => fingerprints),
    ...(options.fingerprintContext === undefined ? {} : { fingerprintContext: options.fingerprintContext }),
    guardUses: everybody.flatMap((key) => allowed.uses.get(key) ?? []),
  });
  if (packed !== null) plan.giveBack(packed);
  if (result.kind === 'applied') {
    plan.berth.stored(everybody);
    await forgetOvertaken(house, plan, special, options);
    return [];
  }
  const slice = [...special, ...keys.flatMap((key) => plan.storable(key) ?? [])];
  if (round >= CONFLICT_ROUNDS_MAX) return slice.map(({ key }) => key);
  for (const { target, userName } of result.names) plan.given.get(target)?.delete(foldName(userName));
  const stale = new Set(result.workers);
  const named = new Set(result.names.map(({ userName }) => foldName(userName)));
  const hasName = (change: ChangeText | null): boolean =>
    change !== null && changeOf(change).accounts.some(({ userName }) => named.has(foldName(userName)));
  const again = slice.filter(({ key, change }) => stale.has(key) || hasName(change));
  const rest = slice.filter((one) => !again.includes(one));
  await planWorkers(
    house,
    plan,
    again.flatMap(({ key }) => plan.get(key)?.observed ?? []),
  );
  const replanned = again.flatMap((judged) => {
    const planned = allowed.partial.has(judged.key) ? onlyDisable(plan, judged.key) : plan.storable(judged.key);
    // What was not judged by the guard waits for the next look.
    return planned === null || JSON.stringify(planned.harms) !== JSON.stringify(judged.harms) ? [] : [planned];
  });
  const dropped = again.map(({ key }) => key).filter((key) => !replanned.some((one) => one.key === key));
  return [
    ...dropped,
    ...(await commitSlice(house, plan, { keys: [], special: [...rest, ...replanned] }, allowed, options, round + 1)),
  ];
}

/** A fingerprint alone meets no revision: rows of whom somebody else stored a newer word meanwhile are judged at the next read. */
async function forgetOvertaken(
  house: House,
  plan: Plan,
  special: readonly Storable[],
  { now }: JudgeOptions,
): Promise<void> {
  const late = special.filter(({ key, change }) => change === null && plan.berth.stale.has(key));
  if (late.length === 0) return;
  const { connection } = plan.rules.mapping;
  const situations = await house.store.situations(
    connection,
    late.map(({ key }) => key),
  );
  const fingerprints = late.flatMap(({ key, fingerprints: stored }) => {
    const observed = plan.get(key)?.observed.employments ?? [];
    const onFile = situations.get(key)?.employments ?? [];
    return stored.flatMap(({ employmentId }) =>
      isOvertaken(observed, onFile, employmentId, plan.feedLags) ? [{ employmentId, digests: [] }] : [],
    );
  });
  if (fingerprints.length > 0) await house.store.commit({ connection, at: now, fingerprints });
}
