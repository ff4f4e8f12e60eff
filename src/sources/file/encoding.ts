// From the bytes of a file to valid UTF-8: a byte order mark wins, then the configured encoding, then UTF-8. Nothing falls back
// silently: bytes that do not fit the encoding refuse the delivery. iconv-lite decodes everything but UTF-8, because the
// TextDecoder of several Node versions maps Windows-1252 0x80-0x9F to control characters.
import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { Problem } from '../../base/problem.ts';
import { refuse } from './splitter.ts';

export interface Encoding {
  /** Lower-case name: `utf-8` or one that iconv-lite knows. */
  readonly name: string;
  /** Bytes of the byte order mark, not part of the text. */
  readonly markBytes: number;
}

/** Turns raw chunks into valid UTF-8; a returned chunk may be the very one given. */
export interface Decoder {
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** @throws Problem when the file ends inside a character. */
  readonly end: () => Uint8Array;
}

/** Bytes to look at before the encoding is known. */
export const MARK_BYTES_MAX = 4;

const MARKS: readonly { readonly bytes: readonly number[]; readonly name: string }[] = [
  { bytes: [0xff, 0xfe, 0x00, 0x00], name: 'utf-32le' },
  { bytes: [0x00, 0x00, 0xfe, 0xff], name: 'utf-32be' },
  { bytes: [0xef, 0xbb, 0xbf], name: 'utf-8' },
  { bytes: [0xff, 0xfe], name: 'utf-16le' },
  { bytes: [0xfe, 0xff], name: 'utf-16be' },
];

const NOTHING = new Uint8Array(0);
const REPLACEMENT = '\ufffd';

/** @throws Problem when the configured encoding is unknown. */
export function encodingOf(first: Uint8Array, configured: string | null): Encoding {
  const mark = MARKS.find(({ bytes }) => bytes.every((byte, i) => first[i] === byte));
  if (mark !== undefined) return { name: mark.name, markBytes: mark.bytes.length };
  const name = (configured ?? 'utf-8').toLowerCase();
  if (name === 'utf8' || name === 'utf-8') return { name: 'utf-8', markBytes: 0 };
  if (!iconv.encodingExists(name)) {
    throw new Problem({
      code: 'source.encoding',
      message: `The encoding ${JSON.stringify(name)} is not known.`,
      hint: 'use utf-8, utf-16le, windows-1252, iso-8859-15 …',
    });
  }
  return { name, markBytes: 0 };
}

/** @param lineNow the line of the next byte that has not been handed on yet; asked only when something is wrong. */
export function decoderFor(encoding: Encoding, lineNow: () => number): Decoder {
  const inner = encoding.name === 'utf-8' ? new Utf8Check(encoding.markBytes, lineNow) : transcoder(encoding, lineNow);
  let skip = encoding.markBytes;
  return {
    push: (chunk) => {
      const skipped = Math.min(skip, chunk.length);
      skip -= skipped;
      return inner.push(skipped === 0 ? chunk : chunk.subarray(skipped));
    },
    end: inner.end,
  };
}

/** Passes UTF-8 through and checks it strictly, also where a character crosses two chunks. */
class Utf8Check implements Decoder {
  readonly #lineNow: () => number;
  /** Bytes of the file before the next chunk. */
  #offset: number;
  /** The first bytes of a character that goes on in the next chunk. */
  #open: Uint8Array = NOTHING;

  constructor(offset: number, lineNow: () => number) {
    this.#offset = offset;
    this.#lineNow = lineNow;
  }

