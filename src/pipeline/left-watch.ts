// Whoever left stays out: every account of somebody who has left is read again each day, and one that can be used again is alerted and
// disabled through the guard, as an explicit leaver. What another administrator, another tool or a late write of ours did comes to
// light without being asked for.
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, msOf, plusMs } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { AccountState, OperationKind, Situation } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Target } from '../targets/target.ts';
import { type Checked, checkAccount } from './account-check.ts';
import { clearAlarm, raiseAlarm } from './alarms.ts';
import { judgeOnFile } from './calendar.ts';
import type { House, LiveConnection } from './house.ts';

/** Workers read in one go, one after the other: deliveries use the target beside them. */
const PAGE = 50;
/** A round begins a day after the last one began, and is spread over less, so that it is over by then. */
const ROUND_MS = DAY_MS;
const SPREAD_MS = 20 * HOUR_MS;
/** Between two pages at the least, whatever is behind. */
const PAUSE_MIN_MS = 1_000;
/** A target that does not answer is asked again after this long. */
const AGAIN_MS = 10 * MINUTE_MS;
/** An account that was found active is read again after this long, until it is seen inactive. */
const RECHECK_MS = HOUR_MS;
/** Of those, in one go. */
const RECHECKED_MAX = 200;
/** Accounts in a row that could not be read: the target does not answer. */
const UNREAD_IN_ROW_MAX = 3;
/** So many looks in a row stop at the same worker before the page is passed over. */
const STUCK_MAX = 6;
/** What is found is stored against changes of others this often. */
const CONFLICT_ROUNDS_MAX = 5;

const CHANGES_ACCOUNT: ReadonlySet<OperationKind> = new Set(['create', 'update', 'enable', 'disable', 'delete']);

export const RE_ENABLED = 'account.re-enabled';
const NOT_OURS = 'account.active-not-ours';

/** How far the present round has come at one target. */
interface Round {
  readonly startedAt: Instant;
  /** The last worker who was read; null once the round is over. */
  readonly after: number | null;
  /** When what was found active was read again last. */
  readonly recheckedAt: Instant | null;
  /** Looks in a row that came no further than this. */
  readonly stuck: number;
}

export interface LeftLook {
  /** Accounts that were read. */
  readonly read: number;
  /** Workers whose account was found active and is to be disabled. */
  readonly active: readonly string[];
  /** Until the next look. */
  readonly waitMs: number;
}

/** Reads until the signal aborts; each target has its own pace, so that one that is down delays no other. */
export async function watchLeft(house: House, live: LiveConnection, signal: AbortSignal): Promise<void> {
  await Promise.all(
    [...live.targets.values()].map(async (target) => {
      while (!signal.aborted) {
        const { waitMs } = await readLeft(house, live, target, signal);
        await house.clock.wait(waitMs, signal);
      }
    }),
  );
}

/** One look: those who were found active lately, then the next page of the round. Resumes where the last process ended. */
export async function readLeft(
  house: House,
  live: LiveConnection,
  target: Target,
  signal: AbortSignal,
): Promise<LeftLook> {
  const { name } = live.connection;
  const now = nowOf(house.clock);
  if (live.unmet.has(target.name)) return { read: 0, active: [], waitMs: AGAIN_MS };
  const reader = new Reader(house, live, target, signal);
  const stored = (await house.store.setting(key(name, target))) as unknown as Round | null;
  const save = (one: Round) => house.store.saveSetting(key(name, target), { ...one });

  const rechecks = (await reader.alarmed()) && isPast(stored?.recheckedAt ?? null, RECHECK_MS, now);
  if (rechecks) await reader.recheck();
  const round = roundAt(stored, now);
  if (round === null) {
    if (stored !== null && rechecks) await save({ ...stored, recheckedAt: now });
    return reader.look(stored === null ? PAUSE_MIN_MS : untilNext(stored, now));
  }
  const page = await house.store.left(name, round.after ?? 0, PAGE);
  const reached = await reader.page(page.workers);
  const answers = reached === page.workers.length;
  const stuck = reached === 0 && !answers ? round.stuck + 1 : 0;
  // A target that is down is waited for; whoever alone cannot be read keeps nobody waiting, and has their turn in the next round.
  const passed = stuck > STUCK_MAX ? page.workers.length : reached;
  const over = passed === page.workers.length && page.more === 0;
  const next: Round = {
    startedAt: round.startedAt,
    after: over ? null : (page.workers[passed - 1]?.id ?? round.after),
    recheckedAt: rechecks ? now : round.recheckedAt,
    stuck: passed > 0 ? 0 : stuck,
  };
  await save(next);
  if (!answers) return { ...reader.look(AGAIN_MS), waitMs: AGAIN_MS };
  if (over) return reader.look(untilNext(next, now));
  const leftMs = msOf(round.startedAt) + SPREAD_MS - house.clock.nowMs();
  return reader.look(Math.max(PAUSE_MIN_MS, leftMs / Math.ceil(page.more / PAGE)));
}

