// The API over the wire, from the daemon of a house with troubles: what it answers, to whom, and that the document tells the truth.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import { readConfig } from '../../src/config.ts';
import { openApiDocument } from '../../src/http/api/document.ts';
import { API_ROUTES } from '../../src/http/api/routes.ts';
import { apiTokens } from '../../src/http/api/tokens.ts';
import { latenessReport } from '../../src/pipeline/lateness-report.ts';
import type { Logger } from '../../src/runtime/log.ts';
import { ACT_TOKEN, type Answered, openApiDesk, READ_TOKEN, strangeIn } from '../support/api-desk.ts';
import { runCli } from '../support/cli.ts';
import { openApiFaults } from '../support/openapi.ts';

const signed = { by: 'Olga', reason: 'a story' };

describe('answers', () => {
  test('of every route have the shape that the document gives them, with content in each list', async () => {
    const desk = await openApiDesk();
    const seen = new Set<string>();
    const ask = async (name: string, path: string): Promise<Answered['json']> => {
      const { status, json } = await desk.asked(path);
      expect(status, `${path} ${JSON.stringify(json)}`).toBe(200);
      expect(strangeIn(name, json), path).toBe('');
      seen.add(name);
      return json;
    };
    const full = (list: readonly unknown[]): void => expect(list.length).toBeGreaterThan(0);

    await ask('openapi', '/api/openapi.json');
    expect((await ask('version', '/api/version')).version).toMatch(/^\d+\.\d+/);
    const status = await ask('status', '/api/status');
    const some = ['connections', 'queue', 'suspected', 'failed', 'holds', 'unconfirmedLeavers'];
    expect(some.filter((member) => status[member].length === 0)).toEqual([]);
    expect(status.daemon.pid).toBe(process.pid);
    full((await ask('connections', '/api/connections')).connections);
    const { feeds } = await ask('feeds', '/api/feeds');
    expect(feeds[0]).toMatchObject({ connection: 'acme', delivered: { name: 'workers.csv' } });
    expect(feeds[0].readAgeSeconds).toBeGreaterThan(0);
    const queue = await ask('queue', '/api/queue');
    full(queue.queue);
    full(queue.oldest);
    const { targets } = await ask('targets', '/api/targets');
    expect(targets[0]).toMatchObject({ target: 'idp', connections: ['acme'], failed: 1 });
    expect(targets[0].reconciliation.listed).toBeGreaterThan(30);
    const { holds } = await ask('holds', '/api/holds');
    const large = holds.find(({ items }: { items: number }) => items > 2);
    full(large.shown);
    const page = await ask('hold', `/api/holds/${large.digest.slice(0, 12)}?limit=2`);
    expect(page.hold.shown).toHaveLength(2);
    expect(page.next).toBe(page.hold.shown[1].digest);
    const failed = await ask('failed', '/api/failed?list=10');
    full(failed.causes);
    full(failed.list);
    full((await ask('rejections', '/api/rejections?connection=acme')).rejections);
    await ask('alarms', '/api/alarms');
    full((await ask('cycles', '/api/cycles')).cycles);
    full((await ask('workers', '/api/workers')).workers);
    const left = await ask('worker', '/api/workers/1003');
    for (const member of ['employments', 'accounts', 'timeline']) full(left[member]);
    expect(strangeIn('worker', (await desk.asked('/api/workers/1051')).json)).toBe('');
    for (const path of ['1003', '1050?values=true', '1051?values=true', 'nobody', '1005'])
      await ask('explain', path.replace(/^(\w+)/, '/api/workers/$1/explain'));
    full((await ask('audit', '/api/audit')).entries);
    const report = await ask('report', '/api/reports/leavers?from=2026-11-20&to=2026-11-30');
    full(report.lines);
    full((await ask('report', '/api/reports/joiners?from=2026-11-20&to=2026-11-30')).lines);

    for (const [kind, body] of Object.entries(ACTS(large.digest, failed.causes[0].cause))) {
      const ordered = await desk.post(`/api/acts/${kind}`, { ...body, ...signed });
      expect(ordered.status, `${kind} ${JSON.stringify(ordered.json)}`).toBe(202);
      expect(ordered.headers.get('location')).toBe(ordered.json.href);
      const name = kind.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      expect(strangeIn(name, ordered.json)).toBe('');
      seen.add(name);
      const act = await desk.acted(ordered);
      expect(strangeIn('act', act.json), kind).toBe('');
      // There is no account of that id: an act that was refused has an answer, too.
      const result = kind === 'pair' ? { ok: false } : { ok: true };
      expect(act.json, kind).toMatchObject({ kind, by: 'Olga', reason: 'a story', channel: 'api', result });
      seen.add('act');
    }
    expect([...seen].sort()).toEqual(API_ROUTES.map(({ name }) => name).sort());
  });

  test('are those of the commands', async () => {
    const desk = await openApiDesk();
    const command = async (...args: readonly string[]): Promise<unknown> =>
      (await runCli([...args, '--json', '--state', desk.stateDir, '--mappings', desk.mappingsDir])).json;
    const answer = async (path: string): Promise<unknown> => (await desk.asked(path)).json;
    const { at: _, ...told } = (await answer('/api/status')) as { at: string };
    const { at: __, ...said } = (await command('status')) as { at: string };
    expect(told).toEqual(said);
    expect(await answer('/api/failed')).toEqual(await command('failed'));
    expect(await answer('/api/holds')).toEqual(await command('holds'));
    expect(await answer('/api/version')).toEqual(await command('version'));
    const { next: _next, ...rejected } = (await answer('/api/rejections?connection=acme')) as { next: null };
    expect(rejected).toEqual(await command('status', '--rejections'));
    const entries = ((await answer('/api/audit?limit=1000')) as { entries: unknown[] }).entries;
    expect(((await command('audit', 'tail')) as { entries: unknown[] }).entries).toEqual(entries.slice(-20));
    for (const worker of ['1003', '1050']) {
      expect(await answer(`/api/workers/${worker}`)).toEqual(await command('worker', worker));
    }
    // The command goes by the system's clock, which may not have come to the days of this house.
    const period = ['--from', '2020-01-01', '--to', '2020-02-01'];
    const { next: _end, ...report } = (await answer('/api/reports/joiners?from=2020-01-01&to=2020-02-01')) as {
      next: null;
    };
    expect(report).toEqual(await command('audit', 'report', 'joiners', ...period));
    const over = { from: instantOf('2026-11-20T00:00:00Z'), to: instantOf('2026-11-23T11:10:00Z') };
    expect(await answer(`/api/reports/joiners?from=${over.from}&to=${over.to}`)).toMatchObject(
      JSON.parse(JSON.stringify(await latenessReport('joiners', desk.house.store, over))),
    );
  });

  test('come page by page without losing or repeating anybody', async () => {
    const desk = await openApiDesk();
    const all = async (path: string, list: string): Promise<readonly string[]> => {
      const found: string[] = [];
      for (let after: number | string | null = ''; after !== null; ) {
        const { json } = await desk.asked(`${path}limit=7${after === '' ? '' : `&after=${after}`}`);
        for (const one of json[list] ?? json.hold[list]) found.push(JSON.stringify(one));
        after = json.next;
      }
      return found;
    };
    const workers = await all('/api/workers?', 'workers');
    expect(workers).toHaveLength(42);
    expect(new Set(workers).size).toBe(42);
    const left = await all('/api/workers?stage=left&', 'workers');
    expect(left.map((one) => JSON.parse(one).worker)).toContain('1003');
    expect(left.length).toBeLessThan(10);
    const entries = await all('/api/audit?', 'entries');
    expect(entries.map((one) => JSON.parse(one).seq)).toEqual(entries.map((_, index) => index + 1));
    const decisions = await all('/api/audit?kind=decision&worker=1003&', 'entries');
    expect(decisions.length).toBeGreaterThan(1);
    expect(new Set(decisions.map((one) => JSON.parse(one).workerKey))).toEqual(new Set(['1003']));
    const cycles = await all('/api/cycles?', 'cycles');
    expect(new Set(cycles).size).toBe(cycles.length);
    const { json } = await desk.asked('/api/holds');
    const hold = json.holds.find(({ items }: { items: number }) => items > 2);
    expect(await all(`/api/holds/${hold.digest}?`, 'shown')).toHaveLength(hold.items);
    const lines = await all('/api/reports/joiners?from=2026-11-20&to=2026-11-30&', 'lines');
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.length).toBeGreaterThan(30);
  });
});

