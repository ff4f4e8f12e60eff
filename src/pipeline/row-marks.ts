// The marks of rows: of those that were parsed, and of those that were recognised and never parsed.
import type { JsonValue } from '../base/json.ts';
import type { MappedRecord, RawRecord } from '../mapping/bound-mapping.ts';
import type { FeedMarks } from '../planning/feed-marks.ts';
import type { Scan } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';

/** The attribute by which people are counted, where a mapping has it. */
const DEPARTMENT = 'department';

export function markOf(marks: FeedMarks, columns: readonly string[], record: RawRecord, mapped: MappedRecord): number {
  const blank = columns.filter((column) => isBlank(record[column]));
  if (mapped.kind === 'rejected') return marks.numberOf('', '', blank);
  const { status, attributes } = mapped.employment;
  const department = attributes[DEPARTMENT];
  return marks.numberOf(status, department === undefined ? '' : String(department), blank);
}

function isBlank(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'string') return value.trim() === '';
  return Array.isArray(value) && value.length === 0;
}

/** Recognised rows of this delivery by mark; identical ones count once. */
export function recognisedMarks({ table }: KnownFingerprints, { knownSeen }: Scan): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (let index = 0; index < table.size; index += 1) {
    if (((knownSeen[index >> 3] ?? 0) & (1 << (index & 7))) === 0) continue;
    const mark = table.markAt(index);
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  return counts;
}
