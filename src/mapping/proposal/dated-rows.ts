// Whether several rows under one key are one employment over time, or different people under one key.
import { dayReader } from '../date-text.ts';
import type { DayReading } from './day-columns.ts';
import type { SampleColumn } from './sample-columns.ts';

export interface RepeatedKeys {
  /** Keys with several rows, identical rows counted once. */
  readonly keys: number;
  /** Of these, those whose rows follow each other without touching. */
  readonly inSequence: number;
}

/** Rows of one key that follow each other in at least this share of the keys are dated rows and no accident. */
export const SEQUENCE_SHARE_MIN = 0.9;
const OPEN = '9999';

/** @param rowTexts one text for each record that says everything about it. `to` may be missing. */
export function repeatedKeys(
  id: SampleColumn,
  rowTexts: readonly string[],
  from: { readonly column: SampleColumn; readonly reading: DayReading } | null,
  to: { readonly column: SampleColumn; readonly reading: DayReading } | null,
): RepeatedKeys {
  const rows = new Map<string, number[]>();
  const seen = new Set<string>();
  for (const [index, key] of id.values.entries()) {
    if (key.trim() === '') continue;
    const text = `${key}\0${rowTexts[index] ?? ''}`;
    if (seen.has(text)) continue;
    seen.add(text);
    rows.set(key, [...(rows.get(key) ?? []), index]);
  }
  const repeated = [...rows.values()].filter((indexes) => indexes.length > 1);
  const begins = from === null ? null : daysOf(from.column, from.reading);
  const ends = to === null ? null : daysOf(to.column, to.reading);
  const inSequence = repeated.filter((indexes) => {
    if (begins === null || ends === null) return false;
    const spans = indexes
      .map((index) => ({ from: begins[index] ?? '', to: ends[index] || OPEN }))
      .toSorted((a, b) => (a.from < b.from ? -1 : 1));
    return spans.every(({ from: start, to: end }, at) => {
      const before = spans[at - 1];
      return start !== '' && start <= end && (before === undefined || before.to <= start);
    });
  }).length;
  return { keys: repeated.length, inSequence };
}

function daysOf(column: SampleColumn, { form }: DayReading): readonly string[] {
  const built = dayReader(form);
  return 'reader' in built ? column.values.map((value) => built.reader(value) ?? '') : [];
}
