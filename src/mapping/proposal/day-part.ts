// When a worker begins and ends: the columns of dates among which the parts are handed out, and what is doubtful about each.
import { type Choice, seen } from './choice.ts';
import type { Role } from './column-words.ts';
import { type DayReading, dayReading } from './day-columns.ts';
import { type Entry, type Setting, yamlText } from './file-text.ts';
import { celText, nameOf, type SampleColumn } from './sample-columns.ts';

export interface DayColumn {
  readonly column: SampleColumn;
  readonly reading: DayReading;
  readonly bySight: boolean;
}
export interface Days {
  readonly start: DayColumn | null;
  /** Set where only the very first start is there. */
  readonly first: DayColumn | null;
  readonly end: DayColumn | null;
  readonly last: DayColumn | null;
  readonly contractEnd: SampleColumn | null;
  readonly rowFrom: DayColumn | null;
  readonly rowTo: DayColumn | null;
  /** Columns that are named as dates and cannot be read. */
  readonly unreadable: readonly SampleColumn[];
}

export function takeDays(choice: Choice): Days {
  const unreadable: SampleColumn[] = [];
  const day = (role: Role): DayColumn | null => {
    const chosen = choice.take(role);
    if (chosen === null) return null;
    const reading = dayReading(chosen.column, choice.columns, choice.language);
    if (reading === null) unreadable.push(chosen.column);
    return reading === null ? null : { column: chosen.column, reading, bySight: chosen.bySight };
  };
  const last = day('lastDay');
  const contractEnd = choice.take('contractEnd')?.column ?? null;
  const rowFrom = day('rowFrom');
  const rowTo = day('rowTo');
  const start = day('startDate');
  const first = day('firstStart');
  return {
    start: start ?? first,
    first: start === null ? first : null,
    end: day('endDate'),
    last,
    contractEnd,
    rowFrom,
    rowTo,
    unreadable,
  };
}

function daySetting(
  key: string,
  { column, reading, bySight }: DayColumn,
  more: readonly string[] = [],
  comment = reading.comment,
): Setting {
  return {
    key,
    value: yamlText(reading.expression),
    unsure: [...(bySight ? [seen(column)] : []), ...more, ...reading.unsure],
    ...(comment === undefined ? {} : { comment }),
  };
}

/** Nobody is known to have begun later where no column says it. */
const ALWAYS = '2000-01-01';

export function startSetting({ start, first, unreadable }: Days, ofRow: boolean): Setting {
  if (start === null) {
    const [odd] = unreadable;
    const why =
      odd === undefined
        ? 'no column with a first day'
        : `"${nameOf(odd)}" cannot be read (${odd.unreadable?.looksLike ?? 'no form fits'}): ask HR for yyyy-MM-dd`;
    return {
      key: 'startDate',
      value: yamlText(celText(ALWAYS)),
      unsure: [`${why}; until then everybody counts as having started in ${ALWAYS.slice(0, 4)}`],
    };
  }
  const blanks = start.column.values.length - start.column.filled;
  return daySetting('startDate', start, [
    ...(ofRow ? ['the first day of the row, not of the employment'] : []),
    ...(first === null ? [] : [`"${nameOf(first.column)}" is the very first start: who was hired again starts later`]),
    ...(blanks === 0 ? [] : [`${blanks} rows have no first day: they are rejected`]),
  ]);
}

export function endSettings(days: Days, ofRow: boolean, columns: readonly SampleColumn[]): readonly Entry[] {
  const { end, last, contractEnd, unreadable } = days;
  const lines: Entry[] = [];
  if (end !== null && !ofRow) {
    const comment = end.reading.comment ?? 'the last day with access; else lastDayInclusive: false';
    lines.push(daySetting('endDate', end, [], comment));
  }
  if (last !== null) lines.push(daySetting('lastDay', last));
  const remark = (text: string): Entry => ({ remark: text, unsureOf: 'worker.endDate' });
  for (const column of unreadable.filter((one) => columns.includes(one))) {
    lines.push(
      remark(
        `"${nameOf(column)}" is not mapped: ${column.unreadable?.looksLike ?? 'no form fits its dates'}; ask HR for yyyy-MM-dd`,
      ),
    );
  }
  if (contractEnd !== null) {
    lines.push(remark(`"${nameOf(contractEnd)}" is not mapped: does access end with the contract, or is it renewed?`));
  }
  if (ofRow)
    lines.push(
      remark(
        'no column with the last day of the employment: leavers are known by their status, or when they are missing from two feeds',
      ),
    );
  if (lines.length === 0)
    lines.push(
      remark('no column with a last day: leavers are known by their status, or when they are missing from two feeds'),
    );
  return lines;
}

export function effectiveSettings(from: DayColumn | null, to: DayColumn | null): readonly Entry[] {
  if (from === null) return [];
  return [
    {
      key: 'from',
      value: yamlText(from.reading.expression),
      unsure: ['the same key stands on rows that follow each other: taken for one employment over time'],
    },
    ...(to === null
      ? []
      : [
          {
            key: 'to',
            value: yamlText(to.reading.expression),
            comment: 'the last day of the row; else toInclusive: false',
          },
        ]),
  ];
}
