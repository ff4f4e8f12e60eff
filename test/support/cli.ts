// The real command line against a small company in a folder of its own: inside this process, or as a child where the process
// boundary is the point (signals, pipes, two processes on one state folder).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { dayIn, plusDays } from '../../src/base/calendar-date.ts';
import type { Surroundings } from '../../src/cli/desk.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { nowOf, systemClock } from '../../src/runtime/clock.ts';
import { type FakeIdp, type FakeIdpOptions, startFakeIdp } from './fake-idp.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TOKEN = 'token-of-the-cli-tests';
/** A command that takes longer is hung. */
const HUNG_MS = 25_000;

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one JSON value on stdout. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test asserts.
  readonly json: any;
}

export interface Row {
  readonly id: string;
  readonly given?: string;
  readonly family?: string;
  readonly status?: string;
  readonly start?: string;
  readonly end?: string;
  readonly department?: string;
  readonly manager?: string;
}

export interface Company {
  readonly dir: string;
  readonly state: string;
  readonly mappings: string;
  readonly idp: FakeIdp;
  readonly env: Readonly<Record<string, string>>;
  /** Writes the feed as HR would: in one go, each one later than the one before. */
  readonly feed: (rows: readonly Row[]) => void;
  readonly write: (path: string, text: string) => void;
  readonly cli: (...args: readonly string[]) => Promise<CliRun>;
  /** As a process of its own. */
  readonly child: (...args: readonly string[]) => Promise<CliRun>;
  readonly start: (...args: readonly string[]) => RunningCli;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** Resolves with the first line of stdout that fits, past or to come. */
  readonly line: (fits: (line: string) => boolean) => Promise<string>;
  readonly stop: () => Promise<number | null>;
}

/** So many days from today, in the company's zone. */
export const day = (offset: number): string => plusDays(dayIn(nowOf(systemClock), 'UTC'), offset);

export const people = (count: number, from = 1): readonly Row[] =>
  Array.from({ length: count }, (_, index) => ({
    id: String(from + index),
    given: 'Ada',
    family: `Number${from + index}`,
  }));

const MAPPING = `
connection: acme
timeZone: UTC
source: { kind: file, path: workers.csv, format: csv, content: snapshot, schedule: "0 0 1 1 *", stableMs: 0 }
worker:
  id: record.Id
  status: 'lookup("status", record.Status)'
  startDate: date(record.Start, "yyyy-MM-dd")
  endDate: date(record.End, "yyyy-MM-dd")
  managerId: record.Manager
  attributes: { givenName: record.Given, familyName: record.Family, department: record.Department }
tables:
  status: { A: active, T: terminated, P: expected, L: leave }
targets:
  - name: idp
    kind: scim
    profile: generic
    baseUrl: "\${env:CLI_TEST_URL}"
    auth: { kind: bearer, token: "\${env:CLI_TEST_TOKEN}" }
    limits: { concurrency: 8, perSecond: 1000 }
    correlate: [externalId]
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      name: { givenName: worker.givenName, familyName: worker.familyName }
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
        employeeNumber: worker.id
        department: worker.department
`;

export async function company(options: FakeIdpOptions & { readonly groups?: never } = {}): Promise<Company> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-cli-'));
  const idp = await startFakeIdp({ token: TOKEN, ...options });
  onTestFinished(async () => {
    await idp.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const mappings = join(dir, 'mappings');
  const state = join(dir, 'state');
  mkdirSync(mappings);
  const write = (path: string, text: string): void => writeFileSync(join(dir, path), text);
  write('mappings/acme.yaml', MAPPING);
  const env = {
    CLI_TEST_URL: idp.url,
    CLI_TEST_TOKEN: TOKEN,
    ROLLCALL_MAPPINGS: mappings,
    ROLLCALL_STATE: state,
    ROLLCALL_OPERATOR: 'Olga',
  };
  let written = 0;
  return {
    dir,
    state,
    mappings,
    idp,
    env,
    feed: (rows) => {
      write('mappings/workers.csv', csvOf(rows));
      // Two feeds of one test may be written within one tick of the file system's clock.
      written += 1;
      const at = new Date(systemClock.nowMs() - 3_600_000 + written * 60_000);
      utimesSync(join(mappings, 'workers.csv'), at, at);
    },
    write,
    cli: (...args) => runCli(args, env),
    child: (...args) => runChild(args, env),
    start: (...args) => startCli(args, env),
  };
}

function csvOf(rows: readonly Row[]): string {
  const lines = rows.map(
    ({
      id,
      given = 'Ada',
      family = `Number${id}`,
      status = 'A',
      start = '2020-01-01',
      end = '',
      department = 'Sales',
      manager = '',
    }) => [id, given, family, status, start, end, department, manager].join(','),
  );
  return `Id,Given,Family,Status,Start,End,Department,Manager\n${lines.map((line) => `${line}\n`).join('')}`;
}

function environmentWith(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { NO_COLOR: _, ROLLCALL_LOG_LEVEL: __, ...rest } = process.env;
  return { ...rest, ...env };
}

/** Runs one command line inside this process, on outputs of its own. */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  around: Pick<Surroundings, 'clock'> & Partial<Pick<Surroundings, 'once'>> = {},
): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const into = (add: (text: string) => void): Writable =>
    new Writable({
      decodeStrings: false,
      write: (text: string, _, done) => {
        add(text);
        done();
      },
    });
  const code = await runCommandLine(args, environmentWith(env), {
    stdout: into((text) => {
      stdout += text;
    }),
    stderr: into((text) => {
      stderr += text;
    }),
    // Nobody interrupts it: signals belong to processes.
    once: () => undefined,
    ...around,
  });
  return ended(args, code, stdout, stderr);
}

/** Runs one command line in a process of its own, killed when it hangs. */
export function runChild(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliRun> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentWith(env),
    timeout: HUNG_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      try {
        resolve(ended(args, code, stdout, stderr));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** @throws what stands on stderr when it is a stack: that is a bug, whatever the test expected. */
function ended(args: readonly string[], code: number | null, stdout: string, stderr: string): CliRun {
  if (/^ {4}at /m.test(stderr)) throw new Error(`rollcall ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return {
    code,
    stdout,
    stderr,
    get json() {
      return JSON.parse(stdout);
    },
  };
}

/** A command that runs until it is stopped; it ends with the test at the latest. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>>): RunningCli {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentWith(env),
  });
  const lines: string[] = [];
  // Told with the failure of a test that waits in vain; a daemon that is meant to die does so quietly.
  child.stderr.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  const waiting: { fits: (line: string) => boolean; done: (line: string) => void; failed: (error: Error) => void }[] =
    [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const waiter of waiting) if (waiter.fits(line)) waiter.done(line);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      for (const waiter of waiting) waiter.failed(new Error(`rollcall ended with ${code}:\n${lines.join('\n')}`));
      resolve(code);
    });
  });
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    child,
    ended,
    line: (fits) => {
      const past = lines.find(fits);
      return past === undefined
        ? new Promise((done, failed) => waiting.push({ fits, done, failed }))
        : Promise.resolve(past);
    },
    stop,
  };
}
