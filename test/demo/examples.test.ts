import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { calendarDate } from '../../src/base/calendar-date.ts';
import { instantOf } from '../../src/base/instant.ts';
import { faultLine } from '../../src/base/problem.ts';
import { sampleFeed } from '../../src/demo/sample-feed.ts';
import type { BoundMapping, MappedRecord, RawRecord } from '../../src/mapping/bound-mapping.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import type { Employment } from '../../src/worker/worker.ts';

const MAPPINGS = fileURLToPath(new URL('../../mappings/', import.meta.url));
const ENTRA = 'examples/data/entra/csv-with-1000-records.csv';
const ADVENTURE = 'examples/data/adventureworks/vEmployeeDepartment.csv';
const HISTORY = 'examples/data/adventureworks/vEmployeeDepartmentHistory.csv';
const NOW = instantOf('2026-11-22T09:00:00Z');

const bytesOf = (file: string): Buffer => readFileSync(`${MAPPINGS}${file}`);
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const rowsOf = (text: string): readonly Record<string, string>[] => parse(text, { columns: true });

function bound(file: string, columns: readonly string[]): BoundMapping {
  const read = readConnection(file, bytesOf(file).toString('utf8'), { sha256 });
  if ('faults' in read) throw new Error(read.faults.map(faultLine).join('\n'));
  const result = read.connection.bind(columns);
  if ('faults' in result) throw new Error(result.faults.map(faultLine).join('\n'));
  return result.mapping;
}

interface Mapped {
  readonly mapping: BoundMapping;
  readonly records: readonly MappedRecord[];
  readonly employments: readonly Employment[];
}

function mapped(file: string, feed: string): Mapped {
  const rows = rowsOf(feed);
  const mapping = bound(file, Object.keys(rows[0] ?? {}));
  const records = rows.map((row, index) => mapping.toEmployment(row as RawRecord, { record: index + 1 }, NOW));
  const employments = records.flatMap((record) => (record.kind === 'employment' ? [record.employment] : []));
  return { mapping, records, employments };
}

const desiredOf = (mapping: BoundMapping, employment: Employment, userName: string | null = null) => {
  const [target] = mapping.targets;
  if (target === undefined) throw new Error('no target');
  return target.desired({ key: employment.personId, employments: [employment] }, employment, userName);
};

/** Counts of the Entra file made without a CSV parser: it holds no quote, so a comma is a separator. */
function countEntra() {
  const [head = '', ...lines] = bytesOf(ENTRA).toString('utf8').split('\n');
  const columns = head.split(',');
  const cell = (line: string, column: string): string => line.split(',')[columns.indexOf(column)] ?? '';
  const byId = Map.groupBy(lines, (line) => cell(line, 'WorkerID'));
  const once = [...byId.values()].filter((same) => same.length === 1).flat();
  const accounts = once.filter((line) => cell(line, 'WorkerStatus') === 'Active');
  const accountIds = new Set(accounts.map((line) => cell(line, 'WorkerID')));
  const onceIds = new Set(once.map((line) => cell(line, 'WorkerID')));
  const managers = accounts.map((line) => cell(line, 'ManagerID'));
  const left = once.filter((line) => cell(line, 'WorkerStatus') === 'Inactive');
  return {
    rows: lines.length,
    ids: byId.size,
    rejectedRows: lines.length - once.length,
    rejectedIds: byId.size - once.length,
    left: left.length,
    leftAndOnLeave: left.filter((line) => cell(line, 'OnLeave') === 'True').length,
    onLeave: accounts.filter((line) => cell(line, 'OnLeave') === 'True').length,
    active: accounts.filter((line) => cell(line, 'OnLeave') === 'False').length,
    accounts: accounts.length,
    managerHasAccount: managers.filter((id) => accountIds.has(id)).length,
    managerNotInFile: managers.filter((id) => !byId.has(id)).length,
    managerRejected: managers.filter((id) => byId.has(id) && !onceIds.has(id)).length,
    managerLeft: managers.filter((id) => onceIds.has(id) && !accountIds.has(id)).length,
    departments: Map.groupBy(accounts, (line) => cell(line, 'Department')),
    onceIds,
  };
}

describe('the example data', () => {
  test('are the published bytes', () => {
    expect(sha256(bytesOf(ENTRA))).toBe('7d9ca28579499c01f966223f926b2fdd11159d5b8376d842daf55f13c014462f');
    expect(sha256(bytesOf(ADVENTURE))).toBe('5b567ca68c110907b671818d1bfd631249108bb9770a05e5a375c505a0c23547');
    expect(sha256(bytesOf(HISTORY))).toBe('608c5c01beab2a1951c91911d8a5894052e982e45bd7c5e83cb6cd7fbcd229da');
  });

  test('hold what the README beside them says, counted without Rollcall', () => {
    const readme = bytesOf('examples/README.md').toString('utf8').replace(/\s+/g, ' ');
    const entra = countEntra();
    for (const sentence of [
      `| in the file | ${entra.rows} | ${entra.ids} |`,
      `one id on several different people | ${entra.rejectedRows} | ${entra.rejectedIds} |`,
      `with or without \`OnLeave\` | ${entra.left} | ${entra.left} |`,
      `\`Active\` and \`OnLeave\` | ${entra.onLeave} | ${entra.onLeave} |`,
      `| active | ${entra.active} | ${entra.active} |`,
      `| accounts at the endpoint afterwards | | ${entra.accounts} |`,
      `${entra.leftAndOnLeave} of the ${entra.left} are both`,
      `Of the ${entra.accounts}, only ${entra.managerHasAccount} name a manager`,
      `${entra.managerNotInFile} name somebody who is not in the file, ${entra.managerRejected} one of the rejected ids, ${entra.managerLeft} somebody who has left`,
      ...[...entra.departments].map(([name, people]) => `${name} ${people.length}`),
    ]) {
      expect(readme).toContain(sentence);
    }
  });
});

