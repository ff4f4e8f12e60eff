// From the bytes of a CSV header and of single CSV rows to columns and cells. Every row is judged alone: a fault in one
// never shifts, swallows or drops another.
import { parse } from 'csv-parse/sync';
import { type Fault, Problem } from '../../base/problem.ts';
import type { RawRecord } from '../../mapping/bound-mapping.ts';

/** More columns are a bug of the export, and each row would cost as many members. */
export const COLUMNS_MAX = 1_000;

/** Separators that are recognised without being configured. */
export const SEPARATORS = [',', ';', '\t', '|'] as const;

export interface CsvForm {
  readonly separator: string;
  readonly quote: string;
  /** Trimmed names in the order of the header. */
  readonly columns: readonly string[];
  /** The header ends with a separator: one more cell, without a name, that must be empty in every row. */
  readonly unnamedLast: boolean;
}

/** What a row says, or why it says nothing. */
export type RowResult =
  | { readonly record: RawRecord; readonly fault: null }
  | { readonly record: null; readonly fault: Fault };

/** The separator that occurs most often outside quotes in the header; a comma when none does. */
export function detectSeparator(header: string, quote: string): string {
  let bare = header;
  if (quote !== '') {
    bare = header
      .split(quote)
      .filter((_, i) => i % 2 === 0)
      .join('');
  }
  let best: string = SEPARATORS[0];
  for (const candidate of SEPARATORS) {
    if (bare.split(candidate).length > bare.split(best).length) best = candidate;
  }
  return best;
}

/** @throws Problem naming every fault of the header; a feed with an unclear header has no effect. */
export function readHeader(text: string, line: number, separator: string, quote: string): CsvForm {
  const at = (key?: string) => ({ line, ...(key === undefined ? {} : { key }) });
  const fault = (message: string, key?: string): Fault => ({
    code: 'feed.header',
    message,
    hint: 'correct the header of the export',
    place: at(key),
  });
  if (text.includes('\0')) {
    throw new Problem({
      code: 'feed.header',
      message: 'The header holds a NUL byte.',
      hint: 'if the file is UTF-16 without a byte order mark, set encoding: utf-16le',
      place: at(),
    });
  }
  const cells = cellsOf([text], separator, quote)[0];
  if (cells === undefined || cells === null) throw new Problem(fault('The header has a quote in the wrong place.'));
  const columns = cells.map((cell) => cell.trim());
  const unnamedLast = columns.length > 1 && columns.at(-1) === '';
  if (unnamedLast) columns.pop();
  const faults: Fault[] = [];
  const seen = new Set<string>();
  for (const [index, column] of columns.entries()) {
    if (column === '') faults.push(fault(`Column ${index + 1} has no name.`));
    else if (seen.has(column)) faults.push(fault(`The column name ${JSON.stringify(column)} occurs twice.`, column));
    seen.add(column);
  }
  if (columns.length > COLUMNS_MAX) {
    faults.splice(
      0,
      faults.length,
      fault(`The header has ${columns.length} columns, more than the ${COLUMNS_MAX} allowed.`),
    );
  }
  if (faults.length > 0) throw new Problem(faults);
  return { separator, quote, columns, unnamedLast };
}

/** One result for each row text, in order. */
export function readCsvRows(texts: readonly string[], form: CsvForm): readonly RowResult[] {
  return cellsOf(texts, form.separator, form.quote).map((cells, i) => rowResult(texts[i] as string, cells, form));
}

/** The count that a trailer row tells in this field (from 1); null when there is no number. */
export function readTrailer(text: string, form: CsvForm, countField: number): number | null {
  const cell = cellsOf([text], form.separator, form.quote)[0]?.[countField - 1]?.trim() ?? '';
  return /^\d{1,12}$/.test(cell) ? Number(cell) : null;
}

function rowResult(text: string, cells: readonly string[] | null, form: CsvForm): RowResult {
  if (text.includes('\0')) return faulty('row.nul', 'This row holds a NUL byte.', 'remove it at the source');
  if (cells === null) {
    const lines = text.split(/\r\n|\r|\n/).length;
    const spans = lines === 1 ? '' : `, and because of it the row reaches over ${lines} lines`;
    return faulty(
      'row.quoting',
      `A quote stands in the wrong place in this row${spans}.`,
      'quote the whole cell and double the quotes inside it',
    );
  }
  const named = form.columns.length;
  const wanted = named + (form.unnamedLast ? 1 : 0);
  if (cells.length !== wanted) {
    return faulty(
      'row.ragged',
      `This row has ${cells.length} ${cells.length === 1 ? 'field' : 'fields'} where the header has ${wanted}.`,
      'quote cells that hold the separator',
    );
  }
  if (form.unnamedLast && cells[named] !== '') {
    return faulty(
      'row.unnamed-cell',
      'The last cell of this row belongs to a column without a name.',
      'name the column or leave it empty',
    );
  }
  const record = new BareRecord();
  for (let i = 0; i < named; i++) record[form.columns[i] as string] = cells[i] as string;
  return { record, fault: null };
}

/** Inherits nothing, so that every column is a name and nothing else; far cheaper than `Object.create(null)`. */
class BareRecord {
  [column: string]: string;
}
Reflect.deleteProperty(BareRecord.prototype, 'constructor');
Object.setPrototypeOf(BareRecord.prototype, null);

const faulty = (code: string, message: string, hint: string): RowResult => ({
  record: null,
  fault: { code, message, hint },
});

/** Cells of every row; null where the quoting is at fault. */
function cellsOf(texts: readonly string[], separator: string, quote: string): (readonly string[] | null)[] {
  const cells: (readonly string[] | null)[] = new Array(texts.length);
  const quoted: number[] = [];
  for (const [i, text] of texts.entries()) {
    const plain = quote === '' || !text.includes(quote);
    const found = plain ? text.split(separator) : plainlyQuoted(text, separator, quote);
    if (found === null) quoted.push(i);
    else cells[i] = found;
  }
  if (quoted.length === 0) return cells;
  // All at once is many times faster; when any row is at fault each is parsed alone, so that it cannot touch its neighbours.
  const together = parseQuoted(quoted.map((i) => texts[i]).join('\n'), separator, quote);
  for (const [k, i] of quoted.entries()) {
    if (together?.length === quoted.length) cells[i] = together[k] as string[];
    else {
      const alone = parseQuoted(texts[i] as string, separator, quote);
      cells[i] = alone?.length === 1 ? (alone[0] as string[]) : null;
    }
  }
  return cells;
}

/** The cells of a row whose quotes enclose whole cells and nothing else; null for any other, about which csv-parse decides. */
function plainlyQuoted(text: string, separator: string, quote: string): readonly string[] | null {
  const cells: string[] = [];
  for (let at = 0; ; at += separator.length) {
    const start = at;
    if (text.startsWith(quote, at)) {
      const end = text.indexOf(quote, at + quote.length);
      if (end < 0) return null;
      cells.push(text.slice(at + quote.length, end));
      at = end + quote.length;
      if (at < text.length && !text.startsWith(separator, at)) return null;
    } else {
      const end = text.indexOf(separator, at);
      at = end < 0 ? text.length : end;
      const cell = text.slice(start, at);
      if (cell.includes(quote)) return null;
      cells.push(cell);
    }
    if (at === text.length) return cells;
  }
}

/** @returns null when csv-parse finds the quoting at fault. */
function parseQuoted(text: string, separator: string, quote: string): string[][] | null {
  try {
    return parse(text, {
      delimiter: separator,
      quote,
      escape: quote,
      record_delimiter: '\n',
      relax_column_count: true,
    });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return null;
    throw cause;
  }
}
