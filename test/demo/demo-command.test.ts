// The demo as a person meets it: a process of its own, its screen, its folder, its signals.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
/** Far beyond what any step of the demo takes, well within the patience of the test. */
const PATIENCE_MS = 60_000;

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

class Screen {
  text = '';
  errors = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, ['src/main.ts', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.errors += chunk;
    });
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Resolves with the match once the screen shows it. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (this.child.exitCode !== null || patience.aborted) {
        throw new Error(`no ${pattern} on the screen:\n${this.text}${this.errors}`);
      }
      await Promise.race([
        once(this.child.stdout as NonNullable<ChildProcess['stdout']>, 'data', { signal: patience }).catch(() => null),
        this.ended,
      ]);
    }
  }
}

/** Replaces the file as an upload does: written beside it, then renamed. */
function rewrite(feed: string, change: (text: string) => string): void {
  const before = readFileSync(feed, 'utf8');
  const after = change(before);
  if (after === before) throw new Error('the change changes nothing');
  writeFileSync(`${feed}.tmp`, after);
  renameSync(`${feed}.tmp`, feed);
}
const rewriteLine = (feed: string, key: string, from: string, to: string): void =>
  rewrite(feed, (text) => text.replace(new RegExp(`^${key},.*$`, 'm'), (line) => line.replace(from, to)));

interface Shown {
  readonly folder: string;
  readonly rows: number;
  readonly rejections: readonly { readonly worker: string; readonly line: number }[];
  readonly workers: readonly {
    readonly worker: string;
    readonly stage: string;
    readonly account: {
      readonly userName: string;
      readonly active: boolean;
      readonly manager: string;
      readonly groups: readonly string[];
    } | null;
  }[];
}

describe('rollcall demo', () => {
  test('once: everybody arrives as HR says, and nothing is left behind', { timeout: 90_000 }, async () => {
    const screen = new Screen(['demo', '--once', '--json', '--port', '0']);
    expect([await screen.ended, screen.errors]).toEqual([0, '']);
    const shown = JSON.parse(screen.text) as Shown;
    expect(shown.rows).toBe(60);
    expect(shown.rejections).toMatchObject([{ worker: '00160', line: 61 }]);
    const stages = Map.groupBy(shown.workers, ({ stage }) => stage);
    const keysOf = (stage: string): readonly string[] => (stages.get(stage) ?? []).map(({ worker }) => worker);
    expect(keysOf('left')).toEqual(['00148', '00149', '00150', '00151']);
    expect(keysOf('expected')).toEqual(['00154']);
    expect(keysOf('preboarding')).toEqual(['00153']);
    expect(keysOf('onLeave')).toEqual(['00115', '00129']);
    expect(keysOf('active')).toHaveLength(51);

    const accounts = new Map(
      shown.workers.flatMap(({ worker, account }) => (account === null ? [] : [[worker, account]])),
    );
    expect(accounts.size).toBe(54);
    expect([...accounts].filter(([, { active }]) => !active).map(([key]) => key)).toEqual(['00153']);
    expect(accounts.get('00153')?.groups).toEqual([]);
    expect(accounts.get('00115')?.groups).toEqual(['All staff', 'Dept Engineering']);
    expect([accounts.get('00118')?.userName, accounts.get('00147')?.userName].sort()).toEqual([
      'anna.schmidt2@example.com',
      'anna.schmidt@example.com',
    ]);
    // The managing director has none; three wait for the one who is hired later.
    const without = [...accounts].filter(([, { manager }]) => manager === '').map(([key]) => key);
    expect(without).toEqual(['00101', '00155', '00156', '00157']);
    expect(existsSync(shown.folder)).toBe(false);
  });

  test('live: a mover, a leaver, a bad export and a signal', { timeout: 120_000 }, async () => {
    const screen = new Screen(['demo', '--port', '0']);
    const [, feed = ''] = await screen.shows(/HR export {3}(\S+)\n/);
    const [, health = ''] = await screen.shows(/health {6}(\S+)\n/);
    await screen.shows(/54 accounts made in .*: 53 active, 1 inactive/);
    await screen.shows(/What happens from here on:\n/);
    expect((await fetch(health)).status).toBe(200);

    rewriteLine(feed, '00113', ',Engineering,', ',Sales,');
    const [mover] = await screen.shows(/.*mover 00113 .*\n/);
    expect(mover).toContain('Thomas Brandt: department Engineering → Sales (PATCH Users, 2 × PATCH Groups, settled');

    rewriteLine(feed, '00113', ',A,', ',T,');
    const [leaver] = await screen.shows(/.*leaver 00113 .*\n/);
    expect(leaver).toContain('(PATCH Users, GET Users, 2 × PATCH Groups, settled');

    rewrite(feed, (text) => text.replaceAll(',A,', ',T,'));
    const [held] = await screen.shows(/.*held by a guard.* of explicitLeaver.*\n/);
    expect(held).toContain('of explicitLeaver');
    rewriteLine(feed, '00122', ',T,', ',A,');
    await screen.shows(/(HR feed read: [\s\S]*){5}/);
    expect(screen.text.match(/leaver \d{5}/g)).toEqual(['leaver 00113']);

    const started = performance.now();
    screen.child.kill('SIGTERM');
    expect([await screen.ended, screen.errors]).toEqual([0, '']);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(existsSync(feed)).toBe(false);
  });

  test('--json without --once is a usage error, since the demo has no end to report', async () => {
    const screen = new Screen(['demo', '--json']);
    expect(await screen.ended).toBe(2);
    expect(JSON.parse(screen.text)).toMatchObject({ error: [{ code: 'usage.json' }] });
  });
});

describe('rollcall endpoint', () => {
  test('says where it is, demands its token, shows every write and stops on a signal', async () => {
    const screen = new Screen(['endpoint', '--port', '0', '--token', 'open-sesame']);
    const [, url = ''] = await screen.shows(/url {4}(\S+)\n/);
    await screen.shows(/token {2}open-sesame\n/);
    const post = (token: string): Promise<Response> =>
      fetch(`${url}/Users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
        body: JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada' }),
      });
    expect((await post('wrong')).status).toBe(401);
    await screen.shows(/POST {3}\/Users {2}401\n/);
    expect((await post('open-sesame')).status).toBe(201);
    await screen.shows(/POST {3}\/Users {2}201\n/);
    screen.child.kill('SIGINT');
    expect([await screen.ended, screen.errors]).toEqual([0, '']);
  });

  test('a port that is taken is a problem with a hint, exit code 2', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    const screen = new Screen(['endpoint', '--port', String(port)]);
    expect(await screen.ended).toBe(2);
    expect(screen.errors).toContain(`cannot listen on 127.0.0.1:${port} (EADDRINUSE)`);
    blocker.close();
  });
});
