// The real daemon, killed at seeded moments while webhooks come in: whoever was answered 202 has to be out in the end, and nobody
// else who was never named.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Stub, startStub } from '../../bench/child.ts';
import { writeFeed } from '../../bench/feed.ts';
import { connectionFiles, idOf, pause, postTermination } from '../../bench/terminations.ts';
import { seeded } from './hook-mutants.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Two in a hundred may leave in a day. */
const AT_WORK = 4_000;
const EACH_ROUND = 4;
const ROUNDS_MAX = Math.floor((AT_WORK * 0.02) / EACH_ROUND);
/** Longest time between the first request and the kill. */
const KILL_WITHIN_MS = 400;
const PATIENCE_MS = 60_000;

export interface KillResult {
  readonly rounds: number;
  /** Events that were answered 202 before a kill. */
  readonly acknowledged: number;
  /** Of those, who still has access in the end: there must be nobody. */
  readonly lost: readonly string[];
  /** Of some whom nobody ever named, who has lost access: there must be nobody. */
  readonly harmed: readonly string[];
}

export async function killCampaign(options: { readonly rounds: number; readonly seed: number }): Promise<KillResult> {
  const random = seeded(options.seed);
  const rounds = Math.min(options.rounds, ROUNDS_MAX);
  const work = await mkdtemp(join(tmpdir(), 'rollcall-kills-'));
  await using stub = await startStub();
  try {
    const { feed, mappings, environment } = await connectionFiles(work, stub, null);
    await writeFeed({ file: feed, rows: AT_WORK, seed: options.seed, edition: 'first' });
    const start = async (): Promise<{ child: ChildProcess; url: string }> => {
      const args = ['run', '--port', '0', '--mappings', mappings, '--state', join(work, 'state')];
      const child = spawn(process.execPath, [MAIN, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...environment },
      });
      for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
        const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
        if (msg === 'rollcall runs' && url !== undefined) {
          child.stdout?.resume();
          return { child, url };
        }
      }
      throw new Error('the daemon ended before it ran');
    };
    const first = await start();
    await until(async () => (await stub.requests()) >= AT_WORK && (await isActive(stub, idOf(AT_WORK - 1))) === true);
    first.child.kill('SIGTERM');
    await once(first.child, 'close');

    const acknowledged: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { child, url } = await start();
      const killed = pause(Math.floor(random() * KILL_WITHIN_MS)).then(() => child.kill('SIGKILL'));
      const numbers = Array.from({ length: EACH_ROUND }, (_, index) => round * EACH_ROUND + index);
      await Promise.all(
        numbers.map(async (number) => {
          const status = await postTermination(url, feed, number).then(
            (answer) => answer.status,
            () => 0,
          );
          if (status === 202) acknowledged.push(number);
        }),
      );
      await killed;
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    }
    const last = await start();
    const stillIn = async (): Promise<readonly string[]> => {
      const ids = acknowledged.map(idOf);
      const active = await Promise.all(ids.map((id) => isActive(stub, id)));
      return ids.filter((_, index) => active[index] !== false);
    };
    await until(async () => (await stillIn()).length === 0).catch(() => undefined);
    const lost = await stillIn();
    last.child.kill('SIGTERM');
    await once(last.child, 'close');
    const others = Array.from({ length: 100 }, (_, index) => idOf(AT_WORK - 1 - index));
    const active = await Promise.all(others.map((id) => isActive(stub, id)));
    return {
      rounds,
      acknowledged: acknowledged.length,
      lost,
      harmed: others.filter((_, index) => active[index] !== true),
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function isActive(stub: Stub, id: string): Promise<boolean | undefined> {
  const answer = await fetch(`${stub.url}/Users?filter=${encodeURIComponent(`externalId eq "${id}"`)}`);
  const { Resources } = (await answer.json()) as { Resources: readonly { active?: boolean }[] };
  return Resources[0]?.active;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const sinceMs = Date.now();
  while (!(await isSo())) {
    if (Date.now() - sinceMs > PATIENCE_MS) throw new Error('it did not come about in a minute');
    await pause(100);
  }
}
