// A plan may concern a million workers and is judged as a whole before any of it is stored. Items beyond a bound wait in a
// file that has no name any more, so nothing personal stays behind when the process dies.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';

/** Text kept in memory before the file is used: a daily snapshot never gets there. */
const MEMORY_MAX = 32 * 1024 * 1024;
const WRITE_BUFFER = 1024 * 1024;

export class Spool<T> implements Disposable {
  readonly #memory: string[] = [];
  #memoryBytes = 0;
  #fd: number | null = null;
  #offsets = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  #spilled = 0;
  #fileBytes = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  readonly #folder: string;

  /** `folder` must be writable: the state folder, since the rest of a container may not be. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get size(): number {
    return this.#memory.length + this.#spilled;
  }

  /** Returns the item's index. */
  add(item: T): number {
    const text = JSON.stringify(item);
    if (this.#memoryBytes + text.length <= MEMORY_MAX && this.#fd === null) {
      this.#memoryBytes += text.length;
      this.#memory.push(text);
      return this.#memory.length - 1;
    }
    this.#fd ??= openNameless(this.#folder);
    const bytes = Buffer.from(text);
    if (this.#spilled === this.#offsets.length) this.#grow();
    this.#offsets[this.#spilled] = this.#fileBytes;
    this.#lengths[this.#spilled] = bytes.length;
    this.#spilled += 1;
    this.#fileBytes += bytes.length;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= WRITE_BUFFER) this.#flush();
    return this.size - 1;
  }

  get(index: number): T {
    const inMemory = this.#memory[index];
    if (inMemory !== undefined) return JSON.parse(inMemory) as T;
    const position = index - this.#memory.length;
    assert(position >= 0 && position < this.#spilled && this.#fd !== null, 'spool index out of range');
    this.#flush();
    const bytes = Buffer.allocUnsafe(this.#lengths[position] ?? 0);
    const read = readSync(this.#fd, bytes, 0, bytes.length, this.#offsets[position] ?? 0);
    assert(read === bytes.length, 'spool file is short');
    return JSON.parse(bytes.toString('utf8')) as T;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#memory.length = 0;
    this.#pending = [];
  }

  #flush(): void {
    if (this.#pendingBytes === 0 || this.#fd === null) return;
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#fd, bytes, written, bytes.length - written);
    this.#pending = [];
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
