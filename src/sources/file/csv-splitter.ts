// Finds the ends of CSV records (RFC 4180 section 2) by bytes: quoted line ends, doubled quotes, and LF, CRLF or CR between
// records. A quote opens a field only where a field begins; anywhere else it is a byte like any other, and the parser of the
// row judges it. csv-parse draws the same line, so both agree on every row that is not itself at fault.
import { Gather, type RecordSink, refuse, type Splitter } from './splitter.ts';

const LF = 10;
const CR = 13;
/** Longest separator in bytes that can be told across two chunks. */
export const SEPARATOR_BYTES_MAX = 8;

const OUTSIDE = 0;
const QUOTED = 1;
/** A quote was met inside a quoted field: the field's end, or the first half of a doubled quote. */
const CLOSING = 2;

export interface CsvShape {
  /** One, or while the header is sought all that come into question. */
  readonly separators: readonly string[];
  /** One ASCII character, or '' where the feed has no quoting. */
  readonly quote: string;
}

export class CsvSplitter implements Splitter {
  readonly #gather: Gather;
  readonly #separators: readonly Buffer[];
  readonly #quote: number;
  readonly #tail = new Uint8Array(SEPARATOR_BYTES_MAX);
  #state = OUTSIDE;
  #quoteLine = 0;
  line = 1;
  recordLine = 1;
  unterminated = false;

  constructor(shape: CsvShape, sink: RecordSink) {
    this.#gather = new Gather(sink);
    this.#separators = shape.separators.map((text) => Buffer.from(text));
    this.#quote = shape.quote === '' ? -1 : shape.quote.charCodeAt(0);
  }

  push(chunk: Uint8Array): void {
    const length = chunk.length;
    if (length === 0) return;
    const quote = this.#quote;
    let state = this.#state;
    let line = this.line;
    let start = 0;
    let before = this.#tail[SEPARATOR_BYTES_MAX - 1] as number;
    const ordinaryAbove = Math.max(quote, CR);
    for (let i = 0; i < length; i++) {
      const byte = chunk[i] as number;
      if (byte > ordinaryAbove && state !== CLOSING) {
        before = byte;
        continue;
      }
      if (state === QUOTED) {
        if (byte === quote) state = CLOSING;
        else if (byte === CR || (byte === LF && before !== CR)) line++;
      } else if (byte === LF || byte === CR) {
        if (byte === LF && before === CR) {
          start = i + 1; // The second half of a CRLF whose CR has ended the record.
        } else {
          line++;
          if (i > start || this.#gather.open) this.#gather.finish(chunk, start, i);
          start = i + 1;
          state = OUTSIDE;
        }
        this.recordLine = line;
      } else if (byte === quote) {
        if (state === CLOSING) state = QUOTED;
        else if (this.#beginsField(chunk, start, i)) {
          state = QUOTED;
          this.#quoteLine = line;
        }
      } else if (state === CLOSING) {
        state = OUTSIDE;
      }
      before = byte;
    }
    this.#gather.keep(chunk, start, length);
    this.#state = state;
    this.line = line;
    this.#remember(chunk);
  }

  end(): void {
    if (this.#state === QUOTED) {
      refuse(
        'feed.unclosed-quote',
        `The quote that opens on line ${this.#quoteLine} is never closed, so the rows after it cannot be told apart.`,
        'close or double the quote there; if the feed has no quoting, say so with quote: ""',
        { line: this.#quoteLine },
      );
    }
    if (!this.#gather.open) return;
    this.unterminated = true;
    this.#gather.finishCarried();
  }

  #beginsField(chunk: Uint8Array, start: number, at: number): boolean {
    if (at === start && !this.#gather.open) return true;
    return this.#separators.some((separator) => this.#endsWith(separator, chunk, at));
  }

  #endsWith(separator: Buffer, chunk: Uint8Array, at: number): boolean {
    for (let k = 1; k <= separator.length; k++) {
      const from = at - k;
      const byte = from >= 0 ? chunk[from] : this.#tail[SEPARATOR_BYTES_MAX + from];
      if (byte !== separator[separator.length - k]) return false;
    }
    return true;
  }

  #remember(chunk: Uint8Array): void {
    const fresh = Math.min(chunk.length, SEPARATOR_BYTES_MAX);
    this.#tail.copyWithin(0, fresh);
    this.#tail.set(chunk.subarray(chunk.length - fresh), SEPARATOR_BYTES_MAX - fresh);
  }
}
