// One seed of the reliability campaign: a company lives through some days while the daemon is killed and its endpoints lie; then
// the endpoints are honest, everything settles, and the judge looks at what is left.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { instantOfMs } from '../../src/base/instant.ts';
import { type NewAct, openStore, type Store } from '../../src/store/store.ts';
import type { BulkManners } from '../support/fake-bulk.ts';
import { type FakeIdp, type LoggedRequest, startFakeIdp } from '../support/fake-idp.ts';
import { type Resource, USER_SCHEMA } from '../support/fake-scim.ts';
import { seeded } from './crash-company.ts';
import { LIES, type Liar, type Lie, liarOf } from './liar.ts';
import { pendingIn } from './pending.ts';
import type { AuditEntry } from './reliability-audit.ts';
import {
  connectionText,
  csvOf,
  type Outcome,
  type ReliabilityCompany,
  reliabilityCompany,
  type Step,
} from './reliability-company.ts';
import { type Evidence, type TargetEvidence, violations } from './reliability-judge.ts';
import { type Pace, virtualAt } from './scaled-clock.ts';
import type { WarmDaemon, WarmDaemons } from './warm-daemon.ts';

export const SCENARIOS = ['singles', 'patch204', 'two-targets', 'bulk'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export const MOMENTS = [
  'before a request was applied',
  'after a request was applied',
  'after an answer',
  'while it started',
  'after a new export',
] as const;
export type Moment = (typeof MOMENTS)[number];

export interface RoundResult {
  readonly scenario: Scenario;
  readonly faults: readonly string[];
  readonly kills: Readonly<Partial<Record<Moment, number>>>;
  readonly lies: Readonly<Partial<Record<Lie, number>>>;
  readonly requests: number;
  readonly writes: number;
  readonly workers: number;
  readonly leavers: number;
  readonly approvals: number;
  readonly entries: number;
  readonly ms: number;
}

export interface RoundOptions {
  readonly seed: number;
  readonly dir: string;
  readonly daemons: WarmDaemons;
  readonly only?: Scenario | undefined;
}

const TOKEN = 'reliability-campaign';
const SPEED = 20;
const DAY_MS = 24 * 3_600_000;
/** A company's day; the clock is never set forward beyond it by impatience alone. */
const MORNING_MS = 5 * 3_600_000;
const EVENING_MS = 23 * 3_600_000;
const KILLS_MAX = 5;
/** Real time. What has not settled by then, although nobody lies any more, is a finding. */
const SETTLE_MS = 25_000;
const STOP_MS = 10_000;
const LOOK_MS = 10;
/** The daemon looks at its source at least once an hour. */
const NEXT_LOOK_MS = 62 * 60_000;
/** Without a request for so long the daemon is taken to wait for its clock, which is then set forward. */
const IDLE_MS = 30;
const FORWARD_MS = { least: 1_000, most: 60_000 } as const;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface KillPlan {
  readonly moment: Moment;
  /** The request after whose arrival, or the milliseconds after the start or the export. */
  readonly at: number;
}

export async function playRound(options: RoundOptions): Promise<RoundResult> {
  await using round = await Round.open(options);
  return await round.play();
}

class Round implements AsyncDisposable {
  readonly #options: RoundOptions;
  readonly #random: () => number;
  readonly #scenario: Scenario;
  readonly #company: ReliabilityCompany;
  readonly #feed: string;
  readonly #state: string;
  readonly #mappings: string;
  #idps: { readonly name: string; readonly idp: FakeIdp; readonly liar: Liar; readonly strangers: Resource[] }[] = [];
  #kills: KillPlan[] = [];
  readonly #killed: Partial<Record<Moment, number>> = {};
  readonly #faults: string[] = [];
  #daemon: WarmDaemon | null = null;
  #ending = false;
  #paces: Pace[] = [];
  #day: number;
  #requests = 0;
  #lastRequestAt = Date.now();
  #forwardMs: number = FORWARD_MS.least;
  /** In the end it only matters that everything settles, and no more how. */
  #patient = true;
  #approvals = 0;
  #csv = '';
  readonly #versions: (Outcome & { since: number })[] = [];

  private constructor(options: RoundOptions) {
    this.#options = options;
    // The company has a stream of its own, so that another scenario of the same seed has the same company.
    this.#random = seeded(options.seed * 2 + 1);
    this.#company = reliabilityCompany(options.seed);
    // In turn, so that a short campaign meets them all.
    this.#scenario = options.only ?? SCENARIOS[options.seed % SCENARIOS.length] ?? 'singles';
    this.#feed = join(options.dir, 'inbox', 'workers.csv');
    this.#state = join(options.dir, 'state');
    this.#mappings = join(options.dir, 'mappings');
    this.#day = Date.parse(`${this.#company.firstDay}T00:00:00Z`);
    this.#setClock(this.#day + MORNING_MS);
  }

  static async open(options: RoundOptions): Promise<Round> {
    const round = new Round(options);
    for (const dir of [join(options.dir, 'inbox'), round.#state, round.#mappings])
      await mkdir(dir, { recursive: true });
    await round.#startEndpoints();
    const count = Math.floor(round.#random() * (KILLS_MAX + 1));
    round.#kills = Array.from({ length: count }, () => round.#killPlan());
    return round;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    this.#daemon?.kill();
    await this.#daemon?.ended;
    for (const { idp } of this.#idps) await idp.close();
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #killPlan(): KillPlan {
    const moment = MOMENTS[this.#upTo(MOMENTS.length - 1)] as Moment;
    const people = this.#company.versions[0]?.wanted.size ?? 0;
    if (moment === 'while it started') return { moment, at: 20 + this.#upTo(250) };
    if (moment === 'after a new export') return { moment, at: this.#upTo(80) };
    return { moment, at: 1 + this.#upTo(people * 4) };
  }

  async #startEndpoints(): Promise<void> {
    const names = this.#scenario === 'two-targets' ? ['idp', 'hub'] : ['idp'];
    for (const name of names) {
      const lies = LIES.filter(() => this.#random() < 0.6);
      const storms = this.#random() < 0.4 ? [{ from: this.#upTo(150), requests: 5 + this.#upTo(40) }] : [];
      const rate = [0, 0.05, 0.15, 0.3, 0.5][this.#upTo(4)] ?? 0;
      const random = seeded(this.#options.seed * 1_000 + names.indexOf(name));
      const time = () => this.#virtualAt(Date.now());
      const liar = liarOf({ random, now: time, rate, lies, storms });
      const idp = await startFakeIdp({
        token: TOKEN,
        users: this.#company.users,
        groups: this.#company.groups,
        lateVisibility: this.#random() < 0.4 ? 1 + this.#upTo(3) : 0,
        patchAnswer: this.#scenario === 'patch204' ? 204 : 200,
        idPrefix: name,
        time,
        ...(this.#scenario === 'bulk' ? { bulk: this.#bulkManners() } : {}),
        liar: (request) => this.#arrived(request, liar),
      });
      this.#idps.push({ name, idp, liar, strangers: [] });
    }
    const limits = { concurrency: 1 + this.#upTo(7), perSecond: this.#random() < 0.7 ? null : 20 };
    await writeFile(join(this.#mappings, 'acme.yaml'), connectionText(names.map((name) => ({ name, ...limits }))));
  }

  /** Small limits, and answers that say less than they should. */
  #bulkManners(): BulkManners {
    return {
      maxOperations: 2 + this.#upTo(20),
      maxPayloadSize: 20_000,
      order: this.#random() < 0.5 ? 'kept' : 'reversed',
      shows: this.#random() < 0.5,
      resolves: this.#random() < 0.7,
      ...(this.#random() < 0.2 ? { gives: 1 + this.#upTo(6) } : {}),
    };
  }

  // ── the daemon's life ───────────────────────────────────────────────────────────────────────────────────────────

  async #arrived(request: LoggedRequest, liar: Liar): ReturnType<Liar['act']> {
    this.#requests += 1;
    this.#lastRequestAt = Date.now();
    if (this.#patient) this.#forwardMs = FORWARD_MS.least;
    const plan = this.#kills.find(
      ({ moment, at }) => at <= this.#requests && moment !== 'while it started' && moment !== 'after a new export',
    );
    if (plan !== undefined && this.#kill(plan)) {
      if (plan.moment === 'before a request was applied') return { kind: 'reset' };
      if (plan.moment === 'after a request was applied') return { kind: 'loseReply' };
    }
    return liar.act(request);
  }

  /** False when the daemon is dead already. */
  #kill(plan: KillPlan): boolean {
    const daemon = this.#daemon;
    if (this.#ending || daemon === null || daemon.killed) return false;
    this.#kills.splice(this.#kills.indexOf(plan), 1);
    this.#killed[plan.moment] = (this.#killed[plan.moment] ?? 0) + 1;
    // An answer takes its way first.
    if (plan.moment === 'after an answer') setTimeout(() => daemon.kill(), 1 + (plan.at % 4));
    else daemon.kill();
    return true;
  }

  /** Starts the daemon whenever it was killed. Resolves when it was stopped, or ended by itself. */
  async #keepAlive(): Promise<void> {
    for (let start = 0; !this.#ending; start += 1) {
      const daemon = this.#options.daemons.take();
      this.#daemon = daemon;
      daemon.go({
        mappings: this.#mappings,
        state: this.#state,
        env: {
          CAMPAIGN_FEED: this.#feed,
          CAMPAIGN_TOKEN: TOKEN,
          ...Object.fromEntries(this.#idps.map(({ name, idp }) => [`CAMPAIGN_URL_${name.toUpperCase()}`, idp.url])),
        },
        pace: this.#pace,
        seed: this.#options.seed * 100 + start,
      });
      const early = this.#kills.find(({ moment }) => moment === 'while it started');
      if (early !== undefined) setTimeout(() => this.#kill(early), early.at);
      const code = await daemon.ended;
      if (daemon.killed) continue;
      if (!this.#ending || code !== 0)
        this.#faults.push(`the daemon ended by itself with code ${code}:\n${daemon.said}`);
      return;
    }
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #pace(): Pace {
    return this.#paces.at(-1) as Pace;
  }

  #virtualAt(realMs: number): number {
    return virtualAt(this.#paces.findLast((pace) => pace.realMs <= realMs) ?? (this.#paces[0] as Pace), realMs);
  }

  #setClock(virtualMs: number): void {
    const pace = { realMs: Date.now(), virtualMs, speed: SPEED };
    this.#paces.push(pace);
    this.#daemon?.follow(pace);
  }

  get #idle(): boolean {
    return Date.now() - this.#lastRequestAt > IDLE_MS && this.#idps.every(({ idp }) => idp.log.every(isOver));
  }

  /** Nobody waits for back-offs in real time. */
  #hurry(): void {
    if (this.#daemon?.runs !== true || !this.#idle) return;
    const next = this.#virtualAt(Date.now()) + this.#forwardMs;
    if (next >= this.#day + EVENING_MS) return;
    this.#setClock(next);
    this.#forwardMs = Math.min(this.#forwardMs * 2, FORWARD_MS.most);
  }

  // ── the days ────────────────────────────────────────────────────────────────────────────────────────────────────

  async play(): Promise<RoundResult> {
    const started = performance.now();
    const life = this.#keepAlive();
    for (const [index, step] of this.#company.steps.entries()) {
      const outcome = this.#company.versions[index];
      if (outcome !== undefined) this.#versions.push({ since: Date.now(), ...outcome });
      await this.#take(step);
      await this.#dwell();
      if (this.#faults.length > 0) break;
    }
    // What piled up is delivered to liars and by a daemon that is killed, as well.
    const people = this.#company.versions.at(-1)?.wanted.size ?? 0;
    await this.#dwellFor(people * 3, 1_500);
    for (const { liar } of this.#idps) liar.stop();
    this.#kills = [];
    if (this.#faults.length === 0) await this.#settle();
    this.#ending = true;
    this.#daemon?.stop();
    const late = setTimeout(() => {
      this.#faults.push(`the daemon did not stop within ${STOP_MS} ms:\n${this.#daemon?.said}`);
      this.#daemon?.kill();
    }, STOP_MS);
    await life;
    clearTimeout(late);
    // Where it never came to be settled, what is left proves nothing.
    const audit = this.#faults.length === 0 ? await this.#audit() : { entries: [], broken: null };
    if (this.#faults.length === 0) this.#faults.push(...violations(this.#evidence(audit)));
    return this.#result(audit.entries.length, performance.now() - started);
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'feed': {
        this.#csv = csvOf(step.feed);
        await writeFile(`${this.#feed}.tmp`, this.#csv);
        await rename(`${this.#feed}.tmp`, this.#feed);
        const plan = this.#kills.find(({ moment }) => moment === 'after a new export');
        if (plan !== undefined && this.#random() < 0.6) setTimeout(() => this.#kill(plan), plan.at);
        return;
      }
      case 'night':
        this.#day += step.days * DAY_MS;
        return this.#setClock(this.#day + MORNING_MS + this.#upTo(3_600_000));
      case 'stranger':
        for (const { idp, strangers } of this.#idps) {
          const id = `stranger-${strangers.length + 1}`;
          const taken = idp.user(step.userName) !== undefined;
          const user = { id, schemas: [USER_SCHEMA], active: true, userName: step.userName, externalId: `other-${id}` };
          if (taken) continue;
          idp.users.set(id, { ...user, meta: { resourceType: 'User', version: 'W/"0"', location: `/Users/${id}` } });
          strangers.push(user);
        }
        return;
      case 'leave':
        return this.#order('leave', { worker: step.worker });
    }
  }

  /** Gives the daemon some requests' time, or a moment; a dead one is waited for. */
  async #dwell(): Promise<void> {
    if (this.#random() < 0.3) await this.#approve();
    await this.#dwellFor(Math.floor(this.#random() ** 2 * 100), 60 + this.#upTo(240));
  }

  async #dwellFor(more: number, ms: number): Promise<void> {
    const requests = this.#requests + more;
    const until = Date.now() + ms;
    while (this.#faults.length === 0 && this.#requests < requests && Date.now() < until) {
      if (this.#daemon?.runs !== true) await Promise.race([this.#daemon?.ready, pause(1_000)]);
      await pause(LOOK_MS);
      this.#hurry();
    }
  }

  // ── operators ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #store(mode: 'read' | 'guest'): Promise<Store> {
    const now = () => instantOfMs(this.#virtualAt(Date.now()));
    return openStore({ dir: this.#state, mode, now, randomBytes: (length) => new Uint8Array(length) });
  }

  /** Adds an act as a command beside the daemon does, and waits until it was carried out; refused ones are asked for again. */
  async #order(kind: string, args: NewAct['args']): Promise<void> {
    const act: NewAct = { kind, args, reason: 'campaign', by: 'olga', osUser: userInfo().username, channel: 'cli' };
    const until = Date.now() + SETTLE_MS;
    let id: number | null = null;
    let answer = 'none';
    while (Date.now() < until && this.#faults.length === 0) {
      await pause(LOOK_MS);
      if (this.#daemon?.runs !== true) continue;
      await using store = await this.#store('guest');
      const row = id === null ? null : await store.act(id);
      if (row?.finishedAt != null) {
        if (row.result?.ok === true) return;
        answer = String(row.result?.message);
        // Perhaps HR's export is not judged yet, or what it says of this worker is held.
        await this.#approve();
        await pause(2 * IDLE_MS);
      }
      if (row === null || row.finishedAt !== null) id = await store.addAct(act);
      this.#hurry();
    }
    if (this.#faults.length > 0) return;
    this.#faults.push(`the act ${kind} was not carried out within ${SETTLE_MS} ms, last answer: ${answer}`);
  }

  /** Approves every hold as it stands, without waiting. */
  async #approve(): Promise<number> {
    if (this.#daemon?.runs !== true) return 0;
    await using store = await this.#store('guest');
    const holds = await store.holds(null);
    for (const { digest } of holds) {
      await store.addAct({
        kind: 'approve',
        args: { digest },
        reason: 'campaign',
        by: 'olga',
        osUser: 'olga',
        channel: 'cli',
      });
      this.#approvals += 1;
    }
    return holds.length;
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #settle(): Promise<void> {
    // Whoever kept changing while the export was judged is judged at the next look, an hour later at the latest.
    this.#patient = false;
    await this.#calm(0);
    const next = this.#virtualAt(Date.now()) + NEXT_LOOK_MS;
    this.#setClock(next);
    if (this.#faults.length === 0) await this.#calm(next);
  }

  /** Until nothing is left to do, and the last export was looked at after this moment of the daemon's clock. */
  async #calm(lookedAfterMs: number): Promise<void> {
    const until = Date.now() + SETTLE_MS;
    let quiet = 0;
    let pending = 'the daemon did not start';
    while (quiet < 2 && this.#faults.length === 0) {
      if (Date.now() > until) {
        this.#faults.push(`did not settle: ${pending}\n${this.#daemon?.said}`);
        return;
      }
      await pause(LOOK_MS);
      if (this.#daemon?.runs !== true || !this.#idle) {
        quiet = 0;
        continue;
      }
      const before = this.#requests;
      const open = await this.#pending(lookedAfterMs);
      if (open === null && before === this.#requests) {
        quiet += 1;
        await pause(IDLE_MS);
        continue;
      }
      quiet = 0;
      pending = open ?? 'requests';
      this.#hurry();
    }
  }

  /** What keeps it from being settled; null when nothing does. */
  async #pending(lookedAfterMs: number): Promise<string | null> {
    await using store = await this.#store('read');
    const pending = await pendingIn(store, {
      connection: 'acme',
      targets: this.#idps.map(({ name }) => name),
      csv: this.#csv,
      now: instantOfMs(this.#virtualAt(Date.now())),
      lookedAfterMs,
    });
    if (pending === 'held') {
      // One approval at a time: the digest changes with what was released.
      await this.#approve();
      await pause(IDLE_MS);
    }
    return pending;
  }

  async #audit(): Promise<{ entries: AuditEntry[]; broken: string | null }> {
    await using store = await this.#store('read');
    const entries: AuditEntry[] = [];
    for await (const some of store.audit.export({})) entries.push(...some);
    const proof = await store.audit.verify(() => {});
    return { entries, broken: proof.ok ? null : `entry ${proof.brokenAt}: ${proof.reason}` };
  }

  #evidence(audit: { entries: AuditEntry[]; broken: string | null }): Evidence {
    const guests = new Map(
      this.#company.groups.map((group) => [
        String(group.displayName),
        ((group.members ?? []) as readonly Resource[]).map(({ value }) => String(value)),
      ]),
    );
    const untouchable = this.#company.users.filter(({ id }) => this.#company.untouchable.includes(String(id)));
    const targets = this.#idps.map(
      ({ name, idp, strangers }): TargetEvidence => ({
        name,
        log: idp.log,
        users: [...idp.users.values()],
        groups: [...idp.groups.values()],
        untouchable: [...untouchable, ...strangers],
        guests,
      }),
    );
    return { targets, versions: this.#versions, audit, virtualAt: (realMs: number) => this.#virtualAt(realMs) };
  }

  #result(entries: number, ms: number): RoundResult {
    const logs = this.#idps.map(({ idp }) => idp.log);
    const last = [...(this.#company.versions.at(-1)?.wanted.values() ?? [])];
    const lies: Partial<Record<Lie, number>> = {};
    for (const { liar } of this.#idps) for (const lie of LIES) lies[lie] = (lies[lie] ?? 0) + liar.told[lie];
    return {
      scenario: this.#scenario,
      faults: this.#faults,
      kills: this.#killed,
      lies,
      requests: this.#requests,
      writes: logs.reduce((sum, log) => sum + log.filter(({ method }) => method !== 'GET').length, 0),
      workers: last.length,
      leavers: last.filter(({ stage }) => stage === 'left').length,
      approvals: this.#approvals,
      entries,
      ms,
    };
  }
}

const isOver = ({ endedAt, goneAt }: LoggedRequest): boolean => endedAt !== null || goneAt !== undefined;
