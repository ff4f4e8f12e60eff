// The crash campaign (`npm run campaign:crash -- --seconds N --seed S`): `rollcall sync` is killed with SIGKILL at seeded
// moments and started again until it ends by itself; then the log of the endpoint, which runs in a process that survives, is
// judged. The same seed gives the same companies and the same kill plans; where they strike depends on the machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import type { LoggedRequest } from '../support/fake-idp.ts';
import { CRASH_CONNECTION, type CrashDay, crashCompany, seeded } from './crash-company.ts';
import { type Evidence, type Expectation, type Resource, violations } from './crash-judge.ts';
import { type KillPlan, runVictim, type VictimSettings } from './victim.ts';

const TOKEN = 'crash-campaign';
/** Kills before a feed is left in peace. */
const KILLS_MIN = 2;
const KILLS_MAX = 6;
/** How long a whole sync of each day is believed to take until one has been seen to end. */
const FIRST_GUESS_MS = [5_000, 2_500] as const;
/** Seen changes of the write-ahead log after which a kill may strike; early ones are preferred, decisions are written first. */
const WRITES_MAX = 80;
/** Further syncs after one that ended by itself with code 1: a retry may not have been due within its waiting time. */
const PATIENCE_SYNCS = 3;
const HOUR_MS = 3_600_000;

const WHERE = ['before its first request', 'between requests', 'after its last request'] as const;
type Where = (typeof WHERE)[number];

class Endpoint implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(): Promise<Endpoint> {
    const script = fileURLToPath(new URL('../support/fake-idp-process.ts', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify({ token: TOKEN })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return new Endpoint((JSON.parse(line) as { url: string }).url, child);
  }

  async #ask<T>(path: string, init?: RequestInit): Promise<T> {
    return (await (await fetch(new URL(path, this.url), init)).json()) as T;
  }

  async log(): Promise<readonly LoggedRequest[]> {
    return this.#ask('/__log');
  }

  async evidence(): Promise<Evidence> {
    const users = await this.#ask<readonly Resource[]>('/__users');
    const groups = await this.#ask<readonly Resource[]>('/__groups');
    return { log: await this.log(), users, groups };
  }

  /** Every answer takes this long: more is under way when the kill strikes. */
  async slowDown(ms: number): Promise<void> {
    await this.#ask('/__rules', { method: 'POST', body: JSON.stringify({ act: { kind: 'slow', ms } }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await once(this.#child, 'close');
  }
}

interface Campaign {
  readonly deadline: number;
  readonly kills: Record<Where, number>;
  /** For each day, the length of the last sync that ended by itself without having been killed before. */
  readonly syncMs: [number, number];
}

interface Round {
  readonly endpoint: Endpoint;
  readonly settings: VictimSettings;
  readonly feed: string;
  readonly random: () => number;
  readonly campaign: Campaign;
}

/** Puts the day's feed in place and syncs, killed and restarted, until a sync ends by itself. Returns what went wrong on the way. */
async function live(round: Round, day: CrashDay, which: 0 | 1): Promise<readonly string[]> {
  const { feed, random, campaign, endpoint, settings } = round;
  await writeFile(`${feed}.tmp`, day.csv);
  const written = new Date(Date.now() - (2 - which) * HOUR_MS);
  await utimes(`${feed}.tmp`, written, written);
  await rename(`${feed}.tmp`, feed);

  const strikes: { before: number; after: number }[] = [];
  const wanted = KILLS_MIN + Math.floor(random() * (KILLS_MAX - KILLS_MIN + 1));
  let undisturbed = 0;
  for (;;) {
    const plan: KillPlan | null =
      strikes.length >= wanted || (strikes.length > 0 && Date.now() > campaign.deadline)
        ? null
        : random() < 0.5
          ? { at: 'time', ms: random() * campaign.syncMs[which] }
          : { at: 'writes', count: Math.floor(random() ** 2 * WRITES_MAX) };
    const before = (await endpoint.log()).length;
    const end = await runVictim(['sync', '--json'], settings, plan);
    if (end.killed) {
      strikes.push({ before, after: (await endpoint.log()).length });
      continue;
    }
    if (strikes.length === 0) campaign.syncMs[which] = end.ms;
    if (end.code === 0) break;
    undisturbed += 1;
    if (end.code !== 1 || undisturbed > PATIENCE_SYNCS) return [`sync ended with code ${end.code}:\n${end.said}`];
  }
  const total = (await endpoint.log()).length;
  for (const { before, after } of strikes) {
    campaign.kills[after === before ? WHERE[0] : after < total ? WHERE[1] : WHERE[2]] += 1;
  }
  return [];
}

