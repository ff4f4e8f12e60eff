import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, HEADER, mappingText, openTestHouse, type Person, row } from '../support/house.ts';

// Forty ways to cut, blank, repeat or replace a feed, each delivered twice, 21 hours apart, with the marker that says it is whole:
// whatever the limits are set to, nobody who still works there loses access.

const DEPARTMENTS = ['Sales', 'Plant', 'Legal', 'Finance'];
const PEOPLE: readonly Person[] = crowd(100, (index) => ({
  dept: DEPARTMENTS[index % DEPARTMENTS.length] ?? '',
  title: index % 3 === 0 ? 'Clerk' : 'Fitter',
  manager: index === 0 ? '' : '1000',
  start: `20${String(10 + (index % 9)).padStart(2, '0')}-0${1 + (index % 9)}-15`,
  // Three have left long ago: ids that shift would carry that over to others.
  ...(index % 40 === 11 ? { status: 'T', end: '2025-01-31' } : {}),
}));

const COLUMNS = HEADER.split(',');
const ROWS = PEOPLE.map(row);
const file = (rows: readonly string[], header = HEADER): string => `${[header, ...rows].join('\n')}\n`;
const cells = (change: (cells: string[], index: number) => readonly string[]): string =>
  file(ROWS.map((text, index) => change(text.split(','), index).join(',')));
const column = (name: string, value: (cell: string, index: number) => string): string =>
  cells((own, index) => own.map((cell, at) => (COLUMNS[at] === name ? value(cell, index) : cell)));
/** The cells of this column one row further down. */
const shifted = (name: string): string =>
  column(name, (_, index) => (ROWS[(index + 1) % ROWS.length] ?? '').split(',')[COLUMNS.indexOf(name)] ?? '');
const renamed = (text: string, from: string, to: string): string =>
  text.replace(HEADER, COLUMNS.map((name) => (name === from ? to : name === to ? from : name)).join(','));
const whole = file(ROWS);

const WAYS: Readonly<Record<string, string>> = {
  'the first quarter only': file(ROWS.slice(0, 25)),
  'the first half only': file(ROWS.slice(0, 50)),
  'the first three quarters only': file(ROWS.slice(0, 75)),
  'the last quarter only': file(ROWS.slice(75)),
  'the last half only': file(ROWS.slice(50)),
  'the last three quarters only': file(ROWS.slice(25)),
  'a page of a fifth dropped from the middle': file([...ROWS.slice(0, 40), ...ROWS.slice(60)]),
  'every second row dropped': file(ROWS.filter((_, index) => index % 2 === 0)),
  'every fifth row dropped': file(ROWS.filter((_, index) => index % 5 !== 0)),
  'a department that is missing': file(ROWS.filter((_, index) => index % 4 !== 2)),
  'one row only': file(ROWS.slice(0, 1)),
  'the header only': file([]),
  'nothing at all': '',
  'no header': `${ROWS.join('\n')}\n`,
  'cut inside a row in the middle': whole.slice(0, Math.floor(whole.length / 2) + 7),
  'a page repeated in place of the next': file([...ROWS.slice(0, 50), ...ROWS.slice(0, 50)]),
  'all rows doubled': file([...ROWS, ...ROWS]),
  'one row repeated a hundred times': file(ROWS.map(() => ROWS[5] ?? '')),
  'the last row repeated to the old length': file([...ROWS.slice(0, 60), ...ROWS.slice(60).map(() => ROWS[59] ?? '')]),
  'every status terminated': column('Status', () => 'T'),
  'every status expected': column('Status', () => 'P'),
  'every status on leave': column('Status', () => 'L'),
  'every status blank': column('Status', () => ''),
  'every status a word nobody knows': column('Status', () => 'active'),
  'half of the statuses terminated': column('Status', (cell, index) => (index % 2 === 0 ? 'T' : cell)),
  'every end yesterday': column('End', () => '2026-11-22'),
  'every end long ago': column('End', () => '2019-06-30'),
  'every end tomorrow': column('End', () => '2026-11-24'),
  'every start next year': column('Start', () => '2027-06-01'),
  'every start blank': column('Start', () => ''),
  'starts and ends exchanged': cells((own) =>
    own.map((cell, at) => (at === 4 ? (own[5] ?? '') : at === 5 ? (own[4] ?? '') : cell)),
  ),
  'dates in another form': column('Start', (cell) => cell.split('-').reverse().join('/')),
  'ids without their first digit': column('ID', (cell) => cell.slice(1)),
  'ids one row further down': shifted('ID'),
  'statuses and names one row further down': (() => {
    const from = ROWS.map((text) => text.split(','));
    return cells((own, index) => {
      const next = from[(index + 1) % from.length] ?? [];
      return own.map((cell, at) => (at >= 1 && at <= 3 ? (next[at] ?? '') : cell));
    });
  })(),
  'ids blank': column('ID', () => ''),
  'the ids of managers as ids': column('ID', () => '1000'),
  'two headers exchanged': renamed(whole, 'Start', 'End'),
  'the headers of id and department exchanged': renamed(whole, 'ID', 'Dept'),
  'the file of another company': feed(crowd(100, (index) => ({ id: `X${index}`, dept: 'Other' }))),
  'the file of another system': file(
    ROWS.map((_, index) => `${index},20.00,2026-12-01`),
    'Invoice,Amount,Due',
  ),
  'a column that may no longer be read': renamed(whole, 'Status', 'Status ').replace('Status', 'State'),
  'semicolons for commas in the rows': file(ROWS.map((text) => text.replaceAll(',', ';'))),
  'bytes of another encoding': Buffer.from(whole, 'utf16le').toString('latin1'),
};