const key = (connection: string, { name }: Target): string => `left-watch:${connection}:${name}`;

/** The round to go on with; null while the last one is not a day old. A clock that was set back begins anew. */
function roundAt(stored: Round | null, now: Instant): Round | null {
  if (stored === null) return { startedAt: now, after: 0, recheckedAt: null, stuck: 0 };
  if (stored.after !== null && stored.startedAt <= now) return stored;
  return isPast(stored.startedAt, ROUND_MS, now) ? { ...stored, startedAt: now, after: 0, stuck: 0 } : null;
}

/** Whether that moment is as long ago, or never was; one that the clock has not reached any more does not count. */
const isPast = (at: Instant | null, ms: number, now: Instant): boolean =>
  at === null || at <= plusMs(now, -ms) || at > now;

const untilNext = ({ startedAt }: Round, now: Instant): number =>
  Math.max(PAUSE_MIN_MS, msOf(startedAt) + ROUND_MS - msOf(now));

class Reader {
  readonly #house: House;
  readonly #live: LiveConnection;
  readonly #target: Target;
  readonly #signal: AbortSignal;
  readonly #active: string[] = [];
  #read = 0;
  /** Workers about whom an alarm of this target is open. */
  #alarmed: ReadonlySet<string> = new Set();

  constructor(house: House, live: LiveConnection, target: Target, signal: AbortSignal) {
    this.#house = house;
    this.#live = live;
    this.#target = target;
    this.#signal = signal;
  }

