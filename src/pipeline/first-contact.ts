// Before the first write to a target its accounts are listed once, so that people who have an account already are found
// and names that exist there are not given again. A target that cannot be listed yet keeps its own work waiting and nobody else's.
import type { JsonObject } from '../base/json.ts';
import { type Fault, Problem } from '../base/problem.ts';
import type { BoundMapping, CorrelationValue, ListedAccount } from '../mapping/bound-mapping.ts';
import type { Connection } from '../mapping/connection-file.ts';
import { textAt } from '../planning/account-changes.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { NO_LISTING, type Target } from '../targets/target.ts';
import { lookUpsKey } from './acquaintance.ts';
import { type House, type LiveConnection, lookNow } from './house.ts';

export interface Contacts {
  /** Targets listed now. */
  readonly met: readonly string[];
  /** Targets that could not be listed yet. */
  readonly unmet: readonly string[];
}

export interface ContactOptions {
  readonly signal: AbortSignal;
  readonly actor: string;
  /** Without all of them nothing is done: what is judged now will not be read again. */
  readonly all: boolean;
}

/** A cycle waits so long for a target that is slow to list itself, once it has another to go on with. */
const PATIENCE_MS = 5_000;

type TargetSettings = Connection['targets'][number];
interface Stranger {
  readonly settings: TargetSettings;
  readonly target: Target;
}

/** @throws Problem where a target has moved, where none can be used, and with `all` where one cannot. */
export async function meetTargets(house: House, live: LiveConnection, options: ContactOptions): Promise<Contacts> {
  const strangers = await strangersOf(house, live);
  const attempts = strangers.map((stranger) => attempt(house, live, stranger, options));
  const failures = new Map<string, Problem>();
  const settled = Promise.all(
    attempts.map((meeting, index) =>
      meeting.catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        failures.set(strangers[index]?.target.name ?? '', error);
      }),
    ),
  );
  const nobodyKnown = strangers.length === live.targets.size;
  settled.catch(() => undefined);
  // The first one that is met will do to go on with; where none is, everybody has had their say.
  if (nobodyKnown && !options.all) await Promise.race([settled, Promise.any(attempts).catch(() => settled)]);
  const enough = new AbortController();
  const patience = options.all ? [] : [house.clock.wait(PATIENCE_MS, enough.signal)];
  await Promise.race([settled, ...patience]).finally(() => enough.abort());

  const unmet = strangers.filter(({ target }) => live.unmet.has(target.name)).map(({ target }) => target.name);
  const [failure] = failures.values();
  if (failure !== undefined && (options.all || unmet.length === live.targets.size)) throw failure;
  await tellUnmet(house, live, unmet, failures);
  // Whoever turns up later is not left alone until the next slot.
  for (const name of unmet) {
    live.meetings.get(name)?.then(
      () => lookNow(live),
      () => undefined,
    );
  }
  const met = strangers.map(({ target }) => target.name).filter((name) => !unmet.includes(name));
  return { met, unmet };
}

/** The mapping without the targets that were never listed: nobody is planned there, because nobody knows who is there. */
export const metOnly = (mapping: BoundMapping, { unmet }: LiveConnection): BoundMapping =>
  unmet.size === 0 ? mapping : { ...mapping, targets: mapping.targets.filter(({ name }) => !unmet.has(name)) };

async function strangersOf(house: House, live: LiveConnection): Promise<readonly Stranger[]> {
  const strangers: Stranger[] = [];
  for (const settings of live.connection.targets) {
    const target = live.targets.get(settings.name);
    if (target === undefined) continue;
    const contact = await house.store.contact(target.name);
    if (contact === null) strangers.push({ settings, target });
    else if (contact.baseUrl === target.baseUrl) live.unmet.delete(target.name);
    else throw new Problem(movedFaults(target, contact));
  }
  return strangers;
}

