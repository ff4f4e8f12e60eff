// The rows of one look, one a line, in a file that has no name any more: memory stays flat, and nothing personal outlives the process.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHUNK_BYTES, type OpenFile } from '../file/walk.ts';

const WRITE_BYTES = 1024 * 1024;

export class RowSpool implements AsyncDisposable {
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #written = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @param folder the state folder; where there is none yet (`plan` before the first run), that of the system for temporary files. */
  static async open(folder: string): Promise<RowSpool> {
    const parent = mkdtempSync(join(existsSync(folder) ? folder : tmpdir(), '.rows-'));
    try {
      return new RowSpool(await open(join(parent, 'rows'), 'wx+', 0o600));
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  }

  get bytes(): number {
    return this.#written + this.#waitingBytes;
  }

  async line(text: string): Promise<void> {
    await this.raw(Buffer.from(`${text}\n`, 'utf8'));
  }

  /** Takes the bytes over: they must not change any more. */
  async raw(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
  }

  /** Forgets what was written since `bytes` were there. */
  async rollBack(bytes: number): Promise<void> {
    await this.#flush();
    await this.#handle.truncate(bytes);
    this.#written = bytes;
  }

  /** The file to be read; nothing is written any more. */
  async file(name: string): Promise<OpenFile> {
    await this.#flush();
    return { handle: this.#handle, name, size: this.#written, chunkBytes: CHUNK_BYTES };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const bytes = Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#written + done);
      done += bytesWritten;
    }
    this.#written += bytes.length;
  }
}
