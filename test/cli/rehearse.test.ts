// `rehearse` through the real command line: what it says of each day, what it leaves alone, and what it comes to.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CliRun, runCli } from '../support/cli.ts';

const EXAMPLES = fileURLToPath(new URL('../../mappings/examples', import.meta.url));
const HEADER = 'Id,Given,Family,Status,Start,End,Department,Manager';
const MAPPING = `connection: acme
timeZone: Europe/Berlin
source: { kind: file, path: workers-*.csv }
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
    profile: okta-inbound
    baseUrl: "\${env:NOBODY_SET_THIS}"
    auth: { kind: bearer, token: "\${file:/nowhere/token}" }
    correlate: [externalId]
    user:
      userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'
      name: { givenName: worker.givenName, familyName: worker.familyName }
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
        employeeNumber: worker.id
        department: worker.department
    groups:
      - { name: '"All staff"', create: true, authority: full }
      - { name: '"Dept " + worker.department', create: true }
`;
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

interface Row {
  readonly id: string;
  readonly status?: string;
  readonly start?: string;
  readonly end?: string;
  readonly department?: string;
  readonly manager?: string;
}

const csv = (rows: readonly Row[]): string =>
  `${[HEADER, ...rows.map(({ id, status = 'A', start = '2020-01-01', end = '', department = 'Sales', manager = '' }) => [id, 'Ada', `Number${id}`, status, start, end, department, manager].join(','))].join('\n')}\n`;

interface Archive {
  readonly dir: string;
  readonly exports: string;
  readonly state: string;
  readonly put: (name: string, content: string) => void;
  readonly cli: (...args: readonly string[]) => Promise<CliRun>;
}

function archive(mapping = MAPPING): Archive {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-rehearse-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [mappings, exports, state] = [join(dir, 'mappings'), join(dir, 'exports'), join(dir, 'state')];
  mkdirSync(mappings);
  mkdirSync(exports);
  writeFileSync(join(mappings, 'acme.yaml'), mapping);
  const env = { ROLLCALL_MAPPINGS: mappings, ROLLCALL_STATE: state };
  return {
    dir,
    exports,
    state,
    put: (name, content) => writeFileSync(join(exports, name), content),
    cli: (...args) => runCli(['rehearse', 'acme', ...args], env),
  };
}

/** Thirty people, so that limits in percent leave room for one. */
const staff = (change: Readonly<Record<string, Partial<Row>>> = {}): readonly Row[] =>
  Array.from({ length: 30 }, (_, index) => {
    const id = String(100 + index);
    return { id, ...change[id] };
  });

interface User {
  readonly id: string;
  readonly externalId: string;
  readonly userName: string;
  readonly active: boolean;
  readonly meta: { readonly location: string };
  readonly [extension: `urn:${string}`]: {
    readonly department?: string;
    readonly manager?: { readonly value: string };
  };
}
interface Change {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}
interface Day {
  readonly day: string;
  readonly deliveries: readonly { readonly name: string }[];
  readonly leavers: number;
  readonly holds: readonly { readonly kind: string; readonly released: boolean; readonly sample: readonly object[] }[];
  readonly workers: readonly {
    readonly worker: string;
    readonly at: string;
    readonly transitions: readonly string[];
    readonly changes: readonly Change[];
  }[];
}
interface Group {
  readonly displayName: string;
  readonly members?: readonly { readonly value: string }[];
}

const daysOf = (run: CliRun): readonly Day[] => run.json.days;
const usersOf = (run: CliRun): readonly User[] => run.json.endState.users;
function dayOf(run: CliRun, day: string): Day {
  const found = daysOf(run).find((one) => one.day === day);
  if (found === undefined) throw new Error(`the rehearsal has no ${day}`);
  return found;
}
const userOf = (run: CliRun, externalId: string): User | undefined =>
  usersOf(run).find((user) => user.externalId === externalId);
function membersOf(run: CliRun, name: string): readonly string[] {
  const group = (run.json.endState.groups as readonly Group[]).find(({ displayName }) => displayName === name);
  const keys = new Map(usersOf(run).map(({ id, externalId }) => [id, externalId]));
  return (group?.members ?? []).map(({ value }) => keys.get(value) ?? value).sort();
}