  look(waitMs: number): LeftLook {
    const some = this.#alarmed.size > 0 || this.#active.length > 0;
    return { read: this.#read, active: this.#active, waitMs: some ? Math.min(waitMs, RECHECK_MS) : waitMs };
  }

  /** Whether an alarm of this watch is open at this target. */
  async alarmed(): Promise<boolean> {
    const { name } = this.#live.connection;
    const open = (await this.#house.store.alarms(name)).filter(
      ({ code, subject, worker }) =>
        (code === RE_ENABLED || code === NOT_OURS) && worker !== null && subject === this.#subject(worker),
    );
    this.#alarmed = new Set(open.flatMap(({ worker }) => worker ?? []));
    return this.#alarmed.size > 0;
  }

  async recheck(): Promise<void> {
    await this.page([...this.#alarmed].slice(0, RECHECKED_MAX).map((key) => ({ key })));
  }

  /** How many of them are done with: all, or those before the target ceased to answer. */
  async page(workers: readonly { readonly key: string }[]): Promise<number> {
    let unread = 0;
    for (const [index, { key: workerKey }] of workers.entries()) {
      if (this.#signal.aborted) return index - unread;
      try {
        await this.#worker(workerKey);
        unread = 0;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        unread += 1;
        if (this.#signal.aborted) return index + 1 - unread;
        this.#tell(workerKey, error);
        if (unread >= UNREAD_IN_ROW_MAX || unread === workers.length) return index + 1 - unread;
      }
    }
    return workers.length;
  }

  #tell(worker: string, { faults }: Problem): void {
    const fields = { connection: this.#live.connection.name, target: this.#target.name, worker, code: faults[0]?.code };
    this.#house.log.warn(fields, 'the account of somebody who left could not be read, it is read later');
  }

  /** Reads the account of one worker, if they still have left and nothing is under way there. */
  async #worker(workerKey: string): Promise<void> {
    const situation = await this.#situation(workerKey);
    if (situation !== undefined && this.#isBusy(situation)) return;
    const account = situation === undefined ? null : this.#account(situation);
    if (account === null) return this.#isOver(workerKey);
    this.#read += 1;
    const checked = await checkAccount(this.#house, this.#live, this.#target, workerKey, account, this.#signal);
    if (checked.kind === 'inactive' || checked.kind === 'gone') return this.#isOver(workerKey);
    await this.#alert(workerKey, checked);
    if (checked.kind !== 'active') return;
    this.#active.push(workerKey);
    await this.#disableAgain(workerKey);
  }

  async #situation(workerKey: string): Promise<Situation | undefined> {
    const { name } = this.#live.connection;
    return (await this.#house.store.situations(name, [workerKey], { employments: false })).get(workerKey);
  }

  /** Null where there is nothing to read. */
  #account({ standing, accounts }: Situation): AccountState | null {
    if (standing.stage !== 'left' && standing.stage !== 'purged') return null;
    const account = accounts.find(({ target }) => target === this.#target.name);
    return account === undefined || account.remoteId === null ? null : account;
  }

  /** Delivery is at it: a leaver whose disable is not confirmed yet has a watch of their own. */
  #isBusy({ operations }: Situation): boolean {
    return operations.some(
      ({ kind, target, state }) => target === this.#target.name && state !== 'failed' && CHANGES_ACCOUNT.has(kind),
    );
  }

  /** What the target says is stored as what is known, so that every judgement from now on knows it; then the facts are judged. */
  async #disableAgain(workerKey: string): Promise<void> {
    const { store, clock } = this.#house;
    const { name } = this.#live.connection;
    for (let round = 0; round < CONFLICT_ROUNDS_MAX; round += 1) {
      const situation = await this.#situation(workerKey);
      const account = situation === undefined ? null : this.#account(situation);
      if (situation === undefined || account === null || this.#isBusy(situation)) return;
      const { revision, standing, dueAt } = situation;
      const stored = await store.commit({
        connection: name,
        at: nowOf(clock),
        workers: [
          {
            key: workerKey,
            revision,
            standing,
            dueAt,
            accounts: [{ ...account, active: true }],
            operations: [],
            supersedes: [],
            entries: [
              {
                kind: 'found-active',
                connection: name,
                workerKey,
                actor: 'daemon',
                body: { target: this.#target.name, believed: account.active === true ? 'active' : 'inactive' },
              },
            ],
          },
        ],
      });
      if (stored.kind === 'conflict') continue;
      await judgeOnFile(this.#house, this.#live, [workerKey], 'left-watch');
      return;
    }
    // Somebody else keeps changing this worker: the next reading, an hour from now, finds what has become of it.
  }

  async #alert(workerKey: string, { kind }: Exclude<Checked, { kind: 'inactive' | 'gone' }>): Promise<void> {
    const where = `at ${this.#target.name}`;
    const [code, message, hint] =
      kind === 'active'
        ? [
            RE_ENABLED,
            `the account of worker ${workerKey}, who has left, is active ${where}`,
            'it is disabled again through the guard (rollcall holds); find out who or what enables it',
          ]
        : [
            NOT_OURS,
            `worker ${workerKey} has left, and an account that ${kind === 'protected' ? 'is protected' : 'is not proven to be theirs'} is active ${where}`,
            'it gets no write from here: look whose it is, and disable it by hand if it is theirs',
          ];
    await raiseAlarm(this.#house, this.#live.connection.name, {
      code,
      subject: this.#subject(workerKey),
      message,
      hint,
      worker: workerKey,
    });
  }

  async #isOver(workerKey: string): Promise<void> {
    if (!this.#alarmed.has(workerKey)) return;
    const { name } = this.#live.connection;
    for (const code of [RE_ENABLED, NOT_OURS]) await clearAlarm(this.#house, name, code, this.#subject(workerKey));
  }

  #subject(workerKey: string): string {
    return `${this.#target.name}/${workerKey}`;
  }
}
