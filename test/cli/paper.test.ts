import { describe, expect, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { ago, grouped, span } from '../../src/cli/ago.ts';
import { csvLine } from '../../src/cli/csv.ts';
import { displayWidth, fitted, harmless } from '../../src/cli/display-width.ts';
import { progressLine, progressOn } from '../../src/cli/progress.ts';
import { table } from '../../src/cli/table.ts';
import { localTime } from '../../src/views/local-time.ts';

const PIPE = { colour: false, width: null };

describe('the width of a text', () => {
  test.each([
    ['Ada', 3],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['健一', 4],
    ['김', 2],
    ['ｱ', 1],
    ['👩‍👩‍👧', 2],
    ['a\u200bb', 2],
    ['Ελένη', 5],
    ['', 0],
  ])('%s takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test('a text that is cut ends with an ellipsis and never exceeds its columns, not even inside a wide character', () => {
    expect(fitted('Production Technician', 11)).toBe('Production…');
    expect(fitted('健一健一', 6)).toBe('健一…');
    expect(fitted('健一', 4)).toBe('健一');
    for (let columns = 1; columns < 9; columns += 1)
      expect(displayWidth(fitted('健a一b健', columns))).toBeLessThanOrEqual(columns);
  });

  test('nothing that comes from a feed can steer a terminal or turn a line around', () => {
    expect(harmless('a\u001b[31mred\u0007')).toBe('a\uFFFD[31mred\uFFFD');
    expect(harmless('two\r\nlines\tand a tab')).toBe('two lines and a tab');
    expect(harmless('\u202Etxt.exe')).toBe('\uFFFDtxt.exe');
    expect(harmless('Zoë 健一')).toBe('Zoë 健一');
  });
});

describe('a table', () => {
  const columns = [{ title: 'NAME', flexible: true }, { title: 'ROWS', align: 'right' as const }, { title: 'LAST' }];

  test('is aligned by what a terminal shows, without spaces at the end of a line', () => {
    expect(
      table(PIPE, columns, [
        ['健一', '7', 'x'],
        ['Zoe\u0308', '12,000', ''],
      ]),
    ).toEqual(['NAME    ROWS  LAST', '健一       7  x', 'Zoe\u0308  12,000'.replace('Zoe\u0308  ', 'Zoe\u0308   ')]);
  });

  test('gives way in its flexible columns on a narrow terminal and cuts nothing when piped', () => {
    const long = 'a very long name that goes on and on';
    const narrow = table({ colour: false, width: 24 }, columns, [[long, '1', 'end']]);
    expect(narrow.every((line) => displayWidth(line) <= 24)).toBe(true);
    expect(narrow[1]).toMatch(/…/);
    expect(table(PIPE, columns, [[long, '1', 'end']])[1]).toContain(long);
  });

  test('is coloured only on paper that shows colour', () => {
    const rows = [[{ text: 'bad', tone: 'bad' as const }, '1', '']];
    expect(table(PIPE, columns, rows).join()).not.toContain('\u001b');
    const [header, row] = table({ colour: true, width: null }, columns, rows);
    expect(header).toContain('\u001b[2mNAME\u001b[22m');
    expect(row).toContain('\u001b[31mbad\u001b[39m');
  });
});

describe('moments and spans', () => {
  const now = instantOf('2026-11-22T12:00:00Z');
  test.each([
    ['2026-11-22T11:59:58Z', 'just now'],
    ['2026-11-22T11:59:15Z', '45 s ago'],
    ['2026-11-22T11:56:01Z', '3 min ago'],
    ['2026-11-22T09:59:00Z', '2 h ago'],
    ['2026-11-21T12:00:00Z', '1 day ago'],
    ['2026-11-17T11:00:00Z', '5 days ago'],
    ['2026-11-22T12:03:00Z', 'in 3 min'],
    ['2029-08-18T12:00:00Z', 'in 1,000 days'],
  ])('%s is %s', (then, words) => {
    expect(ago(instantOf(then), now)).toBe(words);
  });

  test('counts are grouped, and a moment is shown on the clock of its zone', () => {
    expect(grouped(1234567)).toBe('1,234,567');
    expect(span(59_999)).toBe('59 s');
    expect(localTime(now, 'Asia/Tokyo')).toBe('2026-11-22 21:00:00 GMT+9');
    expect(localTime(instantOf('2026-11-22T00:00:00Z'), 'UTC')).toBe('2026-11-22 00:00:00 UTC');
  });
});

describe('progress', () => {
  test('says how far, how fast and how long', () => {
    expect(progressLine({ phase: 'deliver', done: 1_500, total: 3_000, seconds: 5, since: 500 })).toBe(
      'deliver  ████████████░░░░░░░░░░░░  1,500/3,000  50 %  200/s  0:08 left',
    );
    expect(progressLine({ phase: 'plan', done: 0, total: 0, seconds: 0, since: 0 })).toBe(
      `plan     ${'█'.repeat(24)}  0/0  100 %  0/s`,
    );
  });

  test('is drawn on a terminal alone, and taken away before anything else is printed', () => {
    const written: string[] = [];
    const paper = {
      isTerminal: true,
      colour: false,
      width: 60,
      closed: () => false,
      write: async (text: string) => void written.push(text),
    };
    const clock = { nowMs: () => 1_000, wait: () => Promise.resolve() };
    const progress = progressOn(paper, clock, true);
    progress.show('read', 1, 4);
    progress.show('read', 2, 4);
    progress.clear();
    expect(written).toHaveLength(2);
    expect(written[0]?.startsWith('\r\u001b[Kread ')).toBe(true);
    expect(written[1]).toBe('\r\u001b[K');
    progressOn({ ...paper, isTerminal: false }, clock, true).show('read', 1, 4);
    progressOn(paper, clock, false).show('read', 1, 4);
    expect(written).toHaveLength(2);
  });
});

test('a CSV cell is quoted where it must be, and never runs as a formula', () => {
  expect(csvLine(['a', 'say "no"', 'x,y', '=1+1', '-2', ''])).toBe('a,"say ""no""","x,y",\'=1+1,\'-2,\r\n');
});
