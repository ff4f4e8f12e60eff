// What a target really holds against what is believed of it: every account is listed once and compared. What policy lets be mended is
// stored as what is known now and judged like everything else, so that the guards and the outbox see no difference.
import { earlier, type Instant, plusMs } from '../base/instant.ts';
import { canonicalJson, type JsonObject } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import { AT_WORK } from '../lifecycle/standing.ts';
import type { ListedAccount } from '../mapping/bound-mapping.ts';
import type { Repair } from '../mapping/connection-schema.ts';
import { changesBetween, projected } from '../planning/account-changes.ts';
import type { AccountState, Situation } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import type { Target } from '../targets/target.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import { judgeOnFile } from './calendar.ts';
import { HELD_AGAIN_MS } from './commit-plan.ts';
import { GONE, goneMost } from './gone-watch.ts';
import { breathe, type House, type LiveConnection } from './house.ts';
import { UNPAIRED_ACTIVE } from './unpair.ts';

export const DRIFT_KINDS = [
  /** Left here, active there. */
  'zombie',
  /** At work here, inactive there. */
  'disabled',
  /** Attributes that we write differ. */
  'drifted',
  /** Ours, and gone there. */
  'missing',
  /** A second account of somebody who has one. */
  'duplicate',
  /** Belongs to nobody here: no externalId. */
  'orphan',
  /** Carries an externalId that nobody here has. */
  'foreign',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

export interface Drift {
  readonly kind: DriftKind;
  readonly remoteId: string;
  /** Null where it belongs to nobody here. */
  readonly connection: string | null;
  readonly worker: string | null;
  /** Paths that differ; no values. */
  readonly paths: readonly string[];
}

export interface Reconciliation {
  readonly target: string;
  readonly at: Instant;
  /** Accounts there. */
  readonly listed: number;
  /** Accounts of ours. */
  readonly ours: number;
  readonly protected: number;
  readonly counts: Readonly<Record<DriftKind, number>>;
  /** At most SAMPLES of each kind. */
  readonly samples: readonly Drift[];
  /** Workers whose account was noted as it is and judged anew, by kind. */
  readonly repaired: Readonly<Partial<Record<DriftKind, number>>>;
  /** Why something that policy lets be mended was not. */
  readonly withheld: readonly string[];
}

const SAMPLES = 100;
/** Beyond so many nothing is mended in one go: the rest is found again next time. */
const REPAIRED_MAX = 10_000;
const TOGETHER = 200;
/** An account that was made or changed while the listing ran is not compared. */
const CONFLICT_ROUNDS_MAX = 5;

const REPAIR_OF: Readonly<Partial<Record<DriftKind, Repair>>> = {
  zombie: 'zombies',
  disabled: 'disabled',
  drifted: 'drifted',
  missing: 'missing',
};
const INACTIVE: ReadonlySet<string> = new Set(['left', 'purged', 'expected', 'preboarding']);

/** The last one, for `status` and the one who asks later. */
export const reconciliationKey = (target: string): string => `reconciled:${target}`;
export const ZOMBIE = 'account.zombie';

interface Found extends Drift {
  /** As the target has it; null where it is gone. */
  readonly listed: ListedAccount | null;
}

/**
 * Lists the target and compares; mends what `repair` names.
 * @throws Problem where the target cannot be listed whole; then nothing was compared.
 */
export async function reconcile(
  house: House,
  live: LiveConnection,
  target: Target,
  options: { readonly repair: readonly Repair[]; readonly actor: string; readonly signal: AbortSignal },
): Promise<Reconciliation> {
  const { store } = house;
  const began = nowOf(house.clock);
  if (live.unmet.has(target.name)) {
    throw new Problem({
      code: 'reconcile.unmet',
      message: `${target.name} has never been listed: there is nothing to compare yet`,
      hint: 'run rollcall sync first',
    });
  }
  const counts = Object.fromEntries(DRIFT_KINDS.map((kind) => [kind, 0])) as Record<DriftKind, number>;
  const samples: Drift[] = [];
  const toMend: Found[] = [];
  const seen = new Set<string>();
  let listed = 0;
  let guarded = 0;
  const note = (found: Found): void => {
    counts[found.kind] += 1;
    const { listed: _, ...drift } = found;
    if (counts[found.kind] <= SAMPLES) samples.push(drift);
    const repair = REPAIR_OF[found.kind];
    const ours = found.connection === live.connection.name;
    if (ours && repair !== undefined && options.repair.includes(repair)) toMend.push(found);
  };
  const isProtected = protectionAt(live, target);
  const unpaired = (await store.alarms(live.connection.name)).filter(
    ({ code, subject }) => code === UNPAIRED_ACTIVE && subject.startsWith(`${target.name}/`),
  );
  const usable = new Set<string>();
  for await (const page of target.list(options.signal)) {
    listed += page.length;
    const free = page.filter((account) => !isProtected(account));
    guarded += page.length - free.length;
    for (const { remoteId, active } of page) {
      seen.add(remoteId);
      if (active && unpaired.some(({ subject }) => subject === `${target.name}/${remoteId}`)) usable.add(remoteId);
    }
    await comparePage(house, live, target, free, note);
    await breathe();
  }
  let ours = 0;
  for (let after = 0; ; ) {
    const page = await store.accountsAt(live.connection.name, target.name, after, TOGETHER);
    if (page.length === 0) break;
    ours += page.length;
    after = page.at(-1)?.id ?? after;
    const gone = page.filter(({ remoteId }) => !seen.has(remoteId));
    for (const one of await reallyGone(house, live, target, gone, options.signal)) note(one);
  }
  for (const { subject } of unpaired)
    if (!usable.has(subject.slice(target.name.length + 1)))
      await clearAlarm(house, live.connection.name, UNPAIRED_ACTIVE, subject);
  const withheld: string[] = [];
  const most = goneMost(ours);
  const mended = toMend.filter(({ kind }) => kind !== 'missing' || counts.missing <= most).slice(0, REPAIRED_MAX);
  if (counts.missing > most) {
    withheld.push(
      `${counts.missing} accounts are gone at ${target.name}, more than ${most}: nobody is made again by itself`,
    );
  }
  if (toMend.length > REPAIRED_MAX) withheld.push(`only ${REPAIRED_MAX} accounts are mended in one go`);
  const repaired = await mend(house, live, target, mended, options.actor);
  const report: Reconciliation = {
    target: target.name,
    at: began,
    listed,
    ours,
    protected: guarded,
    counts,
    samples,
    repaired,
    withheld,
  };
  await tell(house, live, report, most, options.actor);
  return report;
}

/** @throws Problem where the file does not bind: then nobody can say what is protected. */
function protectionAt({ connection }: LiveConnection, { name }: Target): (account: ListedAccount) => boolean {
  const bound = connection.bind(null);
  if ('faults' in bound) throw new Problem(bound.faults);
  const mapping = bound.mapping.targets.find((one) => one.name === name);
  return (account) => mapping === undefined || mapping.isProtected(account);
}

async function comparePage(
  house: House,
  live: LiveConnection,
  target: Target,
  page: readonly ListedAccount[],
  note: (found: Found) => void,
): Promise<void> {
  const { store } = house;
  const owners = await store.owners(
    target.name,
    page.map(({ remoteId }) => remoteId),
  );
  const ours = page.filter(({ remoteId }) => owners.get(remoteId)?.connection === live.connection.name);
  const situations = await store.situations(live.connection.name, [
    ...new Set([
      ...ours.map(({ remoteId }) => owners.get(remoteId)?.workerKey ?? ''),
      ...page.flatMap(({ externalId }) => (externalId === null || externalId === '' ? [] : [externalId])),
    ]),
  ]);
  for (const account of page) {
    const owner = owners.get(account.remoteId);
    // What a person took from somebody is nobody's.
    if (owner === undefined || owner.connection === '') note(stranger(live, target, account, situations));
    else if (owner.connection === live.connection.name) {
      const situation = situations.get(owner.workerKey);
      const drift = situation === undefined ? null : driftOf(target, situation, account);
      if (drift !== null) {
        const { connection } = owner;
        note({ ...drift, remoteId: account.remoteId, connection, worker: owner.workerKey, listed: account });
      }
    }
  }
}

function stranger(
  live: LiveConnection,
  target: Target,
  account: ListedAccount,
  situations: ReadonlyMap<string, Situation>,
): Found {
  const { remoteId, externalId } = account;
  const known = externalId === null ? undefined : situations.get(externalId);
  const twice = known?.accounts.some((one) => one.target === target.name && one.remoteId !== null) === true;
  const kind: DriftKind = twice ? 'duplicate' : externalId === null || externalId === '' ? 'orphan' : 'foreign';
  const connection = known === undefined ? null : live.connection.name;
  return { kind, remoteId, connection, worker: known?.key ?? null, paths: [], listed: account };
}

/** What is under way says nothing of how the account will be. */
function driftOf(
  { name: target, shows }: Target,
  { standing, accounts, operations }: Situation,
  listed: ListedAccount,
): Pick<Drift, 'kind' | 'paths'> | null {
  if (operations.some((one) => one.target === target && one.state !== 'failed')) return null;
  const account = accounts.find((one) => one.target === target);
  if (account === undefined) return null;
  // An id that was given to somebody else carries another externalId.
  if (listed.externalId && account.externalId !== '' && listed.externalId !== account.externalId)
    return { kind: 'foreign', paths: ['externalId'] };
  if (listed.active && INACTIVE.has(standing.stage)) return { kind: 'zombie', paths: ['active'] };
  if (!listed.active && AT_WORK.has(standing.stage) && account.active === true)
    return { kind: 'disabled', paths: ['active'] };
  const paths = changesBetween(projected(listed.resource, account.known), account.known)
    .map(({ path }) => path)
    .filter((path) => shows?.includes(path) ?? true);
  if (listed.userName !== null && listed.userName.toLowerCase() !== account.userName.toLowerCase())
    paths.push('userName');
  return paths.length === 0 ? null : { kind: 'drifted', paths };
}

/** A listing may leave out what was just made: whoever is not in it is asked for by id. */
async function reallyGone(
  house: House,
  live: LiveConnection,
  target: Target,
  missing: readonly { readonly workerKey: string; readonly remoteId: string }[],
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const gone: Found[] = [];
  for (const { workerKey, remoteId } of missing) {
    const looked = await target.look(remoteId, signal);
    if (looked.kind === 'there') continue;
    const situation = (await house.store.situations(live.connection.name, [workerKey], { employments: false })).get(
      workerKey,
    );
    // What was deleted by us is not missed, and somebody who has left needs no account.
    const account = situation?.accounts.find((one) => one.target === target.name);
    if (
      situation === undefined ||
      account?.remoteId !== remoteId ||
      !(AT_WORK.has(situation.standing.stage) || situation.standing.stage === 'preboarding')
    )
      continue;
    gone.push({
      kind: 'missing',
      remoteId,
      connection: live.connection.name,
      worker: workerKey,
      paths: [],
      listed: null,
    });
  }
  return gone;
}

/** What the target says is stored as what is known; the facts are judged against it, and the guards see what that leads to. */
async function mend(
  house: House,
  live: LiveConnection,
  target: Target,
  found: readonly Found[],
  actor: string,
): Promise<Reconciliation['repaired']> {
  const repaired: Partial<Record<DriftKind, number>> = {};
  const noted: string[] = [];
  for (let from = 0; from < found.length; from += TOGETHER) {
    const slice = found.slice(from, from + TOGETHER);
    const keys = await noteAsFound(house, live, target, slice, actor);
    for (const { kind, worker } of slice)
      if (worker !== null && keys.has(worker)) repaired[kind] = (repaired[kind] ?? 0) + 1;
    for (const key of keys) noted.push(key);
  }
  // All in one plan: limits of a cycle that are met in slices would let several times as many through.
  if (noted.length > 0) await judgeOnFile(house, live, noted, actor);
  return repaired;
}

async function noteAsFound(
  house: House,
  live: LiveConnection,
  target: Target,
  found: readonly Found[],
  actor: string,
): Promise<ReadonlySet<string>> {
  const { name } = live.connection;
  const byWorker = new Map(found.flatMap((one) => (one.worker === null ? [] : [[one.worker, one] as const])));
  for (let round = 0; round < CONFLICT_ROUNDS_MAX; round += 1) {
    const situations = await house.store.situations(name, [...byWorker.keys()], { employments: false });
    const workers = [...situations.values()].flatMap((situation) => {
      const one = byWorker.get(situation.key);
      const account = situation.accounts.find((candidate) => candidate.target === target.name);
      const busy = situation.operations.some((open) => open.target === target.name && open.state !== 'failed');
      // What was made anew since it was listed is another account.
      if (one === undefined || account?.remoteId !== one.remoteId || busy) return [];
      const { key, revision, standing } = situation;
      // What is noted and, after a crash, not judged would be found by no reconciliation any more: the calendar makes up for it.
      const dueAt = earlier(situation.dueAt, plusMs(nowOf(house.clock), HELD_AGAIN_MS));
      const entry = {
        kind: 'reconciled',
        connection: name,
        workerKey: key,
        actor,
        body: { target: target.name, found: one.kind, paths: [...one.paths] },
      };
      const accounts = [asFound(account, one.listed, target)];
      return [{ key, revision, standing, dueAt, accounts, operations: [], supersedes: [], entries: [entry] }];
    });
    if (workers.length === 0) return new Set();
    const stored = await house.store.commit({ connection: name, at: nowOf(house.clock), workers });
    if (stored.kind === 'applied') return new Set(workers.map(({ key }) => key));
  }
  return new Set();
}

function asFound(account: AccountState, listed: ListedAccount | null, { shows }: Target): AccountState {
  if (listed === null)
    return { ...account, remoteId: null, etag: null, active: null, known: {}, managerKnown: '', groups: [] };
  const found = projected(listed.resource, account.known);
  if (shows === undefined) return { ...account, active: listed.active, known: found };
  // What a listing does not show stands as it was written; what it shows otherwise is to be written again.
  const paths = changesBetween(account.known, found).flatMap(({ path }) => (shows.includes(path) ? [path] : []));
  return { ...account, active: listed.active, known: without(account.known, paths) };
}

/** These attributes without the values at these flattened paths. */
function without(attributes: JsonObject, paths: readonly string[]): JsonObject {
  return paths.reduce<JsonObject>((left, path) => {
    const urn = Object.keys(left).find((key) => key.startsWith('urn:') && path.startsWith(`${key}:`));
    const [first, rest] = urn === undefined ? splitAt(path, '.') : [urn, path.slice(urn.length + 1)];
    const { [first]: value, ...others } = left;
    const inner = rest === '' || value === null || typeof value !== 'object' || Array.isArray(value) ? null : value;
    return inner === null ? others : { ...others, [first]: without(inner as JsonObject, [rest]) };
  }, attributes);
}

function splitAt(path: string, mark: string): readonly [string, string] {
  const at = path.indexOf(mark);
  return at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at + 1)];
}

