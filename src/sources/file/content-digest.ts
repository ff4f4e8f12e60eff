import { createHash } from 'node:crypto';
import { chunksOf, type OpenFile } from './walk.ts';

/** Hashing is fast: larger chunks than a split takes save time and still leave the event loop free. */
const DIGEST_CHUNK_BYTES = 262_144;

/** SHA-256 of the bytes as they are in the file, lower-case hex. */
export async function contentDigestOf(file: OpenFile, signal: AbortSignal): Promise<string> {
  const content = createHash('sha256');
  for await (const chunk of chunksOf({ ...file, chunkBytes: DIGEST_CHUNK_BYTES }, signal)) content.update(chunk);
  return content.digest('hex');
}