const MARKED = { 'path: workers.csv, stableMs: 0': 'path: workers.csv, complete: { marker: workers.done }' };
const KINDS = [
  'inferredLeaver',
  'explicitLeaver',
  'delete',
  'membershipRemoved',
  'valueBlanked',
  'rename',
  'attributeChanged',
  'newlyRejected',
];
const guards = (value: string) => `guards: { ${KINDS.map((kind) => `${kind}: ${value}`).join(', ')} }\n`;

describe.each([
  ['lowered as far as they go', '0', false],
  ['as they are', '', false],
  ['raised as far as they go, and approved', '100%', true],
])('a feed that is cut, blanked, repeated or replaced, with limits %s', (_, value, approved) => {
  it(`ends nobody's access in any of ${Object.keys(WAYS).length} ways`, async () => {
    const test = await openTestHouse({ mapping: `${mappingText(MARKED)}${value === '' ? '' : guards(value)}` });
    const delivered = async (content: string): Promise<string> => {
      test.deliver(content);
      test.deliver('', 'workers.done');
      return (await test.sync()).kind;
    };
    await delivered(whole);
    if (approved) await test.act('approve', { digest: test.live.connection.digest });
    const working = [...test.idp.users.values()].filter(({ active }) => active === true).length;
    expect(working).toBe(97);
    const kinds = new Map<string, number>();
    for (const [way, content] of Object.entries(WAYS)) {
      for (let delivery = 0; delivery < 2; delivery += 1) {
        test.clock.advance(21 * HOUR_MS);
        const kind = await delivered(content);
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        const disabled = [...test.idp.users.values()].filter(({ active }) => active === false);
        expect(
          disabled.map(({ externalId }) => externalId),
          `${way}, delivery ${delivery + 1}: ${kind}`,
        ).toEqual([]);
      }
      test.clock.advance(21 * HOUR_MS);
      const kind = await delivered(whole);
      expect(['done', 'unchanged'], `good again after: ${way}`).toContain(kind);
      expect([...test.idp.users.values()].filter(({ active }) => active === true)).toHaveLength(working);
    }
    // Some are refused before they are read, the others are read and held.
    expect(kinds.get('refused') ?? 0).toBeGreaterThan(5);
    expect(kinds.get('held') ?? 0).toBeGreaterThan(40);
  });
});
