import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayReader, isoDay, writtenInstant } from '../../src/mapping/date-text.ts';

const read = (form: string, text: string): string | null => {
  const built = dayReader(form);
  if ('problem' in built) throw new Error(built.problem);
  return built.reader(text);
};

describe('a written day', () => {
  it.each([
    ['yyyy-MM-dd', '2026-03-01', '2026-03-01'],
    ['MM/dd/yyyy', '05/06/2024', '2024-05-06'],
    ['dd/MM/yyyy', '05/06/2024', '2024-06-05'],
    ['M/d/yyyy', '3/25/2019', '2019-03-25'],
    ['d.M.yyyy', '1.2.2026', '2026-02-01'],
    ['yyyyMMdd', '20260301', '2026-03-01'],
    ['dd MMM yyyy', '07 Sep 2025', '2025-09-07'],
    ['dd-MMM-yyyy', '07-SEP-2025', '2025-09-07'],
    ['MMMM d, yyyy', 'february 9, 2024', '2024-02-09'],
    ["yyyy-MM-dd'T'HH:mm:ss", '2026-03-01T23:59:59', '2026-03-01'],
    ['dd.MM.yyyy HH:mm', '01.03.2026 08:30', '2026-03-01'],
    ['yyyy-MM-dd', '  2026-03-01 ', '2026-03-01'],
    ['yyyy-MM-dd', '2024-02-29', '2024-02-29'],
    ['yyyy-MM-dd', '2000-02-29', '2000-02-29'],
  ])('in the form %s, %j is %s', (form, text, day) => {
    expect(read(form, text)).toBe(day);
  });

  it.each([
    ['2014-11-09 00:00:00+01:00', '2014-11-09'],
    ['2009-02-03 00:00:00.000', '2009-02-03'],
    ['2026-02-01-08:00', '2026-02-01'],
    ['2026-02-01Z', '2026-02-01'],
    ['2026-02-01T00:00:00Z', '2026-02-01'],
    ['2026-02-01T00:00:00.000+0000', '2026-02-01'],
    ['2026-02-01T17:00:00+09:00', '2026-02-01'],
    ['2026-02-01 08:30', '2026-02-01'],
    ['2026-02-01 00:00:00 UTC', '2026-02-01'],
  ])('%s keeps the day that is written', (text, day) => {
    expect(isoDay(text)).toBe(day);
  });

  it('drops the midnight that spreadsheets append', () => {
    expect(read('M/d/yyyy', '3/25/2019 12:00:00 AM')).toBe('2019-03-25');
    expect(read('M/d/yyyy', '3/25/2019 0:00')).toBe('2019-03-25');
  });

  it.each(['', '   ', '0000-00-00', '9999-12-31', '9999-01-01', '2999-12-31'])('%j means none', (text) => {
    expect(isoDay(text)).toBe('');
  });

  it('knows the open end in other forms too', () => {
    expect(read('MM/dd/yyyy', '12/31/9999')).toBe('');
    expect(read('MM/dd/yyyy', '00/00/0000')).toBe('');
    expect(read('MM/dd/yyyy', '0000-00-00')).toBe('');
  });

  it.each([
    ['yyyy-MM-dd', '2026-02-30'],
    ['yyyy-MM-dd', '2025-02-29'],
    ['yyyy-MM-dd', '1900-02-29'],
    ['yyyy-MM-dd', '2100-02-29'],
    ['yyyy-MM-dd', '1900-02-29x'],
    ['yyyy-MM-dd', '0203-05-06'],
    ['yyyy-MM-dd', '1899-12-31'],
    ['yyyy-MM-dd', '2101-01-01'],
    ['yyyy-MM-dd', '2026-00-10'],
    ['yyyy-MM-dd', '2026-13-01'],
    ['yyyy-MM-dd', '2026-03-01T23:00:00Z'],
    ['yyyy-MM-dd', '2026-03-01 22:00:00 UTC'],
    ['MM/dd/yyyy', '31/12/2024'],
    ['MM/dd/yyyy', '5/6/2024'],
    ['MM/dd/yyyy', '05/06/24'],
    ['MM/dd/yyyy', 'Okafor'],
    ['MM/dd/yyyy', '05/06/2024 and more'],
    ['dd MMM yyyy', '07 Foo 2025'],
    ['yyyy-MM-dd', '２０２６-03-01'],
    ['yyyy-MM-dd', '2026-03-01'.padEnd(500, ' x')],
  ])('in the form %s, %j is no day', (form, text) => {
    expect(read(form, text)).toBeNull();
  });

  it.each([
    ['mm/dd/yyyy', /no month.*mm means minutes/],
    ['MM/DD/YYYY', /did you mean "dd"/],
    ['MM/dd/yy', /ambiguous/],
    ['MM/dd', /no year/],
    ['yyyy', /no month/],
    ['yyyy-MM-dd q', /"q" is not known/],
    ['MM/MM/dd/yyyy', /month twice/],
    ['', /no year/],
  ])('the form %j is refused', (form, problem) => {
    expect(dayReader(form)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('is the day it says, for every day of two centuries in every form', () => {
    const forms: readonly [string, (y: string, m: string, d: string) => string][] = [
      ['yyyy-MM-dd', (y, m, d) => `${y}-${m}-${d}`],
      ['MM/dd/yyyy', (y, m, d) => `${m}/${d}/${y}`],
      ['d.M.yyyy', (y, m, d) => `${Number(d)}.${Number(m)}.${y}`],
      ['yyyyMMdd', (y, m, d) => `${y}${m}${d}`],
    ];
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1900-01-01'), max: new Date('2100-12-31'), noInvalidDate: true }),
        fc.constantFrom(...forms),
        (date, [form, write]) => {
          const [year = '', month = '', day = ''] = date.toISOString().slice(0, 10).split('-');
          expect(read(form, write(year, month, day))).toBe(`${year}-${month}-${day}`);
        },
      ),
    );
  });

  it('is nothing but a real day, none or no day, whatever is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}$/)), (text) => {
        for (const form of ['yyyy-MM-dd', 'MM/dd/yyyy', 'd.M.yyyy']) {
          const day = read(form, text);
          if (day === null || day === '') continue;
          expect(new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10)).toBe(day);
        }
      }),
    );
  });
});

describe('a written moment', () => {
  it.each([
    ['2026-03-01T09:30:00+01:00', '2026-03-01T08:30:00.000Z'],
    ['2026-03-01T09:30:00Z', '2026-03-01T09:30:00.000Z'],
    ['2026-03-01 09:30:00.250+0530', '2026-03-01T04:00:00.250Z'],
    ['2026-03-01T09:30Z', '2026-03-01T09:30:00.000Z'],
    ['2026-07-01', '2026-06-30T22:00:00.000Z'],
    ['', ''],
  ])('%j is %j', (text, instant) => {
    expect(writtenInstant(text, 'Europe/Berlin')).toBe(instant);
  });

  it.each([
    '2026-03-01T09:30:00',
    '2026-03-01T25:00:00Z',
    '2026-02-30T00:00:00Z',
    'yesterday',
    '1700000000',
    '9999-12-31',
  ])('%j could be any moment and is none', (text) => {
    expect(writtenInstant(text, 'Europe/Berlin')).toBeNull();
  });
});
