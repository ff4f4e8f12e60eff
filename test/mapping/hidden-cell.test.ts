// A cell that its source should have sent and did not: it must not read as blank.
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/base/json.ts';
import { HIDDEN_CELL } from '../../src/mapping/record-view.ts';
import { bound, employmentOf, evaluated, record, rejectionOf, smallFile } from '../support/mappings.ts';

const mapping = bound(
  smallFile({
    worker: ['  status: record.status', '  startDate: record.start', '  endDate: date(record.end)'].join('\n'),
    attributes: { title: 'record.title' },
  }),
  ['id', 'status', 'start', 'end', 'title', 'other'],
);
const row = (cells: Readonly<Record<string, JsonValue>>) =>
  record({ id: '1', status: 'active', start: '2020-01-01', end: '', title: 'Clerk', other: '', ...cells });

describe('a hidden cell', () => {
  it('refuses the row of whoever works on, with their id', () => {
    for (const cell of ['end', 'title', 'start']) {
      expect(rejectionOf(mapping, row({ [cell]: HIDDEN_CELL }))).toMatchObject({
        key: '1',
        code: 'hidden',
        column: cell,
        saysTerminated: false,
      });
    }
  });

  it('lets whoever leaves leave', () => {
    for (const cell of ['end', 'title', 'start']) {
      const leaver = row({ status: 'terminated', [cell]: HIDDEN_CELL });
      expect(rejectionOf(mapping, leaver)).toMatchObject({ key: '1', code: 'hidden', saysTerminated: true });
    }
  });

  it('is nothing where nobody reads it', () => {
    expect(employmentOf(mapping, row({ other: HIDDEN_CELL }))).toMatchObject({ id: '1' });
  });

  it('is refused by whatever would forgive a blank', () => {
    const cells = { mail: HIDDEN_CELL };
    const forgiving = [
      'record.mail',
      'record.?mail.orValue("none")',
      'coalesce(record.mail, "none")',
      'record.mail == "" ? "none" : "some"',
      'lower(record.mail)',
    ];
    expect(forgiving.map((expression) => evaluated(expression, cells, 'json'))).toEqual(forgiving.map(() => '!hidden'));
  });
});
