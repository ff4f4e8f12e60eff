// Any table, written by an independent writer, comes back as it was: under every separator, line end, quote and chunk size.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import { detectSeparator, readCsvRows, readHeader } from '../../../src/sources/file/csv-row.ts';
import { CsvSplitter } from '../../../src/sources/file/csv-splitter.ts';
import { decoderFor, encodingOf } from '../../../src/sources/file/encoding.ts';
import { JsonSplitter } from '../../../src/sources/file/json-splitter.ts';
import type { RecordSink, Splitter } from '../../../src/sources/file/splitter.ts';
import { CaseMix } from '../../support/case-mix.ts';
import { feedFolder, feedSettings, readFeed } from '../../support/feed-folder.ts';

const RUNS = 400;

/** Hands the bytes over in one buffer that is overwritten each time, as a read does. */
function split(bytes: Uint8Array, sizes: readonly number[], make: (sink: RecordSink) => Splitter) {
  const records: { text: string; line: number }[] = [];
  const splitter: Splitter = make({
    record: (from, start, end) => {
      records.push({ text: Buffer.from(from.subarray(start, end)).toString('utf8'), line: splitter.recordLine });
    },
    overlong: () => {
      throw new Error('nothing here is long');
    },
  });
  const decoder = decoderFor(encodingOf(bytes, null), () => splitter.line);
  const buffer = Buffer.alloc(Math.max(...sizes));
  let crossings = 0;
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = Math.min(sizes[turn % sizes.length] as number, bytes.length - at);
    buffer.set(bytes.subarray(at, at + length));
    splitter.push(decoder.push(buffer.subarray(0, length)));
    buffer.fill(0x22);
    at += length;
    crossings++;
  }
  splitter.push(decoder.end());
  splitter.end();
  return { records, crossings };
}

const cellText = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'é', '𝒳', ' ', ',', ';', '\t', '|', '"', "'", '\n', '\r', '\\', '€'),
    maxLength: 8,
  }),
  fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0') && text.isWellFormed()),
  fc.constant(''),
);
const columnsOf = (width: number) => Array.from({ length: width }, (_, i) => `column ${i}`);

