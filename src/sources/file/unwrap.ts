// Takes a feed out of its wrapping: PGP where the connection says so, then gzip where the bytes begin as gzip does. The result lies
// in a nameless file and counts only when every layer has ended well. How much may come out is bounded.
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem } from '../../base/problem.ts';
import { CopyWriter, namelessFile } from './local-copy.ts';
import { decrypted, looksEncrypted, PGP_HEAD_BYTES, type PgpKeys } from './pgp.ts';
import { chunksOf, named, type OpenFile } from './walk.ts';

export interface UnwrapSettings {
  readonly pgp: PgpKeys | null;
  /** Folder for the copy. */
  readonly stateDir: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** More than this never comes out of a wrapping. */
  readonly bytesMax?: number;
}

/** A million workers with many columns fit several times over; what is larger is a bomb or a mistake. */
const UNWRAPPED_BYTES_MAX = 8 * 1024 ** 3;
/** Tables compress ten to fifty times; gzip can reach a thousand, with content that is nobody's. */
const RATIO_MAX = 200;
/** A small file may well be all alike. */
const RATIO_FREE_BYTES = 64 * 1024 * 1024;

export interface Unwrapped {
  /** The feed itself; the very file given where nothing was wrapped. */
  readonly file: OpenFile;
  /** Set where `file` is a copy that somebody has to close. */
  readonly copy: FileHandle | null;
  /** What the wrapping proves, for people: strong proof. */
  readonly proofs: readonly string[];
}

/** @throws Problem when the wrapping is not as it must be: nothing of the file counts then. */
export async function unwrapped(raw: OpenFile, settings: UnwrapSettings, signal: AbortSignal): Promise<Unwrapped> {
  const { buffer, bytesRead } = await raw.handle.read(Buffer.alloc(PGP_HEAD_BYTES), 0, PGP_HEAD_BYTES, 0);
  const head = buffer.subarray(0, bytesRead);
  const encrypted = looksEncrypted(head);
  if (settings.pgp === null) {
    if (encrypted && (head[0] === 0x2d || /\.(?:pgp|gpg|asc)$/i.test(raw.name))) throw encryptedUnexpected(raw.name);
    if (!isGzip(head)) return { file: raw, copy: null, proofs: [] };
  } else if (!encrypted && raw.size > 0) throw notEncrypted(raw.name);
  if (raw.size === 0) return { file: raw, copy: null, proofs: [] };

  const copy = await namelessFile(settings.stateDir);
  try {
    const writer = new BoundedWriter(copy, raw, settings.bytesMax ?? UNWRAPPED_BYTES_MAX);
    const proofs: string[] = [];
    const bytes = copied(raw, signal);
    if (settings.pgp === null) await gunzipInto(bytes, writer, signal);
    else {
      const message = await decrypted(bytes, head[0] === 0x2d, settings.pgp, settings.now());
      await unzippedInto(message.plain, writer, signal);
      const signed = await message.signedBy();
      if (signed !== null) proofs.push(signed);
    }
    return { file: { ...raw, handle: copy, size: writer.bytes }, copy, proofs };
  } catch (cause) {
    await copy.close();
    signal.throwIfAborted();
    throw named(cause, raw.name);
  }
}

const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08;

/** Chunks of their own: those of a walk are overwritten by the next ones. */
async function* copied(file: OpenFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunksOf(file, signal)) yield Uint8Array.from(chunk);
}

/** What was decrypted may be compressed inside. */
async function unzippedInto(
  bytes: AsyncIterable<Uint8Array>,
  writer: BoundedWriter,
  signal: AbortSignal,
): Promise<void> {
  const chunks = bytes[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let known = 0;
  let ended = false;
  while (known < 3 && !ended) {
    const { value, done } = await chunks.next();
    ended = done === true;
    if (!ended && value !== undefined) {
      first.push(value);
      known += value.length;
    }
  }
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    yield* first;
    if (!ended) yield* { [Symbol.asyncIterator]: () => chunks };
  };
  if (isGzip(Buffer.concat(first))) await gunzipInto(rest(), writer, signal);
  else for await (const chunk of rest()) await writer.write(chunk);
}

async function gunzipInto(bytes: AsyncIterable<Uint8Array>, writer: BoundedWriter, signal: AbortSignal): Promise<void> {
  const source = Readable.from(bytes, { objectMode: false });
  const gunzip = createGunzip();
  // A fault of what feeds it ends it with that very fault.
  source.on('error', (cause) => gunzip.destroy(cause));
  try {
    for await (const chunk of source.pipe(gunzip)) {
      signal.throwIfAborted();
      await writer.write(chunk as Buffer);
    }
  } catch (cause) {
    source.destroy();
    throw gzipRefusal(cause);
  } finally {
    gunzip.destroy();
  }
}

function gzipRefusal(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : '';
  if (code === 'Z_BUF_ERROR') {
    return new Problem({
      code: 'feed.truncated',
      message: 'The compressed file ends before its end.',
      hint: 'send the file again, whole',
    });
  }
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return new Problem({
      code: 'feed.gzip',
      message: 'The compressed file is damaged.',
      hint: 'send the file again; it is gzip, as gzip writes it',
    });
  }
  return cause;
}

class BoundedWriter {
  readonly #writer: CopyWriter;
  readonly #raw: OpenFile;
  readonly #bytesMax: number;

  constructor(handle: FileHandle, raw: OpenFile, bytesMax: number) {
    this.#writer = new CopyWriter(handle);
    this.#raw = raw;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const after = this.bytes + chunk.length;
    if (after > this.#bytesMax || (after > RATIO_FREE_BYTES && after > RATIO_MAX * this.#raw.size)) {
      throw new Problem({
        code: 'feed.too-large',
        message: `Far more comes out of the file than goes into an export: over ${Math.floor(this.bytes / 1024 ** 2)} MiB out of ${Math.ceil(this.#raw.size / 1024)} KiB.`,
        hint: 'look at what writes it; a feed grows at most 200 times when it is unpacked',
      });
    }
    await this.#writer.write(chunk);
  }
}

const notEncrypted = (name: string): Problem =>
  new Problem({
    code: 'feed.pgp',
    message: 'The file is not encrypted, but source.pgp says that deliveries are.',
    hint: 'ask who writes it; to take plain files, remove source.pgp',
    place: { file: name },
  });

const encryptedUnexpected = (name: string): Problem =>
  new Problem({
    code: 'feed.pgp',
    message: 'The file is encrypted with PGP.',
    hint: 'set source.pgp with the private key it was encrypted for',
    place: { file: name },
  });
