import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { copyAssets } from '../scripts/copy-assets.ts';

const ROOT = join(import.meta.dirname, '..');
const OLD_NODE_CANDIDATES = ['/usr/bin/node', '/usr/local/bin/node', '/usr/bin/nodejs'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-packaging-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

describe('the starter', () => {
  /** The real starter in a house whose mains only say who they are. */
  function starter(mains: readonly string[]): string {
    cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
    write('package.json', '{"type":"module"}');
    for (const main of mains) write(main, `process.stdout.write('${main} ' + process.argv.slice(2).join(' '));\n`);
    return join(folder, 'bin/rollcall.js');
  }
  const run = (node: string, script: string) => spawnSync(node, [script, 'status', '--json'], { encoding: 'utf8' });

  test('runs the build where there is no source, and passes the arguments on', () => {
    const { stdout, stderr, status } = run(process.execPath, starter(['dist/main.js']));
    expect({ stdout, stderr, status }).toEqual({ stdout: 'dist/main.js status --json', stderr: '', status: 0 });
  });

  test('prefers the source of a checkout to a build that may be stale', () => {
    expect(run(process.execPath, starter(['dist/main.js', 'src/main.ts'])).stdout).toBe('src/main.ts status --json');
  });

  test('says in one line that nothing was built', () => {
    const { stderr, status } = run(process.execPath, starter([]));
    expect(stderr).toMatch(/^rollcall: neither .+\n$/);
    expect(status).toBe(2);
  });

  test('says on an older Node in one line what it needs, exits 2 and loads nothing', (context) => {
    const old = OLD_NODE_CANDIDATES.find((path) => existsSync(path) && majorOf(path) < 24);
    if (old === undefined) return context.skip(`no Node older than 24 at ${OLD_NODE_CANDIDATES.join(', ')}`);
    const { stdout, stderr, status } = run(old, starter(['dist/main.js', 'src/main.ts']));
    expect(stderr).toMatch(/^rollcall: needs Node 24 or newer, this is v\d+\.\d+\.\d+ \(.+\)\n$/);
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
  });

  const majorOf = (node: string) =>
    Number(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]);
});

test('every asset of the source is copied to its place in the build, and nothing else', () => {
  write('src/store/migrations/001-initial.sql', 'one');
  write('src/store/open.ts', 'two');
  expect(copyAssets(join(folder, 'src'), join(folder, 'dist'))).toEqual(['store/migrations/001-initial.sql']);
  expect(readFileSync(join(folder, 'dist/store/migrations/001-initial.sql'), 'utf8')).toBe('one');
  expect(existsSync(join(folder, 'dist/store/open.ts'))).toBe(false);
});

test('no file under src would be left behind by the build', () => {
  const left = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:ts|sql)$/.test(entry.name))
    .map((entry) => entry.name);
  expect(left).toEqual([]);
});

describe('the image', () => {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const instructions = dockerfile
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
  const last = (word: string) => lastStage.findLast((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');

  test('is built in stages on the slim Node that package.json asks for', () => {
    const bases = instructions.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]);
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(bases.length).toBeGreaterThanOrEqual(2);
    expect(new Set(bases)).toEqual(new Set([`node:${engines.node.replace('>=', '')}-slim`]));
    expect(dockerfile).toMatch(/^RUN npm ci --omit=dev /m);
    expect(lastStage.filter((line) => /npm|\bsrc\b|\btest\b/.test(line))).toEqual([]);
  });

  test('runs as somebody who is not root, and writes only to its one volume', () => {
    expect(last('USER')).toBe('node');
    expect(lastStage.filter((line) => line.startsWith('VOLUME '))).toEqual(['VOLUME /data']);
    expect(last('ENV')).toContain('ROLLCALL_STATE=/data');
    const owned = lastStage.filter((line) => line.includes('chown'));
    expect(owned.map((line) => line.match(/chown node:node (.*)$/)?.[1])).toEqual(['/data']);
    expect(lastStage.findIndex((line) => line.includes('chown'))).toBeLessThan(lastStage.indexOf('VOLUME /data'));
  });

  test('hands SIGTERM to the daemon itself', () => {
    expect(last('STOPSIGNAL')).toBe('SIGTERM');
    expect(JSON.parse(last('ENTRYPOINT') ?? '')).toEqual(['node', '/app/bin/rollcall.js']);
    expect(JSON.parse(last('CMD') ?? '')).toEqual(['run']);
  });

  test('is healthy exactly while /healthz answers well', async () => {
    const command = JSON.parse(last('HEALTHCHECK')?.replace(/^.*?CMD /, '') ?? '') as string[];
    expect(command.slice(0, 2)).toEqual(['node', '-e']);
    let status = 200;
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(status, { connection: 'close' }).end();
    });
    server.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    const check = async () => {
      const child = spawn(process.execPath, command.slice(1), { env: { ...process.env, ROLLCALL_HTTP_PORT: port } });
      const [code] = (await once(child, 'exit')) as [number];
      return code;
    };
    expect(await check()).toBe(0);
    status = 503;
    expect(await check()).toBe(1);
    expect(asked).toEqual(['/healthz', '/healthz']);
    server.close();
    await once(server, 'close');
    expect(await check()).toBe(1);
  });

  test('copies only files that the build context lets in, and the context lets in nothing by default', () => {
    expect(ignored.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*');
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect(ignored).toContain(`!${path}`);
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
    for (const secret of ['state', '.env', '.git', 'node_modules']) expect(ignored).not.toContain(`!${secret}`);
  });
});
