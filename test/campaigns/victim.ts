// A `rollcall` process that may be killed: started on the command line as an operator would, ended by SIGKILL at a seeded moment.
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** When to kill: so long after the start, or when the database's log was seen to change for the n-th time. */
export type KillPlan = { readonly at: 'time'; readonly ms: number } | { readonly at: 'writes'; readonly count: number };

export interface VictimEnd {
  readonly killed: boolean;
  /** Null when killed. */
  readonly code: number | null;
  readonly ms: number;
  /** The end of what it said, for the report of a failure. */
  readonly said: string;
}

export interface VictimSettings {
  readonly mappings: string;
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const SAID_MAX = 4_000;
/** How often the write-ahead log is looked at. */
const WATCH_MS = 2;
/** A process that does neither end nor reach its moment is hung: that is a finding, not a reason to wait. */
const HUNG_MS = 180_000;

/** Runs one command to its end, or to the moment of the plan. */
export async function runVictim(
  args: readonly string[],
  settings: VictimSettings,
  plan: KillPlan | null,
): Promise<VictimEnd> {
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args, '--mappings', settings.mappings, '--state', settings.state], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings.env },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-SAID_MAX);
    });
  }
  const ended = new AbortController();
  let killed = false;
  const kill = (): void => {
    if (!ended.signal.aborted) killed = child.kill('SIGKILL') || killed;
  };
  const moment = plan?.at === 'time' ? setTimeout(kill, plan.ms) : null;
  if (plan?.at === 'writes')
    void afterWrites(join(settings.state, 'rollcall.db-wal'), plan.count, ended.signal).then(kill);
  let hung = false;
  const patience = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, HUNG_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', (exitCode) => resolve(exitCode));
  });
  ended.abort();
  if (moment !== null) clearTimeout(moment);
  clearTimeout(patience);
  if (hung) throw new Error(`rollcall ${args.join(' ')} hung for ${HUNG_MS} ms:\n${said}`);
  // A kill that came after the process had ended by itself is none.
  return { killed: killed && code === null, code, ms: performance.now() - started, said };
}

/** Resolves when the file was seen to change this often, or when the signal ends the watch. */
async function afterWrites(file: string, count: number, signal: AbortSignal): Promise<void> {
  let seen = '';
  for (let changes = -1; changes < count && !signal.aborted; ) {
    const now = await stat(file).then(
      ({ size, mtimeMs }) => `${size} ${mtimeMs}`,
      () => '',
    );
    if (now !== seen || changes === -1) changes += 1;
    seen = now;
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
}
