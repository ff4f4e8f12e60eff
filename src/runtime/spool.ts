// A plan may concern a million workers and is judged as a whole before any of it is stored. Texts beyond a bound wait in a
// file that has no name any more, so nothing personal stays behind when the process dies.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Shelf } from './shelf.ts';

/** Text kept in memory before the file is used: a daily snapshot never gets there. */
const MEMORY_MAX = 2 * 1024 * 1024;
/** More than what is asked for while a first load is planned: that is still here then. */
const WRITE_BUFFER = 4 * 1024 * 1024;
/** Read at once where items are asked for in the order in which they were added. */
const READ_BUFFER = 256 * 1024;
/** UTF-8 never takes more bytes for one unit of a text. */
const BYTES_PER_UNIT_MAX = 3;

const EMPTY = Buffer.alloc(0);

/** Texts in UTF-8, one after the other. */
export interface Packed {
  readonly bytes: Uint8Array;
  /** Bytes of each. */
  readonly lengths: Uint32Array;
}

export class Spool implements Disposable {
  readonly #memory: string[] = [];
  #memoryBytes = 0;
  #fd: number | null = null;
  #offsets = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  #spilled = 0;
  #fileBytes = 0;
  #pending: Buffer = EMPTY;
  #pendingBytes = 0;
  /** The first `#windowBytes` bytes hold a part of the file, from `#windowAt` on. */
  #window: Buffer = EMPTY;
  #windowAt = 0;
  #windowBytes = 0;
  #readUpTo = 0;
  readonly #folder: string;

  /** `folder` must be writable: the state folder, since the rest of a container may not be. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get size(): number {
    return this.#memory.length + this.#spilled;
  }

  /** Returns the text's index. */
  add(text: string): number {
    if (this.#memoryBytes + text.length <= MEMORY_MAX && this.#fd === null) {
      this.#memoryBytes += text.length;
      this.#memory.push(text);
      return this.#memory.length - 1;
    }
    this.#fd ??= openNameless(this.#folder);
    const length = this.#append(text);
    if (this.#spilled === this.#offsets.length) this.#grow();
    this.#offsets[this.#spilled] = this.#fileBytes;
    this.#lengths[this.#spilled] = length;
    this.#spilled += 1;
    this.#fileBytes += length;
    return this.size - 1;
  }

  get(index: number): string {
    const inMemory = this.#memory[index];
    if (inMemory !== undefined) return inMemory;
    const position = this.#position(index);
    return this.#read(this.#offsets[position] ?? 0, this.#lengths[position] ?? 0);
  }

  /** 0 for an empty text; else its number of bytes, or of units as long as it waits in memory. */
  lengthOf(index: number): number {
    return this.#memory[index]?.length ?? this.#lengths[this.#position(index)] ?? 0;
  }

  /** These texts as bytes one after the other, in memory of `shelf`: what follows each other in the file is read at once. */
  packed(indexes: readonly number[], shelf: Shelf): Packed {
    const lengths = Uint32Array.from(indexes, (index) => this.#bytesOf(index));
    const bytes = shelf.take(lengths.reduce((sum, length) => sum + length, 0));
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    // A stretch of the file that is still to be read.
    let from = 0;
    let to = 0;
    const readStretch = (): void => {
      this.#readInto(buffer.subarray(at, at + to - from), from);
      at += to - from;
      from = 0;
      to = 0;
    };
    for (const [place, index] of indexes.entries()) {
      const inMemory = this.#memory[index];
      if (inMemory !== undefined) {
        readStretch();
        at += buffer.write(inMemory, at);
        continue;
      }
      const start = this.#offsets[this.#position(index)] ?? 0;
      if (start !== to) {
        readStretch();
        from = start;
      }
      to = start + (lengths[place] ?? 0);
    }
    readStretch();
    return { bytes, lengths };
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#memory.length = 0;
    this.#pending = EMPTY;
    this.#window = EMPTY;
  }

  /** Where in the file's tables a text stands that is not in memory. */
  #position(index: number): number {
    const position = index - this.#memory.length;
    assert(position >= 0 && position < this.#spilled && this.#fd !== null, 'spool index out of range');
    return position;
  }

  #bytesOf(index: number): number {
    const inMemory = this.#memory[index];
    return inMemory === undefined ? (this.#lengths[this.#position(index)] ?? 0) : Buffer.byteLength(inMemory);
  }

  /** Returns the number of bytes. */
  #append(text: string): number {
    const most = text.length * BYTES_PER_UNIT_MAX;
    if (this.#pendingBytes + most > this.#pending.length) {
      this.#flush();
      if (most > this.#pending.length) this.#pending = Buffer.allocUnsafe(Math.max(WRITE_BUFFER, most));
    }
    const length = this.#pending.write(text, this.#pendingBytes);
    this.#pendingBytes += length;
    return length;
  }

  #read(at: number, length: number): string {
    const end = at + length;
    if (at < this.#windowAt || end > this.#windowAt + this.#windowBytes) {
      // One item by itself, unless the one before it was asked for last.
      const wanted = at === this.#readUpTo ? Math.max(length, Math.min(READ_BUFFER, this.#fileBytes - at)) : length;
      if (wanted > this.#window.length) this.#window = Buffer.allocUnsafe(Math.max(wanted, READ_BUFFER));
      this.#windowBytes = 0;
      this.#readInto(this.#window.subarray(0, wanted), at);
      this.#windowAt = at;
      this.#windowBytes = wanted;
    }
    this.#readUpTo = end;
    return this.#window.toString('utf8', at - this.#windowAt, end - this.#windowAt);
  }

  /** Fills `into` from this place of the file on; what waits to be written is there already. */
  #readInto(into: Uint8Array, at: number): void {
    if (into.length === 0) return;
    assert(this.#fd !== null, 'a spool without a file has nothing in it');
    const written = this.#fileBytes - this.#pendingBytes;
    const inFile = Math.max(0, Math.min(into.length, written - at));
    if (inFile < into.length) this.#pending.copy(into, inFile, at + inFile - written, at + into.length - written);
    let read = 0;
    while (read < inFile) {
      const more = readSync(this.#fd, into, read, inFile - read, at + read);
      assert(more > 0, 'spool file is short');
      read += more;
    }
  }

  #flush(): void {
    if (this.#pendingBytes === 0 || this.#fd === null) return;
    let written = 0;
    while (written < this.#pendingBytes) {
      written += writeSync(this.#fd, this.#pending, written, this.#pendingBytes - written);
    }
    this.#pendingBytes = 0;
  }

  #grow(): void {
    const offsets = new Float64Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const lengths = new Uint32Array(this.#lengths.length * 2);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }
}

function openNameless(parent: string): number {
  const folder = mkdtempSync(join(parent, '.plan-'));
  const fd = openSync(join(folder, 'spool'), 'wx+', 0o600);
  rmSync(folder, { recursive: true });
  return fd;
}