describe('a folder of dated exports', () => {
  /** Three exports and two days on which nothing came, around somebody who starts, moves, leaves and comes back. */
  function story(): Archive {
    const desk = archive();
    const joiner: Row = { id: '200', start: '2026-01-07', manager: '100', department: 'Finance' };
    desk.put('workers-2026-01-05.csv', csv([...staff(), joiner]));
    desk.put('workers_20260106T0930.csv', 'other,columns\n1,2\n');
    desk.put('workers-2026-01-06.csv', csv([...staff({ '101': { department: 'Legal' } }), joiner]));
    desk.put(
      'workers-2026-01-08.csv',
      csv([...staff({ '101': { department: 'Legal' }, '102': { end: '2026-01-09' } }), joiner]),
    );
    return desk;
  }

  test('is played day by day, also where no export came, and ends in SCIM resources', async () => {
    const desk = story();
    const run = await desk.cli('--exports', desk.exports, '--to', '2026-01-10', '--json');
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.json).toMatchObject({ connection: 'acme', from: '2026-01-05', to: '2026-01-10', ended: 'whole' });
    expect(daysOf(run).map(({ day }) => day)).toEqual(
      ['05', '06', '07', '08', '09', '10'].map((day) => `2026-01-${day}`),
    );
    expect(dayOf(run, '2026-01-05')).toMatchObject({ joiners: 31, movers: 0, leavers: 0, managersSent: 1 });
    expect(dayOf(run, '2026-01-06')).toMatchObject({ joiners: 0, movers: 1, transitions: { mover: 1 } });
    expect(dayOf(run, '2026-01-06').workers[0]).toMatchObject({ worker: '101', transitions: ['mover'] });
    // Nobody delivered anything on the 7th: the calendar alone lets the joiner in.
    expect(dayOf(run, '2026-01-07')).toMatchObject({ deliveries: [], transitions: { start: 1 } });
    expect(dayOf(run, '2026-01-07').workers[0]).toMatchObject({
      worker: '200',
      by: 'calendar',
      at: '2026-01-06T23:00:00.000Z',
    });
    expect(dayOf(run, '2026-01-09')).toMatchObject({ transitions: {} });
    // The last day is over at midnight in Berlin.
    expect(dayOf(run, '2026-01-10').workers[0]).toMatchObject({
      worker: '102',
      transitions: ['leaver'],
      at: '2026-01-09T23:00:00.000Z',
    });

    expect(run.json.total.transitions).toEqual({ joiner: 31, start: 1, mover: 1, leaver: 1 });
    expect(run.json.endState.users).toHaveLength(31);
    expect(userOf(run, '102')?.active).toBe(false);
    const joiner = userOf(run, '200');
    expect(joiner).toMatchObject({
      userName: 'ada.number200@example.com',
      active: true,
      // At six in Berlin, once the file had stood still for the two seconds that the connection asks for.
      meta: { resourceType: 'User', created: '2026-01-05T05:00:02.000Z' },
      [ENTERPRISE]: { employeeNumber: '200', department: 'Finance', manager: { value: userOf(run, '100')?.id } },
    });
    expect(joiner?.meta.location).toMatch(/\/idp\/scim\/v2\/Users\/u-\d+$/);
    expect(membersOf(run, 'Dept Legal')).toEqual(['101']);
    expect(membersOf(run, 'Dept Finance')).toEqual(['200']);
    expect(membersOf(run, 'All staff')).toHaveLength(30);
    expect(membersOf(run, 'All staff')).not.toContain('102');
  });

  test('is told to a person in one table: eventful days, a sum, and nothing of the state folder or the exports is touched', async () => {
    const desk = story();
    const temporary = join(desk.dir, 'temporary');
    mkdirSync(temporary);
    const before = readdirSync(desk.exports);
    const out = join(desk.dir, 'reports', 'acme.json');
    const args = ['rehearse', 'acme', '--exports', desk.exports, '--to', '2026-01-10', '--out', out];
    const run = await runCli([...args, '--mappings', join(desk.dir, 'mappings'), '--state', desk.state], {
      TMPDIR: temporary,
    });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const lines = run.stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(run.stdout).toContain('acme: 2026-01-05 to 2026-01-10, 6 days in ');
    expect(lines).toContainEqual(expect.arrayContaining(['DAY', 'JOINERS', 'STARTS', 'MOVERS', 'LEAVERS', 'REHIRES']));
    expect(lines).toContainEqual(expect.arrayContaining(['2026-01-05', '31', 'workers-2026-01-05.csv']));
    expect(lines.some(([first]) => first === '2026-01-09')).toBe(false);
    expect(lines).toContainEqual(expect.arrayContaining(['all', '31', '1', '2 quiet days left out']));
    expect(run.stdout).toContain('at the end: 30 active and 1 inactive users, 4 groups');

    expect(existsSync(desk.state)).toBe(false);
    expect(readdirSync(desk.exports)).toEqual(before);
    expect(readdirSync(temporary)).toEqual([]);
    expect(JSON.parse(readFileSync(out, 'utf8')).endState.users).toHaveLength(31);
  });

  test('twice comes to the same', async () => {
    const desk = story();
    const [first, second] = [
      await desk.cli('--exports', desk.exports, '--json'),
      await desk.cli('--exports', desk.exports, '--json'),
    ];
    // Which loopback port it was is no part of the story.
    const told = ({ json }: CliRun) => JSON.stringify({ ...json, tookMs: 0 }).replace(/127\.0\.0\.1:\d+/g, 'here');
    expect(first.code).toBe(0);
    expect(told(second)).toBe(told(first));
  });

  test('takes the time in a name, plays two exports of one day in their order, and keeps to --from, --to and --at', async () => {
    const desk = archive();
    desk.put('workers-2026-01-04.csv', csv([{ id: '999' }]));
    desk.put('workers-2026-01-05.csv', csv(staff()));
    desk.put('workers-2026-01-05T143000.csv', csv(staff({ '101': { department: 'Legal' } })));
    desk.put('workers-2026-02-01.csv', csv([{ id: '999' }]));
    const run = await desk.cli(
      '--exports',
      desk.exports,
      '--from',
      '2026-01-05',
      '--to',
      '2026-01-06',
      '--at',
      '07:45',
      '--json',
    );
    expect(run.code).toBe(0);
    const day = dayOf(run, '2026-01-05');
    expect(day.deliveries.map(({ name }) => name)).toEqual(['workers-2026-01-05.csv', 'workers-2026-01-05T143000.csv']);
    const at = (worker: string, name: string) =>
      day.workers.find((one) => one.worker === worker && one.transitions.includes(name))?.at;
    expect(at('101', 'joiner')).toBe('2026-01-05T06:45:02.000Z');
    expect(at('101', 'mover')).toBe('2026-01-05T13:30:02.000Z');
    expect(userOf(run, '999')).toBeUndefined();
  });

  test('plays deltas in their order', async () => {
    const desk = archive(MAPPING.replace('workers-*.csv }', 'workers-*.csv, content: delta }'));
    desk.put('workers-2026-01-05.csv', csv(staff()));
    desk.put('workers-2026-01-06.csv', csv([{ id: '101', department: 'Legal' }]));
    desk.put('workers-2026-01-07.csv', csv([{ id: '300' }]));
    const run = await desk.cli('--exports', desk.exports, '--json');
    expect(run.code).toBe(0);
    expect(run.json.total.transitions).toEqual({ joiner: 31, mover: 1 });
    expect(run.json.endState.users).toHaveLength(31);
  });

  test('counts an export that was kept as finished although its marker was not kept', async () => {
    const desk = archive(MAPPING.replace('workers-*.csv }', 'workers-*.csv, complete: { marker: "*.done" } }'));
    desk.put('workers-2026-01-05.csv', csv(staff()));
    const run = await desk.cli('--exports', desk.exports, '--json');
    expect(run.code).toBe(0);
    expect(run.json.total.transitions).toEqual({ joiner: 30 });
  });

  test('says why a delivery had no effect, and ends with 1', async () => {
    const desk = archive();
    desk.put('workers-2026-01-05.csv', csv(staff()));
    desk.put('workers-2026-01-06.csv', 'Id,Given,Family\n100,Ada,Number100\n');
    const run = await desk.cli('--exports', desk.exports);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('Deliveries without any effect');
    expect(run.stdout).toMatch(/2026-01-06 .*Status/);
    expect(run.stdout).toContain('at the end: 30 active and 0 inactive users');
  });
});

