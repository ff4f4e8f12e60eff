// Pages of CSV: their rows go into the spool as they are, under the header of the first page.
import { Problem } from '../../base/problem.ts';
import type { OpenAnswer } from '../../runtime/access/pool.ts';
import { detectSeparator } from '../file/csv-row.ts';
import { CsvSplitter } from '../file/csv-splitter.ts';
import { decoderFor } from '../file/encoding.ts';
import { textOf } from '../file/feed-shape.ts';
import { type ByteBudget, bytesOf, refuseWebPage } from './answer-bytes.ts';
import { Broken } from './asking.ts';

const SEPARATORS = [',', ';', '\t', '|'];

/**
 * Reads a page to its end. @param header of the pages before, null for the first one. `take` gets each row with its line end.
 * @returns the header. @throws Broken, or Problem where a page has another header.
 */
export async function readCsvPage(
  answer: OpenAnswer,
  header: string | null,
  budget: ByteBudget,
  signal: AbortSignal,
  take: (row: Buffer) => Promise<void>,
): Promise<string> {
  let rows: Buffer[] = [];
  let found: string | null = null;
  const splitter: CsvSplitter = new CsvSplitter(
    { separators: header === null ? SEPARATORS : [detectSeparator(header, '"')], quote: '"' },
    {
      record: (bytes, start, end) => {
        if (found === null) {
          found = textOf(bytes, start, end);
          if (header === null) rows.push(lineOf(bytes, start, end));
        } else rows.push(lineOf(bytes, start, end));
      },
      overlong: () => {
        throw new Problem({
          code: 'row.too-long',
          message: 'A row is too long.',
          hint: 'look for a quote that is never closed',
        });
      },
    },
  );
  const decoder = decoderFor({ name: 'utf-8', markBytes: 0 }, () => splitter.line);
  let first = true;
  for await (const chunk of bytesOf(answer, budget, signal)) {
    let bytes = chunk;
    if (first) {
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
      refuseWebPage(Buffer.from(bytes.subarray(0, 512)).toString('latin1'));
      first = false;
    }
    splitter.push(decoder.push(bytes));
    for (const row of rows) await take(row);
    rows = [];
  }
  splitter.push(decoder.end());
  splitter.end();
  for (const row of rows) await take(row);
  if (found === null) throw new Broken('the answer is empty');
  if (header !== null && found !== header) {
    throw new Problem({
      code: 'feed.header',
      message: 'The pages have different headers.',
      hint: 'read it again later',
    });
  }
  return found;
}

const lineOf = (bytes: Uint8Array, start: number, end: number): Buffer => {
  const line = Buffer.allocUnsafe(end - start + 1);
  line.set(bytes.subarray(start, end));
  line[end - start] = 10;
  return line;
};
