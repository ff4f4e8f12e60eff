// AdventureWorks' department history, one file with several dated rows for who moved, lived through on the shipped mapping.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { dayIn } from '../../src/base/calendar-date.ts';
import { instantOf } from '../../src/base/instant.ts';
import { openTestHouse } from '../support/house.ts';

const EXAMPLES = fileURLToPath(new URL('../../mappings/examples/', import.meta.url));
const DATA = 'data/adventureworks/vEmployeeDepartmentHistory.csv';

/** First days of departments, and of people, counted from the file without Rollcall. */
function history(): { readonly joins: ReadonlyMap<string, string>; readonly moves: readonly string[] } {
  const rows: readonly Record<string, string>[] = parse(readFileSync(`${EXAMPLES}${DATA}`), {
    columns: true,
    bom: true,
  });
  const joins = new Map<string, string>();
  const moves: string[] = [];
  const days = rows.map((row) => ({
    id: row.BusinessEntityID ?? '',
    day: (row.StartDate ?? '').slice(0, 10),
    department: row.Department ?? '',
  }));
  for (const { id, day, department } of days.toSorted((a, b) => (a.day < b.day ? -1 : 1))) {
    if (joins.has(id)) moves.push(`${day} ${id} ${department}`);
    else joins.set(id, day);
  }
  return { joins, moves };
}

const ZONE = 'America/Los_Angeles';
const CONNECTION = 'adventureworks-history';
/** Each person has a window that opens and a first day, and there are six moves: more moments mean a clock that does not settle. */
const MOMENTS_MAX = 700;

it('makes 290 joiners and the six moves of AdventureWorks on their own days, from one file that is read once', async () => {
  const { joins, moves } = history();
  expect([joins.size, moves.length]).toEqual([290, 6]);
  const mapping = readFileSync(`${EXAMPLES}history/adventureworks-history.yaml`, 'utf8')
    .replace(/ROLLCALL_EXAMPLES_/g, 'IDP_')
    .replace(/path: .*/, 'path: workers.csv\n  stableMs: 0')
    .replace('perSecond: 200', 'perSecond: null');
  const [earliest = ''] = [...joins.values()].sort();
  const house = await openTestHouse({ mapping, now: instantOf(`${Number(earliest.slice(0, 4)) - 1}-06-01T12:00:00Z`) });
  const report = await house.sync(readFileSync(`${EXAMPLES}${DATA}`, 'utf8'));
  expect(report).toMatchObject({ kind: 'done', rows: 296, rejections: [], holds: [] });
  expect(house.idp.users.size).toBe(0);

  const enabled = new Map<string, string>();
  const moved: string[] = [];
  const departments = new Map<string, string>();
  let moment = 0;
  for (; moment < MOMENTS_MAX; moment += 1) {
    const next = await house.house.store.nextDue(CONNECTION);
    if (next === null) break;
    house.clock.set(next);
    await house.settle(60_000);
    const today = dayIn(next, ZONE);
    for (const user of house.idp.users.values()) {
      if (user.active !== true) continue;
      const work = user['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'] as Record<string, string>;
      const id = work.employeeNumber ?? '';
      const department = work.department ?? '';
      if (!enabled.has(id)) enabled.set(id, today);
      else if (departments.get(id) !== department) moved.push(`${today} ${id} ${department}`);
      departments.set(id, department);
    }
  }
  expect(moment).toBeLessThan(MOMENTS_MAX);
  expect(enabled).toEqual(new Map([...joins].toSorted(([, a], [, b]) => (a < b ? -1 : 1))));
  expect(moved).toEqual(moves);
  expect(await house.house.store.holds(CONNECTION)).toEqual([]);
  const members = [...house.idp.groups.values()].flatMap((group) => (group.members as readonly unknown[]) ?? []);
  expect(members).toHaveLength(290);
}, 120_000);
