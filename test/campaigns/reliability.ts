// The reliability campaign (`npm run campaign -- --seeds N --seed S`): the whole daemon against lying endpoints in another
// process, killed with SIGKILL at seeded moments, judged by what the endpoints saw. The same seed gives the same company, the
// same lies and the same kill plans; where they strike depends on the machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { playRound, type RoundResult, SCENARIOS } from './reliability-round.ts';
import { WarmDaemons } from './warm-daemon.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string' },
    /** A file for the summary as JSON. */
    report: { type: 'string' },
    /** Goes on after a broken seed. */
    'keep-going': { type: 'boolean', default: false },
    /** Of a job: play every n-th seed and say each result as a line of JSON. */
    stride: { type: 'string' },
  },
});
const usage = (): never => {
  console.error(
    `usage: reliability.ts [--seeds N | --seconds N] [--seed FIRST] [--jobs N] [--only ${SCENARIOS.join('|')}] [--report FILE] [--keep-going]`,
  );
  process.exit(2);
};
const whole = (text: string | undefined, otherwise: number): number => {
  const number = text === undefined ? otherwise : Number(text);
  return Number.isInteger(number) && number > 0 ? number : usage();
};
const seeds =
  values.seeds === undefined && values.seconds !== undefined ? Number.POSITIVE_INFINITY : whole(values.seeds, 20);
const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : whole(values.seconds, 60);
const first = whole(values.seed, 1);
const jobs = whole(values.jobs, 1);
const only = SCENARIOS.find((scenario) => scenario === values.only);
if (values.only !== undefined && only === undefined) usage();

interface SeedResult extends RoundResult {
  readonly seed: number;
  readonly dir: string;
}

/** Seeds between two words of progress. */
const TOLD_EVERY = 50;
const started = Date.now();
const results: SeedResult[] = [];
const broken = (): number => results.filter(({ faults }) => faults.length > 0).length;
const goesOn = (): boolean => Date.now() < started + seconds * 1_000 && (values['keep-going'] || broken() === 0);

if (values.stride !== undefined)
  await playSeeds(whole(values.stride, 1), (result) => console.log(JSON.stringify(result)));
else {
  if (jobs === 1) await playSeeds(1, take);
  else await Promise.all(Array.from({ length: jobs }, (_, job) => runJob(job)));
  await summarise();
}

/** Plays every `stride`-th seed from the first on. */
async function playSeeds(stride: number, tell: (result: SeedResult) => void): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), 'rollcall-compiled-'));
  {
    await using daemons = new WarmDaemons(cache);
    for (let seed = first; seed < first + seeds && goesOn(); seed += stride) {
      const dir = await mkdtemp(join(tmpdir(), 'rollcall-campaign-'));
      const result = { seed, dir, ...(await playRound({ seed, dir, daemons, only })) };
      if (result.faults.length === 0) await rm(dir, { recursive: true });
      else await writeFile(join(dir, 'faults.txt'), `${result.faults.join('\n')}\n`);
      if (values.stride !== undefined) results.push(result);
      tell(result);
    }
  }
  await rm(cache, { recursive: true });
}

function take(result: SeedResult): void {
  results.push(result);
  if (results.length % TOLD_EVERY === 0) console.error(`${results.length} seeds, ${broken()} broken`);
  if (result.faults.length === 0) return;
  console.error(
    `seed ${result.seed} (${result.scenario}): ${result.faults.length} broken promises; the state is kept in ${result.dir}`,
  );
  for (const fault of result.faults.slice(0, 20)) console.error(`  ${fault}`);
}

/** A job is this script again, for its share of the seeds. */
async function runJob(job: number): Promise<void> {
  const count = Number.isFinite(seeds) ? ['--seeds', String(Math.max(1, seeds - job))] : [];
  const args = [
    ...count,
    ...(Number.isFinite(seconds) ? ['--seconds', String(seconds)] : []),
    ...['--seed', String(first + job), '--stride', String(jobs)],
    ...(only === undefined ? [] : ['--only', only]),
    ...(values['keep-going'] ? ['--keep-going'] : []),
  ];
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
    take(JSON.parse(line) as SeedResult),
  );
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`job ${job} ended with code ${code}`);
}

async function summarise(): Promise<void> {
  const sum = (pick: (result: SeedResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  const counts = (
    pick: (result: SeedResult) => Readonly<Record<string, number | undefined>>,
  ): Record<string, number> => {
    const total: Record<string, number> = {};
    for (const result of results)
      for (const [name, count] of Object.entries(pick(result))) total[name] = (total[name] ?? 0) + (count ?? 0);
    return total;
  };
  const kills = counts((result) => result.kills);
  const lies = counts((result) => result.lies);
  const summary = {
    seeds: results.length,
    first: Math.min(...results.map(({ seed }) => seed)),
    last: Math.max(...results.map(({ seed }) => seed)),
    scenarios: counts(({ scenario }) => ({ [scenario]: 1 })),
    workers: sum(({ workers }) => workers),
    leavers: sum(({ leavers }) => leavers),
    requests: sum(({ requests }) => requests),
    writes: sum(({ writes }) => writes),
    approvals: sum(({ approvals }) => approvals),
    entries: sum(({ entries }) => entries),
    kills,
    lies,
    broken: results.filter(({ faults }) => faults.length > 0).map(({ seed }) => seed),
    seconds: Math.round((Date.now() - started) / 1_000),
  };
  if (values.report !== undefined) await writeFile(values.report, `${JSON.stringify(summary, null, 2)}\n`);
  const total = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((a, b) => a + b, 0);
  console.log(
    `reliability campaign: ${summary.seeds} seeds (${summary.first} to ${summary.last}), ${summary.requests} requests, ` +
      `${total(lies)} lies, ${total(kills)} kills, ${summary.leavers} leavers; ${summary.broken.length} seeds broken, ${summary.seconds} s`,
  );
  for (const [what, of] of Object.entries({ scenarios: summary.scenarios, kills, lies }))
    console.log(
      `  ${what}: ${Object.entries(of)
        .map(([name, count]) => `${count} ${name}`)
        .join(', ')}`,
    );
  if (summary.broken.length > 0) process.exitCode = 1;
  else if (total(kills) === 0 || total(lies) === 0) {
    console.error('nobody was killed, or nobody lied: the campaign proved nothing');
    process.exitCode = 1;
  }
}
