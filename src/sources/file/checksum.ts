// The checksum that a producer puts beside a file: NAME.sha256 or NAME.md5, over the bytes as they were sent.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Problem } from '../../base/problem.ts';
import type { Shelf } from './shelf.ts';
import { chunksOf, type OpenFile } from './walk.ts';

type Algorithm = 'sha256' | 'md5';

/** What a checksum file promises of its file. */
export interface Promised {
  readonly algorithm: Algorithm;
  /** Lower-case hex. */
  readonly digest: string;
  /** Name of the checksum file. */
  readonly sidecar: string;
}

const KINDS: readonly { readonly algorithm: Algorithm; readonly words: string; readonly form: RegExp }[] = [
  { algorithm: 'sha256', words: 'SHA-256', form: /^\\?([0-9a-f]{64})(?![0-9a-f])/i },
  // It does not stop a forger, but tells a transfer that went wrong, which is all it is asked here.
  { algorithm: 'md5', words: 'MD5', form: /^\\?([0-9a-f]{32})(?![0-9a-f])/i },
];

/** A digest, two blanks and a name fit well within. */
const SIDECAR_BYTES_MAX = 4_096;
/** Hashing is fast: larger chunks than a split takes save time and still leave the event loop free. */
const DIGEST_CHUNK_BYTES = 262_144;

export const isChecksumName = (name: string): boolean => KINDS.some(({ algorithm }) => name.endsWith(`.${algorithm}`));

/** Paths of the checksum files that may lie beside this file. */
export const checksumPaths = (path: string): readonly string[] => KINDS.map(({ algorithm }) => `${path}.${algorithm}`);

/** The checksums beside a file; none where there are none. @throws Problem when one is unreadable. */
export async function promisedChecksums(path: string, shelf: Shelf): Promise<readonly Promised[]> {
  const promised: Promised[] = [];
  for (const { algorithm, words, form } of KINDS) {
    const sidecar = `${path}.${algorithm}`;
    const found = await shelf.look(sidecar);
    if (found === null) continue;
    const name = posix.basename(sidecar);
    if (!found.isFile) {
      throw new Problem({
        code: 'feed.checksum',
        message: 'The checksum file is not a regular file.',
        place: { file: name },
      });
    }
    const digest = form.exec((await shelf.head(sidecar, SIDECAR_BYTES_MAX)).toString('latin1').trimStart())?.[1];
    if (digest === undefined) {
      throw new Problem({
        code: 'feed.checksum',
        message: `The checksum file does not begin with ${words === 'MD5' ? 'an MD5' : 'a SHA-256'} in hexadecimal.`,
        hint: `write it with ${algorithm}sum, or remove it`,
        place: { file: name },
      });
    }
    promised.push({ algorithm, digest: digest.toLowerCase(), sidecar: name });
  }
  return promised;
}

/** Compares the file's bytes with each promise. @throws Problem `feed.checksum` */
export async function keepsPromises(
  file: OpenFile,
  promised: readonly Promised[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (promised.length === 0) return [];
  const hashes = promised.map(({ algorithm }) => createHash(algorithm));
  for await (const chunk of chunksOf({ ...file, chunkBytes: DIGEST_CHUNK_BYTES }, signal)) {
    for (const hash of hashes) hash.update(chunk);
  }
  for (const [index, { digest }] of promised.entries()) {
    if (hashes[index]?.digest('hex') !== digest) throw wrongChecksum(file.name);
  }
  return promised.map(({ sidecar }) => `checksum ${sidecar}`);
}

export const wrongChecksum = (name: string): Problem =>
  new Problem({
    code: 'feed.checksum',
    message: 'The file is not the one its checksum file speaks of.',
    hint: 'send file and checksum again',
    place: { file: name },
  });
