import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawRecord } from '../../../src/mapping/bound-mapping.ts';
import { dayReader } from '../../../src/mapping/date-text.ts';
import { dateFinding, reordered, unreadableDates } from '../../../src/mapping/proposal/date-forms.ts';
import { dayReading } from '../../../src/mapping/proposal/day-columns.ts';
import { sampleColumns } from '../../../src/mapping/proposal/sample-columns.ts';

const columnsOf = (columns: Readonly<Record<string, readonly string[]>>) => {
  const names = Object.keys(columns);
  const count = Math.max(...Object.values(columns).map(({ length }) => length));
  const records: RawRecord[] = Array.from({ length: count }, (_, at) =>
    Object.fromEntries(names.map((name) => [name, columns[name]?.[at] ?? ''])),
  );
  return sampleColumns(names, records).columns;
};

const readingOf = (columns: Readonly<Record<string, readonly string[]>>, language: 'en' | 'de' | 'fr' = 'en') => {
  const all = columnsOf(columns);
  const [first] = all;
  return first === undefined ? null : dayReading(first, all, language);
};

describe('the form of a column of dates', () => {
  test.each([
    [['2026-03-01', '2025-12-31'], 'yyyy-MM-dd'],
    [['2026-3-1', '2025-12-31'], 'yyyy-M-d'],
    [['2026/03/01'], 'yyyy/MM/dd'],
    [['20260301', '20251231'], 'yyyyMMdd'],
    [['31.12.2025', '01.02.2026'], 'dd.MM.yyyy'],
    [['31.12.2025', '1.2.2026'], 'd.M.yyyy'],
    [['12/31/2025', '01/02/2026'], 'MM/dd/yyyy'],
    [['12/31/2025', '1/2/2026'], 'M/d/yyyy'],
    [['13-01-2026', '02-02-2026'], 'dd-MM-yyyy'],
    [['03 Mar 2026', '14 Dec 2025'], 'd MMM yyyy'],
    [['03-MAR-2026', '14-DEC-2025'], 'd-MMM-yyyy'],
    [['March 3, 2026', 'December 14, 2025'], 'MMMM d, yyyy'],
    [['2014-11-09 00:00:00+01:00'], 'yyyy-MM-dd'],
    [['2026-02-01-08:00'], 'yyyy-MM-dd'],
    [['12/31/2025 12:00:00 AM', '01/15/2026 12:00:00 AM'], 'MM/dd/yyyy'],
    [['2026-03-01', '0000-00-00', '9999-12-31'], 'yyyy-MM-dd'],
  ])('%j is %s, and that form reads every value', (values, form) => {
    const finding = dateFinding(values);
    expect(finding).toMatchObject({ form, fits: values.length });
    const built = dayReader(form);
    expect('reader' in built && values.every((value) => built.reader(value) !== null)).toBe(true);
  });

  test.each([
    [['00104', '00105']],
    [['Ada', 'Bob']],
    [['2026', '2025']],
    [['0000-00-00', '9999-12-31']],
    [['12345678', '87654321']],
    [[]],
  ])('%j are no dates', (values) => {
    expect(dateFinding(values)).toBeNull();
  });

  test.each([
    [['05-06-18', '11-12-19'], 'two-digit years'],
    [['43586', '44012.0'], 'day numbers of a spreadsheet'],
    [['/Date(1714953600000)/'], 'milliseconds'],
    [['1. März 2026', '24. Dezember 2025'], 'month names in another language'],
  ])('%j cannot be read and are said to be %s', (values, looksLike) => {
    expect(dateFinding(values)).toBeNull();
    expect(unreadableDates(values)).toEqual({ looksLike });
  });
});

describe('whether the day or the month comes first', () => {
  test('is proved by one day above twelve', () => {
    expect(readingOf({ Hired: ['03/04/2020', '13/04/2020'] })).toMatchObject({ form: 'dd/MM/yyyy', unsure: [] });
    expect(readingOf({ Hired: ['03/04/2020', '04/13/2020'] })).toMatchObject({ form: 'MM/dd/yyyy', unsure: [] });
  });

  test('is proved by another column of the same export that is written alike', () => {
    const born = readingOf({ Hired: ['03/04/2020', '05/06/2021'], Born: ['28/02/1971', '01/01/1980'] });
    expect(born).toMatchObject({ form: 'dd/MM/yyyy', unsure: [], comment: 'the day first, as Born proves' });
    const other = readingOf({ Hired: ['03/04/2020', '05/06/2021'], Born: ['28-02-1971', '01-01-1980'] });
    expect(other?.unsure).toHaveLength(1);
  });

  test('is marked where nothing proves it, and guessed by the language', () => {
    const both = ['03/04/2020', '05/06/2021'];
    expect(readingOf({ Hired: both }, 'en')).toMatchObject({
      form: 'MM/dd/yyyy',
      unsure: [expect.stringContaining('guess')],
    });
    expect(readingOf({ Eintritt: both }, 'de')).toMatchObject({
      form: 'dd/MM/yyyy',
      unsure: [expect.stringContaining('guess')],
    });
  });

  test('is not guessed away where a spreadsheet turned some of them', () => {
    const mixed = readingOf({
      Hired: ['13/04/2020', '25/12/2021', '04/13/2020', '01/02/2020', '03/04/2020', '14/05/2020', '15/05/2020'],
    });
    expect(mixed?.form).toBe('dd/MM/yyyy');
    expect(mixed?.unsure.join(' ')).toContain('only with the month first');
    expect(mixed?.unsure.join(' ')).toContain('1 of 7 values are not written as dd/MM/yyyy');
  });

  test('never changes what a form says besides', () => {
    const finding = dateFinding(['03/04/2020']);
    expect(finding === null ? null : reordered(finding, 'month').form).toBe('MM/dd/yyyy');
    expect(finding === null ? null : reordered(finding, 'day').form).toBe('dd/MM/yyyy');
  });
});

test('whatever form a company writes its dates in, what is found reads every date back, or says that it may not', () => {
  const forms = [
    'yyyy-MM-dd',
    'dd.MM.yyyy',
    'd.M.yyyy',
    'dd/MM/yyyy',
    'MM/dd/yyyy',
    'M/d/yyyy',
    'yyyyMMdd',
    'dd-MM-yyyy',
  ] as const;
  const met = { right: 0, marked: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(...forms),
      fc.array(
        fc.record({
          y: fc.integer({ min: 1990, max: 2029 }),
          m: fc.integer({ min: 1, max: 12 }),
          d: fc.integer({ min: 1, max: 28 }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      (form, days) => {
        const two = (value: number) => String(value).padStart(2, '0');
        const values = days.map(({ y, m, d }) =>
          form
            .replace('yyyy', String(y))
            .replace('MM', two(m))
            .replace('dd', two(d))
            .replace(/\bM\b/, String(m))
            .replace(/\bd\b/, String(d)),
        );
        const reading = readingOf({ Hired: values });
        expect(reading).not.toBeNull();
        if (reading === null) return;
        const built = dayReader(reading.form);
        const read = values.map((value) => ('reader' in built ? built.reader(value) : null));
        const isRight = read.every(
          (day, at) => day === `${days[at]?.y}-${two(days[at]?.m ?? 0)}-${two(days[at]?.d ?? 0)}`,
        );
        if (isRight) met.right += 1;
        else {
          expect(reading.unsure.length).toBeGreaterThan(0);
          met.marked += 1;
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(met.right).toBeGreaterThan(200);
  expect(met.marked).toBeGreaterThan(0);
});
