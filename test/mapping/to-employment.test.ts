import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../src/base/instant.ts';
import { CaseMix } from '../support/case-mix.ts';
import {
  ACME_COLUMNS,
  acmeRecord,
  bound,
  employmentOf,
  fixture,
  mapped,
  READ_AT,
  record,
  rejectionOf,
  smallFile,
} from '../support/mappings.ts';

const acme = bound(fixture('acme.yaml'), ACME_COLUMNS);
const ALL = ['id', 'person', 'status', 'start', 'end', 'last', 'now', 'zone', 'boss', 'at'];
const full = (lifecycle = '') =>
  bound(
    smallFile({
      worker: [
        '  personId: record.person',
        '  status: record.status',
        '  startDate: record.start',
        '  endDate: record.end',
        '  lastDay: record.last',
        '  endsNow: record.now == "yes"',
        '  timeZone: record.zone',
        '  managerId: record.boss',
      ].join('\n'),
      more: lifecycle,
    }).replace('format: csv', 'format: csv, asOf: instant(record.at)'),
    ALL,
  );
const row = (cells: Readonly<Record<string, string>> = {}) =>
  record({
    id: '1',
    person: '',
    status: 'active',
    start: '2024-05-06',
    end: '',
    last: '',
    now: '',
    zone: '',
    boss: '',
    at: '',
    ...cells,
  });

describe('a record of the documentation’s feed', () => {
  it('becomes an employment', () => {
    expect(employmentOf(acme, acmeRecord())).toEqual({
      id: '000104',
      personId: '000104',
      status: 'active',
      startDate: '2024-05-06',
      endDate: null,
      endsNow: false,
      timeZone: 'Europe/Berlin',
      managerId: '000007',
      inScope: true,
      attributes: { type: 'Employee', givenName: 'Zoë', familyName: 'Okafor', department: 'Finance', title: 'Analyst' },
      asOf: READ_AT,
    });
  });

  it('keeps leading zeros and follows the person behind several employments', () => {
    expect(employmentOf(acme, acmeRecord({ Employee_ID: '0007', Person_ID: 'P-1' }))).toMatchObject({
      id: '0007',
      personId: 'P-1',
    });
  });

  it('is out of scope where the expression says so, and keeps everything else', () => {
    expect(employmentOf(acme, acmeRecord({ Worker_Type: 'Board' }))).toMatchObject({
      inScope: false,
      attributes: { type: 'Board' },
    });
  });

  it('has its own zone, or the connection’s where the table knows none', () => {
    expect(employmentOf(acme, acmeRecord({ Site: 'NYC' })).timeZone).toBe('America/New_York');
    expect(employmentOf(acme, acmeRecord({ Site: '?' })).timeZone).toBe('Europe/Berlin');
  });

  it('tidies attributes: composed, trimmed, single blanks; blank ones are absent', () => {
    const { attributes } = employmentOf(
      acme,
      acmeRecord({ Last_Name: ' van  der\u00a0Be\u0301rg\n', Department: ' \t ', Preferred_Name: 'Zo' }),
    );
    expect(attributes).toEqual({ type: 'Employee', givenName: 'Zo', familyName: 'van der Bérg', title: 'Analyst' });
  });
});

