// Finds the records of one JSON document (RFC 8259) by bytes: walks the envelope down to the array of records, then hands over
// its elements without parsing them. Brackets, commas and the envelope are checked here, where a fault makes every boundary after
// it doubtful and refuses the delivery; what stands inside one element is judged when that element is parsed.
import {
  type EnvelopeFrame,
  isLiteral,
  LITERAL_BYTES_MAX,
  memberName,
  NAME_BYTES_MAX,
  targetOf,
} from './json-envelope.ts';
import { Gather, type RecordSink, refuse, type Splitter } from './splitter.ts';

const LF = 10;
const QUOTE = 34;
const COMMA = 44;
const COLON_SIGN = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Nesting of the envelope around the records; real answers have one to three levels. */
const ENVELOPE_DEPTH_MAX = 64;
/** Brackets of an element are matched by kind down to here; below, only counted: such an element is a row fault anyhow. */
const ELEMENT_KINDS_MAX = 64;

// Where the walk stands. Envelope:
const VALUE = 0;
const VALUE_OR_END = 1;
const NAME = 2;
const NAME_OR_END = 3;
const COLON = 4;
const AFTER = 5;
const STRING = 6;
const NAME_STRING = 7;
const LITERAL = 8;
const DONE = 9;
// Records:
const ELEMENT = 10;
const ELEMENT_OR_END = 11;
const INSIDE = 12;
const INSIDE_STRING = 13;
const SCALAR = 14;
const AFTER_ELEMENT = 15;

export class JsonSplitter implements Splitter {
  readonly #gather: Gather;
  readonly #outside: ((byte: number) => void) | null;
  readonly #path: readonly string[] | null;
  readonly #frames: EnvelopeFrame[] = [];
  readonly #kinds = new Uint8Array(ELEMENT_KINDS_MAX);
  #state = VALUE;
  #escaped = false;
  #depth = 0;
  #text: number[] = [];
  #found = false;
  /** Bytes before the current chunk, and where the current line began: columns are counted in bytes. */
  #offset = 0;
  #lineStart = 0;
  line = 1;
  recordLine = 1;
  readonly unterminated = false;

  /**
   * @param recordPath dotted path of the array; null takes the top-level array or the only array member of the top-level object.
   * @param outside takes the bytes around the records, brackets of their array among them: the document with that array empty.
   */
  constructor(recordPath: string | null, sink: RecordSink, outside: ((byte: number) => void) | null = null) {
    this.#outside = outside;
    this.#gather = new Gather(sink);
    this.#path = recordPath === null ? null : recordPath.split('.');
  }

  push(chunk: Uint8Array): void {
    const length = chunk.length;
    let start = this.#inElement() ? 0 : -1;
    for (let i = 0; i < length; i++) {
      const byte = chunk[i] as number;
      if (this.#state === INSIDE_STRING) {
        i = this.#pastString(chunk, i);
        if (this.#depth === 0 && i < length) start = this.#finish(chunk, start, i + 1);
        continue;
      }
      if (byte === LF) {
        this.line++;
        this.#lineStart = this.#offset + i + 1;
      }
      if (this.#state === INSIDE) {
        if (byte === QUOTE) this.#state = INSIDE_STRING;
        else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte);
        else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
          if (this.#close(byte, i)) start = this.#finish(chunk, start, i + 1);
        }
      } else if (this.#state >= ELEMENT) {
        if (this.#state === SCALAR) {
          if (byte !== COMMA && byte !== CLOSE_ARRAY && !isSpace(byte)) continue;
          start = this.#finish(chunk, start, i);
        }
        if (this.#betweenElements(byte, i)) start = i;
        else if (byte === CLOSE_ARRAY) this.#outside?.(byte);
      } else {
        this.#outside?.(byte);
        this.#envelope(byte, i);
      }
    }
    if (start >= 0) this.#gather.keep(chunk, start, length);
    this.#offset += length;
  }

  end(): void {
    if (this.#state === LITERAL && this.#frames.length === 0) this.#endLiteral(0);
    if (this.#state !== DONE) {
      refuse(
        'feed.truncated',
        `The JSON ends on line ${this.line} in the middle of the document.`,
        'send the file again, whole',
        {
          line: this.line,
        },
      );
    }
    if (!this.#found) {
      const what =
        this.#path === null ? 'no top-level array and no array member' : `no array at ${this.#path.join('.')}`;
      refuse('feed.no-records', `The JSON holds ${what}.`, 'name the array of records with recordPath', { line: 1 });
    }
  }

  #inElement(): boolean {
    return this.#state === INSIDE || this.#state === INSIDE_STRING || this.#state === SCALAR;
  }

  #finish(chunk: Uint8Array, start: number, end: number): number {
    this.#gather.finish(chunk, start, end);
    this.#state = AFTER_ELEMENT;
    return -1;
  }

