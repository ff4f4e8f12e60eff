import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import { type Draft, type DraftOptions, draftFrom } from '../../src/cli/init-draft.ts';
import { templateNames } from '../../src/cli/init-template.ts';
import { readConfig } from '../../src/config.ts';
import { openHouse } from '../../src/daemon.ts';
import { PROFILE_NAMES } from '../../src/mapping/account-rules.ts';
import { type CycleReport, runCycle } from '../../src/pipeline/intake.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { MADE_UP, UNSEEN } from '../corpus/exports.ts';
import { runCli } from '../support/cli.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import { heldClock } from '../support/held-clock.ts';

const NOW = instantOf('2026-11-22T12:00:00Z');
const EXAMPLES = fileURLToPath(new URL('../../mappings/examples/data/', import.meta.url));

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-init-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const draft = (mappingsDir: string, path: string | undefined, options: DraftOptions = {}): Promise<Draft> =>
  draftFrom(path, options, readConfig({ ROLLCALL_MAPPINGS: mappingsDir }, {}), {
    now: NOW,
    zoneHere: 'UTC',
    signal: new AbortController().signal,
  });

/** Lines without indent and without the comment behind them. */
const bare = (text: string): readonly string[] => text.split('\n').map((line) => line.trim().replace(/ +# .*$/, ''));

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error: unknown = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (error instanceof Problem) return error;
  throw new Error(`no Problem but ${String(error)}`);
}

/** What a cycle on this file would do, at an endpoint that holds nobody. */
async function planned({ connection, variables }: Draft, text: string, mappingsDir: string): Promise<CycleReport> {
  await using idp = await startFakeIdp({ token: 'token-of-init' });
  // The sample was written a moment ago, and the clock is held.
  const settled = text.replace('kind: file', 'kind: file\n  stableMs: 0');
  writeFileSync(join(mappingsDir, `${connection.name}.yaml`), settled);
  const config = readConfig(
    {
      ROLLCALL_MAPPINGS: mappingsDir,
      ROLLCALL_STATE: join(mappingsDir, 'state'),
      ...Object.fromEntries(variables.map((name) => [name, name.endsWith('_URL') ? idp.url : 'token-of-init'])),
    },
    {},
  );
  await using house = await openHouse({
    config,
    mode: 'memory',
    clock: heldClock(NOW),
    log: silentLog,
    command: 'plan',
  });
  const [live] = house.connections.values();
  if (live === undefined) throw new Error('there is no connection');
  const report = await runCycle(house, live, { actor: 'feed', mode: 'plan', signal: new AbortController().signal });
  expect(idp.writes()).toEqual([]);
  return report;
}

describe.each(MADE_UP)('$what', (made) => {
  test('becomes a draft that reads the sample, marks what it does not know, holds nobody’s values, and plans', async () => {
    const dir = folder();
    const sample = join(dir, made.file);
    writeFileSync(sample, made.content);
    const found = await draft(dir, sample);
    const lines = bare(found.text);
    for (const line of made.lines) expect(lines, line).toContainEqual(expect.stringContaining(line));
    const marked = found.doubts.map(({ key }) => key);
    for (const key of made.unsure ?? []) expect(marked).toContain(key);
    for (const key of made.sure ?? []) expect(marked).not.toContain(key);
    for (const value of made.personal) expect(found.text).not.toContain(value);
    expect(found.trial).toMatchObject({ accepted: made.accepted, byStatus: made.byStatus });
    for (const { line, text } of found.doubts) {
      const around = found.text.split('\n').slice(Math.max(0, line - 6), line);
      expect(around.some((one) => one.includes(`# unsure: ${text}`))).toBe(true);
    }
    const report = await planned(found, found.text, dir);
    expect(report.faults).toEqual([]);
    expect(['done', 'held']).toContain(report.kind);
    expect(report.rejections).toHaveLength(found.trial?.rejected ?? -1);
  });
});

const realExports = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.csv'),
);

test.each(realExports)('the published export %s becomes a draft that reads all of its rows', async (name) => {
  const dir = folder();
  const found = await draft(dir, join(EXAMPLES, name), { timeZone: 'Europe/Berlin' });
  expect(found.trial).toMatchObject({ rejected: 0, accepted: found.sample?.rows });
  expect(found.connection.timeZone).toBe('Europe/Berlin');
  const report = await planned(found, found.text, dir);
  expect(report.faults).toEqual([]);
  expect(report.rows).toBe(found.sample?.rows);
});

