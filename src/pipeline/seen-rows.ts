// Which row a key was seen in: flat, since there may be a million.
import { assert } from '../base/assert.ts';
import type { Place } from '../base/problem.ts';

/** Of a row's digest, which is written as hex of twice the length. */
const DIGEST_BYTES = 16;
const ROOM_AT_FIRST = 1_024;

export class SeenRows {
  readonly #index = new Map<string, number>();
  #digests = Buffer.alloc(ROOM_AT_FIRST * DIGEST_BYTES);
  /** Record and line of each, 0 where a source has none. */
  #places = new Uint32Array(ROOM_AT_FIRST * 2);

  get size(): number {
    return this.#index.size;
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  /** `digest` is lower-case hex. A later row of the same key takes the place of the earlier one. */
  note(key: string, digest: string, { record = 0, line = 0 }: Place): void {
    let at = this.#index.get(key);
    if (at === undefined) {
      at = this.#index.size;
      this.#index.set(key, at);
      if (at * 2 === this.#places.length) this.#grow();
    }
    const written = this.#digests.write(digest, at * DIGEST_BYTES, DIGEST_BYTES, 'hex');
    assert(written === DIGEST_BYTES, 'the digest of a row is 16 bytes in hex');
    this.#places[at * 2] = record;
    this.#places[at * 2 + 1] = line;
  }

  /** Whether the row that this key was seen in is the very same one. */
  isSame(key: string, digest: string): boolean {
    const at = this.#index.get(key);
    if (at === undefined) return false;
    return this.#digests.toString('hex', at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES) === digest;
  }

  /** Where the row of this key stands, in the file of `like`; nothing of a key that was not seen. */
  placeOf(key: string, like: Place): Place {
    const at = this.#index.get(key);
    if (at === undefined) return {};
    const [record = 0, line = 0] = this.#places.subarray(at * 2, at * 2 + 2);
    return { ...(like.file === undefined ? {} : { file: like.file }), record, line };
  }

  #grow(): void {
    this.#digests = Buffer.concat([this.#digests], this.#digests.length * 2);
    const places = new Uint32Array(this.#places.length * 2);
    places.set(this.#places);
    this.#places = places;
  }
}