/** A further sync of the same feed must not write; on a day without leavers it must not even ask. */
async function repeated({ endpoint, settings }: Round, mayAsk: boolean): Promise<readonly string[]> {
  const before = (await endpoint.log()).length;
  const end = await runVictim(['sync', '--json'], settings, null);
  const more = (await endpoint.log()).slice(before).filter(({ method }) => !mayAsk || method !== 'GET');
  const faults =
    more.length === 0
      ? []
      : [`syncing the same feed again sent ${more.length} requests, first ${more[0]?.method} ${more[0]?.path}`];
  return end.code === 0 ? faults : [...faults, `syncing the same feed again ended with code ${end.code}:\n${end.said}`];
}

async function audited({ settings }: Round): Promise<readonly string[]> {
  const end = await runVictim(['audit', 'verify'], settings, null);
  return end.code === 0 ? [] : [`audit verify ended with code ${end.code}:\n${end.said}`];
}

/** Whoever bears a name has it reserved, whenever the process died: names of a load are reserved after their workers are stored. */
function unreserved({ settings }: Round): readonly string[] {
  const database = new BetterSqlite3(join(settings.state, 'rollcall.db'), { readonly: true });
  try {
    const names = database
      .prepare(
        `SELECT user_name FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM reserved_names r
         WHERE r.worker_id = a.worker_id AND r.target_id = a.target_id AND r.folded = lower(a.user_name))`,
      )
      .pluck()
      .all();
    return names.length === 0 ? [] : [`${names.length} names are not reserved, such as ${String(names[0])}`];
  } finally {
    database.close();
  }
}

/** Two days of one company. Returns every broken promise. */
async function playRound(seed: number, dir: string, campaign: Campaign): Promise<readonly string[]> {
  const random = seeded(seed);
  const company = crashCompany(seed, new Date().toISOString().slice(0, 10));
  const mappings = join(dir, 'mappings');
  const state = join(dir, 'state');
  await mkdir(mappings, { recursive: true });
  await mkdir(state, { recursive: true });
  await writeFile(join(mappings, 'crash.yaml'), CRASH_CONNECTION);
  await using endpoint = await Endpoint.start();
  if (random() < 0.5) await endpoint.slowDown(1 + Math.floor(random() * 8));
  const feed = join(dir, 'workers.csv');
  const env = { CRASH_FEED: feed, CRASH_URL: endpoint.url, CRASH_TOKEN: TOKEN };
  const round: Round = { endpoint, settings: { mappings, state, env }, feed, random, campaign };

  const departments = new Map<string, string[]>();
  const days = [
    { day: company.first, which: 0, hasLeavers: false },
    { day: company.second, which: 1, hasLeavers: true },
  ] as const;
  for (const { day, which, hasLeavers } of days) {
    for (const { id, department } of day.workers) departments.set(id, [...(departments.get(id) ?? []), department]);
    const stopped = await live(round, day, which);
    if (stopped.length > 0) return stopped;
    const expectation: Expectation = { workers: day.workers, departments };
    const faults = [
      ...violations(await endpoint.evidence(), expectation),
      ...(await repeated(round, hasLeavers)),
      ...(await audited(round)),
      ...unreserved(round),
    ];
    if (faults.length > 0) return faults;
  }
  return [];
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const firstSeed = Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(firstSeed)) {
  console.error('usage: crash.ts [--seconds N] [--seed S], both numbers');
  process.exit(2);
}

const started = Date.now();
const campaign: Campaign = {
  deadline: started + seconds * 1_000,
  kills: { 'before its first request': 0, 'between requests': 0, 'after its last request': 0 },
  syncMs: [...FIRST_GUESS_MS],
};
let rounds = 0;
let broken = 0;
do {
  const seed = firstSeed + rounds;
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-crash-'));
  const faults = await playRound(seed, dir, campaign);
  rounds += 1;
  if (faults.length === 0) await rm(dir, { recursive: true });
  else {
    broken += 1;
    console.error(`seed ${seed}: ${faults.length} broken promises; the state is kept in ${dir}`);
    for (const fault of faults.slice(0, 20)) console.error(`  ${fault}`);
  }
} while (Date.now() < campaign.deadline && broken === 0);

const where = WHERE.map((name) => `${campaign.kills[name]} ${name}`).join(', ');
const seeds = rounds === 1 ? `seed ${firstSeed}` : `seeds ${firstSeed} to ${firstSeed + rounds - 1}`;
console.log(
  `crash campaign: ${rounds} rounds (${seeds}), killed ${where}; ${broken} rounds broken, ${Math.round((Date.now() - started) / 1_000)} s`,
);
if (broken > 0) process.exitCode = 1;
else if (campaign.kills['between requests'] === 0) {
  console.error('no kill struck between two requests: the campaign proved nothing');
  process.exitCode = 1;
}
