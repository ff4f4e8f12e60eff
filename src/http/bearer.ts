// Bearer tokens, compared by digest, so that time tells nothing of them.
import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../runtime/hash.ts';

/** @param authorization the header as it came. */
export function bears(authorization: string | undefined, token: string): boolean {
  const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(token)));
}
