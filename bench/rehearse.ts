// A year of daily exports of one company, played through `rollcall rehearse` as a person would run it: at most two minutes for
// 10,000 workers of whom 0.1 to 0.5 % change each day. Everybody who should be there at the end must be, or nothing counts.
// ROLLCALL_BENCH_ROWS and ROLLCALL_BENCH_DAYS shrink it for a smoke run; `--figures` prints them as a JSON object and judges nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FULL_WORKERS = 10_000;
const FULL_DAYS = 365;
const SECONDS_MAX = 120;
const SEED = 20_261_122;
const FIRST_DAY = Date.UTC(2025, 0, 1);
const DAY_MS = 86_400_000;
const HEADER = 'Employee_ID,First_Name,Last_Name,Status,Hire_Date,Last_Day,Manager_ID,Department,Job_Title';
const DEPARTMENTS = 20;
/** Shares of the workers who change each day, as one in so many: the day's own share lies between. */
const CHANGED = { least: 0.001, most: 0.005 };

const workers = Number(process.env.ROLLCALL_BENCH_ROWS ?? FULL_WORKERS);
const days = Number(process.env.ROLLCALL_BENCH_DAYS ?? FULL_DAYS);
if (![workers, days].every((value) => Number.isInteger(value) && value >= 2)) {
  console.error('ROLLCALL_BENCH_ROWS and ROLLCALL_BENCH_DAYS are whole numbers of at least 2');
  process.exit(2);
}
const smoke = workers < FULL_WORKERS || days < FULL_DAYS;

interface Person {
  readonly id: string;
  readonly name: string;
  readonly hired: string;
  readonly manager: string;
  department: number;
  title: number;
  lastDay: string;
}

/** A small seeded generator (mulberry32), in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const random = generator(SEED);
const below = (count: number): number => Math.floor(random() * count);

function hire(number: number, hired: string): Person {
  const manager = number === 0 ? '' : String(100_000 + Math.floor((number - 1) / 8));
  const id = String(100_000 + number);
  return {
    id,
    name: `Number${number.toString(36)}`,
    hired,
    manager,
    department: below(DEPARTMENTS),
    title: below(30),
    lastDay: '',
  };
}

const rowOf = ({ id, name, hired, manager, department, title, lastDay }: Person, today: string): string => {
  const status = lastDay !== '' && lastDay < today ? 'T' : 'A';
  return `${id},Ada,${name},${status},${hired},${lastDay},${manager},Department ${department},Title ${title}\n`;
};

/** Writes all exports and returns how many accounts must be active at the end. */
async function writeYear(dir: string): Promise<{ readonly active: number; readonly changes: number }> {
  const staff = Array.from({ length: workers }, (_, number) => hire(number, '2020-01-01'));
  let changes = 0;
  for (let day = 0; day < days; day += 1) {
    const today = dayText(FIRST_DAY + day * DAY_MS);
    const share = CHANGED.least + random() * (CHANGED.most - CHANGED.least);
    for (let left = day === 0 ? 0 : Math.round(workers * share); left > 0; left -= 1) {
      changes += 1;
      const what = random();
      const person = staff[below(staff.length)];
      if (person === undefined || what < 0.1)
        staff.push(hire(staff.length, dayText(FIRST_DAY + (day + below(21)) * DAY_MS)));
      // Whoever manages stays: a manager who is gone is another story.
      else if (what < 0.2 && Number(person.id) - 100_000 > workers / 8 && person.hired < today)
        person.lastDay ||= dayText(FIRST_DAY + (day + below(28)) * DAY_MS);
      else if (what < 0.6) person.department = below(DEPARTMENTS);
      else person.title = below(30);
    }
    const text = staff.map((person) => rowOf(person, today)).join('');
    await writeFile(join(dir, `workers-${today}.csv`), `${HEADER}\n${text}`);
  }
  const end = dayText(FIRST_DAY + (days - 1) * DAY_MS);
  const active = staff.filter(({ hired, lastDay }) => hired <= end && (lastDay === '' || lastDay >= end)).length;
  return { active, changes };
}

export interface RehearsalFigures {
  readonly workers: number;
  readonly days: number;
  readonly changes: number;
  readonly seconds: number;
}

interface Report {
  readonly total: { readonly transitions: Readonly<Record<string, number>>; readonly holds: number };
  readonly failed: readonly unknown[];
  readonly endState: { readonly users: readonly { readonly active: boolean }[] };
}

const work = await mkdtemp(join(tmpdir(), 'rollcall-year-'));
try {
  const [exports, mappings] = [join(work, 'exports'), join(work, 'mappings')];
  await mkdir(exports);
  await mkdir(mappings);
  await copyFile(fileURLToPath(new URL('rehearse.yaml', import.meta.url)), join(mappings, 'year.yaml'));
  console.error(`${days} exports of ${workers} workers`);
  const { active, changes } = await writeYear(exports);
  const [load = 0] = loadavg();
  const out = join(work, 'report.json');
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [main, 'rehearse', 'year', '--mappings', mappings, '--exports', exports, '--out', out],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - startedMs) / 1_000;
  if (code !== 0) throw new Error(`rehearse ended with ${code}`);
  const report = JSON.parse(await readFile(out, 'utf8')) as Report;
  const there = report.endState.users.filter((user) => user.active).length;
  if (there !== active || report.failed.length > 0)
    throw new Error(
      `${there} active accounts at the end where ${active} people work, ${report.failed.length} operations failed`,
    );
  const figures: RehearsalFigures = { workers, days, changes, seconds };
  const asked = process.argv.includes('--figures');
  if (asked) console.log(JSON.stringify(figures));
  else {
    console.log(
      `rehearse         ${seconds.toFixed(1)} s for ${days} exports of ${workers} workers, ${changes} changes, ${report.total.holds} holds released (at most ${SECONDS_MAX} s; load ${load.toFixed(1)})`,
    );
    if (smoke) console.log('A smoke run: small companies say nothing about the promise.');
    else if (seconds > SECONDS_MAX) process.exitCode = 1;
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