const tables = fc.record({
  rows: fc
    .integer({ min: 2, max: 6 })
    .chain((width) =>
      fc.array(fc.array(cellText, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
    ),
  separator: fc.constantFrom(',', ';', '\t', '|', '||', ' ; '),
  quote: fc.constantFrom('"', "'"),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  quoteAll: fc.boolean(),
  mark: fc.boolean(),
  lastLineEnd: fc.boolean(),
  sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
});
type Table = typeof tables extends fc.Arbitrary<infer T> ? T : never;

/** RFC 4180 as written, in the opposite direction: quote what needs it, double the quotes inside. */
function write({ rows, separator, quote, lineEnd, quoteAll, mark, lastLineEnd }: Table): string {
  const cell = (text: string): string => {
    const special = [separator.charAt(0), quote, '\n', '\r'].some((sign) => text.includes(sign)) || text === '';
    return quoteAll || special ? quote + text.replaceAll(quote, quote + quote) + quote : text;
  };
  const lines = [columnsOf(rows[0]?.length ?? 0), ...rows].map((row) => row.map(cell).join(separator));
  return (mark ? '\ufeff' : '') + lines.join(lineEnd) + (lastLineEnd ? lineEnd : '');
}

describe('a table that an independent writer wrote', () => {
  test('comes back cell for cell, with the line on which each row begins', () => {
    const mix = new CaseMix([
      'line end in a cell',
      'quote in a cell',
      'separator in a cell',
      'empty cell',
      'wide character',
      'cut often',
      'long separator',
    ]);
    fc.assert(
      fc.property(tables, (table) => {
        const text = write(table);
        const bytes = Buffer.from(text);
        const { records, crossings } = split(
          bytes,
          table.sizes,
          (sink) => new CsvSplitter({ separators: [table.separator], quote: table.quote }, sink),
        );
        const [header, ...rows] = records;
        const form = readHeader(header?.text ?? '', 1, table.separator, table.quote);
        const results = readCsvRows(
          rows.map((row) => row.text),
          form,
        );
        expect(results.map(({ fault, record }) => fault ?? Object.values(record ?? {}))).toEqual(table.rows);

        let line = 1;
        const lines = [columnsOf(form.columns.length), ...table.rows].map((row) => {
          const begins = line;
          line += 1 + (row.join(' ').match(/\r\n|\r|\n/g)?.length ?? 0);
          return begins;
        });
        expect(records.map((record) => record.line)).toEqual(lines);

        const cells = table.rows.flat();
        mix.count(
          'line end in a cell',
          cells.some((cell) => /[\r\n]/.test(cell)),
        );
        mix.count(
          'quote in a cell',
          cells.some((cell) => cell.includes(table.quote)),
        );
        mix.count(
          'separator in a cell',
          cells.some((cell) => cell.includes(table.separator)),
        );
        mix.count('empty cell', cells.includes(''));
        mix.count(
          'wide character',
          cells.some((cell) => Buffer.byteLength(cell) > cell.length),
        );
        mix.count('cut often', crossings > 10);
        mix.count('long separator', table.separator.length > 1);
      }),
      { numRuns: RUNS },
    );
    mix.expectEach(RUNS / 50);
  });

  test('comes back from a real file with its separator detected', async () => {
    const folder = feedFolder();
    await fc.assert(
      fc.asyncProperty(
        tables.filter(({ separator }) => separator.length === 1),
        async (table) => {
          folder.write('workers.csv', write({ ...table, lastLineEnd: true }));
          const feed = await readFeed(feedSettings(folder.dir, { quote: table.quote }), {
            chunkBytes: table.sizes[0] ?? 1,
          });
          expect(feed.records.map((record) => Object.values(record))).toEqual(table.rows);
          expect(feed.scan.unknownRows).toBe(table.rows.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has its separator told from the header, whatever the header quotes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(',', ';', '\t', '|'),
        fc.array(cellText, { minLength: 2, maxLength: 6 }),
        (separator, cells) => {
          const header = cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(separator);
          expect(detectSeparator(header, '"')).toBe(separator);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe('noise', () => {
  test('splits the same way whole and in pieces, or is refused the same way', () => {
    const mix = new CaseMix(['refused', 'split']);
    const noise = fc.string({
      unit: fc.constantFrom('a', ',', '"', '\n', '\r', 'é', '{', '}', '[', ']', ':', '\\', '1'),
      maxLength: 60,
    });
    fc.assert(
      fc.property(noise, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), (text, sizes) => {
        const bytes = Buffer.from(text);
        for (const make of [
          (sink: RecordSink) => new CsvSplitter({ separators: [','], quote: '"' }, sink),
          (sink: RecordSink) => new JsonSplitter(null, sink),
        ]) {
          const attempt = (pieces: readonly number[]) => {
            try {
              return split(bytes, pieces, make).records;
            } catch (cause) {
              if (!(cause instanceof Problem)) throw cause;
              return cause.message;
            }
          };
          const whole = attempt([1_000]);
          expect(attempt(sizes)).toEqual(whole);
          mix.count(typeof whole === 'string' ? 'refused' : 'split', true);
        }
      }),
      { numRuns: RUNS },
    );
    mix.expectEach(RUNS / 20);
  });

  test('in CSV is never dropped: every byte that is no line end belongs to a record', () => {
    const noise = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', 'é'), maxLength: 60 });
    const mix = new CaseMix(['split']);
    fc.assert(
      fc.property(noise, (text) => {
        let texts: string[];
        try {
          texts = split(
            Buffer.from(text),
            [7],
            (sink) => new CsvSplitter({ separators: [','], quote: '"' }, sink),
          ).records.map((record) => record.text);
        } catch (cause) {
          if (!(cause instanceof Problem)) throw cause;
          return;
        }
        mix.count('split', true);
        const bare = (value: string) => value.replace(/[\r\n]/g, '');
        expect(bare(texts.join(''))).toBe(bare(text));
      }),
      { numRuns: RUNS },
    );
    mix.expectEach(RUNS / 10);
  });
});

describe('JSON records', () => {
  test('come back as they were, whatever their members, white space and chunks', () => {
    const mix = new CaseMix(['indented', 'enveloped', 'bracket in a string', 'several records']);
    const records = fc.array(
      fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), fc.jsonValue({ maxDepth: 3 }), {
        minKeys: 1,
        maxKeys: 4,
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        records,
        fc.constantFrom('', ' ', '\n\t'),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
        (values, indent, enveloped, sizes) => {
          const document = enveloped ? { count: 1, note: 'a]}"', rows: values, next: { page: [2] } } : values;
          const text = JSON.stringify(document, null, indent);
          const { records: found } = split(Buffer.from(text), sizes, (sink) => new JsonSplitter(null, sink));
          expect(found.map((record) => JSON.parse(record.text))).toEqual(JSON.parse(JSON.stringify(values)));
          mix.count('indented', indent !== '');
          mix.count('enveloped', enveloped);
          mix.count('bracket in a string', /"[^"]*[[\]{}][^"]*"/.test(JSON.stringify(values)));
          mix.count('several records', values.length > 1);
        },
      ),
      { numRuns: RUNS },
    );
    mix.expectEach(RUNS / 50);
  });
});

describe('fingerprints', () => {
  test('depend on the bytes of a row alone: not on order, neighbours, line ends or chunks', async () => {
    const folder = feedFolder();
    const rowTexts = fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' '), minLength: 1, maxLength: 6 }),
      { minLength: 2, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(
        rowTexts,
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('\n', '\r\n'),
        async (texts, chunkBytes, lineEnd) => {
          const digests = async (order: readonly string[], end: string, chunk: number) => {
            folder.write(
              'workers.csv',
              ['id,name', ...order.map((text) => `"${text}",x`)].map((line) => line + end).join(''),
            );
            const feed = await readFeed(feedSettings(folder.dir), { chunkBytes: chunk });
            return new Map(feed.rows.map(({ digest, record }) => [record?.id, digest]));
          };
          const one = await digests(texts, '\n', 65_536);
          const other = await digests(texts.toReversed(), lineEnd, chunkBytes);
          for (const text of texts) expect(other.get(text)).toBe(one.get(text));
          expect(new Set(one.values()).size).toBe(texts.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
