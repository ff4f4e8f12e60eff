// The disk campaign (`npm run campaign:disk -- --seconds N`): the real command line under strace, which kills it, or answers EIO
// or ENOSPC, at the n-th write and flush of the database. Afterwards a clean run must bring everything to the right state, and
// the process must have stopped by itself, with a message. Needs strace; without it nothing is done, and that is said.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, realpath, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { calendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { instantOfMs } from '../../src/base/instant.ts';
import { nowOf, systemClock } from '../../src/runtime/clock.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { type FakeIdp, type LoggedRequest, startFakeIdp } from '../support/fake-idp.ts';
import type { Resource } from '../support/fake-scim.ts';
import { seeded } from './crash-company.ts';
import { pendingIn } from './pending.ts';
import { connectionText, csvOf, type Outcome, type Person, type Stage } from './reliability-company.ts';
import { violations } from './reliability-judge.ts';
import { type Pace, virtualAt } from './scaled-clock.ts';
import { WarmDaemons } from './warm-daemon.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TOKEN = 'disk-campaign';
/** A process that neither ends nor says anything by then is hung: that is a finding. `sync` waits a minute for its last outcome. */
const HUNG_MS = 90_000;
const SAID_MAX = 4_000;
/** The clean run is the daemon's, whose clock runs fast: what may still appear at the endpoint is waited for, a minute of its time. */
const CLEAN_SPEED = 60;
const CLEAN_MS = 30_000;
const LOOK_MS = 20;

const CALLS = ['pwrite64', 'fsync', 'fdatasync'] as const;
type Call = (typeof CALLS)[number];
/** A bad sector shows once; a full disk stays full; a kill is a kill. */
const FAULTS = {
  kill: (at: number) => `signal=SIGKILL:when=${at}`,
  EIO: (at: number) => `error=EIO:when=${at}`,
  ENOSPC: (at: number) => `error=ENOSPC:when=${at}+`,
} as const;
type Fault = keyof typeof FAULTS;

const today = calendarDate(nowOf(systemClock).slice(0, 10));
const person = (number: number, change: Partial<Person> = {}): Person => ({
  id: String(1000 + number),
  given: 'Ada',
  family: `Number${number}`,
  start: calendarDate('2020-01-01'),
  end: '',
  department: ['Sales', 'Finance', 'People'][number % 3] ?? 'Sales',
  title: 'Clerk',
  manager: number % 4 === 0 ? '1001' : '',
  ...change,
});
/** Enough that a cycle takes several commits, few enough that a run takes a second. */
const STAFF = Array.from({ length: 24 }, (_, index) => person(index + 1));
const with_ = (number: number, change: Partial<Person>): readonly Person[] =>
  STAFF.map((one) => (one.id === person(number).id ? { ...one, ...change } : one));
const MOVED = with_(2, { department: 'Sales', title: 'Lead' }).map((one) =>
  one.id === '1005' ? { ...one, manager: '1002' } : one,
);
const LEFT = with_(3, { end: plusDays(today, -1) });

interface Scenario {
  readonly name: string;
  /** Exports that were delivered in peace before. */
  readonly before: readonly (readonly Person[])[];
  /** Further commands before, and how long the endpoint serves before the last of them is killed. */
  readonly prepare?: readonly { readonly args: readonly string[]; readonly killAtRequest?: number }[];
  readonly now: readonly Person[];
  readonly command: readonly string[];
  /** Somebody whom an operator orders out. */
  readonly ordered?: string;
}