/** Empty unless this target was met under another base URL: whatever is on file of it belongs to that one. */
export function movedFaults(
  { name, baseUrl }: Pick<Target, 'name' | 'baseUrl'>,
  contact: Awaited<ReturnType<Store['contact']>>,
): readonly Fault[] {
  if (contact === null || contact.baseUrl === baseUrl) return [];
  return [
    {
      code: 'target.moved',
      message: `target ${name} was met at ${contact.baseUrl}, the file now says ${baseUrl}`,
      hint: 'accounts belong to the endpoint they were made at: give the new endpoint a name of its own',
    },
  ];
}

/** One listing of a target at a time; a cycle that did not wait for it finds it under way. */
function attempt(house: House, live: LiveConnection, stranger: Stranger, options: ContactOptions): Promise<void> {
  const { name } = stranger.target;
  const underWay = live.meetings.get(name);
  if (underWay !== undefined) return underWay;
  const meeting = meet(house, live, stranger, options)
    .then(() => void live.unmet.delete(name))
    .finally(() => live.meetings.delete(name));
  live.meetings.set(name, meeting);
  meeting.catch(() => undefined);
  return meeting;
}

/** The endpoint itself allows no list: then each new worker is looked up before the plan decides. */
const listsNobody = (error: unknown): boolean =>
  error instanceof Problem && error.faults.some(({ code }) => code === NO_LISTING);

async function meet(
  house: House,
  live: LiveConnection,
  { settings, target }: Stranger,
  options: ContactOptions,
): Promise<void> {
  const found = await house.store
    .replaceInventory(target.name, target.list(options.signal), (account) => valuesOf(settings, account))
    .catch((error: unknown) => {
      if (listsNobody(error)) return null;
      throw error;
    });
  await house.store.saveContact(target.name, { baseUrl: target.baseUrl, listedAt: nowOf(house.clock) });
  await house.store.commit({
    connection: live.connection.name,
    at: nowOf(house.clock),
    entries: [
      {
        kind: 'contact',
        connection: live.connection.name,
        workerKey: null,
        actor: options.actor,
        body: { target: target.name, baseUrl: target.baseUrl, accounts: found },
      },
    ],
    ...(found === null ? { settings: { [lookUpsKey(target.name)]: true } } : {}),
  });
  house.log.info(
    { target: target.name, accounts: found },
    found === null ? 'target met that lists nobody, people are looked up' : 'target met for the first time',
  );
}

const valuesOf = (settings: TargetSettings, account: ListedAccount): readonly CorrelationValue[] =>
  settings.correlate.flatMap((path) => {
    const value =
      path === 'externalId'
        ? (account.externalId ?? '')
        : path === 'userName'
          ? (account.userName ?? '')
          : textAt(account.resource, path);
    return value === '' ? [] : [{ path, value }];
  });

// ── who waits, for people ───────────────────────────────────────────────────────────────────────────────────────────

export interface Unmet {
  readonly target: string;
  /** Why it could not be listed; '' while the listing is under way. */
  readonly reason: string;
}

const unmetKey = (connection: string): string => `unmet:${connection}`;

/** Targets of this connection that were never listed, as the last cycle left it. */
export async function readUnmet(store: Pick<Store, 'setting'>, connection: string): Promise<readonly Unmet[]> {
  return ((await store.setting(unmetKey(connection))) ?? []) as unknown as readonly Unmet[];
}

async function tellUnmet(
  house: House,
  live: LiveConnection,
  names: readonly string[],
  failures: ReadonlyMap<string, Problem>,
): Promise<void> {
  const { name } = live.connection;
  const unmet = names.map((target): Unmet => ({ target, reason: failures.get(target)?.message ?? '' }));
  if (JSON.stringify(unmet) === JSON.stringify(await readUnmet(house.store, name))) return;
  for (const { target } of unmet) {
    house.log.warn(
      { code: 'target.unmet', connection: name, target },
      'target could not be listed yet, its work waits',
    );
  }
  const settings = { [unmetKey(name)]: unmet as unknown as readonly JsonObject[] };
  await house.store.commit({ connection: name, at: nowOf(house.clock), settings });
}