describe('the entra-sample mapping', () => {
  test('makes an employment of every row and reads the statuses as the README says', () => {
    const { records, employments } = mapped('examples/entra-sample.yaml', bytesOf(ENTRA).toString('utf8'));
    expect(records.filter(({ kind }) => kind === 'rejected')).toEqual([]);
    const { onceIds, left, onLeave, active } = countEntra();
    const once = employments.filter(({ id }) => onceIds.has(id));
    const withStatus = (status: string): number => once.filter((employment) => employment.status === status).length;
    expect([withStatus('terminated'), withStatus('leave'), withStatus('active')]).toEqual([left, onLeave, active]);
  });

  test('turns UK into GB and gives everybody a department group', () => {
    const { mapping, employments } = mapped('examples/entra-sample.yaml', bytesOf(ENTRA).toString('utf8'));
    const countries = new Set(
      employments.map((employment) => {
        const [address] = desiredOf(mapping, employment).attributes.addresses as readonly { country: string }[];
        return address?.country;
      }),
    );
    expect([...countries].sort()).toEqual(['DE', 'FR', 'GB', 'IN', 'US']);
    const groups = new Set(
      employments.flatMap((employment) => desiredOf(mapping, employment).memberships.map(({ group }) => group)),
    );
    expect(groups.size).toBe(6);
  });
});

describe('the adventureworks mapping', () => {
  const feed = bytesOf(ADVENTURE).toString('utf8');

  test('makes 290 active employments whose start keeps the day that is written', () => {
    const { records, employments } = mapped('examples/adventureworks.yaml', feed);
    expect(records).toHaveLength(290);
    expect(employments).toHaveLength(290);
    expect(employments.every(({ status }) => status === 'active')).toBe(true);
    const written = rowsOf(feed).map((row) => row.StartDate?.slice(0, 10));
    expect(employments.map(({ startDate }) => startDate)).toEqual(written);
  });

  test('keeps diacritics in names and spells userNames without them', () => {
    const { mapping, employments } = mapped('examples/adventureworks.yaml', feed);
    const foreign = employments
      .filter(({ attributes }) => /[^ -~]/.test(`${attributes.givenName} ${attributes.familyName}`))
      .map((employment) => desiredOf(mapping, employment));
    expect(foreign.map(({ attributes }) => (attributes.name as { familyName: string }).familyName).sort()).toEqual(
      ['Ajenstat', 'Reátegui Alayo', 'Saraiva', 'Sánchez'].sort(),
    );
    expect(foreign.map(({ userNames }) => userNames.at(0)).sort()).toEqual([
      'francois.ajenstat@adventureworks.example.com',
      'jose.saraiva@adventureworks.example.com',
      'ken.sanchez@adventureworks.example.com',
      'sandra.reategui-alayo@adventureworks.example.com',
    ]);
  });
});

describe('the demo mapping', () => {
  const feed = sampleFeed(calendarDate('2026-11-22'));

  test('rejects the one bad row and names its column', () => {
    const { records } = mapped('demo/demo.yaml', feed);
    const rejections = records.flatMap((record) => (record.kind === 'rejected' ? [record.rejection] : []));
    expect(rejections.map(({ key, column }) => [key, column])).toEqual([['00160', 'Hire_Date']]);
  });

  test('gives every worker a readable first userName, two people the same one, and HR its own Latin spelling', () => {
    const { mapping, employments } = mapped('demo/demo.yaml', feed);
    const names = new Map(
      employments.map((employment) => [employment.id, desiredOf(mapping, employment).userNames.at(0)]),
    );
    expect([...names.values()].every((name) => /^[a-z][a-z.-]*\.[a-z-]+@example\.com$/.test(name ?? ''))).toBe(true);
    expect([names.get('00118'), names.get('00147')]).toEqual(['anna.schmidt@example.com', 'anna.schmidt@example.com']);
    expect(new Set(names.values()).size).toBe(employments.length - 1);
    expect(names.get('00106')).toBe('kenichi.nakamura@example.com');
    expect(names.get('00112')).toMatch(/^[a-z]+\.koval/);
  });

  test('puts employees into All staff, contractors and interns not, and everybody into the group of the department', () => {
    const { mapping, employments } = mapped('demo/demo.yaml', feed);
    for (const employment of employments) {
      const groups = desiredOf(mapping, employment).memberships.map(({ group }) => group);
      const expected = employment.attributes.type === 'Employee' ? ['All staff'] : [];
      expect(groups).toEqual([...expected, `Dept ${employment.attributes.department}`]);
    }
    const [target] = mapping.targets;
    expect(target?.fullGroups).toEqual(['All staff']);
  });
});