describe('holds', () => {
  /** On the second day HR ends twelve of thirty. */
  function dismissal(): Archive {
    const desk = archive();
    const gone = Array.from(
      { length: 12 },
      (_, index) => [String(110 + index), { status: 'T', end: '2026-01-05' }] as const,
    );
    desk.put('workers-2026-01-05.csv', csv(staff()));
    desk.put('workers-2026-01-06.csv', csv(staff(Object.fromEntries(gone))));
    desk.put('workers-2026-01-07.csv', csv(staff({ ...Object.fromEntries(gone), '101': { department: 'Legal' } })));
    return desk;
  }

  test('are told with whom they hold, and released', async () => {
    const desk = dismissal();
    const run = await desk.cli('--exports', desk.exports, '--json');
    expect(run.code).toBe(0);
    const { holds, leavers } = dayOf(run, '2026-01-06');
    expect(holds.length).toBeGreaterThan(0);
    const hold = holds.find(({ kind }) => kind === 'explicitLeaver');
    expect(hold).toMatchObject({ released: true });
    expect(hold?.sample[0]).toMatchObject({ kind: 'explicitLeaver', operation: 'disable' });
    expect(leavers).toBe(12);
    expect(run.json.holds).toEqual([]);
    expect(dayOf(run, '2026-01-07')).toMatchObject({ movers: 1, holds: [] });
    expect(usersOf(run).filter(({ active }) => active)).toHaveLength(18);
  });

  test('with --keep-holds end the rehearsal there, with 3', async () => {
    const desk = dismissal();
    const run = await desk.cli('--exports', desk.exports, '--keep-holds', '--json');
    expect(run.code).toBe(3);
    expect(run.json).toMatchObject({ ended: 'held', exitCode: 3 });
    expect(daysOf(run).map(({ day }) => day)).toEqual(['2026-01-05', '2026-01-06']);
    expect(dayOf(run, '2026-01-06').holds.every(({ released }) => !released)).toBe(true);
    expect(run.json.holds.length).toBeGreaterThan(0);
    const people = await desk.cli('--exports', desk.exports, '--keep-holds');
    expect(people.code).toBe(3);
    expect(people.stdout).toContain('Held, and kept: the rehearsal ends here');
  });
});

