// What must be known before the rows of a feed mean anything: encoding, header, separator, members.
import { canonicalJson } from '../../base/json.ts';
import { Problem } from '../../base/problem.ts';
import { type CsvForm, detectSeparator, type RowResult, readCsvRows, readHeader, SEPARATORS } from './csv-row.ts';
import { CsvSplitter } from './csv-splitter.ts';
import { type Encoding, encodingOf, MARK_BYTES_MAX } from './encoding.ts';
import { readJsonRow } from './json-row.ts';
import { JsonSplitter } from './json-splitter.ts';
import { LineSplitter } from './line-splitter.ts';
import type { RecordSink, Splitter } from './splitter.ts';
import { named, type OpenFile, walk } from './walk.ts';

export interface ShapeSettings {
  readonly format: 'csv' | 'json' | 'jsonl';
  readonly content: 'snapshot' | 'delta';
  readonly encoding: string | null;
  readonly separator: string | null;
  readonly quote: string;
  readonly recordPath: string | null;
}

export interface FeedShape {
  readonly encoding: Encoding;
  readonly columns: readonly string[];
  /** Canonical text of all that decides what a row's bytes mean. */
  readonly format: string;
  /** Null for JSON. */
  readonly csv: CsvForm | null;
  /** A splitter whose sink gets the rows only, never the header. */
  readonly split: (rows: RecordSink) => Splitter;
  readonly parse: (texts: readonly string[]) => readonly RowResult[];
}

/** JSON has no header: its columns are the members met in this many first records. */
const RECORDS_SAMPLED = 1_000;

/** Reads as much of the file as its shape needs. @throws Problem when the feed is empty or its header is at fault. */
export async function shapeOf(file: OpenFile, settings: ShapeSettings, signal: AbortSignal): Promise<FeedShape> {
  if (file.size === 0) throw emptyFeed(file.name, 'The file is empty.');
  const { buffer, bytesRead } = await file.handle.read(Buffer.alloc(MARK_BYTES_MAX), 0, MARK_BYTES_MAX, 0);
  const encoding = configuredEncoding(file.name, buffer.subarray(0, bytesRead), settings.encoding);
  return settings.format === 'csv'
    ? csvShape(file, settings, encoding, signal)
    : jsonShape(file, settings, encoding, signal);
}

function configuredEncoding(name: string, first: Uint8Array, configured: string | null): Encoding {
  try {
    return encodingOf(first, configured);
  } catch (cause) {
    throw named(cause, name);
  }
}

export const emptyFeed = (name: string, message: string): Problem =>
  new Problem({
    code: 'feed.empty',
    message,
    hint: 'an empty feed has no effect; look at the job that writes it',
    place: { file: name },
  });

async function csvShape(
  file: OpenFile,
  settings: ShapeSettings,
  encoding: Encoding,
  signal: AbortSignal,
): Promise<FeedShape> {
  const separators = settings.separator === null ? SEPARATORS : [settings.separator];
  const header = await firstRecord(file, { separators, quote: settings.quote }, encoding, signal);
  if (header === null) throw emptyFeed(file.name, 'The file holds no header and no rows.');
  const separator = settings.separator ?? detectSeparator(header.text, settings.quote);
  let csv: CsvForm;
  try {
    csv = readHeader(header.text, header.line, separator, settings.quote);
  } catch (cause) {
    throw named(cause, file.name);
  }
  return {
    encoding,
    columns: csv.columns,
    csv,
    format: canonicalJson({ format: 'csv', encoding: encoding.name, ...csv }),
    split: (rows) => {
      let headerPassed = false;
      return new CsvSplitter(
        { separators: [separator], quote: settings.quote },
        {
          overlong: rows.overlong,
          record: (bytes, start, end) => {
            if (headerPassed) rows.record(bytes, start, end);
            headerPassed = true;
          },
        },
      );
    },
    parse: (texts) => readCsvRows(texts, csv),
  };
}

async function firstRecord(
  file: OpenFile,
  shape: { separators: readonly string[]; quote: string },
  encoding: Encoding,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly line: number } | null> {
  let first: { text: string; line: number } | null = null;
  const splitter: CsvSplitter = new CsvSplitter(shape, {
    overlong: () => {
      const message = 'The header is longer than any header can be.';
      throw new Problem({ code: 'feed.header', message, hint: 'check format, quote and encoding', place: { line: 1 } });
    },
    record: (bytes, start, end) => {
      first ??= { text: textOf(bytes, start, end), line: splitter.recordLine };
    },
  });
  for await (const _ of walk(file, encoding, splitter, signal)) if (first !== null) break;
  return first;
}

async function jsonShape(
  file: OpenFile,
  settings: ShapeSettings,
  encoding: Encoding,
  signal: AbortSignal,
): Promise<FeedShape> {
  const lines = settings.format === 'jsonl';
  const split = (rows: RecordSink): Splitter =>
    lines ? new LineSplitter(rows) : new JsonSplitter(settings.recordPath, rows);
  const columns = new Set<string>();
  let sampled = 0;
  const splitter = split({
    overlong: () => {
      sampled++;
    },
    record: (bytes, start, end) => {
      if (++sampled > RECORDS_SAMPLED) return;
      for (const name of Object.keys(readJsonRow(textOf(bytes, start, end)).record ?? {})) columns.add(name);
    },
  });
  for await (const _ of walk(file, encoding, splitter, signal)) if (sampled >= RECORDS_SAMPLED) break;
  if (sampled === 0 && settings.content === 'snapshot') throw emptyFeed(file.name, 'The file holds no records.');
  const recordPath = lines ? null : settings.recordPath;
  return {
    encoding,
    columns: [...columns],
    csv: null,
    format: canonicalJson({ format: settings.format, encoding: encoding.name, recordPath }),
    split,
    parse: (texts) => texts.map(readJsonRow),
  };
}

export const textOf = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
