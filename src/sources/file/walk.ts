// One pass over an open file: read, decode, split. Everything that reads a feed goes through here.
import type { FileHandle } from 'node:fs/promises';
import { Problem } from '../../base/problem.ts';
import { decoderFor, type Encoding } from './encoding.ts';
import type { Splitter } from './splitter.ts';

/** One chunk is worked on without yielding; 64 kB keep the event loop's delay below 20 ms. */
export const CHUNK_BYTES = 65_536;

/** An open file and the size it had when it was opened: later bytes belong to another delivery. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly name: string;
  readonly size: number;
  readonly chunkBytes: number;
}

/** The bytes in order. A chunk is valid until the next one is asked for; that one is read while this one is worked on. */
export async function* chunksOf(file: OpenFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const buffers = [Buffer.allocUnsafe(file.chunkBytes), Buffer.allocUnsafe(file.chunkBytes)] as const;
  const readAt = (position: number, turn: number) =>
    file.handle.read(buffers[turn % 2] as Buffer, 0, Math.min(file.chunkBytes, file.size - position), position);
  let position = 0;
  let turn = 0;
  let ahead = readAt(0, 0);
  try {
    while (position < file.size) {
      signal.throwIfAborted();
      const { buffer, bytesRead } = await ahead;
      if (bytesRead === 0) return;
      position += bytesRead;
      turn++;
      if (position < file.size) ahead = readAt(position, turn);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await ahead; // Whoever stops early must not leave a read behind that lands in a closed file.
  }
}

/**
 * Pushes the whole file through the splitter and yields after every chunk and once more at the end.
 * @param raw takes the bytes as they are in the file, before decoding.
 * @throws Problem with the file's name when the bytes cannot be decoded or split.
 */
export async function* walk(
  file: OpenFile,
  encoding: Encoding,
  splitter: Splitter,
  signal: AbortSignal,
  raw: (chunk: Uint8Array) => void = () => {},
): AsyncGenerator<void> {
  const decoder = decoderFor(encoding, () => splitter.line);
  try {
    for await (const chunk of chunksOf(file, signal)) {
      raw(chunk);
      splitter.push(decoder.push(chunk));
      yield;
    }
    splitter.push(decoder.end());
    splitter.end();
    yield;
  } catch (cause) {
    throw named(cause, file.name);
  }
}

/** The same complaint, told of this file. */
export function named(cause: unknown, name: string): unknown {
  if (!(cause instanceof Problem)) return cause;
  return new Problem(
    cause.faults.map((fault) => ({ ...fault, place: { file: name, ...fault.place } })),
    cause.exitCode,
  );
}
