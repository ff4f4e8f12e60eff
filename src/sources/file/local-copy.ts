// What was fetched from a server or taken out of its wrapping lies in a file of the state folder that has no name any more: nobody
// else can open it, and it is gone with the process.
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { Problem } from '../../base/problem.ts';

/** A new, empty file without a name, readable and writable by us alone. */
export async function namelessFile(folder: string): Promise<FileHandle> {
  const place = mkdtempSync(join(folder, '.feed-'));
  try {
    return await open(join(place, 'copy'), 'wx+', 0o600);
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** Writes chunks one after the other. @throws Problem `source.no-room` when the disk is full. */
export class CopyWriter {
  readonly #handle: FileHandle;
  bytes = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await writeAt(this.#handle, chunk, this.bytes);
    this.bytes += chunk.length;
  }
}

/** All of the chunk, at this position. @throws Problem `source.no-room` when the disk is full. */
export async function writeAt(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  try {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, position + written);
      written += bytesWritten;
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
    throw new Problem({
      code: 'source.no-room',
      message: 'The state folder has no room for a copy of the delivery.',
      hint: 'make room; it is fetched again at the next look',
    });
  }
}

/** A copy that its source keeps for the next look while deliveries made of it are open. */
export class SharedCopy<T> {
  readonly content: T;
  readonly #close: () => Promise<void>;
  #users = 1;

  /** The maker is its first user. */
  constructor(content: T, close: () => Promise<void>) {
    this.content = content;
    this.#close = close;
  }

  use(): this {
    assert(this.#users > 0, 'a closed copy is not used again');
    this.#users += 1;
    return this;
  }

  /** Once for the maker, and once for each `use`; the last one closes. */
  async release(): Promise<void> {
    this.#users -= 1;
    assert(this.#users >= 0, 'a copy is released once by each of its users');
    if (this.#users === 0) await this.#close();
  }
}