/** One body for each act that a token may order, all of them possible in the troubled house. */
const ACTS = (digest: string, cause: string): Readonly<Record<string, object>> => ({
  skip: { cause, hours: 2 },
  replay: { cause },
  leave: { worker: '1030' },
  lift: { worker: '1030' },
  approve: { digest, hours: 1 },
  discard: { digest },
  'stop-writes': { exceptLeavers: true },
  'resume-writes': {},
  pair: { worker: '1050', account: 'REMOTE' },
  unpair: { worker: '1010' },
});

describe('whoever asks', () => {
  test('is told nothing without a token, by the wrong one, or where there is none at all', async () => {
    const closed = await openApiDesk({ environment: { ROLLCALL_API_TOKEN: '', ROLLCALL_API_ACT_TOKEN: '' } });
    for (const token of [null, READ_TOKEN, '']) {
      const answer = await closed.asked('/api/status', { token });
      expect([answer.status, answer.json.code]).toEqual([403, 'api.off']);
    }
    const desk = await openApiDesk();
    for (const token of [null, '', 'x', `${READ_TOKEN}x`, READ_TOKEN.slice(1)]) {
      for (const path of ['/api/status', '/api/openapi.json', '/api/nothing', '/api/', '/api/acts/1']) {
        const answer = await desk.asked(path, { token });
        expect([answer.status, answer.json.code], path).toEqual([401, 'api.token']);
        expect(answer.headers.get('www-authenticate')).toContain('Bearer');
        desk.clock.advance(2_000);
      }
    }
    expect((await desk.asked('/api/status')).status).toBe(200);
    expect((await desk.asked('/api/status', { token: ACT_TOKEN })).status).toBe(200);
  });

  test('with a token for reading cannot act, and what is refused leaves no act behind', async () => {
    const desk = await openApiDesk();
    const refused = await desk.post('/api/acts/leave', { worker: '1030', ...signed }, READ_TOKEN);
    expect([refused.status, refused.json.code]).toEqual([403, 'api.read-only']);
    for (const [body, says] of [
      [{ worker: '1030' }, /by|reason/],
      [{ worker: '1030', by: ' ', reason: 'x' }, /by/],
      [{ worker: '1030', ...signed, force: true }, /force/],
      [{ worker: 1030, ...signed }, /worker/],
      [{ worker: '1030', ...signed, by: 'a\nb' }, /by/],
      ['[', /./],
      [null, /./],
    ] as const) {
      const { status, json } = await desk.post('/api/acts/leave', body);
      expect(status).toBe(400);
      expect(json.detail).toMatch(says);
    }
    for (const kind of ['replay', 'skip']) {
      const everything = await desk.post(`/api/acts/${kind}`, signed);
      expect([everything.status, everything.json.code]).toEqual([400, 'usage.which']);
      const nothing = await desk.post(`/api/acts/${kind}`, { ...signed, worker: '1001' });
      expect([nothing.status, nothing.json.code]).toEqual([409, 'act.not-failed']);
    }
    expect((await desk.asked('/api/acts/1')).json.code).toBe('api.act-unknown');
    expect(desk.idp.user('1030')?.active).toBe(true);

    const readers = await openApiDesk({ environment: { ROLLCALL_API_ACT_TOKEN: '' } });
    const off = await readers.post('/api/acts/leave', { worker: '1030', ...signed }, READ_TOKEN);
    expect([off.status, off.json.code]).toEqual([403, 'api.acts-off']);
  });

  test('finds an ordered leave in the audit under their name, with the channel and the mark of the token', async () => {
    const desk = await openApiDesk();
    await desk.acted(await desk.post('/api/acts/leave', { worker: '1030', ...signed }));
    expect((await desk.asked('/api/workers/1030')).json.stage).toBe('left');
    const { entries } = (await desk.asked('/api/audit?kind=act&worker=1030&limit=1000')).json;
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      actor: 'operator:Olga',
      body: { act: 'leave', reason: 'a story', channel: 'api' },
    });
    expect(entries[0].body.osUser).toMatch(/^api token [0-9a-f]{8}$/);
  });

  test('is told what is wrong with a request, in problem+json', async () => {
    const desk = await openApiDesk();
    const told = async (path: string, options: Parameters<typeof desk.asked>[1] = {}): Promise<unknown[]> => {
      const { status, json, headers } = await desk.asked(path, options);
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
      expect(json.status).toBe(status);
      expect(strangeIn('problem', json)).toContain('no route');
      return [status, json.code];
    };
    expect(await told('/api/workers?stages=left')).toEqual([400, 'api.query']);
    expect(await told('/api/workers?stage=gone')).toEqual([400, 'api.query']);
    expect(await told('/api/workers?stage=left&stage=left')).toEqual([400, 'api.query']);
    expect(await told('/api/workers?limit=100000')).toEqual([400, 'api.query']);
    expect(await told('/api/workers?limit=')).toEqual([400, 'api.query']);
    expect(await told('/api/workers/nobody')).toEqual([404, 'worker.unknown']);
    expect(await told(`/api/workers/${'x'.repeat(257)}`)).toEqual([400, 'api.path']);
    expect(await told(`/api/holds/${'f'.repeat(12)}`)).toEqual([404, 'hold.not-present']);
    expect(await told('/api/holds/zz')).toEqual([400, 'api.path']);
    expect(await told('/api/reports/leavers?from=2026-11-20')).toEqual([400, 'api.query']);
    expect(await told('/api/reports/leavers?from=soon&to=2026-11-20')).toEqual([400, 'usage.date']);
    expect(await told('/api/reports/leavers?from=2026-11-21&to=2026-11-20')).toEqual([400, 'usage.period']);
    expect(await told('/api/nothing')).toEqual([404, 'api.nothing-here']);
    expect(await told('/api/status', { method: 'DELETE' })).toEqual([405, 'api.method']);
    expect(await told('/api/acts/leave', { token: ACT_TOKEN })).toEqual([405, 'api.method']);
    const post = { method: 'POST', token: ACT_TOKEN, headers: { 'content-type': 'application/json' } };
    expect(await told('/api/acts/leave', { ...post, body: 'x'.repeat(70_000) })).toEqual([413, 'api.too-large']);
    expect(await told('/api/acts/leave', { ...post, body: '{"__proto__":{}}' })).toEqual([400, 'api.body']);
    expect(await told('/api/acts/leave', { ...post, headers: { 'content-type': 'text/plain' }, body: 'x' })).toEqual([
      415,
      'api.media-type',
    ]);
    const { headers } = await desk.asked('/api/status', { headers: { origin: 'https://elsewhere.example.com' } });
    expect(headers.get('cache-control')).toBe('no-store');
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('is slowed down when they ask too often, and whoever tries tokens does not slow down others', async () => {
    const desk = await openApiDesk();
    desk.clock.advance(60_000);
    const codes = async (times: number, token: string): Promise<Readonly<Record<string, number>>> => {
      const answers = await Promise.all(Array.from({ length: times }, () => desk.asked('/api/version', { token })));
      return Object.fromEntries(
        [...Map.groupBy(answers, ({ status }) => String(status))].map(([status, same]) => [status, same.length]),
      );
    };
    expect(await codes(30, 'a-token-that-somebody-has-guessed')).toEqual({ 401: 20, 429: 10 });
    expect(await codes(110, READ_TOKEN)).toEqual({ 200: 100, 429: 10 });
    desk.clock.advance(2_000);
    expect(await codes(10, READ_TOKEN)).toEqual({ 200: 10 });
  });

  test('leaves neither a token nor a worker in the log', async () => {
    const lines: string[] = [];
    const write = (fields: unknown, message?: unknown): void => void lines.push(JSON.stringify([fields, message]));
    const log = {
      trace: write,
      debug: write,
      info: write,
      warn: write,
      error: write,
      fatal: write,
    } as unknown as Logger;
    const desk = await openApiDesk({ log });
    await desk.asked('/api/workers/1003');
    await desk.asked('/api/workers/1003', { token: 'a-wrong-token-that-is-told-nowhere' });
    await desk.acted(await desk.post('/api/acts/leave', { worker: '1030', by: 'Olga', reason: 'a secret reason' }));
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.join('\n')).not.toMatch(/token-of-the-api|told-nowhere|First1003|secret reason|Olga/);
  });
});

