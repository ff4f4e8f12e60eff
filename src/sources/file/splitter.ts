// What every splitter promises: raw bytes in, whole records out, memory bounded by ROW_BYTES_MAX.
// A splitter knows where records begin and end and nothing of what stands in them.
import { createHash, type Hash, hash } from 'node:crypto';
import { Problem } from '../../base/problem.ts';

/** A row longer than this is a row fault: no HR record comes near it, and memory must not follow a runaway cell. */
export const ROW_BYTES_MAX = 1_048_576;

/** Digests are the first half of a SHA-256. */
export const DIGEST_BYTES = 16;

/** Takes the records; the bytes are valid only during the call. */
export interface RecordSink {
  readonly record: (bytes: Uint8Array, start: number, end: number) => void;
  /** A record longer than ROW_BYTES_MAX: its bytes are gone, only its digest is left. */
  readonly overlong: (digest: Uint8Array) => void;
}

export interface Splitter {
  /** The line on which the record now handed over begins, from 1. */
  readonly recordLine: number;
  /** The line of the next byte to be pushed, from 1. */
  readonly line: number;
  /** True once `end` met a record without its own end of line. */
  readonly unterminated: boolean;
  /** @throws Problem when the bytes cannot be split with certainty. */
  readonly push: (chunk: Uint8Array) => void;
  /** The feed is over. @throws Problem when it ends in the middle of something. */
  readonly end: () => void;
}

const CARRY_BYTES_FIRST = 65_536;
const NOTHING = new Uint8Array(0);

/** Puts together records that cross chunks; one that lies inside a chunk is handed on without a copy. */
export class Gather {
  readonly #sink: RecordSink;
  #carry = Buffer.allocUnsafe(CARRY_BYTES_FIRST);
  #used = 0;
  #overlong: Hash | null = null;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** True while a record has begun and not ended. */
  get open(): boolean {
    return this.#used > 0 || this.#overlong !== null;
  }

  /** The record goes on after this piece. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    const piece = bytes.subarray(start, end);
    if (this.#overlong !== null) {
      this.#overlong.update(piece);
      return;
    }
    const length = this.#used + piece.length;
    if (length > ROW_BYTES_MAX) {
      this.#overlong = createHash('sha256').update(this.#carry.subarray(0, this.#used)).update(piece);
      this.#used = 0;
      return;
    }
    if (length > this.#carry.length) {
      const wider = Buffer.allocUnsafe(Math.min(ROW_BYTES_MAX, Math.max(length, 2 * this.#carry.length)));
      wider.set(this.#carry.subarray(0, this.#used));
      this.#carry = wider;
    }
    this.#carry.set(piece, this.#used);
    this.#used = length;
  }

  /** The record ends with this piece, which may be empty. */
  finish(bytes: Uint8Array, start: number, end: number): void {
    if (!this.open && end - start <= ROW_BYTES_MAX) {
      this.#sink.record(bytes, start, end);
      return;
    }
    this.keep(bytes, start, end);
    if (this.#overlong !== null) {
      const digest = this.#overlong.digest().subarray(0, DIGEST_BYTES);
      this.#overlong = null;
      this.#sink.overlong(digest);
      return;
    }
    const used = this.#used;
    this.#used = 0;
    this.#sink.record(this.#carry, 0, used);
  }

  finishCarried(): void {
    this.finish(NOTHING, 0, 0);
  }
}

/**
 * Writes the digest of these bytes into `into` (16 bytes); the scan calls it once a row and keeps one buffer.
 * The digest comes as a string of bytes because a Buffer lives outside the heap and costs three times as much.
 */
export function digestInto(into: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
  const full = hash('sha256', bytes.subarray(start, end), 'binary');
  for (let i = 0; i < DIGEST_BYTES; i++) into[i] = full.charCodeAt(i);
}

/** A feed that cannot be split has no effect at all. */
export function refuse(code: string, message: string, hint: string, place: { line?: number; column?: number }): never {
  throw new Problem({ code, message, hint, place });
}