const SIGNED = ['--reason', 'disk campaign', '--as', 'olga'];
const SYNC = ['sync', '--json'];
const LEAVE = ['leave', '1007', '--wait', '10', ...SIGNED];
const SCENARIOS: readonly Scenario[] = [
  { name: 'first load', before: [], now: STAFF, command: SYNC },
  { name: 'mover cycle', before: [STAFF], now: MOVED, command: SYNC },
  { name: 'leaver', before: [STAFF], now: LEFT, command: SYNC },
  {
    name: 'delivery of outcomes',
    before: [],
    prepare: [
      { args: ['stop-writes', ...SIGNED] },
      { args: [...SYNC, '--wait', '1'] },
      { args: ['resume-writes', ...SIGNED] },
    ],
    now: STAFF,
    command: SYNC,
  },
  { name: 'act', before: [STAFF], now: STAFF, command: LEAVE, ordered: '1007' },
  {
    name: 'restart',
    before: [],
    prepare: [{ args: SYNC, killAtRequest: 30 }],
    now: STAFF,
    // What was in flight may still appear at the endpoint for a minute: that is left to the clean run.
    command: [...SYNC, '--wait', '3'],
  },
];

interface Ended {
  /** Null when it was killed. */
  readonly code: number | null;
  readonly hung: boolean;
  readonly said: string;
}

/** What a run begins with: the state folder and the endpoint as they were left. */
interface Prepared {
  readonly state: string;
  readonly users: readonly Resource[];
  readonly groups: readonly Resource[];
  readonly log: readonly LoggedRequest[];
  readonly feed: readonly Person[];
}

class Workshop implements AsyncDisposable {
  readonly #idp: FakeIdp;
  readonly #dir: string;
  #feeds = 0;
  #child: ChildProcess | null = null;
  #killAtRequest = Number.POSITIVE_INFINITY;
  readonly #daemons: WarmDaemons;
  #csv = '';
  /** The clock of the clean run. */
  #pace: Pace | null = null;

  private constructor(idp: FakeIdp, dir: string) {
    this.#idp = idp;
    this.#dir = dir;
    this.#daemons = new WarmDaemons(join(dir, 'compiled'));
  }