test('the other published exports are read as well, where they lie beside the project', async (context) => {
  const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
  if (!existsSync(shared)) return context.skip('the folder of published exports is not there');
  const files = readdirSync(shared, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?:Data|records|vEmployee|Employee|History)\.(?:csv|txt)$/.test(name),
  );
  expect(files.length).toBeGreaterThanOrEqual(6);
  const dir = folder();
  for (const name of files) {
    const found = await draft(dir, join(shared, name), { timeZone: 'UTC' });
    expect(found.trial?.accepted, name).toBe(found.sample?.records.length);
  }
});

test('a newcomer comes from an export in words that nobody has seen to a plan for everybody with at most five edits', async () => {
  const dir = folder();
  const sample = join(dir, UNSEEN.file);
  writeFileSync(sample, UNSEEN.content);
  const found = await draft(dir, sample);
  expect(found.doubts.map(({ key }) => key)).toEqual(
    expect.arrayContaining([
      'worker.id',
      'worker.status',
      'worker.startDate',
      'worker.endDate',
      'worker.managerId',
      'tables.status.Serving',
    ]),
  );
  const before = await planned(found, found.text, dir);
  expect(before.rejections).toHaveLength(3);

  const lines = found.text.split('\n');
  let edits = 0;
  for (const { find, put } of UNSEEN.edits) {
    const at = lines.findIndex((line) => line.trim().startsWith(find));
    expect(at, find).toBeGreaterThan(0);
    const indent = /^ */.exec(lines[at] ?? '')?.[0] ?? '';
    lines.splice(at, 1, ...put.map((line) => indent + line));
    edits += 1;
  }
  expect(edits).toBeLessThanOrEqual(5);
  const after = await planned(found, lines.join('\n'), dir);
  expect(after).toMatchObject({ kind: 'done', rejections: [], rows: 5, tally: { 'operation:create': 4 } });
});

/** Templates that are there for their target: it is no SCIM endpoint, and has no profile. */
const OF_TARGETS: Readonly<Record<string, string>> = {
  'entra-bulk': 'https://graph.microsoft.us/v1.0/servicePrincipals/0b5e/synchronization/jobs/API2AAD.0b5e/bulkUpload',
  'okta-source': 'https://corp.okta.com',
};

describe('a template of a vendor', () => {
  test.each(templateNames())(
    '%s becomes a file that passes every check, with what is the company’s own marked',
    async (preset) => {
      const dir = folder();
      const found = await draft(dir, undefined, { preset, name: 'hr', timeZone: 'Europe/Madrid' });
      expect(found).toMatchObject({ sample: null, trial: null, connection: { name: 'hr', timeZone: 'Europe/Madrid' } });
      expect(found.doubts.length).toBeGreaterThan(0);
      const lines = found.text.split('\n');
      for (const { line, key } of found.doubts) expect(lines[line - 1]).toContain(key);
      const profile = preset in OF_TARGETS ? {} : { profile: 'okta-inbound' };
      const target = OF_TARGETS[preset] ?? 'https://idp.corp.test/scim';
      const given = await draft(dir, undefined, { preset, target, ...profile });
      expect(given.connection.targets[0]).toMatchObject({ ...profile, baseUrl: { kind: 'literal', text: target } });
      expect(given.connection.name).toBe(preset);
    },
  );

  test('that does not exist is refused with those that do, and without template or sample there is nothing to begin with', async () => {
    const dir = folder();
    const { faults } = await problemOf(draft(dir, undefined, { preset: 'bambohr' }));
    expect(faults[0]).toMatchObject({ code: 'usage.preset', hint: expect.stringContaining('bamboohr') });
    expect((await problemOf(draft(dir, undefined, { name: 'x' }))).faults[0]?.code).toBe('usage.sample');
  });
});