describe('a record', () => {
  it.each([
    ['an unknown word', { status: 'retired' }, 'unknown-status', 'status'],
    ['a blank status', { status: '' }, 'unknown-status', 'status'],
    ['no start date', { start: '' }, 'no-start-date', 'start'],
    ['an open start date', { start: '9999-12-31' }, 'no-start-date', 'start'],
    ['an impossible start date', { start: '2026-02-30' }, 'date', 'start'],
    ['a year nobody works in', { start: '0203-05-06' }, 'date', 'start'],
    ['a date in another form', { start: '05/06/2024' }, 'date', 'start'],
    ['an impossible end date', { end: '2026-06-31' }, 'date', 'end'],
    ['no real zone', { zone: 'Mars/Olympus' }, 'time-zone', 'zone'],
    ['a source time that is none', { at: 'yesterday' }, 'instant', 'at'],
    ['no id', { id: '' }, 'no-id', 'id'],
    ['an id of blanks', { id: '   ' }, 'no-id', 'id'],
    ['an endless id', { id: '9'.repeat(257) }, 'bad-id', 'id'],
  ])('with %s is rejected with its column', (_what, cells, code, column) => {
    const rejection = rejectionOf(full(), row(cells));
    expect(rejection).toMatchObject({
      code,
      column,
      saysTerminated: false,
      place: { line: 2, record: 1, key: column },
    });
    expect(rejection.key).toBe(column === 'id' ? null : '1');
  });

  it('that is rejected still says that somebody left, where key and status can be read', () => {
    const says = (cells: Readonly<Record<string, string>>) =>
      rejectionOf(full(), row({ status: 'terminated', ...cells })).saysTerminated;
    expect(says({ start: '' })).toBe(true);
    expect(says({ zone: 'Mars/Olympus' })).toBe(true);
    expect(says({ start: '', end: '2026-03-09' })).toBe(true);
    expect(says({ end: '2026-06-31' })).toBe(true);
    expect(says({ start: '', id: '' })).toBe(false);
    expect(rejectionOf(full(), row({ status: 'active', start: '' })).saysTerminated).toBe(false);
  });

  it('that is rejected does not end access before a last day that can be read', () => {
    const says = (end: string) => rejectionOf(full(), row({ status: 'terminated', start: '', end })).saysTerminated;
    expect([says('2026-03-09'), says('2026-03-10'), says('2026-03-31')]).toEqual([true, false, false]);
  });

  it.each([
    ['', '2026-06-30', '2026-06-26', '2026-06-26'],
    ['', '2026-06-30', '', '2026-06-30'],
    ['', '', '2026-06-26', '2026-06-26'],
    ['', '', '', null],
    ['lifecycle: { leaveCounts: endDate }', '2026-06-30', '2026-06-26', '2026-06-30'],
    ['lifecycle: { leaveCounts: endDate }', '', '2026-06-26', '2026-06-26'],
    ['lifecycle: { lastDayInclusive: false }', '2026-03-01', '', '2026-02-28'],
    ['lifecycle: { lastDayInclusive: false }', '2024-03-01', '', '2024-02-29'],
    ['lifecycle: { lastDayInclusive: false }', '2026-06-30', '2026-06-26', '2026-06-26'],
    ['', '9999-12-31', '', null],
    ['', '2020-01-01', '', '2020-01-01'],
  ])('under {%s} with end %j and last day %j ends on %j', (lifecycle, end, last, endDate) => {
    expect(employmentOf(full(lifecycle), row({ end, last })).endDate).toBe(endDate);
  });

  it('takes its source time where there is one, else the time of the delivery', () => {
    expect(employmentOf(full(), row({ at: '2026-01-05T10:00:00+01:00' })).asOf).toBe('2026-01-05T09:00:00.000Z');
    expect(employmentOf(full(), row()).asOf).toBe(READ_AT);
  });

  it('of somebody who reports to themselves has no manager', () => {
    expect(employmentOf(full(), row({ boss: '1' })).managerId).toBe('');
    expect(employmentOf(full(), row({ person: 'P', boss: 'P' })).managerId).toBe('');
    expect(employmentOf(full(), row({ boss: ' ' })).managerId).toBe('');
    expect(employmentOf(full(), row({ boss: '2' })).managerId).toBe('2');
  });

  it('ends now only where the expression is true', () => {
    expect(employmentOf(full(), row({ now: 'yes' })).endsNow).toBe(true);
    expect(employmentOf(full(), row({ now: 'no' })).endsNow).toBe(false);
  });

  it('keeps whole numbers, fractions, truth and lists as what they are', () => {
    const mapping = bound(
      smallFile({
        attributes: {
          whole: 'int(record.a)',
          part: 'double(record.b)',
          yes: 'record.a == "7"',
          list: 'record.c.split("|")',
        },
      }),
      ['id', 'a', 'b', 'c'],
    );
    const { attributes } = employmentOf(mapping, record({ id: '1', a: '7', b: '0.5', c: ' x |y||x  z' }));
    expect(attributes).toEqual({ whole: 7, part: 0.5, yes: true, list: ['x', 'y', 'x z'] });
    expect(JSON.parse(JSON.stringify(attributes))).toEqual(attributes);
  });

  it('whose account could not be made is rejected at once, unless it is out of scope', () => {
    const text = smallFile({
      attributes: { site: 'record.site' },
      user: '      userName: worker.id\n      locale: lookup("locales", worker.site)',
      more: 'scope: worker.site != "XX"\ntables: { locales: { BER: de-DE } }',
    });
    const mapping = bound(text, ['id', 'site']);
    expect(rejectionOf(mapping, record({ id: '1', site: 'NYC' }))).toMatchObject({
      key: '1',
      code: 'lookup',
      reason: 'an account cannot be made: table "locales" has no entry for "NYC"',
    });
    expect(mapped(mapping, record({ id: '1', site: 'BER' })).kind).toBe('employment');
    expect(mapped(mapping, record({ id: '1', site: 'XX' })).kind).toBe('employment');
  });

  it('becomes a sound employment or a reasoned rejection, whatever its cells hold', () => {
    const mix = new CaseMix(['employment', 'rejected', 'terminated', 'with an end']);
    const mapping = full();
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('', ' ', '0000-00-00', '2026-02-30'),
    );
    const day = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('2024-01-31', '2026-12-01', '1999-02-28T00:00:00Z') },
      { weight: 1, arbitrary: cell },
    );
    const status = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('active', 'terminated', 'leave', 'expected') },
      { weight: 1, arbitrary: cell },
    );
    const zone = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('', 'Asia/Tokyo', 'America/St_Johns') },
      { weight: 1, arbitrary: cell },
    );
    fc.assert(
      fc.property(
        fc.record({
          id: fc.oneof({ weight: 8, arbitrary: fc.stringMatching(/^\d{1,6}$/) }, { weight: 1, arbitrary: cell }),
          person: cell,
          status,
          start: day,
          end: fc.oneof(day, fc.constant('')),
          last: fc.constant(''),
          now: cell,
          zone,
          boss: cell,
          at: fc.oneof({ weight: 8, arbitrary: fc.constant('') }, { weight: 1, arbitrary: cell }),
        }),
        (cells) => {
          const result = mapped(mapping, record(cells));
          mix.count('rejected', result.kind === 'rejected');
          if (result.kind === 'rejected') {
            expect(result.rejection.reason).not.toBe('');
            expect(result.rejection.code).toMatch(/^[a-z-]+$/);
            if (result.rejection.saysTerminated)
              expect([result.rejection.key, cells.status]).toEqual([cells.id, 'terminated']);
            return;
          }
          const { employment } = result;
          mix.count('employment', true);
          mix.count('terminated', employment.status === 'terminated');
          mix.count('with an end', employment.endDate !== null);
          expect(employment.id).toBe(cells.id);
          expect(employment.startDate).toMatch(/^\d{4}-\d{2}-\d{2}$/);
          expect(() => new Intl.DateTimeFormat('en', { timeZone: employment.timeZone })).not.toThrow();
          expect(JSON.parse(JSON.stringify(employment))).toEqual(employment);
          expect(mapped(mapping, record(cells))).toEqual(result);
        },
      ),
      { numRuns: 600 },
    );
    mix.expectEach(40);
  });

  it('is read without looking at any clock', () => {
    const at = '1990-01-01T00:00:00.000Z' as Instant;
    expect(acme.toEmployment(acmeRecord(), {}, at)).toMatchObject({ employment: { asOf: at } });
  });
});
