// Reads a sample with the source's own reader, and finds out by trying how it wants to be read.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Instant } from '../base/instant.ts';
import type { JsonValue } from '../base/json.ts';
import type { KnownRows } from '../base/known-rows.ts';
import { Problem } from '../base/problem.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';
import type { Sample } from '../mapping/proposal/propose.ts';
import { openRegular } from '../sources/file/candidates.ts';
import { openDelivery, type ReadSettings } from '../sources/file/open-delivery.ts';
import { CHUNK_BYTES, type OpenFile } from '../sources/file/walk.ts';

export interface ReadSample extends Sample {
  readonly settings: ReadSettings;
  /** What CSV rows are parted by; null for JSON. */
  readonly separator: string | null;
  readonly faulty: number;
  /** Why the encoding was not taken for granted; '' where it was. */
  readonly encodingDoubt: string;
}

/** Cells that are looked at: twenty thousand rows of a hundred columns. */
const CELLS_MAX = 2_000_000;
const ROWS_MAX = 50_000;
/** Read to tell what kind of file it is. */
const SNIFF_BYTES = 65_536;
/** A JSON answer is searched for its records whole; larger ones name them with recordPath. */
const ENVELOPE_BYTES_MAX = 16_777_216;

const NOTHING_KNOWN: KnownRows = { size: 0, indexOf: () => -1 };

/** @throws Problem when the file cannot be read as a feed. */
export async function readSample(path: string, now: Instant, signal: AbortSignal): Promise<ReadSample> {
  const { handle, stats } = await openRegular(path);
  try {
    const file: OpenFile = { handle, name: basename(path), size: stats.size, chunkBytes: CHUNK_BYTES };
    const head = await bytesAt(file, 0, SNIFF_BYTES);
    refuseOthers(head, file.name);
    const tail = await bytesAt(file, Math.max(0, file.size - SNIFF_BYTES), SNIFF_BYTES);
    const first = await settingsFor(path, head, tail, file.size);
    return await readAs({ file, tail, now, signal }, first);
  } finally {
    await handle.close();
  }
}

interface Trying {
  readonly file: OpenFile;
  /** The last bytes of the file. */
  readonly tail: Buffer;
  readonly now: Instant;
  readonly signal: AbortSignal;
}

async function readAs(trying: Trying, settings: ReadSettings): Promise<ReadSample> {
  try {
    return await trialOf(trying, settings, '');
  } catch (error) {
    const encoding =
      error instanceof Problem && error.faults[0]?.code === 'feed.encoding' && settings.encoding === null;
    if (!encoding) throw error;
    const doubt = 'the bytes are no UTF-8; windows-1252 is what Windows programs write in western Europe';
    return await trialOf(trying, { ...settings, encoding: 'windows-1252' }, doubt);
  }
}

async function trialOf(
  { file, tail, now, signal }: Trying,
  settings: ReadSettings,
  encodingDoubt: string,
): Promise<ReadSample> {
  const open = (said: ReadSettings) =>
    openDelivery(
      {
        file,
        settings: said,
        id: '',
        asOf: now,
        readyProof: '',
        proofs: [],
        promised: [],
        unchanged: async () => {},
        close: async () => {},
      },
      signal,
    );
  await using untold = await open(settings);
  const { separator } = JSON.parse(untold.format) as { separator?: string };
  const trailer = separator === undefined ? null : await trailerOf(untold, tail, separator, signal);
  const said = trailer === null ? settings : { ...settings, complete: { trailer } };
  await using delivery = await open(said);
  const scan = await delivery.scan(NOTHING_KNOWN, signal);
  const records: RawRecord[] = [];
  const most = Math.min(ROWS_MAX, Math.max(1, Math.floor(CELLS_MAX / Math.max(1, delivery.columns.length))));
  let faulty = 0;
  reading: for await (const rows of delivery.read(new Set(), signal)) {
    for (const { record } of rows) {
      if (record === null) faulty += 1;
      else records.push(record);
      if (records.length >= most) break reading;
    }
  }
  if (records.length === 0)
    throw new Problem({
      code: 'init.no-records',
      message: `${file.name} holds no row that can be read`,
      hint: 'check the separator and the quotes, or give another sample',
      place: { file: file.name },
    });
  return {
    name: file.name,
    columns: delivery.columns,
    records,
    rows: scan.rows,
    settings: said,
    separator: separator ?? null,
    faulty,
    encodingDoubt,
  };
}