describe('the draft', () => {
  test.each(PROFILE_NAMES)('meets what profile %s demands of an account', async (profile) => {
    const dir = folder();
    const sample = join(dir, 'w.csv');
    writeFileSync(
      sample,
      'Id,First Name,Last Name,Status,Hire Date,Phone,Mobile\n1,Ada,Quill,A,2020-01-01,1,2\n2,Bo,Rooke,A,2020-01-01,1,2\n',
    );
    expect((await draft(dir, sample, { profile })).connection.targets[0]?.profile).toBe(profile);
    const thin = join(dir, 'thin.csv');
    writeFileSync(thin, 'Id\n1\n2\n');
    expect((await draft(dir, thin, { profile })).trial?.accepted).toBe(2);
  });

  test('takes an address as it is given, and refuses one that is none', async () => {
    const dir = folder();
    const sample = join(dir, 'w.csv');
    writeFileSync(sample, 'Id,Status\n1,A\n');
    expect((await draft(dir, sample, { target: 'https://idp.example.com/scim/v2' })).text).toContain(
      'baseUrl: "https://idp.example.com/scim/v2"',
    );
    const { faults } = await problemOf(draft(dir, sample, { target: 'idp, please' }));
    expect(faults[0]).toMatchObject({ code: 'mapping.url' });
  });

  test('is refused for a name, a profile and a zone that do not exist, all at once', async () => {
    const dir = folder();
    const { faults } = await problemOf(
      draft(dir, join(dir, 'w.csv'), { name: 'No Name', profile: 'genric', timeZone: 'Berlin' }),
    );
    expect(faults.map(({ code }) => code)).toEqual(['usage.name', 'usage.profile', 'usage.time-zone']);
    expect(faults[1]?.hint).toContain('generic');
  });

  test('is refused where the file, or a connection of that name in another file, is there already', async () => {
    const dir = folder();
    const sample = join(dir, 'w.csv');
    writeFileSync(sample, 'Id,Status\n1,A\n');
    const { text } = await draft(dir, sample, { name: 'acme' });
    writeFileSync(join(dir, 'other.yaml'), text);
    expect((await problemOf(draft(dir, sample, { name: 'acme' }))).faults[0]?.message).toContain('other.yaml');
    writeFileSync(join(dir, 'w.yaml'), '');
    expect((await problemOf(draft(dir, sample))).faults[0]?.code).toBe('init.exists');
    expect(readFileSync(join(dir, 'w.yaml'), 'utf8')).toBe('');
  });

  test('reads wide, marked, quoted and strange columns without letting one of them out of its place', async () => {
    const dir = folder();
    const sample = join(dir, 'odd.csv');
    const names = [
      'Id',
      '"Status"',
      '"first name: # ""x"""',
      "it's",
      '__proto__',
      '"two\nlines"',
      '${env:HOME}',
      'Hire Date',
    ];
    writeFileSync(
      sample,
      `\ufeff${names.join(',')}\n1,Active,a,b,c,d,e,2020-01-01\n2,"Ac: tive # no",a,b,c,d,e,2020-01-01\n`,
    );
    const found = await draft(dir, sample);
    expect(found.trial).toMatchObject({ accepted: 1, rejected: 1 });
    expect(found.connection.source.kind).toBe('file');
    expect(found.text).toContain('two lines');
  });

  test.each([
    ['book.xlsx', Buffer.from('PK\u0003\u0004rest'), 'init.kind'],
    ['feed.csv.gz', Buffer.from([0x1f, 0x8b, 8, 0]), 'init.kind'],
    ['answer.xml', Buffer.from('<?xml version="1.0"?><employees/>'), 'init.kind'],
    ['empty.csv', Buffer.alloc(0), 'feed.empty'],
    ['header.csv', Buffer.from('Id,Status\n'), 'feed.empty'],
    ['nobody.csv', Buffer.from('Colour,Shape\nred,round\nred,round\n'), 'init.no-key'],
    ['torn.json', Buffer.from('{"employees":[{"id":"1"'), 'feed.truncated'],
  ])('of %s is none: it says why', async (file, content, code) => {
    const dir = folder();
    writeFileSync(join(dir, file), content);
    const { faults } = await problemOf(draft(dir, join(dir, file)));
    expect(faults[0]).toMatchObject({ code, place: { file } });
  });
});

test('the command writes the file once, lists what is doubtful on one page, and asks nothing', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'exports'));
  const sample = join(dir, 'exports', 'workers-2026-11-20.csv');
  writeFileSync(
    sample,
    'Id,First Name,Last Name,Status,Hire Date\n1,Ada,Quill,Active,03/04/2020\n2,Bo,Rooke,Bench,05/06/2021\n',
  );
  const env = { ROLLCALL_MAPPINGS: join(dir, 'new', 'mappings') };
  const first = await runCli(['init', sample, '--time-zone', 'Europe/Paris'], env);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('from 2 rows with 5 columns');
  expect(first.stdout).toContain('tried on the sample: 1 rows read (1 active), 1 rejected');
  expect(first.stdout).toMatch(/worker\.startDate\n +no day above 12 in the sample/);
  expect(first.stdout).not.toMatch(/Quill|Rooke/);
  const file = join(dir, 'new', 'mappings', 'workers.yaml');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain("path: '../../exports/workers-*.csv'");
  const again = await runCli(['init', sample, '--json'], env);
  expect(again.code).toBe(2);
  expect(again.json.error[0].code).toBe('init.exists');
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect((await runCli(['validate'], env)).code).toBe(0);
  expect(readdirSync(dirname(file))).toEqual(['workers.yaml']);
});
