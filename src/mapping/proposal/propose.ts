// From a sample of records to the text of a first connection file, with everything that a person has to decide marked in it.
// Values of people never enter the text: words of a status column, forms of dates and a company's mail domain do.
import { isTimeZone } from '../../base/calendar-date.ts';
import type { Fault } from '../../base/problem.ts';
import type { RawRecord } from '../bound-mapping.ts';
import { type Doubt, type Entry, fileText, oneLine, yamlText } from './file-text.ts';
import { type SampleColumn, sampleColumns } from './sample-columns.ts';
import { type TargetChoice, targetPart } from './target-part.ts';
import { workerPart } from './worker-part.ts';

export interface Sample {
  /** Base name of the file. */
  readonly name: string;
  /** Of the feed, as its source names them. */
  readonly columns: readonly string[];
  readonly records: readonly RawRecord[];
  /** Records that the feed holds; more than `records` where only the first were looked at. */
  readonly rows: number;
}

export interface Wanted {
  readonly connection: string;
  /** The settings of `source:`, which say how the sample was read. */
  readonly source: readonly Entry[];
  /** Null: the zone that the feed names, else `zoneHere`. */
  readonly timeZone: string | null;
  readonly zoneHere: string;
  readonly target: TargetChoice;
}

export interface Proposal {
  readonly text: string;
  readonly doubts: readonly Doubt[];
}

/** Names of columns that are listed as not used. */
const UNUSED_SHOWN_MAX = 30;

export function propose(sample: Sample, wanted: Wanted): Proposal | { readonly fault: Fault } {
  const { columns, lists } = sampleColumns(sample.columns, sample.records);
  const rowTexts = sample.records.map((record) => JSON.stringify(record));
  const worker = workerPart(columns, rowTexts);
  if ('fault' in worker) return worker;
  const { part } = worker;
  const zone = zoneOf(part.zone, wanted);
  const unused = [...part.unused, ...lists];
  const shown = unused.slice(0, UNUSED_SHOWN_MAX).map(printable).join(', ');
  const more = unused.length > UNUSED_SHOWN_MAX ? ` and ${unused.length - UNUSED_SHOWN_MAX} more` : '';
  const seen =
    sample.records.length < sample.rows ? `the first ${sample.records.length} of ${sample.rows}` : `${sample.rows}`;
  return fileText([
    {
      remark: `A first draft by rollcall init, made from ${printable(sample.name)} (${seen} rows, ${columns.length} columns).`,
    },
    {
      remark:
        'Lines marked "unsure" want a decision; delete the mark when it is made. Every key: rollcall help mapping',
    },
    { key: 'connection', value: yamlText(wanted.connection) },
    { key: 'timeZone', value: yamlText(zone.name), ...(zone.unsure === '' ? {} : { unsure: [zone.unsure] }) },
    { remark: '' },
    {
      key: 'source',
      value: [...wanted.source, ...(part.effective.length === 0 ? [] : [{ key: 'effective', value: part.effective }])],
    },
    { remark: '' },
    { key: 'worker', value: part.settings },
    ...(unused.length === 0 ? [] : [{ remark: `not used: ${shown}${more}` }]),
    ...(part.statusTable.length === 0
      ? []
      : [{ remark: '' }, { key: 'tables', value: [{ key: 'status', value: tableOf(part.statusTable) }] }]),
    { remark: '' },
    { key: 'targets', item: true, value: targetPart(part, wanted.target) },
  ]);
}

/** A table of which every word is a comment still has to be a table. */
const tableOf = (lines: readonly Entry[]): readonly Entry[] | string =>
  lines.some((line) => 'key' in line)
    ? lines
    : [...lines, { key: 'active', value: 'active', comment: 'so that the table is not empty' }];

/** Long enough to recognise a column by. */
const NAME_SHOWN_MAX = 80;
const printable = (text: string): string => oneLine(text).slice(0, NAME_SHOWN_MAX);

function zoneOf(
  column: SampleColumn | null,
  { timeZone, zoneHere }: Wanted,
): { readonly name: string; readonly unsure: string } {
  if (timeZone !== null) return { name: timeZone, unsure: '' };
  const counts = new Map<string, number>();
  for (const value of column?.values ?? []) {
    const name = value.trim();
    if (isTimeZone(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const [most] = [...counts].toSorted((a, b) => b[1] - a[1]);
  if (most !== undefined) return { name: most[0], unsure: '' };
  return {
    name: zoneHere,
    unsure: 'the zone of this machine: days begin and end there for everybody whose record names no zone',
  };
}