  static async open(): Promise<Workshop> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'rollcall-disk-')));
    const arrived = new EventEmitter<{ request: [LoggedRequest] }>();
    const liar = async (request: LoggedRequest) => {
      arrived.emit('request', request);
      return null;
    };
    const workshop = new Workshop(await startFakeIdp({ token: TOKEN, liar }), dir);
    arrived.on('request', ({ n }) => {
      if (n >= workshop.#killAtRequest) workshop.#end();
    });
    await mkdir(join(dir, 'mappings'));
    await mkdir(join(dir, 'inbox'));
    await writeFile(
      join(dir, 'mappings', 'acme.yaml'),
      connectionText([{ name: 'idp', concurrency: 4, perSecond: null }]),
    );
    return workshop;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemons[Symbol.asyncDispose]();
    await this.#idp.close();
    await rm(this.#dir, { recursive: true });
  }

  /** Where the present run keeps its state. */
  get state(): string {
    return join(this.#dir, 'state');
  }

  /** The files that faults are injected into. */
  get files(): readonly string[] {
    return ['rollcall.db', 'rollcall.db-wal', 'lock.db', 'lock.db-journal'].map((name) => join(this.state, name));
  }

  get #env(): Readonly<Record<string, string>> {
    return {
      CAMPAIGN_FEED: join(this.#dir, 'inbox', 'workers.csv'),
      CAMPAIGN_URL_IDP: this.#idp.url,
      CAMPAIGN_TOKEN: TOKEN,
    };
  }

  #end(): void {
    // The group: strace would let its tracee go on.
    if (this.#child?.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
  }

  async deliver(people: readonly Person[]): Promise<void> {
    const feed = join(this.#dir, 'inbox', 'workers.csv');
    this.#csv = csvOf(new Map(people.map((one) => [one.id, one])));
    await writeFile(`${feed}.tmp`, this.#csv);
    this.#feeds += 1;
    const written = new Date(systemClock.nowMs() - 3_600_000 + this.#feeds * 100);
    await utimes(`${feed}.tmp`, written, written);
    await rename(`${feed}.tmp`, feed);
  }

  async run(args: readonly string[], wrap: readonly string[] = [], killAtRequest?: number): Promise<Ended> {
    const [command = '', ...rest] = [
      ...wrap,
      ...[process.execPath, MAIN, ...args, '--mappings', join(this.#dir, 'mappings'), '--state', this.state],
    ];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#dir, 'compiled'), ...this.#env };
    this.#killAtRequest = killAtRequest ?? Number.POSITIVE_INFINITY;
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    this.#child = child;
    let said = '';
    let hung = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-SAID_MAX);
      });
    }
    const patience = setTimeout(() => {
      hung = true;
      this.#end();
    }, HUNG_MS);
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    clearTimeout(patience);
    this.#child = null;
    this.#killAtRequest = Number.POSITIVE_INFINITY;
    return { code, hung, said };
  }

  async prepared({ before, prepare = [], now }: Scenario): Promise<Prepared> {
    await rm(this.state, { recursive: true, force: true });
    await mkdir(this.state);
    this.#place([], [], []);
    for (const people of before) {
      await this.deliver(people);
      const { code, said } = await this.run(SYNC);
      if (code !== 0) throw new Error(`could not be prepared: code ${code}\n${said}`);
    }
    await this.deliver(now);
    for (const { args, killAtRequest } of prepare) await this.run(args, [], killAtRequest);
    const state = await mkdtemp(join(this.#dir, 'prepared-'));
    await cp(this.state, state, { recursive: true });
    return { state, feed: now, ...this.#seen() };
  }

  async restore({ state, users, groups, log, feed }: Prepared): Promise<void> {
    this.#pace = null;
    await rm(this.state, { recursive: true, force: true });
    await cp(state, this.state, { recursive: true });
    await this.deliver(feed);
    this.#place(users, groups, log);
  }

  #seen(): Omit<Prepared, 'state' | 'feed'> {
    const { users, groups, log } = this.#idp;
    return structuredClone({ users: [...users.values()], groups: [...groups.values()], log });
  }

  #place(users: readonly Resource[], groups: readonly Resource[], log: readonly LoggedRequest[]): void {
    for (const [kept, resources] of [
      [this.#idp.users, users],
      [this.#idp.groups, groups],
    ] as const) {
      kept.clear();
      for (const resource of structuredClone(resources)) kept.set(String(resource.id), resource);
    }
    this.#idp.log.splice(0, Number.POSITIVE_INFINITY, ...structuredClone(log));
  }

  /** Lets the daemon do what is left. Returns what is wrong with that. */
  async cleanRun(): Promise<readonly string[]> {
    const daemon = this.#daemons.take();
    const startedMs = systemClock.nowMs();
    this.#pace = { realMs: startedMs, virtualMs: startedMs, speed: CLEAN_SPEED };
    daemon.go({ mappings: join(this.#dir, 'mappings'), state: this.state, env: this.#env, pace: this.#pace, seed: 1 });
    await daemon.ready;
    let pending: string | null = 'it did not start';
    while (daemon.runs && pending !== null && systemClock.nowMs() < startedMs + CLEAN_MS) {
      await systemClock.wait(LOOK_MS);
      await using store = await this.#store();
      const now = instantOfMs(this.#virtualAt(systemClock.nowMs()));
      const rest = { connection: 'acme', targets: ['idp'], csv: this.#csv, now, lookedAfterMs: startedMs };
      pending = await pendingIn(store, rest);
    }
    daemon.stop();
    const late = setTimeout(() => daemon.kill(), CLEAN_MS);
    const code = await daemon.ended;
    clearTimeout(late);
    if (pending !== null) return [`a clean run does not come to rest: ${pending}\n${daemon.said}`];
    return code === 0 ? [] : [`a clean run ended with code ${code}:\n${daemon.said}`];
  }

  #virtualAt(realMs: number): number {
    return this.#pace === null || realMs < this.#pace.realMs ? realMs : virtualAt(this.#pace, realMs);
  }

  #store(): Promise<Store> {
    const now = () => nowOf(systemClock);
    return openStore({ dir: this.state, mode: 'read', now, randomBytes: (length) => new Uint8Array(length) });
  }

  async faults({ before, now, ordered }: Scenario): Promise<readonly string[]> {
    await using store = await this.#store();
    const entries = [];
    for await (const some of store.audit.export({})) entries.push(...some);
    const proof = await store.audit.verify(() => {});
    const versions = [...before, now].map((people) => ({ since: 0, ...outcomeOf(people) }));
    if (ordered !== undefined) versions.push({ since: 0, ...outcomeOf(now, ordered) });
    return violations({
      targets: [{ name: 'idp', ...this.#seen(), untouchable: [], guests: new Map() }],
      versions,
      audit: { entries, broken: proof.ok ? null : `entry ${proof.brokenAt}: ${proof.reason}` },
      virtualAt: (realMs) => this.#virtualAt(realMs),
    });
  }
}

function outcomeOf(people: readonly Person[], ordered?: string): Outcome {
  const stageOf = ({ id, end }: Person): Stage => (id === ordered || (end !== '' && end < today) ? 'left' : 'active');
  const wanted = new Map(people.map((one) => [one.id, { stage: stageOf(one), person: one }]));
  return { wanted, wantedAtNight: wanted };
}

const straced = (files: readonly string[], calls: readonly string[], more: readonly string[]): readonly string[] => [
  ...['strace', '-f', '--seccomp-bpf', '-qq', '-e', `trace=${calls.join(',')}`],
  ...files.flatMap((file) => ['-P', file]),
  ...more,
  '--',
];

/** How often each call is made on the files: the most that one thread makes, since strace counts for each thread. */
async function counted(workshop: Workshop, scenario: Scenario, prepared: Prepared): Promise<ReadonlyMap<Call, number>> {
  await workshop.restore(prepared);
  const trace = join(prepared.state, '..', 'trace');
  const { code, said } = await workshop.run(scenario.command, straced(workshop.files, CALLS, ['-o', trace]));
  if (code !== 0) throw new Error(`${scenario.name} does not work undisturbed: code ${code}\n${said}`);
  const byThread = new Map<string, number>();
  for (const [, thread, call] of (await readFile(trace, 'utf8')).matchAll(/^(\d+)\s+(\w+)\(/gm)) {
    const key = `${call} ${thread}`;
    byThread.set(key, (byThread.get(key) ?? 0) + 1);
  }
  const most = (call: Call): number =>
    Math.max(0, ...[...byThread].filter(([key]) => key.startsWith(`${call} `)).map(([, count]) => count));
  return new Map(CALLS.map((call) => [call, most(call)]));
}

interface Injection {
  readonly scenario: Scenario;
  readonly call: Call;
  readonly fault: Fault;
  readonly at: number;
}

/** One fault, then a clean run. Returns what is wrong. */
async function inject(
  workshop: Workshop,
  prepared: Prepared,
  { scenario, call, fault, at }: Injection,
): Promise<readonly string[]> {
  await workshop.restore(prepared);
  const wrap = straced(workshop.files, [call], ['-o', '/dev/null', '-e', `inject=${call}:${FAULTS[fault](at)}`]);
  const hit = await workshop.run(scenario.command, wrap);
  if (hit.hung) return [`hung for ${HUNG_MS} ms:\n${hit.said}`];
  const faults: string[] = [];
  if (fault !== 'kill') {
    if (hit.code === null) faults.push(`was ended by a signal:\n${hit.said}`);
    else if (hit.code !== 0 && hit.said.trim() === '') faults.push(`ended with code ${hit.code} and said nothing`);
    else if (STACK.test(hit.said))
      faults.push(`ended with code ${hit.code} and a stack instead of a message:\n${hit.said}`);
  }
  // Whoever got no answer asks again.
  if (scenario.ordered !== undefined && hit.code !== 0) await workshop.run(scenario.command);
  const unclean = await workshop.cleanRun();
  if (unclean.length > 0) return [...faults, ...unclean];
  return [...faults, ...(await workshop.faults(scenario))];
}
const STACK = /^ {4}at /m;

// ── the campaign ──────────────────────────────────────────────────────────────────────────────────────────────────

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    /** One fault alone, such as "EIO pwrite64 152". */
    fault: { type: 'string' },
    report: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const chosen = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only);
if (!(seconds > 0) || !Number.isInteger(seed) || chosen.length === 0) {
  console.error(
    `usage: disk.ts [--seconds N] [--seed S] [--only ${SCENARIOS.map(({ name }) => `"${name}"`).join('|')}] [--report FILE]`,
  );
  process.exit(2);
}
if (spawnSync('strace', ['--version']).status !== 0) {
  console.log('disk campaign: skipped, there is no strace here');
  process.exit(0);
}

/** Every second, then every fourth, then every eighth … of `count`: wherever one stops, what was done is spread evenly. */
function spread(count: number): readonly number[] {
  const bits = Math.ceil(Math.log2(Math.max(2, count)));
  const reversed = (number: number): number =>
    Number.parseInt(number.toString(2).padStart(bits, '0').split('').reverse().join(''), 2);
  return Array.from({ length: 2 ** bits }, (_, index) => reversed(index) + 1).filter((at) => at <= count);
}

const started = systemClock.nowMs();
const random = seeded(seed);
const covered = new Map<string, { done: number; of: number }>();
const broken: string[] = [];
await using workshop = await Workshop.open();
const beginnings = new Map<Scenario, Prepared>();
const planned: { readonly injection: Injection; readonly order: number }[] = [];
for (const scenario of chosen) beginnings.set(scenario, await workshop.prepared(scenario));
for (const [scenario, prepared] of beginnings) {
  for (const [call, most] of await counted(workshop, scenario, prepared)) {
    for (const fault of Object.keys(FAULTS) as Fault[]) {
      const ats = spread(most).filter((at) => values.fault === undefined || values.fault === `${fault} ${call} ${at}`);
      if (ats.length > 0) covered.set(`${scenario.name}, ${fault} at ${call}`, { done: 0, of: most });
      for (const [index, at] of ats.entries())
        planned.push({ injection: { scenario, call, fault, at }, order: index + random() });
    }
  }
}
// In turn, so that a short campaign strikes everywhere.
planned.sort((a, b) => a.order - b.order);
let done = 0;
for (const { injection } of planned) {
  if (systemClock.nowMs() > started + seconds * 1_000) break;
  const { scenario, call, fault, at } = injection;
  const what = `${scenario.name}, ${fault} at ${call}`;
  const prepared = beginnings.get(scenario);
  if (prepared === undefined) continue;
  const faults = await inject(workshop, prepared, injection);
  done += 1;
  const cover = covered.get(what);
  if (cover !== undefined) cover.done += 1;
  if (faults.length === 0) continue;
  broken.push(`${what} ${at}`);
  console.error(`${what} ${at}: ${faults.length} broken promises`);
  for (const fault of faults.slice(0, 10)) console.error(`  ${fault}`);
}
const took = Math.round((systemClock.nowMs() - started) / 1_000);
const summary = {
  injections: done,
  possible: planned.length,
  broken,
  seconds: took,
  covered: Object.fromEntries(covered),
};
if (values.report !== undefined) await writeFile(values.report, `${JSON.stringify(summary, null, 2)}\n`);
console.log(`disk campaign: ${done} of ${planned.length} faults, ${broken.length} broken, ${took} s`);
for (const [what, cover] of covered) console.log(`  ${what}: ${cover.done} of ${cover.of}`);
if (broken.length > 0) process.exitCode = 1;