async function bytesAt(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** What people take for an export and what is none. */
function refuseOthers(head: Buffer, file: string): void {
  const refuse = (message: string, hint: string): never => {
    throw new Problem({ code: 'init.kind', message, hint, place: { file } });
  };
  if (head.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004')
    refuse('this is a workbook or a zip file', 'save the sheet as CSV (UTF-8), or unpack the file');
  if (head[0] === 0x1f && head[1] === 0x8b) refuse('this file is compressed', 'unpack it for the sample: gunzip FILE');
  if (/^\s*</.test(textOf(head))) refuse('this is XML or a web page', 'give a CSV or JSON answer of the same system');
}

async function settingsFor(path: string, head: Buffer, tail: Buffer, size: number): Promise<ReadSettings> {
  const plain: ReadSettings = {
    format: 'csv',
    content: 'snapshot',
    encoding: null,
    separator: null,
    quote: '"',
    recordPath: null,
    complete: {},
  };
  const text = textOf(head).trimStart();
  if (!/^[[{]/.test(text)) {
    const lastByte = tail.at(-1);
    const cut = lastByte !== 10 && lastByte !== 13 && !head.includes(0);
    const apostrophes = /^'[^'\r\n]*'[^\w'\r\n]'/.test(text);
    return { ...plain, ...(apostrophes ? { quote: "'" } : {}), ...(cut ? { finalNewline: false } : {}) };
  }
  if (isLines(path, text)) return { ...plain, format: 'jsonl' };
  return { ...plain, format: 'json', recordPath: size > ENVELOPE_BYTES_MAX ? null : await recordPathIn(path) };
}

/** The beginning of a file as text, whatever its encoding; a byte order mark is no part of it. */
const textOf = (head: Buffer): string => {
  const wide = (head[0] === 0xff && head[1] === 0xfe) || (head[1] === 0 && head[0] !== 0);
  return head.toString(wide ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
};

/** One object a line, and more than one of them. */
function isLines(path: string, text: string): boolean {
  if (/\.(?:jsonl|ndjson)$/i.test(path)) return true;
  const [first = '', second = ''] = text.split(/\r?\n/, 2);
  return isObject(first) && second.trimStart().startsWith('{');
}

function isObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Where the longest list of objects lies; null where the reader finds it by itself. */
async function recordPathIn(path: string): Promise<string | null> {
  let root: JsonValue;
  try {
    root = JSON.parse((await readFile(path, 'utf8')).replace(/^\ufeff/, '')) as JsonValue;
  } catch {
    return null; // The reader says what is wrong, and where.
  }
  const lists = listsIn(root, []);
  const [best] = lists.toSorted((a, b) => b.length - a.length);
  if (best === undefined || best.path.length === 0) return null;
  const alone = lists.length === 1 && best.path.length === 1 && !hasOtherArray(root, best.path[0] ?? '');
  return alone ? null : best.path.join('.');
}

interface FoundList {
  readonly path: readonly string[];
  readonly length: number;
}

/** Answers wrap their records in a few objects at most. */
const ENVELOPE_DEPTH_MAX = 6;

function listsIn(value: JsonValue, path: readonly string[]): readonly FoundList[] {
  if (Array.isArray(value)) {
    const objects = value.filter((one) => one !== null && typeof one === 'object' && !Array.isArray(one));
    return objects.length === 0 ? [] : [{ path, length: objects.length }];
  }
  if (value === null || typeof value !== 'object' || path.length >= ENVELOPE_DEPTH_MAX) return [];
  return Object.entries(value).flatMap(([name, member]) => listsIn(member, [...path, name]));
}

const hasOtherArray = (root: JsonValue, name: string): boolean =>
  root !== null &&
  typeof root === 'object' &&
  !Array.isArray(root) &&
  Object.entries(root).some(([other, member]) => other !== name && Array.isArray(member));

/** A last line that is short and holds the number of rows above it. */
async function trailerOf(
  delivery: Awaited<ReturnType<typeof openDelivery>>,
  tail: Buffer,
  separator: string,
  signal: AbortSignal,
): Promise<{ pattern: string; countField: number } | null> {
  const last =
    tail
      .toString('utf8')
      .trimEnd()
      .split(/\r\n|\r|\n/)
      .at(-1) ?? '';
  const cells = last.split(separator).map((cell) => cell.replace(/^"|"$/g, ''));
  const [pattern = ''] = cells;
  if (
    !/^[A-Za-z#][\w #-]{1,20}$/.test(pattern) ||
    cells.filter((cell) => cell !== '').length >= delivery.columns.length
  )
    return null;
  const { rows } = await delivery.scan(NOTHING_KNOWN, signal);
  const field = cells.findIndex((cell, at) => at > 0 && /^\d+$/.test(cell) && Number(cell) === rows - 1);
  return field === -1
    ? null
    : { pattern: last.slice(0, last.indexOf(pattern) + pattern.length), countField: field + 1 };
}
