import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { type SAMPLE_COLUMNS, sampleFeed } from '../../src/demo/sample-feed.ts';

type Row = Record<(typeof SAMPLE_COLUMNS)[number], string>;

const rowsOn = (day: string): readonly Row[] => parse(sampleFeed(calendarDate(day)), { columns: true });
const anyDay = fc.integer({ min: 0, max: 36_524 }).map((days) => plusDays(calendarDate('2000-01-01'), days));
const isRealDay = (text: string): boolean => {
  try {
    calendarDate(text);
    return true;
  } catch {
    return false;
  }
};

describe('the sample company', () => {
  test('has about sixty people with distinct text ids that keep their leading zeros', () => {
    const ids = rowsOn('2026-11-22').map((row) => row.Employee_ID);
    expect(ids).toHaveLength(60);
    expect(new Set(ids).size).toBe(60);
    expect(ids.every((id) => /^00\d{3}$/.test(id))).toBe(true);
  });

  test('has exactly one bad row on any day of the century, and its fault is a hire date that does not exist', () => {
    let leapYears = 0;
    fc.assert(
      fc.property(anyDay, (today) => {
        if (isRealDay(`${today.slice(0, 4)}-02-29`)) leapYears += 1;
        const bad = rowsOn(today).filter(
          (row) => !isRealDay(row.Hire_Date) || (row.Last_Day !== '' && !isRealDay(row.Last_Day)),
        );
        expect(bad.map((row) => row.Employee_ID)).toEqual(['00160']);
      }),
      { numRuns: 200 },
    );
    expect(leapYears).toBeGreaterThan(0);
  });

  test('has one hire inside the preboarding week, one beyond it, one who starts today, and nobody else ahead, on any day', () => {
    fc.assert(
      fc.property(anyDay, (today) => {
        const ahead = rowsOn(today).filter((row) => isRealDay(row.Hire_Date) && row.Hire_Date >= today);
        const week = plusDays(today, 7);
        expect(ahead.filter((row) => row.Hire_Date === today).map((row) => row.Status)).toEqual(['A']);
        expect(ahead.filter((row) => row.Hire_Date > today && row.Hire_Date <= week)).toHaveLength(1);
        expect(ahead.filter((row) => row.Hire_Date > week)).toHaveLength(1);
        expect(ahead.filter((row) => row.Hire_Date > today).every((row) => row.Status === 'P')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('has leavers behind, all of them said to be terminated, and few enough leavers ahead to pass the guard of a first look', () => {
    fc.assert(
      fc.property(anyDay, (today) => {
        const rows = rowsOn(today);
        const behind = rows.filter((row) => row.Last_Day !== '' && row.Last_Day < today);
        const soon = rows.filter((row) => row.Last_Day >= today && row.Last_Day <= plusDays(today, 30));
        expect(behind).toHaveLength(4);
        expect(behind.every((row) => row.Status === 'T')).toBe(true);
        // Three explicit leavers in 24 hours is what the guard lets pass in a company of this size.
        expect(soon.length).toBeGreaterThanOrEqual(2);
        expect(soon.length).toBeLessThanOrEqual(3);
        expect(rows.filter((row) => row.Last_Day > plusDays(today, 30)).length).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 200 },
    );
  });

  test('never lets anybody leave before the hire date', () => {
    fc.assert(
      fc.property(anyDay, (today) => {
        const wrong = rowsOn(today).filter((row) => row.Last_Day !== '' && row.Last_Day < row.Hire_Date);
        expect(wrong).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('is led by a tree without cycles, and one manager is hired later than the whole team', () => {
    const rows = rowsOn('2026-11-22');
    const byId = new Map(rows.map((row) => [row.Employee_ID, row]));
    for (const row of rows) {
      const seen = new Set<string>();
      for (let at: Row | undefined = row; at !== undefined && at.Manager_ID !== ''; at = byId.get(at.Manager_ID)) {
        expect(seen.has(at.Employee_ID)).toBe(false);
        seen.add(at.Employee_ID);
        expect(byId.has(at.Manager_ID)).toBe(true);
      }
    }
    expect(rows.filter((row) => row.Manager_ID === '').map((row) => row.Job_Title)).toEqual(['Managing Director']);
    const later = rows.filter(
      (row) => row.Status === 'P' && rows.some((other) => other.Manager_ID === row.Employee_ID),
    );
    expect(later).toHaveLength(1);
    const team = rows.filter((row) => row.Manager_ID === later[0]?.Employee_ID);
    expect(team.length).toBeGreaterThanOrEqual(2);
    expect(team.every((row) => row.Hire_Date < (later[0]?.Hire_Date ?? ''))).toBe(true);
  });

  test('has two namesakes, two on leave, names with diacritics and names in five other scripts', () => {
    const rows = rowsOn('2026-11-22');
    const names = rows.map((row) => `${row.First_Name} ${row.Last_Name}`);
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    expect(twice).toEqual(['Anna Schmidt']);
    expect(rows.filter((row) => row.Status === 'L')).toHaveLength(2);
    expect(names.filter((name) => /[\u00C0-\u024F]/.test(name)).length).toBeGreaterThan(15);
    for (const script of ['Han', 'Hiragana', 'Hangul', 'Cyrillic', 'Greek']) {
      expect(names.some((name) => new RegExp(`\\p{Script=${script}}`, 'u').test(name))).toBe(true);
    }
  });

  test('quotes a title that holds a comma, so that a reader who counts commas would be found out', () => {
    expect(sampleFeed(calendarDate('2026-11-22'))).toContain('"Head of Sales, EMEA and Americas"');
  });
});