/** A zombie is an alarm at once; so are accounts that are gone in numbers. Both end with the reconciliation that finds none. */
async function tell(
  house: House,
  live: LiveConnection,
  report: Reconciliation,
  most: number,
  actor: string,
): Promise<void> {
  const { name } = live.connection;
  const { target, counts } = report;
  if (counts.zombie > 0)
    await raiseAlarm(house, name, {
      code: ZOMBIE,
      subject: target,
      message: `${counts.zombie} account(s) at ${target} can be used although their worker has left or is not to start yet`,
      hint: `rollcall reconcile ${target} --repair zombies`,
    });
  else await clearAlarm(house, name, ZOMBIE, target);
  if (counts.missing > most)
    await raiseAlarm(house, name, {
      code: GONE,
      subject: target,
      message: `${counts.missing} known accounts are gone at ${target}, more than ${most}`,
      hint: 'look at the target: was it reset, or does the listing hide people?',
    });
  else await clearAlarm(house, name, GONE, target);
  await house.store.commit({
    connection: name,
    at: nowOf(house.clock),
    settings: { [reconciliationKey(target)]: JSON.parse(canonicalJson(report as unknown as JsonObject)) },
    entries: [
      {
        kind: 'reconciliation',
        connection: name,
        workerKey: null,
        actor,
        body: { target, listed: report.listed, ours: report.ours, ...counts, repaired: { ...report.repaired } },
      },
    ],
  });
}

export async function readReconciliation(
  store: Pick<Store, 'setting'>,
  target: string,
): Promise<Reconciliation | null> {
  return (await store.setting(reconciliationKey(target))) as unknown as Reconciliation | null;
}