  readonly push = (chunk: Uint8Array): Uint8Array => {
    let from = 0;
    if (this.#open.length > 0) {
      const wanted = characterBytes(this.#open[0] as number) - this.#open.length;
      from = Math.min(wanted, chunk.length);
      const character = Buffer.concat([this.#open, chunk.subarray(0, from)]);
      if (from < wanted) {
        this.#open = character;
        this.#offset += chunk.length;
        return chunk;
      }
      if (!isUtf8(character)) this.#refuse(this.#offset - this.#open.length, this.#open[0] as number, this.#lineNow());
      this.#open = NOTHING;
    }
    const until = chunk.length - openBytes(chunk, from);
    if (!isUtf8(chunk.subarray(from, until))) {
      const bad = firstInvalid(chunk, from, until);
      this.#refuse(this.#offset + bad, chunk[bad] as number, this.#lineNow() + lineEnds(chunk, bad));
    }
    this.#open = until === chunk.length ? NOTHING : Uint8Array.from(chunk.subarray(until)); // A copy: the chunk is overwritten by the next one.
    this.#offset += chunk.length;
    return chunk;
  };

  readonly end = (): Uint8Array => {
    const open = this.#open;
    if (open.length === 0) return NOTHING;
    // What follows a lead byte without continuing it was cut nowhere: it is another encoding.
    const isCut = open.subarray(1).every((byte) => (byte & 0xc0) === 0x80);
    if (!isCut) this.#refuse(this.#offset - open.length, open[0] as number, this.#lineNow());
    endsInsideCharacter(this.#lineNow());
  };

  #refuse(offset: number, byte: number, line: number): never {
    refuse(
      'feed.encoding',
      `Byte ${offset} of the file (0x${byte.toString(16).padStart(2, '0')}, on line ${line}) is not UTF-8.`,
      'if the file is from a Windows program, set encoding: windows-1252',
      { line },
    );
  }
}

function transcoder(encoding: Encoding, lineNow: () => number): Decoder {
  const decoder = iconv.getDecoder(encoding.name, { stripBOM: false });
  const wide = /^(utf-?16|ucs-?2)/.test(encoding.name);
  const unit = /^utf-?32/.test(encoding.name) ? 4 : wide ? 2 : 1;
  let bytes = 0;
  let held = '';
  const checked = (text: string, last: boolean): Uint8Array => {
    let whole = held + text;
    held = '';
    const tail = whole.charCodeAt(whole.length - 1);
    if (!last && tail >= 0xd800 && tail <= 0xdbff) {
      held = whole.slice(-1);
      whole = whole.slice(0, -1);
    }
    // In UTF-16 a U+FFFD may have been written on purpose; elsewhere it can only stand for an undefined byte.
    const bad = wide
      ? whole.isWellFormed()
        ? -1
        : whole.toWellFormed().indexOf(REPLACEMENT)
      : whole.indexOf(REPLACEMENT);
    if (bad >= 0) {
      const line = lineNow() + lineEnds(Buffer.from(whole.slice(0, bad)), Number.POSITIVE_INFINITY);
      refuse(
        'feed.encoding',
        `Line ${line} holds bytes that do not exist in ${encoding.name}.`,
        'set encoding: to the one the file was written in',
        { line },
      );
    }
    return Buffer.from(whole);
  };
  return {
    push: (chunk) => {
      bytes += chunk.length;
      return checked(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)), false);
    },
    end: () => {
      if (bytes % unit !== 0) endsInsideCharacter(lineNow());
      return checked(decoder.end() ?? '', true);
    },
  };
}

function endsInsideCharacter(line: number): never {
  refuse('feed.truncated', 'The file ends inside a character.', 'send the file again, whole', { line });
}

/** How long the character is that begins with this byte; 1 for a byte that begins none. */
function characterBytes(lead: number): number {
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xc2 && lead <= 0xdf ? 2 : 1;
}

/** Bytes at the end of the chunk that begin a character without ending it. */
function openBytes(chunk: Uint8Array, from: number): number {
  for (let back = 1; back <= 3 && chunk.length - back >= from; back++) {
    const byte = chunk[chunk.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return characterBytes(byte) > back ? back : 0;
  }
  return 0;
}

function firstInvalid(chunk: Uint8Array, from: number, until: number): number {
  let at = from;
  while (at < until) {
    const next = at + characterBytes(chunk[at] as number);
    if (next > until || !isUtf8(chunk.subarray(at, next))) return at;
    at = next;
  }
  return from;
}

function lineEnds(bytes: Uint8Array, until: number): number {
  let count = 0;
  const last = Math.min(until, bytes.length);
  for (let i = 0; i < last; i++) {
    if (bytes[i] === 10 || (bytes[i] === 13 && bytes[i + 1] !== 10)) count++;
  }
  return count;
}