  /** From inside a string of an element to its closing quote, or to the end of the chunk when it goes on. */
  #pastString(chunk: Uint8Array, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#state = INSIDE;
        return i;
      }
      if (byte === LF) {
        this.line++;
        this.#lineStart = this.#offset + i + 1;
      }
    }
    return chunk.length;
  }

  #open(byte: number): void {
    if (this.#depth < ELEMENT_KINDS_MAX) this.#kinds[this.#depth] = byte;
    this.#depth++;
    this.#state = INSIDE;
  }

  /** True when this bracket ends the element. */
  #close(byte: number, at: number): boolean {
    this.#depth--;
    const opened = byte === CLOSE_OBJECT ? OPEN_OBJECT : OPEN_ARRAY;
    if (this.#depth < ELEMENT_KINDS_MAX && this.#kinds[this.#depth] !== opened)
      this.#notJson('a bracket is closed by one of the other kind', at);
    return this.#depth === 0;
  }

  /** Between two elements; true when an element begins with this byte. */
  #betweenElements(byte: number, at: number): boolean {
    if (isSpace(byte)) return false;
    if (this.#state === AFTER_ELEMENT) {
      if (byte === COMMA) this.#state = ELEMENT;
      else if (byte === CLOSE_ARRAY) this.#endValue();
      else this.#notJson('a comma or ] was expected after a record', at);
      return false;
    }
    if (byte === CLOSE_ARRAY && this.#state === ELEMENT_OR_END) {
      this.#endValue();
      return false;
    }
    if (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) this.#notJson('a record was expected', at);
    this.recordLine = this.line;
    this.#depth = 0;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte);
    else this.#state = byte === QUOTE ? INSIDE_STRING : SCALAR;
    return true;
  }

  #envelope(byte: number, at: number): void {
    if (this.#state === STRING || this.#state === NAME_STRING) {
      this.#envelopeString(byte, at);
      return;
    }
    if (this.#state === LITERAL) {
      if (!isSpace(byte) && byte !== COMMA && byte !== CLOSE_ARRAY && byte !== CLOSE_OBJECT) {
        this.#collect(byte, LITERAL_BYTES_MAX);
        return;
      }
      this.#endLiteral(at);
    }
    if (isSpace(byte)) return;
    switch (this.#state) {
      case VALUE:
      case VALUE_OR_END:
        if (byte === CLOSE_ARRAY && this.#state === VALUE_OR_END) this.#leave(byte, at);
        else this.#beginValue(byte, at);
        return;
      case NAME:
      case NAME_OR_END:
        if (byte === CLOSE_OBJECT && this.#state === NAME_OR_END) this.#leave(byte, at);
        else if (byte === QUOTE) {
          this.#text = [];
          this.#state = NAME_STRING;
        } else this.#notJson('a member name was expected', at);
        return;
      case COLON:
        if (byte !== COLON_SIGN) this.#notJson('a colon was expected', at);
        this.#state = VALUE;
        return;
      case AFTER:
        if (byte === COMMA) this.#state = this.#frames.at(-1)?.array ? VALUE : NAME;
        else this.#leave(byte, at);
        return;
      default:
        this.#notJson('something follows the end of the document', at);
    }
  }

  #envelopeString(byte: number, at: number): void {
    if (byte < 32) this.#notJson('a string holds a raw control character', at);
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      if (this.#state === STRING) {
        this.#endValue();
        return;
      }
      const frame = this.#frames.at(-1);
      const name = memberName(this.#text);
      if (name === null || frame === undefined) this.#notJson('a member name is not a JSON string', at);
      frame.name = name;
      this.#state = COLON;
      return;
    }
    if (this.#state === NAME_STRING) this.#collect(byte, NAME_BYTES_MAX);
  }

  #beginValue(byte: number, at: number): void {
    if (byte === QUOTE) this.#state = STRING;
    else if (byte === OPEN_ARRAY && targetOf(this.#frames, this.#path)) this.#beginRecords();
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (this.#frames.length === ENVELOPE_DEPTH_MAX) this.#notJson('values are nested too deeply', at);
      this.#frames.push({ array: byte === OPEN_ARRAY, name: null });
      this.#state = byte === OPEN_ARRAY ? VALUE_OR_END : NAME_OR_END;
    } else {
      this.#text = [byte];
      this.#state = LITERAL;
    }
  }

  #beginRecords(): void {
    if (this.#found) {
      const message =
        this.#path === null
          ? 'The JSON holds more than one array.'
          : `The JSON holds ${this.#path.join('.')} more than once.`;
      refuse('feed.two-arrays', message, 'name the array of records with recordPath', { line: this.line });
    }
    this.#found = true;
    this.#state = ELEMENT_OR_END;
  }

  #leave(byte: number, at: number): void {
    const frame = this.#frames.pop();
    if (frame === undefined || byte !== (frame.array ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      this.#notJson('a comma or the end of the value was expected', at);
    }
    this.#endValue();
  }

  #endLiteral(at: number): void {
    if (!isLiteral(this.#text)) this.#notJson('a value was expected', at);
    this.#endValue();
  }

  #endValue(): void {
    this.#state = this.#frames.length === 0 ? DONE : AFTER;
  }

  #collect(byte: number, max: number): void {
    if (this.#text.length < max) this.#text.push(byte);
  }

  #notJson(what: string, at: number): never {
    const place = { line: this.line, column: this.#offset + at - this.#lineStart + 1 };
    refuse(
      'feed.json',
      `This is not JSON: ${what} at line ${place.line}, byte ${place.column} of the line.`,
      'correct the export',
      place,
    );
  }
}

const isSpace = (byte: number): boolean => byte === 32 || byte === LF || byte === 13 || byte === 9;