describe('tokens', () => {
  const codesOf = (job: () => unknown): readonly string[] => {
    try {
      job();
      return [];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return error.faults.map(({ code }) => code);
    }
  };
  const opened = (environment: Readonly<Record<string, string>>) =>
    apiTokens(readConfig(environment, {}).http.api, environment);

  test('that can be guessed, that are the same, or that lie nowhere are refused', () => {
    expect(codesOf(() => opened({ ROLLCALL_API_TOKEN: 'short' }))).toEqual(['config.api-token']);
    expect(codesOf(() => opened({ ROLLCALL_API_TOKEN: READ_TOKEN, ROLLCALL_API_ACT_TOKEN: READ_TOKEN }))).toEqual([
      'config.api-token',
    ]);
    expect(codesOf(() => opened({ ROLLCALL_API_TOKEN: '${file:' }))).toEqual(['config.api-token']);
    expect(codesOf(() => opened({ ROLLCALL_API_TOKEN: '${file:/nowhere/at/all}' }))).toEqual(['secret.missing']);
    expect(codesOf(() => opened({ ROLLCALL_API_TOKEN: '${env:MINE}', MINE: READ_TOKEN }))).toEqual([]);
  });

  test('in a file are exchanged without a restart', () => {
    const dir = mkdtempSync(join(tmpdir(), 'rollcall-token-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'token');
    writeFileSync(file, `${READ_TOKEN}\n`);
    const tokens = opened({ ROLLCALL_API_TOKEN: `\${file:${file}}` });
    expect(tokens.rightOf(`Bearer ${READ_TOKEN}`)?.right).toBe('read');
    writeFileSync(file, 'another-token-that-is-as-long-as-it-should-be');
    expect(tokens.rightOf(`Bearer ${READ_TOKEN}`)).toBeNull();
    expect(tokens.rightOf('Bearer another-token-that-is-as-long-as-it-should-be')?.right).toBe('read');
  });
});

describe('the document', () => {
  test('keeps the rules of OpenAPI 3.1', () => {
    expect(openApiFaults(openApiDocument(API_ROUTES, '1.2.3'))).toEqual([]);
  });

  test('a broken one is found', () => {
    const document = openApiDocument(API_ROUTES, '1.2.3');
    const broken = JSON.parse(
      JSON.stringify(document)
        .replace('#/components/schemas/Status"', '#/components/schemas/Gone"')
        .replaceAll('"in":"path"', '"in":"query"'),
    );
    const faults = openApiFaults(broken).join('\n');
    expect(faults).toContain('#/components/schemas/Gone leads nowhere');
    expect(faults).toContain('get /workers/{id}: does not declare what its path names');
  });

  test('names every route once, and every shape of it is used', () => {
    const document = openApiDocument(API_ROUTES, '1.2.3');
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(API_ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
    const text = JSON.stringify(document);
    const unused = Object.keys(document.components.schemas).filter(
      (name) => !text.includes(`"#/components/schemas/${name}"`),
    );
    expect(unused).toEqual([]);
  });
});