describe('what cannot be rehearsed', () => {
  test.each([
    ['a folder without a date', ['--exports', '.'], 'has a date in its name'],
    ['a folder that is none', ['--exports', 'nowhere'], 'neither a folder nor a file'],
    ['one file without days', ['--exports', 'workers.csv'], 'give --from and --to'],
    ['a day that is none', ['--exports', '.', '--from', '2026-02-30'], '--from 2026-02-30 is no day'],
    [
      'days the wrong way round',
      ['--exports', 'workers.csv', '--from', '2026-02-02', '--to', '2026-02-01'],
      'is before --from',
    ],
    ['a time that is none', ['--exports', '.', '--at', '25:00'], '--at 25:00 is no time of day'],
    [
      'more than ten years',
      ['--exports', 'workers.csv', '--from', '2000-01-01', '--to', '2026-01-01'],
      'more than 3660',
    ],
    ['a path that the environment does not name', ['--from', '2026-01-01', '--to', '2026-01-02'], 'HR_FEED is not set'],
  ])('%s is a usage error', async (_what, args, said) => {
    const desk = archive(MAPPING.replace('path: workers-*.csv', 'path: "${env:HR_FEED}"'));
    desk.put('workers.csv', csv(staff()));
    const paths = args.map((arg) =>
      arg === '.' || arg.endsWith('.csv') || arg === 'nowhere' ? join(desk.exports, arg) : arg,
    );
    const run = await desk.cli(...paths);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(said);
    expect(run.stdout).toBe('');
  });

  test('a connection that there is not names those that there are', async () => {
    const desk = archive();
    const run = await runCli(['rehearse', 'acne', '--exports', desk.exports, '--mappings', join(desk.dir, 'mappings')]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('connections are acme');
  });
});

/** Thousands of days on a busy machine. */
const LONG_MS = 240_000;

describe('real feeds', () => {
  test.skipIf(!existsSync(join(EXAMPLES, 'data', 'adventureworks')))(
    'AdventureWorks’ department history, one effective-dated file, is 290 joiners and its six moves on the right days',
    async () => {
      const args = ['rehearse', 'adventureworks-history', '--from', '2006-06-01', '--to', '2013-12-31', '--json'];
      const run = await runCli(args, { ROLLCALL_MAPPINGS: join(EXAMPLES, 'history') });
      expect(run.code).toBe(0);
      expect(run.json.total.transitions).toMatchObject({ joiner: 290, start: 290, mover: 6 });
      expect(run.json.total.transitions.leaver ?? 0).toBe(0);
      const moves = daysOf(run).flatMap(({ day, workers }) =>
        workers
          .filter(({ transitions }) => transitions.includes('mover'))
          .map(({ worker, changes }) => {
            const change = changes.find(({ path }) => path.endsWith(':department'));
            return [day, worker, change?.before, change?.after];
          }),
      );
      expect(moves).toEqual([
        ['2009-07-15', '16', 'Purchasing', 'Marketing'],
        ['2010-05-31', '4', 'Engineering', 'Tool Design'],
        ['2011-07-31', '250', 'Marketing', 'Quality Assurance'],
        ['2011-09-01', '224', 'Production', 'Production Control'],
        ['2012-07-15', '250', 'Quality Assurance', 'Purchasing'],
        ['2013-11-14', '234', 'Finance', 'Executive'],
      ]);
      expect(run.json.endState.users).toHaveLength(290);
      expect(usersOf(run).every(({ active }) => active)).toBe(true);
      expect(membersOf(run, 'AdventureWorks Tool Design')).toContain('4');
      expect(membersOf(run, 'AdventureWorks Engineering')).not.toContain('4');
    },
    LONG_MS,
  );

  test.skipIf(!existsSync(join(EXAMPLES, 'data', 'entra')))(
    'Microsoft’s sample explains every rejected row and every manager who is not there in words for HR',
    async () => {
      const file = join(EXAMPLES, 'data', 'entra', 'csv-with-1000-records.csv');
      const args = ['rehearse', 'entra-sample', '--exports', file, '--from', '2026-01-01', '--to', '2026-01-02'];
      const env = { ROLLCALL_MAPPINGS: EXAMPLES };
      const run = await runCli([...args, '--json'], env);
      expect(run.code).toBe(0);
      expect(run.json.total).toMatchObject({ transitions: { joiner: 170 }, rejected: 641 });

      const [header = '', ...rows] = readFileSync(file, 'utf8')
        .split(/\r?\n/)
        .filter((line) => line !== '');
      const columns = header.replace('\ufeff', '').split(',');
      const cell = (row: string, name: string): string => row.split(',')[columns.indexOf(name)] ?? '';
      const times = new Map<string, number>();
      for (const row of rows) times.set(cell(row, 'WorkerID'), (times.get(cell(row, 'WorkerID')) ?? 0) + 1);

      // Every row is either somebody's, or stands among the rejected with its line and a sentence.
      const rejected = run.json.rejections as readonly { key: string; reason: string; line: number }[];
      expect(new Set(rejected.map(({ line }) => line)).size).toBe(641);
      for (const { key, reason, line } of rejected) {
        expect(cell(rows[line - 2] ?? '', 'WorkerID')).toBe(key);
        expect(reason).toBe(`several rows with different content share the key ${key}`);
        expect(times.get(key)).toBeGreaterThan(1);
      }

      const dangling = run.json.danglingManagers as readonly { worker: string; manager: string; reason: string }[];
      const active = usersOf(run).filter((user) => user.active);
      const referring = active.filter((user) => user[ENTERPRISE]?.manager !== undefined);
      const named = active.filter(({ externalId }) =>
        rows.some((row) => cell(row, 'WorkerID') === externalId && cell(row, 'ManagerID') !== ''),
      );
      expect(referring.length + dangling.length).toBe(named.length);
      const counted = { unknown: 0, rejected: 0, left: 0 };
      for (const { manager, reason } of dangling) {
        if (!times.has(manager)) {
          counted.unknown += 1;
          expect(reason).toBe(`no row of the feed has the id ${manager}`);
        } else if ((times.get(manager) ?? 0) > 1) {
          counted.rejected += 1;
          expect(reason).toBe(
            `the row of manager ${manager} was rejected: several rows with different content share the key ${manager}`,
          );
        } else {
          counted.left += 1;
          expect(reason).toBe(`manager ${manager} has left`);
        }
      }
      for (const times of Object.values(counted)) expect(times).toBeGreaterThan(0);

      const people = await runCli(args, env);
      expect(people.stdout).toMatch(/641 +such as: several rows with different content share the key \d+/);
      expect(people.stdout).toMatch(/\d+ workers without the manager they name/);
    },
    LONG_MS,
  );
});
